"""The emulated login host: by secret, by certificate through msal itself, and with the errors of Entra."""

from __future__ import annotations

from typing import Any

import httpx
import msal  # type: ignore[import-untyped]  # it has no types
import pytest
import requests

from knowledge_connector_sharepoint.emulator.login import CLIENT_ID, EXPIRED_SECRET, Certificate
from knowledge_connector_sharepoint.emulator.tenant import TENANT_ID, TENANT_NAME
from plugins.sharepoint.graph_caller import Graph, drive, log_in, site, tls


def by_msal(graph: Graph, credential: object) -> dict[str, Any]:
    """What msal gets with a credential; it finds everything by discovery."""
    session = requests.Session()
    session.trust_env = False  # a bundle named in the environment would go first
    session.verify = str(graph.server.services.ca_file)
    application = msal.ConfidentialClientApplication(
        CLIENT_ID,
        client_credential=credential,
        authority=f"{graph.server.services.secure_url}/{TENANT_NAME}",
        instance_discovery=False,
        http_client=session,
    )
    scope = f"{graph.server.services.secure_url}/.default"
    with session:
        result: dict[str, Any] = application.acquire_token_for_client(scopes=[scope])
    return result


def test_discovery(graph: Graph) -> None:
    url = f"{graph.server.services.secure_url}/{TENANT_NAME}"
    found = httpx.get(f"{url}/v2.0/.well-known/openid-configuration", verify=tls(graph.server)).json()
    assert found["token_endpoint"] == f"{url}/oauth2/v2.0/token"
    assert {"authorization_endpoint", "issuer"} <= found.keys()


def test_by_secret(graph: Graph) -> None:
    answer = log_in(graph.server)
    assert answer.json().keys() == {"token_type", "expires_in", "ext_expires_in", "access_token"}
    assert answer.json()["expires_in"] == 3599
    assert log_in(graph.server, tenant=TENANT_ID).status_code == 200


def test_tokens_are_counted(graph: Graph) -> None:
    graph.server.log.clear()
    by_msal(graph, "emu-secret")
    assert graph.server.log.counts() == {"GET discovery": 1, "POST token": 1}


def test_by_certificate(graph: Graph) -> None:
    certificate = graph.emulator.login.certificate
    credential = {"private_key": certificate.private_key, "public_certificate": certificate.certificate}
    result = by_msal(graph, credential)
    assert result.get("access_token"), result
    graph.http.headers["Authorization"] = f"Bearer {result['access_token']}"
    assert graph.get(drive("documents"))["name"] == "Documents"


def test_by_thumbprint(graph: Graph) -> None:
    """The older way, by SHA-1."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    certificate = graph.emulator.login.certificate
    read = x509.load_pem_x509_certificate(certificate.certificate.encode())
    thumbprint = read.fingerprint(hashes.SHA1()).hex()  # noqa: S303  # that is what a thumbprint is
    result = by_msal(graph, {"private_key": certificate.private_key, "thumbprint": thumbprint})
    assert result.get("access_token"), result


def test_a_certificate_that_nobody_registered(graph: Graph) -> None:
    stranger = Certificate.make(graph.server.services)
    result = by_msal(graph, {"private_key": stranger.private_key, "public_certificate": stranger.certificate})
    assert result["error_codes"] == [700027]


def test_a_key_that_does_not_belong_to_the_certificate(graph: Graph) -> None:
    """The header names a registered certificate, and the signature is of another key."""
    good, stranger = graph.emulator.login.certificate, Certificate.make(graph.server.services)
    result = by_msal(graph, {"private_key": stranger.private_key, "public_certificate": good.certificate})
    assert result["error_codes"] == [700027]


@pytest.mark.parametrize(
    ("changes", "tenant", "status", "code"),
    [
        ({"client_secret": "wrong"}, TENANT_NAME, 401, 7000215),
        ({"client_secret": EXPIRED_SECRET}, TENANT_NAME, 401, 7000222),
        ({"client_id": "00000000-0000-4000-8000-000000000000"}, TENANT_NAME, 400, 700016),
        ({}, "fabrikam.onmicrosoft.com", 400, 90002),
        ({"grant_type": "password"}, TENANT_NAME, 400, 70003),
        ({"scope": "Files.Read.All"}, TENANT_NAME, 400, 1002012),
    ],
)
def test_errors(graph: Graph, changes: dict[str, str], tenant: str, status: int, code: int) -> None:
    answer = log_in(graph.server, tenant=tenant, **changes)
    body = answer.json()
    assert (answer.status_code, body["error_codes"]) == (status, [code])
    assert body["error_description"].startswith(f"AADSTS{code}: ")
    assert {"error", "timestamp", "trace_id", "correlation_id"} <= body.keys()


@pytest.mark.parametrize(("kind", "status", "code"), [("login_busy", 503, 90033), ("conditional_access", 400, 53003)])
def test_faults(graph: Graph, kind: str, status: int, code: int) -> None:
    graph.let(kind)
    answer = log_in(graph.server)
    assert (answer.status_code, answer.json()["error_codes"]) == (status, [code])
    assert log_in(graph.server).status_code == 200


def test_tokens_expire(graph: Graph) -> None:
    graph.begin_anew(token_seconds="400")  # noqa: S106  # a time, no secret
    assert graph.get(drive("documents"))
    graph.server.services.clock.advance(401)
    assert graph.refusal(drive("documents")) == (401, "InvalidAuthenticationToken")


def test_tokens_can_be_revoked(graph: Graph) -> None:
    assert graph.change("revoke_tokens") == "1 tokens are worthless now"
    assert graph.refusal(drive("documents"))[0] == 401
    graph.log_in()
    assert graph.get(drive("documents"))


def test_in_the_middle_of_a_listing(graph: Graph) -> None:
    graph.let("revoke", operation="GET delta", after=1)
    link = graph.get(f"{drive('documents')}/root/delta?$top=3")["@odata.nextLink"]
    assert graph.refusal(link)[0] == 401
    assert graph.refusal(link)[0] == 401, "it stays worthless"
    graph.log_in()
    assert len(graph.get(link)["value"]) == 3


def test_a_claims_challenge(graph: Graph) -> None:
    import base64

    graph.let("claims_challenge", operation="GET drive")
    answer = graph.http.get(drive("documents"))
    assert answer.status_code == 401
    header = answer.headers["www-authenticate"]
    assert 'error="insufficient_claims"' in header
    claims = base64.b64decode(header.partition('claims="')[2].rstrip('"')).decode()
    graph.log_in()
    assert graph.refusal(drive("documents"))[0] == 401, "another token without the claims is no better"
    graph.log_in(claims=claims)
    assert graph.get(drive("documents"))


def test_without_a_token(graph: Graph) -> None:
    del graph.http.headers["Authorization"]
    assert graph.refusal(site("handbook"))[0] == 401
    graph.http.headers["Authorization"] = "Bearer nonsense"
    assert graph.refusal(site("handbook"))[0] == 401


def test_roles(graph: Graph) -> None:
    graph.begin_anew(roles="Files.Read.All")
    assert graph.get(drive("documents"))
    assert graph.refusal(site("handbook")) == (403, "accessDenied")
    graph.begin_anew(roles="")
    assert graph.refusal(drive("documents"))[0] == 403
