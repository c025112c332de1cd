"""The wiki: what was generated, and over it every row that was written by hand or changed since."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from knowledge_connector.testing.emulation import Rows, Services, Store
from knowledge_connector_confluence.emulator.generated import (
    ATTACHED_AFTER,
    EPOCH,
    SECONDS_APART,
    WRITTEN_AFTER,
    Generated,
)
from knowledge_connector_confluence.emulator.listing import Key, Listing, Ranges
from knowledge_connector_confluence.emulator.model import (
    GONE,
    GROUPS,
    Content,
    Kind,
    Space,
    content_of,
    space_of,
    without_past,
)

VENDOR = "confluence"
DEFAULT_DOCUMENTS = 40
LISTINGS_KEPT = 100

ORDERS: dict[str, Key] = {
    "id": lambda one: (one.number,),
    "created": lambda one: (one.created, one.number),
    "modified": lambda one: (one.modified, one.number),
    "title": lambda one: (one.title, one.number),
}
"""What a listing can be sorted by; generated contents of one kind ascend by each of them."""


@dataclass(frozen=True, slots=True)
class Query:
    """What a listing shall hold.

    Attributes:
        spaces: Keys; `None` for all.
        since, before: Bounds of the time of the last modification, in seconds since 1970; the first is included.
        beneath: Everything below the content of this id.
        ids: Nothing but these.
        test: A further condition, which every content that fits has to be shown to. Equal tests are one object.
        indexed: As the search index knows it, which may be late.
    """

    kinds: tuple[Kind, ...] = ("page",)
    statuses: tuple[str, ...] = ("current",)
    spaces: tuple[str, ...] | None = None
    since: float = 0
    before: float = float("inf")
    beneath: str | None = None
    ids: tuple[str, ...] | None = None
    order: str = "id"
    descending: bool = False
    test: Callable[[Content], bool] | None = None
    indexed: bool = False


class World:
    """Everything the wiki holds. What was generated is nowhere stored; a row of the same id stands for it once it was changed.

    Attributes:
        rows: What was written by hand or changed, by id, purged ones included.
        revision: Another number after each change.
    """

    def __init__(self, services: Services, store: Store) -> None:
        self.services = services
        self._store = store
        self.revision = 0
        self.load()

    def load(self) -> None:
        """Read what the store holds."""
        self.rows = {id_: content_of(row) for id_, row in self._contents.items()}
        self._changed_spaces = {key: space_of(row) for key, row in self._store.table("spaces").items()}
        size = self._store.table("size").get("size")
        count = int(size["documents"]) if size else self._option("documents", DEFAULT_DOCUMENTS)
        self.generated = Generated(count, self._option("attachment_every", 10))
        self._forget()

    def _option(self, name: str, otherwise: int) -> int:
        return int(self.services.options.get(f"{VENDOR}.{name}", otherwise))

    def _forget(self) -> None:
        self._listings: dict[Query, Listing] = {}
        self._tests: dict[tuple[str | None, ...], Callable[[Content], bool]] = {}
        self._hides = any(one.hidden for one in self.rows.values())
        self.revision += 1

    @property
    def _contents(self) -> Rows:
        return self._store.table("contents")

    @property
    def now(self) -> float:
        """Seconds since 1970, by the virtual clock."""
        return self.services.clock.now().timestamp()

    def resize(self, documents: int) -> None:
        """Generate so many pages."""
        self._store.table("size")["size"] = {"documents": documents}
        self.load()

    def next_number(self) -> int:
        """1, 2, 3 …: over restarts, too."""
        counters = self._store.table("counters")
        number = int(counters.get("next", {"number": 0})["number"]) + 1
        counters["next"] = {"number": number}
        return number

    # ------------------------------------------------------------------------------------------------------------- spaces

    @property
    def spaces(self) -> dict[str, Space]:
        """Spaces by key."""
        return {one.key: one for one in self.generated.spaces} | self._changed_spaces

    def put_space(self, space: Space) -> None:
        """Add or replace one."""
        self._store.table("spaces")[space.key] = space.row()
        self._changed_spaces[space.key] = space
        self._forget()

    # ----------------------------------------------------------------------------------------------------------- contents

    def put(self, content: Content) -> Content:
        """Add or replace a content; the search index goes on with what it was, for a while."""
        before = self.find(content.id)
        changed = replace(content, changed=self.now, former=self._indexed_row(before))
        self._contents[content.id] = changed.row()
        self.rows[content.id] = changed
        self._forget()
        return changed

    def plant(self, contents: Iterable[Content]) -> None:
        """Add what has always been there."""
        for content in contents:
            self._contents[content.id] = content.row()
            self.rows[content.id] = content
        self._forget()

    def find(self, id_: str) -> Content | None:
        """The content of this id, whatever its status; `None` if it was purged or never was."""
        if id_ in self.rows:
            found = self.rows[id_]
            return None if found.status == GONE else found
        index = self.generated.index_of(id_)
        if index is not None:
            return self.generated.page(index)
        number = self.generated.attachment_number(id_)
        return None if number is None else self.generated.attachment(number)

    def _indexed_row(self, content: Content | None) -> dict[str, Any] | None:
        seen = self.indexed(content) if content else None
        return without_past(seen) if seen else None

    @property
    def index_delay(self) -> float:
        """For how many seconds the search index does not know of a change."""
        return float(self.services.options.get(f"{VENDOR}.index_delay_seconds", 0))

    def indexed(self, content: Content) -> Content | None:
        """What the search index knows of a content: what it was, if it was changed a moment ago; `None` if it is new."""
        if content.changed + self.index_delay <= self.now or not content.changed:
            return content
        return content_of(content.former) if content.former else None

    def space_key(self, content: Content) -> str:
        """The key of its space; an attachment or comment is where its container is."""
        container = self.container(content)
        return container.space if container else content.space

    def container(self, content: Content) -> Content | None:
        """What an attachment or a comment is on."""
        if content.kind in ("attachment", "comment") and content.parent:
            return self.find(content.parent)
        return None

    # --------------------------------------------------------------------------------------------------------------- tree

    def ancestors(self, content: Content) -> list[Content]:
        """What is above it, the highest first."""
        found: list[Content] = []
        parent = self.find(content.parent) if content.parent else None
        while parent:
            found.append(parent)
            parent = self.find(parent.parent) if parent.parent else None
        return found[::-1]

    def is_beneath(self, content: Content, id_: str) -> bool:
        """Whether it is somewhere below the content of this id."""
        return any(one.id == id_ for one in self.ancestors(content))

    def children(self, id_: str, kinds: Sequence[Kind]) -> Listing:
        """What hangs on it; only what is current."""
        index = self.generated.index_of(id_)
        numbers = Ranges([self.generated.children(index)] if index is not None and "page" in kinds else [])
        others = [one for one in self._others(Query(kinds=tuple(kinds))) if one.parent == id_]
        return Listing(numbers.without(self._overlaid()), self.generated.page, others, ORDERS["id"])

    def attached(self, container: str, statuses: Sequence[str]) -> Listing:
        """The attachments of a page or blog post."""
        index = self.generated.index_of(container)
        is_there = index is not None and "current" in statuses
        numbers = Ranges(
            [self.generated.attachments_of(range(index, index + 1))] if is_there and index is not None else []
        )
        others = [one for one in self._known("attachment") if one.parent == container and one.status in statuses]
        return Listing(numbers.without(self._overlaid_attachments()), self.generated.attachment, others, ORDERS["id"])

    def comments(self, container: str) -> list[Content]:
        """The comments on a page or blog post."""
        return [one for one in self._known("comment") if one.parent == container]

    def _known(self, kind: Kind) -> list[Content]:
        return [one for one in self.rows.values() if one.kind == kind and one.status != GONE]

    def _overlaid(self) -> list[int]:
        """Indices of the generated pages that a row stands for."""
        return [index for id_ in self.rows if (index := self.generated.index_of(id_)) is not None]

    def _overlaid_attachments(self) -> list[int]:
        return [number for id_ in self.rows if (number := self.generated.attachment_number(id_)) is not None]

    def _family(self, id_: str) -> Ranges:
        """The indices of the generated pages below the content of this id.

        A page that nobody touched is below whatever its nearest touched ancestor is below; only those that were moved matter, and
        of these the higher ones come first, because indices ascend downwards.
        """
        index = self.generated.index_of(id_)
        family = Ranges([] if index is None else sorted(self.generated.beneath(index), key=lambda one: one.start))
        for moved in sorted(self._overlaid()):
            row = self.rows[self.generated.page(moved).id]
            if row.parent == self.generated.page(moved).parent or row.id == id_:
                continue
            below = list(self.generated.beneath(moved))
            family = family.plus(below) if self.is_beneath(row, id_) else family.minus(below)
        return family

    # ----------------------------------------------------------------------------------------------------------- listings

    def listing(self, query: Query) -> Listing:
        """Give what fits. Made once for each query, and again after a change."""
        if query.indexed and self.index_delay:
            return self._listing(query)
        if query not in self._listings:
            if len(self._listings) >= LISTINGS_KEPT:
                self._listings.clear()
            self._listings[query] = self._listing(query)
        return self._listings[query]

    def _listing(self, query: Query) -> Listing:
        numbers, make = self._numbers(query)
        return Listing(numbers, make, self._others(query), ORDERS[query.order], descending=query.descending)

    def _numbers(self, query: Query) -> tuple[Sequence[int], Callable[[int], Content]]:
        """The generated contents that fit: pages, or attachments, or, numbered through, both."""
        pages, attachments = self._pages(query), self._attachments(query)
        if attachments and not pages:
            return self._tested(attachments, self.generated.attachment, query), self.generated.attachment
        if not attachments:
            return self._tested(pages, self.generated.page, query), self.generated.page
        both = [*map(self.generated.page, pages), *map(self.generated.attachment, attachments)]
        both = [one for one in both if query.test is None or query.test(one)]
        both.sort(key=ORDERS[query.order])
        return range(len(both)), both.__getitem__

    def _tested(self, numbers: Ranges, make: Callable[[int], Content], query: Query) -> Sequence[int]:
        test = query.test
        return numbers if test is None else [number for number in numbers if test(make(number))]

    def _pages(self, query: Query) -> Ranges:
        if "page" not in query.kinds or "current" not in query.statuses:
            return Ranges([])
        return self._selected(query, WRITTEN_AFTER, self.generated.index_of).without(self._overlaid())

    def _attachments(self, query: Query) -> Ranges:
        if "attachment" not in query.kinds or "current" not in query.statuses:
            return Ranges([])
        touched = self._overlaid() if query.spaces is not None or query.beneath else []
        pages = self._selected(query, ATTACHED_AFTER, self._index_of_container)
        pages = pages.without(touched)  # what is on touched pages is looked at one by one
        runs = [self.generated.attachments_of(run) for run in pages.runs]
        looked_at = [n for index in touched for n in self.generated.attachments_of(range(index, index + 1))]
        fitting = [range(n, n + 1) for n in looked_at if self._fits(self.generated.attachment(n), query)]
        return Ranges(runs).plus(fitting).without(self._overlaid_attachments())

    def _selected(self, query: Query, seconds_after: float, index_of: Callable[[str], int | None]) -> Ranges:
        """The indices of the generated pages whose space, place, id and time fit, overlaid ones included.

        Args:
            query: What shall fit.
            seconds_after: From the creation of a page to the time that is asked for.
            index_of: Gives the index of the page that an id leads to.
        """
        generated = self.generated
        keys = query.spaces if query.spaces is not None else [space.key for space in generated.spaces]
        found = Ranges(sorted((generated.run_of_key(key) for key in set(keys)), key=lambda run: run.start))
        low, high = ((edge - EPOCH - seconds_after) / SECONDS_APART for edge in (query.since, query.before))
        found = found.within([range(max(0, _ceil(low)), min(generated.count, _ceil(high)))])
        if query.beneath:
            found = found.within(self._family(query.beneath).runs)
        if query.ids is not None:
            wanted = sorted({index for id_ in query.ids if (index := index_of(id_)) is not None})
            found = found.within([range(index, index + 1) for index in wanted])
        return found

    def _index_of_container(self, id_: str) -> int | None:
        number = self.generated.attachment_number(id_)
        return None if number is None else number * self.generated.attachment_every

    def _others(self, query: Query) -> list[Content]:
        """The rows that fit."""
        rows = list(self.rows.values())
        if query.indexed:
            rows = [seen for one in rows if (seen := self.indexed(one)) is not None]
        return [one for one in rows if self._fits(one, query)]

    def _fits(self, one: Content, query: Query) -> bool:
        return (
            one.kind in query.kinds
            and one.status in query.statuses
            and (query.spaces is None or self.space_key(one) in query.spaces)
            and query.since <= one.modified < query.before
            and (query.ids is None or one.id in query.ids)
            and (not query.beneath or self.is_beneath(one, query.beneath))
            and (query.test is None or query.test(one))
        )

    def test(self, *, title: str | None, subtype: str | None, label: str | None) -> Callable[[Content], bool] | None:
        """A condition for a query: the same object for the same words, so that a listing is not made twice; `None` for none."""
        if title is None and subtype is None and label is None:
            return None
        return self._tests.setdefault((title, subtype, label), lambda one: _has(one, title, subtype, label))

    # -------------------------------------------------------------------------------------------------------------- rights

    def visible(self, content: Content, *, anonymous: bool = False) -> bool:
        """Whether the account may view it, or anybody may. The account is in all groups; only what is hidden is not for it."""
        container = self.container(content)
        if content.kind in ("attachment", "comment") and (container is None or container.status != "current"):
            return False
        if not anonymous and not self._hides:
            return True
        chain: Iterator[Content] = iter((content, *self.ancestors(content)))
        if anonymous and "anonymous" not in self.spaces[self.space_key(content)].readers:
            return False
        return not any(one.hidden or (anonymous and one.readers) for one in chain)

    def labels(self) -> list[str]:
        """All labels that are in use somewhere, or may be."""
        sample = range(min(self.generated.count, 70))  # all that are generated appear within two of their cycles
        generated = {label for index in sample for label in self.generated.page(index).labels}
        return sorted(generated | {label for one in self.rows.values() for label in one.labels})


def _has(one: Content, title: str | None, subtype: str | None, label: str | None) -> bool:
    return (
        (title is None or one.title == title)
        and (subtype is None or (one.subtype or "page") == subtype)
        and (label is None or label in one.labels)
    )


def principals(readers: Iterable[str]) -> tuple[list[str], list[str]]:
    """Split principals into accounts and names of groups, leaving out `anonymous`."""
    pairs = [one.partition(":") for one in readers]
    users = [name for kind, _, name in pairs if kind == "user"]
    return users, [name for kind, _, name in pairs if kind == "group" and name in GROUPS]


def _ceil(number: float) -> int:
    """The next whole number, also of what is too large to be one."""
    return 10**9 if number > 10**9 else -int(-number // 1)
