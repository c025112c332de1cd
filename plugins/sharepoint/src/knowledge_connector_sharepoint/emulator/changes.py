"""What people do to the tenant while nobody syncs: each change by a word, with arguments or without."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from knowledge_connector_sharepoint.emulator.library import Item, Library
from knowledge_connector_sharepoint.emulator.login import Login
from knowledge_connector_sharepoint.emulator.pages import DAMAGED
from knowledge_connector_sharepoint.emulator.permissions import OWN
from knowledge_connector_sharepoint.emulator.tenant import DRIVES, HOME, SHELVES, Shelf
from knowledge_connector_sharepoint.emulator.world import World

Arguments = Mapping[str, str]


class Changes:
    """Does them.

    Args:
        world: What there is.
        login: For tokens.
    """

    def __init__(self, world: World, login: Login) -> None:
        self._world = world
        self._login = login

    def make(self, kind: str, arguments: Arguments) -> str:
        """Do one, and say what was done.

        Raises:
            ValueError: There is no such change, or something that it names is not there.
        """
        change = CHANGES.get(kind)
        if change is None:
            raise ValueError(f"there is no change {kind!r}; there are {', '.join(CHANGES)}")
        unknown = sorted(set(arguments) - set(change.names))
        if unknown:
            raise ValueError(
                f"{kind} knows no {', '.join(unknown)}; it knows {', '.join(change.names) or 'no arguments'}"
            )
        return change.work(self, _with_ids(arguments))

    # --------------------------------------------------------------------------------------------------------------- files

    def edit(self, library: str, given: Arguments) -> str:
        """Give something other content."""
        place, item = self._item(library, given)
        edited = place.edit(item)
        return f"{_named(place, item)} has edition {edited.edition}"

    def rename(self, given: Arguments, *, folder: bool = False) -> str:
        """Give a file or folder another name."""
        place, item = self._item("documents", given, folder=folder)
        name = given.get("name") or f"Renamed {item.version} {item.name}"
        place.rename(item, name)
        return f"{_named(place, item)} is called {name!r}"

    def move(self, given: Arguments, *, folder: bool = False) -> str:
        """Put a file or folder into another folder."""
        place, item = self._item("documents", given, folder=folder)
        to = self._folder(place, given) if given.get("to") else self._other_folder(place, item)
        if to.id == item.parent or item.id in {one.id for one in (to, *place.above(to))}:
            raise ValueError(
                f"{_named(place, item)} cannot go to {to.name!r}: it is there already, or it is that folder"
            )
        was = _named(place, item)
        place.move(item, to)
        return f"{was} is in {to.name!r}"

    def move_drive(self, given: Arguments) -> str:
        """Put a file into another library; there it is another item."""
        place, item = self._item("documents", given)
        other = self._library(given.get("to") or ("policies" if place.shelf.key != "policies" else "documents"))
        if other.shelf.kind != "files" or other.shelf.key == place.shelf.key:
            raise ValueError(f"{other.shelf.key!r} is no other library; there are {', '.join(_keys('files'))}")
        was = _named(place, item)
        place.delete(item)
        moved = other.add(other.root, item.name, like=replace(item, acl=""))
        return f"{was} is in the library {other.shelf.key!r}, with the id {moved.id}"

    def add(self, given: Arguments) -> str:
        """Put a new file into a library."""
        place = self._library(given.get("library") or "documents")
        folder = self._folder(place, given) if given.get("to") else place.root
        name = given.get("name") or f"New {len(place.log) + 1}.md"
        if place.child(folder, name):
            raise ValueError(f"there is a {name!r} already")
        added = place.add(folder, name)
        return f"{_named(place, added)} is new, with the id {added.id}"

    def delete(self, library: str, given: Arguments, *, folder: bool = False) -> str:
        """Put something into the bin."""
        place, item = self._item(library, given, folder=folder)
        was = _named(place, item)
        place.delete(item)
        return f"{was} is deleted"

    def restore(self, given: Arguments) -> str:
        """Take out of the bin what was deleted last, or what is named."""
        place = self._library(given.get("library") or "documents")
        binned = [item_id for item_id, row in place.changed.items() if row["deleted"]]
        latest = sorted(binned, key=lambda item_id: _last_line(place, item_id))
        wanted = given.get("item") or (latest[-1] if latest else "")
        if wanted not in binned:
            raise ValueError(f"{wanted!r} is not in the bin of {place.shelf.key!r}")
        item = Item(**place.changed[wanted])
        restored = place.restore(item)
        return f"{_named(place, restored)} is back"

    def share(self, given: Arguments) -> str:
        """Let others see something; without a word, by the next one."""
        place, item = self._item("documents", given)
        words = list(OWN)
        acl = given.get("acl") or words[(words.index(item.acl) + 1) % len(words) if item.acl else 0]
        if acl not in OWN:
            raise ValueError(f"there is no acl {acl!r}; there are {', '.join(OWN)}")
        place.share(item, acl)
        return f"{_named(place, item)} is shared as {acl!r}"

    def mark(self, given: Arguments, kind: str, told: str) -> str:
        """Damage a page, or repair it."""
        place, item = self._item("pages", given)
        place.mark(item, kind)
        return f"{_named(place, item)} {told}"

    # ---------------------------------------------------------------------------------------------------------- the tenant

    def close_site(self, given: Arguments) -> str:
        """Lock a site, forbid it, let it vanish, or open it."""
        site, state = given.get("site") or "vertrieb", given.get("state", "")
        self._world.close(site, state)
        return f"the site {site!r} is {state or 'open'}"

    def expire(self, given: Arguments) -> str:
        """Make delta links worthless."""
        shelves = [self._shelf(given["library"])] if given.get("library") else list(SHELVES.values())
        epochs = self._world.store.table("epochs")
        for shelf in shelves:
            epochs[shelf.code] = {"number": epochs.get(shelf.code, {"number": 0})["number"] + 1}
        return f"delta starts anew in {', '.join(shelf.key for shelf in shelves)}"

    def revoke(self, _: Arguments) -> str:
        """Make all tokens worthless."""
        return f"{self._login.revoke()} tokens are worthless now"

    # ----------------------------------------------------------------------------------------------------------- arguments

    def _shelf(self, key: str) -> Shelf:
        if key in DRIVES:
            return DRIVES[key]
        if key not in SHELVES:
            raise ValueError(f"there is no library {key!r}; there are {', '.join(SHELVES)}")
        return SHELVES[key]

    def _library(self, key: str) -> Library:
        return self._world.library(self._shelf(key).key)

    def _item(self, library: str, given: Arguments, *, folder: bool = False) -> tuple[Library, Item]:
        """What is meant, or else the first of its kind that nobody changed yet."""
        place = self._library(given.get("library") or library)
        if wanted := given.get("item"):
            return place, found_in(place, wanted)
        position: int | None = 0
        while position is not None:
            items, position = place.everything(position, 50)
            for item in items:
                if item.folder == folder and not item.kind and item.id not in place.changed:
                    return place, item
        raise ValueError(
            f"in {place.shelf.key!r} nobody left a {'folder' if folder else 'file'} unchanged; name an `item`"
        )

    def _folder(self, place: Library, given: Arguments) -> Item:
        folder = found_in(place, given["to"])
        if not folder.folder:
            raise ValueError(f"{given['to']!r} is no folder")
        return folder

    def _other_folder(self, place: Library, item: Item) -> Item:
        """The root, or the first folder elsewhere if it is there already."""
        if item.parent != place.root.id:
            return place.root
        position: int | None = 0
        while position is not None:
            items, position = place.everything(position, 50)
            for one in items:
                if one.folder and not one.kind and item.id not in {one.id, *(above.id for above in place.above(one))}:
                    return one
        raise ValueError(f"{place.shelf.key!r} has no other folder")


def found_in(place: Library, wanted: str) -> Item:
    """Give an item by its id, or by its path in the library.

    Raises:
        ValueError: It is not there.
    """
    item = place.find(wanted)
    if item is None:
        item = place.root
        for name in filter(None, wanted.split("/")):
            found = place.child(item, name)
            if found is None:
                raise ValueError(f"in {place.shelf.key!r} there is no {wanted!r}")
            item = found
    return item


def _with_ids(given: Arguments) -> Arguments:
    """The arguments with `library` and `item` instead of `id`."""
    drive, slash, item = given.get("id", "").partition("/")
    return {**given, "library": drive, "item": item} if slash else given


def _named(place: Library, item: Item) -> str:
    return f"{HOME[place.shelf.key].title} › {place.shelf.title} › {'/'.join(place.path(item))}"


def _keys(kind: str) -> list[str]:
    return [shelf.key for shelf in SHELVES.values() if shelf.kind == kind]


def _last_line(place: Library, item_id: str) -> int:
    return max(int(number) for number, row in place.log.items() if row["id"] == item_id)


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that people do.

    Attributes:
        told: What it does, for people.
        names: The arguments that it knows.
    """

    told: str
    names: tuple[str, ...]
    work: Callable[[Changes, Arguments], str]


