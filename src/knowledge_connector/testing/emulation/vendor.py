"""What an emulator of one vendor is, and what the frame lends to it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from knowledge_connector.testing.emulation.clock import VirtualClock
from knowledge_connector.testing.emulation.faults import Faults
from knowledge_connector.testing.emulation.log import RequestLog
from knowledge_connector.testing.emulation.store import Store


@dataclass(frozen=True, slots=True)
class Secret:
    """A value of a configuration table that is written to a file of its own."""

    value: str


@dataclass(frozen=True, slots=True)
class Table:
    """What the start page shows; a cell that is `None` stays empty."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[object]]


@dataclass(slots=True)
class Services:
    """What all emulators of one server share.

    Attributes:
        clock: The time to reckon with: expiry, asynchronous states, timestamps.
        faults: What goes wrong; the frame injects those of HTTP, vendors ask for their own with `faults.take(name, kind)`.
        log: Every request.
        options: Switches by name, such as `options["cognigy.duplicate_names"]`.
        base_url: Of the running server, without a slash at the end.
        elsewhere_url: Another port, which stands for another host: where downloads are redirected to.
        secure_url, secure_elsewhere_url: The same two behind TLS; empty unless an emulator says that it is `secure`.
        ca_file: The certificate (PEM) to trust for these.
        latency_seconds: How long every request to a vendor waits.
    """

    clock: VirtualClock = field(default_factory=VirtualClock)
    faults: Faults = field(default_factory=Faults)
    log: RequestLog = field(default_factory=RequestLog)
    options: dict[str, str] = field(default_factory=dict)
    base_url: str = ""
    elsewhere_url: str = ""
    secure_url: str = ""
    secure_elsewhere_url: str = ""
    ca_file: Path | None = None
    latency_seconds: float = 0

    def is_elsewhere(self, request: Request) -> bool:
        """Whether a request came through one of the doors that stand for another host."""
        came = request.scope["server"][1]
        return came in {urlsplit(url).port for url in (self.elsewhere_url, self.secure_elsewhere_url) if url}


class VendorEmulator(ABC):
    """One vendor's HTTP API.

    All emulators of a server run on one event loop. Endpoints should be async functions: what such a function does between two
    `await` happens at once, so that no locks are needed.

    Args:
        services: Shared by all emulators of this server.
        store: This emulator's own tables.
    """

    name: ClassVar[str]
    """The word on the command line; the API is served below `/<name>/`, too."""

    fault_kinds: ClassVar[Mapping[str, str]] = {}
    """Faults that only this vendor's code knows, and what they do; for people."""

    change_kinds: ClassVar[Mapping[str, str]] = {}
    """What may happen to what an origin holds (edit, rename, delete), and what each does; for people. See `change`."""

    secure: ClassVar[bool] = False
    """Whether it has to be served with TLS, too."""

    def __init__(self, services: Services, store: Store) -> None:
        self.services = services
        self.store = store

    @abstractmethod
    def routes(self) -> Sequence[BaseRoute]:
        """The documented paths, from the root.

        At the root a request goes to the first emulator that knows its path, so a route that takes every path would hide others.
        """
        raise NotImplementedError

    @abstractmethod
    def problem(self, status: int, headers: Mapping[str, str]) -> Response:
        """Give the vendor's error answer: for faults, unknown paths (404), wrong methods (405) and `HTTPException`."""
        raise NotImplementedError

    @abstractmethod
    def seed(self, documents: int) -> None:
        """Fill the empty tables: what an account has anyway, and so many documents that nobody of ours wrote (also none).

        Not called where a state file has brought rows; called again after a reset.
        """
        raise NotImplementedError

    @abstractmethod
    def credentials(self) -> str:
        """Say in one line, for people, how to log in."""
        raise NotImplementedError

    def exception_handlers(self) -> Mapping[type[Exception], Callable[[Request, Any], Response]]:
        """Give what turns exceptions of the endpoints into answers, besides `HTTPException`, which becomes `problem`."""
        return {}

    def target_table(self, base_url: str) -> dict[str, object] | None:  # noqa: ARG002  # most need it
        """Give the keys of a table `[targets.<name>]` that works as it stands, and create what it names.

        Values are what TOML knows, and `Secret`. `type` is the emulator's name unless said otherwise. `None` if it is no target.
        """
        return None

    def connector_table(self, base_url: str) -> dict[str, object] | None:  # noqa: ARG002  # most need it
        """Give the same for a table `[connectors.<name>]`; `None` if it is no origin."""
        return None

    def change(self, kind: str, arguments: Mapping[str, str]) -> str:  # noqa: ARG002  # an origin needs both
        """Let one of `change_kinds` happen, and say in a sentence what did.

        Args:
            kind: Which.
            arguments: What it knows, such as `id`; without them it picks something by itself.

        Raises:
            ValueError: It does not know such a change, or not such an argument.
        """
        raise ValueError(f"{self.name} knows no change {kind!r}")

    def overview(self) -> Sequence[Table]:
        """Give what the start page shows of what it holds."""
        return ()

    def is_write(self, method: str, path: str) -> bool:  # noqa: ARG002  # some need the path
        """Whether such a request may change something. `path` is the documented one, without `/<name>`."""
        return method not in {"GET", "HEAD", "OPTIONS"}

    def operation(self, method: str, path: str) -> str:
        """Give the endpoint a short name for faults, logs and counts, such as `POST chunks`."""
        return f"{method} {path}"


EmulatorFactory = Callable[[Services, Store], VendorEmulator]
