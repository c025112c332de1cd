"""How a version gets into the store without a hole: as a second source, or by one step in place.

second source   POST, hidden ─▶ chunks ─▶ count ─▶ old one: marks off, name free ─▶ PATCH: marks on, name, visible ─▶ DELETE old
in place        PATCH: marks off ─▶ one chunk changed, appended or removed ─▶ PATCH: marks on

A reader finds single chunks, so one step in place shows the old version or the new one; two steps would show half of each. After a
crash anywhere the store holds at least one whole version, and whatever lacks its true marks is written again or swept away.
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from knowledge_connector import DocumentError, digest
from knowledge_connector_cognigy import marks
from knowledge_connector_cognigy.client import Missing, NameTaken
from knowledge_connector_cognigy.held import Held, Part, part_from, superseded_by

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from knowledge_connector import Chunk, SourceDraft
    from knowledge_connector_cognigy.client import Item
    from knowledge_connector_cognigy.config import CognigyConfig
    from knowledge_connector_cognigy.marks import Scalar
    from knowledge_connector_cognigy.store import KnowledgeStore


@dataclass(frozen=True, slots=True)
class _Piece:
    """A chunk as the vendor has it."""

    text: str
    data: dict[str, Scalar]


@dataclass(frozen=True, slots=True)
class _Facts:
    """What a source says besides its chunks."""

    source_id: str
    draft: SourceDraft
    data: dict[str, Scalar]


@dataclass(frozen=True, slots=True)
class _Step:
    """The one chunk that differs: changed, appended (no `chunk`), or removed (no `piece`)."""

    part: Part
    order: int
    chunk: str | None
    piece: _Piece | None

    @property
    def growth(self) -> int:
        """How many chunks more there are afterwards."""
        return int(self.piece is not None) - int(self.chunk is not None)


class Writing:
    """Writes documents of one connector; from any number of threads, one document on one thread at a time.

    Args:
        store: Where.
        owner: The connector's name.
        config: Which metadata to take, and how many chunks to a source.
    """

    def __init__(self, store: KnowledgeStore, owner: str, config: CognigyConfig) -> None:
        self._store = store
        self._owner = owner
        self._metadata_keys = config.metadata_keys
        self._room = config.chunks_per_source

    def write(self, source_id: str, draft: SourceDraft, chunks: Sequence[Chunk], old: Held | None) -> Held:
        """Bring a version in, and take away the one that it replaces.

        Raises:
            DocumentError: The vendor does not take it; the old version stays.
        """
        facts = self._facts(source_id, draft)
        pieces = [_Piece(marks.clean(chunk.text), marks.data_of(chunk.metadata)) for chunk in chunks]
        if old is not None and old.is_whole and abs(len(pieces) - old.chunk_count) <= 1:
            rows = [(part, row) for part in old.parts for row in self._store.chunks(part.id)]
            steps = _steps(rows, pieces, old.parts[-1], self._room)
            if steps is not None:
                return self._change(facts, _recounted(old.parts, rows), steps)
        return self._replace(facts, pieces, old)

    def retag(self, held: Held, draft: SourceDraft) -> Held:
        """Change everything but the chunks."""
        return self._publish(self._facts(held.source_id, draft), held.parts, {part.name for part in held.parts})

    def delete(self, held: Held) -> None:
        """Remove all parts, the head last: what is left of a half-done removal counts as unfinished."""
        for part in reversed(held.parts):
            self._store.delete_source(part.id)

    def _facts(self, source_id: str, draft: SourceDraft) -> _Facts:
        return _Facts(source_id, draft, marks.source_data(draft, self._metadata_keys))

    def _change(self, facts: _Facts, parts: Sequence[Part], steps: Sequence[_Step]) -> Held:
        """Carry out what differs (at most one step) in the sources as they are."""
        for step in steps:
            self._hold_back(parts[0], digest("changing to", facts.source_id), {})
            self._take(step)
            parts = [
                replace(part, chunk_count=part.chunk_count + step.growth) if part.id == step.part.id else part
                for part in parts
            ]
        return self._publish(facts, parts, {part.name for part in parts})

    def _take(self, step: _Step) -> None:
        if step.piece is None:
            self._store.delete_chunk(step.part.id, step.chunk or "")
        elif step.chunk is None:
            self._store.create_chunk(step.part.id, step.order, step.piece.text, step.piece.data)
        else:
            self._store.patch_chunk(step.part.id, step.chunk, {"text": step.piece.text, "data": step.piece.data})

    def _replace(self, facts: _Facts, pieces: Sequence[_Piece], old: Held | None) -> Held:
        """Fill new sources out of sight, then let them take the place of the old ones."""
        made: list[Part] = []
        try:
            for start in range(0, max(1, len(pieces)), self._room):
                self._fill(facts.draft, pieces[start : start + self._room], made)
        except DocumentError:
            self.delete(Held("", tuple(made)))
            raise
        if old is not None:
            self._retire(old, facts)
        written = self._publish(facts, made, {part.name for part in old.parts} if old else (), {"status": "ready"})
        if old is not None:
            self.delete(old)
        return written

    def _fill(self, draft: SourceDraft, pieces: Sequence[_Piece], made: list[Part]) -> None:
        """Create one part, hidden, and count what has landed; it is in `made` as soon as it is there."""
        name = marks.passing_name(draft.name, "being written", secrets.token_hex(6))
        tags = marks.unfinished_tags(self._owner, digest(draft.external_id))
        source = self._store.create_source(name, tags)
        made.append(part_from({"_id": source, "name": name, "metaData": {"tags": tags}, "chunkCount": len(pieces)}))
        self._store.patch_source(source, {"status": "disabled"})
        for order, piece in enumerate(pieces):
            self._store.create_chunk(source, order, piece.text, piece.data)
        landed = self._store.source(source).get("chunkCount")
        if landed != len(pieces):
            raise DocumentError(
                f"Cognigy counts {landed} chunks where {len(pieces)} were sent; nothing of it is kept.",
                code="chunk-count",
                where="target",
                document_id=draft.external_id,
            )

    def _retire(self, old: Held, facts: _Facts) -> None:
        """Make the old version's name free, and say that it goes when the new one is whole."""
        for part in old.parts:
            name = marks.passing_name(facts.draft.name, "being replaced", f"{facts.source_id} {part.number}")
            with suppress(Missing):  # somebody deleted it by hand
                if part is old.head:
                    self._hold_back(part, superseded_by(facts.source_id), {"name": name})
                else:
                    self._store.patch_source(part.id, {"name": name})

    def _hold_back(self, head: Part, why: str, fields: Item) -> None:
        self._store.patch_source(head.id, {**fields, "metaData": {"tags": marks.held_back_tags(head.tags, why)}})

    def _publish(
        self, facts: _Facts, parts: Sequence[Part], liked: Collection[str], fields: Item | None = None
    ) -> Held:
        """Give the parts their names, data and marks; the head last, because its marks decide."""
        draft, told = facts.draft, []
        tags = marks.finished_tags(self._owner, draft)
        for number, part in reversed(list(enumerate(parts, 1))):
            data = {
                **facts.data,
                **({marks.SOURCE: facts.source_id} if number == 1 else {marks.HEAD: parts[0].id}),
                marks.PART: f"{number}/{len(parts)}",
                marks.CHUNKS: part.chunk_count,
                marks.METADATA: draft.metadata_fingerprint,
            }
            body: Item = {"description": marks.clean(draft.description), "metaData": {"tags": tags}, "data": data}
            names = marks.names_for(draft, number, len(parts))
            name = self._patch_named(
                part, sorted(names, key=lambda name: name not in liked), {**body, **(fields or {})}
            )
            told.append(part_from({"_id": part.id, "name": name, "chunkCount": part.chunk_count, **body}))
        return Held(facts.source_id, tuple(reversed(told)))

    def _patch_named(self, part: Part, names: Sequence[str], body: Item) -> str:
        """Change a source, under the first name that is free."""
        for name in names:
            with suppress(NameTaken):
                self._store.patch_source(part.id, {"name": name, **body})
                return name
        raise DocumentError(
            f"the names {', '.join(map(repr, names))} are all taken in the knowledge store; rename what has them",
            code="name-taken",
            where="target",
        )


