"""The options of `type = "cognigy"`."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, SecretStr, field_validator

from knowledge_connector import TargetConfig

MAX_CHARS = 2000
"""Of a chunk's text and data together."""


class CognigyConfig(TargetConfig):
    """A knowledge store of Cognigy.AI."""

    base_url: str = Field(
        description="The API of the installation, such as `https://api-trial.cognigy.ai`.",
        examples=["https://api-app.cognigy.ai"],
    )
    api_key: SecretStr = Field(description="An API key with the right to edit knowledge in the project.")
    knowledge_store: str = Field(
        min_length=1, max_length=200, description="The knowledge store: its name, or its id of 24 characters."
    )
    project_id: str | None = Field(
        default=None,
        pattern=r"^[a-z0-9]{24}$",
        description="Id of the project (24 characters, in the address of its pages). Narrows the search for the store; needed to "
        "create one.",
    )
    create_store: bool = Field(
        default=False, description="Create the knowledge store in the project if there is none of this name."
    )
    language: str = Field(default="en-US", min_length=1, description="Language of a store that is created.")
    api_path: Literal["/new/v2.0", "/v2.0"] = Field(
        default="/new/v2.0",
        description="Where the REST API 2.0 lies below `base_url`; older installations have `/v2.0`.",
    )
    metadata_keys: tuple[str, ...] | None = Field(
        default=None,
        description="Which of a document's metadata go into the source's data, for flows to read; unset: all of them. There is room "
        "for 13 pairs.",
        examples=[["author", "department"]],
    )
    max_chars: int = Field(
        default=MAX_CHARS, ge=100, le=MAX_CHARS, description="Longest chunk: its text and data together, in characters."
    )
    chunks_per_source: int = Field(
        default=1000,
        ge=1,
        le=1000,
        description="Most chunks in one source; a document of more becomes several, its parts.",
    )
    concurrency: int = Field(default=8, ge=1, le=64, description="Documents that are written at a time.")
    requests_per_5_minutes: int = Field(
        default=1000,
        ge=0,
        description="Requests to this host within five minutes, over all targets of this process; 0 for no bound. Shared "
        "installations allow 1,000 for each address they are called from.",
    )

    @field_validator("base_url")
    @classmethod
    def _is_web_address(cls, value: str) -> str:
        if not re.match(r"https?://[^/?#\s]+[^?#\s]*$", value):
            raise ValueError("should be an address such as https://api-trial.cognigy.ai, without a query")
        return value.rstrip("/")
