"""A target and a state store that kill their process at a chosen step: the crash points of a run, counted from outside."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, cast

from knowledge_connector import Target, TargetSession, hookimpl
from knowledge_connector.ports import StateStore
from knowledge_connector.targets.sqlite.target import SqliteTarget
from scenarios.fate import FATE

SESSION_STEPS = {"begin", "add", "commit", "retag", "delete", "flush"}
STORE_STEPS = {
    "start_run", "finish_run", "reconcile", "keep_token", "mark_listed", "keep", "forget", "doom", "tidy", "open_effects",
    "close_effects", "failed", "succeeded", "keep_cursor", "keep_version", "record", "prune",
}  # fmt: skip


class Watched:
    """Stands before an object and counts a step before and after each of the named calls."""

    def __init__(self, inner: object, steps: set[str]) -> None:
        self._inner = inner
        self._steps = steps

    def __getattr__(self, name: str) -> Any:
        member = getattr(self._inner, name)
        return _counted(member) if name in self._steps else member


def _counted(call: Callable[..., Any]) -> Callable[..., Any]:
    def counted(*args: Any, **kwargs: Any) -> Any:
        FATE.step()
        result = call(*args, **kwargs)
        FATE.step()
        return result

    return counted


def watched_store(store: StateStore) -> StateStore:
    return cast(StateStore, Watched(store, STORE_STEPS))


class DyingTarget(SqliteTarget):
    """The embedded target, with every writing call counted."""

    type = "dying"

    def open(self, owner: str, *, fence: int) -> AbstractContextManager[TargetSession]:
        return self._watched(owner, fence)

    @contextmanager
    def _watched(self, owner: str, fence: int) -> Iterator[TargetSession]:
        with super().open(owner, fence=fence) as session:
            yield cast(TargetSession, Watched(session, SESSION_STEPS))


@hookimpl
def register_targets() -> list[type[Target]]:
    return [DyingTarget]
