"""What `AccessLog` guarantees: the fake and the adapter pass one suite, and what goes wrong."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

import pytest
from botocore.exceptions import ClientError

from functions.shared.adapters.access_log import (
    MOST_TRIES,
    DynamoAccessLog,
    Places,
    entry_from_item,
    item_from_entry,
)
from functions.shared.core.access import (
    NO_HEAD,
    AccessEntry,
    Action,
    Caller,
    Errand,
    Head,
    LogQuestion,
    Look,
    Role,
    chain_faults,
    deferral_note,
)
from functions.shared.core.allowances import (
    SYSTEM_COUNTERS,
    SYSTEM_TIMES,
    AllowanceSpent,
    Limits,
    Standing,
    Window,
    counter_of,
    is_watched,
)
from functions.shared.core.errors import Defect, Retry
from functions.shared.ports import AccessLog
from tests.builders import PERSON_ID, RECORDED_AT, ticking
from tests.fakes import Passed, Unhurried
from tests.fakes_api import AMPLE, FakeAccessLog
from tests.faults import (
    Call,
    Fault,
    Faults,
    Faulty,
    Late,
    Proceed,
    always,
    answers,
    cancelled,
    cut,
    lost,
    meanwhile,
    on,
)
from tests.integration.functions.stack import WAITING, Aws, create_table

NOW: Final = Unhurried()
SUBJECT: Final = f"person/{PERSON_ID}"
OFFICER: Final = Caller(
    "officer-1",
    "lan.nguyen",
    "H26.12",
    ("H26",),
    frozenset({Role.ONE_STOP_OFFICER, Role.POPULATION_OFFICER}),
)
SYSTEM: Final = Caller(
    "client-1", "hospital", "01001", ("BHXH",), frozenset({Role.AGENCY_SYSTEM}), is_system=True
)
ERRAND: Final = Errand("dossier-handling", "000.00.01.H26-261126-0001", "request-1")
LOOK: Final = Look(
    SUBJECT,
    Action.READ,
    True,
    ("one-stop-reads-identity",),
    {SUBJECT: ("full_name", "date_of_birth"), "insurance-card/DN1": ("status",)},
    {SUBJECT: ("phone",)},
)
LONG_AGO: Final = "2020-01-01T00:00:00.000000Z"
FAR_AWAY: Final = "2099-01-01T00:00:00.000000Z"


def errand(request: str) -> Errand:
    return replace(ERRAND, request_id=request)


def at_person(number: int, action: Action = Action.READ) -> Look:
    return Look(f"person/{number:012d}", action, True, ("rule",), {}, {})


class Tables:
    """The three tables, and adapters over them."""

    def __init__(self, aws: Aws) -> None:
        self.client = aws.dynamodb
        self.places = Places(
            log=create_table(aws.dynamodb, "AccessLogTable"),
            heads=create_table(aws.dynamodb, "AccessHeadsTable"),
            allowances=create_table(aws.dynamodb, "AllowancesTable"),
        )

    def log(
        self,
        limits: Limits = AMPLE,
        now: Callable[[], str] | None = None,
        client: Any = None,
        suspected: Callable[[Caller], None] = lambda _: None,
    ) -> DynamoAccessLog:
        now = now or ticking()
        made = client or self.client
        return DynamoAccessLog(made, self.places, limits, b"k" * 32, WAITING, now, suspected)

    def chain(self, subject: str = SUBJECT) -> list[AccessEntry]:
        items: Any = self.client.query(
            TableName=self.places.log,
            KeyConditionExpression="subject=:s",
            ExpressionAttributeValues={":s": {"S": subject}},
        )["Items"]
        return [entry_from_item(item) for item in items]

    def items(self, table: str) -> list[Any]:
        found: list[Any] = self.client.scan(TableName=table)["Items"]
        return found

    def counted(self, name: str) -> list[int]:
        return [int(i[name]["N"]) for i in self.items(self.places.allowances) if name in i]

    def assert_is_a_chain(self, length: int, subject: str = SUBJECT) -> None:
        chain = self.chain(subject)
        head = self.log().heads([subject], NOW)[subject]
        assert (len(chain), chain_faults(chain, head)) == (length, [])


@pytest.fixture
def tables(aws: Aws) -> Tables:
    return Tables(aws)


Make = Callable[..., AccessLog]


@pytest.fixture(params=["table", "fake"])
def make(request: pytest.FixtureRequest) -> Make:
    """Makes logs that share what they write; the arguments are limits and a clock."""
    if request.param == "fake":
        return FakeAccessLog
    made: Make = request.getfixturevalue("tables").log
    return made


class TestNoting:
    def test_a_look_is_noted_whole(self, make: Make) -> None:
        log = make()
        (entry,) = log.note(OFFICER, ERRAND, [LOOK], {}, NOW)
        assert entry == log.entry(SUBJECT, 1, NOW)
        assert (entry.officer, entry.officer_name, entry.agency) == (
            "officer-1",
            "lan.nguyen",
            "H26.12",
        )
        assert entry.roles == ("one-stop-officer", "population-officer")
        assert (entry.seen, entry.masked) == (LOOK.seen, LOOK.masked)
        assert (entry.purpose, entry.case, entry.request_id) == ERRAND_AS_NOTED
        assert (entry.allowed, entry.rules, entry.note) == (True, LOOK.rules, None)

    def test_looks_at_one_subject_are_a_chain(self, make: Make) -> None:
        log = make()
        assert log.heads([SUBJECT], NOW) == {SUBJECT: NO_HEAD}
        for number in range(1, 4):
            heads = log.heads([SUBJECT], NOW)
            (entry,) = log.note(OFFICER, errand(str(number)), [LOOK], heads, NOW)
            assert (entry.number, entry.prev) == (number, heads[SUBJECT].entry_hash)
        newest = log.entry(SUBJECT, 3, NOW)
        assert newest is not None
        assert log.heads([SUBJECT], NOW)[SUBJECT] == Head(3, newest.entry_hash)

    def test_several_looks_of_a_request_follow_on_each_other(self, make: Make) -> None:
        log = make()
        other = at_person(7)
        noted = log.note(OFFICER, ERRAND, [LOOK, other, replace(LOOK, allowed=False)], {}, NOW)
        assert [(entry.subject, entry.number) for entry in noted] == [
            (SUBJECT, 1),
            (other.subject, 1),
            (SUBJECT, 2),
        ]
        assert noted[2].prev == noted[0].entry_hash
        assert not noted[2].allowed

    def test_heads_that_are_old_cost_a_try_and_no_entry(self, make: Make) -> None:
        log = make()
        old = log.heads([SUBJECT], NOW)
        log.note(OFFICER, errand("a"), [LOOK], old, NOW)
        (entry,) = log.note(OFFICER, errand("b"), [LOOK], old, NOW)
        assert entry.number == 2

    def test_a_request_without_a_look_is_counted_alone(self, make: Make) -> None:
        log = make(Limits(day=9, minute=1))
        assert log.note(OFFICER, ERRAND, [], {}, NOW) == []
        with pytest.raises(AllowanceSpent):
            log.note(OFFICER, ERRAND, [], {}, NOW)
        assert log.allowance(OFFICER, NOW).looks == 0

    def test_a_long_search_is_noted_in_its_order(self, make: Make) -> None:
        log = make()
        looks = [at_person(number, Action.SEARCH) for number in range(120)]
        noted = log.note(OFFICER, ERRAND, looks, {}, NOW)
        assert [entry.subject for entry in noted] == [look.subject for look in looks]
        assert log.allowance(OFFICER, NOW).looks == 12

    def test_there_is_no_entry_that_was_not_written(self, make: Make) -> None:
        assert make().entry(SUBJECT, 1, NOW) is None


def request_of_each_counter() -> list[str]:
    ids = {counter_of(SYSTEM, f"request-{number}"): f"request-{number}" for number in range(200)}
    assert len(ids) == SYSTEM_COUNTERS
    return list(ids.values())


ERRAND_AS_NOTED: Final = ("dossier-handling", ERRAND.case, "request-1")


class TestAllowances:
    def test_of_the_day_end_until_midnight_in_vietnam(self, make: Make) -> None:
        now = iter_clock("2026-11-26T16:00:00.000000Z")
        log = make(Limits(day=2, minute=99), now)
        for number in range(2):
            log.note(OFFICER, errand(str(number)), [LOOK], {}, NOW)
        assert log.allowance(OFFICER, NOW) == Standing(2, 2, 1, 1)
        with pytest.raises(AllowanceSpent) as raised:
            log.note(OFFICER, errand("x"), [LOOK], {}, NOW)
        assert (raised.value.window, raised.value.seconds) == (Window.DAY, 3600)
        log.note(replace(OFFICER, id="officer-2"), errand("y"), [LOOK], {}, NOW)

    def test_of_the_minute_end_until_the_next(self, make: Make) -> None:
        now = iter_clock("2026-11-26T16:00:45.000000Z")
        log = make(Limits(day=99, minute=1), now)
        log.note(OFFICER, errand("a"), [LOOK], {}, NOW)
        with pytest.raises(AllowanceSpent) as raised:
            log.note(OFFICER, errand("b"), [LOOK], {}, NOW)
        assert (raised.value.window, raised.value.seconds) == (Window.MINUTE, 15)
        assert log.allowance(OFFICER, NOW).looks == 1

    def test_are_not_taken_by_what_is_refused_for_them(self, make: Make) -> None:
        log = make(Limits(day=3, minute=99))
        with pytest.raises(AllowanceSpent):
            log.note(OFFICER, ERRAND, [at_person(n) for n in range(4)], {}, NOW)
        log.note(OFFICER, ERRAND, [at_person(n) for n in range(3)], {}, NOW)
        assert log.allowance(OFFICER, NOW).left == 0

    def test_of_a_system_have_no_day_and_a_larger_minute(self, make: Make) -> None:
        log = make(Limits(day=1, minute=1))
        # Each of a system's counters has its part of the minute.
        for _ in range(-(-SYSTEM_TIMES // SYSTEM_COUNTERS)):
            for request in request_of_each_counter():
                log.note(SYSTEM, errand(request), [LOOK], {}, NOW)
        with pytest.raises(AllowanceSpent) as raised:
            log.note(SYSTEM, errand("more"), [LOOK], {}, NOW)
        assert raised.value.window is Window.MINUTE
        assert log.allowance(SYSTEM, NOW) == Standing()

    def test_tell_many_people_and_few_cases(self, make: Make) -> None:
        log = make()
        for number in range(30):
            log.note(OFFICER, errand(str(number)), [at_person(number)], {}, NOW)
        standing = log.allowance(OFFICER, NOW)
        assert (standing.subjects, standing.cases, standing.is_suspect) == (30, 1, True)

    def test_do_not_count_the_people_of_a_purpose_without_a_case(self, make: Make) -> None:
        log = make()
        log.note(OFFICER, Errand("audit", None, "r"), [at_person(1)], {}, NOW)
        assert log.allowance(OFFICER, NOW) == Standing(1, AMPLE.day, 0, 0)


def stopped(log: AccessLog, caller: Caller, request: str, *looks: Look) -> None:
    with pytest.raises(AllowanceSpent):
        log.note(caller, errand(request), looks or [LOOK], {}, NOW)


class TestBeingStopped:
    @pytest.mark.parametrize(
        ("limits", "window"), [(Limits(1, 99), "day"), (Limits(99, 1), "minute")]
    )
    def test_leaves_one_entry_in_the_window(self, make: Make, limits: Limits, window: str) -> None:
        log = make(limits, iter_clock(RECORDED_AT))
        log.note(OFFICER, errand("a"), [LOOK], {}, NOW)
        for request in "bcd":
            stopped(log, OFFICER, request)
        chain = log.trace(SUBJECT, NOW, for_subject=False, cursor=None, limit=9).entries
        told = chain[0].entry
        assert [traced.entry.request_id for traced in chain] == ["b", "a"]
        assert (told.officer, told.purpose, told.case) == (OFFICER.id, ERRAND.purpose, ERRAND.case)
        assert (told.action, told.allowed, told.rules, told.seen) == ("read", False, (), {})
        assert told.masked == {SUBJECT: (), "insurance-card/DN1": ()}
        assert told.note == {"outcome": "allowance-spent", "window": window}
        assert chain_faults([chain[1].entry, told], log.heads([SUBJECT], NOW)[SUBJECT]) == []

    def test_leaves_another_one_in_the_next_window(self, make: Make) -> None:
        log = make(Limits(99, 1), ticking("2026-11-26T09:00:00.000000Z", 25))
        for request in "abcdefghij":
            with suppress(AllowanceSpent):
                log.note(OFFICER, errand(request), [LOOK], {}, NOW)
        chain = log.trace(SUBJECT, NOW, for_subject=False, cursor=None, limit=99).entries
        minutes = [traced.entry.looked_at[:16] for traced in chain if not traced.entry.allowed]
        assert len(minutes) == len(set(minutes)) > 1

    def test_leaves_one_of_each_caller(self, make: Make) -> None:
        log = make(Limits(1, 99), iter_clock(RECORDED_AT))
        for caller in (OFFICER, replace(OFFICER, id="officer-2")):
            log.note(caller, errand("a"), [LOOK], {}, NOW)
            stopped(log, caller, "b")
            stopped(log, caller, "c")
        assert log.heads([SUBJECT], NOW)[SUBJECT].number == 4

    def test_is_noted_of_the_one_who_asked_for_several(self, make: Make) -> None:
        log = make(Limits(day=3, minute=99))
        looks = [replace(at_person(n), masked={f"person/{n:012d}": ()}) for n in range(4)]
        stopped(log, OFFICER, "a", *looks)
        entry = log.entry(f"caller/{OFFICER.id}", 1, NOW)
        assert entry is not None
        assert list(entry.masked) == [look.subject for look in looks]
        assert log.heads([looks[0].subject], NOW) == {looks[0].subject: NO_HEAD}
        # What is marked before anything was looked at counts for nothing.
        assert log.allowance(OFFICER, NOW) == Standing(most=3)

    def test_is_noted_of_a_system_once_over_all_its_counters(self, make: Make) -> None:
        log = make(Limits(day=1, minute=1), iter_clock(RECORDED_AT))
        for _ in range(9):
            for request in request_of_each_counter():
                with suppress(AllowanceSpent):
                    log.note(SYSTEM, errand(request), [LOOK], {}, NOW)
        page = log.trace(SUBJECT, NOW, for_subject=False, cursor=None, limit=99)
        assert [traced.entry.allowed for traced in page.entries].count(False) == 1

    def test_is_not_noted_of_a_request_that_looks_at_nothing(self, make: Make) -> None:
        log = make(Limits(day=9, minute=1), iter_clock(RECORDED_AT))
        log.note(SYSTEM, ERRAND, [], {}, NOW)
        log.note(OFFICER, ERRAND, [], {}, NOW)
        with pytest.raises(AllowanceSpent):
            log.note(OFFICER, ERRAND, [], {}, NOW)
        question = LogQuestion(*AROUND_RECORDING, officer=OFFICER.id)
        assert log.found(question, NOW, cursor=None, limit=9).entries == ()

    def test_takes_nothing_off_an_allowance(self, make: Make) -> None:
        log = make(Limits(day=2, minute=99), iter_clock(RECORDED_AT))
        log.note(OFFICER, errand("a"), [LOOK], {}, NOW)
        stopped(log, OFFICER, "b", LOOK, at_person(1))
        log.note(OFFICER, errand("c"), [LOOK], {}, NOW)
        assert log.allowance(OFFICER, NOW).left == 0


def of_a_mark(fault: Fault) -> Faults:
    """The fault at every transaction that notes that somebody was stopped."""

    def chosen(call: Call) -> Fault | None:
        if call.operation != "transact_write_items":
            return None
        return fault if any("told" in str(action) for action in call.actions) else None

    return chosen


def once(faults: Faults) -> Faults:
    """The first of these faults alone."""
    left = [faults]

    def chosen(call: Call) -> Fault | None:
        fault = left[0](call) if left else None
        if fault is not None:
            left.clear()
        return fault

    return chosen


class TestWhatGoesWrongWhereSomebodyIsStopped:
    @pytest.fixture
    def spent(self, tables: Tables) -> Tables:
        tables.log(FEW).note(OFFICER, errand("first"), [LOOK], {}, NOW)
        return tables

    @pytest.mark.parametrize(
        "fault",
        [lost(), cut(), cancelled("TransactionConflict"), answers("ThrottlingException")],
        ids=["lost", "cut", "conflict", "throttled"],
    )
    def test_it_is_noted_once_whatever_is_heard_of_it(self, spent: Tables, fault: Fault) -> None:
        client = Faulty(spent.client, once(of_a_mark(fault)))
        stopped(spent.log(FEW, client=client), OFFICER, "a")
        stopped(spent.log(FEW), OFFICER, "b")
        spent.assert_is_a_chain(2)
        assert spent.chain()[1].request_id == "a"
        assert spent.counted("looks") == [1]

    def test_a_note_that_arrives_late_is_not_a_second_one(self, spent: Tables) -> None:
        late = Late(number=4, after=99)  # the heads, the looks, the mark, and its writing
        client = Faulty(spent.client, late)
        stopped(spent.log(FEW, client=client), OFFICER, "a")
        assert any("told" in str(action) for action in client.calls[3].actions)
        late.arrive()
        spent.assert_is_a_chain(2)

    def test_what_cannot_be_noted_is_said_so(self, spent: Tables) -> None:
        client = Faulty(spent.client, of_a_mark(cut()))
        with pytest.raises(Retry):
            spent.log(FEW, client=client).note(OFFICER, errand("a"), [LOOK], {}, NOW)
        spent.assert_is_a_chain(1)
        stopped(spent.log(FEW), OFFICER, "b")
        spent.assert_is_a_chain(2)

    def test_what_is_not_known_to_be_noted_is_said_so(self, spent: Tables) -> None:
        reads = iter([None, cut()])  # the heads are read, the mark is not

        def faults(call: Call) -> Fault | None:
            return next(reads, cut()) if call.operation == "batch_get_item" else None

        with pytest.raises(Retry):
            spent.log(FEW, client=Faulty(spent.client, faults)).note(
                OFFICER, errand("a"), [LOOK], {}, NOW
            )
        spent.assert_is_a_chain(1)

    def test_a_broken_stack_is_loud(self, spent: Tables) -> None:
        client = Faulty(spent.client, of_a_mark(answers("AccessDeniedException")))
        with pytest.raises(Defect):
            spent.log(FEW, client=client).note(OFFICER, errand("a"), [LOOK], {}, NOW)

    def test_the_second_of_two_at_once_leaves_none(self, spent: Tables) -> None:
        other = meanwhile(lambda: stopped(spent.log(FEW), OFFICER, "b"))
        client = Faulty(spent.client, once(of_a_mark(other)))
        stopped(spent.log(FEW, client=client), OFFICER, "a", at_person(7))
        spent.assert_is_a_chain(2)
        assert spent.chain(at_person(7).subject) == []
        assert client.operations().count("transact_write_items") == 2

    def test_nor_does_it_where_they_asked_for_the_same_person(self, spent: Tables) -> None:
        other = meanwhile(lambda: stopped(spent.log(FEW), OFFICER, "b"))
        client = Faulty(spent.client, once(of_a_mark(other)))
        stopped(spent.log(FEW, client=client), OFFICER, "a")
        spent.assert_is_a_chain(2)
        assert spent.chain()[1].request_id == "b"

    def test_somebody_else_may_look_at_the_person_first(self, spent: Tables) -> None:
        inspector = replace(OFFICER, id="officer-2")
        other = meanwhile(lambda: spent.log().note(inspector, errand("b"), [LOOK], {}, NOW))
        client = Faulty(spent.client, once(of_a_mark(other)))
        stopped(spent.log(FEW, client=client), OFFICER, "a")
        spent.assert_is_a_chain(3)
        assert spent.chain()[2].request_id == "a"

    def test_a_crowd_of_requests_leaves_one(self, spent: Tables) -> None:
        def ask(number: int) -> None:
            log = spent.log(FEW, client=OneAtATime(spent.client))
            for turn in range(3):
                stopped(log, OFFICER, f"{number}-{turn}", at_person(number))

        with ThreadPoolExecutor(6) as crowd:
            list(crowd.map(ask, range(6)))
        entries = [entry_from_item(item) for item in spent.items(spent.places.log)]
        assert [entry.allowed for entry in entries].count(False) == 1

    def test_later_ones_write_nothing(self, spent: Tables) -> None:
        stopped(spent.log(FEW), OFFICER, "a")
        client = Faulty(spent.client)
        stopped(spent.log(FEW, client=client), OFFICER, "b")
        assert client.operations() == ["batch_get_item", "transact_write_items", "batch_get_item"]

    def test_the_mark_is_on_the_allowance_that_was_used_up(self, spent: Tables) -> None:
        stopped(spent.log(FEW), OFFICER, "a")
        day, minute = sorted(
            spent.items(spent.places.allowances), key=lambda item: len(item["allowance"]["S"])
        )
        assert ("told" in day, "told" in minute) == (True, False)
        assert ("looks" in day, "requests" in minute) == (True, True)

    def test_what_is_noted_after_midnight_is_of_the_day_before(self, tables: Tables) -> None:
        tables.log(FEW, iter_clock("2026-11-26T16:59:00.000000Z")).note(
            OFFICER, errand("a"), [LOOK], {}, NOW
        )
        around_midnight = ticking("2026-11-26T16:59:59.900000Z", 0.2)
        stopped(tables.log(FEW, around_midnight), OFFICER, "b")
        log = tables.log(FEW, ticking("2026-11-26T17:00:01.000000Z"))
        log.note(OFFICER, errand("c"), [LOOK], {}, NOW)
        stopped(log, OFFICER, "d")
        assert [entry.request_id for entry in tables.chain()] == ["a", "b", "c", "d"]

    def test_a_mark_goes_with_its_window(self, tables: Tables) -> None:
        stopped(tables.log(Limits(day=1, minute=9)), OFFICER, "a", LOOK, at_person(1))
        (item,) = tables.items(tables.places.allowances)
        assert item.keys() == {"allowance", "told", "expires_at"}
        assert int(item["expires_at"]["N"]) > 0


FEW: Final = Limits(day=1, minute=99)


class TestATrace:
    def test_is_newest_first_in_pages(self, make: Make) -> None:
        log = make()
        for number in range(7):
            log.note(OFFICER, errand(str(number)), [LOOK], {}, NOW)
        numbers: list[list[int]] = []
        cursor = None
        while True:
            page = log.trace(SUBJECT, NOW, for_subject=True, cursor=cursor, limit=3)
            numbers.append([traced.entry.number for traced in page.entries])
            cursor = page.cursor
            if cursor is None:
                break
        assert numbers == [[7, 6, 5], [4, 3, 2], [1]]

    def test_of_nobody_is_empty(self, make: Make) -> None:
        page = make().trace(SUBJECT, NOW, for_subject=False, cursor=None, limit=9)
        assert (page.entries, page.cursor) == ((), None)

    @pytest.mark.parametrize("cursor", [0, -1, "1", True, [1]])
    def test_refuses_a_cursor_that_is_none(self, make: Make, cursor: Any) -> None:
        with pytest.raises(ValueError, match="cursor"):
            make().trace(SUBJECT, NOW, for_subject=False, cursor=cursor, limit=9)

    def test_hides_what_is_deferred_and_the_deferral_from_its_subject(self, make: Make) -> None:
        log = make()
        for number in range(3):
            log.note(OFFICER, errand(str(number)), [LOOK], {}, NOW)
        defer(log, 2, FAR_AWAY)
        told = log.trace(SUBJECT, NOW, for_subject=True, cursor=None, limit=9)
        assert [traced.entry.number for traced in told.entries] == [3, 1]
        assert {traced.hidden_until for traced in told.entries} == {None}
        whole = log.trace(SUBJECT, NOW, for_subject=False, cursor=None, limit=9)
        assert {t.entry.number: t.hidden_until for t in whole.entries} == {
            4: FAR_AWAY,
            3: None,
            2: FAR_AWAY,
            1: None,
        }

    def test_hides_it_on_a_later_page_as_well(self, make: Make) -> None:
        log = make()
        for number in range(4):
            log.note(OFFICER, errand(str(number)), [LOOK], {}, NOW)
        first = log.trace(SUBJECT, NOW, for_subject=True, cursor=None, limit=1)
        defer(log, 2, FAR_AWAY)
        rest = log.trace(SUBJECT, NOW, for_subject=True, cursor=first.cursor, limit=9)
        assert [traced.entry.number for traced in rest.entries] == [3, 1]

    def test_shows_everything_once_the_day_has_come(self, make: Make) -> None:
        log = make()
        log.note(OFFICER, errand("a"), [LOOK], {}, NOW)
        defer(log, 1, LONG_AGO)
        told = log.trace(SUBJECT, NOW, for_subject=True, cursor=None, limit=9)
        assert [(t.entry.number, t.hidden_until) for t in told.entries] == [(2, None), (1, None)]

    def test_a_later_deferral_replaces_an_earlier_one(self, make: Make) -> None:
        log = make()
        log.note(OFFICER, errand("a"), [LOOK], {}, NOW)
        defer(log, 1, LONG_AGO)
        defer(log, 1, FAR_AWAY)
        told = log.trace(SUBJECT, NOW, for_subject=True, cursor=None, limit=9)
        assert told.entries == ()
        defer(log, 1, LONG_AGO)
        told = log.trace(SUBJECT, NOW, for_subject=True, cursor=None, limit=9)
        assert [traced.entry.number for traced in told.entries] == [4, 3, 2, 1]

    def test_a_refused_deferral_hides_nothing(self, make: Make) -> None:
        log = make()
        log.note(OFFICER, errand("a"), [LOOK], {}, NOW)
        defer(log, 1, FAR_AWAY, allowed=False)
        told = log.trace(SUBJECT, NOW, for_subject=True, cursor=None, limit=9)
        assert [traced.entry.number for traced in told.entries] == [2, 1]


class TestTheWholeLog:
    def test_is_searched_by_officer_agency_and_purpose_together(self, make: Make) -> None:
        log = make(AMPLE, ticking("2026-11-25T23:00:00.000000Z", 3600))
        other = replace(OFFICER, id="officer-2", agency="H26.13")
        audit = Errand("audit", None, "z")
        for number in range(3):
            log.note(OFFICER, errand(f"a{number}"), [at_person(number)], {}, NOW)
            log.note(other, errand(f"b{number}"), [at_person(number)], {}, NOW)
        log.note(OFFICER, audit, [at_person(9)], {}, NOW)

        def asked(**names: str) -> list[str]:
            question = LogQuestion("2026-11-20T00:00:00.000000Z", FAR_OFF, **names)
            found: list[str] = []
            cursor = None
            while True:
                page = log.found(question, NOW, cursor=cursor, limit=2)
                assert len(page.entries) <= 2
                found += [traced.entry.request_id for traced in page.entries]
                if (cursor := page.cursor) is None:
                    return found

        assert asked(officer="officer-1") == ["z", "a2", "a1", "a0"]
        assert asked(agency="H26.13") == ["b2", "b1", "b0"]
        assert asked(purpose="dossier-handling") == ["b2", "a2", "b1", "a1", "b0", "a0"]
        assert asked(officer="officer-1", purpose="audit") == ["z"]
        assert asked(agency="H26.12", purpose="dossier-handling") == ["a2", "a1", "a0"]
        assert asked(agency="H26.12", officer="officer-2") == []

    def test_keeps_to_the_time_that_is_asked_for(self, make: Make) -> None:
        log = make(AMPLE, ticking("2026-11-26T09:00:00.000000Z", 0))
        log.note(OFFICER, errand("a"), [LOOK], {}, NOW)
        at = "2026-11-26T09:00:00.000000Z"
        after = LogQuestion(at, "2026-11-26T09:00:01.000000Z", officer=OFFICER.id)
        before = LogQuestion("2026-11-26T08:00:00.000000Z", at, officer=OFFICER.id)
        assert len(log.found(after, NOW, cursor=None, limit=9).entries) == 1
        assert len(log.found(before, NOW, cursor=None, limit=9).entries) == 0

    def test_says_until_when_an_entry_is_hidden(self, make: Make) -> None:
        log = make()
        log.note(OFFICER, errand("a"), [LOOK], {}, NOW)
        defer(log, 1, FAR_AWAY)
        question = LogQuestion(*AROUND_RECORDING, officer=OFFICER.id)
        page = log.found(question, NOW, cursor=None, limit=9)
        assert [traced.hidden_until for traced in page.entries] == [FAR_AWAY, FAR_AWAY]

    @pytest.mark.parametrize(
        ("question", "says"),
        [
            (LogQuestion("2026-11-20", "2026-11-26"), "names officer"),
            (LogQuestion(FAR_AWAY, LONG_AGO, officer="x"), "begins before"),
            (LogQuestion(LONG_AGO, FAR_AWAY, officer="x"), "at most 31 days"),
        ],
    )
    def test_refuses_a_question_too_wide(
        self, make: Make, question: LogQuestion, says: str
    ) -> None:
        with pytest.raises(ValueError, match=says):
            make().found(question, NOW, cursor=None, limit=9)

    @pytest.mark.parametrize("cursor", ["x", ["a", "b"], [1, "b", "c"], {"a": 1}])
    def test_refuses_a_cursor_that_is_none(self, make: Make, cursor: Any) -> None:
        question = LogQuestion(*AROUND_RECORDING, officer=OFFICER.id)
        with pytest.raises(ValueError, match="cursor"):
            make().found(question, NOW, cursor=cursor, limit=9)


FAR_OFF: Final = "2026-11-28T00:00:00.000000Z"
AROUND_RECORDING: Final = (f"{RECORDED_AT[:10]}T00:00:00.000000Z", f"{RECORDED_AT[:10]}T23:59:59Z")


def defer(log: AccessLog, number: int, until: str, *, allowed: bool = True) -> None:
    note = deferral_note(number, until, "An inquiry that was ordered.")
    look = Look(SUBJECT, Action.DEFER_DISCLOSURE, allowed, ("rule",), {}, {}, note)
    log.note(OFFICER, errand(f"defer-{number}"), [look], log.heads([SUBJECT], NOW), NOW)


def iter_clock(at: str) -> Callable[[], str]:
    """A clock that stands still."""
    return lambda: at


def half_read(call: Call, proceed: Proceed) -> Any:
    """The first half of the keys is read, at least one."""
    answer, later = proceed(), {}
    for table, wanted in call.request["RequestItems"].items():
        keys = wanted["Keys"]
        name = set(keys[0])
        read, unread = keys[: -(-len(keys) // 2)], keys[-(-len(keys) // 2) :]
        found = answer["Responses"][table]
        answer["Responses"][table] = [i for i in found if {n: i[n] for n in name} in read]
        if unread:
            later[table] = {**wanted, "Keys": unread}
    return {**answer, "UnprocessedKeys": later}


class OneAtATime:
    """A client whose calls never overlap: moto's tables bear one at a time."""

    _calling: Final = threading.Lock()

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        real = getattr(self._client, operation)

        def call(**request: Any) -> Any:
            with self._calling:
                return real(**request)

        return call


