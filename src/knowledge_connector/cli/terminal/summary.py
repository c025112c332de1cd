"""What a run did, as a person reads it: the table, then what to do next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click

from knowledge_connector.cli.terminal.page import GAP, Column, Page, Table
from knowledge_connector.cli.terminal.watch import SHOWN, Note
from knowledge_connector.cli.terminal.words import bold, clean, counted, dim, duration, number
from knowledge_connector.sync.report import SyncReport

_COLOURS = {"ok": "green", "partial": "yellow", "withheld": "yellow", "failed": "red", "interrupted": "yellow"}
_COUNTS = ("listed", "created", "updated", "retagged", "deleted", "kept", "held", "skipped", "failed", "withheld")
SEVERAL = 3
"""How many types of documents make a table of them worth its lines."""

_RARE = ("held", "withheld")
"""Counts that have a column only when there is something to count."""


def lane_name(report: SyncReport) -> str:
    """`docs → local`."""
    return f"{report.connector} → {report.target}"


def is_unchanged(report: SyncReport) -> bool:
    """Whether a run looked at everything and found nothing to write."""
    return report.status == "ok" and report.listed > 0 and not report.changed


def show_reports(page: Page, reports: Sequence[SyncReport]) -> None:
    """Write the table, unless there is nothing to put into one, and each report's message."""
    if all(is_unchanged(report) for report in reports):
        for report in reports:
            _show_unchanged(page, report)
        return
    _show_counts(page, reports)
    for report in reports:
        if report.skipped:
            page.line(dim(f"{lane_name(report)} skipped {_skipped(report)}"))
    for report in reports:
        show_message(page, report)


def _show_unchanged(page: Page, report: SyncReport) -> None:
    all_is_well = click.style("everything is unchanged; nothing was written", fg="green")
    page.line(f"{lane_name(report)}: {all_is_well}")
    seen = f"looked at {counted(report.listed, 'document')} in {duration(report.seconds)}"
    page.line(dim(f"{seen}; skipped {_skipped(report)}" if report.skipped else seen), indent=2)


def _show_counts(page: Page, reports: Sequence[SyncReport]) -> None:
    """The full table, or else one without the columns of zeros, or else sentences: whichever fits."""
    full = [name for name in _COUNTS if name not in _RARE or _total(reports, name)]
    some = [name for name in full if name == "listed" or _total(reports, name)]
    for names in (full, some):
        table = _table(reports, names)
        if page.width is None or table.width + GAP <= page.width:
            page.table(table)
            return
    for report in reports:
        page.line(f"{bold(lane_name(report))}  {_status(report)}")
        page.line(_sentence(report), indent=2)


def _total(reports: Sequence[SyncReport], name: str) -> int:
    return sum(_count(report, name) for report in reports)


def _count(report: SyncReport, name: str) -> int:
    return report.skipped.total() if name == "skipped" else int(getattr(report, name))


def _table(reports: Sequence[SyncReport], names: Sequence[str]) -> Table:
    numbers = [Column(name, right=True) for name in (*names, "chunks", "time")]
    table = Table([Column("connector → target"), *numbers, Column("status")])
    for report in reports:
        counts = [_figure(_count(report, name), name) for name in names]
        chunks, seconds = _figure(report.chunks_written, "chunks"), duration(report.seconds)
        table.rows.append([lane_name(report), *counts, chunks, seconds, _status(report)])
    return table


def _figure(value: int, name: str) -> str:
    text = number(value)
    if not value:
        return dim(text)
    return click.style(text, fg="red") if name == "failed" else text


def _status(report: SyncReport) -> str:
    return click.style(report.status, fg=_COLOURS[report.status])


def _sentence(report: SyncReport) -> str:
    counts = [f"{number(value)} {name}" for name in _COUNTS if (value := _count(report, name))]
    return " · ".join([*counts, counted(report.chunks_written, "chunk"), duration(report.seconds)])


def _skipped(report: SyncReport) -> str:
    reasons = ", ".join(f"{clean(reason)} {number(count)}" for reason, count in report.skipped.most_common())
    return f"{number(report.skipped.total())} ({reasons})"


def show_types(page: Page, reports: Sequence[SyncReport], names: Mapping[str, str]) -> None:
    """Write a table of what became of the bodies by their type, where a run had to read several kinds.

    Args:
        page: Where to.
        reports: Of each, one table.
        names: What people call a media type: the ending of its files.
    """
    for report in reports:
        if len(report.by_type) >= SEVERAL:
            page.line()
            page.table(_types(report, names))


def _types(report: SyncReport, names: Mapping[str, str]) -> Table:
    columns = [Column("type"), *(Column(name, right=True) for name in ("documents", "chunks", "time"))]
    table = Table([*columns, Column("outcome", wraps=True)])
    for media_type, count in sorted(report.by_type.items(), key=lambda item: (-item[1].documents, item[0])):
        figures = [number(count.documents), _figure(count.chunks, "chunks"), duration(count.seconds)]
        outcomes = ", ".join(f"{clean(code)} {number(times)}" for code, times in sorted(count.outcomes.items()))
        table.rows.append([clean(names.get(media_type, media_type)), *figures, outcomes])
    return table


def show_message(page: Page, report: SyncReport) -> None:
    """Say what the report has to say; a command in it gets a line of its own, to be copied."""
    if not report.message:
        return
    page.line()
    colour = "yellow" if report.status == "ok" else _COLOURS[report.status]
    message, colon, command = clean(report.message).rpartition(": connector ")
    mark = click.style("!", fg=colour, bold=True)
    if not colon:
        page.line(f"{mark} {lane_name(report)}: {command}")
        return
    page.line(f"{mark} {lane_name(report)}: {message}:")
    page.line(f"connector {command}", indent=4)


def show_failures(page: Page, failures: Sequence[Note], reports: Sequence[SyncReport]) -> None:
    """Name the first failures, and how to hear more about them."""
    failed = [report for report in reports if report.failed]
    if not failed or not failures:
        return
    page.line()
    where = "; ".join(f"{lane_name(report)}: {counted(report.failed, 'document')} failed" for report in failed)
    page.line(f"{click.style(where, fg='red')}; the next run tries again.")
    _show_notes(page, failures)
    if any(report.failed > SHOWN for report in failed):
        page.line(dim("… and more"), indent=2)
    first = failures[0]
    page.line(dim(f"More about one: connector explain {first.connector} {quoted(first.external_id)}"))
    page.line(dim(f"Try only these again: connector retry {first.connector}"))


def show_refusals(page: Page, refusals: Sequence[Note]) -> None:
    """Name what was asked for and not done."""
    if refusals:
        page.line()
        page.line("Left as they are:")
        _show_notes(page, refusals)


def _show_notes(page: Page, notes: Sequence[Note]) -> None:
    table = Table([Column(), Column(wraps=True), Column(wraps=True)])
    for note in notes:
        table.rows.append([dim(note.stage), clean(note.external_id), clean(note.reason)])
    page.table(table, indent=2)


def quoted(text: str) -> str:
    """A text as a shell takes it for one word."""
    from shlex import quote  # few pages need it

    return quote(clean(text))
