"""The story of a document, as a person reads it."""

from __future__ import annotations

from collections.abc import Iterator

import click

from knowledge_connector.cli.terminal.page import Column, Page, Table
from knowledge_connector.cli.terminal.summary import quoted
from knowledge_connector.cli.terminal.words import bold, clean, counted, dim, titled, when
from knowledge_connector.ports import Known, RunRow
from knowledge_connector.story import Explanation, Story

_PAST = {"create": "created", "update": "updated", "retag": "retagged", "delete": "deleted"}


def show_explanation(page: Page, explanation: Explanation) -> None:
    """Write one story, or several documents to choose from, or what was looked at in vain."""
    if explanation.matches:
        _show_matches(page, explanation)
    elif not explanation.stories:
        _show_nothing(page, explanation)
    for number, story in enumerate(explanation.stories):
        if number:
            page.line()
        page.line(bold(titled(story.name, story.external_id)))
        facts = [[dim(label), text] for label, text in _facts(story, explanation.origin)]
        page.table(Table([Column(), Column(wraps=True)], facts), indent=2)


def _show_matches(page: Page, explanation: Explanation) -> None:
    page.line(f"{counted(len(explanation.matches), 'document')} may be meant by {_needle(explanation)}:")
    for match in explanation.matches:
        page.line(titled(match.name, match.external_id), indent=2)
    first = explanation.matches[0].external_id
    page.line(dim(f"Choose one by its id: connector explain {explanation.connector} {quoted(first)}"))


def _show_nothing(page: Page, explanation: Explanation) -> None:
    name = explanation.connector
    page.line(f"{name} knows no document {_needle(explanation)}.")
    if explanation.origin:
        page.line(f"Its origin: {clean(explanation.origin)}")
    if explanation.skipped:
        skipped = ", ".join(f"{clean(reason)} {count:,}" for reason, count in explanation.skipped.items())
        page.line(f"The last run skipped some: {skipped}")
    page.line(
        dim("Looked at: ids, links and titles of what is held or failed, and what recent runs deleted or renamed.")
    )
    page.line(dim(f"Try a part of the title, or: connector sources --connector {name} · connector plan {name}"))


def _needle(explanation: Explanation) -> str:
    return f"“{clean(explanation.needle)}”"


def _facts(story: Story, origin: str | None) -> Iterator[tuple[str, str]]:
    """Label and text, the most important first."""
    known = story.known
    yield "lane", f"{story.lane.connector} → {story.lane.target}"
    yield "state", _state(story)
    yield from _troubles(story)
    if origin:
        yield "origin", clean(origin)
    if known is not None:
        yield "listed", _listed(story, known)
        yield from _marks(known)
    yield from _source(story)
    if story.last_change:
        yield "last change", _last_change(story)
    if len(story.runs) > 1:
        yield "changed by", f"runs {', '.join(map(str, story.runs))}"


def _state(story: Story) -> str:
    known = story.known
    if known is None:
        gone = "not held" if story.failure else "no longer held"
        return click.style(gone, fg="red")
    if known.source_id is None:
        return click.style(f"not held{f': skipped ({known.skipped})' if known.skipped else ''}", fg="yellow")
    return click.style(f"held: {counted(known.chunk_count, 'chunk')}, source {known.source_id}", fg="green")


def _troubles(story: Story) -> Iterator[tuple[str, str]]:
    known, failure = story.known, story.failure
    if story.is_held:
        yield "undone", f"kept so until its origin changes, or until: connector release {story.lane.connector}"
    if known and known.doomed:
        yield "to go", f"{clean(known.doomed)}; if the guard withholds it: connector plan {story.lane.connector}"
    if failure:
        since = f"{counted(failure.attempts, 'attempt')} since {when(failure.first_at)}"
        yield "failed", f"{failure.stage}: {clean(failure.message)} ({failure.code}; {since})"
        yield "tried again", f"in every run, or now: connector retry {story.lane.connector}"
    if story.trouble:
        yield "target", f"could not be asked: {clean(story.trouble)}"


def _listed(story: Story, known: Known) -> str:
    last = story.last_listing
    if last is not None and known.listed >= last.id:
        return f"yes, by the last run ({_run(last)})"
    seen = f"last by {_run(story.listed_by)}" if story.listed_by else "not by any run that is still kept"
    return f"{seen}; not by {_run(last)}" if last else seen


def _marks(known: Known) -> Iterator[tuple[str, str]]:
    if known.revision:
        yield "revision", clean(known.revision)
    if known.fingerprint:
        yield "fingerprint", known.fingerprint


def _source(story: Story) -> Iterator[tuple[str, str]]:
    source, known = story.source, story.known
    if source is not None and source.tags:
        yield "tags", clean(", ".join(source.tags))
    link = source.uri if source else known.uri if known else None
    if link:
        yield "link", clean(link)


def _last_change(story: Story) -> str:
    if story.last_change is None:
        return ""
    run, change = story.last_change.run, story.last_change.change
    renamed = change.external_id != story.external_id
    what = f"renamed to {clean(change.external_id)}" if renamed else _PAST.get(change.action, change.action)
    return f"{what} by {_run(run)}: {clean(change.reason)}"


def _run(run: RunRow) -> str:
    kind = "" if run.kind == "run" else f" ({run.kind})"
    return f"run {run.id}{kind}, {when(run.started_at)}"
