"""Three deployments of one wiki: where they are, who is let in, what an error looks like."""

from __future__ import annotations

import httpx
import pytest

from knowledge_connector.testing.emulation import Fault, Secret, running
from knowledge_connector_confluence.emulator import (
    ACCESS_TOKEN,
    CLIENT_ID,
    CLIENT_SECRET,
    CLOUD_ID,
    CLOUD_TOKEN,
    DC_PASSWORD,
    DC_USER,
    EMAIL,
    GATEWAY,
    REFRESH_TOKEN,
    SCOPED_TOKEN,
    SERVICE_TOKEN,
    TOKEN_PATH,
    ConfluenceEmulator,
)
from plugins.confluence.emulated import Wiki, wiki


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_where_the_cloud_is(site: Wiki) -> None:
    assert httpx.get(f"{site.server.url}/_edge/tenant_info").json() == {"cloudId": CLOUD_ID}


@pytest.mark.parametrize("deployment", ["cloud", "gateway"])
def test_the_right_token_is_let_in(site: Wiki, deployment: str) -> None:
    assert site.v1("user/current", deployment)["accountId"] == "reader"


def test_a_token_is_for_one_door(site: Wiki) -> None:
    at_site, at_gateway = f"{site.server.url}/wiki", f"{site.server.url}{GATEWAY}/wiki"
    for base, token, status in (
        (at_site, SCOPED_TOKEN, 401),
        (at_site, "wrong", 401),
        (at_gateway, CLOUD_TOKEN, 401),
        (at_gateway, SCOPED_TOKEN, 200),
    ):
        assert httpx.get(f"{base}/api/v2/pages", auth=(EMAIL, token)).status_code == status
    assert httpx.get(f"{at_site}/api/v2/pages").status_code == 401
    assert httpx.get(f"{at_gateway}/api/v2/pages", headers=bearer(SERVICE_TOKEN)).status_code == 200


def test_errors_have_the_form_of_what_was_asked(site: Wiki) -> None:
    assert site.get("api/v2/pages/1").json()["errors"][0]["status"] == 404
    assert site.get("api/v2/nothing").json()["errors"][0]["code"] == "NOT_FOUND"
    first = site.get("rest/api/content/1/restriction").json()
    assert (first["statusCode"], first["data"]["successful"], first["reason"]) == (404, False, "Not Found")
    assert httpx.get(f"{site.server.url}{GATEWAY}/wiki/api/v2/pages").json()["code"] == 401
    elsewhere = f"{site.server.url}/ex/confluence/another-cloud/wiki/api/v2/pages"
    assert httpx.get(elsewhere, auth=(EMAIL, SCOPED_TOKEN)).status_code == 404


@pytest.mark.parametrize(
    "path",
    ["content", "content/10000001", "content/10000001/child/page", "content/10000001/label", "space", "space/ENG"],
)
def test_what_was_removed_from_cloud_is_gone(site: Wiki, path: str) -> None:
    for deployment in ("cloud", "gateway"):
        answer = site.get(f"rest/api/{path}", deployment)
        assert (answer.status_code, "GoneException" in answer.json()["message"]) == (410, True)
    assert site.get(f"rest/api/{path}", "datacenter").status_code == 200


def test_data_center_takes_a_wrong_token_for_nobody(site: Wiki) -> None:
    base = f"{site.server.url}/confluence/rest/api"
    for headers in ({}, bearer("expired")):
        answer = httpx.get(f"{base}/space", headers=headers)
        assert (answer.status_code, answer.headers["X-AUSERNAME"]) == (200, "anonymous")
        assert [one["key"] for one in answer.json()["results"]] == ["42"]
        assert httpx.get(f"{base}/user/current", headers=headers).json()["type"] == "anonymous"
    assert (
        httpx.get(f"{base}/space", headers=bearer("expired")).headers["X-Seraph-LoginReason"] == "AUTHENTICATED_FAILED"
    )
    assert httpx.get(f"{base}/content/1", headers=bearer(ACCESS_TOKEN)).headers["X-AUSERNAME"] == DC_USER, (
        "errors tell, too"
    )
    good = httpx.get(f"{base}/space", headers=bearer(ACCESS_TOKEN))
    assert (good.headers["X-AUSERNAME"], len(good.json()["results"])) == (DC_USER, 7)


def test_nobody_sees_only_what_everybody_may(site: Wiki) -> None:
    answer = httpx.get(f"{site.server.url}/confluence/rest/api/content", params={"spaceKey": "42"})
    seen = {one["id"] for one in answer.json()["results"]}
    assert "10000020" in seen
    assert "10000024" not in seen, "it is restricted, though its space is not"


def test_data_center_by_password(site: Wiki) -> None:
    base = f"{site.server.url}/confluence/rest/api/user/current"
    assert httpx.get(base, auth=(DC_USER, DC_PASSWORD)).json()["username"] == DC_USER
    assert httpx.get(base, auth=(DC_USER, "wrong")).status_code == 401


