"""The target over the emulator: the store, parts, names, limits, and what people do behind its back."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from knowledge_connector import (
    AuthenticationError,
    Chunk,
    ConfigError,
    ConnectorError,
    DocumentError,
    FatalError,
    KnowledgeSource,
    SourceDraft,
    TargetSession,
)
from knowledge_connector.testing.drafts import draft_of, write
from knowledge_connector.testing.emulation import Fault, RunningServer
from knowledge_connector_cognigy import CognigyTarget
from plugins.cognigy.wire import HastyClock, Wire, config_for

OWNER = "shelf"


def chunks_of(*texts: str) -> list[Chunk]:
    return [Chunk(ordinal, text) for ordinal, text in enumerate(texts)]


def listed(target: CognigyTarget) -> list[KnowledgeSource]:
    with target.open(OWNER, fence=1) as session:
        return list(session.sources())


def bring(target: CognigyTarget, external_id: str, *texts: str, **changes: object) -> str:
    with target.open(OWNER, fence=1) as session:
        return write(session, draft_of(external_id, chunks_of(*texts), **changes), chunks_of(*texts))


def target_for(server: RunningServer, **changes: object) -> CognigyTarget:
    return CognigyTarget(config_for(server, **changes), HastyClock())


# -- the store


@pytest.mark.parametrize("api_path", ["/new/v2.0", "/v2.0"])
def test_both_prefixes_lead_to_the_store(server: RunningServer, api_path: str, wire: Wire) -> None:
    target = target_for(server, api_path=api_path)
    bring(target, "a.md", "one")
    assert [source["name"] for source in wire.sources()] == ["Name of a.md"]
    assert all(entry.path.startswith(api_path) for entry in server.log.writes())


def test_a_store_is_found_by_id(server: RunningServer, wire: Wire) -> None:
    bring(target_for(server, knowledge_store=wire.store.rpartition("/")[2], project_id=None), "a.md", "one")
    assert len(wire.sources()) == 1


def test_a_store_that_is_missing_is_made_if_asked_by_the_first_write_alone(server: RunningServer) -> None:
    target = target_for(server, knowledge_store="New", create_store=True)
    with Wire(target.config) as wire:
        assert listed(target) == []
        assert all(finding.ok for finding in target.check())
        assert server.log.writes() == []
        bring(target, "a.md", "one")
        bring(target, "b.md", "one")
        assert sorted(store["name"] for store in wire.stores()) == ["Emulated", "New"]
        assert len(wire.sources()) == 2


def test_several_threads_make_one_store(server: RunningServer) -> None:
    from concurrent.futures import ThreadPoolExecutor

    target = target_for(server, knowledge_store="New", create_store=True)
    server.services.faults.add(Fault("lost_answer", operation="POST stores"))
    with Wire(target.config) as wire, target.open(OWNER, fence=1) as session, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: write(session, draft_of(f"d{number}", []), []), range(8)))
        assert sum(store["name"] == "New" for store in wire.stores()) == 1
        assert len(wire.sources()) == 8


@pytest.mark.parametrize(
    ("changes", "needed"),
    [({}, "create_store = true and project_id"), ({"create_store": True, "project_id": None}, "project_id")],
)
def test_a_missing_store_says_what_would_make_it(
    server: RunningServer, changes: dict[str, object], needed: str
) -> None:
    target = target_for(server, **{"knowledge_store": "Nowhere", "project_id": None, **changes})
    assert [finding.message for finding in target.check() if not finding.ok] == [
        f"there is no 'Nowhere'; name one that is there, or set {needed}"
    ]
    with pytest.raises(ConfigError, match=f"no knowledge store 'Nowhere'.* set {needed}"):
        bring(target, "a.md", "one")


def test_of_several_stores_of_one_name_none_is_taken(server: RunningServer, target: CognigyTarget) -> None:
    bring(target_for(server, knowledge_store="Twice", create_store=True), "a.md", "one")
    emulator = server.vendor("cognigy")
    emulator.holdings.add_store(config_for(server).project_id, "Twice")  # type: ignore[attr-defined]  # of the emulator
    twice = target_for(server, knowledge_store="Twice")
    with pytest.raises(ConfigError, match="2 knowledge stores are called 'Twice'"):
        listed(twice)
    assert [finding.subject for finding in twice.check() if not finding.ok] == ["knowledge store"]


# -- access


def test_a_wrong_key_stops_the_run(server: RunningServer) -> None:
    with pytest.raises(AuthenticationError, match="401"):
        listed(target_for(server, api_key="wrong"))


def test_a_key_of_another_project_stops_the_run(server: RunningServer) -> None:
    target = target_for(server, api_key="emu-other-key")
    with pytest.raises(FatalError, match="403"):
        listed(target)
    assert [finding.ok for finding in target.check()] == [False]


def test_a_project_that_is_not_there_stops_the_run(server: RunningServer) -> None:
    target = target_for(server, project_id="0" * 24)
    with pytest.raises(FatalError, match="404"):
        listed(target)
    with pytest.raises(FatalError, match="404"):
        bring(target, "a.md", "one")


def test_an_address_that_is_no_api_stops_the_run(server: RunningServer) -> None:
    target = target_for(server, base_url=f"{server.url}/nowhere")
    with pytest.raises(FatalError, match="404"):
        listed(target)
    assert [finding.subject for finding in target.check() if not finding.ok] == ["knowledge store"]


def test_a_quota_that_is_used_up_stops_the_run(server: RunningServer, target: CognigyTarget) -> None:
    server.services.options["cognigy.chunk_quota"] = "1"
    with pytest.raises(FatalError, match=r"402.*quota"):
        bring(target, "a.md", "one", "two")


def test_the_key_is_in_no_message(server: RunningServer) -> None:
    with pytest.raises(ConnectorError) as caught:
        listed(target_for(server, api_key="a-very-secret-key"))
    assert "secret" not in str(caught.value)
    assert "secret" not in repr(target_for(server, api_key="a-very-secret-key").config)


# -- what stands there


def test_a_source_says_what_people_and_the_next_run_need(target: CognigyTarget, wire: Wire) -> None:
    draft = draft_of(
        "guide/a.md",
        chunks_of("one"),
        tags=("Größe",),
        description="About a",
        uri="https://example.com/a",
        metadata={"author": "Someone", "pages": 3},
    )
    with target.open(OWNER, fence=1) as session:
        source_id = write(session, draft, [Chunk(0, "one", {"heading": "A › B"})])
    (source,) = wire.sources()
    assert (source["type"], source["status"], source["description"]) == ("manual", "ready", "About a")
    assert source["metaData"]["tags"][2:3] == ["grosse"]
    assert source["data"] == {
        "externalId": "guide/a.md",
        "url": "https://example.com/a",
        "author": "Someone",
        "pages": 3,
        "kcSource": source_id,
        "kcPart": "1/1",
        "kcChunks": 1,
        "kcMetadata": draft.metadata_fingerprint,
    }
    assert [chunk["data"] for chunk in wire.chunks(source["_id"])] == [{"heading": "A › B"}]
    (found,) = listed(target)
    assert (found.source_id, found.external_id, found.uri) == (source_id, "guide/a.md", "https://example.com/a")
    assert (found.revision_mark, found.metadata_fingerprint) == (draft.revision_mark, draft.metadata_fingerprint)


def test_equal_titles_are_told_apart_by_the_id_and_stay_so(target: CognigyTarget, wire: Wire) -> None:
    bring(target, "a.md", "one", name="Introduction")
    second = bring(target, "b.md", "one", name="Introduction")
    bring(target, "b.md", "1", "2", "3", name="Introduction", replaces=second)
    assert sorted(source["name"] for source in wire.sources()) == ["Introduction", "Introduction (b.md)"]


def test_a_name_that_somebody_else_has_is_left_to_them(target: CognigyTarget, wire: Wire) -> None:
    wire.add_foreign("Introduction", "theirs")
    source_id = bring(target, "a.md", "one", name="Other")
    with target.open(OWNER, fence=1) as session:
        session.retag(source_id, draft_of("a.md", chunks_of("one"), name="Introduction"))
    assert sorted(source["name"] for source in wire.sources()) == ["Introduction", "Introduction (a.md)"]


def test_all_names_taken_is_that_documents_failure_and_leaves_the_old_version(
    target: CognigyTarget, wire: Wire
) -> None:
    source_id = bring(target, "a.md", "one")
    draft = draft_of("a.md", chunks_of("1", "2", "3"), name="Taken", replaces=source_id)
    for name in ("Taken", "Taken (a.md)", f"Taken ({listed(target)[0].external_digest})"):
        wire.add_foreign(name)
    with target.open(OWNER, fence=1) as session, pytest.raises(DocumentError, match="all taken"):
        write(session, draft, chunks_of("1", "2", "3"))
    assert [source.chunk_count for source in listed(target) if source.committed] == [1]


# -- limits


def test_long_documents_become_parts_of_one_source(server: RunningServer, wire: Wire) -> None:
    target = target_for(server, chunks_per_source=2)
    texts = [f"chunk {number}" for number in range(5)]
    source_id = bring(target, "a.md", *texts, name="Long")
    parts = {source["name"]: wire.texts(source["_id"]) for source in wire.sources()}
    assert parts == {
        "Long (part 1 of 3)": texts[:2],
        "Long (part 2 of 3)": texts[2:4],
        "Long (part 3 of 3)": texts[4:],
    }
    (found,) = listed(target)
    assert (found.source_id, found.chunk_count) == (source_id, 5)
    with target.open(OWNER, fence=1) as session:
        session.delete(source_id)
    assert wire.sources() == []


def test_the_thousand_and_first_chunk_makes_a_second_part(target: CognigyTarget, wire: Wire) -> None:
    bring(target, "a.md", *(f"chunk {number}" for number in range(1001)))
    assert sorted(source["chunkCount"] for source in wire.sources()) == [1, 1000]
    assert [source.chunk_count for source in listed(target)] == [1001]


@pytest.mark.parametrize(
    ("chunk", "code"),
    [
        (Chunk(0, " \n"), "refused"),
        (Chunk(0, "x" * 2001), "refused"),
        (Chunk(0, "x", {"long": "x" * 1001}), "metadata"),
    ],
    ids=["blank", "too long", "long value"],
)
def test_a_chunk_that_is_not_taken_is_that_documents_failure_and_leaves_nothing(
    target: CognigyTarget, wire: Wire, chunk: Chunk, code: str
) -> None:
    with target.open(OWNER, fence=1) as session, pytest.raises(DocumentError) as caught:
        write(session, draft_of("a.md", [chunk]), [chunk])
    assert caught.value.code == code
    assert wire.sources() == []


def test_a_body_over_60_kb_is_not_sent(server: RunningServer, target: CognigyTarget) -> None:
    source_id = bring(target, "a.md", "one")
    server.log.clear()
    with target.open(OWNER, fence=1) as session, pytest.raises(DocumentError, match=r"60000") as caught:
        session.retag(source_id, draft_of("a.md", chunks_of("one"), description="x" * 60_000))
    assert caught.value.code == "too-large"
    assert server.log.writes() == []


# -- what others do meanwhile


def test_a_source_that_lost_a_chunk_is_known_as_altered_and_mended_in_place(target: CognigyTarget, wire: Wire) -> None:
    source_id = bring(target, "a.md", "one", "two")
    (source,) = wire.sources()
    wire.delete(f"{source['_id']}/chunks/{wire.chunks(source['_id'])[1]['_id']}")
    (found,) = listed(target)
    assert found.committed
    assert found.fingerprint != draft_of("a.md", chunks_of("one", "two")).fingerprint
    assert found.revision_mark is None
    bring(target, "a.md", "one", "two", replaces=source_id)
    assert [(one["_id"], wire.texts(one["_id"])) for one in wire.sources()] == [(source["_id"], ["one", "two"])]


@pytest.mark.parametrize("extra", [1, 5])
def test_chunks_that_somebody_added_go(target: CognigyTarget, wire: Wire, extra: int) -> None:
    source_id = bring(target, "a.md", "one")
    name = wire.sources()[0]["name"]
    for number in range(extra):
        wire.add_chunk(wire.sources()[0]["_id"], f"stowaway {number}")
    bring(target, "a.md", "one", replaces=source_id)
    assert [(one["name"], wire.texts(one["_id"])) for one in wire.sources()] == [(name, ["one"])]


def test_a_source_whose_data_somebody_emptied_is_written_again_without_chunks(
    server: RunningServer, target: CognigyTarget, wire: Wire
) -> None:
    bring(target, "a.md", "one", "two")
    (source,) = wire.sources()
    wire.patch(source["_id"], data={})
    (found,) = listed(target)
    assert found.committed
    assert found.fingerprint != draft_of("a.md", chunks_of("one", "two")).fingerprint
    server.log.clear()
    bring(target, "a.md", "one", "two", replaces=found.source_id)
    assert [entry.operation for entry in server.log.writes()] == ["PATCH source"]
    assert listed(target)[0].fingerprint == draft_of("a.md", chunks_of("one", "two")).fingerprint


def test_a_source_deleted_by_hand_is_written_anew(target: CognigyTarget, wire: Wire) -> None:
    source_id = bring(target, "a.md", "one")
    with target.open(OWNER, fence=1) as session:
        list(session.sources())
        wire.delete(wire.sources()[0]["_id"])
        session.delete(source_id)
        write(session, draft_of("a.md", chunks_of("two"), replaces=source_id), chunks_of("two"))
    assert wire.found() == {"two"}


def test_foreign_sources_are_never_touched(server: RunningServer, target: CognigyTarget, wire: Wire) -> None:
    wire.add_foreign("By hand", "theirs", tags=["kc-by-other", "handbook"])
    before = wire.contents()
    source_id = bring(target, "a.md", "one", "two")
    bring(target, "a.md", "1", "2", "3", replaces=source_id)
    for source in listed(target):
        with target.open(OWNER, fence=1) as session:
            session.delete(source.source_id)
    assert wire.contents() == before


# -- lost answers


@pytest.mark.parametrize("operation", ["POST sources", "POST chunks"])
@pytest.mark.parametrize("kind", ["lost_answer", "error_after", "error_before", "rate_limit"])
def test_a_create_without_a_clear_answer_makes_no_twin(
    server: RunningServer, target: CognigyTarget, wire: Wire, operation: str, kind: str
) -> None:
    server.services.faults.add(Fault(kind, operation=operation, times=2, retry_after="0"))
    bring(target, "a.md", "same", "same", "same")
    assert [(source["chunkCount"], source["status"]) for source in wire.sources()] == [(3, "ready")]
    assert [chunk["order"] for chunk in wire.chunks(wire.sources()[0]["_id"])] == [0, 1, 2]


def test_concurrent_documents_of_one_title_all_arrive(target: CognigyTarget, wire: Wire) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def one(session: TargetSession, number: int) -> str:
        draft: SourceDraft = draft_of(f"{number}.md", chunks_of("one"), name="Same")
        return write(session, draft, chunks_of("one"))

    with target.open(OWNER, fence=1) as session, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: one(session, number), range(8)))
    names: Sequence[str] = sorted(source["name"] for source in wire.sources())
    assert names == sorted(["Same", *(f"Same ({number}.md)" for number in range(8) if f"Same ({number}.md)" in names)])
    assert len(names) == 8
