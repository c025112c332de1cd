"""From one page to the next: each style is a small table of options that knows its own next step.

    begin() ─▶ position ─▶ place(call, position) ─▶ request ─▶ page ─▶ following(position, page) ─▶ position or None (the end)

A position is plain data, so that it can be kept in a checkpoint. Guards against services that lead in circles are in `walking.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from knowledge_connector import digest
from knowledge_connector.kit.config import Options
from knowledge_connector_rest.expressions import Expression, evaluate

Position = dict[str, Any]
Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """A request in the making.

    Attributes:
        url: Absolute, perhaps with a query of its own.
        query: Parameters to add; a `None` is left out.
        body: To be sent as JSON; a table if parameters are to be set in it.
        form: To be sent as a form.
    """

    method: str
    url: str
    query: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    form: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One answer.

    Attributes:
        payload: What its decoder made of it.
        records: What the selector found there.
        headers: Names in lower case.
        url: Where it came from.
        next_link: Of the `Link` header, by relation.
    """

    payload: Any
    records: list[Any]
    headers: dict[str, str]
    url: str
    links: dict[str, str]
    allowed_hosts: tuple[str, ...] = ()

    def leads_to(self, link: str) -> str:
        """The absolute form of a link of this page.

        Raises:
            FatalError: It leads to a host that is not allowed.
        """
        from knowledge_connector.kit.http import next_link  # options are read without HTTP

        return next_link(link, self.url, self.allowed_hosts)


Place = Literal["query", "body", "header"]


def put(call: Call, place: Place, name: str, value: object) -> Call:
    """Add a parameter; in a body, dots in its name lead into inner tables."""
    if place == "query":
        return replace(call, query={**call.query, name: value})
    if place == "header":
        return replace(call, headers={**call.headers, name: str(value)})
    if call.form is not None:
        return replace(call, form={**call.form, name: value})
    return replace(call, body=_with(call.body or {}, name.split("."), value))


def _with(table: dict[str, Any], path: list[str], value: object) -> dict[str, Any]:
    first, *rest = path
    return {**table, first: _with(table.get(first) or {}, rest, value) if rest else value}


def is_end(token: object) -> bool:
    """What services write where there is no next page."""
    return token is None or token is False or token in ("", "null", "false")


class Paginator(Options):
    """One page is all there is."""

    def begin(self) -> Position:
        """Where the first page is."""
        return {}

    def place(self, call: Call, position: Position) -> Call:  # noqa: ARG002  # a single page has no parameters
        """The request of this page."""
        return call

    def following(self, position: Position, page: Page) -> Position | None:  # noqa: ARG002  # the same
        """Where the next page is; `None` after the last one."""
        return None

    def fresh(self, position: Position, page: Page) -> tuple[list[Any], Position | None]:  # noqa: ARG002  # the same
        """What of a page is new; a position to go back to, if something went missing between it and the page before."""
        return page.records, None

    def moved(self, position: Position, page: Page) -> bool:  # noqa: ARG002  # the same
        """Whether records were added or removed since the first page, so that some may have been missed."""
        return False


class SinglePage(Paginator):
    """One page is all there is."""

    type: Literal["single"] = Field(default="single", description="One answer has everything.")


class Counted(Paginator):
    """What paging by numbers has in common."""

    place_in: Literal["query", "body"] = Field(default="query", description="Where the numbers are sent.")
    size: int | None = Field(default=None, ge=1, description="Records to ask for at a time.")
    total: Expression | None = Field(
        default=None,
        description="Where the answer has the number of all records. It ends the listing, and if it changes meanwhile nothing is deleted.",
    )
    has_more: Expression | None = Field(default=None, description="Where the answer says whether there is more.")
    max_empty_pages: int = Field(
        default=0,
        ge=0,
        description="How many empty pages in a row are passed over; by default the first one is the end.",
    )
    stop_on_short_page: bool = Field(
        default=False,
        description="Take a page with fewer records than asked for as the last. Services may cut sizes down.",
    )

    def _goes_on(self, position: Position, page: Page, seen: int) -> bool:
        """Whether there is another page; `seen` counts records up to the end of this one."""
        if self.has_more is not None:
            return bool(evaluate(self.has_more, page.payload))
        if self.stop_on_short_page and self.size is not None and len(page.records) < self.size:
            return False
        total = self._total(page)
        if total is not None and seen >= total and len(page.records) < self._width(position, page):
            return False  # a full page may have another behind it, whatever the total says
        return bool(page.records) or position.get("empty", 0) < self.max_empty_pages

    def _width(self, position: Position, page: Page) -> int:
        """How many records a full page has here: services cut sizes down."""
        return int(position.get("width") or self.size or len(page.records))

    def _total(self, page: Page) -> int | None:
        value = evaluate(self.total, page.payload) if self.total else None
        return int(value) if isinstance(value, int | str) and str(value).isdigit() else None

    def _carried(self, position: Position, page: Page) -> Position:
        """What every position of these styles holds."""
        total = self._total(page)
        first = position.get("total", total)
        carried: Position = {
            "empty": 0 if page.records else position.get("empty", 0) + 1,
            "width": max(position.get("width", 0), len(page.records)),
        }
        if first is not None:
            carried["total"] = first
        if self.moved(position, page):
            carried["moved"] = True
        return carried

    def moved(self, position: Position, page: Page) -> bool:
        """Whether the total is another than on the first page."""
        total = self._total(page)
        return bool(position.get("moved")) or (total is not None and total != position.get("total", total))


