"""The emulator, called by hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from knowledge_connector_intellia.emulator import ORGANIZATION, TOKEN
from plugins.intellia.stage import Stage

ROOT = f"/orgs/{ORGANIZATION}/knowledgebases"
LONG = 3600


@dataclass(frozen=True)
class Caller:
    """Speaks to the emulator by hand."""

    stage: Stage
    http: httpx.Client

    def __call__(self, method: str, path: str, body: Any = None, **params: Any) -> httpx.Response:
        return self.http.request(method, ROOT + path, json=body, params=params)

    def base(self, title: str = "Support", **fields: Any) -> str:
        body = {"title": title, "llmDescription": "For tests", "type": "ORGANIZATION", **fields}
        return str(self("POST", "", body).json()["knowledgeBaseId"])

    def announce(self, base: str, name: str = "a.md", kind: str = "text/markdown", **fields: Any) -> dict[str, Any]:
        answer = self("POST", f"/{base}/files/upload-url", {"fileName": name, "contentType": kind, **fields})
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def put(self, file: dict[str, Any], content: bytes = b"# Text", kind: str = "text/markdown") -> httpx.Response:
        return httpx.put(file["uploadUrl"], content=content, headers={"Content-Type": kind})

    def uploaded(self, base: str, name: str = "a.md", content: bytes = b"# Text", kind: str = "text/markdown") -> str:
        file = self.announce(base, name, kind)
        assert self.put(file, content, kind).status_code == 200
        return str(file["fileId"])

    def files(self, base: str, **params: Any) -> list[dict[str, Any]]:
        return list(self("GET", f"/{base}/files", **params).json()["items"])

    def wait(self, seconds: float = LONG) -> None:
        self.stage.server.services.clock.advance(seconds)

    def statuses(self, base: str) -> list[str]:
        return [file["status"] for file in self.files(base)]


@contextmanager
def calling(stage: Stage, token: str = TOKEN) -> Iterator[Caller]:
    with httpx.Client(base_url=stage.server.url, headers={"Authorization": f"Bearer {token}"}) as http:
        yield Caller(stage, http)
