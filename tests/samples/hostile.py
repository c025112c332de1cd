"""Files that are broken, or made to do harm: a list made anew each time, from the same seeds."""

from __future__ import annotations

import gzip
import io
import random
import struct
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from plugins.office.packages import open_document, word
from plugins.pdf.makers import Page, pdf, text
from samples.letters import PLAIN, mail, outlook
from samples.ole import write_ole
from samples.packages import book, xhtml, zipped
from samples.story import MAKERS, story

ANY = ""
"""Whatever comes out: text, or one of our codes."""

LAUGHS = (
    '<!DOCTYPE x [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9))
    + "]>"
)
OUTSIDE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


@dataclass(frozen=True)
class Case:
    """A file, and the code it shall end with; `text` where it shall be read all the same."""

    name: str
    content: bytes
    expected: str = ANY


def cases() -> list[Case]:
    """All of them."""
    return [*_damaged(), *_misnamed(), *_bombs(), *_deep(), *_locked(), *_liars(), *_endless()]


def _damaged() -> Iterator[Case]:
    """Every type of file, cut, holed, shuffled, flipped, doubled."""
    chance = random.Random(7)  # noqa: S311  # the same damage each time
    for ending, make in MAKERS.items():
        whole = make(story(ending, length=10))
        half = len(whole) // 2
        flipped = bytearray(whole)
        for _ in range(30):
            flipped[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
        parts = {
            "head": whole[:64],
            "tenth": whole[: len(whole) // 10],
            "half": whole[:half],
            "all-but-a-little": whole[:-20],
            "beheaded": whole[8:],
            "holed": whole[: half // 2] + bytes(half // 4) + whole[half // 2 + half // 4 :],
            "flipped": bytes(flipped),
            "shuffled": whole[half:] + whole[:half],
            "with-noise-behind": whole + chance.randbytes(5000),
        }
        yield from (Case(f"{how}.{ending}", content) for how, content in parts.items())
        yield Case(f"nothing.{ending}", b"")


def _misnamed() -> Iterator[Case]:
    """Noise, and other types, under every name."""
    noise = random.Random(8).randbytes(3000)  # noqa: S311  # the same noise each time
    for ending in ("pdf", "docx", "xlsx", "pptx", "odt", "doc", "xls", "msg", "epub", "rtf", "eml", "png", "zip"):
        yield Case(f"noise.{ending}", noise)
        yield Case(f"text.{ending}", b"Only text, and no such file at all. " * 20)
        yield Case(f"page.{ending}", b"<!doctype html><p>An error page.", "text")
    for magic in (
        b"%PDF-1.7\n",
        b"PK\x03\x04",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        b"{\\rtf1",
        b"\x1f\x8b\x08",
        b"<?xml",
        b"BZh9",
    ):
        yield Case(f"magic-{magic[:5].hex()}-and-noise", magic + noise)
        yield Case(f"magic-{magic[:5].hex()}-alone", magic)
        yield Case(f"magic-{magic[:5].hex()}-and-zeros", magic + bytes(100_000))


def _bombs() -> Iterator[Case]:
    """Small files that would fill the memory."""
    zeros = bytes(40_000_000)
    yield Case("zeros.zip", zipped({"zeros.txt": zeros}), "bomb")
    yield Case("zeros.txt.gz", gzip.compress(zeros, 1), "bomb")
    nested = zipped({"zeros.txt": bytes(50_000_000)})
    for depth in range(6):
        nested = zipped({f"{depth}-{copy}.zip": nested for copy in range(4)})
    yield Case("nested.zip", nested, "empty")
    yield Case("many.zip", zipped({f"{number}.txt": b"x" for number in range(5000)}), "text")
    yield Case("laughs.xml", (LAUGHS + "<x>&j;</x>").encode(), "malformed")
    yield Case(
        "quadratic.xml", ('<!DOCTYPE x [<!ENTITY a "' + "a" * 100_000 + '">]><x>' + "&a;" * 20_000 + "</x>").encode()
    )
    yield Case("laughs.svg", (LAUGHS + "<svg>&j;</svg>").encode())
    yield Case("laughs.docx", zipped(_parts(word("x"), "word/document.xml", LAUGHS + "<w>&j;</w>")))
    yield Case("laughs.odt", zipped(_parts(open_document("text", "x"), "content.xml", LAUGHS + "<w>&j;</w>")))
    yield Case("laughs.epub", book({"a.xhtml": "x"}, more={"book/content.opf": LAUGHS + "<p>&j;</p>"}), "malformed")
    yield Case("zeros.docx", zipped(_parts(word("x"), "word/document.xml", zeros)), "bomb")
    yield Case("zeros.odt", zipped(_parts(open_document("text", "x"), "content.xml", zeros)), "bomb")
    yield Case("zeros.epub", book({"a.xhtml": "x"}, more={"book/a.xhtml": zeros}), "bomb")
    yield Case("spans.html", b"<table>" + b"<tr><td colspan=99999999 rowspan=99999999>x" * 50)
    yield Case("long.txt", b"word " * 4_000_000, "too-long")
    yield Case("one-field.csv", b'"' + b"a" * 4_000_000 + b'"\n')
    yield Case("columns.csv", b"a," * 200_000 + b"\n" + b"b," * 200_000)
    yield Case("wide.tar", _tar_of_sparse(), "bomb")


def _deep() -> Iterator[Case]:
    """Nesting without end."""
    count = 100_000
    yield Case("deep.json", b"[" * count + b"]" * count, "too-deep")
    yield Case("deep.ipynb", b'{"cells":' * count, "malformed")
    yield Case("deep.xml", b"<a>" * count + b"</a>" * count, "malformed")
    yield Case("deep.html", b"<!doctype html>" + b"<div>" * count + b"text", "text")
    emphasis = b"".join(b"<b class=c%d>" % number for number in range(90))
    yield Case("reopened.html", b"<!doctype html>" + emphasis + b"<p>text" * count, "text")
    yield Case("quoted.html", b"<!doctype html>" + b"<blockquote>" * 900 + b"<pre>" + b"text\n" * count, "text")
    yield Case("deep.md", b"> " * count + b"text")
    yield Case("deep-list.md", b"".join(b" " * depth * 2 + b"- x\n" for depth in range(1000)), "text")
    yield Case("deep.rtf", b"{\\rtf1 " + b"{" * count + b"text" + b"}" * count)
    yield Case(
        "deep.eml", b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(5000))
    )
    yield Case("deep.docx", word("<w:p><w:r>" + "<w:ins>" * 5000 + "</w:ins>" * 5000 + "</w:r></w:p>"))
    yield Case("deep.odt", open_document("text", "<text:span>" * 5000 + "</text:span>" * 5000))
    letter = mail("the last")
    for number in range(12):
        letter = mail(f"mail {number}", mails=[letter])
    yield Case("mails-in-mails.eml", letter, "text")
    tree: dict[str, object] = {"WordDocument": b"x"}
    for _ in range(200):
        tree = {"Storage": tree}
    yield Case("deep.doc", write_ole(tree))  # type: ignore[arg-type]  # a tree of trees, as deep as it happens to be


def _locked() -> Iterator[Case]:
    yield Case("locked.docx", write_ole({"EncryptedPackage": bytes(5000), "EncryptionInfo": b"x"}), "encrypted")
    yield Case("locked.xlsx", write_ole({"EncryptedPackage": bytes(5000), "EncryptionInfo": b"x"}), "encrypted")
    yield Case(
        "locked.pdf",
        pdf([Page("x")]).replace(b"/Root", b"/Encrypt << /Filter /Standard /V 1 /R 2 /O (x) /U (y) /P -4 >> /Root"),
    )
    yield Case(
        "locked.epub",
        book({"a.xhtml": "x"}, more={"META-INF/encryption.xml": '<e><CipherReference URI="book/a.xhtml"/></e>'}),
        "encrypted",
    )
    yield Case("locked.zip", _with_flag(zipped({"a.txt": b"secret"}), 1), "empty")
    yield Case(
        "locked.eml",
        b"Subject: x\nFrom: y\nTo: z\nContent-Type: application/pkcs7-mime; name=smime.p7m\n\nMIIB\n",
        "encrypted",
    )


def _liars() -> Iterator[Case]:
    """Files that say of themselves what is not so, or ask for what is not theirs."""
    yield Case("outside.xml", (OUTSIDE + "<x>&a;</x>").encode())
    yield Case("outside.docx", zipped(_parts(word("x"), "word/document.xml", OUTSIDE + "<w>&a;</w>")))
    yield Case("outside.odt", zipped(_parts(open_document("text", "x"), "content.xml", OUTSIDE + "<w>&a;</w>")))
    yield Case("outside.epub", book({"a.xhtml": "x"}, more={"book/content.opf": OUTSIDE + "<p>&a;</p>"}))
    yield Case("outside.zip", zipped({"../../etc/passwd.txt": b"x", "/etc/shadow.txt": b"y"}), "text")
    yield Case("small-by-its-word.zip", _with_size(zipped({"a.txt": bytes(1_000_000)}), 5))
    yield Case("huge-by-its-word.zip", _with_size(zipped({"a.txt": b"little"}), 0xFFFFFFF0))
    yield Case("mimetype.odt", _with_damaged_mimetype())
    yield Case("twins.zip", _twins(), "text")
    yield Case("pages.pdf", pdf([Page(text("hello", 72, 700))]).replace(b"/Count 1", b"/Count 999999999"))
    yield Case("itself.pdf", pdf([Page("x")]).replace(b"/Type /Pages", b"/Type /Pages /Parent 6 0 R"))
    yield Case(
        "charset.eml", b"From: a\nTo: b\nSubject: =?x-no?q?=C3?=\nContent-Type: text/plain; charset=x-no\n\n\xff\xfe\n"
    )
    yield Case("headers.eml", b"Subject: x\n" + b"X-Many: y\n" * 100_000 + b"\ntext", "text")
    yield Case(
        "boundary.eml", b"Content-Type: multipart/mixed; boundary=b\nFrom: x\nTo: y\n\n" + b"--b\n\nx\n" * 50_000
    )
    yield Case("attributes.html", b"<!doctype html><p " + b"a=b " * 500_000 + b">text", "text")
    yield Case("comment.html", b"<!doctype html><p>before<!-- " + b"x" * 1_000_000, "text")
    yield Case("surrogates.json", rb'{"a": "\ud800", "b": "\udfff"}', "text")
    yield Case("numbers.json", b"[" + b"1" * 100_000 + b"]")
    yield Case("yaml.md", b"---\na: &a [x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\n" + _aliases() + b"---\ntext", "text")
    yield Case("times.srt", b"1\n99999999999999:00:00,000 --> 99999999999999:00:01,000\ntext\n", "text")


def _endless() -> Iterator[Case]:
    """Chains that lead back to where they began."""
    good = write_ole({"WordDocument": bytes(20_000), "1Table": bytes(9000)})
    fat_at = 512 + struct.unpack_from("<I", good, 76)[0] * 512
    looped = bytearray(good)
    struct.pack_into("<128I", looped, fat_at, *([1] * 128))
    yield Case("looped.doc", bytes(looped))
    letter = bytearray(outlook({PLAIN: "text " * 3000}))
    fat_at = 512 + struct.unpack_from("<I", letter, 76)[0] * 512
    struct.pack_into("<64I", letter, fat_at, *([0] * 64))
    yield Case("looped.msg", bytes(letter))
    yield Case("looped.pdf", pdf([Page("x")]).replace(b"trailer <<", b"trailer << /Prev 9 "))
    yield Case("itself.epub", book({"a.xhtml": xhtml("x")}, more={"book/toc.xhtml": "x"}), "text")


def _parts(package: bytes, name: str, content: str | bytes) -> dict[str, bytes | str]:
    with zipfile.ZipFile(io.BytesIO(package)) as file:
        return {**{part: file.read(part) for part in file.namelist()}, name: content}


def _tar_of_sparse() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        info = tarfile.TarInfo("a.txt")
        info.size = 1 << 40
        archive.addfile(info)
    return file.getvalue() + bytes(1024)


def _with_flag(package: bytes, flag: int) -> bytes:
    changed = bytearray(package)
    for magic, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        changed[changed.find(magic) + at] |= flag
    return bytes(changed)


def _with_damaged_mimetype() -> bytes:
    """Found by fuzzing: a part that is looked at to tell the type, and cannot be unpacked."""
    content = zipped({"mimetype": "application/vnd.oasis.opendocument.text" * 3, "content.xml": "<x/>"})
    start = content.index(b"mimetype") + len(b"mimetype")
    return content[:start] + b"\xff" * 20 + content[start + 20 :]


def _with_size(package: bytes, size: int) -> bytes:
    changed = bytearray(package)
    for magic, at in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<I", changed, changed.find(magic) + at, size)
    return bytes(changed)


def _twins() -> bytes:
    return zipped({"twin-a.txt": b"one", "twin-b.txt": b"two"}).replace(b"twin-b.txt", b"twin-a.txt")


def _aliases() -> bytes:
    """Nine times nine times nine …"""
    rows = (f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n" for before, name in pairwise("bcdefghijklmnop"))
    return "".join(rows).encode()
