"""The story of one document: what is held of it, what failed, what became of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from knowledge_connector.errors import ConnectorError
from knowledge_connector.model import SourceDraft, StoredSource
from knowledge_connector.ports import ChangeRow, FailureRow, Known, Lane, RunRow, StateStore
from knowledge_connector.registry import guarded
from knowledge_connector.story.asked import asked
from knowledge_connector.story.held import Held
from knowledge_connector.story.past import PastChange, change_of

if TYPE_CHECKING:
    from knowledge_connector.app import Host

RUNS_LOOKED_AT = 50
CHANGES_LOOKED_AT = 100_000
"""How far back `explain` looks for a document that is held no longer."""

MATCHES = 10


@dataclass(frozen=True, slots=True)
class Story:
    """All that is known of one document in one lane.

    Attributes:
        known: The memory of it; `None` if it is held no longer.
        listed_by: The run that listed it last, if that run is still kept.
        last_listing: The last run that listed anything at all.
        source: What the target holds of it; `None` if nothing, or if it could not be asked.
        trouble: Why the target could not be asked.
        failure: Its last failure, if it has not succeeded since.
        last_change: The last thing that a run did to it.
        runs: Numbers of all runs that changed it, as far as they are kept, oldest first.
    """

    lane: Lane
    external_id: str
    name: str
    known: Known | None = None
    listed_by: RunRow | None = None
    last_listing: RunRow | None = None
    source: SourceDraft | None = None
    trouble: str = ""
    failure: FailureRow | None = None
    last_change: PastChange | None = None
    runs: tuple[int, ...] = ()

    @property
    def is_held(self) -> bool:
        """Whether a person's `undo` keeps it as it is."""
        return self.known is not None and self.known.held_fingerprint is not None


@dataclass(frozen=True, slots=True)
class Match:
    """A document that may be meant."""

    external_id: str
    name: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer to `connector explain`.

    Attributes:
        origin: What the connector says of the needle, in a sentence; `None` if it cannot tell.
        stories: One for each lane of the document that is meant; none if there is no such document, or if several may be meant.
        matches: Those several.
        skipped: What the last run left out, by reason; told only if there is no story.
    """

    connector: str
    needle: str
    origin: str | None
    stories: tuple[Story, ...] = ()
    matches: tuple[Match, ...] = ()
    skipped: Mapping[str, int] = field(default_factory=dict)


def explain(host: Host, connector: str, needle: str) -> Explanation:
    """Tell the story of a document.

    Args:
        host: Configuration, plugins and memory.
        connector: Its name in `connectors.toml`.
        needle: The document's id, link or title, or a part of one.

    Raises:
        ConfigError: There is no such connector, or its configuration is wrong.
    """
    found = _found(host.store, connector, needle)
    ids = list(dict.fromkeys(story.external_id for story in found))
    asked = ids[0] if len(ids) == 1 else needle
    explanation = Explanation(connector, needle, _ask_origin(host, connector, asked))
    if len(ids) == 1:
        return replace(explanation, stories=tuple(_told(host, story) for story in found))
    names = {story.external_id: story.name for story in found}
    matches = tuple(Match(id_, names[id_]) for id_ in ids)
    return replace(explanation, matches=matches, skipped=_skipped(host.store, connector))


def _skipped(store: StateStore, connector: str) -> dict[str, int]:
    last = next((run for run in store.runs(connector, RUNS_LOOKED_AT) if _lists(run) and run.report), None)
    reports = json.loads(last.report or "[]") if last else []
    return {reason: count for report in reports for reason, count in report["skipped"].items()}


def _ask_origin(host: Host, connector: str, needle: str) -> str | None:
    with (
        asked(host, connector) as (plugin, context),
        guarded(host.registry.brought_by(type(plugin)).name, "explaining"),
    ):
        return plugin.explain(needle, context)


def _found(store: StateStore, connector: str, needle: str) -> list[Story]:
    """The documents that may be meant: those that are remembered, or else those that are gone."""
    rows = store.find(connector, needle)
    exact = [(lane, known) for lane, known in rows if needle in (known.external_id, known.uri, known.name)]
    stories = [
        Story(lane, known.external_id or known.external_digest, known.name, known) for lane, known in exact or rows
    ]
    return stories or _departed(store, connector, needle)


def _departed(store: StateStore, connector: str, needle: str) -> list[Story]:
    """Documents that recent runs deleted or renamed, from the history; the exact id before a part of it."""
    exact: dict[tuple[Lane, str], Story] = {}
    partial: dict[tuple[Lane, str], Story] = {}
    later_id: dict[tuple[Lane, str], str] = {}
    for lane, change in _past_changes(store, connector):
        id_ = later_id.get((lane, change.external_id), change.external_id)
        if change.previous_id:
            later_id[lane, change.previous_id] = id_
        names = (change.external_id, change.name, change.previous_id or "")
        known = exact if needle in names else partial if _any_holds(names, needle) else None
        if known is not None:
            known.setdefault((lane, id_), Story(lane, id_, change.name, store.lookup(lane, [id_]).get(id_)))
    return list((exact or partial).values())[:MATCHES]


def _any_holds(names: Iterable[str], needle: str) -> bool:
    return any(needle.lower() in name.lower() for name in names)


def _past_changes(store: StateStore, connector: str) -> Iterator[tuple[Lane, ChangeRow]]:
    left = CHANGES_LOOKED_AT
    for run in store.runs(connector, RUNS_LOOKED_AT):
        for lane, change in store.changes(run.id):
            yield lane, change
            left -= 1
            if not left:
                return


def _told(host: Host, story: Story) -> Story:
    """Fill in what takes more looking."""
    store, lane = host.store, story.lane
    runs = tuple(_runs_that_changed(store, lane, story.external_id))
    listings = [run for run in store.runs(lane.connector, RUNS_LOOKED_AT) if _lists(run)]
    source, trouble = _ask_target(host, lane, story.known)
    return replace(
        story,
        listed_by=store.run(story.known.listed) if story.known and story.known.listed else None,
        last_listing=listings[0] if listings else None,
        source=source.draft if source else None,
        trouble=trouble,
        failure=_failure_of(store, lane, story.external_id),
        last_change=change_of(store, runs[-1], lane, story.external_id) if runs else None,
        runs=runs,
    )


def _lists(run: RunRow) -> bool:
    return run.kind in ("run", "plan", "apply") and run.status in ("ok", "partial", "withheld")


def _runs_that_changed(store: StateStore, lane: Lane, external_id: str) -> Iterator[int]:
    run = store.changed_since(0, lane, external_id)
    while run is not None:
        yield run
        run = store.changed_since(run, lane, external_id)


def _failure_of(store: StateStore, lane: Lane, external_id: str) -> FailureRow | None:
    failures = (row for where, row in store.failures(lane.connector) if where == lane)
    return next((row for row in failures if row.external_id == external_id), None)


def _ask_target(host: Host, lane: Lane, known: Known | None) -> tuple[StoredSource | None, str]:
    if known is None or known.source_id is None:
        return None, ""
    try:
        with Held(host) as held:
            return held.source(lane, known.external_id or "", known.source_id), ""
    except ConnectorError as error:
        return None, error.message
