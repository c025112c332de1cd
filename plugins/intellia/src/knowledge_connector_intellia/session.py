"""One run's work on one owner's files.

    begin: the file is announced ─▶ add: the text is kept ─▶ commit: bytes sent ─▶ awaited until READY ─▶ the old version deleted

Until READY nothing of a file is found by a search, and until then the version before it answers.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import TypeVar

import yaml

from knowledge_connector import (
    Chunk,
    ConfigError,
    ConnectorError,
    DocumentError,
    KnowledgeSource,
    RetriableError,
    SourceDraft,
    StoredSource,
    Unavailable,
)
from knowledge_connector.kit import text as kit_text
from knowledge_connector.kit.clock import Clock
from knowledge_connector.kit.gathering import Gathered, Gathering, source_gone
from knowledge_connector.kit.patience import Patience
from knowledge_connector_intellia.client import IntelliaClient
from knowledge_connector_intellia.config import DESCRIPTION, IntelliaConfig
from knowledge_connector_intellia.names import Label, clean, file_name, label_of
from knowledge_connector_intellia.progress import Attempt, Progress, attempts
from knowledge_connector_intellia.wire import ERROR, READY, WAITING_UPLOAD, File, KnowledgeBase, Upload

log = logging.getLogger(__name__)

T = TypeVar("T")

MARKDOWN = "text/markdown"
TRIES = 5
QUERY_CHARS = 300
REASON_CHARS = 200
LONGEST_PAUSE_SECONDS = 15


@dataclass(slots=True)
class _Announced(Gathered):
    """A file between `begin` and `commit`: Intellia knows of it, and waits for its bytes."""

    attempt: Attempt
    file: Upload


class IntelliaSession:
    """A `TargetSession`. Nothing is made or changed before the first write, so that `plan` leaves no trace.

    Args:
        client: Whose organisation it is.
        config: Which knowledge base.
        owner: The connector's name.
        clock: All waiting is done with it.
    """

    def __init__(self, client: IntelliaClient, config: IntelliaConfig, owner: str, clock: Clock) -> None:
        self._client, self._config, self._owner, self._clock = client, config, owner, clock
        self._lock = Lock()
        self._base: KnowledgeBase | None = None
        self._described = False
        self._attempts = attempts()
        self._gathering = Gathering[_Announced]()
        self._own: set[str] | None = None
        self._last: tuple[str, str] | None = None
        self._patience = Patience(clock, config.poll_seconds, LONGEST_PAUSE_SECONDS, config.ready_timeout_seconds)
        self._progress = Progress(lambda query: client.files(self._base_to_write(), query=query), clock, self._patience)

    # ----------------------------------------------------------------------------------------------------------- reading

    def token(self) -> str | None:
        """Intellia has nothing that tells whether files came or went."""
        return None

    def sources(self) -> Iterator[KnowledgeSource]:
        """As the port says. Files that are being taken in are waited for: a killed run left them, or somebody had them indexed anew."""
        for file_id, (label, file) in self._listed().items():
            yield _source(file_id, label, file)

    def read(self, source_id: str) -> StoredSource | None:  # noqa: ARG002  # it cannot tell
        """Intellia has no place for all of a draft."""
        return None

    def calls(self) -> Mapping[str, int]:
        """As the port says."""
        return self._client.calls()

    # ----------------------------------------------------------------------------------------------------------- writing

    def begin(self, draft: SourceDraft) -> str:
        """Announce the file. Without its bytes nobody finds it, and the next run sweeps it away."""
        base = self._base_to_write()
        with self._lock:
            attempt = next(self._attempts)
        name = file_name(self._owner, draft, attempt.id)
        file = _once(
            lambda: self._client.create_file(base, name, MARKDOWN, draft.external_id),
            lambda: self._forget_upload(base, name, attempt.id),
            self._clock,
        )
        self._known().add(file.file_id)
        self._gathering[file.file_id] = _Announced(draft, attempt, file)
        return file.file_id

    def add(self, source_id: str, chunk: Chunk) -> None:
        """As the port says."""
        self._gathering.add(source_id, chunk)

    def commit(self, source_id: str) -> None:
        """Send the bytes, wait until they are searchable, and delete the version before.

        Raises:
            DocumentError: Refused, not taken in, or not in time; the version before goes on answering.
            RetriableError: What became of it is not known.
        """
        announced = self._gathering.pop(source_id, None)
        if announced is None:
            if source_id not in self._known():
                raise source_gone(source_id)
            return
        try:
            text = announced.text()
            self._take_in(announced, text)
        except DocumentError:
            with suppress(RetriableError):  # if it cannot be removed now, the next run does it
                self.delete(source_id)
            raise
        if announced.draft.replaces is not None:
            self.delete(announced.draft.replaces)
        self._last = (source_id, _legible(text[:QUERY_CHARS]))

    def retag(self, source_id: str, draft: SourceDraft) -> None:  # noqa: ARG002  # it is refused, whatever it says
        """Refused: a file's name, which holds all that a retag would change, cannot change (`Limits.can_retag`)."""
        raise DocumentError(
            "Intellia cannot rename a file; the document has to be written again",
            code="cannot-retag",
            where="target",
            document_id=draft.external_id,
        )

    def delete(self, source_id: str) -> None:
        """As the port says. What does not bear the owner's mark is left alone."""
        self._gathering.pop(source_id, None)
        if source_id in self._known():
            self._client.delete_file(self._base_to_write(), source_id)
            self._known().discard(source_id)

    def flush(self) -> None:
        """Everything is durable and visible when `commit` returns."""

    def discard(self) -> None:
        """Forget files that were announced and not filled; the next run sweeps them away."""
        self._gathering.clear()
        self._last = None

    def check_search(self) -> None:
        """Search for the document that was written last, and warn if it is not found."""
        if self._last is None or not self._config.check_search:
            return
        file_id, query = self._last
        try:
            found = self._client.search(self._base_to_write(), query)
        except ConnectorError as error:
            log.warning("the search after the run failed", extra={"error": error.message})
            return
        if file_id not in {hit.file_id for hit in found}:
            log.warning("the last document written is not found by a search", extra={"file_id": file_id})

    # ----------------------------------------------------------------------------------------------------- knowledge base

    def find_base(self) -> KnowledgeBase | None:
        """The knowledge base of the configuration; `None` if it will be made by the first write.

        Raises:
            ConfigError: There are several of that title, or none and it shall not be made.
        """
        wanted = self._config.knowledge_base
        personal = self._config.base_type == "PERSONAL"
        bases = [base for base in self._client.bases(personal=personal) if base.type in (None, self._config.base_type)]
        found = [base for base in bases if base.knowledge_base_id == wanted] or [
            base for base in bases if base.title == wanted
        ]
        if len(found) > 1:
            ids = ", ".join(sorted(base.knowledge_base_id for base in found))
            raise ConfigError(f"knowledge_base = {wanted!r} fits several: {ids}. Give the id of one.", where="target")
        if not found and (wanted.startswith("kb-") or not self._config.create_missing):
            raise ConfigError(
                f"knowledge_base = {wanted!r}: there is none of that id or title of type {self._config.base_type}. "
                "Give the title of one, or create_missing = true and a title.",
                where="target",
            )
        return found[0] if found else None

    def _base_to_write(self) -> str:
        """The id of the knowledge base, which is made if need be."""
        with self._lock:
            base = self._base or self.find_base() or self._make_base()
            if not self._described:
                self._describe(base)
            self._base, self._described = base, True
            return base.knowledge_base_id

    def _make_base(self) -> KnowledgeBase:
        config = self._config
        description = config.description or DESCRIPTION
        log.info("making the knowledge base", extra={"title": config.knowledge_base})
        return _once(
            lambda: self._client.create_base(config.knowledge_base, description, config.base_type),
            self.find_base,
            self._clock,
        )

    def _describe(self, base: KnowledgeBase) -> None:
        wanted = self._config.description
        if wanted is not None and base.llm_description != wanted:
            self._client.update_base(base.knowledge_base_id, base.title, wanted)

    # -------------------------------------------------------------------------------------------------------------- files

    def _listed(self) -> dict[str, tuple[Label, File]]:
        """Every file of the owner, each settled as far as patience goes."""
        with self._lock:
            self._base = self._base or self.find_base()
            own = {} if self._base is None else self._settled(self._base.knowledge_base_id)
            self._own = set(own)
            return own

    def _settled(self, base: str) -> dict[str, tuple[Label, File]]:
        def look() -> dict[str, tuple[Label, File]]:
            log.info("waiting for files that are being taken in")
            return self._owned(base)

        return self._patience.settled(self._owned(base), _moving, look)

    def _owned(self, base: str) -> dict[str, tuple[Label, File]]:
        """Without the filter by name: of what it finds little is known, and a file overlooked is a file imported twice."""
        labelled = ((id_, label_of(file.file_name), file) for id_, file in self._client.files(base).items())
        return {id_: (label, file) for id_, label, file in labelled if label is not None and label.owner == self._owner}

    def _known(self) -> set[str]:
        """Ids of the files that may be touched."""
        if self._own is None:
            self._listed()
        return self._own or set()

    def _forget_upload(self, base: str, name: str, attempt: str) -> None:
        """Remove a file that was announced by a request whose answer, and with it the upload URL, got lost."""
        for file in self._client.files(base, query=attempt).values():
            if file.file_name == name:
                self._client.delete_file(base, file.file_id)

    def _take_in(self, announced: _Announced, text: str) -> None:
        """Raises DocumentError unless the file is READY in the end."""
        draft = announced.draft
        content = rendered(draft, text)
        if len(content) > self._config.max_file_bytes:
            message = f"its text has {len(content)} bytes, more than max_file_bytes = {self._config.max_file_bytes}"
            raise _failed(draft, "too-long", message)
        self._send(announced, content)
        _judge(self._progress.settled(announced.file.file_id, announced.attempt.wave), draft)

    def _send(self, announced: _Announced, content: bytes) -> None:
        """Upload. A refusal may answer a repetition, after bytes that arrived with their answer lost: then all is well."""
        file = announced.file
        try:
            self._client.upload(file, content, MARKDOWN, announced.draft.external_id)
        except DocumentError:
            files = self._client.files(self._base_to_write(), query=announced.attempt.id)
            if file.file_id not in files or files[file.file_id].status == WAITING_UPLOAD:
                raise


