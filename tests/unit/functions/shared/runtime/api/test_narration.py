"""What the API says of a request and of a caller: counts, codes and keyed hashes."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any, Final

import pytest

from functions.shared.core.access import Caller, Errand, Role
from functions.shared.runtime.api.narration import ApiNarrator
from functions.shared.runtime.measures import Measure

Said = Callable[[], list[dict[str, Any]]]
OFFICER: Final = Caller(
    "officer-of-the-town", "lan.nguyen", "H26.12", (), frozenset({Role.ONE_STOP_OFFICER})
)
CASE: Final = "000.00.01.H26-261126-0001"
_services: Final = count(1)


@pytest.fixture
def narrate(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[], ApiNarrator]:
    """Makes a narrator; in the test, because a logger keeps the stream that it finds."""
    del capsys
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", f"narrator-{next(_services)}")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "LienThong")
    return lambda: ApiNarrator("k" * 32)


def test_whoever_seems_to_collect_people_is_counted_and_known_by_a_hash(
    narrate: Callable[[], ApiNarrator], said: Said
) -> None:
    narrator = narrate()
    narrator.suspect(OFFICER)
    line, metric = said()
    assert line["caller"] == narrator.hashed(OFFICER.id)
    assert line["level"] == "WARNING"
    assert metric[Measure.ENUMERATION_SUSPECTED] == [1.0]
    assert OFFICER.id not in str((line, metric))
    assert OFFICER.name not in str((line, metric))


@pytest.mark.parametrize(
    ("code", "measure"),
    [
        ("not-permitted", Measure.ACCESS_REFUSED),
        ("allowance-spent", Measure.ALLOWANCE_SPENT),
        ("unavailable", Measure.ACCESS_LOG_UNWRITABLE),
    ],
)
def test_what_was_not_answered_is_counted_by_its_reason(
    narrate: Callable[[], ApiNarrator], said: Said, code: str, measure: Measure
) -> None:
    errand = Errand("dossier-handling", CASE, "request-1")
    narrator = narrate()
    narrator.tell(None, "request-1", 403, 7, code=code, caller=OFFICER, errand=errand)
    line, *metrics = said()
    assert (line["code"], line["purpose"]) == (code, "dossier-handling")
    assert any(measure in metric for metric in metrics)
    assert CASE not in str((line, metrics))
    assert OFFICER.id not in str((line, metrics))
