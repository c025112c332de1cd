"""Three services as one meets them: a ticket system, a content management system, a handbook; each with its own ways and log-in."""

from __future__ import annotations

import base64
import binascii
import gzip
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from knowledge_connector.testing.emulation import Services
from knowledge_connector_rest.emulator_access import Access, bears_a_secret, demand, has_key, is_user
from knowledge_connector_rest.emulator_content import Article, Shelf
from knowledge_connector_rest.emulator_styles import Wrong

TICKETS_AT_ONCE = 20
HANDBOOK_ZONE = ZoneInfo("Europe/Berlin")


class Desk:
    """Tickets: OAuth 2, opaque cursors, HTML, changes since a moment with the deleted among them."""

    def __init__(self, shelf: Shelf, services: Services, access: Access) -> None:
        self.shelf, self._services, self._access = shelf, services, access

    def routes(self) -> Sequence[BaseRoute]:
        """Its addresses."""
        return [
            Route("/desk/oauth/token", self._access.token, methods=["POST"]),
            Route("/desk/login", self._access.login, methods=["POST"]),
            Route("/desk/v1/tickets", self._tickets),
            Route("/desk/v1/tickets/{id:int}", self._ticket),
        ]

    async def _tickets(self, request: Request) -> Response:
        demand(self._access.token_is_good(request))
        wrong = Wrong(self._services, "GET tickets")
        broken = _broken(wrong)
        if broken is not None:
            return broken
        size = min(int(request.query_params.get("page_size", TICKETS_AT_ONCE)), 100)
        state = _opened(request.query_params.get("cursor"))
        if state and wrong("stale_cursor"):
            raise HTTPException(410)
        since = request.query_params.get("updated_since") or (state or {}).get("since")
        found, following = self._changed(since, state, size) if since else self._all(state, size)
        shown = [self._shown(one, request) for one in found]
        if wrong("without_id"):
            shown[0].pop("id")
        if wrong("twins"):
            shown.append(shown[0])
        answer: dict[str, Any] = {"data": shown, "meta": {"next_cursor": _sealed(following)}}
        return _written(answer, wrong)

    def _all(self, state: Mapping[str, Any] | None, size: int) -> tuple[list[Article], dict[str, Any] | None]:
        found = self.shelf.after(int(state["index"]) if state else -1, size + 1)
        return found[:size], {"index": found[size - 1].index} if len(found) > size else None

    def _changed(
        self, since: str, state: Mapping[str, Any] | None, size: int
    ) -> tuple[list[Article], dict[str, Any] | None]:
        position = (str(state["at"]), int(state["index"])) if state else ("", -1)
        found = self.shelf.since(_moment(since), position, size + 1)
        last = found[size - 1] if len(found) > size else None
        following = {"since": since, "at": last.updated_at.isoformat(), "index": last.index} if last else None
        return found[:size], following

    async def _ticket(self, request: Request) -> Response:
        demand(self._access.token_is_good(request))
        found = self.shelf.get(int(request.path_params["id"]) - 1001)
        if found is None or found.gone:
            raise HTTPException(404)
        return JSONResponse({"ticket": self._shown(found, request)})

    def _shown(self, one: Article, request: Request) -> dict[str, Any]:
        if one.gone:
            return {"id": 1001 + one.index, "deleted": True, "updated_at": one.updated_at.isoformat()}
        return {
            "id": 1001 + one.index,
            "subject": one.title,
            "description_html": one.html,
            "updated_at": one.updated_at.isoformat(),
            "version": one.version,
            "labels": [f"topic-{one.category}"],
            "viewers": list(one.readers),
            "links": {"html": f"{_root(request)}/desk/topics/{one.category}/{1001 + one.index}"},
            "stats": {"views": int(self._services.clock.now().timestamp())},
        }


