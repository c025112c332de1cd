"""One reading of a wiki.

    spaces ─▶ for each space and kind: pages of ids and versions ─▶ labels, ancestors, readers (if asked for) ─▶ documents ─▶ checkpoint
    └▶ at the end: what is held and was not shown is asked for by id; what is still there is shown, and the rest is gone

Bodies come later, when the host wants them, and of few; only a first reading takes them from the listing, 50 at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from itertools import chain, groupby, islice, pairwise
from mimetypes import guess_type
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from knowledge_connector import (
    AuthenticationError,
    Checkpoint,
    Complete,
    ConnectorError,
    Document,
    DocumentError,
    Failure,
    FatalError,
    Item,
    Skip,
    SyncContext,
    Unavailable,
    digest,
)
from knowledge_connector_confluence.access import Access
from knowledge_connector_confluence.config import ConfluenceConfig
from knowledge_connector_confluence.contents import Contents
from knowledge_connector_confluence.pages import Circle, Pages
from knowledge_connector_confluence.rules import Rules
from knowledge_connector_confluence.wiki import Entry, File, Space, Wiki
from knowledge_connector_confluence.wire import BadRequest

ASKED_AT_ONCE = 250
OVERLAP = timedelta(hours=26)
"""Queries read times in the zone of the account, and the index is late: so much is asked for again."""

KEPT_BODY_CHARS = 250_000
"""Longer bodies are not carried along from the listing."""

T = TypeVar("T")

MOST_LOST = 10_000
"""If a listing has lost more than so many pages that are there, it is no listing."""


class Cursor(BaseModel):
    """Where a reading is; without a space it is over.

    Attributes:
        space: Id of the space under way. Spaces come in the order of their ids.
        kind: Of the listing under way; `None` if the space is done.
        at: Cursor of its next page.
        bodies: Whether the listings bring the bodies.
        swept_at: When the last reading of everything began, by the wiki's clock.
        asked_at: When edited pages were asked for last.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    space: str | None = None
    kind: str | None = None
    at: str | None = None
    bodies: bool = False
    swept_at: datetime | None = None
    asked_at: datetime | None = None

    def at_space(self, space: str, kind: str | None) -> Cursor:
        """The same at the beginning of a space's listing, or with `None` behind its last one."""
        return self.model_copy(update={"space": space, "kind": kind, "at": None})


