"""What the options do, one by one, against a service of a few lines."""

from __future__ import annotations

import json
from typing import Any

import pytest

from knowledge_connector import ConfigError, FatalError, RateLimited, Unavailable
from knowledge_connector.testing.context import FakeClock
from plugins.rest.origin import ID, MAP, TWO, Answer, Origin, documents, items, origin, words

__all__ = ["origin"]

# ----------------------------------------------------------------------------------------------------------------- requests


@pytest.mark.parametrize(
    ("list_style", "sent"),
    [("repeat", [("s", "a"), ("s", "b")]), ("comma", [("s", "a,b")]), ("brackets", [("s[]", "a"), ("s[]", "b")])],
)
def test_lists_are_written_as_the_service_wants_them(
    origin: Origin, list_style: str, sent: list[tuple[str, str]]
) -> None:
    origin.answers["/items"] = TWO
    origin.read(items(query={"s": ["a", "b"], "none": "{cursor.start}", "yes": True}), list_style=list_style)
    assert origin.queries() == [[*sent, ("yes", "true")]]


def test_values_are_encoded_once(origin: Origin) -> None:
    origin.answers["/sp%2Fce%20%25/items"] = TWO
    resource = {"items": {"path": "/{variables.space}/items", "query": {"q": "{variables.space} ä&=+"}, "map": MAP}}
    assert len(documents(origin.read(resource, variables={"space": "sp/ce %"}))) == 2
    assert origin.asked[0]["q"] == "sp/ce % ä&=+"


def test_secrets_go_into_headers_and_bodies(origin: Origin) -> None:
    origin.answers["/items"] = TWO
    body = {"query": "{ items(first: 2) { nodes {id} } }", "variables": {"key": "{secrets.key}", "n": 2}}
    origin.read(items(method="POST", body=body), headers={"X-Tenant": "t-{secrets.key}"}, secrets={"key": "planted"})
    assert origin.asked[0].headers["x-tenant"] == "t-planted"
    assert json.loads(origin.asked[0].body) == {**body, "variables": {"key": "planted", "n": 2}}


def test_a_form_is_sent_as_a_form(origin: Origin) -> None:
    origin.answers["/items"] = TWO
    paginator = {"type": "page", "place_in": "body", "max_pages": 1}
    origin.read(items(method="POST", form={"a": "ä b"}, paginator=paginator))
    assert origin.asked[0].body == b"a=%C3%A4+b&page=1"


def test_a_path_to_another_host_is_refused_before_anything_is_sent(origin: Origin) -> None:
    with pytest.raises(ConfigError, match="allowed_hosts"):
        origin.read({"items": {"path": "http://other.example.com/items", "map": MAP}})


# ----------------------------------------------------------------------------------------------------------------- records


def test_records_become_documents(origin: Origin) -> None:
    origin.answers["/items"] = {
        "list": [
            {
                "key": "K-1", "name": " Name ", "html": "<p>x</p>", "self": "/k/1", "at": 1714566600, "v": 7,
                "lang": "de", "labels": [{"n": "a"}, {"n": "b"}], "read": ["y", "x"], "owner": {"id": 3}, "score": 1.5,
            }
        ]
    }  # fmt: skip
    fields = {
        "id": "key", "title": "name", "body": "html", "format": "html", "url": "self", "modified": "at", "version": "v",
        "language": "lang", "tags": "labels[].n", "acl": "read", "metadata": {"owner": "owner", "score": "score", "kind": "'item'"},
    }  # fmt: skip
    found = documents(origin.read({"items": {"path": "/items", "records": "list", "map": fields}}))
    one = found["items/K-1"]
    assert (one.title, one.body, one.media_type) == ("Name", "<p>x</p>", "text/html")
    assert (one.uri, one.tags, one.acl) == (f"{origin.url}/k/1", ("a", "b"), ("x", "y"))
    assert one.metadata == {"language": "de", "owner": '{"id": 3}', "score": 1.5, "kind": "item"}
    assert one.updated_at is not None
    assert one.updated_at.isoformat() == "2024-05-01T12:30:00+00:00"
    assert (one.revision or "").startswith("7~")


