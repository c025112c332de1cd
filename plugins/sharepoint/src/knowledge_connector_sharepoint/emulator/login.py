"""The login host: discovery and tokens for an application that logs in by a secret or by a certificate.

A secret is compared; an assertion is a JWT whose signature is checked against the certificates that were registered.
Errors have the codes of Entra ID (AADSTS…).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from urllib.parse import parse_qs
from uuid import uuid4

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from knowledge_connector.testing.emulation import Row, Rows, Services, Store
from knowledge_connector_sharepoint.emulator.options import Options
from knowledge_connector_sharepoint.emulator.tenant import NAME, TENANT_ID, TENANT_NAME, guid

CLIENT_ID = guid("application")
CLIENT_SECRET, EXPIRED_SECRET = "emu-secret", "emu-expired"  # printed at the start, for everybody
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

TENANT_ROUTE = "/{tenant}"
DISCOVERY = f"{TENANT_ROUTE}/v2.0/.well-known/openid-configuration"
TOKEN = f"{TENANT_ROUTE}/oauth2/v2.0/token"

FAULTS = {
    "login_busy": "AADSTS90033 with 503 instead of a token",
    "conditional_access": "AADSTS53003 instead of a token",
}


class LoginError(Exception):
    """A refusal with one of Entra's codes."""

    def __init__(self, code: int, text: str, *, error: str = "invalid_client", status: int = 401) -> None:
        super().__init__(text)
        self.code, self.error, self.status = code, error, status


@dataclass(frozen=True)
class Certificate:
    """A throw-away certificate of the application.

    Attributes:
        private_key: PEM (PKCS #8), without a passphrase.
        certificate: PEM.
    """

    private_key: str
    certificate: str

    @classmethod
    def make(cls, services: Services) -> Certificate:
        """Make one that is valid for a year of the virtual clock."""
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "knowledge-connector emulator")])
        now = services.clock.now()
        built = x509.CertificateBuilder(
            name,
            name,
            key.public_key(),
            x509.random_serial_number(),
            now - timedelta(days=1),
            now + timedelta(days=365),
        ).sign(key, hashes.SHA256())
        pem = serialization.Encoding.PEM
        private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        return cls(private.decode(), built.public_bytes(pem).decode())


