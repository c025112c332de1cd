"""What `load` and `bind` give for files and environments that are right."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field, SecretStr

from knowledge_connector.config import Settings, load, variable_for
from knowledge_connector.errors import ConfigError
from knowledge_connector.kit.config import ConnectorConfig, LocalPath, Options, TargetConfig


class Bearer(Options):
    type: Literal["bearer"]
    token: SecretStr


class ApiKey(Options):
    type: Literal["api_key"]
    header: str = "X-Api-Key"
    key: SecretStr


class WikiConfig(ConnectorConfig):
    base_url: str
    root: LocalPath = "pages"
    cache: Path = Path("cache")
    extra: tuple[Path, ...] = ()
    include: tuple[str, ...] = ()
    depth: int = 3
    labels: dict[str, str] = Field(default_factory=dict)
    headers: dict[str, SecretStr] = Field(default_factory=dict)
    api_token: SecretStr | None = None
    auth: Annotated[Bearer | ApiKey, Field(discriminator="type")] | None = None


class StoreConfig(TargetConfig):
    path: Path = Path(".connector/knowledge.db")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "connectors.toml"


def settings(file: Path, text: str, environ: dict[str, str] | None = None) -> Settings:
    file.write_text(text, encoding="utf-8")
    return load(file, environ or {})


WIKI = '[connectors.hand-book]\ntype = "wiki"\nbase_url = "https://wiki.example.com"\n'
WIKI_VARIABLE = "CONNECTOR_CONNECTORS__HAND_BOOK__"


def wiki(file: Path, text: str = "", environ: dict[str, str] | None = None) -> WikiConfig:
    read = settings(file, WIKI + text, environ)
    return read.bind(read.connectors["hand-book"], WikiConfig)


def test_an_empty_file_has_a_place_for_state_and_one_target(file: Path) -> None:
    read = settings(file, "")
    assert read.state.url == f"sqlite:///{file.parent}/.connector/state.db"
    assert read.targets["local"].type == "sqlite"
    assert read.connectors == {}
    assert 1 <= read.conversion.processes <= 4
    assert read.history.retention_days == 30
    assert (read.file, read.base, read.warnings) == (file, file.parent, [])


def test_a_connector_has_the_hosts_options_and_leaves_the_rest_to_its_plugin(file: Path) -> None:
    read = settings(
        file, WIKI + 'tags = ["a"]\nspace_keys = ["ENG"]\n[connectors.hand-book.deletes]\nmax_percent = 20\n'
    )
    connector = read.connectors["hand-book"]
    assert (connector.name, connector.type, connector.targets, connector.tags) == (
        "hand-book",
        "wiki",
        ("local",),
        ("a",),
    )
    assert (connector.deletes.max_percent, connector.deletes.max_documents) == (20, 10)
    assert (connector.errors.max_consecutive, connector.errors.max_percent, connector.errors.min_documents) == (
        10,
        15,
        100,
    )
    assert (connector.chunks.chunker, connector.chunks.max_chars, connector.chunks.overlap_chars) == (
        "markdown",
        None,
        0,
    )
    assert (connector.verify_every_runs, connector.max_document_bytes, connector.fetch_workers) == (0, 50_000_000, 4)
    assert connector.options == {"base_url": "https://wiki.example.com", "space_keys": ["ENG"]}


def test_one_target_or_several(file: Path) -> None:
    text = '[targets.bot]\ntype = "cognigy"\n[connectors.a]\ntype = "x"\n'
    assert settings(file, text + 'target = "bot"').connectors["a"].targets == ("bot",)
    assert settings(file, text + 'targets = ["local", "bot"]').connectors["a"].targets == ("local", "bot")


def test_the_environment_outranks_dotenv_and_dotenv_the_file(file: Path) -> None:
    dotenv = file.with_name(".env")
    dotenv.write_text(f"{WIKI_VARIABLE}DEPTH=5\n{WIKI_VARIABLE}ROOT=from-dotenv\nOTHER=1\n", encoding="utf-8")
    dotenv.chmod(0o600)
    config = wiki(file, 'depth = 4\nroot = "from-file"\ninclude = ["kept"]\n', {f"{WIKI_VARIABLE}DEPTH": "6"})
    assert (config.depth, config.root, config.include) == (6, str(file.parent / "from-dotenv"), ("kept",))


def test_variables_reach_host_options_and_nested_tables(file: Path) -> None:
    environ = {f"{WIKI_VARIABLE}DELETES__MAX_DOCUMENTS": "7", "CONNECTOR_STATE__URL": "sqlite:///s.db"}
    read = settings(file, WIKI + "[connectors.hand-book.deletes]\nmax_percent = 3\n", environ)
    assert (read.connectors["hand-book"].deletes.max_documents, read.connectors["hand-book"].deletes.max_percent) == (
        7,
        3,
    )
    assert read.state.url == f"sqlite:///{file.parent}/s.db"


def test_variables_are_text_unless_the_field_is_a_list_or_table(file: Path) -> None:
    environ = {
        f"{WIKI_VARIABLE}API_TOKEN": "0123456789",
        f"{WIKI_VARIABLE}BASE_URL": "[::1]",
        f"{WIKI_VARIABLE}INCLUDE": '["a", "b"]',
        f"{WIKI_VARIABLE}LABELS__TEAM": "12",
        f"{WIKI_VARIABLE}AUTH": '{"type": "bearer", "token": "t"}',
    }
    config = wiki(file, environ=environ)
    assert config.api_token is not None
    assert config.api_token.get_secret_value() == "0123456789"
    assert (config.base_url, config.include, config.labels) == ("[::1]", ("a", "b"), {"team": "12"})
    assert type(config.labels["team"]) is str
    assert isinstance(config.auth, Bearer)


def test_a_variable_completes_a_tagged_table(file: Path) -> None:
    config = wiki(file, '[connectors.hand-book.auth]\ntype = "api_key"\n', {f"{WIKI_VARIABLE}AUTH__KEY": "k"})
    assert isinstance(config.auth, ApiKey)
    assert config.auth.key.get_secret_value() == "k"


def test_converter_settings_are_read_without_a_model(file: Path) -> None:
    environ = {"CONNECTOR_CONVERTERS__HTML__ENGINE": "markdownify", "CONNECTOR_CONVERTERS__HTML__LINKS": "false"}
    assert settings(file, "[converters.html]\nwidth = 80\n", environ).converters == {
        "html": {"width": 80, "engine": "markdownify", "links": False}
    }


def test_empty_and_foreign_variables_say_nothing(file: Path) -> None:
    environ = {
        f"{WIKI_VARIABLE}DEPTH": "",
        "CONNECTOR_CONFIG": "elsewhere.toml",
        "CONNECTOR_SERVICE_HOST": "10.0.0.1",
        "CONNECTOR_PORT_80_TCP_ADDR": "10.0.0.1",
        "CONNECTORS": "1",
    }
    assert wiki(file, environ=environ).depth == 3


def test_relative_paths_begin_at_the_file(file: Path) -> None:
    base = file.parent
    config = wiki(file, 'extra = ["a", "/abs", "~/b"]\n')
    assert config.root == str(base / "pages")
    assert (config.cache, config.extra) == (base / "cache", (base / "a", Path("/abs"), Path("~/b").expanduser()))
    assert wiki(file, 'root = "s3://bucket/a"\n').root == "s3://bucket/a"
    read = settings(file, "")
    assert read.bind(read.targets["local"], StoreConfig).path == base / ".connector/knowledge.db"


def test_a_model_made_in_python_keeps_its_paths(tmp_path: Path) -> None:
    assert WikiConfig(base_url="x", root="pages").root == "pages"
    assert StoreConfig(path=Path("k.db")).path == Path("k.db")


def test_postgresql_and_memory_have_no_place_on_this_machine(file: Path) -> None:
    for url in ("postgresql://host/db", "sqlite:///:memory:", "sqlite:////var/lib/state.db"):
        assert settings(file, f'[state]\nurl = "{url}"\n').state.url == url


def test_jobs(file: Path) -> None:
    text = WIKI + '[jobs.nightly]\nconnectors = ["hand-book"]\nschedule = "0 3 * * *"\ntimezone = "Europe/Berlin"\n'
    job = settings(file, text).jobs["nightly"]
    assert (job.connectors, job.overlap, job.catch_up, job.enabled) == (("hand-book",), "skip", "latest", True)


def test_plugin_paths_begin_at_the_file(file: Path) -> None:
    assert settings(file, '[plugins]\npaths = ["./mine"]\n').plugins.paths == (file.parent / "mine",)


def test_the_environment_names_the_file(file: Path) -> None:
    file.write_text(WIKI, encoding="utf-8")
    assert load(None, {"CONNECTOR_CONFIG": str(file)}).file == file


def test_a_missing_file_shows_how_to_make_one(file: Path) -> None:
    with pytest.raises(ConfigError, match=re.escape(str(file))) as caught:
        load(None, {"CONNECTOR_CONFIG": str(file)})
    assert "CONNECTOR_CONFIG says so" in caught.value.message
    example = caught.value.message.partition("\n\n")[2]
    assert settings(file, example).connectors["docs"].type == "filesystem"


def test_settings_are_frozen(file: Path) -> None:
    read = settings(file, WIKI)
    with pytest.raises(ValueError, match="frozen"):
        read.connectors["hand-book"].enabled = False  # type: ignore[misc]  # that is the point


def test_the_variable_of_a_key() -> None:
    assert variable_for(("connectors", "hand-book", "api_token")) == "CONNECTOR_CONNECTORS__HAND_BOOK__API_TOKEN"
