"""What a record shows that does not fit together, warning by warning."""

from __future__ import annotations

from typing import Any

import pytest

from functions.shared.core.kinds import DOSSIER_MOVES, KINDS
from functions.shared.core.lanes import Lane
from functions.shared.core.stamps import Stamp
from functions.shared.core.warnings import WARNINGS, warnings
from tests.builders import DOSSIER_CODE, INSURANCE_NUMBER, PERSON_ID


def person(key: str = PERSON_ID, **fields: Any) -> list[str]:
    return warnings(KINDS["person"], key, fields, {})


def card(**fields: Any) -> list[str]:
    return warnings(KINDS["insurance-card"], INSURANCE_NUMBER, fields, {})


def dossier(key: str = DOSSIER_CODE, **fields: Any) -> list[str]:
    return warnings(KINDS["dossier"], key, fields, {})


class TestPeople:
    def test_a_record_that_fits_together_has_none(self) -> None:
        assert (
            person(
                full_name="Nguyễn Thị Mẫu",
                date_of_birth="1990-02-03",
                sex="female",
                life={"status": "deceased", "deceased_on": "2025-01-01"},
                identity_card={"issued_on": "2024-01-01", "expires_on": "2034-01-01"},
                replaces=["001085000024"],
            )
            == []
        )

    @pytest.mark.parametrize(
        ("key", "birth", "fits"),
        [
            ("001090000001", "1990", True),
            ("001190000001", "1990-12", True),
            ("001290000001", "2090-01-01", True),
            ("001390000001", "2090", True),
            ("001990000001", "2390", True),
            ("001090000001", "2090", False),
            ("001290000001", "1990", False),
            ("001090000001", "1991-01-01", False),
        ],
    )
    def test_the_year_of_birth_is_in_the_personal_id(
        self, key: str, birth: str, fits: bool
    ) -> None:
        assert person(key, date_of_birth=birth) == ([] if fits else ["personal-id-year"])

    @pytest.mark.parametrize(
        ("key", "sex", "fits"),
        [
            ("001090000001", "male", True),
            ("001190000001", "female", True),
            ("001290000001", "male", True),
            ("001390000001", "female", True),
            ("001090000001", "female", False),
            ("001190000001", "male", False),
        ],
    )
    def test_the_sex_is_in_the_personal_id(self, key: str, sex: str, fits: bool) -> None:
        assert person(key, sex=sex) == ([] if fits else ["personal-id-sex"])

    @pytest.mark.parametrize(
        ("province", "known"), [("001", True), ("096", True), ("003", False), ("999", False)]
    )
    def test_the_province_of_birth_registration_is_known(self, province: str, known: bool) -> None:
        assert person(f"{province}190000017") == ([] if known else ["personal-id-province"])

    def test_nobody_replaces_themselves(self) -> None:
        assert person(replaces=[PERSON_ID, "001085000024"]) == ["replaces-itself"]

    @pytest.mark.parametrize("name", ["-", "N/A", "Không rõ", "KHÔNG CÓ", "x"])
    def test_a_placeholder_is_no_name(self, name: str) -> None:
        assert person(full_name=name) == ["placeholder:full_name"]

    @pytest.mark.parametrize("name", ["Xa", "Na Rì", "Không"])
    def test_a_name_that_only_looks_like_one_is_a_name(self, name: str) -> None:
        assert person(full_name=name) == []

    @pytest.mark.parametrize(
        ("birth", "died", "fits"),
        [
            ("1990-02-03", "1990-02-02", False),
            ("1990-02-03", "1990-02-03", True),
            ("1990-02", "1990-02-01", True),
            ("1990-02", "1990-01-31", False),
            ("1990", "1990-01-01", True),
            ("1990", "1989-12-31", False),
        ],
    )
    def test_nobody_dies_before_their_birth_as_far_as_it_is_known(
        self, birth: str, died: str, fits: bool
    ) -> None:
        found = person(date_of_birth=birth, life={"status": "deceased", "deceased_on": died})
        assert found == ([] if fits else ["deceased-before-birth"])

    @pytest.mark.parametrize("status", ["alive", "missing"])
    def test_a_day_of_death_is_that_of_a_deceased(self, status: str) -> None:
        life = {"status": status, "deceased_on": "2025-01-01"}
        assert person(life=life) == ["deceased-on-while-not-deceased"]

    def test_a_death_without_a_day_is_fine(self) -> None:
        assert person(life={"status": "deceased"}) == []

    @pytest.mark.parametrize(
        ("identity_card", "fits"),
        [
            ({"issued_on": "2024-01-02", "expires_on": "2024-01-02"}, True),
            ({"issued_on": "2024-01-02", "expires_on": "2024-01-01"}, False),
            ({"issued_on": "1990-02-02"}, False),
            ({"issued_on": "1990-02-03"}, True),
            ({"expires_on": "1980-01-01"}, True),
        ],
    )
    def test_an_identity_card_runs_forward_from_after_birth(
        self, identity_card: dict[str, str], fits: bool
    ) -> None:
        found = person(date_of_birth="1990-02-03", identity_card=identity_card)
        assert found == ([] if fits else ["identity-card-dates"])


