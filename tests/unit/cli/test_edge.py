"""The edge: help without weight, errors without tracebacks, warnings, the log, names that complete, pipes that break."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from knowledge_connector.cli import edge, shared
from knowledge_connector.cli.commands import COMMANDS
from knowledge_connector.config import CONFIG_VARIABLE
from knowledge_connector.sync.report import ExitCode
from scenarios.world import World

from .conftest import Connector

NAMES = [name for commands in COMMANDS.values() for name in commands]


def python(code: str, *arguments: str) -> str:
    """What a fresh interpreter prints."""
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("name", NAMES)
def test_the_table_says_what_the_commands_say(name: str) -> None:
    command = importlib.import_module(f"knowledge_connector.cli.{name}").command
    summary = next(summary for commands in COMMANDS.values() for key, summary in commands.items() if key == name)
    assert command.name == name
    assert (command.help or "").partition("\n")[0] == summary


def test_every_command_is_in_the_table() -> None:
    here = Path(edge.__file__).parent
    heads = ("\n@click.command(", "\n@click.group(")
    texts = {file.stem: file.read_text(encoding="utf-8") for file in here.glob("*.py") if file.stem != "commands"}
    found = [name for name, text in texts.items() if any(head in text for head in heads)]
    assert sorted(found) == sorted(NAMES)


def test_constants_that_are_not_imported_for_their_weight_agree_with_their_owners() -> None:
    assert shared.FILE_VARIABLE == CONFIG_VARIABLE
    assert edge.INTERRUPTED == ExitCode.INTERRUPTED


def test_help_imports_nothing_heavy() -> None:
    loaded = python(
        "import sys\nfrom knowledge_connector.cli import main\nmain(['--help'])\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}), sep='\\n')\n"
        "print(*[name for name in sys.modules if name.startswith('knowledge_connector.')], sep='\\n')"
    ).splitlines()
    assert not {"pydantic", "rich", "sqlalchemy", "pluggy", "json", "tomllib", "logging"} & set(loaded)
    assert "knowledge_connector.app" not in loaded


@pytest.mark.parametrize("arguments", [["run", "shelf"], ["run", "shelf", "--json"], ["run", "shelf", "--quiet"]])
def test_a_run_into_a_pipe_imports_no_rich(world: World, arguments: list[str]) -> None:
    world.put("d", "text")
    world.save()
    file = str(world.folder / "connectors.toml")
    code = "import sys\nfrom knowledge_connector.cli import main\nmain(sys.argv[1:])\nprint('rich' in sys.modules)"
    assert python(code, "-c", file, *arguments).endswith("False\n")


def test_errors_are_one_message(connector: Connector) -> None:
    ran = connector("run", "nobody")
    assert ran.code == 2
    assert ran.err.startswith("Error: there is no [connectors.nobody] in ")
    assert "Traceback" not in ran.err
    assert "Traceback" in connector("-vv", "run", "nobody").err


def test_a_file_that_is_not_there(connector: Connector, tmp_path: Path) -> None:
    ran = connector("list", "-c", str(tmp_path / "other.toml"))
    assert ran.code == 2
    assert f"there is no file {tmp_path}/other.toml" in ran.err


def test_usage_errors_exit_2(connector: Connector) -> None:
    assert connector("undo", "yesterday").code == 2
    assert connector("nothing").code == 2


def test_secrets_in_clear_are_warned_of_once(world: World, connector: Connector) -> None:
    (world.folder / "teller.py").write_text(TELLER, encoding="utf-8")
    file = world.folder / "connectors.toml"
    text = file.read_text(encoding="utf-8").replace("paths = [", 'paths = ["teller.py", ')
    file.write_text(text + '[connectors.teller]\ntype = "teller"\ntoken = "in clear"\n', encoding="utf-8")
    ran = connector("run", "teller")
    assert ran.err.count("Warning: connectors.teller.token") == 1
    assert "in clear" not in ran.out
    assert ran.err.count("in clear") == 1, "the words of the warning, and not the secret"


TELLER = """
from pydantic import Field, SecretStr
from knowledge_connector import Connector, ConnectorConfig, Document, hookimpl

class TellerConfig(ConnectorConfig):
    token: SecretStr = Field(description="A token.")

