"""A file of lines in ranges of bytes: every line is owned by exactly one range.

A range owns the lines that **start** in it, so it reads on past its end until its last line
ends, and a range that begins inside a line leaves that line to the one before. A line ends
before a line feed or at the end of the file; what follows the last line feed is a line if it
has bytes. All of it holds for any bytes and any size of the ranges, and no line, however
long, is held in memory beyond `LARGEST_LINE`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

LARGEST_LINE: Final = 1_048_576
"""Bytes of a line that are handed on whole: what a queue takes. Of a longer one its first bytes
are, with a note that tells its length, its place and its SHA-256."""
_BOM: Final = b"\xef\xbb\xbf"


def ranges_in(size: int, range_bytes: int) -> int:
    """How many ranges a file of `size` bytes has."""
    return -(-size // range_bytes)


def bounds_of(number: int, size: int, range_bytes: int) -> tuple[int, int]:
    """First byte of a range, and the byte after its last; numbers count from 0."""
    return number * range_bytes, min((number + 1) * range_bytes, size)


@dataclass(frozen=True, slots=True)
class Line:
    """A line without its line feed: where it begins, where the next one does, its bytes.

    Of a line that is longer than `LARGEST_LINE`, `body` is its beginning and a note.
    """

    begin: int
    next: int
    body: bytes

    @property
    def text(self) -> str:
        """The line without byte order mark and carriage return.

        Bytes that are no UTF-8 become lone surrogates (PEP 383), from which they can be got back.
        """
        body = self.body.removeprefix(_BOM) if self.begin == 0 else self.body
        return body.removesuffix(b"\r").decode("utf-8", "surrogateescape")

    @property
    def blank(self) -> bool:
        """Whether nothing stands in it; such a line is counted, and is no message."""
        body = self.body.removeprefix(_BOM) if self.begin == 0 else self.body
        return not body.strip(b" \t\r")


class Lines:
    """Cuts bytes that arrive piece by piece into the lines that start before `end`.

    `position` is the offset of the first byte that will be fed. Where `aligned` is false, the
    first line feed ends a line that somebody else owns: feed from the byte before the range.
    """

    def __init__(self, position: int, end: int, *, aligned: bool = True) -> None:
        self._at = position
        self._begin = position
        self._end = end
        self._aligned = aligned
        self._kept: list[bytes] = []
        self._length = 0
        self._hash: hashlib._Hash | None = None

    @property
    def done(self) -> bool:
        """Whether every line that starts before `end` has been handed over."""
        return (self._begin if self._aligned else self._at) >= self._end

    def feed(self, data: bytes) -> Iterator[Line]:
        """The lines that these bytes complete."""
        *ended, rest = data.split(b"\n")
        for piece in ended:
            if self.done:
                return
            self._at += len(piece) + 1
            if self._aligned:
                yield self._line(piece, self._at)
            self._aligned = True
            self._begin = self._at
        self._at += len(rest)
        if self._aligned and not self.done and rest:
            self._keep(rest)

    def finish(self) -> Iterator[Line]:
        """The last line, if the file ends without a line feed."""
        if self._aligned and not self.done and self._length:
            yield self._line(b"", self._at)
        self._aligned = True
        self._begin = max(self._at, self._end)

    def _keep(self, piece: bytes) -> None:
        before = self._length
        self._length += len(piece)
        if self._length <= LARGEST_LINE:
            self._kept.append(piece)
            return
        if self._hash is None:
            self._hash = hashlib.sha256(b"".join(self._kept))
        self._hash.update(piece)
        if before < LARGEST_LINE:
            self._kept.append(piece[: LARGEST_LINE - before])

    def _line(self, piece: bytes, after: int) -> Line:
        if not self._length and len(piece) <= LARGEST_LINE:
            return Line(self._begin, after, piece)
        self._keep(piece)
        body = b"".join(self._kept)
        if self._hash is not None:
            note = (
                f" [cut here: the line has {self._length} bytes from byte {self._begin} of the"
                f" file on, SHA-256 {self._hash.hexdigest()}]"
            ).encode()
            body = body[: LARGEST_LINE - len(note)] + note
        self._kept, self._length, self._hash = [], 0, None
        return Line(self._begin, after, body)
