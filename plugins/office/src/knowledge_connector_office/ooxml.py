"""What Word, PowerPoint and Excel files have in common: relationships between parts, and properties.

Reference: ECMA-376, part 2 (Open Packaging Conventions).
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from knowledge_connector import DocumentError
from knowledge_connector.kit.facts import Facts
from knowledge_connector_office.stamps import day

if TYPE_CHECKING:
    from knowledge_connector_office.package import Element, Package

R_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_RELATIONSHIP = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"
_DC = "{http://purl.org/dc/elements/1.1/}"
_TERMS = "{http://purl.org/dc/terms/}"
_CORE = "{http://schemas.openxmlformats.org/package/2006/metadata/core-properties}"
_APP = "{http://schemas.openxmlformats.org/officeDocument/2006/extended-properties}"


@dataclass(frozen=True, slots=True)
class Relationships:
    """Where a part's references lead.

    Attributes:
        links: Addresses outside of the package, by id.
        parts: Names of other parts, by id.
        by_type: The same names, by the last word of their type, such as `styles`.
    """

    links: dict[str, str] = field(default_factory=dict)
    parts: dict[str, str] = field(default_factory=dict)
    by_type: dict[str, str] = field(default_factory=dict)


def relationships(package: Package, part: str) -> Relationships:
    """Read the relationships of a part; the empty name is the package itself."""
    folder, name = posixpath.split(part)
    found = Relationships()
    root = package.xml(posixpath.join(folder, "_rels", f"{name}.rels"))
    for element in () if root is None else root.iter(_RELATIONSHIP):
        identity, target = element.get("Id", ""), element.get("Target", "")
        if element.get("TargetMode") == "External":
            found.links[identity] = target
        else:
            target = posixpath.normpath(posixpath.join("/" + folder, target)).lstrip("/")
            found.parts[identity] = target
            found.by_type.setdefault(element.get("Type", "").rpartition("/")[2], target)
    return found


def main_part(package: Package) -> str:
    """Name the part that everything else hangs on.

    Raises:
        DocumentError: There is none (code `malformed`).
    """
    part = relationships(package, "").by_type.get("officeDocument")
    if part is None or part not in package:
        raise DocumentError("this package holds no office document", code="malformed")
    return part


def facts(package: Package) -> Facts:
    """Read what the document says of itself. Properties that cannot be read are none."""
    core = _properties(package, "core-properties", "docProps/core.xml")
    if core is None:
        return Facts()

    said = {element.tag: " ".join((element.text or "").split()) for element in reversed(core)}  # the first one counts
    found = {
        "author": said.get(f"{_DC}creator", ""),
        "created": day(said.get(f"{_TERMS}created", "")),
        "modified": day(said.get(f"{_TERMS}modified", "")),
        "subject": said.get(f"{_DC}subject", ""),
        "description": said.get(f"{_DC}description", ""),
        "language": said.get(f"{_DC}language", ""),
    }
    return Facts.of(said.get(f"{_DC}title", ""), said.get(f"{_CORE}keywords", ""), found)


def pages(package: Package) -> dict[str, int]:
    """How many pages Word counted, where it has said so; other programs count nothing that is called so."""
    app = _properties(package, "extended-properties", "docProps/app.xml")
    counted = "" if app is None else app.findtext(f"{_APP}Pages") or ""
    return {"pages": int(counted)} if counted.isdecimal() and int(counted) else {}


def _properties(package: Package, kind: str, usual: str) -> Element | None:
    """A part with properties; most programs put it where Office does, and need not be asked where that is."""
    try:
        return package.xml(usual if usual in package else relationships(package, "").by_type.get(kind, usual))
    except DocumentError:
        return None
