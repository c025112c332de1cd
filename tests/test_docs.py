"""The documentation cannot fall behind: what it shows is run, what it lists is made from the code, and its links lead somewhere.

A page is carried out from top to bottom in a project of its own, a fresh copy of `connectors.toml` and `docs/`:

    sh        is run by bash; a `text` block right after it is what it prints, numbers and times aside (a line `…` stands for any lines)
    toml      is a `connectors.toml`: it is loaded, and every table in it is read by its plugin
    python    compiles

Comments directly before a block say what is special about it, and one of them may stand anywhere:

    <!-- file: faq.py -->        the block is written to this file of the project
    <!-- exit: 4 -->             the command ends with this code
    <!-- env: NAME=value -->     with this environment variable
    <!-- not run: reason -->     the block is only shown
    <!-- given: command -->      run unseen; stands for itself

The two set-up commands of the README are not run here: the second one is what runs these tests, and the first one builds the same
environment. `.ci/run` runs the second, and does the first one's work with wheels in an empty environment.

`python tests/test_docs.py` writes anew what is made: outputs, reference pages, copies of the plugins' READMEs.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from knowledge_connector import Host
from knowledge_connector.cli.commands import COMMANDS
from knowledge_connector.config import (
    ConnectorSettings,
    ConversionSettings,
    HistorySettings,
    JobSettings,
    NotificationSettings,
    PluginSettings,
    ServeSettings,
    Settings,
    StateSettings,
    TargetSettings,
    TraceSettings,
    load,
)
from knowledge_connector.config.tables import host_keys
from knowledge_connector.describe import Option, describe_all, option_table, options_of, reference_page
from knowledge_connector.kit.config import Options
from knowledge_connector.plugins import BUILT_IN
from knowledge_connector.registry import Registry

PROJECT = Path(__file__).parents[1]
DOCS = PROJECT / "docs"
README = PROJECT / "README.md"
PLUGINS = sorted(path.parent.name for path in PROJECT.glob("plugins/*/pyproject.toml"))
"""What the README's second command installs; the reference is about these."""

PAGES = [README, *sorted(DOCS.rglob("*.md"))]
READMES = [PROJECT / "plugins" / name / "README.md" for name in PLUGINS]
LINKED = [*PAGES, PROJECT / "CHANGELOG.md", *READMES]
FOLDER = "/srv/knowledge"
"""What the pages call the folder they are carried out in."""

SET_UP = ("main job", "tests")
NOTE = re.compile(r"<!--\s*(main job|tests|file|exit|env|not run|given)(?::\s*(.*?))?\s*-->", re.DOTALL)
BASH = ["bash", "-euo", "pipefail", "-c"]
PATH = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


@dataclass(frozen=True)
class Block:
    """A fenced block, or a `given` comment.

    Attributes:
        kind: The word behind the fence, or `given`.
        line: Number of its first line of content, from 0.
        notes: What the comments before it say.
    """

    kind: str
    text: str
    line: int = 0
    notes: Mapping[str, str] = field(default_factory=dict)


def blocks_of(text: str) -> list[Block]:
    blocks: list[Block] = []
    notes: dict[str, str] = {}
    for token in MarkdownIt().parse(text):
        if token.type == "html_block":
            found = dict(NOTE.findall(token.content))
            if "given" in found:
                blocks.append(Block("given", found.pop("given")))
            notes |= found
            continue
        if token.type == "fence" and token.map:
            blocks.append(Block(token.info.strip(), token.content, token.map[0] + 1, notes))
        notes = {}
    return blocks


