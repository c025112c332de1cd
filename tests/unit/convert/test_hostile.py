"""Broken and hostile files through the real sandbox: no crash, no hang, memory within the bound, each with its reason."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from knowledge_connector import ConnectorError, DocumentError, Raw
from knowledge_connector.chunking.plugin import register_chunkers
from knowledge_connector.convert.pipeline import ConverterSet
from knowledge_connector.convert.plugin import register_converters
from knowledge_connector.convert.sandbox import Sandbox, WorkerSpec
from knowledge_connector.ports import ChunkRules
from knowledge_connector.refs import class_ref
from knowledge_connector.sync.prepare import Prepared, Request
from knowledge_connector.worker import FACTORY, Outfit
from knowledge_connector_mail import register_converters as of_mail
from knowledge_connector_office import register_converters as of_office
from knowledge_connector_pdf import register_converters as of_pdf
from samples.hostile import ANY, Case, cases

ALL = cases()
REASONS = {
    *("unsupported", "encrypted", "binary", "malformed", "bomb", "too-deep", "too-long", "archive-off", "html"),
    *("no-text-layer", "no-ocr", "no-libreoffice", "too-many-pages", "too-many-cells", "too-many", "timeout"),
}
"""Codes that say something; `crashed` and `memory` are not among them."""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    converters = ConverterSet.of([*of_mail(), *of_office(), *of_pdf(), *register_converters()])
    chunkers = tuple(class_ref(cls) for cls in register_chunkers())
    outfit = Outfit(converters, (), chunkers, {"archive": {"enabled": True}})
    with Sandbox(WorkerSpec(FACTORY, outfit), processes=1, timeout_seconds=30, memory_bytes=1 << 30) as sandbox:
        yield sandbox


def test_there_are_enough_of_them() -> None:
    assert len(ALL) >= 200
    assert len({case.name for case in ALL}) == len(ALL)


@pytest.mark.matrix
@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
def test_it_ends_with_text_or_with_a_reason(sandbox: Sandbox, case: Case) -> None:
    outcome, text = outcome_of(sandbox, case)
    assert outcome in {"text", "empty", *REASONS}
    assert "root:x:0" not in text
    if case.expected != ANY:
        assert outcome == case.expected


def outcome_of(sandbox: Sandbox, case: Case) -> tuple[str, str]:
    request = Request(Raw(case.content, "", f"file:///{case.name}"), (("markdown", ChunkRules()),))
    try:
        [answer] = sandbox.call([request])
    except DocumentError as error:
        answer = error
    if isinstance(answer, ConnectorError):
        assert isinstance(answer, DocumentError), answer
        return answer.code, answer.message
    assert isinstance(answer, Prepared)
    chunks = answer.cuts[0].chunks
    return ("text" if chunks else "empty"), "\n".join(chunk.text for chunk in chunks)
