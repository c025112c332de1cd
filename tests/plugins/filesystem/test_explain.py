from __future__ import annotations

from pathlib import Path

import pytest

from knowledge_connector_filesystem import FilesystemConfig, FilesystemConnector
from plugins.filesystem import trees


@pytest.fixture
def connector(tmp_path: Path) -> FilesystemConnector:
    root = trees.write(tmp_path / "docs")
    trees.write(root, {"big.md": "x" * 2000, "drafts/a/b.md": "x", "pictures/a.png": "x", "pictures/back.md": "x"})
    (root / "link.md").symlink_to("readme.md")
    return FilesystemConnector(
        FilesystemConfig(
            root=str(root), include=("**/*.md", "*.txt", "!back.md"), exclude=("drafts/", "!x"), max_file_bytes=1000
        )
    )


@pytest.mark.parametrize(
    ("needle", "answer"),
    [
        ("readme.md", "readme.md is listed: text/markdown, 10 bytes, revision "),
        ("guide", "guide/ is a folder that is listed."),
        ("100%25.txt", "100%.txt is listed: text/plain"),
        ("100%.txt", "100%.txt is listed"),
        (".hidden.md", ".hidden.md is left out (hidden): its name begins with a dot and `include_hidden` is false."),
        (".secret/inside.md", ".secret is left out (hidden)"),
        ("draft.tmp", "draft.tmp is left out (excluded): it is one of the built-in excludes"),
        ("node_modules/module.md", "node_modules is left out (excluded): it is one of the built-in excludes"),
        ("drafts/a/b.md", "drafts is left out (excluded): `exclude` says 'drafts/'."),
        ("archive/old.md", "archive/old.md is left out (ignored): archive/.knowledgeignore says '*.md'."),
        ("archive/logs/kept.md", "archive/logs is left out (ignored): archive/.knowledgeignore says 'logs/'."),
        ("archive/kept.md", "archive/kept.md is listed"),
        ("pictures/a.png", "pictures/a.png is left out (not-included): no pattern of `include` matches it."),
        ("pictures/back.md", "pictures/back.md is left out (not-included): `include` takes it back with '!back.md'."),
        ("big.md", "big.md is skipped (too-large): it is larger than `max_file_bytes`."),
        ("link.md", "link.md is left out (symlink): it is a symbolic link"),
        ("nothing.md", "There is nothing at 'nothing.md' beneath "),
        ("guide/nothing/x.md", "There is nothing at 'guide/nothing/x.md' beneath "),
        ("readme.md/x", "There is nothing at 'readme.md/x' beneath "),
    ],
)
def test_a_relative_path_or_id_is_explained(connector: FilesystemConnector, needle: str, answer: str) -> None:
    assert str(connector.explain(needle, trees.context())).startswith(answer)


def test_absolute_paths_and_links_are_explained(connector: FilesystemConnector, tmp_path: Path) -> None:
    path = tmp_path / "docs/100%.txt"
    for needle in (str(path), path.as_uri()):
        assert str(connector.explain(needle, trees.context())).startswith("100%.txt is listed")


def test_what_lies_elsewhere_is_not_judged(connector: FilesystemConnector) -> None:
    assert connector.explain("https://example.com/readme.md", trees.context()) is None
    assert connector.explain("/etc/hosts", trees.context()) is None


def test_links_to_the_web_are_explained(tmp_path: Path) -> None:
    trees.write(tmp_path, {"a b.md": "x"})
    connector = FilesystemConnector(FilesystemConfig(root=str(tmp_path), base_url="https://docs.example.com/h"))
    assert "a b.md is listed" in str(connector.explain("https://docs.example.com/h/a%20b.md", trees.context()))


def test_check_tells_of_root_and_marker(tmp_path: Path) -> None:
    def check(**options: object) -> list[tuple[bool, str, str]]:
        config = FilesystemConfig.model_validate({"root": str(tmp_path), **options})
        return [
            (found.ok, found.subject, found.message) for found in FilesystemConnector(config).check(trees.context())
        ]

    trees.write(tmp_path, {"a.md": "x", "sub/b.md": "x"})
    assert check() == [(True, "root", f"{tmp_path}: 1 files, 1 folders at the top")]
    assert check(marker_file="a.md")[1] == (True, "marker_file", "'a.md' is there")
    assert check(marker_file="z.md")[1] == (False, "marker_file", "'z.md' is not there")
    ((ok, subject, message),) = check(root=str(tmp_path / "gone"))
    assert (ok, subject) == (False, "root")
    assert "No such file" in message