def test_data_center_without_its_context_is_a_page_that_is_not_there(site: Wiki) -> None:
    answer = httpx.get(f"{site.server.url}/rest/api/space", headers=bearer(ACCESS_TOKEN))
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")


def test_a_token_is_refused_in_the_middle(site: Wiki) -> None:
    site.server.services.faults.add(Fault("unauthorized", operation="GET pages", after=2, times=2))
    assert [site.get("api/v2/pages").status_code for _ in range(5)] == [200, 200, 401, 401, 200]


@pytest.mark.parametrize(("who", "status"), [("none", 401), ("cloud", 200)])
def test_anonymous_access_is_a_switch(who: str, status: int) -> None:
    with wiki(anonymous=who) as site:
        answer = httpx.get(f"{site.server.url}/wiki/api/v2/spaces")
        assert answer.status_code == status
        if status == 200:
            assert [one["key"] for one in answer.json()["results"]] == ["42"]
        assert httpx.get(f"{site.server.url}/confluence/rest/api/space").status_code == 401


def test_a_missing_scope(site: Wiki) -> None:
    with wiki(missing_scopes="read:attachment:confluence") as site:
        answer = site.get("api/v2/attachments", "gateway")
        assert (answer.status_code, answer.json()["message"]) == (401, "Unauthorized; scope does not match")
        assert site.get("api/v2/pages", "gateway").status_code == 200
        assert site.get("api/v2/attachments").status_code == 200, "a token without scopes needs none"


def renewed(site: Wiki, refresh: str) -> httpx.Response:
    body = {
        "grant_type": "refresh_token",
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "refresh_token": refresh,
    }
    return httpx.post(f"{site.server.url}{TOKEN_PATH}", json=body)


def test_tokens_of_oauth_expire_and_refresh_tokens_rotate(site: Wiki) -> None:
    pages = f"{site.server.url}{GATEWAY}/wiki/api/v2/pages"
    first = renewed(site, REFRESH_TOKEN).json()
    assert httpx.get(pages, headers=bearer(first["access_token"])).status_code == 200
    site.server.services.clock.advance(first["expires_in"])
    assert httpx.get(pages, headers=bearer(first["access_token"])).status_code == 401
    assert renewed(site, REFRESH_TOKEN).json()["error"] == "invalid_grant", "each serves once"
    second = renewed(site, first["refresh_token"]).json()
    assert httpx.get(pages, headers=bearer(second["access_token"])).status_code == 200
    assert site.change("revoke_tokens") == "2 tokens expired"
    assert httpx.get(pages, headers=bearer(second["access_token"])).status_code == 401


def test_a_service_account_gets_a_token_by_its_secret(site: Wiki) -> None:
    form = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    url = f"{site.server.url}/confluence{TOKEN_PATH}"
    token = httpx.post(url, data=form).json()["access_token"]
    assert httpx.get(f"{site.server.url}{GATEWAY}/wiki/api/v2/pages", headers=bearer(token)).status_code == 200
    assert httpx.post(url, data={**form, "client_secret": "wrong"}).status_code == 401
    assert httpx.post(url, data={**form, "grant_type": "password"}).json()["error"] == "unsupported_grant_type"


def test_rates_of_cloud_are_told_in_its_way() -> None:
    with wiki(requests_per_minute="5") as site:
        left = [int(site.get("api/v2/pages").headers["X-RateLimit-Remaining"]) for _ in range(5)]
        assert left == [4, 3, 2, 1, 0]
        refused = site.get("api/v2/pages")
        assert (refused.status_code, refused.headers["RateLimit-Reason"]) == (429, "confluence-burst-based")
        assert refused.headers["X-RateLimit-Reset"].endswith(":00.000Z")
        assert refused.headers["X-RateLimit-NearLimit"] == "true"
        site.server.services.clock.advance(int(refused.headers["Retry-After"]))
        assert site.get("api/v2/pages").status_code == 200


def test_rates_of_data_center_are_told_in_its_way() -> None:
    with wiki(requests_per_minute="2") as site:
        well = site.get("rest/api/space", "datacenter")
        assert (well.headers["Retry-After"], well.headers["X-RateLimit-FillRate"]) == ("0", "2")
        site.get("rest/api/space", "datacenter")
        refused = site.get("rest/api/space", "datacenter")
        assert (refused.status_code, refused.headers["X-RateLimit-Interval-Seconds"]) == (429, "60")
        assert 0 < int(refused.headers["Retry-After"]) <= 60


def test_a_429_can_leave_retry_after_out() -> None:
    with wiki(requests_per_minute="1", retry_after="none") as site:
        site.get("api/v2/pages")
        refused = site.get("api/v2/pages")
        assert refused.status_code == 429
        assert "Retry-After" not in refused.headers
        assert refused.headers["X-RateLimit-Reset"]


