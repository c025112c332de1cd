"""What is written in one go is what is written piece by piece."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from knowledge_connector_office.writing import Markdown

TEXTS = st.lists(st.text(st.sampled_from(" \t\n#=-`~|\\aß\xa0"), max_size=6))


@given(TEXTS)
@example(["a", "# b", "c\n\n d", "", "- e", "---"])
def test_paragraphs(texts: list[str]) -> None:
    one_by_one, at_once = Markdown({}), Markdown({})
    for text in texts:
        one_by_one.paragraph(text)
    at_once.paragraphs(texts)
    assert at_once.text() == one_by_one.text()


@given(TEXTS, st.integers(0, 3), st.booleans())
def test_items(texts: list[str], depth: int, is_ordered: bool) -> None:
    numbers = list(range(1, len(texts) + 1)) if is_ordered else [None] * len(texts)
    one_by_one, at_once = Markdown({}), Markdown({})
    for text, number in zip(texts, numbers, strict=True):
        one_by_one.item(text, depth, number)
    at_once.items(zip(texts, numbers, strict=True), depth)
    assert at_once.text() == one_by_one.text()


@given(st.lists(st.tuples(TEXTS.map("".join), st.just("x")), min_size=1, max_size=9))
def test_tables(rows: list[tuple[str, str]]) -> None:
    out = Markdown({})
    out.table(rows)
    escaped = [left.strip().replace("\\", "\\\\").replace("|", "\\|").replace("\n", "<br>") for left, _ in rows]
    header, *body = [f"| {text} | x |" for text in escaped]
    assert out.text() == "\n".join([header, "| --- | --- |", *body, ""])
