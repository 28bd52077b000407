"""Postings in the order of their publication, however many there are, in bounded memory.

What does not fit is sorted and put on disk, and merged with the rest while it is read.
"""

from __future__ import annotations

import heapq
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

import orjson

from infra.city.writing import Note, Posting

MEMORY: Final = 48 * 1024 * 1024
"""Bytes of postings that wait in memory."""
_OVERHEAD: Final = 160
"""What Python keeps for each line besides its text."""


class Spool:
    """Takes postings in any order and gives them back in theirs.

    Postings of the same instant keep the order in which they came.
    """

    def __init__(self, memory: int = MEMORY, folder: Path | None = None) -> None:
        """`folder` is where the disk is used; without it, where temporary files go."""
        self._memory = memory
        self._folder = folder
        self._lines: list[bytes] = []
        self._size = 0
        self._count = 0
        self._runs: list[IO[bytes]] = []

    def __len__(self) -> int:
        return self._count

    def add(self, posting: Posting) -> None:
        """Takes a posting."""
        note = b""
        if posting.note is not None:
            note = orjson.dumps([posting.note.file, posting.note.says])
        line = b"%020d %012d\t%b\t%b\n" % (posting.at, self._count, note, posting.body)
        self._count += 1
        self._lines.append(line)
        self._size += len(line) + _OVERHEAD
        if self._size > self._memory:
            self._put_away()

    def _put_away(self) -> None:
        run = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115  # until it is read
        self._lines.sort()
        run.writelines(self._lines)
        self._runs.append(run)
        self._lines, self._size = [], 0

    def postings(self) -> Iterator[Posting]:
        """All postings, once; the space they took is free again afterwards."""
        self._lines.sort()
        runs = self._runs
        for run in runs:
            run.seek(0)
        try:
            for line in heapq.merge(*runs, self._lines) if runs else self._lines:
                key, note, body = line[:-1].split(b"\t", 2)
                says = Note(*orjson.loads(note)) if note else None
                yield Posting(int(key[:20]), body, says)
        finally:
            for run in runs:
                run.close()
