"""The memory of processes. Imports next to nothing: fresh processes use it that are measured."""

from __future__ import annotations

import resource
import sys

MIB = 1024 * 1024


def resident(pid: int | str = "self") -> int:
    """Bytes of memory that a process has resident; 0 where it has ended or nobody tells."""
    return _status(pid, "VmRSS")


def peak() -> int:
    """Bytes of the most memory that this process has had resident."""
    found = _status("self", "VmHWM")
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return found or most * (1 if sys.platform == "darwin" else 1024)


def _status(pid: int | str, name: str) -> int:
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as lines:  # noqa: PTH123 - no imports
            return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))
    except (OSError, StopIteration):
        return 0
