"""Child processes that do as they should, hang, crash, talk nonsense, or lose their parent. They are real."""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path

import pytest

from knowledge_connector.jobs.launching import Answer, ChildLauncher, Task
from knowledge_connector.ports import Occasion

from .conftest import NOON, Configure

READY = "import os, pickle, signal, sys, time; task = pickle.load(sys.stdin.buffer); "
GOOD = 'print(\'{"reports": [{"run": 1}], "exit_code": 1}\')'
LONG = 600.0
TIME_TO_START = 3.0


@pytest.fixture
def task(configure: Configure) -> Task:
    return Task("one", Occasion("hourly", NOON), configure(more="[serve]\nstop_seconds = 0.5\n"))


def launcher(code: str) -> ChildLauncher:
    return ChildLauncher([sys.executable, "-c", READY + code])


def test_an_answer_comes_through(task: Task) -> None:
    assert launcher(GOOD).run(task, seconds=LONG) == Answer([{"run": 1}], 1)


def test_the_child_is_given_the_task_with_its_settings(task: Task) -> None:
    said = "task.connector, str(task.occasion.due_at), sorted(task.settings.jobs)"
    answer = launcher(f"import json; print(json.dumps({{'message': repr([{said}])}}))").run(task, seconds=LONG)
    assert answer.message == repr(["one", str(NOON), ["hourly"]])


def test_answers_survive_the_journey() -> None:
    answer = Answer([{"message": "ä"}], 4, "why", busy=True, overran=True, killed=True)
    assert Answer(**json.loads(answer.to_json())) == answer


@pytest.mark.parametrize(
    ("code", "exit_code", "reason"),
    [
        ("sys.exit(7)", 3, "with exit code 7"),
        ("os.kill(os.getpid(), signal.SIGKILL)", 3, "by signal 9"),
        ("os.kill(os.getpid(), signal.SIGTERM)", 130, "by signal 15"),
        ("print('nonsense')", 3, "with exit code 0"),
        ("print('{\"odd\": 1}')", 3, "with exit code 0"),
        ("print('[1]')", 3, "with exit code 0"),
    ],
)
def test_a_child_that_does_not_report_has_failed(code: str, exit_code: int, reason: str, task: Task) -> None:
    expected = Answer(exit_code=exit_code, message=f"the process of the run ended {reason} before it could report")
    assert launcher(code).run(task, seconds=LONG) == expected


def test_a_child_that_dies_before_it_has_read_its_task_has_failed(task: Task) -> None:
    assert ChildLauncher([sys.executable, "-c", "raise SystemExit(5)"]).run(task, seconds=LONG).exit_code == 3


def test_what_takes_too_long_is_asked_to_stop_and_may_still_report(task: Task) -> None:
    patient = f"signal.signal(signal.SIGTERM, lambda *_: ({GOOD}, sys.exit())); time.sleep(600)"
    assert launcher(patient).run(task, seconds=TIME_TO_START) == Answer([{"run": 1}], 1, overran=True)


def test_what_does_not_stop_then_is_killed_with_what_it_has_started(task: Task, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    child = f"import subprocess; subprocess.Popen(['sh', '-c', 'exec sleep 600 > {fifo}'], stdout=subprocess.DEVNULL); "
    deaf = child + "signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    ended = threading.Thread(target=fifo.read_bytes)  # until the last process that writes has gone
    ended.start()
    answer = launcher(deaf).run(task, seconds=TIME_TO_START)
    assert (answer.overran, answer.killed) == (True, True)
    assert answer.message == "did not stop within 0.5 s when it was asked to, and was killed"
    ended.join(timeout=60)
    assert not ended.is_alive()


def test_all_are_asked_to_stop_also_those_that_begin_later(task: Task) -> None:
    waiting = launcher("time.sleep(600)")
    waiting.stop()
    assert waiting.run(task, seconds=LONG).exit_code == 130


def test_killing_ends_them_at_once(task: Task, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    deaf = launcher(f"signal.signal(signal.SIGTERM, signal.SIG_IGN); open({str(fifo)!r}, 'w').close(); time.sleep(600)")
    answers: list[Answer] = []
    thread = threading.Thread(target=lambda: answers.append(deaf.run(task, seconds=LONG)))
    thread.start()
    fifo.read_bytes()  # it is deaf by now
    deaf.kill()
    thread.join(timeout=60)
    assert [answer.message for answer in answers] == ["the process of the run ended by signal 9 before it could report"]
