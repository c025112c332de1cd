"""Names in the file and in the environment."""

from __future__ import annotations

import re

Key = tuple[str | int, ...]

PREFIX = "CONNECTOR_"
CONFIG_VARIABLE = "CONNECTOR_CONFIG"
FILE_NAME = "connectors.toml"

NAMED = ("targets", "connectors", "converters", "jobs", "notifications")
"""Sections of tables that have names of the user's choosing."""

SINGLE = ("state", "conversion", "history", "serve", "traces", "plugins")
"""Sections that are one table each."""

NAME_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,39}$"
"""Names become part of owner marks, which some targets keep in tags of `a-z 0-9 _ -`."""


def is_name(text: str) -> bool:
    """Whether a table may be called so."""
    return re.match(NAME_PATTERN, text) is not None and not text.endswith("\n")


def variable_for(key: Key) -> str:
    """Give the environment variable that sets a key: `CONNECTOR_CONNECTORS__HANDBOOK__API_TOKEN`."""
    return PREFIX + "__".join(str(part) for part in key).replace("-", "_").upper()


def dotted(key: Key) -> str:
    """Write a key as people write it: `connectors.docs.include[0]`."""
    text = ""
    for part in key:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
