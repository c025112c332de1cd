"""What the emulated organisation holds, and the rules by which it changes."""

from __future__ import annotations

import base64
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from knowledge_connector import digest
from knowledge_connector.testing.emulation import Rows, Services, Store
from knowledge_connector_totoy.emulator_schema import ENDINGS, DocumentFields, Problem

Row = dict[str, Any]

NAME = "totoy"
LENGTHS = {"kb": 28, "src": 29, "pj": 28}
COUNTED = ("text_sources", "document_sources_pages", "projects", "knowledge_bases")
MAX_BYTES = 100_000_000_000

_PAGE = re.compile(rb"/Type\s*/Page\b")


class Organisation:
    """Projects, knowledge bases, sources, and the links between these two.

    Switches: `totoy.indexing_seconds`, `totoy.parsing_seconds` (how long by the virtual clock), `totoy.limit_type` and
    `totoy.limit_<counter>` (the plan), `totoy.status`, `totoy.link_twice` (`409`), `totoy.metadata` (`merge`).
    Faults to ask for: `failed_ingestion` (by title), `failed_parsing` (by file name), `quota`.
    """

    def __init__(self, services: Services, store: Store) -> None:
        self._services = services
        self._store = store

    # ------------------------------------------------------------------------------------------------------ tables

    @property
    def projects(self) -> Rows:
        """By id. The default project is always there."""
        if not self._store.table("projects"):
            self._insert_project("Default", is_default=True)
        return self._store.table("projects")

    @property
    def bases(self) -> Rows:
        """Knowledge bases by id."""
        return self._store.table("bases")

    @property
    def sources(self) -> Rows:
        """By id."""
        return self._store.table("sources")

    def links(self, base_id: str) -> Rows:
        """Of one knowledge base, by source id."""
        return self._store.table(f"links/{base_id}")

    def found(self, table: Rows, id_: str, prefix: str) -> Row:
        """Give a row.

        Raises:
            Problem: The id is malformed (400), or nobody has it (404).
        """
        if not re.fullmatch(rf"{prefix}_[A-Za-z0-9]{{25}}", id_):
            raise Problem(400, f"{id_[:40]} is no id; those begin with {prefix}_ and have {LENGTHS[prefix]} characters")
        if id_ not in table:
            raise Problem(404, f"there is no {id_}")
        return table[id_]

    def option(self, name: str, default: str = "") -> str:
        """A switch."""
        return self._services.options.get(f"{NAME}.{name}", default)

    # ---------------------------------------------------------------------------------------------------- projects

    def add_project(self, name: str) -> Row:
        """Make one, besides the default one."""
        self._afford("projects")
        self.project_of(None)  # the default one goes first
        return self._insert_project(name, is_default=False)

    def _insert_project(self, name: str, *, is_default: bool) -> Row:
        row = {"project_id": _new_id("pj"), "name": name, **self._born(), "is_default": is_default}
        self._store.table("projects")[row["project_id"]] = row
        return row

    def project_of(self, project_id: str | None) -> str:
        """The id of a project, or of the default one."""
        if project_id is not None:
            return str(self.found(self.projects, project_id, "pj")["project_id"])
        return next(id_ for id_, row in self.projects.items() if row["is_default"])

    def remove_project(self, project_id: str) -> Row:
        """Delete one with everything in it."""
        if self.found(self.projects, project_id, "pj")["is_default"]:
            raise Problem(409, "the default project stays")
        view = self.project_view(project_id)
        for base_id in view["knowledge_base_ids"]:
            self.remove_base(base_id)
        for source_id in view["source_ids"]:
            self.remove_source(source_id)
        del self.projects[project_id]
        return {key: view[key] for key in ("project_id", "knowledge_base_ids", "source_ids")} | {"deleted": True}

    def project_view(self, project_id: str) -> Row:
        """One as it is shown."""
        row = self.found(self.projects, project_id, "pj")
        bases = [id_ for id_, base in self.bases.items() if base["project_id"] == project_id]
        sources = {id_: source for id_, source in self.sources.items() if source["project_id"] == project_id}
        usage = _usage(sources.values()) | {"knowledge_bases": len(bases)}
        return {**row, "knowledge_base_ids": bases[:1500], "source_ids": list(sources)[:10_000], "usage": usage}

    def organization_view(self) -> Row:
        """The organisation with plan and usage."""
        usage = _usage(self.sources.values()) | {"projects": len(self.projects), "knowledge_bases": len(self.bases)}
        limits = {counter: int(self.option(f"limit_{counter}", "100000")) for counter in COUNTED}
        return {
            "organization_id": "org_" + digest(NAME)[:25],
            "name": "Emulated organisation",
            "status": self.option("status", "active"),
            "limits": {**limits, "assistant_messages": 100_000, "type": self.option("limit_type", "soft")},
            "usage": {**usage, "assistant_messages": self._messages()},
        }

    def _messages(self) -> Row:
        chats = self._store.table("usage").get("chats", {"count": 0})["count"]
        return {"knowledge_bases_chats": chats, "explanations": 0, "total": chats}

    def count_chat(self) -> None:
        """One more message."""
        self._store.table("usage")["chats"] = {"count": self._messages()["total"] + 1}

    def _afford(self, counter: str, more: int = 1) -> None:
        """Refuse what the plan does not allow; the counting is saved where nothing could come of it."""
        if self._services.faults.take(NAME, "quota", counter) or self.option("status", "active") != "active":
            raise Problem(403, f"no credit left: {counter}")
        if self.option("limit_type") == "hard":
            view = self.organization_view()
            if view["usage"][counter] + more > view["limits"][counter]:
                raise Problem(403, f"the plan's limit is reached: {counter}")

    # --------------------------------------------------------------------------------------------- knowledge bases

    def add_base(self, fields: Mapping[str, Any]) -> Row:
        """Make one; names need not be unique."""
        self._afford("knowledge_bases")
        project_id = self.project_of(fields["project_id"])
        row = {"knowledge_base_id": _new_id("kb"), **fields, "project_id": project_id, **self._born()}
        self.bases[row["knowledge_base_id"]] = row
        return row

    def change_base(self, base_id: str, fields: Mapping[str, Any]) -> Row:
        """Change it; into another project its sources come along."""
        base = self.found(self.bases, base_id, "kb")
        project_id = fields.get("project_id")
        if project_id and self.project_of(project_id) != base["project_id"]:
            self._move_sources(base_id, project_id)
        row = {**base, **{key: value for key, value in fields.items() if value is not None}, "updated_at": self._now()}
        self.bases[base_id] = row
        return row

    def _move_sources(self, base_id: str, project_id: str) -> None:
        moving = {source_id: self.sources[source_id] for source_id in self.links(base_id)}
        if any(len(row["knowledge_base_ids"]) > 1 for row in moving.values()):
            raise Problem(409, "one of its sources serves another knowledge base, too")
        for source_id, row in moving.items():
            self.sources[source_id] = {**row, "project_id": project_id}

    def remove_base(self, base_id: str) -> Row:
        """Delete it; the sources stay."""
        self.found(self.bases, base_id, "kb")
        for source_id in self.links(base_id):
            self.unlink(base_id, source_id)
        del self.bases[base_id]
        return {"knowledge_base_id": base_id, "deleted": True}

    # ----------------------------------------------------------------------------------------------------- sources

    def add_text(self, fields: Row) -> Row:
        """Make a text source."""
        self._afford("text_sources")
        return self._insert("text", fields, fields["text_content"].encode(), None)

    def add_document(self, fields: DocumentFields, content: bytes, file_name: str) -> Row:
        """Make a document source; it will be read."""
        self._afford("document_sources_pages", _pages(content))
        return self._insert("document", fields.model_dump(mode="json"), content, file_name)

    def _insert(self, kind: str, fields: Row, content: bytes, file_name: str | None) -> Row:
        row = {
            "source_id": _new_id("src"),
            "source_type": kind,
            **fields,
            **self._born(),
            **self._filled(content, file_name),
            "project_id": self.project_of(fields["project_id"]),
            "knowledge_base_ids": [],
        }
        row.pop("text_content", None)
        self.sources[row["source_id"]] = row
        return row

    def change(self, source_id: str, fields: Row, content: bytes | None, file_name: str | None) -> Row:
        """Change a source; with new content it is read and indexed again, under the same id."""
        row = self.sources[source_id]
        project_id = fields.get("project_id")
        if project_id and self.project_of(project_id) != row["project_id"] and row["knowledge_base_ids"]:
            raise Problem(409, "a knowledge base uses this source; its project stays")
        if fields.get("project_id", "") is None:
            del fields["project_id"]
        if "custom_metadata" in fields and self.option("metadata") == "merge":
            fields["custom_metadata"] = row["custom_metadata"] | fields["custom_metadata"]
        fields.pop("text_content", None)
        row = {**row, **fields, "updated_at": self._now()}
        if content is not None:
            row |= self._filled(content, file_name)
            self._add_bytes(-int(self.sources[source_id]["bytes"]))
            self._index_again(row)
        self.sources[source_id] = row
        return row

    def _filled(self, content: bytes, file_name: str | None) -> Row:
        self._add_bytes(len(content))
        if file_name is None:
            return {"bytes": len(content), "text": content.decode(), "document_file_name": None}
        return {
            "bytes": len(content),
            "file": base64.b64encode(content).decode(),
            "document_file_name": file_name,
            "pages": _pages(content),
            "parsed_at": self._later("parsing_seconds"),
            "unreadable": self._services.faults.take(NAME, "failed_parsing", file_name) is not None,
        }

    def _add_bytes(self, count: int) -> None:
        total = self._store.table("usage").get("bytes", {"count": 0})["count"] + count
        if total > MAX_BYTES:
            raise Problem(403, "no credit left: bytes")
        self._store.table("usage")["bytes"] = {"count": total}

    def remove_source(self, source_id: str) -> Row:
        """Delete it; its links vanish."""
        row = self.found(self.sources, source_id, "src")
        for base_id in row["knowledge_base_ids"]:
            del self.links(base_id)[source_id]
        del self.sources[source_id]
        self._add_bytes(-int(row["bytes"]))
        return {"source_id": source_id, "deleted": True}

    def content(self, source_id: str) -> tuple[bytes, str, str]:
        """Bytes, media type and file name."""
        row = self.found(self.sources, source_id, "src")
        if row["source_type"] == "text":
            return row["text"].encode(), "text/plain; charset=utf-8", f"{source_id}.txt"
        name = str(row["document_file_name"])
        return base64.b64decode(row["file"]), ENDINGS["." + name.rpartition(".")[2].lower()], name

    def source_view(self, row: Row) -> Row:
        """A source as it is shown; the content is not part of it."""
        shown = {key: value for key, value in row.items() if key not in _HIDDEN}
        return shown if row["source_type"] == "text" else {**shown, "status": self._reading(row)}

    def _reading(self, row: Row) -> str:
        if self._is_due(row["parsed_at"]):
            return "failed" if row["unreadable"] else "completed"
        return "in_progress"

    # ------------------------------------------------------------------------------------------------------- links

    def link(self, base_id: str, source_ids: list[str]) -> list[Row]:
        """Link all or none."""
        base = self.found(self.bases, base_id, "kb")
        rows = [self.found(self.sources, source_id, "src") for source_id in source_ids]
        if any(row["project_id"] != base["project_id"] for row in rows):
            raise Problem(400, "source and knowledge base have to be in the same project")
        links = self.links(base_id)
        if self.option("link_twice") == "409" and any(source_id in links for source_id in source_ids):
            raise Problem(409, "linked already")
        for row in rows:
            if row["source_id"] not in links:
                self.sources[row["source_id"]] = {**row, "knowledge_base_ids": [*row["knowledge_base_ids"], base_id]}
                links[row["source_id"]] = self._new_link(row)
        return [self.link_view(base_id, source_id) for source_id in source_ids]

    def _new_link(self, row: Row) -> Row:
        fails = self._services.faults.take(NAME, "failed_ingestion", row["title"] or "") is not None
        return {"indexed_at": self._later("indexing_seconds", row.get("parsed_at")), "fails": fails}

    def _index_again(self, row: Row) -> None:
        for base_id in row["knowledge_base_ids"]:
            self.links(base_id)[row["source_id"]] = self._new_link(row)

    def link_view(self, base_id: str, source_id: str) -> Row:
        """A link as it is shown: its source, and the state of the index."""
        self.found(self.bases, base_id, "kb")
        source = self.found(self.sources, source_id, "src")
        if source_id not in self.links(base_id):
            raise Problem(404, f"{source_id} is not linked to {base_id}")
        status = self._indexing(source, self.links(base_id)[source_id])
        return {**self.source_view(source), "knowledge_base_id": base_id, "status": status}

    def _indexing(self, source: Row, link: Row) -> str:
        if source.get("unreadable") and self._is_due(source["parsed_at"]):
            return "failed"
        if self._is_due(link["indexed_at"]):
            return "failed" if link["fails"] else "completed"
        return "in_progress"

    def unlink(self, base_id: str, source_id: str) -> Row:
        """Take a source out; it stays where it is."""
        self.link_view(base_id, source_id)
        del self.links(base_id)[source_id]
        source = self.sources[source_id]
        left = [one for one in source["knowledge_base_ids"] if one != base_id]
        self.sources[source_id] = {**source, "knowledge_base_ids": left}
        return {"knowledge_base_id": base_id, "source_id": source_id, "deleted": True}

    def answering(self, base_id: str) -> Iterator[Row]:
        """The sources that answers may be made of: indexed, and within their dates."""
        now = self._services.clock.now()
        for source_id in self.links(base_id):
            view = self.link_view(base_id, source_id)
            begins, ends = _moment(view["valid_from"]), _moment(view["valid_until"])
            if view["status"] == "completed" and (begins is None or begins <= now) and (ends is None or now <= ends):
                yield self.sources[source_id]

    # -------------------------------------------------------------------------------------------------------- time

    def _now(self) -> str:
        return _as_text(self._services.clock.now())

    def _born(self) -> Row:
        return {"created_at": self._now(), "updated_at": self._now()}

    def _later(self, option: str, after: str | None = None) -> str:
        begin = max(self._services.clock.now(), _moment(after) or self._services.clock.now())
        return _as_text(begin + timedelta(seconds=float(self.option(option, "0.5"))))

    def _is_due(self, moment: str) -> bool:
        return datetime.fromisoformat(moment) <= self._services.clock.now()


_HIDDEN = {"text", "file", "parsed_at", "unreadable"}


def _usage(sources: Any) -> Row:
    counts: dict[str, int] = defaultdict(int)
    for row in sources:
        if row["source_type"] == "text":
            counts["text_sources"] += 1
        else:
            counts["document_sources_pages"] += row["pages"]
    return {counter: counts[counter] for counter in ("text_sources", "document_sources_pages")}


def _pages(content: bytes) -> int:
    return max(1, len(_PAGE.findall(content)))


def _new_id(prefix: str) -> str:
    return f"{prefix}_{digest(uuid4().hex)[:25]}"


def _as_text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
