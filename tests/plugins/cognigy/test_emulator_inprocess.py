"""The API that Cognigy lends to connectors inside it, as the emulator has it; and what REST shows of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from knowledge_connector.testing.emulation import Row, Services, Tables
from knowledge_connector_cognigy.emulator import CognigyEmulator, ConnectorRun, Refusal

Call = Callable[..., object]


@pytest.fixture
def emulator() -> CognigyEmulator:
    made = CognigyEmulator(Services(), Tables().part("cognigy"))
    made.seed(0)
    return made


@pytest.fixture
def connector(emulator: CognigyEmulator) -> str:
    return add_connector(emulator)


def add_connector(emulator: CognigyEmulator) -> str:
    row = emulator.holdings.stamped(name="C", lastExecution=None, lastExecutionStatus="none")
    emulator.holdings.connectors(emulator.emulated_store()["_id"])[row["_id"]] = row
    return str(row["_id"])


def status(emulator: CognigyEmulator, connector: str) -> object:
    return emulator.holdings.connectors(emulator.emulated_store()["_id"])[connector]["lastExecutionStatus"]


def shown(emulator: CognigyEmulator, source_id: str | None) -> Row:
    """A source as REST shows it."""
    assert source_id is not None
    rows = emulator.holdings.sources(emulator.emulated_store()["_id"])
    return emulator.holdings.source_json(rows[source_id])


def chunks(emulator: CognigyEmulator, source_id: str | None) -> list[tuple[str, int]]:
    assert source_id is not None
    return [(chunk["text"], chunk["order"]) for chunk in emulator.holdings.chunks(source_id).values()]


def sync(emulator: CognigyEmulator, connector: str, *texts: str, **fields: Any) -> str | None:
    """One run over one document; the id of the source, if it wanted chunks."""
    told = {"name": "One", "chunk_count": len(texts), "content_hash_or_timestamp": "h1", **fields}
    with emulator.start_connector(connector) as run:
        handle = run.api.upsert_knowledge_source(**told)
        if handle is None:
            return None
        for text in texts:
            run.api.create_knowledge_chunk(knowledge_source_id=handle.knowledge_source_id, text=text)
        return handle.knowledge_source_id


def test_the_same_again_wants_no_chunks_yet_updates_description_and_tags(
    emulator: CognigyEmulator, connector: str
) -> None:
    made = sync(emulator, connector, "a", "b")
    assert sync(emulator, connector, "x", "y", description="new", tags=["Any Tag"]) is None
    found = shown(emulator, made)
    assert (found["description"], found["metaData"]["tags"], found["chunkCount"]) == ("new", ["Any Tag"], 2)
    assert chunks(emulator, made) == [("a", 0), ("b", 1)]


def test_a_changed_count_or_hash_alone_wants_all_chunks(emulator: CognigyEmulator, connector: str) -> None:
    made = sync(emulator, connector, "a", "b")
    assert sync(emulator, connector, "a") == made
    assert sync(emulator, connector, "c", content_hash_or_timestamp="h2") == made
    assert chunks(emulator, made) == [("c", 0)]


def test_the_name_stands_in_for_an_external_id(emulator: CognigyEmulator, connector: str) -> None:
    sync(emulator, connector, "a")
    assert sync(emulator, connector, "a", external_identifier="One") is None
    sync(emulator, connector, "a", name="Two", external_identifier="id-2")
    with emulator.start_connector(connector) as run:
        assert [one.external_identifier for one in run.sources] == ["One", "id-2"]


def test_a_renamed_document_is_known_by_its_external_id(emulator: CognigyEmulator, connector: str) -> None:
    made = sync(emulator, connector, "a", external_identifier="id")
    assert sync(emulator, connector, "b", name="Two", external_identifier="id", content_hash_or_timestamp="h2") == made
    assert shown(emulator, made)["name"] == "Two"


def test_it_sees_what_earlier_runs_of_it_made_and_nothing_else(emulator: CognigyEmulator, connector: str) -> None:
    other = add_connector(emulator)
    emulator.holdings.add_source(emulator.emulated_store(), "By hand")
    with emulator.start_connector(connector) as run:
        run.api.upsert_knowledge_source(name="One", chunk_count=0, content_hash_or_timestamp="h")
        assert run.sources == []
    with emulator.start_connector(connector) as run:
        assert [one.name for one in run.sources] == ["One"]
    with emulator.start_connector(other) as run:
        assert run.sources == []


def begin_and_die(run: ConnectorRun) -> None:
    handle = run.api.upsert_knowledge_source(name="One", chunk_count=2, content_hash_or_timestamp="h1")
    assert handle is not None
    run.api.create_knowledge_chunk(knowledge_source_id=handle.knowledge_source_id, text="a")
    raise KeyError


def test_dying_before_the_last_chunk_leaves_a_hash_that_looks_current(
    emulator: CognigyEmulator, connector: str
) -> None:
    with pytest.raises(KeyError), emulator.start_connector(connector) as run:
        begin_and_die(run)
    assert sync(emulator, connector, "a", "b") is None
    with emulator.start_connector(connector) as run:
        (left,) = run.sources
        assert (left.chunk_count, left.chunks_present) == (2, 1)


def test_how_it_ended_is_told(emulator: CognigyEmulator, connector: str) -> None:
    with emulator.start_connector(connector):
        assert status(emulator, connector) == "active"
        with pytest.raises(Refusal, match="is running"):
            emulator.start_connector(connector)
    assert status(emulator, connector) == "done"
    with pytest.raises(KeyError), emulator.start_connector(connector):
        raise KeyError
    assert status(emulator, connector) == "error"
    with pytest.raises(Refusal, match="no such connector"):
        emulator.start_connector("0" * 24)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda api, _: api.upsert_knowledge_source(name="Taken", chunk_count=1, content_hash_or_timestamp="h"),
            "name",
        ),
        (lambda api, _: api.create_knowledge_source(name="Mine", chunk_count=1), "name"),
        (
            lambda api, _: api.upsert_knowledge_source(
                name="A", tags=["t"] * 11, chunk_count=1, content_hash_or_timestamp="h"
            ),
            "tags",
        ),
        (lambda api, mine: api.create_knowledge_chunk(knowledge_source_id=mine, text="x" * 2001), "text"),
        (lambda api, mine: api.create_knowledge_chunk(knowledge_source_id=mine, text="x", data={"a": []}), "data"),
        (lambda api, _: api.create_knowledge_chunk(knowledge_source_id="0" * 24, text="x"), "no such source"),
        (lambda api, _: api.delete_knowledge_source(knowledge_source_id="0" * 24), "no such source"),
    ],
)
def test_what_it_refuses(emulator: CognigyEmulator, connector: str, call: Call, message: str) -> None:
    emulator.holdings.add_source(emulator.emulated_store(), "Taken")
    with emulator.start_connector(connector) as run:
        mine = run.api.create_knowledge_source(name="Mine", chunk_count=1).knowledge_source_id
        with pytest.raises(Refusal, match=message):
            call(run.api, mine)


def test_a_deleted_source_is_gone_with_its_chunks(emulator: CognigyEmulator, connector: str) -> None:
    made = sync(emulator, connector, "a")
    with emulator.start_connector(connector) as run:
        run.api.delete_knowledge_source(knowledge_source_id=str(made))
    assert emulator.holdings.count_chunks() == 0
    assert sync(emulator, connector, "a") not in (None, made)
