"""What Cognigy takes and what it refuses: the bodies of requests, and the envelope of refusals. Pure."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    StringConstraints,
    ValidationError,
)
from pydantic.alias_generators import to_camel

MAX_BODY_BYTES = 60_000
MAX_FILE_BYTES = 10_000_000
MAX_CHUNK_CHARS = 2000
MAX_CHUNKS = 1000
MAX_TAGS = 10
MAX_SEARCH_TAGS = 5

MISSING_ARGUMENT, INVALID_ARGUMENT = 1000, 1005
_CODES = {400: INVALID_ARGUMENT, 404: 1002, 405: 1013, 409: 1004, 500: 1008, 501: 1009}


class Refusal(Exception):
    """What Cognigy answers instead of doing it.

    Args:
        status: Of HTTP.
        detail: For people.
        code: Cognigy's own; the usual one for the status unless given.
        headers: Of the answer.
    """

    def __init__(
        self, status: int, detail: str, *, code: int | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.code = _CODES.get(status, status) if code is None else code
        self.headers = dict(headers or {})


def envelope(refusal: Refusal, instance: str) -> dict[str, Any]:
    """Give the body of an error answer."""
    words = HTTPStatus(refusal.status).phrase
    return {
        "type": words,
        "title": words,
        "status": refusal.status,
        "detail": refusal.detail,
        "instance": instance,
        "code": refusal.code,
        "traceId": f"api--{uuid.uuid4()}",
        "details": {},
    }


def _whole(value: object) -> object:
    """One client sends `1.0`."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _filled(text: str) -> str:
    if not text.strip():
        raise ValueError("should hold more than blanks")
    return text


ObjectId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]{24}$")]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Tag = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]+$")]
Tags = Annotated[list[Tag], Field(max_length=MAX_TAGS)]
LooseTags = Annotated[list[str], Field(max_length=MAX_TAGS)]
Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_$]{0,199}$")]
Value = Annotated[str, StringConstraints(max_length=1000)] | bool | int | FiniteFloat
Data = Annotated[dict[Key, Value], Field(max_length=20)]
Url = Annotated[str, StringConstraints(pattern=r"^https?://\S+$")]
Text = Annotated[str, StringConstraints(max_length=MAX_CHUNK_CHARS), AfterValidator(_filled)]
Order = Annotated[int, BeforeValidator(_whole)]


class Body(BaseModel):
    """What a request may hold: nothing else, and no type for another. On the wire names are in camelCase."""

    model_config = ConfigDict(extra="forbid", strict=True, alias_generator=to_camel)


class MetaData(BaseModel):
    """Only tags can be written; what a client has read and sends back is passed over."""

    model_config = ConfigDict(extra="ignore", strict=True)
    tags: Tags = []


class NewTags(Body):
    """The tags of an upload."""

    tags: Tags


class SourceHead(Body):
    """What the head of a ctxt file may say."""

    data: Data


class NewStore(Body):
    """POST knowledgestores."""

    name: Name
    project_id: ObjectId
    description: str = ""
    language: str = "en-US"


class StoreChange(Body):
    """PATCH a store."""

    name: Name | None = None
    description: str | None = None


class NewSource(Body):
    """POST sources. `data` can be set by PATCH only."""

    name: Name
    description: str = ""
    type: Literal["url", "manual", "pdf", "txt", "ctxt", "extension"] = "manual"
    meta_data: MetaData = MetaData()
    url: Url | None = None
    connector_id: str | None = None


class SourceChange(Body):
    """PATCH a source."""

    name: Name | None = None
    description: str | None = None
    status: Literal["ready", "disabled"] | None = None
    data: Data | None = None
    meta_data: MetaData | None = None


class NewChunk(Body):
    """POST chunks."""

    text: Text
    order: Order | None = None
    data: Data = {}


class ChunkChange(Body):
    """PATCH a chunk."""

    text: Text | None = None
    order: Order | None = None
    data: Data | None = None
    disabled: bool | None = None


class Schedule(Body):
    """When a connector runs; weekday 0 is Monday."""

    enabled: bool = False
    start: int | str | None = None
    hour: Annotated[int, Field(ge=0, le=23)] = 0
    minute: Annotated[int, Field(ge=0, le=59)] = 0
    week_days: list[Annotated[int, Field(ge=0, le=6)]] = []


class NewConnector(Body):
    """POST connectors."""

    name: Name
    extension: str
    type: str
    version: str = ""
    config: dict[str, Any] = {}
    schedule: Schedule = Schedule()


class ConnectorChange(Body):
    """PATCH a connector."""

    name: Name | None = None
    extension: str | None = None
    type: str | None = None
    version: str | None = None
    config: dict[str, Any] | None = None
    schedule: Schedule | None = None


class Announcement(BaseModel):
    """What the in-process API is told of a source. Tags are taken as they are."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Name
    description: str = ""
    tags: LooseTags = []
    chunk_count: Annotated[int, Field(ge=0)]
    content_hash_or_timestamp: str
    external_identifier: str | None = None


BodyT = TypeVar("BodyT", bound=BaseModel)


def read_json(content: bytes) -> dict[str, Any]:
    """Read the body of a request; none at all counts as `{}`.

    Raises:
        Refusal: It is too large (413), or no JSON object (400).
    """
    if len(content) > MAX_BODY_BYTES:
        raise Refusal(413, f"the body has {len(content)} bytes; {MAX_BODY_BYTES} are allowed")
    try:
        body = json.loads(content or b"{}", parse_constant=_no_number)
    except ValueError:  # also what is not UTF-8
        raise Refusal(400, "the body is not JSON") from None
    if not isinstance(body, dict):
        raise Refusal(400, "the body is no JSON object")
    return body


def checked(model: type[BodyT], values: Mapping[str, Any]) -> BodyT:
    """Read values as this model does.

    Raises:
        Refusal: They do not fit; the code tells a missing field from a wrong one.
    """
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        code = MISSING_ARGUMENT if first["type"] == "missing" else INVALID_ARGUMENT
        raise Refusal(400, f"{place}: {first['msg']}", code=code) from None


def changes_of(body: BaseModel) -> dict[str, Any]:
    """Give what a PATCH names, whatever it says; fields that it does not name are left alone.

    Raises:
        Refusal: It says `null`.
    """
    changes = body.model_dump(by_alias=True, exclude_unset=True)
    for name, value in changes.items():
        if value is None:
            raise Refusal(400, f"{name}: null is no value")
    return changes


def check_chunk(text: str, data: Mapping[str, Any]) -> None:
    """Text and data count together.

    Raises:
        Refusal: They are too long.
    """
    taken = len(text) + sum(len(key) + len(str(value)) for key, value in data.items())
    if taken > MAX_CHUNK_CHARS:
        raise Refusal(400, f"text and data have {taken} characters together; {MAX_CHUNK_CHARS} are allowed")


def check_id(value: str) -> str:
    """Give an id of a path back.

    Raises:
        Refusal: It is none.
    """
    if len(value) != 24 or not value.isascii() or not value.isalnum() or value != value.lower():
        raise Refusal(400, f"{value!r} is no id: 24 of a-z and 0-9")
    return value


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is no JSON")
