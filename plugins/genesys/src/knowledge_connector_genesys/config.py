"""What `[targets.NAME]` with `type = "genesys"` may say."""

from __future__ import annotations

from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from knowledge_connector import TargetConfig

REGIONS = (
    "mypurecloud.com",
    "mypurecloud.ie",
    "mypurecloud.de",
    "mypurecloud.jp",
    "mypurecloud.com.au",
    "usw2.pure.cloud",
    "cac1.pure.cloud",
    "euw2.pure.cloud",
    "euc2.pure.cloud",
    "apne2.pure.cloud",
    "apne3.pure.cloud",
    "aps1.pure.cloud",
    "apse1.pure.cloud",
    "sae1.pure.cloud",
    "mec1.pure.cloud",
    "mxc1.pure.cloud",
    "use2.us-gov-pure.cloud",
    "edee1.eusc-pure.cloud",
)


class GenesysConfig(TargetConfig):
    """One organisation of Genesys Cloud. Each connector gets a knowledge source of its own in it."""

    client_id: str = Field(description="Id of an OAuth client with the grant type Client Credentials.")
    client_secret: SecretStr = Field(description="Its secret.")
    region: str = Field(default="mypurecloud.com", description="Domain of the organisation, such as `mypurecloud.de`.")
    base_url: str | None = Field(
        default=None,
        description="Address of the API where it is not `https://api.REGION`; the login is then there too, or at `login.`, as with `api.`.",
    )
    source: str = Field(
        default="Knowledge",
        min_length=1,
        max_length=200,
        description="Name of the knowledge source; the mark `(kc-by-CONNECTOR)` is added to it. It is made if it is not there.",
    )
    files_per_round: int = Field(
        default=500, ge=1, le=10_000, description="Documents that one synchronization round carries at most."
    )
    max_file_bytes: int = Field(
        default=50_000_000,
        ge=1000,
        description="Largest document in bytes of UTF-8; title, link and date come on top.",
    )
    requests_per_minute: int = Field(
        default=300, ge=1, le=3000, description="Requests to the API per minute; uploads of contents do not count."
    )
    patience_seconds: float = Field(
        default=1800, gt=0, description="How long to wait until a completed round has been taken in."
    )

    @field_validator("region")
    @classmethod
    def _known(cls, region: str) -> str:
        if region not in REGIONS:
            raise ValueError(
                f"no region of Genesys Cloud; there are: {', '.join(REGIONS)}. For another one set base_url"
            )
        return region

    @field_validator("base_url")
    @classmethod
    def _address(cls, url: str | None) -> str | None:
        parts = urlsplit(url or "https://api.example.com")
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
            raise ValueError("has to be an address such as https://api.mypurecloud.de")
        return url.rstrip("/") if url else None

    @property
    def api_url(self) -> str:
        """Where the API is."""
        return self.base_url or f"https://api.{self.region}"

    @property
    def login_url(self) -> str:
        """Where tokens are given out."""
        return self.api_url.replace("//api.", "//login.", 1)
