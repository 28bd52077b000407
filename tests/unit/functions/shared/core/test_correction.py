"""Rules, what they make of messages, and what would still be refused."""

from __future__ import annotations

import json
from datetime import date
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.shared.core.cases import Entry
from functions.shared.core.correction import (
    Corrected,
    Patch,
    Unfit,
    World,
    WrongRule,
    by_hand,
    by_patch,
    event_type_of,
    read_for,
    rule_of,
    still_refused,
)
from functions.shared.core.planning import KnownEvent
from functions.shared.core.quarantine import corrected_entry, quarantine_id
from functions.shared.core.registry import Senders
from tests.builders import SENDER, SENT_AT, body, entries_of, event, reading_of, registry

NOW: Final = SENT_AT
RENAME: Final = {"op": "move", "from": "/data/fullname", "path": "/data/full_name"}
SELECT: Final = {"queue": "population", "reason": "invalid-data"}
WRONG: Final = event(fields={"fullname": "Mẫu"}, id_="e-7")


def entry(text: str, event_id: str | None = "e-7") -> Entry:
    return Entry(
        quarantine_id("population", text), "population", "open", NOW, "…", event_id=event_id
    )


def mended(document: Any, *operations: dict[str, Any]) -> Corrected | Unfit:
    text = document if isinstance(document, str) else body(document)
    return by_patch(entry(text), text, Patch(list(operations)))


def well(made: Corrected | Unfit) -> Corrected:
    assert isinstance(made, Corrected), made
    return made


def code(made: Corrected | Unfit) -> str:
    assert isinstance(made, Unfit), made
    return made.code


def world(**changes: Any) -> World:
    known: dict[str, Any] = {
        "agencies": registry(),
        "events": {},
        "senders": Senders(anyone=True),
        "now": NOW,
    }
    return World(**{**known, **changes})


def faults(document: Any, **changes: Any) -> list[tuple[str, str]]:
    text = document if isinstance(document, str) else body(document)
    reading = read_for("population", text)
    reasons = still_refused(reading, "population", text, SENDER, world(**changes))
    return [(reason.code, reason.path) for reason in reasons]


# Corrections


def test_a_correction_is_a_new_event_that_names_the_one_it_corrects() -> None:
    made = well(mended(WRONG, RENAME))

    assert json.loads(made.body) == {
        **WRONG,
        "id": made.event_id,
        "correctionof": "e-7",
        "data": {"personal_id": WRONG["subject"], "full_name": "Mẫu"},
    }
    assert made.event_id.startswith(f"correction-{quarantine_id('population', body(WRONG))}-")
    assert faults(made.body) == []


def test_the_same_correction_of_the_same_entry_is_the_same_to_the_byte() -> None:
    assert mended(WRONG, RENAME) == mended(WRONG, RENAME)


def test_another_correction_of_the_same_entry_has_another_id() -> None:
    other = {"op": "remove", "path": "/data/fullname"}
    assert well(mended(WRONG, RENAME)).event_id != well(mended(WRONG, other)).event_id


def test_the_entry_can_be_told_from_the_id() -> None:
    made = well(mended(WRONG, RENAME))
    assert corrected_entry(made.event_id) == quarantine_id("population", body(WRONG))
    assert corrected_entry("correction-of-mine") is None
    assert corrected_entry("e-7") is None


def test_an_id_that_is_none_is_not_named_as_corrected() -> None:
    text = body({**WRONG, "id": "x" * 200, "correctionof": "an older one"})
    made = well(by_patch(entry(text, "x" * 200), text, Patch([RENAME])))
    assert "correctionof" not in json.loads(made.body)
    unreadable = well(by_patch(entry(text, None), text, Patch([RENAME])))
    assert "correctionof" not in json.loads(unreadable.body)


def test_a_patch_whose_test_does_not_hold_changes_nothing() -> None:
    test = {"op": "test", "path": "/source", "value": "/agencies/G03"}
    assert code(mended(WRONG, test, RENAME)) == "test-failed"


def test_a_test_tells_true_from_one() -> None:
    document = event(fields={"eid": {"level": 1}})
    test = {"op": "test", "path": "/data/eid/level", "value": True}
    assert code(mended(document, test, RENAME)) == "test-failed"


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": "/data/phone"},
        {"op": "replace", "path": "/data/none/of/it", "value": 1},
        {"op": "add", "path": "/subject/x", "value": 1},
        {"op": "move", "from": "/nowhere", "path": "/data/phone"},
    ],
)
def test_a_place_that_is_not_there_is_told(operation: dict[str, Any]) -> None:
    assert code(mended(WRONG, operation)) == "no-such-place"


