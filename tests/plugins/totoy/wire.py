"""Totoy as plain httpx sees it, with nothing of the adapter."""

from __future__ import annotations

from typing import Any

import httpx

from knowledge_connector.testing.emulation import RunningServer
from knowledge_connector_totoy.emulator import TOKEN

PDF = b"%PDF-1.4 /Type /Page /Type /Pages /Type /Page"
STRANGER = {"kb": "kb_" + "a" * 25, "src": "src_" + "a" * 25, "pj": "pj_" + "a" * 25}


class Api:
    """Totoy, as curl would see it."""

    def __init__(self, server: RunningServer) -> None:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        self.http = httpx.Client(base_url=f"{server.url}/v1", headers=headers)

    def post(self, path: str, body: object, status: int = 200) -> Any:
        return self._checked(self.http.post(path, json=body), status)

    def patch(self, path: str, body: object, status: int = 200) -> Any:
        return self._checked(self.http.patch(path, json=body), status)

    def get(self, path: str, status: int = 200) -> Any:
        return self._checked(self.http.get(path), status)

    def delete(self, path: str, status: int = 200) -> Any:
        return self._checked(self.http.delete(path), status)

    def upload(self, fields: dict[str, str], name: str = "a.pdf", content: bytes = PDF, status: int = 200) -> Any:
        return self._checked(self.http.post("/sources", data=fields, files={"document_file": (name, content)}), status)

    def base(self, **fields: object) -> str:
        return str(self.post("/knowledge-bases", fields)["knowledge_base_id"])

    def text(self, text: str = "text", **fields: object) -> str:
        return str(self.post("/sources", {"text_content": text, **fields})["source_id"])

    def project(self, name: str = "Other") -> str:
        return str(self.post("/projects", {"name": name})["project_id"])

    @staticmethod
    def _checked(answer: httpx.Response, status: int) -> Any:
        assert answer.status_code == status, answer.text
        if answer.is_error:
            assert answer.headers["content-type"] == "application/problem+json"
            assert set(answer.json()) == {"type", "title", "status", "detail", "instance"}
            assert answer.json()["status"] == status
        return answer.json()


def kind(problem: dict[str, Any]) -> str:
    return str(problem["type"]).rpartition("/")[2]
