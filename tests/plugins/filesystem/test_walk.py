from __future__ import annotations

import os
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from knowledge_connector import Document, FatalError
from knowledge_connector.testing.context import FakeClock
from knowledge_connector_filesystem import FilesystemConfig, FilesystemConnector
from knowledge_connector_filesystem.local import LocalListing, LocalTree, extended
from knowledge_connector_filesystem.rules import Rules
from knowledge_connector_filesystem.tree import Folder
from knowledge_connector_filesystem.walk import Walk
from plugins.filesystem import trees

PLAIN = {
    "100%25.txt": "listed",
    "data.csv": "listed",
    "empty.txt": "listed",
    "no ending": "listed",
    "notes.txt": "listed",
    "readme.md": "listed",
    "guide/setup.rst": "listed",
    "guide/UPPER.MD": "listed",
    "guide/deep/er/page.html": "listed",
    "archive/kept.md": "listed",
    "archive/old.md": "-ignored",
    "archive/logs/": "-ignored",
    "archive/.knowledgeignore": "-hidden",
    ".hidden.md": "-hidden",
    ".secret/": "-hidden",
    "draft.tmp": "-excluded",
    "~$report.docx": "-excluded",
    "node_modules/": "-excluded",
}


def test_every_entry_is_listed_or_left_out_with_a_reason(tmp_path: Path) -> None:
    assert trees.outcome(trees.read(trees.write(tmp_path / "docs"))) == PLAIN


def test_hidden_and_builtin_rules_can_be_switched_off(tmp_path: Path) -> None:
    items = trees.read(trees.write(tmp_path / "docs"), include_hidden=True, builtin_excludes=False)
    found = trees.outcome(items)
    assert found[".secret/inside.md"] == found["node_modules/module.md"] == found["draft.tmp"] == "listed"
    assert found["archive/.knowledgeignore"] == "-excluded"


def test_order_is_that_of_names_files_before_folders(tmp_path: Path) -> None:
    trees.write(tmp_path / "docs", dict.fromkeys(("b.md", "a/z.md", "a/b/c.md", "B.md", "aa/x.md", "a.md"), "x"))
    assert list(trees.outcome(trees.read(tmp_path / "docs"))) == [
        "B.md", "a.md", "b.md", "a/z.md", "a/b/c.md", "aa/x.md",
    ]  # fmt: skip


def test_odd_names_have_valid_unique_ids(tmp_path: Path) -> None:
    odd = trees.write_odd_names(tmp_path / "docs")
    items = trees.read(tmp_path / "docs")
    assert sorted(trees.outcome(items)) == sorted(odd.values())
    for document in trees.documents(items).values():
        for text in (document.id, document.title, document.uri or "", str(document.metadata["path"])):
            text.encode("utf-8")
        assert trees.body(document) == b"# Odd\n"


def test_twins_in_nfc_and_nfd_match_one_pattern(tmp_path: Path) -> None:
    trees.write_odd_names(tmp_path / "docs")
    for spelling in ("\u00e9.md", "e\u0301.md"):
        found = trees.outcome(trees.read(tmp_path / "docs", include=[spelling]))
        assert [name for name, what in found.items() if what == "listed"] == ["e\u0301.md", "\u00e9.md"]


def test_special_files_and_links_are_left_alone(tmp_path: Path) -> None:
    trees.write_special_files(tmp_path / "docs", tmp_path / "outside")
    assert trees.outcome(trees.read(tmp_path / "docs")) == {
        "a/one.md": "listed",
        "a/b/two.md": "listed",
        "fifo.md": "not-a-regular-file",
        "socket.md": "not-a-regular-file",
        **dict.fromkeys(
            ("link.md", "folder-link", "a/b/loop", "self", "broken.md", "outside.md", "outside"), "-symlink"
        ),
    }