def test_bodies_may_be_put_together_and_data_becomes_json(origin: Origin) -> None:
    origin.answers["/items"] = [{"id": 1, "a": "x", "data": {"z": 1, "a": [{"seen": 5, "b": 2}]}, "seen": 9}]
    together = origin.read(
        {"items": {"path": "/items", "map": {"id": "id", "body": "# {record.a}\n\n{record.data.z}"}}}
    )
    assert documents(together)["items/1"].body == "# x\n\n1"
    data = {"id": "id", "body": "@", "format": "json", "volatile": ["seen", "data.a.seen"]}
    found = documents(origin.read({"items": {"path": "/items", "map": data}}))["items/1"]
    assert json.loads(str(found.body)) == {"id": 1, "a": "x", "data": {"a": [{"b": 2}], "z": 1}}


def test_without_a_version_the_text_decides(origin: Origin) -> None:
    record = {"id": 1, "title": "One", "text": "first", "views": 1}
    origin.answers["/items"] = [record]
    before = documents(origin.read(items()))["items/1"].revision
    origin.answers["/items"] = [{**record, "views": 2, "title": "Other"}]
    assert documents(origin.read(items()))["items/1"].revision == before
    origin.answers["/items"] = [{**record, "text": "changed"}]
    assert documents(origin.read(items()))["items/1"].revision != before


def test_another_recipe_is_another_revision(origin: Origin) -> None:
    origin.answers["/items"] = [{"id": 1, "v": 1, "text": "a", "html": "b"}]
    revisions = {
        documents(origin.read({"items": {"path": "/items", "map": {"id": "id", "version": "v", "body": body}}}))[
            "items/1"
        ].revision
        for body in ("text", "html")
    }
    assert len(revisions) == 2


def test_some_are_left_out_and_some_are_gone(origin: Origin) -> None:
    origin.answers["/items"] = [
        {"id": 1, "s": "draft"},
        {"id": 2, "s": "out", "gone": True},
        {"id": 3, "s": "out", "gone": "false"},
    ]
    found = origin.read({"items": {"path": "/items", "filter": "s == 'out'", "map": {**ID, "deleted": "gone"}}})
    assert words(found) == ["~items/1", "-items/2", "items/3"]


def test_lists_within_records_are_expanded(origin: Origin) -> None:
    origin.answers["/items"] = [{"id": 7, "title": "Outer", "parts": [{"n": 1}, {"n": 2}]}, {"id": 8, "parts": None}]
    fields = {"id": "{parent.id}-{record.n}", "title": "_parent.title", "body": "'x'"}
    found = documents(origin.read({"items": {"path": "/items", "expand": "parts", "map": fields}}))
    assert {id_: one.title for id_, one in found.items()} == {"items/7-1": "Outer", "items/7-2": "Outer"}


def test_one_record_that_cannot_be_mapped_is_one_failure(origin: Origin) -> None:
    origin.answers["/items"] = [
        {"id": 1, "at": "soon"},
        {"id": 2, "at": "2024-05-01"},
        {"id": 3, "at": "2024-05-01T00:00Z"},
    ]
    found = origin.read({"items": {"path": "/items", "map": {**ID, "modified": "at"}}})
    assert words(found) == ["!items/1", "!items/2", "items/3"]


def test_records_need_not_be_objects(origin: Origin) -> None:
    origin.answers["/items"] = ["a", "b"]
    assert words(origin.read({"items": {"path": "/items", "map": {"id": "value", "body": "value"}}})) == [
        "items/a",
        "items/b",
    ]


@pytest.mark.parametrize("payload", [{"data": None}, {"data": "x"}, {}, 7])
def test_no_list_of_records_is_an_error_and_never_nothing(origin: Origin, payload: object) -> None:
    origin.answers["/items"] = Answer(payload)
    with pytest.raises(FatalError, match="no records"):
        origin.read(items(records="data"))
    assert len(origin.asked) == 3


def test_a_service_may_leave_an_empty_list_out(origin: Origin) -> None:
    origin.answers["/items"] = {"data": None}
    assert words(origin.read(items(records="data", no_records="empty"))) == []
    origin.answers["/items"] = Answer(status=204)
    assert words(origin.read(items(records="data"))) == []


