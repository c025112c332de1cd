"""The chunkers come through the hook, and load no library before it is needed."""

from __future__ import annotations

import subprocess
import sys

import pluggy

from knowledge_connector import hookspecs
from knowledge_connector.chunking import plugin
from knowledge_connector.chunking.plain import PlainChunker
from knowledge_connector.ports import ChunkRules


def test_the_hook_brings_the_chunkers() -> None:
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(plugin)

    assert {chunker.name for [*chunkers] in manager.hook.register_chunkers() for chunker in chunkers} >= {
        "markdown",
        "plain",
    }


def test_registering_does_not_load_the_parser_nor_chunking_the_splitter() -> None:
    program = (
        "import sys; import knowledge_connector.chunking.plugin; assert 'pyromark' not in sys.modules\n"
        "import knowledge_connector.chunking.markdown as m; from knowledge_connector.ports import ChunkRules\n"
        "m.MarkdownChunker().chunk('Some text.\\n\\n' * 1000, ChunkRules())\n"
        "assert not {'semantic_text_splitter', 'regex'} & set(sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_plain_text_is_cut_between_paragraphs() -> None:
    paragraphs = [f"# {name} " + "words and " * 8 + "words." for name in "abcd"]

    chunks = PlainChunker().chunk("\n \n".join(paragraphs), ChunkRules(max_chars=200))

    assert [chunk.text for chunk in chunks] == ["\n \n".join(paragraphs[:2]), "\n \n".join(paragraphs[2:])]
    assert {tuple(chunk.metadata) for chunk in chunks} == {()}