def test_links_are_followed_within_the_root(tmp_path: Path) -> None:
    trees.write_special_files(tmp_path / "docs", tmp_path / "outside")
    items = trees.read(tmp_path / "docs", follow_symlinks=True)
    found = trees.outcome(items)
    listed = {name for name, what in found.items() if what == "listed"}
    assert listed == {"a/one.md", "a/b/two.md", "link.md", "folder-link/one.md", "folder-link/b/two.md"}
    assert found["a/b/loop/"] == found["folder-link/b/loop/"] == "-symlink-loop"
    assert found["outside.md"] == found["outside"] == "-symlink-outside-root"
    assert (found["broken.md"], found["self"]) == ("broken-link", "-symlink-loop")
    assert trees.body(trees.documents(items)["folder-link/b/two.md"]) == b"# Two\n"


def test_two_folders_that_link_to_each_other_end(tmp_path: Path) -> None:
    trees.write(tmp_path, {"x/a.md": "a", "y/b.md": "b"})
    (tmp_path / "x/to-y").symlink_to("../y")
    (tmp_path / "y/to-x").symlink_to("../x")
    found = trees.outcome(trees.read(tmp_path, follow_symlinks=True))
    assert {name for name, what in found.items() if what == "listed"} == {
        "x/a.md", "y/b.md", "x/to-y/b.md", "y/to-x/a.md",
    }  # fmt: skip
    assert found["x/to-y/to-x/"] == found["y/to-x/to-y/"] == "-symlink-loop"


def test_a_link_obeys_the_rules_of_what_it_leads_to(tmp_path: Path) -> None:
    trees.write(tmp_path, {"a/one.md": "a", "b/two.md": "b"})
    (tmp_path / "drafts").symlink_to("a")
    (tmp_path / "x.bak").symlink_to("b/two.md")
    found = trees.outcome(trees.read(tmp_path, follow_symlinks=True, exclude=["drafts/", "*.bak"]))
    assert (found["drafts/"], found["x.bak"]) == ("-excluded", "-excluded")


def test_include_takes_folders_whole_and_can_take_back(tmp_path: Path) -> None:
    trees.write(tmp_path, dict.fromkeys(("docs/a.txt", "docs/b.md", "docs/old/c.md", "src/d.md", "src/e.py"), "x"))
    found = trees.outcome(trees.read(tmp_path, include=["docs/", "**/*.md", "!docs/old/"]))
    assert {name for name, what in found.items() if what == "listed"} == {"docs/a.txt", "docs/b.md", "src/d.md"}
    assert found["src/e.py"] == found["docs/old/c.md"] == "-not-included"


def test_exclude_outranks_include_and_ignore_files(tmp_path: Path) -> None:
    trees.write(tmp_path, {"a.md": "a", "b.md": "b", ".knowledgeignore": "!b.md\n"})
    found = trees.outcome(trees.read(tmp_path, include=["*.md"], exclude=["b.md"]))
    assert found["b.md"] == "-excluded"


def test_inner_ignore_files_outrank_outer_ones(tmp_path: Path) -> None:
    trees.write(
        tmp_path,
        {
            ".gitignore": "*.log\n/only-here.md\n",
            "a.log": "a",
            "only-here.md": "x",
            "sub/only-here.md": "x",
            "sub/.gitignore": "!keep.log\n",
            "sub/keep.log": "k",
            "sub/drop.log": "d",
        },
    )
    found = trees.outcome(trees.read(tmp_path, ignore_file=[".knowledgeignore", ".gitignore"]))
    assert {name for name, what in found.items() if what == "listed"} == {"sub/only-here.md", "sub/keep.log"}


def test_changed_ignore_rules_leave_out_what_was_listed(tmp_path: Path) -> None:
    trees.write(tmp_path, {"a.md": "a", "b.md": "b"})
    assert trees.outcome(trees.read(tmp_path))["b.md"] == "listed"
    (tmp_path / ".knowledgeignore").write_text("b.md\n", encoding="utf-8")
    assert trees.outcome(trees.read(tmp_path))["b.md"] == "-ignored"


def test_an_ignore_file_that_cannot_be_read_makes_its_folder_unknown(tmp_path: Path) -> None:
    trees.write(tmp_path, {"a.md": "a", "sub/b.md": "b"})
    os.mkfifo(tmp_path / "sub/.knowledgeignore")
    assert trees.outcome(trees.read(tmp_path)) == {"a.md": "listed", "sub/": "unreadable/"}


