"""The frame of the emulators, with a small vendor in it and real sockets around it."""

from __future__ import annotations

import json
import re
import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest

pytest.importorskip("uvicorn", reason="the extra `emulate` is not installed")

from knowledge_connector.testing.emulation import (
    Fault,
    RequestLog,
    RunningServer,
    Tables,
    VirtualClock,
    parse_fault,
    running,
)
from knowledge_connector.testing.emulation.log import safe_query
from unit.testing.shelf import BOOKS, Shelf, Wall


@pytest.fixture(scope="module")
def served() -> Iterator[RunningServer]:
    with running([Shelf, Wall], seed=1) as server:
        yield server


@pytest.fixture
def server(served: RunningServer) -> RunningServer:
    served.reset()
    return served


@pytest.fixture
def http(server: RunningServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, trust_env=False) as client:
        yield client


def titles(server: RunningServer) -> list[str]:
    return [book["title"] for book in server.vendor("shelf").store.table("books").values()]


class TestDoors:
    def test_another_host_is_told_apart(self, server: RunningServer, http: httpx.Client) -> None:
        for url in (server.url, server.services.elsewhere_url):
            assert httpx.get(f"{url}/wall/wall/doors", trust_env=False).json() == {
                "elsewhere": url != server.url,
                "scheme": "http",
            }

    def test_tls_is_spoken_by_a_certificate_that_only_the_file_makes_good(self, server: RunningServer) -> None:
        services = server.services
        trusting = ssl.create_default_context(cafile=services.ca_file)
        for url, elsewhere in ((services.secure_url, False), (services.secure_elsewhere_url, True)):
            answer = httpx.get(f"{url}/wall/wall/doors", verify=trusting, trust_env=False)
            assert answer.json() == {"elsewhere": elsewhere, "scheme": "https"}
            with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
                httpx.get(url, trust_env=False)

    def test_without_need_there_is_no_tls(self) -> None:
        with running([Shelf]) as server:
            assert (server.services.secure_url, server.services.ca_file) == ("", None)

    def test_the_doors_stand_side_by_side(self) -> None:
        with running([Shelf]) as first:
            port = int(first.url.rpartition(":")[2])
        with running([Shelf], port=port) as again:
            assert (again.url, again.services.elsewhere_url) == (first.url, f"http://127.0.0.1:{port + 1}")


class TestChanges:
    def test_something_happens_on_request(self, http: httpx.Client) -> None:
        assert http.post("/__emulator__/change/wall/hang", json={"title": "Sunset"}).json() == {
            "changed": "one more picture hangs here"
        }
        assert http.post("/__emulator__/change/wall/hang").status_code == 200
        assert [book["title"] for book in http.get("/wall/wall/pictures").json()][1:] == ["Sunset", "?"]

    @pytest.mark.parametrize(
        ("path", "body", "status", "told"),
        [
            ("wall/fall", {}, 404, "there is no change wall/fall, but wall/hang"),
            ("moon/hang", {}, 404, "there is no change moon/hang, but wall/hang"),
            ("wall/hang", {"size": 3}, 400, "wall/hang: knows only `title`, not size"),
        ],
    )
    def test_what_nobody_knows_is_refused(
        self, http: httpx.Client, path: str, body: dict[str, object], status: int, told: str
    ) -> None:
        answer = http.post(f"/__emulator__/change/{path}", json=body)
        assert (answer.status_code, answer.json()["error"]) == (status, told)

    def test_the_start_page_has_a_button(self, http: httpx.Client) -> None:
        assert 'data-call="POST|change/wall/hang" title="one more picture">hang</button>' in http.get("/").text


