"""The files that converters are measured on: a story in every type, and a real manual of which Debian has several versions."""

from __future__ import annotations

import gzip
import html
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.conversion_scores import Expected
from benchmarks.tools import PROJECT

if TYPE_CHECKING:
    from samples.story import Story

LENGTH, GREAT_LENGTH = 120, 2400
"""Paragraphs before and behind the middle; about 30 kB of text, and 500 kB."""

MANUAL = Path("/usr/share/developers-reference")
"""Debian's package `developers-reference`: one manual as text, HTML, EPUB and PDF, with the documents that LibreOffice makes of it."""

_WRITER = {
    "docx": "docx:MS Word 2007 XML",
    "odt": "odt",
    "doc": "doc:MS Word 97",
    "rtf": "rtf:Rich Text Format",
    "pdf": "pdf:writer_web_pdf_Export",
}
_CALC = {"xls": "xls:MS Excel 97", "ods": "ods"}
_IMPRESS = {"ppt": "ppt:MS PowerPoint 97", "odp": "odp"}

_HEADED = {
    *("html", "md", "xhtml", "docx", "pptx", "odt", "odp", "ppt", "doc", "epub"),
    *("ipynb", "eml", "msg", "mhtml", "xml", "json", "jsonl", "ctxt", "pdf"),
}
_TABLED = {
    *("html", "md", "xhtml", "docx", "pptx", "odt", "doc", "epub", "ipynb"),
    *("eml", "msg", "mhtml", "csv", "tsv", "xlsx", "xls", "ods"),
}
_LINKED = {"html", "md", "xhtml", "odt", "epub", "ipynb", "eml", "msg", "mhtml", "doc"}
_MORE_OF_LIBREOFFICE = {"tabled": ("rtf",), "linked": ("docx", "rtf", "pdf")}


def build(folder: Path) -> dict[str, Expected]:
    """Write the files that are not there yet; give what there is to find in each by its name.

    Names are `story.docx` for files by a Python library or by hand, `libreoffice.docx` for those of LibreOffice, `manual.epub` for
    Debian's, and `manual-libreoffice.odt` for what LibreOffice makes of it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sources = folder.parent / "conversion-sources"
    sources.mkdir(exist_ok=True)
    return {**_stories(folder, sources), **(_manuals(folder, sources) if MANUAL.exists() else {})}


def build_long(folder: Path) -> list[Path]:
    """Write a long story in every type, and give the files; for the speed where what each document costs whatever its length is little."""
    from samples.story import MAKERS, story

    folder.mkdir(parents=True, exist_ok=True)
    told = story("plain", length=GREAT_LENGTH)
    for ending, make in MAKERS.items():
        if ending != "zip":
            (folder / f"long.{ending}").write_bytes(make(told))
    return sorted(folder.glob("long.*"))


def _stories(folder: Path, sources: Path) -> dict[str, Expected]:
    from samples.story import MAKERS, page, story

    told = story("plain", length=LENGTH)
    for ending, make in MAKERS.items():
        if ending != "zip":
            (folder / f"story.{ending}").write_bytes(make(told))
    for ending, kinds in (("html", _WRITER), ("xlsx", _CALC), ("pptx", _IMPRESS)):
        content = page(told).encode() if ending == "html" else MAKERS[ending](told)
        _by_libreoffice(sources / f"libreoffice.{ending}", content, kinds, folder)
    there = [*folder.glob("story.*"), *folder.glob("libreoffice.*")]
    return {path.name: _of_story(path.name, told) for path in sorted(there)}


def _of_story(name: str, told: Story) -> Expected:
    origin, _, kind = name.partition(".")
    more = _MORE_OF_LIBREOFFICE if origin == "libreoffice" else {}
    return Expected(
        "\n".join(words for section in told.sections for words in section.paragraphs),
        tuple(section.heading for section in told.sections) if kind in _HEADED else (),
        told.table if kind in _TABLED or kind in more.get("tabled", ()) else (),
        (told.link[1],) if kind in _LINKED or kind in more.get("linked", ()) else (),
    )


def _manuals(folder: Path, sources: Path) -> dict[str, Expected]:
    page = (MANUAL / "developers-reference.html").read_bytes()
    for ending in ("html", "epub", "pdf"):
        shutil.copy(MANUAL / f"developers-reference.{ending}", folder / f"manual.{ending}")
    (folder / "manual.txt").write_bytes(gzip.decompress((MANUAL / "developers-reference.txt.gz").read_bytes()))
    _by_libreoffice(
        sources / "manual-libreoffice.html",
        page,
        {"docx": _WRITER["docx"], "odt": "odt", "rtf": _WRITER["rtf"]},
        folder,
    )
    text, written = (folder / "manual.txt").read_text(encoding="utf-8"), page.decode()
    headings = tuple(_visible(match[1]) for match in re.finditer(r"<h[1-6][^>]*>(.*?)</h[1-6]>", written, re.DOTALL))
    links = tuple(sorted(set(re.findall(r'class="reference external" href="(https?://[^"]+)"', written))))
    whole = Expected(text, headings, (), links)
    return {
        path.name: whole if path.suffix not in (".txt", ".rtf") else Expected(text)
        for path in sorted(folder.glob("manual*"))
    }


def _visible(markup: str) -> str:
    return html.unescape(re.sub(r"<a class=\"headerlink\".*?</a>|<[^>]+>", "", markup, flags=re.DOTALL))


def _by_libreoffice(source: Path, content: bytes, kinds: dict[str, str], folder: Path) -> None:
    """Have LibreOffice, where it is installed, write a file in other formats."""
    wanted = {kind: target for kind, target in kinds.items() if not (folder / f"{source.stem}.{kind}").exists()}
    if not wanted or shutil.which("soffice") is None:
        return
    source.write_bytes(content)
    profile = f"-env:UserInstallation=file://{source.parent}/profile"
    kind = ["--infilter=HTML (StarWriter)"] if source.suffix == ".html" else []
    for target in wanted.values():
        command = [
            "soffice",
            profile,
            "--headless",
            *kind,
            "--convert-to",
            target,
            "--outdir",
            str(folder),
            str(source),
        ]
        subprocess.run(command, check=True, capture_output=True, timeout=300, cwd=PROJECT)
