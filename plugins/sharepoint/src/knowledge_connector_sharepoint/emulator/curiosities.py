"""The folder of what goes wrong in real libraries: one of each."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Curiosity:
    """One of them.

    Attributes:
        kind: What is special besides the name: see `CURIOSITIES`.
        within: The number of the folder that holds it; -1 for the root.
        folder: Whether it can hold others.
    """

    name: str
    kind: str = ""
    within: int = 0
    folder: bool = False


_MILD = (
    Curiosity("Curiosities", within=-1, folder=True),
    Curiosity("Empty.txt", "empty"),
    Curiosity("Protected plan.docx", "encrypted"),
    Curiosity("Infected invoice.txt", "malware"),
    Curiosity("Notebook", "notebook", folder=True),
    Curiosity("Section.one", "", within=4),
    Curiosity("Shortcut to Policies", "shortcut"),
    Curiosity("Shortcut to itself", "self-shortcut"),
    Curiosity("Report.docx"),
    Curiosity("Flyer.pdf"),
    Curiosity("Logo.png"),
    Curiosity("Recording.mp4"),
    Curiosity("Intranet.url"),
    Curiosity("Huge manual.txt", "huge"),
    Curiosity("50% #1 + A&B's draft; ~final (new).md"),
    Curiosity(unicodedata.normalize("NFC", "Café menü.md")),
    Curiosity(unicodedata.normalize("NFD", "Café menü.md")),
    Curiosity("\N{ROCKET} Launch.md"),
    Curiosity(f"{'Long name ' * 24}of 250.txt"),
    Curiosity("Promoted.docx", "promoted"),
    Curiosity("Just uploaded.md", "unhashed"),
)
_ILL = (
    Curiosity("Restricted", "forbidden", folder=True),
    Curiosity("Payroll.md", "", within=len(_MILD)),
    Curiosity("Checked out.md", "checked-out"),
    Curiosity("Sign in instead.docx", "sign-in"),
    Curiosity("Grown.md", "grown"),
    Curiosity("Hidden rights.md", "hidden-rights"),
)

CURIOSITIES: Sequence[Curiosity] = (*_MILD, *_ILL)
"""Kinds: `empty` and `huge` (by what is listed) in size, `grown` since it was listed; `encrypted`; `malware` (no download); a
`notebook` has neither file nor folder; a `shortcut` leads to another library, a `self-shortcut` to itself. Of `forbidden` nothing can be
had but its name, of `checked-out` no content, of `hidden-rights` no permissions; of `sign-in` comes a page to log in at. `promoted`:
SharePoint wrote properties into an Office file after it was listed, so that size and hash are of the former bytes; `unhashed`: it has
no hash yet."""

AMOUNTS = {"none": 0, "mild": len(_MILD), "all": len(CURIOSITIES)}
"""How many by the word of the option: `mild` are those that a reader skips or reads, `all` those that fail, too."""

HUGE_BYTES = 600_000_000
EMPTY_KINDS = frozenset({"empty", "notebook", "shortcut", "self-shortcut"})
