"""Looks for files that crash a converter, hang it or fill the memory: real files, damaged by Hypothesis, through the real sandbox.

What it finds, it makes as small as it can, and leaves in the cache; a later run tries that first.
"""

from __future__ import annotations

import io
import sys
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.database import DirectoryBasedExampleDatabase

from benchmarks.report import table
from benchmarks.tools import PROJECT

sys.path.append(str(PROJECT / "tests"))  # the makers of files are shared with the tests

from knowledge_connector.config import PluginSettings  # after the path
from knowledge_connector.convert.pipeline import ConverterSet  # the same
from knowledge_connector.convert.sandbox import Sandbox, WorkerSpec  # the same
from knowledge_connector.errors import DocumentError  # the same
from knowledge_connector.model import Raw  # the same
from knowledge_connector.registry import Registry  # the same
from knowledge_connector.sync.prepare import Request  # the same
from knowledge_connector.worker import FACTORY, Outfit  # the same
from samples.story import MAKERS, story  # the same

FINDS = ("crashed", "timeout", "memory")
"""Codes that no file should be able to bring about."""

_TIMEOUT_SECONDS = 20.0


def fuzz_markdown(kinds: list[str], examples: int, cache: Path) -> str:
    """Damage files of these types (all of them if there are none named); gives a table of what they ended with."""
    converters = ConverterSet.of(Registry.load(PluginSettings()).converters())
    outfit = Outfit(converters, (), (), {"archive": {"enabled": True}})
    rows = []
    with Sandbox(WorkerSpec(FACTORY, outfit), processes=1, timeout_seconds=_TIMEOUT_SECONDS) as sandbox:
        for kind in kinds or list(MAKERS):
            seen, find = _fuzz(kind, examples, sandbox, cache / "fuzz")
            outcomes = ", ".join(f"{code} {count}" for code, count in seen.most_common())
            rows.append([kind, f"{seen.total():,}", outcomes, find])
            print(rows[-1], flush=True)
    return table(["type", "files", "outcomes", "found"], rows) + "\n"


def _fuzz(kind: str, examples: int, sandbox: Sandbox, home: Path) -> tuple[Counter[str], str]:
    """Try so many files of a type; gives what they ended with, and where the smallest that did harm lies."""
    seen: Counter[str] = Counter()
    seed = MAKERS[kind](story(kind, length=3))
    harmful: list[bytes] = []

    @settings(
        max_examples=examples,
        deadline=None,
        database=DirectoryBasedExampleDatabase(home / "database"),
        suppress_health_check=list(HealthCheck),
        print_blob=False,
    )
    @given(_damaged(seed))
    def try_one(content: bytes) -> None:
        code = _outcome(sandbox, Raw(content, "", f"file:///seed.{kind}"))
        seen[code] += 1
        if code.partition(":")[0] in FINDS:
            harmful.append(content)
            raise AssertionError(code)

    try:
        try_one()
    except AssertionError as error:
        find = home / f"{kind}-{str(error).partition(':')[0]}"
        find.write_bytes(harmful[-1])
        return seen, f"{error} ({find})"
    return seen, ""


def _outcome(sandbox: Sandbox, raw: Raw) -> str:
    try:
        [answer] = sandbox.call([Request(raw, ())])
    except DocumentError as error:
        return f"{error.code}: {error.message}" if error.code in FINDS else error.code
    return str(getattr(answer, "code", "read"))


@st.composite
def _damaged(draw: Any, seed: bytes) -> bytes:
    """The file with some damage; of a zip file, often the damage is in one of its parts, and the rest is whole."""
    parts = _parts(seed)
    if parts and draw(st.booleans()):
        name = draw(st.sampled_from(sorted(parts)))
        return _zipped({**parts, name: _scratched(draw, parts[name])})
    return _scratched(draw, seed)


def _scratched(draw: Any, content: bytes) -> bytes:
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        end = min(len(content), start + draw(st.integers(0, 200)))
        filling = draw(
            st.sampled_from([b"", content[start:end] * 2, b"\x00\xff\x7f\x80", b"<", b"-1", b"99999999999", b"&"])
            | st.binary(max_size=20)
        )
        content = content[:start] + filling + content[end:]
    return content


def _parts(content: bytes) -> dict[str, bytes]:
    if not zipfile.is_zipfile(io.BytesIO(content)):
        return {}
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        return {name: package.read(name) for name in package.namelist()}


def _zipped(parts: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as package:
        for name, content in parts.items():
            package.writestr(name, content)
    return file.getvalue()
