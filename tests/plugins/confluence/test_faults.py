"""The fault matrix: whatever goes wrong at the wiki, nothing is lost, nothing is wrongly deleted, and no credential goes astray.

Each case is a run during which something goes wrong, in a wiki that holds still, and a calm run behind it. Both have to leave the
target as it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from knowledge_connector import SyncReport
from knowledge_connector.testing.emulation import Fault
from plugins.confluence.stage import Stage, differences, staged

DEPLOYMENTS = ("cloud", "datacenter")

OPERATIONS = {
    "cloud": {
        "spaces": "GET spaces",
        "listing": "GET spaces/{id}/pages",
        "labels": "GET content/search",
        "attachments": "GET pages/{id}/attachments",
        "restrictions": "GET content/{id}/restriction/byOperation",
        "body": "GET pages/{id}",
        "download": "GET content/{id}/child/attachment/{id}/download",
        "media": "GET media",
    },
    "datacenter": {
        "spaces": "GET space",
        "listing": "GET content",
        "who": "GET user/current",
        "attachments": "GET content/{id}/child/attachment",
        "restrictions": "GET content/{id}/restriction/byOperation",
        "body": "GET content/{id}",
        "download": "GET download",
    },
}

STATUSES = [Fault("error_before", status=status) for status in (400, 403, 404, 410, 500, 503)]
ANSWERS = [Fault("unauthorized"), Fault("login_page"), Fault("empty_body"), Fault("captcha")]
CONNECTIONS = [Fault("cut_before"), Fault("lost_answer")]
PAUSES = [Fault("rate_limit", seconds=40, retry_after=form) for form in (None, "date")]
PAUSES += [Fault("rate_limit", retry_after=form) for form in ("0", "none")]
EVERYWHERE = [*STATUSES, *ANSWERS, *CONNECTIONS, *PAUSES]
LASTING = [*STATUSES, *ANSWERS, *CONNECTIONS]
PAGING = [Fault(kind) for kind in ("duplicate_results", "lost_result", "empty_page", "cursor_loop", "bad_cursor")]


@dataclass(frozen=True)
class Case:
    """A fault at a place.

    Attributes:
        part: Which requests it hits.
        lasting: Whether it goes on until the run is over.
        later: How many requests pass before.
    """

    part: str
    fault: Fault
    lasting: bool = False
    later: int = 0

    def __str__(self) -> str:
        status = f"-{self.fault.status}" if self.fault.kind == "error_before" else ""
        form = f"-{self.fault.retry_after}" if self.fault.retry_after else ""
        return f"{self.part}-{self.fault.kind}{status}{form}{'-lasting' * self.lasting}{f'-after-{self.later}' * bool(self.later)}"

    def at(self, personality: str) -> Fault:
        operation = OPERATIONS[personality][self.part]
        return replace(self.fault, operation=operation, times=0 if self.lasting else 1, after=self.later)


def cases(*parts: str) -> list[Case]:
    """Every fault at these parts, once and lasting."""
    once = [Case(part, fault) for part in parts for fault in EVERYWHERE]
    return once + [Case(part, fault, lasting=True) for part in parts for fault in LASTING]


IN_MID_LISTING = [replace(case, later=1) for case in cases("listing")]
IN_MID_LISTING += [Case("listing", fault, lasting) for fault in PAGING for lasting in (False, True)]


@pytest.fixture(scope="module", params=DEPLOYMENTS)
def large(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A wiki that has been read: one space of two or three pages of a listing."""
    options: dict[str, Any] = {"space_keys": ["ENG"], "kinds": ["page"]}
    emulate = {"documents": "1640", "attachment_every": "200"}
    with staged(tmp_path_factory.mktemp("large"), request.param, emulate=emulate, **options) as stage:
        yield from unchanged(stage)


