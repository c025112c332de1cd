"""The small parts by themselves: expressions, times, decoders, the arithmetic of changes."""

from __future__ import annotations

import gzip
import io
import zipfile
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge_connector import ConfigError, DocumentError
from knowledge_connector_rest.changes import Changes, Window
from knowledge_connector_rest.config import Incremental
from knowledge_connector_rest.decoding import CsvDecoder, JsonDecoder, JsonLinesDecoder, Undecodable, XmlDecoder
from knowledge_connector_rest.expressions import check_names, evaluate, is_template, render, render_path, value_of
from knowledge_connector_rest.times import read_moment, write_moment

BERLIN = ZoneInfo("Europe/Berlin")
MOMENT = datetime(2024, 5, 1, 12, 30, tzinfo=UTC)


# ------------------------------------------------------------------------------------------------------------- expressions


def test_what_has_a_dotted_name_in_braces_is_a_template_and_graphql_is_none() -> None:
    assert is_template("/x/{record.id}")
    assert not is_template("{id: id, name: name}")
    assert not is_template("query { tickets { nodes {id} } }")


def test_one_placeholder_alone_keeps_its_type() -> None:
    scope = {"cursor": {"start": 7}, "record": {"tags": ["a"], "none": None}}
    assert render("{cursor.start}", scope) == 7
    assert render("{record.tags}", scope) == ["a"]
    assert render("since {cursor.start}{record.none}", scope) == "since 7"
    assert value_of("{record.tags}", scope) == value_of("tags", scope) == ["a"]


@given(st.text(min_size=1).filter(lambda text: text not in (".", "..")))
def test_what_is_filled_into_a_path_stays_within_its_segment(text: str) -> None:
    try:
        path = render_path("/a/{record.id}/b", {"record": {"id": text}})
    except UnicodeEncodeError:
        return  # a lone surrogate is no text that JSON could have brought
    assert path.count("/") == 3
    assert not set("?#") & set(path)


@pytest.mark.parametrize("bad", ["..", ".", "", None])
def test_a_segment_cannot_lead_upwards(bad: str | None) -> None:
    with pytest.raises(DocumentError, match="cannot be part of a path"):
        render_path("/a/{record.id}", {"record": {"id": bad}})


def test_a_field_that_is_not_there_is_named() -> None:
    with pytest.raises(DocumentError, match=r"\{record.owner.name\}"):
        render("by {record.owner.name}", {"record": {"owner": {}}})


def test_unknown_names_are_found_within_lists_and_tables() -> None:
    with pytest.raises(ValueError, match="'ticket' is not known here"):
        check_names({"filter": [{"id": "{ticket.id}"}]}, frozenset({"record"}))


def test_an_expression_that_cannot_be_computed_says_which() -> None:
    with pytest.raises(DocumentError, match=r"length\(n\)"):
        evaluate("length(n)", {"n": 7})


# -------------------------------------------------------------------------------------------------------------------- times


@pytest.mark.parametrize(
    ("value", "pattern", "zone"),
    [
        ("2024-05-01T12:30:00Z", None, None),
        ("2024-05-01T14:30:00+02:00", None, None),
        ("2024-05-01 14:30:00", None, BERLIN),
        ("2024-05-01T12:30:00", "iso", UTC),
        (1714566600, None, None),
        ("1714566600", "epoch_seconds", None),
        (1714566600000, None, None),
        (1714566600000, "epoch_milliseconds", None),
        (1714566600.0, None, None),
        ("Wed, 01 May 2024 12:30:00 GMT", None, None),
        ("01.05.2024 14:30", "%d.%m.%Y %H:%M", BERLIN),
    ],
)
def test_moments_are_read_as_services_write_them(value: object, pattern: str | None, zone: ZoneInfo | None) -> None:
    assert read_moment(value, zone, pattern) == MOMENT


def test_dates_alone_are_no_epochs() -> None:
    assert read_moment("20240501", UTC) == read_moment("2024-05-01", UTC) == datetime(2024, 5, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("2024-05-01 12:30", "has no time zone"),
        ("soon", "no moment"),
        (True, "no moment"),
        (None, "no moment"),
        (1e300, "no moment"),
    ],
)
def test_what_is_no_moment_is_named(value: object, told: str) -> None:
    with pytest.raises(DocumentError, match=told):
        read_moment(value, None)


@pytest.mark.parametrize("pattern", ["iso", "epoch_seconds", "epoch_milliseconds", "http", "%Y-%m-%d %H:%M:%S"])
def test_what_is_written_is_read_again(pattern: str) -> None:
    assert read_moment(write_moment(MOMENT, pattern, BERLIN), BERLIN, pattern) == MOMENT


# ----------------------------------------------------------------------------------------------------------------- decoders


def test_json_with_a_mark_with_nan_and_in_another_charset() -> None:
    json = JsonDecoder()
    assert json.decode(b'\xef\xbb\xbf{"a": NaN, "b": -Infinity}', None) == {"a": None, "b": None}
    assert json.decode('{"a": "ö"}'.encode(), "iso-8859-1") == {"a": "ö"}
    assert json.decode('{"a": "ö"}'.encode("latin-1"), "iso-8859-1") == {"a": "ö"}


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"", "empty"), (b"  \n", "empty"), (b"<html>", "HTML"), (b'{"a": ', "no JSON"), (b"[" * 100_000, "no JSON"),
     (b"[" * 300 + b"]" * 300, "nested deeper than 200")],
)  # fmt: skip
def test_what_is_no_json_is_told(content: bytes, told: str) -> None:
    with pytest.raises(Undecodable, match=told):
        JsonDecoder().decode(content, None)


