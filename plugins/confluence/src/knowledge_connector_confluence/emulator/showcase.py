"""Contents that were written by hand: one of everything that a reader may stumble over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from knowledge_connector_confluence.emulator.generated import EPOCH
from knowledge_connector_confluence.emulator.model import PEOPLE_TEAM, Content, Kind, Space

SHOW, OLD, PERSONAL = "SHOW", "OLD", "~reader"
FIRST = 100_001
DEPTH = 12
"""Pages below one another: more than one request for descendants reaches."""

SPACES = (
    Space("2001", SHOW, "Showcase", "global", str(FIRST)),
    Space("2002", OLD, "Old handbook", "global", str(FIRST + 1000), status="archived"),
    Space("2003", PERSONAL, "Reader Bot", "personal", str(FIRST + 2000), readers=("user:reader",)),
)

ELEMENTS = str(FIRST + 2)

_DAY = 86_400.0
_BEGIN = EPOCH + 400 * _DAY  # after everything that was generated


def _one(
    number: int,
    kind: Kind,
    title: str,
    parent: int | None = FIRST,
    body: str = "",
    *,
    space: str = SHOW,
    status: str = "current",
) -> Content:
    at = _BEGIN + number % 1000 * 600
    return Content(
        str(number), kind, title, space, None if parent is None else str(parent), at, at + 60, status, body=body
    )


def _file(number: int, title: str, file: str, media_type: str, page: int = FIRST + 2) -> Content:
    at = _BEGIN + number % 1000 * 600
    return Content(f"att{number}", "attachment", title, SHOW, str(page), at, at, file=file, media_type=media_type)


def contents() -> Iterator[Content]:
    """All of them, parents before children."""
    yield from _pages()
    yield from _rights()
    yield from _tree()
    yield from _files()
    yield from _other_spaces()


def _pages() -> Iterator[Content]:
    home = FIRST
    yield _one(home, "page", "Showcase", None, "macros-only")
    yield replace(_one(home + 1, "page", "Plain page", body="plain"), labels=("howto", "for-all"))
    yield replace(_one(home + 2, "page", "Every element", body="elements"), labels=("elements",))
    yield _one(home + 3, "page", "Page with an excerpt", body="excerpt")
    yield _one(home + 4, "page", "Page that includes itself", body="self")
    yield _one(home + 5, "page", "Ping", body="ping")
    yield _one(home + 6, "page", "Pong", body="pong")
    yield _one(home + 7, "page", "Empty page", body="empty")
    yield _one(home + 8, "page", "Unclosed tags", body="unclosed")
    yield _one(home + 9, "page", "\u05e2\u05d1\u05e8\u05d9\u05ea \U0001f30d", body="rtl")
    yield _one(home + 10, "page", "A very long page", body="huge")
    yield replace(_one(home + 11, "page", "Live document", body="live"), subtype="live")
    yield _one(home + 12, "page", "C++/C# & \u201cquotes\u201d: 100%?", body="plain")
    for number, status in ((13, "archived"), (14, "trashed"), (15, "draft")):
        yield _one(home + number, "page", f"A page that is {status}", body="old", status=status)
    for number, month in ((20, "April"), (21, "May")):
        yield _one(
            home + number, "blogpost", "News of the spring" if number == 20 else f"News of {month}", None, "blog"
        )
    for number, line in ((30, "Who wrote this?"), (31, "This is wrong.")):
        comment = _one(home + number, "comment", "Re: Plain page", home + 1, line)
        yield replace(comment, subtype="inline" if number == 31 else "footer")


def _rights() -> Iterator[Content]:
    """Restrictions of a group, of a user, inherited ones, and one that limits editing only."""
    home = FIRST
    yield replace(_one(home + 40, "page", "For the people team", body="plain"), readers=(f"group:{PEOPLE_TEAM}",))
    yield replace(_one(home + 41, "page", "Salaries", home + 40, "salaries"), readers=("user:author-1", "user:reader"))
    yield _one(home + 42, "page", "Inherits both", home + 41, "plain")
    yield replace(_one(home + 43, "page", "Edited by few", body="plain"), editors=("user:author-0",))
    yield _one(home + 44, "page", "Borrows from salaries", body="secret-include")


def _tree() -> Iterator[Content]:
    """Folders and what has no body, with pages beneath; and a chain that is deep."""
    home = FIRST
    yield _one(home + 50, "folder", "Folder")
    yield _one(home + 51, "page", "Page in a folder", home + 50, "plain")
    yield _one(home + 52, "folder", "Folder in a folder", home + 50)
    yield _one(home + 53, "page", "Page in two folders", home + 52, "plain")
    yield _one(home + 54, "whiteboard", "Whiteboard", home + 50)
    yield _one(home + 55, "database", "Database")
    yield _one(home + 56, "page", "Page below a database", home + 55, "plain")
    yield _one(home + 57, "embed", "Smart link")
    for level in range(DEPTH):
        yield _one(home + 60 + level, "page", f"Level {level + 1}", home if not level else home + 59 + level, "plain")


def _files() -> Iterator[Content]:
    yield _file(200_001, "report.pdf", "pdf", "application/pdf")
    yield _file(200_002, "diagram.png", "png", "image/png")
    yield _file(200_003, "notes.txt", "notes", "text/plain")
    yield _file(200_004, "empty.txt", "empty", "text/plain")
    yield _file(200_005, "looks-like-text.txt", "pdf", "text/plain")
    yield _file(200_006, "drawing.drawio", "drawing", "application/vnd.jgraph.mxfile")
    yield _file(200_007, "~drawing.drawio.tmp", "drawing", "application/octet-stream")
    yield _file(200_008, "film.mp4", "video", "video/mp4")
    yield _file(200_009, "gr\u00f6\u00dfe & ma\u00df #1.txt", "large", "text/plain")
    yield _file(200_010, "salaries.csv", "", "text/csv", FIRST + 41)
    yield replace(_file(200_011, "thrown away.txt", "notes", "text/plain"), status="trashed")
    yield _file(200_012, "of a post.txt", "notes", "text/plain", FIRST + 20)


def _other_spaces() -> Iterator[Content]:
    yield _one(FIRST + 1000, "page", "Old handbook", None, "old", space=OLD)
    yield _one(FIRST + 1001, "page", "Old rules", FIRST + 1000, "old", space=OLD)
    yield _one(FIRST + 2000, "page", "Overview of Reader Bot", None, "plain", space=PERSONAL)
