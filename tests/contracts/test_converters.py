import pytest

from knowledge_connector.convert.archive import ArchiveConverter
from knowledge_connector.convert.ctxt import CtxtConverter
from knowledge_connector.convert.delimited import DelimitedConverter
from knowledge_connector.convert.epub import EpubConverter
from knowledge_connector.convert.html_page import HtmlConverter
from knowledge_connector.convert.json_data import JsonConverter
from knowledge_connector.convert.markdown_text import MarkdownConverter
from knowledge_connector.convert.notebook import NotebookConverter
from knowledge_connector.convert.plain_text import RestructuredTextConverter, TextConverter
from knowledge_connector.convert.plugin import register_converters
from knowledge_connector.convert.subtitles import SubtitlesConverter
from knowledge_connector.convert.xml_data import XmlConverter
from knowledge_connector.ports import Converter
from knowledge_connector.testing.converter import ConvertersContract
from samples.packages import book

SAMPLES: dict[type[Converter], bytes] = {
    MarkdownConverter: b"---\ntitle: Why?\ntags: [a, b]\ndate: 2024-05-01\n---\n# Why?\n\nBecause.\n",
    TextConverter: b"Why?\nBecause.\n",
    RestructuredTextConverter: b"Why?\n====\n\nBecause.\n",
    HtmlConverter: b"<!doctype html><html lang=en><title>Why?</title><body><h1>Why?</h1><p>Because.<ul><li>a<ul><li>b</ul></ul>",
    DelimitedConverter: b'question,answer\n"Why, though?",Because\n',
    JsonConverter: b'[{"title": "Why?", "answer": "Because", "n": [1, {"a": null}]}]',
    XmlConverter: b'<?xml version="1.0"?><faq><entry id="1"><title>Why?</title><para>Because <b>so</b>.</para></entry></faq>',
    EpubConverter: book({"why.xhtml": "<h1>Why?</h1><p>Because.</p>"}),
    NotebookConverter: b'{"cells": [{"cell_type": "markdown", "source": ["# Why?\\n", "Because."]}], "nbformat": 4}',
    SubtitlesConverter: b"WEBVTT\n\n00:01.000 --> 00:02.000\nBecause.\n",
    CtxtConverter: b"`title: Why?`\n\n`page: 1`\nBecause.\n",
}


@pytest.mark.parametrize("kind", SAMPLES, ids=lambda kind: kind.name)
class TestBuiltIn(ConvertersContract):
    samples = SAMPLES


def test_every_built_in_converter_is_asked() -> None:
    """All but that for archives, which stay closed unless a setting opens them: tests/unit/convert/test_reading.py."""
    assert set(register_converters()) - {ArchiveConverter} == set(SAMPLES)


def test_built_in_converters_do_not_compete() -> None:
    claimed = [media_type for kind in register_converters() for media_type in kind.media_types]
    assert len(claimed) == len(set(claimed))
