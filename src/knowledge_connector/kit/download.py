"""Fetch a file of any size: to disk and not to memory, whole or not at all.

a part arrives ─▶ cut off? ─▶ ask for the rest (`Range`), as long as it is the same file ─▶ count ─▶ an open file
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import IO, Any, BinaryIO, cast

import httpx

from knowledge_connector.errors import AuthenticationError, ConnectorError, DocumentError, Unavailable
from knowledge_connector.kit.http import asking

IN_MEMORY_BYTES = 8_000_000
"""Smaller files never touch the disk."""

TRIES = 5
"""How often in a row an answer may be cut off without having brought a byte."""

PARTIAL, NOT_SATISFIABLE = 206, 416
EXPIRED = frozenset({"forbidden", "not-found", "gone"})
"""What may also mean that the time of a link is over."""


def download(
    client: httpx.Client,
    url: str,
    *,
    document_id: str,
    max_bytes: int,
    expected_bytes: int | None = None,
    headers: Mapping[str, str] | None = None,
    auth: Any = httpx.USE_CLIENT_DEFAULT,
    renew_url: Callable[[], str] | None = None,
) -> BinaryIO:
    """Give the bytes behind a URL as an open file, at its beginning. The caller closes it.

    Args:
        client: `SyncContext.http`. Redirects are followed without secrets where they lead to another origin.
        url: Absolute, or relative to the client's base.
        document_id: For errors.
        max_bytes: More is refused, as soon as that is known.
        expected_bytes: How many there should be, if the origin said so.
        headers: Besides the client's.
        auth: As for any request.
        renew_url: Gives a fresh link when this one has expired; called once for each cut.

    Raises:
        DocumentError: Not there (any more), forbidden, larger than `max_bytes`, or shorter or longer than it should be.
        Unavailable: It was cut off again and again.
    """
    fetch = _Fetch(client, document_id, max_bytes, dict(headers or {}), auth)
    try:
        fetch.all(url, renew_url)
        fetch.check(expected_bytes)
    except BaseException:
        fetch.file.close()
        raise
    fetch.file.seek(0)
    return cast("BinaryIO", fetch.file)


def _spooled() -> IO[bytes]:
    return tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)


@dataclass(slots=True)
class _Fetch:
    """One file on its way.

    Attributes:
        whole: How many bytes the whole file has, if the server said so.
        validator: A strong ETag or a date that tells this file from a later version of it.
    """

    client: httpx.Client
    document_id: str
    max_bytes: int
    headers: dict[str, str]
    auth: Any
    file: IO[bytes] = field(default_factory=_spooled)
    size: int = 0
    whole: int | None = None
    validator: str | None = None

    def all(self, url: str, renew_url: Callable[[], str] | None) -> None:
        """Fetch until nothing is missing."""
        fruitless = 0
        while True:
            before = self.size
            try:
                return self._part(url)
            except (httpx.TransportError, httpx.DecodingError) as error:  # in the middle of the body
                fruitless = 0 if self.size > before else fruitless + 1
                if fruitless >= TRIES:
                    raise Unavailable(f"{self.document_id}: the download was cut off {TRIES} times in a row") from error
            except (AuthenticationError, DocumentError) as error:
                if renew_url is None or fruitless or not _may_have_expired(error):
                    raise
                fruitless += 1
            if renew_url is not None:
                url = renew_url()

    def _part(self, url: str) -> None:
        with closing(self._asked(url)) as response:
            if response.status_code == NOT_SATISFIABLE:
                return  # everything was there already; `check` counts
            if response.status_code != PARTIAL or not self._continues(response):
                self._start_over()
            self._note(response)
            for piece in response.iter_bytes():  # as they come: what is gathered first is lost at a cut
                self.size += len(piece)
                self._bound(self.size)
                self.file.write(piece)
        if self.whole is not None and self.size < self.whole:
            raise httpx.ReadError("the body was shorter than announced", request=response.request)

    def _asked(self, url: str) -> httpx.Response:
        headers = {"Accept-Encoding": "identity", **self.headers}
        if self.size and self.validator:  # otherwise the rest might be that of another version
            headers |= {"Range": f"bytes={self.size}-", "If-Range": self.validator}
        accept = {NOT_SATISFIABLE} if "Range" in headers else set()
        extensions = asking(document_id=self.document_id, accept=accept)
        request = self.client.build_request("GET", url, headers=headers, extensions=extensions)
        return self.client.send(request, stream=True, auth=self.auth, follow_redirects=True)

    def _continues(self, response: httpx.Response) -> bool:
        """Whether a 206 begins where we stopped."""
        unit, _, rest = response.headers.get("content-range", "").partition(" ")
        return bool(unit == "bytes" and rest.partition("-")[0] == str(self.size))

    def _start_over(self) -> None:
        self.file.seek(0)
        self.file.truncate()
        self.size, self.whole, self.validator = 0, None, None

    def _note(self, response: httpx.Response) -> None:
        """Take down how much there will be, and how to tell it from another version."""
        etag = response.headers.get("etag", "")
        self.validator = etag if etag and not etag.startswith("W/") else response.headers.get("last-modified")
        length = response.headers.get("content-length", "")
        encoded = response.headers.get("content-encoding", "identity") != "identity"
        if length.isdigit() and not encoded:
            self.whole = self.size + int(length)
            self._bound(self.whole)

    def _bound(self, size: int) -> None:
        if size > self.max_bytes:
            message = f"{self.document_id}: it has {size} bytes or more, and at most {self.max_bytes} are taken"
            raise DocumentError(message, code="too-large", where="origin", document_id=self.document_id)

    def check(self, expected: int | None) -> None:
        """Compare with what the origin's listing said."""
        if expected is not None and self.size != expected:
            message = f"{self.document_id}: {self.size} bytes came, and {expected} were announced"
            raise DocumentError(message, code="truncated", where="origin", document_id=self.document_id)


def _may_have_expired(error: ConnectorError) -> bool:
    return not isinstance(error, DocumentError) or error.code in EXPIRED
