"""Which lines are looked at as titles of bookmarks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from knowledge_connector_pdf.layout import _named, plain  # of a document only the headings show what was named
from knowledge_connector_pdf.lines import Line, Style

words = st.sampled_from(
    ["Scope", "aims", "İn", "the", "ß", "A.1", "1.2.", "3", "«Why?»", "state-of", "(ends)", "ÉTÉ", "b.", "so,"]
)
titles = st.lists(words, min_size=1, max_size=4).map(" ".join)


@given(st.lists(titles, min_size=1, max_size=8), st.lists(titles, max_size=4))
def test_no_line_that_is_a_title_is_passed_over(written: list[str], bookmarked: list[str]) -> None:
    names = {name: 1 for title in [*bookmarked, written[0]] if (name := plain(title))}
    lines = [Line(text, 0, 0, 0, Style(11)) for text in written]
    expected = {at: 1 for at, text in enumerate(written) if plain(text) in names}
    assert (_named(lines, names) if names else {}) == expected
