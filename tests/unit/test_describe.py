"""Descriptions, the reference page and the JSON Schema say what the models say."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import jsonschema
import pytest
from pydantic import Field, SecretStr

from knowledge_connector import hookimpl
from knowledge_connector.config import PluginSettings
from knowledge_connector.describe import Option, describe, describe_all, json_schema, reference_page, type_in_words
from knowledge_connector.errors import ConfigError
from knowledge_connector.kit.config import ConnectorConfig, LocalPath, Options, TargetConfig
from knowledge_connector.model import Finding, Item, Limits
from knowledge_connector.plugins import Candidate, Plugins
from knowledge_connector.ports import Connector, SyncContext, Target, TargetSession
from knowledge_connector.registry import Registry


class Bearer(Options):
    type: Literal["bearer"]
    token: SecretStr = Field(description="The token.")


class ApiKey(Options):
    type: Literal["api_key"]
    header: str = Field(default="X-Api-Key", description="Its header.")
    key: SecretStr


class Resource(Options):
    path: str = Field(description="Below the base URL.")


class WikiConfig(ConnectorConfig):
    base_url: str = Field(description="Where it is | http or https.")
    api_token: SecretStr = Field(description="A token.")
    root: LocalPath = Field(default="pages", description="A folder.")
    space_keys: tuple[str, ...] = Field(default=("ENG", "HR"), description="Which spaces.")
    depth: int | None = Field(default=None, ge=1, description="How deep.")
    auth: Annotated[Bearer | ApiKey, Field(discriminator="type")] | None = Field(
        default=None, description="Who we are."
    )
    resources: list[Resource] = Field(default_factory=list, description="What to read.")
    headers: dict[str, SecretStr] = Field(default_factory=dict, description="Further headers.")
    from_: str = Field(default="start", alias="from", description="Where to begin.")


class Wiki(Connector[WikiConfig]):
    """Read a wiki.

    With all its pages.
    """

    type = "wiki"

    def read(self, context: SyncContext) -> Iterator[Item]:
        return iter(())


class Bearerless(ConnectorConfig):
    """Has an inner model of the same name as another plugin."""

    class Bearer(Options):
        count: int

    auth: Bearer


class Other(Connector[Bearerless]):
    """Read something else."""

    type = "other"

    def read(self, context: SyncContext) -> Iterator[Item]:
        return iter(())


class StoreConfig(TargetConfig):
    api_key: SecretStr = Field(description="Its key.")


class Store(Target[StoreConfig]):
    """Write to a store."""

    type = "store"
    gap = "gap"

    @property
    def limits(self) -> Limits:
        return Limits()

    def check(self) -> Iterator[Finding]:
        return iter(())

    def open(self, owner: str, *, fence: int) -> AbstractContextManager[TargetSession]:
        raise NotImplementedError


class Plugin:
    @hookimpl
    def register_connectors(self) -> list[type[Connector[Any]]]:
        return [Wiki, Other]

    @hookimpl
    def register_targets(self) -> list[type[Target[Any]]]:
        return [Store]


@pytest.fixture
def registry() -> Registry:
    return Registry(Plugins([Candidate("test", "here", Plugin, lambda _: "1")]))


def test_a_type_is_described(registry: Registry) -> None:
    (wiki,) = describe(registry, "wiki")
    assert (wiki.kind, wiki.type, wiki.summary, wiki.plugin.name) == ("connectors", "wiki", "Read a wiki.", "test")
    options = {(option.key, option.when): option for option in wiki.options}
    assert options["base_url", ""] == Option(
        "base_url",
        "text",
        "Where it is | http or https.",
        None,
        required=True,
        secret=False,
        variable="CONNECTOR_CONNECTORS__NAME__BASE_URL",
    )
    assert options["api_token", ""].secret
    assert (options["root", ""].type, options["root", ""].default) == ("text", '"pages"')
    assert (options["space_keys", ""].type, options["space_keys", ""].default) == ("list of text", '["ENG", "HR"]')
    assert (options["depth", ""].type, options["depth", ""].default) == ("integer", None)
    assert options["auth.token", 'type = "bearer"'].variable == "CONNECTOR_CONNECTORS__NAME__AUTH__TOKEN"
    assert options["auth.header", 'type = "api_key"'].default == '"X-Api-Key"'
    assert options["resources[].path", ""].variable == ""
    assert options["headers", ""].secret
    assert options["from", ""].default == '"start"'
    host = {option.key for option in wiki.host_options}
    assert {"type", "target", "tags", "deletes", "deletes.max_percent"} <= host
    assert not host & {"name", "options"}


def test_an_unknown_type_is_refused_with_what_there_is(registry: Registry) -> None:
    with pytest.raises(ConfigError, match=r"there is no type 'wik'; did you mean wiki\? There are: other, store, wiki"):
        describe(registry, "wik")


def test_everything_of_the_host_has_a_description(registry: Registry) -> None:
    for description in describe_all(registry):
        assert [option.key for option in description.host_options if not option.description] == []


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (bool, "true or false"),
        (Literal["skip", "queue"], '"skip" or "queue"'),
        (float | None, "number"),
        (Path, "path"),
        (dict[str, int], "table of integer"),
        (dict[str, Any], "table"),
        (list[Literal["a"]] | str, 'list of "a" or text'),
        (timedelta, "duration"),
        (object, "any"),
        (list, "list"),
    ],
)
def test_types_in_words(annotation: Any, words: str) -> None:
    assert type_in_words(annotation) == words


def test_the_reference_page(registry: Registry) -> None:
    page = reference_page(describe(registry, "wiki")[0])
    assert page.startswith("# `wiki`\n\nRead a wiki.\n")
    lines = page.splitlines()
    assert "| `base_url` | text | required | Where it is \\| http or https. |" in lines
    assert (
        "| `api_token` | secret | required | A token. "
        "Secret: set `CONNECTOR_CONNECTORS__NAME__API_TOKEN`, or give a reference. |"
    ) in lines
    assert (
        '| `auth.token` | secret | required | With `type = "bearer"`. The token. '
        "Secret: set `CONNECTOR_CONNECTORS__NAME__AUTH__TOKEN`, or give a reference. |"
    ) in lines
    assert [line for line in lines if "name" in line.partition("|")[0]] == []


WIKI = '[connectors.a]\ntype = "wiki"\nbase_url = "x"\n'


@pytest.mark.parametrize(
    "text",
    [
        "",
        '[state]\nurl = "sqlite:///x.db"\n[history]\nretention_days = 1\n[conversion]\nprocesses = 1\n',
        WIKI,
        WIKI + 'api_token = "clear"\n',
        WIKI + 'api_token = { env = "X" }\nheaders = { a = { file = "x" }, b = { command = ["pass"] } }\n',
        WIKI + 'target = "b"\n[connectors.a.deletes]\nmax_percent = 5\n[targets.b]\ntype = "store"\n',
        WIKI + '[connectors.a.auth]\ntype = "bearer"\n',
        WIKI + '[connectors.a.auth]\ntype = "api_key"\nkey = "k"\n[[connectors.a.resources]]\npath = "p"\n',
        '[connectors.a]\ntype = "other"\nauth = { count = 1 }\n',
        WIKI + '[jobs.n]\nconnectors = ["a"]\nschedule = "0 3 * * *"\n[converters.html]\nengine = "x"\n',
        '[plugins]\npaths = ["mine"]\n',
    ],
)
def test_the_schema_takes_what_is_right(registry: Registry, text: str) -> None:
    jsonschema.Draft7Validator(json_schema(registry)).validate(tomllib.loads(text))


@pytest.mark.parametrize(
    "text",
    [
        "[stat]\n",
        "[state]\nurl = 5\n",
        '[connectors.a]\nbase_url = "x"\n',
        '[connectors.a]\ntype = "wikki"\nbase_url = "x"\n',
        '[connectors.a]\ntype = "wiki"\n',
        '[connectors.A]\ntype = "other"\nauth = { count = 1 }\n',
        '[connectors.a]\ntype = "store"\n',
        '[connectors.a]\ntype = "other"\nauth = { type = "bearer" }\n',
        WIKI + "basurl = 1\n",
        WIKI + "depth = 0\n",
        WIKI + "name = 'x'\n",
        WIKI + "api_token = 5\n",
        WIKI + 'api_token = { env = "X", file = "y" }\n',
        WIKI + '[connectors.a.auth]\ntype = "basic"\n',
        WIKI + "[connectors.a.deletes]\nmax_percent = 101\n",
        '[jobs.n]\nconnectors = []\nschedule = "0 3 * * *"\n',
        "[targets]\nlocal = 5\n",
    ],
)
def test_the_schema_refuses_what_is_wrong(registry: Registry, text: str) -> None:
    document = tomllib.loads(text)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(json_schema(registry)).validate(document)


def test_the_schema_of_what_is_installed() -> None:
    schema = json_schema(Registry.load(PluginSettings()))
    jsonschema.Draft7Validator.check_schema(schema)
    document = tomllib.loads('[targets.local]\ntype = "sqlite"\npath = "k.db"\n')
    jsonschema.Draft7Validator(schema).validate(document)
    document["targets"]["local"]["pth"] = "k.db"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(schema).validate(document)


def test_the_schema_is_one(registry: Registry) -> None:
    schema = json_schema(registry)
    jsonschema.Draft7Validator.check_schema(schema)
    references = set()

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            references.update({value["$ref"]} if isinstance(value.get("$ref"), str) else set())
            value = list(value.values())
        if isinstance(value, list):
            for one in value:
                walk(one)

    walk(schema)
    assert {f"#/definitions/{name}" for name in schema["definitions"]} == references
    assert "password" not in str(schema)
