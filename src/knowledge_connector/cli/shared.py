"""What all commands share: `-c`, `-v`, the host they open, and how names are completed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from knowledge_connector.app import Host

FILE_VARIABLE = "CONNECTOR_CONFIG"
"""As `config.CONFIG_VARIABLE`; that room is too heavy for `--help`."""

DEFAULT_FILE = "connectors.toml"


@dataclass
class Setup:
    """What was said before or after the command's name.

    Attributes:
        config: The file to read; `None` for the one in this folder.
        verbosity: How many `-v`.
        log_format: `text` for people, `json` for machines.
    """

    config: str | None = None
    verbosity: int = 0
    log_format: str = "text"


def _keep_config(context: click.Context, _: click.Parameter, value: str | None) -> None:
    if value is not None:
        context.ensure_object(Setup).config = value


def _keep_verbosity(context: click.Context, _: click.Parameter, value: int) -> None:
    context.ensure_object(Setup).verbosity += value


def _keep_log_format(context: click.Context, _: click.Parameter, value: str | None) -> None:
    if value is not None:
        context.ensure_object(Setup).log_format = value


def shared_options(*, variable: str | None = None) -> list[click.Parameter]:
    """The options that stand before or after a command's name.

    Args:
        variable: The environment variable that names the file; only before the name, or it would outrank a `-c` given there.
    """
    return [
        click.Option(
            ["-c", "--config"],
            type=click.Path(dir_okay=False),
            metavar="FILE",
            envvar=variable,
            callback=_keep_config,
            expose_value=False,
            help=f"Read this file; otherwise the one that {FILE_VARIABLE} names, or {DEFAULT_FILE} here.",
        ),
        click.Option(
            ["-v", "--verbose"],
            count=True,
            callback=_keep_verbosity,
            expose_value=False,
            help="Tell more on stderr; twice for everything.",
        ),
        click.Option(
            ["--log-format"],
            type=click.Choice(["text", "json"]),
            callback=_keep_log_format,
            expose_value=False,
            help="How to tell it: in text (the default), or in JSON, one object a line.",
        ),
    ]


SHARED_OPTIONS = shared_options()

BROKEN_PIPE = 141
"""What a shell reports of a program that wrote into a closed pipe: 128 + SIGPIPE."""


class Command(click.Command):
    """A command with the shared options, whose log goes to stderr."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Its own options, the shared ones, and `--help`."""
        *own, help_option = super().get_params(ctx)
        return [*own, *SHARED_OPTIONS, help_option]

    def invoke(self, ctx: click.Context) -> Any:
        """Run it; a reader that has gone away is no error."""
        from knowledge_connector.cli.terminal.log import log_to_stderr  # `--help` needs no log

        setup = ctx.ensure_object(Setup)
        with log_to_stderr(setup.verbosity, as_json=setup.log_format == "json"):
            try:
                outcome = super().invoke(ctx)
                sys.stdout.flush()
            except BrokenPipeError:
                _close_quietly()
                ctx.exit(BROKEN_PIPE)
            return outcome


def _close_quietly() -> None:
    """Let what is left, and the interpreter's last flush, go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())


@contextmanager
def opened_host() -> Iterator[Host]:
    """The host of this command; what people should mend in its configuration is told at the end.

    Raises:
        ConfigError: There is no configuration, or something in it is wrong.
    """
    from knowledge_connector.app import Host

    with Host.from_file(click.get_current_context().ensure_object(Setup).config) as host:
        try:
            yield host
        finally:
            for warning in host.warnings():
                warn(warning)


def warn(message: object) -> None:
    """Tell a warning on stderr."""
    click.echo(f"{click.style('Warning:', fg='yellow')} {message}", err=True)


def warn_of_plugins(host: Host) -> None:
    """Ask every plugin for everything it brings, so that the warnings at the end name each one that is broken."""
    _ = host.registry.problems


def tell_error(message: str, *, traceback: bool) -> None:
    """Tell on stderr what went wrong, after the traceback of what is being handled if that is wanted."""
    if traceback:
        from traceback import format_exc  # few want to see it

        click.echo(format_exc(), err=True)
    click.echo(f"{click.style('Error:', fg='red', bold=True)} {message}", err=True)


def as_json(value: object) -> str:
    """One line of JSON; times as ISO 8601."""
    import json  # `--help` prints none

    return json.dumps(value, ensure_ascii=False, default=str)


# -- names, completed ---------------------------------------------------------------------------------------------------


def _names(section: str) -> Callable[[click.Context, click.Parameter, str], list[CompletionItem]]:
    def complete(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        tables = _tables(context.ensure_object(Setup).config or DEFAULT_FILE, section)
        return [
            CompletionItem(name, help=str(table.get("type", "")))
            for name, table in tables.items()
            if name.startswith(incomplete)
        ]

    return complete


def _tables(file: str, section: str) -> dict[str, dict[str, Any]]:
    """A section of the file, unchecked; empty if there is none, because nobody wants errors while typing."""
    import tomllib
    from pathlib import Path

    try:
        found = tomllib.loads(Path(file).read_text(encoding="utf-8")).get(section, {})
    except (OSError, ValueError):
        return {}
    return {name: table for name, table in found.items() if isinstance(table, dict)}


connector_argument = click.argument("name", shell_complete=_names("connectors"))
connectors_argument = click.argument("names", nargs=-1, shell_complete=_names("connectors"))
optional_connector_argument = click.argument("name", required=False, shell_complete=_names("connectors"))
connector_option = click.option(
    "--connector", "connectors", multiple=True, metavar="NAME", shell_complete=_names("connectors"),
    help="Of this connector only; may be repeated.",
)  # fmt: skip
targets_option = click.option(
    "--target", "targets", multiple=True, metavar="NAME", shell_complete=_names("targets"),
    help="Write to this target instead of the configured ones; may be repeated.",
)  # fmt: skip
target_option = click.option(
    "--target", metavar="NAME", shell_complete=_names("targets"), help="Ask this target; otherwise the first that can be asked."
)  # fmt: skip
allow_deletes_option = click.option(
    "--allow-deletes", type=click.IntRange(min=0), metavar="N", help="Approve up to so many deletes that the guard would withhold."
)  # fmt: skip
json_option = click.option("--json", "as_json_lines", is_flag=True, help="Print JSON, one object a line.")
quiet_option = click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors.")
