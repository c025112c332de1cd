"""What happens to the wiki while somebody reads it: what each change shows, and what it does not."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from knowledge_connector.testing.emulation import Fault
from knowledge_connector_confluence.emulator import ELEMENTS, ConfluenceEmulator
from plugins.confluence.emulated import Wiki, wiki

PAGE = "10000013"


def seen(site: Wiki) -> dict[str, tuple[Any, ...]]:
    """What a sweep sees of every page."""
    pages = site.all("pages", limit=250, body_format="storage", status="current")
    return {
        one["id"]: (
            one["version"]["number"],
            one["title"],
            one["parentId"],
            one["spaceId"],
            one["body"]["storage"]["value"],
        )
        for one in pages
    }


@pytest.mark.parametrize("kind", sorted(ConfluenceEmulator.change_kinds))
def test_every_change_says_what_it_did_without_being_told_what_to_change(site: Wiki, kind: str) -> None:
    told = [site.change(kind) for _ in range(1 if kind in ("restore", "restore_space", "archive_space") else 3)]
    assert all(one for one in told)
    assert site.all("pages", limit=250)


@pytest.mark.parametrize(
    ("kind", "arguments", "fields"),
    [
        ("edit", {}, "version body"),
        ("minor_edit", {}, "version body"),
        ("rename", {"title": "Other"}, "version title"),
        ("move_parent", {"parent": "10000011"}, "parent"),
        ("move_space", {"space": "ENG"}, "parent space"),
        ("label", {}, ""),
        ("restrict", {}, ""),
        ("attach", {}, ""),
    ],
)
def test_a_change_shows_where_it_should_and_nowhere_else(
    site: Wiki, kind: str, arguments: dict[str, str], fields: str
) -> None:
    before = seen(site)
    site.change(kind, id=PAGE, **arguments)
    after = seen(site)
    assert {id_ for id_ in before.keys() | after.keys() if before.get(id_) != after.get(id_)} == (
        {PAGE} if fields else set()
    )
    names = ("version", "title", "parent", "space", "body")
    changed = [name for name, one, other in zip(names, before[PAGE], after[PAGE], strict=True) if one != other]
    assert changed == [name for name in names if name in fields.split()]


@pytest.mark.parametrize("kind", ["archive", "trash", "purge", "hide"])
def test_what_is_put_away_is_listed_no_more(site: Wiki, kind: str) -> None:
    before = seen(site)
    site.change(kind, id=PAGE)
    assert before.keys() - seen(site).keys() == {PAGE}
    statuses = {"archive": "archived", "trash": "trashed"}
    answer = site.get(f"api/v2/pages/{PAGE}")
    assert (answer.status_code, answer.json().get("status")) == (
        (200, statuses[kind]) if kind in statuses else (404, None)
    )
    assert PAGE not in site.found("type = page", limit=50)
    assert PAGE not in {one["id"] for one in site.v1("content", "datacenter", limit=200)["results"]}


def test_what_was_put_away_comes_back(site: Wiki) -> None:
    before = seen(site)
    for kind in ("archive", "trash"):
        site.change(kind, id=PAGE)
        assert site.change("restore") == f"{PAGE} came back"
        assert seen(site) == before


def test_what_hangs_on_a_page_that_goes_moves_up(site: Wiki) -> None:
    with wiki(documents="400", showcase="off") as large:
        below = {one["id"] for one in large.all("pages/10000000/descendants", depth=10, limit=250)}
        orphans = {one["id"] for one in large.all("pages/10000001/direct-children", limit=250)}
        large.change("trash", id="10000001")
        assert orphans <= {one["id"] for one in large.all("pages/10000000/direct-children", limit=250)}
        assert {one["id"] for one in large.all("pages/10000000/descendants", depth=10, limit=250)} == below - {
            "10000001"
        }


def test_a_family_moves_together(site: Wiki) -> None:
    with wiki(documents="400", showcase="off") as large:
        family = {one["id"] for one in large.all("pages/10000001/descendants", depth=10, limit=250)}
        assert len(family) > 8
        large.change("move_parent", id="10000001", parent="10000002")
        below = {one["id"] for one in large.all("pages/10000002/descendants", depth=10, limit=250)}
        assert family | {"10000001"} <= below
        assert set(large.found("type = page and ancestor = 10000002", limit=200)) == below
        large.change("move_space", id="10000001", space="HR")
        moved = {one["id"] for one in large.all("spaces/1001/pages", limit=250)}
        assert family | {"10000001"} <= moved
        assert not family & {one["id"] for one in large.all("spaces/1000/pages", limit=250)}
        assert set(large.found('type = page and space = "HR"', limit=200)) == moved
        top = large.v2("pages/10000001")
        assert (top["spaceId"], top["parentId"]) == ("1001", "10000100")


def test_attachments_follow_their_page(site: Wiki) -> None:
    def of_space(id_: str) -> set[str]:
        return set(site.found(f'type = attachment and space = "{id_}"'))

    assert of_space("ENG") == {"att50000000"}
    site.change("attach", id="10000001", title="new.csv")
    assert len(of_space("ENG")) == 2
    site.change("move_space", id="10000010", space="ENG")
    assert "att50000001" in of_space("ENG")
    site.change("trash", id="10000010")
    assert site.get("api/v2/attachments/att50000001").status_code == 404
    site.change("purge", id="10000020")
    assert site.get("rest/api/content/10000020/child/attachment/att50000002/download").status_code == 404
    assert "att50000002" not in {one["id"] for one in site.all("attachments")}


def test_a_new_version_of_an_attachment_has_other_bytes(site: Wiki) -> None:
    for id_, page in (("att50000000", "10000000"), ("att200003", ELEMENTS)):
        before = download(site, page, id_).content
        site.change("attachment_version", id=id_)
        assert site.v2(f"attachments/{id_}")["version"]["number"] == 2
        assert site.v2(f"pages/{page}")["version"]["number"] == 1, "the page does not know"
        assert download(site, page, id_).content != before


def test_labels_and_restrictions_come_and_go(site: Wiki) -> None:
    site.change("label", id=PAGE, label="fresh")
    assert [one["name"] for one in site.all(f"pages/{PAGE}/labels")][-1] == "fresh"
    site.change("label", id=PAGE, label="fresh", remove="yes")
    assert "fresh" not in [one["name"] for one in site.all(f"pages/{PAGE}/labels")]
    for to, count in (("user:author-1,group:site-admins", 2), ("nobody", 0)):
        site.change("restrict", id=PAGE, to=to)
        read = site.v1(f"content/{PAGE}/restriction/byOperation")["read"]["restrictions"]
        assert read["user"]["size"] + read["group"]["size"] == count


def test_spaces_come_and_go(site: Wiki) -> None:
    site.change("archive_space", space="HR")
    assert "HR" not in [one["key"] for one in site.all("spaces", status="current")]
    assert site.found('type = page and space = "HR"') == []
    assert len(site.all("spaces/1001/pages")) == 10, "its pages are current all the same"
    site.change("restore_space", space="HR")
    assert len(site.found('type = page and space = "HR"')) == 10
    site.change("share_space", space="HR", to="anonymous,group:confluence-users")
    public = httpx.get(f"{site.server.url}/confluence/rest/api/space").json()["results"]
    assert [one["key"] for one in public] == ["HR", "42"]


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        ("vanish", {}),
        ("edit", {"id": "1"}),
        ("edit", {"id": "att50000000"}),
        ("attachment_version", {"id": PAGE}),
        ("move_space", {"id": PAGE, "space": "NONE"}),
        ("move_parent", {"id": PAGE, "parent": "10000001"}),
        ("move_parent", {"id": "100051", "parent": "100054"}),
        ("restrict", {"id": PAGE, "to": "everybody"}),
        ("create", {"parent": "1"}),
    ],
)
def test_what_cannot_happen_is_refused_with_a_reason(site: Wiki, kind: str, arguments: dict[str, str]) -> None:
    before = seen(site)
    with pytest.raises(ValueError, match=r"there is no|below|none of the key"):
        site.change(kind, **arguments)
    assert seen(site) == before


# ---------------------------------------------------------------------------------------------------------------- downloads


def download(site: Wiki, page: str, id_: str, deployment: str = "cloud") -> httpx.Response:
    """The bytes, as a good reader gets them: the second request bears nothing."""
    first = site.get(f"rest/api/content/{page}/child/attachment/{id_}/download", deployment)
    return httpx.get(first.headers["location"]) if first.status_code == 302 else first


@pytest.mark.parametrize("deployment", ["cloud", "gateway"])
def test_bytes_are_on_another_host_that_wants_no_credentials(site: Wiki, deployment: str) -> None:
    first = site.get(f"rest/api/content/{ELEMENTS}/child/attachment/att200001/download", deployment)
    assert (first.status_code, first.headers["location"].startswith(site.server.services.elsewhere_url)) == (302, True)
    assert httpx.get(first.headers["location"]).content.startswith(b"%PDF-1.4")
    for headers in ({"Authorization": "Basic eDp5"}, {"Cookie": "session=1"}):
        assert httpx.get(first.headers["location"], headers=headers).status_code == 400
    assert [visit.scheme for visit in site.vendor.visits if visit.elsewhere] == ["", "Basic", ""]


def test_an_address_is_good_for_a_while(site: Wiki) -> None:
    where = site.get(f"rest/api/content/{ELEMENTS}/child/attachment/att200001/download").headers["location"]
    assert httpx.get(where.replace("signature=", "signature=0")).status_code == 403
    assert httpx.get(where.replace(site.server.services.elsewhere_url, site.server.url)).status_code == 404
    site.server.services.clock.advance(600)
    assert httpx.get(where).status_code == 403
    site.server.services.faults.add(Fault("expired_signature", operation="att200001"))
    assert download(site, ELEMENTS, "att200001").status_code == 403
    assert download(site, ELEMENTS, "att200001").status_code == 200


def test_what_was_cut_off_can_be_resumed(site: Wiki) -> None:
    where = site.get(f"rest/api/content/{ELEMENTS}/child/attachment/att200009/download").headers["location"]
    whole = httpx.get(where)
    assert len(whole.content) == 1_048_576
    rest = httpx.get(where, headers={"Range": "bytes=1048570-", "If-Range": whole.headers["ETag"]})
    assert (rest.status_code, rest.content, rest.headers["Content-Range"]) == (
        206,
        b"abcdef",
        "bytes 1048570-1048575/1048576",
    )
    assert httpx.get(where, headers={"Range": "bytes=9-", "If-Range": '"other"'}).status_code == 200
    assert httpx.get(where, headers={"Range": "bytes=1048576-"}).status_code == 416


def test_bytes_that_are_too_few(site: Wiki) -> None:
    site.server.services.faults.add(Fault("short_download", operation="att200009"))
    short = download(site, ELEMENTS, "att200009")
    listed = site.v2("attachments/att200009")["fileSize"]
    assert (len(short.content), short.headers["content-length"]) == (listed // 2, str(listed // 2))
    assert len(download(site, ELEMENTS, "att200009").content) == listed


def test_what_was_listed_may_be_gone(site: Wiki) -> None:
    site.server.services.faults.add(Fault("deleted_attachment", operation="att200001"))
    assert download(site, ELEMENTS, "att200001").status_code == 404
    site.change("trash_attachment", id="att200001")
    assert download(site, ELEMENTS, "att200001").status_code == 404
    assert site.get("rest/api/content/100002/child/attachment/att200002/download").status_code == 404, "another page's"


def test_files_that_are_not_what_they_seem(site: Wiki) -> None:
    empty = download(site, ELEMENTS, "att200004")
    assert (empty.status_code, empty.content) == (200, b"")
    wrong = download(site, ELEMENTS, "att200005")
    assert (wrong.headers["content-type"].partition(";")[0], wrong.content[:5]) == ("text/plain", b"%PDF-")


def test_the_links_of_attachments(site: Wiki) -> None:
    link = site.v2("attachments/att200009")["downloadLink"]
    for deployment, status in (("cloud", 302), ("gateway", 401), ("datacenter", 200)):
        assert site.get(link.removeprefix("/"), deployment).status_code == status
    assert site.get(f"download/attachments/{ELEMENTS}/nothing.txt", "datacenter").status_code == 404
