"""Counting what the target counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from knowledge_connector.model import length

if TYPE_CHECKING:
    from knowledge_connector.model import Unit


class Ruler:
    """Measures stretches of one text in one unit.

    Sizes add up: `size(a, b) + size(b, c) == size(a, c)`. Lone surrogates are measured as if they could be encoded.
    """

    def __init__(self, text: str, unit: Unit) -> None:
        self.text = text
        self.unit = unit
        self._encoding = "utf-16-le" if unit == "utf-16" else "utf-8"
        self._width = 2 if unit == "utf-16" else 1
        self._even = unit == "characters" or text.isascii()

    def size(self, start: int, end: int) -> int:
        """Units between two positions of the text."""
        return end - start if self._even else self.count(self.text[start:end])

    def trimmed(self, start: int, end: int) -> int:
        """Units between two positions, without the white space at the end."""
        return self.size(start, start + len(self.text[start:end].rstrip()))

    def count(self, text: str) -> int:
        """Units of some other text."""
        if self.unit == "characters" or text.isascii():
            return len(text)
        return length(text, self.unit)

    def reach(self, start: int, room: int) -> int:
        """The farthest position so that no more than `room` units lie between it and `start`; at least one character on."""
        stop = min(start + max(room, 1), len(self.text))
        if self._even:
            return stop
        encoded = self.text[start:stop].encode(self._encoding, "surrogatepass")
        return start + max(1, len(encoded[: room * self._width].decode(self._encoding, "ignore")))
