"""What the emulated Genesys Cloud holds: sources, rounds, files; and the rules by which they change."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal, NoReturn
from uuid import uuid4

from knowledge_connector.testing.emulation import Row, Rows, Services, Store

VENDOR = "genesys"
EXTENSIONS = (".txt", ".md", ".doc", ".docx", ".csv", ".xls", ".xlsx", ".html", ".pdf")
MAX_FILE_BYTES = 100_000_000
INGESTION_SECONDS = 5.0
TICKET_SECONDS = 600

_NOT_IN_NAMES = re.compile(r'\s|[\\{^}%`\]">\[~<#|]')
_NO_HEADERS: Mapping[str, str] = {}


class Refusal(Exception):
    """An answer with an error."""

    def __init__(self, status: int, code: str, message: str, *, headers: Mapping[str, str] = _NO_HEADERS) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, headers


def refuse(field: str, message: str) -> NoReturn:
    """Refuse a request because of one of its fields."""
    raise Refusal(400, "invalid.property", f"{field}: {message}")


def stamp(moment: datetime) -> str:
    """ISO 8601 with milliseconds, as the vendor writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def check_file_name(name: object) -> str:
    """Refuse a name that the vendor refuses."""
    if not isinstance(name, str) or not name:
        refuse("fileName", "is required")
    if name.startswith(".") or name.endswith("/") or _NOT_IN_NAMES.search(name):
        refuse("fileName", "begins with a dot, ends with a slash, or holds a character that is not allowed")
    if not name.lower().endswith(EXTENSIONS):
        refuse("fileName", f"has no ending that is taken: {' '.join(EXTENSIONS)}")
    return name


