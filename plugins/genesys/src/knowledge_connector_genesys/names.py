r"""File names and tags: the marks that the vendor keeps for us, in an alphabet that it takes.

A file name is a pure function of the document's id: `OWNER/ID.md`, everything out of the common alphabet as `=XX` (a byte in UTF-8).
The vendor refuses whitespace and ``\ { ^ } % ` ] " > [ ~ < # |``; what is left by us is `A-Z a-z 0-9 . _ - / =`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes

from knowledge_connector import SourceDraft, digest

SUFFIX = ".md"
MAX_LENGTH = 180
"""The vendor's limit is not known: its own tools warn at 180 and cut at 255."""

_CUT = "=="  # never in a name that is whole: there two digits follow each `=`
_DIGEST_LENGTH = 26
_MAX_TITLE = 100

# A segment of a path that begins with a dot or is empty means something else to file systems and to the vendor.
_ODD_IN_PATHS = re.compile(r"(?<![^/])[./]|/$")


def file_name(owner: str, external_id: str) -> str:
    """Give the name of a document's file; the same for the same id, another for another."""
    path = _ODD_IN_PATHS.sub(lambda odd: f"={ord(odd[0]):02X}", escape(external_id))
    name = f"{owner}/{path}{SUFFIX}"
    if len(name) <= MAX_LENGTH:
        return name
    room = MAX_LENGTH - len(_CUT) - _DIGEST_LENGTH - len(SUFFIX)
    beginning = re.sub(r"=.?$", "", name[:room]).rstrip("/")
    return f"{beginning}{_CUT}{digest(external_id)}{SUFFIX}"


def external_id_of(owner: str, name: str) -> str | None:
    """Give the id that a file name stands for; `None` if it was too long to be kept."""
    path = name.removeprefix(f"{owner}/").removesuffix(SUFFIX)
    return None if _CUT in path else unescape(path)


def is_ours(owner: str, name: str) -> bool:
    """Whether a file of this name can be one of `owner`."""
    return name.startswith(f"{owner}/") and name.endswith(SUFFIX)


def escape(text: str) -> str:
    """Write any text, also one with lone surrogates, in the common alphabet."""
    return quote(text.encode("utf-8", "surrogatepass"), safe="/").replace("%", "=").replace("~", "=7E")


def unescape(text: str) -> str:
    """Undo `escape`."""
    return unquote_to_bytes(text.replace("=", "%")).decode("utf-8", "surrogatepass")


@dataclass(frozen=True, slots=True)
class Marks:
    """What the tags of an upload say of it.

    Attributes:
        tags: Those for people.
    """

    external_digest: str
    fingerprint: str
    metadata_fingerprint: str
    revision_mark: str | None
    name: str
    tags: tuple[str, ...]


def tags_of(owner: str, draft: SourceDraft) -> list[str]:
    """Give the tags for an upload: our marks, then those for people."""
    marks = {
        "kc-by-": owner,
        "kc-id-": digest(draft.external_id),
        "kc-fp-": escape(draft.fingerprint),
        "kc-md-": escape(draft.metadata_fingerprint),
        "kc-rev-": escape(draft.revision_mark) if draft.revision_mark else None,
        "kc-name-": escape(draft.name[:_MAX_TITLE]),
    }
    written = [key + value for key, value in marks.items() if value is not None]
    return [*written, *(clean(tag) for tag in draft.tags)]


def marks_in(tags: Iterable[str], owner: str) -> Marks | None:
    """Read the marks back; `None` if the owner's is not among them, or they are not whole."""
    found: dict[str, str] = {}
    others = []
    for tag in tags:
        match = re.match(r"kc-(by|id|fp|md|rev|name)-", tag)
        if match:
            found.setdefault(match[1], tag[match.end() :])  # ours come first
        else:
            others.append(tag)
    if found.get("by") != owner or not {"id", "fp", "md", "name"} <= found.keys():
        return None
    return Marks(
        external_digest=found["id"],
        fingerprint=unescape(found["fp"]),
        metadata_fingerprint=unescape(found["md"]),
        revision_mark=unescape(found["rev"]) if "rev" in found else None,
        name=unescape(found["name"]),
        tags=tuple(others),
    )


def clean(text: str) -> str:
    """Replace what cannot be written in UTF-8 by U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
