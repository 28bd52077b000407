"""Files through both functions of a load, over table and bucket as the template has them."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from dataclasses import replace
from typing import Any, Final

import pytest

from functions.shared.core.errors import Retry
from functions.shared.core.loads import Form, LoadState, Range, RangeState, ReportPart, Tally
from functions.shared.core.planning import Verdict
from functions.shared.core.registry import Senders
from functions.shared.runtime import file_split, range_sync
from functions.shared.runtime.loading import FILE_TRIES, Task
from functions.shared.runtime.logs import Narrator
from functions.shared.runtime.measures import Measure
from tests.builders import SENDER, agency_fields, body, event, lambda_context, period
from tests.fakes import Unhurried
from tests.faults import Call, Fault, died_after, died_before, lost
from tests.integration.functions.loading import LoadWorld, QuickWorld
from tests.integration.functions.stack import Aws
from tests.notices import load_of


def card(number: int, **changes: Any) -> str:
    key = f"{number:010d}"
    fields = {"phone": f"09{number:08d}"}
    document = event("insurance-card.updated", fields, key=key, id_=f"card-{number}")
    return body({**document, **changes})


def person(number: int) -> str:
    key = f"0011900{number:05d}"
    return body(event("person.updated", {"phone": "0912"}, key=key, id_=f"person-{number}"))


def a_file() -> tuple[bytes, dict[int, str]]:
    """A file with everything in it; and the refused lines by their number, with their reason."""
    lines = [card(number) for number in range(12)]
    lines[2] = "nonsense"
    lines[3] = ""
    lines[5:5] = [person(1), card(4), '{"type": "vn.lienthong.dossier.x.v1"}', "  \r"]
    lines.append(card(99, time="2027-01-01T00:00:00Z"))
    content = ("\ufeff" + "\r\n".join(lines[:6]) + "\r\n" + "\n".join(lines[6:])).encode()
    content += b'\n{"id": "\xff"}'
    refused = {
        3: "not-json",
        8: "not-cloudevent",
        len(lines): "time-in-future",
        len(lines) + 1: "not-json",
    }
    return content, refused


CONTENT, REFUSED = a_file()
OUTCOMES: Final = Counter(applied=11, quarantined=4)
TALLY: Final = Tally(applied=11, duplicate=1, quarantined=4)


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(range_sync, "MOST_LINES", 2)
    monkeypatch.setattr(range_sync, "READ", 150)


@pytest.fixture(autouse=True)
def _own_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "loading")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "LienThong")


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[Measure]:
    """What was counted of loads."""
    found: list[Measure] = []
    monkeypatch.setattr(Narrator, "tell_load", lambda _, __, measure: found.append(measure))
    return found


def assert_loaded(world: LoadWorld, told: dict[str, Any]) -> None:
    """The whole file is where it belongs, once, and the report says what is not."""
    load = world.found(told)
    assert (load.state, load.problems, load.stuck) == (LoadState.DONE, (), frozenset())
    assert world.outcomes() == OUTCOMES
    assert load.tally is not None
    assert load.tally.total == TALLY.total
    assert load.tally.quarantined == TALLY.quarantined
    assert load.lines == CONTENT.count(b"\n") + 1
    report = world.report(load)
    assert {line["line"]: line["reasons"][0]["code"] for line in report} == REFUSED
    assert [line["line"] for line in report] == sorted(REFUSED)
    assert {line["quarantine_id"] for line in report} == set(world.quarantine.kept)
    ranges = world.loads().ranges(load.load_id)
    assert len(ranges) == load.ranges == load.done
    assert {part.state for part in ranges} <= {RangeState.DONE}


class TestAFile:
    def test_ends_line_by_line_as_if_it_had_come_by_the_queues(self, aws: Aws) -> None:
        world = LoadWorld(aws)
        told = world.put("H26.12/a file.ndjson", CONTENT)
        world.notify(told)
        world.work()

        assert_loaded(world, told)
        load = world.found(told)
        assert load.tally == TALLY
        assert (load.form, load.sender, load.queue) == (Form.NDJSON, SENDER, "insurance")
        assert load.ranges is not None
        assert load.ranges > 5
        assert {entry.sender for entry in world.ledger.entries.values()} == {SENDER}

    def test_is_loaded_the_same_whatever_the_ranges_are(self, aws: Aws) -> None:
        for range_bytes in (61, 1000, 10**6):
            world = LoadWorld(aws, range_bytes)
            told = world.put("a", CONTENT)
            world.notify(told)
            world.work()
            assert_loaded(world, told)

    def test_dropped_twice_changes_nothing(self, aws: Aws) -> None:
        world = LoadWorld(aws)
        world.load("a", CONTENT)
        entries = dict(world.ledger.entries)

        again = world.load("a", CONTENT)

        assert again.tally == Tally(duplicate=12, quarantined=4)
        assert world.ledger.entries == entries
        assert world.outcomes() == OUTCOMES

    def test_notified_of_twice_is_one_load(self, aws: Aws) -> None:
        world = LoadWorld(aws)
        told = world.put("a", CONTENT)
        world.notify(told)
        tasks = list(world.tasks.sent)
        world.notify(told)
        assert world.tasks.sent == tasks
        world.work()
        world.notify(told)
        assert world.tasks.sent == []
        assert_loaded(world, told)

    def test_is_loaded_as_it_was_though_another_is_dropped_over_it(self, aws: Aws) -> None:
        world = LoadWorld(aws)
        told = world.put("a", CONTENT)
        world.put("a", b"something else")
        world.notify(told)
        world.work()
        assert_loaded(world, told)

    def test_without_a_line_is_done_at_once(self, aws: Aws) -> None:
        world = LoadWorld(aws)
        load = world.load("a", b"")
        assert (load.state, load.lines, load.ranges) == (LoadState.DONE, 0, 0)
        assert world.report(load) == []

    def test_that_is_not_to_be_loaded_fails_and_says_why(
        self, aws: Aws, counted: list[Measure]
    ) -> None:
        world = LoadWorld(aws)
        load = world.load("a", b'[{"specversion": "1.0"}]')
        assert load.state is LoadState.FAILED
        assert counted == [Measure.LOADS_FAILED]
        assert "JSON array" in load.problems[0]
        assert (world.tasks.sent, world.outcomes()["quarantined"]) == ([], 0)

    def test_that_was_taken_away_fails_and_says_so(self, aws: Aws, counted: list[Measure]) -> None:
        world = LoadWorld(aws)
        told = world.put("a", CONTENT)
        version = told["Records"][0]["s3"]["object"]["versionId"]
        aws.s3.delete_object(Bucket=world.bucket, Key="incoming/a", VersionId=version)
        world.notify(told)
        load = world.found(told)
        assert (load.state, counted) == (LoadState.FAILED, [Measure.LOADS_FAILED])
        assert "taken away" in load.problems[0]

    @pytest.mark.parametrize(("refused", "also"), [(0, []), (1, []), (2, [Measure.LOADS_REFUSED])])
    def test_of_which_more_than_a_twentieth_is_refused_is_counted_as_such(
        self, aws: Aws, counted: list[Measure], refused: int, also: list[Measure]
    ) -> None:
        lines = [*map(card, range(20)), *(f"nonsense {n}" for n in range(refused))]
        world = LoadWorld(aws, 10_000)
        world.load("a", "\n".join(lines).encode())
        assert counted == [Measure.LOADS_DONE, *also]

    def test_a_line_over_the_limit_is_refused_and_its_neighbours_are_not(
        self, aws: Aws, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(range_sync, "READ", 250_000)
        world = LoadWorld(aws, 300_000)
        long = card(2)[:-1] + ',"x":"' + "y" * 1_200_000 + '"}'
        load = world.load("a", "\n".join([card(1), long, card(3)]).encode())
        assert load.tally == Tally(applied=2, quarantined=1)
        (line,) = world.report(load)
        assert (line["line"], line["reasons"][0]["code"]) == (2, "too-large")
        (kept,) = world.quarantine.bodies()
        assert "the line has 12" in kept
        assert len(kept) == 1_048_576

    def test_bytes_that_are_no_text_can_be_got_back_from_quarantine(self, aws: Aws) -> None:
        world = LoadWorld(aws)
        world.load("a", card(1).encode() + b'\n{"id": "\xff\xed\xa0\x80"}\n')
        (kept,) = world.quarantine.bodies()
        assert kept.encode("utf-8", "surrogateescape") == b'{"id": "\xff\xed\xa0\x80"}'

    def test_by_someone_who_may_not_speak_for_the_agency_is_refused(self, aws: Aws) -> None:
        world = LoadWorld(aws, senders=Senders())
        load = world.load("a", f"{card(1)}\n{card(2)}".encode())
        assert load.tally == Tally(quarantined=2)
        assert {line["reasons"][0]["code"] for line in world.report(load)} == {
            "source-not-permitted"
        }

    @pytest.mark.parametrize(("who", "outcome"), [(SENDER, "applied"), ("AROA", "quarantined")])
    def test_states_agencies_only_from_a_sender_of_the_registry(
        self, aws: Aws, who: str, outcome: str
    ) -> None:
        world = LoadWorld(aws, senders=Senders(registry=frozenset({who})))
        fields = agency_fields(period("department", "dossier"))
        load = world.load("a", body(event("agency.registered", fields)).encode())
        assert load.tally == replace(Tally(), **{outcome: 1})


class TestAPackedFile:
    @pytest.mark.parametrize("members", [1, 3])
    def test_is_loaded_as_the_plain_one_is(self, aws: Aws, members: int) -> None:
        world = LoadWorld(aws)
        size = -(-len(CONTENT) // members)
        pieces = [CONTENT[at : at + size] for at in range(0, len(CONTENT), size)]
        told = world.put("a", b"".join(map(gzip.compress, pieces)))
        world.notify(told)
        world.work()
        assert_loaded(world, told)
        assert (world.found(told).packed, world.found(told).plain_size) == (True, len(CONTENT))

    @pytest.mark.usefixtures("_larger_batches")
    @pytest.mark.parametrize("cut", [1, 9, 40])
    def test_that_breaks_off_is_loaded_up_to_there_and_fails(
        self, aws: Aws, cut: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(file_split, "_UNPACKED", 200)
        world = LoadWorld(aws)
        content = "\n".join(map(card, range(40))).encode()
        packed = gzip.compress(content)[:-cut]
        load = world.load("a", packed)
        assert load.state is LoadState.FAILED
        assert "damaged or cut off" in load.problems[0]
        assert load.report is not None
        assert load.tally is not None
        assert load.tally.applied == len(world.ledger.entries) >= 10
        assert load.tally.quarantined == 0
        whole = world.load("a", gzip.compress(content))
        assert whole.state is LoadState.DONE
        assert len(world.ledger.entries) == 40

    def test_filled_up_with_zeros_is_whole(self, aws: Aws) -> None:
        world = LoadWorld(aws)
        told = world.put("a", gzip.compress(CONTENT) + bytes(512))
        world.notify(told)
        world.work()
        assert_loaded(world, told)

    def test_with_rubbish_after_it_fails_after_it_is_loaded(self, aws: Aws) -> None:
        world = LoadWorld(aws)
        load = world.load("a", gzip.compress(CONTENT) + b"rubbish")
        assert (load.state, load.tally) == (LoadState.FAILED, replace(TALLY, quarantined=3))

    def test_goes_on_where_the_last_run_stopped(
        self, aws: Aws, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(file_split, "_UNPACKED", 100)
        monkeypatch.setattr(file_split, "_READ", 50)

        class Hurried:
            """A context whose time is over after it was asked so often."""

            def __init__(self) -> None:
                self.left = 12

            def get_remaining_time_in_millis(self) -> int:
                self.left -= 1
                return 60_000 if self.left > 0 else 0

        world = LoadWorld(aws, context=Hurried)
        half = len(CONTENT) // 2
        told = world.put("a", gzip.compress(CONTENT[:half]) + gzip.compress(CONTENT[half:]))
        written: list[int] = []
        while not world.delivered(world.splitter, json.dumps(told), 1):
            assert len(written) < FILE_TRIES
            split = world.found(told).split
            written.append(split.told if split else 0)
        assert len(written) > 1
        assert written == sorted(set(written))
        assert world.tasks.asked_for[0] == file_split.SOON
        puts = Counter(c.request["Key"] for c in world.calls if c.operation == "put_object")
        assert set(puts.values()) == {1}
        world.context = lambda_context
        world.notify(told)
        world.work()
        assert_loaded(world, told)


MANIFEST: Final[dict[str, Any]] = {
    "format": "csv",
    "source": "/agencies/G24",
    "type": "vn.lienthong.insurance-card.updated.v1",
    "id": "row-{so}",
    "time": {"value": "2026-01-05T09:31:00+07:00"},
    "columns": {"so": {"field": "insurance_number"}, "dt": {"field": "phone"}},
}
ROWS: Final = (
    "\ufeffso,dt\r\n"
    "0123456701,0912345601\r\n"
    '0123456702,"0912345602"\r\n'
    "\r\n"
    "012,0912345603\r\n"
    '0123456704,"two\r\n'
    'lines"\r\n'
    "0123456705,0912345605,one too many\r\n"
    "0123456706,0912345606"
).encode()


class TestRows:
    def assert_loaded(self, world: LoadWorld, told: dict[str, Any]) -> None:
        load = world.found(told)
        assert (load.state, load.form, load.header) == (LoadState.DONE, Form.CSV, "so,dt")
        assert (load.tally, load.lines) == (Tally(applied=3, quarantined=4), 9)
        report = {line["line"]: line["reasons"][0] for line in world.report(load)}
        assert {number: reason["code"] for number, reason in report.items()} == {
            5: "invalid-data",
            6: "not-json",
            7: "not-json",
            8: "not-json",
        }
        assert "quotation marks" in report[6]["text"]
        shown = {key: item["phone"] for key, item in world.worlds["insurance"].contents().items()}
        assert shown == {
            "0123456701": "0912345601",
            "0123456702": "0912345602",
            "0123456706": "0912345606",
        }

    @pytest.mark.parametrize("range_bytes", [11, 30, 10_000])
    def test_become_the_events_that_the_manifest_says(self, aws: Aws, range_bytes: int) -> None:
        world = LoadWorld(aws, range_bytes)
        world.notify(world.put_manifest("a.csv", MANIFEST))
        told = world.put("a.csv", ROWS)
        world.notify(told)
        world.work()
        self.assert_loaded(world, told)

    def test_packed_as_well(self, aws: Aws) -> None:
        world = LoadWorld(aws, 40)
        world.put_manifest("a.csv.gz", MANIFEST)
        told = world.put("a.csv.gz", gzip.compress(ROWS))
        world.notify(told)
        world.work()
        self.assert_loaded(world, told)

    def test_wait_for_a_manifest_that_comes_later(self, aws: Aws) -> None:
        world = LoadWorld(aws)
        told = world.put("a.csv", ROWS)
        world.notify(told)
        assert world.found(told).state is LoadState.WAITING
        assert "manifest" in world.found(told).problems[0]
        assert world.tasks.sent == []
        world.notify(world.put_manifest("a.csv", MANIFEST))
        world.work()
        self.assert_loaded(world, told)

    def test_start_by_a_corrected_manifest(self, aws: Aws) -> None:
        world = LoadWorld(aws)
        world.put_manifest("a.csv", {**MANIFEST, "columns": {"so": {"field": "numbr"}}})
        told = world.put("a.csv", ROWS)
        world.notify(told)
        failed = world.found(told)
        assert failed.state is LoadState.FAILED
        assert any("numbr" in problem for problem in failed.problems)
        assert world.outcomes()["quarantined"] == 0
        world.notify(world.put_manifest("a.csv", MANIFEST))
        world.work()
        self.assert_loaded(world, told)

    def test_a_manifest_whose_file_is_not_there_yet_is_no_trouble(self, aws: Aws) -> None:
        world = LoadWorld(aws)
        world.notify(world.put_manifest("a.csv", MANIFEST))
        assert world.dead == []

    def test_a_manifest_that_comes_after_the_load_began_changes_nothing(self, aws: Aws) -> None:
        world = LoadWorld(aws)
        told = world.put("a", CONTENT)
        world.notify(told)
        world.notify(world.put_manifest("a", {"format": "ndjson", "queue": "registry"}))
        world.work()
        assert_loaded(world, told)


class TestNotifications:
    def test_others_than_of_dropped_files_are_let_be(self, aws: Aws) -> None:
        world = LoadWorld(aws)
        test = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": world.bucket}
        world.notify(test)
        world.notify(world.put("a folder/", b""))
        elsewhere = world.put("a", CONTENT)
        elsewhere["Records"][0]["s3"]["object"]["key"] = "parts/x"
        world.notify(elsewhere)
        assert world.dead == []
        assert list(world.loads().recent()) == []

    def test_of_another_bucket_are_never_believed(self, aws: Aws) -> None:
        world, other = LoadWorld(aws), LoadWorld(aws)
        told = other.put("a", CONTENT)
        world.notify(told)
        assert len(world.dead) == 1
        assert world.loads().found(load_of(told)) is None

    def test_that_fail_come_again_soon_and_then_later(self, aws: Aws) -> None:
        world = LoadWorld(aws)
        world.notify({"nonsense": True})
        assert world.tasks.asked_for == [10, 20, 40, 80, 160, 320, 640, 900, 900, 900]

    def test_without_a_principal_nobody_sent_it(self, aws: Aws) -> None:
        world = LoadWorld(aws)
        told = world.put("a", CONTENT)
        del told["Records"][0]["userIdentity"]
        world.notify(told)
        assert world.found(told).sender is None


# Whatever happens -------------------------------------------------------------------------------


def at(number: int, fault: Fault) -> Any:
    return lambda call: fault if call.number == number else None


@pytest.fixture
def _larger_batches(monkeypatch: pytest.MonkeyPatch, _small_batches: None) -> None:
    """So that a walk through every call does not walk through the same ones too often."""
    monkeypatch.setattr(range_sync, "MOST_LINES", 6)
    monkeypatch.setattr(range_sync, "READ", 2000)


def every_call(aws: Aws, content: bytes) -> int:
    world = LoadWorld(aws, 1800)
    world.notify(world.put("a", content))
    world.work()
    return len(world.calls)


def load_under(aws: Aws, content: bytes, number: int, fault: Fault) -> None:
    world = LoadWorld(aws, 1800, faults=at(number, fault))
    told = world.put("a", content)
    world.notify(told)
    world.work()
    assert world.dead == [], number
    assert_loaded(world, told)


@pytest.mark.usefixtures("_larger_batches")
def test_an_answer_that_is_lost_at_any_call_costs_nothing(aws: Aws) -> None:
    calls = every_call(aws, CONTENT)
    assert calls > 30
    for number in range(1, calls + 1):
        load_under(aws, CONTENT, number, lost())


PACKED: Final = gzip.compress(CONTENT[:500]) + gzip.compress(CONTENT[500:])


@pytest.mark.parametrize("content", [CONTENT, PACKED], ids=["plain", "packed"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_function_that_is_killed_at_any_call_costs_nothing(content: bytes, after: bool) -> None:
    whole = QuickWorld(500)
    whole.notify(whole.put("a", content))
    whole.work()
    assert whole.called > 70
    for number in range(1, whole.called + 1):
        world = QuickWorld(500, number, after=after)
        told = world.put("a", content)
        world.notify(told)
        world.work()
        assert world.called > number
        assert world.dead == []
        assert_loaded(world, told)


def test_workers_on_one_range_at_once_lose_nothing_and_count_nothing_twice(aws: Aws) -> None:
    world = LoadWorld(aws, 10_000)
    told = world.put("a", CONTENT)
    world.notify(told)
    (task,) = world.tasks.sent
    met: list[int] = []

    def another_comes(call: Call) -> Fault | None:
        if call.operation != "update_item" or len(met) == 3:
            return None
        met.append(call.number)

        def fault(_: Call, proceed: Any) -> Any:
            world.delivered(world.worker, task, 1)
            return proceed()

        return fault

    world.faults = another_comes
    world.work()
    assert met
    assert_loaded(world, told)


def test_ranges_that_end_together_end_the_load_once(aws: Aws) -> None:
    world = LoadWorld(aws)
    told = world.put("a", CONTENT)
    world.notify(told)
    *others, last = world.tasks.sent
    world.tasks.sent = others
    world.work()
    assert world.found(told).state is LoadState.LOADING

    def another_ends(call: Call) -> Fault | None:
        if call.operation != "put_object" or not call.request["Key"].endswith("refused.ndjson"):
            return None

        def fault(_: Call, proceed: Any) -> Any:
            world.faults = lambda _: None
            assert world.delivered(world.worker, last, 1)
            return proceed()

        return fault

    world.faults = another_ends
    world.deliver(last)
    assert world.dead == []
    assert_loaded(world, told)


def test_a_task_that_comes_again_after_the_end_does_nothing(aws: Aws) -> None:
    world = LoadWorld(aws)
    told = world.put("a", CONTENT)
    world.notify(told)
    tasks = list(world.tasks.sent)
    world.work()
    seen = {entry: kept.seen for entry, kept in world.quarantine.kept.items()}
    world.tasks.sent = [*tasks, Task(load_of(told)).body()]
    world.work()
    assert_loaded(world, told)
    assert {entry: kept.seen for entry, kept in world.quarantine.kept.items()} == seen


class Reluctant:
    """A pipeline that gives lines back, so many times each, before it takes them."""

    def __init__(self, pipeline: Any, times: int) -> None:
        self._pipeline = pipeline
        self.quarantine = pipeline.quarantine
        self._left: Counter[str] = Counter()
        self._times = times

    def run(self, messages: Any, deadline: Any) -> Any:
        for message in messages:
            self._left[message.id] += 1
        taken = [i for i, m in enumerate(messages) if self._left[m.id] > self._times]
        report = self._pipeline.run([messages[i] for i in taken], deadline)
        again = dict.fromkeys(range(len(messages)), Verdict.AGAIN)
        report.verdicts = again | {taken[i]: v for i, v in report.verdicts.items()}
        report.refused = {taken[i]: r for i, r in report.refused.items()}
        return report


def test_lines_that_come_again_are_tried_again_and_never_passed_over(aws: Aws) -> None:
    world = LoadWorld(aws)
    world.pipelines = {q: Reluctant(p, 3) for q, p in world.pipelines.items()}  # type: ignore[misc]
    told = world.put("a", CONTENT)
    world.notify(told)
    world.work()
    assert_loaded(world, told)
    assert world.found(told).tally == TALLY
    assert world.paused[:3] == [0.125, 0.25, 0.5]


class Ending:
    """A context with time for so many batches."""

    def __init__(self, asked: int) -> None:
        self._left = asked

    def get_remaining_time_in_millis(self) -> int:
        self._left -= 1
        return 60_000 if self._left > 0 else 0


def test_a_worker_without_time_hands_over_and_no_try_is_used_up(aws: Aws) -> None:
    world = LoadWorld(aws, 10_000, context=lambda: Ending(12))
    told = world.put("a", CONTENT)
    world.context = lambda_context
    world.notify(told)
    world.context = lambda: Ending(12)
    deliveries = 0
    while world.tasks.sent:
        deliveries += 1
        assert deliveries < 20
        assert world.delivered(world.worker, world.tasks.sent.pop(0), 1)
    assert deliveries > 2
    assert_loaded(world, told)
    assert world.found(told).tally == TALLY


def test_a_worker_begins_no_batch_for_which_its_time_will_not_do(aws: Aws) -> None:
    world = LoadWorld(aws, 10_000)
    left = [100_000]

    class Slow:
        """A pipeline that takes thirty seconds."""

        def __init__(self, pipeline: Any) -> None:
            self._pipeline = pipeline
            self.quarantine = pipeline.quarantine

        def run(self, messages: Any, deadline: Any) -> Any:
            left[0] -= 30_000
            assert left[0] > 0, "it was cut off"
            return self._pipeline.run(messages, deadline)

    class Left:
        def get_remaining_time_in_millis(self) -> int:
            return left[0]

    world.pipelines = {q: Slow(p) for q, p in world.pipelines.items()}  # type: ignore[misc]
    told = world.put("a", CONTENT)
    world.notify(told)
    world.context = Left
    deliveries = 0
    while world.tasks.sent:
        left[0] = 100_000
        deliveries += 1
        assert world.delivered(world.worker, world.tasks.sent.pop(0), 1)
    assert deliveries > 2
    assert_loaded(world, told)


class Broken:
    """A pipeline that a line stops, as a bug would."""

    def __init__(self, pipeline: Any, poison: str) -> None:
        self._pipeline = pipeline
        self.quarantine = pipeline.quarantine
        self.poison: str | None = poison

    def run(self, messages: Any, deadline: Any) -> Any:
        if any(self.poison is not None and self.poison in m.body for m in messages):
            raise ValueError("a bug")
        return self._pipeline.run(messages, deadline)


def test_a_range_that_was_given_up_on_shows_and_a_redrive_ends_it(aws: Aws) -> None:
    world = LoadWorld(aws, 10_000)
    broken = Broken(world.pipelines["insurance"], "card-7")
    world.pipelines["insurance"] = broken  # type: ignore[assignment]
    told = world.put("a", CONTENT)
    world.notify(told)
    world.work()

    (dead,) = world.dead
    stuck = world.found(told)
    assert (stuck.state, stuck.stuck) == (LoadState.STUCK, frozenset({0}))
    (part,) = world.loads().ranges(stuck.load_id)
    assert part.state is RangeState.STUCK
    at_line = CONTENT.split(b"\n")[part.lines]
    assert b"card-7" in at_line
    assert part.tally.total == part.lines - 2  # of which two are blank

    broken.poison = None
    world.dead = []
    world.deliver(dead)
    assert_loaded(world, told)
    assert world.found(told).tally == TALLY


def test_a_stuck_splitting_shows_and_is_taken_up(aws: Aws) -> None:
    world = LoadWorld(aws)
    told = world.put("a", CONTENT)
    failing = lambda call: (  # noqa: E731
        died_before if call.operation == "send_message" else None
    )
    world.faults = failing
    world.notify(told)
    assert len(world.dead) == 1
    assert (world.found(told).state, world.found(told).stuck) == (
        LoadState.STUCK,
        frozenset({-1}),
    )
    world.faults = lambda _: None
    world.notify(told)
    world.work()
    assert_loaded(world, told)


@pytest.mark.parametrize("operation", ["get_object", "update_item"])
def test_so_does_one_that_never_began(aws: Aws, operation: str) -> None:
    world = LoadWorld(aws)
    told = world.put("a", CONTENT)
    world.faults = lambda call: (
        died_before
        if call.operation == operation and "stuck" not in call.request.get("UpdateExpression", "")
        else None
    )
    world.notify(told)
    assert world.found(told).state is LoadState.STUCK
    world.faults = lambda _: None
    world.notify(told)
    world.work()
    assert_loaded(world, told)


def test_a_quarantine_that_takes_nothing_holds_the_range_where_it_is(aws: Aws) -> None:
    world = LoadWorld(aws, 10_000)

    class Full:
        def keep(self, *_: Any) -> None:
            raise Retry("busy")

        def resolve(self, *_: Any) -> frozenset[str]:
            return frozenset()

    world.pipelines = {
        queue: replace(pipeline, quarantine=Full()) for queue, pipeline in world.pipelines.items()
    }
    world.context = lambda: Ending(60)
    told = world.put("a", CONTENT)
    world.notify(told)
    world.work()
    (part,) = world.loads().ranges(load_of(told))
    assert part.lines == 2  # the third is the first that must go to quarantine
    assert len(world.dead) == 1
    assert world.found(told).state is LoadState.STUCK


@pytest.mark.parametrize("fault", [None, died_before, died_after])
def test_a_report_of_many_lines_is_sent_in_parts_and_goes_on_after_a_stop(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, fault: Fault | None
) -> None:
    monkeypatch.setattr(range_sync, "UPLOAD_PART", 5 << 20)  # the least that S3 takes
    world = LoadWorld(aws, 1000)
    told = world.put("a", CONTENT)
    world.notify(told)
    load, loads = world.found(told), world.loads()
    assert load.ranges is not None
    filler = "x" * 300_000
    for number in range(load.ranges):
        begin, end = number * 1000, min((number + 1) * 1000, len(CONTENT))
        before = loads.open_range(Range(load.load_id, number, begin, end, begin), Unhurried())
        reports = []
        for index in range(4):
            text = "".join(
                f'{{"line":{index * 10 + line},"byte":0,"text":"{filler}"}}\n'
                for line in (1, 2, 3, 4)
            )
            reports.append(ReportPart(f"reports/x/{number}/{index}", len(text)))
            world.objects().put(reports[-1].key, text.encode() + b"not committed", Unhurried())
        after = replace(before, lines=40, reports=tuple(reports), updated_at="2026")
        loads.complete(before, after, Unhurried())
    if fault is not None:
        world.faults = _at_uploads(fault)

    world.tasks.sent = [Task(load.load_id).body()]
    world.work()

    assert world.found(told).state is LoadState.DONE
    assert world.found(told).lines == 40 * load.ranges
    expected = [
        number * 40 + index * 10 + line
        for number in range(load.ranges)
        for index in range(4)
        for line in (1, 2, 3, 4)
    ]
    assert [line["line"] for line in world.report(world.found(told))] == expected
    assert sum(call.operation == "upload_part" for call in world.calls) >= 2


def _at_uploads(fault: Fault) -> Any:
    seen: list[int] = []

    def chosen(call: Call) -> Fault | None:
        if call.operation in ("upload_part", "complete_multipart_upload"):
            seen.append(call.number)
            return fault if len(seen) in (1, 3, 5) else None
        return None

    return chosen
