"""What the styles of an OpenDocument file mean: titles, code, marks of lists, hidden slides."""

from __future__ import annotations

from knowledge_connector_office.package import Element

OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
STYLE = "{urn:oasis:names:tc:opendocument:xmlns:style:1.0}"
TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_VISIBILITY = "{urn:oasis:names:tc:opendocument:xmlns:presentation:1.0}visibility"
_MAX_ANCESTORS = 12
_KINDS = {"Title": "title", "Preformatted_20_Text": "code"}


class Styles:
    """Answers by the name of a style; those of the content go before those of the document."""

    def __init__(self, *roots: Element | None) -> None:
        self._parents: dict[str, str] = {}
        self._kinds: dict[str, str] = {}
        self._ordered: set[tuple[str, int]] = set()
        self._hidden: set[str] = set()
        for root in roots:
            if root is not None:
                self._read(root)

    def kind(self, name: str) -> str:
        """What paragraphs of this style, or of one that it is made from, are: `title`, `code`, or empty for all others."""
        known = self._kinds.get(name)
        if known is None:
            known = self._kinds[name] = self._worked_out(name)
        return known

    def is_ordered(self, name: str, depth: int) -> bool:
        """Whether items of this list style count at this depth (from 0)."""
        return (name, depth + 1) in self._ordered

    def is_hidden(self, name: str) -> bool:
        """Whether a page of this style is not shown."""
        return name in self._hidden

    def _read(self, root: Element) -> None:
        for style in root.iter(STYLE + "style"):
            name = style.get(STYLE + "name", "")
            self._parents.setdefault(name, style.get(STYLE + "parent-style-name", ""))
            page = style.find(STYLE + "drawing-page-properties")
            if page is not None and page.get(_VISIBILITY) == "hidden":
                self._hidden.add(name)
        for style in root.iter(TEXT + "list-style"):
            for level in style.iterfind(TEXT + "list-level-style-number"):
                depth = level.get(TEXT + "level", "")
                if depth.isdecimal() and level.get(f"{STYLE}num-format"):
                    self._ordered.add((style.get(STYLE + "name", ""), int(depth)))

    def _worked_out(self, name: str) -> str:
        for _ in range(_MAX_ANCESTORS):
            if name in _KINDS or not name:
                break
            name = self._parents.get(name, "")
        return _KINDS.get(name, "")