@pytest.mark.parametrize(("form", "shown"), [("7", "7"), ("0", "0"), ("date", "GMT"), ("none", None)])
def test_a_429_on_demand(site: Wiki, form: str, shown: str | None) -> None:
    site.server.services.faults.add(Fault("rate_limit", seconds=30, retry_after=form))
    answer = site.get("api/v2/pages")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (429, "TOO_MANY_REQUESTS")
    told = answer.headers.get("Retry-After")
    assert (told is None) if shown is None else (told is not None and told.endswith(shown))
    assert answer.headers["X-RateLimit-Remaining"] == "0"


def test_other_errors_on_demand(site: Wiki) -> None:
    faults = site.server.services.faults
    for status in (401, 403, 500, 503, 504):
        faults.add(Fault("error_before", operation="GET pages", status=status))
        assert site.get("api/v2/pages").status_code == status
    faults.add(Fault("login_page", operation="GET pages"))
    page = site.get("api/v2/pages")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    faults.add(Fault("login_redirect", operation="GET pages"))
    moved = site.get("api/v2/pages")
    assert (moved.status_code, moved.headers["location"]) == (302, "/confluence/login.action")
    assert "ajs-version-number" in httpx.get(f"{site.server.url}/confluence/login.action").text
    faults.add(Fault("captcha"))
    denied = site.get("api/v2/pages")
    assert (denied.status_code, "CAPTCHA_CHALLENGE" in denied.headers["X-Authentication-Denied-Reason"]) == (403, True)
    faults.add(Fault("anonymous"))
    assert site.get("rest/api/space", "datacenter").headers["X-AUSERNAME"] == "anonymous"
    assert site.get("rest/api/space", "datacenter").headers["X-AUSERNAME"] == DC_USER


def test_an_empty_answer_is_empty(site: Wiki) -> None:
    site.server.services.faults.add(Fault("empty_body", operation="GET pages"))
    answer = site.get("api/v2/pages")
    assert (answer.status_code, answer.content) == (200, b"")


def test_another_vendor_of_the_same_path_is_left_alone(site: Wiki) -> None:
    """All emulators share the root. A log-in that bears its secret in a header is somebody else's."""
    assert httpx.post(f"{site.server.url}{TOKEN_PATH}", auth=("other", "secret")).status_code == 404
    assert httpx.post(f"{site.server.url}{TOKEN_PATH}").status_code == 401


@pytest.mark.parametrize(("wanted", "titles"), [("on", 2), ("small", 1), ("off", 0)])
def test_the_showcase_is_a_switch(wanted: str, titles: int) -> None:
    with wiki(showcase=wanted) as site:
        found = {one["title"] for one in site.all("pages", limit=250)} & {"A very long page", "Plain page"}
        assert len(found) == titles


def test_what_was_asked_is_noted(site: Wiki) -> None:
    site.get("api/v2/pages", limit=3)
    site.get("rest/api/group/hr%2Fpeople%20team/member", "datacenter")
    site.get("api/v2/pages/10000000/attachments")
    assert list(site.server.log.counts()) == ["GET pages", "GET group/{name}/member", "GET pages/{id}/attachments"]
    assert next(iter(site.server.log)).query == "limit=3"
    visit = site.vendor.visits[0]
    assert (visit.scheme, visit.elsewhere, visit.with_cookie) == ("Basic", False, False)
    assert visit.user_agent.startswith("python-httpx")


@pytest.mark.parametrize("personality", ["cloud", "gateway", "datacenter"])
def test_tables_lead_to_their_deployment(personality: str) -> None:
    with wiki(personality=personality) as site:
        table = site.vendor.connector_table(site.server.url)
        auth = table["auth"]
        assert isinstance(auth, dict)
        secret = auth.get("api_token") or auth["token"]
        assert isinstance(secret, Secret)
        login = (
            {"headers": bearer(secret.value)} if auth["type"] == "token" else {"auth": (auth["email"], secret.value)}
        )
        with httpx.Client(**login) as client:
            told = client.get(f"{table['base_url']}/rest/api/user/current").json()
        assert told["displayName"] == "Reader Bot"


def test_the_start_page_offers_changes_and_shows_what_was_changed(site: Wiki) -> None:
    told = httpx.post(
        f"{site.server.url}/__emulator__/change/confluence/rename", json={"id": "10000003", "title": "Quite new"}
    )
    assert told.json()["changed"] == "10000003 was renamed to 'Quite new'"
    assert "Quite new" in httpx.get(site.server.url).text
    wrong = httpx.post(f"{site.server.url}/__emulator__/change/confluence/rename", json={"id": "1"})
    assert wrong.status_code == 400


def test_a_state_file_outlives_the_server(tmp_path: object) -> None:
    from pathlib import Path

    state = Path(str(tmp_path)) / "state.db"
    with running([ConfluenceEmulator], state=state, seed=12) as server:
        first = Wiki(server)
        first.change("rename", id="10000003", title="Kept")
        first.close()
    with running([ConfluenceEmulator], state=state) as server:
        again = Wiki(server)
        assert again.v2("pages/10000003")["title"] == "Kept"
        assert len([one for one in again.all("pages") if int(one["id"]) >= 10_000_000]) == 12
        server.reset()
        assert again.v2("pages/10000003")["title"] != "Kept"
        again.close()
