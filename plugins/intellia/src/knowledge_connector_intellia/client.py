"""Intellia's Knowledge Bases API: one method per endpoint, answers as models, failures as our errors.

Nothing that makes something is sent twice here; `session.py` looks up what became of it first.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from pydantic import TypeAdapter, ValidationError

from knowledge_connector import DocumentError, FatalError, Unavailable, digest
from knowledge_connector.kit.budget import shared
from knowledge_connector.kit.http import HttpPolicy, asking, make_client
from knowledge_connector_intellia.wire import DownloadLink, Etl, File, Found, KnowledgeBase, Page, Results, Upload

if TYPE_CHECKING:
    import httpx

    from knowledge_connector.kit.clock import Clock
    from knowledge_connector_intellia.config import IntelliaConfig

T = TypeVar("T")

PAGE_SIZE = 100
OVERLAP = 10
WALKS = 5

_REFUSALS: Mapping[int, str] = {400: "refused", 409: "duplicate", 413: "too-large", 415: "unsupported", 422: "refused"}
"""What a refusal of one document is counted as."""

_STORAGE_REFUSALS = {400, 403, 404}
_STORAGE_CODE = re.compile(rb"<Code>([A-Za-z]{1,64})</Code>")


class IntelliaClient:
    """One organisation's knowledge bases. Safe to use from any number of threads.

    Args:
        config: Where and as whom.
        clock: All waiting is done with it.
    """

    def __init__(self, config: IntelliaConfig, clock: Clock) -> None:
        key = config.api_key.get_secret_value()
        budgets, credential = shared(clock, max_requests=config.requests_per_minute), digest(key)
        policy = HttpPolicy(redirects="refuse")
        self._api = make_client(clock, policy=policy, budgets=budgets, credential=credential, where="target")
        self._api.base_url = config.base_url.rstrip("/")
        self._api.headers["Authorization"] = f"Bearer {key}"
        # Upload URLs lead to a storage service, which is to see no bearer. They are given out under the same budget.
        self._storage = make_client(clock, policy=policy, budgets=budgets, credential=credential, where="target")
        self._prefix = f"/orgs/{config.organization_id}/knowledgebases"
        self._lock = Lock()
        self._calls = Counter[str]()

    def close(self) -> None:
        """Let go of the connections."""
        self._api.close()
        self._storage.close()

    def calls(self) -> Mapping[str, int]:
        """How often each endpoint was called; the kit's own repetitions are not counted."""
        with self._lock:
            return dict(self._calls)

    # ----------------------------------------------------------------------------------------------------- knowledge bases

    def bases(self, *, personal: bool = False) -> list[KnowledgeBase]:
        """Every knowledge base; with `personal` also those of single users.

        Never asks `forAgentId`, which looks like a filter and makes a knowledge base.
        """
        params = {"includePersonalKBs": "true"} if personal else {}
        return list(self._walk("GET bases", "", params, KnowledgeBase, "knowledge_base_id").values())

    def base(self, base: str) -> KnowledgeBase:
        """One knowledge base."""
        return self._asked("GET base", "GET", f"/{base}", KnowledgeBase)

    def create_base(self, title: str, description: str, type_: str) -> KnowledgeBase:
        """Make one. Titles need not be unique, so sending this twice may make two."""
        body = {"title": title, "llmDescription": description, "type": type_}
        return self._asked("POST bases", "POST", "", KnowledgeBase, json=body)

    def update_base(self, base: str, title: str, description: str) -> KnowledgeBase:
        """Give one another title and description."""
        body = {"title": title, "llmDescription": description}
        return self._asked("PUT base", "PUT", f"/{base}", KnowledgeBase, json=body)

    def delete_base(self, base: str) -> None:
        """Remove one with all its files; gone already is success."""
        self._call("DELETE base", "DELETE", f"/{base}", extensions=asking(accept={404}))

    def copy_base(self, base: str, organization: str) -> KnowledgeBase:
        """Copy one into another organisation; the name of the field is not documented."""
        return self._asked(
            "POST copy base", "POST", f"/{base}/copy-to", KnowledgeBase, json={"targetOrganizationId": organization}
        )

    def search(self, base: str, query: str, limit: int = 10) -> list[Found]:
        """What an assistant would find, the best first. Only files that are READY answer."""
        body = {"query": query, "limit": limit}
        return self._asked("POST search", "POST", f"/{base}/search", Results, json=body, retry=True).results

    # ------------------------------------------------------------------------------------------------------------- files

    def files(self, base: str, *, query: str = "", status: str = "") -> dict[str, File]:
        """Every file by id, also while others come and go.

        Args:
            base: Of this knowledge base.
            query: Only those with this in their name, as far as is known of that filter.
            status: Only those of this status.

        Raises:
            Unavailable: The list changes faster than it can be read.
        """
        filters = {"query": query, "status": status}
        params = {name: value for name, value in filters.items() if value}
        return self._walk("GET files", f"/{base}/files", params, File, "file_id")

    def create_file(self, base: str, name: str, content_type: str, document_id: str) -> Upload:
        """Announce a file, and learn where its bytes go. Sent twice it makes two, whatever their names.

        Raises:
            DocumentError: Intellia takes no such file.
        """
        body = {"fileName": name, "contentType": content_type}
        response = self._call(
            "POST upload-url", "POST", f"/{base}/files/upload-url", json=body, extensions=asking(accept=_REFUSALS)
        )
        if response.status_code in _REFUSALS:
            raise DocumentError(
                f"Intellia refused the file {name!r} as {content_type} ({response.status_code})",
                code=_REFUSALS[response.status_code],
                where="target",
                document_id=document_id,
            )
        return _read(TypeAdapter(Upload), response, "POST upload-url")

    def upload(self, file: Upload, content: bytes, content_type: str, document_id: str) -> None:
        """Send the bytes; may be repeated. The file is taken in by itself after that.

        Raises:
            DocumentError: The storage refuses them: the URL has expired, or the file is too large.
        """
        self._count("PUT upload")
        response = self._storage.put(
            file.upload_url,
            content=content,
            headers={"Content-Type": content_type},
            extensions=asking(accept=_STORAGE_REFUSALS),
        )
        if response.status_code in _STORAGE_REFUSALS:
            raise _refused_upload(response, len(content), document_id)

    def delete_file(self, base: str, file: str) -> None:
        """Remove a file; gone already is success."""
        self._call("DELETE file", "DELETE", f"/{base}/files/{file}", extensions=asking(accept={404}))

    def reindex(self, base: str, file: str) -> None:
        """Let the stored bytes be taken in once more; may be repeated."""
        self._call("POST reindex", "POST", f"/{base}/files/{file}/reindex", extensions=asking(retry=True))

    def download_link(self, base: str, file: str) -> str:
        """Give a URL for the bytes; may be repeated."""
        path = f"/{base}/files/{file}/download-link"
        return self._asked("POST download-link", "POST", path, DownloadLink, retry=True).download_link

    def copy_file(self, base: str, file: str, target_base: str, target_organization: str) -> File:
        """Copy a file into another knowledge base. Sent twice it makes two."""
        body = {"targetKnowledgeBaseId": target_base, "targetOrganizationId": target_organization}
        path = f"/{base}/file/{file}/copy-to"  # in the singular, as documented
        return self._asked("POST copy file", "POST", path, File, json=body)

    # --------------------------------------------------------------------------------------------------------------- ETLs

    def etls(self, base: str) -> list[Etl]:
        """What happens by itself to files that are added."""
        response = self._call("GET etls", "GET", f"/{base}/etls")
        return _read(TypeAdapter(list[Etl]), response, "GET etls")

    def etl(self, base: str, etl: str) -> Etl:
        """One of them."""
        return self._asked("GET etl", "GET", f"/{base}/etls/{etl}", Etl)

    def create_etl(self, base: str, body: Mapping[str, Any]) -> Etl:
        """Make one of `etlType`, `agentId`, `prompt` and `conditions`."""
        return self._asked("POST etls", "POST", f"/{base}/etls", Etl, json=body)

    def update_etl(self, base: str, etl: str, body: Mapping[str, Any]) -> Etl:
        """Put another in its place."""
        return self._asked("PUT etl", "PUT", f"/{base}/etls/{etl}", Etl, json=body)

    def delete_etl(self, base: str, etl: str) -> None:
        """Remove one; gone already is success."""
        self._call("DELETE etl", "DELETE", f"/{base}/etls/{etl}", extensions=asking(accept={404}))

    # -------------------------------------------------------------------------------------------------------------- below

    def _call(
        self,
        name: str,
        method: Literal["GET", "POST", "PUT", "DELETE"],
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Mapping[str, Any] | None = None,
        extensions: dict[str, Any] | None = None,
    ) -> httpx.Response:
        self._count(name)
        return self._api.request(method, self._prefix + path, params=params, json=json, extensions=extensions)

    def _asked(
        self,
        name: str,
        method: Literal["GET", "POST", "PUT", "DELETE"],
        path: str,
        model: type[T],
        *,
        json: Mapping[str, Any] | None = None,
        retry: bool | None = None,
    ) -> T:
        response = self._call(name, method, path, json=json, extensions=asking(retry=retry))
        return _read(TypeAdapter(model), response, name)

    def _count(self, name: str) -> None:
        with self._lock:
            self._calls[name] += 1

    def _walk(self, name: str, path: str, params: Mapping[str, str], model: type[T], key: str) -> dict[str, T]:
        """Read a whole list by offsets, from the start again when too much of it went away meanwhile."""
        for _ in range(WALKS):
            found = self._walk_once(name, path, params, TypeAdapter(Page[model]), key)  # type: ignore[valid-type]  # a type at run time
            if found is not None:
                return found
        raise Unavailable(f"{name}: the list changed {WALKS} times while it was read", where="target")

    def _walk_once(
        self, name: str, path: str, params: Mapping[str, str], pages: TypeAdapter[Page[Any]], key: str
    ) -> dict[str, Any] | None:
        """Read a list once; `None` if something in it may have been passed over.

        Offsets shift when others delete. So each page begins a little before the end of the last one, and must show something of it:
        as long as it does, the two join without a gap.
        """
        found: dict[str, Any] = {}
        start = overlap = 0
        while True:
            where = {**params, "limit": str(PAGE_SIZE), "cursor": str(start)}
            page = _read(pages, self._call(name, "GET", path, params=where), name)
            arrived = {getattr(item, key): item for item in page.items}
            if overlap and found.keys().isdisjoint(arrived):
                return None
            found |= arrived
            end = start + len(page.items)
            if not page.items or end >= page.total_rows:
                return found
            overlap = min(OVERLAP, len(page.items) // 2)
            start = end - overlap


def _read(adapter: TypeAdapter[T], response: httpx.Response, name: str) -> T:
    try:
        return adapter.validate_json(response.content)
    except ValidationError as error:
        fields = ", ".join(sorted({".".join(map(str, one["loc"])) or "the whole" for one in error.errors()})[:5])
        message = f"{name}: Intellia answered {response.status_code} with something else than expected ({fields})"
    raise FatalError(message, where="target")  # outside, because the cause would quote the answer


def _refused_upload(response: httpx.Response, size: int, document_id: str) -> DocumentError:
    found = _STORAGE_CODE.search(response.content)
    reason = found[1].decode() if found else str(response.status_code)
    return DocumentError(
        f"the storage behind Intellia refused {size} bytes: {reason}",
        code="too-large" if reason == "EntityTooLarge" else "upload-refused",
        where="target",
        document_id=document_id,
    )
