"""Modules that belong to nobody's name space, and classes that a child process can find again. Light on purpose."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from knowledge_connector.errors import PluginError

PACKAGE = "connector_plugins"
"""Plugins from files are imported beneath this name, so that they take none from anyone."""


@dataclass(frozen=True, slots=True)
class ClassRef:
    """The way to a class from another process.

    Attributes:
        module: Full name of the module.
        qualname: Name of the class in it.
        file: For a plugin from a file: what to import first. `None` for what is installed.
    """

    module: str
    qualname: str
    file: str | None = None

    def load(self) -> type:
        """Import the class.

        Raises:
            ImportError: The module is not there, or cannot be imported.
            AttributeError: The class is not in it.
        """
        if self.file is not None:
            import_file(".".join(self.module.split(".")[:2]), Path(self.file))
        found: object = importlib.import_module(self.module)
        for name in self.qualname.split("."):
            found = getattr(found, name)
        assert isinstance(found, type)  # noqa: S101  # tells the type checker what it is
        return found


def class_ref(cls: type) -> ClassRef:
    """Say how to find a class in another process.

    Raises:
        PluginError: It cannot be found again, because it was made inside a function or in `__main__`.
    """
    if "<locals>" in cls.__qualname__ or cls.__module__ == "__main__":
        raise PluginError(
            f"{cls.__module__}.{cls.__qualname__} cannot be imported by another process; "
            "define the class at the top of a module"
        )
    return ClassRef(cls.__module__, cls.__qualname__, _file_of(cls.__module__))


def import_file(name: str, path: Path) -> ModuleType:
    """Import a module file, or a package folder, under a full name `connector_plugins.NAME`; once per process.

    Raises:
        ImportError: There is nothing to import.
        Exception: Whatever the module itself raises.
    """
    file = path / "__init__.py" if path.is_dir() else path
    known = sys.modules.get(name)
    if known is not None and known.__file__ == str(file):
        return known
    _forget(name)
    sys.modules.setdefault(PACKAGE, _empty_package())
    folders = [str(path)] if path.is_dir() else None
    spec = importlib.util.spec_from_file_location(name, file, submodule_search_locations=folders)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # before it runs, as the import system does it, for the package's own relative imports
    try:
        spec.loader.exec_module(module)
    except BaseException:
        _forget(name)
        raise
    return module


def _file_of(module: str) -> str | None:
    """Give the file, or the package's folder, that a plugin's module came from; `None` for what is installed."""
    package, _, rest = module.partition(".")
    if package != PACKAGE:
        return None
    file = Path(str(sys.modules[f"{PACKAGE}.{rest.partition('.')[0]}"].__file__))
    return str(file.parent if file.name == "__init__.py" else file)


def _forget(name: str) -> None:
    for module in [one for one in sys.modules if one == name or one.startswith(f"{name}.")]:
        del sys.modules[module]


def _empty_package() -> ModuleType:
    package = ModuleType(PACKAGE, "Plugins from the paths that `[plugins]` names.")
    package.__path__ = []
    return package
