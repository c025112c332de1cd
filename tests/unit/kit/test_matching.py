"""Patterns answer as git does; git itself is asked."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from knowledge_connector.kit.matching import Patterns, levels


@pytest.mark.parametrize(
    ("lines", "path", "excluded"),
    [
        (["*.md"], "a/b.md", True),
        (["*.md"], "b.md/c.txt", True),
        (["/a.md"], "a.md", True),
        (["/a.md"], "x/a.md", False),
        (["a/b"], "x/a/b", False),
        (["docs/"], "docs", False),
        (["docs/"], "docs/", True),
        (["docs/"], "x/docs/a.md", True),
        (["foo/**", "!foo/bar.md"], "foo/bar.md", False),
        (["foo/**", "!foo/bar.md"], "foo/other.md", True),
        (["foo/", "!foo/bar.md"], "foo/bar.md", True),
        (["*", "!*/", "!*.md"], "a/b.md", False),
        (["*", "!*/", "!*.md"], "a/b.txt", True),
        (["a/**/z"], "a/z", True),
        (["a/**/z"], "a/b/c/z", True),
        (["**"], "a", True),
        (["**/"], "a", False),
        (["**/"], "a/b", True),
        (["[a-c].md"], "b.md", True),
        (["\\!a"], "!a", True),
        (["*.md  "], "a.md", True),
        (["*  "], "a", True),
        (["caf\u00e9"], "cafe\u0301", True),
        (["cafe\u0301"], "caf\u00e9", True),
        (["*.md"], "new\nline/a\n.md", True),
        (["*.md"], "a.md\n", False),
        (["*.MD"], "a.md", False),
    ],
)
def test_exclusion_follows_git(lines: list[str], path: str, excluded: bool) -> None:
    assert Patterns(lines).excludes(path) is excluded


@pytest.mark.parametrize(
    ("lines", "path", "included"),
    [
        ([], "a.md", True),
        (["**/*.md"], "a.md", True),
        (["**/*.md"], "a/b/c.md", True),
        (["**/*.md"], "a.txt", False),
        (["docs/"], "docs/a/b.txt", True),
        (["docs"], "docs/a/b.txt", True),
        (["docs/", "!docs/old/"], "docs/old/a.md", False),
        (["*.md", "!drafts/"], "drafts/a.md", False),
        (["!drafts/", "*.md"], "drafts/a.md", True),
        (["!a.md"], "b.md", False),
    ],
)
def test_inclusion_takes_folders_whole(lines: list[str], path: str, included: bool) -> None:
    assert Patterns(lines).includes(path) is included


@pytest.mark.parametrize("line", ["", "  ", "# comment", "[z-a", "!", "/", "a\\"])
def test_an_option_that_matches_nothing_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"pattern|matches nothing"):
        Patterns([line])


def test_an_ignore_file_is_read_as_git_reads_it() -> None:
    content = b"\xef\xbb\xbf*.log\r\n# comment\r\n\r\n[z-a\n!keep.log\nlatin-\xe9.md\n"
    patterns = Patterns.from_file(content)
    assert patterns.excludes("a.log")
    assert not patterns.excludes("keep.log")
    assert patterns.excludes(os.fsdecode(b"latin-\xe9.md"))
    assert not Patterns.from_file(b"")


def test_the_deciding_pattern_is_named() -> None:
    patterns = Patterns(["*.log", "docs/", "!keep.log"])
    assert patterns.deciding("a.log") == "*.log"
    assert patterns.deciding("keep.log") == "!keep.log"
    assert patterns.deciding("docs/x") is None
    assert patterns.deciding("docs/x", within=True) == "docs/"


def test_levels_come_outermost_first() -> None:
    assert list(levels("a/b/c")) == ["a/", "a/b/", "a/b/c"]
    assert list(levels("a/b/")) == ["a/", "a/b/"]


PIECES = st.sampled_from(["a", "b", "c.md", "*", "**", "*.md", "?", "[ab]", "a*", "*b", ""])
LINES = st.builds(
    lambda negated, segments: ("!" if negated else "") + "/".join(segments),
    st.booleans(),
    st.lists(PIECES, min_size=1, max_size=4),
)
TREE = [
    "/".join(parts)
    for depth in (
        [("a",), ("b",), ("ab",), ("c.md",)],
        [("a", "a"), ("a", "b"), ("b", "c.md")],
        [("a", "b", "c.md"), ("b", "a", "b")],
    )
    for parts in depth
]


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("git") is None:
        pytest.skip("git is not installed, so it cannot be asked")
    folder = tmp_path_factory.mktemp("repository")
    subprocess.run(["git", "init", "-q", folder], check=True)
    return folder


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(LINES, min_size=1, max_size=4))
def test_git_agrees(repository: Path, lines: list[str]) -> None:
    (repository / ".gitignore").write_text("\n".join(lines) + "\n", encoding="utf-8")
    leaves = [path for path in TREE if not any(other.startswith(f"{path}/") for other in TREE)]
    question = "\0".join(leaves) + "\0"
    command = ["git", "-C", str(repository), "check-ignore", "--no-index", "-z", "--stdin"]
    answer = subprocess.run(command, input=question, capture_output=True, text=True, check=False)
    assert answer.returncode in {0, 1}, answer.stderr
    patterns = Patterns.from_file("\n".join(lines).encode())
    assert {path for path in leaves if patterns.excludes(path)} == set(answer.stdout.split("\0")) - {""}
