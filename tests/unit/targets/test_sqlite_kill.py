"""SIGKILL at random instants: the file stays sound, and no reader ever sees half a source.

`KNOWLEDGE_KILLS=1000 pytest tests/unit/targets/test_sqlite_kill.py` tries harder.
"""

import multiprocessing
import os
import random
import signal
import sqlite3
from contextlib import closing
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

from knowledge_connector.model import Chunk, SourceDraft
from knowledge_connector.targets.sqlite import SqliteTarget, SqliteTargetConfig
from knowledge_connector.testing.drafts import write

KILLS = int(os.environ.get("KNOWLEDGE_KILLS", "40"))
DOCUMENTS = 12


def version_of(document: int, version: int) -> tuple[SourceDraft, list[Chunk]]:
    """A document whose every chunk names the version, and whose number of chunks follows from it."""
    chunks = [Chunk(0, f"doc{document} unchanged " + "filler " * 100)]
    chunks += [Chunk(n, f"doc{document} v{version} " + "filler " * 100) for n in range(1, 2 + version % 7)]
    draft = SourceDraft(
        external_id=f"doc{document}",
        name=f"Document {document}",
        chunk_count=len(chunks),
        fingerprint=f"v{version}",
        metadata_fingerprint="",
    )
    return draft, chunks


def replace_for_ever(path: Path, seed: int, started: Connection) -> None:
    """Replace documents with newer versions, several to a flush, until killed."""
    chance = random.Random(seed)  # noqa: S311  # repeatable, not secret
    with SqliteTarget(SqliteTargetConfig(path=path)).open("docs", fence=1) as session:
        held = {source.external_id: source.source_id for source in session.sources()}
        for version in range(seed * 100_000, (seed + 1) * 100_000):
            draft, chunks = version_of(chance.randrange(DOCUMENTS), version)
            held[draft.external_id] = write(session, replace(draft, replaces=held.get(draft.external_id)), chunks)
            if chance.random() < 0.3:
                session.flush()
                started.send(version)


def look(path: Path) -> int:
    """Compare every source with what its fingerprint says it holds, in one snapshot; how many there are."""
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
        rows = db.execute(
            "SELECT external_id, fingerprint, chunk_count, group_concat(substr(text, 1, 20), '|') FROM sources "
            "LEFT JOIN (SELECT source, text FROM chunks ORDER BY source, ordinal) ON source = sources.id GROUP BY sources.id"
        ).fetchall()
    for external_id, fingerprint, count, texts in rows:
        draft, chunks = version_of(int(external_id.removeprefix("doc")), int(fingerprint.removeprefix("v")))
        assert count == draft.chunk_count
        assert texts == "|".join(chunk.text[:20] for chunk in chunks)
    assert len({row[0] for row in rows}) == len(rows), "a twin"
    return len(rows)


def test_killed_at_random_instants_no_reader_sees_half_a_source(tmp_path: Path) -> None:
    path = tmp_path / "knowledge.db"
    chance = random.Random(20261122)  # noqa: S311  # repeatable, not secret
    processes = multiprocessing.get_context("fork")
    looks = 0
    for kill in range(KILLS):
        ours, theirs = processes.Pipe(duplex=False)
        child = processes.Process(target=replace_for_ever, args=(path, kill, theirs))
        child.start()
        theirs.close()
        ours.recv()  # it is writing now
        for _ in range(chance.randrange(1, 6)):
            look(path)
            looks += 1
        os.kill(child.pid or 0, signal.SIGKILL)
        child.join()
        ours.close()
        assert child.exitcode == -signal.SIGKILL
        look(path)
        with closing(sqlite3.connect(path)) as db:
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            db.execute("INSERT INTO words (words, rank) VALUES ('integrity-check', 1)")
    assert look(path) > 0
    assert looks >= KILLS
