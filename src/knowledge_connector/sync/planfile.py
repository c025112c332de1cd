"""A plan on paper: `connector plan NAME --out plan.json`, read by a person, carried out by `connector apply plan.json`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from knowledge_connector.errors import ConfigError
from knowledge_connector.sync.plan import Action, Change

VERSION = 1


@dataclass(slots=True)
class LanePlan:
    """What shall happen at one target.

    Attributes:
        holdings: `StateStore.holdings_digest` when the plan was made; the plan is void when it differs.
        changes: Those that write, and what was withheld.
    """

    target: str
    holdings: str
    changes: list[dict[str, Any]] = field(default_factory=list)

    def add(self, change: Change) -> None:
        """Write a change down."""
        if change.action.writes or change.action is Action.WITHHOLD:
            self.changes.append(_as_dict(change))


@dataclass(slots=True)
class PlanFile:
    """One connector's plan."""

    connector: str
    created_at: str
    lanes: list[LanePlan]

    def write(self, path: Path) -> None:
        """Save it as JSON, one change a line, so that it can be read and compared."""
        head = {"version": VERSION, "connector": self.connector, "created_at": self.created_at}
        lanes = ",\n".join(_lane_text(lane) for lane in self.lanes)
        path.write_text(f'{json.dumps(head)[:-1]}, "lanes": [\n{lanes}\n]}}\n', encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> PlanFile:
        """Load one.

        Raises:
            ConfigError: The file is not there, or is no plan.
        """
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            if data["version"] != VERSION:
                raise ConfigError(f"{path} is a plan of version {data['version']}, and this program knows {VERSION}")
            lanes = [LanePlan(lane["target"], lane["holdings"], lane["changes"]) for lane in data["lanes"]]
            return cls(data["connector"], data["created_at"], lanes)
        except OSError as error:
            raise ConfigError(f"cannot read the plan {path}: {error.strerror}") from error
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigError(f"{path} is no plan; make one with: connector plan NAME --out {path}") from error


class Approval:
    """Lets pass what is in a plan, each change once, and knows what is left."""

    def __init__(self, lane: LanePlan) -> None:
        planned = (entry for entry in lane.changes if entry["action"] != Action.WITHHOLD)
        self._open = {(entry["action"], entry["external_id"]): entry for entry in planned}

    @property
    def deletes(self) -> int:
        """How many deletes are in the plan."""
        return sum(action == Action.DELETE for action, _ in self._open)

    @property
    def left(self) -> Sequence[str]:
        """Ids of documents whose planned change did not come up."""
        return [external_id for _, external_id in self._open]

    def __call__(self, change: Change) -> str | None:
        """See `RunMode.approved`."""
        key = (change.action.value, change.external_id)
        entry = self._open.get(key)
        if entry is None:
            return "not in the plan"
        if entry != _as_dict(change) | {"reason": entry["reason"], "name": entry["name"]}:
            return "the origin has changed since the plan was made"
        del self._open[key]
        return None


def _as_dict(change: Change) -> dict[str, Any]:
    draft, before = change.draft, change.before
    return {
        "action": change.action.value,
        "external_id": change.external_id,
        "name": change.name,
        "reason": change.reason,
        "previous_id": change.previous_id,
        "fingerprint": draft.fingerprint if draft else before.fingerprint if before else None,
        "metadata_fingerprint": draft.metadata_fingerprint if draft else None,
        "chunks": len(change.chunks),
    }


def _lane_text(lane: LanePlan) -> str:
    head = json.dumps({"target": lane.target, "holdings": lane.holdings}, ensure_ascii=False)[:-1]
    return f'{head}, "changes": [{_lines(lane.changes)}]}}'


def _lines(changes: Iterable[dict[str, Any]]) -> str:
    return "".join(
        f"{',' if number else ''}\n  {json.dumps(change, ensure_ascii=False)}" for number, change in enumerate(changes)
    )
