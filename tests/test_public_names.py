"""What `from knowledge_connector import …` offers: sorted, the same in every place that lists it, documented, and light."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import knowledge_connector

INIT = ast.parse(Path(knowledge_connector.__file__).read_text(encoding="utf-8"))
HEAVY = ("alembic", "bs4", "click", "httpx", "lxml", "markdownify", "pluggy", "pydantic", "rich", "sqlalchemy", "yaml")


def names_for_types() -> dict[str, str]:
    """Names and their rooms, as type checkers see them."""
    (block,) = [node for node in INIT.body if isinstance(node, ast.If)]
    return {
        alias.name: str(node.module).removeprefix("knowledge_connector.")
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }


def test_they_are_sorted_and_unique() -> None:
    assert knowledge_connector.__all__ == sorted(set(knowledge_connector.__all__))


def test_type_checkers_and_the_interpreter_see_the_same() -> None:
    assert names_for_types() == knowledge_connector._HOMES
    assert sorted(names_for_types()) == knowledge_connector.__all__ == dir(knowledge_connector)


@pytest.mark.parametrize("name", knowledge_connector.__all__)
def test_each_is_there_and_says_what_it_is(name: str) -> None:
    value = getattr(knowledge_connector, name)
    if inspect.isclass(value) or inspect.isfunction(value):
        assert value.__module__ == f"knowledge_connector.{names_for_types()[name]}"
        assert (value.__doc__ or "").strip(), f"{name} has no docstring"
        assert not (value.__doc__ or "").startswith(f"{name}("), f"{name} has the docstring that dataclasses make up"


@pytest.mark.parametrize("name", knowledge_connector.__all__)
def test_each_is_in_the_list_of_public_names(name: str) -> None:
    page = (Path(__file__).parents[1] / "docs" / "python-api.md").read_text(encoding="utf-8")
    assert f"| `{name}` |" in page, f"docs/python-api.md has no row for {name}"


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Hosts'"):
        knowledge_connector.Hosts  # noqa: B018  # looking is the point


@pytest.mark.parametrize("module", ["knowledge_connector", "knowledge_connector.model", "knowledge_connector.cli"])
def test_importing_is_light(module: str) -> None:
    code = f"import {module}, sys; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