class TestPaths:
    def test_a_vendor_answers_at_the_root_and_below_its_name(self, http: httpx.Client) -> None:
        assert http.get(BOOKS).json() == http.get(f"/shelf{BOOKS}").json() == [{"title": "<Foreign 0>"}]

    def test_a_request_at_the_root_goes_to_whom_the_path_belongs(
        self, server: RunningServer, http: httpx.Client
    ) -> None:
        http.get(BOOKS)
        http.get("/wall/wall/pictures")
        assert [entry.vendor for entry in server.log] == ["shelf", "wall"]

    def test_a_path_that_looks_like_a_vendors_name_is_below_it(self, http: httpx.Client) -> None:
        assert http.get("/wall/pictures").status_code == 404

    def test_unknown_paths_and_methods_below_a_vendor_are_answered_in_its_words(self, http: httpx.Client) -> None:
        assert http.get("/shelf/nothing").json() == {"shelf": 404}
        answer = http.delete(BOOKS)
        assert answer.json() == {"shelf": 405}
        assert "GET" in answer.headers["allow"].split(", ")

    def test_a_path_that_nobody_knows_says_so(self, http: httpx.Client) -> None:
        answer = http.get("/nothing")
        assert answer.status_code == 404
        assert "No emulator here knows /nothing" in answer.json()["error"]

    def test_refusals_of_endpoints_are_in_the_vendors_words(self, http: httpx.Client) -> None:
        answer = http.get("/api/closed")
        assert (answer.status_code, answer.json(), answer.headers["x-why"]) == (403, {"shelf": 403}, "closed")

    def test_an_endpoint_that_breaks_is_a_500_in_the_log(self, server: RunningServer, http: httpx.Client) -> None:
        assert http.get("/api/broken").status_code == 500
        assert [entry.status for entry in server.log] == [500]


class TestLog:
    def test_every_request_is_noted(self, server: RunningServer, http: httpx.Client) -> None:
        http.post(f"/shelf{BOOKS}?color=red&api_key=mine", json={"title": "One"})
        (entry,) = server.log.writes("shelf")
        assert (entry.method, entry.path, entry.operation) == ("POST", f"/shelf{BOOKS}", "POST books")
        assert (entry.status, entry.fault, entry.authorised, entry.note) == (201, "", True, "")
        assert entry.query == safe_query("color=red&api_key=mine")

    def test_reading_is_no_write(self, server: RunningServer, http: httpx.Client) -> None:
        http.get(BOOKS)
        assert server.log.writes() == []
        assert server.log.counts("shelf") == {"GET books": 1}
        assert server.log.counts("wall") == {}

    def test_refused_credentials_are_told_from_an_injected_401(self, server: RunningServer, http: httpx.Client) -> None:
        http.get(BOOKS, headers={"Authorization": "wrong"})
        server.services.faults.add(Fault("unauthorized"))
        http.get(BOOKS)
        assert [(entry.status, entry.authorised) for entry in server.log] == [(401, False), (401, True)]

    def test_numbers_go_on_after_it_was_cleared(self, server: RunningServer, http: httpx.Client) -> None:
        http.get(BOOKS)
        (before,) = server.log
        server.log.clear()
        http.get(BOOKS)
        assert [entry.number for entry in server.log] == [before.number + 1]

    def test_only_the_last_are_kept(self, server: RunningServer, http: httpx.Client) -> None:
        http.get(BOOKS)
        (entry,) = server.log
        log = RequestLog(kept=2)
        numbered = [log.add(entry) for _ in range(3)]
        log.amend(numbered[0])
        assert ([one.number for one in log], log.arrived) == ([2, 3], 3)
        log.clear()
        assert (list(log), log.arrived, log.add(entry).number) == ([], 0, 4)

    @pytest.mark.parametrize("name", ["api_key", "X-Amz-Signature", "access_token", "sig", "client_secret"])
    def test_what_looks_like_a_credential_is_hidden(self, name: str) -> None:
        assert re.fullmatch(rf"{name}=hidden-[a-z2-7]{{8}}&page=2", safe_query(f"{name}=abc&page=2"))
        assert safe_query(f"{name}=abc") != safe_query(f"{name}=abd")

    def test_many_may_ask_at_once(self, server: RunningServer, http: httpx.Client) -> None:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: http.get(BOOKS), range(40)))
        assert {entry.status for entry in server.log} == {200}
        assert [entry.number for entry in server.log] == sorted(entry.number for entry in server.log)
        assert len(server.log) == 40


