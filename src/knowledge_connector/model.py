"""The values that flow from an origin to a target. Frozen, and free of everything but the standard library.

Document · Tombstone · Failure · Skip · Complete · Checkpoint      what a connector's `read` yields
Chunk · SourceDraft · KnowledgeSource                              what a target takes, and what it holds
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import BinaryIO, Literal

Scalar = str | int | float | bool
Metadata = Mapping[str, Scalar]

NO_METADATA: Metadata = {}


_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_SHIFTS = range(120, -1, -10)


def digest(*parts: str) -> str:
    """Name a tuple of strings by 26 lower-case base32 characters (the first 128 bits of SHA-256).

    The parts are length-prefixed, so `digest("ab", "c")` differs from `digest("a", "bc")`. Strings that hold surrogate escapes
    (file names that are not UTF-8) are taken as they are. Base32 because some targets allow `a-z 0-9 _ -` and nothing else;
    ten bits at a time, because every document of every run passes here and `base64.b32encode` takes four times as long.
    """
    text = "".join([f"{len(part)}:{part}" for part in parts])
    raw = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    bits = int.from_bytes(raw[:16]) << 2
    return "".join([_PAIRS[bits >> shift & 1023] for shift in _SHIFTS])


@lru_cache(maxsize=4096)
def id_digest(external_id: str) -> str:
    """The digest of a document's id, remembered for a while: plan, journal, history and target each ask for it as the document passes."""
    return digest(external_id)


@dataclass(frozen=True, slots=True)
class Chunk:
    """An ordered piece of a document.

    `metadata` describes this piece only (`heading`, `page`); what is true of the whole document (title, link, tags) stands once,
    at its source, so that a renamed document touches no chunk.
    """

    ordinal: int
    text: str
    metadata: Metadata = field(default_factory=dict)


Content = str | bytes | BinaryIO | tuple[Chunk, ...]
"""What a body turns out to be: text, bytes, an open binary file (the host closes it), or chunks that are already cut."""

Body = Content | Callable[[], Content]
"""A body, or a function that fetches it. The function is called only if the body is needed, at most once per run, on any thread."""


@dataclass(frozen=True, slots=True)
class Document:
    """One readable thing at an origin.

    Attributes:
        id: The origin's own stable id; never a title. Ids that share a prefix ending in `/` can be declared unknown together.
        title: What people call it; empty if only its content can say (the converter then finds a heading).
        body: See `Body`.
        media_type: What the body is, `text/markdown` unless said otherwise; `None` to let the content decide.
        uri: A link for people.
        updated_at: With time zone; shown, never compared.
        revision: The origin's own cheap version token, compared for equality only. `None` means "cannot tell": the body is read.
        tags: Short labels; those of the configuration are added by the host.
        metadata: Further facts, kept with the source.
        acl: Who may read it, as principals of the origin; `None` if the connector does not say.
        size_bytes: Size of the body if known; lets the host refuse what is too large before it is fetched.
    """

    id: str
    title: str = ""
    body: Body = ""
    media_type: str | None = "text/markdown"
    uri: str | None = None
    updated_at: datetime | None = None
    revision: str | None = None
    tags: tuple[str, ...] = ()
    metadata: Metadata = field(default_factory=dict)
    acl: tuple[str, ...] | None = None
    size_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Tombstone:
    """The origin says: this id no longer exists."""

    id: str
    reason: str = "deleted at the origin"


@dataclass(frozen=True, slots=True)
class Failure:
    """A document that would not open. It counts as present: knowledge of it is kept.

    With `beneath`, everything whose id starts with `id` is unknown, and kept: an unreadable folder, a locked site. The empty id with
    `beneath` makes the whole listing incomplete.
    """

    id: str
    message: str
    code: str = "unreadable"
    beneath: bool = False


@dataclass(frozen=True, slots=True)
class Skip:
    """Something that was listed and deliberately not read, counted under its reason.

    `excluded` says that the user's own rules leave it out: knowledge of it goes. Otherwise (too large, not a regular file) it counts
    as present and knowledge of it is kept.
    """

    id: str
    reason: str
    excluded: bool = False


