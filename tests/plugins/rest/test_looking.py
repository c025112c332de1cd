"""`check` and `explain`: what becomes of the first record, and where each field came from."""

from __future__ import annotations

import re

import pytest

from knowledge_connector import Finding
from knowledge_connector.testing.emulation import Fault
from plugins.rest.conftest import MakeWorld
from plugins.rest.world import CMS, DESK, FILES, HANDBOOK, RestWorld


def findings(here: RestWorld) -> dict[str, Finding]:
    with here.context() as context:
        return {one.subject: one for one in here.connector().check(context)}


def test_the_first_record_is_shown_with_where_each_field_came_from(world: MakeWorld) -> None:
    found = findings(world(DESK))
    assert all(one.ok for one in found.values())
    assert found["tickets"].message.endswith("/rest/desk/v1/tickets gave 10 records on its first page; there is more")
    assert found["tickets 1 · id"].message == "1001  from id"
    assert found["tickets 1 · title"].message == "'Invoices: how to change them (0)'  from subject"
    assert found["tickets 1 · deleted"].message == "nothing  from deleted"
    assert re.fullmatch(r"\d+ characters of html  from description_html", found["tickets 1 · body"].message)


def test_children_are_looked_at_beneath_the_first_parent_and_details_are_fetched_once(world: MakeWorld) -> None:
    here = world(CMS)
    found = findings(here)
    assert found["articles 1 · id"].message == "'a-0'  from id"
    assert found["articles 1 · metadata.topic"].message == "'Topic 0'  from {parent.name}"
    assert found["articles 1 · body"].message.endswith(" characters of html  from body of /articles/{record.id}")
    assert here.requests() == {"GET categories": 1, "GET articles": 1, "GET article": 1}


def test_a_file_is_named_and_not_fetched(world: MakeWorld) -> None:
    here = world(FILES)
    assert findings(here)["articles 1 · body"].message.startswith("the file at http")
    assert "GET store" not in here.requests()


@pytest.mark.parametrize(
    ("right", "wrong", "subject", "told"),
    [
        ('records = "data"', 'records = "items"', "tickets", "`records` = 'items' finds nothing"),
        ('path = "/tickets"', 'path = "/cases"', "tickets", "404"),
        ('id = "id"', 'id = "number"', "tickets 1 · id", "nothing  from number"),
        (
            'acl = "viewers"',
            'acl = "viewers"\nmetadata = { n = "length(version)" }',
            "tickets 1",
            "length(version)",
        ),
    ],
)
def test_what_does_not_fit_is_told(world: MakeWorld, right: str, wrong: str, subject: str, told: str) -> None:
    found = findings(world(DESK.replace(right, wrong, 1)))[subject]
    assert told in found.message
    assert not found.ok


def test_a_refused_credential_is_told_without_it(world: MakeWorld) -> None:
    here = world(HANDBOOK)
    here.environ = {"CONNECTOR_CONNECTORS__X__AUTH__PASSWORD": "wrong-and-secret"}
    found = findings(here)
    assert [one.ok for one in found.values()] == [False, False]
    assert "401" in found["pages"].message
    assert "wrong-and-secret" not in str(found)


def test_one_document_can_be_explained(world: MakeWorld) -> None:
    here = world(DESK)
    here.change("delete", id=3)
    with here.context() as context:
        connector = here.connector()
        assert (connector.explain("tickets/1001", context) or "").startswith("tickets/1001 is listed: 'Invoices")
        assert connector.explain("tickets/1004", context) == "tickets/1004 is gone at the origin."
        assert connector.explain("somewhere else", context) is None
        here.server.services.faults.add(Fault("error_before", status=403, operation="GET ticket"))
        assert "cannot be read (forbidden)" in (connector.explain("tickets/1002", context) or "")


def test_without_a_lookup_it_says_where_a_document_would_be_listed(world: MakeWorld) -> None:
    here = world(CMS)
    with here.context() as context:
        assert "listed by GET /categories/{parent.id}/articles" in (
            here.connector().explain("articles/a-1", context) or ""
        )
