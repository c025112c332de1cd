"""`connector completion`."""

from __future__ import annotations

import click

from knowledge_connector.cli.shared import Command

SHELLS = ("bash", "zsh", "fish")


_WHERE = """\b
bash   connector completion bash > ~/.local/share/bash-completion/completions/connector
zsh    connector completion zsh > "${fpath[1]}/_connector"
fish   connector completion fish > ~/.config/fish/completions/connector.fish"""


@click.command("completion", cls=Command, epilog=_WHERE)
@click.argument("shell", type=click.Choice(SHELLS))
def command(shell: str) -> None:
    """Print a script that completes commands and names in your shell."""
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"click cannot complete in {shell}")
    root = click.get_current_context().find_root().command
    click.echo(found(root, {}, "connector", "_CONNECTOR_COMPLETE").source())
