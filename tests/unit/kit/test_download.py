"""Files over real sockets that are cut off, replaced, moved, too large or not there."""

from __future__ import annotations

import pytest

from knowledge_connector.errors import DocumentError, Unavailable
from knowledge_connector.kit.download import IN_MEMORY_BYTES, TRIES, download
from knowledge_connector.kit.http import HttpClient
from unit.kit.origin import Answer, Handler, Origin, answer, cut

CONTENT = bytes(range(256)) * 40


def serving(content: bytes, *, etag: str = '"1"', cut_after: int | None = None, ranges: bool = True) -> Answer:
    """Serve a file as a storage does, up to a point."""

    def give(handler: Handler) -> None:
        begin = 0
        wanted = handler.headers.get("range", "")
        if ranges and wanted and handler.headers.get("if-range", etag) == etag:
            begin = int(wanted.removeprefix("bytes=").rstrip("-"))
        handler.send_response(206 if begin else 200)
        handler.send_header("ETag", etag)
        handler.send_header("Content-Length", str(len(content) - begin))
        if begin:
            handler.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        handler.end_headers()
        handler.wfile.write(content[begin : begin + (cut_after or len(content))])
        handler.close_connection = cut_after is not None

    return give


def fetched(client: HttpClient, url: str, **more: object) -> bytes:
    with download(client, url, document_id="d1", **{"max_bytes": 10**9, **more}) as file:  # type: ignore[arg-type]  # tests vary them
        return file.read()


def test_a_file_comes_whole(origin: Origin, client: HttpClient) -> None:
    origin.answers = [serving(CONTENT)]
    assert fetched(client, origin.url, expected_bytes=len(CONTENT)) == CONTENT


def test_what_was_cut_off_goes_on_where_it_ended(origin: Origin, client: HttpClient) -> None:
    origin.answers = [serving(CONTENT, cut_after=1000)] * 10 + [serving(CONTENT)]
    assert fetched(client, origin.url) == CONTENT
    assert [headers.get("Range") for _, _, headers in origin.requests][:3] == [None, "bytes=1000-", "bytes=2000-"]


def test_another_version_is_begun_anew(origin: Origin, client: HttpClient) -> None:
    origin.answers = [serving(CONTENT, cut_after=1000), serving(CONTENT[::-1], etag='"2"')]
    assert fetched(client, origin.url) == CONTENT[::-1]


def test_a_file_that_cannot_be_told_from_its_next_version_is_begun_anew(origin: Origin, client: HttpClient) -> None:
    origin.answers = [cut, serving(CONTENT)]
    assert fetched(client, origin.url) == CONTENT
    assert [headers.get("Range") for _, _, headers in origin.requests] == [None, None]


def test_a_server_without_ranges_is_begun_anew(origin: Origin, client: HttpClient) -> None:
    origin.answers = [serving(CONTENT, cut_after=1000, ranges=False), serving(CONTENT, ranges=False)]
    assert fetched(client, origin.url) == CONTENT


def test_a_body_that_never_comes_is_given_up(origin: Origin, client: HttpClient) -> None:
    origin.answers = [_empty]
    with pytest.raises(Unavailable, match="d1: the download was cut off"):
        fetched(client, origin.url)
    assert len(origin.requests) == TRIES


def _empty(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "100")
    handler.end_headers()
    handler.close_connection = True


@pytest.mark.parametrize(("status", "code"), [(403, "forbidden"), (404, "not-found"), (410, "gone")])
def test_a_refusal_is_the_documents_own(origin: Origin, client: HttpClient, status: int, code: str) -> None:
    origin.answers = [answer(status)]
    with pytest.raises(DocumentError) as caught:
        fetched(client, origin.url)
    assert (caught.value.code, caught.value.document_id) == (code, "d1")


def test_too_much_is_refused_before_it_is_read(origin: Origin, client: HttpClient) -> None:
    origin.answers = [serving(CONTENT)]
    with pytest.raises(DocumentError, match="at most 100 are taken") as caught:
        fetched(client, origin.url, max_bytes=100)
    assert caught.value.code == "too-large"


def test_another_length_than_listed_is_refused(origin: Origin, client: HttpClient) -> None:
    origin.answers = [serving(CONTENT)]
    with pytest.raises(DocumentError, match="10240 bytes came, and 9 were announced") as caught:
        fetched(client, origin.url, expected_bytes=9)
    assert caught.value.code == "truncated"


def test_a_redirect_to_elsewhere_takes_no_secret_along(origin: Origin, stranger: Origin, client: HttpClient) -> None:
    origin.answers = [answer(302, Location=f"{stranger.url}/signed")]
    stranger.answers = [serving(CONTENT)]
    client.headers["X-Api-Key"] = "secret"
    assert fetched(client, origin.url, headers={"Authorization": "Bearer secret"}) == CONTENT
    assert "secret" in str(origin.requests)
    assert "secret" not in str(stranger.requests)


def test_a_link_whose_time_is_over_is_renewed(origin: Origin, client: HttpClient) -> None:
    origin.answers = [serving(CONTENT, cut_after=1000), answer(403), serving(CONTENT)]
    links = iter([f"{origin.url}/second", f"{origin.url}/third"])
    assert fetched(client, f"{origin.url}/first", renew_url=lambda: next(links)) == CONTENT
    assert [path for _, path, _ in origin.requests] == ["/first", "/second", "/third"]


def test_a_large_file_lies_on_disk(origin: Origin, client: HttpClient) -> None:
    content = b"x" * (IN_MEMORY_BYTES + 1)
    origin.answers = [serving(content)]
    with download(client, origin.url, document_id="d1", max_bytes=10**9) as file:
        assert file.fileno() > 0
        assert sum(len(piece) for piece in iter(lambda: file.read(65536), b"")) == len(content)


def test_a_cut_in_the_head_is_tried_again(origin: Origin, client: HttpClient) -> None:
    origin.answers = [answer(503), cut, serving(CONTENT)]
    assert fetched(client, origin.url) == CONTENT
