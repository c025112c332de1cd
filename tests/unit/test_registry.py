"""Plugins are found, broken ones are named, and the others go on."""

from __future__ import annotations

import logging
import pickle
import re
import subprocess
import sys
from abc import abstractmethod
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Generic

import pytest
from typing_extensions import TypeVar

from knowledge_connector.config import PluginSettings
from knowledge_connector.errors import ConfigError, DocumentError, FatalError, PluginError
from knowledge_connector.kit.config import ConnectorConfig, TargetConfig
from knowledge_connector.model import Item
from knowledge_connector.ports import Connector, SyncContext, Target
from knowledge_connector.refs import PACKAGE
from knowledge_connector.registry import PluginProblem, Registry, class_ref, config_model, guarded

HEADER = """\
from knowledge_connector import Chunker, Connector, ConnectorConfig, Converter, Document, hookimpl


class FaqConfig(ConnectorConfig):
    path: str


class FaqConnector(Connector[FaqConfig]):
    type = "faq"

    def read(self, context):
        yield Document(id="1")
"""

HOOK = """

@hookimpl
def register_connectors():
    return [FaqConnector]
"""


@pytest.fixture(autouse=True)
def forget_plugins() -> Iterator[None]:
    """Each test has its own plugins of the same names."""
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


def write(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def load(*paths: Path) -> Registry:
    return Registry.load(PluginSettings(paths=paths))


def problems(registry: Registry) -> list[PluginProblem]:
    """Those of the plugins under test."""
    return [one for one in registry.problems if one.plugin.startswith(PACKAGE)]


def problem(*paths: Path) -> str:
    (one,) = problems(load(*paths))
    return one.message


def brought(classes: Iterable[type]) -> list[str]:
    return [cls.__name__ for cls in classes if cls.__module__.startswith(PACKAGE)]


# -- doors ----------------------------------------------------------------------------------------------------------------


def test_built_ins_come_through_the_same_doors(tmp_path: Path) -> None:
    registry = load()
    info = registry.brought_by(registry.target("sqlite"))
    assert (info.name, info.origin) == ("knowledge_connector.targets.plugin", "built-in")
    assert info.version
    assert registry.chunker("markdown").name == "markdown"
    assert "text/html" in {media_type for converter in registry.converters() for media_type in converter.media_types}
    assert [one for one in registry.problems if one.plugin.startswith("knowledge_connector.")] == []


def test_a_module_is_a_plugin(tmp_path: Path) -> None:
    file = write(tmp_path, "my-faq.py", HEADER + HOOK + '__version__ = "1.2"\n')
    registry = load(file)
    cls = registry.connector("faq")
    info = registry.brought_by(cls)
    assert (info.name, info.version, info.origin) == ("connector_plugins.my_faq", "1.2", str(file))
    assert info in registry.plugins
    assert cls.__module__ == "connector_plugins.my_faq"
    assert problems(registry) == []


def test_a_package_is_a_plugin_and_imports_its_own_modules(tmp_path: Path) -> None:
    write(tmp_path / "faq", "reader.py", HEADER)
    write(
        tmp_path / "faq",
        "__init__.py",
        "from knowledge_connector import hookimpl\nfrom .reader import FaqConnector\n" + HOOK,
    )
    assert load(tmp_path / "faq").connector("faq").__module__ == "connector_plugins.faq.reader"


def test_a_folder_holds_plugins_but_not_what_begins_with_an_underscore(tmp_path: Path) -> None:
    write(tmp_path, "one.py", HEADER + HOOK)
    write(tmp_path, "_help.py", "raise RuntimeError")
    write(tmp_path / "two", "__init__.py", HEADER.replace('"faq"', '"wiki"') + HOOK)
    write(tmp_path / "data", "notes.txt", "")
    registry = load(tmp_path)
    assert brought(registry.connectors()) == ["FaqConnector", "FaqConnector"]
    assert registry.connector("wiki").type == "wiki"
    assert problems(registry) == []


def test_an_installed_distribution_is_a_plugin(tmp_path: Path) -> None:
    write(tmp_path, "faq_plugin.py", HEADER + HOOK)
    write(tmp_path / "faq_plugin-3.1.dist-info", "METADATA", "Metadata-Version: 2.1\nName: faq-plugin\nVersion: 3.1\n")
    write(
        tmp_path / "faq_plugin-3.1.dist-info",
        "entry_points.txt",
        "[knowledge_connector]\nfaq = faq_plugin\nbad = absent\n",
    )
    program = (
        "from knowledge_connector.registry import Registry\n"
        "from knowledge_connector.config import PluginSettings\n"
        "registry = Registry.load(PluginSettings())\n"
        "print(registry.brought_by(registry.connector('faq')))\n"
        "print([str(one) for one in registry.problems if one.plugin == 'bad'])\n"
    )
    lines = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert lines == [
        "PluginInfo(name='faq', version='3.1', origin='entry point faq-plugin')",
        "[\"plugin bad: cannot be imported: ModuleNotFoundError: No module named 'absent'\"]",
    ]


@pytest.mark.parametrize(
    ("names", "says"),
    [
        ([], "is neither a folder nor a Python file"),
        (["notes.txt"], "holds no plugin"),
        (["1st.py"], "cannot be imported; a plugin is called as a Python module is"),
        (["a-b.py", "a_b.py"], "would both be connector_plugins.a_b"),
    ],
)
def test_a_path_that_leads_nowhere_is_a_configuration_error(tmp_path: Path, names: list[str], says: str) -> None:
    folder = tmp_path / "plugins"
    for name in names:
        write(folder, name, "")
    with pytest.raises(ConfigError, match=says) as caught:
        load(folder)
    assert str(folder) in caught.value.message


# -- broken plugins -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "import absent_module",
            "cannot be imported: ModuleNotFoundError: No module named 'absent_module' (broken.py, line 1)",
        ),
        ("\nraise SystemExit(3)", "cannot be imported: SystemExit: 3 (broken.py, line 2)"),
        ("def f(:", "cannot be imported: SyntaxError"),
        ("x = 1", "implements no hook; is `@hookimpl` missing"),
        (
            HEADER + HOOK.replace("connectors()", "conectors()"),
            "implements register_conectors, which is no hook; did you mean register_connectors?",
        ),
        (HEADER + HOOK.replace("connectors()", "connectors(this)"), "breaks the contract of a hook:"),
        (
            HEADER + HOOK.replace("[FaqConnector]", "FaqConnector"),
            "register_connectors gave ABCMeta; it should give a list of classes",
        ),
        (HEADER + HOOK.replace("[FaqConnector]", "['faq']"), "register_connectors gave 'faq', which is not a class"),
        (
            HEADER + HOOK.replace("[FaqConnector]", "[FaqConfig]"),
            "register_connectors gave FaqConfig, which does not derive from Connector",
        ),
        (HEADER.replace('type = "faq"', "") + HOOK, "register_connectors gave FaqConnector, which does not set type"),
        (HEADER.replace('"faq"', '"My FAQ"') + HOOK, "whose type is 'My FAQ'; it should be of a-z, 0-9, _ and -"),
        (HEADER.replace("def read", "def reed") + HOOK, "which does not implement read"),
        (HEADER.replace("Connector[FaqConfig]", "Connector[int]") + HOOK, "takes int as its configuration"),
        (HEADER.replace("path: str", "tags: str") + HOOK, "whose options are called as the host's: tags"),
        (
            HEADER + HOOK.replace("return", "assert 0, 'planted-secret'; return"),
            "raised AssertionError (broken.py, line ",
        ),
    ],
)
def test_a_broken_plugin_is_named_and_the_others_go_on(tmp_path: Path, text: str, says: str) -> None:
    broken = write(tmp_path, "broken.py", text)
    good = write(tmp_path, "good.py", HEADER.replace('"faq"', '"good"') + HOOK)
    registry = load(broken, good)
    (one,) = problems(registry)
    assert registry.problems_so_far == registry.problems
    assert one.plugin == "connector_plugins.broken"
    assert says in one.message
    assert "planted-secret" not in one.message
    assert registry.connector("good").type == "good"


