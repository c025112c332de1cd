"""What a person may ask: does it work, and why is this page (not) there?"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus, urlsplit

import httpx

from knowledge_connector import AuthenticationError, ConnectorError, Finding, SyncContext
from knowledge_connector.kit.http import asking
from knowledge_connector_confluence.access import Access
from knowledge_connector_confluence.config import GATEWAY_PATH, ConfluenceConfig
from knowledge_connector_confluence.reading import Reading
from knowledge_connector_confluence.rules import Rules

if TYPE_CHECKING:
    from knowledge_connector_confluence.wiki import Entry, Space, Wiki

_BY_ID = re.compile(
    r"/(?:pages|folder|blog/\d+/\d+/\d+)/(\d+)|[?&](?:pageId|contentId)=(\d+)|^(?:\d+/)?(\d+)(?:/att\d+)?$"
)
_BY_TITLE = re.compile(r"/display/(?P<space>[^/?#]+)/(?:\d{4}/\d\d/\d\d/)?(?P<title>[^/?#]+)")
_TINY = re.compile(r"/x/([\w-]+)/?$")


# ----------------------------------------------------------------------------------------------------------------- check


def findings(config: ConfluenceConfig, wiki: Wiki, context: SyncContext) -> Iterator[Finding]:
    """Look at the address, the log-in, the spaces, and one page for the rights that the options need."""
    try:
        name = wiki.whoami()
        yield Finding(ok=True, subject="login", message=f"{config.base_url} knows us as {name}")
    except ConnectorError as error:
        yield Finding(ok=False, subject="login", message=error.message)
        yield from _gateway(config, context, error)
        return
    try:
        spaces = Reading(config, wiki, context).spaces()
    except ConnectorError as error:
        yield Finding(ok=False, subject="spaces", message=error.message)
        return
    sample: tuple[Space, Entry] | None = None
    for space in spaces:
        try:
            batch = wiki.batch(space, config.kinds[0], None, 1, bodies=False)
            sample = sample or next(((space, entry) for entry in batch.entries), None)
            yield Finding(ok=True, subject=f"space {space.key}", message=f"{space.name}: can be listed")
        except ConnectorError as error:
            yield Finding(ok=False, subject=f"space {space.key}", message=error.message)
    if sample is not None:
        yield from _rights(config, wiki, *sample)


def _gateway(config: ConfluenceConfig, context: SyncContext, error: ConnectorError) -> Iterator[Finding]:
    """A scoped token is refused at the site's address: say which address it needs."""
    parts = urlsplit(config.base_url)
    if not config.is_cloud or parts.path.startswith(GATEWAY_PATH) or not isinstance(error, AuthenticationError):
        return
    try:
        answer = context.http.get(
            f"{parts.scheme}://{parts.netloc}/_edge/tenant_info", extensions=asking(accept=range(400, 500))
        )
        cloud_id = answer.json()["cloudId"]
    except (ConnectorError, httpx.HTTPError, ValueError, KeyError):
        return  # only a hint was wanted
    address = f"https://api.atlassian.com{GATEWAY_PATH}{cloud_id}/wiki"
    yield Finding(
        ok=False, subject="base_url", message=f"if the token is one with scopes, base_url has to be {address}"
    )


def _rights(config: ConfluenceConfig, wiki: Wiki, space: Space, entry: Entry) -> Iterator[Finding]:
    """Try on one page what the options ask for."""
    tries: list[tuple[bool, str, Callable[[], object]]] = [
        (True, "bodies", lambda: wiki.body(entry, entry.id)),
        (Rules(config).asks_for_labels, "labels", lambda: wiki.labelled([entry])),
        (Rules(config).asks_for_ancestors, "ancestors", lambda: wiki.ancestors(entry)),
        (config.attachments, "attachments", lambda: list(wiki.files(entry, entry.id))),
        (config.comments, "comments", lambda: list(wiki.comments(entry, entry.id))),
        (config.acl, "restrictions", lambda: Access(wiki).readers(entry, space)),
        (config.sweep_hours > 0, "search", lambda: next(wiki.searched(f"id = {entry.id}"), None)),
    ]
    for wanted, subject, attempt in tries:
        if wanted:
            try:
                attempt()
                yield Finding(ok=True, subject=subject, message=f"can be read, as of page {entry.id}")
            except ConnectorError as error:
                yield Finding(ok=False, subject=subject, message=error.message)


# --------------------------------------------------------------------------------------------------------------- explain


def explain(needle: str, config: ConfluenceConfig, wiki: Wiki) -> str | None:
    """Say how a page stands to the rules; `None` if the needle is no page of this wiki."""
    entry = _meant(needle, wiki)
    if entry is None:
        return (
            None
            if id_of(needle) is None
            else "it is not there, not visible to this account, in the trash, or of a kind not read"
        )
    space = next((one for one in [*wiki.spaces(), *wiki.spaces(archived=True)] if one.id == entry.space_id), None)
    if space is None:
        return f"{entry.title!r} is in a space that is not visible to this account"
    rules = Rules(config)
    rule = rules.leaves_out_space(space)
    if rule is not None:
        return f"{entry.title!r} is left out by {rule}: it is in space {space.key}"
    if rules.asks_for_labels:
        entry = wiki.labelled([entry])[0]
    rule = rules.leaves_out(entry, Access(wiki).above(entry) if rules.asks_for_ancestors else ())
    if rule is not None:
        return f"{entry.title!r} in space {space.key} is left out by {rule}"
    return (
        f"{entry.title!r} in space {space.key} is read, version {entry.version}; its id here is {space.id}/{entry.id}"
    )


def _meant(needle: str, wiki: Wiki) -> Entry | None:
    id_ = id_of(needle)
    if id_ is not None:
        return next(wiki.current([id_]), None)
    named = _BY_TITLE.search(needle)
    if named is None:
        return None
    found = wiki.find(unquote_plus(named["space"]), unquote_plus(named["title"]))
    return found[0] if found else None


def id_of(needle: str) -> str | None:
    """The id of a page in any of its addresses."""
    found = _BY_ID.search(needle)
    if found is not None:
        return next(group for group in found.groups() if group)
    tiny = _TINY.search(needle)
    return _untiny(tiny[1]) if tiny else None


def _untiny(text: str) -> str | None:
    """A tiny link is the id as little-endian bytes in base64, with `-` for `/`, `_` for `+`, and no `A` at the end."""
    try:
        raw = base64.b64decode(text.replace("-", "/").replace("_", "+").ljust(11, "A") + "=")
    except binascii.Error:
        return None
    return str(int.from_bytes(raw[:8], "little"))
