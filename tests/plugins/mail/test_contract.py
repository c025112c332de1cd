from __future__ import annotations

import pytest

from knowledge_connector import Converter
from knowledge_connector.testing.converter import ConvertersContract
from knowledge_connector_mail import register_converters
from knowledge_connector_mail.eml import MailConverter
from knowledge_connector_mail.mhtml import SavedPageConverter
from knowledge_connector_mail.msg import OutlookConverter
from samples.letters import FILE_NAME, PLAIN, SUBJECT, enclosed_file, mail, outlook, saved_page

SAMPLES: dict[type[Converter], bytes] = {
    MailConverter: mail("Because.", html="<p>Because.</p>", files=[("a.csv", b"a,b\n", "text/csv")]),
    OutlookConverter: outlook(
        {SUBJECT: "Why?", PLAIN: "Because."}, [enclosed_file({FILE_NAME: "a.csv", 0x3701: b"a,b\n"})]
    ),
    SavedPageConverter: saved_page("<h1>Why?</h1><p>Because."),
}


@pytest.mark.parametrize("kind", SAMPLES, ids=lambda kind: kind.name)
class TestMail(ConvertersContract):
    samples = SAMPLES


def test_every_converter_of_the_plugin_is_asked() -> None:
    assert set(register_converters()) == set(SAMPLES)
