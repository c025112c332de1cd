"""Sensay's knowledge base API (2025-03-25): one method per endpoint, answers as models, failures as our errors.

Making entries is not repeated here: `session.py` looks up what became of it first.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from pydantic import TypeAdapter, ValidationError

from knowledge_connector import DocumentError, FatalError, Unavailable, digest
from knowledge_connector.kit.budget import shared
from knowledge_connector.kit.http import HttpPolicy, asking, make_client
from knowledge_connector_sensay.wire import Entries, Entry, FileTypes, Replica, Result, Results

if TYPE_CHECKING:
    import httpx

    from knowledge_connector.kit.clock import Clock
    from knowledge_connector_sensay.config import SensayConfig

T = TypeVar("T")

API_VERSION = "2025-03-25"
PAGE_SIZE = 100
WALKS = 5

_REFUSALS: Mapping[int, str] = {400: "refused", 409: "duplicate-url", 413: "too-large"}
"""What a refusal of one document is counted as."""

_STORAGE_REFUSALS = {400, 403, 409, 413}
_REQUEST_ID = re.compile(r"[A-Za-z0-9:._-]{1,100}")


class SensayClient:
    """The knowledge base of one replica. Safe to use from any number of threads.

    Args:
        config: Which replica, and as whom.
        clock: All waiting is done with it.
    """

    def __init__(self, config: SensayConfig, clock: Clock) -> None:
        secret = config.organization_secret.get_secret_value()
        budgets, credential = shared(clock, max_requests=config.requests_per_minute), digest(secret)
        policy = HttpPolicy(redirects="refuse")
        self._api = make_client(clock, policy=policy, budgets=budgets, credential=credential, where="target")
        self._api.base_url = config.base_url.rstrip("/")
        self._api.headers.update({"X-ORGANIZATION-SECRET": secret, "X-API-Version": API_VERSION, **_user(config)})
        # Signed URLs lead to a storage service, which is to see none of these headers.
        self._storage = make_client(clock, policy=policy, budgets=budgets, credential=credential, where="target")
        self._replica = f"/v1/replicas/{config.replica}"
        self._entries = f"{self._replica}/knowledge-base"
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

    # ----------------------------------------------------------------------------------------------------------- reading

    def replica(self) -> Replica | None:
        """The replica; `None` if the organisation has none of this UUID."""
        response = self._call("GET replica", "GET", self._replica, extensions=asking(accept={404}))
        return None if response.status_code == 404 else _read(Replica, response, "GET replica")

    def file_types(self) -> FileTypes:
        """What may be uploaded."""
        return _read(FileTypes, self._call("GET file-types", "GET", "/v1/knowledge-base/file-types"), "GET file-types")

    def count(self, **filters: str) -> int:
        """How many entries pass these filters (`hasError="true"`, `status="NEW"`)."""
        return self._page({**filters, "pageSize": "0"}).total

    def entries(self, search: str = "") -> Mapping[int, Entry]:
        """Every entry by id, oldest first, also while others come and go; with `search` those with this in their title.

        Raises:
            Unavailable: The list changes faster than it can be read.
        """
        for _ in range(WALKS):
            found = self._walk({"search": search} if search else {})
            if found is not None:
                return found
        raise Unavailable(f"GET entries: the list shrank {WALKS} times while it was read", where="target")

    def entry(self, entry_id: int) -> Entry | None:
        """One entry; `None` if it is not there (any more)."""
        extensions = asking(accept={404})
        response = self._call("GET entry", "GET", f"{self._entries}/{entry_id}", extensions=extensions)
        return None if response.status_code == 404 else _read(Entry, response, "GET entry")

    # ----------------------------------------------------------------------------------------------------------- writing

    def create(self, title: str, fields: Mapping[str, Any], document_id: str) -> list[Result]:
        """Make the entries that `fields` (one of `text`, `url`, `filename`) ask for. Sent twice, texts and files make two.

        Raises:
            DocumentError: Sensay refuses the request as a whole.
        """
        body = {"title": title, **fields}
        response = self._call("POST entry", "POST", self._entries, json=body, extensions=asking(accept=_REFUSALS))
        _judge(response, "POST entry", document_id)
        return _read(Results, response, "POST entry").results

    def change(self, entry_id: int, fields: Mapping[str, Any], document_id: str) -> bool:
        """Change an entry; may be repeated. New `rawText`, or the status `NEW`, has it processed again.

        Returns:
            False if it is not there (any more).

        Raises:
            DocumentError: Sensay refuses the change.
        """
        path, extensions = f"{self._entries}/{entry_id}", asking(accept={404, *_REFUSALS}, retry=True)
        response = self._call("PATCH entry", "PATCH", path, json=fields, extensions=extensions)
        _judge(response, "PATCH entry", document_id)
        return response.status_code != 404

    def delete(self, entry_id: int) -> None:
        """Remove an entry; gone already is success, and so is 202, after which it may be listed for a day."""
        self._call("DELETE entry", "DELETE", f"{self._entries}/{entry_id}", extensions=asking(accept={404}))

    def upload(self, signed_url: str, content: bytes, document_id: str) -> bool:
        """Send a file's bytes; may be repeated. The file is processed by itself after that.

        Returns:
            False if the URL is not valid any more.

        Raises:
            DocumentError: The storage refuses the bytes.
        """
        self._count("PUT upload")
        headers = {"Content-Type": "application/octet-stream"}
        extensions = asking(accept=_STORAGE_REFUSALS)
        response = self._storage.put(signed_url, content=content, headers=headers, extensions=extensions)
        if response.is_success or _storage_error(response) == "Duplicate":
            return True  # a duplicate is ours: the answer to the first request was lost
        if _storage_error(response) == "InvalidJWT":
            return False
        raise DocumentError(
            f"the storage behind Sensay refused {len(content)} bytes ({response.status_code})",
            code="too-large" if response.status_code == 413 else "upload-refused",
            where="target",
            document_id=document_id,
        )

    # ------------------------------------------------------------------------------------------------------------- below

    def _call(
        self,
        name: str,
        method: Literal["GET", "POST", "PATCH", "DELETE"],
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Mapping[str, Any] | None = None,
        extensions: dict[str, Any] | None = None,
    ) -> httpx.Response:
        self._count(name)
        return self._api.request(method, path, params=params, json=json, extensions=extensions)

    def _count(self, name: str) -> None:
        with self._lock:
            self._calls[name] += 1

    def _page(self, params: Mapping[str, str]) -> Entries:
        return _read(Entries, self._call("GET entries", "GET", self._entries, params=params), "GET entries")

    def _walk(self, filters: Mapping[str, str]) -> dict[int, Entry] | None:
        """Read the list once, oldest first, so that new entries come at the end; `None` if some may have been passed over.

        Entries that go move the others forward over the border between two pages. Then the total shrinks.
        """
        found: dict[int, Entry] = {}
        total = 0
        for page in self._pages(filters):
            if page.total < total:
                return None
            total = page.total
            found |= {entry.id: entry for entry in page.items}
        return found if len(found) >= total else None

    def _pages(self, filters: Mapping[str, str]) -> Iterator[Entries]:
        order = {"pageSize": str(PAGE_SIZE), "sortBy": "createdAt", "sortOrder": "asc"}
        number = 1
        while True:
            page = self._page({**filters, **order, "page": str(number)})
            yield page
            if number * PAGE_SIZE >= page.total:
                return
            number += 1


def _user(config: SensayConfig) -> dict[str, str]:
    given = {"X-USER-ID": config.user_id, "X-USER-ID-TYPE": config.user_id_type}
    return {name: value for name, value in given.items() if value}


def _read(model: type[T], response: httpx.Response, name: str) -> T:
    try:
        return TypeAdapter(model).validate_json(response.content)
    except ValidationError as error:
        fields = ", ".join(sorted({".".join(map(str, one["loc"])) or "the whole" for one in error.errors()})[:5])
        message = f"{name}: Sensay answered {response.status_code} with something else than expected ({fields})"
    raise FatalError(message, where="target")  # outside, because the cause would quote the answer


def _judge(response: httpx.Response, name: str, document_id: str) -> None:
    """Raise what a refusal means for the document."""
    if response.status_code not in _REFUSALS:
        return
    request_id = _word(response, "request_id")
    ticket = f", request {request_id}" if _REQUEST_ID.fullmatch(request_id) else ""
    reason = "; its address is in this knowledge base already" if response.status_code == 409 else ""
    raise DocumentError(
        f"{name}: Sensay refused the document ({response.status_code}{ticket}){reason}",
        code=_REFUSALS[response.status_code],
        where="target",
        document_id=document_id,
    )


def _storage_error(response: httpx.Response) -> str:
    return _word(response, "error")


def _word(response: httpx.Response, key: str) -> str:
    try:
        body = response.json()
    except ValueError:
        return ""
    return str(body.get(key, "")) if isinstance(body, dict) else ""
