"""Tokens of the Microsoft identity platform, by client credentials. msal makes the requests, through the kit's client."""

from __future__ import annotations

import base64
import binascii
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import httpx
import msal  # type: ignore[import-untyped]  # msal ships no types

from knowledge_connector import AuthenticationError, ConfigError
from knowledge_connector.kit.http import asking
from knowledge_connector.kit.retry import is_retriable
from knowledge_connector_sharepoint.config import SecretAuth

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from knowledge_connector_sharepoint.config import CertificateAuth, SharePointConfig

_CLAIMS = re.compile(r'claims="([A-Za-z0-9+/=_-]+)"')
_NO_AUTH = httpx.Auth()
_TO_MSAL = tuple(status for status in range(HTTPStatus.BAD_REQUEST, 500) if not is_retriable(status))
"""Statuses whose answer msal reads itself. It does not hear of those that pass: waiting is the kit's affair."""

_WHAT_TO_DO = {
    7000215: "the client secret is wrong; give its value, not its id",
    7000222: "the client secret has expired; make a new one",
    700016: "the tenant does not know this client_id",
    90002: "there is no such tenant",
    700027: "the app registration does not know this certificate",
    53003: "a conditional access policy of the tenant refuses the application",
}
"""By AADSTS code: what a person has to mend."""


class MsalTokens:
    """Tokens for Graph; see `kit.auth.Tokens`. One for each reading, since msal keeps its cache in its object.

    Args:
        config: Who we are, and where to ask.
        http: The kit's client: its retries, its budget, its trust in certificates.
    """

    def __init__(self, config: SharePointConfig, http: httpx.Client) -> None:
        self._config = config
        self._http = http
        self._application: msal.ConfidentialClientApplication | None = None

    def current(self) -> str:
        """See `kit.auth.Tokens`."""
        return self._acquire(None)

    def renew(self, stale: str, challenge: str | None) -> str:  # noqa: ARG002  # msal forgets all tokens of the client
        """See `kit.auth.Tokens`. msal refuses `force_refresh` for this flow, so what it remembers is taken from it."""
        self._msal().remove_tokens_for_client()
        return self._acquire(claims_of(challenge))

    def _acquire(self, claims: str | None) -> str:
        scope = f"{self._config.hosts.graph_url}/.default"
        answer = self._msal().acquire_token_for_client([scope], claims_challenge=claims)
        token = answer.get("access_token")
        if not isinstance(token, str):
            raise refusal(answer)
        return token

    def _msal(self) -> msal.ConfidentialClientApplication:
        if self._application is None:
            self._application = self._made()
        return self._application

    def _made(self) -> msal.ConfidentialClientApplication:
        """Making one asks the login host where its endpoints are."""
        config = self._config
        try:
            return msal.ConfidentialClientApplication(
                config.client_id,
                client_credential=credential_of(config.auth),
                authority=f"{config.hosts.login_url}/{config.tenant}",
                instance_discovery=False,  # it would ask the global cloud about every other login host
                http_client=_Transport(self._http),
            )
        except ValueError as error:  # msal's word for an answer that is none; its message quotes it
            message = f"{config.hosts.login_url} does not know the tenant {config.tenant!r}; check tenant, cloud and login_url"
            raise ConfigError(message, where="origin") from error


class _Transport:
    """What msal takes for a session."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def get(
        self, url: str, *, params: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> Any:
        """Get something; retries, pauses and trust in certificates are the kit's."""
        return self._http.get(
            url, params=params or None, headers=headers, auth=_NO_AUTH, extensions=asking(accept=_TO_MSAL)
        )

    def post(
        self,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        data: Mapping[str, str | bytes] | None = None,
    ) -> Any:
        """Post a form. A signed assertion comes as bytes, of which httpx would send what Python shows of them."""
        form = {
            name: value.decode("ascii") if isinstance(value, bytes) else value for name, value in (data or {}).items()
        }
        extensions = asking(accept=_TO_MSAL, retry=True)  # asking for a token twice does no harm
        return self._http.post(
            url, params=params or None, headers=headers, data=form, auth=_NO_AUTH, extensions=extensions
        )

    def close(self) -> None:
        """The client is the run's, and is closed by it."""


def claims_of(challenge: str | None) -> str | None:
    """Decode the claims that a `WWW-Authenticate` header asks for; `None` if it asks for none."""
    found = _CLAIMS.search(challenge or "")
    if found is None:
        return None
    text = found[1].replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None


def credential_of(auth: SecretAuth | CertificateAuth) -> Any:
    """Give what msal takes as a credential.

    Raises:
        ConfigError: The certificate cannot be read, or its passphrase is wrong.
    """
    if isinstance(auth, SecretAuth):
        return auth.client_secret.get_secret_value()
    passphrase = auth.passphrase.get_secret_value() if auth.passphrase else None
    try:
        content = auth.file.read_bytes()
        return _certificate(auth.file, content, passphrase)
    except OSError as error:
        raise ConfigError(f"auth.file: {auth.file} cannot be read: {error.strerror}") from error
    except (ValueError, TypeError) as error:  # what cryptography says to bytes or a passphrase that do not fit
        message = f"auth.file: {auth.file} should hold a private key and its certificate, which auth.passphrase opens"
        raise ConfigError(message) from error


def _certificate(file: Path, content: bytes, passphrase: str | None) -> dict[str, str]:
    from cryptography import x509  # only who signs with a certificate pays for it
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        load_pem_private_key,
        pkcs12,
    )

    secret = passphrase.encode() if passphrase else None
    if file.suffix.lower() in (".pfx", ".p12"):
        key, certificate, _ = pkcs12.load_key_and_certificates(content, secret)
    else:
        key, certificate = load_pem_private_key(content, secret), x509.load_pem_x509_certificate(content)
    if key is None or certificate is None:
        raise ValueError("a key or a certificate is missing")
    return {
        "private_key": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii"),
        "public_certificate": certificate.public_bytes(Encoding.PEM).decode("ascii"),
    }


def refusal(answer: Mapping[str, Any]) -> ConfigError | AuthenticationError:
    """Say what to mend. `error_description` is left out: it quotes ids of the tenant."""
    codes = [code for code in answer.get("error_codes") or () if isinstance(code, int)]
    known = next((_WHAT_TO_DO[code] for code in codes if code in _WHAT_TO_DO), None)
    named = ", ".join(f"AADSTS{code}" for code in codes) or str(answer.get("error", "no token"))
    trace = answer.get("correlation_id")
    suffix = f" [correlation id {trace}]" if isinstance(trace, str) else ""
    if known is not None:
        return ConfigError(f"the login host gave no token: {known} ({named}){suffix}", where="origin")
    return AuthenticationError(f"the login host gave no token ({named}){suffix}", where="origin")
