"""What is known of each document, and what the last listing said of it."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields, make_dataclass
from typing import Any

from knowledge_connector.model import digest
from knowledge_connector.ports import Known, Lane
from knowledge_connector.state.part import Part
from knowledge_connector.state.text import plain_head

LONGEST = 500
"""Characters of an id that the index on ids takes: encoded, no more than 2,500 bytes. Longer ones are found by their digest."""

MATCHES = 10
PAGE = 500
LAST_CHARACTER = 0x10FFFF
SURROGATES = range(0xD800, 0xE000)

ID = "coalesce(d.external_id, d.long_id)"
KNOWN = f"""d.digest, {ID}, d.source_id, d.name, d.uri, d.revision, d.revision_mark,
    d.content_mark, d.fingerprint, d.metadata_fingerprint, d.derived, d.chunk_count, p.listed, d.skipped, p.doomed,
    d.held_revision, d.held_fingerprint"""
"""The columns of `Known`, in its order."""

DOCUMENTS = "documents AS d JOIN presence AS p ON p.lane = d.lane AND p.document = d.id"
BY_ID = f"SELECT {KNOWN} FROM {DOCUMENTS} WHERE d.lane = :lane AND d.external_id IN :keys"
BY_DIGEST = f"SELECT {KNOWN} FROM {DOCUMENTS} WHERE d.lane = :lane AND d.digest IN :keys"

HELD = "(d.held_revision IS NOT NULL OR d.held_fingerprint IS NOT NULL)"
DOOMED = "d.source_id IS NOT NULL AND p.doomed IS NOT NULL"
NOT_ABSENT = "(d.held_fingerprint IS NULL OR d.held_fingerprint <> '')"
ORPHANED = f"d.source_id IS NOT NULL AND (p.doomed IS NOT NULL OR (p.listed < :listing AND {NOT_ABSENT}))"
# The cross join makes SQLite walk `presence`, which is small, and look up only what is missing from the listing.
ORPHANS = "presence AS p CROSS JOIN documents AS d WHERE d.id = p.document AND p.lane = :lane"

COLUMNS = (
    *("digest", "source_id", "name", "uri", "revision", "revision_mark", "content_mark", "fingerprint"),
    *("metadata_fingerprint", "derived", "chunk_count", "skipped", "held_revision", "held_fingerprint"),
)
KEEP = f"""
    INSERT INTO documents (lane, external_id, long_id, {", ".join(COLUMNS)})
    VALUES (?, ?, ?, {", ".join("?" * len(COLUMNS))})
    ON CONFLICT (lane, digest) DO UPDATE SET
    {", ".join(f"{name} = excluded.{name}" for name in ("external_id", "long_id", *COLUMNS))}"""
KEEP_PRESENCE = """
    INSERT INTO presence (lane, document, listed, doomed)
    SELECT lane, id, CAST(? AS BIGINT), CAST(? AS TEXT) FROM documents WHERE lane = ? AND digest = ?
    ON CONFLICT (lane, document) DO UPDATE SET listed = excluded.listed, doomed = excluded.doomed"""

DROP_PRESENCE = """
    DELETE FROM presence WHERE lane = :lane
    AND NOT EXISTS (SELECT 1 FROM documents AS d WHERE d.id = presence.document)"""
TIDY = """
    DELETE FROM documents WHERE lane = :lane AND source_id IS NULL
    AND id IN (SELECT p.document FROM presence AS p WHERE p.lane = :lane AND p.listed < :listing)"""
TIDY_FAILURES = f"""
    DELETE FROM failures WHERE lane = :lane AND NOT EXISTS (
        SELECT 1 FROM {DOCUMENTS} WHERE d.lane = failures.lane AND d.digest = failures.digest AND p.listed >= :listing
    ) AND NOT EXISTS (SELECT 1 FROM runs AS r WHERE r.id = :listing AND r.started_at <= failures.last_at)"""
HOLDINGS = f"""
    SELECT digest, source_id, fingerprint, metadata_fingerprint, chunk_count FROM documents
    WHERE lane = :lane AND source_id IS NOT NULL AND digest > :last ORDER BY digest LIMIT {PAGE}"""

# A frozen dataclass sets its fields through object.__setattr__, 2.2 µs for these seventeen; a plain one with the same slots
# takes 0.3 µs and may then be given the class. That is a third of the time of `lookup`, which every document of every run goes through.
_Open = make_dataclass("_Open", [field.name for field in fields(Known)], slots=True)


def known(row: Sequence[Any]) -> Known:
    """A row of the columns `KNOWN`."""
    made = _Open(*row)
    made.__class__ = Known
    return made  # type: ignore[no-any-return]  # it is one now


class Documents(Part):
    """The documents of every lane."""

    def known_token(self, lane: Lane) -> str | None:
        """The target's token as it was after the last run; `None` if the target has to be listed."""
        row = self._db.first("SELECT token FROM lanes WHERE id = :lane", {"lane": self._lane(lane)})
        return row[0] if row else None

    def keep_token(self, lane: Lane, token: str | None) -> None:
        """Remember the target's token."""
        self._db.execute("UPDATE lanes SET token = :token WHERE id = :lane", {"lane": self._lane(lane), "token": token})

    def lookup(self, lane: Lane, external_ids: Sequence[str]) -> dict[str, Known]:
        """What is known of these ids, by one query (rows that only have a digest are found by it)."""
        number = self._lane(lane)
        rows = self._db.rows(BY_ID, {"lane": number, "keys": list(external_ids)})
        found = {row[1]: known(row) for row in rows}
        if len(found) < len(external_ids):
            missing = [key for key in external_ids if key not in found]
            found |= self._by_digest(number, missing if self._has_unmet(number) else _long(missing))
        return found

    def mark_listed(self, lane: Lane, external_ids: Sequence[str], listing: int) -> None:
        """These were in the listing. Also takes `doomed` away."""
        self._mark("listed = :listing, doomed = NULL", lane, external_ids, listing=listing)

    def doom(self, lane: Lane, external_ids: Sequence[str], reason: str) -> None:
        """The origin said that these are gone; rows that hold no knowledge are left alone."""
        self._mark("doomed = :reason", lane, external_ids, "AND source_id IS NOT NULL", reason=reason)

    def mark_listed_beneath(self, lane: Lane, prefix: str, listing: int) -> None:
        """Everything whose id starts with `prefix`, or may do so because the id is not known, counts as listed."""
        short, rest, values = _beneath(prefix)
        values |= {"lane": self._lane(lane), "listing": listing}
        update = "UPDATE presence SET listed = :listing WHERE lane = :lane AND document IN"
        unknown = "external_id IS NULL AND long_id IS NULL"
        with self.transaction():
            for which in (short, rest, unknown):
                self._db.execute(f"{update} (SELECT id FROM documents WHERE lane = :lane AND {which})", values)

    def unlisted_beneath(self, lane: Lane, prefix: str, listing: int, *, batch: int = 500) -> Iterator[list[str]]:
        """Ids of rows that hold knowledge, start with `prefix`, and were `listed` in an earlier listing only."""
        short, rest, values = _beneath(prefix)
        values |= {"lane": self._lane(lane), "listing": listing, "batch": batch}
        for which, key in ((short, "external_id"), (rest, "long_id")):
            query = (
                f"SELECT {key} FROM {DOCUMENTS} WHERE d.lane = :lane AND {which} AND d.source_id IS NOT NULL "
                f"AND p.listed < :listing AND {NOT_ABSENT} AND {key} > :last ORDER BY {key} LIMIT :batch"
            )
            values["last"] = ""
            while rows := self._db.rows(query, values):
                yield [row[0] for row in rows]
                values["last"] = rows[-1][0]

    def keep(self, lane: Lane, rows: Iterable[Known]) -> None:
        """Insert or replace whole rows, by `external_digest`."""
        number = self._lane(lane)
        kept = list(rows)
        with self.transaction():
            self._db.execute_many(KEEP, [_values(number, row) for row in kept])
            self._db.execute_many(
                KEEP_PRESENCE, [(row.listed, row.doomed, number, row.external_digest) for row in kept]
            )

    def forget(self, lane: Lane, external_digests: Sequence[str]) -> None:
        """Remove rows."""
        which = {"lane": self._lane(lane), "digests": list(external_digests)}
        rows = "SELECT id FROM documents WHERE lane = :lane AND digest IN :digests"
        with self.transaction():
            self._db.execute(f"DELETE FROM presence WHERE lane = :lane AND document IN ({rows})", which)
            self._db.execute("DELETE FROM documents WHERE lane = :lane AND digest IN :digests", which)

    def orphans(self, lane: Lane, listing: int | None, *, batch: int = 500) -> Iterator[list[Known]]:
        """Rows that hold knowledge and shall lose it: doomed, or (unless `listing` is `None`) in an earlier listing only."""
        which = _orphans(self._lane(lane), listing) | {"last": 0, "batch": batch}
        query = (
            f"SELECT p.document, {KNOWN} FROM {ORPHANS} AND p.document > :last AND {_orphaned(listing)} "
            "ORDER BY p.document LIMIT :batch"
        )
        while rows := self._db.rows(query, which):
            yield [known(row[1:]) for row in rows]
            which["last"] = rows[-1][0]

    def count_orphans(self, lane: Lane, listing: int | None) -> int:
        """How many rows `orphans` would give."""
        return self._count(f"{ORPHANS} AND {_orphaned(listing)}", _orphans(self._lane(lane), listing))

    def tidy(self, lane: Lane, listing: int) -> None:
        """After a complete listing: rows without knowledge that it did not contain go, and failures of documents that are gone.

        A failure stays if its document was in the listing, or if it happened since the run began whose number the listing bears.
        """
        which = {"lane": self._lane(lane), "listing": listing}
        with self.transaction():
            if self._db.execute(TIDY, which):
                self._db.execute(DROP_PRESENCE, which)
            self._db.execute(TIDY_FAILURES, which)

    def holdings_digest(self, lane: Lane) -> str:
        """A digest of which sources are held with which content; equal as long as the target has not moved."""
        held = hashlib.sha256()
        which = {"lane": self._lane(lane), "last": ""}
        while rows := self._db.rows(HOLDINGS, which):
            held.update(repr(rows).encode("utf-8", "surrogatepass"))
            which["last"] = rows[-1][0]
        return digest(held.hexdigest())

    def count_held(self, lane: Lane) -> int:
        """Rows that a person holds by `undo`."""
        return self._count(f"documents AS d WHERE d.lane = :lane AND {HELD}", {"lane": self._lane(lane)})

    def count_sources(self, lane: Lane) -> int:
        """Rows that hold knowledge."""
        return self._count("documents WHERE lane = :lane AND source_id IS NOT NULL", {"lane": self._lane(lane)})

    def by_fingerprint(self, lane: Lane, fingerprint: str, *, not_listed: int, after: str = "") -> list[Known]:
        """Rows that hold this content and are not (yet) in listing `not_listed`; see the port."""
        behind = f"AND {ID} > :after" if after else ""
        rows = self._db.rows(
            f"""SELECT {KNOWN} FROM {DOCUMENTS} WHERE d.lane = :lane AND d.fingerprint = :fingerprint {behind}
                AND d.source_id IS NOT NULL AND NOT {HELD} AND (p.doomed IS NOT NULL OR p.listed < :listing)
                ORDER BY {ID}, d.digest LIMIT {MATCHES}""",
            {"lane": self._lane(lane), "fingerprint": fingerprint, "listing": not_listed, "after": after},
        )
        return [known(row) for row in rows]

    def rows(self, lane: Lane) -> Iterator[Known]:
        """Every row that holds knowledge, by id; those without one come first. Read page by page."""
        number = self._lane(lane)
        short = self._walk(number, "d.external_id IS NOT NULL", "d.external_id")
        rest = self._walk(number, "d.external_id IS NULL", "coalesce(d.long_id, '')")
        return heapq.merge(rest, short, key=lambda row: row.external_id or "")

    def find(self, connector: str, needle: str) -> list[tuple[Lane, Known]]:
        """Rows whose id, link or name equals `needle`, then those that contain it in any case; at most ten."""
        lanes = self._lanes(connector)
        names = ("d.external_id", "d.long_id", "d.uri", "d.name")
        equal = " OR ".join(f"{name} = :needle" for name in names)
        holds = " OR ".join(f"{self._db.find}({name}, :needle) > 0" for name in names)
        holds += "".join(f" OR {self._db.find}(lower({name}), :lower) > 0" for name in names)
        rows = self._db.rows(
            f"""SELECT d.lane, {KNOWN} FROM {DOCUMENTS} WHERE d.lane IN :lanes AND ({equal} OR {holds})
                ORDER BY CASE WHEN {equal} THEN 0 ELSE 1 END, d.id LIMIT {MATCHES}""",
            {"lanes": list(lanes), "needle": needle, "lower": needle.lower()},
        )
        return [(lanes[row[0]], known(row[1:])) for row in rows]

    def release(self, connector: str) -> int:
        """Let go of everything that `undo` holds; how many."""
        with self.transaction():
            return self._db.execute(
                """UPDATE documents AS d SET held_revision = NULL, held_fingerprint = NULL
                   WHERE d.lane IN :lanes AND (d.held_revision IS NOT NULL OR d.held_fingerprint IS NOT NULL)""",
                {"lanes": list(self._lanes(connector))},
            )

    def _mark(self, change: str, lane: Lane, external_ids: Sequence[str], which: str = "", **values: object) -> None:
        number = self._lane(lane)
        sql = (
            f"UPDATE presence SET {change} WHERE lane = :lane AND document IN "
            f"(SELECT id FROM documents WHERE lane = :lane {which} AND "
        )
        with self.transaction():
            self._meet(number, external_ids)
            self._db.execute(f"{sql} external_id IN :keys)", {"lane": number, "keys": list(external_ids), **values})
            if keys := [digest(key) for key in _long(external_ids)]:
                self._db.execute(f"{sql} digest IN :keys)", {"lane": number, "keys": keys, **values})

    def _meet(self, lane: int, external_ids: Sequence[str]) -> None:
        """Learn the ids of rows that only had a digest."""
        if self._has_unmet(lane):
            self._db.execute_many(
                """UPDATE documents SET external_id = ?, long_id = ?
                   WHERE lane = ? AND digest = ? AND external_id IS NULL AND long_id IS NULL""",
                [(*id_columns(key), lane, digest(key)) for key in external_ids],
            )

    def _has_unmet(self, lane: int) -> bool:
        sql = "SELECT 1 FROM documents WHERE lane = :lane AND external_id IS NULL AND long_id IS NULL LIMIT 1"
        return self._db.first(sql, {"lane": lane}) is not None

    def _by_digest(self, lane: int, external_ids: Sequence[str]) -> dict[str, Known]:
        ids = {digest(key): key for key in external_ids}
        rows = self._db.rows(BY_DIGEST, {"lane": lane, "keys": list(ids)}) if ids else []
        return {ids[row[0]]: known(row) for row in rows}

    def _walk(self, lane: int, which: str, key: str) -> Iterator[Known]:
        query = (
            f"SELECT {KNOWN} FROM {DOCUMENTS} WHERE d.lane = :lane AND {which} AND d.source_id IS NOT NULL "
            f"AND ({key}, d.digest) > (:id, :digest) ORDER BY {key}, d.digest LIMIT {PAGE}"
        )
        last = Known("", "")
        while found := self._db.rows(
            query, {"lane": lane, "id": last.external_id or "", "digest": last.external_digest}
        ):
            yield from map(known, found)
            last = known(found[-1])

    def _count(self, which: str, values: dict[str, Any]) -> int:
        return int(self._db.rows(f"SELECT count(*) FROM {which}", values)[0][0])


