"""One permission at a time: whom it lets read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from knowledge_connector_sharepoint.permissions import principals_of

NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("permission", "principals"),
    [
        ({"roles": ["read"], "grantedToV2": {"user": {"id": "u1"}}}, ["user:u1"]),
        ({"roles": ["write"], "grantedToV2": {"group": {"id": "g1"}}}, ["group:g1"]),
        ({"roles": ["owner"], "grantedToV2": {"siteGroup": {"id": "4", "loginName": "Owners"}}}, ["site-group:4"]),
        ({"roles": ["read"], "grantedToV2": {"user": {"id": "u1"}, "siteUser": {"id": "9"}}}, ["user:u1"]),
        ({"roles": ["read"], "grantedToV2": {"siteUser": {"loginName": "i:0#.f|x"}}}, ["site-user:i:0#.f|x"]),
        ({"roles": ["sp.limited access"], "grantedToV2": {"user": {"id": "u1"}}}, []),
        ({"roles": ["sp.limited access", "read"], "grantedToV2": {"user": {"id": "u1"}}}, ["user:u1"]),
        ({"roles": ["sp.full control"], "grantedToV2": {"application": {"id": "a"}}}, ["application:a"]),
        ({"roles": ["read"], "link": {"scope": "anonymous"}}, ["anyone-with-link"]),
        ({"roles": ["read"], "link": {"scope": "anonymous"}, "hasPassword": True}, []),
        ({"roles": ["read"], "link": {"scope": "organization"}}, ["organization-with-link"]),
        ({"roles": ["read"], "link": {"scope": "existingAccess"}}, []),
        (
            {
                "roles": ["read"],
                "link": {"scope": "users"},
                "grantedToIdentitiesV2": [{"user": {"id": "u1"}}, {"group": {"id": "g"}}],
            },
            ["user:u1", "group:g"],
        ),
        (
            {
                "roles": ["read"],
                "grantedToV2": {"siteUser": {"id": "7", "loginName": "c:0-.f|rolemanager|spo-grid-all-users/t"}},
            },
            ["everyone-but-guests"],
        ),
        ({"roles": ["read"], "grantedToV2": {"siteUser": {"id": "8", "loginName": "c:0(.s|true"}}}, ["everyone"]),
        (
            {"roles": ["read"], "grantedToV2": {"user": {"id": "u1"}}, "expirationDateTime": "2026-05-01T00:00:00Z"},
            [],
        ),
        (
            {"roles": ["read"], "grantedToV2": {"user": {"id": "u1"}}, "expirationDateTime": "0001-01-01T00:00:00Z"},
            ["user:u1"],
        ),
        (
            {"roles": ["read"], "grantedToV2": {"user": {"id": "u1"}}, "expirationDateTime": "2027-01-01T00:00:00Z"},
            ["user:u1"],
        ),
        ({"roles": ["read"]}, []),
    ],
)
def test_whom_a_permission_lets_read(permission: dict[str, Any], principals: list[str]) -> None:
    assert list(principals_of(permission, NOW)) == principals
