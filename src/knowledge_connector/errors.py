"""What can go wrong, sorted by what to do about it.

    ConnectorError
    ├─ ConfigError            the user can fix it            → before any I/O; exit 2
    ├─ PluginError            a plugin broke its contract    → named; the other plugins go on
    ├─ FatalError             this run cannot go on          → stop, keep the last checkpoint; exit 3
    │  ├─ AuthenticationError
    │  └─ LeaseHeld             another run of it is under way
    ├─ RetriableError         the same call may work later   → the kit waits and tries again
    │  ├─ RateLimited           (retry_after_seconds)
    │  └─ Unavailable
    ├─ DocumentError          one document is ill            → into the report, and on; exit 1 at the end
    │  └─ Unreadable            it is well, and we cannot read it → a counted skip
    └─ BatchError             some documents of a batch are  → each into the report, and on

The class says what to do; `where` and `document_id` say about what. Messages are built from safe fields only (status, error
code, request id, path), never from bodies, headers or query strings, because they end up in logs, reports and tickets.
"""

from collections.abc import Mapping
from typing import Literal

Where = Literal["origin", "target", "state", "host"]


class ConnectorError(Exception):
    """The root of everything this package raises on purpose.

    Args:
        message: One or two sentences for a person: what happened, and what would be right.
        where: Which side of the sync it happened on.
        document_id: The document it is about, when it is about one.
    """

    exit_code = 3

    def __init__(self, message: str, *, where: Where = "host", document_id: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.where: Where = where
        self.document_id = document_id


class ConfigError(ConnectorError):
    """The configuration is wrong, and the message says which key, what was given and what would be right."""

    exit_code = 2


class PluginError(ConnectorError):
    """A plugin broke its contract; the message names the plugin."""

    exit_code = 2


class FatalError(ConnectorError):
    """This run cannot go on. Nothing is deleted on account of it, and the last checkpoint stands."""


class AuthenticationError(FatalError):
    """The other side does not accept who we are, also after one renewal."""


class LeaseHeld(FatalError):
    """Another run is under way; this one did nothing."""


class RetriableError(ConnectorError):
    """The same call may work later. Raised to the engine only after the kit has given up waiting."""


class RateLimited(RetriableError):
    """The other side asked for a pause.

    Args:
        message: As for `ConnectorError`.
        retry_after_seconds: The pause it asked for; `None` if it did not say how long.
        code: Its own word for what is used up, such as a quota, if it has one.
        where: As for `ConnectorError`.
    """

    def __init__(
        self,
        message: str,
        *,
        retry_after_seconds: float | None = None,
        code: str | None = None,
        where: Where = "origin",
    ) -> None:
        super().__init__(message, where=where)
        self.retry_after_seconds = retry_after_seconds
        self.code = code


class Unavailable(RetriableError):
    """The other side did not answer, or answered 5xx."""


class DocumentError(ConnectorError):
    """One document is ill; the run goes on without it and says so.

    Args:
        message: As for `ConnectorError`.
        code: A short, stable reason for counting: lower-case words joined by hyphens, such as `timeout` or `changed-while-read`.
        where: As for `ConnectorError`.
        document_id: As for `ConnectorError`.
    """

    exit_code = 1

    def __init__(
        self, message: str, *, code: str = "error", where: Where = "host", document_id: str | None = None
    ) -> None:
        super().__init__(message, where=where, document_id=document_id)
        self.code = code


class Unreadable(DocumentError):
    """The document is well, and nobody here can read it: an unsupported type, too large, encrypted. A skip, not a failure."""


class BatchError(ConnectorError):
    """Some documents of a batch did not become durable; all others of it did. Raised by `TargetSession.flush`.

    Args:
        message: As for `ConnectorError`.
        failures: Why, by the target's source id, as `begin` gave it or `delete` took it.
        where: As for `ConnectorError`.
    """

    exit_code = 1

    def __init__(self, message: str, failures: Mapping[str, DocumentError], *, where: Where = "target") -> None:
        super().__init__(message, where=where)
        self.failures = failures
