"""What the configuration says about a lane, and what kind of run this is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from knowledge_connector.model import Limits
from knowledge_connector.ports import ChunkRules
from knowledge_connector.sync.guard import DeleteRules
from knowledge_connector.sync.plan import Change


@dataclass(frozen=True, slots=True)
class LaneRules:
    """What the configuration says about one lane.

    Attributes:
        tags: Given to every document.
        chunker: Name of the chunker.
        chunk_rules: How it shall cut for this target.
        recipe: Gives the recipe for a media type, or `None` if nothing can convert it.
        max_bytes: Larger bodies are skipped.
        deletes: Bounds of the guard.
        refetch: Ignore revisions: every body is read and compared by its text.
    """

    limits: Limits
    keeps_content: bool
    recipe: Callable[[str | None], str | None]
    tags: tuple[str, ...] = ()
    chunker: str = "markdown"
    chunk_rules: ChunkRules = field(default_factory=ChunkRules)
    max_bytes: int = 50_000_000
    deletes: DeleteRules = field(default_factory=DeleteRules)
    refetch: bool = False


@dataclass(frozen=True, slots=True)
class RunMode:
    """What kind of run this is.

    Attributes:
        dry: Plan only; nothing is written.
        allow_deletes: The ceiling that a person approved.
        only: Look at these ids only, and delete nothing (`connector retry`).
        approved: Says why a change is not in the plan that is being applied; `None` as answer lets it pass.
        expected_holdings: What `StateStore.holdings_digest` said when that plan was made.
    """

    dry: bool = False
    allow_deletes: int | None = None
    only: frozenset[str] | None = None
    approved: Callable[[Change], str | None] | None = None
    expected_holdings: str | None = None
