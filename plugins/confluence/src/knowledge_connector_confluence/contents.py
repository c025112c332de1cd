"""Bodies, fetched when they are needed, on any thread: pages as Markdown, attachments as files."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import BinaryIO
from urllib.parse import urlsplit

from knowledge_connector import ConnectorError, DocumentError
from knowledge_connector.kit.download import download
from knowledge_connector_confluence.access import Access
from knowledge_connector_confluence.config import ConfluenceConfig
from knowledge_connector_confluence.links import Place
from knowledge_connector_confluence.storage import Included, to_markdown
from knowledge_connector_confluence.wiki import Entry, File, Space, Wiki
from knowledge_connector_confluence.wire import USER_AGENT

FORMAT = "1"
"""Part of every revision: raise it when the same page becomes another Markdown."""

REMEMBERED_NAMES = 10_000


class Contents:
    """What documents hold."""

    def __init__(self, config: ConfluenceConfig, wiki: Wiki, access: Access) -> None:
        self._config, self._wiki, self._access = config, wiki, access
        self._user = lru_cache(REMEMBERED_NAMES)(wiki.user)

    @property
    def recipe(self) -> str:
        """What, besides the page, decides how its Markdown looks."""
        options = (self._config.includes == "text", self._config.mentions, self._config.comments)
        return FORMAT + "".join("y" if option else "n" for option in options)

    def is_made_of_others(self, entry: Entry) -> bool:
        """Whether a page shows the text of other pages, whose changes its own version does not tell."""
        return self._config.includes == "text" and any(
            f'ac:name="{name}"' in (entry.body or "") for name in ("include", "excerpt-include")
        )

    def markdown(self, entry: Entry, space: Space, document_id: str) -> str:
        """The Markdown of a page or blog post, with its comments if they are wanted."""
        body = entry.body if entry.body is not None else self._wiki.body(entry, document_id)
        place = Place(entry.site, space.key, entry.id)
        resolver = _Resolver(self, entry, space)
        text = to_markdown(body, place, resolver)
        if not self._config.comments:
            return text
        comments = [to_markdown(one.body, place, resolver) for one in self._wiki.comments(entry, document_id)]
        said = "\n".join(one for one in comments if one)
        return f"{text}\n## Comments\n\n{said}" if said else text

    def file(self, file: File, document_id: str) -> BinaryIO:
        """An attachment as an open file.

        Streamed past the library, which would hold it in memory and decode it to text. Cloud redirects to signed addresses of another
        host: the log-in stays behind.
        """
        if urlsplit(file.download).netloc:
            raise DocumentError(
                f"{document_id}: its download leads to another host",
                code="elsewhere",
                where="origin",
                document_id=document_id,
            )
        wire = self._wiki.wire
        content = download(
            wire.http,
            f"{wire.base_url}/{file.download.lstrip('/')}",
            document_id=document_id,
            max_bytes=self._config.max_attachment_bytes,
            expected_bytes=file.size,
            headers={"User-Agent": USER_AGENT},
            auth=wire.auth,
        )
        if file.size is None and _is_page(content, file):
            content.close()
            raise DocumentError(
                f"{document_id}: a web page came instead of {file.name!r}: a log-in form, or a proxy in between",
                code="not-the-file",
                where="origin",
                document_id=document_id,
            )
        return content

    def user(self, kind: str, key: str) -> str | None:
        """A name, unless names are not wanted."""
        return self._user(kind, key) if self._config.mentions else None

    def included(self, entry: Entry, space: Space, key: str, title: str) -> Included | None:
        """A page that another one includes, if it stands in the same space and is restricted to nobody who may not read that one."""
        if self._config.includes != "text" or key != space.key:
            return None
        try:
            found = self._wiki.find(key, title)
            if found is None or not self._is_as_visible(found[0], entry):
                return None
        except ConnectorError:
            return None  # a link remains, and the page itself is there
        return Included(Place(found[0].site, key, found[0].id), title, found[0].body or "")

    def _is_as_visible(self, included: Entry, entry: Entry) -> bool:
        wanted = self._access.restriction(included)
        if wanted is None:
            return True
        readers = self._access.restriction(entry)
        return readers is not None and readers <= wanted


def _is_page(content: BinaryIO, file: File) -> bool:
    """Whether an answer of which nobody knew the size is HTML, and the file is none."""
    head = content.read(512).lstrip().lower()
    content.seek(0)
    return head.startswith((b"<!doctype html", b"<html")) and not file.name.lower().endswith(
        (".html", ".htm", ".xhtml")
    )


@dataclass(frozen=True, slots=True)
class _Resolver:
    """Answers what one page refers to."""

    contents: Contents
    entry: Entry
    space: Space

    def user(self, kind: str, key: str) -> str | None:
        """See `storage.Resolver`."""
        return self.contents.user(kind, key)

    def page(self, space_key: str, title: str) -> Included | None:
        """See `storage.Resolver`."""
        return self.contents.included(self.entry, self.space, space_key, title)
