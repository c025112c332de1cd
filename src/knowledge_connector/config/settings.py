"""Reads `connectors.toml` in two passes: the host its own tables here, a plugin its table through `Settings.bind`."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from knowledge_connector.config.names import (
    CONFIG_VARIABLE,
    FILE_NAME,
    NAMED,
    SINGLE,
    Key,
    dotted,
    is_name,
    variable_for,
)
from knowledge_connector.config.problems import Places, Problem, error_from, problems_of, suggestion
from knowledge_connector.config.secrets import References, clear_secrets, free_value, warn_if_open
from knowledge_connector.config.sources import merge
from knowledge_connector.config.tables import (
    ConnectorSettings,
    ConversionSettings,
    HistorySettings,
    JobSettings,
    NotificationSettings,
    PluginSettings,
    ServeSettings,
    StateSettings,
    TargetSettings,
    TraceSettings,
    host_keys,
)
from knowledge_connector.errors import ConfigError
from knowledge_connector.kit.config import Reading

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

EXAMPLE = """\
[connectors.docs]
type = "filesystem"
root = "docs"
include = ["**/*.md"]"""

ModelT = TypeVar("ModelT", bound=BaseModel)
HostT = TypeVar("HostT", ConnectorSettings, TargetSettings)


@dataclass(frozen=True, slots=True)
class Settings:
    """One `connectors.toml` with its environment, validated as far as the host goes.

    Attributes:
        file: The file that was read, absolute.
        base: Its folder: relative paths begin here.
        warnings: What a person should mend, such as a secret in clear; `bind` adds to it.
    """

    file: Path
    base: Path
    state: StateSettings
    targets: Mapping[str, TargetSettings]
    connectors: Mapping[str, ConnectorSettings]
    converters: Mapping[str, Mapping[str, Any]]
    conversion: ConversionSettings
    history: HistorySettings
    jobs: Mapping[str, JobSettings]
    notifications: Mapping[str, NotificationSettings]
    serve: ServeSettings
    traces: TraceSettings
    plugins: PluginSettings
    warnings: list[str]
    _reader: _Reader = field(repr=False, compare=False)

    def bind(self, table: ConnectorSettings | TargetSettings, model: type[ModelT]) -> ModelT:
        """Read a plugin's part of its table with the plugin's own model.

        Raises:
            ConfigError: It does not fit; the message holds all problems of this table.
        """
        key = (_section(table), table.name)
        bound = self._reader.read(key, table.options, model, also_known=host_keys(type(table)))
        if isinstance(bound, list):
            raise error_from(bound, self._reader.places)
        return bound

    def complaint(self, table: ConnectorSettings | TargetSettings, key: str, message: str) -> ConfigError:
        """Give an error about a key of a table that says where the key stands, for what shows only later."""
        return error_from([Problem((_section(table), table.name, key), message)], self._reader.places)


def _section(table: ConnectorSettings | TargetSettings) -> str:
    return "connectors" if isinstance(table, ConnectorSettings) else "targets"


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads tables with models, and remembers where everything came from."""

    places: Places
    references: References

    def read(
        self, key: Key, data: Mapping[str, Any], model: type[ModelT], *, also_known: Iterable[str] = ()
    ) -> ModelT | list[Problem]:
        """Give the model's instance, or what is wrong."""
        context = Reading(self.references.folder, self.references.take)
        try:
            bound = model.model_validate(dict(data), context=context)
        except ValidationError as error:
            return problems_of(error, model, table=key, places=self.places, data=data, also_known=also_known)
        for inner in clear_secrets(bound, data):
            self._warn((*key, *inner))
        return bound

    def _warn(self, key: Key) -> None:
        warning = (
            f"{dotted(key)} ({self.places.of(key)}) is a secret in clear; "
            f'set {variable_for(key)}, or write {{ env = "NAME" }}, {{ file = "path" }} or {{ command = […] }}'
        )
        if warning not in self.references.warnings:
            self.references.warnings.append(warning)


