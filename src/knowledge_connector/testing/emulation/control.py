"""The control API below `/__emulator__/`, and the start page.

GET, DELETE  log      ?vendor=&writes=1&since=NUMBER&limit=N
GET, DELETE  faults   POST: a fault, or a list of faults · DELETE ?number=N: one of them
GET, POST    clock    {"advance_seconds": N}
POST         change/VENDOR/KIND   what the kind of change takes, as JSON; nothing is fine
POST         reset
GET          state
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route

from knowledge_connector.testing.emulation.faults import ActiveFault, fault_of
from knowledge_connector.testing.emulation.log import Entry
from knowledge_connector.testing.emulation.page import start_page
from knowledge_connector.testing.emulation.vendor import Services, VendorEmulator

PREFIX = "/__emulator__"
SHOWN = 1000


def control_app(vendors: Mapping[str, VendorEmulator], services: Services, reset: Callable[[], None]) -> Starlette:
    """Give the application that answers what is meant for no vendor."""
    control = Control(vendors, services, reset)
    routes = [
        Route("/", control.start),
        Mount(
            PREFIX,
            routes=[
                Route("/log", control.log, methods=["GET", "DELETE"]),
                Route("/faults", control.faults, methods=["GET", "POST", "DELETE"]),
                Route("/clock", control.clock, methods=["GET", "POST"]),
                Route("/change/{vendor}/{kind}", control.change, methods=["POST"]),
                Route("/reset", control.reset, methods=["POST"]),
                Route("/state", control.state),
            ],
        ),
    ]
    return Starlette(routes=routes, exception_handlers={HTTPException: _refuse})


@dataclasses.dataclass(frozen=True, slots=True)
class Control:
    """The endpoints."""

    vendors: Mapping[str, VendorEmulator]
    services: Services
    start_over: Callable[[], None]

    async def start(self, _: Request) -> Response:
        """Show people what is here."""
        return HTMLResponse(start_page(self.vendors.values(), self.services))

    async def log(self, request: Request) -> Response:
        """Give the last requests, newest last; or forget them."""
        if request.method == "DELETE":
            self.services.log.clear()
            return Response(status_code=204)
        asked = request.query_params
        entries = self.services.log.entries(asked.get("vendor"))
        since, limit = _number(asked.get("since", "0")), _number(asked.get("limit", str(SHOWN)))
        wanted = [one for one in entries if one.number > since and (one.writes or not asked.get("writes"))]
        return JSONResponse({"total": len(wanted), "entries": [entry_json(one) for one in wanted[-limit:]]})

    async def faults(self, request: Request) -> Response:
        """Give the faults, add some, or take one or all away."""
        if request.method == "POST":
            given = await _json(request)
            added = [self._fault(one) for one in (given if isinstance(given, list) else [given])]
            return JSONResponse([fault_json(one) for one in added], status_code=201)
        if request.method == "DELETE":
            return self._remove(request.query_params.get("number"))
        return JSONResponse([fault_json(one) for one in self.services.faults.all()])

    async def clock(self, request: Request) -> Response:
        """Give the time, moved on if asked."""
        if request.method == "POST":
            given = await _json(request)
            try:
                self.services.clock.advance(float(given["advance_seconds"]))
            except (TypeError, KeyError, ValueError) as error:
                raise HTTPException(400, f'wanted: {{"advance_seconds": NUMBER}}, not less than 0 ({error})') from None
        clock = self.services.clock
        return JSONResponse({"now": clock.now().isoformat(), "advanced_seconds": clock.advanced_seconds})

    async def change(self, request: Request) -> Response:
        """Let something happen at an origin."""
        name, kind = request.path_params["vendor"], request.path_params["kind"]
        vendor = self.vendors.get(name)
        if vendor is None or kind not in vendor.change_kinds:
            known = [f"{one.name}/{change}" for one in self.vendors.values() for change in one.change_kinds]
            raise HTTPException(404, f"there is no change {name}/{kind}, but {', '.join(known) or 'none at all'}")
        given = await _json(request) if await request.body() else {}
        try:
            told = vendor.change(kind, {str(key): str(value) for key, value in given.items()})
        except (AttributeError, ValueError) as error:
            raise HTTPException(400, f"{name}/{kind}: {error}") from None
        return JSONResponse({"changed": told})

    async def reset(self, _: Request) -> Response:
        """Begin anew."""
        self.start_over()
        return Response(status_code=204)

    async def state(self, _: Request) -> Response:
        """Give what the start page shows."""
        return JSONResponse(
            {
                "url": self.services.base_url,
                "now": self.services.clock.now().isoformat(),
                "options": self.services.options,
                "latency_seconds": self.services.latency_seconds,
                "requests": self.services.log.arrived,
                "vendors": {name: vendor_json(vendor) for name, vendor in self.vendors.items()},
            }
        )

    def _fault(self, given: Any) -> ActiveFault:
        try:
            return self.services.faults.add(fault_of(given))
        except ValueError as error:
            raise HTTPException(400, str(error)) from None

    def _remove(self, number: str | None) -> Response:
        if number is None:
            self.services.faults.clear()
        elif not self.services.faults.remove(_number(number)):
            raise HTTPException(404, f"there is no fault {number}")
        return Response(status_code=204)


def entry_json(entry: Entry) -> dict[str, Any]:
    """Give an entry as JSON takes it."""
    return {**dataclasses.asdict(entry), "at": entry.at.isoformat()}


def fault_json(active: ActiveFault) -> dict[str, Any]:
    """Give a fault, and what it did so far, as JSON takes it."""
    counts = {"number": active.number, "seen": active.seen, "hits": active.hits, "spent": active.spent}
    return {**counts, **dataclasses.asdict(active.fault)}


def vendor_json(vendor: VendorEmulator) -> dict[str, Any]:
    """Give what a vendor holds as JSON takes it."""
    tables = [
        {"title": table.title, "head": list(table.head), "rows": [[str(cell) for cell in row] for row in table.rows]}
        for table in vendor.overview()
    ]
    return {"credentials": vendor.credentials(), "tables": tables}


async def _json(request: Request) -> Any:
    try:
        return await request.json()
    except json.JSONDecodeError:
        raise HTTPException(400, "the body should be JSON") from None


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise HTTPException(400, f"{text!r} is no number") from None


async def _refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    told = (
        error.detail
        if error.status_code != 404 or error.detail != "Not Found"
        else (f"No emulator here knows {request.url.path}. The start page shows which there are.")
    )
    return JSONResponse({"error": told}, status_code=error.status_code, headers=error.headers)
