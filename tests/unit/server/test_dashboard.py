"""The dashboard asks for nothing that we do not tell."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from knowledge_connector.jobs.events import Overview
from knowledge_connector.server.metrics import Metrics
from knowledge_connector.testing.context import FakeClock
from knowledge_connector.watch.watcher import Seen

DASHBOARD = Path(__file__).parents[3] / "docs" / "monitoring" / "grafana.json"
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def expressions(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [
            text
            for key, inner in value.items()
            for text in ([inner] if key in ("expr", "query") else expressions(inner))
        ]
    return [text for inner in value for text in expressions(inner)] if isinstance(value, list) else []


def test_every_metric_of_the_dashboard_is_one_of_ours() -> None:
    told = Metrics(lambda: Overview((), (), NOW, ""), lambda: Seen(NOW), FakeClock(NOW)).render().decode()
    known = set(re.findall(r"^# TYPE (\S+)", told, re.MULTILINE))
    asked = {
        name
        for text in expressions(json.loads(DASHBOARD.read_text(encoding="utf-8")))
        for name in re.findall(r"knowledge_connector_\w+", text)
    }
    assert len(asked) >= 10
    assert asked <= known


def test_every_panel_has_its_own_place() -> None:
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert len({panel["id"] for panel in panels}) == len(panels)
