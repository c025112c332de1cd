"""A folder with a file of every type: one run, and a phrase from the middle of each is found."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from knowledge_connector import Host, SyncReport
from knowledge_connector.config import load
from samples.ole import write_ole
from samples.story import MAKERS, MISLEADING, story

CONFIG = """
[targets.local]
type = "sqlite"

[conversion]
processes = 1

[converters.archive]
enabled = true

[connectors.files]
type = "filesystem"
root = "files"
include = ["**/*"]
"""

REFUSED = {
    "locked.docx": (write_ole({"EncryptedPackage": bytes(5000), "EncryptionInfo": b"x"}), "encrypted"),
    "film.mp4": (b"\x00\x00\x00\x18ftypmp42" + bytes(100), "unsupported"),
    "sound.mp3": (b"ID3" + bytes(100), "unsupported"),
    "packed.7z": (b"7z\xbc\xaf\x27\x1c" + bytes(100), "unsupported"),
    "noise.dat": (bytes(range(256)) * 20, "unsupported"),
    "empty.md": (b"", "empty"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("types")
    files = folder / "files"
    files.mkdir()
    for ending, make in MAKERS.items():
        (files / f"story.{ending}").write_bytes(make(story(ending, length=30)))
    for name, (_, make) in MISLEADING.items():
        (files / name).write_bytes(make(story(f"misleading {Path(name).stem}", length=5)))
    for name, (content, _) in REFUSED.items():
        (files / name).write_bytes(content)
    (folder / "connectors.toml").write_text(CONFIG, encoding="utf-8")
    return folder


def host(folder: Path) -> Host:
    return Host(load(folder / "connectors.toml", {}))


@pytest.fixture(scope="module")
def report(folder: Path) -> SyncReport:
    with host(folder) as running:
        return running.run("files")


def test_everything_readable_is_read_and_the_rest_has_its_reason(report: SyncReport) -> None:
    assert (report.created, report.failed) == (len(MAKERS) + len(MISLEADING), 0)
    reasons: dict[str, int] = {}
    for _, reason in REFUSED.values():
        reasons[reason] = reasons.get(reason, 0) + 1
    assert dict(report.skipped) == reasons


def test_the_report_counts_by_type(report: SyncReport) -> None:
    word = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    assert report.by_type[word].outcomes == {"read": 2, "encrypted": 1}
    assert report.by_type["text/html"].outcomes == {"read": 3}
    assert report.by_type["message/rfc822"].chunks > 1
    assert sum(count.chunks for count in report.by_type.values()) == report.chunks_written
    assert json.loads(report.to_json())["by_type"]["application/pdf"]["outcomes"] == {"read": 2}


@pytest.mark.usefixtures("report")
@pytest.mark.parametrize("ending", MAKERS)
def test_a_phrase_from_the_middle_of_each_is_found(folder: Path, ending: str) -> None:
    assert f"story.{ending}" in found(folder, story(ending).phrase)


@pytest.mark.usefixtures("report")
@pytest.mark.parametrize("name", MISLEADING)
def test_a_wrong_ending_hides_nothing(folder: Path, name: str) -> None:
    assert name in found(folder, story(f"misleading {Path(name).stem}").phrase)


def found(folder: Path, phrase: str) -> list[str]:
    with host(folder) as running, running.target("local").open("files", fence=0) as session:
        stored = (session.read(source.source_id) for source in session.sources())
        return [
            source.draft.external_id
            for source in stored
            if source and any(phrase in " ".join(chunk.text.split()) for chunk in source.chunks)
        ]


@pytest.mark.usefixtures("report")
def test_pages_of_a_pdf_are_known_to_its_chunks(folder: Path) -> None:
    with host(folder) as running, running.target("local").open("files", fence=0) as session:
        source = next(source for source in session.sources() if source.external_id == "story.pdf")
        stored = session.read(source.source_id)
    assert stored is not None
    pages = [(int(chunk.metadata["firstPage"]), int(chunk.metadata["lastPage"])) for chunk in stored.chunks]
    assert pages[0][0] == 1
    assert pages[-1][1] >= 3
    assert pages == sorted(pages)


def test_the_command_shows_a_table_by_type_and_search_finds(tmp_path: Path, folder: Path) -> None:
    shutil.copytree(folder / "files", tmp_path / "files")
    shutil.copy(folder / "connectors.toml", tmp_path)
    ran = command(tmp_path, "run", "files")
    lines = {line.split()[0]: line for line in ran.splitlines() if line.strip()}
    assert "type" in lines
    assert "read 2" in lines["pdf"]
    assert "encrypted 1" in lines["docx"]
    hits = command(tmp_path, "search", story("epub").phrase, "--json").splitlines()
    assert json.loads(hits[0])["external_id"] == "story.epub"


def command(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "knowledge_connector", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