class Cms:
    """Articles beneath categories: an API key, `Link` headers, a request for each text, files at another host."""

    def __init__(self, shelf: Shelf, services: Services) -> None:
        self.shelf, self._services = shelf, services
        self.leaks: list[str] = []

    def routes(self) -> Sequence[BaseRoute]:
        """Its addresses."""
        return [
            Route("/cms/v1/categories", self._categories),
            Route("/cms/v1/categories/{category:int}/articles", self._articles),
            Route("/cms/v1/articles/{id}", self._article),
            Route("/cms/v1/files/{id}", self._file),
            Route("/cms/v1/store/{id}", self._store),
        ]

    async def _categories(self, request: Request) -> Response:
        demand(has_key(request))
        shown = [{"id": one, "name": f"Topic {one}", "empty": False} for one in range(self.shelf.categories)]
        return _linked(request, shown, 10)

    async def _articles(self, request: Request) -> Response:
        demand(has_key(request))
        wrong = Wrong(self._services, "GET articles")
        category = int(request.path_params["category"])
        if category >= self.shelf.categories or wrong("missing_child"):
            raise HTTPException(404)
        if wrong("forbidden_child"):
            raise HTTPException(403)
        if wrong("broken_child"):
            return JSONResponse({"error": {"code": "overloaded"}}, 200)
        return _linked(request, [self._head(one, request) for one in self.shelf.in_category(category)], 8)

    async def _article(self, request: Request) -> Response:
        demand(has_key(request))
        wrong = Wrong(self._services, "GET article")
        found = self._found(request)
        if found.gone or wrong("missing"):
            raise HTTPException(404)
        html = "<h2>Broken <b>here<table><tr><td>and <p>there" if wrong("malformed_html") else found.html
        return JSONResponse(self._head(found, request) | {"body": html})

    async def _file(self, request: Request) -> Response:
        demand(has_key(request))
        name = request.path_params["id"]
        return RedirectResponse(
            f"{self._services.elsewhere_url}{request.scope['root_path']}/cms/v1/store/{name}?sig=signed", 302
        )

    async def _store(self, request: Request) -> Response:
        """What holds the files; whoever brings a credential here has lost it."""
        if bears_a_secret(request):
            self.leaks.append(str(request.url.replace(query="")))
            raise HTTPException(403)
        if not self._services.is_elsewhere(request):
            raise HTTPException(404)
        wrong = Wrong(self._services, "GET store")
        found = self._found(request)
        if wrong("missing"):
            raise HTTPException(404)
        content = b"" if wrong("zero_byte") else _file_of(found)
        return _ranged(request, content, f'"{found.index}-{found.version}"')

    def _found(self, request: Request) -> Article:
        number = request.path_params["id"].removeprefix("a-")
        found = self.shelf.get(int(number)) if number.isdigit() else None
        if found is None:
            raise HTTPException(404)
        return found

    def _head(self, one: Article, request: Request) -> dict[str, Any]:
        name = f"a-{one.index}"
        root = _root(request)
        return {
            "id": name,
            "headline": one.title,
            "revision": one.version,
            "changed": int(one.updated_at.timestamp()),
            "groups": list(one.readers),
            "href": f"{root}/cms/topic-{one.category}/{name}",
            "attachment": {
                "url": f"{root}/cms/v1/files/{name}",
                "type": "text/markdown; charset=utf-8",
                "size": len(_file_of(one)),
            },
        }


