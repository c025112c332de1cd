"""An emulator of Confluence: one wiki, as Cloud at `/wiki`, behind Cloud's gateway, and as Data Center at `/confluence`.

    server  ─ who answers which path, log in (access), errors (answers)
      version2, version1 (shapes1, cql, paging), downloads
        world ─ generated pages (generated), written ones (showcase, bodies, elements), changes over both (listing)

Switches, each as `confluence.NAME`:

    documents (40)                generated pages: from 10 to a million
    attachment_every (10)         which of these have an attachment; 0 for none
    showcase (on)                 written pages besides: `small` leaves the one of 2 MB out, `off` all
    personality (cloud)           what a configuration is written for: `gateway`, `datacenter`
    index_delay_seconds (0)       of the search
    timezone (Europe/Berlin)      of the account
    anonymous (datacenter)        deployments that answer without a log-in, joined by commas; `none`
    unscoped_at_gateway           `allow`: tokens without scopes work there, too
    missing_scopes                as `read:attachment:confluence`
    token_seconds (3600)          of OAuth; tokens are to be had at TOKEN_PATH
    requests_per_minute           for each deployment; no limit unless given
    retry_after                   `none`: a 429 has X-RateLimit-Reset only
    max_bodies                    more bodies than these in one answer are a 500
    datacenter_admin (yes)        `no`: permissions of spaces are a 500
    datacenter_version (9.2.1)

What it does follows the documentation of Confluence, what people report of it, and where neither tells, what is likely.
"""

from knowledge_connector_confluence.emulator.access import (
    ACCESS_TOKEN,
    CLIENT_ID,
    CLIENT_SECRET,
    CLOUD_ID,
    CLOUD_TOKEN,
    DC_PASSWORD,
    DC_USER,
    EMAIL,
    REFRESH_TOKEN,
    SCOPED_TOKEN,
    SERVICE_TOKEN,
)
from knowledge_connector_confluence.emulator.elements import every_element
from knowledge_connector_confluence.emulator.people import Mention
from knowledge_connector_confluence.emulator.server import GATEWAY, TOKEN_PATH, ConfluenceEmulator, Visit
from knowledge_connector_confluence.emulator.showcase import ELEMENTS

__all__ = [
    "ACCESS_TOKEN",
    "CLIENT_ID",
    "CLIENT_SECRET",
    "CLOUD_ID",
    "CLOUD_TOKEN",
    "DC_PASSWORD",
    "DC_USER",
    "ELEMENTS",
    "EMAIL",
    "GATEWAY",
    "REFRESH_TOKEN",
    "SCOPED_TOKEN",
    "SERVICE_TOKEN",
    "TOKEN_PATH",
    "ConfluenceEmulator",
    "Mention",
    "Visit",
    "every_element",
]
