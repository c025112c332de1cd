"""The heading path: where in its document a chunk belongs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from knowledge_connector.chunking.cutting import border
from knowledge_connector.chunking.ruler import Ruler

if TYPE_CHECKING:
    from collections.abc import Sequence

    from knowledge_connector.ports import ChunkRules

KEY: Final = "heading"
SEPARATOR: Final = " › "
_MAX_PATH: Final = 300
_MIN_PATH: Final = 8
_CUT: Final = "…"


def longest_path(rules: ChunkRules) -> int:
    """Units that a heading path may take: 300, and a quarter of a chunk (key included) where metadata counts; 0 for no path at all."""
    if not rules.counts_metadata:
        return _MAX_PATH
    room = min(_MAX_PATH, rules.max_chars // 4 - len(KEY))
    return room if room >= _MIN_PATH else 0


def heading_path(titles: Sequence[str], rules: ChunkRules) -> str:
    """Join titles from the outermost to the innermost; where they are too long, the outer ones go first, then the end of the last."""
    bound = longest_path(rules)
    kept = [title for title in titles if title]
    path = SEPARATOR.join(kept)
    if not kept or not bound or Ruler(path, rules.unit).size(0, len(path)) <= bound:
        return path if bound else ""
    for outer in range(1, len(kept)):
        path = SEPARATOR.join([_CUT, *kept[outer:]])
        if Ruler(path, rules.unit).count(path) <= bound:
            return path
    innermost = Ruler(kept[-1], rules.unit)
    stop = innermost.reach(0, bound - innermost.count(_CUT))
    return kept[-1][: border(kept[-1], 0, stop, prose=True)].rstrip() + _CUT


def cost(path: str, rules: ChunkRules) -> int:
    """What a chunk's metadata takes away from its text."""
    return len(KEY) + Ruler(path, rules.unit).count(path) if rules.counts_metadata and path else 0


def highest_cost(rules: ChunkRules) -> int:
    """The most that metadata can take away."""
    longest = longest_path(rules)
    return len(KEY) + longest if rules.counts_metadata and longest else 0
