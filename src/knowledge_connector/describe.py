"""Says what can be configured: as data, as a reference page, and as a JSON Schema for editors. All of it from the models."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, time, timedelta
from enum import Enum
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.errors import PydanticInvalidForJsonSchema
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import PydanticUndefined

from knowledge_connector.config.annotations import holds_secret, is_container, is_mapping, is_model, item_type, members
from knowledge_connector.config.names import NAME_PATTERN, variable_for
from knowledge_connector.config.problems import suggestion
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
from knowledge_connector.kit.config import Options, keys
from knowledge_connector.registry import PluginInfo, Registry, config_model

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

Kind = Literal["connectors", "targets"]

_TABLES: dict[Kind, type[ConnectorSettings | TargetSettings]] = {
    "connectors": ConnectorSettings,
    "targets": TargetSettings,
}


@dataclass(frozen=True, slots=True)
class Option:
    """One key of a table.

    Attributes:
        key: As in the file; dotted for keys of inner tables.
        type: In words.
        default: As TOML; `None` if there is none.
        required: Whether it must be given, by the file or by its variable.
        secret: Whether it may be a reference, and is never shown.
        variable: The environment variable that sets it, for a table called NAME; empty inside lists.
        when: Which of several inner tables it belongs to, such as `type = "bearer"`; empty if there is one.
    """

    key: str
    type: str
    description: str
    default: str | None
    required: bool
    secret: bool
    variable: str
    when: str = ""


@dataclass(frozen=True, slots=True)
class Description:
    """What `connector describe TYPE` shows.

    Attributes:
        kind: The section whose tables may have this type.
        summary: First line of the class's docstring.
        options: Keys that the plugin reads.
        host_options: Keys that every table of this section has.
    """

    kind: Kind
    type: str
    summary: str
    plugin: PluginInfo
    options: tuple[Option, ...]
    host_options: tuple[Option, ...]


def describe(registry: Registry, type: str) -> list[Description]:  # noqa: A002  # the word of connectors.toml
    """Describe the connector and the target of this type; there may be one of each.

    Raises:
        ConfigError: There is neither.
    """
    found = [one for one in describe_all(registry) if one.type == type]
    if found:
        return found
    known = sorted({one.type for one in describe_all(registry)})
    raise ConfigError(f"there is no type {type!r}{suggestion(type, known)} There are: {', '.join(known)}")


def describe_all(registry: Registry) -> list[Description]:
    """Describe every connector and every target, by section and type."""
    return [
        Description(
            kind=kind,
            type=cls.type,
            summary=(cls.__doc__ or "").strip().partition("\n")[0],
            plugin=registry.brought_by(cls),
            options=tuple(options_of(config_model(cls), (kind, "NAME"))),
            host_options=tuple(one for one in options_of(_TABLES[kind], (kind, "NAME")) if _is_key(one.key, kind)),
        )
        for kind in _TABLES
        for cls in _classes(registry, kind)
    ]


def _classes(registry: Registry, kind: Kind) -> list[Any]:
    classes: list[Any] = registry.connectors() if kind == "connectors" else registry.targets()
    return sorted(classes, key=lambda cls: str(cls.type))


def _is_key(key: str, kind: Kind) -> bool:
    return key.partition(".")[0] in host_keys(_TABLES[kind])


# -- options --------------------------------------------------------------------------------------------------------------


def options_of(model: type[BaseModel], table: tuple[str, ...], prefix: str = "", when: str = "") -> Iterator[Option]:
    """Give the keys of a model, inner tables after the key that holds them."""
    for key, field in keys(model).items():
        yield Option(
            key=prefix + key,
            type=type_in_words(field.annotation),
            description=" ".join((field.description or "").split()),
            default=_default(field),
            required=field.is_required(),
            secret=holds_secret(field.annotation),
            variable=variable_for((*table, key)) if table else "",
            when=when,
        )
        yield from _inner(field, (*table, key) if table else (), prefix + key)


def _inner(field: FieldInfo, table: tuple[str, ...], key: str) -> Iterator[Option]:
    tables = [one for one in members(field.annotation) if is_model(one)]
    for one in tables:
        yield from options_of(one, table, f"{key}.", _tag(one) if len(tables) > 1 else "")
    for one in members(field.annotation):
        if is_container(one) and is_model(item_type(one)):
            yield from options_of(item_type(one), (), f"{key}.NAME." if is_mapping(one) else f"{key}[].")


def _tag(model: type[BaseModel]) -> str:
    """Say what tells this member of a union from the others."""
    tags = (f"{key} = {_toml(get_args(field.annotation)[0])}" for key, field in keys(model).items() if _is_tag(field))
    return next(tags, model.__name__)


def _is_tag(field: FieldInfo) -> bool:
    return get_origin(field.annotation) is Literal and len(get_args(field.annotation)) == 1


_WORDS: tuple[tuple[Any, str], ...] = (
    (SecretStr, "secret"),
    (bool, "true or false"),
    (int, "integer"),
    (float, "number"),
    (str, "text"),
    (PurePath, "path"),
    (date, "date"),
    (time, "time"),
    (timedelta, "duration"),
)


def type_in_words(annotation: Any) -> str:
    """Say what may be written for a type: `list of text`, `"skip"` or `"queue"`, `table`."""
    words = [_member_in_words(one) for one in members(annotation) if one is not type(None)]
    return " or ".join(dict.fromkeys(words))


def _member_in_words(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return " or ".join(_toml(value) for value in get_args(annotation))
    if is_model(annotation):
        return "table"
    if is_container(annotation):
        inner = item_type(annotation)
        of = "" if inner is Any else f" of {type_in_words(inner)}"
        return f"table{of}" if is_mapping(annotation) else f"list{of}"
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return " or ".join(_toml(member.value) for member in annotation)
    return next(
        (word for known, word in _WORDS if isinstance(annotation, type) and issubclass(annotation, known)), "any"
    )


def _default(field: FieldInfo) -> str | None:
    """Give the default as one would write it; tables show theirs key by key, and computed ones only in their description."""
    value = field.default
    if value is None or value is PydanticUndefined or isinstance(value, BaseModel | SecretStr):
        return None
    return _toml(value)


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + " }" if value else "{}"
    if isinstance(value, list | tuple | set | frozenset):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    if isinstance(value, bool | int | float):
        return str(value).lower()
    return json.dumps(str(value.value if isinstance(value, Enum) else value), ensure_ascii=False)


# -- reference page -----------------------------------------------------------------------------------------------------


def reference_page(description: Description) -> str:
    """Write the reference of one type as Markdown."""
    section = description.kind
    return "\n".join(
        [
            f"# `{description.type}`",
            "",
            description.summary,
            "",
            (
                f'A table of `[{section}.NAME]` with `type = "{description.type}"`; brought by the plugin '
                f"`{description.plugin.name}`."
            ),
            "",
            "## Its own options",
            "",
            *option_table(description.options),
            "",
            f"## Options of every table in `{section}`",
            "",
            *option_table(description.host_options),
            "",
        ]
    )


def option_table(options: tuple[Option, ...]) -> list[str]:
    """Write options as the lines of a Markdown table."""
    if not options:
        return ["None."]
    head = ["| key | type | default | what it does |", "|---|---|---|---|"]
    return head + [
        f"| `{one.key}` | {_cell(one.type)} | {_default_cell(one)} | {_cell(_what(one))} |" for one in options
    ]


def _default_cell(option: Option) -> str:
    if option.required:
        return "required"
    return "" if option.default is None else f"`{_cell(option.default)}`"


def _what(option: Option) -> str:
    parts = [f"With `{option.when}`." if option.when else "", option.description]
    if option.secret:
        parts.append(f"Secret: set `{option.variable}`, or give a reference." if option.variable else "Secret.")
    return " ".join(part for part in parts if part)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


# -- JSON Schema --------------------------------------------------------------------------------------------------------

_DRAFT = "http://json-schema.org/draft-07/schema#"
"""What taplo, and with it the usual editors, understand."""


class _Generator(GenerateJsonSchema):
    """Leaves out the titles that only repeat the names of the fields."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002  # as in the base
        return False


