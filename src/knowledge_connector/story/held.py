"""What the targets hold now."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from knowledge_connector.model import StoredSource
from knowledge_connector.ports import Lane

if TYPE_CHECKING:
    from knowledge_connector.app import Host
    from knowledge_connector.ports import TargetSession


class Held:
    """Reads what the targets hold now, each through one session that is opened when first needed."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._sessions: dict[Lane, TargetSession] = {}
        self._open = ExitStack()

    def __enter__(self) -> Held:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def source(self, lane: Lane, external_id: str, source_id: str) -> StoredSource | None:
        """A source with its chunks; from our own copy where the target cannot give it back.

        Raises:
            ConnectorError: The target cannot be asked.
        """
        target = self._host.target(lane.target)
        if not target.keeps_content:
            return self._host.store.current(lane, external_id)
        if lane not in self._sessions:
            session = target.open(lane.connector, fence=0)  # it only reads, so that no fence is needed
            self._sessions[lane] = self._open.enter_context(session)
        return self._sessions[lane].read(source_id)
