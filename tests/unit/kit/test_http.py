"""The client against real servers on loopback. Time is by hand: whoever sleeps waits until a test moves the clock."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from email.utils import format_datetime

import httpx
import pytest

from knowledge_connector.errors import (
    AuthenticationError,
    DocumentError,
    FatalError,
    RateLimited,
    Unavailable,
)
from knowledge_connector.kit.budget import Budgets
from knowledge_connector.kit.http import (
    HARMLESS_HEADERS,
    HttpClient,
    HttpPolicy,
    asking,
    make_client,
    next_link,
    same_origin,
)
from knowledge_connector.kit.retry import Retries
from unit.kit.origin import PATIENCE_SECONDS, START, HandClock, Handler, JumpingClock, Origin, answer, cut


@pytest.fixture
def patient() -> HandClock:
    return HandClock()


@pytest.fixture
def together(patient: HandClock) -> Iterator[list[HttpClient]]:
    """Eight clients, one for each worker, that share their budgets."""
    budgets = Budgets(patient)
    clients = [make_client(patient, budgets=budgets, credential="c") for _ in range(8)]
    yield clients
    for one in clients:
        one.close()


# -- pauses -------------------------------------------------------------------------------------------------------------

PAUSES = {
    "seconds": {"Retry_After": "30"},
    "date": {"Retry_After": format_datetime(START + timedelta(seconds=30), usegmt=True)},
    "reset in seconds": {"X_RateLimit_Reset": "30"},
    "reset since 1970": {"X_RateLimit_Reset": str(int(START.timestamp()) + 30)},
    "reset in milliseconds": {"X_RateLimit_Reset": str((int(START.timestamp()) + 30) * 1000)},
    "reset in ISO 8601": {"X_RateLimit_Reset": (START + timedelta(seconds=30)).isoformat()},
    "standard reset": {"RateLimit_Reset": "30"},
    "both": {"Retry_After": "30", "X_RateLimit_Reset": "900"},
}


@pytest.mark.parametrize("headers", PAUSES.values(), ids=PAUSES.keys())
def test_nobody_calls_during_a_pause(
    origin: Origin, patient: HandClock, together: list[HttpClient], headers: dict[str, str]
) -> None:
    origin.answers = [answer(429, **headers), answer(200)]
    with ThreadPoolExecutor(8) as workers:
        first = workers.submit(together[0].get, origin.url)
        patient.wait_for_sleepers(1)
        calls: list[Future[httpx.Response]] = [workers.submit(one.get, origin.url) for one in together[1:]]
        patient.wait_for_sleepers(8)
        assert len(origin.requests) == 1
        patient.move(29.5)
        patient.wait_for_sleepers(8)
        assert len(origin.requests) == 1
        patient.move(0.5)
        assert [call.result(PATIENCE_SECONDS).status_code for call in [first, *calls]] == [200] * 8
    assert len(origin.requests) == 9


def test_503_can_ask_for_a_pause_too(origin: Origin, client: HttpClient, clock: JumpingClock) -> None:
    origin.answers = [answer(503, Retry_After="12"), answer(503, X_RateLimit_Reset="900"), answer(200)]
    assert client.get(origin.url).text == "ok"
    assert clock.slept == [12, 2]


def test_a_longer_pause_during_a_pause_counts(origin: Origin, patient: HandClock, together: list[HttpClient]) -> None:
    origin.answers = [answer(429, Retry_After="10"), answer(200)]
    with ThreadPoolExecutor(8) as workers:
        call = workers.submit(together[0].get, origin.url)
        patient.wait_for_sleepers(1)
        together[1]._budgets.of(origin.url.removeprefix("http://"), "c").pause(25)
        patient.move(10)
        patient.wait_for_sleepers(1)
        assert len(origin.requests) == 1
        patient.move(15)
        assert call.result(PATIENCE_SECONDS).status_code == 200


def test_a_pause_concerns_one_credential_only(origin: Origin, clock: JumpingClock) -> None:
    budgets = Budgets(clock)
    host = origin.url.removeprefix("http://")
    budgets.of(host, "one").pause(30)
    with make_client(clock, budgets=budgets, credential="two") as client:
        client.get(origin.url)
    assert clock.slept == []
    with make_client(clock, budgets=budgets, credential="one") as client:
        client.get(origin.url)
    assert clock.slept == [30]


@pytest.mark.parametrize("text", ["0", "-5", format_datetime(START - timedelta(days=1), usegmt=True)])
def test_a_pause_of_nothing_backs_off(origin: Origin, client: HttpClient, clock: JumpingClock, text: str) -> None:
    origin.answers = [answer(429, Retry_After=text), answer(200)]
    assert client.get(origin.url).text == "ok"
    assert clock.slept == [1]


@pytest.mark.parametrize("headers", [{}, {"Retry_After": "soon"}])
def test_429_without_a_readable_pause_backs_off(
    origin: Origin, client: HttpClient, clock: JumpingClock, headers: dict[str, str]
) -> None:
    origin.answers = [answer(429, **headers), answer(429, **headers), answer(200)]
    assert client.get(origin.url).text == "ok"
    assert clock.slept == [1, 2]


def test_a_pause_that_is_too_long_is_told_at_once(origin: Origin, client: HttpClient, clock: JumpingClock) -> None:
    origin.answers = [answer(429, Retry_After="3600")]
    with pytest.raises(RateLimited) as caught:
        client.get(origin.url)
    assert (caught.value.retry_after_seconds, clock.slept, len(origin.requests)) == (3600, [], 1)
    host = origin.url.removeprefix("http://")
    with pytest.raises(RateLimited, match=f"^{host} asked for a pause of 3600 s, which is longer than we wait$"):
        client.get(origin.url)
    assert len(origin.requests) == 1


def test_no_calls_left_is_a_pause_before_the_429(origin: Origin, client: HttpClient, clock: JumpingClock) -> None:
    origin.answers = [answer(200, X_RateLimit_Remaining="0", X_RateLimit_Reset="7"), answer(200)]
    client.get(origin.url)
    assert clock.slept == []
    client.get(origin.url)
    assert clock.slept == [7]


def test_the_last_calls_are_spread_over_the_time_until_there_are_more(
    origin: Origin, client: HttpClient, clock: JumpingClock
) -> None:
    few, many = {"RateLimit_Remaining": "4", "RateLimit_Reset": "20"}, {"RateLimit_Remaining": "90"}
    origin.answers = [answer(200, **few), *(answer(200) for _ in range(4)), answer(200, **few), answer(200, **many)]
    for _ in range(5):
        client.get(origin.url)
    assert clock.slept == [5, 5, 5]
    for _ in range(3):  # the sixth answer says once more that there are few, the seventh that there are many
        client.get(origin.url)
    assert clock.slept == [5, 5, 5, 5, 5]


def test_few_calls_left_keep_all_who_call_apart(origin: Origin, clock: JumpingClock) -> None:
    origin.answers = [answer(200, X_RateLimit_Remaining="4", X_RateLimit_Reset="20")]
    with make_client(clock) as client, ThreadPoolExecutor(4) as workers:
        client.get(origin.url)
        origin.answers = [answer(200)]
        list(workers.map(client.get, [origin.url] * 3))
    assert clock.monotonic() >= 10


def test_requests_per_window(origin: Origin, clock: JumpingClock) -> None:
    with make_client(clock, budgets=Budgets(clock, max_requests=2, window_seconds=10)) as client:
        for _ in range(5):
            client.get(origin.url)
    assert clock.slept == [10, 10]


def test_requests_at_a_time(origin: Origin, clock: JumpingClock) -> None:
    inside, most, lock, gate = 0, 0, threading.Lock(), threading.Barrier(2, timeout=PATIENCE_SECONDS)

    def watched(handler: Handler) -> None:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        gate.wait()  # two are let in together, or the test fails
        with lock:
            inside -= 1
        answer(200)(handler)

    origin.answers = [watched]
    with make_client(clock, budgets=Budgets(clock, concurrency=2)) as client, ThreadPoolExecutor(8) as workers:
        assert len(list(workers.map(client.get, [origin.url] * 8))) == 8
    assert most == 2


# -- trying again -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [408, 425, 500, 502, 503, 504])
def test_an_illness_that_passes(origin: Origin, client: HttpClient, clock: JumpingClock, status: int) -> None:
    origin.answers = [answer(status), answer(status), answer(200)]
    assert client.get(origin.url).text == "ok"
    assert clock.slept == [1, 2]


def test_tries_end_and_waits_grow(origin: Origin, client: HttpClient, clock: JumpingClock) -> None:
    origin.answers = [answer(503)]
    with pytest.raises(Unavailable, match="answered 503 Service Unavailable"):
        client.get(origin.url)
    assert (len(origin.requests), clock.slept) == (5, [1, 2, 4, 8])


def test_the_wait_has_a_cap_and_jitter(origin: Origin, clock: JumpingClock) -> None:
    origin.answers = [answer(503)]
    policy = HttpPolicy(retries=Retries(tries=4, cap_seconds=3))
    with make_client(clock, policy=policy, jitter=lambda: 0.5) as client, pytest.raises(Unavailable):
        client.get(origin.url)
    assert clock.slept == [0.5, 1, 1.5]


def test_all_waiting_together_has_a_bound(origin: Origin, clock: JumpingClock) -> None:
    origin.answers = [answer(503)]
    policy = HttpPolicy(retries=Retries(max_wait_seconds=5))
    with make_client(clock, policy=policy, jitter=lambda: 1.0) as client, pytest.raises(Unavailable):
        client.get(origin.url)
    assert clock.slept == [1, 2]


def test_a_cut_body_is_read_again(origin: Origin, client: HttpClient) -> None:
    origin.answers = [cut, answer(200, b"whole")]
    assert client.get(origin.url).text == "whole"


def test_a_body_that_is_always_cut(origin: Origin, client: HttpClient) -> None:
    origin.answers = [cut]
    with pytest.raises(Unavailable, match="got no whole answer: RemoteProtocolError"):
        client.get(origin.url)


def test_an_answer_that_claims_to_be_gzip(origin: Origin, client: HttpClient) -> None:
    origin.answers = [answer(200, b"not gzip", Content_Encoding="gzip")]
    with pytest.raises(Unavailable, match="DecodingError"):
        client.get(origin.url)


def test_a_post_is_sent_once_unless_told(origin: Origin, client: HttpClient) -> None:
    origin.answers = [answer(503)]
    with pytest.raises(Unavailable):
        client.post(origin.url, json={})
    assert len(origin.requests) == 1
    origin.answers = [answer(503), answer(200)]
    assert client.post(origin.url, json={}, extensions=asking(retry=True)).status_code == 200
    origin.answers = [answer(503), answer(200)]
    assert client.put(origin.url, json={}).status_code == 200


def test_a_body_that_is_gone_is_not_sent_again(origin: Origin, client: HttpClient) -> None:
    origin.answers = [answer(503), answer(200)]
    with pytest.raises(Unavailable):
        client.put(origin.url, content=iter([b"a"]), headers={"content-length": "1"})
    assert len(origin.requests) == 1


def test_nobody_there(client: HttpClient, clock: JumpingClock) -> None:
    gone = Origin()
    gone.close()
    with pytest.raises(Unavailable, match="ConnectError"):
        client.post(gone.url)
    assert len(clock.slept) == 4


def test_a_slow_drip(origin: Origin, clock: JumpingClock) -> None:
    def drip(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("connection", "close")
        handler.end_headers()
        while True:  # until the client hangs up
            clock.move(1)
            try:
                handler.wfile.write(b"x")
            except OSError:
                return

    origin.answers = [drip]
    policy = HttpPolicy(max_body_seconds=30, retries=Retries(tries=1))
    with make_client(clock, policy=policy) as client, pytest.raises(Unavailable, match="ReadTimeout"):
        client.get(origin.url)


# -- bounds and answers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", [{}, {"Content_Encoding": "gzip"}])
def test_a_body_over_the_limit(origin: Origin, clock: JumpingClock, headers: dict[str, str]) -> None:
    body = b"x" * 10_001
    origin.answers = [answer(200, gzip.compress(body) if headers else body, **headers)]
    with make_client(clock, policy=HttpPolicy(max_body_bytes=10_000)) as client:
        with pytest.raises(FatalError, match="answered with more than 10000 bytes"):
            client.get(origin.url)
        with pytest.raises(DocumentError) as caught:
            client.get(origin.url, extensions=asking(document_id="d"))
    assert (caught.value.code, caught.value.document_id) == ("too-large", "d")


def test_a_compressed_answer_is_whole(origin: Origin, client: HttpClient) -> None:
    origin.answers = [answer(200, gzip.compress("grüße".encode()), Content_Encoding="gzip", X_Extra="1")]
    got = client.get(origin.url)
    assert (got.text, got.headers["x-extra"], str(got.request.url)) == ("grüße", "1", origin.url)


def test_a_stream_is_read_by_its_caller(origin: Origin, client: HttpClient) -> None:
    origin.answers = [answer(503), answer(200, b"abc")]
    with client.stream("GET", origin.url) as got:
        assert b"".join(got.iter_bytes()) == b"abc"


@pytest.mark.parametrize(
    ("status", "error"), [(401, AuthenticationError), (403, FatalError), (404, FatalError), (400, FatalError)]
)
def test_answers_that_do_not_get_better(
    origin: Origin, client: HttpClient, status: int, error: type[Exception]
) -> None:
    origin.answers = [answer(status)]
    with pytest.raises(FatalError) as caught:
        client.get(origin.url)
    assert (type(caught.value), len(origin.requests)) == (error, 1)


@pytest.mark.parametrize(("status", "code"), [(403, "forbidden"), (404, "not-found"), (410, "gone")])
def test_a_document_that_is_not_there(origin: Origin, client: HttpClient, status: int, code: str) -> None:
    origin.answers = [answer(status)]
    with pytest.raises(DocumentError) as caught:
        client.get(origin.url, extensions=asking(document_id="d"))
    assert (caught.value.code, caught.value.document_id, caught.value.where) == (code, "d", "origin")
    assert client.get(origin.url, extensions=asking(document_id="d", accept=[status])).status_code == status


def test_not_modified_is_an_answer(origin: Origin, client: HttpClient) -> None:
    origin.answers = [answer(304, b"")]
    assert client.get(origin.url).status_code == 304


def test_messages_say_what_a_ticket_needs_and_no_more(origin: Origin, client: HttpClient) -> None:
    body = b'{"error": {"code": "itemLocked", "message": "planted-secret"}}'
    origin.answers = [answer(400, body, X_Request_Id="abc-1", X_Note="planted-secret")]
    url = origin.url.replace("http://", "http://user:planted-secret@") + "/a/b?token=planted-secret"
    with pytest.raises(FatalError) as caught:
        client.get(url)
    assert caught.value.message == f"GET {origin.url}/a/b answered 400 Bad Request (itemLocked) [x-request-id abc-1]"


def test_an_odd_scheme(client: HttpClient) -> None:
    with pytest.raises(FatalError, match="only http and https"):
        client.get("ftp://example.com/planted-secret")


# -- where credentials go -----------------------------------------------------------------------------------------------

SECRETS = {"authorization": "Bearer planted-secret", "x-api-key": "planted-secret", "cookie": "sid=planted-secret"}


def test_no_secret_follows_a_redirect_to_another_origin(origin: Origin, stranger: Origin, client: HttpClient) -> None:
    origin.answers = [answer(302, Location=f"{stranger.url}/file?sig=1", Set_Cookie="fresh=planted-secret")]
    client.cookies.set("jar", "planted-secret")
    client.auth = ("user", "planted-secret")
    client.params = httpx.QueryParams({"key": "planted-secret"})
    assert client.get(origin.url, headers={**SECRETS, "accept": "text/html", "range": "bytes=0-"}).text == "ok"
    ((_, path, headers),) = stranger.requests
    assert path == "/file?sig=1"
    assert "planted-secret" not in str(headers)
    assert {"accept", "range"} <= {name.lower() for name in headers} <= HARMLESS_HEADERS | {"host", "connection"}
    assert origin.requests[0][2]["x-api-key"] == "planted-secret"


def test_no_secret_follows_a_stranger_around(origin: Origin, stranger: Origin, client: HttpClient) -> None:
    origin.answers = [answer(302, Location=stranger.url)]
    stranger.answers = [answer(302, Location="/b"), answer(200)]
    client.cookies.set("jar", "planted-secret")
    client.auth = ("user", "planted-secret")
    assert client.get(origin.url, headers=SECRETS).text == "ok"
    assert [path for _, path, _ in stranger.requests] == ["/", "/b"]
    assert "planted-secret" not in str(stranger.requests)


def test_secrets_stay_with_a_redirect_to_the_same_origin(origin: Origin, client: HttpClient) -> None:
    origin.answers = [answer(302, Location="/b"), answer(200)]
    client.get(origin.url + "/a", headers={"x-api-key": "k"})
    assert [(path, headers["x-api-key"]) for _, path, headers in origin.requests] == [("/a", "k"), ("/b", "k")]


def test_coming_back_from_a_stranger_brings_no_secret(origin: Origin, stranger: Origin, client: HttpClient) -> None:
    origin.answers = [answer(302, Location=stranger.url), answer(200)]
    stranger.answers = [answer(302, Location=f"{origin.url}/back")]
    client.auth = ("user", "planted-secret")
    client.get(origin.url)
    assert "planted-secret" not in str(origin.requests[1])
    assert "authorization" not in {name.lower() for name in origin.requests[1][2]}


def test_redirects_can_be_refused_or_looked_at(origin: Origin, stranger: Origin, clock: JumpingClock) -> None:
    origin.answers = [answer(302, Location=f"{stranger.url}/?sig=planted-secret")]
    with make_client(clock, policy=HttpPolicy(redirects="refuse")) as client:
        with pytest.raises(FatalError) as caught:
            client.get(origin.url)
        assert client.get(origin.url, follow_redirects=False).status_code == 302
    assert caught.value.message == f"a redirect of a GET to another origin, {stranger.url}, was refused"
    assert stranger.requests == []


def test_a_body_does_not_follow_to_another_origin(origin: Origin, stranger: Origin, client: HttpClient) -> None:
    origin.answers = [answer(307, Location=stranger.url)]
    with pytest.raises(FatalError, match="a redirect of a POST to another origin"):
        client.post(origin.url, json={"text": "planted-secret"})
    assert stranger.requests == []


def test_a_circle_of_redirects_ends(origin: Origin, client: HttpClient) -> None:
    origin.answers = [answer(302, Location="/")]
    with pytest.raises(FatalError, match="was redirected more than 10 times"):
        client.get(origin.url)
    assert len(origin.requests) == 11


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://[fe80::1]/",
        "http://[::ffff:169.254.169.254]/",
        "http://[fd00:ec2::254]/",
        "http://100.100.100.200/",
        "http://2852039166/",  # the first one, as a number: only resolving it tells
    ],
)
def test_addresses_that_nobody_should_call(origin: Origin, client: HttpClient, url: str) -> None:
    with pytest.raises(FatalError, match="link-local or metadata address"):
        client.get(url)
    origin.answers = [answer(302, Location=url)]
    with pytest.raises(FatalError, match="link-local or metadata address"):
        client.get(origin.url)


class FakeStream:
    def __init__(self, address: str) -> None:
        self.address = address
        self.closed = False

    def get_extra_info(self, name: str) -> tuple[str, int]:
        assert name == "server_addr"
        return self.address, 80

    def close(self) -> None:
        self.closed = True


def test_a_name_that_leads_elsewhere_the_second_time(client: HttpClient) -> None:
    bad, good = FakeStream("169.254.169.254"), FakeStream("10.0.0.1")
    client._watch("connection.connect_tcp.complete", {"return_value": good})
    with pytest.raises(FatalError):
        client._watch("connection.connect_tcp.complete", {"return_value": bad})
    assert (good.closed, bad.closed) == (False, True)


def test_link_local_addresses_can_be_allowed(clock: JumpingClock) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200))
    with make_client(clock, policy=HttpPolicy(allow_link_local=True), transport=transport) as client:
        assert client.get("http://169.254.169.254/").status_code == 200


BASE = "https://api.example.com/v1/items?page=1"


@pytest.mark.parametrize(
    ("link", "url"),
    [
        ("https://api.example.com/v1/items?page=2&x=a%20b", "https://api.example.com/v1/items?page=2&x=a%20b"),
        ("https://api.example.com:443/next", "https://api.example.com/next"),
        ("?page=2", "https://api.example.com/v1/items?page=2"),
        ("/v2", "https://api.example.com/v2"),
        ("https://eu.example.com/v1", "https://eu.example.com/v1"),
    ],
)
def test_links_that_may_be_followed(link: str, url: str) -> None:
    assert next_link(link, BASE, ["eu.example.com"]) == url


@pytest.mark.parametrize(
    "link",
    [
        "http://api.example.com/v1",
        "https://api.example.com:8443/v1",
        "https://api.example.com.evil.org/",
        "https://api.example.com@evil.org/?planted-secret",
        "//evil.org/",
        "https://eu.example.com:8443/",
        "file:///etc/passwd",
    ],
)
def test_links_that_lead_away(link: str) -> None:
    with pytest.raises(FatalError, match=r"leads from https://api\.example\.com to ") as caught:
        next_link(link, BASE, ["eu.example.com"])
    assert "planted-secret" not in caught.value.message


def test_same_origin() -> None:
    assert same_origin("https://a.org:443/x", "https://A.org/")
    assert not same_origin("https://a.org/", "http://a.org/")
    assert same_origin("https://b.org:1/", "https://a.org/", ["b.org:1"])
