"""What every connector promises, as tests to inherit.

class TestFaq(ConnectorContract):
    @pytest.fixture
    def connector(self, tmp_path: Path) -> FaqConnector:
        return FaqConnector(FaqConfig(path=...))
"""

from __future__ import annotations

import gc
import io
import json
import re
import sys
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import pytest
from pydantic import BaseModel, SecretStr

from knowledge_connector.model import Checkpoint, Chunk, Complete, Document, Failure, Skip, Tombstone
from knowledge_connector.testing.context import FakeContext

if TYPE_CHECKING:
    from collections.abc import Iterator

    from knowledge_connector.model import Item
    from knowledge_connector.ports import Connector

_TYPE = re.compile(r"[a-z][a-z0-9_-]*")
_SECRET = re.compile(
    r"(^|_)(password|passphrase|secret|token|api_key|account_key|access_key|private_key|connection_string)$"
)
_TOUCHES = frozenset({"open", "os.listdir", "os.scandir", "socket.connect", "socket.getaddrinfo", "subprocess.Popen"})
_watchers: list[list[str]] = []


class ConnectorContract:
    """Override the fixture `connector` and inherit the questions.

    The origin behind it should hold a few documents, and hold still. Override `context` to lend more than a `FakeContext`,
    `memory_bytes` if a page of this origin is large.
    """

    memory_bytes = 32 * 1024 * 1024
    """What reading may hold on to at a time, bodies aside."""

    @pytest.fixture
    def connector(self) -> Connector:
        raise NotImplementedError("override the fixture `connector`")

    @pytest.fixture
    def context(self) -> Iterator[FakeContext]:
        with FakeContext() as context:
            yield context

    def test_it_has_a_type(self, connector: Connector) -> None:
        assert _TYPE.fullmatch(connector.type), (
            "`type` is the word in connectors.toml: lower-case letters, digits, - and _"
        )

    def test_options_are_described(self, connector: Connector) -> None:
        bare = [name for name, field, _ in _options(type(connector.config)) if not field.description]
        assert not bare, f"options without a description: {', '.join(bare)}"

    def test_options_are_frozen_and_closed(self, connector: Connector) -> None:
        for model in {model for _, _, model in _options(type(connector.config))} | {type(connector.config)}:
            assert model.model_config.get("frozen"), f"{model.__name__} can be changed after it was read"
            assert model.model_config.get("extra") == "forbid", f"{model.__name__} takes misspelt keys"

    def test_secrets_are_hidden(self, connector: Connector) -> None:
        plain = [
            name
            for name, field, _ in _options(type(connector.config))
            if _SECRET.search(name) and SecretStr not in _types(field.annotation)
        ]
        assert not plain, f"options that should be SecretStr: {', '.join(plain)}"
        shown = f"{connector.config!r} {connector.config}"
        assert not [secret for secret in _secrets(connector.config) if secret and secret in shown]

    def test_constructing_touches_nothing(self, connector: Connector) -> None:
        make = type(connector)
        make(connector.config)  # whatever is imported at this point is not counted
        with _watched() as touched:
            make(connector.config)
        assert not touched, f"constructing it touched: {', '.join(touched)}"

    def test_items_are_well_formed(self, connector: Connector, context: FakeContext) -> None:
        documents = 0
        for item in connector.read(context):
            assert isinstance(item, (Document, Tombstone, Failure, Skip, Complete, Checkpoint)), f"{item!r} is no item"
            if isinstance(item, Document):
                documents += 1
                _check_document(item)
        assert documents, "the origin of this test holds no document; there is nothing to ask about"

    def test_ids_are_unique(self, connector: Connector, context: FakeContext) -> None:
        ids = [item.id for item in connector.read(context) if isinstance(item, Document)]
        assert len(ids) == len(set(ids)), f"yielded twice: {sorted({one for one in ids if ids.count(one) > 1})[:5]}"

    def test_reading_twice_gives_the_same(self, connector: Connector, context: FakeContext) -> None:
        first, second = (
            [(item.id, item.revision) for item in reader.read(context) if isinstance(item, Document)]
            for reader in (connector, type(connector)(connector.config))
        )
        assert sorted(first, key=str) == sorted(second, key=str)

    def test_checkpoints_are_kept_by_those_that_resume(self, connector: Connector, context: FakeContext) -> None:
        checkpoints = [item for item in connector.read(context) if isinstance(item, Checkpoint)]
        assert connector.resumable or not checkpoints, "it yields checkpoints, but `resumable` is false"
        for checkpoint in checkpoints:
            json.dumps(_cursor(checkpoint))

    def test_resuming_loses_nothing(self, connector: Connector, context: FakeContext) -> None:
        if not connector.resumable:
            pytest.skip("this connector lists everything on every run, so there is nothing to resume")
        items = list(connector.read(context))
        everything = _ids(items)
        places = [place for place, item in enumerate(items) if isinstance(item, Checkpoint)]
        assert places, "`resumable` is true, but a full reading yields no checkpoint"
        for place in places:
            checkpoint = items[place]
            assert isinstance(checkpoint, Checkpoint)
            resumed = _ids(list(connector.read(context.at(_cursor(checkpoint)))))
            lost = everything - _ids(items[:place]) - resumed
            assert not lost, f"resuming from checkpoint {places.index(place) + 1} loses {sorted(lost)[:5]}"

    def test_partitions_show_what_the_whole_shows(self, connector: Connector, context: FakeContext) -> None:
        keys = [partition.key for partition in connector.partitions(context)]
        if not keys:
            pytest.skip("this connector names no partitions: there is but the whole")
        assert len(keys) == len(set(keys)), "two partitions have the same key"
        parts = [list(connector.read(context.of(key))) for key in keys]
        assert set().union(*map(_ids, parts)) == _ids(list(connector.read(context)))
        for key, items in zip(keys, parts, strict=True):
            covered = [item.beneath for item in items if isinstance(item, Complete)]
            bare = [one for one in _ids(items) if not one.startswith(tuple(covered))]
            assert not bare, f"partition {key}: no Complete covers {bare[:5]}"

    def test_closing_early_closes_everything(self, connector: Connector, context: FakeContext) -> None:
        list(islice(connector.read(context), 1))
        gc.collect()
        files, threads = _open_files(), threading.active_count()
        reading = connector.read(context)
        next(reading)
        getattr(reading, "close", gc.collect)()  # an iterator that is no generator is merely let go
        del reading
        assert _open_files() <= files, "a file or connection is still open"
        assert threading.active_count() <= threads, "a thread is still running"

    def test_bodies_can_be_fetched_on_another_thread(self, connector: Connector, context: FakeContext) -> None:
        documents = [item for item in islice(connector.read(context), 100) if isinstance(item, Document)][:10]
        with ThreadPoolExecutor(max_workers=2) as pool:
            contents = list(pool.map(_fetch, documents))
        for document, content in zip(documents, contents, strict=True):
            assert isinstance(content, (str, bytes, tuple)), f"{document.id}: its body is a {type(content).__name__}"

    def test_memory_stays_flat(self, connector: Connector, context: FakeContext) -> None:
        for _ in connector.read(context):  # what is loaded once for good is not counted
            pass
        tracemalloc.start()
        try:
            for _ in connector.read(context):
                pass
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak <= self.memory_bytes, f"reading held {peak:,} bytes at a time"

    def test_it_can_be_checked_and_explained(self, connector: Connector, context: FakeContext) -> None:
        findings = list(connector.check(context))
        assert [finding for finding in findings if not finding.ok] == []
        document = next(item for item in connector.read(context) if isinstance(item, Document))
        answer = connector.explain(document.id, context)
        assert answer is None or answer.strip()