class Scene:
    """A project in which a page is carried out."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(DOCS, folder / "docs")
        shutil.copy(PROJECT / "connectors.toml", folder)

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def run(self, block: Block) -> str:
        """Give what a command prints, once it has ended as it should."""
        done = subprocess.run(
            [*BASH, block.text],
            cwd=self.folder,
            env=self.variables(block),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )
        output = done.stdout.replace(str(self.folder), FOLDER)
        assert done.returncode == int(block.notes.get("exit", 0)), (
            f"{block.text}ended with {done.returncode}:\n{output}"
        )
        return output

    def variables(self, block: Block) -> dict[str, str]:
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith(("CONNECTOR_", "PYTEST_"))
        }
        name, _, value = block.notes.get("env", "").partition("=")
        return {**inherited, "PATH": PATH, "HOME": str(self.folder), "TZ": "UTC"} | ({name: value} if name else {})

    def load(self, block: Block) -> None:
        """Read a `connectors.toml` as a run would, up to the point where it would reach out."""
        file = self.folder / block.notes.get("file", "shown.toml")
        file.write_text(block.text, encoding="utf-8")
        with Host(load(file, self.variables(block))) as host:
            for name in host.settings.connectors:
                host.connector(name)
            for name in host.settings.targets:
                host.target(name)
        if "file" not in block.notes:
            file.unlink()


@dataclass(frozen=True)
class Shown:
    """What a page says that a command prints, and what it does print."""

    block: Block
    command: str
    printed: str


def carried_out(page: Path, folder: Path) -> Iterator[Shown]:
    """Carry out a page, and give each output that it shows."""
    scene = Scene(folder)
    command, printed = "", None
    for block in blocks_of(page.read_text(encoding="utf-8")):
        if block.kind == "text" and printed is not None:
            yield Shown(block, command, printed)
        printed = None
        if "not run" in block.notes:
            assert block.notes["not run"], f"{page.name}, line {block.line}: say why it is not run"
        elif block.kind in ("sh", "given") and not is_set_up(page, block):
            command, printed = block.text, scene.run(block)
        elif block.kind == "toml" and Path(block.notes.get("file", "connectors.toml")).name == "connectors.toml":
            scene.load(block)
        elif "file" in block.notes:
            scene.write(block.notes["file"], block.text)
        if block.kind == "python":
            compile(block.text, f"{page.name}, line {block.line}", "exec")


def is_set_up(page: Path, block: Block) -> bool:
    """Whether it is one of the README's two set-up commands, or fetches a package."""
    marked = page == README and any(name in block.notes for name in SET_UP)
    return marked or all(line.startswith("pip install ") for line in block.text.splitlines())


def plain(text: str) -> list[str]:
    """What of an output has to be as it is shown: the words, and not numbers, plurals, widths, and how a change was noticed."""
    text = re.sub(r"revision changed from \S+ to \S+|the text changed", "changed", text)
    text = re.sub(r"same (?:revision|text)\b", "same", text)
    text = re.sub(r"(\d [a-z]+?)s\b", r"\1", text)
    lines = [" ".join("#" if re.search(r"\d", word) else word for word in line.split()) for line in text.splitlines()]
    return [line for line in lines if line]


def agrees(shown: str, printed: str) -> bool:
    pattern = "".join(r"(?:.*\n)*?" if line == "…" else f"{re.escape(line)}\n" for line in plain(shown))
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in plain(printed))) is not None


