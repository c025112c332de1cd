"""Modern pages of the emulated tenant: every web part, special pages, and canvases that are damaged."""

from __future__ import annotations

import pytest

from knowledge_connector_sharepoint.emulator.canvas import EVERY_PART, MALFORMED_HTML
from plugins.sharepoint.graph_caller import Graph, Row, drive, site

PAGES = f"{site('handbook')}/pages/microsoft.graph.sitePage"
EXPANDED = f"{PAGES}?$expand=canvasLayout"


def page(graph: Graph, number: int) -> Row:
    """One page by its number, with its canvas."""
    found = next(row for row in graph.rows(PAGES) if row["name"] == f"Page-{number:04d}.aspx")
    whole: Row = graph.get(f"{one(found)}?$expand=canvasLayout")
    return whole


def one(row: Row) -> str:
    return f"{site('handbook')}/pages/{row['id']}/microsoft.graph.sitePage"


def parts(row: Row) -> list[Row]:
    sections = sorted(row["canvasLayout"]["horizontalSections"], key=lambda section: str(section["id"]))
    return [part for section in sections for column in section["columns"] for part in column["webparts"]]


def test_the_listing(graph: Graph) -> None:
    rows = graph.rows(f"{PAGES}?$top=4")
    assert [row["name"] for row in rows] == sorted(row["name"] for row in rows)
    assert len(rows) == 10
    assert not [row for row in rows if "canvasLayout" in row]
    expected = {
        "id",
        "title",
        "description",
        "webUrl",
        "eTag",
        "pageLayout",
        "promotionKind",
        "publishingState",
        "titleArea",
    }
    assert all(expected <= row.keys() for row in rows)
    assert len(graph.rows(f"{site('vertrieb')}/pages/microsoft.graph.sitePage")) == 2
    assert graph.rows(f"{site('engineering')}/pages/microsoft.graph.sitePage") == []


def test_states_and_kinds(graph: Graph) -> None:
    rows = {int(row["name"][5:9]): row for row in graph.rows(PAGES)}
    assert [rows[number]["publishingState"]["level"] for number in (1, 3, 4)] == ["published", "draft", "checkout"]
    assert [rows[number]["promotionKind"] for number in (1, 2, 6)] == ["page", "newsPost", "microsoftReserved"]


def test_every_web_part(graph: Graph) -> None:
    found = page(graph, 0)
    assert parts(found) == list(EVERY_PART)
    assert [section["id"] for section in found["canvasLayout"]["horizontalSections"]] == ["2", "1"], (
        "not in their order"
    )
    assert len(found["canvasLayout"]["verticalSection"]["webparts"]) == 1
    kinds = [part["webPartType"] for part in parts(found)[1:]]
    assert len(kinds) == len(set(kinds)) == 22


def test_web_parts_flat(graph: Graph) -> None:
    found = page(graph, 0)
    rows = graph.rows(f"{one(found)}/webparts")
    assert len(rows) == len(EVERY_PART) + 1


def test_without_types(graph: Graph) -> None:
    found = next(
        row for row in graph.rows(EXPANDED, Accept="application/json;odata.metadata=none") if "0000" in row["name"]
    )
    assert "@odata.type" not in str(found)
    assert all("innerHtml" in part or "data" in part for part in parts(found))


def test_malformed_and_empty(graph: Graph) -> None:
    assert parts(page(graph, 5))[0]["innerHtml"] == MALFORMED_HTML
    assert parts(page(graph, 7)) == []


def test_an_edit(graph: Graph) -> None:
    before = page(graph, 1)
    graph.change("page_edit", item="Page-0001.aspx")
    after = page(graph, 1)
    assert (before["id"], before["title"]) == (after["id"], after["title"])
    assert before["eTag"] != after["eTag"]
    assert before["canvasLayout"] != after["canvasLayout"]
    assert (before["publishingState"]["versionId"], after["publishingState"]["versionId"]) == ("1.0", "2.0")


def test_an_edit_of_the_page_with_everything(graph: Graph) -> None:
    before = page(graph, 0)
    graph.change("page_edit", item="Page-0000.aspx")
    assert len(parts(page(graph, 0))) == len(parts(before)) + 1


def test_a_page_is_a_file_in_its_library_too(graph: Graph) -> None:
    path = f"{drive('pages')}/root/delta"
    rows, link = graph.delta(path)
    assert [row["name"] for row in rows[1:]] == [row["name"] for row in graph.rows(PAGES)]
    graph.change("page_edit", item="Page-0001.aspx")
    graph.change("page_delete", item="Page-0002.aspx")
    assert ["deleted" in row for row in graph.delta(link)[0]] == [False, False, True]
    assert "Page-0002.aspx" not in [row["name"] for row in graph.rows(PAGES)]
    assert graph.refusal(one({"id": rows[3]["sharepointIds"]["listItemUniqueId"]}))[0] == 404


def test_a_damaged_canvas_spoils_the_expanded_listing(graph: Graph) -> None:
    damaged, sound = page(graph, 1), page(graph, 8)
    graph.change("page_damage", item="Page-0001.aspx")
    assert graph.refusal(EXPANDED) == (400, "invalidRequest")
    assert len(graph.rows(PAGES)) == 10
    assert graph.refusal(f"{one(damaged)}?$expand=canvasLayout")[0] == 400
    assert graph.get(one(damaged))["title"] == damaged["title"]
    assert graph.get(f"{one(sound)}?$expand=canvasLayout")["canvasLayout"]
    graph.change("page_repair", item="Page-0001.aspx")
    assert len(graph.rows(EXPANDED)) == 10


@pytest.mark.parametrize(
    ("operation", "listing", "single"), [("GET pages", 400, 200), ("GET page", 200, 400), (None, 400, 400)]
)
def test_a_canvas_can_be_damaged_by_a_fault(graph: Graph, operation: str | None, listing: int, single: int) -> None:
    found = page(graph, 1)
    graph.let("damaged_canvas", operation=operation, times=0)
    assert graph.http.get(EXPANDED).status_code == listing
    assert graph.http.get(f"{one(found)}?$expand=canvasLayout").status_code == single
    assert graph.http.get(one(found)).status_code == 200


def test_pages_can_be_forbidden(graph: Graph) -> None:
    graph.let("pages_forbidden", times=0)
    assert graph.refusal(PAGES)[0] == 403
    assert graph.get(drive("documents"))


def test_more_pages(graph: Graph) -> None:
    graph.begin_anew(pages="450")
    assert [len(page["value"]) for page in graph.pages(PAGES)] == [200, 200, 50]
