"""Where notices go: a signed webhook of our own, and everything that Apprise reaches."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import uuid
from importlib.util import find_spec
from typing import Protocol

from knowledge_connector.config import NotificationSettings
from knowledge_connector.errors import ConfigError, ConnectorError, Unavailable
from knowledge_connector.ports import Clock
from knowledge_connector.watch.notices import Notice

EXTRA = "apprise"
TIMEOUT_SECONDS = 20


class Channel(Protocol):
    """Somewhere to tell things."""

    def send(self, notice: Notice) -> None:
        """Deliver one notice.

        Raises:
            ConnectorError: It did not arrive.
        """
        ...


def open_channel(name: str, settings: NotificationSettings, clock: Clock) -> Channel:
    """Give the channel of a table `[notifications.NAME]`.

    Raises:
        ConfigError: It needs what is not installed, or its address is not understood.
    """
    return Webhook(name, settings, clock) if settings.type == "webhook" else AppriseChannel(name, settings)


class Webhook:
    """POSTs JSON, signed as the Standard Webhooks specification 1.0 has it: `webhook-id`, `webhook-timestamp`, `webhook-signature`."""

    def __init__(self, name: str, settings: NotificationSettings, clock: Clock) -> None:
        self._name, self._clock = name, clock
        self._url = settings.url.get_secret_value()
        self._key = signing_key(settings.secret.get_secret_value() if settings.secret else "")

    def send(self, notice: Notice) -> None:
        """See `Channel.send`."""
        from knowledge_connector.kit.http import asking, make_client

        identity, moment = f"msg_{uuid.uuid4().hex}", self._clock.now()
        body = json.dumps(payload(notice) | {"timestamp": moment.isoformat()}, ensure_ascii=False).encode()
        headers = {
            "content-type": "application/json",
            "webhook-id": identity,
            "webhook-timestamp": str(int(moment.timestamp())),
            "webhook-signature": sign(self._key, identity, int(moment.timestamp()), body),
        }
        with make_client(self._clock, where="target") as http:
            try:
                # the id lets a receiver see what it has seen
                http.post(self._url, content=body, headers=headers, extensions=asking(retry=True))
            except ConnectorError as error:
                raise type(error)(
                    f"notification {self._name}: the webhook did not take it ({_status(error)})"
                ) from None


def payload(notice: Notice) -> dict[str, object]:
    """What a webhook is sent, its time aside."""
    return {
        "type": f"{notice.told.kind}.{'over' if notice.over else 'begun'}",
        "data": {
            "subject": notice.told.subject,
            "title": notice.title,
            "text": notice.text,
            "since": notice.told.since.isoformat(),
        },
    }


def signing_key(secret: str) -> bytes:
    """The key in a secret; `whsec_` and base64, or any text."""
    try:
        return (
            base64.b64decode(secret.removeprefix("whsec_"), validate=True)
            if secret.startswith("whsec_")
            else secret.encode()
        )
    except ValueError:
        return secret.encode()


def sign(key: bytes, identity: str, timestamp: int, body: bytes) -> str:
    """Give the signature of a message: HMAC-SHA256 over id, time and body."""
    signed = b".".join([identity.encode(), str(timestamp).encode(), body])
    return f"v1,{base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode('ascii')}"


def _status(error: ConnectorError) -> str:
    """The part of a message of `kit.http` that holds no address."""
    return error.message.rpartition(" answered ")[2] if " answered " in error.message else type(error).__name__


class AppriseChannel:
    """Mail, Slack, Teams and some hundred others, by the addresses of Apprise."""

    def __init__(self, name: str, settings: NotificationSettings) -> None:
        if find_spec(EXTRA) is None:
            raise ConfigError(
                f"[notifications.{name}] needs what is not installed ({EXTRA}): pip install 'knowledge-connector[notify]'"
            )
        import apprise

        self._name = name
        self._all = apprise.Apprise()
        self._types = apprise.NotifyType
        if not self._all.add(settings.url.get_secret_value()):
            raise ConfigError(
                f"notifications.{name}.url is no address that Apprise knows; see https://github.com/caronc/apprise/wiki for all of them"
            )

    def send(self, notice: Notice) -> None:
        """See `Channel.send`."""
        kind = self._types.SUCCESS if notice.over else self._types.FAILURE
        if not self._all.notify(title=notice.title, body=notice.text, notify_type=kind):
            raise Unavailable(f"notification {self._name}: it was not delivered", where="target")
