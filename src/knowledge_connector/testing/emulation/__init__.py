"""Vendors that one can run: real HTTP servers with the limits, errors and slow ways of the real ones, and faults on demand.

    with running(["cognigy"]) as server:
        server.services.faults.add(Fault("lost_answer", operation="POST chunks", after=2))
        ...
        assert server.log.writes("cognigy") == []

Needs the extra `emulate`. A plugin brings an emulator by the hook `register_emulators`; see `VendorEmulator`.

request ─▶ app (which vendor?) ─▶ gate (log, faults, latency) ─▶ the vendor's routes ─▶ its tables (store)
             └▶ control (start page, log, faults, clock, reset)
"""

from knowledge_connector.testing.emulation.clock import DistantClock, LeapingClock, VirtualClock
from knowledge_connector.testing.emulation.faults import HTTP_KINDS, ActiveFault, Fault, Faults, parse_fault
from knowledge_connector.testing.emulation.log import Entry, RequestLog
from knowledge_connector.testing.emulation.server import RunningServer, running
from knowledge_connector.testing.emulation.store import Row, Rows, Store, Tables
from knowledge_connector.testing.emulation.vendor import EmulatorFactory, Secret, Services, Table, VendorEmulator

__all__ = [
    "HTTP_KINDS",
    "ActiveFault",
    "DistantClock",
    "EmulatorFactory",
    "Entry",
    "Fault",
    "Faults",
    "LeapingClock",
    "RequestLog",
    "Row",
    "Rows",
    "RunningServer",
    "Secret",
    "Services",
    "Store",
    "Table",
    "Tables",
    "VendorEmulator",
    "VirtualClock",
    "parse_fault",
    "running",
]
