"""Targets at the emulator, and what stands there, seen without any code of the adapter."""

from __future__ import annotations

from typing import Any

import httpx

from knowledge_connector.testing.emulation import LeapingClock, Row, RunningServer, Secret
from knowledge_connector_genesys import GenesysConfig, GenesysTarget
from knowledge_connector_genesys.emulator import GenesysEmulator


def emulator(server: RunningServer) -> GenesysEmulator:
    vendor = server.vendor("genesys")
    assert isinstance(vendor, GenesysEmulator)
    return vendor


def config_for(server: RunningServer, **changes: object) -> GenesysConfig:
    table = emulator(server).target_table(server.url)
    plain = {key: value.value if isinstance(value, Secret) else value for key, value in table.items()}
    return GenesysConfig.model_validate({**plain, **changes})


def target_at(server: RunningServer, **changes: object) -> GenesysTarget:
    return GenesysTarget(config_for(server, **changes), LeapingClock(server.services.clock))


def source_of(server: RunningServer, owner: str) -> str | None:
    """The id of the one source that bears the owner's mark."""
    found = [row["id"] for row in emulator(server).world.sources.values() if row["name"].endswith(f"(kc-by-{owner})")]
    assert len(found) < 2, "a twin"
    return found[0] if found else None


def files(server: RunningServer, owner: str) -> dict[str, Row]:
    """What search finds of an owner, by file name; everything that was completed has been taken in."""
    server.services.clock.advance(3600)
    source = source_of(server, owner)
    return dict(emulator(server).world.files(source)) if source else {}


def texts(server: RunningServer, owner: str) -> dict[str, str]:
    """The same, without front matter."""
    return {name: row["text"].split("---\n", 2)[2].strip() for name, row in files(server, owner).items()}


def rounds(server: RunningServer, owner: str) -> list[dict[str, Any]]:
    """The owner's rounds, oldest first."""
    source = source_of(server, owner)
    return list(reversed(emulator(server).world.rounds_of(source))) if source else []


def token(server: RunningServer) -> str:
    """A token of one's own."""
    answer = httpx.post(
        f"{server.url}/oauth/token", data={"grant_type": "client_credentials"}, auth=("emu-client", "emu-secret")
    )
    return str(answer.json()["access_token"])


def search(server: RunningServer, query: str, source: str) -> list[dict[str, Any]]:
    """What an assistant would find."""
    url = f"{server.url}/api/v2/knowledge/search/preview"
    headers = {"Authorization": f"Bearer {token(server)}"}
    answer = httpx.post(url, json={"query": query, "sources": [{"id": source}]}, headers=headers)
    found: list[dict[str, Any]] = answer.raise_for_status().json()["result"]["retrievedReferences"]
    return found