def _check_document(document: Document) -> None:
    assert document.id, "an id is empty"
    document.id.encode("utf-8")
    document.title.encode("utf-8")
    assert document.updated_at is None or document.updated_at.tzinfo is not None, f"{document.id}: its time has no zone"
    assert document.media_type is None or document.media_type == document.media_type.lower(), document.media_type
    assert document.revision != "", f"{document.id}: say None if there is no revision"
    for key, value in document.metadata.items():
        assert isinstance(value, (str, int, float, bool)), f"{document.id}: metadata {key!r} is no scalar"


def _fetch(document: Document) -> str | bytes | tuple[Chunk, ...]:
    content = document.body() if callable(document.body) else document.body
    if isinstance(content, (str, bytes, tuple)):
        return content
    assert isinstance(content, io.IOBase) or hasattr(content, "read"), f"{document.id}: its body cannot be read"
    with content:
        return content.read()


def _ids(items: list[Item]) -> set[str]:
    return {item.id for item in items if not isinstance(item, (Complete, Checkpoint))}


def _cursor(checkpoint: Checkpoint) -> dict[str, Any]:
    cursor = checkpoint.cursor
    plain = cursor.model_dump(mode="json") if isinstance(cursor, BaseModel) else cursor
    loaded: dict[str, Any] = json.loads(json.dumps(plain))
    return loaded


def _options(model: type[BaseModel]) -> Iterator[tuple[str, Any, type[BaseModel]]]:
    for name, field in model.model_fields.items():
        yield name, field, model
        for part in _types(field.annotation):
            if isinstance(part, type) and issubclass(part, BaseModel):
                yield from _options(part)


def _types(annotation: object) -> set[object]:
    found = {annotation}
    for part in get_args(annotation):
        found |= _types(part)
    return found


def _secrets(model: BaseModel) -> Iterator[str]:
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, SecretStr):
            yield value.get_secret_value()
        elif isinstance(value, BaseModel):
            yield from _secrets(value)


def _open_files() -> int:
    descriptors = Path("/proc/self/fd")
    return len(list(descriptors.iterdir())) if descriptors.is_dir() else 0


@contextmanager
def _watched() -> Iterator[list[str]]:
    """Collect what Python's audit events tell of files, processes and connections."""
    _listen()
    touched: list[str] = []
    _watchers.append(touched)
    try:
        yield touched
    finally:
        _watchers.remove(touched)


@cache  # an audit hook cannot be taken back: one for the whole process
def _listen() -> None:
    sys.addaudithook(_heard)


def _heard(event: str, arguments: tuple[object, ...]) -> None:
    if _watchers and event in _TOUCHES:
        for watcher in _watchers:
            watcher.append(f"{event} {arguments[0]!r}")
