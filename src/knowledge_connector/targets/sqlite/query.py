"""What a person typed, as questions that SQLite understands. Pure functions; no input is an error."""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_TERMS = 64
"""More words than this narrow nothing any more, and FTS5 has a limit on the depth of an expression."""

# A term: perhaps a minus, then a "quoted phrase" (the closing quote may be missing) or a word, which may end in a star.
_TERM = re.compile(r'(?P<minus>-?)(?:"(?P<phrase>[^"]*)"?|(?P<word>[^\s"]+))')

# Scripts that put no spaces between words: Thai, Lao, Myanmar, Khmer, kana, CJK ideographs with their extensions.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\uff66-\uff9f\U00020000-\U0003fffd]"
)


@dataclass(frozen=True, slots=True)
class Query:
    """A question: terms that shall be found, and terms that shall not.

    Attributes:
        scan: Some term is in a script without spaces, which the index cannot split into words; then all terms are looked for in the
            text as it stands. Otherwise they are quoted for FTS5.
    """

    wanted: tuple[str, ...]
    unwanted: tuple[str, ...]
    scan: bool

    def match(self, *, every: bool) -> str:
        """An FTS5 expression for every wanted term, or for any of them."""
        wanted = (" AND " if every else " OR ").join(self.wanted)
        return f"({wanted}) NOT ({' OR '.join(self.unwanted)})" if self.unwanted else wanted


def parse(text: str) -> Query:
    """Understand words, `"quoted phrases"`, `-without`, `begin*`; all else is taken as words.

    A question that only says what shall not be found is taken to ask for it.
    """
    scan = _UNSPACED.search(text) is not None
    wanted: list[str] = []
    unwanted: list[str] = []
    for term in _TERM.finditer(text.replace("\0", " ")):
        said = term["phrase"] or term["word"] or ""
        if any(map(str.isalnum, said)):  # the index knows no punctuation
            excludes = term["minus"] and not said.startswith("-")  # people do look for `--option`
            starred = term["phrase"] is None and said.endswith("*")
            (unwanted if excludes else wanted).append(said.rstrip("*") if scan else f'"{said}"{"*" * starred}')
    if not wanted:
        wanted, unwanted = unwanted, []
    return Query(tuple(wanted[:MAX_TERMS]), tuple(unwanted[:MAX_TERMS]), scan)
