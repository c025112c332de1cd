"""Which emulators the installed plugins bring."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from knowledge_connector.config.problems import suggestion
from knowledge_connector.errors import ConfigError, PluginError
from knowledge_connector.plugins import Plugins, candidates
from knowledge_connector.testing.emulation.vendor import EmulatorFactory

HOOK = "register_emulators"

_log = logging.getLogger(__name__)


def find_emulators(
    names: Sequence[str] = (), *, paths: Sequence[Path] = (), tell: Callable[[object], None] = _log.warning
) -> dict[str, EmulatorFactory]:
    """Give the factories of these emulators, or of all there are.

    Args:
        names: Which; all if none is named.
        paths: Further plugins, as in `plugins.paths`.
        tell: Is told of plugins that are broken, unless what is asked for can do without them.

    Raises:
        ConfigError: There is none of this name, or none at all; the message says which there are, and which plugins are broken.
    """
    plugins = Plugins(candidates(paths))
    found: dict[str, EmulatorFactory] = {}
    for plugin in plugins.names:
        for name, factory in _brought(plugins, plugin).items():
            if name in found:
                plugins.complain(plugin, f"brings an emulator {name!r}, and an earlier plugin does, which keeps it")
            found.setdefault(name, factory)
    wanted = list(dict.fromkeys(names)) or sorted(found)
    unknown = [name for name in wanted if name not in found]
    if unknown or not found:
        raise ConfigError(_unknown(unknown, sorted(found), plugins))
    for problem in [] if names else plugins.problems:
        tell(problem)
    return {name: found[name] for name in wanted}


def _brought(plugins: Plugins, plugin: str) -> dict[str, EmulatorFactory]:
    try:
        answers = plugins.answers(plugin, HOOK)
    except (PluginError, ConfigError) as error:
        plugins.complain(plugin, error.message)
        return {}
    return {name: factory for answer in answers for name, factory in _checked(plugins, plugin, answer).items()}


def _checked(plugins: Plugins, plugin: str, answer: object) -> Mapping[str, EmulatorFactory]:
    if isinstance(answer, Mapping) and all(isinstance(key, str) and callable(value) for key, value in answer.items()):
        return answer
    plugins.complain(plugin, f"{HOOK} gave {type(answer).__name__}; it should give names and factories, as a mapping")
    return {}


def _unknown(names: Sequence[str], known: Sequence[str], plugins: Plugins) -> str:
    told = (
        f"there is no emulator {names[0]!r}{suggestion(names[0], known)}" if names else "no plugin brings an emulator."
    )
    message = f"{told} There are: {', '.join(known) or 'none'}"
    if not plugins.problems:
        return message
    return message + ". Perhaps one of these would bring it:" + "".join(f"\n  {one}" for one in plugins.problems)
