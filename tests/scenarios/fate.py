"""When this process dies. A module of its own: the host imports plugins under other names, and there is only one fate."""

from __future__ import annotations

import os
import signal


class Fate:
    """Counts the steps of this process, and ends it before number `dies_at`."""

    def __init__(self) -> None:
        self.steps = 0
        self.dies_at = 0

    def step(self) -> None:
        self.steps += 1
        if self.steps == self.dies_at:
            os.kill(os.getpid(), signal.SIGKILL)


FATE = Fate()
