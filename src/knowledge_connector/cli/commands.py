"""The table of commands. `connector --help` is made from it alone; a command's module is imported when the command is called."""

from __future__ import annotations

from importlib import import_module

import click

from knowledge_connector.cli.shared import FILE_VARIABLE, shared_options

COMMANDS: dict[str, dict[str, str]] = {
    "Keep knowledge in step": {
        "run": "Bring targets in step with their origins.",
        "plan": "Show what a run would do, and why. Nothing is written.",
        "apply": "Carry out a plan that was saved with `plan --out`.",
        "retry": "Look again at the documents that failed.",
        "undo": "Take back what a run did.",
        "release": "Let go of what `undo` holds: the next run follows the origin again.",
        "serve": "Run jobs when they are due.",
    },
    "See": {
        "explain": "Tell the story of one document.",
        "history": "List the last runs.",
        "diff": "Show which documents a run changed, or differ between two runs.",
        "check": "Say whether origin and targets can be reached. Nothing is written.",
        "search": "Ask the knowledge, as an assistant would.",
        "sources": "List what the knowledge holds.",
        "export": "Give one source as a file, in its platform's own format.",
    },
    "Set up": {
        "list": "List connectors and how their last run ended, or plugins.",
        "describe": "Describe the options of a type of connector or target.",
        "notify": "Try the channels that tell people when something is wrong.",
        "schedule": "Say when jobs are due, and write units for other schedulers.",
        "schema": "Write the JSON Schema of connectors.toml, for editors.",
        "completion": "Print a script that completes commands and names in your shell.",
        "emulate": "Serve emulators of vendors, to test against.",
    },
}
_MODULES = {name for commands in COMMANDS.values() for name in commands}


class Commands(click.Group):
    """A group whose commands are modules of this room."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # as in the base
        """Name them in the table's order."""
        return [name for commands in COMMANDS.values() for name in commands]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # as in the base
        """Import one."""
        if cmd_name not in _MODULES:
            return None
        command: click.Command = import_module(f"knowledge_connector.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  # as in the base
        """Write the table."""
        for title, commands in COMMANDS.items():
            with formatter.section(title):
                formatter.write_dl(list(commands.items()), col_max=12)


@click.group(
    cls=Commands,
    params=shared_options(variable=FILE_VARIABLE),
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="`connector COMMAND -h` tells more about each. Exit codes: 0 done · 1 some documents failed · 2 configuration · "
    "3 the run could not go on · 4 deletes withheld · 130 interrupted.",
)
@click.version_option(package_name="knowledge-connector", prog_name="connector")
def connector() -> None:
    """Keep knowledge in step with where it is written: a sync you can see, trust and undo."""
