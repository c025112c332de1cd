"""The options of `type = "totoy"`."""

from __future__ import annotations

from pydantic import Field, SecretStr, field_validator

from knowledge_connector import TargetConfig

MAX_METADATA_KEYS = 4
"""Totoy takes ten pairs per source; the sync needs six of them (see `memory`)."""


class TotoyConfig(TargetConfig):
    """A knowledge base of Totoy."""

    knowledge_base: str = Field(
        min_length=1,
        max_length=255,
        description="Knowledge base to write to, by name or id (`kb_…`). One of this name is made if the project has none.",
        examples=["Support"],
    )
    api_key: SecretStr = Field(description="API key of the organisation, made in Totoy's console.")
    project: str | None = Field(
        default=None,
        min_length=1,
        max_length=256,
        description="Project of the knowledge base, by name or id (`pj_…`); made if it is named and missing. Without it: the default "
        "project, or that of the knowledge base if it is given by its id.",
    )
    instructions: str = Field(
        default="",
        max_length=4096,
        description="Instructions for the assistant, given to a knowledge base that is made here.",
    )
    metadata_keys: tuple[str, ...] = Field(
        default=(),
        max_length=MAX_METADATA_KEYS,
        description="Document metadata to keep with the source (`custom_metadata`), at most four; `description` is one of them.",
        examples=[["author", "space"]],
    )
    valid_from_key: str = Field(
        default="valid_from",
        description="Document metadata that says from when on the source may be used in answers (ISO 8601).",
    )
    valid_until_key: str = Field(
        default="valid_until",
        description="Document metadata that says until when the source may be used in answers (ISO 8601).",
    )
    concurrency: int = Field(
        default=8, ge=1, le=64, description="Batches of documents that are sent at a time; each needs a connection."
    )
    batch_documents: int = Field(
        default=64,
        ge=1,
        le=1500,
        description="Documents to a batch: they are linked by one call, and waited for together.",
    )
    poll_seconds: float = Field(
        default=2,
        gt=0,
        le=60,
        description="First pause before asking again whether a source is indexed; grows to tenfold.",
    )
    indexing_timeout_seconds: float = Field(
        default=900,
        gt=0,
        description="How long a source may take to be read and indexed before its document counts as failed.",
    )
    base_url: str = Field(
        default="https://api.totoy.ai/v1",
        pattern=r"^https?://[^?#]+$",
        description="Address of the API, with its version.",
    )

    @field_validator("metadata_keys")
    @classmethod
    def _ours_are_taken(cls, keys: tuple[str, ...]) -> tuple[str, ...]:
        # the names alone, so that reading a configuration imports nothing of the adapter
        taken = {"managed_by", "external_id", "fingerprint", "sync_state", "tags", "updated_at"} & set(keys)
        if taken:
            raise ValueError(f"{', '.join(sorted(taken))}: the sync keeps its own pair of this name; choose other keys")
        return keys
