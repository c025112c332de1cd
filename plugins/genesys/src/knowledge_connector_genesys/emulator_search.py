"""The emulated search: by words in common instead of meaning, in what has been taken in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from knowledge_connector.testing.emulation import Row, Rows, Services, Store
from knowledge_connector_genesys.emulator_http import KNOWLEDGE, USER, Call, Operation, known, page_of
from knowledge_connector_genesys.emulator_world import World, refuse, stamp

_SETTING_KEYS = ("name", "description", "sources", "generationSetting", "stateful", "filter")

SETTINGS = f"{KNOWLEDGE}/settings"


class Searching:
    """Search, its preview, and the settings that searching goes by."""

    def __init__(self, services: Services, store: Store, world: World) -> None:
        self._services, self._store, self._world = services, store, world

    def operations(self) -> list[Operation]:
        """The paths; which rights they need is not documented."""
        return [
            ("POST", f"{KNOWLEDGE}/search", "", self._search),
            ("POST", f"{KNOWLEDGE}/search/preview", "", self._search),
            ("GET", SETTINGS, "", self._list_settings),
            ("POST", SETTINGS, "", self._create_setting),
            ("GET", f"{SETTINGS}/{{setting}}", "", self._setting),
            ("PATCH", f"{SETTINGS}/{{setting}}", "", self._change_setting),
            ("DELETE", f"{SETTINGS}/{{setting}}", "", self._delete_setting),
        ]

    @property
    def _settings(self) -> Rows:
        return self._store.table("settings")

    def _search(self, call: Call) -> Row:
        """By words in common, in files of rounds that have been taken in."""
        query = call.body.get("query")
        if not isinstance(query, str) or not query:
            refuse("query", "is required")
        where = self._where(call)
        sources = [known(self._world.sources, str(ref.get("id")), "source")["id"] for ref in where.get("sources") or ()]
        hits = [hit for source in sources for hit in _hits(query, self._world.files(source), where.get("filter") or {})]
        best = sorted(hits, key=lambda hit: float(hit["confidence"]), reverse=True)[:5]
        answer = {"generatedAnswer": None, "retrievedReferences": best}
        return {"query": query, "searchId": str(uuid4()), "sessionId": call.body.get("sessionId"), "result": answer}

    def _where(self, call: Call) -> Mapping[str, Any]:
        if call.path.endswith("/preview"):
            return call.body
        setting = call.body.get("knowledgeSettingId")
        return known(self._settings, str(setting), "knowledge setting")

    def _setting(self, call: Call) -> Row:
        return known(self._settings, call.ids["setting"], "knowledge setting")

    def _list_settings(self, call: Call) -> Row:
        return page_of(call, list(self._settings.values()), key="id")

    def _create_setting(self, call: Call) -> Row:
        if not call.body.get("name"):
            refuse("name", "is required")
        id_ = str(uuid4())
        return self._keep_setting({"id": id_, "selfUri": f"{SETTINGS}/{id_}", "dateCreated": self._stamp}, call)

    def _change_setting(self, call: Call) -> Row:
        return self._keep_setting(self._setting(call), call)

    def _keep_setting(self, setting: Row, call: Call) -> Row:
        given = {key: call.body[key] for key in _SETTING_KEYS if key in call.body}
        kept = {**setting, **given, "dateModified": self._stamp, "modifiedBy": USER}
        self._settings[kept["id"]] = kept
        return kept

    def _delete_setting(self, call: Call) -> None:
        del self._settings[self._setting(call)["id"]]

    @property
    def _stamp(self) -> str:
        return stamp(self._services.clock.now())


def _hits(query: str, files: Mapping[str, Row], chosen: Mapping[str, Any]) -> list[Row]:
    wanted = _words(query)
    hits = []
    for name, row in files.items():
        tags = {tag["name"] for tag in row["metadata"].get("tags", ())}
        common = len(wanted & _words(row["text"]))
        if common and _passes(tags, chosen):
            hits.append(
                {
                    "confidence": round(common / len(wanted), 3),
                    "text": row["text"][:500],
                    "fileName": name,
                    "url": row["metadata"].get("originUri"),
                    "usedForGeneration": False,
                }
            )
    return hits


def _passes(tags: set[str], chosen: Mapping[str, Any]) -> bool:
    return (
        set(chosen.get("allOf") or ()) <= tags
        and all(tags & set(group) for group in chosen.get("anyOfGroups") or ())
        and not tags & set(chosen.get("noneOf") or ())
    )


def _words(text: str) -> set[str]:
    return set(re.findall(r"\w+", text.lower()))
