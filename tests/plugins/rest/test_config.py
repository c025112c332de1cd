"""What can be written wrong is found before the first request, and the message says where and what would be right."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from knowledge_connector import ConfigError, Host
from knowledge_connector.config import load
from knowledge_connector_rest import RestConfig

README = Path(__file__).parents[3] / "plugins" / "rest" / "README.md"

GOOD = """[connectors.x]
type = "rest"
base_url = "https://api.example.com/v1"

[connectors.x.resources.tickets]
path = "/tickets"
records = "data"
paginator = { type = "cursor", path = "next" }
filter = "status == 'open'"
map = { id = "id", title = "subject", body = "text" }
"""

WRONG = {
    "JMESPath": ('records = "data"', 'records = "data["', 7, "is not JMESPath"),
    "JMESPath in the map": ('"subject"', '"subject ]"', 10, "at character 9"),
    "a function that takes something else": ('"status ==', '"status ===', 9, "is not JMESPath"),
    "an unknown name in a template": (
        '"/tickets"',
        '"/{tenant.id}/tickets"',
        6,
        "'tenant' is not known here; known are cursor, item, parent",
    ),
    "a record where there is none yet": ('"/tickets"', '"/{record.id}"', 6, "'record' is not known here"),
    "a secret in a document": ('"subject"', '"{secrets.key}"', 10, "'secrets' is not known here"),
    "a misspelt key": ('records = "data"', 'record = "data"', 7, "is not a known key"),
    "a misspelt paginator": ('"cursor", path', '"curser", path', 8, "'cursor'"),
    "a paginator without its path": ('"cursor", path = "next"', '"cursor"', 8, "is missing"),
    "an address without a scheme": ("https://api.example.com/v1", "api.example.com", 3, "should be an address such as"),
    "an address with a password": ("https://api", "https://me:secret@api", 1, "holds a password"),
    "a body in a GET": ('records = "data"', "body = { q = 1 }", 5, 'a GET has none; `method = "POST"` has'),
    "an unknown parent": (
        'records = "data"',
        'parent = { resource = "spaces" }',
        5,
        "tickets.parent.resource: names 'spaces'",
    ),
    "its own parent": ('records = "data"', 'parent = { resource = "tickets" }', 5, "lead in a circle"),
    "a tombstone of nothing": (
        'records = "data"',
        'tombstones_of = "cases"',
        5,
        "tickets.tombstones_of: names 'cases'",
    ),
    "no documents at all": ("map =", "# map =", 5, "no resource has a `map`"),
    "a map without a body": (', body = "text"', "", 5, "map.body: is missing"),
    "a rule without condition": ('records = "data"', 'rules = [{ action = "retry" }]', 7, "has no condition"),
    "a rule with a broken pattern": (
        'records = "data"',
        'rules = [{ header = { X = "(" }, action = "retry" }]',
        7,
        "no regular expression",
    ),
    "windows without a beginning": (
        'records = "data"',
        'incremental = { cursor = "at", step = 60 }',
        7,
        "windows need `initial`",
    ),
    "an unknown zone": ('records = "data"', 'incremental = { cursor = "at", timezone = "Mars" }', 7, "IANA database"),
    "an unknown format": (
        'records = "data"',
        'incremental = { cursor = "at", format = "iso8601" }',
        7,
        "should be one of iso",
    ),
    "an overlap as large as a page": (
        '"cursor", path = "next"',
        '"offset", size = 5, overlap = 5',
        8,
        "smaller than size (5)",
    ),
    "a file that needs details first": (
        'records = "data"',
        'details = { path = "/{record.id}" }\nfile = { url = "u" }',
        5,
        '`details.when = "listing"`',
    ),
    "a name with capitals": ("resources.tickets", "resources.Tickets", 5, "'Tickets' is not a name"),
}


def bound(folder: Path, text: str) -> RestConfig:
    file = folder / "connectors.toml"
    file.write_text(text, encoding="utf-8")
    with Host(load(file, {})) as host:
        config = host.connector("x").config
    assert isinstance(config, RestConfig)
    return config


def test_the_good_one_is_good(tmp_path: Path) -> None:
    assert bound(tmp_path, GOOD).resources["tickets"].records == "data"


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_named_with_its_place(tmp_path: Path, name: str) -> None:
    right, wrong, line, told = WRONG[name]
    assert right in GOOD
    with pytest.raises(ConfigError) as caught:
        bound(tmp_path, GOOD.replace(right, wrong, 1))
    assert told in caught.value.message
    assert f"connectors.toml, line {line}" in caught.value.message, caught.value.message
    assert "secret@" not in caught.value.message


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        bound(tmp_path, GOOD.replace('"data"', '"data["').replace('"subject"', '"]"'))
    assert caught.value.message.count("is not JMESPath") == 2


def test_a_paged_service_takes_fifteen_lines() -> None:
    example = re.search(r"```toml\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert example is not None
    lines = [line for line in example[1].splitlines() if line.strip()]
    assert len(lines) <= 15
    assert "paginator" in example[1]
    assert "auth" in example[1]


@pytest.mark.parametrize("secret", ["token", "key", "password", "client_secret", "refresh_token", "private_key"])
def test_secrets_are_not_shown(tmp_path: Path, secret: str) -> None:
    auth = {
        "token": 'type = "bearer"',
        "key": 'type = "api_key"',
        "password": 'type = "basic", username = "me"',
        "client_secret": 'type = "oauth2_client_credentials", token_url = "https://a/t"',
        "refresh_token": 'type = "oauth2_refresh_token", token_url = "https://a/t"',
        "private_key": 'type = "jwt"',
    }[secret]
    text = GOOD.replace(
        "[connectors.x.resources", f'auth = {{ {auth}, {secret} = "planted" }}\n\n[connectors.x.resources', 1
    )
    assert "planted" not in repr(bound(tmp_path, text))
