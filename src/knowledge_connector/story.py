"""What `explain`, `diff` and `check` have to say, as data: nothing in here is printed, and nothing is written."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from knowledge_connector.errors import ConfigError, ConnectorError
from knowledge_connector.execution import Contexts
from knowledge_connector.model import Document, Finding, Limits, SourceDraft, StoredSource
from knowledge_connector.ports import ChangeRow, FailureRow, Known, Lane, RunRow, StateStore
from knowledge_connector.registry import guarded
from knowledge_connector.sync.plan import Action

if TYPE_CHECKING:
    from knowledge_connector.app import Host
    from knowledge_connector.ports import Connector, TargetSession
    from knowledge_connector.sync.context import RunContext

RUNS_LOOKED_AT = 50
CHANGES_LOOKED_AT = 100_000
"""How far back `explain` looks for a document that is held no longer."""

MATCHES = 10


# -- explain --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PastChange:
    """What a run did to a document."""

    run: RunRow
    change: ChangeRow


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
    with _asked(host, connector) as (plugin, context), guarded(plugin.type, "explaining"):
        return plugin.explain(needle, context)


def _found(store: StateStore, connector: str, needle: str) -> list[Story]:
    """The documents that may be meant: those that are remembered, or else those that are gone."""
    rows = store.find(connector, needle)
    exact = [(lane, known) for lane, known in rows if needle in (known.external_id, known.uri, known.name)]
    stories = [
        Story(lane, known.external_id or known.external_digest, known.name, known) for lane, known in exact or rows
    ]
    return stories or _failed_only(store, connector, needle) or _departed(store, connector, needle)


def _failed_only(store: StateStore, connector: str, needle: str) -> list[Story]:
    """Documents that never came as far as being remembered."""
    return [
        Story(lane, failure.external_id, failure.external_id)
        for lane, failure in store.failures(connector)
        if _any_holds([failure.external_id], needle)
    ][:MATCHES]


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
        last_change=_change_of(store, runs[-1], lane, story.external_id) if runs else None,
        runs=runs,
    )


def _lists(run: RunRow) -> bool:
    return run.kind in ("run", "plan", "apply") and run.status in ("ok", "partial", "withheld")


def _runs_that_changed(store: StateStore, lane: Lane, external_id: str) -> Iterator[int]:
    run = store.changed_since(0, lane, external_id)
    while run is not None:
        yield run
        run = store.changed_since(run, lane, external_id)


def _change_of(store: StateStore, run: int, lane: Lane, external_id: str) -> PastChange | None:
    row = store.run(run)
    if row is None:
        return None
    concerned = (
        change
        for where, change in store.changes(run)
        if where == lane and external_id in (change.external_id, change.previous_id)
    )
    return next((PastChange(row, change) for change in concerned), None)


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


class Held:
    """Reads what the targets hold now, each through one session that is opened when first needed."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._sessions: dict[Lane, TargetSession] = {}
        self._open = ExitStack()

    def __enter__(self) -> Held:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def source(self, lane: Lane, external_id: str, source_id: str) -> StoredSource | None:
        """A source with its chunks; from our own copy where the target cannot give it back.

        Raises:
            ConnectorError: The target cannot be asked.
        """
        target = self._host.target(lane.target)
        if not target.keeps_content:
            return self._host.store.current(lane, external_id)
        if lane not in self._sessions:
            session = target.open(lane.connector, fence=0)  # it only reads, so that no fence is needed
            self._sessions[lane] = self._open.enter_context(session)
        return self._sessions[lane].read(source_id)


# -- diff -----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DocumentDiff:
    """What happened to one document in one run, or from one run to another.

    Attributes:
        action: create, update, retag or delete: how what came of it differs from what was before.
        runs: The runs that changed it, oldest first.
        before: The number of the kept version; `None` if there was none, or it is not kept any more.
    """

    lane: Lane
    external_id: str
    name: str
    action: str
    reason: str
    runs: tuple[int, ...]
    before: int | None = None
    previous_id: str | None = None
    chunks_written: int = 0
    chunks_deleted: int = 0


def diff(store: StateStore, run: int, other: int | None = None) -> Iterator[DocumentDiff]:
    """Say which documents a run changed; with `other`, which differ between the end of the one run and the end of the other.

    Raises:
        ConfigError: There is no such run, or the two are not of one connector.
    """
    first = _run_of(store, run)
    if other is None:
        return (_diff_of(run, lane, change) for lane, change in store.changes(run))
    second = _run_of(store, other)
    if first.connector != second.connector:
        raise ConfigError(
            f"run {run} is of connector {first.connector!r} and run {other} of {second.connector!r}; "
            "two runs of one connector can be compared"
        )
    between = range(min(run, other) + 1, max(run, other) + 1)
    return iter(_merged(_changes_between(store, first.connector, between)))


def _run_of(store: StateStore, run: int) -> RunRow:
    row = store.run(run)
    if row is None:
        raise ConfigError(f"there is no run {run}, or it is no longer kept; see: connector history")
    return row


def _diff_of(run: int, lane: Lane, change: ChangeRow) -> DocumentDiff:
    return DocumentDiff(
        lane,
        change.external_id,
        change.name,
        change.action,
        change.reason,
        (run,),
        change.before,
        change.previous_id,
        change.chunks_written,
        change.chunks_deleted,
    )


def _changes_between(store: StateStore, connector: str, numbers: range) -> Iterator[DocumentDiff]:
    for run in reversed(store.runs(connector, max(RUNS_LOOKED_AT, numbers.stop))):
        if run.id in numbers:
            for lane, change in store.changes(run.id):
                yield _diff_of(run.id, lane, change)


