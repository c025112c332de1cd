"""What a source holds, read from the rounds that made it: there is no listing of files.

    newest ─▶ round ─▶ round ─▶ … ─▶ the last Full one: before it nothing counts
              what it uploaded is there, what it deleted is not, unless a newer round said otherwise

A round that failed, or did not take in some of its files, says of none of them whether it is there. Such files are given with a
fingerprint that no content has, so that the next run writes them again, over whatever is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import takewhile

from knowledge_connector import KnowledgeSource, digest
from knowledge_connector_genesys.client import Round, Upload
from knowledge_connector_genesys.names import Marks, external_id_of, marks_in

Listing = Callable[[Round], Iterable[Upload]]


def begins(rounds: Sequence[Round]) -> bool:
    """Whether these rounds tell everything: the vendor may have forgotten older ones."""
    return any(_empties(one) for one in rounds)


def newest(rounds: Sequence[Round]) -> Round | None:
    """The last round that changed something, or may have; oldest first in `rounds`."""
    return next((one for one in reversed(rounds) if _counts(one)), None)


def held(owner: str, rounds: Sequence[Round], uploads: Listing, deletions: Listing) -> Iterator[KnowledgeSource]:
    """Give the owner's files.

    Args:
        owner: The connector's name; files without its mark are left out.
        rounds: Oldest first; none that is open or settling.
        uploads: Gives what a round uploaded.
        deletions: Gives what a round deleted.
    """
    decided: set[str] = set()
    doubtful: set[str] = set()
    for one in _since_full([past for past in rounds if _counts(past)]):
        is_sure = one.state == "landed" and not one.failed_items
        for upload in uploads(one):
            if upload.file_name not in decided:
                decided.add(upload.file_name)
                marks = marks_in(upload.tags, owner)
                if marks is not None:
                    yield _source(owner, upload, marks, is_sure=is_sure and upload.file_name not in doubtful)
        names = {deletion.file_name for deletion in deletions(one)}
        if is_sure:
            decided |= names
        else:
            doubtful |= names


def _since_full(rounds: Sequence[Round]) -> Iterator[Round]:
    """Newest first, down to the last one that began anew."""
    backwards = list(reversed(rounds))
    yield from takewhile(lambda one: not _empties(one), backwards)
    yield from [one for one in backwards if _empties(one)][:1]


def _counts(one: Round) -> bool:
    return one.state in ("settling", "landed", "failed")


def _empties(one: Round) -> bool:
    return one.full and one.completed


def _source(owner: str, upload: Upload, marks: Marks, *, is_sure: bool) -> KnowledgeSource:
    external_id = external_id_of(owner, upload.file_name)
    known = external_id is not None and digest(external_id) == marks.external_digest
    return KnowledgeSource(
        source_id=upload.file_name,
        external_digest=marks.external_digest,
        external_id=external_id if known else None,
        name=marks.name,
        fingerprint=marks.fingerprint if is_sure else "doubtful",
        chunk_count=1,
        revision_mark=marks.revision_mark if is_sure else None,
        metadata_fingerprint=marks.metadata_fingerprint if is_sure else None,
        tags=marks.tags,
        uri=upload.uri,
    )
