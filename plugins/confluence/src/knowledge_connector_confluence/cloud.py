"""Cloud: version 2 of the API for what there is, version 1 for search, restrictions, names and downloads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any
from urllib.parse import parse_qs, urlsplit

from knowledge_connector import AuthenticationError, ConnectorError, FatalError
from knowledge_connector_confluence.times import when
from knowledge_connector_confluence.wiki import Batch, Comment, Entry, File, Space, Wiki, quoted
from knowledge_connector_confluence.wire import Params

V1, V2 = "rest/api", "api/v2"
LARGEST = 250


class CloudWiki(Wiki):
    """Confluence Cloud, at the site's address or at the gateway's."""

    largest = LARGEST

    def whoami(self) -> str:
        """See `Wiki`."""
        user = self.wire.get(f"{V1}/user/current")
        if user.get("type") == "anonymous" or not user.get("accountId"):
            raise AuthenticationError(f"{self.wire.base_url} takes us for a stranger", where="origin")
        return str(user.get("displayName") or user["accountId"])

    def spaces(self, *, archived: bool = False) -> Iterator[Space]:
        """See `Wiki`."""
        for row in self._all(f"{V2}/spaces", {"status": "archived" if archived else "current"}):
            yield _space(row)

    def batch(self, space: Space, kind: str, at: str | None, limit: int, *, bodies: bool) -> Batch:
        """See `Wiki`."""
        params: dict[str, str | int | list[str]] = {"status": self._statuses, "sort": "id", "limit": limit}
        if bodies:
            params["body-format"] = "storage"
        if at:
            params["cursor"] = at
        answer = self.wire.get(f"{V2}/spaces/{space.id}/{kind}s", params, document_id=f"{space.id}/")
        return Batch(tuple(self._entries(answer, kind)), _following(answer))

    def behind(self, at: str | None) -> str | None:  # noqa: ARG002  # an opaque cursor says nothing
        """See `Wiki`. Cursors are opaque: there is no way."""
        return None

    def current(self, ids: Sequence[str]) -> Iterator[Entry]:
        """See `Wiki`."""
        left = list(ids)
        for kind in self.config.kinds:
            params: Params = {"id": left, "status": self._statuses, "limit": LARGEST}
            found = list(self._entries(self.wire.get(f"{V2}/{kind}s", params), kind)) if left else []
            yield from found
            known = {entry.id for entry in found}
            left = [id_ for id_ in left if id_ not in known]

    def labelled(self, entries: Sequence[Entry]) -> list[Entry]:
        """By search, which knows of all at once; whoever it does not know yet is asked for by itself."""
        if not entries:
            return []
        params: Params = {
            "cql": f"id in ({', '.join(quoted(entry.id) for entry in entries)})",
            "expand": "metadata.labels",
            "limit": LARGEST,
        }
        rows = islice(
            self._search(params), len(entries)
        )  # a full page is followed by an empty one, which need not be asked for
        known = {str(row["id"]): labels_of(row) for row in rows}
        return [
            replace(entry, labels=known[entry.id] if entry.id in known else self._labels(entry)) for entry in entries
        ]

    def ancestors(self, entry: Entry) -> tuple[tuple[str, str], ...]:
        """See `Wiki`. An answer holds so many of the nearest; what is above the highest is asked for next."""
        chain: list[tuple[str, str]] = []
        kind, id_ = entry.kind, entry.id
        while True:
            answer = self.wire.get(f"{V2}/{kind}s/{id_}/ancestors", {"limit": LARGEST})
            above = [(row["type"], str(row["id"])) for row in answer.get("results", ())]
            chain[:0] = above
            if not above or len(above) < LARGEST:
                return tuple(chain)
            kind, id_ = above[0]

    def body(self, entry: Entry, document_id: str) -> str:
        """See `Wiki`."""
        path = f"{V2}/{entry.kind}s/{entry.id}"
        return _storage(self.wire.get(path, {"body-format": "storage"}, document_id=document_id)) or ""

    def files(self, entry: Entry, document_id: str) -> Iterator[File]:
        """See `Wiki`."""
        path = f"{V2}/{entry.kind}s/{entry.id}/attachments"
        for row in self._all(path, {"status": "current"}, document_id=document_id):
            yield File(
                id=str(row["id"]),
                name=row["title"],
                version=row["version"]["number"],
                download=f"{V1}/content/{entry.id}/child/attachment/{row['id']}/download",
                path=row.get("webuiLink") or row.get("_links", {}).get("webui") or "",
                media_type=row.get("mediaType"),
                size=row.get("fileSize"),
                updated_at=when(row["version"].get("createdAt")),
            )

    def comments(self, entry: Entry, document_id: str) -> Iterator[Comment]:
        """See `Wiki`. Blog posts and pages have both kinds."""
        for kind in ("footer-comments", "inline-comments"):
            path = f"{V2}/{entry.kind}s/{entry.id}/{kind}"
            for row in self._all(path, {"body-format": "storage"}, document_id=document_id):
                yield Comment(str(row["id"]), row["version"]["number"], _storage(row) or "")

    def find(self, space_key: str, title: str) -> tuple[Entry, Space] | None:
        """See `Wiki`."""
        space = next((one for one in self._named_spaces(space_key) if one.key == space_key), None)
        if space is None:
            return None
        params: Params = {"space-id": [space.id], "title": title, "status": "current", "body-format": "storage"}
        entry = next(self._entries(self.wire.get(f"{V2}/pages", params), "page"), None)
        return None if entry is None else (entry, space)

    def _named_spaces(self, key: str) -> Iterator[Space]:
        for row in self.wire.get(f"{V2}/spaces", {"keys": [key]}).get("results", ()):
            yield _space(row)

    def user(self, kind: str, key: str) -> str | None:
        """See `Wiki`."""
        if kind != "account-id":
            return None
        try:
            return (
                str(self.wire.get(f"{V1}/user", {"accountId": key}, document_id=key).get("displayName") or "") or None
            )
        except ConnectorError:
            return None  # a name that cannot be had is no reason to lose the page

    def searched(self, cql: str) -> Iterator[Entry]:
        """See `Wiki`: search only gives the ids."""
        ids: list[str] = []
        for row in self._search({"cql": cql, "limit": LARGEST}):
            ids.append(str(row["id"]))
            if len(ids) == LARGEST:
                yield from self.current(ids)
                ids = []
        yield from self.current(ids)

    # ------------------------------------------------------------------------------------------------------------- parts

    @property
    def _statuses(self) -> list[str]:
        return ["current", "archived"] if self.config.archived else ["current"]

    def _labels(self, entry: Entry) -> tuple[str, ...]:
        path = f"{V2}/{entry.kind}s/{entry.id}/labels"
        return tuple(sorted(row["name"] for row in self._all(path, {})))

    def _search(self, params: Params) -> Iterator[dict[str, Any]]:
        """All results of a search. Its next link names another host at the gateway, so that only its cursor is taken."""
        return self._all(f"{V1}/content/search", params)

    def _all(self, path: str, params: Params, *, document_id: str | None = None) -> Iterator[dict[str, Any]]:
        """All results of a listing, page after page."""
        seen: set[str] = set()
        query: dict[str, str | int | list[str]] = {"limit": LARGEST, **params}
        while True:
            answer = self.wire.get(path, query, document_id=document_id)
            yield from answer.get("results", ())
            following = _following(answer)
            if following is None:
                return
            if following in seen:
                raise FatalError(f"the listing of {path} goes round in circles", where="origin")
            seen.add(following)
            query["cursor"] = following

    def _entries(self, answer: Mapping[str, Any], kind: str) -> Iterator[Entry]:
        site = answer.get("_links", {}).get("base") or self.wire.base_url
        for row in answer.get("results", ()):
            parent = (row.get("parentType") or kind, str(row["parentId"])) if row.get("parentId") else None
            yield Entry(
                id=str(row["id"]),
                kind=kind,
                title=row.get("title") or "",
                space_id=str(row["spaceId"]),
                version=row["version"]["number"],
                site=site,
                path=row.get("_links", {}).get("webui", ""),
                updated_at=when(row["version"].get("createdAt")),
                parent=parent,
                body=_storage(row),
                is_live=row.get("subtype") == "live",
            )


def _space(row: Mapping[str, Any]) -> Space:
    name = row.get("name") or row["key"]
    return Space(str(row["id"]), row["key"], name, is_personal=row.get("type") == "personal")


def labels_of(row: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The labels of a row of version 1; `None` if it does not say."""
    labels = row.get("metadata", {}).get("labels")
    return None if labels is None else tuple(sorted(label["name"] for label in labels.get("results", ())))


def _storage(row: Mapping[str, Any]) -> str | None:
    body = row.get("body", {}).get("storage")
    return None if body is None else body.get("value") or ""


def _following(answer: Mapping[str, Any]) -> str | None:
    """The cursor within the next link: what stands around it is not to be trusted (site, path and filters may differ)."""
    link = answer.get("_links", {}).get("next")
    return next(iter(parse_qs(urlsplit(link).query).get("cursor", [])), None) if link else None
