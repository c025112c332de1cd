"""Office files as programs write them: by python-docx, python-pptx and XlsxWriter, and by LibreOffice where it is installed."""

from __future__ import annotations

import io
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import docx
import pptx
import xlsxwriter  # type: ignore[import-untyped]  # XlsxWriter ships no types
from docx.document import Document
from pptx.presentation import Presentation
from xlsxwriter.workbook import Workbook  # type: ignore[import-untyped]  # XlsxWriter ships no types


def docx_file(fill: Callable[[Document], object]) -> bytes:
    document = docx.Document()
    fill(document)
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def pptx_file(fill: Callable[[Presentation], object]) -> bytes:
    presentation = pptx.Presentation()
    fill(presentation)
    buffer = io.BytesIO()
    presentation.save(buffer)
    return buffer.getvalue()


def xlsx_file(fill: Callable[[Workbook], object]) -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as workbook:
        fill(workbook)
    return buffer.getvalue()


def has_libreoffice() -> bool:
    return shutil.which("soffice") is not None


def by_libreoffice(content: bytes, ending: str, target: str, folder: Path) -> bytes:
    """Have LibreOffice write a file in another format. Its profile stays in the folder, as making one takes a second."""
    source = folder / f"source.{ending}"
    source.write_bytes(content)
    profile = f"-env:UserInstallation=file://{folder}/profile"
    subprocess.run(
        ["soffice", profile, "--headless", "--convert-to", target, "--outdir", str(folder / "out"), str(source)],
        check=True,
        capture_output=True,
        timeout=120,
    )
    return (folder / "out" / f"source.{target}").read_bytes()
