"""Questions to the index, and the best chunks as answers."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from knowledge_connector.ports import MARK_END, MARK_START, Hit
from knowledge_connector.targets.sqlite import rows
from knowledge_connector.targets.sqlite.query import Query, parse

SNIPPET_WORDS = 32
SNIPPET_CHARS = 80

Values = dict[str, str | int]

_FOUND = "owner, CAST(sources.id AS TEXT), external_id, name, uri, chunks.heading, chunks.text, tags"

# FTS5 sorts by itself if asked for nothing but `rank`, and makes snippets of the few rows that are left. CROSS JOIN keeps it first.
_BY_INDEX = f"""
    SELECT {_FOUND}, -words.rank, snippet(words, 2, '{MARK_START}', '{MARK_END}', '…', {SNIPPET_WORDS})
    FROM words CROSS JOIN chunks ON chunks.id = words.rowid CROSS JOIN sources ON sources.id = chunks.source
    WHERE words MATCH :match AND fingerprint IS NOT NULL {{filters}} ORDER BY words.rank LIMIT :limit"""  # noqa: S608  # constants

_BY_SCAN = f"""
    SELECT {_FOUND}, {{score}} AS score, text FROM chunks JOIN sources ON sources.id = chunks.source
    WHERE {{wanted}} AND fingerprint IS NOT NULL {{filters}} ORDER BY score DESC, chunks.id LIMIT :limit"""  # noqa: S608  # constants


@dataclass(frozen=True, slots=True)
class Filters:
    """Which sources count: of any of these connectors (none given: of all), and bearing all of these tags."""

    connectors: Sequence[str] = ()
    tags: Sequence[str] = ()


def hits(db: sqlite3.Connection, question: str, filters: Filters, limit: int) -> list[Hit]:
    """Give the best chunks that hold every term of the question; if there are none, those that hold any of them."""
    query = parse(rows.clean(question))
    if not query.wanted or limit < 1:
        return []
    ask = _scan if query.scan else _look_up
    return ask(db, query, filters, limit, every=True) or ask(db, query, filters, limit, every=False)


def _look_up(db: sqlite3.Connection, query: Query, filters: Filters, limit: int, *, every: bool) -> list[Hit]:
    conditions, values = _conditions(filters)
    found = db.execute(
        _BY_INDEX.format(filters=conditions), {"match": query.match(every=every), "limit": limit, **values}
    )
    return [_hit(row) for row in found]


def _scan(db: sqlite3.Connection, query: Query, filters: Filters, limit: int, *, every: bool) -> list[Hit]:
    """Read all chunks: about 2 s per GB, and no second index that every first sync would have to pay for."""
    conditions, values = _conditions(filters)
    wanted = {f"wanted{n}": _pattern(term) for n, term in enumerate(query.wanted)}
    unwanted = {f"unwanted{n}": _pattern(term) for n, term in enumerate(query.unwanted)}
    all_or_any = " AND " if every else " OR "
    sql = _BY_SCAN.format(
        score=" + ".join(map(_weight, wanted)),
        wanted=f"({all_or_any.join([f'{_weight(name)} > 0' for name in wanted])})",
        filters=" ".join([conditions, *[f"AND {_weight(name)} = 0" for name in unwanted]]),
    )
    found = db.execute(sql, {"limit": limit, **values, **wanted, **unwanted})
    return [_hit((*row[:-1], _marked(row[-1], query.wanted))) for row in found]


def _conditions(filters: Filters) -> tuple[str, Values]:
    owners: Values = {f"owner{n}": owner for n, owner in enumerate(filters.connectors)}
    tags: Values = {f"tag{n}": rows.clean(tag) for n, tag in enumerate(filters.tags)}
    conditions = [f"AND owner IN ({', '.join([f':{name}' for name in owners])})"] if owners else []
    conditions += [f"AND :{name} IN (SELECT value FROM json_each(tags))" for name in tags]  # noqa: S608  # names made here
    return " ".join(conditions), owners | tags


def _weight(name: str) -> str:
    """How much a pattern counts in a row: as in the index, a title eight times and a heading four times as much as text."""
    like = f"LIKE :{name} ESCAPE '\\'"
    return f"(8.0 * (name {like}) + 4.0 * (heading {like}) + (text {like}))"


def _pattern(term: str) -> str:
    return "%" + re.sub(r"([\\%_])", r"\\\1", term) + "%"


def _marked(text: str, terms: Sequence[str]) -> str:
    """A piece of the text around the first term found, with all terms in it marked."""
    terms_in = re.compile("|".join(map(re.escape, terms)), re.IGNORECASE)
    first = terms_in.search(text)
    start = max(0, first.start() - SNIPPET_CHARS // 2) if first else 0
    piece = terms_in.sub(lambda found: f"{MARK_START}{found[0]}{MARK_END}", text[start : start + SNIPPET_CHARS])
    return f"{'…' if start else ''}{piece}{'…' if start + SNIPPET_CHARS < len(text) else ''}"


def _hit(row: rows.Row) -> Hit:
    owner, source_id, external_id, name, uri, heading, text, tags, score, snippet = row
    return Hit(
        connector=owner,
        source=source_id,
        external_id=rows.as_text(external_id),
        title=name,
        url=uri,
        heading=heading,
        text=text,
        score=score,
        tags=rows.strings(tags),
        snippet=snippet,
    )
