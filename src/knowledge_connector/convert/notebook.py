"""Jupyter notebooks: prose as it is, code in fences, and of the outputs those that can be read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from knowledge_connector.convert.markdown_text import first_heading
from knowledge_connector.errors import DocumentError
from knowledge_connector.kit.markdown import to_markdown
from knowledge_connector.model import Converted, Scalar
from knowledge_connector.ports import Converter

if TYPE_CHECKING:
    from knowledge_connector.model import Raw

NOTEBOOK = "application/x-ipynb+json"
_MAX_OUTPUT_CHARS = 4000
_FENCES = re.compile("`{3,}")
_TERMINAL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class NotebookConverter(Converter):
    """Reads notebooks of the formats 3 and 4; the setting `outputs = false` leaves out what the code printed."""

    name = "notebook"
    version = "1"
    media_types: ClassVar[frozenset[str]] = frozenset({NOTEBOOK})
    extensions: ClassVar[Mapping[str, str]] = {".ipynb": NOTEBOOK}

    def convert(self, raw: Raw, settings: Mapping[str, Any]) -> Converted:
        """Give the cells in order, titled by the first heading. Longer outputs end after 4,000 characters; they repeat themselves.

        Raises:
            DocumentError: It is no JSON, or JSON of another kind (code `malformed`).
        """
        notebook = _load(raw.content)
        about = _table(notebook.get("metadata"))
        language = _text(
            _table(about.get("language_info")).get("name") or _table(about.get("kernelspec")).get("language")
        )
        with_outputs = bool(settings.get("outputs", True))
        parts = [part for cell in _cells(notebook) for part in _parts(cell, language, with_outputs=with_outputs)]
        markdown = "\n\n".join(filter(None, parts))
        return Converted(markdown, _text(about.get("title")) or first_heading(markdown), (), _facts(about, language))


def _load(content: bytes) -> dict[str, Any]:
    try:
        notebook = parsed(content)
    except (ValueError, RecursionError) as error:
        raise DocumentError("this is no well-formed JSON", code="malformed") from error
    if not isinstance(notebook, dict):
        raise DocumentError("this JSON is no notebook: it has no cells", code="malformed")
    return notebook


def parsed(content: bytes) -> Any:
    """What is in a file of JSON, as `json.loads` gives it, in half the time.

    The quick parser refuses some of what the patient one takes: UTF-16, half characters, deep nesting. So what it refuses is read again.

    Raises:
        ValueError, RecursionError: As `json.loads`.
    """
    from pydantic_core import from_json  # only who meets a notebook pays

    try:
        return from_json(content, cache_strings="keys")
    except ValueError:
        return json.loads(content)


def _facts(about: dict[str, Any], language: str) -> dict[str, Scalar]:
    authors = ", ".join(name for author in _list(about.get("authors")) if (name := _text(_table(author).get("name"))))
    facts = {"author": authors, "programming_language": language}
    return {key: value for key, value in facts.items() if value}


def _cells(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    """The cells; format 3 keeps them in worksheets."""
    sheets = [_list(_table(sheet).get("cells")) for sheet in _list(notebook.get("worksheets"))]
    return [cell for cells in (_list(notebook.get("cells")), *sheets) for cell in cells if isinstance(cell, dict)]


def _parts(cell: dict[str, Any], language: str, *, with_outputs: bool) -> Iterator[str]:
    """The parts of a cell, as Markdown."""
    kind, source = cell.get("cell_type"), _text(cell.get("source", cell.get("input"))).strip("\n")
    if kind in ("markdown", "raw"):
        yield source
    elif kind == "heading":
        level = cell.get("level")
        yield f"{'#' * (level if isinstance(level, int) and 0 < level < 7 else 1)} {source}"
    elif kind == "code" and source:
        yield _fenced(source, language)
        if with_outputs:
            yield from (_output(_table(output)) for output in _list(cell.get("outputs")))


def _output(output: dict[str, Any]) -> str:
    """What can be read of an output: a table or text. Pictures have none, and of an error its last line says enough."""
    kind = output.get("output_type")
    if kind in ("error", "pyerr"):
        return f"{_text(output.get('ename'))}: {_text(output.get('evalue'))}"
    if kind == "stream":
        return _printed(_text(output.get("text")))
    data = _table(output.get("data")) or output
    for name in ("text/markdown", "markdown"):
        if data.get(name):
            return _text(data[name]).strip("\n")
    page = _text(data.get("text/html") or data.get("html"))
    if "<table" in page:
        return to_markdown(page).strip("\n")
    return _printed(_text(data.get("text/plain") or data.get("text")))


def _printed(text: str) -> str:
    text = _TERMINAL.sub("", text).strip("\n")
    if not text.strip():
        return ""
    return _fenced(text if len(text) <= _MAX_OUTPUT_CHARS else text[:_MAX_OUTPUT_CHARS] + "\n…", "")


def _fenced(text: str, language: str) -> str:
    fence = "`" * (1 + max(map(len, _FENCES.findall(text)))) if "```" in text else "```"
    return f"{fence}{language}\n{text}\n{fence}"


def _text(value: object) -> str:
    """A string, or the lines of one."""
    if isinstance(value, list):
        try:
            return "".join(value)
        except TypeError:  # something else among the lines
            return "".join(map(str, value))
    return value if isinstance(value, str) else ""


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
