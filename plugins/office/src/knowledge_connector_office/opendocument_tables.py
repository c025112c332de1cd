"""Tables of OpenDocument whose cells are merged, or stand for many.

Reference: OASIS OpenDocument 1.3, part 3, chapter 9.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_MAX_REPEATED = 64


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell as it is written.

    Attributes:
        columns: Over how many columns it reaches; 0 for one that another reaches over.
        rows: Over how many rows it reaches.
        times: How many such cells stand side by side.
    """

    text: str
    columns: int
    rows: int
    times: int


def spread(rows: Iterable[Sequence[Cell]]) -> list[list[str]]:
    """The texts of the rows; what is merged is repeated, unless it is all there is in a row."""
    from_above: dict[int, tuple[int, str]] = {}
    return [_row(row, from_above) for row in rows]


def _row(row: Sequence[Cell], from_above: dict[int, tuple[int, str]]) -> list[str]:
    """The texts of a row. `from_above` keeps, by column, what reaches into the rows below, and into how many."""
    texts: list[str] = []
    beside = own = 0
    for cell in row:
        times = min(cell.times, _MAX_REPEATED)
        if cell.columns:
            text, beside, below = cell.text, cell.columns - 1, cell.rows - 1
            own += times if text else 0
        else:
            text, below = texts[-1] if beside > 0 and texts else "", 0
            beside -= times
        for _ in range(times):
            left, above = from_above.pop(len(texts), (0, ""))
            if left > 0:
                from_above[len(texts)] = (left - 1, above)
                own += 1
            if below > 0:
                from_above[len(texts)] = (below, text)
            texts.append(text or (above if left > 0 else ""))
    return texts if own != 1 else _once(texts)


def _once(texts: list[str]) -> list[str]:
    """Keep the first of equals that stand side by side: a cell that is all there is in its row."""
    return [text if at == 0 or texts[at - 1] != text else "" for at, text in enumerate(texts)]
