"""Who may read a file. What could not be fetched is unknown, which is not the same as nobody."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING

from knowledge_connector_sharepoint.files import moment
from knowledge_connector_sharepoint.graph import NotReadable
from knowledge_connector_sharepoint.throttle import PERMISSIONS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from knowledge_connector_sharepoint.graph import Graph, Item

Acl = tuple[str, ...]

_GRANTS_NOTHING = frozenset({"sp.limited access"})
_KINDS = {
    "user": "user",
    "group": "group",
    "siteUser": "site-user",
    "siteGroup": "site-group",
    "application": "application",
    "device": "device",
}
_BY_LINK = {"anonymous": "anyone-with-link", "organization": "organization-with-link"}
"""People may open the file once they have the link, which is less than being able to find it; so the principal says `with-link`."""

_EVERYONE_INSIDE = "spo-grid-all-users"
_EVERYONE = "c:0(.s|true"
_NEVER = datetime(1, 1, 1, tzinfo=UTC)


def read_acls(graph: Graph, drive: str, items: Sequence[str], now: datetime) -> dict[str, Acl | None]:
    """Give who may read each item, by batches.

    Args:
        graph: Whom to ask.
        drive: Where the items are.
        items: Their ids.
        now: What has expired by then counts no more.

    Returns:
        Principals, sorted; none for nobody; `None` where they could not be fetched. Items that are gone are left out.
    """
    found: dict[str, Acl | None] = {}
    paths = [f"/drives/{drive}/items/{item}/permissions" for item in items]
    for item, answer in zip(items, graph.batch(paths, units=PERMISSIONS), strict=True):
        if answer.ok:
            found[item] = _acl(graph, answer.body, now)
        elif answer.status != HTTPStatus.NOT_FOUND:
            found[item] = None
    return found


def _acl(graph: Graph, page: Item, now: datetime) -> Acl | None:
    """What the pages of one item's permissions add up to."""
    if not isinstance(page.get("value"), list):
        return None
    principals = {one for permission in page["value"] for one in principals_of(permission, now)}
    following = graph.next_of(page)
    if following is None:
        return tuple(sorted(principals))
    try:
        rest = {
            one for permission in graph.items(following, units=PERMISSIONS) for one in principals_of(permission, now)
        }
    except NotReadable:
        return None
    return tuple(sorted(principals | rest))


def principals_of(permission: Item, now: datetime) -> Iterator[str]:
    """Give whom one permission lets read: `user:ID`, `group:ID`, `site-group:ID`, `everyone`, `anyone-with-link` and so on."""
    roles = {str(role).lower() for role in permission.get("roles") or ()}
    if (roles and roles <= _GRANTS_NOTHING) or _has_expired(permission, now):
        return
    link = permission.get("link") or {}
    if link.get("scope") in _BY_LINK and not permission.get("hasPassword"):
        yield _BY_LINK[link["scope"]]
    identities = [permission.get("grantedToV2"), *(permission.get("grantedToIdentitiesV2") or ())]
    for identity in identities:
        if identity:
            yield from _principals(identity)


def _has_expired(permission: Item, now: datetime) -> bool:
    expires = moment(permission.get("expirationDateTime"))
    return expires is not None and _NEVER < expires <= now


def _principals(identity: Item) -> Iterator[str]:
    """Names of one identity. It may be given twice, as a user of the directory and of the site; the first is the one to know."""
    for key, kind in _KINDS.items():
        one = identity.get(key)
        if not isinstance(one, dict):
            continue
        login = str(one.get("loginName") or "")
        if _EVERYONE_INSIDE in login:
            yield "everyone-but-guests"
        elif login == _EVERYONE:
            yield "everyone"
        elif one.get("id") or login:
            yield f"{kind}:{one.get('id') or login}"
        return
