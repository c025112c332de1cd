"""`connector emulate`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import closing, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from knowledge_connector.cli.shared import DEFAULT_FILE, Command, Setup, warn
from knowledge_connector.cli.terminal.page import Column, Table, open_page
from knowledge_connector.cli.terminal.words import bold, dim
from knowledge_connector.errors import ConfigError

if TYPE_CHECKING:
    from knowledge_connector.testing.emulation.faults import Fault
    from knowledge_connector.testing.emulation.server import Listening
    from knowledge_connector.testing.emulation.vendor import VendorEmulator

EXTRA = ("starlette", "uvicorn", "tomlkit")


@click.command("emulate", cls=Command)
@click.argument("vendors", nargs=-1, metavar="[VENDOR]...")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8765,
    show_default=True,
    help="Where to listen; 0 for any free port.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Which interface to listen on.")
@click.option("--state", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Keep everything in this SQLite file; otherwise all is forgotten at the end.")  # fmt: skip
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, metavar="N", help="Begin with so many documents of somebody else."
)
@click.option("--fault", "faults", multiple=True, metavar="SPEC",
              help="Let something go wrong: KIND[:NAME=VALUE,...], such as `rate_limit:after=20,seconds=5,retry_after=date`; "
              "may be repeated.")  # fmt: skip
@click.option("--option", "options", multiple=True, metavar="NAME=VALUE",
              help="Turn a switch of a vendor, such as `cognigy.duplicate_names=allow`; may be repeated.")  # fmt: skip
@click.option(
    "--latency-ms", type=click.FloatRange(min=0), default=0, metavar="N", help="Let every request wait so long."
)
@click.option("--config-out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
              help="Write tables for connectors.toml that point here.")  # fmt: skip
@click.pass_context
def command(
    context: click.Context,
    vendors: Sequence[str],
    port: int,
    host: str,
    state: Path | None,
    seed: int,
    faults: Sequence[str],
    options: Sequence[str],
    latency_ms: float,
    config_out: Path | None,
) -> None:
    """Serve emulators of vendors, to test against.

    All that installed plugins bring, or those named. Real HTTP with the vendors' limits, errors and slow ways; a start page shows what
    they hold.
    """
    _check_extra()
    from knowledge_connector.testing.emulation.clock import VirtualClock
    from knowledge_connector.testing.emulation.discovery import find_emulators
    from knowledge_connector.testing.emulation.server import listening
    from knowledge_connector.testing.emulation.store import Tables
    from knowledge_connector.testing.emulation.vendor import Services

    services = Services(options=_switches(options), latency_seconds=latency_ms / 1000)
    for spec in faults:
        services.faults.add(_fault(spec))
    factories = find_emulators(vendors, paths=_plugin_paths(context.ensure_object(Setup).config), tell=warn)
    with closing(Tables(state)) as tables:
        services.clock = VirtualClock(tables.clock_memory)
        with (
            listening(factories, services, tables, host=host, port=port, seed=seed) as ready,
            suppress(KeyboardInterrupt),
        ):
            _tell(ready, config_out)
            ready.server.run_all()


def _check_extra() -> None:
    missing = [name for name in EXTRA if find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"`connector emulate` needs what is not installed ({', '.join(missing)}): pip install 'knowledge-connector[emulate]'"
        )


def _plugin_paths(file: str | None) -> Sequence[Path]:
    """What `[plugins]` names; emulators need no configuration, so none is fine."""
    if file is None and not Path(DEFAULT_FILE).is_file():
        return ()
    from knowledge_connector.config import load

    return load(None if file is None else Path(file)).plugins.paths


def _switches(options: Sequence[str]) -> dict[str, str]:
    found = {}
    for option in options:
        name, equals, value = option.partition("=")
        if not equals:
            raise click.BadParameter(f"{option!r}; wanted is NAME=VALUE", param_hint="--option")
        found[name] = value
    return found


def _fault(spec: str) -> Fault:
    from knowledge_connector.testing.emulation.faults import parse_fault

    try:
        return parse_fault(spec)
    except ValueError as error:
        raise click.BadParameter(f"{spec!r}: {error}", param_hint="--fault") from None


def _tell(ready: Listening, config_out: Path | None) -> None:
    """Say where it is and how to log in; flushed, because a script may wait for it."""
    page = open_page()
    url = ready.running.url
    page.line(f"Emulators at {bold(url)}")
    page.line()
    vendors: list[VendorEmulator] = ready.running.vendors
    rows = [[one.name, f"{url}/{one.name}/", one.credentials()] for one in vendors]
    page.table(Table([Column("vendor"), Column("also below"), Column("log in with", wraps=True)], rows))
    page.line()
    if config_out:
        from knowledge_connector.testing.emulation.configuring import write_config

        page.line(f"Written: {config_out} with {', '.join(write_config(config_out, vendors, url)) or 'nothing'}")
    page.line(dim(f"What they hold, requests, faults: {url}/   End: Ctrl-C"))
    sys.stdout.flush()
