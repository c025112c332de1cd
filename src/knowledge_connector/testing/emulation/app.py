"""All emulators behind one port: at the root, where their paths do not collide, and each below `/<name>/`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from starlette.routing import Match
from starlette.types import Receive, Scope, Send

from knowledge_connector.errors import PluginError
from knowledge_connector.testing.emulation.control import control_app
from knowledge_connector.testing.emulation.gate import Cut, Gate
from knowledge_connector.testing.emulation.store import Tables
from knowledge_connector.testing.emulation.vendor import EmulatorFactory, Services, VendorEmulator


class Emulation:
    """An ASGI application: emulators, the control API and the start page.

    Args:
        factories: Emulators by name.
        services: What they share.
        tables: What they remember.
        cut: Ends a connection.
        seed: How many foreign documents each begins with, unless it remembers some state.
    """

    def __init__(
        self, factories: Mapping[str, EmulatorFactory], services: Services, tables: Tables, cut: Cut, seed: int = 0
    ) -> None:
        self.services = services
        self._tables = tables
        self._seed = seed
        self.vendors: dict[str, VendorEmulator] = {
            name: factory(services, tables.part(name)) for name, factory in factories.items()
        }
        for name, vendor in self.vendors.items():
            if vendor.name != name:
                raise PluginError(f"the emulator {name!r} calls itself {vendor.name!r}; both should be the same")
        self._gates = {name: Gate(vendor, services, cut) for name, vendor in self.vendors.items()}
        self._control = control_app(self.vendors, services, self.reset)
        self._sow(vendor for vendor in self.vendors.values() if not tables.part(vendor.name))

    def reset(self) -> None:
        """Begin anew: seeded tables, no faults, an empty log. The clock stays where it is: it never runs back."""
        for name, gate in self._gates.items():
            self._tables.part(name).clear()
            gate.reset()
        self.services.faults.clear()
        self.services.log.clear()
        self._sow(self.vendors.values())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request to whom it is meant for."""
        if scope["type"] == "http":
            await self._send_on(scope, receive, send)

    async def _send_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        first = scope["path"].split("/")[1]
        if first in self._gates:
            await self._gates[first]({**scope, "root_path": f"/{first}"}, receive, send)
        else:
            await (self._knowing(scope) or self._control)(scope, receive, send)

    def _knowing(self, scope: Scope) -> Gate | None:
        """The first that knows path and method, or else the path alone: it will say 405."""
        half = None
        for gate in self._gates.values():
            match = gate.match(scope)
            if match is Match.FULL:
                return gate
            half = half or (gate if match is Match.PARTIAL else None)
        return half

    def _sow(self, vendors: Iterable[VendorEmulator]) -> None:
        for vendor in vendors:
            vendor.seed(self._seed)
