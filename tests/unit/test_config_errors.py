"""What people read when a configuration is wrong."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field, SecretStr, field_validator

from knowledge_connector.config import load
from knowledge_connector.config.problems import line_of
from knowledge_connector.errors import ConfigError
from knowledge_connector.kit.config import ConnectorConfig, Options


class Bearer(Options):
    type: Literal["bearer"]
    token: SecretStr


class ApiKey(Options):
    type: Literal["api_key"]
    key: SecretStr


class WikiConfig(ConnectorConfig):
    base_url: str
    api_token: SecretStr
    space_keys: tuple[str, ...] = ()
    depth: int = Field(default=3, ge=1)
    either: int | list[int] = 0
    auth: Annotated[Bearer | ApiKey, Field(discriminator="type")] | None = None

    @field_validator("base_url")
    @classmethod
    def _is_a_url(cls, value: str) -> str:
        if "://" not in value:
            raise ValueError("should begin with https://")
        return value


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "connectors.toml"


def error_of(file: Path, text: str, environ: dict[str, str] | None = None) -> str:
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(file, environ or {})
    return caught.value.message.replace(str(file), "FILE").replace(str(file.parent), "BASE")


def bind_error_of(file: Path, text: str, environ: dict[str, str] | None = None) -> str:
    file.write_text('[connectors.wiki]\ntype = "wiki"\n' + text, encoding="utf-8")
    read = load(file, environ or {})
    with pytest.raises(ConfigError) as caught:
        read.bind(read.connectors["wiki"], WikiConfig)
    return caught.value.message.replace(str(file), "FILE").replace(str(file.parent), "BASE")


GOOD = 'base_url = "https://x"\napi_token = { env = "TOKEN" }\n'
TOKEN = {"TOKEN": "planted-secret"}


def test_bad_syntax_has_line_and_column(file: Path) -> None:
    assert re.fullmatch(r"FILE is not valid TOML: .*line 2, column 5.*", error_of(file, "[state]\nurl sqlite\n"))


def test_not_utf8(file: Path) -> None:
    file.write_bytes(b'[state]\nurl = "\xff"\n')
    with pytest.raises(ConfigError, match="is not UTF-8 text"):
        load(file, {})


def test_all_problems_of_a_file_in_one_message(file: Path) -> None:
    text = """\
[stat]
url = "x"

[history]
retention_days = "soon"

[connectors.docs]
type = "filesystem"
target = "lokal"

[connectors.docs.deletes]
max_percent = 200

[connectors.Bad]
type = "filesystem"