def test_outputs_are_compared_by_their_words() -> None:
    assert agrees("4 kept in 0.2 s\n…\nDone.\n", "5  kept in 0.1 s\n\nmore\nstill more\nDone.\n")
    assert agrees("changed: the text changed\n", "changed: revision changed from a.1 to b.2…\n")
    assert not agrees("4 kept\n", "4 deleted\n")
    assert not agrees("4 kept\n", "4 kept\n1 failed\n")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_what_a_page_shows_is_so(page: Path, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    for shown in carried_out(page, folder):
        assert agrees(shown.block.text, shown.printed), (
            f"{page.relative_to(PROJECT)}, line {shown.block.line + 1}: {shown.command}prints something else "
            f"(python tests/test_docs.py writes it anew):\n{shown.printed}"
        )


def test_every_command_in_the_readme_is_run_but_the_two_that_set_up() -> None:
    blocks = [block for block in blocks_of(README.read_text(encoding="utf-8")) if block.kind == "sh"]
    assert [name for block in blocks for name in SET_UP if name in block.notes] == list(SET_UP)
    assert not [block.text for block in blocks if "not run" in block.notes]


# -- what is made from the code -----------------------------------------------------------------------------------------

MADE = "<!-- Made from the code by `python tests/test_docs.py`. -->\n\n"

HOST_TABLES: Mapping[str, tuple[type[Options], str]] = {
    "state": (StateSettings, "The memory of the syncs."),
    "targets.NAME": (TargetSettings, "A knowledge store. Its other keys belong to the plugin that `type` names."),
    "connectors.NAME": (
        ConnectorSettings,
        "An origin, and where its knowledge goes. Its other keys belong to the plugin.",
    ),
    "conversion": (ConversionSettings, "The bounds of the child processes that turn content into Markdown."),
    "history": (HistorySettings, "How long runs, and what they replaced, are kept."),
    "plugins": (PluginSettings, "Where to look for plugins besides the installed ones."),
    "jobs.NAME": (
        JobSettings,
        "A schedule and the names of connectors; see [jobs on a schedule](../jobs.md).",
    ),
    "serve": (ServeSettings, "The process that runs jobs."),
    "notifications.NAME": (NotificationSettings, "Where people are told; see [being told](../watching.md#being-told)."),
    "traces": (TraceSettings, "Runs as OpenTelemetry traces."),
}


def host_page() -> str:
    lines = [
        "# Reference: the host's tables",
        "",
        "Every key of `connectors.toml` that does not belong to a plugin.",
        "",
    ]
    for section, (model, summary) in HOST_TABLES.items():
        lines += [f"## `[{section}]`", "", summary, "", *option_table(tuple(host_options(section, model))), ""]
    return MADE + "\n".join(lines)


def host_options(section: str, model: type[Options]) -> Iterator[Option]:
    known = host_keys(model) if model in (ConnectorSettings, TargetSettings) else frozenset(model.model_fields)
    for option in options_of(model, tuple(section.split("."))):
        if option.key.partition(".")[0] in known:
            yield option


def made_pages() -> dict[Path, str]:
    """Everything in the documentation that is made, by its path."""
    pages = {DOCS / "reference" / "host.md": host_page()}
    for one in describe_all(Registry.load(PluginSettings())):
        if one.plugin.origin != BUILT_IN and one.plugin.name not in PLUGINS:
            continue
        pages[DOCS / "reference" / f"{one.kind.removesuffix('s')}-{one.type}.md"] = MADE + reference_page(one)
    for readme in READMES:
        pages[DOCS / "plugins" / f"{readme.parent.name}.md"] = readme.read_text(encoding="utf-8")
    return pages


@pytest.mark.parametrize("page", made_pages(), ids=lambda page: page.name)
def test_made_pages_are_up_to_date(page: Path) -> None:
    assert page.read_text(encoding="utf-8") == made_pages()[page], "run: python tests/test_docs.py"


def test_every_made_page_has_a_source() -> None:
    there = {*DOCS.glob("reference/*.md"), *DOCS.glob("plugins/*.md")}
    assert there == made_pages().keys()


def test_every_section_of_the_file_is_in_the_reference() -> None:
    sections = {section.partition(".")[0] for section in HOST_TABLES} | {"converters"}
    assert sections == set(Settings.__dataclass_fields__) - {"file", "base", "warnings", "_reader"}


@pytest.mark.parametrize("name", [name for commands in COMMANDS.values() for name in commands])
def test_every_command_has_a_page_with_its_options(name: str) -> None:
    page = DOCS / "commands" / f"{name}.md"
    blocks = blocks_of(page.read_text(encoding="utf-8"))
    assert any(block.kind == "sh" and block.text == f"connector {name} --help\n" for block in blocks)
    for listing in (README, DOCS / "commands" / "index.md"):
        assert f"commands/{name}.md)" in listing.read_text(encoding="utf-8") or f"]({name}.md)" in listing.read_text(
            encoding="utf-8"
        ), f"{listing.name} does not lead to {name}.md"


def test_every_converter_is_described() -> None:
    page = (DOCS / "converters.md").read_text(encoding="utf-8")
    for converter in Registry.load(PluginSettings()).converters():
        assert f"`{converter.name}`" in page
        assert not [ending for ending in converter.extensions if f"`{ending}`" not in page]


def test_every_library_is_accounted_for() -> None:
    page = (DOCS / "libraries.md").read_text(encoding="utf-8").lower()
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert not [one for one in project["dependencies"] if re.split(r"[>=<\[]", one)[0] not in page]


# -- links ----------------------------------------------------------------------------------------------------------------


def inline(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from inline(token.children or [])


def anchors_of(page: Path) -> set[str]:
    """The anchors that a forge makes of headings: lower case, words joined by hyphens, no punctuation."""
    tokens = MarkdownIt().parse(page.read_text(encoding="utf-8"))
    headings = [after.content for token, after in pairwise(tokens) if token.type == "heading_open"]
    return {"".join(_slug(heading.replace("`", ""))) for heading in headings}


def _slug(heading: str) -> Iterator[str]:
    for character in heading.lower():
        if character in " -":
            yield "-"
        elif character == "_" or unicodedata.category(character)[0] in "LN":
            yield character


@pytest.mark.parametrize("page", LINKED, ids=lambda page: str(page.relative_to(PROJECT)))
def test_links_lead_somewhere(page: Path) -> None:
    tokens = inline(MarkdownIt().enable("table").parse(page.read_text(encoding="utf-8")))
    for link in [str(token.attrs["href"]) for token in tokens if token.type == "link_open"]:
        if "://" in link or link.startswith("mailto:"):
            continue
        path, _, anchor = link.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), f"{link} leads nowhere"
        assert not anchor or anchor in anchors_of(there), f"{link}: there is no such heading"


def test_every_page_can_be_reached_from_the_index() -> None:
    reached, waiting = {DOCS / "index.md"}, [DOCS / "index.md"]
    while waiting:
        page = waiting.pop()
        for token in inline(MarkdownIt().enable("table").parse(page.read_text(encoding="utf-8"))):
            link = str(token.attrs.get("href", "")).partition("#")[0]
            there = (page.parent / link).resolve()
            if link.endswith(".md") and "://" not in link and there.is_relative_to(DOCS) and there not in reached:
                reached.add(there)
                waiting.append(there)
    assert not [str(page.relative_to(DOCS)) for page in PAGES if page not in {*reached, README}]


# -- writing anew ---------------------------------------------------------------------------------------------------------


def rewritten(page: Path, folder: Path) -> str:
    """A page with the outputs of today, except where lines were left out by hand."""
    lines = page.read_text(encoding="utf-8").splitlines(keepends=True)
    for shown in reversed(list(carried_out(page, folder))):
        if not agrees(shown.block.text, shown.printed) or shown.block.text.strip() == "?":
            if "…\n" in shown.block.text:
                sys.stderr.write(f"{page}, line {shown.block.line + 1}: mend this by hand:\n{shown.printed}")
                continue
            end = shown.block.line + len(shown.block.text.splitlines())
            printed = "\n".join(line.rstrip() for line in shown.printed.strip("\n").splitlines())
            lines[shown.block.line : end] = [f"{printed}\n"]
    return "".join(lines)


def write_anew(pages: list[Path]) -> None:
    for path, text in made_pages().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for page in pages or PAGES:
        with tempfile.TemporaryDirectory() as folder:
            page.write_text(rewritten(page.resolve(), Path(folder)), encoding="utf-8")


if __name__ == "__main__":
    write_anew([Path(name) for name in sys.argv[1:]])