class Login:
    """Tokens: who gets them, and what they are worth."""

    def __init__(self, services: Services, store: Store) -> None:
        self._services = services
        self._store = store
        self._options = Options(services)
        self._registered: dict[str, bytes] = {}

    @cached_property
    def certificate(self) -> Certificate:
        """A certificate of the application that is registered; made when it is asked for."""
        made = Certificate.make(self._services)
        self.register(made.certificate)
        return made

    def register(self, certificate: str) -> None:
        """Accept assertions that are signed with the key of this certificate (PEM, RSA)."""
        read = x509.load_pem_x509_certificate(certificate.encode())
        key = read.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        for algorithm in (hashes.SHA1(), hashes.SHA256()):  # noqa: S303  # x5t is a SHA-1 by its standard (RFC 7515, 4.1.7)
            self._registered[_thumbprint(read.fingerprint(algorithm))] = key

    @property
    def tokens(self) -> Rows:
        """Tokens that were given out: `expires`, `roles`, `claims`, `revoked`."""
        return self._store.table("tokens")

    @property
    def roles(self) -> Sequence[str]:
        """What the application was granted."""
        return self._options.words("roles")

    def revoke(self) -> int:
        """Make every token worthless; how many there were."""
        live = [name for name, row in self.tokens.items() if not row["revoked"]]
        for name in live:
            self.tokens[name] = {**self.tokens[name], "revoked": True}
        return len(live)

    def holder(self, authorization: str) -> Row | None:
        """The row of a bearer token that is still good."""
        scheme, _, name = authorization.partition(" ")
        row = self.tokens.get(name)
        good = row and scheme.lower() == "bearer" and not row["revoked"] and row["expires"] > self._now
        return row if good else None

    @property
    def _now(self) -> float:
        return self._services.clock.now().timestamp()

    # ----------------------------------------------------------------------------------------------------------- endpoints

    def routes(self) -> list[Route]:
        """The paths of the login host."""
        return [
            Route(DISCOVERY, self._discover, methods=["GET"]),
            Route(TOKEN, self._give, methods=["POST"]),
        ]

    async def _discover(self, request: Request) -> Response:
        try:
            self._check_tenant(request.path_params["tenant"])
        except LoginError as error:
            return self._refused(error)
        tenant = f"{_base(request)}/{request.path_params['tenant']}"
        return JSONResponse(
            {
                "token_endpoint": f"{tenant}/oauth2/v2.0/token",
                "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
                "authorization_endpoint": f"{tenant}/oauth2/v2.0/authorize",
                "jwks_uri": f"{tenant}/discovery/v2.0/keys",
                "issuer": f"{_base(request)}/{TENANT_ID}/v2.0",
            }
        )

    async def _give(self, request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode("utf-8", "replace")).items()}
        try:
            self._check_tenant(request.path_params["tenant"])
            self._check_outages()
            self._check_client(form, f"{_base(request)}{request.url.path.removeprefix(request.scope['root_path'])}")
            self._check_grant(form)
        except LoginError as error:
            return self._refused(error)
        seconds = self._options.number("token_seconds")
        token = f"emu.{uuid4().hex}.{uuid4().hex}"
        claims = _claims(form.get("claims", ""))
        self.tokens[token] = {
            "expires": self._now + seconds, "roles": list(self.roles), "claims": claims, "revoked": False,
        }  # fmt: skip
        return JSONResponse(
            {"token_type": "Bearer", "expires_in": seconds, "ext_expires_in": seconds, "access_token": token}
        )

    # -------------------------------------------------------------------------------------------------------------- checks

    def _check_tenant(self, tenant: str) -> None:
        if tenant.lower() not in (TENANT_ID, TENANT_NAME):
            raise LoginError(90002, f"Tenant '{tenant}' not found.", error="invalid_request", status=400)

    def _check_outages(self) -> None:
        if self._services.faults.take(NAME, "login_busy"):
            raise LoginError(90033, "A transient error has occurred.", error="temporarily_unavailable", status=503)
        if self._services.faults.take(NAME, "conditional_access"):
            raise LoginError(53003, "Access has been blocked by Conditional Access policies.", status=400,
                             error="access_denied")  # fmt: skip

    def _check_client(self, form: Mapping[str, str], endpoint: str) -> None:
        if form.get("client_id") != CLIENT_ID:
            raise LoginError(
                700016, "Application was not found in the directory.", error="unauthorized_client", status=400
            )
        if form.get("client_assertion_type") == ASSERTION:
            self._check_assertion(form.get("client_assertion", ""), endpoint)
        elif form.get("client_secret") == EXPIRED_SECRET:
            raise LoginError(7000222, "The provided client secret keys are expired.")
        elif form.get("client_secret") != CLIENT_SECRET:
            raise LoginError(7000215, "Invalid client secret provided.")

    def _check_assertion(self, assertion: str, endpoint: str) -> None:
        """Check signature, issuer, subject, audience and times (by real time: clients know no other)."""
        try:
            header = jwt.get_unverified_header(assertion)
            key = self._registered[str(header.get("x5t") or header.get("x5t#S256")).rstrip("=")]  # msal pads
            jwt.decode(
                assertion, key, algorithms=["RS256", "PS256"], audience=endpoint, issuer=CLIENT_ID, subject=CLIENT_ID,
                options={"require": ["exp", "iss", "sub", "aud", "jti"]},
            )  # fmt: skip
        except (jwt.PyJWTError, KeyError):
            raise LoginError(
                700027, "The certificate with identifier used to sign the client assertion is not registered."
            ) from None

    def _check_grant(self, form: Mapping[str, str]) -> None:
        if form.get("grant_type") != "client_credentials":
            raise LoginError(70003, "The grant type is not supported.", error="unsupported_grant_type", status=400)
        if not form.get("scope", "").endswith("/.default"):
            raise LoginError(1002012, "The scope is not valid for client credentials: it should end in /.default.",
                             error="invalid_scope", status=400)  # fmt: skip

    def _refused(self, error: LoginError) -> Response:
        trace = str(uuid4())
        body = {
            "error": error.error,
            "error_description": f"AADSTS{error.code}: {error} Trace ID: {trace}",
            "error_codes": [error.code],
            "timestamp": self._services.clock.now().strftime("%Y-%m-%d %H:%M:%SZ"),
            "trace_id": trace,
            "correlation_id": trace,
        }
        return JSONResponse(body, error.status)


CHALLENGE = {"access_token": {"acrs": {"essential": True, "value": "cp1"}}}
"""What a claims challenge asks for."""


def challenge() -> str:
    """Give the header `WWW-Authenticate` of a claims challenge."""
    claims = base64.b64encode(json.dumps(CHALLENGE).encode()).decode()
    return f'Bearer realm="", error="insufficient_claims", claims="{claims}"'


def _claims(text: str) -> bool:
    """Whether a token was asked for with the claims of the challenge."""
    try:
        return bool(json.loads(text or "{}").get("access_token", {}).get("acrs") == CHALLENGE["access_token"]["acrs"])
    except (ValueError, AttributeError):
        return False


def _thumbprint(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _base(request: Request) -> str:
    return str(request.base_url).rstrip("/")
