"""What the styles of an OpenDocument file mean: titles, code, marks of lists, hidden slides."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property

from knowledge_connector_office.package import Element, parse

OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
STYLE = "{urn:oasis:names:tc:opendocument:xmlns:style:1.0}"
TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_NAME = STYLE + "name"
_VISIBILITY = "{urn:oasis:names:tc:opendocument:xmlns:presentation:1.0}visibility"
_MAX_ANCESTORS = 12
_KINDS = {"Title": "title", "Preformatted_20_Text": "code"}
_NAMED = re.compile(rf"style-name\s*=\s*[\"'](?:{'|'.join(_KINDS)})[\"']".encode())
"""Where a style that means something is used, or another one made from it."""
_DIGITS = 9


def whole(text: str, default: int) -> int:
    """The whole number that an attribute holds, if it is one that makes sense."""
    return int(text) if text.isdecimal() and len(text) <= _DIGITS else default


class Styles:
    """Answers by the name of a style; those of the content go before those of the document.

    Each part is looked into only for what is asked of it, for most documents have many styles, and make no use of most.

    Args:
        root: The root of the content.
        content: The same as bytes.
        common: Gives the part with the styles of the document, empty if there is none.
    """

    def __init__(self, root: Element, content: bytes, common: Callable[[], bytes]) -> None:
        self._root = root
        self._content = content
        self._common_part = common

    def kinds(self) -> Mapping[str, str]:
        """What paragraphs of a style, or of one that it is made from, are: `title` or `code`. All others are prose."""
        common = self._common_part()
        is_common = _NAMED.search(common) is not None
        if not is_common and not _NAMED.search(self._content):
            return {}
        parents = {**(_parents(self._common) if is_common else {}), **_parents(self._root)}
        return {name: kind for name in (*_KINDS, *parents) if (kind := _kind(name, parents))}

    def is_ordered(self, name: str, depth: int) -> bool:
        """Whether items of this list style count at this depth (from 0)."""
        if not name:
            return False
        levels = self._ordered.get(name)
        return depth + 1 in (self._commonly_ordered.get(name, ()) if levels is None else levels)

    def hidden(self) -> frozenset[str]:
        """The styles whose pages are not shown."""
        pages = _defined(self._root, STYLE + "drawing-page-properties")
        return frozenset(page.getparent().get(_NAME, "") for page in pages if page.get(_VISIBILITY) == "hidden")

    @cached_property
    def _common(self) -> Element | None:
        part = self._common_part()
        return parse(part, "styles.xml") if part else None

    @cached_property
    def _ordered(self) -> Mapping[str, set[int]]:
        return _ordered(self._root)

    @cached_property
    def _commonly_ordered(self) -> Mapping[str, set[int]]:
        return _ordered(self._common)


def _defined(root: Element | None, tag: str) -> Iterator[Element]:
    """What a part defines."""
    for container in () if root is None else root.iterchildren(OFFICE + "automatic-styles", OFFICE + "styles"):
        yield from container.iter(tag)


def _parents(root: Element | None) -> dict[str, str]:
    parents: dict[str, str] = {}
    for style in _defined(root, STYLE + "style"):
        parents.setdefault(style.get(_NAME, ""), style.get(STYLE + "parent-style-name", ""))
    return parents


def _ordered(root: Element | None) -> Mapping[str, set[int]]:
    """By the name of each list style: the levels (from 1) that count."""
    ordered: dict[str, set[int]] = {style.get(_NAME, ""): set() for style in _defined(root, TEXT + "list-style")}
    for level in _defined(root, TEXT + "list-level-style-number"):
        if level.get(STYLE + "num-format"):
            ordered.setdefault(level.getparent().get(_NAME, ""), set()).add(whole(level.get(TEXT + "level", ""), 0))
    return ordered


def _kind(name: str, parents: Mapping[str, str]) -> str:
    for _ in range(_MAX_ANCESTORS):
        if name in _KINDS or not name:
            break
        name = parents.get(name, "")
    return _KINDS.get(name, "")
