"""The client against the emulator: every endpoint, lists that change while they are read, and errors that say what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from knowledge_connector import AuthenticationError, DocumentError, FatalError, Unavailable
from knowledge_connector.testing.emulation import Fault
from knowledge_connector_intellia.client import IntelliaClient
from knowledge_connector_intellia.emulator import ORGANIZATION, READ_ONLY
from knowledge_connector_intellia.wire import Upload
from plugins.intellia.stage import Stage, staged

ETL = {"etlType": "agent", "agentId": "agent-1", "prompt": "Sum it up", "conditions": []}


@pytest.fixture
def stage(one_stage: Stage) -> Stage:
    one_stage.server.reset()
    one_stage.emulator.records.make_base(ORGANIZATION, "Support", "For tests")
    return one_stage


@pytest.fixture
def client(stage: Stage) -> Iterator[IntelliaClient]:
    with closing(IntelliaClient(stage.config(), stage.clock)) as client:
        yield client


def uploaded(client: IntelliaClient, stage: Stage, content: bytes = b"# Kettles") -> Upload:
    file = client.create_file(stage.base(), "a.md", "text/markdown", "a")
    client.upload(file, content, "text/markdown", "a")
    stage.clock.sleep(60)
    return file


def test_knowledge_bases(client: IntelliaClient) -> None:
    made = client.create_base("Mine", "What is mine", "PERSONAL")
    assert client.base(made.knowledge_base_id) == made
    assert [base.title for base in client.bases()] == ["Support"]
    assert [base.title for base in client.bases(personal=True)] == ["Support", "Mine"]
    changed = client.update_base(made.knowledge_base_id, "Ours", "What is ours")
    assert (changed.title, changed.llm_description) == ("Ours", "What is ours")
    copy = client.copy_base(made.knowledge_base_id, ORGANIZATION)
    assert copy.knowledge_base_id != made.knowledge_base_id
    for _ in range(2):
        client.delete_base(made.knowledge_base_id)
    assert {base.title for base in client.bases(personal=True)} == {"Support", "Ours"}


def test_files(client: IntelliaClient, stage: Stage) -> None:
    base, file = stage.base(), uploaded(client, stage)
    assert client.files(base)[file.file_id].status == "READY"
    assert client.files(base, query="A.M", status="READY").keys() == {file.file_id}
    assert client.files(base, query="b.md") == client.files(base, status="ERROR") == {}
    assert [hit.file_id for hit in client.search(base, "kettles")] == [file.file_id]
    assert httpx.get(client.download_link(base, file.file_id)).content == b"# Kettles"
    other = client.create_base("Other", "For copies", "ORGANIZATION").knowledge_base_id
    copy = client.copy_file(base, file.file_id, other, ORGANIZATION)
    assert client.files(other).keys() == {copy.file_id}
    client.reindex(base, file.file_id)
    assert client.files(base)[file.file_id].in_motion
    for _ in range(2):
        client.delete_file(base, file.file_id)
    assert client.files(base) == {}


def test_etls(client: IntelliaClient, stage: Stage) -> None:
    base = stage.base()
    made = client.create_etl(base, ETL)
    assert client.etls(base) == [made]
    assert client.etl(base, made.etl_id) == made
    assert client.update_etl(base, made.etl_id, {**ETL, "prompt": "Sum up"}).prompt == "Sum up"
    for _ in range(2):
        client.delete_etl(base, made.etl_id)
    assert client.etls(base) == []


def test_calls_are_counted_as_the_emulator_names_them(client: IntelliaClient, stage: Stage) -> None:
    uploaded(client, stage)
    client.etls(stage.base())
    client.search(stage.base(), "x")
    assert client.calls() == stage.server.log.counts("intellia")


# -- lists that change ------------------------------------------------------------------------------------------------------


class Meddler(IntelliaClient):
    """Something happens before each request."""

    def __init__(self, stage: Stage, meddle: Callable[[int], None]) -> None:
        super().__init__(stage.config(), stage.clock)
        self._meddle = meddle
        self.requests = 0

    def _call(self, *args: Any, **kwargs: Any) -> httpx.Response:
        self._meddle(self.requests)
        self.requests += 1
        return super()._call(*args, **kwargs)


def fill(stage: Stage, count: int) -> list[str]:
    return [stage.emulator.records.make_file(stage.base(), f"{number}.md", b"# x") for number in range(count)]


@pytest.mark.parametrize("gone", [1, 9, 10, 11, 100, 150])
def test_nothing_is_overlooked_when_files_go_meanwhile(stage: Stage, gone: int) -> None:
    files = fill(stage, 250)

    def meddle(request: int) -> None:
        if request == 1:
            for file in files[:gone]:
                stage.emulator.records.drop_file(stage.base(), file)

    with closing(Meddler(stage, meddle)) as client:
        assert set(files[gone:]) <= client.files(stage.base()).keys()
        assert client.requests <= 6


def test_nothing_is_overlooked_when_files_come_meanwhile(stage: Stage) -> None:
    files = fill(stage, 250)

    def meddle(_: int) -> None:
        fill(stage, 30)

    with closing(Meddler(stage, meddle)) as client:
        assert set(files) <= client.files(stage.base()).keys()


def test_a_list_that_never_holds_still_is_an_error(stage: Stage) -> None:
    records, base = stage.emulator.records, stage.base()

    def meddle(request: int) -> None:
        if request % 2:
            for file in list(records.files(base))[:100]:
                records.drop_file(base, file)
            fill(stage, 100)

    fill(stage, 250)
    with closing(Meddler(stage, meddle)) as client, pytest.raises(Unavailable, match="changed 5 times"):
        client.files(base)


def test_ten_thousand_files(client: IntelliaClient, stage: Stage) -> None:
    files = fill(stage, 10_000)
    assert client.files(stage.base()).keys() == set(files)
    assert client.calls()["GET files"] == 111


# -- errors -----------------------------------------------------------------------------------------------------------------


def test_wrong_keys(stage: Stage) -> None:
    config = stage.config(api_key=SecretStr("wrong"))
    with closing(IntelliaClient(config, stage.clock)) as stranger, pytest.raises(AuthenticationError):
        stranger.bases()
    config = stage.config(api_key=SecretStr(READ_ONLY))
    with closing(IntelliaClient(config, stage.clock)) as reader, pytest.raises(FatalError, match="403"):
        reader.create_base("Mine", "What is mine", "ORGANIZATION")


@pytest.mark.parametrize(
    ("kind", "content", "code"),
    [("text/plain", b"# x", "upload-refused"), ("text/markdown", b"x" * 2_000, "too-large")],
)
def test_refused_uploads(kind: str, content: bytes, code: str) -> None:
    with staged(max_file_bytes="1000") as stage, closing(IntelliaClient(stage.config(), stage.clock)) as client:
        base = client.create_base("Support", "For tests", "ORGANIZATION").knowledge_base_id
        file = client.create_file(base, "a.md", "text/markdown", "a")
        with pytest.raises(DocumentError) as caught:
            client.upload(file, content, kind, "a")
        assert (caught.value.code, caught.value.document_id) == (code, "a")
        assert "X-Amz" not in caught.value.message


def test_refused_files(client: IntelliaClient, stage: Stage) -> None:
    with pytest.raises(DocumentError, match=r"refused the file 'a.exe' as x/y \(422\)") as caught:
        client.create_file(stage.base(), "a.exe", "x/y", "a")
    assert caught.value.code == "refused"


def test_posts_are_not_sent_twice(client: IntelliaClient, stage: Stage) -> None:
    stage.server.services.faults.add(Fault("lost_answer", operation="POST bases"))
    with pytest.raises(Unavailable):
        client.create_base("Mine", "What is mine", "ORGANIZATION")
    assert [entry.operation for entry in stage.server.log.writes("intellia")] == ["POST bases"]


def test_answers_that_are_something_else(client: IntelliaClient, stage: Stage) -> None:
    records, base = stage.emulator.records, stage.base()
    records.bases[base] = {key: value for key, value in records.bases[base].items() if key != "title"}
    with pytest.raises(FatalError, match=r"GET bases: .* \(items.0.title\)") as caught:
        client.bases()
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
