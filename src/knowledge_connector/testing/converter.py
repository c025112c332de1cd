r"""What every converter has to keep, as a class to inherit from.

class TestFaq(ConverterContract):
    @pytest.fixture
    def converter(self) -> FaqConverter:
        return FaqConverter()

    @pytest.fixture
    def sample(self) -> bytes:
        return b"question,answer\\nWhy?,Because.\\n"
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import import_module
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from knowledge_connector.convert.pipeline import ConverterSet
from knowledge_connector.errors import ConnectorError
from knowledge_connector.model import Converted, Raw
from knowledge_connector.ports import Converter

_ARBITRARY = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


class ConverterContract:
    """Override `converter` and `sample`; inherit the questions."""

    @pytest.fixture
    def converter(self) -> Converter:
        """The converter under test."""
        raise NotImplementedError("override the fixture `converter`")

    @pytest.fixture
    def sample(self) -> bytes:
        """A document it reads well, with the word `Because` in it."""
        raise NotImplementedError("override the fixture `sample`")

    def test_is_described(self, converter: Converter) -> None:
        """It has a name for the configuration and a version for the fingerprints."""
        assert re.fullmatch(r"[a-z][a-z0-9_]*", converter.name)
        assert converter.version

    def test_media_types_are_well_formed(self, converter: Converter) -> None:
        """It reads at least one media type, in lower case and without parameters."""
        assert converter.media_types
        assert all(re.fullmatch(r"[a-z]+/[a-z0-9.+-]+", media_type) for media_type in converter.media_types)

    def test_extensions_stand_for_its_own_media_types(self, converter: Converter) -> None:
        """An ending is a dot and lower-case characters, and leads to something it reads."""
        assert all(re.fullmatch(r"\.[a-z0-9.+-]+", extension) for extension in converter.extensions)
        assert set(converter.extensions.values()) <= converter.media_types

    def test_can_be_found_by_a_child_process(self, converter: Converter) -> None:
        """Its class is at the top of an importable module, and is made without arguments."""
        kind = type(converter)
        assert getattr(import_module(kind.__module__), kind.__qualname__) is kind
        assert isinstance(kind(), kind)

    def test_reads_its_sample(self, converter: Converter, sample: bytes) -> None:
        """The text arrives."""
        for media_type in sorted(converter.media_types):
            assert "Because" in self._convert(converter, Raw(sample, media_type)).markdown

    def test_is_pure(self, converter: Converter, sample: bytes) -> None:
        """The same input gives the same output, whatever was read in between."""
        raw = Raw(sample, min(converter.media_types))
        first = self._convert(converter, raw)
        _outcome(converter, Raw(b"\xff\x00 something else", raw.media_type))
        assert self._convert(converter, raw) == first
        assert self._convert(type(converter)(), raw) == first

    @_ARBITRARY
    @given(content=st.binary(max_size=2000) | st.text(max_size=500).map(lambda text: text.encode("utf-8", "replace")))
    def test_survives_any_bytes(self, converter: Converter, content: bytes) -> None:
        """Whatever it is given, it gives text that can be stored, or one of our errors."""
        outcome = _outcome(converter, Raw(content, min(converter.media_types)))
        if isinstance(outcome, Converted):
            assert "\x00" not in outcome.markdown
            outcome.markdown.encode()
            assert all(isinstance(value, str | int | float | bool) for value in outcome.metadata.values())
            assert all(isinstance(tag, str) for tag in outcome.tags)

    @_ARBITRARY
    @given(data=st.data())
    def test_survives_damage_to_its_sample(self, converter: Converter, sample: bytes, data: Any) -> None:
        """A sample that is cut, or has other bytes in the middle, is still no reason to crash."""
        start = data.draw(st.integers(0, len(sample)))
        end = data.draw(st.integers(start, len(sample)))
        damaged = sample[:start] + data.draw(st.binary(max_size=20)) + sample[end:]
        _outcome(converter, Raw(damaged, min(converter.media_types)))

    @staticmethod
    def _convert(converter: Converter, raw: Raw) -> Converted:
        return ConverterSet.of([type(converter)]).convert(raw, {})


class ConvertersContract(ConverterContract):
    """The same for several at once.

    @pytest.mark.parametrize("kind", SAMPLES, ids=lambda kind: kind.name)
    class TestFaqs(ConvertersContract):
        samples = SAMPLES
    """

    samples: ClassVar[Mapping[type[Converter], bytes]]
    """What each reads well, with the word `Because` in it."""

    @pytest.fixture
    def converter(self, kind: type[Converter]) -> Converter:
        """The converter under test."""
        return kind()

    @pytest.fixture
    def sample(self, kind: type[Converter]) -> bytes:
        """Its sample."""
        return self.samples[kind]


def _outcome(converter: Converter, raw: Raw) -> Converted | ConnectorError:
    try:
        return ConverterSet.of([type(converter)]).convert(raw, {})
    except ConnectorError as error:
        return error
