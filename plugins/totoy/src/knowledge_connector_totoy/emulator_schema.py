"""What Totoy takes: the bodies of requests, closed and with their limits, and the problems it answers with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse

KINDS = {
    400: "invalid-request",
    401: "unauthorized",
    403: "out-of-credit",
    404: "not-found",
    405: "method-not-allowed",
    409: "conflict",
    413: "payload-too-large",
    415: "unsupported-media-type",
    429: "too-many-requests",
    500: "internal",
    503: "unavailable",
}

ENDINGS = {".pdf": "application/pdf", ".jpg": "image/jpeg", ".png": "image/png"}
LANGUAGES = frozenset("ar bs cs de en es fa fr hr hu it pl ro sk sl sr tl tr uk zh".split())  # noqa: SIM905  # as the contract lists them

ModelT = TypeVar("ModelT", bound=BaseModel)


class Problem(Exception):
    """An answer of class 4XX."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


def problem_response(status: int, detail: str, instance: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Give a problem as RFC 9457 writes it; nothing but the five members."""
    kind = KINDS.get(status, "internal" if status >= 500 else "invalid-request")
    body = {
        "type": f"https://docs.totoy.ai/probs/{kind}",
        "title": kind.replace("-", " ").capitalize(),
        "status": status,
        "detail": detail[:4096],
        "instance": instance,
    }
    return JSONResponse(body, status, headers=headers, media_type="application/problem+json")


class Closed(BaseModel):
    """A body with these fields and no others, each of its own type."""

    model_config = ConfigDict(extra="forbid", strict=True)


Name = Annotated[str, Field(min_length=1, max_length=256)]
ProjectId = Annotated[str, Field(pattern=r"^pj_[A-Za-z0-9]{25}$")]
SourceId = Annotated[str, Field(max_length=29)]


class NewProject(Closed):
    """POST /projects."""

    name: Name


class ChangedProject(Closed):
    """PATCH /projects/{id}."""

    name: Name | None = None


class NewBase(Closed):
    """POST /knowledge-bases."""

    name: Name = "Knowledge base"
    instructions: Annotated[str, Field(max_length=4096)] = ""
    project_id: ProjectId | None = None


class ChangedBase(Closed):
    """PATCH /knowledge-bases/{id}; the name may be one character shorter than at first, as the vendor's description has it."""

    name: Annotated[str, Field(min_length=1, max_length=255)] = ""
    instructions: Annotated[str, Field(max_length=4096)] = ""
    project_id: ProjectId | None = None


class DocumentFields(Closed):
    """What a document source has besides its file; all optional."""

    title: Annotated[str, Field(max_length=512)] | None = None
    backlink: Annotated[str, Field(max_length=512)] = ""
    valid_from: AwareDatetime | None = None
    valid_until: AwareDatetime | None = None
    project_id: ProjectId | None = None
    custom_metadata: Annotated[dict[str, Any], Field(max_length=10)] = {}


class ChangedText(DocumentFields):
    """PATCH /sources/{id} of a text."""

    text_content: Annotated[str, Field(max_length=1_000_000)] = ""


class NewText(ChangedText):
    """POST /sources of a text."""

    text_content: Annotated[str, Field(max_length=1_000_000)]


class Links(Closed):
    """POST /knowledge-bases/{id}/sources: one, or many."""

    source_id: SourceId | None = None
    source_ids: Annotated[list[SourceId], Field(min_length=1, max_length=1500)] | None = None

    @model_validator(mode="after")
    def _either(self) -> Links:
        if (self.source_id is None) == (self.source_ids is None):
            raise ValueError("either source_id or source_ids")
        return self


class Message(Closed):
    """One turn of a chat."""

    role: Literal["user", "assistant"]
    content: Annotated[str, Field(max_length=16_000)]


class Chat(Closed):
    """POST /knowledge-bases/{id}/chat."""

    output_language: str
    language_level: Literal["simple", "plain", "detailed"]
    messages: Annotated[list[Message], Field(min_length=1, max_length=50)]
    markdown_response: bool = True

    @model_validator(mode="after")
    def _known_language(self) -> Chat:
        if self.output_language not in LANGUAGES:
            raise ValueError(f"output_language: one of {', '.join(sorted(LANGUAGES))}")
        return self


def read_json(body: bytes, model: type[ModelT]) -> ModelT:
    """Read a body.

    Raises:
        Problem: It is no JSON, or not what the model says (400). The detail names fields and not what was in them.
    """
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False, include_context=False)
        raise Problem(400, "; ".join(f"{_place(one['loc'])}: {one['msg']}" for one in details)) from None


def _place(location: tuple[int | str, ...]) -> str:
    return ".".join(map(str, location)) or "body"


class Form:
    """A multipart body: fields, and perhaps a file."""

    def __init__(self, fields: DocumentFields, file_name: str | None, content: bytes) -> None:
        self.fields = fields
        self.file_name = file_name
        self.content = content


async def read_form(request: Request, max_file_bytes: int) -> Form:
    """Read a multipart body; empty parts stand for `null`.

    Raises:
        Problem: A field is wrong (400), the file has a wrong ending (400) or is too large (413).
    """
    async with request.form(max_part_size=10_000_000) as form:
        file = form.get("document_file")
        texts: dict[str, Any] = {name: value for name, value in form.items() if isinstance(value, str)}
        if isinstance(file, str):
            raise Problem(400, "document_file: a file")
        if "custom_metadata" in texts:
            texts["custom_metadata"] = _metadata(texts["custom_metadata"])
        for name in {"title", "valid_from", "valid_until", "project_id"} & texts.keys():
            texts[name] = texts[name] or None
        fields = read_json(json.dumps(texts).encode(), DocumentFields)
        if file is None:
            return Form(fields, None, b"")
        return Form(fields, file.filename, await _content(file, max_file_bytes))


def _metadata(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise Problem(400, "custom_metadata: JSON text") from None


async def _content(file: UploadFile, max_file_bytes: int) -> bytes:
    name = file.filename or ""
    if len(name) > 255 or not name.lower().endswith(tuple(ENDINGS)):
        raise Problem(400, f"document_file: one of {', '.join(ENDINGS)}, with a name of at most 255 characters")
    if (file.size or 0) > max_file_bytes:
        raise Problem(413, f"document_file: at most {max_file_bytes} bytes")
    return await file.read()
