"""Bodies that take a request of their own: the details of a record, and files. Called from any thread, when a body is needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, BinaryIO

from knowledge_connector import Document, DocumentError
from knowledge_connector.kit.download import download
from knowledge_connector_rest.calling import Shape
from knowledge_connector_rest.expressions import as_text

if TYPE_CHECKING:
    from knowledge_connector_rest.calling import Caller
    from knowledge_connector_rest.config import FileBody, Resource
    from knowledge_connector_rest.mapping import Mapper, Surroundings
    from knowledge_connector_rest.paging import Record

Body = tuple[Callable[[], str | BinaryIO] | str, str | None, int | None]
"""A body, its media type, its size."""


class Bodies:
    """Makes the documents of one resource, each with a body that is there or will be fetched."""

    def __init__(self, resource: Resource, mapper: Mapper, caller: Caller) -> None:
        self._resource = resource
        self._mapper = mapper
        self._caller = caller

    def document(self, record: Record, place: Surroundings) -> Document:
        """The document that a record stands for.

        Raises:
            DocumentError: A field cannot be computed, or the details cannot be had.
        """
        details = self._resource.details
        if details is not None and details.when == "listing":
            record = self.detailed(record, place, place.prefix + self._mapper.id_of(record, place))
        body, media_type, size = self._body(record, place)
        return self._mapper.document(record, place, body, media_type, size)

    def detailed(self, record: Record, place: Surroundings, document_id: str) -> Record:
        """The record with what a request for its details adds.

        Raises:
            DocumentError: It is gone, or forbidden.
        """
        details, caller = self._resource.details, self._caller
        if details is None:
            return record
        scope = caller.scope(record=record, parent=place.parent or {}, item={"value": place.item}, cursor={})
        call = caller.call(
            details.method,
            details.path,
            scope,
            query=details.query,
            headers=self._resource.headers,
            body=details.body,
        )
        found = caller.page(call, shape_of_one(self._resource, caller, details.record, document_id)).records
        if not found or not isinstance(found[0], dict):
            raise DocumentError("its details are empty", code="not-found", where="origin", document_id=document_id)
        return record | found[0]

    def _body(self, record: Record, place: Surroundings) -> Body:
        file = self._resource.file
        link = self._mapper.link(file.url, record, place) if file else None
        if file and link:
            return self._file(file, link, record, place)
        details = self._resource.details
        if details is None or details.when == "listing":
            text = self._mapper.body(record, place)
            return text, self._mapper.media_type, len(text.encode("utf-8", "surrogatepass"))
        document_id = place.prefix + self._mapper.id_of(record, place)
        return (
            lambda: self._mapper.body(self.detailed(record, place, document_id), place),
            self._mapper.media_type,
            None,
        )

    def _file(self, file: FileBody, link: str, record: Record, place: Surroundings) -> Body:
        media_type = (
            as_text(self._mapper.value(file.media_type, record, place)).partition(";")[0].strip().lower() or None
        )
        size = _size(self._mapper.value(file.size, record, place))
        document_id = place.prefix + self._mapper.id_of(record, place)
        caller = self._caller
        scope = caller.scope(parent=place.parent or {}, item={"value": place.item}, cursor={})
        headers = caller.headers(scope, self._resource.headers) if caller.is_ours(link) else {}

        def fetch() -> BinaryIO:
            return download(
                caller.client,
                link,
                document_id=document_id,
                max_bytes=file.max_bytes,
                expected_bytes=size,
                headers=headers,
                auth=caller.auth,
            )

        return fetch, media_type, size


def shape_of_one(resource: Resource, caller: Caller, record: str | None, document_id: str) -> Shape:
    """How an answer about one document is read."""
    return Shape(
        decoder=resource.decoder,
        records=record,
        rules=(*resource.rules, *caller.config.rules),
        document_id=document_id,
    )


def _size(value: Any) -> int | None:
    text = as_text(value)
    return int(text) if text.isdigit() else None
