"""What the styles of an OpenDocument file mean: titles, code, marks of lists, hidden slides."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property

from knowledge_connector_office.package import Element, parse

OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
STYLE = "{urn:oasis:names:tc:opendocument:xmlns:style:1.0}"
TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_NAME = STYLE + "name"
_VISIBILITY = "{urn:oasis:names:tc:opendocument:xmlns:presentation:1.0}visibility"
_MAX_ANCESTORS = 12
_KINDS = {"Title": "title", "Preformatted_20_Text": "code"}
_HEIR = re.compile(rf"parent-style-name\s*=\s*[\"'](?:{'|'.join(_KINDS)})[\"']".encode())


class Styles:
    """Answers by the name of a style; those of the content go before those of the document.

    Args:
        content: The root of the content.
        common: The part with the styles of the document, empty if there is none. It is parsed only if an answer may lie in it.

    Attributes:
        kinds: What paragraphs of a style, or of one that it is made from, are: `title` or `code`. All others are prose.
    """

    def __init__(self, content: Element, common: bytes) -> None:
        self._own = _Defined(content)
        self._common_part = common
        parents = {**(self._common.parents if _HEIR.search(common) else {}), **self._own.parents}
        self.kinds = {name: kind for name in (*_KINDS, *parents) if (kind := _kind(name, parents))}

    def is_ordered(self, name: str, depth: int) -> bool:
        """Whether items of this list style count at this depth (from 0)."""
        if not name:
            return False
        defined = self._own if name in self._own.ordered else self._common
        return depth + 1 in defined.ordered.get(name, ())

    def is_hidden(self, name: str) -> bool:
        """Whether a page of this style is not shown."""
        return name in self._own.hidden

    @cached_property
    def _common(self) -> _Defined:
        return _Defined(parse(self._common_part, "styles.xml") if self._common_part else None)


def _kind(name: str, parents: Mapping[str, str]) -> str:
    for _ in range(_MAX_ANCESTORS):
        if name in _KINDS or not name:
            break
        name = parents.get(name, "")
    return _KINDS.get(name, "")


class _Defined:
    """What one part defines."""

    def __init__(self, root: Element | None) -> None:
        self.parents: dict[str, str] = {}
        self.ordered: dict[str, set[int]] = {}
        """By the name of each list style: the levels (from 1) that count."""
        self.hidden: set[str] = set()
        for container in () if root is None else root.iterchildren(OFFICE + "automatic-styles", OFFICE + "styles"):
            self._read(container)

    def _read(self, container: Element) -> None:
        for style in container.iterchildren(STYLE + "style"):
            self.parents.setdefault(style.get(_NAME, ""), style.get(STYLE + "parent-style-name", ""))
        for style in container.iterchildren(TEXT + "list-style"):
            self.ordered.setdefault(style.get(_NAME, ""), set())
        for level in container.iter(TEXT + "list-level-style-number"):
            depth = level.get(TEXT + "level", "")
            if depth.isdecimal() and level.get(STYLE + "num-format"):
                self.ordered.setdefault(level.getparent().get(_NAME, ""), set()).add(int(depth))
        for page in container.iter(STYLE + "drawing-page-properties"):
            if page.get(_VISIBILITY) == "hidden":
                self.hidden.add(page.getparent().get(_NAME, ""))
