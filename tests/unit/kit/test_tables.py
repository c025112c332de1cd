"""Rows as Markdown."""

from hypothesis import given
from hypothesis import strategies as st

from knowledge_connector.kit.tables import table

CELL = st.text("a|\\\n b\x1e\x1f").map(str.strip)


def escaped(cell: str) -> str:
    cell = cell.replace("\x1e", "").replace("\x1f", "")  # no cell keeps what stands between them
    return cell.replace("\\", "\\\\").replace("|", "\\|").replace("\n", "<br>")


@given(st.integers(1, 4).flatmap(lambda width: st.lists(st.lists(CELL, min_size=width, max_size=width), min_size=1)))
def test_each_cell_is_escaped_whatever_stands_beside_it(rows: list[list[str]]) -> None:
    lines = [f"| {' | '.join(map(escaped, row))} |" for row in rows]
    lines.insert(1, "|" + " --- |" * len(rows[0]))
    assert table(rows) == "\n".join(lines)
