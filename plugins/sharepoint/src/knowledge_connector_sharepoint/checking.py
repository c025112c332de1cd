"""What a person may ask: can it be read, with which rights, and why is this file not there?"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from knowledge_connector import ConnectorError, Document, Finding, Skip
from knowledge_connector_sharepoint.addresses import last_segment, share_id
from knowledge_connector_sharepoint.files import FIELDS, FileRules, Files
from knowledge_connector_sharepoint.graph import Refused
from knowledge_connector_sharepoint.pages import PAGE
from knowledge_connector_sharepoint.permissions import read_acls
from knowledge_connector_sharepoint.sites import Drive, Selection, Trouble
from knowledge_connector_sharepoint.tree import Tree

if TYPE_CHECKING:
    from knowledge_connector_sharepoint.config import SharePointConfig
    from knowledge_connector_sharepoint.graph import Item
    from knowledge_connector_sharepoint.reading import Reading


def check(reading: Reading, config: SharePointConfig) -> Iterator[Finding]:
    """Look at everything without reading it."""
    try:
        yield Finding(ok=True, subject="login", message=_identity(reading, config))
        for found in reading.discovery.sites():
            if isinstance(found, Trouble):
                yield Finding(ok=False, subject=found.key, message=found.error.message)
            else:
                yield from _site(reading, config, found)
    except ConnectorError as error:
        yield Finding(ok=False, subject="tenant", message=error.message)


def _identity(reading: Reading, config: SharePointConfig) -> str:
    roles = roles_of(reading.graph.tokens.current())
    granted = f"; granted: {', '.join(roles)}" if roles else ""
    return f"application {config.client_id} of {config.tenant}{granted}"


def roles_of(token: str) -> list[str]:
    """Give the permissions that a token speaks of; none if it cannot be read. It is not verified: Graph does that."""
    payload = token.split(".")[1] if token.count(".") == 2 else ""
    try:
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (binascii.Error, ValueError):
        return []
    roles = claims.get("roles") if isinstance(claims, dict) else None
    return sorted(str(role) for role in roles) if isinstance(roles, list) else []


def _site(reading: Reading, config: SharePointConfig, found: Selection) -> Iterator[Finding]:
    site = found.site
    try:
        drives = reading.discovery.drives(found) if config.files else []
        yield Finding(ok=True, subject=site.name, message=f"{site.web_url}: {len(drives)} libraries")
        for drive in drives:
            yield _drive(reading, config, drive)
        if config.pages and found.libraries is None:
            pages = reading.graph.get(f"/sites/{site.id}/pages/{PAGE}").get("value") or []
            yield Finding(ok=True, subject=site.name, message=f"pages can be read; the first list holds {len(pages)}")
    except Refused as refused:
        yield Finding(ok=False, subject=site.name, message=refused.message)


def _drive(reading: Reading, config: SharePointConfig, drive: Drive) -> Finding:
    first = list(islice(reading.graph.items(f"/drives/{drive.id}/root/children?$select=id,file"), 1))
    meant = f"{len(drive.folders)} folders of it" if drive.folders else "all of it"
    if config.acl and first:
        acls = read_acls(reading.graph, drive.id, [first[0]["id"]], reading.graph.clock.now())
        if acls.get(first[0]["id"]) is None:
            return Finding(ok=False, subject=drive.name, message="it can be read, but not who may read its files")
    return Finding(ok=True, subject=drive.name, message=f"{drive.web_url}: can be read, {meant}")


def explain(needle: str, reading: Reading, config: SharePointConfig) -> str | None:
    """Say in a sentence what becomes of a file; `None` if the needle is no id and no address of one."""
    drive_id, slash, item_id = needle.partition("/")
    if needle.startswith("https://"):
        path = f"/shares/{share_id(needle)}/driveItem?$select={FIELDS}"
    elif slash and item_id and "/" not in item_id:
        path = f"/drives/{drive_id}/items/{item_id}?$select={FIELDS}"
    else:
        return None
    item = reading.graph.get(path)
    drive = _meant(reading, config, item["parentReference"])
    if drive is None:
        return f"It lies in the library {item['parentReference']['driveId']}, which the configuration does not mean."
    if "folder" in item or "root" in item:
        return f"It is a folder of the library {drive.name!r}; its files are documents, it is none."
    return _sentence(drive, Files(reading.graph, drive, FileRules.of(config), Tree(reading.graph, drive.id)), item)


def _meant(reading: Reading, config: SharePointConfig, parent: Item) -> Drive | None:
    """The library that an item lies in, if it is among those that are meant."""
    if config.sites:
        sites = [found for found in reading.discovery.sites() if isinstance(found, Selection)]
    else:  # of all sites of a tenant it is this one that has to be asked
        sites = [Selection(parent["siteId"], reading.discovery.site(parent["siteId"]))]
    drives = (drive for found in sites for drive in reading.discovery.drives(found))
    return next((drive for drive in drives if drive.id == parent["driveId"]), None)


def _sentence(drive: Drive, files: Files, item: Item) -> str:
    outcome = files.judge(item)
    where = f"{item.get('name')!r} in the library {drive.name!r} ({last_segment(drive.web_url)})"
    if isinstance(outcome, Document):
        return f"{where} is listed as {outcome.id}, revision {outcome.revision}."
    if isinstance(outcome, Skip):
        return f"{where} is left out: {outcome.reason}."
    return f"{where} cannot be placed: {outcome.message}."
