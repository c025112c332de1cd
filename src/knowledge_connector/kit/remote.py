"""The client that a run lends to a connector."""

from __future__ import annotations

from typing import TYPE_CHECKING

from knowledge_connector.kit.budget import shared
from knowledge_connector.kit.config import HttpOptions, RemoteConfig
from knowledge_connector.kit.http import HttpClient, HttpPolicy, Tls, make_client

if TYPE_CHECKING:
    from knowledge_connector.ports import Clock


def make_origin_client(config: object, clock: Clock) -> HttpClient:
    """Give the client for a connector's configuration; its budgets are those of all connectors of this process with the same bounds.

    Args:
        config: The connector's; if it is a `RemoteConfig`, its `http` counts.
        clock: Whose time it is.

    Raises:
        ConfigError: A file that it names cannot be read.
    """
    options = config.http if isinstance(config, RemoteConfig) else HttpOptions()
    budgets = shared(clock, max_requests=options.requests_per_minute, concurrency=options.concurrency)
    return make_client(clock, policy=policy_of(options), budgets=budgets)


def policy_of(options: HttpOptions) -> HttpPolicy:
    """What `[connectors.NAME.http]` says of each client of a connector, also of one that fetches its tokens."""
    tls = Tls(options.ca_file, options.client_certificate, options.client_key, options.client_key_password)
    return HttpPolicy(allow_link_local=options.allow_link_local, tls=tls)
