"""A site's modern pages and news. They have no delta: all are listed each time, and compared by their eTag.

list with canvases ─ 400: one of them is damaged ─▶ list of names, canvas by canvas ─ 400 ─▶ title and description alone
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from knowledge_connector import Complete, Document, Failure, Item, Skip, Unreadable
from knowledge_connector_sharepoint.files import moment, person
from knowledge_connector_sharepoint.graph import NotReadable, Refused

if TYPE_CHECKING:
    from logging import Logger, LoggerAdapter

    from knowledge_connector_sharepoint.graph import Graph
    from knowledge_connector_sharepoint.graph import Item as GraphItem
    from knowledge_connector_sharepoint.sites import Site

PAGE = "microsoft.graph.sitePage"
EXPANDED = "?$expand=canvasLayout"
_RESERVED = "microsoftReserved"


class PageReader:
    """Reads the pages of one site.

    Args:
        graph: Whom to ask.
        site: Whose pages.
        drafts: Whether to read what was never published.
        log: Is told what could be read in part only.
    """

    def __init__(self, graph: Graph, site: Site, *, drafts: bool, log: LoggerAdapter[Logger]) -> None:
        self._graph, self._site, self._drafts, self._log = graph, site, drafts, log
        self._list = f"/sites/{site.id}/pages/{PAGE}"

    @property
    def beneath(self) -> str:
        """What the ids of all pages of the site begin with."""
        return f"{self._site.id}/pages/"

    def read(self, *, expanded: bool) -> Iterator[Item]:
        """Yield every page of the site, and that these were all.

        Args:
            expanded: Most pages are new: ask for their canvases along with the list.
        """
        try:
            if expanded:
                yield from self._with_canvases()
            else:
                yield from map(self._judged, self._graph.items(self._list))
        except NotReadable as error:
            yield Failure(self.beneath, f"pages of {self._site.name!r} skipped: {error.message}", "pages", beneath=True)
            return
        yield Complete(self.beneath)

    def _with_canvases(self) -> Iterator[Item]:
        shown: set[str] = set()
        try:
            for page in self._graph.items(self._list + EXPANDED):
                shown.add(page["id"])
                yield self._judged(page)
        except Refused as refused:
            if refused.status != HTTPStatus.BAD_REQUEST:
                raise
            rest = (page for page in self._graph.items(self._list) if page["id"] not in shown)
            yield from map(self._judged, rest)

    def _judged(self, page: GraphItem) -> Document | Skip:
        id_ = self.beneath + page["id"]
        if _RESERVED in (page.get("pageLayout"), page.get("promotionKind")):
            return Skip(id_, "reserved-page", excluded=True)
        state = page.get("publishingState") or {}
        if not self._drafts and state.get("level", "published") != "published":
            never = str(state.get("versionId") or "0").partition(".")[0] == "0"
            return Skip(id_, "draft", excluded=never)  # of a page that was published, what was read then stays
        return self._document(id_, page)

    def _document(self, id_: str, page: GraphItem) -> Document:
        uri = urljoin(self._site.web_url.rstrip("/") + "/", page.get("webUrl") or "")
        facts = {
            "site": self._site.name,
            "author": person(page.get("lastModifiedBy")),
            "description": page.get("description") or "",
            "topic": str((page.get("titleArea") or {}).get("textAboveTitle") or "").strip(),
            "kind": "news" if page.get("promotionKind") == "newsPost" else "page",
        }
        return Document(
            id_,
            title=page.get("title") or page.get("name") or "",
            body=partial(self._body, page, uri),
            uri=uri,
            updated_at=moment(page.get("lastModifiedDateTime")),
            revision=page.get("eTag"),
            metadata={name: value for name, value in facts.items() if value},
        )

    def _body(self, page: GraphItem, uri: str) -> str:
        """What a page says; of a damaged one what the listing says of it.

        Raises:
            Unreadable: It is gone since it was listed.
        """
        from knowledge_connector_sharepoint.canvas import canvas_to_markdown  # only new and changed pages pay for it

        if "canvasLayout" not in page:
            page = self._with_canvas(page)
        told = str(page.get("description") or page.get("title") or "")
        return (canvas_to_markdown(page, url=uri) if "canvasLayout" in page else "") or told

    def _with_canvas(self, page: GraphItem) -> GraphItem:
        try:
            return self._graph.get(f"/sites/{self._site.id}/pages/{page['id']}/{PAGE}{EXPANDED}")
        except Refused as refused:
            if refused.status == HTTPStatus.BAD_REQUEST:
                self._log.warning(
                    "a page has a damaged canvas; only its title and description are read", extra={"page": page["id"]}
                )
                return page
            raise Unreadable(refused.message, code="vanished", where="origin") from refused
