"""From a record to a document: what `map` says, field by field.

record ─▶ filter, expand ─▶ fields by JMESPath or template ─▶ Document · Tombstone · Skip · Failure
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin
from zoneinfo import ZoneInfo

from knowledge_connector import Document, DocumentError, Tombstone, digest
from knowledge_connector_rest.config import MEDIA_TYPES
from knowledge_connector_rest.expressions import as_text, evaluate, value_of
from knowledge_connector_rest.paging import Record
from knowledge_connector_rest.times import read_moment

if TYPE_CHECKING:
    from knowledge_connector_rest.config import FieldMap, Resource
    from knowledge_connector_rest.expressions import Scope

_OURS = ("_parent", "_item")
"""What `Surroundings.seen` adds to a record."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where a record was found.

    Attributes:
        prefix: What its id begins with, `/` at its end.
        parent: The record that led here.
        item: The value of `for_each`.
    """

    prefix: str
    parent: Record | None = None
    item: str | int | None = None

    def seen(self, record: object) -> Record:
        """A record as expressions see it; what is no object is its `value`."""
        seen = dict(record) if isinstance(record, dict) else {"value": record}
        if self.parent is not None:
            seen["_parent"] = self.parent
        if self.item is not None:
            seen["_item"] = self.item
        return seen

    def scope(self, variables: Mapping[str, Any], record: Record) -> Scope:
        """What templates see."""
        return {"variables": variables, "record": record, "parent": self.parent or {}, "item": {"value": self.item}}


class Mapper:
    """Maps the records of one resource.

    Args:
        fields: Its `map`.
        base_url: For relative links.
        variables: For templates.
    """

    def __init__(self, resource: Resource, fields: FieldMap, base_url: str, variables: Mapping[str, Any]) -> None:
        self.fields = fields
        self._resource = resource
        self._base_url = base_url
        self._variables = variables
        self._zone = ZoneInfo(fields.timezone) if fields.timezone else None
        self._recipe = digest(repr((fields.body, fields.format, resource.details, resource.file)))[:6]

    def id_of(self, record: Record, place: Surroundings) -> str:
        """The id, without the prefix; empty if the record has none.

        Raises:
            DocumentError: It cannot be computed.
        """
        value = self._value(self.fields.id, record, place)
        return "" if isinstance(value, bool | dict | list) else as_text(value)

    def is_deleted(self, record: Record, place: Surroundings) -> bool:
        """Whether the record says that it is gone."""
        value = self._value(self.fields.deleted, record, place)
        return bool(value) and value not in ("false", "0", "no")

    def tombstone(self, record: Record, place: Surroundings) -> Tombstone:
        """The service's word that something is gone."""
        return Tombstone(place.prefix + self.id_of(record, place))

    def document(
        self,
        record: Record,
        place: Surroundings,
        body: Callable[[], Any] | str,
        media_type: str | None,
        size: int | None,
    ) -> Document:
        """Everything but the body.

        Raises:
            DocumentError: A field cannot be computed; code `acl` if it is not known who may read it.
        """
        fields = self.fields
        return Document(
            id=place.prefix + self.id_of(record, place),
            title=as_text(self._value(fields.title, record, place)).strip(),
            body=body,
            media_type=media_type,
            uri=self.link(fields.url, record, place),
            updated_at=self._modified(record, place),
            revision=self._revision(record, place, body),
            tags=tuple(_texts(self._value(fields.tags, record, place))),
            metadata=self._metadata(record, place),
            acl=self._acl(record, place),
            size_bytes=size,
        )

    def body(self, record: Record, place: Surroundings) -> str:
        """The text; what is no text is written as JSON.

        Raises:
            DocumentError: It cannot be computed.
        """
        value = self._value(self.fields.body, record, place)
        if value is None or isinstance(value, str):
            return value or ""
        for path in (*self.fields.volatile, *_OURS):
            value = _without(value, path.split("."))
        return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True)

    @property
    def media_type(self) -> str:
        """What `body` is."""
        return MEDIA_TYPES[self.fields.format]

    def link(self, text: str | None, record: Record, place: Surroundings) -> str | None:
        """An address, made absolute; `None` if there is none."""
        link = as_text(self._value(text, record, place))
        return urljoin(f"{self._base_url}/", link) if link else None

    def value(self, text: str | None, record: Record, place: Surroundings) -> Any:
        """What an expression or template gives for a record; `None` for none."""
        return self._value(text, record, place)

    def _value(self, text: str | None, record: Record, place: Surroundings) -> Any:
        return None if text is None else value_of(text, place.scope(self._variables, record))

    def _modified(self, record: Record, place: Surroundings) -> datetime | None:
        value = self._value(self.fields.modified, record, place)
        return None if value in (None, "") else read_moment(value, self._zone, self.fields.modified_format)

    def _revision(self, record: Record, place: Surroundings, body: Callable[[], Any] | str) -> str | None:
        """The service's own version, or the text, or the time; the host compares all other fields by itself."""
        version = as_text(self._value(self.fields.version, record, place))
        if not version and isinstance(body, str):
            version = digest(body)
        if not version:
            version = as_text(self._value(self.fields.modified, record, place))
        return f"{version}~{self._recipe}" if version else None

    def _metadata(self, record: Record, place: Surroundings) -> dict[str, Any]:
        wanted = {**({"language": self.fields.language} if self.fields.language else {}), **self.fields.metadata}
        found = ((name, self._value(text, record, place)) for name, text in wanted.items())
        return {name: _scalar(value) for name, value in found if value is not None}

    def _acl(self, record: Record, place: Surroundings) -> tuple[str, ...] | None:
        if self.fields.acl is None:
            return None
        value = self._value(self.fields.acl, record, place)
        if value is None:
            raise DocumentError(
                f"nothing at map.acl = {self.fields.acl!r}, so nobody knows who may read it", code="acl", where="origin"
            )
        return tuple(sorted(_texts(value)))


def expanded(resource: Resource, record: Record, place: Surroundings) -> Iterator[tuple[Record, Surroundings]]:
    """The records within a record, or the record itself.

    Raises:
        DocumentError: `expand` finds something that is no list.
    """
    if resource.expand is None:
        yield record, place
        return
    inner = evaluate(resource.expand, record)
    if not isinstance(inner, list | None):
        raise DocumentError(f"expand = {resource.expand!r} finds no list", code="mapping", where="origin")
    for one in inner or ():
        beneath = Surroundings(place.prefix, record, place.item)
        yield beneath.seen(one), beneath


def _without(value: Any, path: list[str]) -> Any:
    """Data without the field at a path; lists on the way are entered."""
    if isinstance(value, list):
        return [_without(one, path) for one in value]
    if not isinstance(value, dict):
        return value
    first, *rest = path
    if not rest:
        return {key: inner for key, inner in value.items() if key != first}
    return {key: _without(inner, rest) if key == first else inner for key, inner in value.items()}


def _texts(value: object) -> list[str]:
    if value is None:
        return []
    parts = value if isinstance(value, list) else as_text(value).split(",")
    return [text for text in (as_text(part).strip() for part in parts if not isinstance(part, dict | list)) if text]


def _scalar(value: object) -> str | int | float | bool:
    if isinstance(value, str | int | float | bool):
        return value
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
