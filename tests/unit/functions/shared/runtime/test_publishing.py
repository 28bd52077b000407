"""Events over HTTP: examined by the pipeline's own code, queued as given, with whom they are of."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.shared.core.access import Caller, Role
from functions.shared.core.allowances import AllowanceSpent, Limits
from functions.shared.core.answers import BadRequest, NotPermitted
from functions.shared.core.errors import Retry
from functions.shared.core.registry import Agency
from functions.shared.ports import Deadline
from functions.shared.runtime.publishing import (
    BATCH,
    BINARY,
    MOST_EVENTS,
    STRUCTURED,
    PublishingService,
    Unsupported,
    Verdict,
    sent,
)
from tests.builders import SENT_AT, body, event, registry
from tests.fakes import FakeAgencies, Passed, Unhurried
from tests.fakes_api import FakeAccessLog
from tests.fakes_query import ERRAND, FakePolicies

CLIENT: Final = "client-1"
SYSTEM: Final = Caller(CLIENT, CLIENT, "G01", (), frozenset({Role.AGENCY_SYSTEM}), is_system=True)


class FakeRelay:
    """`Relay` in memory. It takes so many bodies, and then no more."""

    def __init__(self, most: int = 1000) -> None:
        self.most = most
        self.sent: list[tuple[str, str, str]] = []

    def send(self, queue: str, body: str, sender: str, deadline: Deadline) -> None:
        del deadline
        if len(self.sent) >= self.most:
            raise Retry("The queue does not answer.")
        self.sent.append((queue, body, sender))


def agencies(*senders: str) -> FakeAgencies:
    """The registry of tests, in which the senders speak for G01."""
    known = registry()
    old = known["G01"]
    return FakeAgencies({**known, "G01": Agency("G01", frozenset(senders), old.periods)})


@dataclass
class Desk:
    """A publishing service and what came of it."""

    policies: FakePolicies = field(default_factory=FakePolicies)
    log: FakeAccessLog = field(default_factory=FakeAccessLog)
    agencies: FakeAgencies = field(default_factory=lambda: agencies(CLIENT))
    relay: FakeRelay = field(default_factory=FakeRelay)

    def publish(self, *documents: Any, caller: Caller = SYSTEM) -> list[Verdict]:
        bodies = [one if isinstance(one, str) else body(one) for one in documents]
        service = PublishingService(
            self.policies, self.log, self.agencies, self.relay, lambda: SENT_AT
        )
        return service.publish(caller, ERRAND, bodies, Unhurried())


def told(verdicts: list[Verdict]) -> list[tuple[str, list[str]]]:
    return [(one.verdict, [reason.code for reason in one.reasons]) for one in verdicts]


def test_an_event_is_queued_as_it_was_given_with_whom_it_is_from() -> None:
    desk = Desk()
    text = json.dumps(event(), indent=3) + "\n"
    (verdict,) = desk.publish(text)
    assert desk.relay.sent == [("population", text, CLIENT)]
    assert verdict.as_json() == {
        "index": 0,
        "source": "/agencies/G01",
        "id": "e-1",
        "verdict": "queued",
        "reasons": [],
        "receipt": "/v1/events?source=%2Fagencies%2FG01&id=e-1",
    }


def test_each_event_goes_to_the_queue_of_its_kind() -> None:
    desk = Desk()
    card = event("insurance-card.updated", {"full_name": "An"}, source="/agencies/G01", id_="e-2")
    assert told(desk.publish(event(), card)) == [("queued", []), ("queued", [])]
    assert [queue for queue, _, _ in desk.relay.sent] == ["population", "insurance"]


@pytest.mark.parametrize(
    ("document", "reasons"),
    [
        ("{", ["not-json"]),
        ("[]", ["not-cloudevent"]),
        ('{"specversion": "1.0"}', ["not-cloudevent"]),
        (event("person.updated") | {"type": "vn.lienthong.person.born.v1"}, ["unknown-type"]),
        (event() | {"type": "vn.lienthong.person.updated.v9"}, ["unsupported-version"]),
        (event() | {"subject": "001190000018"}, ["subject-mismatch"]),
        (event(fields={"phone": "no"}), ["invalid-data"]),
        (event(time="2026-11-22T08:06:00Z"), ["time-in-future"]),
        (
            event(fields={"marital_status_code": "1"}, time="2001-01-01T00:00:00Z"),
            ["source-not-permitted"],
        ),
        (event(source="/agencies/H26"), ["source-not-permitted"]),
        (event(source="/agencies/H99"), ["source-not-permitted"]),
        (event("agency.changed", {"name": "x"}, key="G01"), ["source-not-permitted"]),
        (event("dossier.updated", source="/agencies/G01"), ["source-not-permitted"]),
        ('{"x": "' + "y" * 262_144 + '"}', ["too-large"]),
    ],
    ids=[
        "broken",
        "a list",
        "almost nothing",
        "an unknown type",
        "another version",
        "another subject",
        "a wrong field",
        "tomorrow",
        "before its time",
        "another agency",
        "an unknown agency",
        "the registry",
        "not its kind",
        "too large",
    ],
)
def test_what_the_pipeline_would_refuse_is_refused_at_once(
    document: Any, reasons: list[str]
) -> None:
    desk = Desk()
    ((verdict, codes),) = told(desk.publish(document))
    assert verdict == "refused"
    assert set(codes) == set(reasons)
    assert desk.relay.sent == []


def test_one_bad_event_of_a_batch_takes_no_other_with_it() -> None:
    desk = Desk()
    verdicts = desk.publish(event(id_="a"), "{", event(id_="b"))
    assert [(one.index, one.verdict) for one in verdicts] == [
        (0, "queued"),
        (1, "refused"),
        (2, "queued"),
    ]
    assert len(desk.relay.sent) == 2


def test_another_agencys_event_is_foreign_and_nothing_is_told_of_that_agency() -> None:
    desk = Desk()
    (known, unknown) = desk.publish(
        event(source="/agencies/H26"), event(source="/agencies/H99", fields={"phone": "x"})
    )
    assert known.foreign
    assert unknown.foreign
    assert known.reasons == unknown.reasons


def test_who_is_not_permitted_queues_nothing_and_is_noted() -> None:
    desk = Desk(policies=FakePolicies(lambda _: False))
    with pytest.raises(NotPermitted):
        desk.publish(event())
    assert desk.relay.sent == []
    (entry,) = desk.log.entries()
    assert (entry.subject, entry.action, entry.allowed) == (f"caller/{CLIENT}", "publish", False)


def test_a_request_is_taken_off_the_allowance_of_the_minute() -> None:
    desk = Desk(log=FakeAccessLog(Limits(day=1, minute=1)))
    with pytest.raises(AllowanceSpent):  # noqa: PT012 - a minute is counted in several places
        for _ in range(100):
            desk.publish(event())
    assert len(desk.relay.sent) < 100


def test_nothing_is_queued_where_the_request_cannot_be_counted() -> None:
    desk = Desk()
    desk.log.unwritable = Retry("The table does not answer.")
    with pytest.raises(Retry):
        desk.publish(event())
    assert desk.relay.sent == []


def test_a_client_that_the_registry_just_lost_is_refused_after_it_was_read_again() -> None:
    desk = Desk(agencies=agencies("another"))
    assert told(desk.publish(event())) == [("refused", ["source-not-permitted"])]
    assert desk.agencies.asked == [frozenset({"G01"})]
    assert desk.relay.sent == []


def test_what_the_queues_do_not_take_is_told_apart_from_what_they_took() -> None:
    desk = Desk(relay=FakeRelay(most=1))
    verdicts = desk.publish(event(id_="a"), event(id_="b"), "{")
    assert [one.verdict for one in verdicts] == ["queued", "not-queued", "refused"]
    assert verdicts[1].as_json()["receipt"] is None


def test_when_time_is_up_nothing_more_is_queued() -> None:
    desk = Desk()
    service = PublishingService(desk.policies, desk.log, desk.agencies, desk.relay, lambda: SENT_AT)
    (verdict,) = service.publish(SYSTEM, ERRAND, [body(event())], Passed())
    assert verdict.verdict == "not-queued"


@pytest.mark.parametrize("number", [0, MOST_EVENTS + 1])
def test_a_batch_has_1_to_100_events(number: int) -> None:
    desk = Desk()
    with pytest.raises(BadRequest):
        desk.publish(*[event(id_=str(n)) for n in range(number)])
    assert desk.relay.sent == []
    assert len(desk.publish(*[event(id_=str(n)) for n in range(MOST_EVENTS)])) == MOST_EVENTS


# How events come over HTTP -------------------------------------------------------------------


@pytest.mark.parametrize(
    "content_type", [STRUCTURED, "Application/CloudEvents+JSON; charset=UTF-8"]
)
def test_a_structured_event_is_the_body_to_the_byte(content_type: str) -> None:
    text = ' {"id": 1.50, "a": "\\u00e9", "a": NaN}\n'
    assert sent(content_type, {}, text.encode()).bodies == (text,)


def test_a_batch_is_taken_apart_to_the_byte() -> None:
    batch = ' [ {"a": 1.0} ,\n{"b": [1, {"c": "],["}], "b": 2}, 7 ]\r\n'
    assert sent(BATCH, {}, batch.encode()).bodies == (
        '{"a": 1.0}',
        '{"b": [1, {"c": "],["}], "b": 2}',
        "7",
    )
    assert sent(BATCH, {}, b"[ ]").bodies == ()


@pytest.mark.parametrize(
    "batch",
    ["", "{}", "[", "[1", "[1,", "[1,]", "[1 2]", "[1] x", '["]', "[[[", "[" * 99999, "[,1]"],
    ids=lambda text: text[:8],
)
def test_what_is_no_list_of_events_is_refused_whole(batch: str) -> None:
    with pytest.raises(BadRequest):
        sent(BATCH, {}, batch.encode())


@given(st.lists(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists)))
def test_any_list_is_taken_apart_into_its_elements(values: list[Any]) -> None:
    text = json.dumps(values, indent=1)
    bodies = sent(BATCH, {}, text.encode("utf-8", "surrogatepass")).bodies
    assert [json.loads(one) for one in bodies] == values


def binary(data: str = '{"personal_id": "001190000017"}', **attributes: str) -> Any:
    headers = {
        "ce-specversion": "1.0",
        "ce-id": "e-1",
        "ce-source": "/agencies/G01",
        "content-type": BINARY,
        **{f"ce-{name}": value for name, value in attributes.items()},
    }
    (text,) = sent(BINARY, headers, data.encode()).bodies
    return json.loads(text)


def test_in_binary_mode_the_attributes_are_headers_and_the_body_is_the_data() -> None:
    assert binary(traceparent="00-ab") == {
        "specversion": "1.0",
        "id": "e-1",
        "source": "/agencies/G01",
        "traceparent": "00-ab",
        "datacontenttype": BINARY,
        "data": {"personal_id": "001190000017"},
    }


@pytest.mark.parametrize(
    ("value", "attribute"),
    [
        ("plain", "plain"),
        ("Euro%20%E2%82%AC%20%F0%9F%98%80", "Euro € 😀"),
        ('"quoted \\"text\\" \\\\"', 'quoted "text" \\'),
        ("100%", "100%"),
        ("%2541", "%41"),
        ('"', '"'),
    ],
)
def test_headers_are_unquoted_and_decoded_once(value: str, attribute: str) -> None:
    assert binary(subject=value)["subject"] == attribute


def test_a_binary_event_may_have_no_data() -> None:
    assert "data" not in binary(data="")


@pytest.mark.parametrize("data", ["{", '1}, "x": {', "[1", "\ud800"])
def test_data_that_is_no_json_is_refused(data: str) -> None:
    with pytest.raises(BadRequest):
        sent(BINARY, {"ce-id": "1"}, data.encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize(
    "headers", [{"ce-data": "1"}, {"ce-datacontenttype": "x"}, {"ce-id": "%ff"}]
)
def test_a_header_that_is_no_attribute_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(BadRequest):
        sent(BINARY, headers, b"{}")


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "application/xml", BINARY, f"{STRUCTURED}; charset=latin1"]
)
def test_another_media_type_is_not_supported(content_type: str) -> None:
    with pytest.raises(Unsupported):
        sent(content_type, {}, b"{}")


def test_data_in_a_body_keeps_its_faults_for_the_examination() -> None:
    text = sent(BINARY, {"ce-id": "1"}, b'{"a": 1, "a": 2}').bodies[0]
    assert text.endswith('"data": {"a": 1, "a": 2}}')
