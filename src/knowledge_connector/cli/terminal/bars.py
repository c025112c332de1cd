"""The moving bars, drawn by rich; imported only where they can be seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, SpinnerColumn, Task, TaskID, TextColumn, TimeRemainingColumn
from rich.progress_bar import ProgressBar
from rich.table import Column
from rich.text import Text

from knowledge_connector.cli.terminal.progress import counts, settled
from knowledge_connector.cli.terminal.words import number
from knowledge_connector.sync.report import SyncReport


class _KnownBar(BarColumn):
    """A bar where the end is known; otherwise nothing, because without colours a pulse looks like a full bar."""

    def render(self, task: Task) -> ProgressBar | Text:  # type: ignore[override]  # a column may show anything
        return Text() if task.total is None else super().render(task)


class Bars(Progress):
    """One bar for each report, which it reads again whenever it is drawn.

    Attributes:
        deleting: Whether the last change that was decided was a delete: that is the last phase of a run.
    """

    def __init__(self, console: Console, reports: Sequence[SyncReport], expected: Mapping[str, int]) -> None:
        self.deleting = False
        self._reports: dict[TaskID, SyncReport] = {}
        super().__init__(
            SpinnerColumn("dots", style="dim"),
            TextColumn("{task.description}", table_column=Column(no_wrap=True)),
            TextColumn("[dim]{task.fields[phase]}", table_column=Column(no_wrap=True)),
            _KnownBar(bar_width=16),
            TextColumn("{task.fields[count]}", justify="right", table_column=Column(no_wrap=True)),
            TextColumn("[dim]{task.fields[rate]}", justify="right", table_column=Column(no_wrap=True)),
            TextColumn("[dim]{task.fields[counts]}", table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1)),
            TimeRemainingColumn(compact=True),
            console=console,
            transient=True,
            refresh_per_second=8,
            expand=True,
        )
        for report in reports:
            total = expected.get(report.target) or None
            title = f"{report.connector} → {report.target}"
            task = self.add_task(title, total=total, phase="", count="", rate="", counts="")
            self._reports[task] = report

    def get_renderables(self) -> Iterable[RenderableType]:
        """Look at the reports once more, and draw."""
        for task, report in self._reports.items():
            self._look(task, report)
        return super().get_renderables()

    def _look(self, task: TaskID, report: SyncReport) -> None:
        done, known = settled(report), self.tasks[task]
        if known.total is not None and report.listed > known.total:
            self.update(task, total=report.listed)  # there is more than last time
        total = "" if known.total is None else f"/{number(int(known.total))}"
        rate = f"{known.speed:,.0f}/s" if known.speed else ""
        self.update(
            task,
            completed=done,
            phase=self._phase(report),
            count=f"{number(done)}{total}",
            rate=rate,
            counts=counts(report) if report.changed or report.failed else "",
        )

    def _phase(self, report: SyncReport) -> str:
        if self.deleting:
            return "deleting"
        return "reading" if report.listed else "comparing"
