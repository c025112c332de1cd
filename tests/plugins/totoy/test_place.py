"""Projects and knowledge bases: found, made, or refused with a reason; and what `check` says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest

from knowledge_connector import ConfigError, Finding, Unavailable
from knowledge_connector.testing.drafts import OWNER
from knowledge_connector.testing.emulation import Fault, LeapingClock, RunningServer
from knowledge_connector_totoy.client import TotoyClient
from knowledge_connector_totoy.emulator import TotoyEmulator
from knowledge_connector_totoy.place import Place
from knowledge_connector_totoy.target import TotoyTarget
from plugins.totoy.conftest import config_for

Places = Callable[..., Place]


@pytest.fixture
def place(server: RunningServer, clock: LeapingClock) -> Iterator[Places]:
    with ExitStack() as stack:

        def make(**options: object) -> Place:
            config = config_for(server, **options)
            return Place(stack.enter_context(closing(TotoyClient(config, clock))), config)

        yield make


def base_of(emulator: TotoyEmulator, name: str = "Handbook", project_id: str | None = None) -> str:
    row = emulator.organisation.add_base({"name": name, "instructions": "", "project_id": project_id})
    return str(row["knowledge_base_id"])


def test_a_base_is_found_by_name_and_by_id(place: Places, server: RunningServer, emulator: TotoyEmulator) -> None:
    base_id = base_of(emulator)
    for wanted in ("Handbook", base_id):
        for there in (
            place(knowledge_base=wanted).find(),
            place(knowledge_base=wanted).ensure(),
        ):
            assert there is not None
            assert there.id == base_id
    assert server.log.writes() == []


def test_a_missing_base_is_made_once_with_its_instructions(
    place: Places, server: RunningServer, emulator: TotoyEmulator
) -> None:
    there = place(instructions="Be brief.")
    assert there.find() is None
    assert server.log.writes() == []
    made = there.ensure()
    assert there.ensure() == made == there.find()
    (row,) = emulator.organisation.bases.values()
    assert (row["name"], row["instructions"], row["project_id"]) == ("Handbook", "Be brief.", made.project_id)


def test_the_project_decides_which_base_is_meant(place: Places, emulator: TotoyEmulator) -> None:
    other = emulator.organisation.add_project("Other")["project_id"]
    elsewhere = base_of(emulator, project_id=other)
    assert place().find() is None
    for project in ("Other", other):
        there = place(project=project).find()
        assert there is not None
        assert (there.id, there.project_id) == (elsewhere, other)
    by_id = place(knowledge_base=elsewhere).find()
    assert by_id is not None
    assert by_id.project_id == other


def test_a_missing_project_is_made(place: Places, emulator: TotoyEmulator) -> None:
    there = place(project="New")
    assert there.find() is None
    assert emulator.organisation.projects[there.ensure().project_id]["name"] == "New"


@pytest.mark.parametrize("kind", ["error_before", "error_after", "lost_answer", "cut_before"])
@pytest.mark.parametrize("operation", ["POST projects", "POST knowledge-bases"])
def test_neither_is_made_twice(
    place: Places, server: RunningServer, emulator: TotoyEmulator, operation: str, kind: str
) -> None:
    fault = server.services.faults.add(Fault(kind, operation=operation))
    place(project="New").ensure()
    assert fault.hits == 1
    assert [row["name"] for row in emulator.organisation.projects.values()] == ["Default", "New"]
    assert [row["name"] for row in emulator.organisation.bases.values()] == ["Handbook"]


def test_it_gives_up_after_some_attempts(place: Places, server: RunningServer) -> None:
    fault = server.services.faults.add(Fault("error_before", operation="POST knowledge-bases", times=0))
    with pytest.raises(Unavailable):
        place().ensure()
    assert fault.hits == 5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"knowledge_base": "kb_" + "a" * 25}, "knows no knowledge base kb_a"),
        ({"project": "pj_" + "a" * 25}, "knows no project pj_a"),
        ({"knowledge_base": "Twin"}, "2 are called 'Twin'"),
        ({"project": "Twin"}, "2 are called 'Twin'"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    place: Places, emulator: TotoyEmulator, options: dict[str, str], message: str
) -> None:
    for _ in range(2):
        base_of(emulator, "Twin")
        emulator.organisation.add_project("Twin")
    with pytest.raises(ConfigError, match=message):
        place(**options).find()


def test_a_base_in_another_project_than_said(place: Places, emulator: TotoyEmulator) -> None:
    emulator.organisation.add_project("Other")
    for project in ("Other", "Unknown"):
        with pytest.raises(ConfigError, match="leave `project` out"):
            place(knowledge_base=base_of(emulator), project=project).find()


def findings(target: TotoyTarget) -> dict[str, Finding]:
    return {finding.subject: finding for finding in target.check()}


def test_check_says_where_knowledge_goes_and_how_much_room_is_left(
    target: TotoyTarget, server: RunningServer, emulator: TotoyEmulator
) -> None:
    server.services.options |= {"totoy.limit_type": "hard", "totoy.limit_text_sources": "0"}
    found = findings(target)
    assert "the first run makes it" in found["knowledge base"].message
    assert found["organisation"].message == "Emulated organisation is active"
    assert not found["text sources"].ok
    assert "0 of 0 (hard limit); the plan lets no more be made" in found["text sources"].message
    base_id = base_of(emulator)
    server.services.options |= {"totoy.limit_type": "soft", "totoy.status": "suspended"}
    found = findings(target)
    assert found["text sources"].ok
    assert not found["organisation"].ok
    assert found["knowledge base"].message.startswith(f"Handbook ({base_id})")
    assert server.log.writes() == []


def test_check_says_that_the_key_is_wrong(server: RunningServer, clock: LeapingClock) -> None:
    target = TotoyTarget(config_for(server, api_key="wrong-and-secret"), clock=clock)
    (finding,) = target.check()
    assert not finding.ok
    assert "401" in finding.message
    assert "secret" not in finding.message + repr(target.config)


def test_opening_asks_nothing(target: TotoyTarget, server: RunningServer) -> None:
    with target.open(OWNER, fence=1):
        pass
    assert len(server.log) == 0
