"""Agencies of every kind, which never contradict the reference registry."""

from __future__ import annotations

import json

import pytest

from infra.city.agencies import REFERENCE, TWO_TIERS, Agencies
from infra.city.places import AGENCY_OF_PROVINCE, province

HANOI = Agencies(province("01"))


def reference() -> dict[str, list[bytes]]:
    lines: dict[str, list[bytes]] = {}
    for line in REFERENCE.read_bytes().splitlines():
        lines.setdefault(json.loads(line)["subject"], []).append(line)
    return lines


@pytest.mark.parametrize("code", AGENCY_OF_PROVINCE)
def test_an_agency_of_the_reference_is_taken_byte_for_byte(code: str) -> None:
    ours: dict[str, list[bytes]] = {}
    for event in Agencies(province(code)).events:
        ours.setdefault(event.agency, []).append(event.line)
    for agency, lines in reference().items():
        assert ours.get(agency, lines) == lines


def test_there_are_agencies_of_every_kind() -> None:
    kinds = {p["kind"] for fields in HANOI.records.values() for p in fields["periods"]}
    assert kinds == {
        "population",
        "justice",
        "social-insurance",
        "one-stop",
        "department",
        "ministry",
        "facility",
        "other",
    }


def test_districts_end_where_communes_begin() -> None:
    commune = province("01").communes[0].code
    before = HANOI.office(commune, TWO_TIERS - 1)
    after = HANOI.office(commune, TWO_TIERS)
    assert before != after
    assert HANOI.period(before, TWO_TIERS - 1) is not None
    assert HANOI.period(before, TWO_TIERS) is None
    assert HANOI.period(after, TWO_TIERS - 1) is None
    assert HANOI.period(after, TWO_TIERS) is not None
    assert HANOI.records[after]["succeeds"] == [before]


def test_every_commune_has_an_office_of_its_own() -> None:
    offices = {HANOI.office(c.code, TWO_TIERS) for c in province("01").communes}
    assert len(offices) == 126


def test_an_unknown_agency_has_no_period() -> None:
    assert HANOI.period("H99.01", TWO_TIERS) is None


def test_the_provinces_are_the_thirty_four_of_today() -> None:
    communes = [c.code for code in AGENCY_OF_PROVINCE for c in province(code).communes]
    assert len(AGENCY_OF_PROVINCE) == 34
    assert len(communes) == len(set(communes)) == 3321
