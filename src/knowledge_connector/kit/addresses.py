"""Addresses that no credential and no curiosity should reach: link-local ones, and where clouds tell a machine its secrets."""

from __future__ import annotations

import ipaddress
import socket

_METADATA = frozenset(
    ipaddress.ip_address(address)
    for address in (
        "fd00:ec2::254",  # AWS
        "100.100.100.200",  # Alibaba Cloud
        "192.0.0.192",  # Oracle Cloud
        "168.63.129.16",  # Azure
    )
)
"""Those of the metadata services that are not link-local anyway."""


def addresses_of(host: str) -> list[str]:
    """Resolve a host; nothing if that cannot be done here (a proxy may know it; without one, connecting says so)."""
    try:
        return [str(entry[4][0]) for entry in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError):
        return []


def is_forbidden(host: str) -> bool:
    """Whether this is an IP address (perhaps with a scope, `fe80::1%eth0`) that is link-local or a metadata service."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return address.is_link_local or address in _METADATA
