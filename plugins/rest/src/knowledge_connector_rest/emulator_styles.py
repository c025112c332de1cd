"""One address for each way to page, pack and write; all show the same documents, `/styles/<name>`.

What goes wrong on demand is asked for here: `faults.take("rest", kind, operation)`.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from knowledge_connector_rest.emulator_content import Article, Shelf

if TYPE_CHECKING:
    from knowledge_connector.testing.emulation import Services

Handler = Callable[[Request], Awaitable[Response]]
SIZE = 10
DEPTH = 30
"""So many records, and no more, one listing of `depth` shows."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """Asks whether something goes wrong with an operation."""

    services: Services
    operation: str

    def __call__(self, kind: str) -> bool:
        """Whether this fault strikes now."""
        return self.services.faults.take("rest", kind, self.operation) is not None


def record(article: Article) -> dict[str, Any]:
    """A document as these addresses show it."""
    return {
        "id": article.index + 1,
        "title": article.title,
        "text": article.text,
        "updated": article.updated_at.isoformat(),
        "version": article.version,
    }


class Styles:
    """The addresses."""

    def __init__(self, shelf: Shelf, services: Services) -> None:
        self._shelf = shelf
        self._services = services

    def handler(self, style: str) -> Handler:
        """What answers at `/styles/<style>`.

        Raises:
            KeyError: There is no such style.
        """
        return {
            "single": self._single,
            "page": self._page,
            "offset": self._offset,
            "link": self._link,
            "next_url": self._next_url,
            "cursor": self._cursor,
            "search": self._search,
            "header": self._header,
            "last_record": self._last_record,
            "window": self._window,
            "depth": self._depth,
            "jsonl": self._jsonl,
            "csv": self._csv,
            "xml": self._xml,
            "gzip": self._gzip,
            "zip": self._zip,
        }[style]

    def wrong(self, style: str) -> Wrong:
        """Asks for the faults of one style."""
        return Wrong(self._services, f"GET {style}")

    # ------------------------------------------------------------------------------------------------------------- paging

    async def _single(self, request: Request) -> Response:
        shown = [record(one) for one in self._shelf.after(-1, self._shelf.total)]
        tag = f'"{sum(one["version"] for one in shown)}-{len(shown)}"'
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers={"ETag": tag})
        return JSONResponse({"items": shown}, headers={"ETag": tag})

    async def _page(self, request: Request) -> Response:
        number, size = _number(request, "page", 1), self._size(request, "size", "page")
        found = self._shelf.slice((number - 1) * size, size)
        if self.wrong("page")("ignored_page"):
            found = self._shelf.slice(0, size)
        pages = -(-self._shelf.total // size)
        return JSONResponse({"items": self._shown("page", found), "pages": pages, "total": self._total("page")})

    async def _offset(self, request: Request) -> Response:
        offset, size = _number(request, "offset", 0), self._size(request, "limit", "offset")
        found = self._shelf.slice(offset, size)
        answer = {"items": self._shown("offset", found), "total": self._total("offset")}
        self._shift()
        return JSONResponse(answer)

    async def _link(self, request: Request) -> Response:
        after = _number(request, "after", 0)
        found = self._shelf.after(after - 1, SIZE)
        link = f'<{_here(request)}?after={found[-1].index + 1}>; rel="next"' if len(found) == SIZE else ""
        headers = {"Link": f'<{_here(request)}>; rel="first"' + (f", {link}" if link else "")}
        return JSONResponse(self._shown("link", found), headers=headers)

    async def _next_url(self, request: Request) -> Response:
        after = _number(request, "after", 0)
        found = self._shelf.after(after - 1, SIZE)
        following = found[-1].index + 1 if len(found) == SIZE else None
        return JSONResponse({"items": self._shown("next_url", found), "next": self._next(request, after, following)})

    def _next(self, request: Request, after: int, following: int | None) -> str | None:
        wrong = self.wrong("next_url")
        if wrong("same_next"):
            return f"{_here(request)}?after={after}"
        if wrong("alternating_next"):
            return f"{_here(request)}?after={0 if after else SIZE}"
        if following is None:
            return None
        if wrong("foreign_next"):
            return f"{self._services.elsewhere_url}{request.url.path}?after={following}"
        if wrong("relative_next"):
            return f"?after={following}&kept=1"
        return f"{_here(request)}?after={following}&kept=a%2Fb"

    async def _cursor(self, request: Request) -> Response:
        return JSONResponse(self._tokened("cursor", request.query_params.get("cursor")))

    async def _search(self, request: Request) -> Response:
        given = await request.json()
        return JSONResponse(self._tokened("search", given.get("page", {}).get("after")))

    async def _header(self, request: Request) -> Response:
        answer = self._tokened("header", request.headers.get("x-after"))
        headers = {"X-Next": answer["next"]} if answer["next"] else {}
        return JSONResponse(answer["items"], headers=headers)

    async def _last_record(self, request: Request) -> Response:
        return JSONResponse(self._shown("last_record", self._shelf.after(_number(request, "after_id", 0) - 1, SIZE)))

    def _tokened(self, style: str, given: str | None) -> dict[str, Any]:
        wrong = self.wrong(style)
        if given and wrong("stale_cursor"):
            raise HTTPException(410)
        found = self._shelf.after(int(given.removeprefix("t").removesuffix("again")) if given else -1, SIZE)
        following = f"t{found[-1].index}" if len(found) == SIZE else None
        if wrong("same_next"):
            following = given or "t0"
        if wrong("empty_page"):
            return {"items": [], "next": f"{given or 't-1'}again"}
        return {"items": [record(one) for one in found], "next": following}

    async def _window(self, request: Request) -> Response:
        query = request.query_params
        found = self._shelf.after(-1, self._shelf.total)
        stamps = [(one, one.updated_at.isoformat()) for one in found]
        low, high = query.get("from", ""), query.get("to", "9999")
        return JSONResponse(
            [record(one) for one, at in stamps if low.replace("Z", "+00:00") <= at <= high.replace("Z", "+00:00")]
        )

    async def _depth(self, request: Request) -> Response:
        first, offset = _number(request, "from_id", 0), _number(request, "offset", 0)
        found = self._shelf.after(max(first - 2, -1), DEPTH)[offset : offset + SIZE]
        return JSONResponse([record(one) for one in found])

    # ------------------------------------------------------------------------------------------------------------- writing

    async def _jsonl(self, _: Request) -> Response:
        lines = "\n".join(json.dumps(one) for one in self._everything())
        return Response(lines, media_type="application/x-ndjson")

    async def _csv(self, _: Request) -> Response:
        out = io.StringIO()
        writer = csv.DictWriter(out, ["id", "title", "text", "updated", "version"], delimiter=";")
        writer.writeheader()
        writer.writerows(self._everything())
        return Response(out.getvalue(), media_type="text/csv")

    async def _xml(self, _: Request) -> Response:
        entries = "".join(
            f'<entry id="{one["id"]}"><title>{escape(one["title"])}</title><text>{escape(one["text"])}</text></entry>'
            for one in self._everything()
        )
        return Response(f"<feed>{entries}</feed>", media_type="application/xml")

    async def _gzip(self, _: Request) -> Response:
        return Response(gzip.compress(json.dumps(self._everything()).encode()), media_type="application/gzip")

    async def _zip(self, _: Request) -> Response:
        out, found = io.BytesIO(), self._everything()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, part in (("a.json", found[:7]), ("b.json", found[7:])):
                archive.writestr(name, json.dumps(part))
        return Response(out.getvalue(), media_type="application/zip")

    def _everything(self) -> list[dict[str, Any]]:
        return [record(one) for one in self._shelf.after(-1, self._shelf.total)]

    # -------------------------------------------------------------------------------------------------------------- faults

    def _size(self, request: Request, name: str, style: str) -> int:
        size = _number(request, name, SIZE)
        return max(2, size // 2) if self.wrong(style)("clamp") else size

    def _total(self, style: str) -> int:
        return self._shelf.total // 3 if self.wrong(style)("lying_total") else self._shelf.total

    def _shown(self, style: str, found: list[Article]) -> list[dict[str, Any]]:
        return [] if self.wrong(style)("empty_page") else [record(one) for one in found]

    def _shift(self) -> None:
        """While somebody pages, the first document goes, so that all others move up."""
        if self.wrong("offset")("removed_meanwhile"):
            self._shelf.remove(self._shelf.slice(0, 1)[0].index)
        if self.wrong("offset")("touched_meanwhile"):
            self._shelf.amend(self._shelf.slice(0, 1)[0].index, title="Touched meanwhile")


def _number(request: Request, name: str, default: int) -> int:
    given = request.query_params.get(name, "")
    return int(given) if given.removeprefix("-").isdigit() else default


def _here(request: Request) -> str:
    return str(request.url.replace(query=""))
