"""A plugin file for `[plugins] paths`. The target lives in a module that tests import, too: a file named there is another module."""

from knowledge_connector import Target, hookimpl
from plugins.cognigy.hasty import HastyCognigy


@hookimpl
def register_targets() -> list[type[Target]]:
    return [HastyCognigy]
