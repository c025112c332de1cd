from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge_connector.state.text import decode, decode_rows, encode, encode_all, plain_head

odd = st.sampled_from("\x00\x1a\ud800\udce4\udfff")
texts = st.lists(st.characters(categories=None) | odd | st.sampled_from("a0/\x19\x1b")).map("".join)


@given(texts)
def test_a_string_comes_back(text: str) -> None:
    encoded = encode(text)
    assert decode(encoded) == text
    assert "\x00" not in encoded
    encoded.encode("utf-8")


@given(texts, texts)
def test_prefixes_stay_prefixes(text: str, prefix: str) -> None:
    assert encode(text).startswith(encode(prefix)) == text.startswith(prefix)
    assert encode(text + prefix).startswith(encode(text))


@given(texts)
def test_the_plain_head_is_stored_as_it_is(text: str) -> None:
    head = plain_head(text)
    assert text.startswith(head)
    assert encode(text).startswith(head)
    assert encode(head) == head


@pytest.mark.parametrize("value", [None, 3, 1.5, b"\x1a\x00", "plain", "日本語"])
def test_what_is_not_odd_is_left_alone(value: object) -> None:
    assert encode(value) is value
    assert decode(value) is value


@given(st.lists(st.tuples(texts, st.none() | texts, st.integers(), st.binary())))
def test_many_at_once(rows: list[tuple[object, ...]]) -> None:
    assert decode_rows([tuple(encode(value) for value in row) for row in rows]) == rows
    assert encode_all([row[0] for row in rows]) == [encode(row[0]) for row in rows]
    assert encode_all([row[2] for row in rows]) == [row[2] for row in rows]
