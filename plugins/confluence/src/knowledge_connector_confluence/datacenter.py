"""Data Center: version 1 of the API for everything. It clamps limits silently and miscounts its own next links."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from knowledge_connector import AuthenticationError, ConnectorError, DocumentError
from knowledge_connector_confluence.cloud import labels_of
from knowledge_connector_confluence.times import when
from knowledge_connector_confluence.wiki import Batch, Comment, Entry, File, Space, Wiki
from knowledge_connector_confluence.wire import Params

V1 = "rest/api"
LARGEST = 200
EXPANDED = "version,ancestors,space,metadata.labels,history.lastUpdated"


class DataCenterWiki(Wiki):
    """Confluence Data Center or Server, with or without a context path."""

    largest = LARGEST

    def whoami(self) -> str:
        """See `Wiki`."""
        user = self.wire.get(f"{V1}/user/current")
        if user.get("type") == "anonymous" or not (user.get("userKey") or user.get("username")):
            raise AuthenticationError(
                f"{self.wire.base_url} takes us for a stranger: the token or password is not valid (any more)",
                where="origin",
            )
        return str(user.get("displayName") or user.get("username") or user["userKey"])

    def spaces(self, *, archived: bool = False) -> Iterator[Space]:
        """See `Wiki`."""
        for row in self._all(f"{V1}/space", {"status": "archived" if archived else "current"}):
            yield _space(row)

    def batch(self, space: Space, kind: str, at: str | None, limit: int, *, bodies: bool) -> Batch:
        """See `Wiki`. The cursor is where the page starts; Data Center knows no archived pages."""
        start = int(at or 0)
        params: Params = {
            "spaceKey": space.key,
            "type": kind,
            "status": "current",
            "expand": EXPANDED + (",body.storage" if bodies else ""),
            "start": start,
            "limit": limit,
        }
        rows, more = self._page(f"{V1}/content", params, document_id=f"{space.id}/")
        entries = tuple(self._entry(row) for row in rows)
        return Batch(entries, str(start + len(entries)) if more else None)

    def behind(self, at: str | None) -> str | None:
        """See `Wiki`."""
        return str(int(at or 0) + 1)

    def current(self, ids: Sequence[str]) -> Iterator[Entry]:
        """See `Wiki`. One by one: search would know them all at once, and be late."""
        for id_ in ids:
            try:
                row = self.wire.get(f"{V1}/content/{id_}", {"expand": EXPANDED}, document_id=id_)
            except DocumentError:
                continue  # it is gone, or gone for us
            if row.get("status") == "current" and row.get("type") in self.config.kinds:
                yield self._entry(row)

    def labelled(self, entries: Sequence[Entry]) -> list[Entry]:
        """See `Wiki`: the listing brought them."""
        return list(entries)

    def ancestors(self, entry: Entry) -> tuple[tuple[str, str], ...]:
        """See `Wiki`: the listing brought them."""
        return entry.ancestors or ()

    def body(self, entry: Entry, document_id: str) -> str:
        """See `Wiki`."""
        row = self.wire.get(f"{V1}/content/{entry.id}", {"expand": "body.storage"}, document_id=document_id)
        return _storage(row) or ""

    def files(self, entry: Entry, document_id: str) -> Iterator[File]:
        """See `Wiki`."""
        path = f"{V1}/content/{entry.id}/child/attachment"
        for row in self._all(path, {"expand": "version"}, document_id=document_id):
            said = row.get("extensions", {})
            yield File(
                id=str(row["id"]),
                name=row["title"],
                version=row["version"]["number"],
                download=row.get("_links", {}).get("download", ""),
                path=row.get("_links", {}).get("webui", ""),
                media_type=said.get("mediaType") or row.get("metadata", {}).get("mediaType"),
                size=said.get("fileSize"),
                updated_at=when(row["version"].get("when")),
            )

    def comments(self, entry: Entry, document_id: str) -> Iterator[Comment]:
        """See `Wiki`."""
        params = {"expand": "version,body.storage", "depth": "all"}
        for row in self._all(f"{V1}/content/{entry.id}/child/comment", params, document_id=document_id):
            yield Comment(str(row["id"]), row["version"]["number"], _storage(row) or "")

    def find(self, space_key: str, title: str) -> tuple[Entry, Space] | None:
        """See `Wiki`."""
        params = {"spaceKey": space_key, "title": title, "expand": f"{EXPANDED},body.storage"}
        rows, _ = self._page(f"{V1}/content", params)
        if not rows:
            return None
        return self._entry(rows[0]), _space(rows[0]["space"])

    def user(self, kind: str, key: str) -> str | None:
        """See `Wiki`."""
        name = {"userkey": "key", "username": "username"}.get(kind)
        if name is None:
            return None
        try:
            return str(self.wire.get(f"{V1}/user", {name: key}, document_id=key).get("displayName") or "") or None
        except ConnectorError:
            return None  # a name that cannot be had is no reason to lose the page

    def searched(self, cql: str) -> Iterator[Entry]:
        """See `Wiki`."""
        for row in self._all(f"{V1}/content/search", {"cql": cql, "expand": EXPANDED}):
            yield self._entry(row)

    # ------------------------------------------------------------------------------------------------------------- parts

    def _all(self, path: str, params: Params, *, document_id: str | None = None) -> Iterator[dict[str, Any]]:
        """All results of a listing, page after page. Where a page starts is counted here."""
        start, more = 0, True
        while more:
            rows, more = self._page(path, {"limit": LARGEST, **params, "start": start}, document_id=document_id)
            yield from rows
            start += len(rows)

    def _page(
        self, path: str, params: Params, *, document_id: str | None = None
    ) -> tuple[Sequence[dict[str, Any]], bool]:
        """The results of one page, and whether there may be more. A page without results ends a listing, if it stays so."""
        for _ in range(2):
            answer = self.wire.get(path, params, document_id=document_id)
            rows: Sequence[dict[str, Any]] = answer.get("results", ())
            more = bool(answer.get("_links", {}).get("next"))
            if rows or not more:
                return rows, more
        return (), False

    def _entry(self, row: Mapping[str, Any]) -> Entry:
        ancestors = tuple((one.get("type", "page"), str(one["id"])) for one in row.get("ancestors", ()))
        version = row["version"]
        return Entry(
            id=str(row["id"]),
            kind=row["type"],
            title=row.get("title") or "",
            space_id=str(row["space"]["id"]),
            version=version["number"],
            site=self.wire.base_url,
            path=row.get("_links", {}).get("webui", ""),
            updated_at=when(version.get("when")),
            parent=ancestors[-1] if ancestors else None,
            ancestors=ancestors,
            labels=labels_of(row),
            body=_storage(row),
        )


def _space(row: Mapping[str, Any]) -> Space:
    name = row.get("name") or row["key"]
    return Space(str(row["id"]), row["key"], name, is_personal=row.get("type") == "personal")


def _storage(row: Mapping[str, Any]) -> str | None:
    body = row.get("body", {}).get("storage")
    return None if body is None else body.get("value") or ""
