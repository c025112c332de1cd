"""The options of `type = "sharepoint"`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from knowledge_connector.kit.config import Options, RemoteConfig

MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Cloud:
    """Where a national cloud lives. Tokens of one are worthless in another."""

    login_url: str
    graph_url: str
    sharepoint_domain: str


CLOUDS = {
    "global": Cloud("https://login.microsoftonline.com", "https://graph.microsoft.com", "sharepoint.com"),
    "gcc-high": Cloud("https://login.microsoftonline.us", "https://graph.microsoft.us", "sharepoint.us"),
    "dod": Cloud("https://login.microsoftonline.us", "https://dod-graph.microsoft.us", "sharepoint-mil.us"),
    "china": Cloud("https://login.chinacloudapi.cn", "https://microsoftgraph.chinacloudapi.cn", "sharepoint.cn"),
}
CloudName = Literal["global", "gcc-high", "dod", "china"]


class SecretAuth(Options):
    """`auth = { type = "secret" }`: a client secret of the app registration."""

    type: Literal["secret"] = Field(description="A client secret.")
    client_secret: SecretStr = Field(description="The secret's value (not its id).")


class CertificateAuth(Options):
    """`auth = { type = "certificate" }`: a certificate that the app registration knows."""

    type: Literal["certificate"] = Field(description="A certificate, which Microsoft recommends.")
    file: Path = Field(
        description="The private key and its certificate: both in one PEM file, or a `.pfx`/`.p12` file.",
        examples=["secrets/connector.pem"],
    )
    passphrase: SecretStr | None = Field(default=None, description="Opens the private key, if it is locked.")


Auth = Annotated[SecretAuth | CertificateAuth, Field(discriminator="type")]


class SharePointConfig(RemoteConfig):
    """Sites of one tenant, and what of them to take."""

    tenant: str = Field(
        min_length=1,
        pattern=r"^[A-Za-z0-9.-]+$",
        description="The directory (tenant): its id, or a domain of it.",
        examples=["contoso.onmicrosoft.com"],
    )
    client_id: str = Field(min_length=1, description="Application (client) id of the app registration.")
    auth: Auth = Field(description="How the application proves who it is.")
    sites: tuple[str, ...] = Field(
        default=(),
        description="Addresses as the browser shows them: of sites, of libraries, of folders; sharing links too. None takes every "
        "site that the application may read.",
        examples=[
            [
                "https://contoso.sharepoint.com/sites/HR",
                "https://contoso.sharepoint.com/sites/IT/Shared%20Documents/Guides",
            ]
        ],
    )
    subsites: bool = Field(default=True, description="Also read the sites beneath a site.")
    personal_sites: bool = Field(
        default=False, description="Without `sites`: also read people's own sites (OneDrive for Business)."
    )
    files: bool = Field(default=True, description="Read the files of document libraries.")
    pages: bool = Field(default=True, description="Read the modern pages and news of sites.")
    drafts: bool = Field(default=False, description="Also read pages that were never published.")
    lists: tuple[str, ...] = Field(
        default=(),
        description='Lists whose items to read, by the name that people see; `["*"]` takes every list that is not a library or the '
        "system's.",
        examples=[["Questions and answers"]],
    )
    hidden_libraries: bool = Field(
        default=False, description="Also read libraries that SharePoint hides (system libraries)."
    )
    include: tuple[str, ...] = Field(
        default=(),
        description="Gitignore-style patterns of the files to take, matched against `folder/name` within a library; empty takes all.",
        examples=[["*.docx", "Guides/"]],
    )
    exclude: tuple[str, ...] = Field(
        default=(),
        description="Gitignore-style patterns of files and folders to leave out, whatever `include` says.",
        examples=[["Archive/", "~$*"]],
    )
    builtin_excludes: bool = Field(
        default=True,
        description="Leave out what has no useful text: `*.aspx`, `*.url`, `*.one`, `*.onetoc2`, videos, Office's lock files (`~$*`).",
    )
    max_file_bytes: int = Field(
        default=50 * MEGABYTE, gt=0, description="Larger files are skipped, and counted as `too-large`."
    )
    acl: bool = Field(
        default=False,
        description="Also read who may read each file. Costs five resource units for each new or changed file, and wants the "
        "permission Sites.FullControl.All to be complete.",
    )
    units_per_minute: int = Field(
        default=1250,
        ge=10,
        description="Resource units that this process may use in a minute; what Microsoft grants grows with the tenant's licences "
        "(1,250 up to 1,000 licences, 6,250 beyond 50,000).",
    )
    units_per_day: int = Field(default=1_200_000, ge=10, description="The same for 24 hours (1,200,000 to 6,000,000).")
    user_agent: str = Field(
        default="NONISV|knowledge-connector|connector/1.0",
        min_length=1,
        pattern=r"^[\x20-\x7e]+$",
        description="How the traffic is decorated; undecorated traffic is throttled first.",
    )
    cloud: CloudName = Field(default="global", description="The Microsoft cloud of the tenant; `global` is GCC's, too.")
    login_url: str | None = Field(default=None, description="Another login host than the cloud's.")
    graph_url: str | None = Field(
        default=None, description="Another Graph host than the cloud's; tokens are asked for it."
    )
    sharepoint_domain: str | None = Field(
        default=None, description="Another domain of SharePoint hosts than the cloud's."
    )

    @field_validator("login_url", "graph_url")
    @classmethod
    def _is_secure_origin(cls, url: str | None) -> str | None:
        if url is None:
            return None
        parts = urlsplit(url)
        if parts.scheme != "https" or not parts.hostname or parts.path.strip("/") or parts.query:
            raise ValueError("should be an address such as https://graph.microsoft.com, with https and without a path")
        return url.rstrip("/")

    @field_validator("sites")
    @classmethod
    def _are_addresses(cls, sites: tuple[str, ...]) -> tuple[str, ...]:
        from knowledge_connector_sharepoint.addresses import parse_address

        for site in sites:
            parse_address(site)
        return sites

    @model_validator(mode="after")
    def _sites_are_of_the_cloud(self) -> Self:
        """A token of one cloud says nothing to the sites of another, and their error would not either."""
        domain = self.hosts.sharepoint_domain
        for site in self.sites:
            host = urlsplit(site.strip()).hostname or ""
            if not host.endswith(f".{domain}"):
                raise ValueError(
                    f"sites: {site!r} is no host of the cloud {self.cloud!r}, whose sites are at *.{domain}"
                )
        return self

    @field_validator("include", "exclude")
    @classmethod
    def _patterns(cls, lines: tuple[str, ...]) -> tuple[str, ...]:
        if lines:
            from knowledge_connector.kit.matching import (
                Patterns,
            )  # costs more to import than most configurations to read

            Patterns(lines)
        return lines

    @model_validator(mode="after")
    def _reads_something(self) -> Self:
        if not (self.files or self.pages or self.lists):
            raise ValueError("files, pages and lists are all switched off, so there is nothing to read")
        return self

    @property
    def hosts(self) -> Cloud:
        """Where to log in, where Graph is, and what SharePoint's hosts end in."""
        cloud = CLOUDS[self.cloud]
        return Cloud(
            self.login_url or cloud.login_url,
            self.graph_url or cloud.graph_url,
            self.sharepoint_domain or cloud.sharepoint_domain,
        )
