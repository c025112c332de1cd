"""What goes wrong on demand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from threading import Lock
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

HTTP_KINDS = {
    "unauthorized": "401 before the effect",
    "rate_limit": "429 before the effect, with the Retry-After that `retry_after` says, and a pause of `seconds`",
    "error_before": "`status` (500) before the effect",
    "error_after": "`status` (500), and the effect took place",
    "lost_answer": "the effect took place, and the connection is cut without an answer",
    "cut_before": "the connection is cut before the effect",
    "cut_body": "the connection is cut after half of the answer's body",
    "slow": "the answer drips for `seconds`",
    "delay": "everything waits for `seconds` before it is handled",
}
"""Faults that need to know nothing of a vendor. Other kinds are asked for by the code of vendors, through `Faults.take`."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing to go wrong.

    Attributes:
        kind: One of `HTTP_KINDS`, or a word that a vendor's emulator knows, such as `failed_ingestion`.
        vendor: Whom it hits; `None` for everybody.
        operation: Which operations it hits, as a pattern: `POST chunks`, `* chunks`; `None` for all.
        writes: Whether it hits writing requests only.
        after: How many that fit pass unharmed before.
        times: How many are hit; 0 for all from then on.
        seconds: How long it lasts (`slow`, `delay`), or which pause a `rate_limit` asks for.
        retry_after: For `rate_limit`: a number of seconds, `date`, `0` or `none`; `None` for the number of `seconds`.
        grace_seconds: For `rate_limit`: requests that come so soon after the 429 were under way, and break no pause.
        status: Of `error_before` and `error_after`.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", coerce_numbers_to_str=True)

    kind: Annotated[str, Field(min_length=1)]
    vendor: str | None = None
    operation: str | None = None
    writes: bool = False
    after: Annotated[int, Field(ge=0)] = 0
    times: Annotated[int, Field(ge=0)] = 1
    seconds: Annotated[float, Field(ge=0)] = 0
    retry_after: Annotated[str, Field(pattern=r"^(date|none|\d+)$")] | None = None
    grace_seconds: Annotated[float, Field(ge=0)] = 0
    status: Annotated[int, Field(ge=400, le=599)] = 500

    def fits(self, vendor: str, operation: str, *, writes: bool) -> bool:
        """Whether it is meant for such a request."""
        return (
            self.vendor in (None, vendor)
            and (self.operation is None or fnmatchcase(operation, self.operation))
            and (writes or not self.writes)
        )

    @property
    def pause_seconds(self) -> float:
        """The pause that a `rate_limit` asks for: `seconds`, or else the number in `retry_after`."""
        if self.seconds or self.retry_after in (None, "none", "date"):
            return self.seconds
        return float(self.retry_after or 0)


@dataclass(slots=True)
class ActiveFault:
    """A fault and what it did so far.

    Attributes:
        seen: Requests that fitted.
        hits: Requests that were hit.
    """

    number: int
    fault: Fault
    seen: int = 0
    hits: int = 0

    @property
    def spent(self) -> bool:
        """Whether it will hit no more."""
        return bool(self.fault.times) and self.hits >= self.fault.times

    def strikes(self) -> bool:
        """Count one more that fits, and say whether it is due to be hit; of several that are due, one hits."""
        self.seen += 1
        return not self.spent and self.seen > self.fault.after


@dataclass(slots=True)
class Faults:
    """The faults of a server; safe to use from any thread while it runs."""

    _active: list[ActiveFault] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)
    _added: int = 0

    def add(self, fault: Fault) -> ActiveFault:
        """Let it go wrong from now on; `hits` of what is given tells how often it did."""
        with self._lock:
            self._added += 1
            active = ActiveFault(self._added, fault)
            self._active.append(active)
            return active

    def remove(self, number: int) -> bool:
        """Take one away; whether it was there."""
        with self._lock:
            before = len(self._active)
            self._active[:] = [one for one in self._active if one.number != number]
            return len(self._active) < before

    def clear(self) -> None:
        """Take all away."""
        with self._lock:
            self._active.clear()

    def all(self) -> list[ActiveFault]:
        """Everything that was added and not taken away, spent ones included."""
        with self._lock:
            return list(self._active)

    def take(self, vendor: str, kind: str, operation: str = "") -> Fault | None:
        """Ask, in a vendor's code, whether this goes wrong now; counts as one that fits.

        Args:
            vendor: Who asks.
            kind: What might go wrong.
            operation: Compared with the pattern of the fault; a vendor may give what is known here, such as a file's name.
        """
        return self._first(lambda fault: fault.kind == kind and fault.fits(vendor, operation, writes=True))

    def strike(self, vendor: str, operation: str, *, writes: bool) -> Fault | None:
        """The fault of `HTTP_KINDS` that hits this request, if any; the one added first, where there are several."""
        return self._first(lambda fault: fault.kind in HTTP_KINDS and fault.fits(vendor, operation, writes=writes))

    def _first(self, fits: Callable[[Fault], bool]) -> Fault | None:
        with self._lock:
            striking = [active for active in self._active if fits(active.fault) and active.strikes()]
            for active in striking[:1]:
                active.hits += 1
                return active.fault
        return None


_FAULT = TypeAdapter(Fault)


def parse_fault(spec: str) -> Fault:
    """Read `KIND[:NAME=VALUE,…]`, such as `rate_limit:vendor=cognigy,operation=POST chunks,after=3,seconds=2`.

    Raises:
        ValueError: It cannot be read; the message says what is wrong with which name.
    """
    kind, _, rest = spec.partition(":")
    pairs = [part.partition("=") for part in rest.split(",") if part.strip()]
    return fault_of({"kind": kind, **{name.strip(): value.strip() for name, _, value in pairs}})


def fault_of(values: object) -> Fault:
    """Make a fault of names and values, as JSON gives them; numbers may be text.

    Raises:
        ValueError: It is none; the message says what is wrong with which name.
    """
    try:
        return _FAULT.validate_python(values)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, one['loc'])) or 'a fault'}: {one['msg']}" for one in error.errors())
        raise ValueError(f"{wrong}. A fault has a kind, and of these what is wanted: {_NAMES}") from None


_NAMES = ", ".join(one.name for one in fields(Fault) if one.name != "kind")
