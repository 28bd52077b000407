"""The intake bucket: dropped files read piece by piece, parts and reports written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from botocore.exceptions import IncompleteReadError, ResponseStreamingError

from functions.shared.adapters.bulk import Waiting
from functions.shared.adapters.errors import AWS_ERRORS, code_of
from functions.shared.core.errors import Defect
from functions.shared.core.loads import Pinned
from functions.shared.ports import Deadline, Gone

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

_MOST_TRIES: Final = 6
_ABSENT: Final = frozenset({"404", "NoSuchKey", "NotFound", "NoSuchVersion"})
_OVERWRITTEN: Final = _ABSENT | {"412", "PreconditionFailed"}
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class S3Objects:
    """`Objects` over the intake bucket."""

    client: S3Client
    bucket: str
    waiting: Waiting

    def head(self, key: str, deadline: Deadline) -> tuple[str, int] | None:
        """Version and size of the newest object under a key, or None where there is none."""
        answer: Any = self._unless_absent(
            "HeadObject", deadline, lambda: self.client.head_object(Bucket=self.bucket, Key=key)
        )
        return None if answer is None else (answer.get("VersionId", ""), answer["ContentLength"])

    def fetch(self, key: str, most: int, deadline: Deadline) -> bytes | None:
        """The first `most` bytes of the newest object under a key, or None if there is none."""

        def call() -> bytes:
            answer = self.client.get_object(Bucket=self.bucket, Key=key)
            return _content(answer, most)

        return self._unless_absent("GetObject", deadline, call)

    def read(
        self, key: str, begin: int, end: int, deadline: Deadline, pinned: Pinned | None = None
    ) -> bytes:
        """The bytes from `begin` up to `end`, which lie inside the object; all of them.

        Of the newest object under the key, or of the pinned content. Raises Gone where that is
        not there.
        """
        if begin >= end:
            return b""

        def call() -> bytes:
            # By its ETag first: an emulator gives a version named by its id whole, range or not.
            if pinned is not None and pinned.etag:
                try:
                    return self._range(key, begin, end, IfMatch=f'"{pinned.etag}"')
                except AWS_ERRORS as error:
                    if not pinned.version or code_of(error) not in _OVERWRITTEN:
                        raise
            version = pinned.version if pinned is not None else ""
            return self._range(key, begin, end, **({"VersionId": version} if version else {}))

        return self._tried("GetObject", deadline, call)

    def _range(self, key: str, begin: int, end: int, **which: Any) -> bytes:
        answer = self.client.get_object(
            Bucket=self.bucket, Key=key, Range=f"bytes={begin}-{end - 1}", **which
        )
        content = _content(answer)
        if not answer.get("ContentRange"):
            content = content[begin:end]  # a server may answer with all there is (RFC 9110, 14.2)
        if len(content) != end - begin:
            raise Defect("An object is shorter than its load says.")
        return content

    def put(self, key: str, content: bytes, deadline: Deadline) -> None:
        """Stores an object; the same again is harmless."""
        self._tried(
            "PutObject",
            deadline,
            lambda: self.client.put_object(Bucket=self.bucket, Key=key, Body=content),
        )

    def begin_upload(self, key: str, deadline: Deadline) -> str:
        """Begins an object that is sent in parts; gives the upload's id."""
        answer: Any = self._tried(
            "CreateMultipartUpload",
            deadline,
            lambda: self.client.create_multipart_upload(Bucket=self.bucket, Key=key),
        )
        upload: str = answer["UploadId"]
        return upload

    def upload_part(
        self, key: str, upload: str, number: int, content: bytes, deadline: Deadline
    ) -> str:
        """Stores part `number`, from 1; all but the last have 5 MiB or more. Gives its ETag."""
        answer: Any = self._tried(
            "UploadPart",
            deadline,
            lambda: self.client.upload_part(
                Bucket=self.bucket, Key=key, UploadId=upload, PartNumber=number, Body=content
            ),
        )
        etag: str = answer["ETag"]
        return etag

    def end_upload(self, key: str, upload: str, etags: Sequence[str], deadline: Deadline) -> None:
        """Puts the parts together; if that was done before, nothing happens."""
        parts: Any = [{"PartNumber": n, "ETag": etag} for n, etag in enumerate(etags, 1)]

        def call() -> None:
            try:
                self.client.complete_multipart_upload(
                    Bucket=self.bucket,
                    Key=key,
                    UploadId=upload,
                    MultipartUpload={"Parts": parts},
                )
            except AWS_ERRORS as error:
                # Completed by a call whose answer was lost, or by another worker.
                if code_of(error) != "NoSuchUpload" or self.head(key, deadline) is None:
                    raise

        self._tried("CompleteMultipartUpload", deadline, call)

    def _unless_absent(
        self, operation: str, deadline: Deadline, call: Callable[[], _T]
    ) -> _T | None:
        def unless_absent() -> _T | None:
            try:
                return call()
            except AWS_ERRORS as error:
                if code_of(error) in _ABSENT:
                    return None
                raise

        return self._tried(operation, deadline, unless_absent)

    def _tried(self, operation: str, deadline: Deadline, call: Callable[[], _T]) -> _T:
        """Calls until it works; raises Retry when time is up, Defect when it never will."""
        return self.waiting.tried(
            operation,
            deadline,
            call,
            most=_MOST_TRIES,
            unless=lambda error: (
                Gone(f"{operation} found nothing.") if code_of(error) in _ABSENT else None
            ),
        )


def _content(answer: Any, most: int | None = None) -> bytes:
    """What an answer streams; a stream that breaks off is a connection that did."""
    try:
        with answer["Body"] as body:
            content: bytes = body.read(most)
            return content
    except IncompleteReadError as error:
        raise ResponseStreamingError(error=error) from None
