"""What a terminal shows, how it is asked to stop, and the parts that pages are made of."""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from threading import Event

import pytest
from rich.console import Console

from knowledge_connector.cli.running import listed_before
from knowledge_connector.cli.terminal.bars import Bars
from knowledge_connector.cli.terminal.log import log_to_stderr, ride_along
from knowledge_connector.cli.terminal.page import Column, PlainPage, Table
from knowledge_connector.cli.terminal.progress import Lines
from knowledge_connector.cli.terminal.signals import stopping
from knowledge_connector.cli.terminal.words import clean, counted, duration, titled
from knowledge_connector.sync.plan import Action, Change
from knowledge_connector.sync.report import SyncReport
from scenarios.world import World

from .conftest import calm, on_terminal

ESCAPE = "\x1b"
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
MOVES = re.compile(r"\x1b\[[0-9;?]*[A-Zhl]")


@pytest.fixture
def file(world: World) -> str:
    for number in range(3):
        world.put(f"d{number}", f"one {number}", title=f"Document {number}")
    world.save()
    return str(world.folder / "connectors.toml")


def shown(written: str) -> str:
    """The lines that stay: without colours, and without what a display wrote and wiped again."""
    lines = MOVES.sub("\r", COLOURS.sub("", written)).split("\n")
    return calm("\n".join(line.rpartition("\r")[2].rstrip() for line in lines)).strip("\n")


def test_a_wide_terminal_gets_the_whole_table_in_colour(file: str) -> None:
    code, written = on_terminal(["-c", file, "run", "shelf"], columns=120, environ={})
    assert code == 0
    assert f"{ESCAPE}[32mok" in written
    assert shown(written).endswith(
        "connector → target  listed  created  updated  retagged  deleted  kept  skipped  failed  chunks    time  status\n"
        "shelf → local            3        3        0         0        0     0        0       0       3  0.00 s  ok\n"
        "\n"
        "What changed: connector diff 1 · take it back: connector undo 1"
    )


def test_a_narrow_terminal_gets_the_columns_that_say_something(file: str) -> None:
    _, written = on_terminal(["-c", file, "run", "shelf"], columns=80, environ={})
    table = shown(written)
    assert "connector → target  listed  created  chunks    time  status\n" in table
    assert max(len(line) for line in table.splitlines()) <= 80


def test_a_very_narrow_terminal_gets_sentences(file: str) -> None:
    _, written = on_terminal(["-c", file, "run", "shelf"], columns=50, environ={})
    assert "shelf → local  ok\n  3 listed · 3 created · 3 chunks · 0.00 s\n" in shown(written)


