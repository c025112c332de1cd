"""Version 2 of the API: listings by cursors, single contents, trees, labels, attachments, people."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import httpx
import pytest

from knowledge_connector.testing.emulation import Fault
from knowledge_connector_confluence.emulator import ELEMENTS
from plugins.confluence.emulated import Wiki, wiki

HOME, PLAIN, LIVE, FOLDER, DATABASE, POST = "100001", "100002", "100012", "100051", "100056", "100021"


def ids(results: list[dict[str, str]]) -> list[str]:
    return [one["id"] for one in results]


def test_a_listing_is_whole_and_its_links_are_relative_to_the_host(bare: Wiki) -> None:
    first = bare.get("api/v2/pages", limit=7)
    following = first.json()["_links"]["next"]
    assert following.startswith("/wiki/api/v2/pages?limit=7&cursor=")
    assert first.headers["Link"].startswith(f'<{following}>; rel="next"')
    pages = list(bare.pages("pages", limit=7))
    assert [len(page["results"]) for page in pages] == [7, 7, 7, 7, 7, 5]
    assert ids([one for page in pages for one in page["results"]]) == [str(10_000_000 + n) for n in range(40)]
    assert pages[0]["_links"]["base"] == f"{bare.server.url}/wiki"


def test_behind_the_gateway_the_base_is_another_host(bare: Wiki) -> None:
    told = bare.v2("pages", "gateway", limit=2)
    assert told["_links"]["base"] == f"{bare.server.services.elsewhere_url}/wiki"
    assert told["_links"]["next"].startswith("/wiki/api/v2/pages?")
    assert len(bare.all("pages", "gateway", limit=9)) == 40


def test_a_cursor_is_good_for_the_same_call_only(bare: Wiki) -> None:
    cursor = httpx.URL(bare.v2("pages", limit=5, sort="title")["_links"]["next"]).params["cursor"]
    assert bare.get("api/v2/pages", cursor=cursor, limit=2, sort="title").status_code == 200
    for wrong in ({"cursor": cursor}, {"cursor": cursor, "sort": "id"}, {"cursor": "nonsense"}):
        assert bare.get("api/v2/pages", **wrong).status_code == 400


def test_limits_are_clamped_and_offsets_ignored() -> None:
    with wiki(documents="300", showcase="off") as site:
        assert len(site.v2("pages")["results"]) == 25
        assert len(site.v2("pages", limit=1000)["results"]) == 250
        assert ids(site.v2("pages", limit=2, start=5)["results"]) == ["10000000", "10000001"]
        assert site.get("api/v2/pages", limit=0).status_code == 400


@pytest.mark.parametrize(
    ("sort", "key"),
    [("id", "id"), ("-id", "id"), ("title", "title"), ("-modified-date", "modified"), ("created-date", "created")],
)
def test_listings_are_sorted_across_pages_also_after_changes(site: Wiki, sort: str, key: str) -> None:
    site.change("edit", id="10000003")
    site.change("rename", id="10000030", title="Aardvark")
    site.change("create", title="New")
    shown: dict[str, Callable[[dict[str, Any]], Any]] = {
        "id": lambda one: int(one["id"]),
        "title": lambda one: one["title"],
        "modified": lambda one: one["version"]["createdAt"],
        "created": lambda one: one["createdAt"],
    }
    found = [shown[key](one) for one in site.all("pages", limit=11, sort=sort)]
    assert len(found) == len(site.all("pages", limit=250))
    assert all(one >= other if sort.startswith("-") else one <= other for one, other in pairwise(found))
    assert site.get("api/v2/pages", sort="age").status_code == 400


def test_filters(site: Wiki) -> None:
    every = site.all("pages", limit=250)
    assert ids(site.all("pages", id="10000003,10000005")) == ["10000003", "10000005"]
    assert ids(site.all("pages", title="Plain page")) == [PLAIN]
    assert ids(site.all("pages", subtype="live")) == [LIVE]
    assert LIVE not in ids(site.all("pages", subtype="page", limit=250))
    assert {one["status"] for one in every} == {"current", "archived"}
    assert ids(site.all("pages", status="trashed")) == ["100015"]
    assert {one["spaceId"] for one in site.all("pages", space_id="1000,1001")} == {"1000", "1001"}
    assert len(site.all("spaces/1000/pages", limit=3)) == 10
    assert ids(site.all("spaces/1000/pages", depth="root")) == ["10000000"]
    assert site.get("api/v2/pages", status="lost").status_code == 400
    assert site.get("api/v2/spaces/99/pages").status_code == 404
    assert site.get("api/v2/pages", id=",".join(str(n) for n in range(251))).status_code == 400


def test_spaces(site: Wiki) -> None:
    assert [one["key"] for one in site.all("spaces", limit=2)] == ["ENG", "HR", "42", "AND", "SHOW", "OLD", "~reader"]
    assert [one["key"] for one in site.all("spaces", keys="ENG,~reader")] == ["ENG"], "an alias is no key"
    assert [one["key"] for one in site.all("spaces", type="personal")] == ["~reader"]
    assert [one["key"] for one in site.all("spaces", status="archived")] == ["OLD"]
    one = site.v2("spaces/1000")
    assert (one["homepageId"], one["_links"]["webui"]) == ("10000000", "/spaces/ENG")
    reads = [
        row for row in site.all("spaces/1002/permissions") if row["operation"] == {"key": "read", "targetType": "space"}
    ]
    assert [row["principal"]["type"] for row in reads] == ["group", "role"]


def test_bodies_in_lists_and_alone(site: Wiki) -> None:
    listed = site.v2("pages", id=PLAIN, body_format="storage")["results"][0]
    assert listed["body"] == {
        "storage": {"representation": "storage", "value": "<p>A plain page with one paragraph.</p>"}
    }
    for form in ("view", "export_view", "styled_view", "anonymous_export_view"):
        assert site.get("api/v2/pages", body_format=form).status_code == 400
        assert "paragraph" in site.v2(f"pages/{PLAIN}", body_format=form)["body"][form]["value"] or form.startswith(
            "anonymous"
        )
    assert (
        site.v2(f"pages/{PLAIN}", body_format="anonymous_export_view")["body"]["anonymous_export_view"]["value"] == ""
    )
    assert site.get(f"api/v2/pages/{PLAIN}", body_format="wiki").status_code == 400
    assert site.v2("pages", limit=1)["results"][0]["body"] == {}


def test_one_page(site: Wiki) -> None:
    page = site.v2(f"pages/{ELEMENTS}", include_labels="true")
    assert (page["parentId"], page["parentType"], page["spaceId"]) == (HOME, "page", "2001")
    assert page["labels"]["results"][0]["name"] == "elements"
    assert page["_links"]["webui"] == f"/spaces/SHOW/pages/{ELEMENTS}/Every+element"
    assert site.v2(f"pages/{LIVE}")["subtype"] == "live"
    assert site.v2("pages/100052")["parentType"] == "folder"
    assert site.v2("pages/100015")["status"] == "trashed", "whoever knows the id is told"
    assert site.get("api/v2/pages/100015", status="current").status_code == 404
    site.change("edit", id=PLAIN)
    old = site.v2(f"pages/{PLAIN}", version=1, body_format="storage")
    assert (old["status"], old["body"]["storage"]["value"]) == ("historical", "<p>A plain page with one paragraph.</p>")
    assert [one["number"] for one in site.all(f"pages/{PLAIN}/versions")] == [2, 1]


def test_other_kinds(site: Wiki) -> None:
    assert site.v2(f"blogposts/{POST}")["_links"]["webui"].startswith("/spaces/SHOW/blog/2025/")
    assert len(site.all("blogposts")) == 2
    assert len(site.all("spaces/2001/blogposts")) == 2
    assert site.get(f"api/v2/pages/{POST}").status_code == 404
    for path, kind in ((f"folders/{FOLDER}", "folder"), ("whiteboards/100055", "whiteboard"), (f"databases/{DATABASE}", "database"),
                       ("embeds/100058", "embed")):  # fmt: skip
        told = site.v2(path)
        assert (told["type"], "body" in told) == (kind, False)
    assert [one["title"] for one in site.all(f"pages/{PLAIN}/footer-comments", body_format="storage")] == [
        "Re: Plain page"
    ]
    inline = site.all(f"pages/{PLAIN}/inline-comments", body_format="storage")
    assert inline[0]["body"]["storage"]["value"] == "<p>This is wrong.</p>"


def test_trees(site: Wiki) -> None:
    below = site.all(f"folders/{FOLDER}/direct-children")
    assert [(one["type"], one["title"]) for one in below] == [
        ("page", "Page in a folder"),
        ("folder", "Folder in a folder"),
        ("whiteboard", "Whiteboard"),
    ]
    assert {one["type"] for one in site.all(f"pages/{HOME}/direct-children", limit=5)} == {
        "page",
        "folder",
        "database",
        "embed",
    }
    assert ids(site.all(f"databases/{DATABASE}/direct-children")) == ["100057"]
    assert {one["title"] for one in site.v2(f"pages/{HOME}/children", limit=250)["results"]} >= {"Level 1"}
    assert [one["type"] for one in site.v2("pages/100054/ancestors")["results"]] == ["page", "folder", "folder"]
    assert ids(site.v2("pages/100054/ancestors", limit=1)["results"]) == ["100053"], "the nearest"


def test_descendants_reach_ten_levels_at_most(site: Wiki) -> None:
    def chain(**query: Any) -> list[int]:
        found = site.all(f"pages/{HOME}/descendants", limit=250, **query)
        return [one["depth"] for one in found if one["title"].startswith("Level")]

    assert chain() == [1, 2]
    assert chain(depth=10) == list(range(1, 11))
    assert site.get(f"api/v2/pages/{HOME}/descendants", depth=11).status_code == 400


def test_a_generated_tree_is_one_tree() -> None:
    with wiki(documents="400", showcase="off") as site:
        found = site.all("pages/10000000/descendants", depth=10, limit=30)
        assert sorted(ids(found)) == [str(10_000_000 + n) for n in range(1, 100)]
        for one in found:
            assert one["id"] in ids(site.all(f"pages/{one['parentId']}/direct-children", limit=250))


def test_labels(site: Wiki) -> None:
    label = site.all(f"pages/{PLAIN}/labels")[0]
    assert label["name"] == "howto"
    assert ids(site.all(f"labels/{label['id']}/pages")) == [PLAIN]
    backups = site.all("pages/10000000/labels")[0]
    assert (backups["name"], ids(site.all(f"labels/{backups['id']}/pages", limit=2))) == (
        "backups",
        ["10000000", "10000009", "10000018", "10000027", "10000036"],
    )
    assert site.all("labels/1/pages") == []


def test_attachments(site: Wiki) -> None:
    found = site.all(f"pages/{ELEMENTS}/attachments", limit=2)
    assert [one["title"] for one in found][:3] == ["report.pdf", "diagram.png", "notes.txt"]
    assert ["fileSize" in one for one in found][:3] == [True, True, False]
    assert [one["id"] for one in site.all(f"pages/{ELEMENTS}/attachments", filename="empty.txt")] == ["att200004"]
    assert [one["id"] for one in site.all(f"pages/{ELEMENTS}/attachments", mediaType="image/png")] == ["att200002"]
    assert [one["title"] for one in site.all(f"pages/{ELEMENTS}/attachments", status="trashed")] == ["thrown away.txt"]
    assert site.all(f"blogposts/{POST}/attachments")[0]["blogPostId"] == POST
    assert site.v2("attachments/att50000000")["pageId"] == "10000000"
    assert len([one for one in site.all("attachments", limit=3) if one["title"].startswith("figures")]) == 4


def test_people_and_types(site: Wiki) -> None:
    cloud = site.clients["cloud"]
    told = cloud.post("api/v2/users-bulk", json={"accountIds": ["author-1", "author-3", "nobody"]}).json()["results"]
    assert [(one["displayName"], bool(one["email"])) for one in told] == [("Bo Author", True), ("Di Author", False)]
    types = cloud.post("api/v2/content/convert-ids-to-types", json={"contentIds": [PLAIN, FOLDER, "1"]}).json()[
        "results"
    ]
    assert types == {PLAIN: "page", FOLDER: "folder", "1": "null"}
    assert not site.server.log.writes("confluence")
    assert cloud.post("api/v2/users-bulk", json={}).status_code == 400


# ------------------------------------------------------------------------------------------------------------------- faults


def followed(site: Wiki, limit: int) -> list[list[str]]:
    """Ids of each page, as long as a cursor is new."""
    seen: list[list[str]] = []
    cursors: list[str] = []
    more: dict[str, Any] = {}
    while True:
        told = site.v2("pages", limit=limit, **more)
        seen.append(ids(told["results"]))
        following = told["_links"].get("next")
        cursor = following and httpx.URL(following).params["cursor"]
        if not cursor or cursor in cursors:
            return seen
        cursors.append(cursor)
        more = {"cursor": cursor}


def test_pages_that_overlap_lose_or_loop(bare: Wiki) -> None:
    faults = bare.server.services.faults
    calm = followed(bare, 10)
    faults.add(Fault("duplicate_results", operation="GET pages"))
    doubled = followed(bare, 10)
    assert doubled[1] == [calm[0][-1], *calm[1]]
    faults.add(Fault("lost_result", operation="GET pages"))
    assert followed(bare, 10)[1] == calm[1][1:]
    faults.add(Fault("empty_page", operation="GET pages"))
    assert bare.v2("pages", limit=10)["results"]
    cursor = httpx.URL(bare.v2("pages", limit=10)["_links"]["next"]).params["cursor"]
    empty = bare.v2("pages", limit=10, cursor=cursor)
    assert (empty["results"], "next" in empty["_links"]) == ([], True)
    faults.add(Fault("cursor_loop", operation="GET pages"))
    assert len(followed(bare, 10)) == 2
    faults.add(Fault("bad_cursor", operation="GET pages"))
    assert bare.get("api/v2/pages", limit=10, cursor=cursor).status_code == 400
    assert followed(bare, 10) == calm


def test_what_is_deleted_while_one_reads_does_not_shift_what_is_left(bare: Wiki) -> None:
    told = bare.v2("pages", limit=10)
    cursor = httpx.URL(told["_links"]["next"]).params["cursor"]
    bare.change("purge", id="10000009")
    bare.change("purge", id="10000010")
    assert ids(bare.v2("pages", limit=3, cursor=cursor)["results"]) == ["10000011", "10000012", "10000013"]


def test_too_large_pages_and_ill_contents(bare: Wiki) -> None:
    with wiki(max_bodies="10", showcase="off") as site:
        assert site.get("api/v2/pages", limit=11, body_format="storage").status_code == 500
        assert site.get("api/v2/pages", limit=10, body_format="storage").status_code == 200
        assert site.get("api/v2/pages", limit=250).status_code == 200
    bare.server.services.faults.add(Fault("poison", operation="10000003 storage", times=0))
    assert bare.get("api/v2/pages", limit=5, body_format="storage").status_code == 500
    assert bare.get("api/v2/pages", limit=3, body_format="storage").status_code == 200
    assert bare.get("api/v2/pages/10000003", body_format="storage").status_code == 500
    assert bare.get("api/v2/pages/10000003", body_format="view").status_code == 200
    assert bare.get("api/v2/pages/10000003").status_code == 200


@pytest.mark.parametrize("documents", [10, 11, 97, 1_000_000])
def test_a_wiki_of_any_size(documents: int) -> None:
    with wiki(documents=str(documents), showcase="off") as site:
        last = site.v2("pages", limit=3, sort="-id")["results"]
        assert ids(last) == [str(10_000_000 + documents - n) for n in (1, 2, 3)]
        counts = [int(site.v2(f"spaces/{1000 + n}/pages", limit=1, sort="id")["results"][0]["id"]) for n in range(4)]
        assert [one - 10_000_000 for one in counts] == [documents * n // 4 for n in range(4)]
