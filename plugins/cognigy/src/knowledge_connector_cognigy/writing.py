"""How a version gets into the store without a hole: as a second source, or by one step in place.

second source   POST hidden ─▶ chunks ─▶ count ─▶ old one held back (name free, marks off) ─▶ PATCH: name, marks, visible ─▶ DELETE old
in place        PATCH marks off ─▶ one chunk changed, appended or removed ─▶ PATCH marks on

A reader finds single chunks, so one step in place shows the old version or the new one, never half of each; two steps would. After a
crash anywhere the store holds at least one whole version, and whatever has no true marks is written again or swept away.
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import batched_ as batched
from typing import TYPE_CHECKING

from knowledge_connector import DocumentError, digest
from knowledge_connector_cognigy import marks
from knowledge_connector_cognigy.client import Missing, NameTaken
from knowledge_connector_cognigy.held import Held, Part, superseded_by

if TYPE_CHECKING:
    from collections.abc import Sequence

    from knowledge_connector import Chunk, SourceDraft
    from knowledge_connector_cognigy.client import Item
    from knowledge_connector_cognigy.config import CognigyConfig
    from knowledge_connector_cognigy.marks import Scalar
    from knowledge_connector_cognigy.store import KnowledgeStore

CHUNKS_PER_SOURCE = 1000