class PagePaginator(Counted):
    """Pages have numbers."""

    type: Literal["page"] = Field(description="Pages have numbers.")
    param: str = Field(default="page", min_length=1, description="Parameter for the number of the page.")
    size_param: str | None = Field(default=None, description="Parameter for `size`.")
    first: int = Field(default=1, ge=0, description="Number of the first page.")
    total_pages: Expression | None = Field(default=None, description="Where the answer has the number of pages.")
    max_pages: int | None = Field(default=None, ge=1, description="Pages to read at most.")

    def begin(self) -> Position:
        """The first number."""
        return {"page": self.first}

    def place(self, call: Call, position: Position) -> Call:
        """Number and size."""
        call = put(call, self.place_in, self.param, position["page"])
        return put(call, self.place_in, self.size_param, self.size) if self.size_param and self.size else call

    def following(self, position: Position, page: Page) -> Position | None:
        """The next number."""
        seen = position.get("seen", 0) + len(page.records)
        done = position["page"] - self.first + 1
        pages = evaluate(self.total_pages, page.payload) if self.total_pages else None
        if (self.max_pages and done >= self.max_pages) or (isinstance(pages, int) and done >= pages):
            return None
        if not isinstance(pages, int) and not self._goes_on(position, page, seen):
            return None
        return {"page": position["page"] + 1, "seen": seen, **self._carried(position, page)}


class OffsetPaginator(Counted):
    """Records are counted, and a page begins at a number."""

    type: Literal["offset"] = Field(description="A page begins at the n-th record.")
    offset_param: str = Field(default="offset", min_length=1, description="Parameter for where the page begins.")
    limit_param: str = Field(default="limit", min_length=1, description="Parameter for `size`.")
    size: int = Field(default=100, ge=1, description="Records to ask for at a time.")
    first: int = Field(default=0, ge=0, description="Number of the first record.")
    max_records: int | None = Field(default=None, ge=1, description="Records to read at most.")
    overlap: int = Field(
        default=1,
        ge=0,
        description="How many records each page repeats of the one before: if the last one is not among them, records were removed "
        "meanwhile, and the page before is read again. 0 for services that take multiples of the size only.",
    )

    @model_validator(mode="after")
    def _goes_forward(self) -> Self:
        if self.overlap >= self.size:
            raise ValueError(f"overlap should be smaller than size ({self.size})")
        return self

    def begin(self) -> Position:
        """The first record."""
        return {"offset": self.first}

    def place(self, call: Call, position: Position) -> Call:
        """Begin, less the overlap, and size."""
        call = put(call, self.place_in, self.offset_param, self._begin(position))
        return put(call, self.place_in, self.limit_param, self.size)

    def following(self, position: Position, page: Page) -> Position | None:
        """Behind the last record that came; an empty page counts for what was asked."""
        end = self._begin(position) + (len(page.records) or self.size)
        if self.max_records and end - self.first >= self.max_records:
            return None
        repeats_only = bool(position.get("anchor")) and 0 < len(page.records) <= self.overlap
        if repeats_only or not self._goes_on(position, page, end - self.first):
            return None
        after: Position = {"offset": end, **self._carried(position, page)}
        if self.overlap and page.records:
            after["anchor"] = _mark(page.records[-1])
        return after

    def fresh(self, position: Position, page: Page) -> tuple[list[Any], Position | None]:
        """What comes behind the record that both pages have."""
        anchor = position.get("anchor")
        if anchor is None:
            return page.records, None
        marks = [_mark(record) for record in page.records]
        if anchor in marks:
            return page.records[marks.index(anchor) + 1 :], None
        back = max(self.first, self._begin(position) - self.size + self.overlap)
        return page.records, {**position, "offset": back, "anchor": None, "back": position.get("back", 0) + 1}

    def _begin(self, position: Position) -> int:
        begin: int = position["offset"]
        return max(self.first, begin - self.overlap) if position.get("anchor") else begin


