"""HTML that nobody wrote for readers, bounded before a parser sees it.

HTML 5 parsers need quadratic time for deep nesting, and memory for what is never closed. One linear scan finds both. A page that nests
too deeply is flattened by a SAX pass; where emphasis would be opened again in each paragraph, its attributes go. The text always stays.
"""

from __future__ import annotations

import html as entities
import re

MAX_DEPTH = 100
"""Elements nested deeper than this are unwrapped; their text stays."""

_MAX_TAG_CHARS = 20_000
_MAX_ATTRIBUTES = 32

_TAG = re.compile(r"<(?:span\b[^<>]*>[^<>]*</span>|(?!/?(?:p|li|t[dhr])\b)(/?[a-zA-Z]+))")
"""So far as it has letters: headings of all levels close each other. What is flat and frequent is passed over here: that is fast."""
_FLAT_NAMES = (
    *("p", "li", "br", "img", "hr", "input", "meta", "link", "td", "tr", "th", "dt", "dd", "col", "option", "wbr"),
    *("path", "polygon", "polyline", "rect", "line", "circle", "ellipse", "use", "stop"),
)
_FLAT = frozenset(
    ("", *(f"{slash}{name}" for small in _FLAT_NAMES for name in (small, small.upper()) for slash in ("", "/")))
)
"""Tags of elements that are closed by their neighbours, or have no content, and so add no depth of their own."""
_MAX_STRAYS = 1000
_LONG_TAG = re.compile(rf"<[a-zA-Z][^<>]{{{_MAX_TAG_CHARS}}}")
_INLINE = re.compile(
    "a|abbr|b|bdi|bdo|big|cite|code|data|del|em|font|i|ins|kbd|mark|q|s|samp|small|span|strike|strong|su[bp]|time|tt|u|var"
)


FEW_TAGS = 1000
"""So few tags cannot be deep enough to hurt, unless there is very much between them."""

_SMALL = 20_000_000
"""Tags times characters: nothing on such a page can grow too large, not even as a product of the two."""
_MAX_REOPENED = 500_000
_FORMAT = re.compile(r"<(b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u)([\s/][^<>]*)", re.IGNORECASE)
"""The beginning of what parsers open again in each paragraph until it is closed (HTML 5, section 13.2.4.3)."""
_PLAIN_ATTRIBUTES = re.compile(r"""(?:\s+[\w:-]{1,30}=(?:"[^"]{0,60}"|'[^']{0,60}'|[\w#.:%+-]{1,60})){0,3}\s*""")


def bounded(html: str) -> str:
    """Give the page, or one with the same text on which neither parsers nor engines stall or grow without bound."""
    tags = html.count("<")
    if tags > FEW_TAGS or tags * len(html) > _SMALL:
        is_deep, left_open = _nesting(html)
        if is_deep:
            return _flatten(html)
        if left_open * tags > _MAX_REOPENED:
            html = _with_few_formats(html, _MAX_REOPENED // tags)
    return _flatten(html) if _has_long_tag(html) else html


def _with_few_formats(html: str, few: int) -> str:
    """The same page, where at most a `few` kinds of emphasis have attributes, and short ones.

    Parsers open three of a kind again, but any number of different ones. To Markdown only the language of code is worth its attribute.
    """
    kinds = {kind for kind in _FORMAT.findall(html) if _PLAIN_ATTRIBUTES.fullmatch(kind[1])}
    kept = frozenset(sorted(kinds, key=lambda kind: (kind[0] != "code", len(kind[1]), kind))[:few])
    return _FORMAT.sub(lambda tag: tag[0] if tag.groups() in kept else f"<{tag[1]}", html)


def _has_long_tag(html: str) -> bool:
    """Whether a tag is too long. It would leave half of its length without a bracket, and that is found without looking at each tag."""
    half = _MAX_TAG_CHARS // 2
    places = range(0, len(html) - half + 1, half)
    is_dense = all(html.find(">", at, at + half) >= 0 or html.find("<", at, at + half) >= 0 for at in places)
    return not is_dense and _LONG_TAG.search(html) is not None


def _nesting(html: str) -> tuple[bool, int]:
    """Whether elements may nest too deeply, and how many may be open at once, each that another's end closes taken for open still.

    A page that closes again and again what is not open, or not by the name it was opened by, is taken to be deep: there no one can tell.
    """
    awaited = [" "]  # what no tag is called
    deepest = strays = left = 0
    for tag in _TAG.findall(html):
        if tag == awaited[-1]:
            awaited.pop()
        elif tag in _FLAT:
            continue
        elif tag[0] != "/":
            awaited.append(f"/{tag}")
            if len(awaited) > deepest:
                deepest = len(awaited)
                if deepest > MAX_DEPTH:
                    break
        else:
            strays += 1
            if tag in awaited:
                while awaited.pop() != tag:
                    left += 1
    return deepest > MAX_DEPTH or strays > _MAX_STRAYS, deepest + strays + left


def _flatten(html: str) -> str:
    """The same page with bounded depth and bounded attributes. libxml2's SAX interface builds no tree, and is linear but for strays."""
    from lxml import etree  # type: ignore[import-untyped]  # lxml ships no types; only hostile pages pay

    parser = etree.HTMLParser(target=_Flattener(), huge_tree=True)
    parser.feed(_without_strays(html.replace("\0", "")))
    return str(parser.close())


_TAG_OR_END = re.compile(r"<(?:([a-zA-Z]+)|/([a-zA-Z]+)[^<>]*>?)")


def _without_strays(html: str) -> str:
    """The same page without the ends of what is not open, or far away: libxml2 looks for each through all that is open."""
    awaited: list[str] = []
    flat: set[str] = set()

    def kept(tag: re.Match[str]) -> str:
        name = (tag[1] or tag[2]).lower()
        if tag[1]:
            flat.add(name) if name in _FLAT else awaited.append(name)
            return tag[0]
        if name in flat:
            flat.remove(name)
        elif name in awaited[-MAX_DEPTH:]:
            while awaited.pop() != name:
                pass
        else:
            return ""
        return tag[0]

    return _TAG_OR_END.sub(kept, html)


class _Flattener:
    """Writes a page again, without the tags that nest too deeply."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._depth = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth <= MAX_DEPTH:
            self._parts.append(f"<{tag}{_attributes(attributes)}>")
        elif not _INLINE.fullmatch(tag) and self._parts[-1] != "<br>":
            self._parts.append("<br>")

    def end(self, tag: str) -> None:
        if self._depth <= MAX_DEPTH and tag not in ("br", "img", "hr", "input", "meta", "link", "wbr"):
            self._parts.append(f"</{tag}>")
        self._depth -= 1

    def data(self, text: str) -> None:
        self._parts.append(entities.escape(text, quote=False))

    def comment(self, text: str) -> None:
        """Nobody reads them."""

    def close(self) -> str:
        return "".join(self._parts)


def _attributes(attributes: dict[str, str]) -> str:
    few = list(attributes.items())[:_MAX_ATTRIBUTES]
    return "".join(f' {name}="{entities.escape(value)}"' for name, value in few if len(value) < _MAX_TAG_CHARS)
