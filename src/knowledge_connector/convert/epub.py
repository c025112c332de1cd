"""EPUB books: the chapters in reading order, as the book's own table of contents calls them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import unquote

from knowledge_connector.convert.html_page import page_text
from knowledge_connector.errors import DocumentError, Unreadable
from knowledge_connector.kit.markdown import to_markdown
from knowledge_connector.kit.xml import Element, flowing_text, local_name, parse_xml
from knowledge_connector.model import Converted
from knowledge_connector.ports import Converter

if TYPE_CHECKING:
    from knowledge_connector.kit.packages import Package
    from knowledge_connector.model import Raw

_CONTAINER = "META-INF/container.xml"
_LOCKS = "META-INF/encryption.xml"
_PAGES = ("application/xhtml+xml", "text/html")
_FACTS = {"creator": "author", "language": "language", "publisher": "publisher", "date": "created"}
_INNER_LINK = re.compile(
    r"""<a\b[^<>]*?\shref\s*=\s*(?:"(?!https?:|mailto:)[^"<>]*"|'(?!https?:|mailto:)[^'<>]*')[^<>]*>"""
)


class EpubConverter(Converter):
    """Reads EPUB 2 and 3; it has no settings of its own."""

    name = "epub"
    version = "1"
    media_types: ClassVar[frozenset[str]] = frozenset({"application/epub+zip"})
    extensions: ClassVar[Mapping[str, str]] = {".epub": "application/epub+zip"}

    def convert(self, raw: Raw, settings: Mapping[str, Any]) -> Converted:  # noqa: ARG002  # there are none
        """Give the chapters; title, author, language, publisher and date are the book's.

        Raises:
            DocumentError: It is damaged (code `malformed`) or a bomb (`bomb`).
            Unreadable: It is locked by a shop (code `encrypted`).
        """
        from knowledge_connector.kit.packages import Package  # only who meets a book pays

        with Package(raw.content) as package:
            book = _Book(package)
            chapters = "\n\n".join(book.chapters())
        return Converted(chapters, book.title, book.subjects, book.facts)


class _Book:
    def __init__(self, package: Package) -> None:
        self._package = package
        path = _package_path(package)
        self._folder = posixpath.dirname(path)
        root = parse_xml(package.read(path))
        sections = {local_name(child): child for child in root}
        self._items = {item.get("id"): item for item in _children(sections.get("manifest"), "item")}
        self._spine = [ref.get("idref") for ref in _children(sections.get("spine"), "itemref")]
        said = list(_texts(sections.get("metadata")))
        self.title = next((text for name, text in said if name == "title"), None)
        self.subjects = tuple(dict.fromkeys(text for name, text in said if name == "subject"))
        self.facts = {key: text for name, key in _FACTS.items() if (text := _joined(said, name))}

    def chapters(self) -> Iterator[str]:
        """The Markdown of each page of the spine that has any."""
        locked, contents = _locked(self._package), self._contents()
        for item in (self._items[name] for name in self._spine if name in self._items):
            path = self._path(item)
            if item.get("media-type") not in _PAGES or _is_contents(item) or path not in self._package:
                continue
            if path in locked:
                raise Unreadable("it is locked by the shop that sold it (DRM)", code="encrypted")
            markdown = _chapter(self._package.read(path))
            if markdown:
                heading = contents.get(path)
                yield f"# {heading}\n\n{markdown}" if heading and "#" not in markdown[:400] else markdown

    def _path(self, item: Element) -> str:
        return _resolved(self._folder, item.get("href") or "")

    def _contents(self) -> dict[str, str]:
        """Names of pages by the table of contents, of EPUB 3 (`nav`) or 2 (`ncx`); none if it is damaged."""
        for item in self._items.values():
            if _is_contents(item) or item.get("media-type") == "application/x-dtbncx+xml":
                try:
                    return _names(parse_xml(self._package.read(self._path(item))), posixpath.dirname(self._path(item)))
                except DocumentError:
                    continue
        return {}


def _package_path(package: Package) -> str:
    if _CONTAINER in package:
        for file in parse_xml(package.read(_CONTAINER)).iter("{*}rootfile"):
            if file.get("full-path") in package:
                return str(file.get("full-path"))
    found = next((name for name in package if name.endswith(".opf")), None)
    if found is None:
        raise DocumentError("it has no list of its chapters (no .opf file)", code="malformed")
    return found


def _locked(package: Package) -> set[str]:
    """Paths of what is encrypted. Fonts often are, for their makers; that does not hurt a reader."""
    if _LOCKS not in package:
        return set()
    return {unquote(ref.get("URI") or "") for ref in parse_xml(package.read(_LOCKS)).iter("{*}CipherReference")}


def _children(parent: Element | None, name: str) -> list[Element]:
    return [] if parent is None else [child for child in parent if local_name(child) == name]


def _texts(metadata: Element | None) -> Iterator[tuple[str, str]]:
    for child in () if metadata is None else metadata:
        text = flowing_text(child)
        if text:
            yield local_name(child), text


def _joined(said: list[tuple[str, str]], name: str) -> str:
    return ", ".join(dict.fromkeys(text for key, text in said if key == name))


def _is_contents(item: Element) -> bool:
    return "nav" in (item.get("properties") or "").split()


def _names(contents: Element, folder: str) -> dict[str, str]:
    names: dict[str, str] = {}
    for link in contents.iter("{*}a"):
        page = _resolved(folder, link.get("href") or "")
        if page not in names:
            names[page] = flowing_text(link)
    for content in contents.iter("{*}content"):
        page = _resolved(folder, content.get("src") or "")
        if page not in names:
            names[page] = " ".join(map(flowing_text, _children(content.getparent(), "navLabel")))
    return names


def _resolved(folder: str, href: str) -> str:
    return _normal(folder, href.partition("#")[0])


@lru_cache(maxsize=256)  # a table of contents leads to each page many times
def _normal(folder: str, path: str) -> str:
    return posixpath.normpath(posixpath.join(folder, unquote(path)))


def _chapter(content: bytes) -> str:
    """Links from page to page lead nowhere outside the book; their text stays."""
    return to_markdown(_INNER_LINK.sub("", page_text(content, xhtml=True))).strip("\n")
