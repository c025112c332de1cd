"""Make memory agree with what a target holds: the sources go through a temporary table, and SQL compares the two as sets."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from knowledge_connector.model import KnowledgeSource
from knowledge_connector.ports import Lane, Reconciled
from knowledge_connector.state.documents import DROP_PRESENCE, id_columns
from knowledge_connector.state.part import Part

CREATE = """
    CREATE TEMPORARY TABLE IF NOT EXISTS arriving (
        number BIGINT, source_id TEXT, digest TEXT, external_id TEXT, long_id TEXT, name TEXT, uri TEXT, fingerprint TEXT,
        chunk_count BIGINT, revision_mark TEXT, metadata_fingerprint TEXT, tags TEXT
    )"""
WIDTH = 12
INDEX = "CREATE INDEX IF NOT EXISTS arriving_digest ON arriving (digest)"

# Of several sources of one document the first of these is kept; the others go.
TWINS = """
    SELECT s.number, s.source_id, s.digest, coalesce(s.external_id, s.long_id), s.name, s.uri, s.fingerprint,
        s.chunk_count, s.revision_mark, s.metadata_fingerprint, s.tags
    FROM (SELECT digest FROM arriving GROUP BY digest HAVING count(*) > 1) AS t
    JOIN arriving AS s ON s.digest = t.digest
    LEFT JOIN documents AS d ON d.lane = :lane AND d.digest = s.digest
    ORDER BY s.digest,
        CASE WHEN EXISTS (
            SELECT 1 FROM journal AS j WHERE j.lane = :lane AND j.digest = s.digest AND j.fingerprint = s.fingerprint
        ) THEN 0 ELSE 1 END,
        CASE WHEN d.source_id = s.source_id THEN 0 ELSE 1 END,
        s.source_id DESC"""

# A row whose source is gone, and of which nothing else is to be remembered, goes.
GONE = "lane = :lane AND source_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM arriving AS s WHERE s.digest = documents.digest)"
DROP_GONE = f"""
    DELETE FROM documents WHERE {GONE} AND skipped IS NULL AND held_revision IS NULL AND held_fingerprint IS NULL
    AND NOT EXISTS (SELECT 1 FROM failures AS f WHERE f.lane = documents.lane AND f.digest = documents.digest)
    AND NOT EXISTS (
        SELECT 1 FROM presence AS p WHERE p.lane = documents.lane AND p.document = documents.id AND p.doomed IS NOT NULL
    )"""
CLEAR_GONE = f"""
    UPDATE documents SET source_id = NULL, fingerprint = NULL, revision_mark = NULL, metadata_fingerprint = NULL,
        content_mark = NULL, derived = NULL, chunk_count = 0
    WHERE {GONE}"""

# Marks that a target cannot keep stay as we remember them, as long as the content is the one we remember. So does the revision: a document
# that was touched and has the same text gets a new one here, and costs no call there.
SAME = "coalesce(d.fingerprint, '') = s.fingerprint AND d.chunk_count = s.chunk_count"
COUNT_ALTERED = f"""
    SELECT count(*) FROM documents AS d JOIN arriving AS s ON s.digest = d.digest
    WHERE d.lane = :lane AND d.source_id IS NOT NULL AND NOT ({SAME})"""
UPDATE = f"""
    UPDATE documents AS d SET
        source_id = s.source_id,
        external_id = coalesce(s.external_id, d.external_id),
        long_id = coalesce(s.long_id, d.long_id),
        name = s.name,
        uri = coalesce(s.uri, d.uri),
        fingerprint = s.fingerprint,
        chunk_count = s.chunk_count,
        revision_mark = CASE WHEN {SAME} THEN coalesce(d.revision_mark, s.revision_mark) ELSE s.revision_mark END,
        metadata_fingerprint = CASE WHEN {SAME}
            THEN coalesce(s.metadata_fingerprint, d.metadata_fingerprint) ELSE s.metadata_fingerprint END,
        content_mark = CASE WHEN {SAME} THEN d.content_mark END,
        derived = CASE WHEN {SAME} THEN d.derived END
    FROM arriving AS s
    WHERE d.lane = :lane AND d.digest = s.digest AND (
        coalesce(d.source_id, '') <> s.source_id OR NOT ({SAME})
        OR (d.revision_mark IS NULL AND s.revision_mark IS NOT NULL)
        OR s.metadata_fingerprint <> coalesce(d.metadata_fingerprint, '')
        OR (d.external_id IS NULL AND s.external_id IS NOT NULL)
        OR (d.long_id IS NULL AND s.long_id IS NOT NULL)
    )"""

INSERT = """
    INSERT INTO documents (lane, digest, external_id, long_id, source_id, name, uri, fingerprint, chunk_count,
        revision_mark, metadata_fingerprint)
    SELECT :lane, s.digest, s.external_id, s.long_id, s.source_id, s.name, s.uri, s.fingerprint, s.chunk_count,
        s.revision_mark, s.metadata_fingerprint
    FROM arriving AS s
    WHERE NOT EXISTS (SELECT 1 FROM documents AS d WHERE d.lane = :lane AND d.digest = s.digest)
    ORDER BY s.number"""
ADD_PRESENCE = """
    INSERT INTO presence (lane, document, listed)
    SELECT d.lane, d.id, 0 FROM documents AS d WHERE d.lane = :lane
    AND NOT EXISTS (SELECT 1 FROM presence AS p WHERE p.lane = d.lane AND p.document = d.id)"""


class Reconciliation(Part):
    """The comparison of memory and target."""

    def reconcile(self, lane: Lane, sources: Iterable[KnowledgeSource]) -> Reconciled:
        """Make the memory agree with what the target holds, set-wise and in bounded memory."""
        number = self._lane(lane)
        unfinished: list[KnowledgeSource] = []
        self._db.execute(CREATE)
        self._db.execute("DELETE FROM arriving")  # of a comparison that was broken off
        # Outside the transaction that writes: the target may take minutes to list, and nobody shall wait for the state store meanwhile.
        self._db.load("arriving", WIDTH, _committed(sources, unfinished))
        self._db.execute(INDEX)
        self._db.measure("arriving", "documents", "presence")
        with self.transaction():
            twins = self._take_twins(number)
            lost = self._agree(number)
        self._db.execute("DROP TABLE arriving")
        return Reconciled(leftovers=(*unfinished, *twins), lost=lost)

    def _take_twins(self, lane: int) -> list[KnowledgeSource]:
        kept: KnowledgeSource | None = None
        twins: dict[str, KnowledgeSource] = {}
        surplus: list[int] = []
        for number, *columns in self._db.rows(TWINS, {"lane": lane}):
            source = _source(columns)
            if kept is None or kept.external_digest != source.external_digest:
                kept = source
                continue
            surplus.append(number)
            if source.source_id != kept.source_id:  # a listing that changed under way may name the same source twice
                twins[source.source_id] = source
        self._db.execute("DELETE FROM arriving WHERE number IN :numbers", {"numbers": surplus})
        return list(twins.values())

    def _agree(self, lane: int) -> int:
        """How many documents that were held are missing or altered at the target."""
        which = {"lane": lane}
        dropped = self._db.execute(DROP_GONE, which)
        if dropped:
            self._db.execute(DROP_PRESENCE, which)
        cleared = self._db.execute(CLEAR_GONE, which)
        altered = int(self._db.rows(COUNT_ALTERED, which)[0][0])
        self._db.execute(UPDATE, which)
        if self._db.execute(INSERT, which):
            self._db.execute(ADD_PRESENCE, which)
        return dropped + cleared + altered


def _committed(sources: Iterable[KnowledgeSource], unfinished: list[KnowledgeSource]) -> Iterator[tuple[Any, ...]]:
    """Rows of `arriving`; what is not committed goes into `unfinished`."""
    for number, source in enumerate(sources):
        if source.committed:
            marks = (source.fingerprint, source.chunk_count, source.revision_mark, source.metadata_fingerprint)
            names = (source.external_digest, *id_columns(source.external_id), source.name, source.uri)
            yield (number, source.source_id, *names, *marks, _tags(source.tags))
        else:
            unfinished.append(source)


def _source(columns: list[Any]) -> KnowledgeSource:
    source_id, digest, external_id, name, uri, fingerprint, chunk_count, *marks, tags = columns
    return KnowledgeSource(
        source_id=source_id,
        external_digest=digest,
        external_id=external_id,
        name=name,
        fingerprint=fingerprint,
        chunk_count=chunk_count,
        revision_mark=marks[0],
        metadata_fingerprint=marks[1],
        tags=tuple(json.loads(tags)),
        uri=uri,
    )


@lru_cache(maxsize=256)  # most sources of a connector bear the same tags
def _tags(tags: tuple[str, ...]) -> str:
    return json.dumps(tags)
