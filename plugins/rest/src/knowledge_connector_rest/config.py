"""The options of `type = "rest"`."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator

from knowledge_connector.kit.config import Options, RemoteConfig
from knowledge_connector_rest.authentication import Auth, NoAuth
from knowledge_connector_rest.decoding import Decoder, JsonDecoder
from knowledge_connector_rest.expressions import (
    DetailTable,
    DetailText,
    Expression,
    LookupText,
    RequestTable,
    RequestText,
    Value,
)
from knowledge_connector_rest.paging import PaginatorChoice, SinglePage
from knowledge_connector_rest.times import NUMBER, TEXT, CursorFormat, TimeFormat

MEDIA_TYPES = {
    "html": "text/html",
    "markdown": "text/markdown",
    "text": "text/plain",
    "json": "application/json",
    "csv": "text/csv",
    "xml": "application/xml",
}
Format = Literal["html", "markdown", "text", "json", "csv", "xml"]
Method = Literal["GET", "POST"]
Action = Literal["success", "ignore", "unknown", "retry", "rate_limited", "renew_credentials", "restart", "fail"]

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        raise ValueError("should be a time zone of the IANA database, such as Europe/Berlin") from None
    return name


Zone = Annotated[str, AfterValidator(_zone)]


class Rule(Options):
    """What an answer means. All conditions that are given have to hold; the first rule that fits decides."""

    status: tuple[int, ...] = Field(default=(), description="Statuses that fit; empty for all.")
    header: dict[str, str] = Field(default_factory=dict, description="Headers and a regular expression for each.")
    body: Expression | None = Field(default=None, description="JMESPath that is true for the answer.")
    text: str | None = Field(default=None, min_length=1, description="Text that the answer has somewhere.")
    action: Action = Field(
        description="`success`: read it; `ignore`: as if it had no records; `unknown`: go on without it, and keep what is known; "
        "`retry`, `rate_limited`: ask again later; `renew_credentials`: ask again with a new token; `restart`: from the first page; "
        "`fail`."
    )
    message: str = Field(default="", description="What to tell people.")
    blame: Literal["configuration", "service", "outage"] = Field(
        default="service", description="Of `fail`: whose fault it is."
    )

    @field_validator("header")
    @classmethod
    def _patterns(cls, headers: dict[str, str]) -> dict[str, str]:
        for pattern in headers.values():
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{pattern!r} is no regular expression: {error}") from None
        return headers

    @model_validator(mode="after")
    def _has_a_condition(self) -> Self:
        if not (self.status or self.header or self.body or self.text):
            raise ValueError("has no condition: one of status, header, body, text")
        return self


class Parent(Options):
    """A resource that is read once for each record of another one."""

    resource: str = Field(
        min_length=1, description="Name of the other one; its record is `parent` in templates, `_parent` in JMESPath."
    )
    key: Expression = Field(default="id", description="What tells one parent from another.")
    only_if: Expression | None = Field(
        default=None, description="Condition on the parent, for those that have children."
    )
    nested_ids: bool = Field(
        default=False,
        description="Put the parent's key into the ids: what cannot be read beneath one parent is unknown beneath that one alone. A "
        "record that moves to another parent is another document then.",
    )
    on_missing: Literal["ignore", "fail"] = Field(
        default="ignore", description="What a 404 means: a parent that went meanwhile, or trouble."
    )


class Incremental(Options):
    """Ask for what has changed since the last run."""

    cursor: Expression = Field(description="Where a record has the moment or number of its last change.")
    start_param: str | None = Field(
        default=None, description="Parameter that takes the start; `{cursor.start}` in templates does the same."
    )
    end_param: str | None = Field(default=None, description="Parameter that takes the end, where there are windows.")
    initial: str | int | None = Field(default=None, description="Where the first run starts; everything if not set.")
    format: CursorFormat = Field(
        default="iso",
        description="How the service writes and wants it: `iso`, `epoch_seconds`, `epoch_milliseconds`, `http`, a pattern such as "
        "`%Y-%m-%d`, `number`, or `text`, which is compared letter by letter.",
    )
    read_formats: tuple[TimeFormat, ...] = Field(
        default=(), description="How it is written in records, where that differs or varies; tried in turn."
    )
    timezone: Zone | None = Field(default=None, description="Zone of times that do not say theirs, in both directions.")
    lookback: float = Field(
        default=0, ge=0, description="How far to look back behind the last value: seconds, or a number."
    )
    inclusive: bool = Field(
        default=True, description="Whether the service gives records that are equal to the start, too."
    )
    granularity: float = Field(
        default=1, gt=0, description="The smallest step of the service's values: seconds, or a number."
    )
    client_side: bool = Field(default=False, description="The service cannot filter: older records are left out here.")
    newest_first: bool = Field(
        default=False, description="The newest come first: stop at the first page that has only older ones."
    )
    without_cursor: Literal["fail", "include", "exclude"] = Field(
        default="include", description="What to do with a record that has no such value."
    )
    step: float | None = Field(
        default=None,
        gt=0,
        description="Ask in windows of this size, one after another: seconds, or a number. Needs `initial`.",
    )
    end: int | None = Field(default=None, description="Last number of the last window; for moments it is now.")
    restart_after_records: int | None = Field(
        default=None,
        ge=1,
        description="The service shows no more than so many records of one listing: begin again behind the last one. Needs records in "
        "ascending order.",
    )
    full_every_hours: float | None = Field(
        default=None,
        gt=0,
        description="List everything once in so many hours, to see what is gone where the service does not say.",
    )

    @property
    def counts(self) -> bool:
        """Whether values are numbers."""
        return self.format == NUMBER

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.step is not None and (self.initial is None or self.format == TEXT):
            raise ValueError("step: windows need `initial`, and moments or numbers")
        if self.step is not None and self.counts and self.end is None:
            raise ValueError("end: windows of numbers need to know where to end")
        if self.format == TEXT and self.lookback:
            raise ValueError("lookback: nobody can look back from a text")
        if self.newest_first and self.restart_after_records:
            raise ValueError("restart_after_records: needs the oldest first, and newest_first says otherwise")
        return self


class Details(Options):
    """A request for each record that is new or has changed; its answer is the record that `map.body` sees."""

    path: DetailText = Field(min_length=1, description="Path, with `{record.…}` in it.")
    method: Method = Field(default="GET", description="GET or POST.")
    query: DetailTable = Field(default_factory=dict, description="Parameters.")
    body: DetailTable | None = Field(default=None, description="Body, sent as JSON.")
    record: Expression | None = Field(
        default=None, description="Where the answer has the record; default is all of it."
    )
    when: Literal["needed", "listing"] = Field(
        default="needed",
        description="`needed`: only if the document is new or its version has changed. `listing`: for every record in every run, where "
        "title or version can be had in no other way.",
    )


class FileBody(Options):
    """The body is a file of its own."""

    url: Value = Field(description="Its address, absolute or relative to `base_url`.")
    media_type: Value | None = Field(default=None, description="What it is; if not set, the content decides.")
    size: Value | None = Field(default=None, description="Its size in bytes.")
    max_bytes: int = Field(default=100_000_000, ge=1, description="Larger files fail.")


class Lookup(Options):
    """How to ask for one document, when it failed before and the listing begins at a cursor."""

    path: LookupText = Field(min_length=1, description="Path, with `{document.id}` in it.")
    record: Expression | None = Field(
        default=None, description="Where the answer has the record; default is all of it."
    )


class FieldMap(Options):
    """What of a record becomes what of a document: JMESPath, or templates with `{record.…}`."""

    id: Value = Field(description="What never changes.")
    title: Value | None = Field(default=None, description="Title.")
    body: Value | None = Field(default=None, description="Text; what is no text is written as JSON.")
    format: Format = Field(default="text", description="What the body is.")
    url: Value | None = Field(default=None, description="Link for people, absolute or relative to `base_url`.")
    modified: Value | None = Field(default=None, description="When it was changed.")
    modified_format: TimeFormat | None = Field(default=None, description="How that is written, if it cannot be told.")
    timezone: Zone | None = Field(default=None, description="Zone of times that do not say theirs.")
    version: Value | None = Field(
        default=None,
        description="What changes with every change of the text: a number, an ETag, a time. Without it texts are compared, and those "
        "that take a request of their own by `modified`; without that they are read in every run.",
    )
    volatile: tuple[Expression, ...] = Field(
        default=(),
        description="Plain paths (`stats.views`) to leave out where the body is data and no text.",
    )
    language: Value | None = Field(default=None, description="Language, kept as metadata.")
    tags: Value | None = Field(default=None, description="Tags: a list, or a text with commas.")
    acl: Value | None = Field(default=None, description="Who may read it: a list. A record without it fails.")
    deleted: Value | None = Field(default=None, description="Whether the record says that it is gone.")
    metadata: dict[str, Value] = Field(default_factory=dict, description="Further facts by name.")


class Resource(Options):
    """One thing to ask for, page by page."""

    path: RequestText = Field(
        min_length=1, description="Path beneath `base_url`, with templates.", examples=["/v1/tickets"]
    )
    method: Method = Field(default="GET", description="GET or POST.")
    query: RequestTable = Field(default_factory=dict, description="Parameters; lists become several.")
    headers: dict[str, RequestText] = Field(
        default_factory=dict, description="Headers, besides those of all resources."
    )
    body: RequestTable | None = Field(default=None, description="Body, sent as JSON.")
    form: RequestTable | None = Field(default=None, description="Body, sent as a form.")
    decoder: Decoder = Field(default=JsonDecoder(type="json"), description="How answers are written.")
    records: Expression = Field(default="@", description="Where an answer has its records.", examples=["data.items"])
    no_records: Literal["fail", "empty"] = Field(
        default="fail", description="What it means if there is nothing at `records`, not even an empty list."
    )
    paginator: PaginatorChoice = Field(default=SinglePage(), description="How to get from one page to the next.")
    filter: Expression | None = Field(default=None, description="Condition on records; others are left out.")
    expand: Expression | None = Field(
        default=None,
        description="A list within each record, each of whose elements is a record then; the outer one is its `_parent`.",
    )
    map: FieldMap | None = Field(default=None, description="What becomes of records; without it they are parents only.")
    details: Details | None = Field(default=None, description="A further request for the body.")
    file: FileBody | None = Field(default=None, description="A file as the body.")
    incremental: Incremental | None = Field(default=None, description="Ask for changes only.")
    parent: Parent | None = Field(default=None, description="Read once for each record of another resource.")
    for_each: tuple[str | int, ...] = Field(
        default=(), description="Read once for each of these; `{item.value}` in templates."
    )
    tombstones_of: str | None = Field(
        default=None, description="Name of the resource whose deleted documents these records name, by `map.id`."
    )
    lookup: Lookup | None = Field(default=None, description="How to ask for one document.")
    conditional: bool = Field(
        default=False,
        description="Ask a single page whether it has changed (ETag, Last-Modified) before it is read again.",
    )
    rules: tuple[Rule, ...] = Field(default=(), description="What answers mean; before those of all resources.")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.body is not None and self.form is not None:
            raise ValueError("has both body and form; one of them is right")
        if (self.body or self.form) and self.method == "GET":
            raise ValueError('body: a GET has none; `method = "POST"` has')
        if self.file and self.details and self.details.when == "needed":
            raise ValueError('file: with details, these have to be there at the listing: `details.when = "listing"`')
        if self.conditional and (self.parent or not isinstance(self.paginator, SinglePage)):
            raise ValueError("conditional: works for a single page only")
        if self.tombstones_of and self.map is None:
            raise ValueError("tombstones_of: needs `map.id`")
        if self.map and self.map.body is None and not (self.tombstones_of or self.file):
            raise ValueError("map.body: is missing, so documents would be empty; or is the text a `file`?")
        return self


class RestConfig(RemoteConfig):
    """A web service, and what of it to read."""

    base_url: str = Field(description="Address of the service.", examples=["https://api.example.com/v1"])
    auth: Auth = Field(default=NoAuth(), description="Who we say we are.")
    headers: dict[str, RequestText] = Field(default_factory=dict, description="Headers of all requests.")
    variables: dict[str, str | int | float | bool] = Field(
        default_factory=dict, description="Values for templates: `{variables.x}`."
    )
    secrets: dict[str, SecretStr] = Field(
        default_factory=dict, description="Secrets for headers, parameters and bodies of requests: `{secrets.x}`."
    )
    allowed_hosts: tuple[str, ...] = Field(
        default=(),
        description="Hosts (`host` or `host:port`) besides that of `base_url` to which pages may lead, with our credentials.",
    )
    list_style: Literal["repeat", "comma", "brackets"] = Field(
        default="repeat", description="How a list of parameters is written: `k=a&k=b`, `k=a,b` or `k[]=a&k[]=b`."
    )
    exhaustive: bool = Field(
        default=True,
        description="Whether what a full listing does not show is gone. If not, only the service's word deletes.",
    )
    rules: tuple[Rule, ...] = Field(default=(), description="What answers mean, for all resources.")
    resources: dict[str, Resource] = Field(min_length=1, description="What to read, by name; ids begin with it.")

    @field_validator("base_url")
    @classmethod
    def _is_web_address(cls, url: str) -> str:
        if not re.match(r"https?://[^/?#\s]+[^?#\s]*$", url):
            raise ValueError("should be an address such as https://api.example.com/v1, without a query")
        return url.rstrip("/")

    @model_validator(mode="after")
    def _has_no_password(self) -> Self:
        """Here, where what was given is not shown."""
        if urlsplit(self.base_url).password is not None:
            raise ValueError("base_url: holds a password; give it as `auth.password`, from the environment")
        return self

    @field_validator("resources")
    @classmethod
    def _lead_somewhere(cls, resources: dict[str, Resource]) -> dict[str, Resource]:
        for name, resource in resources.items():
            if not _NAME.fullmatch(name):
                raise ValueError(f"{name!r} is not a name: a-z, 0-9, _ and -, a letter or digit first")
            _check_named(resources, name, "parent.resource", resource.parent.resource if resource.parent else None)
            _check_named(resources, name, "tombstones_of", resource.tombstones_of)
            _check_no_circle(resources, name)
        if not any(resource.map and not resource.tombstones_of for resource in resources.values()):
            raise ValueError("no resource has a `map`, so there would be no documents")
        return resources


def _check_named(resources: dict[str, Resource], name: str, key: str, other: str | None) -> None:
    if other is not None and other not in resources:
        raise ValueError(
            f"{name}.{key}: names {other!r}, and there is no such resource; there are: {', '.join(resources)}"
        )


def _check_no_circle(resources: dict[str, Resource], name: str) -> None:
    seen = [name]
    parent = resources[name].parent
    while parent is not None and parent.resource in resources:
        if parent.resource in seen:
            raise ValueError(
                f"{name}.parent.resource: the parents lead in a circle: {' → '.join([*seen, parent.resource])}"
            )
        seen.append(parent.resource)
        parent = resources[parent.resource].parent


def config_values(config: RestConfig) -> dict[str, Any]:
    """What templates of requests see of the configuration."""
    secrets = {name: secret.get_secret_value() for name, secret in config.secrets.items()}
    return {"variables": config.variables, "secrets": secrets}
