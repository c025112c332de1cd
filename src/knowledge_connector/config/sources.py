"""Where configuration comes from: the environment, then `.env`, then the file. What comes first wins, key by key."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from knowledge_connector.config.names import NAMED, PREFIX, SINGLE, Key
from knowledge_connector.config.problems import Problem, suggestion
from knowledge_connector.config.secrets import VariableText
from knowledge_connector.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from pydantic.fields import FieldInfo

HOST_VARIABLES = re.compile(
    r"CONNECTOR_CONFIG"
    r"|CONNECTOR_SERVICE_\w+|CONNECTOR_PORT(_\w+)?"  # Kubernetes sets these beside a service that is called "connector"
)
"""Variables with our prefix that are no configuration values."""


class _Merged(BaseSettings):
    """All sources in one, as plain tables: the models read them afterwards, with what they need to know of the file."""

    model_config = SettingsConfigDict(extra="allow")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003  # the signature is that of pydantic-settings
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003  # decodes JSON untold: a token of digits becomes a number
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003  # the same
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003  # references do this, see `secrets`
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take the sources that the constructor was given, and no others."""
        assert isinstance(init_settings, InitSettingsSource)  # noqa: S101  # tells the type checker what it is
        return tuple(init_settings.init_kwargs["sources"])


class VariablesSource(PydanticBaseSettingsSource):
    """Reads `CONNECTOR_SECTION__NAME__KEY…` from a mapping of variables; the values stay text until a field reads them.

    Attributes:
        given: Keys and the variables that gave them.
        problems: Variables that name nothing.
    """

    def __init__(self, variables: Mapping[str, str], names: Mapping[str, Iterable[str]], where: str) -> None:
        super().__init__(_Merged)
        self.given: dict[Key, str] = {}
        self.problems: list[Problem] = []
        self._tables: dict[str, Any] = {}
        for variable, value in sorted(variables.items()):
            if not variable.startswith(PREFIX) or HOST_VARIABLES.fullmatch(variable) or not value:
                continue
            try:
                key = _key_of(variable, names)
                _put(self._tables, key, VariableText(value))
                self.given[key] = f"{where} {variable}"
            except ValueError as error:
                self.problems.append(Problem((variable,), str(error)))
                self.given[(variable,)] = where

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002  # as in the base
        """Give one section; the values in it are not to be decoded."""
        return self._tables.get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        """Give all sections."""
        return self._tables


def _key_of(variable: str, names: Mapping[str, Iterable[str]]) -> Key:
    """Tell which key a variable means. Names may hold what variables cannot: `-` is written `_`."""
    section, *rest = variable.removeprefix(PREFIX).lower().split("__")
    if section not in (*NAMED, *SINGLE):
        hint = suggestion(section, (*NAMED, *SINGLE))
        raise ValueError(f"names no section{hint} Variables are written {PREFIX}SECTION__NAME__KEY")
    if "" in rest or len(rest) < (1 if section in SINGLE else 2):
        raise ValueError(f"names no key. Variables are written {PREFIX}SECTION__NAME__KEY")
    if section in SINGLE or section == "converters":
        return (section, *rest)
    return (section, *_named_key("__".join(rest), section, names.get(section, ())))


def _named_key(rest: str, section: str, names: Iterable[str]) -> Key:
    """Find the table that is meant: the one with the longest name, should names hold `__` themselves."""
    forms = {name: name.replace("-", "_") for name in names}
    meant = [name for name, form in forms.items() if rest.startswith(f"{form}__")]
    if not meant:
        hint = suggestion(rest.partition("__")[0], forms)
        raise ValueError(f"names nothing in [{section}]{hint} There are: {', '.join(sorted(forms)) or 'none'}")
    longest = max(len(name) for name in meant)
    meant = [name for name in meant if len(name) == longest]
    if len(meant) > 1:
        raise ValueError(f"could mean {' or '.join(sorted(meant))}, whose names differ in - and _ only")
    return (meant[0], *rest[longest + 2 :].split("__"))


def _put(tables: dict[str, Any], key: Key, value: VariableText) -> None:
    *path, last = key
    table = tables
    for part in path:
        table = table.setdefault(str(part), {})
        if isinstance(table, VariableText):
            raise ValueError(  # noqa: TRY004  # it is about what the user wrote, not about a type of ours
                "sets a key in a table that another variable sets as a whole"
            )
    table[str(last)] = value


@dataclass(frozen=True, slots=True)
class Merged:
    """What all sources say together.

    Attributes:
        tables: Sections with their tables; nothing is validated.
        given: Keys that variables gave, and what to call those.
        variables: The environment with `.env` beneath it.
        problems: What could not be placed.
    """

    tables: dict[str, Any]
    given: Mapping[Key, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()


def merge(file: Path, environ: Mapping[str, str]) -> Merged:
    """Read the file, the `.env` beside it and the environment.

    Raises:
        ConfigError: A file cannot be read or parsed.
    """
    toml = _read_toml(file)
    dotenv = _read_dotenv(file.with_name(".env"))
    names = {section: list(table) for section in NAMED if isinstance(table := toml.toml_data.get(section), dict)}
    names["targets"] = [*names.get("targets", ()), *({"local"} - set(names.get("targets", ())))]
    here = VariablesSource(environ, names, "environment variable")
    there = VariablesSource(dotenv, names, "in .env:")
    merged = _Merged(sources=(here, there, toml))
    return Merged(
        tables=dict(merged.model_extra or {}),
        given={**there.given, **here.given},
        variables={**dotenv, **environ},
        problems=(*here.problems, *there.problems),
    )


def _read_toml(file: Path) -> TomlConfigSettingsSource:
    try:
        return TomlConfigSettingsSource(_Merged, toml_file=file)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file} is not valid TOML: {error}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file} is not UTF-8 text: byte {error.start} cannot be decoded") from None
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}") from None


def _read_dotenv(file: Path) -> dict[str, str]:
    """Read a `.env` file; nothing in it is interpolated, because `$` is common in passwords."""
    if not file.is_file():
        return {}
    from dotenv.parser import parse_stream  # few projects have the file

    try:
        with file.open(encoding="utf-8") as stream:
            bindings = list(parse_stream(stream))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} cannot be read: {type(error).__name__}") from None
    broken = next((binding.original.line for binding in bindings if binding.error), None)
    if broken is not None:
        raise ConfigError(f"{file}, line {broken} should read NAME=value")
    return {binding.key: binding.value for binding in bindings if binding.key and binding.value is not None}
