"""What may happen to a wiki while somebody reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from knowledge_connector_confluence.emulator.model import (
    GONE,
    GROUPS,
    IN_TREE,
    PEOPLE_TEAM,
    READABLE,
    USERS,
    Content,
    Kind,
)
from knowledge_connector_confluence.emulator.paging import whole
from knowledge_connector_confluence.emulator.world import Query, World

KINDS: Mapping[str, str] = {
    "create": "a new page (`title`, `space`, `parent`)",
    "edit": "a page is written anew (`id`)",
    "minor_edit": "the same, without notice (`id`)",
    "rename": "a page gets another title (`id`, `title`)",
    "move_parent": "a page with what is below it moves beneath another page of its space (`id`, `parent`)",
    "move_space": "a page with what is below it moves to another space (`id`, `space`)",
    "label": "a page gets a label (`id`, `label`) or, with `remove=yes`, loses it",
    "restrict": "a page may be read by few (`id`, `to`: `group:NAME`, `user:ACCOUNT`, several by commas, or `nobody` for no restriction)",
    "archive": "a page is archived (`id`)",
    "trash": "a page goes into the trash; what is below it goes up (`id`)",
    "purge": "a page is gone for good, with its attachments (`id`)",
    "restore": "what was archived or thrown away comes back (`id`)",
    "attach": "a page gets an attachment (`id`, `title`)",
    "attachment_version": "an attachment gets new bytes (`id`)",
    "trash_attachment": "an attachment goes into the trash (`id`)",
    "archive_space": "a space is archived (`space`)",
    "restore_space": "an archived space comes back (`space`)",
    "share_space": "a space may be read by `to` (as with `restrict`, or `anonymous`)",
    "hide": "a page and what is below it are not for the account any more (`id`)",
    "show": "they are again (`id`)",
}

FIRST_CREATED = 900_000_000
_STEP = 7  # from one page that is picked to the next

Arguments = Mapping[str, str]


class Changes:
    """Lets things happen.

    Args:
        world: The wiki.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._kinds: dict[str, Callable[[Arguments], str]] = {kind: getattr(self, f"_{kind}") for kind in KINDS}

    def change(self, kind: str, arguments: Arguments) -> str:
        """Let one of `KINDS` happen, and say what did.

        Raises:
            ValueError: There is no such kind, page or space, or it cannot happen to this one.
        """
        if kind not in self._kinds:
            raise ValueError(f"there is no change {kind!r}, but {', '.join(KINDS)}")
        return self._kinds[kind](arguments)

    # --------------------------------------------------------------------------------------------------- what is meant

    def _meant(self, arguments: Arguments, kinds: tuple[Kind, ...] = READABLE) -> Content:
        """The content of the id that was given, or a page that nothing hangs on, another one each time."""
        if "id" not in arguments:
            return self._picked(kinds)
        found = self._world.find(arguments["id"])
        if found is None or found.kind not in kinds:
            raise ValueError(f"id: there is no {' or '.join(kinds)} {arguments['id']!r}")
        return found

    def _picked(self, kinds: tuple[Kind, ...]) -> Content:
        if kinds[0] == "attachment":
            return self._other(Query(kinds=("attachment",)))
        generated = self._world.generated
        for _ in range(generated.count):
            one = generated.page(self._world.next_number() * _STEP % generated.count)
            if one.id not in self._world.rows and not self._has_children(one):
                return one
        raise ValueError("id: every page was changed already; say which is meant")

    def _has_children(self, one: Content) -> bool:
        return len(self._world.children(one.id, ("page",))) > 0

    def _other(self, query: Query) -> Content:
        found = self._world.listing(query)
        if not found:
            raise ValueError(f"id: there is no {query.kinds[0]}")
        return found[self._world.next_number() * _STEP % len(found)]

    def _space(self, arguments: Arguments, otherwise: str) -> str:
        key = arguments.get("space", otherwise)
        if key not in self._world.spaces:
            raise ValueError(f"space: there is none of the key {key!r}, but {', '.join(self._world.spaces)}")
        return key

    def _written(self, one: Content, *, minor: bool = False) -> Content:
        """The next version of a content."""
        return replace(one, version=one.version + 1, minor=minor, modified=self._world.now)

    # --------------------------------------------------------------------------------------------------------- contents

    def _create(self, arguments: Arguments) -> str:
        number = self._world.next_number()
        above = self._world.find(arguments.get("parent", ""))
        key = self._space(arguments, above.space if above else self._world.generated.spaces[0].key)
        parent = arguments.get("parent", self._world.spaces[key].home)
        if "parent" in arguments and (above is None or above.space != key):
            raise ValueError(f"parent: there is no content {parent!r} in {key}")
        now = self._world.now
        title = arguments.get("title", f"New page {number}")
        one = Content(str(FIRST_CREATED + number), "page", title, key, parent, now, now)
        self._world.put(one)
        return f"{one.id} was created in {key} with the title {title!r}"

    def _edit(self, arguments: Arguments) -> str:
        one = self._meant(arguments)
        self._world.put(replace(self._written(one), edition=one.edition + 1))
        return f"{one.id} was edited and is version {one.version + 1}"

    def _minor_edit(self, arguments: Arguments) -> str:
        one = self._meant(arguments)
        self._world.put(replace(self._written(one, minor=True), edition=one.edition + 1))
        return f"{one.id} was edited without notice and is version {one.version + 1}"

    def _rename(self, arguments: Arguments) -> str:
        one = self._meant(arguments, (*READABLE, "folder", "attachment"))
        title = arguments.get("title", f"{one.title} (renamed)")
        self._world.put(replace(self._written(one), title=title))
        return f"{one.id} was renamed to {title!r}"

    def _move_parent(self, arguments: Arguments) -> str:
        one = self._meant(arguments, ("page", "folder"))
        home = self._world.spaces[one.space].home
        parent = arguments.get("parent", home if one.parent != home else "")
        above = self._world.find(parent or self._neighbour(one, home).id)
        if above is None or above.space != one.space:
            raise ValueError(f"parent: there is no content {parent!r} in {one.space}")
        if above.id == one.id or self._world.is_beneath(above, one.id):
            raise ValueError(f"parent: {above.id} is below {one.id} itself")
        self._world.put(replace(one, parent=above.id))
        return f"{one.id} was moved from beneath {one.parent} to beneath {above.id}"

    def _neighbour(self, one: Content, home: str) -> Content:
        beside = (each for each in whole(self._world.children(home, ("page",))) if each.id != one.id)
        found = next(beside, None)
        if found is None:
            raise ValueError(f"parent: there is nothing in {one.space} to move {one.id} to")
        return found

    def _move_space(self, arguments: Arguments) -> str:
        one = self._meant(arguments, ("page", "folder"))
        others = [
            space for space in self._world.spaces.values() if space.key != one.space and space.status == "current"
        ]
        key = self._space(arguments, others[0].key)
        below = self._world.listing(Query(kinds=IN_TREE, beneath=one.id))
        family = list(whole(below))
        self._world.put(replace(one, space=key, parent=self._world.spaces[key].home))
        for each in family:
            self._world.put(replace(each, space=key))
        return f"{one.id} was moved from {one.space} to {key}, and {len(family)} below it"

    def _label(self, arguments: Arguments) -> str:
        one = self._meant(arguments)
        name = arguments.get("label", "new-label")
        kept = tuple(label for label in one.labels if label != name)
        if arguments.get("remove", "no") == "yes":
            self._world.put(replace(one, labels=kept))
            return f"{one.id} lost the label {name}"
        self._world.put(replace(one, labels=(*kept, name)))
        return f"{one.id} got the label {name}"

    def _restrict(self, arguments: Arguments) -> str:
        one = self._meant(arguments, (*READABLE, "folder"))
        readers = _principals(arguments.get("to", f"group:{PEOPLE_TEAM}"))
        self._world.put(replace(one, readers=readers))
        return f"{one.id} may be read by {', '.join(readers) or 'everybody who may read its space'}"

    def _archive(self, arguments: Arguments) -> str:
        return self._put_away(arguments, "archived")

    def _trash(self, arguments: Arguments) -> str:
        return self._put_away(arguments, "trashed")

    def _purge(self, arguments: Arguments) -> str:
        one = self._meant(arguments)
        for attachment in list(whole(self._world.attached(one.id, ("current", "trashed")))):
            self._world.put(replace(attachment, status=GONE))
        return self._put_away({"id": one.id}, GONE)

    def _put_away(self, arguments: Arguments, status: str) -> str:
        """What hangs on it goes up to where it hung."""
        one = self._meant(arguments)
        for child in list(whole(self._world.children(one.id, IN_TREE))):
            self._world.put(replace(child, parent=one.parent))
        self._world.put(replace(one, status=status))
        return f"{one.id} is {status}"

    def _restore(self, arguments: Arguments) -> str:
        if "id" not in arguments:
            away = [
                one.id
                for one in self._world.rows.values()
                if one.status in ("archived", "trashed") and one.kind in READABLE
            ]
            arguments = {"id": away[-1]} if away else arguments
        one = self._meant(arguments, (*READABLE, "attachment"))
        parent = one.parent if one.parent and self._world.find(one.parent) else self._world.spaces[one.space].home
        self._world.put(replace(one, status="current", parent=None if one.parent is None else parent))
        return f"{one.id} came back"

    # ------------------------------------------------------------------------------------------------------ attachments

    def _attach(self, arguments: Arguments) -> str:
        one = self._meant(arguments)
        number, now = FIRST_CREATED + self._world.next_number(), self._world.now
        title = arguments.get("title", f"attached-{number}.csv")
        row = Content(f"att{number}", "attachment", title, one.space, one.id, now, now, media_type="text/csv")
        self._world.put(row)
        return f"{row.id} was attached to {one.id} as {title!r}"

    def _attachment_version(self, arguments: Arguments) -> str:
        one = self._meant(arguments, ("attachment",))
        self._world.put(self._written(one))
        return f"{one.id} on {one.parent} has new bytes and is version {one.version + 1}"

    def _trash_attachment(self, arguments: Arguments) -> str:
        one = self._meant(arguments, ("attachment",))
        self._world.put(replace(one, status="trashed"))
        return f"{one.id} on {one.parent} is in the trash"

    # ----------------------------------------------------------------------------------------------- spaces and rights

    def _archive_space(self, arguments: Arguments) -> str:
        return self._with_status(arguments, "archived", "current")

    def _restore_space(self, arguments: Arguments) -> str:
        return self._with_status(arguments, "current", "archived")

    def _with_status(self, arguments: Arguments, status: str, before: str) -> str:
        """The space that was given, or the last one that it can happen to."""
        keys = [one.key for one in self._world.spaces.values() if one.status == before and one.type != "personal"]
        key = self._space(arguments, keys[-1] if keys else "")
        self._world.put_space(replace(self._world.spaces[key], status=status))
        return f"the space {key} is {status}"

    def _share_space(self, arguments: Arguments) -> str:
        key = self._space(arguments, self._world.generated.spaces[0].key)
        readers = _principals(arguments.get("to", f"group:{PEOPLE_TEAM}"))
        self._world.put_space(replace(self._world.spaces[key], readers=readers))
        return f"the space {key} may be read by {', '.join(readers) or 'nobody'}"

    def _hide(self, arguments: Arguments) -> str:
        one = self._meant(arguments, (*READABLE, "folder"))
        self._world.put(replace(one, hidden=True))
        return f"{one.id} and what is below it are hidden from the account"

    def _show(self, arguments: Arguments) -> str:
        hidden = [one.id for one in self._world.rows.values() if one.hidden]
        arguments = arguments if "id" in arguments or not hidden else {"id": hidden[-1]}
        one = self._meant(arguments, (*READABLE, "folder"))
        self._world.put(replace(one, hidden=False))
        return f"{one.id} and what is below it are shown to the account"


def _principals(text: str) -> tuple[str, ...]:
    """Read `group:NAME,user:ACCOUNT`; `nobody` is an empty list."""
    if text in ("nobody", ""):
        return ()
    known = {"anonymous", *(f"group:{name}" for name in GROUPS), *(f"user:{name}" for name in USERS)}
    parts = tuple(part.strip() for part in text.split(","))
    if wrong := [part for part in parts if part not in known]:
        raise ValueError(f"to: there is no {wrong[0]!r}, but nobody, {', '.join(sorted(known))}")
    return parts
