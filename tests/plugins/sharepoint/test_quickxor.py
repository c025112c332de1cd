"""The hash, by the published vectors and by its definition."""

from __future__ import annotations

import base64
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge_connector_sharepoint.quickxor import quick_xor_hash


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "AAAAAAAAAAAAAAAAAAAAAAAAAAA="),
        (b"a", "YQAAAAAAAAAAAAAAAQAAAAAAAAA="),
        (b"hello world", "aCgDG9jwBhDc4Q1yawMZAAAAAAA="),
        (bytes(5), "AAAAAAAAAAAAAAAABQAAAAAAAAA="),
        (bytes(range(256)), "QkGEfSisZcA7k+FCh71r2dbCayY="),
    ],
)
def test_known_contents(content: bytes, expected: str) -> None:
    assert quick_xor_hash(io.BytesIO(content)) == expected


def by_definition(content: bytes) -> str:
    bits = [0] * 160
    for number, byte in enumerate(content):
        for bit in range(8):
            bits[(11 * number + bit) % 160] ^= byte >> bit & 1
    state = bytearray(sum(bits[8 * place + bit] << bit for bit in range(8)) for place in range(20))
    for place, byte in enumerate(len(content).to_bytes(8, "little")):
        state[12 + place] ^= byte
    return base64.b64encode(state).decode()


@given(st.binary(max_size=2000))
def test_it_is_what_the_definition_says(content: bytes) -> None:
    assert quick_xor_hash(io.BytesIO(content)) == by_definition(content)


def test_large_files_are_read_piece_by_piece() -> None:
    content = bytes(range(251)) * 6000
    assert quick_xor_hash(io.BytesIO(content)) == by_definition(content)
