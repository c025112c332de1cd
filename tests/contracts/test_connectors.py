"""The shipped connector contract: asked of the built-in connectors, and of broken ones, which it has to find out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from pydantic import Field, SecretStr

from knowledge_connector import Checkpoint, Connector, ConnectorConfig, Document, Item, SyncContext
from knowledge_connector.testing.connector import ConnectorContract
from knowledge_connector.testing.context import FakeContext
from knowledge_connector_filesystem import FilesystemConfig, FilesystemConnector

_counter = count()
_kept: list[Any] = []


class TestFilesystem(ConnectorContract):
    memory_bytes = 1024 * 1024

    @pytest.fixture
    def connector(self, tmp_path: Path) -> FilesystemConnector:
        root = tmp_path / "docs"
        (root / "below").mkdir(parents=True)
        for name in ("a.md", "b.txt", "below/c.html", "below/ü %.csv"):
            (root / name).write_text(f"This is {name}\n", encoding="utf-8")
        return FilesystemConnector(FilesystemConfig(root=str(root), include=("*.md", "*.txt", "below/")))


class PagesConfig(ConnectorConfig):
    pages: int = Field(default=3, description="How many pages there are.")
    api_token: SecretStr = Field(default=SecretStr("planted-token"), description="Opens the pages.")


class Pages(Connector[PagesConfig]):
    """Three pages of two documents, and a checkpoint after each."""

    type = "pages"
    resumable = True

    def read(self, context: SyncContext) -> Iterator[Item]:
        first = context.cursor["page"] if context.cursor else 0
        for page in range(first, self.config.pages):
            yield Document(id=f"{page}/a", body=f"Page {page}", revision="1")
            yield Document(id=f"{page}/b", body=lambda: b"More", revision="1")
            yield Checkpoint({"page": page + 1})


class TestPages(ConnectorContract):
    @pytest.fixture
    def connector(self) -> Pages:
        return Pages(PagesConfig())


class BareConfig(ConnectorConfig):
    token: str = "planted-token"  # noqa: S105  # the contract has to object


class Undescribed(Connector[BareConfig]):
    type = "undescribed"

    def read(self, context: SyncContext) -> Iterator[Item]:
        yield Document(id="a")


class Eager(Pages):
    def __init__(self, config: PagesConfig) -> None:
        super().__init__(config)
        self.text = Path(__file__).read_text(encoding="utf-8")


class Twins(Pages):
    def read(self, context: SyncContext) -> Iterator[Item]:
        yield from super().read(context)
        yield from super().read(context)


class Unstable(Pages):
    def read(self, context: SyncContext) -> Iterator[Item]:
        yield Document(id=f"document {next(_counter)}")


class Forgetful(Pages):
    def read(self, context: SyncContext) -> Iterator[Item]:
        items = list(super().read(context))
        return iter(items[1:] if context.cursor else items)


class Dishonest(Pages):
    resumable = False


class Careless(Pages):
    def read(self, context: SyncContext) -> Iterator[Item]:
        file = Path(__file__).open(encoding="utf-8")  # noqa: SIM115  # it is what the contract has to find
        _kept.append(file)
        yield from super().read(context)


class Hoarder(Pages):
    def read(self, context: SyncContext) -> Iterator[Item]:
        yield from [Document(id=str(number), body="x" * 1_000_000) for number in range(40)]


class Odd(Pages):
    def read(self, context: SyncContext) -> Iterator[Item]:
        yield Document(id="a", body=lambda: 17, metadata={"parts": ["a"]})  # type: ignore[arg-type,return-value,dict-item]  # on purpose


@pytest.mark.parametrize(
    ("connector", "question"),
    [
        (Undescribed(BareConfig()), ConnectorContract.test_options_are_described),
        (Undescribed(BareConfig()), ConnectorContract.test_secrets_are_hidden),
        (Eager(PagesConfig()), ConnectorContract.test_constructing_touches_nothing),
        (Twins(PagesConfig()), ConnectorContract.test_ids_are_unique),
        (Unstable(PagesConfig()), ConnectorContract.test_reading_twice_gives_the_same),
        (Forgetful(PagesConfig()), ConnectorContract.test_resuming_loses_nothing),
        (Unstable(PagesConfig()), ConnectorContract.test_resuming_loses_nothing),
        (Dishonest(PagesConfig()), ConnectorContract.test_checkpoints_are_kept_by_those_that_resume),
        (Careless(PagesConfig()), ConnectorContract.test_closing_early_closes_everything),
        (Hoarder(PagesConfig()), ConnectorContract.test_memory_stays_flat),
        (Odd(PagesConfig()), ConnectorContract.test_items_are_well_formed),
        (Odd(PagesConfig()), ConnectorContract.test_bodies_can_be_fetched_on_another_thread),
        (Pages(PagesConfig(pages=0)), ConnectorContract.test_items_are_well_formed),
    ],
)
def test_the_contract_finds_what_is_broken(connector: Connector, question: Callable[..., None]) -> None:
    arguments = (connector, FakeContext())[: question.__code__.co_argcount - 1]
    try:
        with pytest.raises(AssertionError):
            question(ConnectorContract(), *arguments)
    finally:
        while _kept:
            _kept.pop().close()
