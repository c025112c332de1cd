"""One source as a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from knowledge_connector import ConfigError
from knowledge_connector.export import export
from scenarios.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path)
    world.put("guide/a", "one", "two", title="A / guide")
    world.put("guide/b", "three", title="B")
    world.run()
    return world


def test_a_source_without_a_format_of_its_own_is_markdown(world: World) -> None:
    with world.host() as host:
        assert export(host, "shelf", "guide/a") == ("A-guide.md", "one\n\ntwo\n")
        assert export(host, "shelf", "B") == ("B.md", "three\n")


def test_what_is_not_held_or_not_one_is_said(world: World) -> None:
    with world.host() as host:
        with pytest.raises(ConfigError, match="holds nothing of 'shelf' that has 'nowhere'"):
            export(host, "shelf", "nowhere")
        with pytest.raises(ConfigError, match="may be any of these: guide/a, guide/b"):
            export(host, "shelf", "guide/")
