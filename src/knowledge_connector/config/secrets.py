"""Values that stand elsewhere: references to secrets, and the text of environment variables."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import NoneType
from typing import Any

from pydantic import BaseModel, SecretStr

from knowledge_connector.config.annotations import is_container, is_mapping, item_type, members

COMMAND_TIMEOUT_SECONDS = 30
"""Long enough for a password manager that asks for a touch of a key."""


class VariableText(str):
    """The value of an environment variable: text whose type only the field that it is meant for can tell."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Misreading:
    """Stands where a value should be that could not be read: no field takes it, so its message becomes the complaint."""

    message: str


@dataclass(frozen=True, slots=True)
class References:
    """Follows references to secrets and reads the text of environment variables.

    Attributes:
        folder: Where relative paths in references begin.
        variables: What `{ env = "NAME" }` may name.
        warnings: Where to put what a person should mend.
        command_timeout_seconds: How long `{ command = […] }` may take.
    """

    folder: Path
    variables: Mapping[str, str]
    warnings: list[str] = field(default_factory=list)
    command_timeout_seconds: float = COMMAND_TIMEOUT_SECONDS

    def take(self, value: Any, annotation: Any) -> Any:
        """Give what is meant by a value that was written for a field of this type, or a `Misreading`."""
        try:
            return self._taken(value, annotation)
        except ValueError as error:
            return Misreading(str(error))

    def _taken(self, value: Any, annotation: Any) -> Any:
        types = list(members(annotation))
        if isinstance(value, VariableText):
            value = _read_text(value, types)
        if isinstance(value, Mapping) and SecretStr in types:
            return self._secret(value)
        if isinstance(value, Mapping):
            table = next((one for one in types if is_mapping(one)), None)
            return {key: self._taken(item, item_type(table)) for key, item in value.items()} if table else value
        if isinstance(value, list):
            sequence = next((one for one in types if is_container(one) and not is_mapping(one)), None)
            return [self._taken(item, item_type(sequence)) for item in value]
        return value

    def _secret(self, reference: Mapping[str, Any]) -> str:
        match dict(reference):
            case {"env": str(name), **rest} if not rest:
                return self._from_variable(name)
            case {"file": str(path), **rest} if not rest:
                return self._from_file(self.folder / Path(path).expanduser())
            case {"command": [str(), *_] as command, **rest} if not rest:
                return self._from_command(command)
        raise ValueError('should be text, { env = "NAME" }, { file = "path" } or { command = ["program", "argument"] }')

    def _from_variable(self, name: str) -> str:
        if not self.variables.get(name):
            raise ValueError(f"names the environment variable {name}, which is not set here and not in .env")
        return self.variables[name]

    def _from_file(self, path: Path) -> str:
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise ValueError(f"names the file {path}, which cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise ValueError(f"names the file {path}, which is not UTF-8 text") from None
        warn_if_open(path, self.warnings)
        return text.rstrip("\r\n")

    def _from_command(self, command: Sequence[str]) -> str:
        try:
            done = subprocess.run(  # noqa: S603  # the command is the user's own, and no shell reads it
                [str(part) for part in command],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,  # what it says on stderr may hold the secret, and is dropped
                timeout=self.command_timeout_seconds,
                check=True,
                encoding="utf-8",
            )
        except subprocess.TimeoutExpired:
            raise ValueError(
                f"names the command {command[0]}, which did not end within {self.command_timeout_seconds:g} s"
            ) from None
        except subprocess.CalledProcessError as error:
            raise ValueError(f"names the command {command[0]}, which ended with status {error.returncode}") from None
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"names the command {command[0]}, which failed: {type(error).__name__}") from None
        return done.stdout.rstrip("\r\n")


def _read_text(text: VariableText, types: Sequence[Any]) -> Any:
    """Lists and tables are JSON in a variable; all other types read text themselves."""
    if not any(is_container(one) for one in types):
        return str(text)
    if text[:1] in ("[", "{"):
        try:
            return json.loads(text)
        except ValueError as error:
            raise ValueError(f"should be JSON, and is not: {type(error).__name__}") from None
    if all(is_container(one) or one is NoneType for one in types):
        raise ValueError('should be JSON in an environment variable, such as ["a", "b"]')
    return str(text)


def free_value(value: Any) -> Any:
    """Read variables in a table that no model describes: as JSON where they are JSON, as text otherwise."""
    if isinstance(value, dict):
        return {key: free_value(item) for key, item in value.items()}
    if not isinstance(value, VariableText):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return str(value)


def warn_if_open(path: Path, warnings: list[str]) -> None:
    """Warn if other users of this machine may read a file that holds secrets."""
    if os.name == "posix" and path.stat().st_mode & stat.S_IROTH:
        warning = f"{path} holds secrets and can be read by other users; `chmod 600` it"
        if warning not in warnings:
            warnings.append(warning)


def clear_secrets(model: BaseModel, data: Any) -> list[tuple[str | int, ...]]:
    """Give the keys of the secrets that stand in clear in the file.

    Args:
        model: What was read.
        data: The table that it was read from.
    """
    return list(_clear(model, data, ()))


def _clear(value: Any, data: Any, key: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    if isinstance(value, SecretStr):
        if type(data) is str:
            yield key
    elif isinstance(value, BaseModel) and isinstance(data, Mapping):
        for name, field in type(value).model_fields.items():
            given = field.alias or name
            yield from _clear(getattr(value, name), data.get(given), (*key, given))
    elif isinstance(value, Mapping) and isinstance(data, Mapping):
        for name, item in value.items():
            yield from _clear(item, data.get(name), (*key, name))
    elif isinstance(value, list | tuple) and isinstance(data, list):
        for index, (item, given) in enumerate(zip(value, data, strict=False)):
            yield from _clear(item, given, (*key, index))
