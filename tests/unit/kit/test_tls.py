"""Whom a client trusts, and what it shows of itself, over real HTTPS."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from pydantic import SecretStr, ValidationError

from knowledge_connector import ConfigError, FatalError, Unavailable
from knowledge_connector.kit.config import HttpOptions, RemoteConfig
from knowledge_connector.kit.http import HttpPolicy, Tls, make_client
from knowledge_connector.kit.remote import make_origin_client
from knowledge_connector.kit.retry import Retries
from unit.kit.origin import JumpingClock

PASSWORD = "open sesame"  # noqa: S105  # of a key that is made here


class Greeting(BaseHTTPRequestHandler):
    """Says who has called."""

    def do_GET(self) -> None:
        shown = self.connection.getpeercert()
        body = "; ".join(name for _, name in shown.get("subjectAltName", ())).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # as in the base
        """Be silent."""


class Door(ThreadingHTTPServer):
    """Lets in only whom its authority knows; who is turned away is no error of it."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Be silent."""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`ca.pem`; `both.pem`, or `own.pem` and `key.pem`, or `own.pem` and `locked.pem`."""
    folder, authority = tmp_path_factory.mktemp("tls"), trustme.CA()
    own = authority.issue_cert("reader.example.com")
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    own.private_key_and_cert_chain_pem.write_to_path(str(folder / "both.pem"))
    own.cert_chain_pems[0].write_to_path(str(folder / "own.pem"))
    own.private_key_pem.write_to_path(str(folder / "key.pem"))
    key = serialization.load_pem_private_key(own.private_key_pem.bytes(), None)
    locked = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(PASSWORD.encode()),
    )
    (folder / "locked.pem").write_bytes(locked)
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(folder / "server.pem"))
    return folder


@pytest.fixture
def url(files: Path) -> Iterator[str]:
    """A server that asks for a certificate."""
    server = Door(("127.0.0.1", 0), Greeting)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=files / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(files / "server.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"https://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def tls(files: Path, certificate: str, key: str | None = None, password: str | None = None) -> Tls:
    return Tls(
        files / "ca.pem",
        files / certificate,
        files / key if key else None,
        SecretStr(password) if password is not None else None,
    )


@pytest.mark.parametrize(
    ("certificate", "key", "password"),
    [("both.pem", None, None), ("own.pem", "key.pem", None), ("own.pem", "locked.pem", PASSWORD)],
)
def test_a_server_that_asks_who_we_are_is_told(
    files: Path, url: str, certificate: str, key: str | None, password: str | None
) -> None:
    with make_client(JumpingClock(), policy=HttpPolicy(tls=tls(files, certificate, key, password))) as client:
        assert client.get(url).text == "reader.example.com"


def test_without_a_certificate_it_turns_us_away(files: Path, url: str) -> None:
    policy = HttpPolicy(tls=Tls(files / "ca.pem"), retries=Retries(tries=1))
    with make_client(JumpingClock(), policy=policy) as client, pytest.raises(Unavailable):
        client.get(url)


def test_whom_we_do_not_trust_we_do_not_ask(files: Path, url: str) -> None:
    policy = HttpPolicy(tls=replace(tls(files, "both.pem"), ca_file=None))
    with make_client(JumpingClock(), policy=policy) as client, pytest.raises(FatalError, match="certificate"):
        client.get(url)


@pytest.mark.parametrize(
    ("certificate", "key", "password"),
    [
        ("own.pem", None, None),
        ("missing.pem", None, None),
        ("own.pem", "locked.pem", None),
        ("own.pem", "locked.pem", "guessed"),
    ],
)
def test_what_cannot_be_read_is_named_and_the_password_is_not(
    files: Path, certificate: str, key: str | None, password: str | None
) -> None:
    with pytest.raises(
        ConfigError, match=r"^http.client_certificate: no certificate with its key could be read"
    ) as caught:
        make_client(JumpingClock(), policy=HttpPolicy(tls=tls(files, certificate, key, password)))
    assert str(files / (key or certificate)) in str(caught.value)
    assert "guessed" not in str(caught.value)


def test_a_configuration_reaches_the_client_that_a_connector_is_lent(files: Path, url: str) -> None:
    options = HttpOptions(
        ca_file=files / "ca.pem",
        client_certificate=files / "own.pem",
        client_key=files / "locked.pem",
        client_key_password=SecretStr(PASSWORD),
    )
    with make_origin_client(RemoteConfig(http=options), JumpingClock()) as client:
        assert client.get(url).text == "reader.example.com"


def test_a_key_without_a_certificate_is_an_error(files: Path) -> None:
    with pytest.raises(ValidationError, match="those of a client_certificate, and there is none"):
        HttpOptions(client_key=files / "key.pem")
