"""What all tests share: how much of the long matrices runs, whom clients trust, and a PostgreSQL server of their own where Debian has it.

`pytest --whole` runs every case of the long matrices; otherwise a fourth of them runs, always the same one. A test is one case of a
matrix if it is marked so, or goes through its cases by itself with the fixture `sampled`.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from zlib import crc32

import pytest
import trustme

from matrices import SAMPLE, Sampled

BINARIES = Path("/usr/lib/postgresql")
ADMIN = "postgres"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--whole", action="store_true", help="run every case of the long matrices, not only a fourth")


def pytest_configure(config: pytest.Config) -> None:
    """Trust an authority of our own instead of the hundreds of the web, which take every client that is made 25 ms to read."""
    authority = Path(tempfile.mkdtemp(prefix="connector-authority-")) / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(authority))
    os.environ["SSL_CERT_FILE"] = str(authority)
    config.add_cleanup(lambda: shutil.rmtree(authority.parent))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--whole"):
        return
    left_out = [item for item in items if item.get_closest_marker("matrix") and _place(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        left = {*left_out}
        items[:] = [item for item in items if item not in left]


def _place(item: pytest.Item) -> int:
    """Which of the fourths a test belongs to."""
    return crc32(item.nodeid.encode()) % SAMPLE


@pytest.fixture
def sampled(request: pytest.FixtureRequest) -> Sampled:
    """Choose among the cases that a test goes through by itself."""
    if request.config.getoption("--whole"):
        return lambda cases: list(range(cases))
    return lambda cases: list(range(_place(request.node), cases, SAMPLE))


class Cluster:
    """A private server in a temporary folder, on a free port of the loopback interface; anybody may log in."""

    def __init__(self, binaries: Path) -> None:
        self._binaries = binaries
        self._folder = Path(tempfile.mkdtemp(prefix="connector-postgresql-"))
        self._data = self._folder / "data"
        self.port = _free_port()
        if os.geteuid() == 0:
            shutil.chown(self._folder, ADMIN)

    def start(self) -> None:
        self._run("initdb", "--auth=trust", f"--username={ADMIN}", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
        options = f"-h 127.0.0.1 -p {self.port} -c unix_socket_directories='' -c fsync=off"
        self._run("pg_ctl", "-w", "-l", str(self._folder / "log"), "-o", options, "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-m", "immediate", "stop")
        shutil.rmtree(self._folder)

    def create_schema(self) -> str:
        import psycopg

        name = f"test_{uuid.uuid4().hex}"
        url = f"postgresql://{ADMIN}@127.0.0.1:{self.port}/{ADMIN}"
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}")
        return f"{url}?options=-csearch_path%3D{name}"

    def _run(self, program: str, *arguments: str) -> None:
        # The server refuses to run as root. Its output goes nowhere, because it would keep a pipe open.
        subprocess.run(
            [self._binaries / program, "-D", self._data, *arguments],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            cwd=self._folder,
            user=ADMIN if os.geteuid() == 0 else None,
        )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Cluster]:
    pytest.importorskip("psycopg", reason="the extra `postgresql` is not installed")
    binaries = sorted(BINARIES.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if not binaries:
        pytest.skip(f"there is no PostgreSQL server in {BINARIES}")
    cluster = Cluster(binaries[-1].parent)
    cluster.start()
    yield cluster
    cluster.stop()


@pytest.fixture
def postgresql_url(postgresql: Cluster) -> str:
    """The address of an empty schema."""
    return postgresql.create_schema()
