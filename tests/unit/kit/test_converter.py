"""Converters whose work another module does."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from knowledge_connector import Converted, Raw
from knowledge_connector.kit.converter import LazyConverter
from knowledge_connector.kit.facts import Facts


def read(raw: Raw, settings: Mapping[str, Any]) -> Converted:
    """What this module does for `Lazy`."""
    return Converted(f"{raw.content.decode()} {settings['more']}", "A title")


class Lazy(LazyConverter):
    name = "lazy"
    version = "1"
    media_types: ClassVar[frozenset[str]] = frozenset({"text/lazy"})
    extensions: ClassVar[Mapping[str, str]] = {".lazy": "text/lazy"}
    reader = __name__


def test_the_module_that_is_named_does_the_work() -> None:
    assert Lazy().convert(Raw(b"some", "text/lazy"), {"more": "words"}) == Converted("some words", "A title")


@pytest.mark.parametrize(
    ("plugin", "heavy"), [("knowledge_connector_office", {"lxml"}), ("knowledge_connector_pdf", {"pypdfium2", "PIL"})]
)
def test_nothing_heavy_is_imported_before_there_is_a_document(plugin: str, heavy: set[str]) -> None:
    script = f"import sys, {plugin}.converters; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not heavy & {*done.stdout.split()}


@pytest.mark.parametrize(
    "title",
    [
        "",
        "Untitled",
        "untitled 3",
        "Document1",
        "Mappe1",
        "Präsentation 2",
        "Microsoft Word - Draft 7",
        "report.docx",
        "a.b.html",
    ],
)
def test_what_programs_put_there_is_no_title(title: str) -> None:
    assert Facts.of(title, "", {}).title is None


@pytest.mark.parametrize(
    "title", ["Documents of the meeting", "Book of Rules", "Untitled works of the painter", "C.H."]
)
def test_what_people_write_is_one(title: str) -> None:
    assert Facts.of(title, "", {}).title == title


def test_what_says_nothing_is_left_out() -> None:
    facts = Facts.of("Rules", "one, two; one,, ", {"author": "", "language": "en"})
    assert (facts.tags, facts.metadata) == (("one", "two"), {"language": "en"})
    assert facts.with_text("Text.\n", "Another") == Converted("Text.\n", "Rules", ("one", "two"), {"language": "en"})
    assert Facts().with_text("Text.\n", "Another").title == "Another"
