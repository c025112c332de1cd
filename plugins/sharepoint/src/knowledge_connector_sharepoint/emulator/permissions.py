"""Who may see an item, in the forms in which SharePoint says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from knowledge_connector.testing.emulation import Row
from knowledge_connector_sharepoint.emulator.driveitem import PEOPLE, unique_id
from knowledge_connector_sharepoint.emulator.library import Item, Library
from knowledge_connector_sharepoint.emulator.tenant import HOME, TENANT_ID, Site, guid

EVERYONE_BUT_GUESTS = f"c:0-.f|rolemanager|spo-grid-all-users/{TENANT_ID}"
NEVER = "0001-01-01T00:00:00Z"

USER = {"user": {"id": guid("ann@contoso.com"), "displayName": PEOPLE[0][0], "email": PEOPLE[0][1]}}
SITE_USER = {
    "siteUser": {
        "id": "9",
        "displayName": PEOPLE[1][0],
        "email": PEOPLE[1][1],
        "loginName": f"i:0#.f|membership|{PEOPLE[1][1]}",
    }
}
GROUP = {"group": {"id": guid("group/hr"), "displayName": "HR team", "email": "hr@contoso.com"}}
EVERYONE = {"siteUser": {"id": "4", "displayName": "Everyone except external users", "loginName": EVERYONE_BUT_GUESTS}}
APPLICATION = {"application": {"id": guid("other application"), "displayName": "Backup"}}

_USER_WITH_SITE_USER = {**USER, **SITE_USER}
_EMPTY: Sequence[Row] = ()


def grants(roles: Sequence[str], to: Row) -> Row:
    """Give a grant to a person, a group, or an application."""
    return {"roles": list(roles), "grantedToV2": to, "expirationDateTime": NEVER}


def link(scope: str, kind: str = "view", to: Sequence[Row] = ()) -> Row:
    """Give a sharing link."""
    made = {
        "scope": scope,
        "type": kind,
        "webUrl": f"https://contoso.sharepoint.com/:t:/s/x/{scope}",
        "preventsDownload": False,
    }
    return {"roles": ["read" if kind == "view" else "write"], "link": made, "grantedToIdentitiesV2": list(to),
            "hasPassword": False, "shareId": f"u!{scope}"}  # fmt: skip


OWN: Mapping[str, Sequence[Row]] = {
    "user": (grants(["write"], _USER_WITH_SITE_USER),),
    "group": (grants(["read"], GROUP),),
    "site-group": (grants(["read"], {"siteGroup": {"id": "7", "displayName": "Project X Members", "loginName": "Project X Members"}}),),
    "everyone": (grants(["read"], EVERYONE),),
    "anonymous": (link("anonymous"),),
    "organization": (link("organization", "edit"),),
    "users": (link("users", to=[USER, GROUP]),),
    "existing": (link("existingAccess"),),
    "limited": (grants(["sp.limited access"], SITE_USER), grants(["read"], GROUP)),
    "application": (grants(["read"], APPLICATION),),
    "nobody": _EMPTY,
}  # fmt: skip
"""What an item that decides for itself says, by its word; owners of the site come in all but `nobody`."""


def permissions(library: Library, item: Item) -> list[Row]:
    """Give all grants of an item, inherited ones included, as SharePoint lists them."""
    deciding = next((one for one in (item, *library.above(item)) if one.acl), None)
    site = HOME[library.shelf.key]
    rows: list[Row] = inherited(site) if deciding is None else list(OWN[deciding.acl])
    if deciding and deciding.acl != "nobody":
        rows.append(_owners(site))
    return [{"id": f"{unique_id(item)[:8]}-{number}", **row} for number, row in enumerate(rows)]


def inherited(site: Site) -> list[Row]:
    """Give what a site grants to whom belongs to it."""
    names = {"Members": "write", "Visitors": "read"}
    return [_owners(site)] + [grants([role], _site_group(site, name)) for name, role in names.items()]


def _owners(site: Site) -> Row:
    return grants(["owner", "sp.full control"], _site_group(site, "Owners"))


def _site_group(site: Site, name: str) -> Row:
    ids = {"Owners": "3", "Visitors": "4", "Members": "5"}
    title = f"{site.title} {name}"
    return {"siteGroup": {"id": ids[name], "displayName": title, "loginName": title}}