def json_schema(registry: Registry) -> dict[str, Any]:
    """Give the schema of `connectors.toml` for the plugins of this registry, for the `#:schema` line.

    Secrets are not required in it, because they had better come from the environment.
    """
    definitions: dict[str, Any] = {"secret": _secret()}
    return {
        "$schema": _DRAFT,
        "title": "connectors.toml",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "state": _table_schema(StateSettings, "state", definitions),
            "conversion": _table_schema(ConversionSettings, "conversion", definitions),
            "history": _table_schema(HistorySettings, "history", definitions),
            "serve": _table_schema(ServeSettings, "serve", definitions),
            "traces": _table_schema(TraceSettings, "traces", definitions),
            "plugins": _table_schema(PluginSettings, "plugins", definitions),
            "targets": _named({"oneOf": _typed(registry, "targets", definitions)}),
            "connectors": _named({"oneOf": _typed(registry, "connectors", definitions)}),
            "converters": _named({"type": "object"}),
            "jobs": _named(_table_schema(JobSettings, "jobs", definitions)),
            "notifications": _named(_table_schema(NotificationSettings, "notifications", definitions)),
        },
        "definitions": definitions,
    }


def _named(table: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "propertyNames": {"pattern": NAME_PATTERN}, "additionalProperties": table}


