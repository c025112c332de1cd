"""The resources of a configuration put together, and what the records of a page become."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from knowledge_connector import Checkpoint, Complete, DocumentError, Failure, Skip, Tombstone, Unavailable
from knowledge_connector_rest.bodies import Bodies, shape_of_one
from knowledge_connector_rest.calling import Unknown
from knowledge_connector_rest.changes import Changes
from knowledge_connector_rest.expressions import evaluate
from knowledge_connector_rest.mapping import Mapper, Surroundings, expanded

if TYPE_CHECKING:
    from knowledge_connector import Item
    from knowledge_connector_rest.calling import Caller
    from knowledge_connector_rest.config import Resource, RestConfig
    from knowledge_connector_rest.paging import Record


@dataclass(slots=True)
class Source:
    """A resource as it is read: with what its options turn into, and its children."""

    name: str
    resource: Resource
    changes: Changes | None
    mapper: Mapper | None
    bodies: Bodies | None
    children: list[Source] = field(default_factory=list)

    @property
    def prefix(self) -> str:
        """What the ids of its documents begin with."""
        return f"{self.resource.tombstones_of or self.name}/"

    @property
    def family(self) -> list[Source]:
        """Itself and all beneath it."""
        return [self, *(one for child in self.children for one in child.family)]


def sources_of(config: RestConfig, caller: Caller) -> dict[str, Source]:
    """Everything that the configuration names, put together."""
    made = {name: _source(name, resource, config, caller) for name, resource in config.resources.items()}
    for source in made.values():
        if source.resource.parent:
            made[source.resource.parent.resource].children.append(source)
    return made


def _source(name: str, resource: Resource, config: RestConfig, caller: Caller) -> Source:
    mapper = Mapper(resource, resource.map, config.base_url, config.variables) if resource.map else None
    return Source(
        name,
        resource,
        Changes(resource.incremental) if resource.incremental else None,
        mapper,
        Bodies(resource, mapper, caller) if mapper else None,
    )


def sorted_out(
    source: Source, place: Surroundings, raw: list[Any], is_wanted: Callable[[Record], bool]
) -> tuple[list[Item], list[Record]]:
    """Give the items of a page, of twins the last, and the records that may have children.

    Args:
        source: Whose page it is.
        place: Where it was found.
        raw: Its records.
        is_wanted: Whether a record is new enough; may raise a DocumentError.
    """
    page = _Sorting(source, place)
    for one in raw:
        page.take(place.seen(one), is_wanted)
    return page.items, page.records


@dataclass(slots=True)
class _Sorting:
    """The items of one page so far."""

    source: Source
    place: Surroundings
    records: list[Record] = field(default_factory=list)
    nameless: int = 0
    _others: list[Item] = field(default_factory=list)
    _named: dict[str, Item] = field(default_factory=dict)

    def take(self, record: Record, is_wanted: Callable[[Record], bool]) -> None:
        try:
            if not is_wanted(record):
                return
            self.records.append(record)
            if self.source.mapper:
                for inner, where in expanded(self.source.resource, record, self.place):
                    self._take_item(item_of(self.source, inner, where))
        except DocumentError as error:  # nobody can tell which document it is about
            self._others.append(Failure(self.place.prefix, error.message, error.code, beneath=True))

    def _take_item(self, item: Item | None) -> None:
        if item is None:
            self.nameless += 1
        elif not isinstance(item, Checkpoint | Complete):
            if self._named.pop(item.id, None):
                self._others.append(Skip(item.id, "duplicate-id"))
            self._named[item.id] = item

    @property
    def items(self) -> list[Item]:
        found = [*self._others, *self._named.values()]
        if self.nameless:
            wanted = self.source.resource.map.id if self.source.resource.map else ""
            message = f"{self.source.name}: {self.nameless} records of a page have nothing at map.id = {wanted!r}"
            found.append(Failure(self.place.prefix, message, "no-id", beneath=True))
        return found


def item_of(source: Source, record: Record, place: Surroundings) -> Item | None:
    """What a record says; `None` if it has no id."""
    mapper, bodies = source.mapper, source.bodies
    if mapper is None or bodies is None:
        return None
    try:
        own_id = mapper.id_of(record, place)
    except DocumentError:
        return None
    if not own_id:
        return None
    try:
        if source.resource.filter and not evaluate(source.resource.filter, record):
            return Skip(place.prefix + own_id, "filtered", excluded=True)
        if source.resource.tombstones_of or mapper.is_deleted(record, place):
            return mapper.tombstone(record, place)
        return bodies.document(record, place)
    except (DocumentError, Unavailable, Unknown) as error:
        code = error.code if isinstance(error, DocumentError) else "unavailable"
        return Failure(place.prefix + own_id, error.message, code)


def looked_up(source: Source, document_id: str, caller: Caller) -> Iterator[Item]:
    """Ask for one document by its resource's `lookup`; nothing if it has none."""
    lookup = source.resource.lookup
    if lookup is None:
        return
    scope = caller.scope(document={"id": document_id.removeprefix(source.prefix)})
    call = caller.call("GET", lookup.path, scope, query={}, headers=source.resource.headers)
    try:
        found = caller.page(call, shape_of_one(source.resource, caller, lookup.record, document_id)).records
    except DocumentError as error:
        gone = error.code in ("not-found", "gone")
        yield Tombstone(document_id) if gone else Failure(document_id, error.message, error.code)
        return
    place = Surroundings(source.prefix)
    for one in found[:1]:
        yield item_of(source, place.seen(one), place) or Failure(document_id, "the answer has no id", "no-id")
