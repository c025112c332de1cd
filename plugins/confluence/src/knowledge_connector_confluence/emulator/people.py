"""How a deployment names people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from knowledge_connector_confluence.emulator.model import USERS, Group, User


@dataclass(frozen=True, slots=True)
class Mention:
    """Names people as Cloud does, or as Data Center does."""

    cloud: bool

    def of(self, account: str) -> str:
        """Give the element that names somebody in the storage format."""
        user = USERS[account]
        return f'<ri:user ri:account-id="{user.account}" />' if self.cloud else f'<ri:user ri:userkey="{user.key}" />'

    def user(self, user: User) -> dict[str, Any]:
        """Give somebody as version 1 of the API does. Cloud shows the e-mail address of some only."""
        told = {"type": "known", "displayName": user.display}
        if self.cloud:
            email = user.email if user.account != "author-3" else ""
            return {
                **told,
                "accountId": user.account,
                "accountType": "atlassian",
                "email": email,
                "publicName": user.display,
            }
        return {**told, "username": user.name, "userKey": user.key}

    def group(self, group: Group) -> dict[str, Any]:
        """Give a group as version 1 of the API does."""
        return {"type": "group", "name": group.name, **({"id": group.id} if self.cloud else {})}