@pytest.fixture(scope="module", params=DEPLOYMENTS)
def small(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A small one, with everything that is asked for page by page."""
    options: dict[str, Any] = {"space_keys": ["ENG"], "kinds": ["page"], "attachments": True, "acl": True}
    emulate = {"documents": "40", "attachment_every": "3"}
    with staged(tmp_path_factory.mktemp("small"), request.param, emulate=emulate, **options) as stage:
        yield from unchanged(stage)


def unchanged(stage: Stage) -> Iterator[Stage]:
    assert stage.run().status == "ok"
    held = stage.held()
    yield stage
    assert differences(held, stage.held()) == {}


@pytest.mark.matrix
@pytest.mark.parametrize("case", IN_MID_LISTING, ids=str)
def test_nothing_is_lost_in_mid_listing(large: Stage, case: Case) -> None:
    survive(large, case)


@pytest.mark.matrix
@pytest.mark.parametrize("case", cases("spaces", "who", "listing", "labels", "attachments", "restrictions"), ids=str)
def test_nothing_is_lost_while_a_wiki_is_listed(small: Stage, case: Case) -> None:
    survive(small, case)


@pytest.fixture(scope="module", params=DEPLOYMENTS)
def moving(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A small one whose pages and files change."""
    options: dict[str, Any] = {"space_keys": ["ENG"], "kinds": ["page"], "attachments": True}
    emulate = {"documents": "40", "attachment_every": "3"}
    with staged(tmp_path_factory.mktemp("moving"), request.param, emulate=emulate, **options) as stage:
        assert stage.run().status == "ok"
        yield stage


@pytest.mark.matrix
@pytest.mark.parametrize("case", cases("body", "download", "media"), ids=str)
def test_nothing_is_lost_while_bodies_are_fetched(moving: Stage, case: Case) -> None:
    """A page and a file have changed; the former versions stay until the new ones are there."""
    stage = moving
    skip_unless_known(stage, case)
    stage.server.services.faults.clear()
    before = stage.held()
    changed = {"1000/10000005", "1000/10000003/att50000001"}
    for kind, id_ in (("edit", "10000005"), ("attachment_version", "att50000001")):
        stage.change(kind, id=id_)
    active = stage.server.services.faults.add(case.at(personality(stage)))
    stage.run()
    during = differences(before, stage.held())
    assert active.hits
    assert during.keys() <= changed
    assert set(during.values()) <= {"text"}
    stage.server.services.faults.clear()
    after = stage.run()
    assert after.status == "ok", after.message
    assert differences(before, stage.held()) == dict.fromkeys(changed, "text")
    assert_nothing_went_astray(stage)


def survive(stage: Stage, case: Case) -> None:
    skip_unless_known(stage, case)
    stage.server.services.faults.clear()
    active = stage.server.services.faults.add(case.at(personality(stage)))
    report = stage.run()
    assert written(report) == 0, report.message
    if case.fault not in PAGING:
        assert active.hits, "nothing went wrong"
        assert report.status != "ok" or not case.lasting, "it went wrong to the end, and nobody noticed"
    stage.server.services.faults.clear()
    after = stage.run()
    assert after.status == "ok", after.message
    assert written(after) == 0
    assert_nothing_went_astray(stage)


def written(report: SyncReport) -> int:
    """What a run did, or would have done."""
    return report.created + report.updated + report.retagged + report.deleted + report.withheld


def skip_unless_known(stage: Stage, case: Case) -> None:
    if case.part not in OPERATIONS[personality(stage)]:
        pytest.skip("this deployment is not asked for it")
    if case.part == "media" and case.fault.kind in ("login_page", "empty_body", "captcha"):
        pytest.skip("the media store knows no log-in")


def personality(stage: Stage) -> str:
    return stage.server.services.options["confluence.personality"]


def assert_nothing_went_astray(stage: Stage) -> None:
    assert not [visit for visit in stage.wiki.visits if visit.elsewhere and (visit.scheme or visit.with_cookie)]
