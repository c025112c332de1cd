"""The two small languages of the configuration, both free of side effects: JMESPath and templates.

    "links.self"                    JMESPath: a value out of a record or an answer
    "/pages/{record.id}/history"    template: text with values in it

What has a `{name.field}` in it is a template, everything else is JMESPath; a constant is JMESPath, too: `'draft'`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

from pydantic import AfterValidator

from knowledge_connector import DocumentError

if TYPE_CHECKING:
    from jmespath.parser import ParsedResult

Scope = Mapping[str, Any]
"""The names that a template may use, each with what is behind it."""

REQUEST_NAMES = frozenset({"variables", "secrets", "parent", "item", "cursor"})
RECORD_NAMES = frozenset({"variables", "parent", "item", "record"})
LOOKUP_NAMES = frozenset({"variables", "document"})
DETAIL_NAMES = REQUEST_NAMES | {"record"}

_PLACEHOLDER = re.compile(r"\{([A-Za-z_]\w*)((?:\.[\w@-]+)+)\}")


# ----------------------------------------------------------------------------------------------------------------- JMESPath


def _jmespath(text: str) -> str:
    """See that it can be read, while the configuration is."""
    from jmespath.exceptions import JMESPathError, ParseError  # a few milliseconds that only this plugin's users pay

    try:
        compiled(text)
    except ParseError as error:
        raise ValueError(f"is not JMESPath: {error.msg} (at character {error.lex_position + 1} of {text!r})") from None
    except JMESPathError as error:
        raise ValueError(f"is not JMESPath: {type(error).__name__} in {text!r}") from None
    return text


@cache
def compiled(text: str) -> ParsedResult:
    """A parsed expression; configurations have a few dozen."""
    import jmespath

    return jmespath.compile(text)


def evaluate(text: str, data: object) -> Any:
    """Give what an expression finds, `None` if nothing.

    Raises:
        DocumentError: It cannot be computed on such data (code `mapping`).

    Reference: jmespath.org/specification.html
    """
    from jmespath.exceptions import JMESPathError

    try:
        return compiled(text).search(data)
    except JMESPathError as error:
        raise DocumentError(
            f"the expression {text!r} cannot be computed here: {type(error).__name__}", code="mapping", where="origin"
        ) from error


Expression = Annotated[str, AfterValidator(_jmespath)]


# ---------------------------------------------------------------------------------------------------------------- templates


def is_template(text: str) -> bool:
    """Whether a text has a placeholder."""
    return _PLACEHOLDER.search(text) is not None


def check_names(value: object, known: frozenset[str]) -> None:
    """See that a template, or every text in a table or list, uses known names only.

    Raises:
        ValueError: It does not; the message says which there are.
    """
    if isinstance(value, str):
        for name, path in _PLACEHOLDER.findall(value):
            if name not in known:
                there = ", ".join(sorted(known))
                raise ValueError(f"{{{name}{path}}} in {value!r}: {name!r} is not known here; known are {there}")
    elif isinstance(value, Mapping):
        for one in value.values():
            check_names(one, known)
    elif isinstance(value, list | tuple):
        for one in value:
            check_names(one, known)


def render(text: str, scope: Scope) -> Any:
    """Fill in a template. One placeholder alone keeps the type of its value; `None` within a text becomes nothing.

    Raises:
        DocumentError: A name holds no such field (code `template`).
    """
    whole = _PLACEHOLDER.fullmatch(text)
    if whole:
        return _value(whole, scope)
    return _PLACEHOLDER.sub(lambda found: as_text(_value(found, scope)), text)


def render_path(text: str, scope: Scope) -> str:
    """Fill in the path of a URL: what is filled in stays within its segment (RFC 3986, section 3.3).

    Raises:
        DocumentError: A value is missing or cannot be a segment.
    """
    return _PLACEHOLDER.sub(lambda found: _segment(found, _value(found, scope)), text)


def render_all(value: Any, scope: Scope) -> Any:
    """Fill in every text of a table or list."""
    if isinstance(value, str):
        return render(value, scope)
    if isinstance(value, Mapping):
        return {key: render_all(one, scope) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [render_all(one, scope) for one in value]
    return value


def as_text(value: object) -> str:
    """A scalar as people write it in JSON; nothing for `None`."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _segment(found: re.Match[str], value: object) -> str:
    text = as_text(value)
    if text in ("", ".", ".."):
        raise DocumentError(f"{found[0]} is {text!r}, which cannot be part of a path", code="template", where="origin")
    return quote(text, safe="")


def _value(found: re.Match[str], scope: Scope) -> Any:
    value: Any = scope.get(found[1])
    for part in found[2][1:].split("."):
        if not isinstance(value, Mapping) or part not in value:
            raise DocumentError(f"{found[0]}: there is no such value", code="template", where="origin")
        value = value[part]
    return value


# ----------------------------------------------------------------------------------------------- one or the other


def _either(text: str) -> str:
    if is_template(text):
        check_names(text, RECORD_NAMES)
        return text
    return _jmespath(text)


Value = Annotated[str, AfterValidator(_either)]
"""JMESPath on a record, or a template."""


def value_of(text: str, scope: Scope) -> Any:
    """Give the value that is meant, from the scope's `record`; `_parent` and `_item` can be reached from JMESPath, too."""
    return render(text, scope) if is_template(text) else evaluate(text, scope["record"])


def _request_template(value: Any) -> Any:
    check_names(value, REQUEST_NAMES)
    return value


def _detail_template(value: Any) -> Any:
    check_names(value, DETAIL_NAMES)
    return value


RequestText = Annotated[str, AfterValidator(_request_template)]
RequestTable = Annotated[dict[str, Any], AfterValidator(_request_template)]


def _lookup_template(value: Any) -> Any:
    check_names(value, LOOKUP_NAMES)
    return value


LookupText = Annotated[str, AfterValidator(_lookup_template)]
DetailText = Annotated[str, AfterValidator(_detail_template)]
DetailTable = Annotated[dict[str, Any], AfterValidator(_detail_template)]