class Reading:
    """Reads what a configuration wants of a wiki, once."""

    def __init__(self, config: ConfluenceConfig, wiki: Wiki, context: SyncContext) -> None:
        self._config, self._wiki, self._context = config, wiki, context
        self._rules = Rules(config)
        self._access = Access(wiki)
        self._contents = Contents(config, wiki, self._access)

    def items(self) -> Iterator[Item]:
        """Everything, or what was edited, if that is enough this time."""
        if not self._config.is_cloud:
            self._wiki.whoami()  # Data Center shows strangers what is public, and says nothing
        spaces = self.spaces()
        cursor = self._cursor()
        if cursor is not None and cursor.space is None and self._is_fresh(cursor):
            yield from self._edited(spaces, cursor)
        else:
            yield from self._everything(spaces, cursor)

    # ------------------------------------------------------------------------------------------------------------- spaces

    def spaces(self) -> list[Space]:
        """The spaces to read, by id.

        Raises:
            FatalError: There is none; one that is named in the configuration is missing; the partition is.
        """
        found = list(self._wiki.spaces())
        archived = list(self._wiki.spaces(archived=True)) if self._config.archived else []
        missing = set(self._rules.named_spaces) - {space.key for space in found + archived}
        if missing and not self._config.archived:
            missing -= {space.key for space in self._wiki.spaces(archived=True)}
        if missing:
            raise FatalError(
                f"space_keys: {', '.join(sorted(missing))} is not there, or this account may not view it; take it out, or give the "
                "account the right. Until then nothing is deleted",
                where="origin",
            )
        wanted = [space for space in found + archived if self._rules.leaves_out_space(space) is None]
        if self._context.partition is not None:
            wanted = [space for space in wanted if space.id == self._context.partition]
        if not wanted:
            raise FatalError(
                f"none of the {len(found)} spaces that this account may view is wanted: check its rights, and space_keys",
                where="origin",
            )
        return sorted({space.id: space for space in wanted}.values(), key=lambda space: _order(space.id))

    # ----------------------------------------------------------------------------------------------------------- listings

    def _everything(self, spaces: Sequence[Space], cursor: Cursor | None) -> Iterator[Item]:
        if cursor is not None and cursor.space is not None:
            place = cursor
        else:
            place = Cursor(bodies=self._takes_bodies(is_first=cursor is None), swept_at=self._wiki.wire.server_time)
        for space in spaces:
            if place.space == space.id:
                yield from self._space(space, place)
            elif place.space is None or _order(space.id) > _order(place.space):
                yield from self._space(space, place.at_space(space.id, self._config.kinds[0]))
        if not self._config.is_cloud:
            self._wiki.whoami()  # still the same to the end
        yield from self._lost(spaces)
        yield Complete(f"{self._context.partition}/" if self._context.partition else "")
        yield Checkpoint(Cursor(swept_at=place.swept_at, asked_at=place.swept_at))

    def _takes_bodies(self, *, is_first: bool) -> bool:
        """Where nothing is held, all bodies are wanted; and whether a page includes others can only be seen in its body."""
        if self._config.includes == "text":
            return True
        return is_first and not any(True for _ in islice(self._context.holdings.rows(), 1))

    def _space(self, space: Space, place: Cursor) -> Iterator[Item]:
        """One space from a place in it; a checkpoint behind each kind."""
        left = [*self._config.kinds, None]
        for kind, following in pairwise(left[left.index(place.kind) if place.kind in left else 0 :]):
            if kind is not None:
                yield from self._listing(space, kind, place if kind == place.kind else place.at_space(space.id, kind))
            yield Checkpoint(place.at_space(space.id, following))

    def _listing(self, space: Space, kind: str, place: Cursor) -> Iterator[Item]:
        """One space's pages or blog posts. What cannot be listed makes the whole space unknown."""
        pages = Pages(self._wiki, space, kind, bodies=place.bodies)
        try:
            for batch in pages.batches(place.at):
                yield from self._entries(space, batch.entries)
                if batch.following is not None:
                    yield Checkpoint(place.model_copy(update={"at": batch.following}))
        except (DocumentError, Unavailable, BadRequest, Circle) as error:
            if isinstance(error.__cause__, httpx.HTTPError):
                raise  # nobody answers: that is not this space's fault
            self._context.log.warning("a space could not be listed", extra={"space": space.key})
            yield Failure(f"{space.id}/", f"space {space.key}: {error.message}", code="listing", beneath=True)
        if pages.skipped:
            message = f"space {space.key}: {pages.skipped} entries cannot be listed"
            yield Failure(f"{space.id}/", message, code="listing", beneath=True)

    def _edited(self, spaces: Sequence[Space], cursor: Cursor) -> Iterator[Item]:
        """What the search index says was edited, and what failed before. Shows no deletions, moves, labels or restrictions."""
        began = self._wiki.wire.server_time
        since = (cursor.asked_at or began) - OVERLAP
        failed = self._wiki.current(list(dict.fromkeys(id_.split("/")[1] for id_ in self._context.retry if "/" in id_)))
        found = self._wiki.edited([space.key for space in spaces], since)
        for entries in _portions(chain(failed, found)):
            yield from self._everywhere(spaces, entries)
        yield Checkpoint(Cursor(swept_at=cursor.swept_at, asked_at=began))

    def _everywhere(self, spaces: Sequence[Space], entries: Iterable[Entry]) -> Iterator[Item]:
        """Entries of any space."""
        by_id = {space.id: space for space in spaces}
        known = sorted((entry for entry in entries if entry.space_id in by_id), key=lambda entry: entry.space_id)
        for space_id, group in groupby(known, key=lambda entry: entry.space_id):
            yield from self._entries(by_id[space_id], list(group))

    # ------------------------------------------------------------------------------------------------------------ entries

    def _entries(self, space: Space, entries: Sequence[Entry]) -> Iterator[Item]:
        if self._rules.asks_for_labels:
            entries = self._wiki.labelled(entries)
        for entry in entries:
            yield from self._entry(space, entry)

    def _entry(self, space: Space, entry: Entry) -> Iterator[Item]:
        id_ = f"{space.id}/{entry.id}"
        try:
            above = self._access.above(entry) if self._rules.asks_for_ancestors else ()
            rule = self._rules.leaves_out(entry, above)
            if rule is not None:
                yield Skip(id_, rule, excluded=True)
                return
            acl = self._access.readers(entry, space) if self._config.acl else None
            document = self._document(id_, space, entry, acl)
        except AuthenticationError:
            raise
        except ConnectorError as error:
            code = "acl" if self._config.acl else "unreadable"
            yield Failure(id_, f"its ancestors, readers or comments are not known: {error.message}", code=code)
            if self._config.attachments:
                yield Failure(f"{id_}/", f"its page is not known: {error.message}", code=code, beneath=True)
            return
        yield Skip(id_, "live-document-in-use") if self._is_being_written(entry) else document
        if self._config.attachments:
            yield from self._files(document, entry)

    def _document(self, id_: str, space: Space, entry: Entry, acl: tuple[str, ...] | None) -> Document:
        if entry.body is not None and len(entry.body) > KEPT_BODY_CHARS:
            entry = replace(entry, body=None)
        return Document(
            id=id_,
            title=entry.title,
            body=partial(self._contents.markdown, entry, space, id_),
            uri=entry.site + entry.path,
            updated_at=entry.updated_at,
            revision=self._revision(id_, entry),
            tags=entry.labels or () if self._config.label_tags else (),
            metadata={"space": space.key, "kind": entry.kind} | ({"parent": entry.parent[1]} if entry.parent else {}),
            acl=acl,
        )

    def _revision(self, id_: str, entry: Entry) -> str | None:
        if self._contents.is_made_of_others(entry):
            return None
        version = f"{self._contents.recipe}.{entry.version}"
        if not self._config.comments:
            return version
        comments = digest(*(f"{one.id} {one.version}" for one in self._wiki.comments(entry, id_)))
        return f"{version}.{comments}"

    def _is_being_written(self, entry: Entry) -> bool:
        """Whether somebody typed in a live document a moment ago: its version rises with every pause."""
        quiet = timedelta(minutes=self._config.live_doc_quiet_minutes)
        return entry.is_live and entry.updated_at is not None and entry.updated_at > self._wiki.wire.server_time - quiet

    def _files(self, page: Document, entry: Entry) -> Iterator[Item]:
        try:
            for file in self._wiki.files(entry, page.id):
                id_ = f"{page.id}/{file.id}"
                rule = self._rules.leaves_out_file(file)
                yield Skip(id_, rule, excluded=True) if rule else self._file(id_, page, file, entry.site)
        except AuthenticationError:
            raise
        except ConnectorError as error:
            yield Failure(
                f"{page.id}/", f"its attachments cannot be listed: {error.message}", code="listing", beneath=True
            )

    def _file(self, id_: str, page: Document, file: File, site: str) -> Document:
        """It has the labels and the readers of its page."""
        return Document(
            id=id_,
            title=file.name,
            body=partial(self._contents.file, file, id_),
            media_type=_media_type(file),
            uri=site + file.path,
            updated_at=file.updated_at,
            revision=str(file.version),
            tags=page.tags,
            metadata={"space": page.metadata["space"], "kind": "attachment", "page": page.id.split("/")[1]},
            acl=page.acl,
            size_bytes=file.size,
        )

    # --------------------------------------------------------------------------------------------------------- what is gone

    def _lost(self, spaces: Sequence[Space]) -> Iterator[Item]:
        """Ask by id for what is held and was not shown: a page may slip through a listing while others are moved or deleted."""
        found: list[Entry] = []
        for ids in _portions(self._unshown()):
            found += self._wiki.current(ids)
            if len(found) > MOST_LOST:
                raise FatalError(f"the listings left out more than {MOST_LOST} pages that are there", where="origin")
        yield from self._everywhere(spaces, found)

    def _unshown(self) -> Iterator[str]:
        """Ids of pages that are held, or hold files that are, and that this listing has not shown.

        The host has noted everything before the last checkpoint under the number of this listing, which is the greatest. If it only
        wants to see again what failed, it notes nothing else, and most is missing: then there is nothing to ask for.
        """
        beneath = f"{self._context.partition}/" if self._context.partition else ""
        counts = Counter(row.listed for row in self._context.holdings.rows())
        newest = max(counts, default=0)
        if self._context.retry and counts.total() > 2 * counts[newest]:
            return iter(())
        rows = (row for row in self._context.holdings.rows() if row.listed < newest)
        ids = (row.external_id or "" for row in rows)
        pages = (id_.split("/")[1] for id_ in ids if id_.startswith(beneath) and "/" in id_)
        return (id_ for id_, _ in groupby(pages))

    # ------------------------------------------------------------------------------------------------------------- cursors

    def _cursor(self) -> Cursor | None:
        raw: Mapping[str, Any] | None = self._context.cursor
        if raw is None:
            return None
        try:
            return Cursor.model_validate(raw)
        except ValidationError:
            self._context.log.warning("the cursor is not understood any more: everything is listed anew")
            return Cursor()

    def _is_fresh(self, cursor: Cursor) -> bool:
        hours = timedelta(hours=self._config.sweep_hours)
        return cursor.swept_at is not None and self._wiki.wire.server_time - cursor.swept_at < hours


def _order(id_: str) -> tuple[int, str]:
    """Ids are numbers, as far as anybody has seen."""
    return (int(id_) if id_.isdecimal() else 0, id_)


def _portions(of: Iterable[T]) -> Iterator[list[T]]:
    left = iter(of)
    while portion := list(islice(left, ASKED_AT_ONCE)):
        yield portion


def _media_type(file: File) -> str | None:
    """What the uploader claimed, if the name does not speak against it; otherwise the content decides."""
    claimed = (file.media_type or "").partition(";")[0].strip().lower()
    by_name, _ = guess_type(file.name)
    return claimed if claimed and by_name == claimed else None
