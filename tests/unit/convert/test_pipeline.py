import subprocess
import sys
from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

from knowledge_connector import Converted, Converter, PluginError, Raw, Unreadable
from knowledge_connector.convert.pipeline import ConverterSet, Entry
from knowledge_connector.convert.plain_text import TextConverter
from knowledge_connector.convert.plugin import register_converters

BUILT_IN = ConverterSet.of(register_converters())


class Upper(Converter):
    name = "upper"
    version = "7"
    media_types: ClassVar[frozenset[str]] = frozenset({"text/plain"})
    extensions: ClassVar[Mapping[str, str]] = {".txt": "text/plain", ".up": "text/plain"}

    def convert(self, raw: Raw, settings: Mapping[str, Any]) -> Converted:
        return Converted(raw.content.decode().upper() + settings.get("end", ""))


class Odd(Upper):
    def convert(self, raw: Raw, settings: Mapping[str, Any]) -> Converted:
        match raw.content:
            case b"none":
                return None  # type: ignore[return-value]  # what a careless plugin does
            case _:
                return Converted("a\r\nb\x00\ud800c", "t\x07", ("\udfff",), {"k": "v\x00", "n": 1})


def test_the_first_converter_of_a_media_type_wins() -> None:
    converters = ConverterSet.of([Upper, TextConverter])
    assert converters.convert(Raw(b"abc", "Text/Plain; charset=utf-8"), {"upper": {"end": "!"}}) == Converted("ABC!")
    assert converters.extensions[".up"] == "text/plain"


def test_what_nobody_reads_is_refused_by_name() -> None:
    assert not BUILT_IN.supported("image/png")
    for ask in (lambda: BUILT_IN.convert(Raw(b"", "image/png"), {}), lambda: BUILT_IN.recipe("image/png", {})):
        with pytest.raises(Unreadable, match="image/png") as caught:
            ask()
        assert caught.value.code == "unsupported"


def test_a_recipe_changes_with_its_own_settings_only() -> None:
    recipe = BUILT_IN.recipe("text/html", {})
    assert recipe == BUILT_IN.recipe("text/html; charset=utf-8", {"csv": {"delimiter": ";"}})
    assert recipe != BUILT_IN.recipe("text/html", {"html": {"engine": "markdownify"}})
    assert recipe != BUILT_IN.recipe("text/plain", {})
    first, second = {"a": 1, "b": 2}, {"b": 2, "a": 1}
    assert BUILT_IN.recipe("text/html", {"html": first}) == BUILT_IN.recipe("text/html", {"html": second})


def test_the_recipe_of_a_carrier_changes_with_every_converter() -> None:
    """What an archive holds may be of any type: a converter that is new, or set otherwise, may read more of it."""
    recipe = BUILT_IN.recipe("application/zip", {})
    assert recipe == ConverterSet.of(register_converters()).recipe("application/zip", {})
    assert recipe != BUILT_IN.recipe("application/zip", {"html": {"engine": "markdownify"}})
    assert recipe != ConverterSet.of([Upper, *register_converters()]).recipe("application/zip", {})


@pytest.mark.parametrize(
    ("media_type", "code", "words"),
    [
        ("image/png", "unsupported", "ocr"),
        ("audio/mpeg", "unsupported", "subtitles"),
        ("application/vnd.rar", "unsupported", "zip and tar"),
        ("application/x-ole-encrypted", "encrypted", "password"),
        ("application/x-unheard-of", "unsupported", "application/x-unheard-of"),
    ],
)
def test_a_refusal_says_what_would_help(media_type: str, code: str, words: str) -> None:
    with pytest.raises(Unreadable, match=words) as caught:
        BUILT_IN.convert(Raw(b"", media_type), {})
    assert caught.value.code == code


def test_what_is_too_long_is_refused_and_not_cut() -> None:
    with pytest.raises(Unreadable, match="11 characters, more than max_chars = 10") as caught:
        BUILT_IN.convert(Raw(b"hello world", "text/plain"), {"text": {"max_chars": 10}})
    assert caught.value.code == "too-long"


def test_what_a_converter_gives_can_be_stored() -> None:
    converted = ConverterSet.of([Odd]).convert(Raw(b"", "text/plain"), {})
    assert converted == Converted("a\nb\ufffdc", "t", ("\ufffd",), {"k": "v", "n": 1})


def test_a_careless_converter_is_named() -> None:
    with pytest.raises(PluginError, match="upper gave a NoneType"):
        ConverterSet.of([Odd]).convert(Raw(b"none", "text/plain"), {})
    gone = ConverterSet({"text/x": Entry("gone", "1", "no_such_module:Gone")})
    with pytest.raises(PluginError, match="no_such_module:Gone"):
        gone.convert(Raw(b"", "text/x"), {})


def test_who_reads_markdown_imports_no_parser() -> None:
    code = (
        "import sys\n"
        "from knowledge_connector.convert.pipeline import ConverterSet\n"
        "from knowledge_connector.convert.plugin import register_converters\n"
        "from knowledge_connector.model import Raw\n"
        "ConverterSet.of(register_converters()).convert(Raw(b'# x', 'text/markdown'), {})\n"
        "print(*{name.partition('.')[0] for name in sys.modules})\n"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not set(loaded) & {"lxml", "bs4", "yaml", "selectolax", "mdka", "markdownify", "ijson", "charset_normalizer"}
