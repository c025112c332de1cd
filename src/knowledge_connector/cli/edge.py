"""Where everything that can go wrong becomes one message on stderr and an exit code."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence

import click

from knowledge_connector.cli.commands import connector
from knowledge_connector.cli.shared import Setup, tell_error
from knowledge_connector.errors import ConnectorError

INTERRUPTED = 130
"""As `sync.report.ExitCode`, which is not imported for this."""

_UNEXPECTED = (
    "this should not have happened: {error}\n"
    "It is a fault of knowledge-connector or of one of its plugins. Please report it to their makers, with what -v shows."
)


def guarded_call(arguments: Sequence[str]) -> int:
    """Run a command; whatever it raises is told on stderr."""
    setup = Setup()
    _take_any_character()
    try:
        outcome = connector.main(list(arguments), prog_name="connector", standalone_mode=False, obj=setup)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except ConnectorError as error:
        tell_error(error.message, traceback=setup.verbosity > 1)
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("Interrupted; what was done is kept.", err=True)
        return INTERRUPTED
    except OSError as error:  # a disk that is full, a folder that may not be written
        tell_error(f"{error.filename or 'the system'}: {error.strerror or error}", traceback=setup.verbosity > 0)
        return ConnectorError.exit_code
    except Exception as error:  # noqa: BLE001  # the edge: nothing may reach the user as a bare traceback
        tell_error(_UNEXPECTED.format(error=f"{type(error).__name__}: {error}"), traceback=setup.verbosity > 0)
        return ConnectorError.exit_code
    return int(outcome or 0)


def _take_any_character() -> None:
    """File names that are not UTF-8, and characters that the terminal's encoding lacks, are written as escapes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
