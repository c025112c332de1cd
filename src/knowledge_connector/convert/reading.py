"""The usual road of a body: what is it, who reads it, and what came along with it.

Raw ─ detect ─▶ ConverterSet.convert ─▶ Converted ─┬─ no attachments ─────────────────────▶ Converted
                      ▲                            └─ each attachment ─▶ the same road ─▶ a section beneath its name
                      └───────────────────────────────────────┘  at most `MAX_DEPTH` times
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from knowledge_connector.convert.detect import UNKNOWN, detect
from knowledge_connector.convert.pipeline import MAX_ATTACHMENTS, MAX_CHARS, UNREAD, ConverterSet, essence
from knowledge_connector.errors import DocumentError
from knowledge_connector.kit.pages import has_pages, without_marks
from knowledge_connector.model import Attachment, Converted, Raw

MAX_DEPTH = 3
"""How deep documents may lie within documents: a table in an archive in a mail."""

_SEPARATOR = "; "
_MAX_LISTED_CHARS = 2000
_CHARSET = re.compile(r";\s*charset\s*=\s*\"?([\w.:-]+)", re.IGNORECASE)


@dataclass(slots=True)
class _Room:
    """What is left for the attachments of one document."""

    chars: int = MAX_CHARS
    number: int = MAX_ATTACHMENTS


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads bodies of any type, with what is attached to them.

    Attributes:
        settings: Of each converter, by its name.
    """

    converters: ConverterSet
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def media_type(self, raw: Raw, name: str | None = None) -> str:
        """What a body is: by its content, by what its carrier says, and by its name, which is that in its link if none is given."""
        declared = essence(raw.media_type)
        name = name or (urlsplit(raw.uri).path if raw.uri else None)
        return detect(raw.content, name, self.converters.extensions, declared if declared != UNKNOWN else None)

    def convert(self, raw: Raw, media_type: str) -> Converted:
        """Give the Markdown of a body and, as sections at its end, of its attachments; none are left in what is returned.

        Attachments that cannot be read are named in the metadata `attachments_unread`, each with the code of its reason.

        Args:
            raw: The body.
            media_type: What it is; see `media_type`.

        Raises:
            Unreadable, DocumentError, PluginError: As for `ConverterSet.convert`, for the body itself.
        """
        return self._read(raw, media_type, 0, _Room())

    def _read(self, raw: Raw, media_type: str, depth: int, room: _Room) -> Converted:
        said = _CHARSET.search(raw.media_type) if ";" in raw.media_type else None
        charset = raw.charset or (said[1] if said else None)
        converted = self.converters.convert(Raw(raw.content, media_type, raw.uri, charset), self.settings)
        if depth and len(converted.markdown) > room.chars:
            raise DocumentError(f"all together would have more than {MAX_CHARS} characters", code="too-long")
        room.chars -= len(converted.markdown)
        return self._with_attachments(converted, depth + 1, room) if converted.attachments else converted

    def _with_attachments(self, converted: Converted, depth: int, room: _Room) -> Converted:
        parts, unread = [converted.markdown], _listed(converted.metadata.get(UNREAD))
        for attachment in converted.attachments:
            try:
                inner = self._attached(attachment, depth, room)
            except DocumentError as error:
                unread.append(f"{attachment.name} ({error.code})")
            except Exception as error:  # noqa: BLE001  # the plugin-call edge: a mail is well if an attachment is not
                unread.append(f"{attachment.name} (crashed: {type(error).__name__})")
            else:
                parts.append(inner.markdown)
                unread += [f"{attachment.name} › {name}" for name in _listed(inner.metadata.get(UNREAD))]
        metadata = dict(converted.metadata)
        if unread:
            metadata[UNREAD] = _short(_SEPARATOR.join(unread))
        markdown = "\n\n".join(text for part in parts if (text := part.strip("\n")))
        return replace(converted, markdown=markdown + "\n" if markdown else "", metadata=metadata, attachments=())

    def _attached(self, attachment: Attachment, depth: int, room: _Room) -> Converted:
        """An attachment as a section beneath its name, with all that is attached to it in turn."""
        if depth > MAX_DEPTH:
            raise DocumentError(f"it lies more than {MAX_DEPTH} documents deep", code="too-deep")
        if not room.number:
            raise DocumentError(f"there are more than {MAX_ATTACHMENTS} documents in it", code="too-many")
        room.number -= 1
        raw = Raw(attachment.content, attachment.media_type or "")
        media_type = self.media_type(raw, attachment.name)
        if media_type.startswith("text/") and not self.converters.supported(media_type):
            media_type = "text/plain"  # an invitation in a mail, say: nobody reads `text/calendar`, and people can
        inner = self._read(raw, media_type, depth, room)
        text = without_marks(inner.markdown) if has_pages(inner.markdown) else inner.markdown
        section = f"# {_one_line(attachment.name)}\n\n{lowered(text)}" if text.strip() else ""
        return replace(inner, markdown=section)


def _listed(value: object) -> list[str]:
    return str(value).split(_SEPARATOR) if value else []


def _one_line(name: str) -> str:
    return " ".join(name.split()) or "attachment"


def _short(text: str) -> str:
    return text if len(text) <= _MAX_LISTED_CHARS else text[: _MAX_LISTED_CHARS - 1] + "…"


_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_UNDERLINE = re.compile(r" {0,3}=+[ \t]*")
_HEADING = re.compile(r" {0,3}#{1,5}(?=[ \t]|$)")


def lowered(markdown: str) -> str:
    """The same Markdown with each heading one level lower; level six stays, and code is left alone."""
    return "\n".join(_lowered(markdown.split("\n"))) if "#" in markdown or "=" in markdown else markdown


def _lowered(lines: list[str]) -> Iterator[str]:
    fence = ""
    for position, line in enumerate(lines):
        mark = _FENCE.match(line)
        if mark and not fence:
            fence = mark[1]
        elif mark and mark[1].startswith(fence) and not line[mark.end() :].strip():
            fence = ""
        elif not fence and _HEADING.match(line):
            line = line.replace("#", "##", 1)
        elif not fence and position and lines[position - 1].strip() and _UNDERLINE.fullmatch(line):
            line = line.replace("=", "-")
        yield line
