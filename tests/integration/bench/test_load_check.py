"""The load test's comparison finds whatever is missing, more, or elsewhere than it should be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from infra.lienthong import context
from tests.bench.load_cards import Fate, lines, number_of
from tests.bench.load_check import Counts, Tables, compared, heads_of, verified
from tests.integration.infra.lienthong.harbour import BUCKET, Harbour
from tests.integration.infra.lienthong.town import Town

CARDS = 130


@pytest.fixture(name="town", scope="module")
def _town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A town in which the file is loaded; each test leaves it as it was."""
    with mock_aws(), pytest.MonkeyPatch.context() as patch:
        patch.setenv("POWERTOOLS_METRICS_NAMESPACE", "LienThong")
        patch.setenv("POWERTOOLS_SERVICE_NAME", "loading")
        patch.setenv("POWERTOOLS_LOG_LEVEL", "CRITICAL")
        town = Town(tmp_path_factory.mktemp("town"))
        harbour = Harbour(town, range_bytes=20_000)
        text = "\n".join(line.text for line in lines(CARDS)) + "\n"
        town.s3.put_object(Bucket=BUCKET, Key="incoming/cards.ndjson", Body=text.encode())
        harbour.load("cards.ndjson")
        yield town


def wrong(town: Town) -> list[str]:
    tables = Tables(context.read_outputs(town.outputs_file))
    return compared(tables, CARDS, Counts(0, 0, 0), lambda _: None).wrong


def test_a_load_that_is_whole_has_nothing_wrong(town: Town) -> None:
    tables = Tables(context.read_outputs(town.outputs_file))
    found = compared(tables, CARDS, Counts(0, 0, 0), lambda _: None)

    assert found.wrong == []
    assert found.cards == CARDS
    assert found.events == sum(line.fate is Fate.TAKEN for line in lines(CARDS))
    assert found.refused == sum(line.fate is Fate.REFUSED for line in lines(CARDS))
    assert heads_of(tables, CARDS, lambda _: None) == found.heads
    assert verified(tables, CARDS, CARDS, lambda _: None).wrong == []
    sample = verified(tables, CARDS, CARDS // 4, lambda _: None)
    assert sample.events >= sample.cards >= CARDS // 4


def test_every_kind_of_difference_is_found(town: Town) -> None:
    entry = town.entries("insurance-card", number_of(5))[0]
    town.remove_entry(entry)
    assert f"The ledger has no {entry['event_uid']['S']}." in wrong(town)
    town.put("LedgerTable", {**entry, "record_key": {"S": "insurance-card/0"}})
    assert f"The ledger has {entry['event_uid']['S']} at another record." in wrong(town)
    town.put("LedgerTable", entry)
    assert wrong(town) == []

    town.put("LedgerTable", {**entry, "event_uid": {"S": "more"}})
    assert any("ledger entries were added where" in text for text in wrong(town))
    town.remove_entry({"event_uid": {"S": "more"}})

    card = town.record("insurance-card", number_of(7))
    town.put("InsuranceCardsTable", {**card, "version": {"N": "2"}})
    assert f"Card {number_of(7)} has not as many entries as events." in wrong(town)
    town.put("InsuranceCardsTable", card)

    (bad,) = (line for line in lines(CARDS) if line.fate is Fate.REFUSED)
    key: Any = {"quarantine_id": {"S": bad.quarantine_id}}
    kept = town.dynamodb.get_item(TableName="QuarantineTable", Key=key)["Item"]
    town.dynamodb.delete_item(TableName="QuarantineTable", Key=key)
    assert "The quarantine has no entry of a bad line of card 57." in wrong(town)
    town.put("QuarantineTable", kept)
    assert wrong(town) == []


def test_a_changed_value_is_found_by_the_hashes_and_the_heads(town: Town) -> None:
    tables = Tables(context.read_outputs(town.outputs_file))
    before = heads_of(tables, CARDS, lambda _: None)
    card = town.record("insurance-card", number_of(3))
    town.put("InsuranceCardsTable", {**card, "full_name": {"S": "Ai đó"}})
    assert any(
        number_of(3) in text for text in verified(tables, CARDS, CARDS, lambda _: None).wrong
    )
    town.put("InsuranceCardsTable", {**card, "head": {"S": "0" * 64}})
    assert heads_of(tables, CARDS, lambda _: None) != before
    town.put("InsuranceCardsTable", card)
    assert heads_of(tables, CARDS, lambda _: None) == before
