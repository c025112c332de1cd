"""What a wiki holds, as values: contents, spaces, people. The same for all three deployments."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal, NoReturn, get_args

from starlette.responses import Response

Kind = Literal["page", "blogpost", "attachment", "comment", "folder", "whiteboard", "database", "embed"]

KINDS: tuple[Kind, ...] = get_args(Kind)

CLOUD_ONLY: tuple[Kind, ...] = ("folder", "whiteboard", "database", "embed")
"""Kinds that Data Center has never heard of."""

IN_TREE: tuple[Kind, ...] = ("page", "folder", "whiteboard", "database", "embed")
"""Kinds on which others hang."""

READABLE: tuple[Kind, ...] = ("page", "blogpost")
"""Kinds with a body."""

GONE = "purged"
"""Status of what was purged: a row that hides what was generated, and that nobody is shown."""


@dataclass(frozen=True, slots=True)
class Content:
    """Anything with an id: a page, a folder, an attachment, a comment.

    Attributes:
        space: Key of its space; that of an attachment or comment is its container's, and is not kept here.
        parent: Id of what it hangs on in the tree; of an attachment or comment: its container.
        created, modified: Seconds since 1970. What raises no version (labels, moves, restrictions) does not touch `modified`.
        readers, editors: Principals of its own restrictions, `user:ACCOUNT` or `group:NAME`; empty for not restricted.
        body: Name of a body (see `bodies`), or the text of a comment; empty for what is generated.
        edition: How often the body was written; a rename raises the version and not this.
        file: Name of the bytes of an attachment (see `files`); empty for what is generated.
        changed: When anything at all was changed, for the delay of the search index.
        former: What the search index knew before, as a row.
        hidden: It and what is beneath it are not for the account that asks.
    """

    id: str
    kind: Kind
    title: str
    space: str
    parent: str | None
    created: float
    modified: float
    status: str = "current"
    version: int = 1
    minor: bool = False
    author: str = "author-0"
    labels: tuple[str, ...] = ()
    readers: tuple[str, ...] = ()
    editors: tuple[str, ...] = ()
    subtype: str | None = None
    body: str = ""
    edition: int = 1
    file: str = ""
    media_type: str = ""
    hidden: bool = False
    changed: float = 0
    former: Mapping[str, Any] | None = None

    @property
    def number(self) -> int:
        """The id as a number, to sort by."""
        return int(self.id.removeprefix("att"))

    def row(self) -> dict[str, Any]:
        """Give it as JSON takes it."""
        return asdict(self)


def content_of(row: Mapping[str, Any]) -> Content:
    """Make a content of a row."""
    lists = {name: tuple(row[name]) for name in ("labels", "readers", "editors")}
    return Content(**{**row, **lists})


def without_past(content: Content) -> dict[str, Any]:
    """Give its row as the search index keeps it."""
    return replace(content, former=None).row()


@dataclass(frozen=True, slots=True)
class Space:
    """A space.

    Attributes:
        readers: Who may view it: `user:ACCOUNT`, `group:NAME`, `anonymous`.
        home: Id of its homepage.
    """

    id: str
    key: str
    name: str
    type: str
    home: str
    status: str = "current"
    readers: tuple[str, ...] = ("group:confluence-users",)

    def row(self) -> dict[str, Any]:
        """Give it as JSON takes it."""
        return asdict(self)


def space_of(row: Mapping[str, Any]) -> Space:
    """Make a space of a row."""
    return Space(**{**row, "readers": tuple(row["readers"])})


@dataclass(frozen=True, slots=True)
class User:
    """Somebody. Cloud knows people by `account`, Data Center by `key` and `name`."""

    account: str
    key: str
    name: str
    display: str
    email: str


@dataclass(frozen=True, slots=True)
class Group:
    """People; Cloud wants the id, Data Center the name."""

    id: str
    name: str
    members: tuple[str, ...]


def _user(number: int, account: str, display: str) -> User:
    name = display.split()[0].lower()
    return User(account, f"ff80808{number:025x}", name, display, f"{name}@example.com")


READER = _user(0, "reader", "Reader Bot")
"""The account that asks."""

USERS: dict[str, User] = {
    user.account: user
    for user in (
        READER,
        *(_user(n + 1, f"author-{n}", f"{word} Author") for n, word in enumerate(("Ada", "Bo", "Cy", "Di"))),
    )
}

PEOPLE_TEAM = "hr/people team"
"""A name that has to be encoded in a path."""

GROUPS: dict[str, Group] = {
    group.name: group
    for group in (
        Group("6f1c0000-0000-4000-8000-000000000001", "confluence-users", tuple(USERS)),
        Group("6f1c0000-0000-4000-8000-000000000002", PEOPLE_TEAM, ("reader", "author-1")),
        Group("6f1c0000-0000-4000-8000-000000000003", "site-admins", ("author-0",)),
    )
}


class Refusal(Exception):
    """An answer with an error, in the form of the API that was asked.

    Args:
        status: Of the answer.
        message: For people.
        headers: Further ones.
        answer: The whole answer, where it is in no form of the API.
    """

    def __init__(
        self, status: int, message: str, headers: Mapping[str, str] | None = None, answer: Response | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.headers, self.answer = status, message, dict(headers or {}), answer


def refuse(status: int, message: str) -> NoReturn:
    """Answer with an error."""
    raise Refusal(status, message)


def label_id(name: str) -> str:
    """Give the id of a label."""
    return str(zlib.crc32(name.encode()))


def moment(seconds: float) -> datetime:
    """Give the time of so many seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC)


def stamp(seconds: float) -> str:
    """ISO 8601 with milliseconds, as the vendor writes it."""
    at = moment(seconds)
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"
