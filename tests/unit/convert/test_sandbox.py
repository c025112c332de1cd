import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from knowledge_connector import DocumentError, PluginError, Unreadable
from knowledge_connector.convert.sandbox import Sandbox, WorkerSpec

HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def _workers_on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(HERE)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(WorkerSpec("sandbox_workers:misbehave"), timeout_seconds=0.5) as sandbox:
        yield sandbox


def children() -> list[psutil.Process]:
    return [
        child
        for child in psutil.Process().children()
        if "knowledge_connector.convert.child" in " ".join(child.cmdline())
    ]


def test_the_worker_is_made_once_with_its_argument() -> None:
    with Sandbox(WorkerSpec("sandbox_workers:echo", argument="made")) as sandbox:
        assert [sandbox.call(1), sandbox.call("two")] == [("made", 1), ("made", "two")]


@pytest.mark.parametrize("size", [0, 100, 70_000, 20_000_000])
def test_payloads_of_any_size_come_back(size: int) -> None:
    with Sandbox(WorkerSpec("sandbox_workers:echo")) as sandbox:
        assert sandbox.call(os.urandom(size) * 1) is not None
        payload = b"ab" * (size // 2)
        assert sandbox.call(payload) == payload


@pytest.mark.parametrize(
    ("deed", "code"),
    [
        ("hang", "timeout"),
        ("crash", "crashed"),
        ("exit", "crashed"),
        ("raise", "crashed"),
        ("panic", "crashed"),
        ("unpicklable", "crashed"),
        ("recurse", "too-deep"),
        pytest.param(
            "memory",
            "memory",
            marks=pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps the memory limit of a process"),
        ),
    ],
)
def test_a_bad_document_is_one_bad_document(sandbox: Sandbox, deed: str, code: str) -> None:
    assert sandbox.call("print") == "printed"
    with pytest.raises(DocumentError) as caught:
        sandbox.call(deed)
    assert caught.value.code == code
    assert "secret" not in str(caught.value)
    assert sandbox.call("print") == "printed"


def test_what_a_converter_started_ends_with_it(sandbox: Sandbox) -> None:
    with pytest.raises(DocumentError) as caught:
        sandbox.call("program")
    assert caught.value.code == "timeout"
    found = [one for one in psutil.process_iter(["cmdline"]) if "grandchild-of-the-sandbox" in str(one.info["cmdline"])]
    _, running = psutil.wait_procs(found, timeout=5)  # killed with its parent, over which a busy system takes a moment
    assert not running


def test_our_errors_travel_back_as_they_are(sandbox: Sandbox) -> None:
    before = sandbox.call("pid")
    with pytest.raises(Unreadable, match="encrypted") as caught:
        sandbox.call("unreadable")
    assert caught.value.code == "encrypted"
    assert sandbox.call("pid") == before


@pytest.mark.parametrize("factory", ["sandbox_workers:unusable", "sandbox_workers:nowhere", "no_such_module:at_all"])
def test_a_worker_that_cannot_be_set_up_is_the_plugins_fault(factory: str) -> None:
    with Sandbox(WorkerSpec(factory)) as sandbox, pytest.raises(PluginError, match=factory):
        sandbox.call(1)


def test_what_a_child_prints_is_not_heard(sandbox: Sandbox, capfd: pytest.CaptureFixture[str]) -> None:
    sandbox.call("print")
    assert capfd.readouterr() == ("", "")


def test_a_child_imports_little(sandbox: Sandbox) -> None:
    roots = {name.partition(".")[0] for name in sandbox.call("modules")}
    assert not roots & {"pydantic", "sqlalchemy", "click", "lxml", "bs4", "httpx", "logging", "multiprocessing"}


def test_small_work_never_pays_for_a_second_child() -> None:
    with Sandbox(WorkerSpec("sandbox_workers:misbehave"), processes=2) as sandbox, ThreadPoolExecutor(2) as pool:
        sandbox.call("pid")
        assert len(set(pool.map(sandbox.call, ["pid"] * 200))) == 1


def test_a_second_child_comes_when_work_waits() -> None:
    with Sandbox(WorkerSpec("sandbox_workers:nap", 0.3), processes=2) as sandbox, ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(sandbox.call, range(6)))) == 2
        assert len(children()) == 2


def test_a_child_is_replaced_after_its_calls() -> None:
    with Sandbox(WorkerSpec("sandbox_workers:misbehave"), calls_per_child=2) as sandbox:
        pids = [sandbox.call("pid") for _ in range(4)]
    assert pids[0] == pids[1] != pids[2] == pids[3]


def test_closing_leaves_no_process() -> None:
    sandbox = Sandbox(WorkerSpec("sandbox_workers:misbehave"))
    pid = sandbox.call("pid")
    sandbox.close()
    sandbox.close()
    assert not psutil.pid_exists(pid)
    with pytest.raises(RuntimeError, match="closed"):
        sandbox.call("pid")


def test_closing_ends_a_call_under_way() -> None:
    sandbox = Sandbox(WorkerSpec("sandbox_workers:misbehave"), timeout_seconds=60)
    sandbox.call("print")
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(sandbox.call, "hang")
        while not call.running():
            threading.Event().wait(0.01)
        sandbox.close()
        with pytest.raises((DocumentError, RuntimeError)):
            call.result(timeout=10)


PARENT = """
import sys, threading
from knowledge_connector.convert.sandbox import Sandbox, WorkerSpec
sandbox = Sandbox(WorkerSpec("sandbox_workers:misbehave"), timeout_seconds=1)
print(sandbox.call("pid"), flush=True)
if sys.argv[1] == "busy":
    threading.Thread(target=sandbox.call, args=["hang"], daemon=True).start()
sys.stdin.read()
"""


@pytest.mark.parametrize("state", ["idle", "busy"])
def test_children_die_with_their_parent(state: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, state],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(HERE)},
    ) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        child.wait(timeout=20)


def test_an_interrupt_is_the_parents_affair() -> None:
    with Sandbox(WorkerSpec("sandbox_workers:misbehave")) as sandbox:
        assert os.getsid(sandbox.call("pid")) != os.getsid(0)


def test_a_round_trip_is_cheap() -> None:
    with Sandbox(WorkerSpec("sandbox_workers:echo")) as sandbox:
        sandbox.call(0)
        started = time.process_time()
        for _ in range(1000):
            sandbox.call(b"x" * 1000)
        assert time.process_time() - started < 1.0
