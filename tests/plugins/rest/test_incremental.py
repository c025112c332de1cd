"""Parents and children, and readings that begin where the last one ended, against a service of a few lines."""

from __future__ import annotations

from typing import Any

import pytest

from knowledge_connector import FatalError
from knowledge_connector.testing.context import FakeClock
from plugins.rest.origin import ID, MAP, TWO, Answer, Asked, Origin, documents, items, last_cursor, origin, words

__all__ = ["origin"]


# ----------------------------------------------------------------------------------------------------------------- children


def families(origin: Origin) -> dict[str, Any]:
    origin.answers["/spaces"] = [{"id": "A", "name": "Aa", "kind": "x"}, {"id": "B/b", "name": "Bb", "kind": "y"}]
    origin.answers["/spaces/A/pages"] = [{"id": 1}, {"id": 2}]
    origin.answers["/spaces/B%2Fb/pages"] = [{"id": 3}]
    for number in (1, 2, 3):
        origin.answers[f"/pages/{number}/notes"] = [{"id": f"n{number}"}]
    return {
        "spaces": {"path": "/spaces"},
        "pages": {
            "path": "/spaces/{parent.id}/pages",
            "parent": {"resource": "spaces"},
            "map": {**ID, "title": "_parent.name"},
        },
        "notes": {
            "path": "/pages/{parent.id}/notes",
            "parent": {"resource": "pages"},
            "map": {"id": "id", "body": "{parent.id} of {parent._parent.name}"},
        },
    }


def test_children_have_children_and_know_their_parents(origin: Origin) -> None:
    found = documents(origin.read(families(origin)))
    assert set(found) == {"pages/1", "pages/2", "pages/3", "notes/n1", "notes/n2", "notes/n3"}
    assert (found["pages/3"].title, found["notes/n3"].body) == ("Bb", "3 of Bb")


def test_some_parents_have_none(origin: Origin) -> None:
    resources = families(origin)
    resources["pages"]["parent"]["only_if"] = "kind == 'y'"
    assert set(documents(origin.read(resources))) == {"pages/3", "notes/n3"}


def test_what_a_child_may_not_show_is_unknown_and_what_is_missing_is_gone(origin: Origin) -> None:
    resources = families(origin)
    first = origin.read(resources)
    origin.answers["/spaces/A/pages"] = Answer({}, 403)
    again = origin.read(resources, cursor=last_cursor(first))
    assert words(again) == ["!pages/", "pages/3", "notes/n3", "=pages/", "=notes/"]
    origin.answers["/spaces/A/pages"] = Answer({}, 404)
    assert words(origin.read(resources, cursor=last_cursor(first))) == ["pages/3", "notes/n3", "=pages/", "=notes/"]


@pytest.mark.parametrize("status", [200, 404])
def test_a_rule_may_call_a_child_unknown_whatever_its_status(origin: Origin, status: int) -> None:
    resources = families(origin)
    resources["pages"]["rules"] = [{"body": "error", "action": "unknown", "status": [status]}]
    origin.answers["/spaces/A/pages"] = Answer({"error": "later"}, status)
    assert words(origin.read(resources)) == ["!pages/", "pages/3", "notes/n3"]


def test_a_child_that_breaks_is_unknown_and_a_refused_credential_ends_it_all(origin: Origin) -> None:
    resources = families(origin)
    origin.answers["/pages/1/notes"] = Answer("<html>")
    assert "!notes/" in words(origin.read(resources))
    origin.answers["/pages/1/notes"] = Answer({}, 401)
    with pytest.raises(FatalError, match="401"):
        origin.read(resources)


def test_a_value_for_each_of_a_list(origin: Origin) -> None:
    origin.answers["/de/items"], origin.answers["/en/items"] = TWO[:1], TWO[1:]
    resource = {"items": {"path": "/{item.value}/items", "for_each": ["de", "en"], "map": {**ID, "language": "_item"}}}
    assert {id_: one.metadata for id_, one in documents(origin.read(resource)).items()} == {
        "items/1": {"language": "de"},
        "items/2": {"language": "en"},
    }


