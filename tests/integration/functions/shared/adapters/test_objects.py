"""The intake bucket: exactly the bytes that were asked for, of the content that is meant."""

from __future__ import annotations

from itertools import count
from typing import Any, Final

import pytest
from botocore.exceptions import IncompleteReadError

from functions.shared.adapters.objects import S3Objects
from functions.shared.adapters.outbox import SqsInbox, SqsOutbox
from functions.shared.core.errors import Defect, Retry
from functions.shared.core.loads import Pinned
from functions.shared.ports import Gone
from tests.fakes import FakeObjects, Passed, Unhurried
from tests.faults import Call, Faults, Faulty, always, answers, cut, lost, on
from tests.integration.functions.loading import Tasks
from tests.integration.functions.stack import WAITING, Aws

_numbers: Final = count(1)
NOW: Final = Unhurried()


class Intake:
    """A versioned bucket of its own."""

    def __init__(self, aws: Aws) -> None:
        self.s3 = aws.s3
        self.name = f"objects-{next(_numbers)}"
        self.s3.create_bucket(Bucket=self.name)
        self.s3.put_bucket_versioning(
            Bucket=self.name, VersioningConfiguration={"Status": "Enabled"}
        )

    def over(self, faults: Faults = lambda _: None) -> S3Objects:
        return S3Objects(Faulty(self.s3, faults), self.name, WAITING)  # type: ignore[arg-type]

    def drop(self, key: str, content: bytes) -> Pinned:
        stored = self.s3.put_object(Bucket=self.name, Key=key, Body=content)
        return Pinned(stored["VersionId"], stored["ETag"].strip('"'))


@pytest.fixture
def intake(aws: Aws) -> Intake:
    return Intake(aws)


CONTENT: Final = bytes(range(256)) * 4


class Fake:
    """The fake bucket, as `Intake` is the real one."""

    def __init__(self) -> None:
        self._objects = FakeObjects()

    def over(self) -> FakeObjects:
        return self._objects

    def drop(self, key: str, content: bytes) -> Pinned:
        return self._objects.drop(key, content)


@pytest.fixture(name="either", params=["bucket", "fake"])
def _either(request: pytest.FixtureRequest) -> Any:
    return Fake() if request.param == "fake" else request.getfixturevalue("intake")


class TestBoth:
    @pytest.mark.parametrize(("begin", "end"), [(0, 1), (0, 1024), (1023, 1024), (9, 9)])
    def test_give_the_bytes_of_a_range(self, either: Any, begin: int, end: int) -> None:
        pinned = either.drop("k", CONTENT)
        either.drop("k", b"another, however long it may be" * 40)
        assert either.over().read("k", begin, end, NOW, pinned) == CONTENT[begin:end]

    def test_are_defective_where_bytes_are_not_there(self, either: Any) -> None:
        pinned = either.drop("k", CONTENT)
        with pytest.raises(Defect):
            either.over().read("k", 1000, 1025, NOW, pinned)
        with pytest.raises(Gone):
            either.over().read("another", 1, 9, NOW)

    def test_tell_what_is_newest_and_what_is_not_there(self, either: Any) -> None:
        either.drop("k", b"older")
        newest = either.drop("k", CONTENT)
        assert either.over().head("k", NOW) == (newest.version, len(CONTENT))
        assert either.over().fetch("k", 10, NOW) == CONTENT[:10]
        assert either.over().head("nothing", NOW) is None
        assert either.over().fetch("nothing", 10, NOW) is None

    def test_store_whole_and_in_parts(self, either: Any) -> None:
        objects = either.over()
        objects.put("k", CONTENT, NOW)
        objects.put("k", CONTENT, NOW)
        assert objects.read("k", 0, 1024, NOW) == CONTENT
        upload = objects.begin_upload("large", NOW)
        parts = (b"x" * (5 << 20), b"rest")
        etags = [objects.upload_part("large", upload, n, p, NOW) for n, p in enumerate(parts, 1)]
        assert objects.head("large", NOW) is None
        objects.end_upload("large", upload, etags, NOW)
        assert objects.fetch("large", 6 << 20, NOW) == b"".join(parts)


