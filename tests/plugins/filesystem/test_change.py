"""How revisions answer to what people and programs do to files."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from plugins.filesystem import trees

NOW = datetime(2100, 1, 1, tzinfo=UTC)


def revisions(root: Path, **options: object) -> dict[str, str | None]:
    return {name: document.revision for name, document in trees.documents(trees.read(root, NOW, **options)).items()}


def edit(path: Path) -> None:
    path.write_text("something else\n", encoding="utf-8")


def edit_without_a_trace(path: Path) -> None:
    """Change the content but neither size nor modification time, as a restored backup does."""
    before = path.stat()
    path.write_text(path.read_text(encoding="utf-8").swapcase(), encoding="utf-8")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def set_time_back(path: Path) -> None:
    os.utime(path, (1, 1))


def replace_atomically(path: Path) -> None:
    """Put another file of the same size and time in its place, as editors and `rsync -t` do."""
    other = path.with_name("other")
    other.write_text(path.read_text(encoding="utf-8").swapcase(), encoding="utf-8")
    shutil.copystat(path, other)
    other.replace(path)


@pytest.mark.parametrize("change", [edit, edit_without_a_trace, set_time_back, replace_atomically, Path.touch])
def test_what_changes_a_file_changes_its_revision(tmp_path: Path, change: Callable[[Path], None]) -> None:
    path = trees.write(tmp_path, {"a.md": "Text\n", "b.md": "Text\n"}) / "a.md"
    before = revisions(tmp_path)
    change(path)
    after = revisions(tmp_path)
    assert before["a.md"] != after["a.md"]
    assert before["b.md"] == after["b.md"] is not None


@pytest.mark.parametrize("change", [edit, set_time_back])
def test_on_a_network_mount_size_and_time_tell(tmp_path: Path, change: Callable[[Path], None]) -> None:
    path = trees.write(tmp_path, {"a.md": "Text\n"}) / "a.md"
    before = revisions(tmp_path, network_mount=True)
    shutil.copy2(path, path.with_name("other"))
    path.with_name("other").replace(path)
    assert revisions(tmp_path, network_mount=True) == before, (
        "another inode with the same size and time is the same there"
    )
    change(path)
    assert revisions(tmp_path, network_mount=True) != before


def test_moves_and_renames_are_other_ids_with_the_same_content(tmp_path: Path) -> None:
    trees.write(tmp_path, {"a.md": "A\n", "Case.md": "C\n", "folder/b.md": "B\n", "x.md": "X\n", "y.md": "Y\n"})
    before = trees.documents(trees.read(tmp_path))
    (tmp_path / "a.md").rename(tmp_path / "folder/moved.md")
    (tmp_path / "Case.md").rename(tmp_path / "case.md")
    (tmp_path / "folder").rename(tmp_path / "renamed")
    (tmp_path / "x.md").rename(tmp_path / "z")
    (tmp_path / "y.md").rename(tmp_path / "x.md")
    (tmp_path / "z").rename(tmp_path / "y.md")
    after = trees.documents(trees.read(tmp_path))
    assert sorted(after) == ["case.md", "renamed/b.md", "renamed/moved.md", "x.md", "y.md"]
    assert trees.body(after["renamed/moved.md"]) == b"A\n"
    assert before["x.md"].revision != after["x.md"].revision
    assert before["y.md"].revision != after["y.md"].revision
    assert (trees.body(after["x.md"]), trees.body(after["y.md"])) == (b"Y\n", b"X\n")


def test_a_file_that_has_just_changed_has_no_revision(tmp_path: Path) -> None:
    path = trees.write(tmp_path, {"a.md": "A\n"}) / "a.md"
    changed = datetime.fromtimestamp(path.stat().st_ctime, UTC)
    os.utime(path, (1_600_000_000, 1_600_000_000))  # the old modification time must not deceive: the change time is now

    def at(seconds: float, **options: object) -> str | None:
        (document,) = trees.documents(trees.read(tmp_path, changed + timedelta(seconds=seconds), **options)).values()
        return document.revision

    assert at(-3600) is None, "in the future"
    assert at(1) is None
    assert at(60) is not None
    assert at(1, network_mount=True) is not None, "only the modification time counts there"


@pytest.mark.parametrize(("seconds", "sure"), [(0, True), (-86_400 * 365, True), (4_102_444_800 + 60, False)])
def test_times_before_1970_and_in_the_future(tmp_path: Path, seconds: int, sure: bool) -> None:
    path = trees.write(tmp_path, {"a.md": "A\n"}) / "a.md"
    os.utime(path, (seconds, seconds))
    if path.stat().st_mtime != seconds:
        pytest.skip("this file system cannot hold such a time")
    (document,) = trees.documents(trees.read(tmp_path, NOW)).values()
    assert document.updated_at == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    assert (document.revision is not None) is sure


def test_a_mode_change_alone_is_seen(tmp_path: Path) -> None:
    """A file that became unreadable has to be looked at again."""
    path = trees.write(tmp_path, {"a.md": "A\n"}) / "a.md"
    before = revisions(tmp_path)
    path.chmod(stat.S_IRUSR)
    assert revisions(tmp_path) != before
