"""Where results go: a terminal, drawn by rich; or anything else, in plain lines that a script can read.

Text is styled with `click.style`; a page decides what of it can be shown.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import click

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

GAP = 2


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; only those that `wraps` give way when the terminal is narrow."""

    title: str = ""
    right: bool = False
    wraps: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of styled cells."""

    columns: Sequence[Column]
    rows: list[list[str]] = field(default_factory=list)

    def widths(self) -> list[int]:
        """What every column would like to have."""
        cells = [[column.title for column in self.columns], *self.rows]
        return [max(len(click.unstyle(cell)) for cell in column) for column in zip(*cells, strict=True)]

    @property
    def width(self) -> int:
        """What it would like to have in all."""
        return sum(self.widths()) + GAP * (len(self.columns) - 1)


class Page(Protocol):
    """Takes lines and tables, in reading order."""

    @property
    def width(self) -> int | None:
        """Characters in a line; `None` if lines may have any length."""
        ...

    def line(self, text: str = "", *, indent: int = 0) -> None:
        """Write a paragraph."""
        ...

    def table(self, table: Table, *, indent: int = 0) -> None:
        """Write a table; without titles, it has no head."""
        ...


class PlainPage:
    """Lines without colours, of any length."""

    width = None

    def line(self, text: str = "", *, indent: int = 0) -> None:
        """See `Page`."""
        click.echo(f"{' ' * indent}{click.unstyle(text)}".rstrip())

    def table(self, table: Table, *, indent: int = 0) -> None:
        """See `Page`."""
        titles = [column.title for column in table.columns]
        widths = table.widths()
        for cells in [titles, *table.rows] if any(titles) else table.rows:
            aligned = [
                click.unstyle(cell).rjust(width) if column.right else click.unstyle(cell).ljust(width)
                for cell, width, column in zip(cells, widths, table.columns, strict=True)
            ]
            self.line((" " * GAP).join(aligned), indent=indent)


class TerminalPage:
    """Colours where the terminal and its owner want them, and lines broken between words."""

    def __init__(self, console: Console) -> None:
        self._console = console

    @property
    def width(self) -> int:
        """See `Page`."""
        return self._console.width

    def line(self, text: str = "", *, indent: int = 0) -> None:
        """See `Page`."""
        from rich.padding import Padding

        self._console.print(Padding(_rich(text), (0, 0, 0, indent), expand=False) if text else "")

    def table(self, table: Table, *, indent: int = 0) -> None:
        """See `Page`."""
        from rich.padding import Padding
        from rich.table import Table as Drawn

        drawn = Drawn(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="dim", show_header=_headed(table))
        for column in table.columns:
            drawn.add_column(
                column.title,
                justify="right" if column.right else "left",
                no_wrap=not column.wraps,
                overflow="fold" if column.wraps else "ellipsis",
            )
        for row in table.rows:
            drawn.add_row(*[_rich(cell) for cell in row])
        self._console.print(Padding(drawn, (0, 0, 0, indent), expand=False))


def _headed(table: Table) -> bool:
    return any(column.title for column in table.columns)


def _rich(text: str) -> Text:
    from rich.text import Text

    return Text.from_ansi(text)


def open_page() -> Page:
    """The page for standard output, whatever that is today."""
    if not sys.stdout.isatty():
        return PlainPage()
    from rich.console import Console  # 40 ms that a pipe does not pay

    console = Console(highlight=False, markup=False, emoji=False)
    return PlainPage() if console.is_dumb_terminal else TerminalPage(console)
