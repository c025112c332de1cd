"""What is ill stays where it is: files, folders, libraries, sites; crowds of workers; runs that are cut off."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from knowledge_connector import Checkpoint, Complete, Document, Failure, Item, Skip
from knowledge_connector.testing.emulation import Fault
from knowledge_connector_sharepoint import SharePointConnector
from knowledge_connector_sharepoint.emulator.tenant import BY_KEY, SHELVES
from plugins.sharepoint.stage import NAME, Held, Runs, Stage, staged

VERTRIEB = SHELVES["vertrieb"].drive_id


@pytest.fixture
def stage() -> Iterator[Stage]:
    with staged(curiosities="none", documents="24", pages="4", page_size="5") as stage:
        yield stage


@pytest.fixture
def runs(tmp_path: Path, stage: Stage) -> Runs:
    return Runs(tmp_path, stage)


LIBRARIES = 2
FILES = 24 + 3
"""Those of the option, and those of the subsite."""


def files(runs: Runs) -> dict[str, Held]:
    return {id_: held for id_, held in runs.held().items() if "/pages/" not in id_}


def of_vertrieb(held: Mapping[str, Held]) -> set[str]:
    return {id_ for id_, one in held.items() if one.metadata["site"] == "Vertrieb"}


# --------------------------------------------------------------------------------------------------------------- files


def test_every_curiosity_has_its_outcome(tmp_path: Path) -> None:
    with staged(curiosities="all", documents="4") as stage:
        runs = Runs(tmp_path, stage, "acl = true\n")
        report = runs.run()
        assert report.status == "partial"
        names = {held.name for held in runs.held().values()}
        assert {"50% #1 + A&B's draft; ~final (new).md", "\N{ROCKET} Launch.md", "Report.docx"} <= names | {
            "Report.docx"
        }
        assert len([name for name in names if name.startswith("Caf")]) == 2, "NFC and NFD twins are two files"
        assert report.skipped["malware"] == 1
        assert report.skipped["notebook"] == 1
        assert report.skipped["shortcut"] == 2
        assert report.skipped["encrypted"] == 1
        assert report.skipped["too-large"] == 1
        assert report.skipped["empty"] >= 1
        assert "Checked out.md" not in names
        codes = sorted(runs.failures().values())
        assert codes == ["acl", "acl", "no-content", "other-content", "truncated"]


@pytest.mark.parametrize("facts", [{}, {"times": 2}, {"times": 3}])
def test_a_cut_download_goes_on_where_it_stopped(runs: Runs, stage: Stage, facts: dict[str, Any]) -> None:
    stage.fail("cut_file", operation="Travel*", **facts)
    report = runs.run()
    assert report.status == "ok"
    ranged = [seen for seen in stage.emulator.witness if "range" in seen.headers]
    assert ranged
    assert all(seen.elsewhere and "authorization" not in seen.headers for seen in ranged)


def test_downloads_go_to_the_other_host_without_the_token(runs: Runs, stage: Stage) -> None:
    runs.run()
    elsewhere = [seen for seen in stage.emulator.witness if seen.elsewhere]
    assert elsewhere
    assert not [seen for seen in elsewhere if "authorization" in seen.headers]


def test_every_request_is_decorated(runs: Runs, stage: Stage) -> None:
    runs.run()
    graph = [seen for seen in stage.emulator.witness if seen.path.startswith("/v1.0/")]
    assert {seen.headers["user-agent"] for seen in graph} == {"NONISV|knowledge-connector|connector/1.0"}
    assert len({seen.headers["client-request-id"] for seen in graph}) == len(graph)
    assert all("$select" in seen.query or "%24select" in seen.query for seen in graph if seen.path.endswith("/delta"))


def test_what_the_rules_leave_out_later_goes_and_comes_back(tmp_path: Path, stage: Stage) -> None:
    runs = Runs(tmp_path, stage)
    runs.run()
    everything = runs.held()
    runs.configure('exclude = ["*.md"]\n[connectors.sharepoint.deletes]\nmax_percent = 100')
    runs.run()
    assert not [one for one in runs.held().values() if one.name.endswith(".md")]
    runs.configure("")
    runs.run()
    assert runs.held() == everything


# --------------------------------------------------------------------------------------------------------------- sites


@pytest.mark.parametrize("state", ["locked", "forbidden", "missing"])
def test_a_site_that_closes_keeps_what_is_known_of_it(runs: Runs, stage: Stage, state: str) -> None:
    runs.run()
    before = runs.held()
    stage.change("site", site="vertrieb", state=state)
    stage.change("delete")
    report = runs.run()
    assert report.status == "partial"
    gone = before.keys() - runs.held().keys()
    assert len(gone) == 1, "what is deleted elsewhere goes all the same"
    assert gone.isdisjoint(of_vertrieb(before))
    stage.change("site", site="vertrieb", state="")
    assert runs.run().status == "ok"
    assert of_vertrieb(runs.held()) == of_vertrieb(before)


def test_a_full_reading_beside_a_closed_site_deletes_nothing(runs: Runs, stage: Stage) -> None:
    runs.run()
    before = runs.held()
    stage.change("site", site="vertrieb", state="locked")
    stage.change("delete")
    runs.run(full=True)
    assert runs.held() == before
    stage.change("site", site="vertrieb", state="")
    assert runs.run().status == "ok"
    assert len(before.keys() - runs.held().keys()) <= 1


def test_when_no_site_can_be_read_the_run_fails(runs: Runs, stage: Stage) -> None:
    runs.run()
    before = runs.held()
    for site in ("vertrieb", "handbook"):
        stage.change("site", site=site, state="locked")
    report = runs.run()
    assert report.status == "failed"
    assert "423" in report.message
    assert runs.held() == before


def closed(stage: Stage, key: str, state: str) -> list[Item]:
    """What a later reading of every site says, after one of them has changed its state."""
    connector = stage.connector(sites=[], subsites=False)
    for site in ("archive", "secret", "gone"):
        stage.change("site", site=site, state="missing")
    cursor = last_cursor(stage.read(connector))
    stage.change("site", site=key, state=state)
    return stage.read(connector, cursor=cursor)


def last_cursor(items: list[Item]) -> Mapping[str, Any]:
    cursors = [item.cursor for item in items if isinstance(item, Checkpoint)]
    assert isinstance(cursors[-1], BaseModel)
    found: Mapping[str, Any] = cursors[-1].model_dump(mode="json")
    return found


@pytest.mark.parametrize("state", ["locked", "forbidden", "missing"])
def test_a_site_that_is_listed_and_closed_is_unknown(stage: Stage, state: str) -> None:
    items = closed(stage, "vertrieb", state)
    unknown = {item.id for item in items if isinstance(item, Failure) and item.beneath}
    assert {f"{VERTRIEB}/", f"{BY_KEY['vertrieb'].id}/"} <= unknown
    assert not [item for item in items if isinstance(item, Complete) and item.beneath.startswith(VERTRIEB)]


# ------------------------------------------------------------------------------------------------------------- libraries


def test_a_library_that_is_forbidden_is_unknown_and_the_others_are_read(stage: Stage) -> None:
    connector = stage.connector(pages=False)
    cursor = last_cursor(stage.read(connector))
    stage.change("add", library="policies", name="New here.md")
    stage.fail("error_before", status=403, operation="GET delta")
    items = stage.read(connector, cursor=cursor)
    failures = [item for item in items if isinstance(item, Failure)]
    assert [(failure.id, failure.beneath) for failure in failures] == [(f"{SHELVES['documents'].drive_id}/", True)]
    assert "New here.md" in {item.title for item in items if isinstance(item, Document)}


def test_a_library_that_is_gone_takes_its_documents_along_only_if_it_says_so_itself(stage: Stage) -> None:
    connector = stage.connector(pages=False)
    cursor = dict(last_cursor(stage.read(connector)))
    ghost = "b!gone"
    kept = SHELVES["styles"].drive_id
    place = dict(cursor["drives"][VERTRIEB])
    cursor["drives"] = {**cursor["drives"], ghost: place, kept: place}
    items = stage.read(connector, cursor=cursor)
    assert Complete(f"{ghost}/") in items
    (failure,) = (item for item in items if isinstance(item, Failure))
    assert (failure.id, failure.code, failure.beneath) == (f"{kept}/", "missing", True)
    assert ghost not in last_cursor(items)["drives"]
    assert kept in last_cursor(items)["drives"]


def test_failed_files_are_asked_for_again(stage: Stage) -> None:
    connector = stage.connector(pages=False)
    items = stage.read(connector)
    file = next(item for item in items if isinstance(item, Document))
    drive = file.id.partition("/")[0]
    retry = [file.id, f"{drive}/01NOTTHERE", f"{drive}/", "elsewhere/x"]
    again = stage.read(connector, cursor=last_cursor(items), retry=retry)
    assert [item.id for item in again if isinstance(item, Document)] == [file.id]
    assert [item.id for item in again if not isinstance(item, (Document, Checkpoint, Complete, Skip))] == [retry[1]]


def test_a_part_goes_on_from_its_own_cursor(stage: Stage) -> None:
    connector = stage.connector()
    with stage.context(connector) as context:
        keys = {part.name: part.key for part in connector.partitions(context)}
    part = keys["Handbook: Documents"]
    first = stage.read(connector, partition=part)
    assert {item.id.partition("/")[0] for item in first if isinstance(item, Document)} == {
        SHELVES["documents"].drive_id
    }
    stage.change("delete")
    stage.calm()
    later = stage.read(connector, partition=part, cursor=last_cursor(first))
    assert [type(item).__name__ for item in later] == ["Tombstone", "Checkpoint", "Checkpoint"]
    assert stage.counts()["GET delta"] == 1
    assert "GET drives" not in stage.counts()


# --------------------------------------------------------------------------------------------------------------- crowds


@pytest.mark.parametrize("retry_after", [None, "date", "none"])
def test_eight_workers_in_a_storm_of_429s_keep_every_pause(
    tmp_path: Path, stage: Stage, retry_after: str | None
) -> None:
    """A document that meets five of them in a row is left to the next run."""
    runs = Runs(tmp_path, stage, "fetch_workers = 8\n")
    seconds = 1 if retry_after == "none" else 7
    facts: dict[str, Any] = {
        "vendor": NAME,
        "seconds": seconds,
        "retry_after": retry_after,
        "grace_seconds": seconds / 2,
    }
    storms = [
        stage.server.services.faults.add(Fault("rate_limit", operation=operation, after=after, **facts))
        for operation in ("GET content", "GET download", "GET delta")
        for after in (0, 4, 8, 12)
    ]
    assert runs.run().status in ("ok", "partial")
    assert sum(storm.hits for storm in storms) >= 10
    if retry_after != "none":  # nobody was told how long it should have been
        assert stage.server.log.during_pause(NAME) == []
    stage.calm()
    assert runs.run().status == "ok"
    assert len(files(runs)) == FILES


def test_units_are_kept_by_all_workers_together(tmp_path: Path) -> None:
    with staged(curiosities="none", documents="60", units_per_minute="60") as stage:
        runs = Runs(tmp_path, stage)
        runs.configure("units_per_minute = 60\nfetch_workers = 8", without="units_per_minute")
        report = runs.run()
        assert report.status == "ok", report.message
        assert [entry for entry in stage.server.log.entries(NAME) if entry.status == 429] == []
        assert stage.clock.slept


# -------------------------------------------------------------------------------------------------------------- cut off


def test_a_reading_that_is_cut_off_goes_on_where_it_was(stage: Stage) -> None:
    connector = stage.connector(pages=False, sites=[BY_KEY["handbook"].url], subsites=False)
    everything = {item.id for item in stage.read(connector) if isinstance(item, Document)}
    stage.calm()
    stage.read(connector)
    pages = stage.counts()["GET delta"]
    places = len([item for item in stage.read(connector) if isinstance(item, Checkpoint)])
    assert places >= pages
    for cut in range(1, places):
        stage.calm()
        shown, cursor = until(stage, connector, cut)
        shown |= {item.id for item in stage.read(connector, cursor=cursor) if isinstance(item, Document)}
        assert shown == everything
        assert stage.counts()["GET delta"] <= pages + LIBRARIES, "what was read already is not read again"


def until(stage: Stage, connector: SharePointConnector, checkpoint: int) -> tuple[set[str], Mapping[str, Any]]:
    """Read up to a checkpoint, and no further; gives what was shown, and the cursor."""
    shown: set[str] = set()
    with stage.context(connector) as context:
        for item in connector.read(context):
            if isinstance(item, Document):
                shown.add(item.id)
            elif isinstance(item, Checkpoint):
                checkpoint -= 1
                if not checkpoint:
                    return shown, last_cursor([item])
    raise AssertionError("there are not so many checkpoints")


@pytest.mark.parametrize("kind", ["rename_folder", "delete_folder"])
def test_folders_that_change_while_everything_is_listed(stage: Stage, kind: str) -> None:
    """What was shown before is shown again under its new name; what has gone since is found by another whole listing."""
    connector = stage.connector(pages=False, sites=[BY_KEY["handbook"].url], subsites=False)
    calm = [item for item in stage.read(connector) if isinstance(item, Document)]
    folder = str(next(item.metadata["folder"] for item in calm if item.metadata.get("folder"))).partition("/")[0]
    pages, changed = 0, False
    items: list[Item] = []
    with stage.context(connector) as context:
        for item in connector.read(context):
            pages += isinstance(item, Checkpoint)
            if pages == 3 and not changed:
                changed = bool(stage.change(kind, item=folder, **({"name": "Anew"} if kind == "rename_folder" else {})))
            items.append(item)
    items += stage.read(connector, cursor=last_cursor(items))
    last = {item.id: item for item in items if isinstance(item, Document)}
    if kind == "rename_folder":
        assert not [
            item
            for item in last.values()
            if f"{item.metadata.get('folder')}/".startswith(f"{folder}/") and in_documents(item)
        ]
    else:
        assert [item.beneath for item in items if isinstance(item, Complete)].count(
            f"{SHELVES['documents'].drive_id}/"
        ) == 2


def in_documents(item: Document) -> bool:
    return item.id.startswith(SHELVES["documents"].drive_id)