def test_what_shows_at_import_is_known_without_asking_anybody(tmp_path: Path) -> None:
    broken = write(tmp_path, "broken.py", "import absent_module")
    late = write(tmp_path, "late.py", HEADER + HOOK.replace("return", "assert 0; return"))
    registry = load(broken, late)
    assert [one.plugin for one in registry.problems_so_far] == ["connector_plugins.broken"]
    assert [one.plugin for one in registry.problems] == ["connector_plugins.broken", "connector_plugins.late"]


def test_an_unknown_type_says_what_there_is_and_who_might_have_brought_it(tmp_path: Path) -> None:
    good = write(tmp_path, "good.py", HEADER + HOOK)
    broken = write(tmp_path, "broken.py", "import absent_module")
    with pytest.raises(ConfigError) as caught:
        load(good, broken).connector("fak")
    assert caught.value.message.startswith("there is no connector 'fak'; did you mean faq? There are: ")
    assert " faq," in caught.value.message
    assert "plugin connector_plugins.broken: cannot be imported" in caught.value.message


def test_the_first_of_two_claims_holds(tmp_path: Path) -> None:
    registry = load(write(tmp_path, "one.py", HEADER + HOOK), write(tmp_path, "two.py", HEADER + HOOK))
    assert problems(registry) == [
        PluginProblem(
            "connector_plugins.two",
            "brings a connector 'faq', and so does plugin connector_plugins.one, which keeps it",
        )
    ]
    assert registry.connector("faq").__module__ == "connector_plugins.one"