@dataclass(frozen=True, slots=True)
class Complete:
    """Everything whose id starts with `beneath` has been shown in this listing; what is known of it and was not shown is gone.

    For readings that begin at a cursor, which show changes only: a part of the origin that was listed whole all the same (a drive
    whose delta token was lost, the pages of a site). A reading that begins without a cursor is complete as a whole if it ends without
    an error, and need not say so. What a `Failure` with `beneath` made unknown stays unknown.
    """

    beneath: str


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A place to resume from. Once everything yielded before it has landed, the host keeps `cursor`.

    `cursor` is a JSON-ready mapping, or any model that has `model_dump(mode="json")`.
    """

    cursor: object


Item = Document | Tombstone | Failure | Skip | Complete | Checkpoint


@dataclass(frozen=True, slots=True)
class Partition:
    """A part of an origin that can be read by itself: a drive, a space. `key` is stable; `name` is for people."""

    key: str
    name: str


@dataclass(frozen=True, slots=True)
class SourceDraft:
    """A knowledge source as it shall become; the target stores all of it.

    Attributes:
        external_id: The document's id.
        name, description, tags, uri, updated_at, metadata, acl: For people and filters; replaced by a retag.
        chunk_count: How many chunks are about to come. The source commits when exactly so many have landed.
        fingerprint: Digest of the chunks and of the recipe that made them.
        metadata_fingerprint: Digest of what a retag would change.
        revision_mark: Digest of the origin's revision, the recipe and the listed metadata; `None` if the origin has no revisions.
        replaces: Id of the committed source that answers until this one is whole, and goes then.
    """

    external_id: str
    name: str
    chunk_count: int
    fingerprint: str
    metadata_fingerprint: str
    revision_mark: str | None = None
    description: str = ""
    tags: tuple[str, ...] = ()
    uri: str | None = None
    updated_at: datetime | None = None
    metadata: Metadata = field(default_factory=dict)
    acl: tuple[str, ...] | None = None
    replaces: str | None = None


@dataclass(frozen=True, slots=True)
class KnowledgeSource:
    """The target's record of one document, as far as that target can tell.

    Attributes:
        source_id: The target's own id.
        external_digest: `digest(external_id)`; every target can keep this much.
        external_id: The document's id, or `None` where the target has no room for it.
        fingerprint: Of the committed content; `None` while the source is unfinished.
        chunk_count: What the target really holds, not what was announced.
        revision_mark, metadata_fingerprint: As in `SourceDraft`; `None` where the target cannot keep them.
    """

    source_id: str
    external_digest: str
    external_id: str | None
    name: str
    fingerprint: str | None
    chunk_count: int
    revision_mark: str | None = None
    metadata_fingerprint: str | None = None
    tags: tuple[str, ...] = ()
    uri: str | None = None

    @property
    def committed(self) -> bool:
        """Whether the source is whole; an unfinished one is swept away by the next run."""
        return self.fingerprint is not None


@dataclass(frozen=True, slots=True)
class StoredSource:
    """A committed source with its chunks, as `undo`, `diff` and `export` need it."""

    draft: SourceDraft
    chunks: tuple[Chunk, ...]


Unit = Literal["characters", "utf-16", "bytes"]
Grain = Literal["chunk", "document"]
Gap = Literal["atomic", "overlap", "gap"]


def length(text: str, unit: Unit) -> int:
    """The length of a text in code points, UTF-16 code units or UTF-8 bytes."""
    if unit == "characters":
        return len(text)
    if unit == "bytes":
        return len(text.encode("utf-8", "surrogatepass"))
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


@dataclass(frozen=True, slots=True)
class Limits:
    """What a target can take. `None` means no limit that matters.

    Attributes:
        max_chars: Upper bound of one chunk, counted in `unit`.
        unit: What the target counts: code points, UTF-16 code units or UTF-8 bytes.
        counts_metadata: Whether a chunk's metadata (keys and values) counts towards `max_chars`.
        max_tags: User tags per source.
        max_metadata: Pairs per chunk.
        concurrency: Documents that may be written at a time.
        batch: Documents that one `flush` may carry.
        can_rename: Whether a source may take another external id without being written again.
        can_retag: Whether name, link, tags and metadata can change without the text being written again.
    """

    max_chars: int = 2000
    unit: Unit = "characters"
    counts_metadata: bool = False
    max_tags: int | None = None
    max_metadata: int | None = None
    max_bytes: int | None = None
    concurrency: int = 1
    batch: int = 1
    can_rename: bool = True
    can_retag: bool = True


@dataclass(frozen=True, slots=True)
class Workload:
    """What a plan would have a target do: documents by action, and the chunks of those that are created or updated."""

    creates: int = 0
    updates: int = 0
    retags: int = 0
    deletes: int = 0
    chunks: int = 0


@dataclass(frozen=True, slots=True)
class Estimate:
    """About how many calls a workload takes, and how long at least under the platform's rate; `None` where no rate is known."""

    calls: int
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of `connector check`."""

    ok: bool
    subject: str
    message: str


@dataclass(frozen=True, slots=True)
class Raw:
    """What a converter is given: the bytes of one document and what is known about them."""

    content: bytes
    media_type: str
    uri: str | None = None
    charset: str | None = None


@dataclass(frozen=True, slots=True)
class Attachment:
    """A document within a document: a file that came with a mail, a member of an archive.

    Attributes:
        name: Its file name or path within; becomes the heading of its section.
        media_type: What the carrier says it is; `None` to let the content decide.
    """

    name: str
    content: bytes
    media_type: str | None = None


@dataclass(frozen=True, slots=True)
class Converted:
    """What a converter makes of it: Markdown, and what the content says of itself (`title`, `tags`, `metadata`).

    The host converts each of the `attachments` by the usual road and appends it as a section; one that cannot be read is named in the
    metadata `attachments_unread`.
    """

    markdown: str
    title: str | None = None
    tags: tuple[str, ...] = ()
    metadata: Metadata = field(default_factory=dict)
    attachments: tuple[Attachment, ...] = ()