def test_lines_may_be_empty_and_hold_odd_line_ends() -> None:
    assert JsonLinesDecoder(type="jsonl").decode(b'{"a": "x\\u2028y"}\n\n{"a": 2}\r\n', None) == [
        {"a": "x\u2028y"},
        {"a": 2},
    ]


def test_a_table_has_names_quotes_and_another_delimiter() -> None:
    content = 'id;text\n1;"two\nlines; and more"\n2;ä;too much\n'.encode("cp1252")
    assert CsvDecoder(type="csv", delimiter=";").decode(content, "cp1252") == [
        {"id": "1", "text": "two\nlines; and more"},
        {"id": "2", "text": "ä"},
    ]


@pytest.mark.parametrize("content", [b"", b"<html>", b"id,text\n1,\x00\x01\x02\xff\xfe\x00\x00"])
def test_what_is_no_table_is_told(content: bytes) -> None:
    with pytest.raises(Undecodable):
        CsvDecoder(type="csv").decode(content, None)


def test_xml_becomes_tables_and_lists() -> None:
    decoder = XmlDecoder(type="xml", lists=("entry",))
    assert decoder.decode(b'<feed><entry id="1">x</entry></feed>', None) == {
        "feed": {"entry": [{"@id": "1", "#text": "x"}]}
    }


BOMB = b'<!DOCTYPE b [<!ENTITY a "aaaaaaaaaa"><!ENTITY c "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]><b>&c;</b>'
OUTSIDE = b'<!DOCTYPE b [<!ENTITY a SYSTEM "file:///etc/passwd">]><b>&a;</b>'


@pytest.mark.parametrize("content", [BOMB, OUTSIDE, b"<a><b></a>", b"{}"])
def test_entities_and_what_is_no_xml_are_refused(content: bytes) -> None:
    with pytest.raises(Undecodable, match="no XML"):
        XmlDecoder(type="xml").decode(content, None)


def test_packed_answers_are_bounded() -> None:
    packed = JsonDecoder(packed="gzip")
    assert packed.decode(gzip.compress(b"[1]"), None) == [1]
    assert packed.decode(b"[1]", None) == [1]
    with pytest.raises(Undecodable, match="EOFError"):
        packed.decode(gzip.compress(b"[1, 2, 3]" * 100)[:-20], None)
    with pytest.raises(Undecodable, match="when unpacked"):
        packed.decode(gzip.compress(b"0" * 100_000_001, 1), None)
    with pytest.raises(Undecodable, match="when unpacked"):
        JsonDecoder(packed="zip").decode(_zipped(b"0" * 100_000_001), None)
    with pytest.raises(Undecodable, match="BadZipFile"):
        JsonDecoder(packed="zip").decode(b"PK", None)


def _zipped(content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("a.json", content)
    return out.getvalue()


# ------------------------------------------------------------------------------------------------------------------ changes


def changes(**options: Any) -> Changes:
    return Changes(Incremental.model_validate({"cursor": "at", **options}))


def test_moments_become_marks_that_sort() -> None:
    here = changes(read_formats=("%d.%m.%Y", "epoch_seconds"), timezone="Europe/Berlin")
    marks = [here.mark(value) for value in ("01.05.2024", 1714566600)]
    assert marks == ["2024-04-30T22:00:00.000000+00:00", "2024-05-01T12:30:00.000000+00:00"]
    assert here.written(marks[1]) == "2024-05-01T14:30:00+02:00"
    assert here.is_older(marks[0], marks[1])


@pytest.mark.parametrize(
    ("options", "start"),
    [
        ({}, "2024-05-01T12:30:00Z"),
        ({"lookback": 60}, "2024-05-01T12:29:00Z"),
        ({"inclusive": False}, "2024-05-01T12:29:59Z"),
        ({"inclusive": False, "granularity": 60, "lookback": 60}, "2024-05-01T12:28:00Z"),
    ],
)
def test_where_to_start(options: dict[str, Any], start: str) -> None:
    here = changes(**options)
    assert here.written(here.start_after(here.mark("2024-05-01T12:30:00Z"))) == start


def test_numbers_and_texts() -> None:
    number = changes(format="number", lookback=5, initial="100")
    assert number.initial() == 100
    assert number.written(number.start_after(number.mark("250"))) == 245
    text = changes(format="text", initial="a")
    assert text.later(text.mark("b10"), text.mark("b9")) == "b9"
    assert text.start_after("b9") == "b9"
    with pytest.raises(DocumentError, match="no number"):
        number.mark("x")


def test_windows_do_not_overlap_and_leave_nothing_out() -> None:
    here = changes(format="number", step=10, initial=1, end=25)
    assert list(here.windows(1, 25)) == [Window(1, 10), Window(11, 20), Window(21, 25)]
    days = changes(step=86400, initial="2024-01-01")
    found = list(days.windows(days.initial(), days.until(datetime(2024, 1, 3, tzinfo=UTC))))
    assert [(days.written(one.start), days.written(one.end)) for one in found] == [
        ("2024-01-01T00:00:00Z", "2024-01-01T23:59:59Z"),
        ("2024-01-02T00:00:00Z", "2024-01-02T23:59:59Z"),
        ("2024-01-03T00:00:00Z", "2024-01-03T00:00:00Z"),
    ]
    assert list(changes().windows(None, "x")) == [Window(None, None)]


def test_an_initial_value_of_another_kind_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match=r"incremental.initial"):
        changes(initial="soon").initial()


@pytest.mark.parametrize(("without", "told"), [("fail", True), ("include", False), ("exclude", False)])
def test_a_record_without_a_mark(without: str, told: bool) -> None:
    here = changes(without_cursor=without)
    if told:
        with pytest.raises(DocumentError):
            here.mark_of({})
    else:
        assert here.mark_of({}) is None
