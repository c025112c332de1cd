"""Version 1 of the API: search by CQL, the listings of Data Center, restrictions, people."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import httpx
import pytest

from knowledge_connector.testing.emulation import Fault
from knowledge_connector_confluence.emulator import ELEMENTS
from plugins.confluence.emulated import Wiki, wiki

BERLIN = ZoneInfo("Europe/Berlin")


def numbers(*indices: int) -> list[str]:
    return [str(10_000_000 + index) for index in indices]


@pytest.mark.parametrize("deployment", ["cloud", "gateway", "datacenter"])
@pytest.mark.parametrize(
    ("cql", "indices"),
    [
        ('type = page and space = "ENG"', range(10)),
        ('type in (page, blogpost) and space in ("42", "AND")', range(20, 40)),
        ('space = "ENG" and type = page and label = "backups"', (0, 9)),
        ('label = backups and not space = "ENG" and type=page', (18, 27, 36)),
        ("id in (10000003, 10000004) and type = page", (3, 4)),
        ('id in ("10000003") or id = "10000007"', (3, 7)),
        ("ancestor = 10000001 and type = page", (9,)),
        ('type = page and (space = "HR" and title ~ "backups")', (18,)),
        ('type = page and lastmodified >= "2024-01-01 01:18" order by lastmodified desc', (39, 38, 37, 36)),
        ('type = page and lastmodified < "2024/01/01 01:02" order by id', (0, 1, 2, 3)),
        ('created = "2024-01-01 01:01" and type = page', (2, 3)),
        ('type = page and parent = 10000000 and title != "x" order by title desc', (8, 7, 6, 5, 4, 3, 2, 1)),
        ('type = page and space not in (ENG, HR, "42", "AND")', ()),
        ('type = page and lastmodified > "2024-01-01 01:19"', ()),
    ],
)
def test_what_a_query_finds(bare: Wiki, deployment: str, cql: str, indices: tuple[int, ...]) -> None:
    assert bare.found(cql, deployment, limit=3) == numbers(*indices)


@pytest.mark.parametrize(
    "cql",
    [
        "",
        "type = ",
        "type page",
        "type = poem",
        "space = AND",
        "space in (ENG",
        "colour = red",
        'lastmodified > "yesterday"',
        'lastmodified >= "2026-03-29 02:30"',
        "type = page order by age",
        "type = page order lastmodified",
        'title = "unclosed',
        "label > 3",
        "type = page page",
        'lastmodified >= now("-4y")',
        'label ~ "x"',
    ],
)
def test_a_malformed_query_is_refused(bare: Wiki, cql: str) -> None:
    answer = bare.get("rest/api/content/search", cql=cql)
    assert (answer.status_code, answer.json()["statusCode"]) == (400, 400)


def test_times_are_read_in_the_zone_of_the_account() -> None:
    cql = 'type = page and lastmodified >= "2024-01-01 01:18"'
    with wiki(showcase="off", timezone="UTC") as site:
        assert site.found(cql) == []
        assert site.found('type = page and lastmodified >= "2024-01-01 00:18"') == numbers(36, 37, 38, 39)
    with wiki(showcase="off", timezone="America/New_York") as site:
        assert len(site.found('type = page and lastmodified >= "2023-12-31 19:18"')) == 4


def test_minutes_are_all_that_counts(bare: Wiki) -> None:
    bare.change("edit", id="10000003")
    now = bare.server.services.clock.now().astimezone(BERLIN)
    assert "10000003" in bare.found(f'type = page and lastmodified >= "{now:%Y-%m-%d %H:%M}"')
    assert bare.found(f'type = page and lastmodified > "{now:%Y-%m-%d %H:%M}"') == []
    assert bare.found('type = page and lastmodified >= now("-1h")') == numbers(3)


def test_the_index_is_late() -> None:
    with wiki(showcase="off", index_delay_seconds="90") as site:
        recent = 'type = page and lastmodified >= now("-1d")'
        site.change("edit", id="10000003")
        site.change("create", title="New")
        site.change("label", id="10000005", label="fresh")
        assert site.found(recent) == []
        assert "10000003" in site.found('type = page and lastmodified < "2024-02-01"', limit=250)
        assert site.found("label = fresh") == []
        assert site.v2("pages/10000003")["version"]["number"] == 2, "only the search is late"
        site.server.services.clock.advance(91)
        assert [one[:4] for one in site.found(recent)] == ["1000", "9000"]
        assert site.found("label = fresh") == numbers(5)


def test_what_raises_no_version_is_not_seen_by_time(bare: Wiki) -> None:
    for kind in ("label", "restrict", "move_parent"):
        bare.change(kind, id="10000035")
    assert bare.found('type = page and lastmodified >= now("-1d")') == []
    bare.change("attachment_version", id="att50000001")
    assert bare.found('type = page and lastmodified >= now("-1d")') == []
    assert bare.found('type = attachment and lastmodified >= now("-1d")') == ["att50000001"]


def test_search_leaves_out_what_is_not_current(site: Wiki) -> None:
    everything = site.found("type in (page, blogpost, folder, attachment)", limit=50)
    titles = {
        one["title"] for one in site.v1("content/search", cql='id in (100014, 100015) or space = "OLD"')["results"]
    }
    assert titles == set()
    assert {"100051", "100021", ELEMENTS, "att200001"} <= set(everything)
    assert len(everything) == len(set(everything))
    assert "100051" not in site.found("type in (page, folder)", "datacenter", limit=50), "no folders there"


def test_cloud_pages_by_links_relative_to_the_base(bare: Wiki) -> None:
    told = bare.v1("content/search", cql="type = page", limit=5, start=20)
    assert [one["id"] for one in told["results"]] == numbers(0, 1, 2, 3, 4), "start is ignored"
    assert told["_links"]["next"].startswith("/rest/api/content/search?next=true&cql=type+%3D+page&limit=5&cursor=")
    assert told["_links"]["base"] == f"{bare.server.url}/wiki"
    assert bare.v1("content/search", "gateway", cql="type = page")["_links"]["base"].startswith(
        bare.server.services.elsewhere_url
    )


@pytest.mark.parametrize(
    ("deployment", "expand", "size"),
    [("cloud", "", 250), ("cloud", "body.storage,version", 50), ("cloud", "body.export_view", 25), ("cloud", "body.styled_view", 25),
     ("datacenter", "", 300), ("datacenter", "version", 200), ("datacenter", "body.storage", 50)],
)  # fmt: skip
def test_page_sizes_are_clamped_by_what_is_expanded(deployment: str, expand: str, size: int) -> None:
    with wiki(documents="300", showcase="off") as site:
        told = site.v1("content/search", deployment, cql="type = page", expand=expand, limit=2000)
        assert (len(told["results"]), told["size"]) == (size, size)


def test_search_results_wrap_contents(bare: Wiki) -> None:
    told = bare.v1("search", cql='type = page and space = "HR"', limit=2)
    assert (told["totalSize"], told["results"][0]["content"]["id"]) == (10, "10000010")
    assert told["results"][0]["entityType"] == "content"


# -------------------------------------------------------------------------------------------------------------- Data Center


def test_data_center_counts_and_gives_less_than_it_is_asked_for() -> None:
    with wiki(documents="120", showcase="off") as site:
        first = site.v1("content", "datacenter", limit=100, expand="body.storage")
        assert (first["limit"], first["size"], first["_links"]["context"]) == (50, 50, "/confluence")
        following = httpx.URL(first["_links"]["next"])
        assert following.path == "/rest/api/content"
        assert following.params["start"] == "49", "one too low, because it was clamped"
        exact = site.v1("content", "datacenter", limit=60, start=60)
        assert exact["_links"]["next"].endswith("start=120&limit=60"), "it is announced though nothing is left"
        last = site.v1("content", "datacenter", limit=60, start=120)
        assert (last["results"], "next" in last["_links"]) == ([], False)


def test_who_counts_misses_one_when_another_goes(bare: Wiki) -> None:
    first = [one["id"] for one in bare.v1("content", "datacenter", limit=10)["results"]]
    bare.change("purge", id=first[-1])
    second = [one["id"] for one in bare.v1("content", "datacenter", limit=10, start=10)["results"]]
    assert (first[-1], second[0]) == ("10000009", "10000011")


def test_pages_of_data_center_that_overlap_lose_or_loop(bare: Wiki) -> None:
    faults = bare.server.services.faults
    for kind, ids, following in (
        ("duplicate_results", numbers(9, 10, 11), "start=13&limit=3"),
        ("lost_result", numbers(11, 12), "start=13&limit=3"),
        ("empty_page", [], "start=10&limit=3"),
        ("cursor_loop", numbers(10, 11, 12), "start=10&limit=3"),
    ):
        faults.add(Fault(kind, operation="GET content"))
        told = bare.v1("content", "datacenter", limit=3, start=10)
        assert [one["id"] for one in told["results"]][:3] == ids
        assert told["_links"]["next"].endswith(following)


def test_listings_of_data_center(site: Wiki) -> None:
    pages = site.v1("content", "datacenter", spaceKey="SHOW", limit=200)["results"]
    assert {one["type"] for one in pages} == {"page"}
    assert len(site.v1("content", "datacenter", type="blogpost")["results"]) == 2
    assert [one["id"] for one in site.v1("content", "datacenter", status="trashed")["results"]] == ["100015"]
    assert [one["id"] for one in site.v1("content", "datacenter", title="Plain page", spaceKey="SHOW")["results"]] == [
        "100002"
    ]
    folders = site.get("rest/api/content", "datacenter", type="folder")
    assert (folders.status_code, folders.json()["message"]) == (400, "No ContentTypeBinding found for type: folder")
    assert site.get("rest/api/content/100051", "datacenter").status_code == 404
    assert site.get("rest/api/content/100015", "datacenter").status_code == 404
    assert site.v1("content/100015", "datacenter", status="any")["status"] == "trashed"
    assert site.get("rest/api/content", "datacenter", spaceKey="NONE").status_code == 404
    scanned = site.v1("content/scan", "datacenter", limit=10)
    assert len(scanned["results"]) == 10
    assert site.v1("content/scan", "datacenter", limit=10, cursor=scanned["nextCursor"])["results"][0]["id"] == "100011"


def test_what_is_in_a_folder_hangs_on_the_page_above_it(site: Wiki) -> None:
    page = site.v1("content/100054", "datacenter", expand="ancestors,version,space,history,metadata.labels")
    assert [one["title"] for one in page["ancestors"]] == ["Showcase"]
    below = site.v1("content/100001/child/page", "datacenter", limit=200)["results"]
    assert {"Page in two folders", "Page in a folder", "Plain page"} <= {one["title"] for one in below}
    assert page["version"]["by"]["username"] == "ada"
    assert (page["space"]["key"], page["history"]["lastUpdated"]["number"]) == ("SHOW", 1)
    cloud = site.v1("content/search", cql="id = 100054", expand="ancestors")["results"][0]
    assert [one["type"] for one in cloud["ancestors"]] == ["page", "folder", "folder"]


def test_children_labels_and_descendants(site: Wiki) -> None:
    attached = site.v1(f"content/{ELEMENTS}/child/attachment", "datacenter", expand="version", limit=4)
    assert attached["results"][0]["title"] == "report.pdf"
    assert attached["results"][0]["_links"]["download"].startswith(
        f"/download/attachments/{ELEMENTS}/report.pdf?version=1"
    )
    assert (attached["results"][0]["extensions"]["fileSize"], attached["results"][0]["metadata"]["mediaType"])[
        1
    ] == "application/pdf"
    assert "fileSize" not in attached["results"][2]["extensions"]
    assert [one["type"] for one in site.v1("content/100002/child/comment", "datacenter")["results"]] == ["comment"] * 2
    assert [one["name"] for one in site.v1("content/100002/label", "datacenter")["results"]] == ["howto", "for-all"]
    assert site.get("rest/api/content/100002/child/poem", "datacenter").status_code == 400
    for deployment in ("cloud", "datacenter"):
        deep = site.v1("content/100061/descendant/page", deployment, limit=200)["results"]
        assert [one["title"] for one in deep] == [f"Level {n}" for n in range(2, 13)]


def test_unknown_expansions_are_refused(bare: Wiki) -> None:
    for expand in ("nonsense", "body.nonsense", "version,colour"):
        assert bare.get("rest/api/content", "datacenter", expand=expand).status_code == 400


def test_spaces_of_data_center(site: Wiki) -> None:
    told = site.v1("space", "datacenter", limit=4, expand="homepage,description.plain")
    assert ([one["key"] for one in told["results"]], told["results"][0]["homepage"]["id"]) == (
        ["ENG", "HR", "42", "AND"],
        "10000000",
    )
    assert told["_links"]["next"].endswith("start=4&limit=4")
    assert {one["type"] for one in told["results"]} == {"global"}, "knowledge bases are of Cloud"
    assert [one["key"] for one in site.v1("space", "datacenter", status="archived")["results"]] == ["OLD"]
    assert site.v1("space/42", "datacenter")["id"] == 1002
    subjects = [row["subject"] for row in site.v1("space/42/permissions", "datacenter")["results"]]
    assert [one["type"] for one in subjects] == ["group", "anonymous", "group"]
    assert site.v1("server-information", "datacenter")["version"] == "9.2.1"
    with wiki(datacenter_admin="no") as other:
        assert other.get("rest/api/space/42/permissions", "datacenter").status_code == 500


# ------------------------------------------------------------------------------------------------------------------- rights


@pytest.mark.parametrize("deployment", ["cloud", "datacenter"])
def test_restrictions_are_those_of_the_content_itself(site: Wiki, deployment: str) -> None:
    def readers(id_: str) -> tuple[list[str], list[str]]:
        expand = "read.restrictions.user,read.restrictions.group"
        read = site.v1(f"content/{id_}/restriction/byOperation", deployment, expand=expand)["read"]["restrictions"]
        return [one["displayName"] for one in read["user"]["results"]], [
            one["name"] for one in read["group"]["results"]
        ]

    assert readers("100002") == ([], [])
    assert readers("100041") == ([], ["hr/people team"])
    assert readers("100042") == (["Bo Author", "Reader Bot"], [])
    assert readers("100043") == ([], []), "what it inherits is told by its ancestors"
    edited = site.v1(
        "content/100044/restriction/byOperation/update", deployment, expand="restrictions.user,restrictions.group"
    )
    assert (readers("100044"), edited["restrictions"]["user"]["size"]) == (([], []), 1)


def test_data_center_tells_who_only_when_asked(site: Wiki) -> None:
    told = site.v1("content/100041/restriction/byOperation", "datacenter")
    assert "restrictions" not in told["read"]
    expanded = site.v1("content/100041", "datacenter", expand="restrictions.read.restrictions.group")
    assert expanded["restrictions"]["read"]["restrictions"]["group"]["size"] == 1


def test_restrictions_of_ancestors_fail_as_a_whole(site: Wiki) -> None:
    expand = "ancestors.restrictions.read.restrictions.group"
    found = site.v1("content/search", cql="id in (100043, 100002)", expand=expand)["results"]
    inherited = next(one for one in found if one["id"] == "100043")["ancestors"]
    assert [one["restrictions"]["read"]["restrictions"]["group"]["size"] for one in inherited] == [0, 1, 0]
    site.change("move_parent", id="100002", parent="100041")
    site.change("hide", id="100041")
    assert site.found("id in (100043, 100003)") == ["100003"]


def test_what_is_hidden_is_not_there_with_all_below_it(site: Wiki) -> None:
    site.change("hide", id="100041")
    for id_ in ("100041", "100042", "100043"):
        assert site.get(f"api/v2/pages/{id_}").status_code == 404
        assert site.get(f"rest/api/content/{id_}/restriction/byOperation").status_code == 404
        assert site.get(f"rest/api/content/{id_}", "datacenter").status_code == 404
    assert site.get("api/v2/attachments/att200010").status_code == 404
    listed = {one["id"] for one in site.all("pages", limit=20)}
    assert not listed & {"100041", "100042", "100043"}
    site.change("show", id="100041")
    assert site.get("api/v2/pages/100043").status_code == 200


@pytest.mark.parametrize("status", [403, 500])
def test_restrictions_that_cannot_be_fetched(site: Wiki, status: int) -> None:
    site.server.services.faults.add(Fault("error_before", operation="GET content/{id}/restriction*", status=status))
    assert site.get("rest/api/content/100041/restriction/byOperation").status_code == status


def test_permission_check_says_no_without_an_error(site: Wiki) -> None:
    def may(account: str, id_: str, operation: str = "read") -> bool:
        body = {"subject": {"type": "user", "identifier": account}, "operation": operation}
        return bool(
            site.clients["cloud"].post(f"rest/api/content/{id_}/permission/check", json=body).json()["hasPermission"]
        )

    assert [may(account, "100043") for account in ("reader", "author-1", "author-0")] == [True, True, False]
    assert (may("author-2", "100044"), may("author-2", "100044", "update")) == (True, False)


def test_groups_and_people(site: Wiki) -> None:
    groups = site.v1("group", limit=2)
    assert (groups["size"], "next" in groups["_links"]) == (2, False)
    rest = site.v1("group", limit=2, start=2)
    assert [one["name"] for one in groups["results"] + rest["results"]] == [
        "confluence-users",
        "hr/people team",
        "site-admins",
    ]
    team = groups["results"][1]["id"]
    members = [one["accountId"] for one in site.v1(f"group/{team}/membersByGroupId")["results"]]
    assert members == ["reader", "author-1"]
    named = site.v1("group/hr%2Fpeople%20team/member", "datacenter")["results"]
    assert [one["username"] for one in named] == ["reader", "bo"]
    assert [one["name"] for one in site.v1("user/memberof", accountId="author-1")["results"]] == [
        "confluence-users",
        "hr/people team",
    ]
    assert site.v1("user", "datacenter", username="bo")["userKey"] == named[1]["userKey"]
    assert site.get("rest/api/user", accountId="nobody").status_code == 404
    assert len(site.v1("search/user", cql="type = user")["results"]) == 5


def test_dates_are_those_of_the_virtual_clock(bare: Wiki) -> None:
    bare.server.services.clock.advance(86_400)
    bare.change("edit", id="10000003")
    when = bare.v1("content/10000003", "datacenter", expand="version")["version"]["when"]
    assert datetime.fromisoformat(when).astimezone(UTC) > datetime.now(UTC).replace(microsecond=0)
