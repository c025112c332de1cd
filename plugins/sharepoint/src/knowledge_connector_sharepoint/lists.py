"""Items of lists: each becomes a document of its columns. Listed whole each time, and compared by their eTag."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from knowledge_connector import Complete, Document, Failure, Item
from knowledge_connector.kit.markdown import to_markdown
from knowledge_connector_sharepoint.files import moment, person
from knowledge_connector_sharepoint.graph import NotReadable

if TYPE_CHECKING:
    from knowledge_connector_sharepoint.graph import Graph
    from knowledge_connector_sharepoint.graph import Item as GraphItem
    from knowledge_connector_sharepoint.sites import Site

_LIBRARIES = frozenset({"documentLibrary", "webPageLibrary", "pictureLibrary", "xmlForm"})
_SYSTEM_FIELDS = frozenset(
    {
        "id", "Title", "LinkTitle", "LinkTitleNoMenu", "ContentType", "Modified", "Created", "AuthorLookupId", "EditorLookupId",
        "Attachments", "Edit", "ItemChildCount", "FolderChildCount", "AppAuthorLookupId", "AppEditorLookupId", "ComplianceAssetId",
    }
)  # fmt: skip
_CODED = re.compile(r"_x([0-9a-fA-F]{4})_")
_IS_HTML = re.compile(r"\s*<(?:div|p|table|ul|ol|span|h[1-6])\b", re.IGNORECASE)


class ListReader:
    """Reads lists of one site.

    Args:
        graph: Whom to ask.
        site: Whose lists.
        names: Which; `*` for all that are neither libraries nor the system's.
    """

    def __init__(self, graph: Graph, site: Site, names: tuple[str, ...]) -> None:
        self._graph, self._site = graph, site
        self._names = frozenset(name.casefold() for name in names)

    @property
    def beneath(self) -> str:
        """What the ids of all items of the site's lists begin with."""
        return f"{self._site.id}/lists/"

    def read(self) -> Iterator[Item]:
        """Yield every item of the lists that are meant, and that these were all."""
        try:
            for one in self._graph.items(f"/sites/{self._site.id}/lists"):
                if self._is_wanted(one):
                    yield from self._items(one)
        except NotReadable as error:
            yield Failure(self.beneath, f"lists of {self._site.name!r} skipped: {error.message}", "lists", beneath=True)
            return
        yield Complete(self.beneath)

    def _is_wanted(self, one: GraphItem) -> bool:
        facet = one.get("list") or {}
        if facet.get("hidden") or facet.get("template") in _LIBRARIES or "system" in one:
            return False
        named = {str(one.get("displayName") or "").casefold(), str(one.get("name") or "").casefold()}
        return "*" in self._names or not self._names.isdisjoint(named)

    def _items(self, one: GraphItem) -> Iterator[Item]:
        prefix = f"{self.beneath}{one['id']}/"
        try:
            for item in self._graph.items(f"/sites/{self._site.id}/lists/{one['id']}/items?$expand=fields"):
                yield self._document(prefix, one, item)
        except NotReadable as error:
            yield Failure(prefix, f"list {one.get('displayName')!r} skipped: {error.message}", "lists", beneath=True)

    def _document(self, prefix: str, one: GraphItem, item: GraphItem) -> Document:
        fields = item.get("fields") or {}
        name = str(one.get("displayName") or one.get("name") or "")
        facts = {"site": self._site.name, "list": name, "author": person(item.get("lastModifiedBy"))}
        return Document(
            f"{prefix}{item['id']}",
            title=str(fields.get("Title") or f"{name} {item['id']}"),
            body=partial(fields_to_markdown, fields),
            uri=item.get("webUrl"),
            updated_at=moment(item.get("lastModifiedDateTime")),
            revision=item.get("eTag"),
            metadata={key: value for key, value in facts.items() if value},
        )


def fields_to_markdown(fields: GraphItem) -> str:
    """Write the columns of an item one below the other, without the system's own; the title stands elsewhere."""
    return "\n\n".join(_column(name, value) for name, value in fields.items() if _is_told(name, value))


def _is_told(name: str, value: object) -> bool:
    return not (name in _SYSTEM_FIELDS or name.startswith(("_", "@")) or "@odata" in name or value in (None, "", []))


def _column(name: str, value: object) -> str:
    title = _CODED.sub(lambda code: chr(int(code[1], 16)), name)
    text = _text(value)
    return f"**{title}**\n\n{text}" if "\n" in text else f"**{title}:** {text}"


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_text(one) for one in value)
    if isinstance(value, dict):  # a link, a lookup, a person
        known = (value.get(key) for key in ("Description", "LookupValue", "displayName", "Url"))
        return next((str(one) for one in known if one), "")
    text = str(value)
    return to_markdown(text).strip() if _IS_HTML.match(text) else text
