"""Opening a store: cheap when there is nothing to do, and a message that helps when it cannot be done."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from knowledge_connector.clock import SystemClock
from knowledge_connector.errors import ConfigError, ConnectorError, FatalError
from knowledge_connector.model import digest
from knowledge_connector.ports import Known, Lane
from knowledge_connector.state import open_state

from .conftest import Open

LANE = Lane("handbook", "local")
OPEN = """
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from knowledge_connector.clock import SystemClock
from knowledge_connector.state import open_state
"""


def python(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", OPEN + code, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def opened(url: str, base: Path = Path("/")) -> None:
    open_state(url, base, SystemClock()).close()


def refusal(url: str, base: Path = Path("/")) -> ConnectorError:
    with pytest.raises(ConnectorError) as caught:
        opened(url, base)
    return caught.value


def test_an_existing_store_is_opened_without_sqlalchemy(url: str) -> None:
    opened(url)
    code = "open_state(sys.argv[1], Path('/'), SystemClock()).close(); print(sorted(sys.modules))"
    modules, _ = python(code, url).communicate()
    assert "'knowledge_connector.state.store'" in modules
    assert "'sqlalchemy'" not in modules
    assert "'alembic'" not in modules
    assert "'psutil'" not in modules
    assert ("'psycopg'" in modules) == url.startswith("postgresql")


def test_what_was_kept_is_there_again(open_store: Open) -> None:
    row = Known(digest("a"), "a", source_id="s")
    open_store().keep(LANE, [row])
    assert open_store().lookup(LANE, ["a"]) == {"a": row}


def test_a_new_store_may_be_opened_by_many_at_once(url: str) -> None:
    code = "open_state(sys.argv[1], Path('/'), SystemClock()).close(); print('opened')"
    assert [child.communicate()[0] for child in [python(code, url) for _ in range(3)]] == ["opened\n"] * 3


def test_a_relative_path_starts_at_the_base(tmp_path: Path) -> None:
    opened("sqlite:///.connector/deep/state.db", tmp_path)
    path = tmp_path / ".connector" / "deep" / "state.db"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_temporary_store_leaves_nothing_behind(tmp_path: Path) -> None:
    first, second = (open_state("sqlite://", tmp_path, SystemClock()) for _ in range(2))
    path = first._db.path  # type: ignore[attr-defined]  # the port hides the file
    first.keep(LANE, [Known(digest("a"), "a")])
    assert second.lookup(LANE, ["a"]) == {}
    first.close()
    second.close()
    assert not path.parent.exists()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["", "state.db", "sqlite:state.db", "sqlite:///", "mysql://root:hunter2@host/db"])
def test_other_addresses_are_refused_with_the_right_form(url: str) -> None:
    error = refusal(url)
    assert isinstance(error, ConfigError)
    assert "sqlite:///.connector/state.db" in error.message
    assert "hunter2" not in error.message


@pytest.mark.parametrize("content", [b"no database at all " * 500, b"SQLite format 3\0" + b"\xff" * 8000])
def test_a_damaged_file_says_to_move_it_away(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "state.db").write_bytes(content)
    error = refusal("sqlite:///state.db", tmp_path)
    assert isinstance(error, FatalError)
    assert error.where == "state"
    assert "state.db" in error.message
    assert "move it away and run again" in error.message


def test_damage_within_says_so_too(tmp_path: Path) -> None:
    store = open_state("sqlite:///state.db", tmp_path, SystemClock())
    store.keep(LANE, [Known(digest(str(n)), str(n), source_id="s" * 300) for n in range(500)])
    store.close()
    path = tmp_path / "state.db"
    content = bytearray(path.read_bytes())
    content[len(content) // 4 :] = b"\xa5" * (len(content) - len(content) // 4)
    path.write_bytes(content)

    def read() -> None:
        with closing(open_state("sqlite:///state.db", tmp_path, SystemClock())) as store:
            list(store.rows(LANE))

    with pytest.raises(FatalError, match="damaged; move it away"):
        read()


def test_somebody_elses_file_is_left_alone(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "state.db")
    connection.execute("CREATE TABLE photos (id)")
    connection.close()
    error = refusal("sqlite:///state.db", tmp_path)
    assert isinstance(error, FatalError)
    assert "somebody else's tables" in error.message
    assert "state.url" in error.message


def test_a_store_of_a_later_version_is_left_alone(open_store: Open, url: str) -> None:
    open_store()._db.execute("UPDATE alembic_version SET version_num = '9999'")  # type: ignore[attr-defined]
    error = refusal(url)
    assert isinstance(error, FatalError)
    assert "later version" in error.message


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    error = refusal("sqlite:///file/state.db", tmp_path)
    assert isinstance(error, ConfigError)
    assert "state.url" in error.message


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users may enter; pytest's own are closed to them."""
    folder = Path(tempfile.mkdtemp(prefix="connector-state-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="becomes another user, which only root can do")
@pytest.mark.parametrize(("mode", "advice"), [(0o555, "cannot be"), (0o777, "cannot be written")])
def test_a_store_that_cannot_be_written(open_folder: Path, mode: int, advice: str) -> None:
    url = f"sqlite:///{open_folder}/state.db"
    opened(url)
    (open_folder / "state.db").chmod(0o444)
    open_folder.chmod(mode)
    code = (
        "import os, knowledge_connector.state.store, knowledge_connector.state.sqlite; os.setuid(65534)\n"
        "open_state(sys.argv[1], Path('/'), SystemClock()).start_run('run', 'x', SystemClock().now())"
    )
    output, _ = python(code, url).communicate()
    assert "FatalError" in output
    assert advice in output
    assert "state.url" in output


def test_a_full_disk_says_so_and_spoils_nothing(tmp_path: Path) -> None:
    store = open_state("sqlite:///state.db", tmp_path, SystemClock())
    store.keep(LANE, [Known(digest("before"), "before")])
    store._db.execute("PRAGMA max_page_count = 60")  # type: ignore[attr-defined]
    with pytest.raises(FatalError, match="disk is full; make room and run again"):
        store.keep(LANE, [Known(digest(str(n)), str(n), name="x" * 1000) for n in range(1000)])
    assert set(store.lookup(LANE, ["before", "0"])) == {"before"}
    store.close()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:hun/ter2@db.example.com/state",
        "postgresql://me:5432/hunter2@db.example.com/state",
        "postgresql://me:hunter2@db.example.com:port/state",
        "postgresql://me:hunter2@[db.example.com/state",
        "postgresql://me:hunter2@db.example.com/state?nonsense=1",
    ],
)
def test_a_misread_password_is_not_repeated(url: str) -> None:
    pytest.importorskip("psycopg", reason="the extra `postgresql` is not installed")
    error = refusal(url)
    assert isinstance(error, ConfigError)
    assert "percent-encoded" in error.message
    for part in ("hun", "ter2"):
        assert part not in error.message
    assert error.__cause__ is None


def test_a_server_that_does_not_answer() -> None:
    pytest.importorskip("psycopg", reason="the extra `postgresql` is not installed")
    error = refusal("postgresql://me:hunter2@127.0.0.1:1/state")
    assert isinstance(error, FatalError)
    assert "postgresql://127.0.0.1:1/state cannot be reached" in error.message
    assert "hunter2" not in error.message


def test_a_server_that_hangs_up(postgresql_url: str) -> None:
    store = open_state(postgresql_url, Path("/"), SystemClock())
    with pytest.raises(FatalError, match="Run again when it does") as caught:
        store._db.execute("SELECT pg_terminate_backend(pg_backend_pid())")  # type: ignore[attr-defined]
    assert caught.value.where == "state"
    store.close()


def test_a_missing_driver_says_what_to_install() -> None:
    code = "sys.modules['psycopg'] = None; open_state('postgresql://me:hunter2@host/db', Path('/'), SystemClock())"
    output, _ = python(code).communicate()
    assert "ConfigError" in output
    assert "pip install 'knowledge-connector[postgresql]'" in output
    assert "hunter2" not in output.rpartition("ConfigError")[2]