_ITEM = ("library", "item", "id")

CHANGES: Mapping[str, Change] = {
    "edit": Change("gives a file other content", _ITEM, lambda do, given: do.edit("documents", given)),
    "rename": Change("renames a file", (*_ITEM, "name"), Changes.rename),
    "move": Change("moves a file to another folder of its library", (*_ITEM, "to"), Changes.move),
    "move_drive": Change("moves a file to another library, where it has another id", (*_ITEM, "to"), Changes.move_drive),
    "add": Change("puts a new file into a library", ("library", "to", "name"), Changes.add),
    "delete": Change("deletes a file", _ITEM, lambda do, given: do.delete("documents", given)),
    "restore": Change("takes out of the bin what was deleted last, or an item", _ITEM, Changes.restore),
    "rename_folder": Change("renames a folder; delta reports nothing of what is in it", (*_ITEM, "name"),
                            lambda do, given: do.rename(given, folder=True)),
    "move_folder": Change("moves a folder to another; delta reports nothing of what is in it", (*_ITEM, "to"),
                          lambda do, given: do.move(given, folder=True)),
    "delete_folder": Change("deletes a folder; delta reports nothing of what is in it", _ITEM,
                            lambda do, given: do.delete("documents", given, folder=True)),
    "acl": Change(f"shares a file otherwise: {', '.join(OWN)}", (*_ITEM, "acl"), Changes.share),
    "page_edit": Change("publishes another version of a page", _ITEM, lambda do, given: do.edit("pages", given)),
    "page_delete": Change("deletes a page", _ITEM, lambda do, given: do.delete("pages", given)),
    "page_damage": Change("damages the canvas of a page, so that no expanded listing works", _ITEM,
                          lambda do, given: do.mark(given, DAMAGED, "is damaged")),
    "page_repair": Change("repairs the canvas of a page", _ITEM, lambda do, given: do.mark(given, "", "is whole again")),
    "entry_edit": Change("changes an entry of a list", _ITEM, lambda do, given: do.edit("faq", given)),
    "entry_delete": Change("deletes an entry of a list", _ITEM, lambda do, given: do.delete("faq", given)),
    "site": Change("locks a site, forbids it, or lets it vanish (locked, forbidden, missing); opens it without a state",
                   ("site", "state"), Changes.close_site),
    "expire_delta": Change("makes the delta links of a library worthless, or all", ("library",), Changes.expire),
    "revoke_tokens": Change("makes all tokens worthless that were given out so far", (), Changes.revoke),
}  # fmt: skip

KINDS: Mapping[str, str] = {
    kind: f"{change.told} ({', '.join(change.names) or 'no arguments'})" for kind, change in CHANGES.items()
}
"""For people. `library` is a key of the start page or the id of a drive; `item` an id, or a path in the library; `id` both ids with a
slash between them; `to` a folder, or a library. Without arguments something is picked that nobody touched yet."""
