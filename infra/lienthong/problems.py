"""What a command can fail with, and the exit code of each.

    Problem ---- Refused      1  the input or the records are not as they should be
             |-- Misuse       2  the command was called wrongly: no such file, a wrong key, ...
             `-- Unreachable  3  no stack, no sign-in, no rights of AWS, no connection

The message of each is one or more complete sentences that say what to do next.
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar


class Exit(IntEnum):
    """The exit codes of every command."""

    OK = 0
    FINDINGS = 1
    USAGE = 2
    UNREACHABLE = 3
    INTERRUPTED = 130


class Problem(Exception):
    """A foreseeable failure: told in sentences, never with a traceback."""

    exit: ClassVar[Exit] = Exit.FINDINGS

    def __init__(self, message: str, details: tuple[str, ...] = ()) -> None:
        """`details` are further lines, one finding each, shown below the message."""
        super().__init__(message)
        self.message = message
        self.details = details


class Refused(Problem):
    """The input was read and is not acceptable; nothing was done with what is refused."""

    exit = Exit.FINDINGS


class Misuse(Problem):
    """The command was called in a way that cannot work."""

    exit = Exit.USAGE


class Unreachable(Problem):
    """The stack is not there, or does not let us in."""

    exit = Exit.UNREACHABLE
