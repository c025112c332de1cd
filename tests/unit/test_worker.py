"""What a child process does with a body."""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import pytest

from knowledge_connector import ConnectorError, Converted, Converter, Raw, Unreadable
from knowledge_connector.chunking.plugin import register_chunkers
from knowledge_connector.convert.pipeline import ConverterSet
from knowledge_connector.convert.plugin import register_converters
from knowledge_connector.convert.sandbox import Sandbox, WorkerSpec
from knowledge_connector.kit.pages import page_mark
from knowledge_connector.ports import ChunkRules
from knowledge_connector.refs import class_ref
from knowledge_connector.sync.body import measure
from knowledge_connector.sync.prepare import Prepared, Request
from knowledge_connector.worker import FACTORY, Outfit, build

CUTS = (("markdown", ChunkRules()), ("whole", ChunkRules(max_chars=10_000)))


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    chunkers = tuple(class_ref(cls) for cls in register_chunkers())
    outfit = Outfit(ConverterSet.of(register_converters()), (), chunkers, {})
    with Sandbox(WorkerSpec(FACTORY, outfit)) as sandbox:
        yield sandbox


def prepare(sandbox: Sandbox, raw: Raw) -> Prepared:
    (prepared,) = sandbox.call([Request(raw, CUTS)])
    if isinstance(prepared, ConnectorError):
        raise prepared
    assert isinstance(prepared, Prepared)
    return prepared


def test_one_bad_body_leaves_the_others_alone(sandbox: Sandbox) -> None:
    raws = [Raw(b"# One", "text/markdown"), Raw(b"\x89PNG\r\n\x1a\n", ""), Raw(b"# Two", "text/markdown")]
    one, bad, two = sandbox.call([Request(raw, CUTS) for raw in raws])
    assert (one.found.title, bad.code, two.found.title) == ("One", "unsupported", "Two")


def test_one_conversion_serves_every_cut(sandbox: Sandbox) -> None:
    text = "# Title\n\n" + "A sentence of some length. " * 200
    prepared = prepare(sandbox, Raw(text.encode(), "text/markdown"))
    many, one = prepared.cuts
    assert prepared.found.title == "Title"
    assert len(many.chunks) > 1
    assert len(one.chunks) == 1
    assert many.fingerprint != one.fingerprint


def test_equal_texts_have_equal_fingerprints_wherever_they_come_from(sandbox: Sandbox) -> None:
    markdown = prepare(sandbox, Raw(b"Hello *world*.\n", "text/markdown", "file:///a.md"))
    html = prepare(sandbox, Raw(b"<p>Hello <em>world</em>.</p>", "text/html", "file:///b.html"))
    assert markdown.cuts == html.cuts


@pytest.mark.parametrize(
    ("content", "media_type", "uri"),
    [
        (b"%PDF-1.7 \x00", "text/markdown", None),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "", "file:///picture.md"),
    ],
)
def test_the_content_says_what_it_is_not_the_name(
    sandbox: Sandbox, content: bytes, media_type: str, uri: str | None
) -> None:
    with pytest.raises(Unreadable) as caught:
        prepare(sandbox, Raw(content, media_type, uri))
    assert caught.value.code == "unsupported"


def test_a_name_helps_where_the_content_says_nothing(sandbox: Sandbox) -> None:
    prepared = prepare(sandbox, Raw(b"a;b\n1;2\n", "", "https://example.com/table.csv?version=3"))
    assert "| a | b |" in prepared.cuts[0].chunks[0].text


def test_a_type_that_the_connector_gave_is_believed(sandbox: Sandbox) -> None:
    prepared = prepare(sandbox, Raw(b"<p>in Markdown this is a line</p>", "text/markdown"))
    assert prepared.cuts[0].chunks[0].text.startswith("<p>")


class Paged(Converter):
    """Gives two pages, whatever it is given."""

    name = "paged"
    version = "1"
    media_types: ClassVar[frozenset[str]] = frozenset({"text/x-paged"})

    def convert(self, raw: Raw, settings: Mapping[str, Any]) -> Converted:
        return Converted(f"{page_mark(1)}# One\n\nfirst\n\n{page_mark(2)}\n\n# Two\n\n" + "second " * 300)


@pytest.mark.parametrize("counts_metadata", [False, True])
def test_pages_are_known_to_every_chunker_and_within_its_limit(counts_metadata: bool) -> None:
    rules = ChunkRules(max_chars=300, counts_metadata=counts_metadata)
    chunkers = tuple(class_ref(cls) for cls in register_chunkers())
    preparer = build(Outfit(ConverterSet.of([Paged]), (), chunkers, {}))
    request = Request(
        Raw(b"x", "text/x-paged"), (("markdown", rules), ("plain", rules), ("whole", ChunkRules(max_chars=5000)))
    )
    [prepared] = preparer([request])
    assert isinstance(prepared, Prepared)
    for cut in prepared.cuts:
        pages = [(chunk.metadata["firstPage"], chunk.metadata["lastPage"]) for chunk in cut.chunks]
        assert (pages[0][0], pages[-1][1]) == (1, 2)
        assert not any(page_mark(number) in chunk.text for chunk in cut.chunks for number in (1, 2))
    for cut in prepared.cuts[:2]:
        assert all(measure(chunk, rules) <= rules.max_chars for chunk in cut.chunks)
    assert prepared.media_type == "text/x-paged"
    assert prepared.seconds > 0