def rendered(draft: SourceDraft, text: str) -> bytes:
    """Give the file: a small front matter (title, link, date) and the text, both without control characters."""
    facts = {"title": draft.name, "link": draft.uri, "updated": draft.updated_at and draft.updated_at.isoformat()}
    said = {key: _legible(value) for key, value in facts.items() if value}
    head = yaml.safe_dump(said, allow_unicode=True, sort_keys=False, width=1_000_000)
    return f"---\n{head}---\n\n{_legible(text)}\n".encode()


def _moving(files: Mapping[str, tuple[Label, File]]) -> int:
    return sum(file.in_motion for _, file in files.values())


def _legible(text: str) -> str:
    return kit_text.clean(clean(text))


def _source(file_id: str, label: Label, file: File) -> KnowledgeSource:
    return KnowledgeSource(
        source_id=file_id,
        external_digest=label.external_digest,
        external_id=None,
        name=label.title,
        fingerprint=label.fingerprint if file.status == READY else None,
        chunk_count=label.chunk_count if file.status == READY else 0,
        revision_mark=label.revision_mark,
        metadata_fingerprint=label.metadata_fingerprint,
    )


def _once(make: Callable[[], T], find: Callable[[], T | None], clock: Clock) -> T:
    """Make something by a request that makes another one each time.

    Args:
        make: Sends it.
        find: Asked after a failure that may hide a success: gives what was made, or removes what is of no use, and gives `None`.
        clock: Waits between the tries.
    """
    for attempt in range(TRIES - 1):
        try:
            return make()
        except Unavailable:
            found = find()
            if found is not None:
                return found
            clock.sleep(2**attempt)
        except RetriableError:  # RateLimited: nothing was made, and the budget makes the next one wait
            continue
    return make()


def _judge(file: File | None, draft: SourceDraft) -> None:
    if file is None:
        raise _failed(draft, "vanished", "its file was deleted at Intellia while it was being taken in")
    if file.status == ERROR:
        reason = " ".join((file.status_message or "it does not say why").split())[:REASON_CHARS]
        raise _failed(draft, "ingestion", f"Intellia could not take it in: {reason}")
    if file.status != READY:
        raise _failed(draft, "ingestion-timeout", f"Intellia has not taken it in in time, and is at {file.status}")


def _failed(draft: SourceDraft, code: str, message: str) -> DocumentError:
    return DocumentError(message, code=code, where="target", document_id=draft.external_id)
