"""What a dropped file is: lines of events, rows with a manifest, or not to be loaded, and why.

Judged by the first bytes of its plain content and by its manifest, never by a suffix of its
name, `.csv` apart: that says that a manifest is still to come.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Final

import orjson

from functions.shared.core import rows
from functions.shared.core.kinds import KINDS, PERSON
from functions.shared.core.loads import Form, LoadState

GZIP: Final = b"\x1f\x8b"
"""The first two bytes of a packed file (RFC 1952)."""
HEAD: Final = 65_536
"""Bytes of a file's beginning that are looked at; a header must end in them."""
LARGEST_MANIFEST: Final = 262_144
"""Bytes of a manifest."""
_BOM: Final = b"\xef\xbb\xbf"
_TYPE: Final = re.compile(r"vn\.lienthong\.([a-z-]+)\.[^\s]+")
_BLANK: Final = b" \t\r\n"


@dataclass(frozen=True, slots=True)
class Examined:
    """The finding: to be split, to wait for its manifest, or to be failed.

    `problems` are sentences for whoever dropped the file. `queue` takes the lines whose kind
    cannot be read.
    """

    state: LoadState
    problems: tuple[str, ...] = ()
    form: Form | None = None
    queue: str | None = None
    manifest: str | None = None
    header: str | None = None


def kind_of(body: str | bytes) -> str | None:
    """The kind that a message's `type` names, or None where no type can be read.

    A message that is not JSON has none. What else is wrong with it is not looked at.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        try:
            value = json.loads(body)  # takes lone surrogates and huge numbers, as senders do
        except (ValueError, RecursionError):
            return None
    if not isinstance(value, dict) or not isinstance(value.get("type"), str):
        return None
    return _kind_in(value["type"])


def _kind_in(type_: str) -> str | None:
    found = _TYPE.fullmatch(type_)
    return found[1] if found else None


def queue_of(body: str | bytes) -> str | None:
    """The queue of the kind that a message's `type` names, if it names one."""
    return _queue_of_kind(kind_of(body))


def _queue_of_kind(name: str | None) -> str | None:
    kind = KINDS.get(name or "")
    return kind.queue if kind else None


def examine(name: str, head: bytes, manifest: bytes | None) -> Examined:
    """What to do with a file of this name that begins with `head`, at most `HEAD` plain bytes.

    `manifest` is the content of its manifest, or None where there is none yet.
    """
    head = head.removeprefix(_BOM)
    if manifest is None:
        return _without_manifest(name, head)
    if len(manifest) > LARGEST_MANIFEST:
        return _failed(
            f"The manifest has more than {LARGEST_MANIFEST} bytes; it describes columns and holds"
            " no rows. Drop a smaller one; the load starts then."
        )
    try:
        text = manifest.decode()
    except UnicodeDecodeError:
        return _failed("The manifest is not UTF-8. Drop it again as UTF-8; the load starts then.")
    document, problems = rows.read_manifest(text)
    if document is None:
        return _failed(*_of_manifest(problems))
    if document["format"] == Form.NDJSON:
        queue = document.get("queue") or _usual_queue(head)
        return Examined(LoadState.SPLITTING, (), Form.NDJSON, queue, text)
    return _with_rows(head, text, document)


def _with_rows(head: bytes, text: str, document: rows.Manifest) -> Examined:
    if not head:
        return _failed("The file is empty; a CSV begins with a header. Drop it again with one.")
    first, ended, _ = head.partition(b"\n")
    if not ended and len(head) >= HEAD - len(_BOM):
        return _failed(
            f"The file's first line does not end within {HEAD} bytes, so it is no header of"
            " a CSV. Drop the file again with a line for each row."
        )
    try:
        header = first.removesuffix(b"\r").decode()
    except UnicodeDecodeError:
        return _failed("The header is not UTF-8. Drop the file again as UTF-8.")
    problems = rows.complaints(document, header)
    if problems:
        return _failed(*_of_manifest(problems))
    queue = _queue_of_kind(_kind_in(document["type"]))
    if queue is None:
        return _failed("The manifest's type names no kind of record; name a published type.")
    return Examined(LoadState.SPLITTING, (), Form.CSV, queue, text, header)


def _without_manifest(name: str, head: bytes) -> Examined:
    if b"\0" in head:
        return _failed(
            "The file is no text in UTF-8 (it holds NUL bytes). Drop it as NDJSON or CSV in UTF-8,"
            " plain or as gzip."
        )
    lines = [line for line in map(_stripped, head.split(b"\n")) if line]
    if lines and lines[0][:1] == b"[":
        return _failed(
            "The file begins with [, so it is one JSON array. Write one event on each line,"
            " without commas between them, and drop it again."
        )
    if lines and lines[0] == b"{":
        return _failed(
            "The file's first line is a { alone, so it is JSON over several lines. Write one event"
            " on each line and drop it again."
        )
    rows_to_come = re.fullmatch(r".+\.csv(\.gz)?", name, re.IGNORECASE) is not None
    if not lines or (not rows_to_come and any(line[:1] == b"{" for line in lines)):
        return Examined(LoadState.SPLITTING, (), Form.NDJSON, _usual_queue(head))
    return Examined(LoadState.WAITING, (_NEEDS_A_MANIFEST,))


_NEEDS_A_MANIFEST: Final = (
    "The file needs a manifest that says what its lines are: drop it beside the file, with"
    " .manifest.json after the file's name. The load starts then by itself."
)


def _usual_queue(head: bytes) -> str:
    """The queue of the first line that names a kind; without one, the people's."""
    for line in head.split(b"\n"):
        queue = queue_of(line.decode("utf-8", "replace")) if b'"type"' in line else None
        if queue is not None:
            return queue
    return PERSON.queue


def _stripped(line: bytes) -> bytes:
    return line.strip(_BLANK)


def _of_manifest(problems: list[str]) -> tuple[str, ...]:
    return (
        *problems,
        "Correct the manifest and drop it again; the load starts then by itself.",
    )


def _failed(*problems: str) -> Examined:
    return Examined(LoadState.FAILED, problems)
