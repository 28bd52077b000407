"""Files of messages: each message's own bytes, and the line it stands on.

A file is NDJSON (one message a line) or one JSON document: an object is one message, an array
is one message per element. The bytes of a message are never changed, bad or not: what is sent
is what stands in the file. Gzip is recognised by its first two bytes, wherever it comes from.

Which form a file has: the option says it, or the name does (`.ndjson` and `.jsonl`, `.json`,
`.csv`, each also with `.gz`), or the first line does. A first line that is a whole JSON object
begins NDJSON; one that only begins an object or an array begins a document, if the document is
whole. A CSV is read by the manifest that lies beside it: each row is the message that it states.
"""

from __future__ import annotations

import gzip
import io
import json
import re
import sys
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, Literal

from infra.lienthong.problems import Misuse, Refused

Form = Literal["auto", "ndjson", "json"]

LARGEST_DOCUMENT: Final = 256 * 1024 * 1024
"""One JSON document is read whole, so it has a limit; NDJSON has none."""
_BOM: Final = b"\xef\xbb\xbf"
_GZIP: Final = b"\x1f\x8b"
_BLANK: Final = b" \t\r\n"
_GAP: Final = re.compile(r"[ \t\r\n]*")


@dataclass(frozen=True, slots=True)
class Message:
    """A message as it stands in a file; `line` is where it begins, from 1.

    `queue` is where it goes if its own type does not say, for files that tell.
    """

    line: int
    body: bytes
    file: str = "-"
    queue: str | None = None

    @property
    def place(self) -> str:
        """`file:line`, or `line N` where the file is stdin."""
        return f"line {self.line}" if self.file == "-" else f"{self.file}:{self.line}"


@contextmanager
def opened(name: str) -> Iterator[tuple[IO[bytes], int | None]]:
    """The file `name` (`-` is stdin), unpacked if it is gzip, and its size if that is known.

    Raises `Misuse` if it cannot be opened, `Refused` if it is damaged gzip.
    """
    try:
        if name == "-":
            with _unpacked(sys.stdin.buffer) as stream:
                yield stream, None
        else:
            with _open(Path(name)) as raw, _unpacked(raw) as stream:
                packed = isinstance(stream, gzip.GzipFile)
                yield stream, None if packed else Path(name).stat().st_size
    except (gzip.BadGzipFile, zlib.error, EOFError):
        raise Refused(f"{name} is damaged gzip. Pack it again and send it again.") from None


def _open(path: Path) -> IO[bytes]:
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise Misuse(f"There is no file {path}. Check its name.") from None
    except IsADirectoryError:
        raise Misuse(f"{path} is a folder. Name a file in it.") from None
    except OSError as error:
        raise Misuse(f"{path} cannot be read: {error.strerror}.") from None


@contextmanager
def _unpacked(raw: IO[bytes]) -> Iterator[IO[bytes]]:
    buffered = raw if isinstance(raw, io.BufferedReader) else io.BufferedReader(Raw(raw))
    if buffered.peek(2)[:2] == _GZIP:
        with gzip.GzipFile(fileobj=buffered) as stream:
            yield stream  # type: ignore[misc]  # GzipFile reads bytes, though not an IO by name
    else:
        yield buffered


