"""Files of the emulated tenant: what listings say of them, and what comes when they are fetched from the other host."""

from __future__ import annotations

import io
import unicodedata
import zipfile

import httpx
import pytest

from knowledge_connector_sharepoint.emulator import content
from knowledge_connector_sharepoint.emulator.curiosities import HUGE_BYTES
from knowledge_connector_sharepoint.emulator.permissions import EVERYONE_BUT_GUESTS, OWN
from knowledge_connector_sharepoint.emulator.tenant import SHELVES
from plugins.sharepoint.graph_caller import Graph, Row, drive, tls


@pytest.fixture
def ill(graph: Graph) -> Graph:
    """With everything that fails."""
    graph.begin_anew(curiosities="all")
    return graph


def first(graph: Graph) -> Row:
    """Any ordinary file."""
    return next(row for row in graph.rows(f"{drive('documents')}/root/children") if "file" in row)


def link_to(graph: Graph, item: Row) -> str:
    answer = graph.http.get(f"{drive('documents')}/items/{item['id']}/content")
    assert answer.status_code == 302
    return answer.headers["location"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", "AAAAAAAAAAAAAAAAAAAAAAAAAAA="),
        (b"a", "YQAAAAAAAAAAAAAAAQAAAAAAAAA="),
        (b"hello world", "aCgDG9jwBhDc4Q1yawMZAAAAAAA="),
        (bytes(5), "AAAAAAAAAAAAAAAABQAAAAAAAAA="),
        (bytes(range(256)), "QkGEfSisZcA7k+FCh71r2dbCayY="),
    ],
)
def test_quick_xor_hash(body: bytes, expected: str) -> None:
    assert content.quick_xor_hash(body) == expected


@pytest.mark.parametrize("ending", [".md", ".txt", ".html", ".csv", ".docx", ".pdf"])
def test_editions_differ_and_are_the_same_every_time(ending: str) -> None:
    editions = [content.written(ending, 7, edition) for edition in (1, 2)]
    assert editions[0] != editions[1]
    assert editions == [content.written(ending, 7, edition) for edition in (1, 2)]


# --------------------------------------------------------------------------------------------------------------- downloads


def test_contents_come_from_another_host(graph: Graph) -> None:
    item = first(graph)
    url = link_to(graph, item)
    assert url.startswith(f"{graph.server.services.secure_elsewhere_url}/_layouts/15/download.aspx?")
    answer = graph.fetch(url)
    assert len(answer.content) == item["size"]
    assert content.quick_xor_hash(answer.content) == item["file"]["hashes"]["quickXorHash"]
    assert answer.headers["etag"] == item["eTag"]


def test_the_address_in_a_listing_works_too(graph: Graph) -> None:
    item = first(graph)
    assert graph.fetch(item["@microsoft.graph.downloadUrl"]).content == graph.content(item).content
    selected = graph.rows(f"{drive('documents')}/root/children?$select=id,content.downloadUrl")
    assert [row for row in selected if "@microsoft.graph.downloadUrl" in row]
    without = graph.rows(f"{drive('documents')}/root/children?$select=id,name")
    assert not [row for row in without if "@microsoft.graph.downloadUrl" in row]


@pytest.mark.parametrize("header", ["Authorization", "Cookie"])
def test_whoever_brings_a_token_along_is_sent_away_and_noted(graph: Graph, header: str) -> None:
    url = link_to(graph, first(graph))
    assert graph.fetch(url, **{header: "Bearer x"}).status_code == 401
    (leak,) = graph.emulator.witness.leaks
    assert leak.headers[header.lower()] == "Bearer"
    assert graph.fetch(url).status_code == 200
    assert len(graph.emulator.witness.leaks) == 1


def test_the_first_host_has_no_contents(graph: Graph) -> None:
    url = link_to(graph, first(graph))
    services = graph.server.services
    assert graph.fetch(url.replace(services.secure_elsewhere_url, services.secure_url)).status_code == 404


def test_addresses_expire(graph: Graph) -> None:
    graph.begin_anew(download_seconds="60")
    item = first(graph)
    url = link_to(graph, item)
    graph.server.services.clock.advance(61)
    assert graph.fetch(url).status_code == 401
    assert graph.content(item).status_code == 200


def test_addresses_are_used_up(graph: Graph) -> None:
    graph.begin_anew(download_uses="2")
    url = link_to(graph, first(graph))
    assert [graph.fetch(url).status_code for _ in range(3)] == [200, 200, 401]


