"""One reading: resource by resource, page by page, and beneath each record its children.

    resource ─▶ laps (windows, for_each) ─▶ pages ─▶ records ─▶ documents, tombstones, skips, failures
                                              └▶ children of each record, the same way
                                              └▶ checkpoint, when a page of a resource without parents has been shown with all beneath it

At no time is more than a page of each level in memory.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from knowledge_connector import (
    AuthenticationError,
    Checkpoint,
    Complete,
    DocumentError,
    Failure,
    FatalError,
    Unavailable,
)
from knowledge_connector_rest.calling import Caller, Ignored, NotModified, Refused, Restart, Shape, Unknown
from knowledge_connector_rest.changes import Window
from knowledge_connector_rest.expressions import as_text, evaluate
from knowledge_connector_rest.mapping import Surroundings
from knowledge_connector_rest.position import Cursor, Mark, Progress, Under
from knowledge_connector_rest.records import Source, looked_up, sorted_out, sources_of
from knowledge_connector_rest.walking import Step, walk

if TYPE_CHECKING:
    from knowledge_connector import Item, SyncContext
    from knowledge_connector_rest.config import Parent, RestConfig
    from knowledge_connector_rest.paging import Call, Page, Record

MAX_RESTARTS = 3
"""How often a service may say in the middle of one listing that it knows its own page no more."""

_CODES = {403: "forbidden", 404: "not-found", 410: "gone"}
"""Statuses that are the trouble of one parent alone."""

GONE = frozenset({404, 410})


class Reading:
    """Reads what a configuration names, from where the cursor says.

    Args:
        config: What to read.
        context: Of the run.
        cursor: Where it is.
    """

    def __init__(self, config: RestConfig, context: SyncContext, cursor: Cursor) -> None:
        self.caller = Caller(config, context)
        self.sources = sources_of(config, self.caller)
        self._context = context
        self._cursor = cursor
        self._is_partial = context.cursor is not None or context.partition is not None
        self._under = cursor.under or Under(resource="")
        self._validators: dict[str, Progress] = {}

    def roots(self) -> list[Source]:
        """Resources without parents; what names the deleted first, so that what was brought back stays."""
        found = [source for source in self.sources.values() if source.resource.parent is None]
        return sorted(found, key=lambda source: source.resource.tombstones_of is None)

    def items(self) -> Iterator[Item]:
        """Read everything, or one partition."""
        wanted = [one for one in self.roots() if self._context.partition in (None, one.name)]
        for root in wanted:
            if root.name not in self._cursor.round:
                yield from self._noting_gaps(root, self._root(root))
                yield Checkpoint(self._cursor)
        self._cursor = self._cursor.model_copy(update={"round": ()})
        yield Checkpoint(self._cursor)

    def _noting_gaps(self, root: Source, items: Iterator[Item]) -> Iterator[Item]:
        """Remember which resources have something unknown in them."""
        for item in items:
            if isinstance(item, Failure) and item.beneath:
                name = root.name if root.resource.tombstones_of else item.id.partition("/")[0]
                self._under = self._under.model_copy(update={"gaps": tuple({*self._under.gaps, name})})
            yield item

    # ------------------------------------------------------------------------------------------------------ one resource

    def _root(self, root: Source) -> Iterator[Item]:
        if self._under.resource != root.name:
            self._under = self._begun(root)
        yield from self._retried(root)
        try:
            yield from self._laps_of_root(root)
        except NotModified:
            self._finish(root, listed=False)
            return
        except Ignored as ignored:
            if self._under.page is not None or self._under.lap:
                yield Failure(root.prefix, f"{ignored.message}, in the middle of a listing", "unknown", beneath=True)
        except Unknown as unknown:
            yield Failure(root.prefix, unknown.message, "unknown", beneath=True)
        yield from self._completed(root)
        self._finish(root, listed=True)

    def _begun(self, root: Source) -> Under:
        until = root.changes.until(self._context.clock.now()) if root.changes else None
        full = tuple(source.name for source in root.family if self._has_to_be_full(source))
        return Under(resource=root.name, until=until, full=full)

    def _has_to_be_full(self, source: Source) -> bool:
        known, options = self._cursor.known.get(source.name), source.resource.incremental
        if options is None or known is None or known.value is None or known.has_gaps:
            return True
        if source.resource.lookup is None and any(self._is_of(source, one) for one in self._context.retry):
            return True  # the only way to see again what failed before
        if options.full_every_hours is None:
            return False
        since = datetime.fromisoformat(known.listed_at) if known.listed_at else None
        return since is None or self._context.clock.now() - since >= timedelta(hours=options.full_every_hours)

    def _is_of(self, source: Source, failed: str) -> bool:
        """Whether this is a document of a resource (and not a part of it that could not be read)."""
        return failed.startswith(source.prefix) and not failed.endswith("/") and source.resource.tombstones_of is None

    def _laps_of_root(self, root: Source) -> Iterator[Item]:
        restarts = 0
        while True:
            try:
                yield from self._laps(root, Surroundings(root.prefix))
            except Restart:
                restarts += 1
                if restarts > MAX_RESTARTS:
                    raise FatalError(
                        f"{root.name}: the service said {restarts} times that its own next page is gone", where="origin"
                    ) from None
                self._begin_again(root)
            else:
                return

    def _begin_again(self, root: Source) -> None:
        """From the first page; where that is refused, too, without the mark of the last run."""
        at_start = self._under.page is None and self._under.lap == 0
        full = tuple({*self._under.full, root.name}) if at_start else self._under.full
        self._under = self._under.model_copy(update={"page": None, "lap": 0, "records": 0, "again": None, "full": full})
        self._context.log.info("the service asks to begin again", extra={"resource": root.name})

    def _completed(self, root: Source) -> Iterator[Item]:
        """Say what has been shown whole, where the host cannot tell by itself."""
        if not self._is_partial:
            return
        for source in root.family:
            if source.mapper and not source.resource.tombstones_of and self._shows_all(root, source):
                yield Complete(source.prefix)

    def _shows_all(self, root: Source, source: Source) -> bool:
        """Whether a resource and all above it were listed from their beginning."""
        while source is not root and source.resource.parent and source.name in self._under.full:
            source = self.sources[source.resource.parent.resource]
        return source is root and root.name in self._under.full

    def _finish(self, root: Source, *, listed: bool) -> None:
        known = dict(self._cursor.known)
        for source in root.family:
            known[source.name] = self._progress(source, known.get(source.name, Progress()), listed=listed)
        self._cursor = Cursor(known=known, round=(*self._cursor.round, root.name))
        self._under = Under(resource="")

    def _progress(self, source: Source, before: Progress, *, listed: bool) -> Progress:
        value = before.value
        if source.changes:
            value = source.changes.later(value, self._under.values.get(source.name))
        fresh = self._validators.get(source.name, Progress()) if listed else before
        whole = listed and source.name in self._under.full
        listed_at = self._context.clock.now().isoformat() if whole else before.listed_at
        return Progress(
            value=value,
            etag=fresh.etag,
            modified=fresh.modified,
            listed_at=listed_at,
            has_gaps=source.name in self._under.gaps,
        )

    # -------------------------------------------------------------------------------------------------------------- laps

    def _laps(self, root: Source, place: Surroundings) -> Iterator[Item]:
        for number, (item, window) in enumerate(self._laps_of(root)):
            if number < self._under.lap:
                continue
            yield from self._lap_of_root(root, Surroundings(place.prefix, None, item), window)
            self._under = self._under.model_copy(update={"lap": number + 1, "page": None, "records": 0, "again": None})
            yield Checkpoint(self._cursor.model_copy(update={"under": self._under}))

    def _laps_of(self, source: Source) -> Iterator[tuple[str | int | None, Window]]:
        start = self._start(source)
        for item in source.resource.for_each or (None,):
            windows = source.changes.windows(start, self._under.until) if source.changes else iter((Window(),))
            for window in windows:
                yield item, window

    def _start(self, source: Source) -> Mark:
        if source.changes is None:
            return None
        if source.name in self._under.full:
            return source.changes.initial()
        return source.changes.start_after(self._cursor.known[source.name].value)

    def _lap_of_root(self, root: Source, place: Surroundings, window: Window) -> Iterator[Item]:
        """One listing; begun again behind its last record as often as it breaks off at a bound."""
        while True:
            start = window.start if self._under.again is None else self._under.again
            broken_off = yield from self._listing(root, place, Window(start, window.end))
            if broken_off is None:
                return
            self._continue_behind(root, broken_off, start)

    def _listing(self, root: Source, place: Surroundings, window: Window) -> Generator[Item, None, Step | None]:
        """Show a listing, from the kept page on; gives the last page if it broke off at its bound."""
        bound = root.resource.incremental.restart_after_records if root.resource.incremental else None
        for step in self._steps(root, place, window, self._under.page):
            yield from self._shown(root, place, step, window.start)
            shown = self._under.records + len(step.records)
            if bound is not None and shown >= bound:
                return step
            if step.following is None or self._is_past(root, step, window.start):
                return None
            self._under = self._under.model_copy(update={"page": step.following, "records": shown})
            yield Checkpoint(self._cursor.model_copy(update={"under": self._under}))
        return None

    def _continue_behind(self, root: Source, step: Step, start: Mark) -> None:
        marks = [root.changes.mark_of(one) for one in step.records if isinstance(one, dict)] if root.changes else []
        last = marks[-1] if marks else None
        if last is None or last == start:
            raise FatalError(
                f"{root.name}: more than incremental.restart_after_records records have the same mark, so there is no way past them",
                where="origin",
            )
        self._under = self._under.model_copy(update={"again": last, "page": None, "records": 0})

    def _is_past(self, source: Source, step: Step, start: Mark) -> bool:
        """Whether a listing with the newest first has come to what was seen before."""
        changes = source.changes
        if changes is None or not changes.options.newest_first or not step.records:
            return False
        return all(isinstance(one, dict) and changes.is_older(changes.mark_of(one), start) for one in step.records)

    def _steps(
        self, source: Source, place: Surroundings, window: Window, position: dict[str, Any] | None
    ) -> Iterator[Step]:
        resource = source.resource
        shape = Shape(
            resource.decoder,
            resource.records,
            (*resource.rules, *self.caller.config.rules),
            empty_is_fine=resource.no_records == "empty",
            bears=frozenset(_CODES) if resource.parent else frozenset(),
            restarts=resource.parent is None,
        )
        call = self._call(source, place, window)

        def ask(call: Call) -> Page:
            page = self.caller.page(call, shape)
            if resource.conditional:
                self._validators[source.name] = Progress(
                    etag=page.headers.get("etag"), modified=page.headers.get("last-modified")
                )
            return page

        return walk(resource.paginator, call, position, ask)

    def first_page(self, source: Source, place: Surroundings) -> tuple[Page, bool]:
        """The first page of a resource as a run without a past would ask for it, and whether there is another."""
        if not self._under.resource:
            self._under = self._begun(source)
        self._under = self._under.model_copy(update={"full": tuple(self.sources)})
        item, window = next(self._laps_of(source))
        beneath = Surroundings(place.prefix, place.parent, place.item if item is None else item)
        step = next(self._steps(source, beneath, window, None))
        return step.page, step.following is not None

    def _call(self, source: Source, place: Surroundings, window: Window) -> Call:
        resource, changes = source.resource, source.changes
        start, end = (changes.written(window.start), changes.written(window.end)) if changes else (None, None)
        scope = self.caller.scope(
            parent=place.parent or {}, item={"value": place.item}, cursor={"start": start, "end": end}
        )
        query = dict(resource.query)
        if changes and changes.options.start_param:
            query[changes.options.start_param] = "{cursor.start}"
        if changes and changes.options.end_param:
            query[changes.options.end_param] = "{cursor.end}"
        headers = {**resource.headers, **self._conditions(source)}
        return self.caller.call(
            resource.method, resource.path, scope, query=query, headers=headers, body=resource.body, form=resource.form
        )

    def _conditions(self, source: Source) -> dict[str, str]:
        """Ask for a change only, unless something that failed before has to be seen again."""
        known = self._cursor.known.get(source.name)
        failed = any(self._is_of(source, one) for one in self._context.retry)
        if known is None or known.has_gaps or not source.resource.conditional or not self._is_partial or failed:
            return {}
        given = {"If-None-Match": known.etag, "If-Modified-Since": known.modified}
        return {name: value for name, value in given.items() if value}

    # ----------------------------------------------------------------------------------------------------------- records

    def _shown(self, source: Source, place: Surroundings, step: Step, start: Mark) -> Iterator[Item]:
        """What a page holds, and what lies beneath its records."""
        items, records = sorted_out(source, place, step.records, lambda record: self._is_wanted(source, record, start))
        yield from items
        if step.moved:
            yield Failure(
                place.prefix,
                f"{source.name}: the listing moved while it was read, so what it did not show may exist",
                "moved",
                beneath=True,
            )
        for record in records:
            for child in source.children:
                yield from self._children(child, record, place)

    def _is_wanted(self, source: Source, record: Record, start: Mark) -> bool:
        """Whether a record is new enough; takes note of how new it is."""
        changes = source.changes
        if changes is None:
            return True
        mark = changes.mark_of(record)
        if mark is None:
            return changes.options.without_cursor == "include"
        if (changes.options.client_side or changes.options.newest_first) and changes.is_older(mark, start):
            return False
        greatest = changes.later(self._under.values.get(source.name), mark)
        self._under = self._under.model_copy(update={"values": {**self._under.values, source.name: greatest}})
        return True

    # ---------------------------------------------------------------------------------------------------------- children

    def _children(self, child: Source, parent: Record, place: Surroundings) -> Iterator[Item]:
        options = child.resource.parent
        if options is None or (options.only_if and not evaluate(options.only_if, parent)):
            return
        key = as_text(evaluate(options.key, parent))
        prefix = f"{child.prefix}{key}/" if options.nested_ids else child.prefix
        trouble = yield from self._tried(child, Surroundings(prefix, parent, place.item), options)
        if trouble is not None:
            code, message = trouble
            yield Failure(prefix, f"beneath {key}: {message}", code, beneath=True)
        elif options.nested_ids and self._is_partial and child.mapper and child.name in self._under.full:
            yield Complete(prefix)

    def _tried(
        self, child: Source, place: Surroundings, options: Parent
    ) -> Generator[Item, None, tuple[str, str] | None]:
        """Show what lies beneath one parent; gives code and message of what went wrong, if that is its own trouble."""
        try:
            yield from self._listed_beneath(child, place)
        except Ignored:
            return None
        except Refused as refusal:
            gone = refusal.status in GONE and options.on_missing == "ignore"
            return None if gone else (_CODES[refusal.status], refusal.message)
        except AuthenticationError:
            raise
        except Restart:
            return "unavailable", "the service asks to begin again"
        except (Unknown, FatalError, Unavailable, DocumentError) as error:
            return "unavailable", error.message
        return None

    def _listed_beneath(self, child: Source, place: Surroundings) -> Iterator[Item]:
        for item, window in self._laps_of(child):
            beneath = Surroundings(place.prefix, place.parent, place.item if item is None else item)
            for step in self._steps(child, beneath, window, None):
                yield from self._shown(child, beneath, step, window.start)
                if self._is_past(child, step, window.start):
                    break

    # ------------------------------------------------------------------------------------------------- what failed before

    def _retried(self, root: Source) -> Iterator[Item]:
        """Ask again for what failed before, where the listing may not show it."""
        for source in root.family:
            if source.resource.lookup and source.name not in self._under.full:
                for document_id in self._context.retry:
                    if self._is_of(source, document_id):
                        yield from looked_up(source, document_id, self.caller)
