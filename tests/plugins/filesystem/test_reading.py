from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from knowledge_connector import Document, DocumentError, Unreadable
from knowledge_connector.testing.context import FakeClock
from knowledge_connector_filesystem.reading import FileReader, revision_of_disk
from plugins.filesystem import trees


def listed(root: Path, **options: Any) -> Document:
    trees.write(root, {"a.md": "Text\n"})
    (document,) = trees.documents(trees.read(root, **options)).values()
    return document


def replace_by_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def replace_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def replace_by_link(path: Path) -> None:
    path.rename(path.with_name("b"))
    path.symlink_to("b")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (Path.unlink, "vanished"),
        (Path.touch, "changed-while-read"),
        (replace_by_fifo, "not-a-regular-file"),
        (replace_by_folder, "not-a-regular-file"),
        (replace_by_link, "not-a-regular-file"),
    ],
)
def test_a_file_is_read_as_it_was_listed_or_not_at_all(
    tmp_path: Path, change: Callable[[Path], None], code: str
) -> None:
    document = listed(tmp_path)
    change(tmp_path / "a.md")
    with pytest.raises(DocumentError) as caught:
        trees.body(document)
    assert (caught.value.code, caught.value.document_id, caught.value.where) == (code, "a.md", "origin")
    assert "a.md" in caught.value.message


def test_a_file_that_outgrew_the_limit_is_a_skip(tmp_path: Path) -> None:
    reader = FileReader(FakeClock(), 4, revision_of_disk)
    (tmp_path / "a.md").write_text("12345", encoding="utf-8")
    with pytest.raises(Unreadable) as caught:
        reader.read("a.md", str(tmp_path / "a.md"), None)
    assert caught.value.code == "too-large"


class Unsteady:
    """A way to tell revisions that something happens to while it is asked."""

    def __init__(self, times: int, event: Callable[[], None]) -> None:
        self.times = times
        self.event = event

    def __call__(self, status: os.stat_result) -> str:
        revision = revision_of_disk(status)
        if self.times:
            self.times -= 1
            self.event()
        return revision


def test_a_file_that_changes_while_it_is_read_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_text("1\n", encoding="utf-8")

    def append() -> None:
        with path.open("a", encoding="utf-8") as file:
            file.write("2\n")

    clock = FakeClock()
    reader = FileReader(clock, 1000, Unsteady(2, append))
    assert reader.read("log.txt", str(path), None) == b"1\n2\n2\n"
    assert len(clock.slept) == 2
    with pytest.raises(DocumentError) as caught:
        FileReader(clock, 1000, Unsteady(99, append)).read("log.txt", str(path), None)
    assert caught.value.code == "changed-while-read"


@pytest.mark.parametrize("number", [errno.ESTALE, errno.EIO])
def test_what_fails_in_passing_is_tried_again(tmp_path: Path, number: int) -> None:
    path = tmp_path / "a.md"
    path.write_text("Text\n", encoding="utf-8")

    def fail() -> None:
        raise OSError(number, os.strerror(number))

    clock = FakeClock()
    assert FileReader(clock, 1000, Unsteady(2, fail)).read("a.md", str(path), None) == b"Text\n"
    with pytest.raises(DocumentError, match=os.strerror(number)) as caught:
        FileReader(clock, 1000, Unsteady(99, fail)).read("a.md", str(path), None)
    assert caught.value.code == "unreadable"
    assert max(clock.slept) <= 2


def test_an_unsure_listing_takes_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text("newer\n", encoding="utf-8")
    assert FileReader(FakeClock(), 1000, revision_of_disk).read("a.md", str(path), None) == b"newer\n"