class Handbook:
    """Pages by offset, times without a zone, a list of what was deleted: user and password."""

    def __init__(self, shelf: Shelf, services: Services) -> None:
        self.shelf, self._services = shelf, services

    def routes(self) -> Sequence[BaseRoute]:
        """Its addresses."""
        return [
            Route("/handbook/v1/pages", self._pages),
            Route("/handbook/v1/pages/{id:int}", self._page),
            Route("/handbook/v1/deleted", self._deleted),
        ]

    async def _pages(self, request: Request) -> Response:
        demand(is_user(request))
        offset, limit = (
            int(request.query_params.get(name, default)) for name, default in (("offset", 0), ("limit", 25))
        )
        since = request.query_params.get("since")
        if since:
            moment = datetime.strptime(since, "%Y-%m-%d %H:%M:%S").replace(tzinfo=HANDBOOK_ZONE).astimezone(UTC)
            found = [one for one in self.shelf.since(moment, ("", -1), offset + limit) if not one.gone][offset:]
        else:
            found = self.shelf.slice(offset, limit)
        answer = {"results": [self._shown(one) for one in found]}
        return JSONResponse(answer if since else {**answer, "totalSize": self.shelf.total})

    async def _page(self, request: Request) -> Response:
        demand(is_user(request))
        found = self.shelf.get(int(request.path_params["id"]) - 1)
        if found is None or found.gone:
            raise HTTPException(404)
        return JSONResponse(self._shown(found))

    async def _deleted(self, request: Request) -> Response:
        demand(is_user(request))
        since = int(request.query_params.get("since", 0))
        found = [one for one in self.shelf.deleted() if one.updated_at.timestamp() >= since]
        return JSONResponse(
            {"deleted": [{"page": one.index + 1, "when": int(one.updated_at.timestamp())} for one in found]}
        )

    def _shown(self, one: Article) -> dict[str, Any]:
        local = one.updated_at.astimezone(HANDBOOK_ZONE)
        return {
            "id": one.index + 1,
            "title": one.title,
            "markdown": one.text,
            "lastModified": local.strftime("%Y-%m-%d %H:%M:%S"),
            "space": {"key": f"S{one.category}"},
            "readers": list(one.readers),
        }


def _file_of(one: Article) -> bytes:
    return f"# {one.title}\n\n{one.text}\n".encode()


def _broken(wrong: Wrong) -> Response | None:
    """Answers that are no answers."""
    if wrong("html_200"):
        return Response("<!doctype html><title>Log in</title>", media_type="text/html")
    if wrong("empty_200"):
        return Response(b"", media_type="application/json")
    if wrong("error_200"):
        return JSONResponse({"error": {"code": "overloaded", "message": "try again"}})
    return None


def _written(answer: dict[str, Any], wrong: Wrong) -> Response:
    """Answers that are written badly."""
    if wrong("nan"):
        return Response(json.dumps(answer | {"score": float("nan")}), media_type="application/json")
    if wrong("wrong_charset"):
        return Response(
            json.dumps(answer, ensure_ascii=False).encode(), media_type="application/json; charset=iso-8859-1"
        )
    if wrong("short_body"):
        content = json.dumps(answer).encode()
        return Response(content[: len(content) // 2], media_type="application/json")
    blanks = 101_000_000 if wrong("huge") else 1 if wrong("gzip") else 0
    if blanks:
        content = b" " * blanks + json.dumps(answer).encode()
        return Response(gzip.compress(content, 1), media_type="application/json", headers={"Content-Encoding": "gzip"})
    if wrong("deep"):
        return Response("[" * 5000 + "]" * 5000, media_type="application/json")
    return JSONResponse(answer)


def _linked(request: Request, shown: list[dict[str, Any]], size: int) -> Response:
    number = int(request.query_params.get("page", 1))
    there = str(request.url.replace(query=""))
    more = f'<{there}?page={number + 1}>; rel="next", ' if number * size < len(shown) else ""
    return JSONResponse(shown[(number - 1) * size : number * size], headers={"Link": f'{more}<{there}>; rel="first"'})


def _ranged(request: Request, content: bytes, tag: str) -> Response:
    wanted = request.headers.get("range", "").removeprefix("bytes=").removesuffix("-")
    headers = {"ETag": tag, "Accept-Ranges": "bytes"}
    if not wanted.isdigit() or request.headers.get("if-range", tag) != tag:
        return Response(content, media_type="text/markdown", headers=headers)
    begin = int(wanted)
    headers["Content-Range"] = f"bytes {begin}-{len(content) - 1}/{len(content)}"
    return Response(content[begin:], 206, media_type="text/markdown", headers=headers)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise HTTPException(400) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _sealed(state: Mapping[str, Any] | None) -> str | None:
    return None if state is None else base64.urlsafe_b64encode(json.dumps(state).encode()).decode()


def _opened(cursor: str | None) -> dict[str, Any] | None:
    if not cursor:
        return None
    try:
        state = json.loads(base64.urlsafe_b64decode(cursor))
    except (binascii.Error, ValueError):
        raise HTTPException(400) from None
    return state if isinstance(state, dict) else None


def _root(request: Request) -> str:
    return str(request.url.replace(path=request.scope.get("root_path", ""), query=""))
