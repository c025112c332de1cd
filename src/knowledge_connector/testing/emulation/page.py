"""The start page."""

from __future__ import annotations

from collections.abc import Iterable

from knowledge_connector.testing.emulation.vendor import Services, VendorEmulator


def start_page(vendors: Iterable[VendorEmulator], services: Services) -> str:
    """Give the page."""
    return f"<!doctype html><title>Emulators</title><p>{services.base_url} {[one.name for one in vendors]}"
