"""Delta: everything in a library, and later what has changed since.

    token ─▶ damaged? 400 ─▶ lost? 410 with a fresh start ─▶ a page of everything, or of the log ─▶ nextLink or deltaLink

A whole listing remembers how long the log was when it began; so what changes in the meantime comes with the deltaLink at its end.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from knowledge_connector.testing.emulation import Row
from knowledge_connector_sharepoint.emulator import paging
from knowledge_connector_sharepoint.emulator.library import Item, Library
from knowledge_connector_sharepoint.emulator.tenant import NAME
from knowledge_connector_sharepoint.emulator.wire import Call, Refusal, seal, unseal
from knowledge_connector_sharepoint.emulator.world import World

DAY_SECONDS, HOUR_SECONDS = 86_400, 3_600

RESYNC_CODES = (
    "resyncChangesApplyDifferences",
    "resyncChangesUploadDifferences",
    "resyncApplyDifferences",
    "resyncUploadDifferences",
    "resyncRequired",
)
NESTED = "nested_resync"
NO_LOCATION = "resync_without_location"
FOREIGN_LOCATION = "foreign_location"
NOT_FOUND = "sync_state_not_found"

FAULTS = {
    **dict.fromkeys(RESYNC_CODES, "410 with this code, for a request with a token; Location starts anew"),
    NESTED: "the same, with the code in the inner error alone",
    NO_LOCATION: "410 resyncRequired without Location",
    FOREIGN_LOCATION: "410 resyncRequired whose Location is at another host",
    NOT_FOUND: "400 syncStateNotFound for a request with a token",
    "stale_duplicate": "an item comes twice: as it was before, and later as it is",
}

SHARING = "deltashowsharingchanges"
HIERARCHICAL = "hierarchicalsharing"

Shown = Callable[[Item], Row]
"""Gives an item as the answer shall have it."""


class Delta:
    """Answers delta requests for one library or list.

    A place is where a token leads: `d`, whose it is; `e`, the epoch, which ends all earlier tokens; `m`, everything or the log; `p`, how
    far; `q`, up to which line the log is known; `t`, since when, to the hour, so that who asks for a page twice asks for the same; `b`,
    whether a round begins here.

    Args:
        world: For options and faults.
        library: What is listed.
        call: The request; `token` in its query says where to go on.
        operation: What faults know it by.
        shown: How an item that is there is shown.
        gone: How one that is not is shown.
    """

    def __init__(
        self, world: World, library: Library, call: Call, operation: str, *, shown: Shown, gone: Shown
    ) -> None:
        self._world = world
        self._library = library
        self._call = call
        self._operation = operation
        self._shown, self._gone = shown, gone

    def answer(self) -> Row:
        """Give the page.

        Raises:
            Refusal: 400 for a damaged token, 410 for one that is worth nothing any more.
        """
        place = self._place(self._call.query.get("token", ""))
        size = paging.page_size(self._world, self._call)
        is_log = place["m"] == "log"
        if is_log and place["p"] < paging.END:
            place = {**place, "q": min(place["p"] + size, len(self._library.log))}
        rows, following = paging.read(self._world, self._operation, place, self._log if is_log else self._all, size)
        page: Row = {"@odata.context": self._call.url("/$metadata#Collection(driveItem)"), "value": rows}
        if following is not None:
            following = {**following, "b": False}
            page["@odata.nextLink"] = paging.linked(self._world, self._operation, place, following, self._link)
        else:
            page["@odata.deltaLink"] = self._link(self._changes_from(place["q"]))
        if place["b"] and rows:
            rows.insert(0, self._shown(self._library.root))
        return page

    # -------------------------------------------------------------------------------------------------------------- tokens

    @property
    def _now(self) -> float:
        return self._world.services.clock.now().timestamp()

    def _everything(self) -> Row:
        return {**self._changes_from(len(self._library.log)), "m": "all", "p": 0, "b": False}

    def _changes_from(self, line: int) -> Row:
        code = self._library.shelf.code
        epoch = self._world.store.table("epochs").get(code, {"number": 0})["number"]
        return {"d": code, "e": epoch, "m": "log", "p": line, "q": line, "t": self._now // HOUR_SECONDS, "b": True}

    def _link(self, place: Row) -> str:
        return self._call.again(token=seal(place))

    def _place(self, token: str) -> Row:
        if not token:
            return self._everything()
        if token == "latest":  # noqa: S105  # a word of Graph
            return self._changes_from(len(self._library.log))
        self._check_faults()
        moment = _moment(token)
        place = unseal(token) if moment is None else self._changes_from(self._before(moment))
        if place.get("d") != self._library.shelf.code:
            raise Refusal(400)
        days = self._world.options.number("delta_days")
        age = self._now - (moment.timestamp() if moment else place["t"] * HOUR_SECONDS)
        if self._changes_from(0)["e"] != place["e"] or age > days * DAY_SECONDS:
            raise self._lost("resyncChangesApplyDifferences")
        return place

    def _before(self, moment: datetime) -> int:
        """How many lines of the log are older."""
        low, high = 0, len(self._library.log)
        while low < high:
            middle = (low + high) // 2
            if datetime.fromisoformat(self._library.log[str(middle + 1)]["at"]) < moment:
                low = middle + 1
            else:
                high = middle
        return low

    def _check_faults(self) -> None:
        for kind in FAULTS:
            if kind != "stale_duplicate" and self._world.services.faults.take(NAME, kind, self._operation):
                raise Refusal(400, "syncStateNotFound") if kind == NOT_FOUND else self._lost(kind)

    def _lost(self, kind: str) -> Refusal:
        """The answer to a token that is worth nothing any more."""
        location = self._link(self._everything())
        if kind == FOREIGN_LOCATION:
            location = paging.elsewhere(self._world, location)
        headers = {} if kind == NO_LOCATION else {"Location": location}
        if kind == NESTED:
            return Refusal(410, "generalException", headers=headers, nested="resyncChangesUploadDifferences")
        return Refusal(410, kind if kind in RESYNC_CODES else "resyncRequired", headers=headers)

    # --------------------------------------------------------------------------------------------------------------- pages

    def _all(self, position: int, limit: int) -> tuple[list[Row], int | None]:
        items, following = self._library.everything(position, limit)
        rows = [self._shown(item) for item in items]
        if self._is_stale_due() and items:
            ahead, _ = self._library.everything(following, 1) if following is not None else ([], None)
            stale = self._shown(_former(ahead[0] if ahead else items[-1]))
            rows.insert(len(rows) if ahead else len(rows) - 1, stale)
        return rows, following

    def _log(self, position: int, limit: int) -> tuple[list[Row], int | None]:
        log = self._library.log
        end = min(position + limit, len(log))
        lines: dict[str, str] = {}
        for number in range(position + 1, end + 1):
            line = log[str(number)]
            lines.pop(line["id"], None)  # only the last one counts, and stands where it came
            lines[line["id"]] = line["why"]
        unwanted = "inherited" if HIERARCHICAL in self._call.prefers else ""
        rows = [self._line(item_id, why) for item_id, why in lines.items() if why != unwanted]
        if rows and self._is_stale_due() and (last := self._library.find(next(reversed(lines)))):
            rows.insert(len(rows) - 1, self._shown(_former(last)))
        return rows, end if end < len(log) else None

    def _line(self, item_id: str, why: str) -> Row:
        item = self._library.known(item_id)
        if self._library.is_gone(item):
            return self._gone(item)
        row = self._shown(item)
        if why != "changed" and SHARING in self._call.prefers:
            row["@microsoft.graph.sharedChanged"] = "True"
        return row

    def _is_stale_due(self) -> bool:
        return self._world.services.faults.take(NAME, "stale_duplicate", self._operation) is not None


def _former(item: Item) -> Item:
    """An item as it might have been before."""
    return replace(item, name=f"Former {item.name}", version=0, edition=0)


def _moment(token: str) -> datetime | None:
    """The time that a token names, if it does."""
    try:
        moment = datetime.fromisoformat(token)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
