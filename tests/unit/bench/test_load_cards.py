"""The load test's file: its truth, told from the numbers of its cards, is that of its lines."""

from __future__ import annotations

from collections import Counter

from functions.shared.core.kinds import INSURANCE_CARD
from functions.shared.core.reading import read
from tests.bench.load_cards import Fate, events_of, lines, number_of
from tests.bench.load_check import truth_of

CARDS = 1_250
LINES = list(lines(CARDS))
BY_TABLES = {"source-not-permitted", "time-in-future"}


def test_the_events_of_the_cards_are_those_of_the_lines() -> None:
    told = [id_ for card in range(CARDS) for id_ in events_of(card, CARDS)]
    taken = [line.event for line in LINES if line.fate is Fate.TAKEN]

    assert sorted(told) == sorted(taken)
    assert len(set(told)) == len(told)


def test_every_repeat_repeats_a_line_that_is_taken() -> None:
    taken = {line.event for line in LINES if line.fate is Fate.TAKEN}
    repeated = [line.event for line in LINES if line.fate is Fate.REPEATED]

    assert repeated
    assert set(repeated) <= taken


def test_what_is_refused_is_refused_for_the_reason_that_is_told() -> None:
    refused = [line for line in LINES if line.fate is Fate.REFUSED]

    assert {line.reason for line in refused} >= BY_TABLES | {"invalid-data", "not-json"}
    assert len({line.quarantine_id for line in refused}) == len(refused)
    for line in refused:
        codes = [reason.code for reason in read(line.text, INSURANCE_CARD).reasons]
        assert codes[:1] == ([] if line.reason in BY_TABLES else [line.reason])


def test_what_is_taken_can_be_read() -> None:
    for line in LINES:
        if line.fate is not Fate.REFUSED:
            event = read(line.text, INSURANCE_CARD).event
            assert event is not None
            assert (event.key, event.envelope.uid) == (number_of(line.card), line.uid)


def test_no_two_cards_have_a_number() -> None:
    assert len({number_of(card) for card in range(100_000)}) == 100_000


def test_the_counts_are_those_of_the_lines() -> None:
    truth = truth_of(iter(LINES))
    fates = Counter(line.fate for line in LINES)

    assert (truth.lines, truth.taken, truth.repeated, truth.all_refused) == (
        len(LINES),
        fates[Fate.TAKEN],
        fates[Fate.REPEATED],
        fates[Fate.REFUSED],
    )


def test_a_file_of_a_million_begins_as_a_shorter_one() -> None:
    longer = lines(1_000_000)

    assert [next(longer).text for _ in range(len(LINES))] == [line.text for line in LINES]
