"""The processes of an emulator while they work: memory, processor time, and how they are killed.

Reads `/proc`; where there is none, every figure is 0 and nothing can be killed.
"""

from __future__ import annotations

import os
import signal
import threading
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

_PROC: Final = Path("/proc")
_TICK: Final = os.sysconf("SC_CLK_TCK")
_EVERY: Final = 0.5


@dataclass(slots=True)
class Usage:
    """The most memory that one process of its kind had (bytes), and processor seconds of all."""

    peak: int = 0
    seconds: float = 0.0
    processes: int = 0


@dataclass(slots=True)
class Watch:
    """Looks at the emulator and its workers twice a second, from entering to leaving.

    `functions` are the deployed names by logical id; a worker's command line holds that name.
    """

    emulator: int
    functions: Mapping[str, str]
    _seen: dict[int, tuple[str, int, float]] = field(default_factory=dict)
    _before: dict[int, float] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _machine: float = 0.0

    def __enter__(self) -> Self:
        self._before = {pid: _seconds(pid) for pid in (self.emulator, *self._workers())}
        self._machine = -_busy()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        self._look()
        self._machine += _busy()

    @property
    def others(self) -> float:
        """Processor seconds that everything else on this machine used, this process included."""
        return max(0.0, self._machine - sum(usage.seconds for usage in self.usage().values()))

    def _run(self) -> None:
        while not self._stop.wait(_EVERY):
            self._look()

    def _look(self) -> None:
        self._note(self.emulator, "emulator")
        for pid, function in self._workers().items():
            self._note(pid, function)

    def _note(self, pid: int, name: str) -> None:
        peak, seconds = _peak(pid), _seconds(pid)
        if seconds:
            self._seen[pid] = (name, peak, seconds - self._before.get(pid, 0.0))

    def usage(self) -> Mapping[str, Usage]:
        """By `emulator` and the functions' logical ids, so far."""
        found: defaultdict[str, Usage] = defaultdict(Usage)
        for name, peak, seconds in self._seen.copy().values():
            usage = found[name]
            usage.peak = max(usage.peak, peak)
            usage.seconds += seconds
            usage.processes += 1
        return found

    def _workers(self) -> dict[int, str]:
        """The emulator's worker processes and the function that each runs."""
        found = {}
        for folder in _PROC.glob("[0-9]*"):
            with suppress(OSError, ValueError, IndexError):
                pid = int(folder.name)
                if _stat(pid)[1] != str(self.emulator):
                    continue
                command = (folder / "cmdline").read_bytes().decode(errors="replace")
                for logical, name in self.functions.items():
                    if f"ministack-lambda-{name}-" in command:
                        found[pid] = logical
        return found

    def kill(self, function: str) -> int:
        """Ends every worker of a function at once, without asking it; says how many."""
        killed = 0
        for pid, logical in self._workers().items():
            if logical == function:
                self._note(pid, logical)
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    killed += 1
        return killed


def _stat(pid: int) -> list[str]:
    """The fields of `/proc/<pid>/stat` from the state on (proc(5))."""
    text = (_PROC / str(pid) / "stat").read_text("ascii", errors="replace")
    return text.rpartition(")")[2].split()


def _seconds(pid: int) -> float:
    with suppress(OSError, ValueError, IndexError):
        fields = _stat(pid)
        return (int(fields[11]) + int(fields[12])) / _TICK
    return 0.0


def _busy() -> float:
    """Processor seconds that this machine has spent so far on anything."""
    with suppress(OSError, ValueError, IndexError):
        fields = [
            int(field) for field in (_PROC / "stat").read_text("ascii").split("\n")[0].split()[1:]
        ]
        return (sum(fields[:8]) - fields[3] - fields[4]) / _TICK
    return 0.0


def _peak(pid: int) -> int:
    with suppress(OSError, StopIteration, ValueError):
        text = (_PROC / str(pid) / "status").read_text("ascii", errors="replace")
        line = next(line for line in text.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    return 0
