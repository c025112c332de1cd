"""The `auth` table: who we say we are. What it does is in `credentials.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr

from knowledge_connector.kit.config import Options
from knowledge_connector_rest.expressions import Expression

EARLY_SECONDS = 60
"""A token counts as expired so long before it is."""


class NoAuth(Options):
    """Nobody in particular."""

    type: Literal["none"] = Field(default="none", description="No credentials.")


class BearerAuth(Options):
    """A token that somebody made by hand."""

    type: Literal["bearer"] = Field(description="A fixed token, sent as `Authorization: Bearer …`.")
    token: SecretStr = Field(description="The token.")


class BasicAuth(Options):
    """User and password (RFC 7617)."""

    type: Literal["basic"] = Field(description="User and password.")
    username: str = Field(description="User.")
    password: SecretStr = Field(description="Password, or the token that stands for it.")


class ApiKeyAuth(Options):
    """A key under a name of the service's own."""

    type: Literal["api_key"] = Field(description="A key.")
    key: SecretStr = Field(description="The key.")
    name: str = Field(default="X-Api-Key", min_length=1, description="Name of the header, parameter or cookie.")
    place: Literal["header", "query", "cookie"] = Field(default="header", description="Where it is sent.")
    prefix: str = Field(default="", description="What stands before the key, such as `Token `.")


class Renewed(Options):
    """What all tokens have in common that are fetched."""

    token_path: Expression = Field(default="access_token", description="Where the answer has the token: JMESPath.")
    lifetime_seconds: float = Field(
        default=3600, gt=0, description="How long a token is good if the answer has no `expires_in`."
    )
    token_header: str = Field(default="Authorization", min_length=1, description="Header that takes the token.")
    token_prefix: str = Field(default="Bearer ", description="What stands before it there.")


class OAuth(Renewed):
    """What all ways of OAuth 2 have in common (RFC 6749)."""

    token_url: str = Field(pattern=r"^https?://", description="Where tokens are fetched.")
    client_id: str = Field(default="", description="Id of the application.")
    client_secret: SecretStr | None = Field(default=None, description="Secret of the application.")
    client_in: Literal["body", "basic"] = Field(
        default="body", description="Whether id and secret are sent in the form or as Basic authentication."
    )
    scope: str | None = Field(default=None, description="Scopes to ask for, separated by blanks.")
    audience: str | None = Field(default=None, description="For whom the token shall be.")
    fields: dict[str, str] = Field(default_factory=dict, description="Further fields of the form.")


class ClientCredentialsAuth(OAuth):
    """The application in its own name."""

    type: Literal["oauth2_client_credentials"] = Field(description="OAuth 2, client credentials.")


class RefreshTokenAuth(OAuth):
    """In the name of somebody who agreed once."""

    type: Literal["oauth2_refresh_token"] = Field(description="OAuth 2, refresh token.")
    refresh_token: SecretStr = Field(description="The refresh token.")
    refresh_token_file: Path | None = Field(
        default=None,
        description="Where a new refresh token is kept, if the service gives one with each use; it outranks `refresh_token` from then on.",
    )


class PasswordAuth(OAuth):
    """User and password for a token; outdated, and still met."""

    type: Literal["oauth2_password"] = Field(description="OAuth 2, resource owner password.")
    username: str = Field(description="User.")
    password: SecretStr = Field(description="Password.")


class JwtAuth(Renewed):
    """A token that we sign ourselves (RFC 7519); with `token_url` it is changed for another (RFC 7523)."""

    type: Literal["jwt"] = Field(description="A signed token; needs `pip install 'knowledge-connector-rest[jwt]'`.")
    private_key: SecretStr = Field(description="Key to sign with: PEM, or the shared secret of an HS algorithm.")
    algorithm: str = Field(default="RS256", description="Algorithm of the signature.")
    key_id: str | None = Field(default=None, description="`kid` of the header.")
    claims: dict[str, Any] = Field(default_factory=dict, description="Claims, besides `iat` and `exp`.")
    token_url: str | None = Field(
        default=None, pattern=r"^https?://", description="Where it is changed for an access token, if it is."
    )


class LoginAuth(Renewed):
    """A log-in request of the service's own, which answers with a token."""

    type: Literal["login"] = Field(description="A log-in request.")
    login_url: str = Field(pattern=r"^https?://", description="Where to log in.")
    encoding: Literal["json", "form"] = Field(default="json", description="How the credentials are sent.")
    credentials: dict[str, SecretStr] = Field(
        min_length=1, description="Fields of the request, such as user and password."
    )
    answer_header: str | None = Field(
        default=None, description="Header of the answer that has the token, if the body does not."
    )


Auth = Annotated[
    NoAuth
    | BearerAuth
    | BasicAuth
    | ApiKeyAuth
    | ClientCredentialsAuth
    | RefreshTokenAuth
    | PasswordAuth
    | JwtAuth
    | LoginAuth,
    Field(discriminator="type"),
]
