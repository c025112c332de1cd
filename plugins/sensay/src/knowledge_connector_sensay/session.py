"""One run's work on one owner's entries.

    begin: nothing yet ─▶ add: the text is kept ─▶ commit: sent, awaited until the replica knows it ─▶ what it replaces is removed

A source's id is the digest of its document's id, which is known before Sensay gives one, and stays when an entry takes another's place.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from knowledge_connector import (
    Chunk,
    DocumentError,
    KnowledgeSource,
    RateLimited,
    RetriableError,
    SourceDraft,
    StoredSource,
    Unavailable,
    digest,
)
from knowledge_connector.kit.gathering import Gathered, Gathering, source_gone
from knowledge_connector.kit.patience import Patience
from knowledge_connector_sensay.forms import Form, form_of
from knowledge_connector_sensay.shelf import Held, Shelf, held_of, is_ours, survey
from knowledge_connector_sensay.titles import (
    UNCOUNTED,
    Label,
    label_of,
    retired_of,
    retired_title,
    short_name,
    title_of,
)
from knowledge_connector_sensay.wire import NEW, UNPROCESSABLE, Entry, Result

if TYPE_CHECKING:
    from knowledge_connector.kit.clock import Clock
    from knowledge_connector_sensay.client import SensayClient
    from knowledge_connector_sensay.config import SensayConfig

log = logging.getLogger(__name__)

MIN_SEARCH_CHARS = 3
TRIES = 5
LONGEST_PAUSE_SECONDS = 30
REASON_CHARS = 200


class SensaySession:
    """A `TargetSession`.

    Args:
        client: Whose replica it is.
        config: How documents become entries.
        owner: The connector's name.
        clock: All waiting is done with it.
    """

    def __init__(self, client: SensayClient, config: SensayConfig, owner: str, clock: Clock) -> None:
        self._client, self._config, self._owner, self._clock = client, config, owner, clock
        self._patience = Patience(clock, config.poll_seconds, LONGEST_PAUSE_SECONDS, config.ready_timeout_seconds)
        self._gathering = Gathering[Gathered]()
        self._shelf = Shelf()
        self._has_listed = False

    # ----------------------------------------------------------------------------------------------------------- reading

    def token(self) -> str | None:
        """Sensay has nothing that tells whether entries came, went or changed."""
        return None

    def sources(self) -> Iterator[KnowledgeSource]:
        """As the port says. Entries in processing are waited for: a killed run left them."""
        self._shelf = survey(self._settled(self._client.entries()), self._owner)
        self._has_listed = True
        yield from self._shelf.sources

    def read(self, source_id: str) -> StoredSource | None:  # noqa: ARG002  # it cannot tell
        """Sensay may cut the text that it gives back."""
        return None

    def calls(self) -> Mapping[str, int]:
        """As the port says."""
        return self._client.calls()

    # ----------------------------------------------------------------------------------------------------------- writing

    def begin(self, draft: SourceDraft) -> str:
        """As the port says; Sensay hears of it when it is whole."""
        source_id = digest(draft.external_id)
        self._gathering[source_id] = Gathered(draft)
        return source_id

    def add(self, source_id: str, chunk: Chunk) -> None:
        """As the port says."""
        self._gathering.add(source_id, chunk)

    def commit(self, source_id: str) -> None:
        """Send the document, wait until the replica knows it, and remove what it replaces.

        Raises:
            DocumentError: Refused, not processed, or not in time.
            RetriableError: What became of it is not known.
        """
        gathered = self._gathering.pop(source_id, None)
        if gathered is None:
            if not self._entries(source_id):
                raise source_gone(source_id)
            return
        draft = gathered.draft
        form = form_of(draft, gathered.text(), self._config)
        old = self._entries(source_id)
        new = self._changed(draft, form, old) or self._made(draft, form, old)
        self._shelf.documents[source_id] = new
        kept = {held.id for held in new}
        self._remove(held for held in old if held.id not in kept)

    def retag(self, source_id: str, draft: SourceDraft) -> None:  # noqa: ARG002  # it is refused, whatever it says
        """Refused: all that a retag would change stands in the text (`Limits.can_retag`)."""
        raise DocumentError(
            "Sensay keeps title, link and tags in the text; the document has to be written again",
            code="cannot-retag",
            where="target",
            document_id=draft.external_id,
        )

    def delete(self, source_id: str) -> None:
        """As the port says. What does not bear the owner's mark is left alone."""
        self._gathering.pop(source_id, None)
        if source_id.startswith("#"):
            self._delete_stray(source_id)
        else:
            self._remove(self._entries(source_id))
            self._shelf.documents.pop(source_id, None)

    def flush(self) -> None:
        """Everything is durable and visible when `commit` returns."""

    def discard(self) -> None:
        """Forget sources that were begun; Sensay has not heard of them."""
        self._gathering.clear()

    # ------------------------------------------------------------------------------------------------- what is there already

    def _settled(self, entries: Mapping[int, Entry]) -> list[Entry]:
        """Entries of ours as they are after processing, without those that are deleted and only still listed."""
        ours = {id_: entry for id_, entry in entries.items() if is_ours(entry, self._owner)}
        moving = [id_ for id_, entry in ours.items() if entry.is_moving and label_of(entry.title)]
        retired = [id_ for id_, entry in ours.items() if retired_of(entry.title)]
        now = {**self._awaited(moving), **{id_: self._client.entry(id_) for id_ in retired}}
        settled = (now.get(id_, entry) for id_, entry in ours.items())
        return [entry for entry in settled if entry is not None]

    def _entries(self, source_id: str) -> tuple[Held, ...]:
        """All entries of a document of ours. The listing knows; without one Sensay is asked."""
        if source_id not in self._shelf.documents and not self._has_listed:
            found = self._search(source_id)
            self._shelf.documents[source_id] = tuple(held_of(label, entry) for entry, label in found)
        return self._shelf.documents.get(source_id, ())

    def _search(self, external_digest: str) -> list[tuple[Entry, Label]]:
        """Entries of ours that say they belong to this document."""
        if len(external_digest) < MIN_SEARCH_CHARS:
            return []
        labelled = ((entry, label_of(entry.title)) for entry in self._client.entries(external_digest).values())
        return [
            (entry, label)
            for entry, label in labelled
            if label and label.owner == self._owner and label.version.external_digest == external_digest
        ]

    def _delete_stray(self, source_id: str) -> None:
        stray = self._stray(source_id)
        self._remove(stray)
        for held in stray:
            siblings = self._shelf.documents.get(held.external_digest, ())
            self._shelf.documents[held.external_digest] = tuple(one for one in siblings if one.id != held.id)

    def _stray(self, source_id: str) -> list[Held]:
        """The entry that a source of its own stands for, if it is there and ours."""
        held = self._shelf.strays.pop(source_id, None)
        if held is not None:
            return [held]
        number = source_id.removeprefix("#")
        entry = self._client.entry(int(number)) if number.isdecimal() else None
        return list(survey([entry], self._owner).strays.values()) if entry else []

    # ----------------------------------------------------------------------------------------------------------- sending

    def _changed(self, draft: SourceDraft, form: Form, old: Sequence[Held]) -> tuple[Held, ...]:
        """Change entries in place, and wait; empty if they are of another kind, or gone."""
        if not self._fits(form, old):
            return ()
        if form.playlist:
            for held in old:
                self._client.change(held.id, {"status": NEW}, draft.external_id)
            return self._numbered(draft, self._usable(draft, old))
        content = {"rawText": form.text} if form.kind == "text" else {"status": NEW}
        fields = {"title": title_of(self._owner, draft), **content}
        if not self._client.change(old[0].id, fields, draft.external_id):
            return ()
        self._await(draft, old)
        return (replace(old[0], name=short_name(draft.name)),)

    def _fits(self, form: Form, old: Sequence[Held]) -> bool:
        if form.kind == "text":
            return self._config.patch_in_place and [held.type for held in old] == ["text"]
        if form.playlist:
            return bool(old) and all(held.playlist == form.playlist for held in old)
        return form.kind == "url" and [held.url for held in old] == [form.text]

    def _made(self, draft: SourceDraft, form: Form, old: Sequence[Held]) -> tuple[Held, ...]:
        """Make entries, and wait. What does not come to a good end is removed."""
        new = self._created(draft, form, old)
        with self._or_removed(new):
            if not form.playlist:
                self._await(draft, new)
                return new
            return self._numbered(draft, self._usable(draft, new))

    def _numbered(self, draft: SourceDraft, videos: Sequence[Held]) -> tuple[Held, ...]:
        """Title the entries of a playlist; with the last of them they are the document."""
        for part, held in enumerate(videos, start=1):
            title = title_of(self._owner, draft, part, len(videos))
            self._client.change(held.id, {"title": title}, draft.external_id)
        return tuple(replace(held, name=short_name(draft.name)) for held in videos)

    def _created(self, draft: SourceDraft, form: Form, old: Sequence[Held]) -> tuple[Held, ...]:
        part = UNCOUNTED if form.playlist else 1
        title = title_of(self._owner, draft, part, part)
        before = {held.id for held in old}
        try:
            return self._once(
                lambda: self._post(draft, form, title),
                lambda: self._found(draft, form, title, before),
            )
        except RateLimited as error:
            if error.retry_after_seconds is not None:
                raise
            message = "Sensay takes no more: answers 429 and names no pause, as it does when a quota is used up"
            raise _failed(draft, "quota", message) from error

    def _once(self, make: Callable[[], tuple[Held, ...]], find: Callable[[], tuple[Held, ...]]) -> tuple[Held, ...]:
        """Make something by a request that makes another one each time.

        Args:
            make: Sends it.
            find: Asked after a failure that may hide a success: gives what was made, or nothing if that is to be made again.
        """
        for attempt in range(TRIES - 1):
            try:
                return make()
            except Unavailable:
                found = find()
                if found:
                    return found
                self._clock.sleep(2**attempt)
            except RateLimited:  # nothing was made, and the budget makes the next one wait
                continue
        return make()

    def _post(self, draft: SourceDraft, form: Form, title: str) -> tuple[Held, ...]:
        results = self._client.create(title, form.fields(draft.name), draft.external_id)
        new = tuple(_held(draft, form, one.type, one.id) for one in results if one.enqueued and one.id is not None)
        refusals = [one.error for one in results if not one.enqueued]
        with self._or_removed(new):
            if not new or (refusals and not form.playlist):
                raise _failed(draft, "refused", f"Sensay refused it: {_in_short(refusals)}")
            if refusals:
                log.warning("some videos of a playlist were refused", extra={"count": len(refusals)})
            if form.kind == "filename":
                self._upload(draft, form, results)
        return new

    def _upload(self, draft: SourceDraft, form: Form, results: Sequence[Result]) -> None:
        url = next((one.signed_url for one in results if one.signed_url), None)
        if url is None:
            raise _failed(draft, "refused", "Sensay gave no address to upload the file to")
        if not self._client.upload(url, form.text.encode(), draft.external_id):
            raise Unavailable("the address for an upload expired before it was used", where="target")

    def _found(self, draft: SourceDraft, form: Form, title: str, before: Collection[int]) -> tuple[Held, ...]:
        """What a request whose answer was lost has made. A file is of no use, as the address for its bytes is lost as well."""
        entries = [entry for entry, _ in self._search(digest(draft.external_id)) if entry.title == title]
        found = tuple(_held(draft, form, entry.type, entry.id) for entry in entries if entry.id not in before)
        if form.kind != "filename":
            return found
        self._remove(found)
        return ()

    @contextmanager
    def _or_removed(self, new: Sequence[Held]) -> Iterator[None]:
        """Remove entries if their document turns out to be ill."""
        try:
            yield
        except DocumentError:
            with suppress(RetriableError):  # if they cannot be removed now, the next run does it
                self._remove(new)
            raise

    def _remove(self, entries: Iterable[Held]) -> None:
        """Retire and delete."""
        for held in entries:
            title = retired_title(self._owner, held.name, held.external_digest)
            if held.is_retired or self._client.change(held.id, {"title": title}, held.external_digest):
                self._client.delete(held.id)

    # ----------------------------------------------------------------------------------------------------------- waiting

    def _await(self, draft: SourceDraft, entries: Sequence[Held]) -> None:
        """Raises DocumentError unless the replica knows all of them in the end."""
        for entry in self._awaited([held.id for held in entries]).values():
            _judge(entry, draft)

    def _usable(self, draft: SourceDraft, videos: Sequence[Held]) -> tuple[Held, ...]:
        """The videos that the replica knows in the end, if there are any; the others are removed."""
        settled = self._awaited([held.id for held in videos])
        done = {id_ for id_, entry in settled.items() if entry is not None and entry.is_done}
        if not done:
            _judge(next(iter(settled.values())), draft)
        unusable = [held for held in videos if held.id not in done]
        if unusable:
            log.warning("some videos of a playlist cannot be processed", extra={"count": len(unusable)})
            self._remove(unusable)
        return tuple(held for held in videos if held.id in done)

    def _awaited(self, ids: Sequence[int]) -> dict[int, Entry | None]:
        """Entries as they are when nothing more happens to them, or patience is at its end; `None` for those that are gone."""
        seen: dict[int, Entry | None] = {}
        moving = list(ids)
        for _ in self._patience.looks() if moving else ():
            seen |= {id_: self._client.entry(id_) for id_ in moving}
            moving = [id_ for id_ in moving if (entry := seen[id_]) is not None and not entry.is_settled]
            if not moving:
                break
        return seen


def _held(draft: SourceDraft, form: Form, type_: str, id_: int) -> Held:
    url = form.text if form.kind == "url" and not form.playlist else None
    return Held(id_, type_, short_name(draft.name), digest(draft.external_id), url, form.playlist)


def _judge(entry: Entry | None, draft: SourceDraft) -> None:
    if entry is None:
        raise _failed(draft, "vanished", "its entry was deleted at Sensay while it was processed")
    if entry.status == UNPROCESSABLE:
        reason = _in_short([entry.error or "it does not say why"])
        raise _failed(draft, "unprocessable", f"Sensay could not process it: {reason}")
    if not entry.is_done:
        raise _failed(draft, "processing-timeout", f"Sensay has not processed it in time, and is at {entry.status}")


def _in_short(reasons: Sequence[str]) -> str:
    return " ".join("; ".join(dict.fromkeys(reasons)).split())[:REASON_CHARS] or "it does not say why"


def _failed(draft: SourceDraft, code: str, message: str) -> DocumentError:
    return DocumentError(message, code=code, where="target", document_id=draft.external_id)
