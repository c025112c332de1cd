"""What is wrong with a configuration, told so that it can be mended: key, place, what was given, what is right."""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from knowledge_connector.config.annotations import at, holds_secret, is_model
from knowledge_connector.config.names import Key, dotted, variable_for
from knowledge_connector.config.secrets import Misreading
from knowledge_connector.errors import ConfigError
from knowledge_connector.kit.config import keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from pydantic import BaseModel, ValidationError
    from pydantic_core import ErrorDetails


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: the key it is about, and what to say of it."""

    key: Key
    message: str


@dataclass(frozen=True, slots=True)
class Places:
    """Where the values came from.

    Attributes:
        file: The file that was read.
        variables: Keys that an environment variable gave, and what to call it.
    """

    file: Path
    variables: Mapping[Key, str] = field(default_factory=dict)

    def of(self, key: Key) -> str:
        """Say where a key was given: in which variable, or on which line."""
        for length in range(len(key), 0, -1):
            if key[:length] in self.variables:
                return self.variables[key[:length]]
        line = line_of(self.file, key)
        return str(self.file) if line is None else f"{self.file}, line {line}"

    def looked_at(self, key: Key) -> str:
        """Name every place that could have given a key."""
        return f"the environment variable {variable_for(key)}, {self.file.with_name('.env')} and {self.file}"


def suggestion(word: str, candidates: Iterable[str]) -> str:
    """End a sentence about an unknown word: `; did you mean …?` if something is spelt like it, else a full stop."""
    close = difflib.get_close_matches(word, list(candidates), n=1)
    return f"; did you mean {close[0]}?" if close else "."


def error_from(problems: Sequence[Problem], places: Places) -> ConfigError:
    """Put all problems of a file into one error."""
    in_order = sorted(_merged(problems), key=lambda one: line_of(places.file, one.key) or 0)
    lines = [f"{dotted(one.key)} ({places.of(one.key)}): {one.message}" for one in in_order]
    if len(lines) == 1:
        return ConfigError(lines[0])
    return ConfigError(f"{len(lines)} problems in the configuration:\n" + "\n".join(f"  {line}" for line in lines))


def _merged(problems: Iterable[Problem]) -> Iterator[Problem]:
    """Join what is said of one key: the members of a union complain one by one."""
    messages: dict[Key, list[str]] = {}
    for one in problems:
        said = messages.setdefault(one.key, [])
        if one.message not in said:
            said.append(one.message)
    return (Problem(key, ", or ".join(said)) for key, said in messages.items())


def line_of(file: Path, key: Key) -> int | None:
    """Find the line that gives a key, or the nearest key above it; `None` if there is none."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    found: dict[Key, int] = {}
    for line, given in _statements(text):
        for length in range(1, len(given) + 1):
            found.setdefault(given[:length], line)
    names = tuple(part for part in key if isinstance(part, str))
    return next((found[names[:n]] for n in range(len(names), 0, -1) if names[:n] in found), None)


def _statements(text: str) -> Iterator[tuple[int, Key]]:
    """Give line and key of every table header and every value.

    tomllib keeps no positions, so each statement is parsed by itself; one that does not parse goes on in the next line.
    """
    table: Key = ()
    pending, start = "", 1
    for number, line in enumerate(text.splitlines(), start=1):
        if not pending:
            start = number
        pending += line + "\n"
        try:
            parsed = tomllib.loads(pending)
        except tomllib.TOMLDecodeError:
            continue
        key = _first_key(parsed)
        if pending.lstrip().startswith("["):
            table = key
            yield start, table
        elif key:
            yield start, table + key
        pending = ""


def _first_key(value: Any) -> Key:
    """Follow the only key of each level: `[a.b]` parses to `{"a": {"b": {}}}`."""
    key: list[str] = []
    while True:
        value = value[0] if isinstance(value, list) and value else value
        if not isinstance(value, dict) or len(value) != 1:
            return tuple(key)
        ((part, value),) = value.items()
        key.append(part)


def problems_of(
    error: ValidationError,
    model: type[BaseModel],
    *,
    table: Key,
    places: Places,
    data: Any,
    also_known: Iterable[str] = (),
) -> list[Problem]:
    """Translate what pydantic found.

    Args:
        error: What pydantic raised.
        model: The model that it was validated with.
        table: Key of the table that was validated.
        places: Where a missing value was looked for.
        data: The table as given.
        also_known: Further keys that are right in this table, because somebody else reads them.
    """
    found = []
    for one in error.errors(include_url=False):
        key = _key_in(one, data)
        if one["type"] == "extra_forbidden":
            known = _known_keys(model, one, also_known)
            message = f"is not a known key{suggestion(str(key[-1]), known)} Known here: {', '.join(known)}"
        elif one["type"] == "missing":
            message = f"is missing; looked at {places.looked_at((*table, *key))}"
        else:
            message = _complaint(one, model)
        found.append(Problem((*table, *key), message))
    return found


def _key_in(one: ErrorDetails, data: Any) -> Key:
    """Keep of a location what names data: pydantic puts the tags and members of unions in between."""
    key: list[str | int] = []
    for part in one["loc"]:
        try:
            data = data[part]
        except (LookupError, TypeError):
            if part is not one["loc"][-1] or one["type"] not in ("missing", "extra_forbidden"):
                continue
        key.append(part)
    return tuple(key)


def _known_keys(model: type[BaseModel], one: ErrorDetails, also_known: Iterable[str]) -> list[str]:
    place = one["loc"][:-1]
    known = {name for each in at(model, place) if is_model(each) for name in keys(each)}
    return sorted(known if place else known | set(also_known))


def _complaint(one: ErrorDetails, model: type[BaseModel]) -> str:
    """Say what is wrong with a value, and the value itself unless it may be a secret."""
    if isinstance(one["input"], Misreading):
        return one["input"].message
    message = one["msg"].removeprefix("Value error, ")
    message = message.replace("Input should", "should", 1)
    message = message[:1].lower() + message[1:]
    given = one["input"]
    if not isinstance(given, str | int | float | bool) or _may_be_secret(one, model):
        return message
    return f"{message}; given {given!r}"


def _may_be_secret(one: ErrorDetails, model: type[BaseModel]) -> bool:
    return any(annotation is Any or holds_secret(annotation) for annotation in at(model, one["loc"]))
