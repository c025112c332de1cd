"""The options of `type = "sensay"`."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from pydantic import Field, SecretStr

from knowledge_connector import TargetConfig


class SensayConfig(TargetConfig):
    """The knowledge base of a Sensay replica."""

    base_url: str = Field(
        default="https://api.sensay.io",
        pattern=r"^https?://[^/?#]+/?$",
        description="Address of the API, without a path.",
    )
    organization_secret: SecretStr = Field(
        min_length=1,
        description="The organisation's service token (header `X-ORGANIZATION-SECRET`). It may do everything in the organisation; "
        "there are none with fewer rights.",
    )
    replica: UUID = Field(
        description="UUID of the replica that shall know the documents. It has to exist.",
        examples=["03db5651-cb61-4bdf-9ef0-89561f7c9c53"],
    )
    user_id: str | None = Field(
        default=None,
        min_length=1,
        description="User on whose behalf Sensay acts (header `X-USER-ID`); nobody's if unset.",
    )
    user_id_type: str | None = Field(
        default=None,
        min_length=1,
        description="What kind of id `user_id` is (header `X-USER-ID-TYPE`); Sensay's own if unset.",
    )
    url_key: str = Field(
        default="sensay_url",
        min_length=1,
        description="Document metadata that holds a web address: such a document becomes an entry that Sensay reads from there, be it "
        "a page, a YouTube video or a playlist. Its text is not sent.",
    )
    entries: Literal["text", "file"] = Field(
        default="text",
        description="What a document becomes: a text entry, or a Markdown file that is uploaded. Texts longer than `max_text_chars` "
        "always become files.",
    )
    patch_in_place: bool = Field(
        default=True,
        description="Give a text entry its new text, rather than making another entry and deleting the old one when the new one is "
        "ready. What the replica knows between the new text and its processing is not documented.",
    )
    max_text_chars: int = Field(
        default=1_000_000, ge=1_000, description="Longest text of a text entry. Sensay does not say what it takes."
    )
    max_file_bytes: int = Field(
        default=50_000_000,
        ge=100_000,
        le=50_000_000,
        description="Longer documents are refused. Sensay takes files up to 50 MB.",
    )
    concurrency: int = Field(
        default=16, ge=1, le=64, description="Documents on their way at a time; each waits until it is processed."
    )
    poll_seconds: float = Field(
        default=2, gt=0, le=30, description="First pause before asking how far an entry is; grows to 30 seconds."
    )
    ready_timeout_seconds: float = Field(
        default=900, gt=0, description="How long an entry may be in processing before its document counts as failed."
    )
    requests_per_minute: int | None = Field(
        default=None,
        ge=1,
        description="Upper bound of the requests per minute, if you know one. Sensay names none; without it the sync pauses when "
        "it is asked to.",
    )
