from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from xlsxwriter.workbook import Workbook  # type: ignore[import-untyped]  # XlsxWriter ships no types
from xlsxwriter.worksheet import Worksheet  # type: ignore[import-untyped]  # XlsxWriter ships no types

from knowledge_connector import Converted, Raw, Unreadable
from knowledge_connector_office import SheetConverter
from plugins.office.makers import xlsx_file


def convert(content: bytes, **settings: Any) -> Converted:
    return SheetConverter().convert(Raw(content, ""), settings)


def sheet_of(rows: list[list[Any]]) -> bytes:
    def fill(workbook: Workbook) -> None:
        write(workbook.add_worksheet("Data"), rows)

    return xlsx_file(fill)


def write(sheet: Worksheet, rows: list[list[Any]]) -> None:
    for number, row in enumerate(rows):
        for column, value in enumerate(row):
            if value is not None:
                sheet.write(number, column, value)


def test_sheets_are_sections_and_their_first_rows_headers() -> None:
    def fill(workbook: Workbook) -> None:
        workbook.set_properties({"title": "Rates", "author": "Finance", "keywords": "rates; money"})
        write(workbook.add_worksheet("Cities"), [["City", "Rate|day"], ["Bonn", 120], ["C:\\", 0.1 + 0.2]])
        write(workbook.add_worksheet("Empty"), [])
        write(workbook.add_worksheet("Other"), [["a", "b"], [True, "x\ny"]])

    converted = convert(xlsx_file(fill))
    assert converted.markdown == (
        "## Cities\n\n| City | Rate\\|day |\n| --- | --- |\n| Bonn | 120 |\n| C:\\\\ | 0.3 |\n\n"
        "## Other\n\n| a | b |\n| --- | --- |\n| TRUE | x<br>y |\n"
    )
    assert (converted.title, converted.tags) == ("Rates", ("rates", "money"))
    assert (converted.metadata["author"], converted.metadata["sheets"]) == ("Finance", 3)


def test_dates_times_and_durations() -> None:
    def fill(workbook: Workbook) -> None:
        sheet = workbook.add_worksheet("Data")
        write(sheet, [["day", "moment", "time", "long"]])
        for column, (value, shape) in enumerate(
            (
                (dt.date(2024, 5, 1), "yyyy-mm-dd"),
                (dt.datetime(2024, 5, 1, 12, 30), "dd/mm/yy hh:mm"),  # noqa: DTZ001  # spreadsheets know no zones
                (dt.time(8, 15), "hh:mm"),
                (dt.timedelta(hours=30, minutes=5), "[h]:mm:ss"),
            )
        ):
            sheet.write(1, column, value, workbook.add_format({"num_format": shape}))

    assert convert(xlsx_file(fill)).markdown.endswith("| 2024-05-01 | 2024-05-01 12:30:00 | 08:15:00 | 30:05:00 |\n")


def test_captions_gaps_and_second_tables() -> None:
    rows: list[list[Any]] = [
        ["Travel report"],
        ["As of May"],
        ["City", "Rate", "Note"],
        ["Bonn", 120, None],
        [],
        ["Köln", 110, "busy"],
        [],
        [None, "Name", "Mail"],
        [None, "Ann", "a@example.org"],
        [],
        [None, "Bob", 7],
        [],
        ["End."],
    ]
    assert convert(sheet_of(rows)).markdown == (
        "## Data\n\nTravel report\n\nAs of May\n\n| City | Rate | Note |\n| --- | --- | --- |\n| Bonn | 120 |  |\n\n"
        "| City | Rate | Note |\n| --- | --- | --- |\n| Köln | 110 | busy |\n\n"
        "| Name | Mail |\n| --- | --- |\n| Ann | a@example.org |\n\n| Name | Mail |\n| --- | --- |\n| Bob | 7 |\n\nEnd.\n"
    )


def test_a_sheet_of_one_column_is_prose() -> None:
    assert convert(sheet_of([["Notes"], [], [" # one\ntwo "], [3.5], []])).markdown == (
        "## Data\n\nNotes\n\n\\# one\ntwo\n\n3.5\n"
    )
    assert convert(sheet_of([[" "], [], [""]])).markdown == "## Data\n"


