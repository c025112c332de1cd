"""The vendor's API, as far as a target needs it.

Nothing that makes something is sent twice blindly: after an answer was lost, `_once` looks whether it was made.

Reference: Genesys Cloud Platform API v2, `/api/v2/knowledge/sources` ("Knowledge Fabric", file connector).
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import httpx

from knowledge_connector import AuthenticationError, DocumentError, FatalError, RetriableError
from knowledge_connector.kit.budget import shared
from knowledge_connector.kit.http import HttpPolicy, asking, make_client, next_link

if TYPE_CHECKING:
    from knowledge_connector.kit.clock import Clock
    from knowledge_connector_genesys.config import GenesysConfig

T = TypeVar("T")

SOURCES = "/api/v2/knowledge/sources"
PAGE_SIZE = 200
TRIES = 4
"""How often something is made, where every answer before was lost and nothing was found made."""

BAD_REQUEST, UNAUTHORIZED, FORBIDDEN, NOT_FOUND, CONFLICT, TOO_LARGE, UNSUPPORTED = 400, 401, 403, 404, 409, 413, 415
ONE_FILE = (BAD_REQUEST, TOO_LARGE, UNSUPPORTED)
"""Statuses that refuse one file and say nothing against the others."""

Kind = Literal["Incremental", "Full"]
State = Literal["open", "settling", "landed", "failed", "cancelled"]

_STATES: Mapping[str, State] = {"Cancelled": "cancelled", "Failed": "failed", "PostProcessing": "settling"}
_INGESTIONS: Mapping[str, State] = {"Complete": "landed", "Failed": "failed", "Stopping": "failed", "Stopped": "failed"}


@dataclass(frozen=True, slots=True)
class Round:
    """A synchronization, as it was when it was asked for.

    Attributes:
        started: ISO 8601, as the vendor writes it; compares as text.
        full: Whether afterwards the source holds what was uploaded in this round, and nothing else.
        completed: Whether the vendor is through with it, and only the ingestion may be under way.
        failed_items: How many of its files were not taken in; the vendor does not say which.
    """

    id: str
    state: State
    started: str
    full: bool
    completed: bool
    failed_items: int

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> Round:
        """Read the vendor's record. What it is called while it takes uploads is not documented: all that is not an end counts as open."""
        status, ingestion = str(body.get("status")), str(body.get("ingestionStatus"))
        state = _INGESTIONS.get(ingestion, "settling") if status == "Completed" else _STATES.get(status, "open")
        statistics = body.get("statistics") or {}
        return cls(
            id=str(body["id"]),
            state=state,
            started=str(body.get("dateStart", "")),
            full=body.get("type") == "Full",
            completed=status == "Completed",
            failed_items=int(statistics.get("failedItemCount") or 0),
        )


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of a round; for a deletion, without link and tags."""

    file_id: str
    file_name: str
    uri: str | None = None
    tags: tuple[str, ...] = ()

    @classmethod
    def read(cls, body: Mapping[str, Any]) -> Upload:
        """Read the vendor's record."""
        metadata = body.get("metadata") or {}
        tags = tuple(str(tag.get("name", "")) for tag in metadata.get("tags") or ())
        return cls(str(body["fileId"]), str(body["fileName"]), metadata.get("originUri"), tags)


@dataclass(frozen=True, slots=True)
class File:
    """What is to be uploaded."""

    name: str
    content: bytes
    content_type: str
    uri: str | None
    tags: Sequence[str]

    @property
    def md5(self) -> str:
        """In base64, as `Content-MD5` has it."""
        return b64encode(hashlib.md5(self.content, usedforsecurity=False).digest()).decode("ascii")


