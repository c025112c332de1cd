"""Where the knowledge goes: a project and a knowledge base, found by name or id, and made when something is first written."""

from __future__ import annotations

import re
from threading import RLock
from typing import TYPE_CHECKING, TypeVar

from knowledge_connector import ConfigError

if TYPE_CHECKING:
    from knowledge_connector_totoy.client import KnowledgeBase, Project, TotoyClient
    from knowledge_connector_totoy.config import TotoyConfig

_BASE_ID = re.compile(r"kb_[A-Za-z0-9]{25}")
FoundT = TypeVar("FoundT", "KnowledgeBase", "Project")

_PROJECT_ID = re.compile(r"pj_[A-Za-z0-9]{25}")


class Place:
    """The configured knowledge base. Safe to use from several threads.

    Args:
        client: Who asks.
        config: Names or ids.
    """

    def __init__(self, client: TotoyClient, config: TotoyConfig) -> None:
        self._client = client
        self._config = config
        self._lock = RLock()
        self._found: KnowledgeBase | None = None

    def find(self) -> KnowledgeBase | None:
        """Give the knowledge base, or `None` if there is none of this name yet.

        Raises:
            ConfigError: An id that nobody has, or a name that several have.
        """
        with self._lock:
            self._found = self._found or self._look()
            return self._found

    def ensure(self) -> KnowledgeBase:
        """Give the knowledge base; make it, and its project, if there is none.

        Raises:
            ConfigError: As for `find`.
        """
        with self._lock:
            found = self.find()
            if found is None:
                project, config = self._ensure_project(), self._config
                found = self._client.surely(
                    lambda: self._client.create_knowledge_base(config.knowledge_base, project.id, config.instructions),
                    self._look,
                )
            self._found = found
            return found

    def project(self) -> Project | None:
        """Give the project as configured; `None` if there is none of this name yet.

        Raises:
            ConfigError: As for `find`.
        """
        wanted = self._config.project
        if wanted is not None and _PROJECT_ID.fullmatch(wanted):
            found = self._client.project(wanted)
            if found is None:
                raise ConfigError(
                    f"project: this API key knows no project {wanted}; give the id or name of one it knows"
                )
            return found
        named = [one for one in self._client.projects() if (one.is_default if wanted is None else one.name == wanted)]
        return _only(named, "project", wanted or "")

    def _ensure_project(self) -> Project:
        name = self._config.project
        found = self.project()
        if found is not None:
            return found
        if name is None:
            raise ConfigError("project: the organisation has no default project; give the name or id of one")
        return self._client.surely(lambda: self._client.create_project(name), self.project)

    def _look(self) -> KnowledgeBase | None:
        wanted = self._config.knowledge_base
        if _BASE_ID.fullmatch(wanted):
            return self._by_id(wanted)
        project = self.project()
        if project is None:
            return None
        bases = self._client.knowledge_bases()
        return _only(
            [one for one in bases if (one.name, one.project_id) == (wanted, project.id)], "knowledge_base", wanted
        )

    def _by_id(self, wanted: str) -> KnowledgeBase:
        base = self._client.knowledge_base(wanted)
        if base is None:
            raise ConfigError(
                f"knowledge_base: this API key knows no knowledge base {wanted}; give the id or name of one it knows"
            )
        project = self.project() if self._config.project else None
        if self._config.project and (project is None or project.id != base.project_id):
            raise ConfigError(
                f"project: knowledge base {wanted} is not in {self._config.project!r} but in {base.project_id}; leave `project` out"
            )
        return base


def _only(found: list[FoundT], key: str, name: str) -> FoundT | None:
    if len(found) > 1:
        ids = ", ".join(one.id for one in found)
        raise ConfigError(f"{key}: {len(found)} are called {name!r}; give the id of one of them: {ids}")
    return found[0] if found else None