class TestCards:
    NUMBER = f"GD401{INSURANCE_NUMBER}"

    def test_a_card_that_fits_together_has_none(self) -> None:
        parts = {"number": self.NUMBER, "group_code": "GD", "benefit_level": 4}
        assert card(card={**parts, "valid_from": "2026-01-01", "valid_to": "2026-12-31"}) == []
        assert card(card={"number": INSURANCE_NUMBER, "group_code": "DN"}) == []

    def test_the_number_ends_in_the_insurance_number(self) -> None:
        assert card(card={"number": "GD4010000000000"}) == ["card-number"]
        assert card(card={"number": "0000000000"}) == ["card-number"]

    def test_a_newborns_card_has_another_number(self) -> None:
        assert card(card={"number": "TE101KT00000001"}) == []

    def test_the_group_stated_is_the_one_in_the_number(self) -> None:
        assert card(card={"number": self.NUMBER, "group_code": "DN"}) == ["card-group"]

    def test_the_level_stated_is_the_one_in_the_number(self) -> None:
        assert card(card={"number": self.NUMBER, "benefit_level": 3}) == ["card-benefit-level"]
        assert card(card={"number": INSURANCE_NUMBER, "benefit_level": 3}) == []

    def test_an_unknown_group_is_kept_and_told(self) -> None:
        assert card(card={"number": f"QQ401{INSURANCE_NUMBER}"}) == ["unknown-group"]
        assert card(card={"number": INSURANCE_NUMBER, "group_code": "QQ"}) == ["unknown-group"]

    def test_validity_runs_forward(self) -> None:
        dates = {"valid_from": "2026-01-02", "valid_to": "2026-01-01"}
        assert card(card={"number": self.NUMBER, **dates}) == ["card-dates"]
        dates = {"valid_from": "2026-01-02", "valid_to": "2026-01-02"}
        assert card(card={"number": self.NUMBER, **dates}) == []

    def test_who_is_insured_fits_their_personal_id(self) -> None:
        assert card(personal_id=PERSON_ID, date_of_birth="1991", sex="male") == [
            "personal-id-sex",
            "personal-id-year",
        ]
        assert card(date_of_birth="1991", sex="male") == []

    def test_a_placeholder_is_no_name(self) -> None:
        assert card(full_name="Chưa rõ") == ["placeholder:full_name"]


EARLY, LATE = "2026-03-03T02:00:00.000000Z", "2026-03-04T02:00:00.000000Z"


