from __future__ import annotations

import os

from hypothesis import given
from hypothesis import strategies as st

from knowledge_connector_filesystem.names import file_link, id_of, label_of, link_of, path_of

NAMES = st.binary(min_size=1, max_size=40).filter(lambda name: b"\0" not in name) | st.text(
    st.characters(codec="utf-8", exclude_characters="\0"), min_size=1
).map(str.encode)


@given(NAMES)
def test_an_id_is_valid_text_and_leads_back(raw: bytes) -> None:
    path = os.fsdecode(raw)
    document_id = id_of(path)
    document_id.encode("utf-8")
    assert os.fsencode(path_of(document_id)) == raw
    label_of(path).encode("utf-8")
    assert link_of(path).isascii()


@given(NAMES, NAMES)
def test_ids_differ_where_names_do(one: bytes, other: bytes) -> None:
    assert (id_of(os.fsdecode(one)) == id_of(os.fsdecode(other))) == (one == other)


def test_a_folder_link_is_a_url() -> None:
    assert file_link("/my docs/ü") == "file:///my%20docs/%C3%BC"
    assert file_link("/") == "file://"
