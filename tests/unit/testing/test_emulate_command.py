"""`connector emulate`, and the tables that it writes."""

from __future__ import annotations

import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

pytest.importorskip("uvicorn", reason="the extra `emulate` is not installed")

from knowledge_connector.cli import main
from knowledge_connector.config import load
from knowledge_connector.errors import ConfigError
from knowledge_connector.kit.config import Options, TargetConfig
from knowledge_connector.testing.emulation import RunningServer, running
from knowledge_connector.testing.emulation.configuring import write_config
from knowledge_connector.testing.emulation.discovery import find_emulators
from unit.testing import shelf
from unit.testing.shelf import BOOKS, Shelf, Wall


class Login(Options):
    user: str
    password: SecretStr


class ShelfConfig(TargetConfig):
    base_url: str
    key: SecretStr
    login: Login


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with running([Shelf, Wall]) as server:
        yield server


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A connectors.toml that names the plugin with the two vendors."""
    file = tmp_path / "connectors.toml"
    file.write_text(f"[plugins]\npaths = [{str(shelf.__file__)!r}]\n", encoding="utf-8")
    return file


@contextmanager
def emulate(config: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command in a process of its own, and where it listens."""
    command = [sys.executable, "-m", "knowledge_connector", "-c", str(config), "emulate", "--port", "0", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            first = process.stdout.readline()
            assert first.startswith("Emulators at http://127.0.0.1:")
            for line in process.stdout:
                if "Ctrl-C" in line:
                    break
            yield process, first.split()[-1]
        finally:
            process.kill()


class TestConfigOut:
    def test_the_tables_work_as_they_stand(self, server: RunningServer, tmp_path: Path) -> None:
        file = tmp_path / "emulators.toml"
        assert write_config(file, server.vendors, server.url) == ["targets.shelf", "connectors.wall"]
        settings = load(file, {})
        bound = settings.bind(settings.targets["shelf"], ShelfConfig)
        assert bound.base_url == server.url
        assert bound.key.get_secret_value() == "emu-key"
        assert bound.login.password.get_secret_value() == "emu-word"
        assert settings.connectors["wall"].options == {"url": f"{server.url}/wall"}
        assert settings.warnings == []

    def test_secrets_lie_in_files_for_nobody_else(self, server: RunningServer, tmp_path: Path) -> None:
        file = tmp_path / "emulators.toml"
        (tmp_path / "emulators.shelf.key.secret").write_text("an older and longer one", encoding="utf-8")
        write_config(file, server.vendors, server.url)
        assert "emu-key" not in file.read_text(encoding="utf-8")
        secrets = {path.name: path for path in tmp_path.glob("*.secret")}
        assert set(secrets) == {"emulators.shelf.key.secret", "emulators.shelf.login.password.secret"}
        assert {stat.S_IMODE(path.stat().st_mode) for path in secrets.values()} == {0o600}
        assert secrets["emulators.shelf.key.secret"].read_text(encoding="utf-8") == "emu-key"

    def test_it_is_written_again_but_nobody_elses_file_is(self, server: RunningServer, tmp_path: Path) -> None:
        file = tmp_path / "emulators.toml"
        write_config(file, server.vendors, server.url)
        write_config(file, server.vendors, server.url)
        other = tmp_path / "connectors.toml"
        other.write_text("[targets.local]\n", encoding="utf-8")
        with pytest.raises(ConfigError, match="was not written by"):
            write_config(other, server.vendors, server.url)


class TestCommand:
    def test_it_serves_until_it_is_told_to_end(self, config: Path) -> None:
        out = config.with_name("out.toml")
        wanted = ("shelf", "--seed", "2", "--fault", "error_before:after=1,status=502", "--config-out", str(out))
        with emulate(config, *wanted) as (process, url):
            assert [httpx.get(url + BOOKS, trust_env=False).status_code for _ in range(2)] == [200, 502]
            assert load(out, {}).targets["shelf"].options["base_url"] == url
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 0

    def test_a_state_file_outlives_a_kill(self, config: Path) -> None:
        state = ("--state", str(config.with_name("state.db")))
        with emulate(config, "shelf", *state) as (process, url):
            httpx.post(url + BOOKS, json={"title": "One"}, trust_env=False)
            process.kill()
        with emulate(config, *state) as (process, url):
            assert httpx.get(url + BOOKS, trust_env=False).json() == [{"title": "One"}]

    def test_a_broken_plugin_is_named_and_the_others_go_on(self, config: Path) -> None:
        broken = config.with_name("broken.py")
        broken.write_text(
            "from knowledge_connector import hookimpl\n\n@hookimpl\ndef register_emulators():\n    return ['x']\n",
            encoding="utf-8",
        )
        paths = [Path(shelf.__file__), broken]
        told: list[object] = []
        assert {"shelf", "wall"} <= find_emulators(paths=paths, tell=told.append).keys()
        assert [str(one) for one in told if "broken" in str(one)] == [
            "plugin connector_plugins.broken: register_emulators gave list; it should give names and factories, as a mapping"
        ]
        assert list(find_emulators(["wall"], paths=paths, tell=told.append)) == ["wall"]

    @pytest.mark.parametrize(
        ("arguments", "code", "message"),
        [
            (["nobody"], 2, "there is no emulator 'nobody'"),
            (["shelf", "--fault", "slow:x=1"], 2, "x: "),
            (["shelf", "--option", "loud"], 2, "wanted is NAME=VALUE"),
            (["shelf", "--host", "192.0.2.1"], 2, "cannot listen on port 0 of 192.0.2.1"),
        ],
    )
    def test_what_cannot_be_done_is_said(
        self, config: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, message: str
    ) -> None:
        assert main(["-c", str(config), "emulate", "--port", "0", *arguments]) == code
        assert message in capsys.readouterr().err
