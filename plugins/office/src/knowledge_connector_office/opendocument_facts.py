"""What an OpenDocument file says of itself."""

from __future__ import annotations

from knowledge_connector.kit.facts import Facts
from knowledge_connector_office.opendocument_styles import OFFICE, whole
from knowledge_connector_office.package import Element
from knowledge_connector_office.stamps import day

_META = "{urn:oasis:names:tc:opendocument:xmlns:meta:1.0}"
_DC = "{http://purl.org/dc/elements/1.1/}"


def facts(root: Element | None) -> Facts:
    """What `meta.xml` says of a document."""
    meta = None if root is None else root.find(OFFICE + "meta")
    if meta is None:
        return Facts()
    said = {element.tag: " ".join((element.text or "").split()) for element in reversed(meta)}  # the first one counts
    found = {
        "author": said.get(_META + "initial-creator") or said.get(_DC + "creator", ""),
        "created": day(said.get(_META + "creation-date", "")),
        "modified": day(said.get(_DC + "date", "")),
        "subject": said.get(_DC + "subject", ""),
        "description": said.get(_DC + "description", ""),
        "language": said.get(_DC + "language", ""),
    }
    keywords = ",".join(element.text or "" for element in meta.iterchildren(_META + "keyword"))
    known = Facts.of(said.get(_DC + "title", ""), keywords, found)
    statistic = meta.find(_META + "document-statistic")
    pages = 0 if statistic is None else whole(statistic.get(_META + "page-count", ""), 0)
    if pages:
        known.metadata["pages"] = pages
    return known
