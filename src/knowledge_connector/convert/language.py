"""In which language is it? Asked only where `[converters.NAME] language = true`: the library takes seconds to load.

Of py3langid, lingua and langdetect, py3langid was as good as the best on whole sentences, and by far the fastest and smallest; the figures
are in `docs/converters.md`.
"""

from __future__ import annotations

import re

from knowledge_connector.errors import ConfigError

_PROBE_CHARS = 4000
_TOO_FEW_LETTERS = 20
_CODE_AND_ADDRESSES = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`|\]\([^)]*\)|https?://\S+", re.DOTALL)
_NO_LETTERS = re.compile(r"[\W\d_]+")
_NO_LANGUAGE = "zxx"


def language_of(markdown: str) -> str | None:
    """Give the language by its code (ISO 639-1 where it has one); `None` if there is too little prose to tell.

    Raises:
        ConfigError: The library is not installed.
    """
    try:
        from py3langid import classify  # type: ignore[import-untyped]  # it ships no types; takes seconds
    except ImportError as error:
        raise ConfigError(
            "[converters.…] language = true needs a library: pip install 'knowledge-connector[language]'"
        ) from error

    prose = _NO_LETTERS.sub(" ", _CODE_AND_ADDRESSES.sub(" ", markdown[:_PROBE_CHARS])).strip()
    if len(prose) < _TOO_FEW_LETTERS:
        return None
    language = str(classify(prose)[0])
    return None if language == _NO_LANGUAGE else language