# --------------------------------------------------------------------------------------------------------------------- rules


@pytest.mark.parametrize(
    ("rule", "answer", "raised"),
    [
        ({"status": [418], "action": "fail", "message": "a teapot"}, Answer({}, 418), FatalError),
        ({"status": [418], "action": "fail", "blame": "configuration", "message": "a teapot"}, Answer({}, 418), ConfigError),
        ({"body": "error", "action": "fail", "blame": "outage", "message": "a teapot"}, Answer({"error": 1}), Unavailable),
        ({"text": "teapot", "action": "retry", "message": "a teapot"}, Answer("i am a teapot"), Unavailable),
        ({"header": {"X-Kind": "^tea"}, "action": "rate_limited", "message": "a teapot"},
         Answer({}, headers={"X-Kind": "teapot", "Retry-After": "7"}), RateLimited),
    ],
)  # fmt: skip
def test_rules_say_what_an_answer_means(
    origin: Origin, rule: dict[str, Any], answer: Answer, raised: type[Exception]
) -> None:
    origin.answers["/items"] = answer
    with pytest.raises(raised, match="a teapot"):
        origin.read(items(rules=[rule]))


def test_a_rule_may_ask_again(origin: Origin) -> None:
    answers = iter([Answer({"error": "busy"}), Answer({"error": "busy"}), Answer(TWO)])
    origin.answers["/items"] = lambda _: next(answers)
    clock = FakeClock()
    assert (
        len(documents(origin.read(items(), rules=[{"body": "error == 'busy'", "action": "retry"}], clock=clock))) == 2
    )
    assert len(clock.slept) == 2


def test_a_pause_that_a_rule_finds_is_kept(origin: Origin) -> None:
    answers = iter([Answer({"error": "slow"}, headers={"Retry-After": "33"}), Answer(TWO)])
    origin.answers["/items"] = lambda _: next(answers)
    clock = FakeClock()
    origin.read(items(), rules=[{"body": "error", "action": "rate_limited"}], clock=clock)
    assert clock.slept == [33]


def test_an_answer_may_be_ignored_or_unknown_or_a_success(origin: Origin) -> None:
    origin.answers["/items"] = Answer({"error": "none"}, 404)
    assert words(origin.read(items(rules=[{"status": [404], "action": "ignore"}]))) == []
    assert words(origin.read(items(rules=[{"status": [404], "action": "unknown"}]))) == ["!items/"]
    origin.answers["/items"] = Answer(TWO, 404)
    assert words(origin.read(items(rules=[{"status": [404], "action": "success"}]))) == ["items/1", "items/2"]


def test_a_rule_may_renew_the_credentials(origin: Origin) -> None:
    tokens = iter(["old", "new"])
    origin.answers["/token"] = lambda _: {"access_token": next(tokens)}
    origin.answers["/items"] = lambda asked: (
        TWO if asked.headers["authorization"] == "Bearer new" else {"error": "expired"}
    )
    auth = {"type": "oauth2_client_credentials", "token_url": f"{origin.url}/token"}
    assert (
        len(documents(origin.read(items(), auth=auth, rules=[{"body": "error", "action": "renew_credentials"}]))) == 2
    )


def test_a_rule_speaks_of_some_answers_and_all_others_mean_what_they_do(origin: Origin) -> None:
    answers = iter([Answer({}, 429, {"Retry-After": "5"}), Answer({}, 503), Answer(TWO)])
    origin.answers["/items"] = lambda _: next(answers)
    rules = [{"status": [429, 503], "body": "fatal", "action": "fail"}]
    assert len(documents(origin.read(items(rules=rules)))) == 2


def test_a_signed_token_may_be_sent_as_it_is(origin: Origin) -> None:
    origin.answers["/items"] = TWO
    auth = {
        "type": "jwt",
        "algorithm": "HS256",
        "private_key": "k" * 40,
        "claims": {"sub": "us"},
        "token_prefix": "JWT ",
    }
    origin.read(items(), auth=auth)
    scheme, _, token = origin.asked[0].headers["authorization"].partition(" ")
    assert (scheme, token.count(".")) == ("JWT", 2)
