"""A file on its way into the intake bucket: looked at here first, then dropped there.

What is guaranteed: nothing is uploaded that could not be loaded at all (a manifest that is not as
it must be, columns that it does not declare, a file that is no text), and the manifest lies in the
bucket before its file does.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from functions.shared.adapters.keys import incoming_object, manifest_object, parse_manifest
from functions.shared.core import rows
from functions.shared.core.intake import HEAD, Examined, examine, queue_of
from functions.shared.core.kinds import KIND_OF_QUEUE, PERSON
from functions.shared.core.loads import Form, LoadState, load_id
from functions.shared.core.reading import read
from infra.lienthong.messages import opened
from infra.lienthong.problems import Misuse, Problem, Refused

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LOOKED_AT: Final = 200
"""So many of the first lines are tried before anything is uploaded."""
_LOOKED_INTO: Final = 1_048_576
MULTIPART: Final = 64 * 1024 * 1024
"""Bytes from which on a file is uploaded in parts of this size."""
_MARK: Final = "lienthong-upload"
_NOT_TEXT: Final[Mapping[bytes, str]] = {
    b"PK\x03\x04": "is a workbook or a ZIP archive. Save the sheet as CSV UTF-8",
    b"\xff\xfe": "is UTF-16. Save it as CSV UTF-8",
    b"\xfe\xff": "is UTF-16. Save it as CSV UTF-8",
    b"\xd0\xcf\x11\xe0": "is an old workbook. Save the sheet as CSV UTF-8",
}


@dataclass(frozen=True, slots=True)
class Line:
    """A line that would be refused: its number from 1, and every reason as `path: sentence`."""

    number: int
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Look:
    """What a file turned out to be: its manifest's text, and how its first lines read."""

    manifest: str
    format: str
    queue: str | None = None
    lines: int = 0
    refused: list[Line] = field(default_factory=list)


def look(file: Path, manifest: Path | None) -> Look:
    """Judges the file as the service will, and tries its first lines.

    Raises `Misuse` for what cannot be opened or has no manifest and needs one, `Refused` with every
    complaint for what the service would not load.
    """
    text = None if manifest is None else _text_of(manifest)
    with opened(str(file)) as (stream, _):
        head = stream.read(_LOOKED_INTO)
        whole = not stream.read(1)
    for mark, what in _NOT_TEXT.items():
        if head.startswith(mark):
            raise Refused(f"{file} {what}, and load that.")
    if not head.strip():
        raise Refused(f"{file} holds no line. Check that it was written to its end.")
    found = examine(file.name, head[:HEAD], None if text is None else text.encode())
    if found.state is LoadState.WAITING:
        raise Misuse(
            f"{file} is not NDJSON, so it needs a manifest that says what its columns are. Write "
            f"{file.name}.manifest.json beside it, or name one with --manifest; "
            "infra/docs/loading.md shows how."
        )
    if found.state is LoadState.FAILED or found.form is None:
        which = file if manifest is None else f"{manifest} does not fit {file}, or {file}"
        raise Refused(
            f"{which} cannot be loaded; nothing was uploaded. Correct this:", found.problems
        )
    lines = _numbered(head, whole=whole)
    if text is None:
        # A manifest of an earlier file of this name must not be taken for this one's.
        text = json.dumps(rows.NDJSON)
    return _tried(Look(text, found.form.value, found.queue), found, lines)


def _tried(look: Look, found: Examined, lines: Iterator[tuple[int, str]]) -> Look:
    """The first lines, read as the service will read them."""
    if found.form is Form.CSV:
        next(lines)
    reading = _reading(found)
    looked, refused = 0, []
    for number, line in islice(lines, LOOKED_AT):
        looked += 1
        reasons = reading(line)
        if reasons:
            refused.append(Line(number, reasons))
    return replace(look, lines=looked, refused=refused)


def _reading(found: Examined) -> Callable[[str], tuple[str, ...]]:
    """What gives the reasons against a line, none if it would be taken."""
    if found.form is Form.CSV:
        assert found.manifest is not None
        assert found.header is not None
        manifest = json.loads(found.manifest)
        body_of = rows.mapper(manifest, found.header)
    else:
        body_of = str

    def reasons(line: str) -> tuple[str, ...]:
        try:
            body = body_of(line)
        except rows.NoRow as error:
            return (str(error),)
        kind = KIND_OF_QUEUE[queue_of(body) or found.queue or PERSON.queue]
        return tuple(
            f"{reason.path or reason.code}: {reason.text}" for reason in read(body, kind).reasons
        )

    return reasons


def _numbered(head: bytes, *, whole: bool) -> Iterator[tuple[int, str]]:
    """The lines that are not blank, with their numbers; bytes that are no UTF-8 as surrogates."""
    lines = head.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    if not whole:
        del lines[-1]
    for number, raw in enumerate(lines, 1):
        if raw.strip():
            yield number, raw.removesuffix(b"\r").decode("utf-8", "surrogateescape")


def _text_of(manifest: Path) -> str:
    try:
        return manifest.read_text("utf-8-sig")
    except FileNotFoundError:
        raise Misuse(f"There is no manifest {manifest}. Check its name.") from None
    except OSError as error:
        raise Misuse(f"The manifest {manifest} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise Refused(f"The manifest {manifest} is not UTF-8. Save it as UTF-8.") from None


# Dropping it --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Dropped:
    """A file that lies in the bucket, and the load that it becomes."""

    bucket: str
    key: str
    version: str

    @property
    def load_id(self) -> str:
        """The id of the load."""
        return load_id(self.bucket, self.key, self.version)


def drop(
    s3: S3Client,
    bucket: str,
    file: Path,
    name: str,
    manifest: str,
    advance: Callable[[int], Any] = lambda _: None,
) -> Dropped:
    """Uploads the manifest and then the file, in parts if it is large.

    `advance` is told the bytes that are uploaded. Raises `Problem` where somebody else drops a file
    of the same name at the same time.
    """
    from boto3.s3.transfer import TransferConfig

    key = incoming_object(name)
    if parse_manifest(key) is not None:
        raise Misuse(f"{name} is a manifest's name. Name the file itself, or give it a --name.")
    s3.put_object(
        Bucket=bucket,
        Key=manifest_object(key),
        Body=manifest.encode(),
        ContentType="application/json",
    )
    mark = secrets.token_hex(16)
    s3.upload_file(
        str(file),
        bucket,
        key,
        ExtraArgs={"Metadata": {_MARK: mark}},
        Config=TransferConfig(
            multipart_threshold=MULTIPART, multipart_chunksize=MULTIPART, max_concurrency=4
        ),
        Callback=advance,
    )
    head = s3.head_object(Bucket=bucket, Key=key)
    if head["Metadata"].get(_MARK) != mark:
        raise Problem(
            f"Another file was dropped as {name} at the same moment; both are loaded. Look at "
            "`lienthong loads`, and give the next one a --name of its own."
        )
    return Dropped(bucket, key, head.get("VersionId", ""))
