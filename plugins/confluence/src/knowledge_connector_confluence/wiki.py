"""What a wiki holds, as values, and what can be asked of it: the same for Cloud and Data Center."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from knowledge_connector_confluence.config import ConfluenceConfig
from knowledge_connector_confluence.wire import BadRequest, Wire

SEARCHED_SPACES = 100
"""How many spaces one query names; a longer query may be refused for its length."""


@dataclass(frozen=True, slots=True)
class Space:
    """A space. `key` can change on Cloud, `id` cannot."""

    id: str
    key: str
    name: str
    is_personal: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """A page or a blog post, as a listing tells of it.

    Attributes:
        site: The wiki's address for people, which at the gateway is not the one that is called.
        path: Where it is below that.
        parent: What it hangs on, as kind and id; `None` at the top.
        ancestors: What is above it, as kind and id, the highest first; `None` if the listing does not say.
        labels: `None` if the listing does not say.
        body: In storage format; `None` if the listing does not bring it.
        is_live: A live document: its version rises while somebody types.
    """

    id: str
    kind: str
    title: str
    space_id: str
    version: int
    site: str
    path: str
    updated_at: datetime | None = None
    parent: tuple[str, str] | None = None
    ancestors: tuple[tuple[str, str], ...] | None = None
    labels: tuple[str, ...] | None = None
    body: str | None = None
    is_live: bool = False


@dataclass(frozen=True, slots=True)
class File:
    """An attachment. `download` is where its bytes are, below the address that is called; `path` is for people."""

    id: str
    name: str
    version: int
    download: str
    path: str
    media_type: str | None = None
    size: int | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Comment:
    """What somebody wrote about a page, in storage format."""

    id: str
    version: int
    body: str


@dataclass(frozen=True, slots=True)
class Batch:
    """One page of a listing, and the cursor of the next; `None` behind the last."""

    entries: tuple[Entry, ...]
    following: str | None


class Wiki(ABC):
    """Everything that is asked of a Confluence. Safe for any number of threads."""

    largest: int
    """Entries that one page of a listing may have."""

    largest_with_bodies: int = 50

    def __init__(self, config: ConfluenceConfig, wire: Wire) -> None:
        self.config, self.wire = config, wire

    @abstractmethod
    def whoami(self) -> str:
        """The name of the account that asks.

        Raises:
            AuthenticationError: It is nobody.
        """

    @abstractmethod
    def spaces(self, *, archived: bool = False) -> Iterator[Space]:
        """All spaces that are visible: the current ones, or those that are archived."""

    @abstractmethod
    def batch(self, space: Space, kind: str, at: str | None, limit: int, *, bodies: bool) -> Batch:
        """One page of a space's listing. What is trashed is never in it; archived pages only if they are wanted.

        Raises:
            BadRequest: The cursor `at` is not good any more.
        """

    @abstractmethod
    def behind(self, at: str | None) -> str | None:
        """The cursor behind the one entry at `at`, for a listing that cannot show it; `None` if there is no way past it."""

    @abstractmethod
    def current(self, ids: Sequence[str]) -> Iterator[Entry]:
        """Those of these pages and blog posts that are there and wanted, asked for by id: no index, no listing in between."""

    @abstractmethod
    def labelled(self, entries: Sequence[Entry]) -> list[Entry]:
        """The same entries with their labels."""

    @abstractmethod
    def ancestors(self, entry: Entry) -> tuple[tuple[str, str], ...]:
        """What is above an entry, the highest first."""

    @abstractmethod
    def body(self, entry: Entry, document_id: str) -> str:
        """The body of an entry in storage format."""

    @abstractmethod
    def files(self, entry: Entry, document_id: str) -> Iterator[File]:
        """The attachments of an entry."""

    @abstractmethod
    def comments(self, entry: Entry, document_id: str) -> Iterator[Comment]:
        """The comments on an entry, oldest first."""

    @abstractmethod
    def find(self, space_key: str, title: str) -> tuple[Entry, Space] | None:
        """A page by its title, with its body; `None` if it is not there or not visible."""

    @abstractmethod
    def user(self, kind: str, key: str) -> str | None:
        """The display name of a user; `None` if there is none or it may not be seen."""

    @abstractmethod
    def searched(self, cql: str) -> Iterator[Entry]:
        """What a search finds, as it is now."""

    def edited(self, keys: Sequence[str], since: datetime) -> Iterator[Entry]:
        """What was edited since, by the search index: some minutes late, and without moves, labels, restrictions and deletions.

        Times in queries are read in the zone of whoever asks, which nobody can know from here, and one that the clock change left out
        is refused: then an hour more does no harm.
        """
        for start in range(0, len(keys), SEARCHED_SPACES):
            spaces = ", ".join(quoted(key) for key in keys[start : start + SEARCHED_SPACES])
            kinds = ", ".join(self.config.kinds)
            found = f"type in ({kinds}) and space in ({spaces}) and lastmodified >= {{}} order by lastmodified asc"
            try:
                yield from self.searched(found.format(quoted(f"{since:%Y-%m-%d %H:%M}")))
            except BadRequest:
                yield from self.searched(found.format(quoted(f"{since - timedelta(hours=1):%Y-%m-%d %H:%M}")))

    def readers(self, id_: str, document_id: str) -> frozenset[str] | None:
        """Who may view a content by its own restrictions, as `user:…` and `group:…`; `None` if it has none.

        An empty list of readers means "not restricted here". Restrictions of editing restrict no reader.
        """
        expand = {"expand": "read.restrictions.user,read.restrictions.group"}
        path = f"rest/api/content/{id_}/restriction/byOperation"
        read = self.wire.get(path, expand, document_id=document_id).get("read", {}).get("restrictions", {})
        users = {f"user:{user_key(user)}" for user in read.get("user", {}).get("results", ())}
        groups = {f"group:{group['name']}" for group in read.get("group", {}).get("results", ())}
        return frozenset(users | groups) or None


def user_key(user: dict[str, Any]) -> str:
    """What stands for a user: the account on Cloud, the key or name on Data Center."""
    return str(user.get("accountId") or user.get("userKey") or user.get("username") or "")


def quoted(word: str) -> str:
    """A word of a query: in quotes always, since keys may be numbers or reserved words."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
