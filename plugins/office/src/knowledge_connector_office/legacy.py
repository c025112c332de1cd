"""Files from before 2007 that only LibreOffice reads well: it writes them anew, and the other readers take over.

.doc · .ppt · .xls of Excel 95 ─ LibreOffice, one process a document ─▶ .odt · .odp · .xlsx
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from knowledge_connector import Converted, DocumentError, Unreadable
from knowledge_connector_office.opendocument import read as read_open_document

if TYPE_CHECKING:
    from knowledge_connector import Raw

_PROGRAMS = (
    "soffice",
    "libreoffice",
    "/usr/lib/libreoffice/program/soffice",
    "/opt/libreoffice/program/soffice",
    "/Applications/LibreOffice.app/Contents/MacOS/soffice",
)
_TIMEOUT_SECONDS = 45.0  # below that of the sandbox, so that LibreOffice does not outlive its caller
_MODERN = {"doc": "odt", "ppt": "odp", "xls": "xlsx"}
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def read(raw: Raw, settings: Mapping[str, Any]) -> Converted:
    """Let LibreOffice write OpenDocument, and read that.

    Raises:
        Unreadable: Code `no-libreoffice`, or what OpenDocument says.
        DocumentError: Code `malformed` or `timeout`.
    """
    ending = "doc" if raw.media_type == "application/msword" else "ppt"
    return read_open_document(replace(raw, content=modern(raw.content, ending, settings)), settings)


def modern(content: bytes, ending: str, settings: Mapping[str, Any]) -> bytes:
    """Have LibreOffice write a file in today's format: text as `.odt`, slides as `.odp`, sheets as `.xlsx`.

    Args:
        content: The old file.
        ending: `doc`, `ppt` or `xls`.
        settings: `program`, where LibreOffice is not found by itself; `timeout_seconds`.

    Raises:
        Unreadable: LibreOffice is not installed (code `no-libreoffice`).
        DocumentError: It cannot read the file (code `malformed`), or not in time (`timeout`).
    """
    program = _program(settings.get("program"))
    if not content.startswith(_OLE):
        raise DocumentError(f"this is no .{ending} file from before 2007", code="malformed")
    with tempfile.TemporaryDirectory(prefix="connector-office-") as folder:
        source = Path(folder, f"document.{ending}")
        source.write_bytes(content)
        _run(program, _MODERN[ending], source, float(settings.get("timeout_seconds", _TIMEOUT_SECONDS)))
        written = source.with_suffix(f".{_MODERN[ending]}")
        if not written.is_file():
            raise DocumentError(
                "LibreOffice could not read it: it is damaged or protected by a password", code="malformed"
            )
        return written.read_bytes()


def _program(named: object) -> str:
    names = (str(named),) if named else _PROGRAMS
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        raise Unreadable("LibreOffice is not installed, and nothing else here reads this format", code="no-libreoffice")
    return found


def _run(program: str, target: str, source: Path, timeout_seconds: float) -> None:
    """Start LibreOffice with a profile of its own, so that it neither waits for another one nor runs anybody's macros."""
    command = [
        program,
        f"-env:UserInstallation={source.parent.as_uri()}/profile",
        "--headless",
        "--norestore",
        "--convert-to",
        target,
        "--outdir",
        str(source.parent),
        str(source),
    ]
    process = subprocess.Popen(  # noqa: S603  # the program is the user's own, and the file name ours
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        process.wait(timeout_seconds)
    except subprocess.TimeoutExpired as error:
        raise DocumentError(
            f"LibreOffice took longer than {timeout_seconds:g} s and was given up", code="timeout"
        ) from error
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End LibreOffice with all that it has started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
