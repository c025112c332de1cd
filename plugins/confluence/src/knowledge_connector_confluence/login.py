"""How a request says who asks."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import httpx

from knowledge_connector import AuthenticationError, ConfigError
from knowledge_connector.kit.auth import TokenAuth as BearerAuth
from knowledge_connector.kit.http import asking
from knowledge_connector_confluence.config import ApiTokenAuth, ConfluenceConfig, OAuthAuth, PasswordAuth


def login(config: ConfluenceConfig, http: httpx.Client) -> httpx.Auth:
    """Give what adds the log-in to requests, on the first one already: where strangers are welcome there is no challenge."""
    auth = config.auth
    if isinstance(auth, ApiTokenAuth):
        return httpx.BasicAuth(auth.email, auth.api_token.get_secret_value())
    if isinstance(auth, PasswordAuth):
        return httpx.BasicAuth(auth.username, auth.password.get_secret_value())
    tokens = OAuthTokens(auth, http) if isinstance(auth, OAuthAuth) else FixedToken(auth.token.get_secret_value())
    return BearerAuth(tokens, origins=[config.base_url])


@dataclass(frozen=True, slots=True, repr=False)
class FixedToken:
    """A token that nobody can renew."""

    value: str

    def current(self) -> str:
        """The token."""
        return self.value

    def renew(self, stale: str, challenge: str | None) -> str:  # noqa: ARG002  # the protocol's parameters
        """Give up.

        Raises:
            AuthenticationError: Always.
        """
        raise AuthenticationError(
            "the token was refused: it is not valid (any more), or it lacks a scope", where="origin"
        )


class OAuthTokens:
    """Access tokens of OAuth 2.0, by client credentials or by refresh tokens that rotate. Called by one thread at a time."""

    def __init__(self, auth: OAuthAuth, http: httpx.Client) -> None:
        self._auth, self._http = auth, http
        self._token: str | None = None

    def current(self) -> str:
        """The token; the first one is fetched."""
        if self._token is None:
            self._token = self._fetch()
        return self._token

    def renew(self, stale: str, challenge: str | None) -> str:  # noqa: ARG002  # the protocol's parameters
        """Another token."""
        self._token = self._fetch()
        return self._token

    def _fetch(self) -> str:
        auth = self._auth
        secrets = {"client_id": auth.client_id, "client_secret": auth.client_secret.get_secret_value()}
        grant = {"grant_type": "client_credentials"}
        if auth.refresh_token_file is not None:
            grant = {"grant_type": "refresh_token", "refresh_token": _read(auth.refresh_token_file)}
        answer = self._http.post(auth.token_url, json=grant | secrets, extensions=asking(accept={400, 401, 403}))
        if answer.is_error:
            raise AuthenticationError(
                f"{auth.token_url} gave no token ({answer.status_code}): check client_id, client_secret and the consent",
                where="origin",
            )
        given = answer.json()
        if auth.refresh_token_file is not None and given.get("refresh_token"):
            _write(auth.refresh_token_file, given["refresh_token"])
        token: str = given["access_token"]
        return token


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigError(f"auth.refresh_token_file: {file} cannot be read: {error.strerror}") from error


def _write(file: Path, token: str) -> None:
    """Replace the file at once, readable by its owner alone: half a token would lock us out for good."""
    number, name = tempfile.mkstemp(dir=file.parent)
    with os.fdopen(number, "w", encoding="utf-8") as beside:
        beside.write(token)
    Path(name).replace(file)
