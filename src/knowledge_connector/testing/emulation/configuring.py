"""Writes tables of `connectors.toml` that point at running emulators and work as they stand."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.items import AbstractTable, Table

from knowledge_connector.errors import ConfigError
from knowledge_connector.testing.emulation.vendor import Secret, VendorEmulator

MARK = "# Written by `connector emulate`; it will be written again, and only as long as this line stands first."


def write_config(file: Path, vendors: Iterable[VendorEmulator], base_url: str) -> list[str]:
    """Write a file with a table for each emulator, and each secret into a file of its own beside it.

    Returns:
        The names of the tables: `targets.cognigy`.

    Raises:
        ConfigError: There is a file already, and not from here.
        OSError: It cannot be written.
    """
    if file.exists() and not file.read_text(encoding="utf-8", errors="replace").startswith(MARK):
        raise ConfigError(f"{file} is there already and was not written by `connector emulate`; name another file")
    document = tomlkit.parse(f"{MARK}\n")
    sections: dict[str, Table] = {}
    named = []
    for section, vendor, values in _tables(vendors, base_url):
        writer = _Writer(file, vendor.name)
        table = sections.setdefault(section, tomlkit.table(is_super_table=True))
        table.append(vendor.name, writer.table(tomlkit.table(), {"type": vendor.name, **values}, ()))
        named.append(f"{section}.{vendor.name}")
    for section, table in sections.items():
        document.append(section, table)
    file.write_text(tomlkit.dumps(document), encoding="utf-8")
    return named


def _tables(
    vendors: Iterable[VendorEmulator], base_url: str
) -> Iterable[tuple[str, VendorEmulator, Mapping[str, object]]]:
    for vendor in vendors:
        for section, values in (
            ("targets", vendor.target_table(base_url)),
            ("connectors", vendor.connector_table(base_url)),
        ):
            if values is not None:
                yield section, vendor, values


@dataclass(frozen=True, slots=True)
class _Writer:
    """Fills the table of one emulator."""

    file: Path
    vendor: str

    def table(self, into: AbstractTable, values: Mapping[str, object], key: tuple[str, ...]) -> AbstractTable:
        for name, value in values.items():
            if value is not None:
                into.append(name, self._value(value, (*key, name)))
        return into

    def _value(self, value: object, key: tuple[str, ...]) -> Any:
        if isinstance(value, Secret):
            return self.table(tomlkit.inline_table(), {"file": self._secret_file(value, key)}, key)
        if isinstance(value, Mapping):
            return self.table(tomlkit.inline_table(), value, key)
        return value

    def _secret_file(self, secret: Secret, key: tuple[str, ...]) -> str:
        """Write it for nobody else's eyes, and give its name."""
        path = self.file.with_name(f"{self.file.stem}.{self.vendor}.{'.'.join(key)}.secret")
        with open(path, "w", encoding="utf-8", opener=_privately) as out:
            path.chmod(0o600)  # it may have been there before
            out.write(secret.value)
        return path.name


def _privately(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