def test_a_namesake_is_asked_first_and_keeps_its_type(tmp_path: Path) -> None:
    other = write(tmp_path, "another.py", HEADER + HOOK.replace("return", "assert 0; return"))
    registry = load(other, write(tmp_path, "faq.py", HEADER + HOOK))
    assert registry.connector("faq").__module__ == "connector_plugins.faq"
    assert [one.plugin for one in problems(registry)] == ["connector_plugins.another"]
    other.write_text(HEADER + HOOK, encoding="utf-8")
    forgotten = load(other, tmp_path / "faq.py")
    assert [one.plugin for one in problems(forgotten)] == ["connector_plugins.another"]
    assert forgotten.connector("faq").__module__ == "connector_plugins.faq"


def test_nobody_takes_a_type_from_the_house(tmp_path: Path) -> None:
    text = """\
from knowledge_connector import Target, hookimpl
class Fake(Target):
    type = "sqlite"
    gap = "gap"
    limits = None
    def check(self): return iter(())
    def open(self, owner, *, fence): raise NotImplementedError
@hookimpl
def register_targets():
    return [Fake]
"""
    registry = load(write(tmp_path, "sqlite.py", text))
    assert registry.brought_by(registry.target("sqlite")).origin == "built-in"
    assert "which keeps it" in problems(registry)[0].message


def test_converters_of_plugins_go_before_ours(tmp_path: Path) -> None:
    text = """\
from knowledge_connector import Converted, Converter, hookimpl
class Mine(Converter):
    name = "mine"
    version = "1"
    media_types = frozenset({"text/html"})
    def convert(self, raw, settings): return Converted("")
@hookimpl
def register_converters():
    return [Mine]
"""
    converters = load(write(tmp_path, "mine.py", text)).converters()
    assert converters[0].name == "mine"
    assert len(converters) > 1


def test_hooks_of_a_run_reach_every_plugin(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    header = "from knowledge_connector import hookimpl\nheard = []\n"
    bad = header + "@hookimpl\ndef run_started(run): raise KeyError('planted-secret')\n"
    good = header + "@hookimpl\ndef run_started(connector): heard.append(connector)\n"
    registry = load(write(tmp_path, "bad.py", bad), write(tmp_path, "good.py", good))
    with caplog.at_level(logging.WARNING):
        registry.run_started(7, "docs")
    assert sys.modules["connector_plugins.good"].heard == ["docs"]
    (record,) = caplog.records
    assert record.__dict__["plugin"] == "connector_plugins.bad"
    assert "planted-secret" not in str(record.__dict__)


# -- classes ------------------------------------------------------------------------------------------------------------


def test_a_class_is_found_again_in_another_process(tmp_path: Path) -> None:
    write(tmp_path / "faq", "reader.py", HEADER)
    write(
        tmp_path / "faq",
        "__init__.py",
        "from knowledge_connector import hookimpl\nfrom .reader import FaqConnector\n" + HOOK,
    )
    registry = load(tmp_path / "faq")
    references = [class_ref(registry.connector("faq")), class_ref(registry.target("sqlite"))]
    program = (
        "import pickle, sys\n"
        "references = pickle.loads(sys.stdin.buffer.read())\n"
        "assert 'pydantic' not in sys.modules\n"
        "print([reference.load().__qualname__ for reference in references])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], input=pickle.dumps(references), capture_output=True, check=True
    )
    assert done.stdout.decode() == "['FaqConnector', 'SqliteTarget']\n"


def test_a_class_inside_a_function_cannot_be_found_again() -> None:
    class Local:
        pass

    with pytest.raises(PluginError, match="define the class at the top of a module"):
        class_ref(Local)


class FaqConfig(ConnectorConfig):
    path: str


ModelT = TypeVar("ModelT", bound=ConnectorConfig, covariant=True, default=Any)


class Paged(Connector[ModelT], Generic[ModelT]):
    @abstractmethod
    def pages(self) -> int: ...

    def read(self, context: SyncContext) -> Iterator[Item]:
        return iter(())


class Faq(Paged[FaqConfig]):
    def pages(self) -> int:
        return 1


class SpecialFaq(Faq):
    pass


class Bare(Connector):
    pass


class BareTarget(Target):
    pass


def test_the_model_is_the_type_parameter() -> None:
    assert config_model(Faq) is FaqConfig
    assert config_model(SpecialFaq) is FaqConfig
    assert config_model(Bare) is ConnectorConfig
    assert config_model(BareTarget) is TargetConfig


def test_the_edge_names_the_plugin_and_no_content() -> None:
    with pytest.raises(PluginError) as caught, guarded("faq", "reading"):
        raise KeyError("planted-secret")
    assert re.fullmatch(
        r"plugin faq raised KeyError \(test_registry.py, line \d+\) while reading", caught.value.message
    )
    assert isinstance(caught.value.__cause__, KeyError)


@pytest.mark.parametrize("error", [FatalError("no"), DocumentError("ill")])
def test_the_edge_lets_ours_through(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, guarded("faq", "reading"):
        raise error
    assert caught.value is error
