"""What is wrong: a pure function of what the state store remembers, the configuration, and the time."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from knowledge_connector.ports import JobRow, RunRow

Kind = Literal["failure", "withheld", "stale"]


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that a person should know of.

    Attributes:
        subject: `connector handbook` or `job nightly`.
        since: When it began, as far as is known.
        summary: One sentence: counts and reasons, no text of documents.
        advice: What to do next.
    """

    kind: Kind
    subject: str
    since: datetime
    summary: str
    advice: str

    @property
    def key(self) -> tuple[str, str]:
        """What makes it the same trouble as before."""
        return self.kind, self.subject


@dataclass(frozen=True, slots=True)
class Past:
    """What is remembered of one connector.

    Attributes:
        fresh_within: The goal; `None` if there is none.
        last: Its last run that ended by itself.
        last_success: When a run ended that read everything, some documents aside.
        watched_since: When we began to look; before that nothing can be missed.
    """

    connector: str
    fresh_within: timedelta | None
    last: RunRow | None
    last_success: datetime | None
    watched_since: datetime


@dataclass(frozen=True, slots=True)
class JobPast:
    """What is remembered of one job, and the connectors that it runs."""

    row: JobRow
    connectors: tuple[str, ...]


def troubles_of(pasts: Sequence[Past], jobs: Sequence[JobPast], now: datetime) -> list[Trouble]:
    """Give all there are, by subject."""
    found = [trouble for past in pasts for trouble in (*_of_last_run(past), *_of_age(past, now))]
    failed = {past.connector for past in pasts if past.last and past.last.status == "failed"}
    found += [trouble for job in jobs for trouble in _of_job(job, failed)]
    return sorted(found, key=lambda trouble: (trouble.subject, trouble.kind))


def _of_last_run(past: Past) -> Iterator[Trouble]:
    run, name = past.last, past.connector
    if run is None:
        return
    ended = run.finished_at or run.started_at
    if run.status == "failed":
        yield Trouble(
            "failure", f"connector {name}", ended, f"run {run.id} failed: {_message(run)}", f"connector run {name}"
        )
    elif run.status == "withheld":
        withheld = sum(report.get("withheld", 0) for report in _reports(run))
        summary = f"run {run.id} withheld {withheld} deletes: {_message(run)}"
        advice = f"connector plan {name}, and if they are right: connector run {name} --allow-deletes {withheld}"
        yield Trouble("withheld", f"connector {name}", ended, summary, advice)


def _of_age(past: Past, now: datetime) -> Iterator[Trouble]:
    if past.fresh_within is None:
        return
    since = (past.last_success or past.watched_since) + past.fresh_within
    if now > since:
        last = (
            f"the last good run ended at {past.last_success:%Y-%m-%d %H:%M} UTC"
            if past.last_success
            else "no run has ended well"
        )
        summary = f"not fresh: {last}, and the goal is {past.fresh_within}"
        yield Trouble("stale", f"connector {past.connector}", since, summary, f"connector history {past.connector}")


def _of_job(job: JobPast, failed: Set[str]) -> Iterator[Trouble]:
    """What its connectors do not say themselves: it was stopped, or could not begin."""
    row = job.row
    ended = row.finished_at or row.started_at or row.settled_until
    subject, advice = f"job {row.job}", f"connector run {' '.join(job.connectors)}"
    if row.status == "overran":
        yield Trouble("failure", subject, ended, "it took longer than its max_duration and was stopped", advice)
    elif row.status == "failed" and failed.isdisjoint(job.connectors):
        yield Trouble("failure", subject, ended, "it could not begin; the log of `connector serve` says why", advice)


def _message(run: RunRow) -> str:
    return (
        " ".join(dict.fromkeys(str(report["message"]) for report in _reports(run) if report.get("message")))
        or "it did not say why"
    )


def _reports(run: RunRow) -> list[Mapping[str, Any]]:
    found = json.loads(run.report or "[]")
    return [report for report in found if isinstance(report, dict)] if isinstance(found, list) else []
