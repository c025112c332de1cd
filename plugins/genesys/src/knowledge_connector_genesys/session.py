"""One run's work on one connector's files: what is committed goes into the open round, and `flush` completes it.

begin ─▶ add ─▶ commit ── upload ─┐
                 delete ── mark ──┴▶ open round ── flush ─▶ completed ─▶ taken in ─▶ durable, all at once
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC

from knowledge_connector import (
    BatchError,
    Chunk,
    ConnectorError,
    DocumentError,
    KnowledgeSource,
    RetriableError,
    SourceDraft,
    StoredSource,
)
from knowledge_connector.kit.gathering import Gathered, Gathering
from knowledge_connector_genesys.client import File, GenesysClient, Round
from knowledge_connector_genesys.names import clean, file_name, is_ours, tags_of
from knowledge_connector_genesys.shelf import Shelf

log = logging.getLogger(__name__)

CONTENT_TYPE = "text/markdown"
MOST_TO_SEARCH_FOR = 8
"""Ill files of one round that are found by halving it; more look like an ill vendor, and the whole round counts as failed."""


_Entries = dict[str, Gathered | None]
"""What a round does to files, by name: write them, or (`None`) delete them."""


@dataclass(slots=True)
class _OpenRound:
    """A round that takes entries.

    Attributes:
        suspects: Files that may be in it without their content.
    """

    id: str
    entries: _Entries = field(default_factory=dict)
    suspects: set[str] = field(default_factory=set)


class GenesysSession:
    """A `TargetSession`; nothing is made or changed before the first commit or delete, so that `plan` leaves no trace."""

    def __init__(self, client: GenesysClient, shelf: Shelf, owner: str) -> None:
        self._client, self._shelf, self._owner = client, shelf, owner
        self._gathering = Gathering[Gathered]()
        self._committed: set[str] = set()
        self._round: _OpenRound | None = None

    def close(self) -> None:
        """Give up what was not flushed, and close the connections."""
        self.discard()
        self._client.close()

    def token(self) -> str | None:
        """As the port says: the last round; `None` before the first."""
        return self._shelf.token()

    def sources(self) -> Iterator[KnowledgeSource]:
        """As the port says, read from the rounds; costs two calls for each of them and waits for one that is being taken in."""
        return self._shelf.files()

    def begin(self, draft: SourceDraft) -> str:
        """As the port says; costs no call. The id is the file's name, the same for every version of a document."""
        name = file_name(self._owner, draft.external_id)
        self._gathering[name] = Gathered(draft)
        return name

    def add(self, source_id: str, chunk: Chunk) -> None:
        """As the port says; the text is kept until `commit`."""
        if source_id in self._gathering or source_id not in self._committed:
            self._gathering.add(source_id, chunk)

    def commit(self, source_id: str) -> None:
        """Upload it into the round; as the port says otherwise."""
        if source_id in self._committed and source_id not in self._gathering:
            return
        gathered = self._gathering.take(source_id)
        gathered.whole()  # or refused, before a round is opened for it
        self._put(self._open(), source_id, gathered)
        self._committed.add(source_id)
        replaced = gathered.draft.replaces
        if replaced is not None and replaced != source_id:
            self.delete(replaced)

    def retag(self, source_id: str, draft: SourceDraft) -> None:
        """Refuse: the vendor changes nothing about a file but by a new upload (see `Limits.can_retag`)."""
        raise DocumentError(
            f"Genesys cannot change what it says of {source_id} without a new upload",
            code="cannot-retag",
            where="target",
            document_id=draft.external_id,
        )

    def delete(self, source_id: str) -> None:
        """Have the round delete it; what is not ours is left alone."""
        self._gathering.pop(source_id, None)
        self._committed.discard(source_id)
        if is_ours(self._owner, source_id) and (self._round or not self._shelf.holds_nothing):
            self._remove(self._open(), source_id)

    def read(self, source_id: str) -> StoredSource | None:  # noqa: ARG002  # there is no way to read a file
        """Nothing: the vendor gives no content back."""
        return None

    def flush(self) -> None:
        """Complete the round and wait until it has been taken in. A round of nothing is cancelled.

        Raises:
            BatchError: Files were not taken in; everything else of the round was.
            Unavailable: It takes longer than `patience_seconds`.
        """
        failures = self._land()
        if failures:
            raise BatchError(f"{len(failures)} files were not taken in by Genesys", failures)

    def discard(self) -> None:
        """Cancel the round. Should that fail, the next one to be started cancels it."""
        self._gathering.clear()
        work, self._round = self._round, None
        if work is None:
            return
        self._committed -= work.entries.keys()
        try:
            self._shelf.cancel(work.id)
        except ConnectorError as error:
            log.warning("a synchronization round was left open", extra={"round": work.id, "reason": error.message})

    def calls(self) -> Mapping[str, int]:
        """As the port says."""
        return dict(self._client.calls)

    # ------------------------------------------------------------------------------------------------------------- rounds

    def _open(self) -> _OpenRound:
        """The open round; a new one if there is none."""
        if self._round is None:
            self._round = _OpenRound(self._shelf.start().id)
        return self._round

    def _put(self, work: _OpenRound, name: str, gathered: Gathered) -> None:
        """Upload a file into a round."""
        if name in work.entries and work.entries[name] is None:
            self._client.undelete(self._shelf.source, work.id, name)
        try:
            self._client.upload(self._shelf.source, work.id, _file(self._owner, name, gathered))
        except (DocumentError, RetriableError):
            work.suspects.add(name)
            work.entries.pop(name, None)
            raise
        work.suspects.discard(name)
        work.entries[name] = gathered

    def _remove(self, work: _OpenRound, name: str) -> None:
        """Have a round delete a file, and forget what it was to upload under this name."""
        if name in work.suspects or work.entries.pop(name, None) is not None:
            self._client.take_out(self._shelf.source, work.id, {name})
            work.suspects.discard(name)
        if self._client.delete(self._shelf.source, work.id, name):
            work.entries[name] = None

    def _land(self) -> dict[str, DocumentError]:
        """Complete the open round, if there is one; gives what was not taken in, by name."""
        work = self._round
        if work is None:
            return {}
        if work.suspects:
            self._client.take_out(self._shelf.source, work.id, work.suspects)
        self._round = None
        if not work.entries:
            self._shelf.cancel(work.id)
            return {}
        return self._judge(self._shelf.complete(work.id), work.entries)

    def _judge(self, ended: Round, entries: _Entries) -> dict[str, DocumentError]:
        """Find out what a round that has ended did not take in: the vendor says how many files, and not which."""
        failed = ended.failed_items
        if ended.state == "landed" and not failed:
            return {}
        if ended.state != "landed" or len(entries) == 1 or failed >= min(len(entries), MOST_TO_SEARCH_FOR):
            self._committed -= entries.keys()
            return {name: _not_taken_in(name, gathered, ended, len(entries)) for name, gathered in entries.items()}
        items, middle = list(entries.items()), len(entries) // 2
        return {**self._again(items[:middle]), **self._again(items[middle:])}

    def _again(self, items: Sequence[tuple[str, Gathered | None]]) -> dict[str, DocumentError]:
        """Do the same in a round of its own."""
        work = self._open()
        failures = {}
        for name, gathered in items:
            try:
                self._do(work, name, gathered)
            except DocumentError as error:
                failures[name] = error
        return {**failures, **self._land()}

    def _do(self, work: _OpenRound, name: str, gathered: Gathered | None) -> None:
        if gathered is None:
            self._remove(work, name)
        else:
            self._put(work, name, gathered)


def _file(owner: str, name: str, gathered: Gathered) -> File:
    draft = gathered.draft
    uri = clean(draft.uri) if draft.uri else None
    return File(name, _page(draft, gathered.text()), CONTENT_TYPE, uri, tags_of(owner, draft))


def _page(draft: SourceDraft, text: str) -> bytes:
    """The file: title, link and date as front matter, then the text. JSON strings are YAML, too."""
    head = {"title": draft.name, "link": draft.uri}
    lines = [f"{key}: {json.dumps(clean(value), ensure_ascii=False)}" for key, value in head.items() if value]
    if draft.updated_at is not None:
        lines.append(f"date: {draft.updated_at.astimezone(UTC).isoformat(timespec='seconds')}")
    return clean("\n".join(["---", *lines, "---", "", text, ""])).encode("utf-8")


def _not_taken_in(name: str, gathered: Gathered | None, ended: Round, of: int) -> DocumentError:
    why = f"{ended.failed_items} of its {of} files failed" if ended.state == "landed" else f"it ended as {ended.state}"
    return DocumentError(
        f"Genesys did not take in {name} with synchronization {ended.id}: {why}; it does not say why",
        code="ingestion-failed",
        where="target",
        document_id=gathered.draft.external_id if gathered else None,
    )