class TestFaults:
    @pytest.mark.parametrize(
        ("fault", "status", "lands"),
        [
            (Fault("unauthorized"), 401, False),
            (Fault("error_before"), 500, False),
            (Fault("error_before", status=503), 503, False),
            (Fault("error_after", status=502), 502, True),
            (Fault("rate_limit"), 429, False),
            (Fault("slow", seconds=0.05), 201, True),
            (Fault("delay", seconds=0.05), 201, True),
        ],
        ids=lambda value: value.kind if isinstance(value, Fault) else "",
    )
    def test_what_is_answered_and_whether_it_took_effect(
        self, server: RunningServer, http: httpx.Client, fault: Fault, status: int, lands: bool
    ) -> None:
        server.services.faults.add(fault)
        answer = http.post(BOOKS, json={"title": "One"})
        assert answer.status_code == status
        assert answer.json() == ({"count": 2} if status == 201 else {"shelf": status})
        assert ("One" in titles(server)) is lands
        assert [(entry.fault, entry.status) for entry in server.log] == [(fault.kind, status)]
        assert http.post(BOOKS, json={"title": "Two"}).status_code == 201

    @pytest.mark.parametrize(("kind", "lands"), [("lost_answer", True), ("cut_before", False)])
    def test_a_connection_is_really_cut(
        self, server: RunningServer, http: httpx.Client, kind: str, lands: bool
    ) -> None:
        server.services.faults.add(Fault(kind))
        with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
            http.post(BOOKS, json={"title": "One"})
        assert ("One" in titles(server)) is lands
        assert [(entry.fault, entry.status) for entry in server.log] == [(kind, None)]
        assert http.get(BOOKS).status_code == 200

    def test_a_body_that_is_still_under_way_is_read_before_it_is_refused(
        self, server: RunningServer, http: httpx.Client
    ) -> None:
        server.services.faults.add(Fault("error_before", times=0))
        for _ in range(3):
            assert http.post(BOOKS, content=b"x" * 3_000_000).status_code == 500

    def test_an_answer_may_break_off_in_the_middle(self, server: RunningServer, http: httpx.Client) -> None:
        server.services.faults.add(Fault("cut_body"))
        http.timeout = httpx.Timeout(10)
        for number in range(20):
            server.vendor("shelf").store.table("books")[f"book {number}"] = {"title": "x" * 50_000}
        with http.stream("GET", BOOKS) as answer, pytest.raises(httpx.TransportError):
            answer.read()
        assert answer.status_code == 200
        assert http.get(BOOKS).status_code == 200
        assert [(entry.fault, entry.status) for entry in server.log] == [("cut_body", 200), ("", 200)]

    def test_a_slow_answer_drips(self, server: RunningServer, http: httpx.Client) -> None:
        server.services.faults.add(Fault("slow", seconds=0.1))
        with http.stream("GET", BOOKS) as answer:
            pieces = list(answer.iter_raw())
        assert len(pieces) > 3
        assert json.loads(b"".join(pieces)) == [{"title": "<Foreign 0>"}]

    def test_it_hits_after_so_many_and_so_many_times(self, server: RunningServer, http: httpx.Client) -> None:
        active = server.services.faults.add(Fault("error_before", operation="GET b*", after=2, times=2))
        statuses = [http.get(BOOKS).status_code for _ in range(6)]
        assert statuses == [200, 200, 500, 500, 200, 200]
        assert (active.seen, active.hits, active.spent) == (6, 2, True)

    def test_without_a_number_of_times_it_goes_on(self, server: RunningServer, http: httpx.Client) -> None:
        server.services.faults.add(Fault("error_before", times=0))
        assert {http.get(BOOKS).status_code for _ in range(5)} == {500}

    def test_it_hits_only_what_it_is_meant_for(self, server: RunningServer, http: httpx.Client) -> None:
        server.services.faults.add(Fault("error_before", vendor="wall", times=0))
        server.services.faults.add(Fault("error_before", operation="DELETE *", times=0))
        server.services.faults.add(Fault("error_before", writes=True, times=0))
        assert http.get(BOOKS).status_code == 200
        assert http.get("/wall/wall/pictures").status_code == 500
        assert http.post(BOOKS, json={}).status_code == 500

    def test_of_several_only_one_strikes_at_a_time(self, server: RunningServer, http: httpx.Client) -> None:
        first = server.services.faults.add(Fault("error_before", status=500))
        second = server.services.faults.add(Fault("error_before", status=503))
        assert [http.get(BOOKS).status_code for _ in range(3)] == [500, 503, 200]
        assert (first.hits, second.hits) == (1, 1)

    def test_a_vendors_own_kind_is_left_to_the_vendor(self, server: RunningServer, http: httpx.Client) -> None:
        faults = server.services.faults
        faults.add(Fault("failed_ingestion", vendor="shelf", operation="*.pdf", seconds=7))
        assert http.post(BOOKS, json={"title": "One"}).status_code == 201
        assert faults.take("wall", "failed_ingestion", "a.pdf") is None
        assert faults.take("shelf", "quota", "a.pdf") is None
        assert faults.take("shelf", "failed_ingestion", "a.txt") is None
        taken = faults.take("shelf", "failed_ingestion", "a.pdf")
        assert taken is not None
        assert taken.seconds == 7
        assert faults.take("shelf", "failed_ingestion", "b.pdf") is None

    def test_one_can_be_taken_away(self, server: RunningServer, http: httpx.Client) -> None:
        active = server.services.faults.add(Fault("error_before"))
        assert server.services.faults.remove(active.number)
        assert not server.services.faults.remove(active.number)
        assert http.get(BOOKS).status_code == 200

    def test_a_caller_that_goes_away_leaves_no_answer(self, server: RunningServer, http: httpx.Client) -> None:
        address = httpx.URL(server.url)
        with socket.create_connection((address.host, address.port or 0)) as caller:
            caller.sendall(b"POST /api/books HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
            assert http.get(BOOKS).status_code == 200  # by now the other request has arrived
        http.get(BOOKS)
        assert [entry.status for entry in server.log.writes()] == [None]
        assert titles(server) == ["<Foreign 0>"]


class TestPauses:
    @pytest.mark.parametrize(
        ("fault", "header"),
        [
            (Fault("rate_limit", seconds=3), "3"),
            (Fault("rate_limit", retry_after="3"), "3"),
            (Fault("rate_limit", seconds=3, retry_after="0"), "0"),
            (Fault("rate_limit", seconds=3, retry_after="none"), None),
            (Fault("rate_limit"), "0"),
        ],
    )
    def test_forms_of_retry_after(
        self, server: RunningServer, http: httpx.Client, fault: Fault, header: str | None
    ) -> None:
        server.services.faults.add(fault)
        assert http.get(BOOKS).headers.get("retry-after") == header

    def test_a_date_is_reckoned_by_the_clock_that_the_answer_bears(
        self, server: RunningServer, http: httpx.Client
    ) -> None:
        server.services.clock.advance(3600)
        server.services.faults.add(Fault("rate_limit", seconds=3, retry_after="date"))
        headers = http.get(BOOKS).headers
        asked = parsedate_to_datetime(headers["retry-after"]) - parsedate_to_datetime(headers["date"])
        assert 3 <= asked.total_seconds() <= 4

    def test_who_calls_during_a_pause_is_found_out(self, server: RunningServer, http: httpx.Client) -> None:
        server.services.faults.add(Fault("rate_limit", seconds=10))
        first, during = http.get(BOOKS), http.post(BOOKS, json={"title": "One"})
        server.services.clock.advance(10)
        after = http.get(BOOKS)
        assert [answer.status_code for answer in (first, during, after)] == [429, 429, 200]
        assert [entry.note for entry in server.log] == ["", "during_pause", ""]
        assert [entry.operation for entry in server.log.during_pause("shelf")] == ["POST books"]
        assert "One" not in titles(server)

    def test_a_pause_is_one_vendors(self, server: RunningServer, http: httpx.Client) -> None:
        server.services.faults.add(Fault("rate_limit", vendor="shelf", seconds=10))
        http.get(BOOKS)
        assert http.get("/wall/wall/pictures").status_code == 200

    def test_without_a_pause_the_next_call_is_welcome(self, server: RunningServer, http: httpx.Client) -> None:
        server.services.faults.add(Fault("rate_limit", retry_after="0"))
        assert [http.get(BOOKS).status_code for _ in range(2)] == [429, 200]
        assert server.log.during_pause() == []

    def test_what_was_under_way_breaks_no_pause(self, server: RunningServer, http: httpx.Client) -> None:
        server.services.faults.add(Fault("rate_limit", seconds=100, grace_seconds=50))
        http.get(BOOKS)
        assert http.get(BOOKS).status_code == 429
        server.services.clock.advance(60)
        assert http.get(BOOKS).status_code == 429
        assert [entry.note for entry in server.log] == ["", "", "during_pause"]

    def test_a_reset_ends_it(self, server: RunningServer, http: httpx.Client) -> None:
        server.services.faults.add(Fault("rate_limit", seconds=1000))
        http.get(BOOKS)
        server.reset()
        assert http.get(BOOKS).status_code == 200


class TestSpecs:
    def test_every_field_can_be_said(self) -> None:
        spec = (
            "rate_limit:vendor=shelf, operation=POST books,writes=true,after=3,times=0,seconds=1.5,"
            "retry_after=date,grace_seconds=0.5,status=429"
        )
        assert parse_fault(spec) == Fault(
            "rate_limit", "shelf", "POST books", True, 3, 0, 1.5, retry_after="date", grace_seconds=0.5, status=429
        )
        assert parse_fault("quota") == Fault("quota")

    @pytest.mark.parametrize(
        ("spec", "message"),
        [
            ("", "kind: "),
            (":after=1", "kind: "),
            ("slow:secs=1", "secs: "),
            ("slow:after=soon", "after: "),
            ("slow:seconds=-1", "seconds: "),
            ("rate_limit:retry_after=soon", "retry_after: "),
            ("error_before:status=200", "status: "),
        ],
    )
    def test_what_cannot_be_read_is_named(self, spec: str, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            parse_fault(spec)


class TestClock:
    def test_it_is_real_time_and_what_it_was_advanced_by(self) -> None:
        clock = VirtualClock(wall=lambda: datetime(2026, 1, 1, tzinfo=UTC))
        clock.advance(90)
        clock.advance(0.5)
        assert clock.now() == datetime(2026, 1, 1, 0, 1, 30, 500_000, tzinfo=UTC)

    def test_it_never_runs_back(self) -> None:
        with pytest.raises(ValueError, match="moves forward"):
            VirtualClock().advance(-1)


class TestStore:
    def test_rows_are_copies_until_they_are_put_back(self) -> None:
        table = Tables().part("shelf").table("books")
        table["a"] = row = {"title": "One"}
        row["title"] = table["a"]["title"] = "Two"
        assert table["a"] == {"title": "One"}

    def test_parts_do_not_see_each_other(self) -> None:
        tables = Tables()
        tables.part("shelf").table("books")["a"] = {}
        assert tables.part("shelf")
        assert not tables.part("wall")
        assert not tables.part("she")
        tables.part("shelf").clear()
        assert not tables.part("shelf")

    def test_a_file_holds_rows_in_their_order(self, tmp_path: Path) -> None:
        first = Tables(tmp_path / "state.db")
        books = first.part("shelf").table("books")
        for key in "cab":
            books[key] = {"title": key}
        books["c"] = {"title": "changed", "more": [1, {"x": None}]}
        del books["a"]
        again = Tables(tmp_path / "state.db")  # the first one is still open, as after a kill
        assert list(again.part("shelf").table("books").items()) == [
            ("c", {"title": "changed", "more": [1, {"x": None}]}),
            ("b", {"title": "b"}),
        ]
        first.close()
        again.close()

    def test_a_server_comes_back_where_it_was(self, tmp_path: Path) -> None:
        state = tmp_path / "state.db"
        with running([Shelf], state=state, seed=2) as server:
            server.services.clock.advance(1000)
            httpx.post(server.url + BOOKS, json={"title": "One"}, trust_env=False)
        with running([Shelf], state=state, seed=2) as server:
            assert titles(server) == ["<Foreign 0>", "<Foreign 1>", "One"]
            assert server.services.clock.advanced_seconds == 1000


class TestControl:
    def test_the_log_can_be_asked(self, http: httpx.Client) -> None:
        http.get(BOOKS)
        http.post(BOOKS, json={"title": "One"})
        http.get("/wall/wall/pictures")
        seen = http.get("/__emulator__/log").json()
        assert [entry["operation"] for entry in seen["entries"]] == ["GET books", "POST books", "GET pictures"]
        (write,) = http.get("/__emulator__/log?vendor=shelf&writes=1").json()["entries"]
        later = http.get(f"/__emulator__/log?since={write['number']}&limit=5").json()
        assert (later["total"], later["entries"][0]["vendor"]) == (1, "wall")
        assert http.delete("/__emulator__/log").status_code == 204
        assert http.get("/__emulator__/log").json() == {"total": 0, "entries": []}

    def test_faults_can_be_added_seen_and_taken_away(self, http: httpx.Client) -> None:
        (one,) = http.post("/__emulator__/faults", json={"kind": "error_before", "status": 503}).json()
        http.post("/__emulator__/faults", json=[{"kind": "slow", "after": 9}, {"kind": "quota"}])
        assert http.get(BOOKS).status_code == 503
        listed = http.get("/__emulator__/faults").json()
        assert [(fault["kind"], fault["hits"], fault["spent"]) for fault in listed] == [
            ("error_before", 1, True),
            ("slow", 0, False),
            ("quota", 0, False),
        ]
        assert http.delete(f"/__emulator__/faults?number={one['number']}").status_code == 204
        assert http.delete(f"/__emulator__/faults?number={one['number']}").status_code == 404
        assert http.delete("/__emulator__/faults").status_code == 204
        assert http.get("/__emulator__/faults").json() == []

    @pytest.mark.parametrize(
        ("path", "body"),
        [
            ("faults", "{"),
            ("faults", '{"kind": "slow", "sooner": 1}'),
            ("faults", "3"),
            ("clock", '{"advance_seconds": -1}'),
            ("clock", '{"seconds": 1}'),
            ("clock", "[]"),
        ],
    )
    def test_what_is_wrong_is_said(self, http: httpx.Client, path: str, body: str) -> None:
        answer = http.post(f"/__emulator__/{path}", content=body)
        assert answer.status_code == 400
        assert answer.json()["error"]

    def test_the_clock_can_be_advanced(self, server: RunningServer, http: httpx.Client) -> None:
        before = server.services.clock.advanced_seconds
        told = http.post("/__emulator__/clock", json={"advance_seconds": 60}).json()
        assert told["advanced_seconds"] == before + 60
        assert http.get("/__emulator__/clock").json()["advanced_seconds"] == before + 60

    def test_a_reset_begins_anew(self, server: RunningServer, http: httpx.Client) -> None:
        http.post(BOOKS, json={"title": "One"})
        server.services.faults.add(Fault("slow"))
        assert http.post("/__emulator__/reset").status_code == 204
        assert titles(server) == ["<Foreign 0>"]
        assert server.services.faults.all() == []
        assert len(server.log) == 0

    def test_the_state_shows_what_is_held(self, server: RunningServer, http: httpx.Client) -> None:
        state = http.get("/__emulator__/state").json()
        assert state["url"] == server.url
        assert state["vendors"]["shelf"] == {
            "credentials": "none <needed>",
            "tables": [{"title": "Books", "head": ["title"], "rows": [["<Foreign 0>"]]}],
        }


class Words(HTMLParser):
    """The texts of a page, and what it would fetch."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.fetched: list[str] = []
        self.feed(page)

    def handle_data(self, data: str) -> None:
        self.texts.append(data.strip())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.fetched += [value or "" for name, value in attrs if name in ("src", "href") and value != "data:,"]


class TestStartPage:
    def test_it_shows_what_there_is(self, server: RunningServer, http: httpx.Client) -> None:
        server.services.faults.add(Fault("lost_answer", operation="POST <b>", times=0))
        http.get(f"{BOOKS}?q=<i>")
        words = Words(http.get("/").text)
        for expected in (
            "Shelf",
            "Wall",
            "none <needed>",
            "<Foreign 0>",
            "POST <b>",
            "active",
            f"{BOOKS}?q=%3Ci%3E",
            "200",
        ):
            assert expected in words.texts

    def test_it_needs_nothing_from_elsewhere(self, http: httpx.Client) -> None:
        page = http.get("/").text
        assert Words(page).fetched == []
        assert "url(" not in page
        assert "@import" not in page