def test_addresses_cannot_be_made_up(graph: Graph) -> None:
    url = link_to(graph, first(graph))
    assert graph.fetch(url[:-9] + "AAAAAAAAA").status_code == 401


@pytest.mark.parametrize(
    ("asked", "status", "start", "stop"),
    [
        ("bytes=10-", 206, 10, None),
        ("bytes=10-19", 206, 10, 20),
        ("bytes=-5", 206, -5, None),
        ("bytes=10-999999", 206, 10, None),
        ("lines=1-2", 200, 0, None),
    ],
)
def test_ranges(graph: Graph, asked: str, status: int, start: int, stop: int | None) -> None:
    whole = graph.content(first(graph)).content
    answer = graph.content(first(graph), Range=asked)
    assert (answer.status_code, answer.content) == (status, whole[start:stop])
    if status == 206:
        begin = start % len(whole)
        assert answer.headers["content-range"] == f"bytes {begin}-{begin + len(answer.content) - 1}/{len(whole)}"


def test_ranges_past_the_end_and_of_another_version(graph: Graph) -> None:
    item = first(graph)
    past = graph.content(item, Range=f"bytes={item['size']}-")
    assert (past.status_code, past.headers["content-range"]) == (416, f"bytes */{item['size']}")
    same = graph.content(item, Range="bytes=10-", If_Range=item["eTag"])
    other = graph.content(item, Range="bytes=10-", If_Range='"{OTHER},1"')
    assert (same.status_code, other.status_code) == (206, 200)


def test_an_unchanged_file_need_not_be_fetched(graph: Graph) -> None:
    item = first(graph)
    url = f"{drive('documents')}/items/{item['id']}/content"
    for tag in (item["eTag"], item["cTag"]):
        assert graph.http.get(url, headers={"If-None-Match": tag}).status_code == 304
    graph.change("edit", item=item["id"])
    assert graph.http.get(url, headers={"If-None-Match": item["cTag"]}).status_code == 302


def test_as_pdf(graph: Graph) -> None:
    report = graph.item("Curiosities/Report.docx")
    answer = graph.http.get(f"{drive('documents')}/items/{report['id']}/content?format=pdf")
    assert graph.fetch(answer.headers["location"]).content.startswith(b"%PDF-")
    assert graph.refusal(f"{drive('documents')}/items/{first(graph)['id']}/content?format=pdf")[0] == 406


# ------------------------------------------------------------------------------------------------------------- curiosities


def test_real_binary_files(graph: Graph) -> None:
    docx = graph.content(graph.item("Curiosities/Report.docx")).content
    assert "word/document.xml" in zipfile.ZipFile(io.BytesIO(docx)).namelist()
    assert graph.content(graph.item("Curiosities/Flyer.pdf")).content.startswith(b"%PDF-1.4")
    assert graph.content(graph.item("Curiosities/Logo.png")).content.startswith(b"\x89PNG")


def test_office_files_have_the_link_of_a_viewer(graph: Graph) -> None:
    url = graph.item("Curiosities/Report.docx")["webUrl"]
    assert "/_layouts/15/Doc.aspx?sourcedoc=%7B" in url
    assert "Curiosities" not in url


def test_an_empty_file(graph: Graph) -> None:
    item = graph.item("Curiosities/Empty.txt")
    assert (item["size"], item["file"]["hashes"]["quickXorHash"]) == (0, content.quick_xor_hash(b""))
    assert graph.content(item).content == b""


def test_an_encrypted_file(graph: Graph) -> None:
    body = graph.content(graph.item("Curiosities/Protected plan.docx")).content
    assert body.startswith(b"\xd0\xcf\x11\xe0")
    assert "EncryptedPackage".encode("utf-16-le") in body


def test_its_label(graph: Graph) -> None:
    for name, labels in (("Protected plan.docx", 1), ("Report.docx", 0)):
        item = graph.item(f"Curiosities/{name}")
        answer = graph.http.post(f"{drive('documents')}/items/{item['id']}/extractSensitivityLabels")
        assert len(answer.json()["labels"]) == labels


def test_malware(graph: Graph) -> None:
    item = graph.item("Curiosities/Infected invoice.txt")
    assert "malware" in item
    assert "@microsoft.graph.downloadUrl" not in item
    assert graph.refusal(f"{drive('documents')}/items/{item['id']}/content") == (403, "malwareDetected")


