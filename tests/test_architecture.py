"""Who may import whom, read from the imports themselves. Arrows point down and never back."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import knowledge_connector

PROJECT = Path(__file__).parents[1]
PACKAGE = "knowledge_connector"
SOURCE = PROJECT / "src" / PACKAGE
MODULES = sorted(SOURCE.rglob("*.py"))
PLUGIN_MODULES = sorted((PROJECT / "plugins").glob("*/src/**/*.py"))
EMULATORS = {file for file in PLUGIN_MODULES if any(part.startswith("emulator") for part in file.parts)}
"""Servers to test against. They live beside the adapters, answer `register_emulators`, and lean on `testing`."""

LOWER_ROOMS = ("sync", "targets", "state", "kit", "convert", "chunking")
UPPER_ROOMS = {
    "app",
    "cli",
    "config",
    "describe",
    "execution",
    "jobs",
    "plugins",
    "registry",
    "server",
    "story",
    "traces",
}
UPPER_ROOMS |= {"watch", "worker", "workshop"}
"""What puts the rooms together. None of the rooms below may know it."""

EDGES = {
    "cli/edge.py": "the command line: nothing may reach the user as a bare traceback",
    "plugins.py": "the plugin call: hooks and imports",
    "convert/child.py": "the plugin call: converters, in their child process",
    "convert/reading.py": "the plugin call: converters of attachments",
    "sync/body.py": "the plugin call: a deferred body",
    "sync/run.py": "the plugin call: `Connector.read`",
    "sync/staging.py": "hands what a plugin's function raised to the thread that raises it",
}
"""Where everything may be caught, and why."""


@dataclass(frozen=True)
class Import:
    """One imported module, or one name out of it.

    Attributes:
        module: Its full name.
        name: What is taken out of it; empty for `import module`.
        for_types: Whether it stands beneath `if TYPE_CHECKING`.
    """

    file: Path
    line: int
    module: str
    name: str
    for_types: bool

    @property
    def distribution(self) -> str:
        return self.module.partition(".")[0]

    @property
    def room(self) -> str:
        """The room of ours that it is of; empty for the package itself and for all others."""
        first, *rest = [*self.module.split("."), *([self.name] if self.module == PACKAGE else [])]
        is_room = rest and ((SOURCE / rest[0]).is_dir() or (SOURCE / f"{rest[0]}.py").is_file())
        return rest[0] if first == PACKAGE and is_room else ""

    def __str__(self) -> str:
        return f"{self.file.relative_to(PROJECT)}:{self.line} imports {self.module} {self.name}".strip()


def imports_of(file: Path) -> Iterator[Import]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for_types = {id(inner) for node in ast.walk(tree) if _is_for_types(node) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file}:{node.lineno} is a relative import; ours are absolute"
            for alias in node.names:
                yield Import(file, node.lineno, node.module or "", alias.name, id(node) in for_types)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(file, node.lineno, alias.name, "", id(node) in for_types)


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def room_of(file: Path) -> str:
    return file.relative_to(SOURCE).parts[0].removesuffix(".py")


def imports_of_room(room: str) -> list[Import]:
    found = [one for file in MODULES if room_of(file) == room for one in imports_of(file)]
    assert found, f"there is no room {room} any more, or it imports nothing"
    return found


def test_the_reader_of_imports_sees_them(tmp_path: Path) -> None:
    file = tmp_path / "sample.py"
    file.write_text(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import httpx\n\n"
        "def late():\n    from knowledge_connector import sync\n    from knowledge_connector.app import Host\n",
        encoding="utf-8",
    )
    seen = [(one.module, one.room, one.for_types) for one in imports_of(file)]
    assert sorted(seen) == [
        ("httpx", "", True),
        ("knowledge_connector", "sync", False),
        ("knowledge_connector.app", "app", False),
        ("typing", "", False),
    ]


@pytest.mark.parametrize("room", LOWER_ROOMS)
def test_rooms_below_do_not_know_what_puts_them_together(room: str) -> None:
    assert not [str(one) for one in imports_of_room(room) if one.room in UPPER_ROOMS]


@pytest.mark.parametrize(
    ("room", "allowed"),
    [
        ("sync", {"ports", "model", "errors"}),
        ("state", {"ports", "model", "errors"}),
        ("kit", {"ports", "model", "errors", "clock"}),
        ("chunking", {"ports", "model", "errors", "hookspecs"}),
        ("convert", {"ports", "model", "errors", "hookspecs", "kit"}),
        ("targets", {"ports", "model", "errors", "hookspecs", "kit"}),
    ],
)
def test_rooms_below_know_the_contract_and_little_else(room: str, allowed: set[str]) -> None:
    """Converters and targets are plugins that happen to be built in: they come through the hooks and lean on the kit."""
    assert not [str(one) for one in imports_of_room(room) if one.room not in {"", room, *allowed}]


def test_the_engine_meets_no_library() -> None:
    """Types of what it hands on are fine; `ports` names them, too."""
    foreign = [
        one
        for one in imports_of_room("sync")
        if one.distribution not in {*sys.stdlib_module_names, PACKAGE} and not one.for_types
    ]
    assert not [str(one) for one in foreign]


@pytest.mark.parametrize(
    ("room", "ours", "others"),
    [
        ("ports", {"ports", "model", "errors"}, {"typing_extensions"}),
        ("model", set(), set()),
        ("errors", set(), {"typing_extensions"}),
    ],
)
def test_the_contract_stands_on_the_standard_library(room: str, ours: set[str], others: set[str]) -> None:
    outside = [
        one
        for one in imports_of_room(room)
        if not (one.room in ours or one.for_types or one.distribution in sys.stdlib_module_names | others)
    ]
    assert not [str(one) for one in outside]


def test_nothing_imports_the_command_line() -> None:
    assert not [
        str(one)
        for file in MODULES
        if room_of(file) not in {"cli", "__main__"}
        for one in imports_of(file)
        if one.room == "cli"
    ]


def test_what_is_for_tests_is_not_imported_at_run_time() -> None:
    """The command `emulate` serves emulators, and nothing else; it imports them when it is called."""
    files = {file for file in MODULES if room_of(file) != "testing"} | {*PLUGIN_MODULES} - EMULATORS
    found = [one for file in files for one in imports_of(file) if one.room == "testing" and not one.for_types]
    assert not [str(one) for one in found if one.file != SOURCE / "cli" / "emulate.py"]


@pytest.mark.parametrize(
    "file", sorted({*PLUGIN_MODULES} - EMULATORS), ids=lambda file: str(file.relative_to(PROJECT / "plugins"))
)
def test_emulators_are_imported_when_they_are_asked_for(file: Path) -> None:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    at_once = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert not [f"{file.name}:{node.lineno}" for node in at_once if ".emulator" in ast.unparse(node)]


@pytest.mark.parametrize("file", PLUGIN_MODULES, ids=lambda file: str(file.relative_to(PROJECT / "plugins")))
def test_plugins_do_nothing_that_a_stranger_could_not(file: Path) -> None:
    assert not [
        str(one)
        for one in imports_of(file)
        if one.distribution == PACKAGE
        and one.room not in ({"kit", "testing"} if file in EMULATORS else {"kit"})
        and not (one.module == PACKAGE and one.name in knowledge_connector.__all__)
    ]


def nodes(file: Path) -> Iterator[ast.AST]:
    yield from ast.walk(ast.parse(file.read_text(encoding="utf-8")))


def named(file: Path, node: ast.AST) -> str:
    return f"{file.relative_to(PROJECT)}:{getattr(node, 'lineno', '?')}"


def test_only_the_configuration_reads_the_environment() -> None:
    found = [
        named(file, node)
        for file in [*MODULES, *PLUGIN_MODULES]
        if file.is_relative_to(PROJECT / "plugins") or room_of(file) != "config"
        for node in nodes(file)
        if isinstance(node, ast.Attribute)
        and node.attr in {"environ", "environb", "getenv", "putenv"}
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
    ]
    assert not found


def test_only_the_command_line_prints() -> None:
    found = [
        named(file, node)
        for file in [*MODULES, *PLUGIN_MODULES]
        if file.is_relative_to(PROJECT / "plugins") or room_of(file) != "cli"
        for node in nodes(file)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert not found


def catches_everything(node: ast.AST) -> bool:
    """Whether a handler takes whatever comes and does not simply let it pass on after tidying up."""
    if not isinstance(node, ast.ExceptHandler):
        return False
    caught = {inner.id for inner in ast.walk(node.type) if isinstance(inner, ast.Name)} if node.type else {"Exception"}
    last = node.body[-1]
    passes_on = isinstance(last, ast.Raise) and last.exc is None
    return bool(caught & {"Exception", "BaseException"}) and not passes_on


def test_everything_is_caught_at_the_edges_only() -> None:
    found = {str(file.relative_to(SOURCE)) for file in MODULES if any(catches_everything(node) for node in nodes(file))}
    assert found == set(EDGES)
    assert not [file for file in PLUGIN_MODULES if any(catches_everything(node) for node in nodes(file))]
