"""The command line: `main`, and around it the edge where errors become messages and exit codes.

main ─▶ commands (a table; modules are imported when their command is called) ─▶ one module per command ─▶ app.Host
                                                                                      └▶ terminal (pages, log, progress)
"""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and give its exit code; see `sync.report.ExitCode`."""
    from knowledge_connector.cli.edge import (
        guarded_call,
    )  # no import of click for those who only want this room's names

    return guarded_call(sys.argv[1:] if arguments is None else arguments)
