"""Subtitles as prose: what was said, without the clock."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from knowledge_connector.kit.text import DEFAULT_ENCODING, decode
from knowledge_connector.model import Converted, Scalar
from knowledge_connector.ports import Converter

if TYPE_CHECKING:
    from knowledge_connector.model import Raw

_PAUSE_SECONDS = 3.0
_PARAGRAPH_CHARS = 600
_TIMES = re.compile(r"((?:\d+:)?\d+:\d+[.,]\d+)[ \t]*-->[ \t]*((?:\d+:)?\d+:\d+[.,]\d+)")
_VOICE = re.compile(r"<v(?:\.[^\s>]*)?[ \t]+([^>]+)>")
_STYLE = re.compile(r"</?[a-zA-Z0-9:][^<>]*>|\{\\[^{}]*\}")
_SENTENCE_END = (".", "!", "?", "…", "。")


class SubtitlesConverter(Converter):
    """Reads SubRip (SRT) and WebVTT."""

    name = "captions"
    version = "1"
    media_types: ClassVar[frozenset[str]] = frozenset({"application/x-subrip", "text/vtt"})
    extensions: ClassVar[Mapping[str, str]] = {".srt": "application/x-subrip", ".vtt": "text/vtt"}

    def convert(self, raw: Raw, settings: Mapping[str, Any]) -> Converted:
        """Give paragraphs, which end where nobody speaks for three seconds, another voice begins, or a long one's sentence ends."""
        text = decode(raw.content, raw.charset, settings.get("default_encoding", DEFAULT_ENCODING)).text
        cues = list(_cues(text))
        facts: dict[str, Scalar] = {"duration_seconds": round(max(cue.end for cue in cues))} if cues else {}
        return Converted("\n\n".join(_paragraphs(_fresh(cues))), metadata=facts)


class _Cue(NamedTuple):
    start: float
    end: float
    lines: tuple[str, ...]


def _cues(text: str) -> Iterator[_Cue]:
    """Everything between a line of times and the next empty line; styles, notes and numbers stand outside."""
    for block in re.split(r"\n[ \t]*\n", text):
        lines = block.split("\n")
        for position, line in enumerate(lines):
            times = _TIMES.search(line)
            if times:
                said = tuple(filter(None, map(_plain, lines[position + 1 :])))
                yield _Cue(_seconds(times[1]), _seconds(times[2]), said)
                break


def _seconds(clock: str) -> float:
    total = 0.0
    for part in clock.replace(",", ".").split(":"):
        total = total * 60 + float(part)
    return total


def _plain(line: str) -> str:
    line = _VOICE.sub(r"\1: ", line)
    return " ".join(html.unescape(_STYLE.sub("", line)).split())


def _fresh(cues: Iterable[_Cue]) -> Iterator[_Cue]:
    """Captions that roll over the screen show each line twice or three times; here it is once."""
    before: tuple[str, ...] = ()
    for cue in cues:
        lines = tuple(line for line in cue.lines if line not in before)
        before = cue.lines
        if lines:
            yield cue._replace(lines=lines)


def _paragraphs(cues: Iterable[_Cue]) -> Iterator[str]:
    words, spoken_until = "", 0.0
    for cue in cues:
        text = " ".join(cue.lines)
        paused = cue.start - spoken_until >= _PAUSE_SECONDS
        long = len(words) >= _PARAGRAPH_CHARS and words.endswith(_SENTENCE_END)
        if words and (paused or long or _names_a_voice(text)):
            yield words
            words = ""
        words = f"{words} {text}".strip()
        spoken_until = cue.end
    if words:
        yield words


def _names_a_voice(text: str) -> bool:
    return re.match(r"[^\s:][^:.!?]{0,40}: ", text) is not None
