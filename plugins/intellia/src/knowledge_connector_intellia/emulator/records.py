"""What the emulated Intellia holds: knowledge bases, files with their bytes, ETLs; and how a file changes with time."""

from __future__ import annotations

import os
from base64 import b32encode, b64decode, b64encode
from collections.abc import Iterable
from datetime import timedelta
from urllib.parse import quote, urlencode

from knowledge_connector.testing.emulation import Rows, Services, Store
from knowledge_connector_intellia.emulator import rules
from knowledge_connector_intellia.emulator.rules import Pace, Refusal, Row

VENDOR = "intellia"
STORAGE = "/intellia-storage"
LONG_AGO_SECONDS = 3600

OPTIONS = {
    "lag_seconds": "1",
    "queue_seconds": "1",
    "processing_seconds": "3",
    "upload_seconds": "900",
    "rate_per_minute": "60",
    "max_file_bytes": "50000000",
    "max_files": "10000",
    "unique_names": "0",
}
"""What can be switched, as `intellia.NAME`, and what goes unless it is."""

_HIDDEN = ("since", "lag", "fate", "complaint", "contentType", "signature")


class Records:
    """The tables of one emulator, and what may be done to them.

    Args:
        services: For time, faults and options.
        store: Where the rows are.
    """

    def __init__(self, services: Services, store: Store) -> None:
        self.services = services
        self._store = store

    @property
    def bases(self) -> Rows:
        """Knowledge bases by id."""
        return self._store.table("bases")

    @property
    def contents(self) -> Rows:
        """Bytes of files, by their id."""
        return self._store.table("contents")

    def files(self, base: str) -> Rows:
        """Files of a knowledge base, by id."""
        return self._store.table(f"files/{base}")

    def etls(self, base: str) -> Rows:
        """ETLs of a knowledge base, by id."""
        return self._store.table(f"etls/{base}")

    def make_base(
        self, organization: str, title: str, description: str, kind: str = "ORGANIZATION", agent: str | None = None
    ) -> str:
        """Make a knowledge base, and give its id."""
        base, now = new_id("kb"), self.now()
        self.bases[base] = {
            "knowledgeBaseId": base,
            "organizationId": organization,
            "type": kind,
            "title": title,
            "llmDescription": description,
            "creatorUserId": "user-emulated",
            "isPublic": False,
            "createdAt": now,
            "updatedAt": now,
            "agentId": agent,
        }
        return base

    def make_file(self, base: str, name: str, content: bytes, kind: str = "text/markdown") -> str:
        """Make a file that has its bytes for long, and give its id."""
        row = self.announce(base, name, kind)
        self.contents[row["fileId"]] = {"base64": b64encode(content).decode()}
        self.take_in(row, content, lag_seconds=-LONG_AGO_SECONDS)
        return str(row["fileId"])

    def announce(self, base: str, name: str, kind: str) -> Row:
        """Make a file that waits for its bytes."""
        file, now, organization = new_id("file"), self.now(), self.bases[base]["organizationId"]
        row: Row = {
            "fileId": file,
            "knowledgeBaseId": base,
            "organizationId": organization,
            "fileName": name,
            "key": f"orgs/{organization}/kbs/{base}/files/{file}",
            "embeddingMode": "TEXT",
            "customInstructions": None,
            "externalFileUrl": None,
            "creatorUserId": "user-emulated",
            "createdAt": now,
            "contentType": kind,
            "signature": new_id("signature"),
            "since": None,
        }
        self.files(base)[file] = row
        return row

    def take_in(self, row: Row, content: bytes, *, lag_seconds: float) -> None:
        """Let ingestion begin; what will come of it is settled here."""
        faults, name = self.services.faults, row["fileName"]
        complaint = rules.complaint_about(content, row["contentType"])
        if faults.take(VENDOR, "failed_ingestion", name):
            complaint = "Embedding failed"
        stuck = faults.take(VENDOR, "stuck_processing", name)
        fate = "STUCK" if stuck else "ERROR" if complaint else "READY"
        row |= {"since": self.now(), "lag": lag_seconds, "fate": fate, "complaint": complaint}
        self.files(row["knowledgeBaseId"])[row["fileId"]] = row

    def copy(self, row: Row, base: str) -> Row:
        """Copy a file into a knowledge base; its bytes are taken in there anew."""
        copy = self.announce(base, row["fileName"], row["contentType"])
        if row["fileId"] in self.contents:
            self.contents[copy["fileId"]] = self.contents[row["fileId"]]
            self.take_in(copy, self.content(row["fileId"]), lag_seconds=0)
        return copy

    def drop_file(self, base: str, file: str) -> None:
        """Remove a file with its bytes."""
        self.contents.pop(file, None)
        del self.files(base)[file]

    def shown(self, row: Row) -> Row:
        """A file as the API shows it, by what time it is."""
        pace = Pace(float(self.option("queue_seconds")), float(self.option("processing_seconds")))
        status, changed = rules.state_of(row, pace, self.services.clock.now())
        message = row["complaint"] if status == "ERROR" else None
        return {**without(row, *_HIDDEN), "status": status, "statusMessage": message, "updatedAt": changed}

    def content(self, file: str) -> bytes:
        """The bytes of a file."""
        return b64decode(self.contents[file]["base64"])

    def pieces(self, file: str) -> list[str]:
        """What a search compares."""
        return rules.pieces_of(self.content(file).decode(errors="replace"))

    def refuse_twin(self, same: Iterable[bool]) -> None:
        """Refuse another of the same name, where that is switched on."""
        if self.option("unique_names") != "0" and any(same):
            raise Refusal(409, "The name is taken")

    def option(self, name: str) -> str:
        """A switch, or what goes unless it is set."""
        return self.services.options.get(f"intellia.{name}", OPTIONS[name])

    def now(self) -> str:
        """The virtual time, as the API writes it."""
        return self.services.clock.now().isoformat()

    def signed(self, row: Row, seconds: int) -> str:
        """A URL of the storage service that gives access to the bytes of a file for so long."""
        expires = self.services.clock.now() + timedelta(seconds=seconds)
        query = urlencode({"X-Amz-Expires-At": expires.timestamp(), "X-Amz-Signature": row["signature"]})
        return f"{self.services.base_url}{STORAGE}/{quote(row['key'])}?{query}"


def without(row: Row, *names: str) -> Row:
    """A row less some of its fields."""
    return {key: value for key, value in row.items() if key not in names}


def new_id(prefix: str) -> str:
    """Ids as the examples of the documentation have them."""
    return f"{prefix}-{b32encode(os.urandom(8)).decode().lower()[:12]}"
