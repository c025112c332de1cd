"""Secrets come from elsewhere, and nobody repeats them."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from pydantic import Field, SecretStr

from knowledge_connector.config import Settings, load
from knowledge_connector.config.secrets import Misreading, References
from knowledge_connector.errors import ConfigError
from knowledge_connector.kit.config import ConnectorConfig

SECRET = "planted-secret"  # noqa: S105  # planted


class WikiConfig(ConnectorConfig):
    api_token: SecretStr | None = None
    headers: dict[str, SecretStr] = Field(default_factory=dict)
    keys: tuple[SecretStr, ...] = ()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "connectors.toml"


def read(file: Path, text: str, environ: dict[str, str] | None = None) -> tuple[Settings, WikiConfig]:
    file.write_text('[connectors.wiki]\ntype = "wiki"\n' + text, encoding="utf-8")
    settings = load(file, environ or {})
    return settings, settings.bind(settings.connectors["wiki"], WikiConfig)


def token(config: WikiConfig) -> str:
    assert config.api_token is not None
    return config.api_token.get_secret_value()


def test_from_a_variable_of_ones_own(file: Path) -> None:
    settings, config = read(file, 'api_token = { env = "WIKI_TOKEN" }', {"WIKI_TOKEN": SECRET})
    assert (token(config), settings.warnings) == (SECRET, [])
    assert SECRET not in repr(config) + str(settings)


def test_from_dotenv_with_a_dollar_in_it(file: Path) -> None:
    dotenv = file.with_name(".env")
    dotenv.write_text("WIKI_TOKEN=pa$${HOME}word\n", encoding="utf-8")
    dotenv.chmod(0o600)
    settings, config = read(file, 'api_token = { env = "WIKI_TOKEN" }')
    assert (token(config), settings.warnings) == ("pa$${HOME}word", [])


def test_from_a_file_beside_the_configuration(file: Path) -> None:
    secret = file.with_name("token.txt")
    secret.write_text(f" {SECRET} \r\n", encoding="utf-8")
    secret.chmod(0o600)
    settings, config = read(file, 'api_token = { file = "token.txt" }')
    assert (token(config), settings.warnings) == (f" {SECRET} ", [])


def test_from_a_command(file: Path) -> None:
    program = f"import sys; print('{SECRET}'); print('noise', file=sys.stderr)"
    _, config = read(file, f'api_token = {{ command = ["{sys.executable}", "-c", "{program}"] }}')
    assert token(config) == SECRET


def test_in_lists_and_tables(file: Path) -> None:
    text = 'keys = [{ env = "A" }, { env = "B" }]\nheaders = { "X-Key" = { env = "A" }, env = { env = "B" } }'
    _, config = read(file, text, {"A": "a", "B": "b"})
    assert [key.get_secret_value() for key in config.keys] == ["a", "b"]
    assert {name: value.get_secret_value() for name, value in config.headers.items()} == {"X-Key": "a", "env": "b"}


@pytest.mark.parametrize(
    ("reference", "says"),
    [
        ('{ env = "ABSENT" }', "names the environment variable ABSENT, which is not set here and not in .env"),
        ('{ file = "absent.txt" }', "absent.txt, which cannot be read: No such file or directory"),
        ('{ command = ["absent-program", "planted-secret"] }', "absent-program, which failed: FileNotFoundError"),
        (
            f'{{ command = ["{sys.executable}", "-c", "import sys; sys.exit(\'planted-secret\')"] }}',
            "which ended with status 1",
        ),
        ('{ env = "A", file = "planted-secret" }', 'should be text, { env = "NAME" }, { file = "path" }'),
        ("{ command = [] }", "should be text,"),
    ],
)
def test_a_reference_that_leads_nowhere(file: Path, reference: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(file, f"api_token = {reference}")
    assert caught.value.message.startswith(f"connectors.wiki.api_token ({file}, line 3): ")
    assert says in caught.value.message
    assert SECRET not in caught.value.message


def test_a_command_that_does_not_end(tmp_path: Path) -> None:
    references = References(tmp_path, {}, command_timeout_seconds=0.05)
    taken = references.take({"command": [sys.executable, "-c", "import time; time.sleep(60)"]}, SecretStr)
    assert taken == Misreading(f"names the command {sys.executable}, which did not end within 0.05 s")


def test_a_secret_in_clear_works_with_a_warning_said_once(file: Path) -> None:
    settings, config = read(file, f'api_token = "{SECRET}"\nheaders = {{ "X-Key" = "{SECRET}" }}\nkeys = ["{SECRET}"]')
    settings.bind(settings.connectors["wiki"], WikiConfig)
    assert token(config) == SECRET
    assert [warning.split(";")[0] for warning in settings.warnings] == [
        f"connectors.wiki.api_token ({file}, line 3) is a secret in clear",
        f"connectors.wiki.headers.X-Key ({file}, line 4) is a secret in clear",
        f"connectors.wiki.keys[0] ({file}, line 5) is a secret in clear",
    ]
    assert "CONNECTOR_CONNECTORS__WIKI__API_TOKEN" in settings.warnings[0]
    assert SECRET not in "".join(settings.warnings)


def test_a_secret_from_the_environment_is_not_in_clear(file: Path) -> None:
    settings, config = read(file, "", {"CONNECTOR_CONNECTORS__WIKI__API_TOKEN": SECRET})
    assert (token(config), settings.warnings) == (SECRET, [])


def test_files_that_others_may_read(file: Path) -> None:
    for name in (".env", "token.txt"):
        file.with_name(name).write_text("A=1\n", encoding="utf-8")
        file.with_name(name).chmod(0o644)
    settings, _ = read(file, 'api_token = { file = "token.txt" }')
    assert [warning.partition(" holds")[0] for warning in settings.warnings] == [
        str(file.with_name(".env")),
        str(file.with_name("token.txt")),
    ]