def test_details_at_the_listing_complete_the_record(origin: Origin) -> None:
    origin.answers["/items"] = [{"id": 1}, {"id": 2}]
    origin.answers["/items/1"] = {"item": {"title": "One", "v": 4}}
    resource = items(details={"path": "/items/{record.id}", "record": "item", "when": "listing"})
    found = origin.read(resource)
    assert words(found) == ["items/1", "!items/2"]
    assert documents(found)["items/1"].title == "One"


def test_details_that_are_gone_are_one_failure_of_a_document(origin: Origin) -> None:
    origin.answers["/items"] = [{"id": 1, "at": 1714566600}]
    one = documents(
        origin.read(
            {"items": {"path": "/items", "details": {"path": "/{record.id}"}, "map": {**MAP, "modified": "at"}}}
        )
    )
    body = one["items/1"].body
    assert callable(body)
    assert (one["items/1"].revision or "").startswith("1714566600~")


# -------------------------------------------------------------------------------------------------------------- incremental


def feed(origin: Origin, *marks: int) -> None:
    """Records with these marks; the service filters by `since`, if asked."""

    def answer(asked: Asked) -> list[dict[str, Any]]:
        since = int(asked["since"] or 0)
        return [{"id": mark, "at": mark} for mark in marks if mark >= since]

    origin.answers["/items"] = answer


def numbered(**options: Any) -> dict[str, Any]:
    return items(map=ID, incremental={"cursor": "at", "format": "number", "start_param": "since", **options})


def test_the_next_run_asks_for_what_is_later(origin: Origin) -> None:
    feed(origin, 1, 5, 9)
    first = origin.read(numbered())
    feed(origin, 1, 5, 9, 12)
    assert words(origin.read(numbered(), cursor=last_cursor(first))) == ["items/9", "items/12"]
    assert words(origin.read(numbered(lookback=4), cursor=last_cursor(first))) == ["items/5", "items/9", "items/12"]
    assert [one["since"] for one in origin.asked] == [None, "9", "5"]


def test_services_that_say_later_than_are_asked_one_step_earlier(origin: Origin) -> None:
    feed(origin, 9)
    first = origin.read(numbered(inclusive=False))
    origin.read(numbered(inclusive=False), cursor=last_cursor(first))
    assert origin.asked[-1]["since"] == "8"


def test_the_start_may_stand_anywhere_in_the_request(origin: Origin) -> None:
    feed(origin, 9)
    resource = items(
        map=ID,
        query={"q": "at >= {cursor.start}"},
        incremental={"cursor": "at", "format": "number", "initial": 3},
    )
    first = origin.read(resource)
    origin.read(resource, cursor=last_cursor(first))
    assert [one["q"] for one in origin.asked] == ["at >= 3", "at >= 9"]


def test_a_service_that_cannot_filter_is_filtered_here(origin: Origin) -> None:
    options = {"start_param": None, "client_side": True}
    feed(origin, 9, 5, 1)
    first = origin.read(numbered(**options))
    feed(origin, 12, 9, 5, 1)
    again = origin.read(numbered(**options), cursor=last_cursor(first))
    assert words(again) == ["items/12", "items/9"]


def test_with_the_newest_first_it_stops_at_what_is_known(origin: Origin) -> None:
    pages = {"1": [12, 9], "2": [5, 4], "3": [3, 2]}
    origin.answers["/items"] = lambda asked: [{"id": mark, "at": mark} for mark in pages.get(asked["page"] or "", [])]
    options = {"start_param": None, "newest_first": True}
    resource = numbered(**options)
    resource["items"]["paginator"] = {"type": "page"}
    first = origin.read(resource)
    assert len(origin.asked) == 4
    again = origin.read(resource, cursor=last_cursor(first))
    assert (words(again), len(origin.asked)) == (["items/12"], 6)