class TestDossiers:
    def test_a_dossier_that_fits_together_has_none(self) -> None:
        steps = [{"id": str(s), "at": EARLY, "status": s} for s in (1, 2, 4, 4, 5, 4, 9, 10)]
        assert dossier(received_at=EARLY, due_at=LATE, finished_at=LATE, steps=steps) == []

    @pytest.mark.parametrize("number", ["000000001", "000000000000", "123456789"])
    def test_a_placeholder_in_place_of_an_identity(self, number: str) -> None:
        assert dossier(applicant={"kind": "citizen", "paper_number": number}) == [
            "placeholder-identity"
        ]
        assert dossier(applicant={"kind": "citizen", "personal_id": number}) == [
            "placeholder-identity"
        ]
        assert dossier(applicant={"kind": "citizen", "paper_number": f"{number}7"}) == []

    def test_a_placeholder_is_no_name(self) -> None:
        assert dossier(applicant={"kind": "other", "name": "N/A"}) == ["placeholder:applicant"]

    @pytest.mark.parametrize(
        ("code", "exists"),
        [
            ("H26.12-260303-0001", True),
            ("H26.12-20260229-0000001", True),  # leap years are not told apart
            ("000.12.00.H26-261231-0001", True),
            ("H26.12-260230-0001", False),
            ("H26.12-261301-0001", False),
            ("H26.12-260001-0001", False),
            ("H26.12-260100-0001", False),
            ("H26.12-260431-0001", False),
        ],
    )
    def test_the_date_in_the_code_is_a_day_of_the_year(self, code: str, exists: bool) -> None:
        assert dossier(code) == ([] if exists else ["dossier-code-date"])

    def test_a_finished_dossier_had_a_due_date(self) -> None:
        assert dossier(finished_at=LATE) == ["finished-without-due-date"]
        assert dossier(finished_at=LATE, due_at=EARLY) == [], "late is no contradiction"

    def test_a_due_date_is_not_before_the_day_of_receipt_in_vietnam(self) -> None:
        received = "2026-03-03T02:00:00.000000Z"
        same_day, day_before = "2026-03-02T17:00:00.000000Z", "2026-03-02T16:59:59.999999Z"
        assert dossier(received_at=received, due_at=same_day) == []
        assert dossier(received_at=received, due_at=day_before) == ["due-before-received"]
        assert dossier(submitted_at=received, due_at=day_before) == ["due-before-received"]

    def test_work_does_not_end_before_it_began(self) -> None:
        assert dossier(received_at=LATE, finished_at=EARLY, due_at=LATE) == [
            "finished-before-received"
        ]
        assert dossier(submitted_at=EARLY, received_at=EARLY, finished_at=EARLY, due_at=LATE) == []
        # The receipt decides, where it is known.
        assert dossier(submitted_at=LATE, received_at=EARLY, finished_at=EARLY, due_at=LATE) == []

    @pytest.mark.parametrize("before", range(1, 11))
    def test_an_unusual_move_is_told_and_staying_is_none(self, before: int) -> None:
        for after in range(1, 11):
            steps = [{"status": before}, {"note": "no status"}, {"status": after}]
            usual = before == after or after in DOSSIER_MOVES[before]
            assert dossier(steps=steps) == ([] if usual else [f"unusual-move:{before}-{after}"])

    def test_every_unusual_move_is_told_once(self) -> None:
        steps = [{"status": s} for s in (1, 9, 1, 9)]
        assert dossier(steps=steps) == ["unusual-move:1-9", "unusual-move:9-1"]


def test_disputed_fields_are_told_with_their_name() -> None:
    stamp = Stamp(EARLY, 0, "/agencies/G01", "e")
    newer = stamp._replace(time=LATE)
    lanes = {"phone": {10: Lane(newer, "1"), 30: Lane(stamp, "2")}}
    for kind, key in [("person", PERSON_ID), ("agency", "H26")]:
        assert warnings(KINDS[kind], key, {}, lanes) == ["disputed:phone"]


def test_warnings_are_sorted() -> None:
    found = person("003090000001", date_of_birth="1991", sex="female", full_name="-")
    assert found == sorted(found)
    assert len(found) == 4


def test_every_warning_is_explained() -> None:
    source = {
        *person("003090000001", date_of_birth="1991", sex="female", full_name="-"),
        *dossier("H26-269999-0001", finished_at=EARLY, steps=[{"status": 1}, {"status": 9}]),
        *card(
            card={"number": "QQ4010000000000", "valid_from": "2026-02-01", "valid_to": "2026-01-01"}
        ),
    }
    assert {text.partition(":")[0] for text in source} <= set(WARNINGS)
    assert all(text.endswith(".") for text in WARNINGS.values())