def test_rows_beyond_a_batch_stay_in_order() -> None:
    numbers = range(1200)

    def fill(workbook: Workbook) -> None:
        sheet, day = workbook.add_worksheet("Data"), workbook.add_format({"num_format": "yyyy-mm-dd"})
        write(sheet, [["number", "day", "note"]])
        for number in numbers:
            sheet.write_row(number + 1, 0, [number, "none", "a\n" if number % 7 else "b"])
            if number % 2:
                sheet.write(number + 1, 1, dt.date(2024, 5, 1), day)

    lines = [f"| {n} | {'2024-05-01' if n % 2 else 'none'} | {'a' if n % 7 else 'b'} |" for n in numbers]
    assert convert(xlsx_file(fill)).markdown.split("\n")[4:-1] == lines


def test_merged_cells_are_repeated_and_captions_are_not() -> None:
    def fill(workbook: Workbook) -> None:
        sheet = workbook.add_worksheet("Data")
        sheet.merge_range("B2:D2", "All rates")
        sheet.merge_range("B3:B4", "Region")
        sheet.merge_range("C3:D3", "Rate")
        sheet.write_row("C4", ["low", "high"])
        sheet.write_row("B5", ["North", 1, 2])

    assert convert(xlsx_file(fill)).markdown == (
        "## Data\n\nAll rates\n\n| Region | Rate | Rate |\n| --- | --- | --- |\n| Region | low | high |\n| North | 1 | 2 |\n"
    )


def test_hidden_sheets_by_setting() -> None:
    def fill(workbook: Workbook) -> None:
        write(workbook.add_worksheet("Seen"), [["a", "b"]])
        sheet = workbook.add_worksheet("Unseen")
        write(sheet, [["c", "d"]])
        sheet.hide()

    content = xlsx_file(fill)
    assert "Unseen" not in convert(content).markdown
    assert "## Unseen" in convert(content, hidden=True).markdown


@pytest.mark.parametrize(
    ("settings", "code"),
    [({"max_cells": 5}, "too-many-cells"), ({"max_chars": 5}, "too-long"), ({"max_sheets": 0}, "too-many-pages")],
)
def test_limits(settings: dict[str, int], code: str) -> None:
    with pytest.raises(Unreadable) as caught:
        convert(sheet_of([["a", "b"], [1, 2], [3, 4]]), **settings)
    assert caught.value.code == code


def test_formulas_give_what_was_calculated_and_errors_nothing() -> None:
    def fill(workbook: Workbook) -> None:
        sheet = workbook.add_worksheet("Data")
        write(sheet, [["a", "b"]])
        sheet.write_formula("A2", "=1+1", None, 2)
        sheet.write_formula("B2", "=1/0", None, "#DIV/0!")

    assert convert(xlsx_file(fill)).markdown.endswith("| a | b |\n| --- | --- |\n| 2 |  |\n")


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False), min_size=1, max_size=20))
@example([1e15, 1234567890123456.0, 9999999999999998.0, 1e16, 1e150, 120.0, 0.1 + 0.2, -0.5, 1e-5])
@settings(max_examples=50)
def test_numbers_have_fifteen_digits_and_identifiers_all_of_theirs(values: list[float]) -> None:
    def written(value: float) -> str:
        stored = float(f"{value:.16G}")  # as XlsxWriter puts it into the file
        return f"{stored:.0f}" if 1e15 <= abs(stored) < 1e16 else f"{stored:.15g}"

    lines = convert(sheet_of([["value", "kind"], *([value, "x"] for value in values)])).markdown.split("\n")[4:-1]
    assert lines == [f"| {written(value)} | x |" for value in values]


@given(st.lists(st.lists(st.sampled_from(["", "a", "b|c", "d\ne", "f\\", 1.5, True]), min_size=2, max_size=2)))
@settings(max_examples=50)
def test_cells_are_escaped_alone_as_in_company(rows: list[list[Any]]) -> None:
    plain = [["x", "y"]] * 5
    filled = [row for row in rows if all(value != "" for value in row)]
    texts = {
        1.5: "1.5",
        True: "TRUE",
        dt.date(2024, 5, 1): "2024-05-01",
        "b|c": "b\\|c",
        "d\ne": "d<br>e",
        "f\\": "f\\\\",
    }
    lines = convert(sheet_of(plain + filled + plain)).markdown.split("\n")[8:-6]
    assert lines == [f"| {texts.get(left, left)} | {texts.get(right, right)} |" for left, right in filled]
