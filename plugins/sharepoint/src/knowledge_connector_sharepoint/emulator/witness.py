"""What requests looked like when they came; the frame's log has no headers."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from knowledge_connector.testing.emulation import Services

KEPT = 5_000
CREDENTIALS = frozenset({"authorization", "cookie"})

Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Seen:
    """One request as it came.

    Attributes:
        headers: Names in lower case; of a credential only its scheme.
        elsewhere: Whether it came to the other host.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    elsewhere: bool

    @property
    def leaks(self) -> bool:
        """Whether it brought credentials to a host that they are none of."""
        return self.elsewhere and not CREDENTIALS.isdisjoint(self.headers)


class Witness:
    """The last requests, oldest first; what is older is forgotten.

    Attributes:
        leaks: Those that brought credentials to a host that they are none of; none of these is forgotten.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._seen: deque[Seen] = deque(maxlen=KEPT)
        self.leaks: list[Seen] = []

    def __iter__(self) -> Iterator[Seen]:
        return iter(list(self._seen))

    def clear(self) -> None:
        """Forget all."""
        self._seen.clear()
        self.leaks.clear()

    def watching(self, endpoint: Endpoint) -> Endpoint:
        """Give the endpoint that notes a request before it answers it."""

        async def noted(request: Request) -> Response:
            seen = self._noted(request)
            self._seen.append(seen)
            if seen.leaks:
                self.leaks.append(seen)
            return await endpoint(request)

        return noted

    def _noted(self, request: Request) -> Seen:
        headers = {
            name: value.partition(" ")[0] if name in CREDENTIALS else value for name, value in request.headers.items()
        }
        elsewhere = self._services.is_elsewhere(request)
        return Seen(request.method, request.scope["path"], request.url.query, headers, elsewhere)