def test_a_correction_that_changes_nothing_is_none() -> None:
    same = {"op": "replace", "path": "/data/fullname", "value": "Mẫu"}
    assert code(mended(WRONG, same)) == "unchanged"


@pytest.mark.parametrize(
    "text", ["", "{", "[" * 100_000, '{"a":1,"a":2}', '{"a":NaN}', "9" * 9_999]
)
def test_what_is_not_json_cannot_be_patched(text: str) -> None:
    assert code(mended(text, RENAME)) == "not-json"


@pytest.mark.parametrize("text", ["[]", "1", '"x"', "null"])
def test_what_is_no_object_cannot_be_patched(text: str) -> None:
    assert code(mended(text, RENAME)) == "not-an-object"


def test_a_number_that_json_cannot_write_is_not_sent() -> None:
    text = body(WRONG).replace('"Mẫu"', "1e999")
    assert code(mended(text, RENAME)) == "no-such-json"


def test_what_no_queue_takes_is_written_as_escapes() -> None:
    text = body(WRONG).replace("Mẫu", r"Mẫu \ud800 \uffff \u0001")
    made = well(mended(text, RENAME))
    assert json.loads(made.body)["data"]["full_name"] == "Mẫu \ud800 \uffff \x01"
    assert made.body.isascii()


def test_values_of_a_patch_are_not_shared_between_messages() -> None:
    patch = Patch(
        [
            {"op": "add", "path": "/data/life", "value": {"status": "alive"}},
            {"op": "copy", "from": "/subject", "path": "/data/life/of"},
        ]
    )
    made = []
    for key in ("001190000017", "001085000024"):
        text = body(event(key=key))
        made.append(json.loads(well(by_patch(entry(text), text, patch)).body)["data"]["life"]["of"])
    assert made == ["001190000017", "001085000024"]


def test_the_editors_text_becomes_the_event_however_it_is_laid_out() -> None:
    text = body(WRONG)
    right = {**WRONG, "data": {"personal_id": WRONG["subject"], "full_name": "Mẫu"}}
    made = well(by_hand(entry(text), text, json.dumps(right, indent=4)))
    assert json.loads(made.body) == {**right, "id": made.event_id, "correctionof": "e-7"}
    assert well(by_hand(entry(text), text, body(right))) == made


def test_another_layout_alone_is_no_correction() -> None:
    text = body(WRONG)
    assert code(by_hand(entry(text), text, json.dumps(WRONG, indent=4))) == "unchanged"


def test_the_editor_may_turn_what_is_no_json_into_an_event() -> None:
    broken = body(WRONG)[:-1]
    made = well(by_hand(entry(broken, None), broken, body(event())))
    assert "correctionof" not in json.loads(made.body)
    assert faults(made.body) == []


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_text_breaks_a_correction(text: str, left: str) -> None:
    for made in (by_patch(entry(text), text, Patch([RENAME])), by_hand(entry(text), text, left)):
        assert isinstance(made, (Corrected, Unfit))
    assert event_type_of(text) is None or text


# What would still be refused


def test_what_would_be_accepted_has_no_reasons() -> None:
    assert faults(event()) == []


def test_every_reason_is_foreseen_in_the_contracts_order() -> None:
    wrong = event(fields={"phone": "none", "identity_card": {"issued_on": "2020-01-01"}})
    wrong |= {"source": "/agencies/G03", "time": "2030-01-01T00:00:00Z"}
    assert faults(wrong) == [
        ("invalid-data", "/data/phone"),
        ("time-in-future", "/time"),
        ("source-not-permitted", "/data/identity_card"),
    ]


def test_an_agency_that_is_not_registered_is_foreseen() -> None:
    assert faults(event(), agencies={"G01": None}) == [("source-not-permitted", "/source")]


def test_a_sender_that_may_not_speak_is_foreseen() -> None:
    strict = Senders()
    assert faults(event(), senders=strict) == []
    assert faults(event(source="/agencies/G03"), senders=strict) == [
        ("source-not-permitted", "/source")
    ]


def test_an_event_that_the_ledger_holds_is_a_duplicate_and_passes() -> None:
    (known,) = entries_of(event())
    held = KnownEvent(known.event.digest, known.salt, known.entry_hash, known.outcome)
    uid = "/agencies/G01#e-1"
    assert faults(event(), events={uid: held}, agencies={}) == []
    other = event(fields={"phone": "0900000009"})
    assert faults(other, events={uid: held}) == [("id-reused", "/id")]


def test_what_cannot_be_read_is_refused_for_what_reading_says() -> None:
    assert faults("{") == [("not-json", "")]
    assert reading_of("{").envelope is None


