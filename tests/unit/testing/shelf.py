"""Two small vendors, brought as a plugin brings them. Also read by `connector emulate`, through `plugins.paths`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from knowledge_connector import hookimpl
from knowledge_connector.testing.emulation import EmulatorFactory, Secret, Table, VendorEmulator

BOOKS = "/api/books"


class Shelf(VendorEmulator):
    """Takes books, and gives them back."""

    name = "shelf"

    def routes(self) -> list[BaseRoute]:
        return [
            Route(BOOKS, self._list, methods=["GET"]),
            Route(BOOKS, self._add, methods=["POST"]),
            Route("/api/broken", self._break),
            Route("/api/closed", self._close),
        ]

    async def _list(self, request: Request) -> Response:
        if request.headers.get("authorization") == "wrong":
            raise HTTPException(401)
        return JSONResponse(list(self.store.table("books").values()))

    async def _add(self, request: Request) -> Response:
        books = self.store.table("books")
        books[str(len(books))] = await request.json()
        return JSONResponse({"count": len(books)}, 201)

    async def _break(self, request: Request) -> Response:
        raise KeyError(request.url.path)

    async def _close(self, request: Request) -> Response:
        raise HTTPException(403, headers={"X-Why": "closed"})

    def problem(self, status: int, headers: Mapping[str, str]) -> Response:
        return JSONResponse({"shelf": status}, status, headers=dict(headers))

    def seed(self, documents: int) -> None:
        for number in range(documents):
            self.store.table("books")[str(number)] = {"title": f"<Foreign {number}>"}

    def credentials(self) -> str:
        return "none <needed>"

    def overview(self) -> list[Table]:
        return [Table("Books", ("title",), [(book["title"],) for book in self.store.table("books").values()])]

    def operation(self, method: str, path: str) -> str:
        return f"{method} {path.rpartition('/')[2]}"

    def target_table(self, base_url: str) -> dict[str, object] | None:
        return {
            "base_url": base_url,
            "key": Secret("emu-key"),
            "login": {"user": "emu", "password": Secret("emu-word")},
        }


class Wall(Shelf):
    """Another vendor, with other paths, that is an origin and no target."""

    name = "wall"
    secure = True
    change_kinds: ClassVar[Mapping[str, str]] = {"hang": "one more picture"}

    def change(self, kind: str, arguments: Mapping[str, str]) -> str:
        if arguments.keys() - {"title"}:
            raise ValueError(f"knows only `title`, not {', '.join(arguments)}")
        self.store.table("books")[f"{kind} {len(self.store.table('books'))}"] = {"title": arguments.get("title", "?")}
        return "one more picture hangs here"

    def routes(self) -> list[BaseRoute]:
        return [Route("/wall/pictures", self._list), Route("/wall/doors", self._doors)]

    async def _doors(self, request: Request) -> Response:
        return JSONResponse({"elsewhere": self.services.is_elsewhere(request), "scheme": request.url.scheme})

    def target_table(self, base_url: str) -> None:
        return None

    def connector_table(self, base_url: str) -> dict[str, object]:
        return {"url": f"{base_url}/wall", "none": None}


@hookimpl
def register_emulators() -> Mapping[str, EmulatorFactory]:
    return {"shelf": Shelf, "wall": Wall}
