"""What a person may ask without a run: does it answer, what becomes of its first record, what of this one?"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from knowledge_connector import ConnectorError, Document, DocumentError, Failure, Finding, Skip, Tombstone
from knowledge_connector_rest.calling import Ignored, NotModified, Restart, Unknown
from knowledge_connector_rest.expressions import evaluate
from knowledge_connector_rest.mapping import Surroundings, expanded
from knowledge_connector_rest.records import looked_up

if TYPE_CHECKING:
    from knowledge_connector import Item
    from knowledge_connector_rest.mapping import Mapper
    from knowledge_connector_rest.paging import Record
    from knowledge_connector_rest.reading import Reading
    from knowledge_connector_rest.records import Source

_SHOWN_CHARS = 60
_SHOWN = ("id", "title", "url", "modified", "version", "language", "tags", "acl", "deleted")
_NEEDED = ("id", "acl")


class Looking:
    """Asks for one page of each resource."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def findings(self) -> Iterator[Finding]:
        """One line for each resource, and one for what its first record becomes."""
        for root in self._reading.roots():
            yield from self._of(root, Surroundings(root.prefix))

    def _of(self, source: Source, place: Surroundings) -> Iterator[Finding]:
        try:
            page, following = self._reading.first_page(source, place)
        except (Restart, NotModified, Ignored):
            yield Finding(ok=True, subject=source.name, message="answers; a rule says to go on without it")
            return
        except ConnectorError as error:
            yield Finding(ok=False, subject=source.name, message=error.message)
            return
        more = "there is more" if following else "that is all"
        counted = f"{page.url.partition('?')[0]} gave {len(page.records)} records on its first page; {more}"
        yield Finding(ok=True, subject=source.name, message=counted)
        for one in page.records[:1]:
            yield from self._first(source, place.seen(one), place)

    def _first(self, source: Source, record: Record, place: Surroundings) -> Iterator[Finding]:
        try:
            if source.mapper:
                for each, where in islice(expanded(source.resource, record, place), 1):
                    yield from _fields(source, source.mapper, each, where)
        except (DocumentError, Unknown) as error:
            yield Finding(ok=False, subject=f"{source.name} 1", message=error.message)
        for child in source.children:
            yield from self._of(child, Surroundings(child.prefix, record))

    # ---------------------------------------------------------------------------------------------------------- one document

    def sentence(self, needle: str) -> str | None:
        """Say what becomes of an id; `None` if it is not one of ours."""
        name = needle.partition("/")[0]
        source = self._reading.sources.get(name)
        if source is None or "/" not in needle:
            return None
        if source.resource.lookup is None:
            how = f"{source.resource.method} {source.resource.path}"
            return f"{needle} belongs to resource {name!r}, which is listed by {how}; without `lookup` nobody can ask for it alone."
        items = list(looked_up(source, needle, self._reading.caller))
        return f"{needle} {_verdict(items[0])}." if items else f"{needle}: the answer is empty."


def _fields(source: Source, mapper: Mapper, record: Record, place: Surroundings) -> Iterator[Finding]:
    """Each field of the first record: its value, and where it came from."""
    fields = {name: getattr(mapper.fields, name) for name in _SHOWN}
    for name, text in {**fields, **{f"metadata.{key}": one for key, one in mapper.fields.metadata.items()}}.items():
        if text is not None:
            value = mapper.value(text, record, place)
            ok = name not in _NEEDED or value not in (None, "")
            yield Finding(ok=ok, subject=f"{source.name} 1 · {name}", message=f"{_short(value)}  from {text}")
    if source.resource.filter:
        kept = "taken" if evaluate(source.resource.filter, record) else "left out"
        yield Finding(ok=True, subject=f"{source.name} 1 · filter", message=f"{kept}  by {source.resource.filter}")
    yield Finding(ok=True, subject=f"{source.name} 1 · body", message=_body(source, mapper, record, place))


def _body(source: Source, mapper: Mapper, record: Record, place: Surroundings) -> str:
    file, details = source.resource.file, source.resource.details
    if file is not None:
        return f"the file at {mapper.link(file.url, record, place)}  from {file.url}"
    where = str(mapper.fields.body)
    if details is not None and source.bodies is not None:
        record = source.bodies.detailed(record, place, place.prefix + mapper.id_of(record, place))
        where += f" of {details.path}"
    return f"{len(mapper.body(record, place)):,} characters of {mapper.fields.format}  from {where}"


def _short(value: Any) -> str:
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}…"


def _verdict(item: Item) -> str:
    match item:
        case Document():
            return f"is listed: {item.title!r}, version {item.revision or 'unknown, so it is read in every run'}"
        case Skip():
            return f"is left out: {item.reason}"
        case Tombstone():
            return "is gone at the origin"
        case Failure():
            return f"cannot be read ({item.code}): {item.message}"
        case _:
            return "cannot be told"
