"""The options of `type = "intellia"`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr

from knowledge_connector import TargetConfig

MEGABYTE = 1_000_000

DESCRIPTION = "Documents kept in step with where they are written. Consult it for questions about them."
"""What a new knowledge base tells the models about itself, unless the configuration has better words."""


class IntelliaConfig(TargetConfig):
    """A knowledge base of an Intellia organisation."""

    base_url: str = Field(
        default="https://api.intellia.com.au",
        pattern=r"^https?://[^?#\s]+$",
        description="Address of the API, up to where `/orgs/…` begins.",
    )
    organization_id: str = Field(
        pattern=r"^[A-Za-z0-9_-]+$", description="Id of the organisation that the API key belongs to."
    )
    api_key: SecretStr = Field(
        min_length=1,
        description="API key of the organisation with the rights to read and write `knowledge_bases` (a user's JWT works, too).",
    )
    knowledge_base: str = Field(
        min_length=1,
        max_length=255,
        description="Title or id of the knowledge base.",
        examples=["Support", "kb-5xq2m7c4w3ha"],
    )
    create_missing: bool = Field(
        default=True,
        description="Make the knowledge base at the first write if there is none of that title. Nothing is made for "
        "something that begins with `kb-`, which is taken for an id.",
    )
    description: str | None = Field(
        default=None,
        min_length=1,
        description="What the knowledge base is about, for the models that choose among several. If given, the knowledge base "
        "gets it with the first write of a run; if not, what it has stays.",
    )
    base_type: Literal["ORGANIZATION", "PERSONAL"] = Field(
        default="ORGANIZATION", description="Whose knowledge base it is: looked for, and made, as this type only."
    )
    ready_timeout_seconds: float = Field(
        default=600, gt=0, description="How long a file may take from its upload until it is searchable."
    )
    poll_seconds: float = Field(
        default=2, gt=0, le=15, description="First pause between two looks at files on their way; it grows to 15 s."
    )
    max_file_bytes: int = Field(
        default=50 * MEGABYTE,
        ge=MEGABYTE,
        description="Larger documents are refused. Intellia does not say what it takes.",
    )
    concurrency: int = Field(
        default=16, ge=1, le=64, description="Documents on their way at a time; each waits for its ingestion."
    )
    requests_per_minute: int | None = Field(
        default=None,
        ge=1,
        description="Upper bound of the requests per minute, if you know one. Intellia names none; without it the "
        "sync pauses when it is asked to.",
    )
    check_search: bool = Field(
        default=True,
        description="After a run that wrote something, search for the last document and warn if it is not found.",
    )
