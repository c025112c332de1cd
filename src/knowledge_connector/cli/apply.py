"""`connector apply`."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from knowledge_connector.cli.shared import Command, json_option, opened_host, quiet_option


@click.command("apply", cls=Command)
@click.argument("plan", type=click.Path(dir_okay=False, path_type=Path))
@json_option
@quiet_option
def command(plan: Path, as_json_lines: bool, quiet: bool) -> int:
    """Carry out a plan that was saved with `plan --out`.

    What is in the plan is done, and nothing else. A target that has changed since the plan was made is left alone.
    """
    from knowledge_connector.cli.running import Manner, carry_out
    from knowledge_connector.execution import RunOptions
    from knowledge_connector.sync.planfile import PlanFile

    with opened_host() as host:
        saved = PlanFile.read(plan)
        works = {saved.connector: partial(host.apply, saved)}
        return carry_out(host, works, RunOptions(), Manner(quiet, as_json_lines))
