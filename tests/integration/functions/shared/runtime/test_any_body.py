"""Any body whatever: no crash, no lost neighbour, each accounted for (`tests.fuzz` has the rest).

A failing body is kept in the corpus, which is replayed ever after.
"""

from __future__ import annotations

import json
import random
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.shared.core.kinds import KINDS, PERSON, Kind
from functions.shared.ports import Deadline, Quarantine, Refusal
from functions.shared.runtime.pipeline import Pipeline
from schemas.reasons import ReasonCode
from tests.builders import event, sqs_record
from tests.faults import Clock
from tests.fuzz.mutants import Mutants
from tests.fuzz.trials import (
    CORPUS,
    IN_A_BATCH,
    NEIGHBOURS,
    Run,
    Trial,
    corpus,
    judged,
    remember,
    replayed,
)
from tests.integration.functions.memory import in_memory
from tests.integration.functions.walk import DEAD_LETTERS, Ear, Site

BODIES: Final = 25_000
"""For each of the four queues."""


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_hundred_thousand_broken_bodies_are_accounted_for(kind: Kind) -> None:
    run = Run(kind, seed=random.getrandbits(32))
    run.go(BODIES)
    kept = {remember(kind, text).name: fault for text, fault in run.amiss}
    assert not kept, f"seed {run.seed}; the bodies are in {CORPUS.name}"
    assert run.ends.total() == BODIES
    # They are broken in every way: none of these is rare.
    never = {ReasonCode.RECORD_FULL, ReasonCode.GAVE_UP}
    assert {*run.ends} >= {*ReasonCode} - never | {"applied", "superseded", "duplicate"}


KEPT: Final = list(corpus())


@pytest.mark.parametrize(
    ("kind", "text"), [pytest.param(kind, text, id=name) for kind, name, text in KEPT]
)
def test_what_failed_once_does_not_fail_again(kind: Kind, text: str) -> None:
    assert replayed(kind, text) == []


# Whatever Hypothesis can think of ------------------------------------------------------------

_ANY_TEXT: Final = st.text(st.characters(codec=None), max_size=200)
_ANY_BYTES: Final = st.binary(max_size=200).map(lambda b: b.decode("utf-8", "surrogateescape"))
_ANY_JSON: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_ANY_TEXT, inner, max_size=4),
    max_leaves=12,
)


@st.composite
def _nearly_events(draw: st.DrawFn, kind: Kind) -> str:
    """An event of which some attributes or fields are anything."""
    document: dict[str, Any] = event(NEIGHBOURS[kind.name][0])
    names = [*document, *(field.name for field in kind.fields)]
    for name in draw(st.lists(st.sampled_from(names), min_size=1, max_size=3)):
        holder = document if name in document else document["data"]
        if isinstance(holder, dict):
            holder[name] = draw(_ANY_JSON)
    return json.dumps(document, ensure_ascii=draw(st.booleans()))


@settings(max_examples=3 * settings().max_examples)
@given(st.data(), st.sampled_from(list(KINDS.values())))
def test_bodies_that_hypothesis_makes_are_accounted_for(data: st.DataObject, kind: Kind) -> None:
    bodies = data.draw(
        st.lists(
            _ANY_TEXT | _ANY_BYTES | _ANY_JSON.map(json.dumps) | _nearly_events(kind), max_size=20
        )
    )
    assert Trial(kind).faults(bodies) == []


# The other functions and what they say -------------------------------------------------------


def test_dead_letters_of_any_body_are_kept_whole(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "any-dead-letter")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "LienThong")
    site = Site(in_memory(), PERSON)
    service = site.dead_letter(site.aws.dynamodb, site.aws.s3, Clock(float("inf")), Ear())
    mutants = Mutants(PERSON, random.getrandbits(32))
    bodies = [mutants.body() for _ in range(1_000)]
    for start in range(0, len(bodies), 100):
        records = [sqs_record(text, arn=DEAD_LETTERS) for text in bodies[start : start + 100]]
        assert service.handle({"Records": records}, Clock()) == {"batchItemFailures": []}
    assert site.bodies() == set(bodies)
    spoken = capsys.readouterr().out
    assert "Hoà Mẫu" not in spoken
    assert "001190000017" not in spoken


def test_a_function_speaks_of_any_body_without_saying_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "any-body")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "LienThong")
    site = Site(in_memory(), PERSON)
    service = site.sync(site.aws.dynamodb, site.aws.s3, Clock(float("inf")), Ear())
    mutants = Mutants(PERSON, random.getrandbits(32))
    for _ in range(20):
        records = [sqs_record(mutants.body()) for _ in range(IN_A_BATCH)]
        assert service.handle({"Records": records}, Clock()) == {"batchItemFailures": []}
    spoken = capsys.readouterr().out
    assert "Hoà Mẫu" not in spoken
    assert "001190000017" not in spoken


# The trial itself ----------------------------------------------------------------------------


class Forgetful:
    """A quarantine that says it kept what it did not keep, where the body has a given text."""

    def __init__(self, real: Quarantine, text: str) -> None:
        self._real = real
        self._text = text

    def keep(self, refusals: Sequence[Refusal], deadline: Deadline) -> None:
        self._real.keep([r for r in refusals if self._text not in r.body], deadline)

    def resolve(
        self, ids: Collection[str], at: str, why: str, deadline: Deadline
    ) -> frozenset[str]:
        return self._real.resolve(ids, at, why, deadline)


class Breaking(Forgetful):
    """A quarantine that a bug stops at a body with a given text."""

    def keep(self, refusals: Sequence[Refusal], deadline: Deadline) -> None:
        if any(self._text in refusal.body for refusal in refusals):
            raise ZeroDivisionError
        super().keep(refusals, deadline)


def test_a_body_that_gets_lost_is_found() -> None:
    def bent(pipeline: Pipeline) -> Pipeline:
        return replace(pipeline, quarantine=Forgetful(pipeline.quarantine, "lose me"))

    assert Trial(PERSON, bent).faults(["nonsense", "please lose me"]) == [
        "It is not in quarantine."
    ]


def test_a_crash_is_found() -> None:
    def bent(pipeline: Pipeline) -> Pipeline:
        return replace(pipeline, quarantine=Breaking(pipeline.quarantine, "break"))

    with pytest.raises(ZeroDivisionError):
        Trial(PERSON, bent).faults(["nonsense", "break"])


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("{}", None),
        ('{"a": [1e999, 99999999999999999999, "\\ud800"]}', None),
        ("[]", "not-cloudevent"),
        ("1", "not-cloudevent"),
        ("", "not-json"),
        ('{"a": 1, "a": 1}', "not-json"),
        ('{"a": NaN}', "not-json"),
        ('{"a": "\ud800"}', "not-json"),
        ("[" * 32 + "]" * 32, "not-cloudevent"),
        ("[" * 33 + "]" * 33, "not-json"),
        ("é" * 131_073, "too-large"),
    ],
)
def test_what_is_json_is_known_here_too(text: str, verdict: str | None) -> None:
    assert judged(text) == verdict
