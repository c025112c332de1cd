"""`connector serve`."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from knowledge_connector.cli.shared import Command, Setup, as_json, json_option, opened_host, warn

if TYPE_CHECKING:
    from types import FrameType

    from knowledge_connector.config import Settings
    from knowledge_connector.jobs.events import Event
    from knowledge_connector.jobs.runner import Runner
    from knowledge_connector.server.attendance import Attendance
    from knowledge_connector.sync.report import SyncReport


@click.command("serve", cls=Command)
@click.option("--once", is_flag=True, help="Run what is due now, and end; for cron and the like.")
@click.option("--job", "jobs", multiple=True, metavar="NAME", help="Look after this job only; may be repeated.")
@json_option
@click.option(
    "--child",
    type=int,
    hidden=True,
    help="Carry out one run for a `serve`, which holds the other end of this descriptor.",
)
def command(once: bool, jobs: tuple[str, ...], as_json_lines: bool, child: int | None) -> int:
    """Run jobs when they are due.

    It goes on until it is stopped. SIGTERM and SIGINT let the documents in hand be finished; a second one ends at once. SIGHUP reads
    the configuration anew.
    """
    if child is not None:
        _carry_out_one_run(child)
        return 0
    from knowledge_connector.jobs.runner import check

    with opened_host() as host:
        settings = host.settings
    if not settings.jobs:
        warn(f"there is no [jobs.NAME] in {settings.file}; nothing will run")
    check(settings, jobs)
    return _serve(settings, jobs, once=once, as_json_lines=as_json_lines)


def _serve(settings: Settings, jobs: tuple[str, ...], *, once: bool, as_json_lines: bool) -> int:
    from knowledge_connector.clock import SystemClock
    from knowledge_connector.server.attendance import Attendance

    attendance = Attendance(settings, SystemClock(), lambda: runner.overview())
    runner = _runner(settings, jobs, attendance, as_json_lines=as_json_lines)
    with _signals(runner), attendance.watch():
        if once:
            return runner.once()
        with attendance.door() as url:
            click.echo(f"Health and metrics: {url}/healthz /readyz /metrics", err=True)
            runner.serve()
    return 0


def _carry_out_one_run(lifeline: int) -> None:
    from knowledge_connector.cli.terminal.log import ride_along
    from knowledge_connector.execution import Nobody
    from knowledge_connector.jobs.child import main

    class Marking(Nobody):
        """Puts run and connector into every line of the log."""

        def started(self, reports: Sequence[SyncReport]) -> None:
            """See `Observer.started`."""
            ride_along(reports[0].run, reports[0].connector)

    main(lifeline, Marking())


def _runner(settings: Settings, jobs: tuple[str, ...], attendance: Attendance, *, as_json_lines: bool) -> Runner:
    from knowledge_connector.clock import SystemClock
    from knowledge_connector.jobs.launching import ChildLauncher
    from knowledge_connector.jobs.log import Logging
    from knowledge_connector.jobs.runner import Runner, Surroundings, check

    def load_anew() -> Settings:
        fresh = attendance.load()
        check(fresh, jobs)
        return fresh

    setup = click.get_current_context().ensure_object(Setup)
    telling = [*["-v"] * setup.verbosity, "--log-format", setup.log_format]
    child = [sys.executable, "-P", "-m", "knowledge_connector", "serve", *telling, "--child"]
    surroundings = Surroundings(
        SystemClock(),
        load_anew,
        ChildLauncher(child),
        listeners=[Logging(), attendance, *([_Printing()] if as_json_lines else [])],
        jobs=jobs,
    )
    return Runner(settings, surroundings)


class _Printing:
    """Prints reports as `connector run --json` does."""

    def hear(self, event: Event) -> None:
        """See `Listener`."""
        from knowledge_connector.jobs.events import RunEnded

        if isinstance(event, RunEnded):
            for report in event.reports:
                click.echo(as_json(report))


@contextmanager
def _signals(runner: Runner) -> Iterator[None]:
    """Let signals speak to the runner while this lasts."""

    def heed(number: int, _: FrameType | None) -> None:
        if number == signal.SIGHUP:
            runner.reload()
        else:
            runner.stop()

    before = {number: signal.signal(number, heed) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
