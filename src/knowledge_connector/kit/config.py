"""The base of every configuration model: frozen, closed, and free of surprises."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo


@dataclass(frozen=True, slots=True)
class Reading:
    """What the host lends to the models while it reads a file, as their validation context.

    Attributes:
        folder: Where the file lies that is being read; relative paths are meant relative to it.
        take: Gives the value that is meant by what was written, for a field of this annotation: follows references to
            secrets and reads the text of environment variables. Where that fails it gives something that no field takes.
    """

    folder: Path
    take: Callable[[Any, Any], Any]


def _located(value: Any, folder: Path) -> Any:
    """Make the paths in a value absolute, also inside a list or a table."""
    if isinstance(value, Path):
        return folder / value.expanduser()
    if isinstance(value, tuple | list | set | frozenset):
        return type(value)(_located(item, folder) for item in value)
    if isinstance(value, dict):
        return {key: _located(item, folder) for key, item in value.items()}
    return value


def _located_text(value: str, info: ValidationInfo) -> str:
    if not isinstance(info.context, Reading) or "://" in value:
        return value
    return str(info.context.folder / Path(value).expanduser())


LocalPath = Annotated[str, AfterValidator(_located_text)]
"""A path as text, or a URL. Paths are relative to the file that names them; URLs (all with `://`) are left alone."""


def keys(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Give the fields of a model by the keys that stand for them in a table: an alias, or else the name."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


class Options(BaseModel):
    """A table of `connectors.toml`: immutable, and a misspelt key is an error.

    Read from a file, fields of type `Path` and `LocalPath` are absolute: relative ones are meant relative to that
    file. Fields of type `SecretStr` may be given as a reference, such as `{ env = "NAME" }`.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        validate_default=True,  # a relative path may be a default, too
        defer_build=True,
    )

    @model_validator(mode="before")
    @classmethod
    def _take(cls, table: Any, info: ValidationInfo) -> Any:
        """Not a validator of each field, because fields that tell the members of a union apart cannot have one."""
        if not isinstance(info.context, Reading) or not isinstance(table, dict):
            return table
        fields = keys(cls)
        return {
            key: info.context.take(value, fields[key].annotation) if key in fields else value
            for key, value in table.items()
        }

    @field_validator("*", mode="after")
    @classmethod
    def _locate(cls, value: Any, info: ValidationInfo) -> Any:
        return _located(value, info.context.folder) if isinstance(info.context, Reading) else value


class ConnectorConfig(Options):
    """What a connector adds to `[connectors.NAME]`. Give every field a description: the reference is made from it."""


class HttpOptions(Options):
    """`[connectors.NAME.http]`: how an origin is called."""

    ca_file: Path | None = Field(
        default=None, description="Certificates (PEM) to trust besides those of the system, such as a company's own."
    )
    client_certificate: Path | None = Field(
        default=None,
        description="Our certificate (PEM) for servers that ask for one (mutual TLS); the file may hold its key, too.",
    )
    client_key: Path | None = Field(
        default=None, description="The key of `client_certificate` (PEM), if it lies apart."
    )
    client_key_password: SecretStr | None = Field(default=None, description="Unlocks the key, if it is locked.")
    allow_link_local: bool = Field(
        default=False, description="Whether link-local and cloud metadata addresses may be called."
    )
    requests_per_minute: int | None = Field(
        default=None, ge=1, description="Upper bound of requests a minute; what the origin asks for, if not set."
    )
    concurrency: int | None = Field(default=None, ge=1, description="Upper bound of requests at a time.")

    @model_validator(mode="after")
    def _know_whose_key(self) -> Self:
        if self.client_certificate is None and (self.client_key or self.client_key_password):
            raise ValueError("client_key and client_key_password are those of a client_certificate, and there is none")
        return self


class RemoteConfig(ConnectorConfig):
    """What a connector that speaks HTTP adds to `[connectors.NAME]`; `SyncContext.http` keeps to its `http`."""

    http: HttpOptions = Field(default_factory=HttpOptions, description="How the origin is called.")


class TargetConfig(Options):
    """What a target plugin adds to `[targets.NAME]`. Give every field a description: the reference is made from it."""
