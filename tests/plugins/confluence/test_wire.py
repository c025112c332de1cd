"""What goes over the wire: who we say we are and to whom, what is taken for an answer, and how long we wait."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from knowledge_connector import (
    AuthenticationError,
    ConnectorError,
    Document,
    DocumentError,
    FatalError,
    RateLimited,
    Unavailable,
)
from knowledge_connector.testing.context import FakeContext
from knowledge_connector.testing.emulation import Fault
from knowledge_connector_confluence import ConfluenceConnector
from knowledge_connector_confluence.emulator import (
    ACCESS_TOKEN,
    CLIENT_ID,
    CLIENT_SECRET,
    CLOUD_TOKEN,
    GATEWAY,
    REFRESH_TOKEN,
    SCOPED_TOKEN,
)
from knowledge_connector_confluence.wire import USER_AGENT
from plugins.confluence.stage import PERSONALITIES, Stage, differences, staged

LATER: dict[str, object] = {}
"""The cursor of a reading that is not the first: listings bring no bodies."""


def documents(stage: Stage, context: FakeContext, **options: object) -> list[Document]:
    return [item for item in stage.connector(**options).read(context) if isinstance(item, Document)]


def fetch(document: Document) -> str | bytes:
    assert callable(document.body)
    content = document.body()
    if isinstance(content, str):
        return content
    assert not isinstance(content, bytes | tuple)
    with content:
        return content.read()


def oauth(stage: Stage, **more: object) -> dict[str, object]:
    return {
        "base_url": f"{stage.server.url}{GATEWAY}/wiki",
        "auth": {
            "type": "oauth",
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "token_url": f"{stage.server.url}/oauth/token",
            **more,
        },
    }


@pytest.mark.parametrize("personality", PERSONALITIES)
def test_every_request_says_who_we_are_and_none_says_it_to_strangers(tmp_path: Path, personality: str) -> None:
    with staged(tmp_path, personality, attachments=True) as stage:
        stage.run()
        visits = list(stage.wiki.visits)
        own = [visit for visit in visits if not visit.elsewhere]
        elsewhere = [visit for visit in visits if visit.elsewhere]
        assert own
        assert all(visit.scheme for visit in own)
        assert {visit.user_agent for visit in visits} == {USER_AGENT}
        assert not [visit for visit in elsewhere if visit.scheme or visit.with_cookie]
        assert bool(elsewhere) == (personality != "datacenter")  # the media store is Cloud's


@pytest.mark.parametrize(
    ("personality", "auth", "words"),
    [
        ("cloud", {"type": "api_token", "email": "reader@example.com", "api_token": "wrong"}, "gateway"),
        ("cloud", {"type": "api_token", "email": "reader@example.com", "api_token": SCOPED_TOKEN}, "gateway"),
        ("gateway", {"type": "api_token", "email": "reader@example.com", "api_token": CLOUD_TOKEN}, "scope"),
        ("datacenter", {"type": "token", "token": "expired"}, "stranger"),
        ("datacenter", {"type": "password", "username": "reader", "password": "wrong"}, "not valid"),
    ],
)
def test_a_wrong_log_in_is_named_and_nothing_is_deleted(
    tmp_path: Path, personality: str, auth: dict[str, str], words: str
) -> None:
    with staged(tmp_path, personality) as stage:
        stage.run()
        held = stage.held()
        stage.configure(auth=auth)
        report = stage.run()
        assert report.status == "failed"
        assert words in report.message
        assert differences(held, stage.held()) == {}


def test_a_password_serves_at_data_center(tmp_path: Path) -> None:
    with staged(
        tmp_path, "datacenter", auth={"type": "password", "username": "reader", "password": "emu-password"}
    ) as stage:
        assert stage.run().status == "ok"


@pytest.mark.parametrize("place", range(4))
def test_who_becomes_a_stranger_in_mid_run_deletes_nothing(tmp_path: Path, place: int) -> None:
    with staged(tmp_path, "datacenter") as stage:
        stage.run()
        held = stage.held()
        stage.server.services.faults.add(Fault("anonymous", after=2 + place, times=0))
        report = stage.run()
        assert report.status == "failed"
        assert "stranger" in report.message
        assert differences(held, stage.held()) == {}


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault("login_page"), AuthenticationError),
        (Fault("captcha"), AuthenticationError),
        (Fault("unauthorized"), AuthenticationError),
        (Fault("empty_body"), Unavailable),
        (Fault("error_before", status=403), FatalError),
        (Fault("error_before", status=410), FatalError),
        (Fault("error_before", status=503, times=0), Unavailable),
        (Fault("cut_before", times=0), Unavailable),
        (Fault("rate_limit", seconds=100_000), RateLimited),
    ],
)
@pytest.mark.parametrize("personality", ["cloud", "datacenter"])
def test_what_is_no_answer_is_no_answer(
    tmp_path: Path, personality: str, fault: Fault, error: type[ConnectorError]
) -> None:
    with staged(tmp_path, personality) as stage, stage.context() as context:
        stage.server.services.faults.add(fault)
        with pytest.raises(error) as raised:
            documents(stage, context)
        assert "emu-" not in str(raised.value)
        assert "?" not in str(raised.value)


def test_the_captcha_is_named(tmp_path: Path) -> None:
    with staged(tmp_path, "datacenter") as stage, stage.context() as context:
        stage.server.services.faults.add(Fault("captcha"))
        with pytest.raises(AuthenticationError, match="CAPTCHA"):
            documents(stage, context)
        assert len(stage.server.log.entries("confluence")) == 1  # more attempts would only make it worse


def test_a_wrong_path_is_named(tmp_path: Path) -> None:
    with (
        staged(tmp_path, "datacenter") as stage,
        stage.context() as context,
        pytest.raises(FatalError, match="base_url"),
    ):
        documents(stage, context, base_url=stage.server.url)


# ----------------------------------------------------------------------------------------------------------------- OAuth


def test_a_token_that_expires_in_mid_run_is_renewed(tmp_path: Path) -> None:
    with staged(tmp_path, "gateway", emulate={"token_seconds": "60"}) as stage, stage.context() as context:
        reading = stage.connector(**oauth(stage)).read(context)
        first = next(item for item in reading if isinstance(item, Document))
        stage.clock.sleep(120)
        rest = [item for item in reading if isinstance(item, Document)]
        stage.clock.sleep(120)
        assert fetch(first)
        assert len(rest) > 30
        issued = [entry for entry in stage.server.log if entry.path == "/oauth/token"]
        assert 2 <= len(issued) <= 3


def test_many_that_are_refused_at_once_renew_once(tmp_path: Path) -> None:
    with staged(tmp_path, "gateway", emulate={"documents": "30"}) as stage, stage.context() as context:
        found = documents(stage, context.at(LATER), **oauth(stage))
        stage.server.log.clear()
        assert stage.wiki._access.revoke() == 1
        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(fetch, found))
        assert len([entry for entry in stage.server.log if entry.path == "/oauth/token"]) == 1


def test_refresh_tokens_rotate_and_are_kept_before_they_are_needed(tmp_path: Path) -> None:
    file = tmp_path / "refresh-token"
    file.write_text(REFRESH_TOKEN + "\n", encoding="utf-8")
    with staged(tmp_path, "gateway") as stage:
        for _ in range(3):
            before = file.read_text(encoding="utf-8")
            with stage.context() as context:
                assert documents(stage, context, **oauth(stage, refresh_token_file=file))
            assert file.read_text(encoding="utf-8") != before
        assert file.stat().st_mode & 0o077 == 0


def test_a_secret_that_is_wrong_is_named(tmp_path: Path) -> None:
    with staged(tmp_path, "gateway") as stage, stage.context() as context:
        options = oauth(stage, client_secret="wrong-secret")  # noqa: S106  # wrong on purpose
        with pytest.raises(AuthenticationError, match="client_secret") as raised:
            documents(stage, context, **options)
        assert "wrong-secret" not in str(raised.value)


# ------------------------------------------------------------------------------------------------------------- rate limit


@pytest.mark.parametrize("retry_after", [None, "date", "0", "none"])
def test_a_pause_is_kept_by_all_workers(tmp_path: Path, retry_after: str | None) -> None:
    with (
        staged(tmp_path, "cloud", emulate={"documents": "120"}) as stage,
        stage.context() as context,
    ):
        found = documents(stage, context.at(LATER))
        stage.server.log.clear()
        seconds = 30 if retry_after in (None, "date") else 0  # otherwise nobody is told how long
        fault = Fault(
            "rate_limit", operation="GET pages/{id}", after=10, times=3, seconds=seconds, retry_after=retry_after
        )
        stage.server.services.faults.add(replace(fault, grace_seconds=5))
        barrier = threading.Barrier(8)

        def work(part: int) -> int:
            barrier.wait()
            return sum(len(fetch(document)) > 0 for document in found[part::8])

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(work, range(8))) == len(found)
        assert stage.server.log.during_pause("confluence") == []
        assert sum(stage.clock.slept) >= seconds


def test_a_storm_of_429_loses_nothing(tmp_path: Path) -> None:
    with staged(tmp_path, "cloud", emulate={"requests_per_minute": "20"}, attachments=True) as stage:
        report = stage.run()
        assert (report.status, report.failed) == ("ok", 0)
        refused = [entry for entry in stage.server.log.entries("confluence") if entry.status == 429]
        assert len(refused) < 10  # every answer says how many calls are left, and most of the storm does not break out
        assert sum(stage.clock.slept) > 60


# ------------------------------------------------------------------------------------------------------------------ files


@pytest.fixture
def paged(tmp_path: Path) -> Iterator[tuple[Stage, FakeContext, ConfluenceConnector]]:
    with staged(tmp_path, "cloud", emulate={"documents": "20"}, showcase=True) as stage, stage.context() as context:
        yield stage, context, stage.connector(attachments=True)


def file_named(connector: ConfluenceConnector, context: FakeContext, name: str) -> Document:
    return next(item for item in connector.read(context) if isinstance(item, Document) and item.title == name)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Fault("deleted_attachment", operation="att200003"), "not-found"),
        (Fault("expired_signature", operation="att200003"), "forbidden"),
    ],
)
def test_a_file_that_is_not_to_be_had_is_one_file(
    paged: tuple[Stage, FakeContext, ConfluenceConnector], fault: Fault, code: str
) -> None:
    stage, context, connector = paged
    document = file_named(connector, context, "notes.txt")
    stage.server.services.faults.add(fault)
    with pytest.raises(DocumentError) as raised:
        fetch(document)
    assert raised.value.code == code
    assert raised.value.document_id == document.id


def test_a_cut_download_is_taken_up_again(paged: tuple[Stage, FakeContext, ConfluenceConnector]) -> None:
    stage, context, connector = paged
    document = file_named(connector, context, "größe & maß #1.txt")
    stage.server.services.faults.add(Fault("cut_before", operation="GET media", times=2))
    assert len(fetch(document)) == document.size_bytes


def test_a_file_over_the_limit_is_not_fetched(tmp_path: Path) -> None:
    with staged(tmp_path, showcase=True) as stage, stage.context() as context:
        connector = stage.connector(attachments=True, max_attachment_bytes=100)
        with pytest.raises(DocumentError, match="at most 100"):
            fetch(file_named(connector, context, "größe & maß #1.txt"))


def test_a_log_in_form_is_no_file(tmp_path: Path) -> None:
    with (
        staged(tmp_path, "datacenter", emulate={"documents": "20"}, showcase=True) as stage,
        stage.context() as context,
    ):
        document = file_named(stage.connector(attachments=True), context, "notes.txt")
        stage.server.services.faults.add(Fault("login_page", operation="GET download"))
        with pytest.raises(DocumentError, match="web page"):
            fetch(document)


def test_an_empty_file_is_an_empty_file(paged: tuple[Stage, FakeContext, ConfluenceConnector]) -> None:
    _, context, connector = paged
    assert fetch(file_named(connector, context, "empty.txt")) == b""


def test_a_type_that_the_name_contradicts_is_left_to_the_content(
    paged: tuple[Stage, FakeContext, ConfluenceConnector],
) -> None:
    _, context, connector = paged
    assert file_named(connector, context, "report.pdf").media_type == "application/pdf"
    assert file_named(connector, context, "notes.txt").media_type == "text/plain"


# ------------------------------------------------------------------------------------------------------------------- logs


def test_no_secret_and_no_text_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with staged(tmp_path, "gateway", attachments=True, showcase=True) as stage, caplog.at_level(logging.DEBUG):
        stage.run()
        text = next(text for name, text, *_ in stage.held().values() if name == "Plain page")
        ours = ("knowledge_connector", "atlassian", "requests", "urllib3")
        logged = "\n".join(str(record.__dict__) for record in caplog.records if record.name.startswith(ours))
        assert caplog.records
        for secret in (SCOPED_TOKEN, CLOUD_TOKEN, ACCESS_TOKEN, "signature=", text[:60]):
            assert secret not in logged
