"""What the styles and lists of a Word document mean: headings, code, markers and their counters.

Reference: ECMA-376, part 1, sections 17.7 (styles) and 17.9 (numbering).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from knowledge_connector_office.package import Element

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
VAL = W + "val"
_HEADING = re.compile(r"heading (\d)")
_LISTED = re.compile(r"list (?:bullet|number) ([2-5])")
_CODE = frozenset({"html preformatted", "preformatted text", "source code", "source text", "code", "plain text code"})
_MAX_ANCESTORS = 12
_NUMERALS = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"))
_SMALL_NUMERALS = ((10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))


@dataclass(frozen=True, slots=True)
class Style:
    """What a paragraph style says.

    Attributes:
        heading: Level from 1; 0 for prose.
        is_code: Whether it is preformatted.
        is_contents: Whether it is a line of a table of contents.
        list_id, list_level: The list it belongs to; `None` where it says nothing.
        depth: How deep its items stand beneath those of other styles, as `List Bullet 2` does.
    """

    heading: int = 0
    is_code: bool = False
    is_contents: bool = False
    list_id: str | None = None
    list_level: int | None = None
    depth: int = 0


PROSE = Style()


def styles(root: Element | None) -> dict[str, Style]:
    """Read `styles.xml`; each style has what it inherits."""
    elements = {} if root is None else {element.get(W + "styleId", ""): element for element in root.iter(W + "style")}
    return {name: _style(element, elements) for name, element in elements.items()}


def _style(element: Element, elements: dict[str, Element]) -> Style:
    style = PROSE
    for ancestor in reversed(list(_ancestry(element, elements))):
        style = _overlaid(style, ancestor)
    return style


def _ancestry(element: Element | None, elements: dict[str, Element]) -> Iterator[Element]:
    for _ in range(_MAX_ANCESTORS):
        if element is None:
            return
        yield element
        element = elements.get(value_of(element, "basedOn") or "")


def _overlaid(style: Style, element: Element) -> Style:
    name = (value_of(element, "name") or "").lower()
    heading, listed = _HEADING.match(name), _LISTED.fullmatch(name)
    level = 1 if name == "title" else int(heading[1]) if heading else outline_level(element.find(W + "pPr"))
    properties = element.find(W + "pPr")
    list_id, list_level = list_of(properties)
    return replace(
        style,
        heading=style.heading if level is None else level,
        is_code=style.is_code or name in _CODE,
        is_contents=style.is_contents or name.startswith("toc "),
        list_id=list_id or style.list_id,
        list_level=style.list_level if list_level is None else list_level,
        depth=int(listed[1]) - 1 if listed else style.depth,
    )


def outline_level(properties: Element | None) -> int | None:
    """The level of a heading by its outline, from 1; 0 says that it is none, `None` that nothing is said."""
    value = value_of(properties, "outlineLvl")
    if value is None or not value.isdecimal():
        return None
    return int(value) + 1 if int(value) < 9 else 0  # 9 is body text (17.3.1.20)


def list_of(properties: Element | None) -> tuple[str | None, int | None]:
    """The list and the level that paragraph properties name."""
    numbering = None if properties is None else properties.find(W + "numPr")
    level = value_of(numbering, "ilvl")
    return value_of(numbering, "numId"), int(level) if level and level.isdecimal() else None


def value_of(element: Element | None, name: str) -> str | None:
    """The `w:val` of a child; `None` if there is no such child."""
    child = None if element is None else element.find(W + name)
    return None if child is None else child.get(VAL)


@dataclass(frozen=True, slots=True)
class _Level:
    format: str
    text: str
    start: int


class Lists:
    """Counts the items of a document's lists while it is read from front to back."""

    def __init__(self, root: Element | None) -> None:
        self._abstract = (
            {} if root is None else {e.get(W + "abstractNumId", ""): e for e in root.iter(W + "abstractNum")}
        )
        self._instances = {} if root is None else {e.get(W + "numId", ""): e for e in root.iter(W + "num")}
        self._levels: dict[tuple[str, int], _Level | None] = {}
        self._counters: dict[tuple[str, int], int] = {}

    def is_ordered(self, list_id: str, level: int) -> bool | None:
        """Whether items of this level count; `None` if they bear no mark at all."""
        found = self._level(list_id, level)
        if found is None or found.format == "none":
            return None
        return found.format != "bullet"

    def count(self, list_id: str, level: int) -> int:
        """Count an item; gives its number. Deeper levels begin anew."""
        found = self._level(list_id, level)
        owner = self._owner(list_id)
        start = found.start if found else 1
        number = self._counters.get((owner, level), start - 1) + 1
        self._counters[owner, level] = number
        for deeper in range(level + 1, 9):
            self._counters.pop((owner, deeper), None)
        return number

    def label(self, list_id: str, level: int) -> str:
        """What stands before the item that was counted last, such as `2.1`."""
        found = self._level(list_id, level)
        owner = self._owner(list_id)

        def number(match: re.Match[str]) -> str:
            at = int(match[1]) - 1
            of = self._level(list_id, at)
            return _numeral(self._counters.get((owner, at), of.start if of else 1), of.format if of else "decimal")

        return re.sub(r"%([1-9])", number, found.text) if found else ""

    def _owner(self, list_id: str) -> str:
        """Instances of one list go on counting where another left off, unless they say where to start."""
        instance = self._instances.get(list_id)
        restarts = instance is not None and next(instance.iter(W + "startOverride"), None) is not None
        return list_id if restarts or instance is None else "abstract " + (value_of(instance, "abstractNumId") or "")

    def _level(self, list_id: str, level: int) -> _Level | None:
        key = (list_id, level)
        if key not in self._levels:
            self._levels[key] = self._read(list_id, level)
        return self._levels[key]

    def _read(self, list_id: str, level: int) -> _Level | None:
        instance = self._instances.get(list_id)
        if instance is None:
            return None
        abstract = self._abstract.get(value_of(instance, "abstractNumId") or "")
        own = [e for e in instance.iter(W + "lvl") if e.get(W + "ilvl") == str(level)]
        inherited = [] if abstract is None else [e for e in abstract.iter(W + "lvl") if e.get(W + "ilvl") == str(level)]
        for element in (*own, *inherited):
            start = value_of(element, "start") or "1"
            form, text = value_of(element, "numFmt") or "decimal", value_of(element, "lvlText") or ""
            return _Level(form, text, int(start) if start.isdecimal() else 1)
        return None


def _numeral(number: int, form: str) -> str:
    if form.endswith("Letter") and number > 0:
        letters = chr(ord("a") + (number - 1) % 26) * ((number - 1) // 26 + 1)
        return letters.upper() if form.startswith("upper") else letters
    if form.endswith("Roman") and 0 < number < 4000:  # there is no sign for more
        numeral = _roman(number)
        return numeral.upper() if form.startswith("upper") else numeral
    return str(number)


def _roman(number: int) -> str:
    parts = []
    for value, sign in (*_NUMERALS, *_SMALL_NUMERALS):
        parts.append(sign * (number // value))
        number %= value
    return "".join(parts)
