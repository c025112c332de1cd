"""The options of `type = "confluence"`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from knowledge_connector import RemoteConfig
from knowledge_connector.kit.config import Options

Kind = Literal["page", "blogpost"]

GATEWAY_PATH = "/ex/confluence/"
MEGABYTE = 1024 * 1024


class ApiTokenAuth(Options):
    """Cloud: the e-mail address of an account and one of its API tokens, scoped or not."""

    type: Literal["api_token"] = Field(description="E-mail address and API token of a Cloud account.")
    email: str = Field(min_length=1, description="E-mail address of the account that the token belongs to.")
    api_token: SecretStr = Field(description="API token; one with scopes needs the gateway's address in `base_url`.")


class TokenAuth(Options):
    """A token that is sent as it is: a personal access token of Data Center, or one of a service account on Cloud."""

    type: Literal["token"] = Field(description="Personal access token (Data Center), or a service account's (Cloud).")
    token: SecretStr = Field(description="The token, sent as `Authorization: Bearer`.")


class PasswordAuth(Options):
    """Data Center: a user and a password."""

    type: Literal["password"] = Field(description="User name and password (Data Center).")
    username: str = Field(min_length=1, description="Name of the user.")
    password: SecretStr = Field(description="Password of the user.")


class OAuthAuth(Options):
    """Cloud: OAuth 2.0. With a refresh token an app acts for a person, without one for a service account."""

    type: Literal["oauth"] = Field(description="OAuth 2.0 (Cloud, at the gateway's address).")
    client_id: str = Field(min_length=1, description="Client ID of the app or of the service account's credential.")
    client_secret: SecretStr = Field(description="Client secret that belongs to it.")
    token_url: str = Field(default="https://auth.atlassian.com/oauth/token", description="Where tokens are to be had.")
    refresh_token_file: Path | None = Field(
        default=None,
        description="File that holds the refresh token of a person's consent. Each one serves once: the next is written "
        "into the file before its access token is used. Without it, the credential is a service account's.",
    )

    @field_validator("token_url")
    @classmethod
    def _must_be_safe(cls, value: str) -> str:
        parts = urlsplit(value)
        if not parts.hostname or (parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "::1", "localhost")):
            raise ValueError("has to be an https:// address, since a secret is sent there")
        return value


Auth = Annotated[ApiTokenAuth | TokenAuth | PasswordAuth | OAuthAuth, Field(discriminator="type")]


class ConfluenceConfig(RemoteConfig):
    """A Confluence, and what of it to take."""

    base_url: str = Field(
        description="Address of the wiki. Cloud: `https://SITE.atlassian.net/wiki`; Cloud with a scoped token, a service account "
        "or OAuth: `https://api.atlassian.com/ex/confluence/CLOUD-ID/wiki`; Data Center: with its context path, if it has one.",
        examples=["https://acme.atlassian.net/wiki", "https://wiki.example.com/confluence"],
    )
    deployment: Literal["auto", "cloud", "data_center"] = Field(
        default="auto", description="What answers there; `auto` tells by the address."
    )
    auth: Auth = Field(description="How to log in.")
    space_keys: tuple[str, ...] = Field(
        default=(),
        description="Keys of the spaces to read, with `*` and `?` where wanted; empty reads all. Of a key without such signs it "
        "is known that the space should be there: if it is not, nothing is deleted.",
        examples=[["ENG", "HR-*"]],
    )
    exclude_space_keys: tuple[str, ...] = Field(
        default=(), description="Spaces to leave out, whatever `space_keys` says."
    )
    personal_spaces: bool = Field(
        default=False, description="Read the spaces of people, too (also if `space_keys` is empty)."
    )
    archived: bool = Field(default=False, description="Read archived spaces and pages, too.")
    kinds: tuple[Kind, ...] = Field(default=("page", "blogpost"), min_length=1, description="What to read.")
    labels: tuple[str, ...] = Field(default=(), description="Read only what has at least one of these labels.")
    exclude_labels: tuple[str, ...] = Field(default=(), description="Leave out what has any of these labels.")
    ancestor_ids: tuple[str, ...] = Field(
        default=(), description="Read only these pages or folders (by id) and what lies beneath, however deep."
    )
    exclude_ancestor_ids: tuple[str, ...] = Field(
        default=(), description="Leave out these pages or folders (by id) and what lies beneath."
    )
    label_tags: bool = Field(
        default=True, description="Make labels tags. On Cloud this takes one more request for each 250 pages."
    )
    attachments: bool = Field(
        default=False, description="Read the files at pages, too. Takes one more request for each page and run."
    )
    exclude_attachments: tuple[str, ...] = Field(
        default=(
            "*.drawio",
            "*.drawio.png",
            "*.gliffy",
            "*.mxfile",
            "~*.tmp",
            "~$*",
            "*.mp4",
            "*.mov",
            "*.webm",
            "*.avi",
        ),
        description="Files to leave out, by name, with `*` and `?`; case does not count.",
    )
    max_attachment_bytes: int = Field(default=100 * MEGABYTE, ge=1, description="Larger files are not fetched.")
    comments: bool = Field(
        default=False,
        description="Put the comments of a page beneath it. Takes one or two more requests for each page and run.",
    )
    includes: Literal["link", "text"] = Field(
        default="link",
        description="What becomes of pages that a page includes: a link, or their text. The text is taken only of pages that are as "
        "visible as the one that includes them, and pages that include others are read on every run.",
    )
    mentions: bool = Field(default=True, description="Write the names of people who are mentioned; otherwise `@user`.")
    acl: bool = Field(
        default=False,
        description="Say of each document who may read it. Takes one more request for each page and run.",
    )
    live_doc_quiet_minutes: int = Field(
        default=10, ge=0, description="How long nobody may have typed in a live document before it is read."
    )
    sweep_hours: float = Field(
        default=0,
        ge=0,
        description="Between two full listings, which alone see moves, labels, restrictions and deletions, runs may ask for edited "
        "pages only, by search. `0` lists everything on every run.",
    )

    @field_validator("base_url")
    @classmethod
    def _must_be_an_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("has to begin with https:// (or http://) and name a host")
        if parts.username or parts.query or parts.fragment:
            raise ValueError("takes neither a user, nor a query, nor a fragment: only scheme, host and path")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _cloud_ends_in_wiki(self) -> Self:
        if self.is_cloud and not self.base_url.endswith("/wiki"):
            raise ValueError(f"base_url: on Cloud it ends in /wiki: {self.base_url}/wiki")
        return self

    @property
    def is_cloud(self) -> bool:
        """Whether Cloud answers at `base_url`."""
        if self.deployment != "auto":
            return self.deployment == "cloud"
        parts = urlsplit(self.base_url)
        host = parts.hostname or ""
        return host.endswith((".atlassian.net", ".jira.com")) or parts.path.startswith(GATEWAY_PATH)
