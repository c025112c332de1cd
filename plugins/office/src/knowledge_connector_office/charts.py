"""Charts as the tables that they were drawn from: what the file keeps of the numbers.

Reference: ECMA-376, part 1, section 21.2.
"""

from __future__ import annotations

from knowledge_connector_office.package import Element

_C = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
_A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_MAX_POINTS = 1_000


def chart_title(root: Element) -> str:
    """What stands above the chart; may be empty."""
    title = root.find(f"{_C}chart/{_C}title")
    return "" if title is None else "".join(text.text or "" for text in title.iter(f"{_A}t"))


def chart_rows(root: Element) -> list[list[str]]:
    """One column for each series, one row for each category, beneath a header; at most a thousand rows."""
    series = list(root.iter(f"{_C}ser"))
    columns = [_points(one, "val") or _points(one, "yVal") for one in series]
    categories = next((found for one in series if (found := _points(one, "cat") or _points(one, "xVal"))), {})
    places = sorted(set(categories).union(*columns))[:_MAX_POINTS]
    header = ["", *(_name(one) for one in series)]
    return [header, *([categories.get(at, ""), *(column.get(at, "") for column in columns)] for at in places)]


def _points(series: Element, role: str) -> dict[int, str]:
    holder = series.find(_C + role)
    points = () if holder is None else holder.iter(f"{_C}pt")
    return {
        int(point.get("idx")): point.findtext(f"{_C}v") or ""
        for point in points
        if (point.get("idx") or "").isdecimal()
    }


def _name(series: Element) -> str:
    name = series.find(f"{_C}tx")
    return "" if name is None else "".join(value.text or "" for value in name.iter(f"{_C}v"))