def test_large_and_sparse_files_are_skipped_unread(tmp_path: Path) -> None:
    with (tmp_path / "sparse.bin").open("wb") as file:
        file.truncate(5 * 2**30)
    (tmp_path / "limit.txt").write_bytes(b"x" * 100)
    (tmp_path / "over.txt").write_bytes(b"x" * 101)
    found = trees.outcome(trees.read(tmp_path, max_file_bytes=100))
    assert found == {"limit.txt": "listed", "over.txt": "too-large", "sparse.bin": "too-large"}


@pytest.mark.parametrize(
    ("name", "media_type", "title"),
    [
        ("a.md", "text/markdown", ""),
        ("B.HTML", "text/html", ""),
        ("c.rst", "text/x-rst", ""),
        ("d.txt", "text/plain", "d"),
        ("e.tar.gz", "application/gzip", "e.tar"),
        ("f.json", "application/json", "f"),
        ("g.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "g"),
        ("h", None, "h"),
        ("i.unheard-of", None, "i"),
        ("j.", None, "j"),
    ],
)
def test_the_ending_says_type_and_title(tmp_path: Path, name: str, media_type: str | None, title: str) -> None:
    (tmp_path / name).write_text("x", encoding="utf-8")
    (document,) = trees.documents(trees.read(tmp_path)).values()
    assert (document.media_type, document.title) == (media_type, title)
    (document,) = trees.documents(trees.read(tmp_path, title="name")).values()
    assert document.title == (title or name.partition(".")[0])


def test_a_document_knows_its_facts(tmp_path: Path) -> None:
    path = trees.write(tmp_path / "my docs", {"a b/ü#.md": "# Hi\n"}) / "a b/ü#.md"
    os.utime(path, (1_600_000_000, 1_600_000_000))
    (document,) = trees.documents(trees.read(tmp_path / "my docs")).values()
    assert document.id == document.metadata["path"] == "a b/ü#.md"
    assert document.uri == path.as_uri()
    assert document.updated_at == datetime(2020, 9, 13, 12, 26, 40, tzinfo=UTC)
    assert document.size_bytes == 5
    (document,) = trees.documents(trees.read(tmp_path / "my docs", base_url="https://docs.example.com/h/")).values()
    assert document.uri == "https://docs.example.com/h/a%20b/%C3%BC%23.md"


@pytest.mark.parametrize("root", ["missing", "file.md"])
def test_a_root_that_is_no_folder_fails_the_run(tmp_path: Path, root: str) -> None:
    (tmp_path / "file.md").write_text("x", encoding="utf-8")
    with pytest.raises(FatalError, match=root):
        trees.read(tmp_path / root)


def test_a_missing_marker_fails_the_run_before_anything_is_listed(tmp_path: Path) -> None:
    connector = FilesystemConnector(FilesystemConfig(root=str(tmp_path), marker_file="sub/.mounted"))
    with pytest.raises(FatalError, match=r"sub/\.mounted"):
        next(connector.read(trees.context()))
    trees.write(tmp_path, {"sub/.mounted": ""})
    assert trees.outcome(trees.read(tmp_path, marker_file="sub/.mounted")) == {"sub/.mounted": "-hidden"}


def test_too_few_documents_fail_the_run_at_its_end(tmp_path: Path) -> None:
    trees.write(tmp_path, {"a.md": "a", ".b.md": "b"})
    assert len(trees.documents(trees.read(tmp_path, minimum_count=1))) == 1
    with pytest.raises(FatalError, match="minimum_count"):
        trees.read(tmp_path, minimum_count=2)


def test_a_root_that_is_replaced_meanwhile_fails_the_run(tmp_path: Path) -> None:
    root = trees.write(tmp_path / "docs", {"a.md": "a", "sub/b.md": "b"})
    items = FilesystemConnector(FilesystemConfig(root=str(root))).read(trees.context())
    assert isinstance(next(items), Document)
    root.rename(tmp_path / "elsewhere")
    root.mkdir()
    with pytest.raises(FatalError, match="replaced"):
        list(items)


def test_a_folder_that_goes_away_meanwhile_is_unknown(tmp_path: Path) -> None:
    root = trees.write(tmp_path / "docs", {"a.md": "a", "sub/b.md": "b"})
    items = FilesystemConnector(FilesystemConfig(root=str(root))).read(trees.context())
    first = next(items)
    (root / "sub/b.md").unlink()
    (root / "sub").rmdir()
    assert trees.outcome([first, *items]) == {"a.md": "listed", "sub/": "vanished/"}


def test_a_folder_that_becomes_a_link_meanwhile_is_not_followed(tmp_path: Path) -> None:
    root = trees.write(tmp_path / "docs", {"a.md": "a", "sub/b.md": "b"})
    trees.write(tmp_path / "outside", {"foreign.md": "f"})
    items = FilesystemConnector(FilesystemConfig(root=str(root))).read(trees.context())
    first = next(items)
    (root / "sub/b.md").unlink()
    (root / "sub").rmdir()
    (root / "sub").symlink_to(tmp_path / "outside")
    assert trees.outcome([first, *items])["sub/"] in {"not-a-regular-file/", "vanished/"}


def test_a_file_that_goes_away_meanwhile_is_not_an_error(tmp_path: Path) -> None:
    root = trees.write(tmp_path, {"a.md": "a", "b.md": "b"})
    items = FilesystemConnector(FilesystemConfig(root=str(root))).read(trees.context())
    first = next(items)
    (root / "b.md").unlink()
    assert trees.outcome([first, *items]) == {"a.md": "listed", "b.md": "vanished"}


class BreakingTree(LocalTree):
    """A disk that gives an I/O error in the middle of listing `sub/`."""

    @contextmanager
    def open(self, folder: Folder) -> Iterator[LocalListing]:
        with super().open(folder) as listing:
            if folder.path == "sub/":
                listing.names.error = OSError(5, "Input/output error")
                del listing.names.files[0]
            yield listing


def test_an_error_in_the_middle_of_a_folder_makes_it_unknown(tmp_path: Path) -> None:
    trees.write(tmp_path, {"a.md": "a", "sub/b.md": "b", "sub/c.md": "c", "sub/deep/d.md": "d"})
    config = FilesystemConfig(root=str(tmp_path))
    walk = Walk(BreakingTree(config, FakeClock()), Rules(config), follow_symlinks=False)
    found = trees.outcome(list(walk.items()))
    assert found == {"a.md": "listed", "sub/": "unreadable/", "sub/b.md": "listed", "sub/deep/d.md": "listed"}


def test_a_large_folder_takes_little_memory(tmp_path: Path) -> None:
    for number in range(20_000):
        os.close(os.open(tmp_path / f"{number:06}.md", os.O_CREAT | os.O_WRONLY))
    connector = FilesystemConnector(FilesystemConfig(root=str(tmp_path)))
    tracemalloc.start()
    try:
        assert sum(1 for _ in connector.read(trees.context())) == 20_000
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 20_000 * 150  # names, and nothing else, are held of a folder


def test_deep_trees_need_no_recursion(tmp_path: Path) -> None:
    folders = [tmp_path]
    for _ in range(1_500):
        folders.append(folders[-1] / "d")
        folders[-1].mkdir()
    (folders[-1] / "end.md").write_text("end", encoding="utf-8")
    try:
        assert list(trees.outcome(trees.read(tmp_path))) == ["d/" * 1_500 + "end.md"]
    finally:  # the tools that tidy up after tests do recurse
        (folders[-1] / "end.md").unlink()
        for folder in reversed(folders[1:]):
            folder.rmdir()


@pytest.mark.parametrize(
    ("path", "long"),
    [(r"C:\docs", r"\\?\C:\docs"), (r"\\server\share", r"\\?\UNC\server\share"), (r"\\?\C:\docs", r"\\?\C:\docs")],
)
def test_long_windows_paths_are_prefixed(path: str, long: str) -> None:
    assert extended(path, windows=True) == long
