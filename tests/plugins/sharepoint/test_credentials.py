"""Certificates in every form, and what the login host's refusals mean."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    pkcs12,
)
from pydantic import SecretStr

from knowledge_connector import AuthenticationError, ConfigError
from knowledge_connector_sharepoint.auth import claims_of, credential_of, refusal
from knowledge_connector_sharepoint.config import CertificateAuth, SecretAuth

WORD = "open sesame"


class Identity:
    """A key with its certificate."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "connector")])
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(self.key.public_key())
        builder = builder.serial_number(1).not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        self.certificate = builder.not_valid_after(datetime(2100, 1, 1, tzinfo=UTC)).sign(self.key, SHA256())

    def pem(self, lock: KeySerializationEncryption) -> bytes:
        key = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock)
        return self.certificate.public_bytes(Encoding.PEM) + key

    def pfx(self, lock: KeySerializationEncryption) -> bytes:
        return pkcs12.serialize_key_and_certificates(b"connector", self.key, self.certificate, None, lock)


@pytest.fixture(scope="module")
def identity() -> Identity:
    return Identity()


LOCKED = BestAvailableEncryption(WORD.encode())


def auth(file: Path, word: str | None) -> CertificateAuth:
    return CertificateAuth(type="certificate", file=file, passphrase=SecretStr(word) if word else None)


@pytest.mark.parametrize("name", ["key.pem", "key.pfx", "key.P12"])
@pytest.mark.parametrize("word", [None, WORD])
def test_certificates_are_read_in_every_form(identity: Identity, tmp_path: Path, name: str, word: str | None) -> None:
    lock = LOCKED if word else NoEncryption()
    (tmp_path / name).write_bytes(identity.pem(lock) if name.endswith("pem") else identity.pfx(lock))
    credential = credential_of(auth(tmp_path / name, word))
    key = load_pem_private_key(credential["private_key"].encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    assert key.private_numbers() == identity.key.private_numbers()
    assert x509.load_pem_x509_certificate(credential["public_certificate"].encode()) == identity.certificate


@pytest.mark.parametrize(
    ("word", "content"), [(None, "locked"), ("wrong", "locked"), (None, "key alone"), (None, "nonsense")]
)
def test_what_does_not_open_is_named(identity: Identity, tmp_path: Path, word: str | None, content: str) -> None:
    file = tmp_path / "key.pem"
    found = {
        "locked": identity.pem(LOCKED),
        "key alone": identity.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        "nonsense": b"nonsense",
    }
    file.write_bytes(found[content])
    with pytest.raises(ConfigError, match=r"auth\.file: .*key\.pem should hold a private key and its certificate"):
        credential_of(auth(file, word))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"auth\.file: .*none\.pem cannot be read: No such file"):
        credential_of(auth(tmp_path / "none.pem", None))


def test_a_secret_is_itself() -> None:
    assert credential_of(SecretAuth(type="secret", client_secret=SecretStr(WORD))) == WORD


def test_claims_are_decoded_from_a_challenge() -> None:
    claims = '{"access_token":{"nbf":{"essential":true,"value":"1"}}}'
    coded = base64.urlsafe_b64encode(claims.encode()).decode().rstrip("=")
    assert claims_of(f'Bearer realm="", error="insufficient_claims", claims="{coded}"') == claims


@pytest.mark.parametrize("challenge", [None, "", "Bearer realm=x", 'Bearer claims="%%%"', 'Bearer claims="/////w=="'])
def test_other_challenges_ask_for_no_claims(challenge: str | None) -> None:
    assert claims_of(challenge) is None


@pytest.mark.parametrize("code", [7000215, 7000222, 700016, 90002, 700027, 53003])
def test_what_a_person_has_to_mend_is_a_matter_of_configuration(code: int) -> None:
    error = refusal(
        {"error": "invalid_client", "error_codes": [code], "error_description": "quotes 0000", "correlation_id": "c"}
    )
    assert isinstance(error, ConfigError)
    assert f"AADSTS{code}" in error.message
    assert "[correlation id c]" in error.message
    assert "quotes" not in error.message


def test_any_other_refusal_ends_the_run() -> None:
    assert isinstance(refusal({"error": "temporarily_unavailable", "error_codes": [90033]}), AuthenticationError)
