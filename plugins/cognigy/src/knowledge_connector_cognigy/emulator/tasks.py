"""Ingestion of files and web pages: a task that is queued, works, and ends by the virtual clock."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Any

from knowledge_connector.testing.emulation import Row, Services
from knowledge_connector_cognigy.emulator.holdings import Holdings
from knowledge_connector_cognigy.emulator.rules import MAX_CHUNK_CHARS, MAX_FILE_BYTES, Refusal, SourceHead, checked

QUEUED_SECONDS = 1
INGESTING_SECONDS = 3
CANCELLING_SECONDS = 1

EXTENSIONS = ("ctxt", "pdf", "txt", "docx", "pptx", "jpeg", "jpg", "png", "bmp", "heif", "tiff")
_FORBIDDEN = set('/\\:*?"<>|¥')
_HEAD_LINE = re.compile(r"`([^`:]+):\s*([^`]*)`\s*")


class Tasks:
    """Starts and settles tasks. Nothing runs: what is due by now is done when somebody asks."""

    def __init__(self, services: Services, holdings: Holdings) -> None:
        self._services = services
        self._holdings = holdings

    def start(self, kind: str, store: Row, source: Row, chunks: list[str]) -> Row:
        """Begin to ingest chunks into a source, which is `ingesting` until then."""
        fails = self._services.faults.take("cognigy", "failed_ingestion", source["name"])
        row = {
            **self._holdings.stamped(
                type=kind,
                status="queued",
                parameters={"knowledgeStoreId": store["_id"], "knowledgeSourceId": source["_id"]},
                currentStep=0,
                totalStep=2,
            ),
            "lastChangedAt": self._holdings.moment(),
            "began": self._now(),
            "chunks": chunks,
            "reason": "the content could not be extracted" if fails else "",
        }
        self._holdings.tasks[row["_id"]] = row
        return row

    def cancel(self, row: Row) -> None:
        """Ask a task to stop.

        Raises:
            Refusal: It is over.
        """
        if row["status"] not in ("queued", "active"):
            raise Refusal(400, f"the task is {row['status']}")
        self._become(row, "cancelling", began=self._now())

    def settle(self) -> None:
        """Bring every task to where it is by now."""
        for row in self._holdings.tasks.values():
            age = self._now() - row["began"]
            match row["status"]:
                case "cancelling" if age >= CANCELLING_SECONDS:
                    self._end(row, "cancelled", "the task was cancelled")
                case "queued" | "active" if age >= INGESTING_SECONDS:
                    self._end(row, "error" if row["reason"] else "done", row["reason"])
                case "queued" if age >= QUEUED_SECONDS:
                    self._become(row, "active", currentStep=1)

    def _end(self, row: Row, status: str, reason: str) -> None:
        self._become(row, status, currentStep=2, chunks=[])
        store_id, source_id = row["parameters"]["knowledgeStoreId"], row["parameters"]["knowledgeSourceId"]
        source = self._holdings.sources(store_id).get(source_id)
        if source is None:  # deleted meanwhile
            return
        try:
            for text in [] if reason else row["chunks"]:
                self._holdings.add_chunk(source, text)
        except Refusal as refusal:
            reason = refusal.detail
        told = {"failReason": reason} if reason else {"extractedChunks": len(row["chunks"])}
        changes = {"status": "failure" if reason else "ready", "metaData": told}
        self._holdings.change_source(store_id, source, changes)

    def _become(self, row: Row, status: str, **changes: Any) -> None:
        changes |= {"status": status, "lastChangedAt": self._holdings.moment()}
        self._holdings.tasks[row["_id"]] = {**row, **changes}

    def _now(self) -> float:
        return self._services.clock.now().timestamp()


def task_json(row: Row) -> Row:
    """Give a task as the API shows it."""
    shown = ("_id", "type", "status", "parameters", "currentStep", "totalStep", "createdAt", "lastChangedAt")
    return {name: row[name] for name in shown}


def check_file(name: str, content: bytes) -> str:
    """Give the type of a file.

    Raises:
        Refusal: Cognigy does not take it.
    """
    kind = PurePath(name).suffix.lower().removeprefix(".")
    if kind not in EXTENSIONS:
        raise Refusal(400, f"the file's type is {kind or 'unknown'}; wanted is one of {', '.join(EXTENSIONS)}")
    if len(content) > MAX_FILE_BYTES:
        raise Refusal(413, f"the file has {len(content)} bytes; {MAX_FILE_BYTES} are allowed")
    if kind == "ctxt" and (len(name) > 200 or name != name.strip() or _FORBIDDEN & set(name)):
        raise Refusal(
            400, 'the name of a ctxt file: at most 200 characters, no outer blanks, none of / \\ : * ? " < > | ¥'
        )
    return kind


def read_file(kind: str, name: str, content: bytes) -> tuple[dict[str, Any], list[str]]:
    """Give the data and the chunks of a file. Only text is read; another type becomes one chunk that names the file.

    Raises:
        Refusal: It is not UTF-8 text, or its head is malformed.
    """
    if kind not in ("txt", "ctxt"):
        return {}, [f"Text of {name}"]
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise Refusal(400, "the file is not UTF-8 text") from None
    if kind == "txt":
        return {}, [
            part[at : at + MAX_CHUNK_CHARS] for part in _blocks(text) for at in range(0, len(part), MAX_CHUNK_CHARS)
        ]
    head, rest = _head(text.lstrip("\n").split("\n"))
    return dict(checked(SourceHead, {"data": head}).data), _blocks("\n".join(rest))


def _head(lines: list[str]) -> tuple[dict[str, str], list[str]]:
    head: dict[str, str] = {}
    for number, line in enumerate(lines):
        found = _HEAD_LINE.fullmatch(line)
        if not found:
            return head, lines[number:]
        head[found[1].strip()] = found[2].strip()
    return head, []


def _blocks(text: str) -> list[str]:
    return [block.strip("\n") for block in re.split(r"\n[ \t]*\n", text) if block.strip()]