def _steps(rows: Sequence[tuple[Part, Item]], wanted: Sequence[_Piece], last: Part, room: int) -> list[_Step] | None:
    """Give the step that leads from what is there to what is wanted, or none if all is there; `None` if it takes more than one."""
    there = [_Piece(row["text"], row.get("data") or {}) for _, row in rows]
    shorter = min(len(there), len(wanted))
    start = next((index for index in range(shorter) if there[index] != wanted[index]), shorter)
    after = next(
        (index for index in range(shorter - start) if there[-1 - index] != wanted[-1 - index]), shorter - start
    )
    gone, come = len(there) - start - after, len(wanted) - start - after
    if not gone and not come:
        return []
    if gone > 1 or come > 1:
        return None
    if gone:
        part, row = rows[start]
        return [_Step(part, int(row.get("order") or 0), row["_id"], wanted[start] if come else None)]
    in_last = [row for part, row in rows if part is last]
    if after or len(in_last) >= room:  # there is no place between two orders, and none in a full source
        return None
    order = int(in_last[-1].get("order") or 0) + 1 if in_last else 0
    return [_Step(last, order, None, wanted[start])]


def _recounted(parts: Sequence[Part], rows: Sequence[tuple[Part, Item]]) -> list[Part]:
    """Parts with the number of chunks that were just seen."""
    return [replace(part, chunk_count=sum(holder is part for holder, _ in rows)) for part in parts]
