"""The switches of the emulator, all below `sharepoint.`, and what they are if nobody turns them."""

from __future__ import annotations

from collections.abc import Mapping

from knowledge_connector import ConfigError
from knowledge_connector.testing.emulation import Services
from knowledge_connector_sharepoint.emulator.curiosities import AMOUNTS
from knowledge_connector_sharepoint.emulator.tenant import NAME

NUMBERS: Mapping[str, int] = {
    "documents": 40,
    "pages": 10,
    "page_size": 200,
    "token_seconds": 3599,
    "delta_days": 90,
    "download_seconds": 3600,
    "download_uses": 0,
    "units_per_minute": 0,
    "units_per_day": 0,
}
"""0 uses or units stand for any number. The smallest tenant has 1,250 units a minute and 1,200,000 a day."""

WORDS: Mapping[str, str] = {
    "curiosities": "mild",
    "roles": "Sites.FullControl.All,Sites.Read.All,Files.Read.All,GroupMember.Read.All",
    "granted": "",
}


class Options:
    """Reads them, each time anew: tests turn them while the server runs."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def number(self, name: str) -> int:
        """One of `NUMBERS`."""
        return int(self._services.options.get(f"{NAME}.{name}", NUMBERS[name]))

    def words(self, name: str) -> list[str]:
        """One of `WORDS`, as a list; empty if it is empty."""
        return [word for word in self._services.options.get(f"{NAME}.{name}", WORDS[name]).split(",") if word]

    @property
    def curiosities(self) -> int:
        """How many curiosities there shall be."""
        return sum(AMOUNTS[word] for word in self.words("curiosities"))

    def check(self) -> None:
        """Refuse switches that mean nothing.

        Raises:
            ConfigError: There is no such switch, or it cannot stand so.
        """
        for full, value in self._services.options.items():
            vendor, _, name = full.partition(".")
            if vendor != NAME:
                continue
            if name not in {*NUMBERS, *WORDS}:
                raise ConfigError(f"there is no option {full!r}; there are {', '.join([*NUMBERS, *WORDS])}")
            if name in NUMBERS and not value.isdecimal():
                raise ConfigError(f"the option {full} is {value!r}; it should be a number that is not below 0")
            if name == "curiosities" and value not in AMOUNTS:
                raise ConfigError(f"the option {full} is {value!r}; it can be {', '.join(AMOUNTS)}")
