"""Where the reading is: what a checkpoint keeps, and how much of it a resource needs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from knowledge_connector import SyncContext


Mark = str | int | float | None
"""A value of an incremental cursor: a number, or text (moments in ISO 8601, UTC)."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Progress(_Frozen):
    """What is remembered of one resource when it has been read to its end.

    Attributes:
        value: The greatest value of the incremental cursor.
        etag, modified: Validators of a single page.
        listed_at: When it was last listed whole (ISO 8601).
        has_gaps: Whether something of it could not be read, so that it has to be listed anew.
    """

    value: Mark = None
    etag: str | None = None
    modified: str | None = None
    listed_at: str | None = None
    has_gaps: bool = False


class Under(_Frozen):
    """A resource in the middle of being read, its children included.

    Attributes:
        resource: Which.
        until: Where the last window ends; decided when the reading began.
        lap: Which of the windows and values of `for_each` it is at.
        page: Where the next page is; what that means only the paginator knows. `None` for the first.
        records: How many the listing has shown since it was begun (again).
        again: Where it was begun again, since it shows no more than so many records.
        values: The greatest value of the incremental cursor so far, by resource.
        full: Resources that are listed from their beginning.
        gaps: Resources of which something could not be read.
    """

    resource: str
    until: Mark = None
    lap: int = 0
    page: dict[str, Any] | None = None
    records: int = 0
    again: Mark = None
    values: dict[str, Mark] = {}
    full: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()


class Cursor(_Frozen):
    """What the host keeps for us.

    Attributes:
        known: By resource.
        round: Resources that this round has read already; empty between rounds.
        under: The one in the middle.
    """

    known: dict[str, Progress] = {}
    round: tuple[str, ...] = ()
    under: Under | None = None


def cursor_of(context: SyncContext) -> Cursor:
    """Take up the kept cursor. One that cannot be understood means to list everything, and a warning."""
    kept: Mapping[str, Any] | None = context.cursor
    if kept is None:
        return Cursor()
    try:
        return Cursor.model_validate(dict(kept))
    except ValidationError:
        context.log.warning("the kept cursor cannot be understood; everything is listed anew")
        return Cursor()
