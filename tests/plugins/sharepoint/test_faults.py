"""What goes wrong with SharePoint, in a first run and in a later one: nothing lost, nothing wrongly deleted, no credential leaked.

Each case is a run in trouble and a calm one after it. Whatever became of the first, the second one makes good.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from knowledge_connector.testing.emulation import Fault
from knowledge_connector_sharepoint.emulator.login import CLIENT_SECRET
from plugins.sharepoint.stage import NAME, Held, Runs, Stage, staged

OPTIONS = "acl = true\n"
RESYNCS = (
    "resyncChangesApplyDifferences",
    "resyncChangesUploadDifferences",
    "resyncApplyDifferences",
    "resyncUploadDifferences",
    "resyncRequired",
    "nested_resync",
    "resync_without_location",
    "foreign_location",
    "sync_state_not_found",
)
PAGING = ("empty_page", "empty_last_page", "same_link", "alternating_links", "endless_pages", "foreign_link")
FILES = (
    "expired_download",
    "html_file",
    "error_file",
    "ignore_range",
    "cut_file",
    "short_file",
    "long_file",
    "empty_file",
    "forbidden_file",
    "vanished",
    "no_permissions",
)
OPERATIONS = (
    "GET delta",
    "GET content",
    "GET download",
    "GET pages",
    "GET drives",
    "GET site",
    "POST batch",
    "POST token",
)
HTTP: tuple[tuple[str, dict[str, Any]], ...] = (
    ("error_before", {"status": 500}),
    ("error_before", {"status": 502, "times": 3}),
    ("error_before", {"status": 504, "times": 0}),
    ("rate_limit", {"seconds": 20, "grace_seconds": 3}),
    ("rate_limit", {"seconds": 20, "grace_seconds": 3, "retry_after": "date"}),
    ("rate_limit", {"retry_after": "0"}),
    ("rate_limit", {"retry_after": "none"}),
    ("cut_before", {}),
    ("lost_answer", {}),
    ("unauthorized", {}),
)
GRAPH = ("revoke", "claims_challenge", "empty_answer", "html_answer", "unavailable")
REFUSALS = tuple(
    ("error_before", {"operation": operation, "status": status, "times": 0})
    for operation in ("GET delta", "GET pages", "GET drives", "GET subsites")
    for status in (403, 404, 423)
)


def cases() -> Iterator[tuple[str, dict[str, Any]]]:
    yield from ((kind, {}) for kind in (*PAGING, *FILES, *GRAPH, "stale_duplicate", "pages_forbidden", "login_busy"))
    yield from (
        (kind, {"times": 0})
        for kind in ("endless_pages", "same_link", "html_answer", "conditional_access", "pages_forbidden")
    )
    yield from ((kind, {}) for kind in ("batch_throttled", "batch_missing", "batch_unauthorized"))
    yield ("damaged_canvas", {"operation": "GET pages", "times": 0})
    yield ("cut_file", {"times": 3})
    yield ("revoke", {"after": 6, "times": 3})
    yield from REFUSALS
    for operation in OPERATIONS:
        yield from ((kind, {"operation": operation, **facts}) for kind, facts in HTTP)


def named(case: tuple[str, dict[str, Any]]) -> str:
    kind, facts = case
    return "-".join([kind, *(f"{name}={value}".replace(" ", "_") for name, value in facts.items())])


@dataclass
class World:
    """A tenant that has been read once, and what it comes to.

    Attributes:
        base: A folder after the first run.
        first: What the target holds then.
        later: What it holds after the changes and a calm run.
        deleted: What went with them.
    """

    stage: Stage
    base: Path
    first: dict[str, Held]
    later: dict[str, Held]

    @property
    def deleted(self) -> set[str]:
        return self.first.keys() - self.later.keys()

    def copy(self, folder: Path) -> Runs:
        shutil.copytree(self.base, folder, dirs_exist_ok=True)
        return Runs(folder, self.stage, OPTIONS)


def change(stage: Stage) -> None:
    """The same each time: all that a delta can tell."""
    for kind in ("edit", "rename", "delete", "move_drive", "add", "page_edit"):
        stage.change(kind)
    stage.change("rename_folder", name="Renamed")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with staged(curiosities="none", documents="16", pages="3", page_size="4") as stage:
        base, calm = tmp_path_factory.mktemp("base"), tmp_path_factory.mktemp("calm")
        runs = Runs(base, stage, OPTIONS)
        assert runs.run().status == "ok"
        first = runs.held()
        world = World(stage, base, first, {})
        change(stage)
        runs = world.copy(calm)
        assert runs.run().status == "ok"
        world.later = runs.held()
        yield world


@pytest.fixture
def trouble(world: World) -> Iterator[World]:
    world.stage.server.reset()
    world.stage.calm()
    yield world
    world.stage.calm()


def leaks(stage: Stage, folder: Path, said: str) -> list[str]:
    """Whatever got out: credentials at another host, secrets in what was logged or kept."""
    kept = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".secret"]
    secrets = [CLIENT_SECRET.encode(), b"tempauth="]
    found = [f"{path}: {secret!r}" for path in kept for secret in secrets if secret in path.read_bytes()]
    found += [secret.decode() for secret in secrets if secret.decode() in said]
    return found + [str(seen) for seen in stage.emulator.witness.leaks]


@pytest.mark.matrix
@pytest.mark.parametrize("case", list(cases()), ids=named)
def test_a_first_run_in_trouble(
    case: tuple[str, dict[str, Any]], trouble: World, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stage, (kind, facts) = trouble.stage, case
    runs = Runs(tmp_path, stage, OPTIONS)
    fault = stage.server.services.faults.add(Fault(kind, vendor=NAME, **facts))
    report = runs.run()
    if not fault.hits:
        pytest.skip("a first run does nothing that this could hit")
    assert "delete" not in runs.changed.values()
    assert runs.held().items() <= trouble.first.items() or report.status == "partial"
    assert stage.server.log.during_pause(NAME) == []
    stage.server.services.faults.clear()
    assert runs.run().status == "ok"
    assert runs.held() == trouble.first
    assert leaks(stage, tmp_path, caplog.text) == []


@pytest.mark.parametrize("cut", [False, True])
def test_a_file_that_changes_while_it_is_fetched_is_never_mixed(cut: bool, trouble: World, tmp_path: Path) -> None:
    stage, runs = trouble.stage, Runs(tmp_path, trouble.stage, OPTIONS)
    if cut:
        stage.fail("cut_file", operation="Travel*")
    stage.fail("changed_file", operation="Travel*", after=int(cut))
    assert runs.run().status == "ok"
    assert runs.run().status == "ok"
    (changed,) = (id_ for id_, held in runs.held().items() if held != trouble.first[id_])
    assert "edition 2" in runs.held()[changed].text
    assert "edition 1" not in runs.held()[changed].text


LATER = [*cases(), *((kind, {}) for kind in RESYNCS)]


@pytest.mark.matrix
@pytest.mark.parametrize("case", LATER, ids=named)
def test_a_later_run_in_trouble(
    case: tuple[str, dict[str, Any]], trouble: World, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stage, (kind, facts) = trouble.stage, case
    runs = trouble.copy(tmp_path)
    change(stage)
    fault = stage.server.services.faults.add(Fault(kind, vendor=NAME, **facts))
    runs.run()
    if not fault.hits:
        pytest.skip("a later run does nothing that this could hit")
    assert trouble.first.keys() - runs.held().keys() <= trouble.deleted, "wrongly deleted"
    assert stage.server.log.during_pause(NAME) == []
    stage.server.services.faults.clear()
    assert runs.run().status == "ok"
    assert runs.held() == trouble.later
    assert leaks(stage, tmp_path, caplog.text) == []
