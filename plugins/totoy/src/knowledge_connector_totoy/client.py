"""Totoy's API, call by call: https://api.totoy.ai/v1, bearer key, lists without pages, errors as `application/problem+json`.

PATCH, DELETE and links may be repeated, and the kit does it. A POST that makes something is never repeated blindly: see
`TotoyClient.surely`.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from threading import Lock
from typing import TYPE_CHECKING, Any, Self, TypeVar

import httpx

from knowledge_connector import ConnectorError, DocumentError, FatalError, RetriableError, Unavailable
from knowledge_connector.kit.budget import shared
from knowledge_connector.kit.clock import Clock
from knowledge_connector.kit.http import HttpClient, HttpPolicy, asking, make_client
from knowledge_connector.kit.retry import Retries

if TYPE_CHECKING:
    from knowledge_connector_totoy.config import TotoyConfig

T = TypeVar("T")
Fields = Mapping[str, Any]

MAX_LINKS = 1500
"""Sources that one call may link."""

MEDIA_TYPES = {".pdf": "application/pdf", ".jpg": "image/jpeg", ".png": "image/png"}
"""Files that Totoy takes as document sources."""

IN_PROGRESS, COMPLETED, FAILED = "in_progress", "completed", "failed"

_RETRIES = Retries()
_REFUSALS = frozenset({400, 403, 404, 409, 413, 415, 422})
_SAFE_WORD = re.compile(r"[a-z0-9-]{1,64}")


@dataclass(frozen=True, slots=True)
class Project:
    """A project; `source_ids` are those of all its sources, linked or not."""

    id: str
    name: str
    is_default: bool
    source_ids: tuple[str, ...]

    @classmethod
    def read(cls, row: Fields) -> Self:
        """From an answer."""
        ids = tuple(row.get("source_ids") or ())
        return cls(row["project_id"], row.get("name") or "", bool(row.get("is_default")), ids)


@dataclass(frozen=True, slots=True)
class KnowledgeBase:
    """A knowledge base."""

    id: str
    name: str
    project_id: str

    @classmethod
    def read(cls, row: Fields) -> Self:
        """From an answer."""
        return cls(row["knowledge_base_id"], row.get("name") or "", row["project_id"])


@dataclass(frozen=True, slots=True)
class Source:
    """A source, or its link to a knowledge base.

    Attributes:
        kind: `text` or `document`.
        status: Of a link: whether it is indexed. Of a document source: whether it could be read. A text source has none.
    """

    id: str
    kind: str
    title: str
    backlink: str
    base_ids: tuple[str, ...]
    status: str | None
    metadata: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, row: Fields) -> Self:
        """From an answer."""
        return cls(
            id=row["source_id"],
            kind=row.get("source_type") or "text",
            title=row.get("title") or "",
            backlink=row.get("backlink") or "",
            base_ids=tuple(row.get("knowledge_base_ids") or ()),
            status=row.get("status"),
            metadata=row.get("custom_metadata") or {},
        )


@dataclass(frozen=True, slots=True)
class Original:
    """A file that goes up as it is.

    Attributes:
        file_name: Ends in .pdf, .jpg or .png.
    """

    content: bytes
    file_name: str

    @property
    def media_type(self) -> str:
        """What the ending says.

        Raises:
            DocumentError: Totoy does not take such files.
        """
        ending = "." + self.file_name.rpartition(".")[2].lower()
        if ending not in MEDIA_TYPES:
            known = ", ".join(MEDIA_TYPES)
            raise DocumentError(
                f"{self.file_name}: Totoy takes files that end in {known}", code="unsupported", where="target"
            )
        return MEDIA_TYPES[ending]


class TotoyClient:
    """The calls that the adapter needs; safe to use from several threads.

    Args:
        config: Address and key.
        clock: Whose time it is; all waiting is done with it.
    """

    def __init__(self, config: TotoyConfig, clock: Clock) -> None:
        key = config.api_key.get_secret_value()
        policy = HttpPolicy(retries=_RETRIES, redirects="refuse")
        self._http: HttpClient = make_client(
            clock, policy=policy, budgets=shared(clock), credential=key, where="target"
        )
        self._http.base_url = httpx.URL(config.base_url)
        self._http.headers["Authorization"] = f"Bearer {key}"
        self._clock = clock
        self._lock = Lock()
        self._calls: Counter[str] = Counter()

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def calls(self) -> dict[str, int]:
        """How often each endpoint was called; what the kit repeated counts once."""
        with self._lock:
            return dict(self._calls)

    # ------------------------------------------------------------------------------------------- projects, organisation

    def organization(self) -> Fields:
        """Name, status, limits and usage."""
        return self._json("GET organization", "/organization")

    def projects(self) -> list[Project]:
        """All of the organisation."""
        return [Project.read(row) for row in self._json("GET projects", "/projects")["data"]]

    def project(self, project_id: str) -> Project | None:
        """One project, with the ids of its sources; `None` if there is none."""
        row = self._found("GET project", f"/projects/{project_id}")
        return None if row is None else Project.read(row)

    def create_project(self, name: str) -> Project:
        """Make one; not idempotent."""
        return Project.read(self._json("POST projects", "/projects", body={"name": name}))

    # -------------------------------------------------------------------------------------------------- knowledge bases

    def knowledge_bases(self) -> list[KnowledgeBase]:
        """All of the organisation."""
        rows = self._json("GET knowledge-bases", "/knowledge-bases")["data"]
        return [KnowledgeBase.read(row) for row in rows]

    def knowledge_base(self, base_id: str) -> KnowledgeBase | None:
        """One of them; `None` if there is none."""
        row = self._found("GET knowledge-base", f"/knowledge-bases/{base_id}")
        return None if row is None else KnowledgeBase.read(row)

    def create_knowledge_base(self, name: str, project_id: str, instructions: str) -> KnowledgeBase:
        """Make one; not idempotent, and names need not be unique."""
        fields = {"name": name, "project_id": project_id, **({"instructions": instructions} if instructions else {})}
        return KnowledgeBase.read(self._json("POST knowledge-bases", "/knowledge-bases", body=fields))

    # ---------------------------------------------------------------------------------------------------------- sources

    def sources(self) -> Iterator[Source]:
        """All sources of the organisation (up to a million, in one answer), read as they come."""
        import ijson  # type: ignore[import-untyped]  # has no stubs; only for organisations with sources that are in no knowledge base

        self._count("GET sources")
        found = ijson.sendable_list()
        parser = ijson.items_coro(found, "data.item", use_float=True)
        with self._http.stream("GET", "/sources") as response:
            try:
                for part in response.iter_bytes():
                    parser.send(part)
                    yield from map(Source.read, found)
                    del found[:]
                parser.close()
            except (httpx.TransportError, ijson.JSONError) as error:
                raise Unavailable(f"the list of sources broke off: {type(error).__name__}", where="target") from error

    def source(self, source_id: str) -> Source | None:
        """One source; `None` if it is gone."""
        row = self._found("GET source", f"/sources/{source_id}")
        return None if row is None else Source.read(row)

    def content(self, source_id: str) -> bytes:
        """The text or the file of a source."""
        return self._call("GET content", f"/sources/{source_id}/content").content

    def create_text(self, fields: Fields, document_id: str) -> Source:
        """Make a text source; not idempotent."""
        return Source.read(self._json("POST sources", "/sources", body=fields, document_id=document_id))

    def create_document(self, fields: Fields, original: Original, document_id: str) -> Source:
        """Make a document source; not idempotent."""
        return self._upload("POST sources", "/sources", fields, original, document_id)

    def patch_text(self, source_id: str, fields: Fields, document_id: str) -> Source:
        """Change fields of a text source; the text is one of them."""
        path = f"/sources/{source_id}"
        return Source.read(self._json("PATCH source", path, body=fields, document_id=document_id, retry=True))

    def patch_document(self, source_id: str, fields: Fields, original: Original | None, document_id: str) -> Source:
        """Change fields of a document source, and the file if there is one."""
        return self._upload("PATCH source", f"/sources/{source_id}", fields, original, document_id)

    def delete_source(self, source_id: str) -> None:
        """Delete it; gone already is success."""
        self._call("DELETE source", f"/sources/{source_id}", accept=(404,))

    # ------------------------------------------------------------------------------------------------------------ links

    def links(self, base_id: str) -> list[Source]:
        """The sources of a knowledge base, with the state of their index."""
        return [Source.read(row) for row in self._json("GET links", f"/knowledge-bases/{base_id}/sources")["data"]]

    def link_of(self, base_id: str, source_id: str) -> Source | None:
        """One link; `None` if there is none."""
        row = self._found("GET link", f"/knowledge-bases/{base_id}/sources/{source_id}")
        return None if row is None else Source.read(row)

    def link(self, base_id: str, source_ids: Sequence[str]) -> dict[str, Source | None]:
        """Link sources, in as few calls as possible; linked already is success.

        Returns:
            The links by source; `None` for a source that cannot be linked: it is gone, or in another project.
        """
        links: dict[str, Source | None] = {}
        for start in range(0, len(source_ids), MAX_LINKS):
            links |= self._link(base_id, source_ids[start : start + MAX_LINKS])
        return links

    def unlink(self, base_id: str, source_id: str) -> None:
        """Take a source out of a knowledge base; not in it is success."""
        self._call("DELETE link", f"/knowledge-bases/{base_id}/sources/{source_id}", accept=(404,))

    def _link(self, base_id: str, ids: Sequence[str]) -> dict[str, Source | None]:
        """One call for all; if it is refused on account of one of them, one call for each."""
        fields = {"source_id": ids[0]} if len(ids) == 1 else {"source_ids": list(ids)}
        path = f"/knowledge-bases/{base_id}/sources"
        answer = self._call("POST links", path, body=fields, accept=(400, 404, 409), retry=True)
        if answer.is_success:
            body = answer.json()
            links = [Source.read(row) for row in body.get("data", [body])]
            return {link.id: link for link in links}
        if len(ids) > 1:
            return {source_id: self._link(base_id, [source_id])[source_id] for source_id in ids}
        linked_already = answer.status_code == httpx.codes.CONFLICT
        return {ids[0]: self.link_of(base_id, ids[0]) if linked_already else None}

    # ------------------------------------------------------------------------------------------------------------ calls

    def surely(self, create: Callable[[], T], find: Callable[[], T | None]) -> T:
        """Make something that a POST makes, once: before the call is repeated, what may have been made is looked for.

        Raises:
            RetriableError: It could not be made, and is not there.
        """
        for attempt in count():
            try:
                return create()
            except RetriableError:
                if attempt + 1 == _RETRIES.tries:
                    raise
            self._clock.sleep(_RETRIES.backoff_seconds(attempt, 1))
            found = find()
            if found is not None:
                return found
        raise AssertionError("counting does not end")

    def _upload(self, name: str, path: str, fields: Fields, original: Original | None, document_id: str) -> Source:
        """Send a form. `custom_metadata` goes as JSON text, and `null` as an empty part."""
        texts = {key: "" if value is None else value for key, value in fields.items()}
        texts["custom_metadata"] = json.dumps(fields["custom_metadata"], ensure_ascii=False)
        parts: dict[str, Any] = {key: (None, value) for key, value in texts.items()}
        if original is not None:
            parts["document_file"] = (original.file_name, original.content, original.media_type)
        method = name.partition(" ")[0]
        request = self._http.build_request(method, path, files=parts, extensions=_ask(document_id, method == "PATCH"))
        request.read()  # into memory, so that it can be sent twice
        self._count(name)
        return Source.read(self._judged(self._http.send(request), (), document_id).json())

    def _found(self, name: str, path: str) -> Fields | None:
        answer = self._call(name, path, accept=(404,))
        return answer.json() if answer.is_success else None

    def _json(
        self,
        name: str,
        path: str,
        *,
        body: Fields | None = None,
        document_id: str | None = None,
        retry: bool | None = None,
    ) -> Fields:
        answer: Fields = self._call(name, path, body=body, document_id=document_id, retry=retry).json()
        return answer

    def _call(
        self,
        name: str,
        path: str,
        *,
        body: Fields | None = None,
        accept: Sequence[int] = (),
        document_id: str | None = None,
        retry: bool | None = None,
    ) -> httpx.Response:
        """Make one call; its name begins with the method."""
        self._count(name)
        method = name.partition(" ")[0]
        answer = self._http.request(method, path, json=body, extensions=_ask(document_id, retry))
        return self._judged(answer, accept, document_id)

    def _judged(self, answer: httpx.Response, accept: Sequence[int], document_id: str | None) -> httpx.Response:
        if answer.is_error and answer.status_code not in accept:
            raise _refusal(answer, document_id)
        return answer

    def _count(self, name: str) -> None:
        with self._lock:
            self._calls[name] += 1


def _ask(document_id: str | None = None, retry: bool | None = None) -> dict[str, Any]:
    return asking(document_id=document_id, accept=_REFUSALS, retry=retry)


def _refusal(answer: httpx.Response, document_id: str | None) -> ConnectorError:
    """What a 4xx means: a full plan and a lost right stop the run, anything else about one document is its own failure."""
    problem = _problem(answer)
    message = f"Totoy answered {answer.status_code} ({problem}) to {answer.request.method} {answer.request.url.path}"
    if problem == "out-of-credit":
        message += "; a limit of the plan is reached, or the organisation is suspended: see `connector check`"
    if document_id is None or answer.status_code == httpx.codes.FORBIDDEN:
        return FatalError(message, where="target")
    code = "too-large" if answer.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE else "refused"
    return DocumentError(message, code=code, where="target", document_id=document_id)


def _problem(answer: httpx.Response) -> str:
    """The last word of a problem's `type`; nothing else of it, since `detail` may quote content."""
    try:
        body = answer.json()
    except ValueError:
        body = None
    kind = str(body.get("type", "")) if isinstance(body, dict) else ""
    word = kind.rstrip("/").rpartition("/")[2]
    return word if _SAFE_WORD.fullmatch(word) else "no reason given"
