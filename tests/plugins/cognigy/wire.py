"""What stands in the emulated Cognigy, seen without any code of the adapter; and time that does not pass."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import httpx

from knowledge_connector.testing.emulation import RunningServer, Secret
from knowledge_connector_cognigy import CognigyConfig


def table_for(server: RunningServer) -> dict[str, Any]:
    """The keys of `[targets.cognigy]`, with the secret in clear."""
    table = server.vendor("cognigy").target_table(server.url) or {}
    return {
        key: value.value if isinstance(value, Secret) else value for key, value in table.items() if key != "type"
    } | {"requests_per_5_minutes": 0}


def config_for(server: RunningServer, **changes: object) -> CognigyConfig:
    return CognigyConfig.model_validate({**table_for(server), **changes})


@dataclass
class HastyClock:
    """The machine's time, plus all that was slept."""

    slept: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=sum(self.slept))

    def monotonic(self) -> float:
        return time.monotonic() + sum(self.slept)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


class Wire:
    """Plain requests with the same key."""

    def __init__(self, config: CognigyConfig) -> None:
        self._http = httpx.Client(
            base_url=f"{config.base_url}{config.api_path}",
            headers={"X-API-Key": config.api_key.get_secret_value()},
            timeout=60,
        )
        self._wanted = config.knowledge_store

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def items(self, path: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            page = self._http.get(path, params={"limit": 100, "skip": len(found)}).raise_for_status().json()
            found += page["items"]
            if not page["items"] or len(found) >= page["total"]:
                return found

    def stores(self) -> list[dict[str, Any]]:
        return self.items("/knowledgestores")

    @property
    def store(self) -> str:
        """Its path."""
        found = next(str(one["_id"]) for one in self.stores() if self._wanted in (one["_id"], one["name"]))
        return f"/knowledgestores/{found}"

    def sources(self) -> list[dict[str, Any]]:
        return self.items(f"{self.store}/sources")

    def chunks(self, source: str) -> list[dict[str, Any]]:
        return sorted(self.items(f"{self.store}/sources/{source}/chunks"), key=lambda chunk: float(chunk["order"]))

    def texts(self, source: str) -> list[str]:
        return [chunk["text"] for chunk in self.chunks(source)]

    def add_foreign(self, name: str, *texts: str, tags: Sequence[str] = ()) -> str:
        """A source that somebody made by hand."""
        path = f"{self.store}/sources"
        body = {"name": name, "type": "manual", "metaData": {"tags": list(tags)}}
        made = self._http.post(path, json=body).raise_for_status().json()["knowledgeSource"]["_id"]
        for text in texts:
            self.add_chunk(made, text)
        return str(made)

    def add_chunk(self, source: str, text: str) -> None:
        """A chunk that somebody added by hand."""
        self._http.post(f"{self.store}/sources/{source}/chunks", json={"text": text}).raise_for_status()

    def patch(self, path: str, **fields: object) -> None:
        self._http.patch(f"{self.store}/sources/{path}", json=fields).raise_for_status()

    def delete(self, path: str) -> None:
        self._http.delete(f"{self.store}/sources/{path}").raise_for_status()

    def found(self) -> set[str]:
        """The texts that a flow could find: of enabled sources."""
        return {text for source in self.sources() if source["status"] == "ready" for text in self.texts(source["_id"])}

    def contents(self) -> list[tuple[object, ...]]:
        """Everything that should be the same after every way to the same end; ids and times are not."""
        return sorted(map(self._content, self.sources()), key=repr)

    def _content(self, source: dict[str, Any]) -> tuple[object, ...]:
        data = {key: value for key, value in source["data"].items() if key not in {"kcSource", "kcHead"}}
        chunks = [(chunk["text"], chunk["data"], chunk["disabled"]) for chunk in self.chunks(source["_id"])]
        tags = sorted(source["metaData"]["tags"])
        return (source["name"], source["description"], source["status"], tags, data, source["chunkCount"], chunks)
