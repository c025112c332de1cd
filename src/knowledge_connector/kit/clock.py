"""Time for plugins that are not lent a context: targets wait for vendors, and their tests shall not."""

from knowledge_connector.clock import SystemClock
from knowledge_connector.ports import Clock

__all__ = ["Clock", "SystemClock"]
