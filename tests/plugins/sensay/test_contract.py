"""The shipped target contract, asked of the adapter over its emulator."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import httpx
import pytest

from knowledge_connector import KnowledgeSource
from knowledge_connector.kit.clock import SystemClock
from knowledge_connector.testing.target import TargetContract
from knowledge_connector_sensay import SensayTarget
from knowledge_connector_sensay.emulator import REPLICA
from knowledge_connector_sensay.titles import label_of, retired_of
from plugins.sensay.stage import Stage, staged


class SensayContract(TargetContract):
    many = 300

    @pytest.fixture
    def stage(self) -> Iterator[Stage]:
        with staged() as stage:
            yield stage

    @pytest.fixture
    def reader(self, stage: Stage) -> Iterator[Callable[[], Sequence[KnowledgeSource]]]:
        """What the replica would answer by, rather than what is listed; asked over the wire, as it is asked from another thread."""
        with httpx.Client() as client:
            url = f"{stage.server.url}/__sensay__/replicas/{REPLICA}/answers"
            yield lambda: [_seen(answer["title"]) for answer in client.get(url).json()]


def _seen(title: str) -> KnowledgeSource:
    retired, label = retired_of(title), label_of(title)
    digest = retired.external_digest if retired else label.version.external_digest if label else ""
    return KnowledgeSource(digest, digest, None, title, None, 1)


class TestTextsInPlace(SensayContract):
    @pytest.fixture
    def target(self, stage: Stage) -> SensayTarget:
        return stage.target()


class TestTextsAnew(SensayContract):
    many = 100

    @pytest.fixture
    def target(self, stage: Stage) -> SensayTarget:
        return stage.target(patch_in_place=False)


class TestFilesWithDelayedDeletion(SensayContract):
    many = 100

    @pytest.fixture
    def stage(self) -> Iterator[Stage]:
        with staged(deletion="delayed") as stage:
            yield stage

    @pytest.fixture
    def target(self, stage: Stage) -> SensayTarget:
        return stage.target(entries="file")


class TestPromptEmulator(SensayContract):
    """With entries that are ready at once, so that the children that are killed need no clock of ours."""

    many = 10
    survives_kill = True

    @pytest.fixture
    def stage(self) -> Iterator[Stage]:
        with staged(stage_seconds="0") as stage:
            yield stage

    @pytest.fixture
    def target(self, stage: Stage) -> SensayTarget:
        return SensayTarget(stage.config(poll_seconds=0.001), clock=SystemClock())
