"""The door of one vendor: notes every request, and lets go wrong what shall.

request ─▶ log ─▶ in a pause? ─▶ fault before the effect? ─▶ vendor ─▶ fault after it? ─▶ answer, drips, or a cut connection
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email.utils import format_datetime

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match
from starlette.types import Message, Receive, Scope, Send

from knowledge_connector.testing.emulation.faults import Fault
from knowledge_connector.testing.emulation.log import DURING_PAUSE, Entry, RequestLog, safe_query
from knowledge_connector.testing.emulation.vendor import Services, VendorEmulator

DRIPS = 10

Cut = Callable[[Scope], None]
"""Ends the connection of a request at once."""

Sleep = Callable[[float], Awaitable[None]]


@dataclass(slots=True)
class Answer:
    """A whole answer, before anybody has seen it."""

    status: int = 500
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytearray = field(default_factory=bytearray)

    async def take(self, message: Message) -> None:
        """Stand in for a server's `send`."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = list(message.get("headers", ()))
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")


@dataclass(frozen=True, slots=True)
class _Exchange:
    """One request, and the way back to who sent it."""

    scope: Scope
    receive: Receive
    send: Send
    entry: Entry
    log: RequestLog

    async def drain(self) -> None:
        """Read what is left of the request, so that the caller is done with sending before it hears of us."""
        while (message := await self.receive())["type"] == "http.request" and message.get("more_body"):
            pass

    async def hang_up(self, cut: Cut) -> None:
        """Cut the connection, and return when it is gone."""
        cut(self.scope)
        while (await self.receive())["type"] != "http.disconnect":
            pass

    async def reply(self, answer: Answer) -> None:
        """Send it; the log knows the status before the caller does."""
        await self.begin(answer)
        await self.send({"type": "http.response.body", "body": bytes(answer.body)})

    async def break_off(self, answer: Answer, cut: Cut) -> None:
        """Send the head and half of the body, and cut the connection."""
        await self.begin(answer)
        half = bytes(answer.body[: len(answer.body) // 2])
        await self.send({"type": "http.response.body", "body": half, "more_body": True})
        await self.hang_up(cut)

    async def drip(self, answer: Answer, seconds: float, sleep: Sleep) -> None:
        """Send the head at once and the body in pieces."""
        await self.begin(answer)
        size = math.ceil(len(answer.body) / DRIPS)
        for number in range(DRIPS):
            await sleep(seconds / DRIPS)
            piece = bytes(answer.body[number * size : (number + 1) * size])
            await self.send({"type": "http.response.body", "body": piece, "more_body": number < DRIPS - 1})

    async def begin(self, answer: Answer) -> None:
        """Send the head."""
        refused = answer.status == 401 and not self.entry.fault
        self.log.amend(replace(self.entry, status=answer.status, authorised=not refused))
        await self.send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})


@dataclass(frozen=True, slots=True)
class _Pause:
    """What a 429 asked for: from `begins` on nobody should call; until then requests may have been under way."""

    fault: Fault
    begins: datetime
    ends: datetime