class TestWhatGoesWrong:
    @pytest.mark.parametrize(
        "fault",
        [lost(), cut(), cancelled("TransactionConflict"), answers("ThrottlingException")],
        ids=["lost", "cut", "conflict", "throttled"],
    )
    def test_a_look_is_written_once_whatever_is_heard_of_it(
        self, tables: Tables, fault: Any
    ) -> None:
        client = Faulty(tables.client, on("transact_write_items", fault))
        noted = tables.log(client=client).note(OFFICER, ERRAND, [LOOK, at_person(1)], {}, NOW)
        assert [noted[0]] == tables.chain()
        tables.assert_is_a_chain(1)
        tables.assert_is_a_chain(1, at_person(1).subject)
        assert tables.counted("requests") == [1]
        assert tables.counted("looks") == [2]

    def test_an_entry_that_others_built_upon_is_known_again(self, tables: Tables) -> None:
        def lost_and_overtaken(call: Any, proceed: Any) -> Any:
            proceed()
            tables.log().note(replace(OFFICER, id="other"), errand("other"), [LOOK], {}, NOW)
            return lost()(call, lambda: None)

        client = Faulty(tables.client, on("transact_write_items", lost_and_overtaken))
        (entry,) = tables.log(client=client).note(OFFICER, ERRAND, [LOOK], {}, NOW)
        assert (entry.number, entry.request_id) == (1, ERRAND.request_id)
        tables.assert_is_a_chain(2)

    @pytest.mark.parametrize("after", range(1, 5))
    def test_a_request_that_arrives_late_is_not_a_second_entry(
        self, tables: Tables, after: int
    ) -> None:
        number = 2  # the heads are read before
        late = Late(number, after)
        log = tables.log(client=Faulty(tables.client, late))
        log.note(OFFICER, ERRAND, [LOOK], {}, NOW)
        late.arrive()
        tables.assert_is_a_chain(1)

    def test_the_last_look_of_a_day_whose_answer_was_lost_is_served(self, tables: Tables) -> None:
        client = Faulty(tables.client, on("transact_write_items", lost()))
        log = tables.log(Limits(day=1, minute=1), iter_clock(RECORDED_AT), client)
        assert len(log.note(OFFICER, ERRAND, [LOOK], {}, NOW)) == 1
        with pytest.raises(AllowanceSpent):
            log.note(OFFICER, errand("next"), [LOOK], {}, NOW)
        tables.assert_is_a_chain(2)
        assert [entry.allowed for entry in tables.chain()] == [True, False]

    def test_what_cannot_be_written_is_said_so(self, tables: Tables) -> None:
        client = Faulty(tables.client, always("transact_write_items", cut()))
        with pytest.raises(Retry):
            tables.log(client=client).note(OFFICER, ERRAND, [LOOK], {}, NOW)
        assert client.operations().count("transact_write_items") == MOST_TRIES
        assert tables.chain() == []

    def test_nothing_is_tried_beyond_the_deadline(self, tables: Tables) -> None:
        client = Faulty(tables.client, always("transact_write_items", cut()))
        with pytest.raises(Retry):
            tables.log(client=client).note(OFFICER, ERRAND, [LOOK], {SUBJECT: NO_HEAD}, Passed())
        assert client.operations().count("transact_write_items") == 1

    @pytest.mark.parametrize(
        "fault",
        [
            answers("AccessDeniedException"),
            cancelled("ValidationError"),
            cancelled("AccessDenied", at=-1),
        ],
        ids=["denied", "invalid", "denied-in-part"],
    )
    def test_a_broken_stack_is_loud(self, tables: Tables, fault: Any) -> None:
        client = Faulty(tables.client, on("transact_write_items", fault))
        with pytest.raises(Defect):
            tables.log(client=client).note(OFFICER, ERRAND, [LOOK], {}, NOW)

    def test_a_search_that_breaks_off_releases_nothing(self, tables: Tables) -> None:
        faults = on("transact_write_items", None, *[cut()] * MOST_TRIES)
        log = tables.log(client=Faulty(tables.client, faults))
        looks = [at_person(number, Action.SEARCH) for number in range(60)]
        with pytest.raises(Retry):
            log.note(OFFICER, ERRAND, looks, {}, NOW)
        assert len(tables.items(tables.places.log)) == 49
        log.note(OFFICER, errand("again"), looks, {}, NOW)
        tables.assert_is_a_chain(2, looks[0].subject)
        tables.assert_is_a_chain(1, looks[-1].subject)

    def test_somebody_else_may_always_be_first(self, tables: Tables) -> None:
        other = tables.log()
        others = [
            meanwhile(lambda n=n: other.note(OFFICER, errand(f"other-{n}"), [LOOK], {}, NOW))  # type: ignore[misc]
            for n in range(MOST_TRIES - 1)
        ]
        client = Faulty(tables.client, on("transact_write_items", *others))
        (entry,) = tables.log(client=client).note(OFFICER, ERRAND, [LOOK], {}, NOW)
        assert entry.number == MOST_TRIES
        tables.assert_is_a_chain(MOST_TRIES)

    def test_a_crowd_at_one_person_never_forks_the_chain(self, tables: Tables) -> None:
        def look(number: int) -> int:
            log = tables.log(client=OneAtATime(tables.client))
            caller = replace(OFFICER, id=f"officer-{number}")
            served = 0
            for turn in range(3):
                try:
                    log.note(caller, errand(f"{number}-{turn}"), [LOOK], {}, NOW)
                    served += 1
                except Retry:
                    pass
            return served

        with ThreadPoolExecutor(6) as crowd:
            served = sum(crowd.map(look, range(6)))
        tables.assert_is_a_chain(served)
        assert len({entry.request_id for entry in tables.chain()}) == served

    def test_a_page_is_read_though_the_table_answers_for_few_keys(self, tables: Tables) -> None:
        tables.log().note(OFFICER, ERRAND, [at_person(n) for n in range(20)], {}, NOW)
        client = Faulty(tables.client, always("batch_get_item", half_read))
        question = LogQuestion(*AROUND_RECORDING, officer=OFFICER.id)
        page = tables.log(client=client).found(question, NOW, cursor=None, limit=30)
        assert len(page.entries) == 20