class Raw(io.RawIOBase):
    """A binary stream (a test's, a wrapper's) as a raw one, which never closes it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def messages(stream: IO[bytes], name: str = "-", form: Form = "auto") -> Iterator[Message]:
    """Every message of a file in its order; blank lines are no messages.

    Raises `Refused` for a file that was said to be one JSON document and is none.
    """
    chosen = _form_by_name(name) if form == "auto" else form
    if form == "auto" and _is_csv(name):
        found = _rows(stream, name)
    elif chosen == "ndjson":
        found = _lines(stream)
    elif chosen == "json":
        found = _document(_whole(stream, name), name)
    else:
        found = _by_first_line(stream, name)
    for message in found:
        yield Message(message.line, message.body, name, message.queue)


def messages_of(names: Sequence[str], form: Form = "auto") -> Iterator[Message]:
    """The messages of several files, one after the other."""
    for name in names:
        with opened(name) as (stream, _):
            yield from messages(stream, name, form)


def size_of(names: Sequence[str]) -> int | None:
    """Bytes of all the files as they will be read, or None where that is not known."""
    total = 0
    for name in names:
        with opened(name) if name != "-" else nullcontext((None, None)) as (_, size):
            if size is None:
                return None
            total += size
    return total


def _form_by_name(name: str) -> Form:
    suffixes = [suffix for suffix in Path(name).suffixes if suffix != ".gz"]
    return {".ndjson": "ndjson", ".jsonl": "ndjson", ".json": "json"}.get(  # type: ignore[return-value]
        suffixes[-1] if suffixes else "", "auto"
    )


def _is_csv(name: str) -> bool:
    return Path(name.removesuffix(".gz")).suffix.lower() == ".csv"


def manifest_beside(file: Path) -> Path | None:
    """The manifest that lies beside a file, or None."""
    names = (file.name, file.name.removesuffix(".gz"))
    beside = (file.with_name(f"{name}.manifest.json") for name in names)
    return next((path for path in beside if path.is_file()), None)


def _rows(stream: IO[bytes], name: str) -> Iterator[Message]:
    """The events that the rows state; a line that is no row is the message as it stands."""
    from functions.shared.core import rows
    from functions.shared.core.kinds import KINDS
    from schemas.event_types import EVENT_TYPES

    beside = manifest_beside(Path(name))
    if beside is None:
        raise Misuse(f"{name} is a CSV without its manifest. Put {name}.manifest.json beside it.")
    manifest, problems = rows.read_manifest(beside.read_text("utf-8-sig"))
    lines = _lines(stream)
    header = _text(next(lines, Message(1, b"")).body)
    if manifest is not None:
        problems = rows.complaints(manifest, header)
    if manifest is None or problems or manifest["format"] != "csv":
        raise Refused(f"{beside} does not fit {name}. Correct this:", tuple(problems))
    queue = KINDS[EVENT_TYPES[manifest["type"]].kind].queue
    body_of = rows.mapper(manifest, header)
    for line in lines:
        try:
            body = body_of(_text(line.body))
        except rows.NoRow:
            body = _text(line.body)
        yield Message(line.line, body.encode("utf-8", "surrogateescape"), name, queue)


def _text(line: bytes) -> str:
    return line.decode("utf-8", "surrogateescape")


def _lines(stream: IO[bytes], first: bytes | None = None) -> Iterator[Message]:
    for number, line in enumerate(_chained(first, stream), 1):
        if number == 1:
            line = line.removeprefix(_BOM)
        body = line.removesuffix(b"\n").removesuffix(b"\r")
        if body.strip(_BLANK):
            yield Message(number, body)


def _chained(first: bytes | None, stream: IO[bytes]) -> Iterator[bytes]:
    if first is not None:
        yield first
    yield from stream


def _by_first_line(stream: IO[bytes], name: str) -> Iterator[Message]:
    first = stream.readline()
    start = first.removeprefix(_BOM).strip(_BLANK)
    if start[:1] not in (b"{", b"[", b"") or (start[:1] == b"{" and _is_json(start)):
        yield from _lines(stream, first)
        return
    whole = first + _whole(stream, name)
    try:
        yield from list(_document(whole, name))
    except Refused:
        yield from _lines(io.BytesIO(whole))


def _is_json(text: bytes) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _whole(stream: IO[bytes], name: str) -> bytes:
    data = stream.read(LARGEST_DOCUMENT + 1)
    if len(data) > LARGEST_DOCUMENT:
        raise Refused(f"{name} is one JSON document of over 256 MiB. Send it as NDJSON instead.")
    return data


def _document(data: bytes, name: str) -> Iterator[Message]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Refused(f"{name} is not UTF-8. Save it as UTF-8 and send it again.") from None
    decoder = json.JSONDecoder()
    begin = _past_gap(text, 0)
    try:
        value, end = decoder.raw_decode(text, begin)
    except (ValueError, RecursionError):
        raise Refused(
            f"{name} is not one JSON document. If it has a message on each line, say so with "
            "--format ndjson."
        ) from None
    if _past_gap(text, end) != len(text):
        raise Refused(
            f"{name} goes on after its first JSON document. If it has a message on each line, "
            "say so with --format ndjson."
        )
    if not isinstance(value, list):
        yield Message(text.count("\n", 0, begin) + 1, text[begin:end].encode())
        return
    line, counted, at = 1, 0, _past_gap(text, begin + 1)
    for _ in value:
        _, end = decoder.raw_decode(text, at)
        line, counted = line + text.count("\n", counted, at), at
        yield Message(line, text[at:end].encode())
        at = _past_gap(text, _past_gap(text, end) + 1)  # past the comma


def _past_gap(text: str, at: int) -> int:
    found = _GAP.match(text, at)
    return found.end() if found else at
