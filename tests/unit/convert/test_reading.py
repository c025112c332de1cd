"""The usual road: detection, attachments, archives."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from knowledge_connector.convert.pipeline import MAX_ATTACHMENTS, ConverterSet
from knowledge_connector.convert.plugin import register_converters
from knowledge_connector.convert.reading import MAX_DEPTH, Reader, lowered
from knowledge_connector.errors import DocumentError, Unreadable
from knowledge_connector.kit.pages import page_mark
from knowledge_connector.model import Attachment, Converted, Raw
from knowledge_connector.ports import Converter
from samples.packages import zipped

OPEN = {"archive": {"enabled": True}}


class Fragile(Converter):
    """Crashes, or gives a page, or something that holds itself."""

    name = "fragile"
    version = "1"
    media_types: ClassVar[frozenset[str]] = frozenset({"text/x-fragile"})
    extensions: ClassVar[Mapping[str, str]] = {".fragile": "text/x-fragile"}

    def convert(self, raw: Raw, settings: Mapping[str, Any]) -> Converted:
        match raw.content:
            case b"crash":
                raise ZeroDivisionError
            case b"paged":
                return Converted(f"{page_mark(1)}one {page_mark(2)}two")
            case b"calendar":
                return Converted("", attachments=(Attachment("invitation.ics", b"SUMMARY:Meeting", "text/calendar"),))
            case b"endless":
                return Converted("again", attachments=(Attachment("x.fragile", b"endless"),))
            case _:
                return Converted("", attachments=tuple(Attachment("e.txt", b"e") for _ in range(MAX_ATTACHMENTS + 5)))


READER = Reader(ConverterSet.of([Fragile, *register_converters()]), OPEN)


def read(content: bytes, media_type: str = "", name: str = "x") -> Converted:
    return READER.convert(raw := Raw(content, media_type, f"file:///{name}"), READER.media_type(raw))


def tarred(files: Mapping[str, bytes]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        link = tarfile.TarInfo("link.md")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    return file.getvalue()


FILES = {
    "a/one.md": b"# One\n\ntext",
    "a/two.html": b"<h2>Two</h2><p>more",
    "__MACOSX/._one.md": b"x",
    "a/.DS_Store": b"x",
}
EXPECTED = "# a/one.md\n\n## One\n\ntext\n\n# a/two.html\n\n### Two\n\nmore\n"


@pytest.mark.parametrize(
    "content",
    [
        zipped({**FILES, "a/": b""}),
        tarred(FILES),
        gzip.compress(tarred(FILES)),
        bz2.compress(tarred(FILES)),
        lzma.compress(tarred(FILES)),
    ],
    ids=["zip", "tar", "tar.gz", "tar.bz2", "tar.xz"],
)
def test_an_archive_is_its_files_one_after_another(content: bytes) -> None:
    assert read(content).markdown == EXPECTED


def test_a_file_that_is_only_packed_is_read_by_its_own_name() -> None:
    converted = read(gzip.compress(b"a;b\n1;2\n"), name="table.csv.gz")
    assert converted.markdown == "# table.csv\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n"


def test_archives_stay_closed_unless_a_setting_opens_them() -> None:
    closed = Reader(READER.converters)
    with pytest.raises(Unreadable, match="enabled = true") as caught:
        closed.convert(Raw(zipped(FILES), ""), "application/zip")
    assert caught.value.code == "archive-off"


def test_an_attachment_that_cannot_be_read_is_named_and_the_rest_is_read() -> None:
    files = {"a.png": b"\x89PNG\r\n\x1a\n", "b.fragile": b"crash", "c.xml": b"<a><b></a>", "d.txt": b"well"}
    converted = read(zipped(files))
    assert converted.markdown == "# d.txt\n\nwell\n"
    unread = "a.png (unsupported); b.fragile (crashed: ZeroDivisionError); c.xml (malformed)"
    assert converted.metadata == {"attachments_unread": unread}


def test_documents_lie_in_documents_only_so_deep() -> None:
    content = b"# Deep"
    for depth in range(MAX_DEPTH + 1):
        content = zipped({f"{depth}.zip" if depth else "deep.md": content})
    converted = read(content)
    assert converted == Converted("", metadata={"attachments_unread": "3.zip › 2.zip › 1.zip › deep.md (too-deep)"})
    shallow = read(zipped({"2.zip": zipped({"1.zip": zipped({"deep.md": b"# Deep"})})}))
    assert shallow.markdown == "# 2.zip\n\n## 1.zip\n\n### deep.md\n\n#### Deep\n"


def test_what_holds_itself_comes_to_an_end() -> None:
    assert read(b"endless", "text/x-fragile").markdown.count("again") == MAX_DEPTH + 1


def test_there_may_be_only_so_many() -> None:
    converted = read(b"many", "text/x-fragile")
    assert converted.markdown.count("# e.txt") == MAX_ATTACHMENTS
    assert str(converted.metadata["attachments_unread"]).count("e.txt (too-many)") == 5


def test_all_together_may_be_only_so_long() -> None:
    converted = read(zipped({f"{number}.txt": b"word " * 500_000 for number in range(3)}))
    assert 4_900_000 < len(converted.markdown) < 5_000_100
    assert converted.metadata["attachments_unread"] == "2.txt (too-long)"


def test_an_attachment_that_is_text_of_whatever_kind_is_read_as_text() -> None:
    assert read(b"calendar", "text/x-fragile").markdown == "# invitation.ics\n\nSUMMARY:Meeting\n"


def test_a_long_list_of_what_is_unread_is_cut() -> None:
    converted = read(zipped({f"{number:0100}.png": b"\x89PNG\r\n\x1a\n" for number in range(50)}))
    assert str(converted.metadata["attachments_unread"]).endswith("…")
    assert len(str(converted.metadata["attachments_unread"])) == 2000


def test_pages_of_an_attachment_are_not_pages_of_its_carrier() -> None:
    assert read(zipped({"a.fragile": b"paged"})).markdown == "# a.fragile\n\none two\n"


def test_charset_of_a_media_type_is_heard() -> None:
    assert read("Кот".encode("koi8-r"), 'text/plain; charset="koi8-r"').markdown == "Кот"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (zipped({"a.txt": bytes(200_000_000)}), "bomb"),
        (gzip.compress(bytes(200_000_000), 1), "bomb"),
        (gzip.compress(b"text")[:-6], "malformed"),
        (b"BZh91AY&SY", "malformed"),
        (tarred(FILES)[:600], "malformed"),
        (zipped(FILES)[:-10], "malformed"),
    ],
    ids=["zip bomb", "gzip bomb", "cut gzip", "cut bzip2", "cut tar", "cut zip"],
)
def test_hostile_and_broken_archives_are_refused(content: bytes, code: str) -> None:
    with pytest.raises(DocumentError) as caught:
        read(content)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("# a\n## b\n###### f", "## a\n### b\n###### f"),
        ("#hashtag\n#", "#hashtag\n##"),
        ("```\n# code\n```\n# a", "```\n# code\n```\n## a"),
        ("~~~~\n~~~\n# code\n~~~~\n# a", "~~~~\n~~~\n# code\n~~~~\n## a"),
        ("Title\n=====\n\ntext", "Title\n-----\n\ntext"),
        ("\n===", "\n==="),
        ("plain", "plain"),
    ],
)
def test_headings_go_one_level_down(before: str, after: str) -> None:
    assert lowered(before) == after
