"""Rules that can be kept, and those that cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from knowledge_connector.errors import ConfigError

if TYPE_CHECKING:
    from knowledge_connector.ports import ChunkRules

MIN_CHARS: Final = 16


def check_rules(rules: ChunkRules) -> None:
    """Refuse rules that no chunker could keep.

    Raises:
        ConfigError: `max_chars` is too small for a grapheme of any script, or the overlap would fill a chunk.
    """
    if rules.max_chars < MIN_CHARS:
        raise ConfigError(f"max_chars is {rules.max_chars}; a chunk needs at least {MIN_CHARS}.")
    if not 0 <= rules.overlap_chars < rules.max_chars:
        raise ConfigError(
            f"overlap_chars is {rules.overlap_chars}; it must be at least 0 and less than max_chars, which is {rules.max_chars}."
        )
