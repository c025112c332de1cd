"""Replicas and users, for the emulator alone."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID, uuid4

from starlette.requests import Request
from starlette.responses import Response

from knowledge_connector.testing.emulation import Store
from knowledge_connector_sensay import emulator_rules as rules
from knowledge_connector_sensay.emulator_http import done
from knowledge_connector_sensay.emulator_rules import Refusal, Row


class Replicas:
    """The endpoints of replicas and users.

    Args:
        store: Where they are kept.
        have_to_be_made: Whether only replicas that were made are there, rather than one for every UUID.
    """

    def __init__(self, store: Store, have_to_be_made: Callable[[], bool]) -> None:
        self._store = store
        self._have_to_be_made = have_to_be_made

    def list(self, request: Request, body: Row) -> Response:  # noqa: ARG002  # endpoints look alike
        """A page of them."""
        query = request.query_params
        size = rules.number(query.get("page_size"), rules.PAGE_SIZE, 1, 100, "page_size")
        page = rules.number(query.get("page_index"), 1, 1, 10_000, "page_index")
        rows = [row for row in self._store.table("replicas").values() if "deleted" not in row]
        for key in ("slug", "ownerID"):
            rows = [row for row in rows if query.get(key) in (None, row[key])]
        rows = [row for row in rows if query.get("search", "").lower() in row["name"].lower()]
        found = rows[(page - 1) * size : page * size]
        return done({"type": "array", "items": found, "total": len(rows)})

    def create(self, request: Request, body: Row) -> Response:  # noqa: ARG002  # endpoints look alike
        """Make one."""
        rules.check_replica(body)
        table = self._store.table("replicas")
        if any(row["slug"] == body["slug"] and "deleted" not in row for row in table.values()):
            raise Refusal(409, "A replica with this slug already exists")
        uuid = str(uuid4())
        table[uuid] = {**body, "uuid": uuid}
        return done({"uuid": uuid}, 201)

    def get(self, request: Request, body: Row) -> Response:  # noqa: ARG002  # endpoints look alike
        """Show one."""
        return done(self.of(request))

    def update(self, request: Request, body: Row) -> Response:
        """Put another in its place."""
        row = self.of(request)
        rules.check_replica(body)
        self._store.table("replicas")[row["uuid"]] = {**body, "uuid": row["uuid"]}
        return done({})

    def delete(self, request: Request, body: Row) -> Response:  # noqa: ARG002  # endpoints look alike
        """Remove one, with its knowledge."""
        row = self.of(request)
        self._store.table("replicas")[row["uuid"]] = row | {"deleted": True}
        return done({})

    def of(self, request: Request) -> Row:
        """Any UUID is a replica, unless it was deleted, or the option says that they have to be made."""
        try:
            uuid = str(UUID(request.path_params["replica"]))
        except ValueError:
            raise Refusal(404, "Replica not found") from None
        table = self._store.table("replicas")
        row = table.get(uuid)
        if (row is None and self._have_to_be_made()) or (row is not None and "deleted" in row):
            raise Refusal(404, "Replica not found")
        return row or {"uuid": uuid, "name": "Emulated replica", "slug": "emulated", "ownerID": "emu-user"}

    def create_user(self, request: Request, body: Row) -> Response:  # noqa: ARG002  # endpoints look alike
        """Make a user."""
        user = str(body.get("id") or uuid4())
        table = self._store.table("users")
        if user in table:
            raise Refusal(409, "User already exists")
        table[user] = {**body, "id": user}
        return done({"id": user}, 201)

    def get_user(self, request: Request, body: Row) -> Response:  # noqa: ARG002  # endpoints look alike
        """Show the user that the request acts for."""
        user = request.headers.get("x-user-id")
        if user is None:
            raise Refusal(401, "Unauthorized")
        return done(self._store.table("users")[user])

    def knows(self, user: str) -> bool:
        """Whether there is such a user."""
        return user in self._store.table("users")