def _orphaned(listing: int | None) -> str:
    return DOOMED if listing is None else ORPHANED


def _orphans(lane: int, listing: int | None) -> dict[str, Any]:
    return {"lane": lane} if listing is None else {"lane": lane, "listing": listing}


def _values(lane: int, row: Known) -> tuple[Any, ...]:
    return (
        *(lane, *id_columns(row.external_id), row.external_digest, row.source_id, row.name, row.uri, row.revision),
        *(row.revision_mark, row.content_mark, row.fingerprint, row.metadata_fingerprint, row.derived),
        *(row.chunk_count, row.skipped, row.held_revision, row.held_fingerprint),
    )


def id_columns(external_id: str | None) -> tuple[str | None, str | None]:
    """The values of `external_id` and `long_id`."""
    if external_id is None or len(external_id) <= LONGEST:
        return external_id, None
    return None, external_id


def _long(external_ids: Sequence[str]) -> list[str]:
    return [key for key in external_ids if len(key) > LONGEST]


def _beneath(prefix: str) -> tuple[str, str, dict[str, Any]]:
    """Conditions for short and for long ids that start with `prefix`, and their values. The first can use the index."""
    head = plain_head(prefix)
    end = _after(head)
    starts = "substr({0}, 1, length(CAST(:prefix AS TEXT))) = CAST(:prefix AS TEXT)"
    before = "" if end is None else " AND external_id < :after"
    short = f"external_id >= :head{before} AND {starts.format('external_id')}"
    rest = f"long_id IS NOT NULL AND {starts.format('long_id')}"
    return short, rest, {"prefix": prefix, "head": head} | ({} if end is None else {"after": end})


def _after(head: str) -> str | None:
    """A string that sorts after all that start with `head`; `None` if there is none."""
    stem = head.rstrip(chr(LAST_CHARACTER))
    if not stem:
        return None
    following = ord(stem[-1]) + 1
    return stem[:-1] + chr(SURROGATES.stop if following in SURROGATES else following)
