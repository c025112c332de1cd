"""Who may read a page: its own restrictions, and those of everything above it."""

from __future__ import annotations

from collections import OrderedDict
from functools import lru_cache

from knowledge_connector_confluence.wiki import Entry, Space, Wiki

REMEMBERED = 20_000
"""How many restrictions and lines of ancestors are kept at hand."""

Line = tuple[str, ...]


class Access:
    """Ancestors and readers, each asked for once as long as they are remembered. Nothing outlives a run: both change silently.

    Safe for any number of threads; two may ask for the same at once.
    """

    def __init__(self, wiki: Wiki) -> None:
        self._wiki = wiki
        self._lines: OrderedDict[str, Line] = OrderedDict()
        self._readers = lru_cache(REMEMBERED)(wiki.readers)

    def above(self, entry: Entry) -> Line:
        """Ids of what is above an entry, the highest first.

        Pages are listed by id, and what hangs on a page is mostly younger: so most lines are known before they are needed.
        """
        line = self._line(entry)
        self._remember(entry.id, (*line, entry.id))
        return line

    def readers(self, entry: Entry, space: Space) -> tuple[str, ...]:
        """Principals of whoever may read an entry: `space:KEY` for everybody who may view the space, or `user:…` and `group:…`.

        Where several restrictions apply, a reader has to be in all of them: those remain that all of them name. Somebody who is
        named by one and a member of the group that another one names is left out: rather too few than too many.

        Raises:
            ConnectorError: Some restriction cannot be known.
        """
        found = self.restriction(entry)
        return (f"space:{space.key}",) if found is None else tuple(sorted(found))

    def restriction(self, entry: Entry) -> frozenset[str] | None:
        """The principals that all restrictions name; `None` if there is no restriction."""
        levels = [self._readers(id_, id_) for id_ in (*self.above(entry), entry.id)]
        named = [level for level in levels if level is not None]
        return frozenset.intersection(*named) if named else None

    def _line(self, entry: Entry) -> Line:
        if entry.ancestors is not None:
            return tuple(id_ for _, id_ in entry.ancestors)
        if entry.parent is None:
            return ()
        line = self._lines.get(entry.parent[1])
        if line is None:
            line = tuple(id_ for _, id_ in self._wiki.ancestors(entry))
            self._remember(entry.parent[1], line)
        return line

    def _remember(self, id_: str, line: Line) -> None:
        self._lines[id_] = line
        if len(self._lines) > REMEMBERED:
            self._lines.popitem(last=False)