class TellerConnector(Connector[TellerConfig]):
    type = "teller"

    def read(self, context):
        context.log.info("a phrase")
        yield Document("d", "Title", "text")

    def explain(self, needle, context):
        return context.no_such_thing

    def check(self, context):
        raise ZeroDivisionError("secret details")

@hookimpl
def register_connectors():
    return [TellerConnector]
"""


@pytest.fixture
def teller(world: World) -> World:
    (world.folder / "teller.py").write_text(TELLER, encoding="utf-8")
    file = world.folder / "connectors.toml"
    text = file.read_text(encoding="utf-8").replace("paths = [", 'paths = ["teller.py", ')
    file.write_text(text + '[connectors.teller]\ntype = "teller"\ntoken = { env = "HOME" }\n', encoding="utf-8")
    return world


@pytest.mark.usefixtures("teller")
def test_the_log_is_for_those_who_ask(connector: Connector) -> None:
    line = "TIME INFO    a phrase run_id=2 connector=teller\n"
    assert connector("run", "teller").err == ""
    assert line in connector("run", "teller", "-v").err


@pytest.mark.usefixtures("teller")
def test_a_plugin_that_raises_is_named(connector: Connector) -> None:
    explained = connector("explain", "teller", "d")
    assert explained.code == 2
    assert (
        "plugin connector_plugins.teller raised AttributeError (teller.py, line 16) while explaining" in explained.err
    )
    ran = connector("check", "teller")
    assert ran.code == 3
    assert "plugin connector_plugins.teller raised ZeroDivisionError (teller.py, line 19) while checking" in ran.out
    assert "secret details" not in ran.out + ran.err


def test_what_nobody_expected_is_told_in_a_line(world: World, connector: Connector) -> None:
    (world.folder / "clumsy.py").write_text(CLUMSY, encoding="utf-8")
    file = world.folder / "connectors.toml"
    text = file.read_text(encoding="utf-8").replace("paths = [", 'paths = ["clumsy.py", ')
    file.write_text(text + '[targets.clumsy]\ntype = "clumsy"\n', encoding="utf-8")
    ran = connector("run", "shelf", "--target", "clumsy")
    assert ran.code == 3
    assert ran.err.startswith("Error: this should not have happened: ZeroDivisionError: division by zero\n")
    assert "Please report it" in ran.err
    assert "Traceback" not in ran.err
    assert "Traceback" in connector("run", "shelf", "--target", "clumsy", "-v").err


CLUMSY = """
from knowledge_connector import Target, hookimpl

class ClumsyTarget(Target):
    type = "clumsy"
    gap = "atomic"

    @property
    def limits(self):
        return 1 / 0

    def check(self):
        return iter(())

    def open(self, owner, *, fence):
        raise NotImplementedError

@hookimpl
def register_targets():
    return [ClumsyTarget]
"""


def complete(words: str, **environ: str) -> list[str]:
    """What a shell is offered for the last word."""
    settings = {
        "PATH": os.environ["PATH"],
        "_CONNECTOR_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
        **environ,
    }
    code = "from knowledge_connector.cli import main; main()"
    ran = subprocess.run([sys.executable, "-c", code], env=settings, check=True, capture_output=True, text=True)
    return [line.partition(",")[2] for line in ran.stdout.splitlines() if line]


def test_commands_and_names_complete(world: World) -> None:
    file = str(world.folder / "connectors.toml")
    assert complete("connector re") == ["retry", "release"]
    assert complete("connector run s", CONNECTOR_CONFIG=file) == ["shelf"]
    assert complete(f"connector -c {file} plan s") == ["shelf"]
    assert complete("connector run --target l", CONNECTOR_CONFIG=file) == ["local"]
    assert complete("connector run s", CONNECTOR_CONFIG=file + ".not") == []


def test_a_pipe_that_breaks_is_no_error(world: World) -> None:
    for number in range(5_000):
        world.put(f"d{number}", "text")
    world.run()
    command = [sys.executable, "-m", "knowledge_connector", "-c", str(world.folder / "connectors.toml"), "sources"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == shared.BROKEN_PIPE


def test_names_that_are_not_utf_8_are_written_as_escapes(world: World) -> None:
    world.put("caf\udce9", "text")
    world.run()
    command = [sys.executable, "-m", "knowledge_connector", "-c", str(world.folder / "connectors.toml"), "sources"]
    ran = subprocess.run([*command, "--json"], check=True, capture_output=True)
    assert b'"external_id": "caf\\udce9"' in ran.stdout
