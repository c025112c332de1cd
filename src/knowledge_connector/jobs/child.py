"""The child process of one run; see `launching`."""

from __future__ import annotations

import json
import os
import pickle
import signal
import sys
import threading

from knowledge_connector.app import Host
from knowledge_connector.errors import ConnectorError, LeaseHeld
from knowledge_connector.execution import Observer, RunOptions
from knowledge_connector.jobs.launching import Answer, Task
from knowledge_connector.sync.report import worst


def main(lifeline: int, observer: Observer) -> None:
    """Read a task from stdin, carry it out, and write the answer to what stdout was.

    Args:
        lifeline: The descriptor whose end means that our parent is gone.
        observer: Is told what happens.
    """
    out = _take_stdout()
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    threading.Thread(target=_stop_at_the_end_of, args=(lifeline, stop), daemon=True).start()
    task: Task = pickle.load(sys.stdin.buffer)  # noqa: S301  # written by our own parent
    answer = carry_out(task, stop, observer)
    with os.fdopen(out, "w", encoding="utf-8") as reply:
        reply.write(answer.to_json())


def carry_out(task: Task, stop: threading.Event, observer: Observer) -> Answer:
    """Bring all targets of the task's connector in step."""
    options = RunOptions(stop=stop, observer=observer, occasion=task.occasion)
    with Host(task.settings) as host:
        try:
            reports = host.sync(task.connector, options)
        except LeaseHeld as error:
            return Answer(exit_code=error.exit_code, message=error.message, busy=True)
        except ConnectorError as error:
            return Answer(exit_code=error.exit_code, message=error.message)
    code = worst([report.exit_code for report in reports])
    return Answer([json.loads(report.to_json()) for report in reports], code)


def _take_stdout() -> int:
    """Keep stdout for the answer; what plugins print goes to the log. Programs that they start do not inherit it."""
    out = os.dup(1)
    os.dup2(2, 1)
    return out


def _stop_at_the_end_of(lifeline: int, stop: threading.Event) -> None:
    while os.read(lifeline, 1):
        pass
    stop.set()
