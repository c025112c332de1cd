"""Sites: by address, beneath each other, all of them, and what has changed among them."""

from __future__ import annotations

from collections.abc import Iterable

from knowledge_connector.testing.emulation import Row
from knowledge_connector_sharepoint.emulator import driveitem, paging
from knowledge_connector_sharepoint.emulator.library import BIRTH, stamp
from knowledge_connector_sharepoint.emulator.tenant import BY_KEY, HOST, SITES, Site
from knowledge_connector_sharepoint.emulator.wire import Call, Refusal, chosen, seal, unseal
from knowledge_connector_sharepoint.emulator.world import READERS_OF_FILES, READERS_OF_SITES, World

NOT_IN_SEARCH = ("gone", "container")


class Sites:
    """Answers what is asked of sites."""

    def __init__(self, world: World) -> None:
        self._world = world

    def site(self, call: Call) -> Row:
        """One site, by its id, or by a host alone: the root site of that."""
        asked = call.ids["site"]
        if asked == "root" or "," not in asked:
            return self._at(call, HOST if asked == "root" else asked, "")
        return chosen(site_row(self._world.site(asked, call.token)), call.selected)

    def _at(self, call: Call, host: str, path: str) -> Row:
        return chosen(site_row(self._world.site_at(host, path, call.token)), call.selected)

    def site_at(self, call: Call) -> str:
        """The id of the site at a server-relative path."""
        return self._world.site_at(call.ids["host"], call.ids["path"], call.token).id

    def subsites(self, call: Call) -> Row:
        """The sites directly beneath one."""
        parent = self._world.site(call.ids["site"], call.token)
        return self._page(call, "GET subsites", [site for site in SITES if site.parent == parent.key])

    def search(self, call: Call) -> Row:
        """What the search index knows: it lags, and trims; nothing at all under Sites.Selected."""
        word = call.query.get("search", call.query.get("$search", "")).strip("\"'")
        if not self._may_enumerate(call):
            return self._page(call, "GET sites", [])
        wanted = "" if word == "*" else word.casefold()
        known = [site for site in SITES if site.key not in NOT_IN_SEARCH and wanted in site.title.casefold()]
        return self._page(call, "GET sites", known)

    def everything(self, call: Call) -> Row:
        """All sites, of people and of containers too, and those that cannot be read."""
        if not self._may_enumerate(call):
            raise Refusal(403)
        return self._page(call, "GET getAllSites", SITES)

    def delta(self, call: Call) -> Row:
        """All sites, or those whose state has changed since."""
        if not self._may_enumerate(call):
            raise Refusal(403)
        log = self._world.store.table("site-log")
        since = _since(call.query.get("token", ""), latest=len(log))
        keys = [row["site"] for number, row in log.items() if since is not None and int(number) > since]
        rows = (
            [site_row(site) for site in SITES]
            if since is None
            else [self._state_row(key) for key in dict.fromkeys(keys)]
        )
        link = call.again(token=seal({"sites": len(log)}))
        return {"@odata.context": call.url("/$metadata#sites"), "value": rows, "@odata.deltaLink": link}

    def _state_row(self, key: str) -> Row:
        row = site_row(BY_KEY[key])
        return {"id": row["id"], "deleted": {}} if self._world.state(BY_KEY[key]) == "missing" else row

    def drives(self, call: Call) -> Row:
        """The libraries of a site; hidden ones for who selects `system`."""
        site = self._world.site(call.ids["site"], call.token, READERS_OF_FILES)
        shelves = site.libraries(hidden="system" in call.selected)
        rows = [chosen(driveitem.drive(self._world.library(shelf.key)), call.selected) for shelf in shelves]
        return self._rows_page(call, "GET drives", rows)

    def drive(self, call: Call) -> Row:
        """The default library; some sites have none."""
        site = self._world.site(call.ids["site"], call.token, READERS_OF_FILES)
        if not site.shelves:
            raise Refusal(404)
        return chosen(driveitem.drive(self._world.library(site.shelves[0].key)), call.selected)

    def grants(self, call: Call) -> Row:
        """Which applications were given this site by itself."""
        site = self._world.site(call.ids["site"], call.token)
        granted = site.key in self._world.options.words("granted")
        identity = {"application": {"id": "knowledge-connector", "displayName": "Knowledge connector"}}
        rows = [{"id": "1", "roles": ["read"], "grantedToIdentitiesV2": [identity]}] if granted else []
        return self._rows_page(call, "GET site permissions", rows)

    def _may_enumerate(self, call: Call) -> bool:
        return not READERS_OF_SITES.isdisjoint(call.token["roles"])

    def _page(self, call: Call, operation: str, sites: Iterable[Site]) -> Row:
        return self._rows_page(call, operation, [chosen(site_row(site), call.selected) for site in sites])

    def _rows_page(self, call: Call, operation: str, rows: list[Row]) -> Row:
        return paging.listing(self._world, call, operation, paging.sliced(rows))


def _since(token: str, latest: int) -> int | None:
    """How long the log of sites was when a token was given; `None` for no token."""
    if token == "latest":  # noqa: S105  # a word of Graph
        return latest
    return int(unseal(token).get("sites", 0)) if token else None


def site_row(site: Site) -> Row:
    """Give a site as Graph has it."""
    row: Row = {
        "id": site.id,
        "name": site.path.rsplit("/", 1)[-1],
        "displayName": site.title,
        "webUrl": site.url,
        "createdDateTime": stamp(BIRTH),
        "lastModifiedDateTime": stamp(BIRTH),
        "siteCollection": {"hostname": site.host, "dataLocationCode": "EUR"},
        "isPersonalSite": site.personal,
    }
    return row if site.parent else {**row, "root": {}}