def test_a_notebook(graph: Graph) -> None:
    item = graph.item("Curiosities/Notebook")
    assert item["package"] == {"type": "oneNote"}
    assert not {"file", "folder"} & item.keys()
    assert graph.refusal(f"{drive('documents')}/items/{item['id']}/content")[0] == 400
    assert [row["name"] for row in graph.rows(f"{drive('documents')}/items/{item['id']}/children")] == ["Section.one"]


def test_shortcuts(graph: Graph) -> None:
    to_policies = graph.item("Curiosities/Shortcut to Policies")["remoteItem"]
    assert to_policies["parentReference"]["driveId"] == SHELVES["policies"].drive_id
    root = graph.get(f"{drive('policies')}/items/{to_policies['id']}")
    assert "root" in root
    to_itself = graph.item("Curiosities/Shortcut to itself")
    assert to_itself["remoteItem"]["id"] == to_itself["id"]
    assert to_itself["remoteItem"]["parentReference"]["driveId"] == SHELVES["documents"].drive_id


def test_hashes_can_be_late_or_missing(graph: Graph) -> None:
    promoted, fresh = graph.item("Curiosities/Promoted.docx"), graph.item("Curiosities/Just uploaded.md")
    body = graph.content(promoted).content
    assert promoted["size"] < len(body)
    assert promoted["file"]["hashes"]["quickXorHash"] != content.quick_xor_hash(body)
    assert zipfile.ZipFile(io.BytesIO(body)).testzip() is None
    assert "hashes" not in fresh["file"]
    assert len(graph.content(fresh).content) == fresh["size"]


def test_a_huge_file(graph: Graph) -> None:
    assert graph.item("Curiosities/Huge manual.txt")["size"] == HUGE_BYTES


def test_names(graph: Graph) -> None:
    names = [row["name"] for row in graph.rows(f"{drive('documents')}/root:/Curiosities:/children")]
    twins = [name for name in names if unicodedata.normalize("NFC", name) == "Café menü.md"]
    assert len(twins) == len(set(twins)) == 2
    assert max(map(len, names)) == 250
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("path", "status"),
    [("Restricted", 403), ("Restricted/Payroll.md", 403), ("Checked out.md", 404)],
)
def test_what_cannot_be_read(ill: Graph, path: str, status: int) -> None:
    place = ill.emulator.world.library("documents")
    item = place.root
    for name in ("Curiosities", *path.split("/")):
        found = place.child(item, name)
        assert found, name
        item = found
    assert item.id in {row["id"] for row in ill.rows(f"{drive('documents')}/root/delta")}
    assert ill.refusal(f"{drive('documents')}/items/{item.id}/content")[0] == status
    if status == 403:
        assert ill.refusal(f"{drive('documents')}/items/{item.id}")[0] == 403
        assert ill.refusal(f"{drive('documents')}/items/{item.id}/children")[0] == 403


def test_what_is_not_what_it_was(ill: Graph) -> None:
    grown = ill.item("Curiosities/Grown.md")
    assert len(ill.content(grown).content) > grown["size"]
    page = ill.content(ill.item("Curiosities/Sign in instead.docx"))
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert b"Sign in" in page.content


# ------------------------------------------------------------------------------------------------------------------ faults


@pytest.mark.parametrize(("kind", "status"), [("vanished", 404), ("forbidden_file", 403)])
def test_the_redirect_can_fail(graph: Graph, kind: str, status: int) -> None:
    item = first(graph)
    graph.let(kind, operation=item["name"])
    assert graph.refusal(f"{drive('documents')}/items/{item['id']}/content")[0] == status
    assert graph.content(item).status_code == 200


def test_the_address_can_fail(graph: Graph) -> None:
    item = first(graph)
    graph.let("expired_download", operation=item["name"])
    assert [graph.content(item).status_code for _ in range(2)] == [401, 200]


