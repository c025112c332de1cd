from __future__ import annotations

import pytest

from knowledge_connector.errors import DocumentError
from knowledge_connector.kit.packages import Package
from samples.packages import zipped

PARTS = {"a/one.xml": b"<one/>", "two.txt": b"two", "a/": b""}


def test_parts_are_read_by_name_and_folders_are_none() -> None:
    with Package(zipped(PARTS)) as package:
        assert sorted(package) == ["a/one.xml", "two.txt"]
        assert "two.txt" in package
        assert package.read("a/one.xml") == b"<one/>"


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", zipped(PARTS)[:-5]])
def test_a_damaged_directory_is_told_at_once(content: bytes) -> None:
    with pytest.raises(DocumentError) as caught:
        Package(content)
    assert caught.value.code == "malformed"


def test_a_part_that_is_missing_is_named() -> None:
    with Package(zipped(PARTS)) as package, pytest.raises(DocumentError, match=r"three\.txt") as caught:
        package.read("three.txt")
    assert caught.value.code == "malformed"


def test_a_part_that_unpacks_too_far_is_refused_before_it_does() -> None:
    with (
        Package(zipped({"zeros": bytes(20_000_000)})) as package,
        pytest.raises(DocumentError, match="zeros") as caught,
    ):
        package.read("zeros")
    assert caught.value.code == "bomb"


def test_all_parts_together_have_a_bound() -> None:
    with Package(zipped({"a": bytes(600), "b": bytes(600)}), max_bytes=1000) as package:
        assert len(package.read("a")) == 600
        with pytest.raises(DocumentError) as caught:
            package.read("b")
    assert caught.value.code == "bomb"


def test_a_part_that_says_it_is_small_and_is_not_gives_no_more_than_it_said() -> None:
    content = bytearray(zipped({"a": b"0123456789" * 100}))
    at = content.find(b"PK\x01\x02") + 24
    content[at : at + 4] = (5).to_bytes(4, "little")
    with Package(bytes(content)) as package, pytest.raises(DocumentError) as caught:
        package.read("a")
    assert caught.value.code == "malformed"