def load(path: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Read the configuration.

    Args:
        path: The file; `None` for the one that `CONNECTOR_CONFIG` names, or else `connectors.toml` in this folder.
        environ: The environment; `None` for that of this process.

    Raises:
        ConfigError: There is no such file, or something in it or in the environment is wrong. Names all problems.
    """
    environ = os.environ if environ is None else environ
    file = _find(path, environ)
    merged = merge(file, environ)
    places = Places(file, merged.given)
    references = References(file.parent, merged.variables)
    gathered = _Gathering(_Reader(places, references), merged.tables, [*merged.problems])
    settings = gathered.settings(file)
    if gathered.problems:
        raise error_from(gathered.problems, places)
    dotenv = file.with_name(".env")
    if dotenv.is_file():
        warn_if_open(dotenv, references.warnings)
    return settings


def _find(path: Path | None, environ: Mapping[str, str]) -> Path:
    named = environ.get(CONFIG_VARIABLE)
    file = (path or Path(named or FILE_NAME)).expanduser().absolute()
    if file.is_file():
        return file
    hint = f" ({CONFIG_VARIABLE} says so)" if named and not path else ""
    raise ConfigError(
        f"there is no file {file}{hint}. Name another with -c FILE or {CONFIG_VARIABLE}, "
        f"or begin with these lines:\n\n{EXAMPLE}\n"
    )


@dataclass(frozen=True, slots=True)
class _Gathering:
    """Reads the sections one by one and gathers all problems, so that people mend them in one go."""

    reader: _Reader
    sections: Mapping[str, Any]
    problems: list[Problem]

    def settings(self, file: Path) -> Settings:
        """Give the settings; they count only if no problem was found."""
        known = (*NAMED, *SINGLE)
        for section in sorted(self.sections.keys() - {*known}):
            hint = suggestion(section, known)
            self._complain((section,), f"is not a known section{hint} Known are: {', '.join(known)}")
        self._check_wiring()
        return Settings(
            file=file,
            base=file.parent,
            state=self._single("state", StateSettings),
            targets={"local": TargetSettings(name="local", type="sqlite")} | self._plugged("targets", TargetSettings),
            connectors=self._plugged("connectors", ConnectorSettings),
            converters={name: free_value(table) for name, table in self._named("converters")},
            conversion=self._single("conversion", ConversionSettings),
            history=self._single("history", HistorySettings),
            jobs=self._tables("jobs", JobSettings),
            notifications=self._tables("notifications", NotificationSettings),
            serve=self._single("serve", ServeSettings),
            traces=self._single("traces", TraceSettings),
            plugins=self._single("plugins", PluginSettings),
            warnings=self.reader.references.warnings,
            _reader=self.reader,
        )

    def _single(self, section: str, model: type[ModelT]) -> ModelT:
        table = self._table((section,))
        if not table and model is not StateSettings:  # whose default is a path, and is read
            return model.model_construct()  # saves building a schema, a millisecond each
        return self._read((section,), table, model) or model.model_construct()

    def _tables(self, section: str, model: type[ModelT]) -> dict[str, ModelT]:
        read = {name: self._read((section, name), table, model) for name, table in self._named(section)}
        return {name: table for name, table in read.items() if table}

    def _plugged(self, section: str, model: type[HostT]) -> dict[str, HostT]:
        """Read the host's part of each table; what it does not know is the plugin's."""
        known: frozenset[str] = host_keys(model)
        found = {}
        for name, table in self._named(section):
            if "name" in table:
                self._complain((section, name, "name"), f"is not a key: the name stands in [{section}.{name}]")
            host = {key: value for key, value in table.items() if key in known}
            read = self._read((section, name), {**host, "name": name}, model)
            if read:
                options = {key: value for key, value in table.items() if key not in {*known, "name"}}
                found[name] = read.model_copy(update={"options": options})
        return found

    def _named(self, section: str) -> Iterator[tuple[str, dict[str, Any]]]:
        for name in self._table((section,)):
            if is_name(name):
                yield name, self._table((section, name))
            else:
                self._complain((section, name), "is not a name: a-z, 0-9, _ and -, at most 40, a letter or digit first")

    def _table(self, key: tuple[str, ...]) -> dict[str, Any]:
        table: Any = self.sections
        for part in key:
            table = table.get(part, {})
        if isinstance(table, dict):
            return table
        self._complain(key, f"should be a table, as in [{dotted(key)}]")
        return {}

    def _read(self, key: Key, data: Mapping[str, Any], model: type[ModelT]) -> ModelT | None:
        read = self.reader.read(key, data, model)
        if not isinstance(read, list):
            return read
        self.problems.extend(read)
        return None

    def _check_wiring(self) -> None:
        """Look for names that lead nowhere; in the raw tables, because other problems shall not hide these."""
        for name, table in self._named("connectors"):
            for key in ("target", "targets"):
                self._check_names(("connectors", name, key), table.get(key), "targets", ["local"])
        for name, table in self._named("jobs"):
            self._check_names(("jobs", name, "connectors"), table.get("connectors"), "connectors", [])

    def _check_names(self, key: Key, given: Any, section: str, always: Sequence[str]) -> None:
        names = self.reader.references.take(given, str | tuple[str, ...])
        known = [*always, *(name for name in self._table((section,)) if name not in always)]
        for name in [names] if isinstance(names, str) else names if isinstance(names, list) else []:
            if isinstance(name, str) and name not in known:
                there = ", ".join(known) or "none"
                hint = suggestion(name, known)
                self._complain(key, f"names {name!r}, and there is no [{section}.{name}]{hint} There are: {there}")

    def _complain(self, key: Key, message: str) -> None:
        problem = Problem(key, message)
        if problem not in self.problems:  # some tables are looked at twice
            self.problems.append(problem)