class LinkPaginator(Paginator):
    """The `Link` header leads on (RFC 8288)."""

    type: Literal["link"] = Field(description="The `Link` header names the next page.")
    relation: str = Field(default="next", description="The relation that leads on.")

    def place(self, call: Call, position: Position) -> Call:
        """The link, whole as it came."""
        return _at(call, position)

    def following(self, position: Position, page: Page) -> Position | None:  # noqa: ARG002  # the page says it all
        """Where the link leads."""
        link = page.links.get(self.relation)
        return None if is_end(link) else {"url": page.leads_to(str(link))}


class NextUrlPaginator(Paginator):
    """The body has the address of the next page."""

    type: Literal["next_url"] = Field(description="The answer has the address of the next page.")
    path: Expression = Field(default="next", description="Where it has it; absolute, relative, or a query alone.")

    def place(self, call: Call, position: Position) -> Call:
        """The address, whole as it came."""
        return _at(call, position)

    def following(self, position: Position, page: Page) -> Position | None:  # noqa: ARG002  # the page says it all
        """Where it leads."""
        link = evaluate(self.path, page.payload)
        return None if is_end(link) else {"url": page.leads_to(str(link))}


def _at(call: Call, position: Position) -> Call:
    return replace(call, url=position["url"], query={}) if "url" in position else call


class Tokened(Paginator):
    """What paging by tokens has in common."""

    param: str = Field(default="cursor", min_length=1, description="Parameter that takes the token.")
    place_in: Place = Field(default="query", description="Where it is sent.")
    has_more: Expression | None = Field(default=None, description="Where the answer says whether there is more.")
    size: int | None = Field(default=None, ge=1, description="Records to ask for at a time.")
    size_param: str | None = Field(default=None, description="Parameter for `size`.")

    def place(self, call: Call, position: Position) -> Call:
        """The token, and the size."""
        if self.size_param and self.size:
            call = put(call, "body" if self.place_in == "body" else "query", self.size_param, self.size)
        return put(call, self.place_in, self.param, position["token"]) if "token" in position else call

    def following(self, position: Position, page: Page) -> Position | None:  # noqa: ARG002  # the page says it all
        """The next token."""
        if self.has_more is not None and not evaluate(self.has_more, page.payload):
            return None
        found = self._token(page)
        return None if is_end(found) else {"token": found}

    def _token(self, page: Page) -> object:
        raise NotImplementedError


class CursorPaginator(Tokened):
    """The body has a token for the next page."""

    type: Literal["cursor"] = Field(description="The answer has a token for the next page.")
    path: Expression = Field(description="Where it has it.")

    def _token(self, page: Page) -> object:
        return evaluate(self.path, page.payload)


class HeaderCursorPaginator(Tokened):
    """A header has a token for the next page."""

    type: Literal["header_cursor"] = Field(description="A header of the answer has a token for the next page.")
    header: str = Field(min_length=1, description="Which header.")

    def _token(self, page: Page) -> object:
        return page.headers.get(self.header.lower())


class LastRecordPaginator(Tokened):
    """The last record says where to go on."""

    type: Literal["last_record"] = Field(description="The next page begins behind the last record.")
    path: Expression = Field(default="id", description="What of the record is sent.")

    def _token(self, page: Page) -> object:
        return evaluate(self.path, page.records[-1]) if page.records else None


PaginatorChoice = Annotated[
    SinglePage
    | PagePaginator
    | OffsetPaginator
    | LinkPaginator
    | NextUrlPaginator
    | CursorPaginator
    | HeaderCursorPaginator
    | LastRecordPaginator,
    Field(discriminator="type"),
]


def _mark(record: object) -> str:
    """Tells one record from another: by its id if it has one, since it may be edited between two pages."""
    if isinstance(record, dict) and isinstance(record.get("id"), str | int):
        return digest(str(record["id"]))
    return digest(repr(record))