[jobs.nightly]
connectors = ["dogs"]
schedule = "daily"
timezone = "Mars"
"""
    assert error_of(file, text).splitlines() == [
        "8 problems in the configuration:",
        (
            "  stat (FILE, line 1): is not a known section; did you mean state?"
            " Known are: targets, connectors, converters, jobs, notifications, state, conversion, history, serve, traces, plugins"
        ),
        (
            "  history.retention_days (FILE, line 5): should be a valid number, unable to parse string as a number;"
            " given 'soon'"
        ),
        (
            "  connectors.docs.target (FILE, line 9): names 'lokal', and there is no [targets.lokal];"
            " did you mean local? There are: local"
        ),
        "  connectors.docs.deletes.max_percent (FILE, line 12): should be less than or equal to 100; given 200",
        "  connectors.Bad (FILE, line 14): is not a name: a-z, 0-9, _ and -, at most 40, a letter or digit first",
        (
            "  jobs.nightly.connectors (FILE, line 18): names 'dogs', and there is no [connectors.dogs];"
            " did you mean docs? There are: docs, Bad"
        ),
        (
            "  jobs.nightly.schedule (FILE, line 19): should have five fields: minute, hour, day of month, month,"
            " day of week; given 'daily'"
        ),
        (
            "  jobs.nightly.timezone (FILE, line 20): should be a time zone of the IANA database, such as Europe/Berlin;"
            " given 'Mars'"
        ),
    ]


def test_unknown_target(file: Path) -> None:
    assert error_of(file, '[connectors.docs]\ntype = "x"\ntarget = "lokal"\n') == (
        "connectors.docs.target (FILE, line 3): names 'lokal', and there is no [targets.lokal];"
        " did you mean local? There are: local"
    )


def test_target_and_targets(file: Path) -> None:
    message = error_of(file, '[connectors.docs]\ntype = "x"\ntarget = "local"\ntargets = ["local"]\n')
    assert message == "connectors.docs (FILE, line 1): has both target and targets; one of them is right"


def test_a_name_of_its_own(file: Path) -> None:
    message = error_of(file, '[connectors.docs]\ntype = "x"\nname = "y"\n')
    assert message == "connectors.docs.name (FILE, line 3): is not a key: the name stands in [connectors.docs]"


@pytest.mark.parametrize("text", ["connectors = 5", "[connectors]\ndocs = 5", "state = 'x'"])
def test_a_value_where_a_table_belongs(file: Path, text: str) -> None:
    assert "should be a table" in error_of(file, text)


def test_missing_type_says_where_it_was_looked_for(file: Path) -> None:
    assert error_of(file, "[connectors.docs]\nroot = 'x'\n") == (
        "connectors.docs.type (FILE, line 1): is missing; looked at the environment variable"
        " CONNECTOR_CONNECTORS__DOCS__TYPE, BASE/.env and FILE"
    )


@pytest.mark.parametrize(
    ("variable", "says"),
    [
        ("CONNECTOR_FOO", "names no section"),
        ("CONNECTOR_STAT__URL", "did you mean state?"),
        ("CONNECTOR_STATE", "names no key"),
        ("CONNECTOR_CONNECTORS__DOCS", "names no key"),
        ("CONNECTOR_CONNECTORS__DOGS__ROOT", "names nothing in [connectors]; did you mean docs? There are: docs"),
        ("CONNECTOR_CONNECTORS__DOCS__", "names no key"),
    ],
)
def test_a_variable_that_names_nothing(file: Path, variable: str, says: str) -> None:
    message = error_of(file, '[connectors.docs]\ntype = "x"\n', {variable: "planted-secret"})
    assert message.startswith(f"{variable} (environment variable): ")
    assert says in message
    assert "planted-secret" not in message


def test_names_that_a_variable_cannot_tell_apart(file: Path) -> None:
    text = '[connectors.a-b]\ntype = "x"\n[connectors.a_b]\ntype = "x"\n'
    assert "could mean a-b or a_b" in error_of(file, text, {"CONNECTOR_CONNECTORS__A_B__ROOT": "x"})


def test_the_longest_name_is_meant(file: Path) -> None:
    file.write_text('[connectors.a]\ntype = "x"\n[connectors.a__b]\ntype = "x"\n', encoding="utf-8")
    read = load(file, {"CONNECTOR_CONNECTORS__A__B__ROOT": "r"})
    assert (dict(read.connectors["a"].options), read.connectors["a__b"].options) == ({}, {"root": "r"})


def test_a_wrong_variable_is_named(file: Path) -> None:
    message = error_of(file, "", {"CONNECTOR_HISTORY__RETENTION_DAYS": "soon"})
    assert message.startswith(
        "history.retention_days (environment variable CONNECTOR_HISTORY__RETENTION_DAYS): should be a valid number"
    )


def test_two_variables_for_one_table(file: Path) -> None:
    variable = "CONNECTOR_CONNECTORS__DOCS__AUTH"
    message = error_of(file, '[connectors.docs]\ntype = "x"\n', {variable: "{}", f"{variable}__TYPE": "bearer"})
    assert message.startswith(f"{variable}__TYPE (environment variable): sets a key in a table that another")


def test_a_broken_dotenv(file: Path) -> None:
    file.with_name(".env").write_text("A=1\nnot an assignment\n", encoding="utf-8")
    assert error_of(file, "") == "BASE/.env, line 2 should read NAME=value"


def test_unknown_key_of_a_plugin(file: Path) -> None:
    message = bind_error_of(file, GOOD + 'spacekeys = ["planted-secret"]\n', TOKEN)
    assert message.startswith(
        "connectors.wiki.spacekeys (FILE, line 5): is not a known key; did you mean space_keys? Known here: api_token,"
    )
    assert "planted-secret" not in message


def test_a_misspelt_key_of_the_host_is_recognised_too(file: Path) -> None:
    assert "did you mean enabled?" in bind_error_of(file, GOOD + "enable = true\n", TOKEN)


def test_all_problems_of_a_plugins_table_in_one_message(file: Path) -> None:
    message = bind_error_of(file, 'base_url = "wiki"\ndepth = 0\neither = "x"\n')
    assert message.splitlines() == [
        "4 problems in the configuration:",
        (
            "  connectors.wiki.api_token (FILE, line 1): is missing; looked at the environment variable"
            " CONNECTOR_CONNECTORS__WIKI__API_TOKEN, BASE/.env and FILE"
        ),
        "  connectors.wiki.base_url (FILE, line 3): should begin with https://; given 'wiki'",
        "  connectors.wiki.depth (FILE, line 4): should be greater than or equal to 1; given 0",
        (
            "  connectors.wiki.either (FILE, line 5): should be a valid integer, unable to parse string as an integer;"
            " given 'x', or should be a valid list; given 'x'"
        ),
    ]


@pytest.mark.parametrize("token", ["[1, 2]", "5", '["planted-secret"]', '{ wrong = "planted-secret" }'])
def test_a_wrong_secret_is_not_repeated(file: Path, token: str) -> None:
    message = bind_error_of(file, f'base_url = "https://x"\napi_token = {token}\n')
    assert message.startswith("connectors.wiki.api_token (FILE, line 4): should be ")
    assert "planted-secret" not in message
    assert "given" not in message


def test_problems_in_a_tagged_table(file: Path) -> None:
    assert bind_error_of(file, GOOD + '[connectors.wiki.auth]\ntype = "baerer"\n', TOKEN) == (
        "connectors.wiki.auth (FILE, line 5): input tag 'baerer' found using 'type' does not match any of the expected"
        " tags: 'bearer', 'api_key'"
    )
    message = bind_error_of(file, GOOD + '[connectors.wiki.auth]\ntype = "bearer"\ntokn = "planted-secret"\n', TOKEN)
    assert message.splitlines() == [
        "2 problems in the configuration:",
        (
            "  connectors.wiki.auth.token (FILE, line 5): is missing; looked at the environment variable"
            " CONNECTOR_CONNECTORS__WIKI__AUTH__TOKEN, BASE/.env and FILE"
        ),
        "  connectors.wiki.auth.tokn (FILE, line 7): is not a known key; did you mean token? Known here: token, type",
    ]


def test_a_complaint_about_what_shows_only_later(file: Path) -> None:
    file.write_text('[connectors.wiki]\ntype = "wiki"\n', encoding="utf-8")
    read = load(file, {})
    error = read.complaint(read.connectors["wiki"], "type", "there is no connector 'wiki'.")
    assert error.message == f"connectors.wiki.type ({file}, line 2): there is no connector 'wiki'."


def test_text_where_a_variable_should_hold_json(file: Path) -> None:
    variable = "CONNECTOR_CONNECTORS__WIKI__SPACE_KEYS"
    for text in ("ENG,HR", "[ENG"):
        message = bind_error_of(file, GOOD, {**TOKEN, variable: text})
        assert message.startswith(f"connectors.wiki.space_keys (environment variable {variable}): should be JSON")


def test_lines_are_found_in_odd_files(file: Path) -> None:
    file.write_text(
        '# [connectors.no]\n"state".url = "x"\n\n[ connectors . "docs" ] # here\ntext = """\nroot = 1\n"""\n'
        'list = [\n  "a",\n  "b",\n]\nroot = "r"\nauth = { type = "x" }\n[[connectors.docs.rules]]\na = 1\n',
        encoding="utf-8",
    )
    lines = {
        ("state", "url"): 2,
        ("connectors", "docs"): 4,
        ("connectors", "docs", "list", 1): 8,
        ("connectors", "docs", "root"): 12,
        ("connectors", "docs", "auth", "type"): 13,
        ("connectors", "docs", "auth", "token"): 13,
        ("connectors", "docs", "rules", 0, "a"): 15,
        ("connectors", "docs", "absent"): 4,
        ("jobs",): None,
    }
    assert {key: line_of(file, key) for key in lines} == lines
