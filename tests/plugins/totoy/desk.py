"""Writing to the emulated Totoy, and looking at what it holds then."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from knowledge_connector import Chunk, KnowledgeSource
from knowledge_connector.testing.drafts import OWNER, draft_of, write
from knowledge_connector.testing.emulation import RunningServer
from knowledge_connector_totoy.emulator import TotoyEmulator
from knowledge_connector_totoy.session import TotoySession
from knowledge_connector_totoy.target import TotoyTarget


@contextmanager
def opened(target: TotoyTarget, owner: str = OWNER) -> Iterator[TotoySession]:
    with target.open(owner, fence=1) as session:
        assert isinstance(session, TotoySession)
        yield session


def whole(text: str) -> list[Chunk]:
    return [Chunk(0, text)]


def put(session: TotoySession, text: str, **changes: object) -> str:
    return write(session, draft_of("d", whole(text), **changes), whole(text))


def once(target: TotoyTarget, text: str = "text", **changes: object) -> str:
    """Write document `d` in a session of its own."""
    with opened(target) as session:
        source_id = put(session, text, **changes)
        session.flush()
    return source_id


def listed(target: TotoyTarget, owner: str = OWNER) -> list[KnowledgeSource]:
    with opened(target, owner) as session:
        return list(session.sources())


def texts(emulator: TotoyEmulator) -> list[str]:
    return [str(row.get("text")) for row in emulator.organisation.sources.values()]


def only(emulator: TotoyEmulator) -> dict[str, Any]:
    (row,) = emulator.organisation.sources.values()
    return row


def writes(server: RunningServer) -> list[str]:
    return [entry.operation for entry in server.log.writes()]
