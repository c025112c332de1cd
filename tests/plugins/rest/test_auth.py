"""Every way to say who we are, tokens that end in the middle, and where credentials go: to the service and to nobody else."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from knowledge_connector.testing.emulation import Fault
from knowledge_connector_rest.credentials import make_auth
from plugins.rest.conftest import MakeWorld
from plugins.rest.world import CMS, DESK, FILES, HANDBOOK, HELD_SECRETS, Listener, RestWorld

OLD_AUTH = DESK.partition("\nauth = ")[2].partition("\n")[0]
TOKENS = 'token_url = "URL/desk/oauth/token"'

WAYS = {
    "bearer": (DESK.replace(OLD_AUTH, '{ type = "bearer" }'), {}),
    "client credentials in the form": (DESK, {}),
    "client credentials as Basic": (DESK.replace('client_id = "', 'client_in = "basic", client_id = "'), {}),
    "password": (
        DESK.replace(OLD_AUTH, f'{{ type = "oauth2_password", {TOKENS}, username = "reader" }}'),
        {"PASSWORD": "emulated-password"},
    ),
    "refresh token": (
        DESK.replace(OLD_AUTH, f'{{ type = "oauth2_refresh_token", {TOKENS}, refresh_token_file = "refresh.secret" }}'),
        {"REFRESH_TOKEN": "emulated-refresh-1"},
    ),
    "log-in, token in the body": (
        DESK.replace(
            OLD_AUTH,
            '{ type = "login", login_url = "URL/desk/login", token_path = "session.id", token_header = "X-Session", token_prefix = "",'
            ' credentials = { user = "reader", password = { env = "PASSWORD" } } }',
        ),
        {},
    ),
    "log-in, token in a header": (
        DESK.replace(
            OLD_AUTH,
            '{ type = "login", login_url = "URL/desk/login", answer_header = "X-Session",'
            ' credentials = { user = "reader", password = { env = "PASSWORD" } } }',
        ),
        {},
    ),
    "signed token for a token": (
        DESK.replace(OLD_AUTH, f'{{ type = "jwt", {TOKENS}, claims = {{ iss = "us" }}, key_id = "k1" }}'),
        {"PRIVATE_KEY": "made by the test"},
    ),
    "key in a header": (CMS, {}),
    "key in a parameter": (CMS.replace('"api_key" }', '"api_key", place = "query", name = "api_key" }'), {}),
    "key in a cookie": (CMS.replace('"api_key" }', '"api_key", place = "cookie", name = "api_key" }'), {}),
    "basic": (HANDBOOK, {}),
}


@pytest.fixture(scope="module")
def private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem, format_, nothing = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(pem, format_, nothing).decode()


def made(world: MakeWorld, way: str, private_key: str) -> RestWorld:
    table, environ = WAYS[way]
    here = world(table)
    given = {f"CONNECTOR_CONNECTORS__X__AUTH__{name}": value for name, value in environ.items()}
    if "PRIVATE_KEY" in environ:
        given = {"CONNECTOR_CONNECTORS__X__AUTH__PRIVATE_KEY": private_key}
    here.environ = {**here.environ, **given, "PASSWORD": "emulated-password"}
    return here


@pytest.mark.parametrize("way", WAYS)
def test_everybody_gets_in(world: MakeWorld, way: str, private_key: str) -> None:
    here = made(world, way, private_key)
    report = here.run()
    assert (report.status, report.created, report.message) == ("ok", 40, "")
    assert all(entry.status != 401 for entry in here.server.log.entries("rest"))


@pytest.mark.parametrize("way", WAYS)
def test_no_secret_is_logged_or_told(world: MakeWorld, way: str, private_key: str, heard: Listener) -> None:
    here = made(world, way, private_key)
    here.run()
    here.server.services.faults.add(Fault("error_before", status=403, times=0))
    report = here.run()
    assert report.status == "failed"
    told = "\n".join([*heard.heard, report.message, repr(here.connector().config)])
    leaked = [secret for secret in (*HELD_SECRETS, private_key[40:80]) if secret in told]
    assert leaked == []


@pytest.mark.parametrize("calls", [1, 3])
def test_a_token_that_ends_in_the_middle_is_renewed(world: MakeWorld, calls: int) -> None:
    here = world(DESK)
    here.server.services.options["rest.token_calls"] = str(calls)
    report = here.run()
    assert (report.status, report.created) == ("ok", 40)
    refused = [entry for entry in here.server.log.entries("rest") if entry.status == 401]
    assert len(refused) == {1: 3, 3: 1}[calls]
    assert here.requests()["POST token"] == 1 + len(refused)


def test_a_token_is_renewed_before_it_ends(world: MakeWorld) -> None:
    here = world(DESK)
    here.server.services.options["rest.token_seconds"] = "100"
    auth = make_auth(here.connector().config.auth, here.connector().config.http, here.clock, origins=[here.server.url])
    with here.context() as context:
        url = f"{here.server.url}/rest/desk/v1/tickets"
        for seconds in (0, 80, 15):
            here.clock.sleep(seconds)
            assert context.http.get(url, auth=auth).status_code == 200
    assert here.requests() == {"POST token": 2, "GET tickets": 3}


def test_each_refresh_token_is_used_once_and_the_next_one_kept(world: MakeWorld, private_key: str) -> None:
    here = made(world, "refresh token", private_key)
    here.server.services.options["rest.token_calls"] = "1"
    assert here.run().status == "ok"
    file = here.folder / "refresh.secret"
    assert file.read_text(encoding="utf-8").startswith("emulated-refresh-")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    here.change("edit", id=3)
    assert (here.run().updated, here.requests()["POST token"]) == (1, 1)


def test_a_refresh_token_that_is_good_no_more_asks_for_a_person(world: MakeWorld, private_key: str) -> None:
    here = made(world, "refresh token", private_key)
    here.environ = {"CONNECTOR_CONNECTORS__X__AUTH__REFRESH_TOKEN": "an old one"}
    report = here.run()
    assert report.status == "failed"
    assert "(invalid_grant)" in report.message
    assert "log in again" in report.message


def test_a_refused_credential_fails_the_run_and_deletes_nothing(world: MakeWorld) -> None:
    here = world(HANDBOOK)
    here.run()
    here.environ = {"CONNECTOR_CONNECTORS__X__AUTH__PASSWORD": "wrong"}
    report = here.run()
    assert (report.status, report.deleted, len(here.held())) == ("failed", 0, 40)


def test_of_many_that_are_refused_at_once_one_renews(world: MakeWorld) -> None:
    here = world(DESK)
    config = here.connector().config
    auth = make_auth(config.auth, config.http, here.clock, origins=[here.server.url])
    url = f"{here.server.url}/rest/desk/v1/tickets"
    with here.context() as context, ThreadPoolExecutor(8) as pool:
        context.http.get(url, auth=auth)
        here.emulator.access.revoke_all()
        answers = list(pool.map(lambda _: context.http.get(url, auth=auth).status_code, range(8)))
    assert answers == [200] * 8
    assert here.requests()["POST token"] == 2


def test_a_renewal_needs_no_place_in_the_budget_of_those_who_wait_for_it(world: MakeWorld) -> None:
    here = world(DESK, extra="[connectors.x.http]\nconcurrency = 1\n")
    here.server.services.options["rest.token_calls"] = "1"
    assert here.run().created == 40


@pytest.mark.parametrize(
    "way",
    ["bearer", "client credentials in the form", "key in a header", "key in a parameter", "key in a cookie", "basic"],
)
def test_credentials_go_to_their_own_origin_only(world: MakeWorld, way: str, private_key: str) -> None:
    here = made(world, way, private_key)
    config = here.connector().config
    auth = make_auth(config.auth, config.http, here.clock, origins=[config.base_url])
    flow = auth.auth_flow(httpx.Request("GET", f"{here.server.services.elsewhere_url}/x"))
    sent = next(flow)
    assert str(sent.url) == f"{here.server.services.elsewhere_url}/x"
    assert not {"authorization", "cookie", "x-api-key"} & set(sent.headers)


def test_neither_headers_nor_keys_follow_a_file_to_another_host(world: MakeWorld) -> None:
    here = world(FILES)
    assert here.run().created == 40
    assert here.emulator.cms.leaks == []
