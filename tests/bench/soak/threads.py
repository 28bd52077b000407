"""What goes on beside the load, each in a thread of its own, until the load is over."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Clock:
    """Seconds since the soak began."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """From now on."""
        self._began = time.monotonic()

    def now(self) -> float:
        return time.monotonic() - self._began


class Repeated(threading.Thread):
    """Does something every so many seconds until it is stopped.

    What goes wrong in it is kept as `failure` and ends it; whoever waits for the soak looks there.
    """

    def __init__(self, name: str, every: float, step: Callable[[], None]) -> None:
        super().__init__(name=name, daemon=True)
        self._every, self._step = every, step
        self._over = threading.Event()
        self.failure: str | None = None

    def run(self) -> None:
        try:
            while not self._over.wait(self._every):
                self._step()
        except Exception as error:  # told by whoever waits for the thread
            self.failure = f"{self.name}: {type(error).__name__}: {error}"

    def stop(self, patience: float = 90) -> None:
        """Asks it to end and waits for the step it is in."""
        self._over.set()
        self.join(patience)
        if self.is_alive():
            self.failure = self.failure or f"{self.name} did not end."