def _typed(registry: Registry, kind: Kind, definitions: dict[str, Any]) -> list[dict[str, Any]]:
    """Give one table for each type: the host's keys and the plugin's, told apart by `type`."""
    host = _table_schema(_TABLES[kind], kind, definitions)
    host_properties = {key: host["properties"][key] for key in sorted(host_keys(_TABLES[kind]))}
    tables = []
    for cls in _classes(registry, kind):
        own = _table_schema(config_model(cls), f"{kind}.{cls.type}", definitions)
        word = {"const": cls.type, "description": (cls.__doc__ or "").strip().partition("\n")[0]}
        tables.append(
            own
            | {
                "title": cls.type,
                "properties": {**host_properties, **own.get("properties", {}), "type": word},
                "required": ["type", *own.get("required", [])],
            }
        )
    return tables


def _table_schema(model: type[Options], scope: str, definitions: dict[str, Any]) -> dict[str, Any]:
    """Give the schema of one table; its inner models go to `definitions` under names of their own."""
    try:
        schema = model.model_json_schema(
            ref_template=f"#/definitions/{scope}.{{model}}", schema_generator=_Generator, mode="validation"
        )
    except PydanticInvalidForJsonSchema:  # a type of the plugin's own: everything goes, as far as an editor can tell
        return {"type": "object"}
    for name, inner in schema.pop("$defs", {}).items():
        definitions[f"{scope}.{name}"] = _with_references(inner)
    return _with_references(schema)  # type: ignore[no-any-return]  # a table stays a table


def _with_references(schema: Any) -> Any:
    """Let every secret be a reference, too, and let none be required."""
    if isinstance(schema, list):
        return [_with_references(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("format") == "password":
        described = {"description": schema["description"]} if "description" in schema else {}
        return described | {"allOf": [{"$ref": "#/definitions/secret"}]}
    found = {key: _with_references(value) for key, value in schema.items()}
    if "required" in schema and "properties" in schema:
        found["required"] = [key for key in schema["required"] if not _mentions_secret(schema["properties"].get(key))]
    return found


def _mentions_secret(schema: Any) -> bool:
    if isinstance(schema, dict):
        return schema.get("format") == "password" or any(_mentions_secret(one) for one in schema.values())
    return isinstance(schema, list) and any(_mentions_secret(one) for one in schema)


def _secret() -> dict[str, Any]:
    text = {"type": "string"}
    references = {"env": text, "file": text, "command": {"type": "array", "items": text, "minItems": 1}}
    tables = [
        {"type": "object", "properties": {key: value}, "required": [key], "additionalProperties": False}
        for key, value in references.items()
    ]
    return {"anyOf": [text, *tables]}
