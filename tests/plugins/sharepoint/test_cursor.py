"""What is kept between readings."""

from __future__ import annotations

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge_connector_sharepoint.cursor import Cursor, DrivePlace, Folders

LOG = logging.LoggerAdapter(logging.getLogger("knowledge_connector.testing"), {})


def test_a_cursor_comes_back_as_it_was() -> None:
    cursor = Cursor(sites={"https://x": "id"}, drives={"d": DrivePlace(site="id", link="https://g/x", whole=False)})
    assert Cursor.parse(cursor.model_dump(mode="json"), LOG) == cursor


@pytest.mark.parametrize(
    "stored", [{"version": 2}, {"drives": 3}, {"something": "else"}, {"drives": {"d": {"lnk": "x"}}}]
)
def test_what_cannot_be_understood_asks_for_everything(
    stored: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    assert Cursor.parse(stored, LOG) is None
    assert "cannot be understood" in caplog.text


def test_no_cursor_is_no_reason_for_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    assert Cursor.parse(None, LOG) is None
    assert not caplog.records


def test_folders_know_what_has_changed() -> None:
    folders = Folders()
    assert folders.put("a", "root", "Guides")
    assert not folders.put("a", "root", "Guides")
    assert folders.put("a", "root", "Handbooks"), "renamed"
    assert folders.put("a", "b", "Handbooks"), "moved"
    assert not folders.put("a", "b", "Handbooks")
    assert "a" in folders
    assert folders.drop("a")
    assert not folders.drop("a")
    assert "a" not in folders


@given(st.dictionaries(st.text(), st.tuples(st.text(), st.text()), max_size=50))
def test_folders_come_back_as_they_were(places: dict[str, tuple[str, str]]) -> None:
    folders = Folders()
    for id_, (parent, name) in places.items():
        folders.put(id_, parent, name)
    again = Folders(folders.packed())
    assert [again.put(id_, parent, name) for id_, (parent, name) in places.items()] == [False] * len(places)
    assert len(folders.packed()) <= 12 * len(places)


def test_damaged_folders_are_no_folders() -> None:
    assert Folders("!!!").packed() == ""
