"""SFTP against a real server on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from knowledge_connector import FatalError
from plugins.filesystem import trees

asyncssh = pytest.importorskip("asyncssh", reason="the extra `sftp` is not installed")


class SftpStub:
    """Serves one folder to one user, from a thread of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = asyncssh.generate_private_key("ssh-ed25519")
        self.port = 0
        self._ready = Event()
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = Thread(target=self._loop.run_until_complete, args=(self._serve(),))

    def __enter__(self) -> SftpStub:
        self._thread.start()
        assert self._ready.wait(20)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._loop.close()

    async def _serve(self) -> None:
        folder = str(self.folder)
        connections: list[Any] = []

        class Door(asyncssh.SSHServer):  # type: ignore[misc,name-defined]  # an optional package: its classes are Any here
            def connection_made(self, conn: Any) -> None:
                connections.append(conn)

            def begin_auth(self, username: str) -> bool:
                return True

            def password_auth_supported(self) -> bool:
                return True

            def validate_password(self, username: str, password: str) -> bool:
                return (username, password) == ("reader", "planted-password")

        def files(channel: Any) -> Any:
            return asyncssh.SFTPServer(channel, chroot=folder)

        async with asyncssh.listen(
            "127.0.0.1", 0, server_factory=Door, server_host_keys=[self.key], sftp_factory=files
        ) as server:
            self.port = server.get_port()
            self._ready.set()
            await self._stop.wait()
            for connection in connections:
                connection.close()
                await connection.wait_closed()


@pytest.fixture
def sftp(tmp_path: Path) -> Iterator[SftpStub]:
    trees.write(tmp_path / "served/docs")
    (tmp_path / "served/docs/link.md").symlink_to("readme.md")
    with SftpStub(tmp_path / "served") as server:
        yield server


def options(password: str, known_hosts: Path) -> dict[str, Any]:
    return {"storage": {"type": "sftp", "password": password, "known_hosts_file": str(known_hosts)}}


def test_sftp_equals_disk(tmp_path: Path, sftp: SftpStub) -> None:
    known = tmp_path / "known_hosts"
    known.write_text(f"[127.0.0.1]:{sftp.port} {sftp.key.export_public_key().decode()}", encoding="utf-8")
    remote = trees.read(f"sftp://reader@127.0.0.1:{sftp.port}/docs", **options("planted-password", known))
    assert trees.outcome(remote) == trees.outcome(trees.read(tmp_path / "served/docs"))
    document = trees.documents(remote)["guide/setup.rst"]
    assert trees.body(document) == b"Setup\n=====\n"
    assert document.revision is not None
    assert document.uri == f"sftp://127.0.0.1:{sftp.port}/docs/guide/setup.rst"


@pytest.mark.parametrize("trusted", [True, False])
def test_a_wrong_password_or_an_unknown_host_fails_the_run(tmp_path: Path, sftp: SftpStub, trusted: bool) -> None:
    known = tmp_path / "known_hosts"
    line = f"[127.0.0.1]:{sftp.port} {sftp.key.export_public_key().decode()}" if trusted else ""
    known.write_text(line, encoding="utf-8")
    password = "planted-wrong" if trusted else "planted-password"
    with pytest.raises(FatalError) as caught:
        trees.read(f"sftp://reader@127.0.0.1:{sftp.port}/docs", **options(password, known))
    assert "planted" not in str(caught.value)
