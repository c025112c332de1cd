"""Pages of any number that nobody stored: each follows from its index.

Each of the generated spaces holds a run of indices. Its first page is the homepage; page j of a space hangs on page (j - 1) // 8, so
the pages beneath any page are a few runs of indices. Ids, titles, and times of creation and change all ascend with the index.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from knowledge_connector_confluence.emulator.model import PEOPLE_TEAM, Content, Space

BRANCHES = 8
FIRST_PAGE, FIRST_ATTACHMENT = 10_000_000, 50_000_000
EPOCH = 1_704_067_200.0  # 2024-01-01 UTC; a million pages fill that year
SECONDS_APART = 30.0
WRITTEN_AFTER, ATTACHED_AFTER = 20.0, 1.0  # seconds from the creation of a page to its last change

_NAMES = (
    ("ENG", "Engineering", "global"),
    ("HR", "People and culture", "global"),
    ("42", "Answers", "global"),
    ("AND", "Access and devices", "knowledge_base"),
)
"""A key of digits and one that is a word of CQL are among them, because both have to be quoted."""

_TOPICS = (
    "backups",
    "onboarding",
    "releases",
    "travel",
    "printers",
    "passwords",
    "deployments",
    "meetings",
    "invoices",
)


@dataclass(frozen=True, slots=True)
class Generated:
    """So many pages, and a small attachment on every so-manieth of them (0 for none)."""

    count: int
    attachment_every: int = 10

    @property
    def spaces(self) -> list[Space]:
        """The generated spaces; the third may be read by everybody."""
        return [
            Space(str(1000 + n), key, name, kind, str(FIRST_PAGE + self.run(n).start), readers=_space_readers(n))
            for n, (key, name, kind) in enumerate(_NAMES)
        ]

    def run(self, space: int) -> range:
        """The indices of the pages of the n-th space."""
        return range(self.count * space // len(_NAMES), self.count * (space + 1) // len(_NAMES))

    def run_of_key(self, key: str) -> range:
        """The same by key; none for a space that was not generated."""
        return next((self.run(n) for n, (known, *_) in enumerate(_NAMES) if known == key), range(0))

    def _home(self, index: int) -> tuple[int, int]:
        """The number of a page's space, and its first index."""
        starts = [self.run(n).start for n in range(len(_NAMES))]
        space = bisect_right(starts, index) - 1
        return space, starts[space]

    def page(self, index: int) -> Content:
        """Give a page."""
        space, first = self._home(index)
        place = index - first
        topic = _TOPICS[index % len(_TOPICS)]
        created = EPOCH + SECONDS_APART * index
        return Content(
            id=str(FIRST_PAGE + index),
            kind="page",
            title=f"Guide {index:07d} to {topic}" if place else f"Guide {index:07d}: home of {_NAMES[space][1]}",
            space=_NAMES[space][0],
            parent=str(FIRST_PAGE + first + (place - 1) // BRANCHES) if place else None,
            created=created,
            modified=created + WRITTEN_AFTER,
            version=1 + index % 3,
            author=f"author-{index % 4}",
            labels=(topic, "how-to") if index % 7 == 0 else (topic,),
            readers=(f"group:{PEOPLE_TEAM}",) if index % 25 == 24 else (),
        )

    def index_of(self, id_: str) -> int | None:
        """The index of a generated page; `None` if this is the id of none."""
        index = int(id_) - FIRST_PAGE if id_.isdecimal() else -1
        return index if 0 <= index < self.count else None

    def children(self, index: int) -> range:
        """The indices of the pages that hang on a page."""
        return self._children(range(index, index + 1), index)

    def _children(self, generation: range, within: int) -> range:
        space, first = self._home(within)
        start, stop = ((edge - first) * BRANCHES + 1 + first for edge in (generation.start, generation.stop))
        end = self.run(space).stop
        return range(min(start, end), min(stop, end))

    def beneath(self, index: int) -> Iterator[range]:
        """The indices of a page's whole family, one generation after the other."""
        generation = self.children(index)
        while generation:
            yield generation
            generation = self._children(generation, index)

    # -------------------------------------------------------------------------------------------------------- attachments

    @property
    def attachments(self) -> int:
        """How many attachments there are."""
        return -(-self.count // self.attachment_every) if self.attachment_every else 0

    def attachment(self, number: int) -> Content:
        """Give an attachment; its page is the one of index `number` x `attachment_every`."""
        index = number * self.attachment_every
        page = self.page(index)
        return Content(
            id=f"att{FIRST_ATTACHMENT + number}",
            kind="attachment",
            title=f"figures-{index:07d}.csv",
            space=page.space,
            parent=page.id,
            created=page.created + ATTACHED_AFTER,
            modified=page.created + ATTACHED_AFTER,
            author=page.author,
            media_type="text/csv",
        )

    def attachment_number(self, id_: str) -> int | None:
        """The number of a generated attachment; `None` if this is the id of none."""
        digits = id_.removeprefix("att")
        number = int(digits) - FIRST_ATTACHMENT if digits != id_ and digits.isdecimal() else -1
        return number if 0 <= number < self.attachments else None

    def attachments_of(self, pages: range) -> range:
        """The numbers of the attachments of these pages."""
        if not self.attachment_every:
            return range(0)
        return range(*(-(-edge // self.attachment_every) for edge in (pages.start, pages.stop)))


def _space_readers(number: int) -> tuple[str, ...]:
    return ("group:confluence-users", "anonymous") if number == 2 else ("group:confluence-users",)


def page_body(page: Content) -> str:
    """Give the storage format of a generated page: the same for the same id and edition."""
    topic = _TOPICS[(page.number - FIRST_PAGE) % len(_TOPICS)]
    steps = "".join(
        f"<li><p>Step {n}: check item {n * page.number % 97} of {topic} and note the result.</p></li>"
        for n in range(1, 6)
    )
    rows = "".join(
        f"<tr><td><p>{topic} {n}</p></td><td><p>{page.number * n % 1000} &euro;</p></td></tr>" for n in range(1, 4)
    )
    return (
        f"<h1>{topic.title()}</h1><p>This page has the number {page.number} and stands in its edition {page.edition}. "
        f"It tells how <strong>{topic}</strong> are handled &ndash; whom to ask, and what to do first.</p>"
        f"<h2>Steps</h2><ol>{steps}</ol>"
        '<ac:structured-macro ac:name="code" ac:schema-version="1"><ac:parameter ac:name="language">bash</ac:parameter>'
        f"<ac:plain-text-body><![CDATA[handle --topic {topic} --page {page.id} && echo done]]></ac:plain-text-body>"
        "</ac:structured-macro>"
        f'<h2>Costs</h2><table data-layout="default"><tbody><tr><th><p>What</p></th><th><p>Price</p></th></tr>{rows}</tbody></table>'
    )


def attachment_bytes(attachment: Content) -> bytes:
    """Give the bytes of a generated attachment: the same for the same id and version."""
    rows = "".join(f"{n},{attachment.number * n % 1009}\n" for n in range(1, 21))
    return f"row,value of version {attachment.version}\n{rows}".encode()
