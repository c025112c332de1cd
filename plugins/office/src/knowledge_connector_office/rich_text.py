r"""Rich Text Format: the body with its headings, lists, tables, links and footnotes.

    bytes ─ tokens ─▶ groups, each with its own state ─▶ paragraphs ─ \par, \cell, \row ─▶ Markdown

Reference: Rich Text Format specification 1.9.1.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from knowledge_connector import Converted, DocumentError
from knowledge_connector.kit.facts import Facts
from knowledge_connector_office.writing import Markdown, link

if TYPE_CHECKING:
    from knowledge_connector import Raw

_TOKEN = re.compile(
    rb"\\([a-zA-Z]{1,32})(-?\d{1,10})? ?"  # 1, 2: a control word and its number
    rb"|\\'([0-9a-fA-F]{2})"  # 3: a byte
    rb"|\\([^a-zA-Z'])"  # 4: a control symbol
    rb"|([{}])"  # 5
    rb"|([^\\{}\r\n\x00]+)"  # 6: text
    rb"|[\r\n\x00\\]",  # nothing; a lone backslash is damage
    re.DOTALL,
)
_MAX_DEPTH = 500
_CHARSETS = {  # of fonts (1.9.1, "Font Table")
    77: "mac_roman", 128: "cp932", 129: "cp949", 130: "cp1361", 134: "gb18030", 136: "cp950", 161: "cp1253", 162: "cp1254",
    163: "cp1258", 177: "cp1255", 178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874", 238: "cp1250", 255: "cp437",
}  # fmt: skip
_SIGNS = {
    "tab": "\t", "line": "\n", "lbr": "\n", "emdash": "—", "endash": "–", "bullet": "•", "lquote": "‘", "rquote": "’",
    "ldblquote": "“", "rdblquote": "”", "emspace": " ", "enspace": " ", "qmspace": " ",
}  # fmt: skip
_SYMBOLS = {b"~": "\xa0", b"_": "-", b"\\": "\\", b"{": "{", b"}": "}", b"\n": "\n", b"\r": "\n"}
# Groups whose text is not the document's.
_UNSEEN = frozenset({
    "pict", "object", "nonshppict", "shpresult", "colortbl", "header", "headerl", "headerr", "headerf", "footer",
    "footerl", "footerr", "footerf", "ftnsep", "ftnsepc", "filetbl", "revtbl", "rsidtbl", "generator", "listtable",
    "listoverridetable", "xmlnstbl", "themedata", "colorschememapping", "latentstyles", "datastore", "annotation",
    "atnid", "atnauthor", "atntime", "atnref", "bkmkstart", "bkmkend", "sp", "tc", "xe", "comment", "operator",
    "category", "manager", "company",
})  # fmt: skip
_FACTS = frozenset(("title", "author", "subject", "keywords", "doccomm"))
_READ_THOUGH = frozenset(("shpinst", "shptxt", "fldinst", "footnote"))
_DESTINATIONS = frozenset(
    (
        "fonttbl",
        "stylesheet",
        "info",
        "creatim",
        "revtim",
        "footnote",
        "fldinst",
        "fldrslt",
        "listtext",
        "pntext",
        "shptxt",
    )
)
_BODY_LEVEL = 9
_HEADING = re.compile(r"heading (\d)", re.IGNORECASE)
_HYPERLINK = re.compile(r'\s*HYPERLINK\s+"?([^"\s]+)"?', re.IGNORECASE)
_COUNTED = re.compile(r"\W*(\d+)\W*")


def read(raw: Raw, settings: Mapping[str, Any]) -> Converted:
    """Give the text with its headings, lists and tables.

    Raises:
        Unreadable: Code `too-long`.
        DocumentError: Code `malformed` or `too-deep`.
    """
    start = raw.content.find(b"{\\rtf", 0, 1024)
    if start < 0:
        raise DocumentError("this is no Rich Text: it does not begin with {\\rtf", code="malformed")
    reader = _Reader(Markdown(settings))
    reader.read(raw.content, start)
    return reader.facts().with_text(reader.out.text(), reader.out.title)


@dataclass(slots=True)
class _State:
    """What a group inherits and may change for itself."""

    destination: str = "body"
    encoding: str = "cp1252"
    skip: int = 1
    hidden: bool = False
    in_table: bool = False
    heading: int = 0
    listed: int | None = None

    def inherited(self) -> _State:
        """The state of a group within this one. Not by `copy`, which takes ten times as long, and groups are many."""
        return _State(self.destination, self.encoding, self.skip, self.hidden, self.in_table, self.heading, self.listed)


class _Reader:
    """Goes through the tokens once."""

    def __init__(self, out: Markdown) -> None:
        self.out = out
        self._state = _State()
        self._stack: list[_State] = []
        self._texts: dict[str, list[str]] = {"body": []}
        self._bytes = bytearray()
        self._to_skip = 0
        self._starred = False
        self._default_encoding = "cp1252"
        self._fonts: dict[int, str] = {}
        self._font = 0
        self._styles: dict[int, int] = {}
        self._style = 0
        self._said: dict[str, str] = {}
        self._numbers: dict[str, int] = {}
        self._marker = ""
        self._row: list[str] = []
        self._columns: list[str] = []
        self._merge = ""
        self._rows: list[list[str]] = []
        self._notes = 0
        self._words: dict[str, Callable[[int | None], None]] = {
            "par": lambda _: self._end_paragraph(),
            "sect": lambda _: self._end_paragraph(),
            "page": lambda _: self._end_paragraph(),
            "cell": lambda _: self._end_cell(),
            "nestcell": lambda _: self._say(" "),
            "nestrow": lambda _: self._say("\n"),
            "row": lambda _: self._end_row(),
            "trowd": lambda _: self._columns.clear(),
            "clvmrg": lambda _: self._merge_column("above"),
            "clmrg": lambda _: self._merge_column("left"),
            "cellx": lambda _: self._end_column(),
            "pard": lambda _: self._plain_paragraph(),
            "intbl": lambda _: self._set(in_table=True),
            "ls": lambda number: self._set(listed=self._state.listed or 0 if number else None),
            "ilvl": lambda number: self._set(listed=number or 0),
            "outlinelevel": lambda number: self._set(heading=(number or 0) + 1 if (number or 0) < _BODY_LEVEL else 0),
            "s": self._use_style,
            "f": self._use_font,
            "fcharset": self._declare_charset,
            "ansicpg": self._declare_default,
            "v": lambda number: self._set(hidden=number != 0),
            "deleted": lambda number: self._set(hidden=number != 0),
            "plain": lambda _: self._set(hidden=False),
            "uc": lambda number: self._set(skip=max(number or 0, 0)),
            "u": self._unicode,
            **{word: self._sign(sign) for word, sign in _SIGNS.items()},
        }

    def read(self, content: bytes, start: int) -> None:
        """Read to the end of the outermost group."""
        at = start
        while match := _TOKEN.match(content, at):
            at = match.end()
            word, number, byte, symbol, brace, text = match.groups()
            if text is not None:
                self._take_bytes(text)
            elif word is not None:
                value = int(number) if number else None
                at += max(value or 0, 0) if word == b"bin" else 0
                self._word(word.decode("ascii"), value)
            elif byte is not None:
                self._take_bytes(bytes.fromhex(byte.decode("ascii")))
            elif symbol is not None:
                self._symbol(symbol)
            elif brace is not None and self._brace(brace):
                break
        self._end_paragraph()
        self._end_table()

    def facts(self) -> Facts:
        """What the document says of itself."""
        names = {"author": "author", "subject": "subject", "doccomm": "description"}
        found = {name: self._said.get(key, "") for key, name in names.items()}
        for key, name in (("creatim", "created"), ("revtim", "modified")):
            date = [self._numbers.get(f"{key} {part}", 0) for part in ("yr", "mo", "dy", "hr", "min")]
            if all(date[:3]):
                found[name] = "{:04}-{:02}-{:02}T{:02}:{:02}:00".format(*date)
        facts = Facts.of(self._said.get("title", ""), self._said.get("keywords", ""), found)
        if self._numbers.get("nofpages"):
            facts.metadata["pages"] = self._numbers["nofpages"]
        return facts

    # ---------------------------------------------------------------------------------------------------------- tokens

    def _brace(self, brace: bytes) -> bool:
        """Open or close a group; says whether it was the last one."""
        self._flush()
        self._to_skip = 0
        self._starred = False
        if brace == b"{":
            if len(self._stack) >= _MAX_DEPTH:
                raise DocumentError(f"its groups are nested more than {_MAX_DEPTH} deep", code="too-deep")
            self._stack.append(self._state)
            self._state = self._state.inherited()
            return False
        inner = self._state
        if inner.destination == "stylesheet":
            self._end_style()
        self._state = self._stack.pop() if self._stack else _State()
        if inner.destination != self._state.destination:
            self._leave(inner.destination)
        return not self._stack

    def _word(self, word: str, number: int | None) -> None:
        starred, self._starred = self._starred, False
        self._flush(keep=word == "u")
        if word in _UNSEEN or (starred and word not in _READ_THOUGH):
            self._enter("unseen")
        elif self._state.destination == "unseen":
            return
        elif word in _DESTINATIONS or word in _FACTS:
            self._enter(word)
        elif handle := self._words.get(word):
            handle(number)
        elif number is not None and self._state.destination in ("creatim", "revtim"):
            self._numbers[f"{self._state.destination} {word}"] = number
        elif word == "nofpages":
            self._numbers[word] = number or 0

    def _symbol(self, symbol: bytes) -> None:
        if symbol == b"*":
            self._starred = True
        elif symbol in _SYMBOLS:
            self._say(_SYMBOLS[symbol])

    def _take_bytes(self, text: bytes) -> None:
        self._starred = False
        if self._to_skip:
            skipped = min(self._to_skip, len(text))
            self._to_skip -= skipped
            text = text[skipped:]
        self._bytes += text

    def _unicode(self, number: int | None) -> None:
        code = (number or 0) % 0x10000
        self._say(chr(code))
        self._to_skip = self._state.skip

    def _say(self, text: str) -> None:
        self._flush()
        if not self._state.hidden and self._state.destination != "unseen":
            self._texts.setdefault(self._state.destination, []).append(text)

    def _flush(self, *, keep: bool = False) -> None:
        """Decode the bytes that have come, by the font they are set in."""
        if not keep:
            self._to_skip = 0
        if self._bytes:
            text = self._bytes.decode(self._state.encoding, "replace")
            self._bytes.clear()
            self._say(text)

    # ---------------------------------------------------------------------------------------------------- destinations

    def _enter(self, destination: str) -> None:
        self._state.destination = destination
        if destination != "unseen":
            self._texts[destination] = []
        if destination == "footnote":
            self._notes += 1

    def _leave(self, destination: str) -> None:
        text = _joined(self._texts.pop(destination, [])) if destination != "body" else ""
        if destination == "fldrslt":
            self._say(_result(text, self._said.pop("fldinst", "")))
        elif destination == "footnote":
            self.out.note(str(self._notes), text)
            self._say(f"[^{self._notes}]")
        elif destination in ("listtext", "pntext"):
            self._marker = text.strip()
        elif destination == "shptxt":
            self._texts["body"].append(f"\n{text}\n")
        elif destination in _FACTS or destination == "fldinst":
            self._said[destination] = " ".join(text.split())

    def _end_style(self) -> None:
        name = _joined(self._texts["stylesheet"])
        self._texts["stylesheet"] = []
        if not name:
            return
        match = _HEADING.match(name.strip())
        level = 1 if name.strip(" ;").lower() == "title" else self._state.heading
        self._styles[self._style] = int(match[1]) if match else level

    def _use_style(self, number: int | None) -> None:
        self._style = number or 0
        self._set(heading=self._styles.get(self._style, 0))

    def _use_font(self, number: int | None) -> None:
        self._font = number or 0
        self._state.encoding = self._fonts.get(self._font, self._default_encoding)

    def _declare_charset(self, number: int | None) -> None:
        if self._state.destination == "fonttbl":
            self._fonts[self._font] = _CHARSETS.get(number or 0, self._default_encoding)

    def _declare_default(self, number: int | None) -> None:
        try:
            codecs.lookup(f"cp{number}")
        except LookupError:
            return
        self._default_encoding = self._state.encoding = f"cp{number}"

    def _sign(self, sign: str) -> Callable[[int | None], None]:
        return lambda _: self._say(sign)

    def _set(self, **changes: Any) -> None:
        for name, value in changes.items():
            setattr(self._state, name, value)

    # ---------------------------------------------------------------------------------------------------------- blocks

    def _plain_paragraph(self) -> None:
        self._set(in_table=False, heading=0, listed=None)

    def _end_paragraph(self) -> None:
        self._flush()
        if self._state.destination == "stylesheet":
            return
        if self._state.destination != "body":
            self._say(" ")
            return
        if self._state.in_table:
            self._texts["body"].append("\n")
            return
        self._end_table()
        text, marker = self._taken()
        counted = _COUNTED.fullmatch(marker)
        if self._state.heading:
            self.out.heading(self._state.heading, f"{marker} {text}" if counted else text)
        elif marker or self._state.listed is not None:
            self.out.item(text, self._state.listed or 0, int(counted[1]) if counted else None)
        else:
            self.out.paragraph(text)

    def _taken(self) -> tuple[str, str]:
        text, self._texts["body"] = _joined(self._texts["body"]), []
        marker, self._marker = self._marker, ""
        return text, marker

    def _end_cell(self) -> None:
        self._flush()
        text, _ = self._taken()
        self._row.append("\n".join(filter(None, map(str.strip, text.split("\n")))))

    def _merge_column(self, side: str) -> None:
        self._merge = side

    def _end_column(self) -> None:
        self._columns.append(self._merge)
        self._merge = ""

    def _end_row(self) -> None:
        """Cells that are merged into the one above or to the left have its text."""
        above = self._rows[-1] if self._rows else []
        for at, side in enumerate(self._columns[: len(self._row)]):
            if side == "left" and at:
                self._row[at] = self._row[at - 1]
            elif side == "above" and at < len(above):
                self._row[at] = above[at]
        self._rows.append(self._row)
        self._row = []

    def _end_table(self) -> None:
        rows, self._rows = self._rows, []
        self.out.table(rows)


def _joined(parts: list[str]) -> str:
    """The text; characters beyond the first plane come in halves."""
    text = "".join(parts)
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _result(text: str, instruction: str) -> str:
    """What a field shows: a link, nothing for a table of contents, else its text."""
    if instruction.startswith("TOC"):
        return ""
    match = _HYPERLINK.match(instruction)
    return link(text, match[1]) if match and ":" in match[1] else text
