"""What the emulated services hold: texts made from a number when asked for, with changes laid over them.

Nothing is stored of a document that nobody changed, so there may be a million; a page costs no more for that.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

from knowledge_connector.testing.emulation import Rows, Services, Store

DEFAULT_DOCUMENTS = 40
FIRST_DAY = datetime(2024, 1, 1, tzinfo=UTC)
"""Document 0 was written then, and each of the others a minute after the one before."""

ARTICLES_PER_CATEGORY = 20

_TOPICS = (
    "Invoices",
    "Passwords",
    "Parking",
    "Holidays",
    "Printers",
    "Contracts",
    "Deliveries",
    "Travel",
    "Backups",
    "Visitors",
)
_VERBS = ("change", "cancel", "order", "check", "approve", "renew", "report", "find", "share", "archive")
_PLACES = ("the portal", "the front desk", "the help page", "your team lead", "the shared calendar")


@dataclass(frozen=True, slots=True)
class Article:
    """One document, as it is at this moment."""

    index: int
    title: str
    text: str
    category: int
    readers: tuple[str, ...]
    version: int
    updated_at: datetime
    gone: bool = False

    @property
    def html(self) -> str:
        """As a page: headings, a list, a table, a link."""
        first, *rest = self.text.split("\n")
        steps = "".join(f"<li>{line}</li>" for line in rest)
        return (
            f"<h2>In short</h2><p>{first}</p><ol>{steps}</ol>"
            f"<table><tr><th>Answer</th><th>Questions</th></tr><tr><td>{self.index}</td><td>{self.index * 7 % 50}</td></tr></table>"
            f'<p>See also <a href="/help/{self.index}">the help page</a>.</p><script>track({self.index})</script>'
        )


class Shelf:
    """The documents of one service.

    Args:
        name: Of the service.
        services: For the clock.
        store: Where the changes are kept.
    """

    def __init__(self, name: str, services: Services, store: Store) -> None:
        self.name = name
        self._services = services
        self._store = store

    @property
    def changed(self) -> Rows:
        """What was changed, by index."""
        return self._store.table(f"{self.name}-changed")

    @property
    def gone(self) -> Rows:
        """What was deleted, by index."""
        return self._store.table(f"{self.name}-gone")

    @property
    def count(self) -> int:
        """How many there ever were."""
        size = self._store.table("size")
        base = int(size["documents"]["count"]) if "documents" in size else 0
        return base + (int(size[self.name]["count"]) if self.name in size else 0)

    @property
    def total(self) -> int:
        """How many there are."""
        return self.count - len(self.gone)

    @property
    def categories(self) -> int:
        """How many categories there are."""
        return max(3, self.count // ARTICLES_PER_CATEGORY)

    def get(self, index: int) -> Article | None:
        """One document, also one that is gone; `None` if it never was."""
        if not 0 <= index < self.count:
            return None
        changes = self.changed.get(str(index), {})
        grave = self.gone.get(str(index))
        stamp = grave or changes
        return Article(
            index,
            changes.get("title") or _title(index),
            changes.get("text") or _text(index),
            int(changes.get("category", index % self.categories)),
            tuple(changes.get("readers", ("everyone",))),
            int(changes.get("version", 1)),
            datetime.fromisoformat(stamp["at"]) if stamp else FIRST_DAY + timedelta(minutes=index),
            gone=grave is not None,
        )

    def after(self, index: int, limit: int) -> list[Article]:
        """The next ones behind an index, in the order in which they were written."""
        return list(islice(self._alive(range(index + 1, self.count)), limit))

    def slice(self, offset: int, limit: int) -> list[Article]:
        """So many from the n-th on."""
        if not 0 <= offset < self.total:
            return []
        return self.after(self._index_of(offset) - 1, limit)

    def since(self, moment: datetime, position: tuple[str, int], limit: int) -> list[Article]:
        """What was changed or deleted at a moment or later, the oldest first, behind a position (moment and index)."""
        begin = max(moment.isoformat(), position[0])
        first = max(0, int((datetime.fromisoformat(begin) - FIRST_DAY).total_seconds() // 60))
        touched = {int(key) for key in (*self.changed, *self.gone)}
        untouched = (self.get(index) for index in range(first, self.count) if index not in touched)
        late = sorted((one for one in map(self.get, touched) if one), key=_stamp)
        found = (
            one for one in (*islice(_behind(untouched, begin, position), limit), *_behind(iter(late), begin, position))
        )
        return sorted(found, key=_stamp)[:limit]

    def in_category(self, category: int) -> list[Article]:
        """All of one category; there are few in each."""
        moved = {int(key) for key, row in self.changed.items() if "category" in row}
        indexes = sorted({*range(category, self.count, self.categories), *moved})
        return [one for one in self._alive(indexes) if one.category == category]

    def deleted(self) -> list[Article]:
        """All that is gone, the first first."""
        return sorted((one for one in (self.get(int(key)) for key in self.gone) if one), key=_stamp)

    # ----------------------------------------------------------------------------------------------------------- changes

    def add(self) -> Article:
        """Write another."""
        size = self._store.table("size")
        size[self.name] = {"count": (int(size[self.name]["count"]) if self.name in size else 0) + 1}
        return self._amended(self.count - 1, title=f"News {self.count}")

    def amend(self, index: int, **fields: object) -> Article:
        """Change something.

        Raises:
            ValueError: There is no such document.
        """
        self.living(index)
        return self._amended(index, **fields)

    def remove(self, index: int) -> Article:
        """Delete.

        Raises:
            ValueError: There is no such document.
        """
        found = self.living(index)
        self.gone[str(index)] = {"at": self._now()}
        return found

    def living(self, index: int) -> Article:
        """One document that is there.

        Raises:
            ValueError: There is no such document.
        """
        found = self.get(index)
        if found is None or found.gone:
            raise ValueError(f"there is no document {index} in {self.name}; there are 0 to {self.count - 1}")
        return found

    def _amended(self, index: int, **fields: object) -> Article:
        before = self.changed.get(str(index), {})
        self.changed[str(index)] = {**before, **fields, "version": int(before.get("version", 1)) + 1, "at": self._now()}
        found = self.get(index)
        assert found is not None  # noqa: S101  # it has just been written
        return found

    def _now(self) -> str:
        return self._services.clock.now().isoformat()

    # --------------------------------------------------------------------------------------------------------------- order

    def _alive(self, indexes: range | list[int]) -> Iterator[Article]:
        gone = self.gone
        for index in indexes:
            if str(index) not in gone:
                found = self.get(index)
                if found:
                    yield found

    def _index_of(self, rank: int) -> int:
        """The index of the n-th that is alive."""
        gone = sorted(int(key) for key in self.gone)
        index = rank
        while (shifted := rank + bisect_right(gone, index)) != index:
            index = shifted
        return index


def _behind(found: Iterator[Article | None], begin: str, position: tuple[str, int]) -> Iterator[Article]:
    for one in found:
        if one and one.updated_at.isoformat() >= begin and _stamp(one) > position:
            yield one


def _stamp(one: Article) -> tuple[str, int]:
    return one.updated_at.isoformat(), one.index


def _title(index: int) -> str:
    topic, verb = _TOPICS[index % 10], _VERBS[index // 10 % 10]
    return f"{topic}: how to {verb} them ({index})"


def _text(index: int) -> str:
    topic, verb, place = _TOPICS[index % 10].lower(), _VERBS[index // 10 % 10], _PLACES[index % 5]
    lines = [
        f"To {verb} {topic}, go to {place}. This is answer number {index}.",
        f"Open {place} and choose {topic}.",
        f"Say what you want to {verb}, and why.",
        f"Wait for an answer; it comes within {index % 7 + 1} days.",
    ]
    return "\n".join(lines)
