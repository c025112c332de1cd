"""The chunker contract, asked of the chunkers that come with the package."""

from __future__ import annotations

import pytest

from knowledge_connector.chunking.markdown import MarkdownChunker
from knowledge_connector.chunking.plain import PlainChunker
from knowledge_connector.ports import Chunker
from knowledge_connector.testing.chunker import ChunkerContract


class TestMarkdown(ChunkerContract):
    @pytest.fixture
    def chunker(self) -> Chunker:
        return MarkdownChunker()


class TestPlain(ChunkerContract):
    @pytest.fixture
    def chunker(self) -> Chunker:
        return PlainChunker()
