"""What a library holds: a tree that is reckoned from numbers, what was changed since, and the order in which it was.

    number ─▶ item as it was at first ─▶ a row of the store, if it was changed ─▶ the item as it is

Nothing of the tree is stored, so that a million documents cost nothing until somebody asks for them, and a page costs what is on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from knowledge_connector.testing.emulation import Rows, Store, VirtualClock
from knowledge_connector_sharepoint.emulator import content
from knowledge_connector_sharepoint.emulator.curiosities import CURIOSITIES, EMPTY_KINDS, Curiosity
from knowledge_connector_sharepoint.emulator.shape import Shape, Spot
from knowledge_connector_sharepoint.emulator.tenant import Shelf, seed_of

ODD_SEEDS = 700_000
BIRTH = datetime(2024, 1, 8, 9, 0, tzinfo=UTC)

Why = Literal["changed", "shared", "inherited"]
"""What a line of the log is about: the item itself, who may see it, or who may see the folder that it is in."""


@dataclass(frozen=True, slots=True)
class Item:
    """A file, a folder, a page, or an entry of a list.

    Attributes:
        parent: The id of its folder; empty for the root.
        kind: What is special; see `curiosities`. `root` for the root.
        seed: What it is about.
        form: The ending of the name that it had at first, which decides its format; a rename does not rewrite it.
        version: Grows with every change.
        edition: Grows with the content alone.
        acl: Who may see it, as a word of `permissions`; empty if its folder decides.
    """

    id: str
    parent: str
    name: str
    folder: bool = False
    kind: str = ""
    seed: int = 0
    form: str = ""
    version: int = 1
    edition: int = 1
    modified: str = ""
    created: str = ""
    acl: str = ""
    deleted: bool = False

    @property
    def content(self) -> bytes:
        """Its bytes."""
        if self.folder or self.kind in EMPTY_KINDS:
            return b""
        if self.kind == "encrypted":
            return content.encrypted()
        return content.written(self.form, self.seed, self.edition)


class Library:
    """One library or list: what is in it, how it changes, and the log of that.

    Args:
        shelf: Which.
        shape: How it was at first.
        store: For what was changed.
        clock: For the times of changes.
    """

    def __init__(self, shelf: Shelf, shape: Shape, store: Store, clock: VirtualClock) -> None:
        self.shelf = shelf
        self.shape = shape
        self._store = store
        self._clock = clock

    def _table(self, name: str) -> Rows:
        return self._store.table(f"{name}/{self.shelf.code}")

    @property
    def changed(self) -> Rows:
        """Items that are not as they were at first, by id."""
        return self._table("items")

    @property
    def log(self) -> Rows:
        """What happened: `id`, `at`, `why`; by number from 1."""
        return self._table("log")

    @property
    def root(self) -> Item:
        """The folder above all."""
        return self.at(("R", 0))

    # ------------------------------------------------------------------------------------------------------------- looking

    def at(self, spot: Spot) -> Item:
        """What stood at a spot at first, as it is now."""
        row = self.changed.get(self._id(spot))
        return Item(**row) if row else self._first(spot)

    def get(self, item_id: str) -> Item | None:
        """An item, deleted or not; ids are compared by case."""
        if row := self.changed.get(item_id):
            return Item(**row)
        spot = self._spot(item_id)
        return self._first(spot) if spot else None

    def known(self, item_id: str) -> Item:
        """An item that the log names, deleted or not."""
        if item := self.get(item_id):
            return item
        raise KeyError(item_id)

    def find(self, item_id: str) -> Item | None:
        """An item that is still there."""
        item = self.get(item_id)
        return None if item is None or self.is_gone(item) else item

    def is_gone(self, item: Item) -> bool:
        """Whether it was deleted, or a folder above it."""
        return item.deleted or any(folder.deleted for folder in self.above(item))

    def above(self, item: Item) -> Iterator[Item]:
        """The folders above it, nearest first."""
        while item.parent and (folder := self.get(item.parent)):
            yield folder
            item = folder

    def path(self, item: Item) -> list[str]:
        """The names that lead to it, below the root."""
        names = [one.name for one in (item, *self.above(item)) if one.kind != "root"]
        return names[::-1]

    def children(self, folder: Item, position: int, limit: int) -> tuple[list[Item], int | None]:
        """Items of a folder from a position on, and where to go on; `None` at the end."""
        spot = self._spot(folder.id)
        ranges: list[Sequence[Spot]] = self.shape.children(spot) if spot else []
        arrived = list(self._arrivals(folder.id))
        total = sum(map(len, ranges)) + len(arrived)
        found: list[Item] = []
        while position < total and len(found) < limit:
            item = self._child(ranges, arrived, position)
            if item.parent == folder.id and not item.deleted:
                found.append(item)
            position += 1
        return found, position if position < total else None

    def _child(self, ranges: Sequence[Sequence[Spot]], arrived: Sequence[str], position: int) -> Item:
        for one in ranges:
            if position < len(one):
                return self.at(one[position])
            position -= len(one)
        return Item(**self.changed[arrived[position]])

    def child_count(self, folder: Item) -> int:
        """How many items a folder holds."""
        spot = self._spot(folder.id)
        at_first = sum(map(len, self.shape.children(spot))) if spot else 0
        return at_first - len(self._departures(folder.id)) + len(self._arrivals(folder.id))

    def child(self, folder: Item, name: str) -> Item | None:
        """A child by its name, whatever its case; looks at one after the other."""
        position: int | None = 0
        while position is not None:
            found, position = self.children(folder, position, 200)
            for item in found:
                if item.name.casefold() == name.casefold():
                    return item
        return None

    def everything(self, position: int, limit: int) -> tuple[list[Item], int | None]:
        """Items of a whole listing from a position on, folders before what is in them, and where to go on."""
        found: list[Item] = []
        while len(found) < limit:
            item = self._listed(position)
            if item is None:
                return found, None
            if not self.is_gone(item):
                found.append(item)
            position += 1
        return found, position if self._listed(position) else None

    def _listed(self, position: int) -> Item | None:
        spot = self.shape.spot(position)
        if spot:
            return self.at(spot)
        added = self._table("added")
        number = str(position - sum(count for _, count in self.shape.segments))
        return Item(**self.changed[added[number]["id"]]) if number in added else None

    def number(self, item: Item) -> int:
        """Where an item stands in a whole listing: 0 for the root. Lists call it the id of the list item."""
        kind, number = item.id[8], int(item.id[9:])
        before = 0
        for segment, count in self.shape.segments:
            if segment == kind:
                return before + number
            before += count
        return before + number

    def numbered(self, number: int) -> Item | None:
        """The item that stands there, if it is still there."""
        item = self._listed(number)
        return None if item is None or self.is_gone(item) else item

    def beneath(self, folder: Item) -> Iterator[Item]:
        """Everything below a folder that is there."""
        position: int | None = 0
        while position is not None:
            found, position = self.children(folder, position, 200)
            for item in found:
                yield item
                yield from self.beneath(item) if item.folder else ()

    # ------------------------------------------------------------------------------------------------------------ changing

    def edit(self, item: Item) -> Item:
        """Give it other content."""
        return self._keep(self._touched(item, edition=item.edition + 1))

    def rename(self, item: Item, name: str) -> Item:
        """Give it another name."""
        return self._keep(self._touched(item, name=name))

    def move(self, item: Item, folder: Item) -> Item:
        """Put it into another folder. Like the real one, this leaves the time of its last change as it was."""
        self._leave(item)
        moved = self._keep(replace(item, parent=folder.id, version=item.version + 1))
        self._arrive(moved)
        return moved

    def delete(self, item: Item) -> Item:
        """Put it into the bin, with all that is in it."""
        self._leave(item)
        return self._keep(replace(item, deleted=True, version=item.version + 1))

    def restore(self, item: Item) -> Item:
        """Take it out of the bin, with all that was in it; each of that is reported."""
        restored = self._keep(replace(item, deleted=False, version=item.version + 1))
        self._arrive(restored)
        for one in self.beneath(restored) if restored.folder else ():
            self._note(one, "changed")
        return restored

    def share(self, item: Item, acl: str) -> Item:
        """Let others see it; of a folder, what is in it is reported as well, as long as it does not decide for itself."""
        shared = replace(item, acl=acl)
        self.changed[item.id] = asdict(shared)
        self._note(shared, "shared")
        for one in self.beneath(shared) if shared.folder else ():
            if not one.acl:
                self._note(one, "inherited")
        return shared

    def mark(self, item: Item, kind: str) -> Item:
        """Make it something special, or ordinary again."""
        return self._keep(self._touched(item, kind=kind))

    def add(self, folder: Item, name: str, *, like: Item | None = None) -> Item:
        """Put something new into a folder: a file, or what `like` is, with a new id."""
        number = len(self._table("added"))
        item_id, now = self._id(("N", number)), self._now
        pattern = like or Item("", "", "", seed=number + self.shape.files, form=content.extension(name))
        item = replace(pattern, id=item_id, parent=folder.id, name=name, version=1, modified=pattern.modified or now,
                       created=pattern.created or now, deleted=False)  # fmt: skip
        self._table("added")[str(number)] = {"id": item_id}
        self._keep(item)
        self._arrive(item)
        return item

    @property
    def _now(self) -> str:
        return stamp(self._clock.now())

    def _touched(self, item: Item, *, name: str = "", edition: int = 0, kind: str | None = None) -> Item:
        return replace(
            item,
            name=name or item.name,
            edition=edition or item.edition,
            kind=item.kind if kind is None else kind,
            version=item.version + 1,
            modified=self._now,
        )

    def _keep(self, item: Item) -> Item:
        self.changed[item.id] = asdict(item)
        self._note(item, "changed")
        return item

    def _note(self, item: Item, why: Why) -> None:
        log = self.log
        log[str(len(log) + 1)] = {"id": item.id, "at": self._clock.now().isoformat(), "why": why}

    def _arrivals(self, folder: str) -> Rows:
        """Who came, by id."""
        return self._store.table(f"arrivals/{folder}")

    def _departures(self, folder: str) -> Rows:
        """Who was here at first and left, by id."""
        return self._store.table(f"departures/{folder}")

    def _leave(self, item: Item) -> None:
        if item.id in self._arrivals(item.parent):
            del self._arrivals(item.parent)[item.id]
        else:
            self._departures(item.parent)[item.id] = {}

    def _arrive(self, item: Item) -> None:
        if item.id in self._departures(item.parent):
            del self._departures(item.parent)[item.id]
        else:
            self._arrivals(item.parent)[item.id] = {}

    # -------------------------------------------------------------------------------------------------------- as it was first

    def _id(self, spot: Spot) -> str:
        return f"01{self.shelf.code}{spot[0]}{spot[1]:09d}"

    def _spot(self, item_id: str) -> Spot | None:
        kind, number = item_id[8:9], item_id[9:]
        spot = (kind, int(number)) if number.isdecimal() else ("", 0)
        return spot if self.shape.holds(spot) and item_id == self._id(spot) else None

    def _first(self, spot: Spot) -> Item:
        above = self.shape.parent(spot)
        item_id, parent, (kind, number) = self._id(spot), self._id(above) if above else "", spot
        if kind == "C":
            odd, seed, acl = CURIOSITIES[number], ODD_SEEDS + number, ""
        elif kind == "F":
            seed = seed_of(self.shelf, number)
            odd, acl = Curiosity(self._name(seed)), _first_acl(self.shelf, seed)
        else:
            odd, seed, acl = Curiosity(_FOLDERS[kind].format(number + 1), "root" * (kind == "R"), folder=True), 0, ""
        born = stamp(BIRTH + timedelta(minutes=seed))
        form = content.extension(odd.name)
        return Item(item_id, parent, odd.name, odd.folder, odd.kind, seed, form, modified=born, created=born, acl=acl)

    def _name(self, seed: int) -> str:
        if self.shelf.kind == "files":
            return content.file_name(seed)
        return f"Page-{seed:04d}.aspx" if self.shelf.kind == "pages" else f"Entry {seed + 1}"


_FOLDERS = {"R": "root", "S": "Section {:03d}", "T": "Topic {:04d}"}
_OWN_ACLS = {3: "user", 5: "group", 7: "organization", 8: "users", 11: "anonymous", 12: "nobody", 13: "everyone"}


def _first_acl(shelf: Shelf, seed: int) -> str:
    """Some files are shared one by one."""
    return _OWN_ACLS.get(seed % 16, "") if shelf.kind == "files" else ""


def stamp(moment: datetime) -> str:
    """Give a time as Graph writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
