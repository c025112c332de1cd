"""Finds and imports plugins. A broken one is named, and the others go on.

Three doors, and built-ins use them like everybody: modules of this package, entry points of the group `knowledge_connector`, and
the files and folders that `[plugins]` names.
"""

from __future__ import annotations

import importlib
import logging
import traceback
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import entry_points, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

from knowledge_connector import hookspecs
from knowledge_connector.config.problems import suggestion
from knowledge_connector.errors import ConfigError, ConnectorError, PluginError
from knowledge_connector.refs import PACKAGE, import_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

_log = logging.getLogger(__name__)

BUILT_IN = "built-in"
ENTRY_POINT = "entry point "
_DISTRIBUTION = "knowledge-connector"
_BUILT_IN_MODULES = tuple(f"{hookspecs.PROJECT}.{room}.plugin" for room in ("convert", "chunking", "targets"))


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """Who brought something.

    Attributes:
        name: Of the entry point, or of the module.
        version: Of the distribution, or the module's `__version__`; may be empty.
        origin: `built-in`, `entry point DISTRIBUTION` or the path it was read from.
    """

    name: str
    version: str
    origin: str


@dataclass(frozen=True, slots=True)
class PluginProblem:
    """What is wrong with one plugin; the others go on."""

    plugin: str
    message: str

    def __str__(self) -> str:
        return f"plugin {self.plugin}: {self.message}"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A plugin before it is imported. `version` is asked for only when people want to see it."""

    name: str
    origin: str
    load: Callable[[], object]
    version: Callable[[object], str]


@contextmanager
def guarded(plugin: str, doing: str) -> Iterator[None]:
    """Turn whatever foreign code raises into a PluginError; ours pass through.

    Args:
        plugin: Who is called.
        doing: What it does: `plugin faq raised KeyError while DOING`.

    Raises:
        PluginError: With the type and the line of the exception, but not its message, which may hold content.
    """
    try:
        yield
    except ConnectorError:
        raise
    except Exception as error:  # the plugin-call edge
        raise PluginError(f"plugin {plugin} raised {type(error).__name__}{_place(error)} while {doing}") from error


class Plugins:
    """The loaded plugins of one configuration.

    Attributes:
        problems: What is wrong with which plugin, as far as is known.
    """

    def __init__(self, candidates: Iterable[Candidate]) -> None:
        self.problems: list[PluginProblem] = []
        self._manager = pluggy.PluginManager(hookspecs.PROJECT)
        self._manager.add_hookspecs(hookspecs)
        self._loaded: dict[str, Candidate] = {}
        for candidate in candidates:
            fault = self._admit(candidate)
            if fault:
                self.complain(candidate.name, fault)
            else:
                self._loaded[candidate.name] = candidate

    @property
    def names(self) -> list[str]:
        """Names of the plugins that could be loaded: built-ins, installed ones, those from files."""
        return list(self._loaded)

    def info(self, name: str) -> PluginInfo:
        """Say where a loaded plugin is from."""
        candidate = self._loaded[name]
        return PluginInfo(name, candidate.version(self._manager.get_plugin(name)), candidate.origin)

    def is_built_in(self, name: str) -> bool:
        """Whether a loaded plugin is part of this package."""
        return self._loaded[name].origin == BUILT_IN

    def distance(self, name: str) -> int:
        """How far a plugin is from the user: 0 if `connectors.toml` names its file, 1 if it is installed, 2 if it is our own."""
        return 2 if self.is_built_in(name) else int(self._loaded[name].origin.startswith(ENTRY_POINT))

    def complain(self, plugin: str, message: str) -> None:
        """Keep a problem, once."""
        problem = PluginProblem(plugin, message)
        if problem not in self.problems:
            self.problems.append(problem)

    def answers(self, name: str, hook: str, arguments: Mapping[str, object] | None = None) -> list[Any]:
        """Call a hook of one plugin; no answers where it does not implement it.

        Raises:
            PluginError: The hook raised something that is not ours.
        """
        others = [plugin for other, plugin in self._manager.list_name_plugin() if other != name]
        caller = self._manager.subset_hook_caller(hook, remove_plugins=others)
        with guarded(name, f"answering {hook}"):
            found: list[Any] = caller(**(arguments or {}))  # pluggy takes the arguments of a hook by name
        return found

    def tell(self, hook: str, arguments: Mapping[str, object]) -> None:
        """Call a hook of every plugin; what one of them raises is logged."""
        for name in self.names:
            try:
                self.answers(name, hook, arguments)
            except ConnectorError as error:
                _log.warning("plugin failed to answer", extra={"plugin": name, "reason": error.message})

    def _admit(self, candidate: Candidate) -> str | None:
        """Import and register a plugin, or say why not."""
        try:
            plugin = candidate.load()
        except (Exception, SystemExit) as error:  # noqa: BLE001  # the plugin-call edge
            return f"cannot be imported: {type(error).__name__}: {error}{_place(error)}"
        try:
            self._manager.register(plugin, name=candidate.name)
        except ValueError:
            return "is there already under this or another name"
        except pluggy.PluginValidationError as error:
            return f"breaks the contract of a hook: {' '.join(str(error).split())}"
        fault = self._fault_of_hooks(plugin)
        if fault:
            self._manager.unregister(name=candidate.name)
        return fault

    def _fault_of_hooks(self, plugin: object) -> str | None:
        """What `check_pending` of pluggy would say, for one plugin and with the name that was meant."""
        callers = self._manager.get_hookcallers(plugin) or []
        if not callers:
            return "implements no hook; is `@hookimpl` missing above `register_connectors` or the like?"
        known = [name for name in vars(hookspecs) if hasattr(getattr(hookspecs, name), f"{hookspecs.PROJECT}_spec")]
        for caller in callers:
            if not caller.has_spec():
                return f"implements {caller.name}, which is no hook{suggestion(caller.name, known)}"
        return None


def candidates(paths: Sequence[Path]) -> Iterator[Candidate]:
    """Give built-ins, entry points, and what lies at these paths.

    Raises:
        ConfigError: A path leads nowhere, or two of them to one name.
    """
    for module in _BUILT_IN_MODULES:
        yield Candidate(module, BUILT_IN, partial(importlib.import_module, module), lambda _: version(_DISTRIBUTION))
    for point in sorted(entry_points(group=hookspecs.PROJECT), key=lambda point: point.name):
        name, number = (point.dist.name, point.dist.version) if point.dist else ("unknown", "")
        yield Candidate(point.name, f"{ENTRY_POINT}{name}", point.load, partial(_constant, number))
    for name, path in _files(paths).items():
        full_name = f"{PACKAGE}.{name}"
        yield Candidate(
            full_name,
            str(path),
            partial(import_file, full_name, path),
            lambda module: str(getattr(module, "__version__", "")),
        )


def _constant(text: str, _: object) -> str:
    return text


def _files(paths: Iterable[Path]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in paths:
        for file in _modules_at(path):
            name = file.stem.replace("-", "_")
            if not name.isidentifier():
                raise ConfigError(f"plugins.paths: {file} cannot be imported; a plugin is called as a Python module is")
            if found.setdefault(name, file) != file:
                raise ConfigError(f"plugins.paths: {found[name]} and {file} would both be {PACKAGE}.{name}; rename one")
    return found


def _modules_at(path: Path) -> list[Path]:
    """Give the module, the package, or those in a folder; names that begin with `_` or `.` are nobody's plugin."""
    if _is_module(path):
        return [path]
    if not path.is_dir():
        raise ConfigError(f"plugins.paths: {path} is neither a folder nor a Python file")
    inside = [one for one in sorted(path.iterdir()) if one.name[0] not in "._" and _is_module(one)]
    if not inside:
        raise ConfigError(f"plugins.paths: {path} holds no plugin: no Python file and no package")
    return inside


def _is_module(path: Path) -> bool:
    return (path / "__init__.py").is_file() or (path.suffix == ".py" and path.is_file())


def _place(error: BaseException) -> str:
    """Name the file and line that raised, the import system left out; empty if there is none."""
    frames = [(Path(frame.filename), frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    foreign = [f" ({file.name}, line {line})" for file, line in frames if "importlib" not in str(file)]
    return foreign[-1] if len(foreign) > 1 else ""
