"""The part of CQL that readers of a wiki use: clauses joined by `and`, `or`, `not` and parentheses, and `order by`.

Reference: developer.atlassian.com, "Advanced searching using CQL". Fields: type, space, id (content), title, label, ancestor, parent,
created, lastmodified. Dates have minutes at best and no zone; they are read in the zone of whoever asks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import reduce
from typing import NoReturn, cast
from zoneinfo import ZoneInfo

from knowledge_connector_confluence.emulator.model import KINDS, Content, Kind, Refusal
from knowledge_connector_confluence.emulator.world import Query, World

MINUTE = 60.0
QUERIES_KEPT = 20

_WORDS = (
    "after and as avg before begin by commit contains count distinct else empty end explain from having if in inner insert into is "
    "isnull left like limit max min not null or order outer right select sum then was where update"
)

RESERVED = frozenset(_WORDS.split())
"""Words that stand for themselves in quotes only."""

_TOKEN = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|(!=|>=|<=|!~|[=<>~(),])|([^\s"=<>~!(),]+))')
_ORDERS = {"created": "created", "lastmodified": "modified", "title": "title", "id": "id"}
_FORMATS = ("%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M", "%Y-%m-%d", "%Y/%m/%d")
_BACK = {"m": 1.0, "h": 60.0, "d": 1440.0, "w": 10080.0}

Test = Callable[[Content], bool]


@dataclass(frozen=True, slots=True)
class Token:
    """A word, a sign, or what stood in quotes."""

    text: str
    quoted: bool = False

    def is_word(self, *words: str) -> bool:
        """Whether it is one of these, and bare."""
        return not self.quoted and self.text.lower() in words


def malformed(why: str) -> NoReturn:
    """Refuse a query as the vendor does."""
    raise Refusal(400, f"Could not parse cql : {why}")


def tokens_of(text: str) -> Iterator[Token]:
    """Cut a query into tokens."""
    position = 0
    text = text.rstrip()
    while position < len(text):
        found = _TOKEN.match(text, position)
        if not found:
            malformed(f"unexpected character at {position}")
        quoted, sign, word = found.groups()
        yield Token(re.sub(r"\\(.)", r"\1", quoted), quoted=True) if quoted is not None else Token(sign or word)
        position = found.end()


@dataclass(frozen=True, slots=True)
class Clause:
    """A field compared with values, or, with `parts`, others joined."""

    field: str = ""
    sign: str = ""
    values: tuple[str, ...] = ()
    joined_by: str = ""
    parts: tuple[Clause, ...] = ()


class Parser:
    """Reads one query."""

    def __init__(self, text: str) -> None:
        self._tokens = list(tokens_of(text))
        self._position = 0

    def parse(self) -> tuple[Clause, str, bool]:
        """Give the condition, the order, and whether it descends."""
        clause = self._either()
        order, descending = "id", False
        if self._takes("order"):
            if not self._takes("by"):
                malformed("expected 'by' after 'order'")
            order = self._order()
            descending = self._takes("desc")
            if not descending:
                self._takes("asc")
        if self._position < len(self._tokens):
            malformed(f"unexpected {self._tokens[self._position].text!r}")
        return clause, order, descending

    def _order(self) -> str:
        name = self._next().text.lower()
        if name not in _ORDERS:
            malformed(f"cannot order by {name!r}")
        return _ORDERS[name]

    def _either(self) -> Clause:
        parts = [self._both()]
        while self._takes("or"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else Clause(joined_by="or", parts=tuple(parts))

    def _both(self) -> Clause:
        parts = [self._one()]
        while self._takes("and"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else Clause(joined_by="and", parts=tuple(parts))

    def _one(self) -> Clause:
        if self._takes("not"):
            return Clause(joined_by="not", parts=(self._one(),))
        if self._takes("("):
            inner = self._either()
            self._wants(")")
            return inner
        return self._comparison()

    def _comparison(self) -> Clause:
        field = self._next().text.lower()
        if self._takes("not"):
            self._wants("in")
            return Clause(field, "not in", self._list())
        if self._takes("in"):
            return Clause(field, "in", self._list())
        sign = self._next().text
        if sign not in ("=", "!=", ">", ">=", "<", "<=", "~", "!~"):
            malformed(f"expected an operator after {field!r}, not {sign!r}")
        return Clause(field, sign, (self._value(),))

    def _list(self) -> tuple[str, ...]:
        self._wants("(")
        values = [self._value()]
        while self._takes(","):
            values.append(self._value())
        self._wants(")")
        return tuple(values)

    def _value(self) -> str:
        token = self._next()
        if token.quoted:
            return token.text
        if token.text.lower() == "now" and self._takes("("):
            inner = "" if self._takes(")") else self._next().text
            if inner:
                self._wants(")")
            return f"now({inner})"
        if token.text.lower() in RESERVED or not re.fullmatch(r"[\w.~-]+", token.text):
            malformed(f"{token.text!r} has to stand in quotes")
        return token.text

    def _next(self) -> Token:
        if self._position == len(self._tokens):
            malformed("it ends too early")
        self._position += 1
        return self._tokens[self._position - 1]

    def _takes(self, word: str) -> bool:
        found = self._position < len(self._tokens) and self._tokens[self._position].is_word(word)
        self._position += found
        return found

    def _wants(self, word: str) -> None:
        if not self._takes(word):
            malformed(f"expected {word!r}")


class Searching:
    """Makes listings of queries.

    Args:
        world: What is searched: current contents of spaces that are not archived.
        zone: Of whoever asks.
    """

    def __init__(self, world: World, zone: ZoneInfo) -> None:
        self._world, self._zone = world, zone
        self._known: dict[tuple[str, tuple[Kind, ...], int], Query] = {}

    def query(self, text: str, kinds: tuple[Kind, ...]) -> Query:
        """Give what fits a text of CQL: the same object until the wiki changes, so that pages are of one listing.

        Raises:
            Refusal: It is malformed, or names a field, a value or a time that there is none of.
        """
        key = (text, kinds, self._world.revision)
        if key not in self._known or "now(" in text.lower():
            self._known = {key: self._parsed(text, kinds), **dict(list(self._known.items())[:QUERIES_KEPT])}
        return self._known[key]

    def _parsed(self, text: str, kinds: tuple[Kind, ...]) -> Query:
        """What is joined by `and` at the top is looked up; anything else is a test that all have to be shown to."""
        clause, order, descending = Parser(text).parse()
        parts = clause.parts if clause.joined_by == "and" else (clause,)
        spaces = tuple(one.key for one in self._world.spaces.values() if one.status == "current")
        query = Query(kinds=kinds, spaces=spaces, order=order, descending=descending, indexed=True)
        rest: list[Test] = []
        for part in parts:
            query, test = self._narrowed(query, part)
            rest += [test] if test else []
        return replace(query, test=_all(rest)) if rest else query

    def _narrowed(self, query: Query, part: Clause) -> tuple[Query, Test | None]:
        """A narrower query, or a test where none can be looked up."""
        equal = part.sign in ("=", "in")
        if part.field == "type" and equal:
            kinds = tuple(kind for kind in query.kinds if kind in self._kinds(part.values))
            return replace(query, kinds=kinds), None
        if part.field in ("space", "space.key") and equal:
            return replace(query, spaces=tuple(key for key in query.spaces or () if key in part.values)), None
        if part.field in ("id", "content") and equal and query.ids is None:
            return replace(query, ids=part.values), None
        if part.field == "ancestor" and equal and len(part.values) == 1 and query.beneath is None:
            return replace(query, beneath=part.values[0]), None
        if part.field == "lastmodified" and part.sign in (">", ">=", "<", "<="):
            low, high = self._bounds(part)
            return replace(query, since=max(query.since, low), before=min(query.before, high)), None
        return query, self._test(part)

    def _bounds(self, part: Clause) -> tuple[float, float]:
        """Seconds from which on and before which a time fits; whole minutes, because that is what is compared."""
        at = self._time(part.values[0])
        match part.sign:
            case ">":
                return at + MINUTE, float("inf")
            case ">=":
                return at, float("inf")
            case "<":
                return 0, at
            case "<=":
                return 0, at + MINUTE
            case _:
                return at, at + MINUTE

    def _time(self, text: str) -> float:
        if text.startswith("now("):
            return self._back(text[4:-1])
        for form in _FORMATS:
            try:
                return self._instant(datetime.strptime(text, form).replace(tzinfo=self._zone))
            except ValueError:
                continue
        malformed(f"{text!r} is no date: yyyy-MM-dd HH:mm")

    def _instant(self, at: datetime) -> float:
        """Refuses what the clocks leave out in the night when they go forward."""
        seconds = at.timestamp()
        if datetime.fromtimestamp(seconds, self._zone).replace(tzinfo=None) != at.replace(tzinfo=None):
            malformed(f"the time {at:%Y-%m-%d %H:%M} does not exist in {self._zone.key}")
        return seconds

    def _back(self, text: str) -> float:
        found = re.fullmatch(r"(-\d+)([mhdw])", text) if text else None
        if text and not found:
            malformed(f"{text!r} is no distance such as -4w")
        minutes = int(found[1]) * _BACK[found[2]] if found else 0
        now = self._world.services.clock.now().replace(second=0, microsecond=0)
        return (now + timedelta(minutes=minutes)).timestamp()

    def _kinds(self, values: Sequence[str]) -> tuple[Kind, ...]:
        for value in values:
            if value.lower() not in KINDS:
                malformed(f"there is no type {value!r}")
        return cast(tuple[Kind, ...], tuple(value.lower() for value in values))

    def _test(self, clause: Clause) -> Test:
        if clause.joined_by == "not":
            inner = self._test(clause.parts[0])
            return lambda one: not inner(one)
        if clause.joined_by:
            tests = [self._test(part) for part in clause.parts]
            return _all(tests) if clause.joined_by == "and" else _any(tests)
        return self._comparison(clause)

    def _comparison(self, clause: Clause) -> Test:
        if clause.field in ("lastmodified", "created"):
            return self._temporal(clause)
        if clause.sign in ("~", "!~"):
            return self._containing(clause)
        values = self._values(clause)
        if clause.sign in ("=", "in"):
            return lambda one: not values.isdisjoint(self._of(one, clause.field))
        if clause.sign in ("!=", "not in"):
            return lambda one: values.isdisjoint(self._of(one, clause.field))
        malformed(f"{clause.field} cannot be compared by {clause.sign}")

    def _values(self, clause: Clause) -> frozenset[str]:
        if clause.field == "type":
            return frozenset(self._kinds(clause.values))
        if clause.field not in ("space", "space.key", "id", "content", "label", "title", "ancestor", "parent"):
            malformed(f"No field exists with name '{clause.field}'")
        return frozenset(clause.values)

    def _of(self, one: Content, field: str) -> Sequence[str]:
        """What a content has in a field."""
        match field:
            case "type":
                return (one.kind,)
            case "space" | "space.key":
                return (self._world.space_key(one),)
            case "label":
                return one.labels
            case "title":
                return (one.title,)
            case "ancestor":
                return [above.id for above in self._world.ancestors(one)]
            case "parent":
                return (one.parent or "",)
            case _:
                return (one.id,)

    def _containing(self, clause: Clause) -> Test:
        if clause.field not in ("title", "text", "sitesearch"):
            malformed(f"{clause.field} cannot be searched by {clause.sign}")
        words, wanted = clause.values[0].lower().split(), clause.sign == "~"
        return lambda one: all(word.rstrip("*") in one.title.lower() for word in words) == wanted

    def _temporal(self, clause: Clause) -> Test:
        low, high = self._bounds(clause)
        if clause.sign not in ("=", "!=", ">", ">=", "<", "<="):
            malformed(f"{clause.field} cannot be compared by {clause.sign}")
        wanted = clause.sign != "!="
        if clause.field == "created":
            return lambda one: (low <= one.created < high) == wanted
        return lambda one: (low <= one.modified < high) == wanted


def _all(tests: Sequence[Test]) -> Test:
    return reduce(lambda one, other: lambda content: one(content) and other(content), tests)


def _any(tests: Sequence[Test]) -> Test:
    return reduce(lambda one, other: lambda content: one(content) or other(content), tests)