class TestReading:
    @pytest.mark.parametrize(("begin", "end"), [(0, 1), (0, 1024), (1023, 1024), (100, 900)])
    def test_gives_the_bytes_of_a_range(self, intake: Intake, begin: int, end: int) -> None:
        pinned = intake.drop("k", CONTENT)
        assert intake.over().read("k", begin, end, NOW, pinned) == CONTENT[begin:end]
        assert intake.over().read("k", begin, end, NOW) == CONTENT[begin:end]

    def test_nothing_is_read_of_an_empty_range(self, intake: Intake) -> None:
        assert intake.over(always("get_object", answers("InternalError", 500))).read(
            "k", 5, 5, NOW
        ) == (b"")

    def test_of_a_pinned_content_whatever_came_after_it(self, intake: Intake) -> None:
        pinned = intake.drop("k", CONTENT)
        intake.drop("k", b"another")
        assert intake.over().read("k", 1, 9, NOW, pinned) == CONTENT[1:9]
        assert intake.over().read("k", 1, 4, NOW) == b"not"
        intake.s3.delete_object(Bucket=intake.name, Key="k")
        assert intake.over().read("k", 1, 9, NOW, pinned) == CONTENT[1:9]

    def test_of_what_is_gone_is_a_defect(self, intake: Intake) -> None:
        pinned = intake.drop("k", CONTENT)
        intake.s3.delete_object(Bucket=intake.name, Key="k", VersionId=pinned.version)
        with pytest.raises(Gone):
            intake.over().read("k", 1, 9, NOW, pinned)
        with pytest.raises(Gone):
            intake.over().read("another", 1, 9, NOW)

    def test_beyond_its_end_is_a_defect(self, intake: Intake) -> None:
        pinned = intake.drop("k", CONTENT)
        with pytest.raises(Defect):
            intake.over().read("k", 1000, 1025, NOW, pinned)

    def test_a_server_that_gives_all_there_is_gives_the_range_as_well(self, intake: Intake) -> None:
        intake.drop("k", CONTENT)

        def whole(call: Call, _: Any) -> Any:
            return intake.s3.get_object(Bucket=call.request["Bucket"], Key=call.request["Key"])

        read = intake.over(always("get_object", whole)).read("k", 100, 900, NOW)
        assert read == CONTENT[100:900]

    def test_a_stream_that_breaks_off_is_read_again(self, intake: Intake) -> None:
        intake.drop("k", CONTENT)

        class Broken:
            def __enter__(self) -> Broken:
                return self

            def __exit__(self, *_: object) -> None:
                pass

            def read(self, _: int | None = None) -> bytes:
                raise IncompleteReadError(actual_bytes=1, expected_bytes=8)

        def breaks(_: Call, proceed: Any) -> Any:
            return {**proceed(), "Body": Broken()}

        assert intake.over(on("get_object", breaks, cut())).read("k", 0, 8, NOW) == CONTENT[:8]

    def test_of_the_first_bytes_is_none_where_nothing_is(self, intake: Intake) -> None:
        intake.drop("k", CONTENT)
        assert intake.over().fetch("k", 10, NOW) == CONTENT[:10]
        assert intake.over().fetch("k", 10_000, NOW) == CONTENT
        assert intake.over().fetch("nothing", 10, NOW) is None

    def test_tells_the_newest_version_and_its_size(self, intake: Intake) -> None:
        intake.drop("k", b"older")
        newest = intake.drop("k", CONTENT)
        assert intake.over().head("k", NOW) == (newest.version, len(CONTENT))
        assert intake.over().head("nothing", NOW) is None


class TestWriting:
    def test_stores_the_whole_object_however_often(self, intake: Intake) -> None:
        objects = intake.over(on("put_object", lost(), cut()))
        objects.put("k", CONTENT, NOW)
        assert objects.fetch("k", 10_000, NOW) == CONTENT

    def test_in_parts_is_there_once_they_are_put_together(self, intake: Intake) -> None:
        objects = intake.over(on("complete_multipart_upload", lost()))
        upload = objects.begin_upload("k", NOW)
        large = b"x" * (5 << 20)
        etags = [
            objects.upload_part("k", upload, number, content, NOW)
            for number, content in ((1, large), (2, b"rest"))
        ]
        assert objects.head("k", NOW) is None
        objects.end_upload("k", upload, etags, NOW)
        assert objects.head("k", NOW) is not None
        assert objects.fetch("k", 6 << 20, NOW) == large + b"rest"


class TestTrouble:
    def test_that_lasts_ends_in_a_retry(self, intake: Intake) -> None:
        objects = intake.over(always("put_object", answers("SlowDown", 503)))
        with pytest.raises(Retry):
            objects.put("k", b"", Passed())

    def test_with_the_stack_is_a_defect(self, intake: Intake) -> None:
        objects = intake.over(always("get_object", answers("AccessDenied", 403)))
        with pytest.raises(Defect):
            objects.fetch("k", 1, NOW)


class TestQueues:
    def test_every_task_is_in_the_queue_some_perhaps_twice(self) -> None:
        tasks = Tasks()
        trouble = on("send_message", lost(), answers("RequestThrottled", 429), None, cut())
        outbox = SqsOutbox(Faulty(tasks, trouble), "q", WAITING)  # type: ignore[arg-type]
        outbox.send(["a", "b"], NOW)
        assert tasks.sent == ["a", "a", "b"]

    def test_a_queue_that_takes_nothing_is_a_retry(self) -> None:
        trouble = always("send_message", answers("InternalError", 500))
        outbox = SqsOutbox(Faulty(Tasks(), trouble), "q", WAITING)  # type: ignore[arg-type]
        with pytest.raises(Retry):
            outbox.send(["a"], NOW)

    def test_a_queue_that_is_not_there_is_a_defect(self) -> None:
        trouble = always("send_message", answers("AWS.SimpleQueueService.NonExistentQueue"))
        outbox = SqsOutbox(Faulty(Tasks(), trouble), "q", WAITING)  # type: ignore[arg-type]
        with pytest.raises(Defect):
            outbox.send(["a"], NOW)

    def test_asking_for_a_message_sooner_never_fails(self) -> None:
        tasks = Tasks()
        SqsInbox(tasks, "q").show_again("r", 7)  # type: ignore[arg-type]
        trouble = always("change_message_visibility", answers("ReceiptHandleIsInvalid"))
        SqsInbox(Faulty(tasks, trouble), "q").show_again("r", 8)  # type: ignore[arg-type]
        assert tasks.asked_for == [7]
