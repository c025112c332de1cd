"""A token that expires in the middle, under many threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from knowledge_connector.errors import AuthenticationError
from knowledge_connector.kit.auth import TokenAuth
from knowledge_connector.kit.http import HttpClient
from unit.kit.origin import Answer, Handler, Origin, answer


@dataclass
class Counter:
    """Tokens `t0`, `t1`, …; remembers what it was asked."""

    number: int = 0
    renewed: list[tuple[str, str | None]] = field(default_factory=list)

    def current(self) -> str:
        return f"t{self.number}"

    def renew(self, stale: str, challenge: str | None) -> str:
        self.renewed.append((stale, challenge))
        self.number += 1
        return self.current()


def wanting(token: str) -> Answer:
    def give(handler: Handler) -> None:
        well = handler.headers["authorization"] == f"Bearer {token}"
        answer(200 if well else 401, b"ok", WWW_Authenticate='Bearer error="insufficient_claims"')(handler)

    return give


def test_a_refused_token_is_renewed_once(origin: Origin, client: HttpClient) -> None:
    origin.answers = [wanting("t1")]
    tokens = Counter()
    client.auth = TokenAuth(tokens, origins=[origin.url])
    assert [client.get(origin.url).status_code for _ in range(3)] == [200] * 3
    assert tokens.renewed == [("t0", 'Bearer error="insufficient_claims"')]
    assert len(origin.requests) == 4


def test_a_token_that_is_refused_twice_ends_it(origin: Origin, client: HttpClient) -> None:
    origin.answers = [wanting("another")]
    tokens = Counter()
    with pytest.raises(AuthenticationError, match="401"):
        client.get(origin.url, auth=TokenAuth(tokens, origins=[origin.url]))
    assert (len(tokens.renewed), len(origin.requests)) == (1, 2)


def test_of_many_that_are_refused_one_renews(origin: Origin, client: HttpClient) -> None:
    origin.answers = [wanting("t1")]
    tokens = Counter()
    client.auth = TokenAuth(tokens, origins=[origin.url])
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: client.get(origin.url).status_code, range(40)))
    assert answers == [200] * 40
    assert len(tokens.renewed) == 1


def test_no_token_goes_to_another_origin(origin: Origin, stranger: Origin, client: HttpClient) -> None:
    client.auth = TokenAuth(Counter(), origins=[origin.url])
    client.get(stranger.url)
    client.get(stranger.url.replace("127.0.0.1", "localhost"))
    assert not any("Authorization" in headers for _, _, headers in stranger.requests)