class World:
    """Tables and rules. A round changes the files of its source only when it has been taken in.

    Args:
        services: For the clock, switches (`genesys.ingestion_seconds`) and faults: `quota`, `wrong_state`, `failed_round`,
            `failed_ingestion`, and `failed_item`, whose `operation` is a pattern for file names.
        store: For the tables.
    """

    def __init__(self, services: Services, store: Store) -> None:
        self._services = services
        self._store = store

    @property
    def sources(self) -> Rows:
        """Knowledge sources by id."""
        return self._store.table("sources")

    @property
    def rounds(self) -> Rows:
        """Synchronizations by id."""
        return self._store.table("rounds")

    @property
    def tickets(self) -> Rows:
        """Addresses for uploads, by id."""
        return self._store.table("tickets")

    def uploads(self, round_: str) -> Rows:
        """What a round uploads, by file id."""
        return self._store.table(f"uploads/{round_}")

    def deletions(self, round_: str) -> Rows:
        """What a round deletes, by file id."""
        return self._store.table(f"deletions/{round_}")

    def files(self, source: str) -> Rows:
        """What a source holds and search finds, by file name."""
        self.settle()
        return self._store.table(f"files/{source}")

    # ------------------------------------------------------------------------------------------------------------ sources

    def create_source(self, body: Mapping[str, Any]) -> Row:
        """Make a source. Names need not be unique. What the vendor says when there are too many is not documented."""
        if self._services.faults.take(VENDOR, "quota"):
            raise Refusal(400, "limit.exceeded", "The organisation has as many knowledge sources as it may have.")
        name, kind, connection = body.get("name"), body.get("type"), body.get("connectionId")
        if not isinstance(name, str) or not name:
            refuse("name", "is required")
        if kind is None and connection is None:
            refuse("type", "is required where there is no connectionId")
        kind = kind or "Sharepoint"
        if kind not in ("FileUpload", "Sharepoint"):
            refuse("type", "is FileUpload or Sharepoint")
        trigger = body.get("triggerType") or "Manual"
        if trigger not in ("Scheduled", "Manual"):
            refuse("triggerType", "is Scheduled or Manual")
        now = stamp(self._services.clock.now())
        source: Row = {
            "id": str(uuid4()), "name": name, "type": kind, "triggerType": trigger, "status": "Active", "connectionId": connection,
            "scheduleSettings": body.get("scheduleSettings"), "filters": body.get("filters"), "dateCreated": now, "dateModified": now,
        }  # fmt: skip
        self.sources[source["id"]] = source
        return source

    def update_source(self, source: Row, body: Mapping[str, Any]) -> Row:
        """Change a source; its name is required again."""
        if not isinstance(body.get("name"), str) or not body["name"]:
            refuse("name", "is required")
        changes = {key: body[key] for key in ("name", "triggerType", "scheduleSettings", "filters") if key in body}
        changed = {**source, **changes, "dateModified": stamp(self._services.clock.now())}
        self.sources[source["id"]] = changed
        return changed

    def delete_source(self, source: Row) -> None:
        """Remove a source with all that it holds."""
        for round_ in self.rounds_of(source["id"]):
            self.uploads(round_["id"]).clear()
            self.deletions(round_["id"]).clear()
            del self.rounds[round_["id"]]
        self.files(source["id"]).clear()
        del self.sources[source["id"]]

    # ------------------------------------------------------------------------------------------------------------- rounds

    def rounds_of(self, source: str | None) -> list[Row]:
        """The rounds of one source, or of all; newest first."""
        self.settle()
        found = [row for row in self.rounds.values() if source in (None, row["source"])]
        return sorted(found, key=lambda row: str(row["started"]), reverse=True)

    def start_round(self, source: Row, kind: object) -> Row:
        """Start a round."""
        kind = kind or ("Incremental" if source["type"] == "FileUpload" else "Full")
        if kind not in ("Incremental", "Full"):
            refuse("type", "is Incremental or Full")
        if kind == "Incremental" and source["type"] == "Sharepoint":
            refuse("type", "is Full for Sharepoint")
        if any(row["state"] == "open" for row in self.rounds_of(source["id"])):
            raise Refusal(409, "conflict", "A synchronization of this source is in progress.")
        round_ = {
            "id": str(uuid4()), "source": source["id"], "type": kind, "state": "open", "started": self._next_start(),
            "completed": None, "outcome": "landed", "lost": [], "synchronized": 0,
        }  # fmt: skip
        self.rounds[round_["id"]] = round_
        return round_

    def end_round(self, round_: Row, status: object) -> Row:
        """Complete or cancel a round; the same again is taken, anything else is a conflict."""
        if status not in ("Completed", "Cancelled"):
            refuse("status", "is Completed or Cancelled")
        if round_["state"] == ("cancelled" if status == "Cancelled" else "completed"):
            return round_
        self.check_open(round_)
        if status == "Cancelled":
            return self._keep({**round_, "state": "cancelled"})
        lost = [row["fileName"] for row in self.uploads(round_["id"]).values() if not self._came(row)]
        completed = {**round_, "state": "completed", "completed": self._services.clock.now().timestamp(), "lost": lost}
        return self._keep({**completed, "outcome": self._outcome()})

    def check_open(self, round_: Row) -> None:
        """Refuse to write into a round that has ended."""
        if round_["state"] != "open" or self._services.faults.take(VENDOR, "wrong_state"):
            raise Refusal(409, "conflict", "The synchronization has ended.")

    def age_seconds(self, round_: Row) -> float:
        """How long ago a round was completed."""
        return float(self._services.clock.now().timestamp() - round_["completed"])

    @property
    def ingestion_seconds(self) -> float:
        """How long it takes from the completion until everything is to be found."""
        return float(self._services.options.get("genesys.ingestion_seconds", INGESTION_SECONDS))

    def status(self, round_: Row) -> tuple[str, str]:
        """Status and ingestion status at this moment."""
        if round_["state"] == "open":
            return "InProgress", "Unknown"
        if round_["state"] == "cancelled":
            return "Cancelled", "Unknown"
        share = self.age_seconds(round_) / self.ingestion_seconds if self.ingestion_seconds else 1.0
        if share < 0.2:
            return self._services.options.get("genesys.processing_status", "PostProcessing"), "Unknown"
        if round_["outcome"] == "failed":
            return "Failed", "Unknown"
        stages = ((0.4, "InQueue"), (0.6, "Starting"), (1.0, "InProgress"))
        last = "Complete" if round_["outcome"] == "landed" else "Failed"
        return "Completed", next((word for end, word in stages if share < end), last)

    def settle(self) -> None:
        """Let every round that has been taken in by now change what its source holds."""
        due = [row for row in self.rounds.values() if row["state"] == "completed" and not row.get("applied")]
        for row in sorted(due, key=lambda row: float(row["completed"])):
            if self.status(row)[1] == "Complete":
                self._apply(row)

    def _apply(self, round_: Row) -> None:
        files = self._store.table(f"files/{round_['source']}")
        taken = [row for row in self.uploads(round_["id"]).values() if row["fileName"] not in round_["lost"]]
        gone = {row["fileName"] for row in self.deletions(round_["id"]).values()}
        if round_["type"] == "Full":
            gone |= set(files) - {row["fileName"] for row in self.uploads(round_["id"]).values()}
        for name in gone:
            files.pop(name, None)
        for row in taken:
            files[row["fileName"]] = row
        self._keep({**round_, "applied": True, "synchronized": len(taken) + len(gone)})

    def _came(self, upload: Row) -> bool:
        ill = self._services.faults.take(VENDOR, "failed_item", upload["fileName"])
        return ill is None and "text" in upload

    def _outcome(self) -> Literal["landed", "failed", "ill"]:
        if self._services.faults.take(VENDOR, "failed_round"):
            return "failed"
        return "ill" if self._services.faults.take(VENDOR, "failed_ingestion") else "landed"

    def _keep(self, round_: Row) -> Row:
        self.rounds[round_["id"]] = round_
        return round_

    def _next_start(self) -> str:
        """Now, or a millisecond after the last one: the order of rounds is that of their starts."""
        last = max((str(row["started"]) for row in self.rounds.values()), default="")
        moment = self._services.clock.now()
        while (start := stamp(moment)) <= last:
            moment += timedelta(milliseconds=1)
        return start

    # -------------------------------------------------------------------------------------------------------------- files

    def announce(self, round_: Row, body: Mapping[str, Any]) -> tuple[Row, Row]:
        """Take note of a file that is to be uploaded; gives it, and the ticket for it."""
        name = check_file_name(body.get("fileName"))
        self.check_open(round_)
        size = body.get("contentLength") or 0
        if not isinstance(size, int) or size < 0:
            refuse("contentLength", "is a number of bytes")
        if size > self.max_file_bytes:
            raise Refusal(413, "request.entity.too.large", f"Files may have {self.max_file_bytes} bytes.")
        file_id = self._file_id(round_, name)
        upload = {"fileId": file_id, "fileName": name, "metadata": _metadata(body.get("metadata"))}
        self.uploads(round_["id"])[file_id] = upload
        self.deletions(round_["id"]).pop(file_id, None)
        headers = {"Content-Type": body.get("contentType") or "application/octet-stream", "x-amz-meta-file-id": file_id}
        if body.get("contentMd5"):
            headers["Content-MD5"] = str(body["contentMd5"])
        expires = self._services.clock.now().timestamp() + TICKET_SECONDS
        ticket = {
            "id": uuid4().hex,
            "round": round_["id"],
            "file": file_id,
            "headers": headers,
            "expires": expires,
            "used": False,
        }
        self.tickets[ticket["id"]] = ticket
        return upload, ticket

    def take(self, ticket: Row, content: bytes) -> bool:
        """Take the content of a file that was announced; false if the round does not want it any more."""
        uploads = self.uploads(ticket["round"])
        round_ = self.rounds.get(ticket["round"])
        if round_ is None or round_["state"] != "open" or ticket["file"] not in uploads:
            return False
        self.tickets[ticket["id"]] = {**ticket, "used": True}
        text = content.decode("utf-8", "replace")
        uploads[ticket["file"]] = {**uploads[ticket["file"]], "text": text, "size": len(content)}
        return True

    @property
    def max_file_bytes(self) -> int:
        """The largest file that is taken."""
        return int(self._services.options.get("genesys.max_file_bytes", MAX_FILE_BYTES))

    def doom(self, round_: Row, body: Mapping[str, Any]) -> Row:
        """Mark a file of an earlier round for deletion."""
        if bool(body.get("fileId")) == bool(body.get("fileName")):
            raise Refusal(400, "bad.request", "Either fileId or fileName is required.")
        self.check_open(round_)
        wanted = body.get("fileId") or body.get("fileName")
        files = self.files(round_["source"])
        found = next((row for row in files.values() if wanted in (row["fileId"], row["fileName"])), None)
        if found is None:
            raise Refusal(404, "not.found", "There is no such file.")
        deletion = {"fileId": found["fileId"], "fileName": found["fileName"]}
        self.deletions(round_["id"])[found["fileId"]] = deletion
        self.uploads(round_["id"]).pop(found["fileId"], None)
        return deletion

    def _file_id(self, round_: Row, name: str) -> str:
        """The id that a file of this name has already, or a new one."""
        known = [*self.uploads(round_["id"]).values(), *self.deletions(round_["id"]).values()]
        held = self.files(round_["source"]).get(name)
        rows = [row for row in known if row["fileName"] == name] + ([held] if held else [])
        return str(rows[0]["fileId"]) if rows else str(uuid4())


def _metadata(given: object) -> Row:
    if given is None:
        return {}
    if not isinstance(given, dict):
        refuse("metadata", "is an object")
    tags = given.get("tags") or []
    if not isinstance(tags, list) or not all(isinstance(tag, dict) and tag.get("name") for tag in tags):
        refuse("metadata.tags", "is a list of objects with a name")
    return {key: given[key] for key in ("originUri", "tags") if given.get(key)}
