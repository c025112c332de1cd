"""A token that is renewed: sent to its own origins only, and fetched anew once when it is refused."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable
from typing import Protocol

import httpx

from knowledge_connector.kit.http import same_origin

UNAUTHORIZED = 401


class Tokens(Protocol):
    """Where tokens come from. Called by one thread at a time."""

    def current(self) -> str:
        """The token to send; fetched when there is none, or when the last one is about to expire.

        Raises:
            AuthenticationError: None is to be had.
        """
        ...

    def renew(self, stale: str, challenge: str | None) -> str:
        """Another token, because `stale` was refused.

        Args:
            stale: The token that was sent.
            challenge: The `WWW-Authenticate` header of the refusal.

        Raises:
            AuthenticationError: No other is to be had.
        """
        ...


class TokenAuth(httpx.Auth):
    """Sends `Authorization: Bearer …`, and after a 401 asks for another token and sends the request once more.

    Of many requests that are refused at once, one renews the token and the others take what it got. Safe for any number of threads.

    Args:
        origins: URLs; requests to other schemes, hosts or ports go without a token.
    """

    def __init__(self, tokens: Tokens, *, origins: Iterable[str]) -> None:
        self._tokens = tokens
        self._origins = tuple(origins)
        self._lock = threading.Lock()

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        """See `httpx.Auth`."""
        if not any(same_origin(str(request.url), origin) for origin in self._origins):
            yield request
            return
        with self._lock:
            token = self._tokens.current()
        response = yield _bearing(request, token)
        if response.status_code == UNAUTHORIZED:
            yield _bearing(request, self._another(token, response.headers.get("www-authenticate")))

    def _another(self, refused: str, challenge: str | None) -> str:
        with self._lock:
            current = self._tokens.current()
            return current if current != refused else self._tokens.renew(refused, challenge)


def _bearing(request: httpx.Request, token: str) -> httpx.Request:
    request.headers["Authorization"] = f"Bearer {token}"
    return request
