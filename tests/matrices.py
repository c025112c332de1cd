"""Long matrices: of the cases of one, a fourth runs with every test, and all of them with `pytest --whole`."""

from __future__ import annotations

from collections.abc import Callable

SAMPLE = 4
"""Of so many cases one runs."""

Sampled = Callable[[int], list[int]]
"""What the fixture `sampled` is: given how many cases a test has, it tells the numbers of those that shall run, counted from 0."""