class Gate:
    """An ASGI application that stands before one vendor's.

    Args:
        vendor: Who answers.
        services: Clock, faults and log.
        cut: Ends a connection.
        sleep: Waits in real time: for latency, `slow` and `delay`.
    """

    def __init__(self, vendor: VendorEmulator, services: Services, cut: Cut, sleep: Sleep = asyncio.sleep) -> None:
        self.vendor = vendor
        self._services = services
        self._cut = cut
        self._sleep = sleep
        self._routes = list(vendor.routes())
        self._app = _application(vendor, self._routes)
        self._pause: _Pause | None = None

    def match(self, scope: Scope) -> Match:
        """Say whether the vendor knows this path, and this method there."""
        best = Match.NONE
        for route in self._routes:
            found = route.matches(scope)[0]
            if found is Match.FULL:
                return found
            best = found if best is Match.NONE else best
        return best

    def reset(self) -> None:
        """Forget a pause that is not over."""
        self._pause = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or not."""
        entry = self._arrival(scope)
        pause = self._pause_at(entry.at)
        fault = pause.fault if pause else self._fault(entry)
        entry = self._services.log.add(_with_fault(entry, fault, pause))
        await self._sleep(self._services.latency_seconds)
        exchange = _Exchange(scope, receive, send, entry, self._services.log)
        with suppress(ClientDisconnect):  # nobody is left to answer; the log has no status then
            await self._treat(exchange, fault, pause)

    async def _treat(self, exchange: _Exchange, fault: Fault | None, pause: _Pause | None) -> None:
        if pause:
            await self._ask_to_wait(exchange, pause)
        elif fault:
            await self._go_wrong(exchange, fault)
        else:
            await exchange.reply(await self._answer(exchange))

    def _arrival(self, scope: Scope) -> Entry:
        method, path = scope["method"], scope["path"]
        inner = path.removeprefix(scope.get("root_path", ""))
        return Entry(
            number=0,
            at=self._services.clock.now(),
            vendor=self.vendor.name,
            method=method,
            path=path,
            operation=self.vendor.operation(method, inner),
            query=safe_query(scope["query_string"].decode("latin-1")),
            writes=self.vendor.is_write(method, inner),
        )

    def _fault(self, entry: Entry) -> Fault | None:
        return self._services.faults.strike(entry.vendor, entry.operation, writes=entry.writes)

    def _pause_at(self, moment: datetime) -> _Pause | None:
        return self._pause if self._pause and moment < self._pause.ends else None

    async def _go_wrong(self, exchange: _Exchange, fault: Fault) -> None:
        match fault.kind:
            case "unauthorized":
                await exchange.drain()
                await self._refuse(exchange, 401)
            case "rate_limit":
                await self._ask_to_wait(exchange, self._begin_pause(fault))
            case "error_before":
                await exchange.drain()
                await self._refuse(exchange, fault.status)
            case "error_after":
                await self._answer(exchange)
                await self._refuse(exchange, fault.status)
            case "lost_answer":
                await self._answer(exchange)
                await exchange.hang_up(self._cut)
            case "cut_before":
                await exchange.drain()
                await exchange.hang_up(self._cut)
            case "cut_body":
                await exchange.break_off(await self._answer(exchange), self._cut)
            case "slow":
                await exchange.drip(await self._answer(exchange), fault.seconds, self._sleep)
            case "delay":
                await self._sleep(fault.seconds)
                await exchange.reply(await self._answer(exchange))

    def _begin_pause(self, fault: Fault) -> _Pause:
        """Begun before the caller hears of it, because from then on its clock may run as fast as it likes."""
        now = self._services.clock.now()
        grace, seconds = timedelta(seconds=fault.grace_seconds), timedelta(seconds=fault.pause_seconds)
        self._pause = _Pause(fault, now + grace, now + seconds)
        return self._pause

    async def _ask_to_wait(self, exchange: _Exchange, pause: _Pause) -> None:
        await exchange.drain()
        left = (pause.ends - self._services.clock.now()).total_seconds()
        await self._refuse(exchange, 429, self._retry_after(pause.fault.retry_after, max(0.0, left)))

    def _retry_after(self, form: str | None, seconds: float) -> dict[str, str]:
        match form:
            case "none":
                return {}
            case "date":
                moment = self._services.clock.now() + timedelta(seconds=seconds)
                whole = moment.replace(microsecond=0) + timedelta(seconds=moment.microsecond > 0)
                return {"Retry-After": format_datetime(whole, usegmt=True)}
            case None:
                return {"Retry-After": str(math.ceil(seconds))}
            case _:
                return {"Retry-After": form}

    async def _refuse(self, exchange: _Exchange, status: int, headers: dict[str, str] | None = None) -> None:
        answer = Answer()
        await self.vendor.problem(status, headers or {})(exchange.scope, exchange.receive, answer.take)
        await exchange.reply(self._dated(answer))

    async def _answer(self, exchange: _Exchange) -> Answer:
        answer = Answer()
        try:
            await self._app(exchange.scope, exchange.receive, answer.take)
        except ClientDisconnect:
            raise
        except Exception:
            self._services.log.amend(replace(exchange.entry, status=500))
            raise
        return self._dated(answer)

    def _dated(self, answer: Answer) -> Answer:
        """A date by the virtual clock, which is what `Retry-After` and expiries are reckoned by."""
        answer.headers.append((b"date", format_datetime(self._services.clock.now(), usegmt=True).encode()))
        return answer


def _with_fault(entry: Entry, fault: Fault | None, pause: _Pause | None) -> Entry:
    early = pause is None or entry.at < pause.begins
    return replace(entry, fault=fault.kind if fault else "", note="" if early else DURING_PAUSE)


def _application(vendor: VendorEmulator, routes: Sequence[BaseRoute]) -> Starlette:
    def refuse(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return vendor.problem(error.status_code, error.headers or {})

    app = Starlette(routes=routes, exception_handlers={HTTPException: refuse, **vendor.exception_handlers()})
    app.router.redirect_slashes = False
    return app