def _merged(steps: Iterable[DocumentDiff]) -> list[DocumentDiff]:
    """One for each document that is different afterwards."""
    merged: dict[tuple[Lane, str], DocumentDiff] = {}
    for step in steps:
        before = merged.pop((step.lane, step.previous_id or step.external_id), None)
        after = step if before is None else _joined(before, step)
        if after is not None:
            merged[step.lane, step.external_id] = after
    return list(merged.values())


def _joined(before: DocumentDiff, step: DocumentDiff) -> DocumentDiff | None:
    action = _NET.get((before.action, step.action), Action.UPDATE.value)
    if not action:
        return None
    return replace(
        step,
        action=action,
        runs=before.runs + step.runs,
        before=before.before,
        previous_id=before.previous_id or step.previous_id,
        chunks_written=before.chunks_written + step.chunks_written,
        chunks_deleted=before.chunks_deleted + step.chunks_deleted,
    )


_NET = {
    ("create", "update"): "create",
    ("create", "retag"): "create",
    ("create", "delete"): "",
    ("update", "delete"): "delete",
    ("retag", "delete"): "delete",
    ("retag", "retag"): "retag",
}
"""What two changes come to, where that is not an update."""


def text_diff(held: Held, store: StateStore, document: DocumentDiff) -> list[str]:
    """A unified diff of the text before and after; empty if it is the same or not kept any more."""
    if document.action == Action.RETAG:
        return []
    before = None if document.before is None else store.version(document.before)
    after = None if document.action == Action.DELETE else _after(held, store, document)
    if (before is None and document.action != Action.CREATE) or (after is None and document.action != Action.DELETE):
        return []
    old_name, new_name = f"{document.external_id} before run {document.runs[0]}", f"after run {document.runs[-1]}"
    return list(difflib.unified_diff(_lines(before), _lines(after), old_name, new_name, lineterm=""))


def _after(held: Held, store: StateStore, document: DocumentDiff) -> StoredSource | None:
    """What a later run replaced, or else what is held now."""
    run: int | None = document.runs[-1]
    while run is not None and (run := store.changed_since(run, document.lane, document.external_id)) is not None:
        later = _change_of(store, run, document.lane, document.external_id)
        if later is not None and later.change.action != Action.RETAG:
            return None if later.change.before is None else store.version(later.change.before)
    known = store.lookup(document.lane, [document.external_id]).get(document.external_id)
    if known is None or known.source_id is None:
        return None
    return held.source(document.lane, document.external_id, known.source_id)


def _lines(source: StoredSource | None) -> list[str]:
    return [] if source is None else "\n\n".join(chunk.text for chunk in source.chunks).splitlines()


# -- check ----------------------------------------------------------------------------------------------------------------


def check(host: Host, connector: str) -> Iterator[Finding]:
    """Say whether a connector's origin and targets can be reached, with which rights and limits. Nothing is written.

    Raises:
        ConfigError: There is no such connector, or its configuration is wrong.
    """
    with _asked(host, connector) as (plugin, context):
        yield from _findings(f"origin · {plugin.type}", lambda: plugin.check(context))
    for lane in host.lanes(connector):
        target = host.target(lane.target)
        subject = f"target {lane.target} · {target.type}"
        yield from _findings(subject, target.check)
        yield _within(f"{subject} · limits", target.limits, len(host.connector_settings(connector).tags))


def _findings(subject: str, ask: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    none = True
    try:
        with guarded(subject, "checking"):
            for finding in ask():
                none = False
                yield replace(finding, subject=f"{subject} · {finding.subject}")
    except ConnectorError as error:
        none = False
        yield Finding(ok=False, subject=subject, message=error.message)
    if none:
        yield Finding(ok=True, subject=subject, message="has nothing to check")


def _within(subject: str, limits: Limits, tags: int) -> Finding:
    """The limits in words, and whether the configured tags keep to them."""
    words = [f"{limits.max_chars:,} {limits.unit} a chunk"]
    if limits.max_tags is not None:
        words.append(f"{limits.max_tags} tags ({tags} configured)")
    if limits.max_bytes is not None:
        words.append(f"{limits.max_bytes:,} bytes a document")
    return Finding(limits.max_tags is None or tags <= limits.max_tags, subject, ", ".join(words))


# -- parts ----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Memory:
    """`ports.Holdings` for those who only ask."""

    store: StateStore
    lane: Lane

    def rows(self) -> Iterator[Known]:
        """See `ports.Holdings`."""
        return self.store.rows(self.lane)

    def needs_body(self, document: Document) -> bool:  # noqa: ARG002  # nothing is fetched here, whatever it is
        """See `ports.Holdings`."""
        return False


@contextmanager
def _asked(host: Host, connector: str) -> Iterator[tuple[Connector[Any], RunContext]]:
    """A connector with what it is lent while it answers."""
    plugin = host.connector(connector)
    with closing(Contexts(host, connector)(None, (), _Memory(host.store, host.lanes(connector)[0]))) as context:
        yield plugin, context


def listed_before(store: StateStore, connector: str) -> dict[str, int]:
    """How many documents the last run listed, by target: what the next one may expect."""
    for run in store.runs(connector, RUNS_LOOKED_AT):
        if run.kind in ("run", "plan") and run.report:
            return {report["target"]: report["listed"] for report in json.loads(run.report)}
    return {}
