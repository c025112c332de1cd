"""How much of what was written is in the Markdown that was made of it, and how much else."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

_WORD = re.compile(r"\w+")
_NO_WORDS = re.compile(r"\]\([^)]*\)|\\|^\s*\|?[\s:|-]+\|?\s*$", re.MULTILINE)
"""Addresses, rules of tables, and escapes."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What there is to find in a file; empty where the file has no such thing.

    Attributes:
        text: Its words.
        rows: Of tables.
        links: Addresses.
    """

    text: str
    headings: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    links: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scores:
    """Shares from 0 to 1; `None` where the file has no such thing.

    Attributes:
        words: How many of the expected words there are.
        precision: How many of the words there are expected ones.
        cells: Of those that stand in a row of a table together with all others of their row.
    """

    words: float
    precision: float
    headings: float | None
    cells: float | None
    links: float | None


def scores(expected: Expected, markdown: str) -> Scores:
    """Compare."""
    wanted, found = _words(expected.text), _words(_NO_WORDS.sub(" ", markdown))
    common = (wanted & found).total()
    return Scores(
        common / max(1, wanted.total()),
        common / max(1, found.total()),
        _headings(expected.headings, markdown),
        _cells(expected.rows, markdown),
        _share([f"({link})" in markdown or f"<{link}>" in markdown for link in expected.links]),
    )


def _words(text: str) -> Counter[str]:
    return Counter(_WORD.findall(text.lower()))


def _headings(expected: tuple[str, ...], markdown: str) -> float | None:
    there = {_plain(line) for line in markdown.splitlines() if line.startswith("#")}
    return _share([_plain(heading) in there for heading in expected])


def _plain(heading: str) -> str:
    """Letters and digits alone: how a number before it or a sign within is written does not matter."""
    return "".join(_WORD.findall(re.sub(r"\]\([^)]*\)", "", heading).lower()))


def _cells(expected: tuple[tuple[str, ...], ...], markdown: str) -> float | None:
    lines = [line for line in markdown.splitlines() if "|" in line]
    rows = [{cell.replace(r"\|", "|").strip(" *") for cell in re.split(r"(?<!\\)\|", line)} for line in lines]
    return _share([any(set(row) <= cells for cells in rows) for row in expected])


def _share(found: list[bool]) -> float | None:
    return sum(found) / len(found) if found else None