@pytest.mark.parametrize(
    ("kind", "check"),
    [
        ("html_file", lambda body, _: b"Sign in" in body),
        ("error_file", lambda body, _: body.startswith(b"The file could not")),
        ("empty_file", lambda body, _: body == b""),
        ("short_file", lambda body, whole: body == whole[: len(whole) // 2]),
        ("long_file", lambda body, whole: body.startswith(whole) and len(body) > len(whole)),
        ("changed_file", lambda body, whole: body != whole),
    ],
)
def test_something_else_comes(graph: Graph, kind: str, check: object) -> None:
    item = first(graph)
    whole = graph.content(item).content
    graph.let(kind, operation=item["name"])
    answer = graph.content(item)
    assert answer.status_code == 200
    assert callable(check)
    assert check(answer.content, whole)


def read_into(received: bytearray, graph: Graph, url: str) -> None:
    with httpx.stream("GET", url, verify=tls(graph.server)) as answer:
        for piece in answer.iter_raw():
            received += piece


def test_a_connection_that_is_cut(graph: Graph) -> None:
    item = first(graph)
    graph.let("cut_file")
    received = bytearray()
    url = link_to(graph, item)
    with pytest.raises(httpx.RemoteProtocolError):
        read_into(received, graph, url)
    assert len(received) == item["size"] // 2
    assert graph.content(item, Range=f"bytes={len(received)}-").status_code == 206


def test_ranges_can_be_ignored(graph: Graph) -> None:
    graph.let("ignore_range")
    answer = graph.content(first(graph), Range="bytes=10-")
    assert (answer.status_code, len(answer.content)) == (200, first(graph)["size"])


# ------------------------------------------------------------------------------------------------------------- permissions


def grants(graph: Graph, item: Row) -> list[Row]:
    return graph.rows(f"{drive('documents')}/items/{item['id']}/permissions")


def test_what_a_folder_gives(graph: Graph) -> None:
    rows = grants(graph, graph.item("Section 001"))
    assert [row["grantedToV2"]["siteGroup"]["displayName"] for row in rows] == [
        "Handbook Owners", "Handbook Members", "Handbook Visitors",
    ]  # fmt: skip
    assert {row["expirationDateTime"] for row in rows} == {"0001-01-01T00:00:00Z"}


@pytest.mark.parametrize("acl", OWN)
def test_every_way_of_sharing(graph: Graph, acl: str) -> None:
    item = first(graph)
    graph.change("acl", item=item["id"], acl=acl)
    rows = grants(graph, item)
    expected = list(OWN[acl])
    assert [{key: row[key] for key in row if key != "id"} for row in rows][: len(expected)] == expected
    assert bool(rows) == (acl != "nobody")
    assert graph.item(item["name"])["eTag"] == item["eTag"], "sharing is no new version"


def test_words_of_sharing_are_those_of_sharepoint(graph: Graph) -> None:
    item = first(graph)
    graph.change("acl", item=item["id"], acl="everyone")
    assert grants(graph, item)[0]["grantedToV2"]["siteUser"]["loginName"] == EVERYONE_BUT_GUESTS
    scopes = {OWN[acl][0].get("link", {}).get("scope") for acl in OWN if OWN[acl]} - {None}
    assert scopes == {"anonymous", "organization", "users", "existingAccess"}


def test_folders_hand_it_down(graph: Graph) -> None:
    inside = graph.rows(f"{drive('documents')}/root:/Section 001/Topic 0001:/children")
    before = {row["id"]: grants(graph, row) for row in inside}
    graph.change("acl", item="Section 001", acl="organization")
    after = {row["id"]: grants(graph, row) for row in inside}
    place = graph.emulator.world.library("documents")
    for item_id, rows in after.items():
        item = place.find(item_id)
        assert item
        assert (rows == before[item_id]) == bool(item.acl), "who decides for itself stays as it was"
        assert item.acl or rows[0]["link"]["scope"] == "organization"
    assert len({bool(place.known(item_id).acl) for item_id in after}) == 2


def test_permissions_can_be_expanded_and_withheld(ill: Graph) -> None:
    item = first(ill)
    expanded = ill.get(f"{drive('documents')}/items/{item['id']}?$expand=permissions")
    assert expanded["permissions"] == grants(ill, item)
    hidden = ill.item("Curiosities/Hidden rights.md")
    assert ill.refusal(f"{drive('documents')}/items/{hidden['id']}/permissions")[0] == 403
    ill.let("no_permissions", operation=item["name"])
    assert ill.refusal(f"{drive('documents')}/items/{item['id']}/permissions")[0] == 403


def test_permissions_of_what_is_gone(graph: Graph) -> None:
    item = first(graph)
    graph.change("delete", item=item["id"])
    assert graph.refusal(f"{drive('documents')}/items/{item['id']}/permissions")[0] == 404