def test_after_so_many_hours_everything_is_listed(origin: Origin) -> None:
    feed(origin, 1, 5)
    clock = FakeClock()
    first = origin.read(numbered(full_every_hours=24), clock=clock)
    clock.advance(23 * 3600)
    again = origin.read(numbered(full_every_hours=24), clock=clock, cursor=last_cursor(first))
    assert words(again) == ["items/5"]
    clock.advance(2 * 3600)
    full = origin.read(numbered(full_every_hours=24), clock=clock, cursor=last_cursor(again))
    assert words(full) == ["items/1", "items/5", "=items/"]


def test_what_failed_before_is_asked_for_or_else_listed(origin: Origin) -> None:
    feed(origin, 1, 5)
    first = last_cursor(origin.read(numbered()))
    listed = origin.read(numbered(), cursor=first, retry=("items/1", "other/1"))
    assert words(listed) == ["items/1", "items/5", "=items/"]
    resource = numbered()
    resource["items"]["lookup"] = {"path": "/items/{document.id}"}
    origin.answers["/items/1"], origin.answers["/items/3"] = {"id": 1}, Answer({}, 403)
    asked = origin.read(resource, cursor=first, retry=("items/1", "items/2", "items/3"))
    assert words(asked) == ["items/1", "-items/2", "!items/3", "items/5"]


@pytest.mark.parametrize(
    ("without", "seen"),
    [("include", ["items/1", "items/2"]), ("exclude", ["items/1"]), ("fail", ["items/1", "!items/"])],
)
def test_a_record_without_a_mark(origin: Origin, without: str, seen: list[str]) -> None:
    origin.answers["/items"] = [{"id": 1, "at": 1}, {"id": 2}]
    assert sorted(words(origin.read(numbered(without_cursor=without)))) == sorted(seen)


def test_a_mark_that_the_service_does_not_know_any_more_means_everything(origin: Origin) -> None:
    feed(origin, 1, 5)
    first = last_cursor(origin.read(numbered()))
    origin.answers["/items"] = lambda asked: Answer({}, 410) if asked["since"] else [{"id": 5, "at": 5}]
    assert words(origin.read(numbered(), cursor=first)) == ["items/5", "=items/"]


def test_too_many_with_the_same_mark_are_an_error(origin: Origin) -> None:
    origin.answers["/items"] = [{"id": number, "at": 1} for number in range(3)]
    with pytest.raises(FatalError, match="no way past them"):
        origin.read(numbered(restart_after_records=3))


@pytest.mark.parametrize("kept", [{"known": 7}, {"page": 3}, {"under": {"resource": "items", "lap": "x"}}])
def test_a_cursor_that_cannot_be_understood_means_everything_and_a_warning(
    origin: Origin, kept: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    feed(origin, 1, 5)
    assert words(origin.read(numbered(), cursor=kept)) == ["items/1", "items/5", "=items/"]
    assert "cannot be understood" in caplog.text


def test_children_of_changed_parents_only(origin: Origin) -> None:
    def answer(asked: Asked) -> list[dict[str, Any]]:
        return [{"id": mark, "at": mark} for mark in (1, 5) if mark >= int(asked["since"] or 0)]

    origin.answers["/spaces"] = answer
    origin.answers["/spaces/1/pages"], origin.answers["/spaces/5/pages"] = [{"id": "a"}], [{"id": "b"}]
    resources = {
        "spaces": {"path": "/spaces", "incremental": {"cursor": "at", "format": "number", "start_param": "since"}},
        "pages": {
            "path": "/spaces/{parent.id}/pages",
            "parent": {"resource": "spaces", "nested_ids": True},
            "map": ID,
        },
    }
    first = origin.read(resources)
    assert words(first) == ["pages/1/a", "pages/5/b"]
    assert words(origin.read(resources, cursor=last_cursor(first))) == ["pages/5/b", "=pages/5/"]
