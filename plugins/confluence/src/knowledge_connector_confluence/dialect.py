"""markdownify's converter, with what wiki pages need besides."""

from __future__ import annotations

import re
from typing import Any

from markdownify import MarkdownConverter

_TICKS = re.compile(r"`+")
_MARKUP = re.compile(r"<(?=[A-Za-z/!?])|&(?=#?\w+;)")


class Dialect(MarkdownConverter):
    """Code stays as it was written, and text that looks like HTML stays text."""

    def escape(self, text: str, parent_tags: set[str]) -> str:
        """Also escape what Markdown would take for tags and entities; markdownify leaves them."""
        return _MARKUP.sub(r"\\\g<0>", super().escape(text, parent_tags))  # type: ignore[misc]  # missing in its stub

    def convert_pre(self, el: Any, text: str, parent_tags: set[str]) -> str:  # noqa: ARG002  # markdownify names them
        """Fence a code block with more backticks than it holds in a row; blank lines at its ends go."""
        code = re.sub(r"\A(?:[ \t]*\n)+", "", el.get_text()).rstrip()
        if not code:
            return ""
        fence = "`" * max(3, 1 + max(map(len, _TICKS.findall(code)), default=0))
        language = next((name[9:] for name in el.get("class") or () if name.startswith("language-")), "")
        return f"\n\n{fence}{language}\n{code}\n{fence}\n\n"