class GenesysClient:
    """The API with one OAuth client. For one thread at a time.

    Attributes:
        calls: How often each endpoint was called.
    """

    def __init__(self, config: GenesysConfig, clock: Clock) -> None:
        policy = HttpPolicy(redirects="refuse")
        budgets = shared(clock, max_requests=config.requests_per_minute, window_seconds=60)
        self._config = config
        self._api = make_client(clock, policy=policy, budgets=budgets, credential=config.client_id, where="target")
        # Neither the token nor the budget is meant for where contents go, nor for the login.
        self._other = make_client(clock, policy=policy, where="target")
        self._clock = clock
        self._token = ""
        self.calls: Counter[str] = Counter()

    def close(self) -> None:
        """Close the connections."""
        self._api.close()
        self._other.close()

    # ------------------------------------------------------------------------------------------------------------ sources

    def sources(self) -> list[dict[str, Any]]:
        """All knowledge sources of the organisation, as the vendor has them."""
        entities: list[dict[str, Any]] = self._get("GET sources", SOURCES).get("entities") or []
        return entities

    def create_source(self, name: str, find: Callable[[], str | None]) -> str:
        """Make a knowledge source for files and give its id; `find` looks for one of this name."""
        body = {"name": name, "type": "FileUpload", "triggerType": "Manual"}
        return self._once(lambda: str(self._post("POST sources", SOURCES, body)["id"]), find)

    # ------------------------------------------------------------------------------------------------------------- rounds

    def rounds(self, source: str) -> list[Round]:
        """All rounds that the vendor remembers, oldest first."""
        found = self._pages("GET synchronizations", f"{SOURCES}/{source}/synchronizations")
        return sorted(map(Round.read, found), key=lambda one: one.started)

    def can_see_rounds(self) -> bool:
        """Whether any round of the organisation is there; asked for the right to look."""
        return bool(self._get("GET all synchronizations", f"{SOURCES}/synchronizations?pageSize=1").get("entities"))

    def start(self, source: str, kind: Kind, find: Callable[[], Round | None]) -> Round:
        """Start a round; `find` looks for one that was started just now."""
        path = f"{SOURCES}/{source}/synchronizations"
        return self._once(lambda: Round.read(self._post("POST synchronizations", path, {"type": kind})), find)

    def round(self, source: str, id_: str) -> Round:
        """A round as it is now."""
        return Round.read(self._get("GET synchronization", _of(source, id_)))

    def end(self, source: str, id_: str, status: Literal["Completed", "Cancelled"]) -> Round:
        """Complete or cancel a round, and give it as it is then; one that has ended already is left as it is.

        Raises:
            FatalError: It is refused, though the round is open.
        """

        def patch() -> Round:
            path, body = _of(source, id_), {"status": status}
            response = self._call("PATCH synchronization", "PATCH", path, body, accept=(BAD_REQUEST, CONFLICT))
            if not response.is_error:
                return Round.read(response.json())
            found = self.round(source, id_)
            if found.state == "open":
                raise FatalError(f"Genesys refused to end synchronization {id_} as {status}", where="target")
            return found

        def ended() -> Round | None:
            found = self.round(source, id_)
            return None if found.state == "open" else found

        return self._once(patch, ended)

    # -------------------------------------------------------------------------------------------------------------- files

    def uploads(self, source: str, id_: str) -> Iterator[Upload]:
        """The files that were uploaded in a round."""
        return map(Upload.read, self._pages("GET uploads", f"{_of(source, id_)}/uploads"))

    def deletions(self, source: str, id_: str) -> Iterator[Upload]:
        """The files that were deleted in a round."""
        return map(Upload.read, self._pages("GET deletions", f"{_of(source, id_)}/deletions"))

    def upload(self, source: str, id_: str, file: File) -> None:
        """Put a file into an open round. An address that has expired, or has served once, is replaced by a new one.

        Raises:
            DocumentError: This file is refused; it may be in the round without its content (see `take_out`).
        """
        for _ in range(TRIES):
            if self._put(self._ticket(source, id_, file), file):
                return
        raise DocumentError(
            f"Genesys gave {TRIES} addresses to upload {file.name} to, and its storage accepted none of them",
            code="upload-refused",
            where="target",
        )

    def take_out(self, source: str, id_: str, names: Collection[str]) -> None:
        """Take files out of an open round, so that it does not count them as failed."""
        for found in [upload for upload in self.uploads(source, id_) if upload.file_name in names]:
            self._in_round(
                "DELETE upload", "DELETE", f"{_of(source, id_)}/uploads/{found.file_id}", accept=(NOT_FOUND,)
            )

    def delete(self, source: str, id_: str, name: str) -> bool:
        """Have an open round delete a file; whether there is one to delete."""
        path = f"{_of(source, id_)}/deletions"

        def post() -> bool:
            response = self._in_round("POST deletions", "POST", path, {"fileName": name}, accept=(NOT_FOUND,))
            return response.status_code != NOT_FOUND

        def is_doomed() -> bool | None:
            return any(found.file_name == name for found in self.deletions(source, id_)) or None

        return self._once(post, is_doomed)

    def undelete(self, source: str, id_: str, name: str) -> None:
        """Have an open round not delete a file after all."""
        for found in [deletion for deletion in self.deletions(source, id_) if deletion.file_name == name]:
            path = f"{_of(source, id_)}/deletions/{found.file_id}"
            self._in_round("DELETE deletion", "DELETE", path, accept=(NOT_FOUND,))

    def _ticket(self, source: str, id_: str, file: File) -> dict[str, Any]:
        """Announce a file; the answer says where to put its content, and with which headers."""
        metadata: dict[str, Any] = {"tags": [{"name": tag} for tag in file.tags]}
        if file.uri:
            metadata["originUri"] = file.uri
        body = {
            "fileName": file.name,
            "contentMd5": file.md5,
            "contentType": file.content_type,
            "contentLength": len(file.content),
            "metadata": metadata,
        }
        path = f"{_of(source, id_)}/uploads"
        response = self._once(
            lambda: self._in_round("POST uploads", "POST", path, body, accept=ONE_FILE),
            lambda: self.take_out(source, id_, {file.name}),
        )
        if response.is_error:
            raise _refused(file, response.status_code, _code(response))
        ticket: dict[str, Any] = response.json()
        return ticket

    def _put(self, ticket: Mapping[str, Any], file: File) -> bool:
        """Send the content, with exactly the headers that the address was signed for; whether it was taken."""
        self.calls["PUT content"] += 1
        extensions = asking(accept=(BAD_REQUEST, FORBIDDEN, TOO_LARGE))
        headers = {str(key): str(value) for key, value in (ticket.get("headers") or {}).items()}
        response = self._other.put(str(ticket["url"]), content=file.content, headers=headers, extensions=extensions)
        if response.status_code == TOO_LARGE:
            raise _refused(file, TOO_LARGE, "storage")
        return not response.is_error

    # -------------------------------------------------------------------------------------------------------------- calls

    def _once(self, send: Callable[[], T], find: Callable[[], T | None]) -> T:
        """Send what must not be sent twice: where the answer was lost, look first whether it took effect."""
        for attempt in range(TRIES):
            try:
                return send()
            except RetriableError:
                found = find()
                if found is not None:
                    return found
                if attempt + 1 == TRIES:
                    raise
            self._clock.sleep(2**attempt)
        raise AssertionError("something is tried at least once")

    def _in_round(
        self, name: str, method: str, path: str, body: Mapping[str, Any] | None = None, *, accept: Collection[int]
    ) -> httpx.Response:
        """Call something that only an open round allows."""
        response = self._call(name, method, path, body, accept=(*accept, CONFLICT))
        if response.status_code == CONFLICT:
            raise FatalError(
                "the synchronization round does not take files any more: another run of this connector took over, "
                "or somebody ended it. The next run starts a new one",
                where="target",
            )
        return response

    def _pages(self, name: str, path: str) -> Iterator[dict[str, Any]]:
        """Every row of a listing, in the order of the vendor."""
        url = f"{self._config.api_url}{path}?pageSize={PAGE_SIZE}"
        while url:
            page = self._get(name, url)
            yield from page.get("entities") or ()
            following = page.get("nextUri")
            url = next_link(str(following), url) if following else ""

    def _get(self, name: str, path: str) -> dict[str, Any]:
        body: dict[str, Any] = self._call(name, "GET", path).json()
        return body

    def _post(self, name: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        made: dict[str, Any] = self._call(name, "POST", path, body).json()
        return made

    def _call(
        self,
        name: str,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        accept: Collection[int] = (),
    ) -> httpx.Response:
        """Call the API; a token that has expired is renewed once. What a 401 refuses has had no effect, so it may be sent again."""
        self._token = self._token or self._log_in()
        self.calls[name] += 1
        response = self._send(method, path, body, accept)
        if response.status_code == UNAUTHORIZED:
            self._token = self._log_in()
            self.calls[name] += 1
            response = self._send(method, path, body, accept)
        if response.status_code == UNAUTHORIZED:
            raise AuthenticationError(
                f"Genesys refused the token that it had just given to client {self._config.client_id}", where="target"
            )
        return response

    def _send(self, method: str, path: str, body: Mapping[str, Any] | None, accept: Collection[int]) -> httpx.Response:
        url = path if "://" in path else f"{self._config.api_url}{path}"
        headers = {"Authorization": f"Bearer {self._token}"}
        extensions = asking(accept=(*accept, UNAUTHORIZED))
        return self._api.request(method, url, json=body, headers=headers, extensions=extensions)

    def _log_in(self) -> str:
        """Get a token. Asking twice does no harm."""
        self.calls["POST token"] += 1
        response = self._other.post(
            f"{self._config.login_url}/oauth/token",
            data={"grant_type": "client_credentials"},
            auth=(self._config.client_id, self._config.client_secret.get_secret_value()),
            extensions=asking(accept=(BAD_REQUEST, UNAUTHORIZED), retry=True),
        )
        if response.is_error:
            raise AuthenticationError(
                f"Genesys gave no token to client {self._config.client_id} ({response.status_code}): set client_id and "
                f"client_secret to those of an OAuth client of {self._config.api_url}",
                where="target",
            )
        return str(response.json()["access_token"])


def _of(source: str, round_: str) -> str:
    return f"{SOURCES}/{source}/synchronizations/{round_}"


def _refused(file: File, status: int, code: str) -> DocumentError:
    message = f"Genesys refused the file {file.name} ({len(file.content)} bytes): {status} {code}"
    return DocumentError(message, code="too-large" if status == TOO_LARGE else "refused", where="target")


def _code(response: httpx.Response) -> str:
    """The vendor's word for what is wrong; its messages may quote what we sent."""
    try:
        return str(response.json().get("code", ""))[:60]
    except (ValueError, AttributeError):
        return ""
