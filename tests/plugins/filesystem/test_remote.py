"""Remote stores: the same tree gives the same results as on a disk."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from knowledge_connector import ConfigError, DocumentError, FatalError, Item
from knowledge_connector.testing.context import FakeClock
from knowledge_connector_filesystem import FilesystemConfig, FilesystemConnector
from knowledge_connector_filesystem.remote import RemoteTree
from knowledge_connector_filesystem.rules import Rules
from knowledge_connector_filesystem.walk import Walk
from plugins.filesystem import trees
from plugins.filesystem.s3_stub import BUCKET, S3Stub, s3_stub

fsspec = pytest.importorskip("fsspec", reason="the extra `remote` is not installed")


@pytest.fixture
def memory() -> Iterator[Any]:
    files = fsspec.filesystem("memory")
    files.store.clear()
    files.pseudo_dirs[:] = [""]
    yield files
    files.store.clear()
    files.pseudo_dirs[:] = [""]


def fill(memory: Any, files: dict[str, str]) -> None:
    for name, text in files.items():
        memory.pipe_file(f"/docs/{name}", text.encode())


def facts(items: list[Item]) -> dict[str, tuple[object, ...]]:
    return {
        name: (document.title, document.media_type, document.size_bytes, document.metadata, trees.body(document))
        for name, document in trees.documents(items).items()
    }


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"include": ["**/*.md", "guide/"], "exclude": ["deep/"]},
        {"include_hidden": True, "builtin_excludes": False},
        {"max_file_bytes": 6, "title": "name"},
        {"ignore_file": []},
    ],
)
def test_memory_equals_disk(tmp_path: Path, memory: Any, options: dict[str, Any]) -> None:
    trees.write(tmp_path)
    fill(memory, trees.PLAIN)
    local, remote = trees.read(tmp_path, **options), trees.read("memory://docs", **options)
    assert list(trees.outcome(remote).items()) == list(trees.outcome(local).items())
    assert facts(remote) == facts(local)


def test_links_name_the_store_or_the_web(memory: Any) -> None:
    fill(memory, {"a b/c.md": "x"})
    (document,) = trees.documents(trees.read("memory://docs")).values()
    assert document.uri == "memory://docs/a%20b/c.md"
    (document,) = trees.documents(trees.read("memory://docs/", base_url="https://docs.example.com")).values()
    assert document.uri == "https://docs.example.com/a%20b/c.md"


def test_a_second_reading_sees_what_is_there_now(memory: Any) -> None:
    fill(memory, {"a.md": "1", "b.md": "1"})
    connector = FilesystemConnector(FilesystemConfig(root="memory://docs"))
    before = trees.documents(list(connector.read(trees.context())))
    fill(memory, {"a.md": "2", "c.md": "1"})
    memory.rm("/docs/b.md")
    after = trees.documents(list(connector.read(trees.context())))
    assert sorted(after) == ["a.md", "c.md"]
    assert before["a.md"].revision != after["a.md"].revision


def test_a_store_that_knows_times_alone_is_racy_too(memory: Any) -> None:
    fill(memory, {"a.md": "1"})
    written = datetime.fromtimestamp(memory.ls("/docs", detail=True)[0]["created"], UTC)
    (fresh,) = trees.documents(trees.read("memory://docs", written + timedelta(seconds=1))).values()
    (settled,) = trees.documents(trees.read("memory://docs", written + timedelta(seconds=3))).values()
    assert fresh.revision is None
    assert settled.revision is not None


def test_a_file_that_changed_after_the_listing_is_postponed(memory: Any) -> None:
    fill(memory, {"a.md": "1", "b.md": "1"})
    listed = trees.documents(trees.read("memory://docs"))
    fill(memory, {"a.md": "2"})
    memory.rm("/docs/b.md")
    codes = {}
    for name, document in listed.items():
        with pytest.raises(DocumentError) as caught:
            trees.body(document)
        codes[name] = caught.value.code
    assert codes == {"a.md": "changed-while-read", "b.md": "vanished"}


@pytest.mark.parametrize("root", ["memory://missing", "memory://docs/a.md"])
def test_a_remote_root_that_is_no_folder_fails_the_run(memory: Any, root: str) -> None:
    fill(memory, {"a.md": "1"})
    with pytest.raises(FatalError, match=root):
        trees.read(root)


def test_a_remote_marker_and_explanation(memory: Any) -> None:
    fill(memory, trees.PLAIN)
    with pytest.raises(FatalError, match="marker_file"):
        trees.read("memory://docs", marker_file="none")
    connector = FilesystemConnector(FilesystemConfig(root="memory://docs", marker_file="readme.md", exclude=["*.csv"]))
    assert [finding.ok for finding in connector.check(trees.context())] == [True, True]
    assert "`exclude` says '*.csv'" in str(connector.explain("memory://docs/data.csv", trees.context()))
    assert "is listed" in str(connector.explain("guide/setup.rst", trees.context()))


class FlatStore:
    """A store with the traits that the others do not show: folder keys, links, unreadable folders."""

    def ls(self, path: str, detail: bool = True) -> list[dict[str, Any]]:
        if path == "/docs/shut":
            raise PermissionError
        if path == "/docs/sub":
            return [{"name": "/docs/sub", "type": "directory", "size": 0}]
        return [
            {"name": "/docs/", "type": "file", "size": 0},
            {"name": "/docs/sub/", "type": "file", "size": 0},
            {"name": "/docs/sub", "type": "directory", "size": 0},
            {"name": "/docs/shut", "type": "directory", "size": None},
            {"name": "/docs/link", "type": "link", "size": 3},
            {"name": "/docs/pipe", "type": "other", "size": 0},
            {"name": "/docs/gs.md", "type": "file", "size": 1, "generation": "17", "updated": "2024-01-01T00:00:00Z"},
            {
                "name": "/docs/az.md",
                "type": "file",
                "size": 1,
                "etag": '"0x8D"',
                "last_modified": datetime(2024, 1, 1, tzinfo=UTC),
            },
            {"name": "/docs/sftp.md", "type": "file", "size": 1, "mtime": datetime(2024, 1, 1, tzinfo=UTC)},
            {"name": "/docs/bare.md", "type": "file", "size": 1},
        ]

    def info(self, path: str) -> dict[str, Any]:
        raise FileNotFoundError(path)

    def cat_file(self, path: str) -> bytes:
        raise FileNotFoundError(path)

    def invalidate_cache(self) -> None:
        pass


def test_what_stores_have_of_their_own() -> None:
    config = FilesystemConfig(root="memory://docs")
    tree = RemoteTree(config, FakeClock(), FlatStore())
    items = list(Walk(tree, Rules(config), follow_symlinks=True).items())
    assert trees.outcome(items) == {
        **dict.fromkeys(("az.md", "bare.md", "gs.md", "sftp.md"), "listed"),
        "link": "-symlink",
        "pipe": "not-a-regular-file",
        "shut/": "permission-denied/",
    }
    revisions = {name: document.revision for name, document in trees.documents(items).items()}
    assert revisions == {"gs.md": "1.17", "az.md": "1.0x8D", "sftp.md": f"1.{1_704_067_200_000_000:x}", "bare.md": None}
    assert {document.updated_at for name, document in trees.documents(items).items() if name != "bare.md"} == {
        datetime(2024, 1, 1, tzinfo=UTC)
    }


def test_a_missing_backend_names_the_extra(tmp_path: Path) -> None:
    connector = FilesystemConnector(FilesystemConfig(root="gs://bucket/docs"))
    if find_spec("gcsfs") is not None:
        pytest.skip("gcsfs is installed here, so it cannot be missed")
    with pytest.raises(ConfigError, match=r"pip install 'knowledge-connector-filesystem\[gs\]'"):
        list(connector.read(trees.context()))


# ---------------------------------------------------------------------------------------------------------- s3


@pytest.fixture
def s3() -> Iterator[S3Stub]:
    pytest.importorskip("s3fs", reason="the extra `s3` is not installed")
    with s3_stub() as server:
        yield server


def s3_options(server: S3Stub) -> dict[str, Any]:
    keys = {"access_key_id": "planted-id", "secret_access_key": "planted-secret"}
    return {"storage": {"type": "s3", "endpoint_url": server.url, "region": "eu-central-1", **keys}}


def test_s3_equals_disk(tmp_path: Path, s3: S3Stub) -> None:
    trees.write(tmp_path)
    s3.objects = {f"docs/{name}": text.encode() for name, text in trees.PLAIN.items()}
    s3.objects |= dict.fromkeys(("docs/", "docs/guide/", "docs/guide/deep/"), b"")
    local, remote = trees.read(tmp_path), trees.read(f"s3://{BUCKET}/docs", **s3_options(s3))
    assert trees.outcome(remote) == trees.outcome(local)
    assert facts(remote) == facts(local)
    (document,) = (item for item in trees.documents(remote).values() if item.id == "readme.md")
    assert document.uri == f"s3://{BUCKET}/docs/readme.md"
    assert not [request for request in s3.requests if "node_modules/m" in request], "what is left out is not asked for"


def test_s3_revisions_follow_the_etag(s3: S3Stub) -> None:
    s3.objects = {"a.md": b"1", "b.md": b"1"}
    connector = FilesystemConnector(FilesystemConfig.model_validate({"root": f"s3://{BUCKET}", **s3_options(s3)}))
    before = trees.documents(list(connector.read(trees.context())))
    s3.objects["a.md"] = b"2"
    after = trees.documents(list(connector.read(trees.context())))
    assert before["a.md"].revision != after["a.md"].revision
    assert before["b.md"].revision == after["b.md"].revision is not None
    with pytest.raises(DocumentError, match="changed after it had been listed"):
        trees.body(before["a.md"])
    assert trees.body(after["a.md"]) == b"2"


def test_s3_without_rights_fails_the_run_and_shows_no_secret(s3: S3Stub) -> None:
    s3.denied = True
    config = FilesystemConfig.model_validate({"root": f"s3://{BUCKET}/docs", **s3_options(s3)})
    with pytest.raises(FatalError) as caught:
        list(FilesystemConnector(config).read(trees.context()))
    assert "planted" not in f"{caught.value} {config!r}"
    (finding,) = FilesystemConnector(config).check(trees.context())
    assert not finding.ok
