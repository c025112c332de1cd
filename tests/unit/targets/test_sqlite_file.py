"""What people read when the file cannot be used, and that nothing half-written stays."""

import multiprocessing
import os
import resource
import sqlite3
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from knowledge_connector.errors import ConfigError, ConnectorError, FatalError
from knowledge_connector.model import Chunk
from knowledge_connector.targets.sqlite import SqliteTarget, SqliteTargetConfig, file
from knowledge_connector.testing.drafts import draft_of, write

NOBODY = 65534
BIG = [Chunk(ordinal, f"{ordinal} " + "filler " * 280) for ordinal in range(2000)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "knowledge.db"


def target_at(path: Path) -> SqliteTarget:
    return SqliteTarget(SqliteTargetConfig(path=path))


def put(
    path: Path, external_id: str = "d", chunks: Sequence[Chunk] = (Chunk(0, "apple"),), owner: str = "docs"
) -> None:
    with target_at(path).open(owner, fence=1) as session:
        write(session, draft_of(external_id, chunks), chunks)
        session.flush()


def held(path: Path) -> list[str | None]:
    return [source.external_id for _, source in target_at(path).holdings()]


def test_without_a_file_people_are_told_to_sync(path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no knowledge at .*knowledge\.db yet\. Run a sync first"):
        target_at(path).search("apple")
    with pytest.raises(ConfigError, match="Run a sync first"):
        list(target_at(path).holdings())
    assert not path.exists()


def test_an_empty_file_is_no_knowledge_yet(path: Path) -> None:
    path.touch()
    with pytest.raises(ConfigError, match="Run a sync first"):
        target_at(path).search("apple")
    put(path)
    assert held(path) == ["d"]


def test_a_newer_schema_is_left_alone(path: Path) -> None:
    put(path)
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 99")
    for use in (put, held):
        with pytest.raises(
            FatalError, match=r"newer version of this program \(schema 99, this one knows 1\)"
        ) as caught:
            use(path)
        assert caught.value.where == "target"


def test_a_database_of_another_program_is_left_alone(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE theirs (x)")
    for use in (put, held):
        with pytest.raises(FatalError, match="database of some other program"):
            use(path)


def test_a_file_that_is_no_database_is_left_alone(path: Path) -> None:
    path.write_bytes(b"Dear diary, " * 1000)
    for use in (put, held):
        with pytest.raises(FatalError, match="not a SQLite database, or damaged"):
            use(path)


def test_a_damaged_file_says_what_to_do(path: Path) -> None:
    put(path, chunks=BIG[:200])
    content = bytearray(path.read_bytes())
    content[8192 : len(content) // 2] = os.urandom(len(content) // 2 - 8192)
    path.write_bytes(content)
    with pytest.raises(FatalError, match="Move it away and run again: everything is read anew"):
        target_at(path).search("filler")
    findings = [finding for finding in target_at(path).check() if not finding.ok]
    assert [finding.subject for finding in findings] == ["integrity"]


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(FatalError, match=r"is a folder\. `path` must name a file in it"):
        put(tmp_path)


def test_a_file_is_no_folder(path: Path) -> None:
    path.write_bytes(b"")
    with pytest.raises(FatalError, match=r"Not a directory|exists"):
        put(path / "knowledge.db")


def test_a_locked_file_says_so(path: Path) -> None:
    put(path)
    with closing(sqlite3.connect(path)) as one, closing(sqlite3.connect(path, timeout=0)) as two:
        one.execute("BEGIN IMMEDIATE")
        with pytest.raises(FatalError, match="another process has been writing to it"), file.explained(path):
            two.execute("BEGIN IMMEDIATE")


@contextmanager
def files_limited_to(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_file_that_may_not_grow_stays_whole_and_heals(path: Path) -> None:
    put(path, "before")
    with files_limited_to(500_000), pytest.raises(FatalError, match="Check the disk, its free space"):
        put(path, "big", BIG)
    assert held(path) == ["before"]
    put(path, "big", BIG)
    assert sorted(map(str, held(path))) == ["before", "big"]
    assert [finding for finding in target_at(path).check() if not finding.ok] == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", place], capture_output=True, check=False)
    if made.returncode:
        pytest.skip("no right to mount a small disk here")
    yield place
    subprocess.run(["umount", place], check=True)


def test_a_full_disk_leaves_nothing_half_written_and_heals(small_disk: Path) -> None:
    path = small_disk / "knowledge.db"
    put(path, "before")
    with pytest.raises(FatalError, match=r"the disk is full\. Make room and run again"):
        put(path, "big", BIG)
    assert held(path) == ["before"]
    put(path, "after")
    assert sorted(map(str, held(path))) == ["after", "before"]
    assert [finding for finding in target_at(path).check() if not finding.ok] == []


def as_somebody_else(path: Path, answers: Connection) -> None:
    """Read, look for faults, and try to write, without the rights of root."""
    if os.geteuid() == 0:
        os.setuid(NOBODY)
    target = target_at(path)
    answers.send([hit.text for hit in target.search("apple")])
    answers.send([finding.subject for finding in target.check() if not finding.ok])
    with target.open("docs", fence=1) as session:
        answers.send([source.external_id for source in session.sources()])
        try:
            session.begin(draft_of("e", []))
        except ConnectorError as error:
            answers.send((type(error).__name__, error.message))


@pytest.mark.parametrize("writing", [False, True], ids=["at rest", "while a run writes"])
def test_what_may_not_be_written_can_be_read(writing: bool) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "knowledge.db"
        put(path)
        with target_at(path).open("docs", fence=1) as session:
            if writing:
                write(session, draft_of("open", []), [])
            for place in (*path.parent.iterdir(), path.parent):
                place.chmod(0o555 if place.is_dir() else 0o444)
            try:
                answers = ask_somebody_else(path)
            finally:
                path.parent.chmod(0o755)
    assert answers[:3] == [["apple"], ["path"], ["d"]]
    assert answers[3] == ("FatalError", f"Cannot use the knowledge at {path}: it may not be written. {RIGHTS}")


RIGHTS = "Check the rights of the file and its folder."


def ask_somebody_else(path: Path) -> list[object]:
    # Forked, not spawned: whoever the child becomes may have no right to read our modules.
    processes = multiprocessing.get_context("fork")
    ours, theirs = processes.Pipe()
    child = processes.Process(target=as_somebody_else, args=(path, theirs))
    child.start()
    theirs.close()
    try:
        return [ours.recv() for _ in range(4)]
    finally:
        child.join()
        ours.close()


def test_several_processes_may_create_the_file_at_once(path: Path) -> None:
    processes = multiprocessing.get_context("fork")
    for attempt in range(5):
        place = path.with_name(f"{attempt}.db")
        children = [processes.Process(target=put, args=(place, "d", BIG[:9], f"owner{number}")) for number in range(4)]
        for child in children:
            child.start()
        for child in children:
            child.join()
        assert [child.exitcode for child in children] == [0, 0, 0, 0]
        assert [owner for owner, _ in target_at(place).holdings()] == ["owner0", "owner1", "owner2", "owner3"]


def test_check_tells_what_there_is(path: Path) -> None:
    assert [(finding.ok, finding.subject) for finding in target_at(path).check()] == [
        (True, "search"),
        (True, "path"),
        (True, "knowledge"),
    ]
    put(path, chunks=BIG[:3])
    *_, integrity, knowledge = target_at(path).check()
    assert (integrity.ok, integrity.message) == (True, "the file is sound")
    assert knowledge.message.startswith("1 sources, 3 chunks, ")
