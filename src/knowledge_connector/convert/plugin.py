"""The built-in converters, through the same door as everybody's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from knowledge_connector.convert.archive import ArchiveConverter
from knowledge_connector.convert.ctxt import CtxtConverter
from knowledge_connector.convert.delimited import DelimitedConverter
from knowledge_connector.convert.epub import EpubConverter
from knowledge_connector.convert.html_page import HtmlConverter
from knowledge_connector.convert.json_data import JsonConverter
from knowledge_connector.convert.markdown_text import MarkdownConverter
from knowledge_connector.convert.notebook import NotebookConverter
from knowledge_connector.convert.plain_text import RestructuredTextConverter, TextConverter
from knowledge_connector.convert.subtitles import SubtitlesConverter
from knowledge_connector.convert.xml_data import XmlConverter
from knowledge_connector.hookspecs import hookimpl

if TYPE_CHECKING:
    from knowledge_connector.ports import Converter


@hookimpl
def register_converters() -> list[type[Converter]]:
    """Everything that can be read without a plugin."""
    return [
        MarkdownConverter,
        TextConverter,
        RestructuredTextConverter,
        HtmlConverter,
        DelimitedConverter,
        JsonConverter,
        XmlConverter,
        EpubConverter,
        NotebookConverter,
        SubtitlesConverter,
        CtxtConverter,
        ArchiveConverter,
    ]
