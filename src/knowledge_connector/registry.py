"""Answers "which class is `confluence`?" and "who brought it?".

Classes are asked for late: built-ins first, then a plugin that is named after the type, then all others. So a run imports the
adapters that it uses, and no more.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Generic, TypeVar, get_args, get_origin

from knowledge_connector.config.problems import suggestion
from knowledge_connector.config.tables import ConnectorSettings, TargetSettings, host_keys
from knowledge_connector.errors import ConfigError, PluginError
from knowledge_connector.kit.config import ConnectorConfig, Options, TargetConfig, keys
from knowledge_connector.plugins import PluginInfo, PluginProblem, Plugins, candidates, guarded
from knowledge_connector.ports import Chunker, Connector, Converter, Target
from knowledge_connector.refs import ClassRef, class_ref

if TYPE_CHECKING:
    from knowledge_connector.config.tables import PluginSettings
    from knowledge_connector.sync.report import SyncReport

__all__ = ["ClassRef", "PluginInfo", "PluginProblem", "Registry", "class_ref", "config_model", "guarded"]

_WORD = re.compile(r"[a-z0-9][a-z0-9_-]*")

ClassT = TypeVar("ClassT", bound=type)


class Registry:
    """The plugins of one configuration, and what they bring."""

    def __init__(self, plugins: Plugins) -> None:
        self._plugins = plugins
        self._connectors: _Door[type[Connector[Any]]] = _Door(plugins, "connector", Connector, ("type",))
        self._targets: _Door[type[Target[Any]]] = _Door(plugins, "target", Target, ("type", "gap"))
        self._converters: _Door[type[Converter]] = _Door(
            plugins, "converter", Converter, ("name", "version", "media_types")
        )
        self._chunkers: _Door[type[Chunker]] = _Door(plugins, "chunker", Chunker, ("name", "version"))
        self._doors = (self._connectors, self._targets, self._converters, self._chunkers)

    @classmethod
    def load(cls, plugins: PluginSettings) -> Registry:
        """Import all plugins: built-ins, entry points, and those that `[plugins]` names.

        Raises:
            ConfigError: `[plugins]` names something that is not there, or two things of one name.
        """
        return cls(Plugins(candidates(plugins.paths)))

    def connector(self, type: str) -> type[Connector[Any]]:  # noqa: A002  # the word of connectors.toml
        """Give the class of a kind of origin.

        Raises:
            ConfigError: No plugin brings it; the message says what there is.
        """
        return self._connectors.get(type)

    def connectors(self) -> list[type[Connector[Any]]]:
        """Give all connector classes; asks every plugin."""
        return self._connectors.all()

    def target(self, type: str) -> type[Target[Any]]:  # noqa: A002  # the word of connectors.toml
        """Give the class of a kind of knowledge store.

        Raises:
            ConfigError: No plugin brings it; the message says what there is.
        """
        return self._targets.get(type)

    def targets(self) -> list[type[Target[Any]]]:
        """Give all target classes; asks every plugin."""
        return self._targets.all()

    def converters(self) -> list[type[Converter]]:
        """Give all converter classes: first those of plugins that `connectors.toml` names, then of installed ones, then our own."""
        return sorted(self._converters.all(), key=lambda cls: self._plugins.distance(self._converters.owner(cls)))

    def chunker(self, name: str) -> type[Chunker]:
        """Give the class of a chunker.

        Raises:
            ConfigError: No plugin brings it; the message says what there is.
        """
        return self._chunkers.get(name)

    def chunkers(self) -> list[type[Chunker]]:
        """Give all chunker classes; asks every plugin."""
        return self._chunkers.all()

    def run_started(self, run: int, connector: str) -> None:
        """Tell every plugin that a run has begun; what one of them raises is logged."""
        self._plugins.tell("run_started", {"run": run, "connector": connector})

    def run_finished(self, run: int, report: SyncReport) -> None:
        """Tell every plugin that a run has ended; what one of them raises is logged."""
        self._plugins.tell("run_finished", {"run": run, "report": report})

    def brought_by(self, cls: type) -> PluginInfo:
        """Say which plugin brought a class that this registry gave.

        Raises:
            KeyError: This registry did not give it.
        """
        return self._plugins.info(next(door.owner(cls) for door in self._doors if door.knows(cls)))

    @property
    def plugins(self) -> list[PluginInfo]:
        """All plugins that could be loaded: built-ins, installed ones, those from files."""
        return [self._plugins.info(name) for name in self._plugins.names]

    @property
    def problems(self) -> list[PluginProblem]:
        """What is wrong with which plugin; asks every plugin for everything it brings."""
        for door in self._doors:
            door.all()
        return self.problems_so_far

    @property
    def problems_so_far(self) -> list[PluginProblem]:
        """What has shown until now, such as plugins that cannot be imported; asks nobody, so a run can afford it."""
        return list(self._plugins.problems)


class _Door(Generic[ClassT]):
    """One kind of class: asks each plugin at most once, and knows every class by its word.

    Args:
        plugins: Whom to ask.
        noun: What plugins bring through this door: the hook is `register_NOUNs`.
        base: What every class derives from.
        needs: Class attributes that it must have; the first is its word.
    """

    def __init__(self, plugins: Plugins, noun: str, base: type, needs: tuple[str, ...]) -> None:
        self._plugins = plugins
        self._noun = noun
        self._base = base
        self._needs = needs
        self._asked: set[str] = set()
        self._by_word: dict[str, tuple[ClassT, str]] = {}

    def get(self, word: str) -> ClassT:
        """Give the class of this word; asks as few plugins as it can."""
        for plugin in sorted(self._plugins.names, key=lambda name: self._rank(name, word)):
            if word in self._by_word:
                break
            self._ask(plugin)
        if word not in self._by_word:
            raise ConfigError(self._unknown(word))
        return self._by_word[word][0]

    def all(self) -> list[ClassT]:
        """Give every class that any plugin brings."""
        for plugin in self._plugins.names:
            self._ask(plugin)
        return [cls for cls, _ in self._by_word.values()]

    def knows(self, cls: type) -> bool:
        """Whether this class came through here."""
        return any(cls is known for known, _ in self._by_word.values())

    def owner(self, cls: type) -> str:
        """Name the plugin that brought a class."""
        return next(plugin for known, plugin in self._by_word.values() if known is cls)

    def _ask(self, plugin: str) -> None:
        if plugin in self._asked:
            return
        self._asked.add(plugin)
        hook = f"register_{self._noun}s"
        try:
            answers = self._plugins.answers(plugin, hook)
        except (PluginError, ConfigError) as error:
            self._plugins.complain(plugin, error.message)
            return
        for answer in answers:
            if not isinstance(answer, list | tuple):
                self._plugins.complain(plugin, f"{hook} gave {type(answer).__name__}; it should give a list of classes")
                continue
            for cls in answer:
                fault = self._fault(cls)
                if fault:
                    self._plugins.complain(plugin, f"{hook} gave {getattr(cls, '__qualname__', repr(cls))}, {fault}")
                else:
                    self._claim(cls, plugin)

    def _claim(self, cls: ClassT, plugin: str) -> None:
        word: str = getattr(cls, self._needs[0])
        known, holder = self._by_word.setdefault(word, (cls, plugin))
        if known is cls:
            return
        if self._rank(plugin, word) < self._rank(holder, word):
            self._by_word[word] = (cls, plugin)
            plugin, holder = holder, plugin
        self._plugins.complain(plugin, f"brings a {self._noun} {word!r}, and so does plugin {holder}, which keeps it")

    def _rank(self, plugin: str, word: str) -> tuple[bool, bool, int]:
        """Built-ins come first, then whoever is named after the word, then the order of admission."""
        is_namesake = plugin.rpartition(".")[2] == word
        return not self._plugins.is_built_in(plugin), not is_namesake, self._plugins.names.index(plugin)

    def _fault(self, cls: object) -> str | None:
        """What breaks the contract, if anything."""
        if not isinstance(cls, type):
            return "which is not a class"
        if not issubclass(cls, self._base):
            return f"which does not derive from {self._base.__name__}"
        missing = [name for name in self._needs if getattr(cls, name, None) is None]
        if missing:
            return f"which does not set {' and '.join(missing)}"
        word = getattr(cls, self._needs[0])
        if not isinstance(word, str) or not _WORD.fullmatch(word):
            return f"whose {self._needs[0]} is {word!r}; it should be of a-z, 0-9, _ and -"
        abstract = sorted(getattr(cls, "__abstractmethods__", ()))
        if abstract:
            return f"which does not implement {', '.join(abstract)}"
        return _fault_of_config(cls)

    def _unknown(self, word: str) -> str:
        known = sorted(self._by_word)
        message = f"there is no {self._noun} {word!r}{suggestion(word, known)} There are: {', '.join(known) or 'none'}"
        if not self._plugins.problems:
            return message
        return (
            message + ". Perhaps one of these would bring it:" + "".join(f"\n  {one}" for one in self._plugins.problems)
        )


def config_model(cls: type[Connector[Any]] | type[Target[Any]]) -> type[Options]:
    """Give the model of a class's options: the type parameter of `Connector[…]` or `Target[…]`.

    Raises:
        PluginError: The parameter is no configuration model.
    """
    for parameter in _parameters(cls):
        if isinstance(parameter, type) and issubclass(parameter, Options):
            return parameter
        raise PluginError(
            f"{cls.__qualname__} takes {getattr(parameter, '__name__', parameter)} as its configuration, "
            "which derives from neither ConnectorConfig nor TargetConfig"
        )
    return ConnectorConfig if issubclass(cls, Connector) else TargetConfig


def _parameters(cls: type) -> list[Any]:
    """Give what the contract's type parameter was set to, nearest first, also through classes in between."""
    return [
        parameter
        for base in cls.__mro__
        for generic in base.__dict__.get("__orig_bases__", ())
        if isinstance(origin := get_origin(generic), type) and issubclass(origin, Connector | Target)
        for parameter in get_args(generic)[:1]
        if parameter is not Any and not hasattr(parameter, "__bound__")  # type variables are set further down
    ]


def _fault_of_config(cls: type) -> str | None:
    if not issubclass(cls, Connector | Target):
        return None
    try:
        options = keys(config_model(cls))
    except PluginError as error:
        return f"but {error.message}"
    table = ConnectorSettings if issubclass(cls, Connector) else TargetSettings
    taken = sorted(options.keys() & {*host_keys(table), "name"})
    return f"whose options are called as the host's: {', '.join(taken)}" if taken else None