def test_the_type_is_read_where_it_can_be() -> None:
    assert event_type_of(body(event("person.updated"))) == "vn.lienthong.person.updated.v1"
    for text in ("", "[]", "{}", '{"type": 1}'):
        assert event_type_of(text) is None


# Rules


def test_a_rule_selects_corrects_and_says_why() -> None:
    rule = rule_of(
        {
            "select": {
                "queue": "population",
                "reason": ["invalid-data", "not-cloudevent"],
                "error": "unknown-field",
                "path": "/data/fullname",
                "source": ["G01", "/agencies/G03"],
                "type": "person.updated",
                "since": date(2026, 11, 22),
                "until": "2h",
            },
            "patch": [RENAME],
            "why": " A field was misnamed. ",
        },
        "2026-11-22T08:00:00.000000Z",
    )

    assert rule.select.queues == {"population"}
    assert rule.select.reasons == {"invalid-data", "not-cloudevent"}
    assert rule.select.sources == {"/agencies/G01", "/agencies/G03"}
    assert rule.select.since == "2026-11-21T17:00:00.000000Z"
    assert rule.select.until == "2026-11-22T06:00:00.000000Z"
    assert rule.why == "A field was misnamed."


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        ([], "A rule is an object"),
        ({"patch": [RENAME]}, "`select` says which entries"),
        ({"select": {}, "patch": [RENAME]}, "`select` says which entries"),
        ({"select": SELECT}, "a list of one or more operations"),
        ({"select": SELECT, "patch": []}, "a list of one or more operations"),
        ({"select": SELECT, "patch": [RENAME], "then": 1}, "A rule has no `then`"),
        ({"select": SELECT, "patch": [RENAME], "why": " "}, "`why` is a text"),
        ({"select": {"queue": "people"}, "patch": [RENAME]}, "There is no queue people"),
        ({"select": {"reason": "wrong"}, "patch": [RENAME]}, "There is no reason wrong"),
        ({"select": {"path": "data"}, "patch": [RENAME]}, "no JSON Pointer"),
        ({"select": {"status": "open"}, "patch": [RENAME]}, "cannot be selected by `status`"),
        ({"select": {"queue": 1}, "patch": [RENAME]}, "a text or a list"),
        ({"select": {"since": "soon"}, "patch": [RENAME]}, "`select.since` is no time"),
        ({"select": {"since": "1h", "until": "2h"}, "patch": [RENAME]}, "ends before it begins"),
    ],
)
def test_a_wrong_rule_is_refused_with_a_sentence(rule: Any, sentence: str) -> None:
    with pytest.raises(WrongRule, match=sentence) as refused:
        rule_of(rule, NOW)
    assert str(refused.value).endswith(".")


@pytest.mark.parametrize(
    ("operation", "sentence"),
    [
        ("move", "Operation 2 of the patch is not an object"),
        ({"path": "/data/x"}, "Operation 2 of the patch has no known `op`"),
        ({"op": "upper", "path": "/data/x"}, "has no known `op`"),
        ({"op": "add", "path": "/data/x"}, "lacks `value`"),
        ({"op": "move", "path": "/data/x"}, "lacks `from`"),
        ({"op": "remove"}, "lacks `path`"),
        ({"op": "remove", "path": "data/x"}, "no JSON Pointer"),
        ({"op": "remove", "path": "/data/~2"}, "no JSON Pointer"),
        ({"op": "copy", "from": 1, "path": "/data/x"}, "no JSON Pointer"),
        ({"op": "replace", "path": "", "value": {}}, "replaces the event as a whole"),
        ({"op": "replace", "path": "/id", "value": "e-8"}, "touches /id"),
        ({"op": "move", "from": "/id", "path": "/data/x"}, "touches /id"),
        ({"op": "add", "path": "/correctionof", "value": "e-1"}, "touches /correctionof"),
    ],
)
def test_a_wrong_operation_is_refused_with_a_sentence(operation: Any, sentence: str) -> None:
    with pytest.raises(WrongRule, match=sentence) as refused:
        Patch([RENAME, operation])
    assert str(refused.value).endswith(".")


def test_a_patch_that_only_tests_is_refused() -> None:
    with pytest.raises(WrongRule, match="only tests and changes nothing"):
        Patch([{"op": "test", "path": "/source", "value": "/agencies/G01"}])


def test_a_patch_may_test_and_copy_the_id() -> None:
    made = well(
        mended(
            WRONG,
            {"op": "test", "path": "/id", "value": "e-7"},
            {"op": "copy", "from": "/id", "path": "/data/full_name"},
        )
    )
    assert json.loads(made.body)["data"]["full_name"] == "e-7"
