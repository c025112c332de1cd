"""Notices over real sockets: a signed webhook, and Apprise by HTTP and by mail."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import Message
from typing import Any

import pytest
from pydantic import SecretStr
from standardwebhooks.webhooks import Webhook as Verifier

from knowledge_connector.config import NotificationSettings
from knowledge_connector.errors import ConfigError, ConnectorError
from knowledge_connector.ports import Told
from knowledge_connector.testing.context import FakeClock
from knowledge_connector.watch.channels import open_channel, sign, signing_key
from knowledge_connector.watch.notices import Notice
from unit.kit.origin import Handler, Origin, answer

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105  # of this test
NOTICE = Notice(
    "failure",
    "connector wiki: failed",
    "Run 7 failed.",
    False,
    Told("ops", "failure", "connector wiki", datetime(2026, 3, 1, tzinfo=UTC)),
)


@pytest.fixture
def origin() -> Iterator[Origin]:
    server = Origin()
    yield server
    server.close()


def webhook(url: str, secret: str = SECRET) -> NotificationSettings:
    return NotificationSettings(type="webhook", url=SecretStr(url), secret=SecretStr(secret))


def noting(bodies: list[tuple[bytes, dict[str, str]]], status: int = 200) -> Any:
    def give(handler: Handler) -> None:
        bodies.append((handler.body, dict(handler.headers)))
        answer(status)(handler)

    return give


def test_a_webhook_is_signed_as_the_standard_says(origin: Origin) -> None:
    seen: list[tuple[bytes, dict[str, str]]] = []
    origin.answers = [noting(seen)]
    clock = FakeClock(datetime.now(UTC))  # the verifier compares with the real time
    open_channel("ops", webhook(f"{origin.url}/hook?key=abc"), clock).send(NOTICE)
    [(body, headers)] = seen
    told = Verifier(SECRET).verify(body, {name.lower(): value for name, value in headers.items()})
    assert (told["type"], told["data"]["subject"]) == ("failure.begun", "connector wiki")
    assert told["data"]["text"] == "Run 7 failed."


def test_a_webhook_that_is_down_for_a_moment_hears_the_same_message_again(origin: Origin) -> None:
    seen: list[tuple[bytes, dict[str, str]]] = []
    origin.answers = [noting(seen, 503), noting(seen)]
    clock = FakeClock()
    open_channel("ops", webhook(origin.url), clock).send(NOTICE)
    assert len({headers["webhook-id"] for _, headers in seen}) == 1
    assert len(seen) == 2
    assert clock.slept


@pytest.mark.parametrize("status", [401, 404, 500])
def test_a_webhook_that_refuses_says_so_without_its_address(origin: Origin, status: int) -> None:
    origin.answers = [answer(status)]
    with pytest.raises(ConnectorError, match="notification ops: the webhook did not take it") as caught:
        open_channel("ops", webhook(f"{origin.url}/hook/secret-path"), FakeClock()).send(NOTICE)
    assert "secret-path" not in str(caught.value)
    assert str(status) in str(caught.value)


def test_a_secret_may_be_any_text() -> None:
    assert signing_key("plain text") == b"plain text"
    assert signing_key("whsec_not base64!") == b"whsec_not base64!"
    assert sign(b"k", "msg_1", 1, b"{}") == sign(b"k", "msg_1", 1, b"{}") != sign(b"k", "msg_1", 2, b"{}")


def test_apprise_delivers_title_and_text(origin: Origin) -> None:
    seen: list[tuple[bytes, dict[str, str]]] = []
    origin.answers = [noting(seen)]
    settings = NotificationSettings(type="apprise", url=SecretStr(origin.url.replace("http://", "json://")))
    open_channel("ops", settings, FakeClock()).send(NOTICE)
    [(body, _)] = seen
    told = json.loads(body)
    assert (told["title"], told["message"], told["type"]) == ("connector wiki: failed", "Run 7 failed.", "failure")


def test_apprise_that_cannot_deliver_says_so(origin: Origin) -> None:
    origin.answers = [answer(500)]
    settings = NotificationSettings(type="apprise", url=SecretStr(origin.url.replace("http://", "json://")))
    with pytest.raises(ConnectorError, match="notification ops: it was not delivered"):
        open_channel("ops", settings, FakeClock()).send(NOTICE)


def test_an_address_that_apprise_does_not_know_is_told_without_being_shown() -> None:
    settings = NotificationSettings(type="apprise", url=SecretStr("pigeon://secret"))
    with pytest.raises(ConfigError, match=r"notifications\.ops\.url is no address that Apprise knows") as caught:
        open_channel("ops", settings, FakeClock())
    assert "secret" not in str(caught.value)


class Mailbox:
    """Takes what an SMTP server is given."""

    def __init__(self) -> None:
        self.mails: list[Message] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802  # as aiosmtpd calls it
        self.mails.append(message_from_bytes(envelope.content))
        return "250 OK"


def test_mail_arrives() -> None:
    controller = pytest.importorskip("aiosmtpd.controller", reason="the test dependency aiosmtpd is not installed")
    mailbox = Mailbox()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = controller.Controller(mailbox, hostname="127.0.0.1", port=port)
    server.start()
    try:
        url = f"mailto://127.0.0.1:{port}?from=kc@example.com&to=ops@example.com"
        open_channel("ops", NotificationSettings(type="apprise", url=SecretStr(url)), FakeClock()).send(NOTICE)
    finally:
        server.stop()
    [mail] = mailbox.mails
    assert (mail["Subject"], "ops@example.com" in mail["To"]) == ("connector wiki: failed", True)