class TestWatching:
    def test_tells_of_a_caller_who_collects_people(self, tables: Tables) -> None:
        told: list[str] = []
        log = tables.log(suspected=lambda caller: told.append(caller.id))
        watched = [f"r{n}" for n in range(500) if is_watched(OFFICER, f"r{n}")]
        for number, request in enumerate(watched[:31]):
            log.note(OFFICER, errand(request), [at_person(number)], {}, NOW)
        assert told == [OFFICER.id] * 2

    def test_never_costs_the_answer(self, tables: Tables) -> None:
        (request, *_) = [f"r{n}" for n in range(500) if is_watched(OFFICER, f"r{n}")]
        client = Faulty(tables.client, always("batch_get_item", cut()))
        heads = {SUBJECT: NO_HEAD}
        assert tables.log(client=client).note(OFFICER, errand(request), [LOOK], heads, NOW)


class TestTheStoredForm:
    def test_gives_the_entry_again(self, tables: Tables) -> None:
        looks = [LOOK, replace(LOOK, note={"officer": "x"}, rules=())]
        for entry in tables.log().note(OFFICER, replace(ERRAND, case=None), looks, {}, NOW):
            assert entry_from_item(item_from_entry(entry)) == entry

    @pytest.mark.parametrize(
        "change",
        [
            {"fields": {"B": b"x"}},
            {"agency_day": {"S": "H26.13#2026-11-26"}},
            {"more": {"S": "x"}},
            {"allowed": {"S": "yes"}},
            {"roles": {"S": "auditor"}},
        ],
    )
    def test_refuses_what_it_did_not_write(self, tables: Tables, change: Mapping[str, Any]) -> None:
        (entry,) = tables.log().note(OFFICER, ERRAND, [LOOK], {}, NOW)
        with pytest.raises(ValueError, match="stored form"):
            entry_from_item({**item_from_entry(entry), **change})

    def test_of_an_entry_cannot_be_written_over(self, tables: Tables) -> None:
        (entry,) = tables.log().note(OFFICER, ERRAND, [LOOK], {}, NOW)
        client = Faulty(tables.client)
        tables.log(client=client).note(OFFICER, errand("b"), [LOOK], {}, NOW)
        put = client.calls[-1].actions[0]["Put"]
        with pytest.raises(ClientError, match="ConditionalCheckFailed"):
            tables.client.put_item(**{**put, "Item": item_from_entry(entry)})

    def test_counts_people_and_cases_by_hashes_alone(self, tables: Tables) -> None:
        tables.log().note(OFFICER, ERRAND, [LOOK], {}, NOW)
        (day,) = [item for item in tables.items(tables.places.allowances) if "looks" in item]
        assert [len(hash_) for hash_ in day["subjects"]["BS"] + day["cases"]["BS"]] == [6, 6]
        assert PERSON_ID not in str(day)
        assert int(day["expires_at"]["N"]) > 0