@pytest.mark.parametrize("environ", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_colours_stay_away_where_they_are_not_wanted(file: str, environ: dict[str, str]) -> None:
    _, written = on_terminal(["-c", file, "run", "shelf"], columns=120, environ=environ)
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", written)
    assert "shelf → local            3        3" in shown(written)


def test_a_dumb_terminal_gets_no_escapes_at_all(file: str) -> None:
    _, written = on_terminal(["-c", file, "plan", "shelf"], columns=120, environ={"TERM": "dumb"})
    assert ESCAPE not in written


def test_titles_cannot_steer_the_terminal(world: World) -> None:
    world.put("d", "text", title=f"{ESCAPE}[2JWiped\nand more")
    world.save()
    _, written = on_terminal(["-c", str(world.folder / "connectors.toml"), "plan", "shelf"], columns=120, environ={})
    assert f"{ESCAPE}[2J" not in written
    assert "·[2JWiped·and more" in shown(written)


# -- stopping -----------------------------------------------------------------------------------------------------------

DRIP = """
from pathlib import Path
from pydantic import Field
from knowledge_connector import Connector, ConnectorConfig, Document, hookimpl

class DripConfig(ConnectorConfig):
    path: Path = Field(description="A pipe; each line becomes a document.")

class DripConnector(Connector[DripConfig]):
    type = "drip"

    def read(self, context):
        with self.config.path.open() as lines:
            for line in lines:
                yield Document(line.strip(), body="text")

@hookimpl
def register_connectors():
    return [DripConnector]
"""


@pytest.fixture
def dripping(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A run that waits for the lines of a pipe; its environment says which."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "dripping.py").write_text(DRIP, encoding="utf-8")
    file = tmp_path / "connectors.toml"
    file.write_text(
        '[plugins]\npaths = ["dripping.py"]\n[connectors.drip]\ntype = "drip"\npath = "pipe"\n', encoding="utf-8"
    )
    command = [sys.executable, "-m", "knowledge_connector", "-c", str(file), "run", "drip"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        yield process
        process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_signal_ends_a_run_in_good_order(
    dripping: subprocess.Popen[str], tmp_path: Path, number: signal.Signals
) -> None:
    assert dripping.stderr is not None
    with (tmp_path / "pipe").open("w") as pipe:  # opens when the run has begun to read
        pipe.write("first\n")
        pipe.flush()
        dripping.send_signal(number)
        assert dripping.stderr.readline() == "\n"
        assert dripping.stderr.readline() == "Finishing the documents in hand; press again to stop at once.\n"
    out, _ = dripping.communicate()
    assert dripping.returncode == 130
    assert "interrupted" in out
    assert "the next run goes on from there" in out


def test_a_second_signal_ends_it_at_once(dripping: subprocess.Popen[str], tmp_path: Path) -> None:
    assert dripping.stderr is not None
    with (tmp_path / "pipe").open("w") as pipe:
        pipe.write("first\n")
        pipe.flush()
        dripping.send_signal(signal.SIGINT)
        dripping.stderr.readline()
        dripping.stderr.readline()
        dripping.send_signal(signal.SIGINT)
        _, err = dripping.communicate()
    assert dripping.returncode == 130
    assert err.endswith("Interrupted; what was done is kept.\n")
    assert "Traceback" not in err


def test_signals_are_given_back(capsys: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    stop = Event()
    with stopping(stop):
        signal.raise_signal(signal.SIGTERM)
        assert stop.is_set()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before
    assert "press again" in capsys.readouterr().err


# -- parts --------------------------------------------------------------------------------------------------------------


def test_progress_without_a_terminal_is_a_line_every_ten_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    seconds = [0.0]
    progress = Lines(lambda: seconds[0])
    report = SyncReport(1, "docs", "local", datetime.now(UTC))
    progress.begin([report], {"local": 4000})
    change = Change(Action.CREATE, "d", "d", "new")
    seconds[0], report.created, report.kept = 9.0, 30, 900
    progress.tick(change)
    assert capsys.readouterr().err == ""
    seconds[0], report.created = 10.0, 100
    progress.tick(change)
    progress.tick(change)
    line = "docs → local: 1,000 of about 4,000 documents after 10.0 s, 100/s; 100 created\n"
    assert capsys.readouterr().err == line


def test_bars_show_phase_count_and_what_changed() -> None:
    console = Console(width=90, file=StringIO(), force_terminal=True, color_system=None)
    reports = [SyncReport(1, "docs", target, datetime.now(UTC)) for target in ("local", "assistant")]
    bars = Bars(console, reports, {"local": 4000})
    reports[0].listed, reports[0].kept, reports[0].created = 1500, 1000, 20
    with console.capture() as capture:
        console.print(*bars.get_renderables())
    first, second = (line.split() for line in capture.get().splitlines())
    assert first[1:5] == ["docs", "→", "local", "reading"]
    assert first[6:9] == ["1,020/4,000", "20", "created"]
    assert second[1:] == ["docs", "→", "assistant", "comparing", "0"]
    reports[0].listed = 5000
    bars.deleting = True
    with console.capture() as capture:
        console.print(*bars.get_renderables())
    assert "deleting" in capture.get()
    assert "1,020/5,000" in capture.get()


def test_the_log_writes_fields_after_the_phrase(capsys: pytest.CaptureFixture[str]) -> None:
    ours, others = logging.getLogger("knowledge_connector.sync"), logging.getLogger("httpx")
    with log_to_stderr(1):
        ride_along(7, "docs")
        ours.info("pages listed", extra={"count": 3, "place": "a b", "none": ""})
        ours.debug("too much")
        others.info("GET https://example.com/?token=abc")
        others.warning("something is wrong")
    ours.warning("after the command")
    lines = calm(capsys.readouterr().err).splitlines()
    assert lines == [
        "TIME INFO    pages listed run_id=7 connector=docs count=3 place='a b' none=''",
        "TIME WARNING something is wrong run_id=7 connector=docs",
    ]


def test_the_log_in_json_has_an_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    log = logging.getLogger("knowledge_connector.sync")
    with log_to_stderr(0, as_json=True):
        ride_along(7, "docs")
        log.warning("pages\nlisted", extra={"place": Path("a b"), "count": 3})
        log.error("it broke", exc_info=KeyError("x"))
    first, second = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert datetime.fromisoformat(first.pop("time")).tzinfo is not None
    assert first == {
        "level": "warning",
        "logger": "knowledge_connector.sync",
        "event": "pages\nlisted",
        "run_id": 7,
        "connector": "docs",
        "place": "a b",
        "count": 3,
    }
    assert second["exception"].endswith("KeyError: 'x'")


def test_a_plain_table_is_aligned_and_has_no_trailing_blanks(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table(
        [Column("name"), Column("count", right=True), Column("")], [["one", "1", ""], ["three", "1,000", "x"]]
    )
    PlainPage().table(table, indent=1)
    assert capsys.readouterr().out == " name   count\n one        1\n three  1,000  x\n"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.214, "0.21 s"),
        (9.999, "10.00 s"),
        (12.44, "12.4 s"),
        (59.99, "60.0 s"),
        (185, "3 min 05 s"),
        (7800, "2 h 10 min"),
    ],
)
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_words() -> None:
    assert (counted(1, "chunk"), counted(3976, "chunk")) == ("1 chunk", "3,976 chunks")
    assert clean("a\tb\x1b[0m\x9b") == "a·b·[0m·"
    assert titled("", "id") == titled("id", "id") == "id"


def test_the_next_run_expects_what_the_last_one_listed(world: World) -> None:
    with world.host() as host:
        assert listed_before(host.store, "shelf") == {}
    world.put("d", "one")
    world.put("e", "two")
    world.run()
    with world.host() as host:
        assert listed_before(host.store, "shelf") == {"local": 2}
