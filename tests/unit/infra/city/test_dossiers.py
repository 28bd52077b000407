"""Dossiers: moves, terms, agencies, and shares of what happens to them."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise

import pytest

from functions.shared.core.kinds import DOSSIER_MOVES
from infra.city.clock import OPENINGS
from infra.city.procedures import ON_OCCASION, PROCEDURES
from schemas.forms import PROCEDURE_CODE_PATTERN
from tests.unit.infra.city.telling import Document, told


def dossiers() -> list[tuple[str, Document]]:
    return list(told().of_kind("dossier"))


def stated(what: str) -> list[Document]:
    return [e for e in told().events() if e["type"] == f"vn.lienthong.dossier.{what}.v1"]


def test_there_are_forty_procedures_in_form() -> None:
    assert len(PROCEDURES) >= 40
    assert len({p.code for p in PROCEDURES}) == len(PROCEDURES)
    for procedure in PROCEDURES:
        assert re.fullmatch(PROCEDURE_CODE_PATTERN, procedure.code)
        assert procedure.term.value > 0
    assert {p.term.unit for p in PROCEDURES} == {"hours", "working-days", "days"}
    assert {p.level for p in PROCEDURES} == {"commune", "department", "ministry"}
    assert set(ON_OCCASION) == {"birth", "death", "marriage", "move"}


def test_dossiers_move_as_the_national_states_do() -> None:
    seen = set()
    for _, fields in dossiers():
        states = [step["status"] for step in fields["steps"]]
        for before, after in pairwise(states):
            assert after == before or after in DOSSIER_MOVES[before]
            seen.add(after)
    assert seen == {2, 3, 4, 5, 6, 7, 8, 9, 10}


def test_a_few_in_a_hundred_are_finished_late() -> None:
    finished = [f for _, f in dossiers() if "finished_at" in f and f["status"] in (9, 10)]
    late = sum(f["finished_at"] > f["due_at"] for f in finished) / len(finished)
    assert late == pytest.approx(0.045, abs=0.03)


def test_most_come_online_and_a_few_by_post() -> None:
    channels = Counter(fields["channel"] for _, fields in dossiers())
    assert channels["online"] > channels["in-person"] > channels["post"] > 0


def test_most_ratings_are_good() -> None:
    ratings = Counter(f["satisfaction"] for _, f in dossiers() if "satisfaction" in f)
    assert ratings[5] > ratings[4] > ratings[3]
    rated = sum(ratings.values()) / len(dossiers())
    assert rated == pytest.approx(0.22, abs=0.07)


def test_work_is_done_in_office_hours() -> None:
    for event in stated("progressed"):
        hour, minute = event["time"][11:16].split(":")
        since_midnight = (int(hour) * 60 + int(minute)) * 60_000_000
        assert any(begin <= since_midnight <= end for begin, end in OPENINGS)


def test_a_due_date_follows_the_receipt_of_each_accepted_dossier() -> None:
    for event in stated("accepted"):
        assert event["data"]["received_at"] < event["data"]["due_at"]


def test_supplements_and_pauses_put_the_due_date_off() -> None:
    dues: dict[str, str] = {}
    later = 0
    for event in told().events():
        due_at = event["data"].get("due_at")
        if event["type"].startswith("vn.lienthong.dossier.") and due_at:
            if event["subject"] in dues:
                assert due_at > dues[event["subject"]]
                later += 1
            dues[event["subject"]] = due_at
    assert later > 10


def test_dossiers_are_handed_over_to_the_agency_that_decides() -> None:
    handed = [f for _, f in dossiers() if f["handling_agency"] != f["receiving_agency"]]
    assert len(handed) > 0.2 * len(dossiers())
    assert any(len({step["source"] for step in f["steps"]}) > 1 for f in handed)


def test_what_a_district_had_open_at_its_end_goes_on_at_a_commune() -> None:
    inherited = [
        f
        for _, f in dossiers()
        if f["receiving_agency"].startswith("H26.4") and f["handling_agency"].startswith("H26.10")
    ]
    assert inherited
    for fields in inherited:
        for step in fields["steps"]:
            district = step["source"].startswith("/agencies/H26.4")
            assert district == (step["at"] < "2025-06-30T17:00:00")


def test_fees_are_paid_or_were_asked_for() -> None:
    fees = [f["fee"] for _, f in dossiers() if "fee" in f]
    paid = Counter(fee["paid"] for fee in fees)
    assert paid[True] > 10 * paid[False]
    assert all(fee["amount"] > 0 for fee in fees)
    assert all("paid_online" in fee for fee in fees if fee["paid"])


def test_codes_are_counted_by_agency_and_day() -> None:
    codes = [key for key, _ in dossiers()]
    assert any(code.startswith("000.00.") for code in codes)
    assert any(re.search("-2025[0-9]{4}-[0-9]{7}$", code) for code in codes)
    for code in codes:
        agency, _, counter = code.rsplit("-", 2)
        assert int(counter) == 1 or any(
            other.startswith(f"{agency}-") and int(other.rsplit("-", 1)[1]) == int(counter) - 1
            for other in codes
            if other != code
        )


def test_applicants_are_people_of_the_city_or_firms_that_do_not_exist() -> None:
    ids = {key for key, _ in told().of_kind("person")}
    kinds = Counter[str]()
    for _, fields in dossiers():
        applicant = fields["applicant"]
        kinds[applicant["kind"]] += 1
        assert applicant.get("personal_id") in {*ids, None}
        assert applicant.get("paper_number", "99").startswith("99")
    assert kinds["citizen"] > kinds["enterprise"] > kinds["household-business"] > 0


def test_some_are_refused_withdrawn_stopped_and_supplemented() -> None:
    for what in ("refused", "withdrawn", "stopped", "supplement-requested", "fee-requested"):
        assert stated(what), what
