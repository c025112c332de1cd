"""An S3-like server on loopback: enough of ListObjectsV2, HEAD and GET for s3fs, with ETags and folder keys of size 0."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

BUCKET = "handbook"


class S3Stub(ThreadingHTTPServer):
    """Holds objects by key, and remembers what was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.objects: dict[str, bytes] = {}
        self.requests: list[str] = []
        self.denied = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: S3Stub
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self.server.requests.append(f"{self.command} {unquote(self.path)}")
        bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
        if self.server.denied:
            self._answer(403, b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>")
        elif bucket != BUCKET:
            self._answer(404, b"<Error><Code>NoSuchBucket</Code><Message>no</Message></Error>")
        elif not key:
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            self._answer(200, self._listing(query))
        elif key in self.server.objects:
            self._answer(200, self.server.objects[key], etag=_etag(self.server.objects[key]))
        else:
            self._answer(404, b"<Error><Code>NoSuchKey</Code><Message>no</Message></Error>")

    do_HEAD = do_GET  # noqa: N815  # the name is the base class's

    def _listing(self, query: dict[str, str]) -> bytes:
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        contents, folders = [], set()
        for key, content in sorted(self.server.objects.items()):
            rest = key.removeprefix(prefix)
            if not key.startswith(prefix):
                continue
            if delimiter and delimiter in rest:
                folders.add(prefix + rest.partition(delimiter)[0] + delimiter)
            else:
                contents.append(
                    f"<Contents><Key>{escape(key)}</Key><LastModified>2024-01-01T00:00:00.000Z</LastModified>"
                    f"<ETag>{escape(_etag(content))}</ETag><Size>{len(content)}</Size></Contents>"
                )
        common = [f"<CommonPrefixes><Prefix>{escape(folder)}</Prefix></CommonPrefixes>" for folder in sorted(folders)]
        text = f"<ListBucketResult><Name>{BUCKET}</Name><IsTruncated>false</IsTruncated>{''.join(contents + common)}</ListBucketResult>"
        return text.encode()

    def _answer(self, status: int, content: bytes, etag: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Last-Modified", formatdate(1_704_067_200, usegmt=True))
        if etag:
            self.send_header("ETag", etag)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  # the name is the base class's
        pass


def _etag(content: bytes) -> str:
    return f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'


@contextmanager
def s3_stub() -> Iterator[S3Stub]:
    with S3Stub() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
