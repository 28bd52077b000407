"""Bad messages: every class is refused for exactly the reasons that it is said to be."""

from __future__ import annotations

from collections import Counter

from functions.shared.core.intake import kind_of
from infra.city.bad import SPOILERS, WEIGHTS, rounds
from schemas.reasons import ReasonCode
from tests.unit.infra.city.telling import Told, told

NEVER_MADE = {"gave-up", "record-full"}
DIRT = "bad=0.12"


def spoiled() -> Told:
    return told(1200, DIRT)


def test_every_class_gets_its_reasons_from_the_service() -> None:
    city = spoiled()
    for line, document in city.bad.items():
        expected = [(reason["code"], reason["path"]) for reason in document["reasons"]]
        assert city.reasons(line) == expected, document["class"]


def test_every_class_is_there() -> None:
    assert {d["class"] for d in spoiled().truth["bad"]} == {s.name for s in SPOILERS}


def test_every_reason_but_two_comes_first_somewhere() -> None:
    first = {spoiler.reasons[0][0] for spoiler in SPOILERS}
    assert first == set(ReasonCode) - NEVER_MADE


def test_classes_have_names_of_their_own() -> None:
    assert max(Counter(spoiler.name for spoiler in SPOILERS).values()) == 1
    assert set(WEIGHTS) <= {spoiler.name for spoiler in SPOILERS}


def test_a_round_has_every_class_as_often_as_it_weighs() -> None:
    counts = Counter(spoiler.name for spoiler in rounds())
    assert counts == {s.name: WEIGHTS.get(s.name, 1) for s in SPOILERS}


def test_the_good_event_of_a_bad_one_arrives_too() -> None:
    city = spoiled()
    assert {document["good"] for document in city.truth["bad"]} <= city.ids


def test_bad_messages_have_ids_of_their_own_unless_that_is_what_is_wrong() -> None:
    for document in spoiled().truth["bad"]:
        reused = document["reasons"][0]["code"] == "id-reused"
        assert (document["id"] == document["good"]) is reused


def test_reused_ids_come_after_everything_else() -> None:
    city = spoiled()
    reused = [d["line"] for d in city.truth["bad"] if d["reasons"][0]["code"] == "id-reused"]
    assert min(reused) > len(city.messages) - len(reused)


def test_the_type_of_a_readable_message_leads_to_the_queue_that_it_is_said_to() -> None:
    queues = {"person": "population", "insurance-card": "insurance", "dossier": "dossier"}
    city = spoiled()
    for line, document in city.bad.items():
        kind = kind_of(city.messages[line - 1])
        assert kind is None or queues[kind] == document["queue"]


def test_no_bad_message_is_sent_twice() -> None:
    city = told(500, f"{DIRT},duplicates=0.3")
    bodies = Counter(city.messages[line - 1] for line in city.bad)
    assert max(bodies.values()) == 1
