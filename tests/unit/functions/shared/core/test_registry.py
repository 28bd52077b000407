"""Who may speak, for what, and when."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from functions.shared.core.events import Envelope
from functions.shared.core.kinds import AGENCY, DOSSIER, INSURANCE_CARD, PERSON
from functions.shared.core.registry import (
    Agency,
    Period,
    Senders,
    Standing,
    agency_from,
    agency_id,
    asks_the_registry,
    ranks_of,
    refused_fields,
    standing,
)
from tests.builders import ANYONE, SENDER, agency, agency_fields, period


def envelope(
    source: str = "/agencies/H26.12", time: str = "2026-03-03T02:00:00.000000Z"
) -> Envelope:
    return Envelope(source, "e", "t", "s", time, None, b"{}", f"{source}#e")


def stands(
    kind: str = "person",
    speaker: Agency | None = None,
    *,
    senders: Senders = ANYONE,
    sender: str | None = SENDER,
    said: Envelope | None = None,
) -> Standing:
    return standing(said or envelope(), kind, speaker, sender, senders)


def texts(found: Standing) -> list[str]:
    return [reason.text for reason in found.reasons]


class TestStanding:
    def test_an_agency_in_force_speaks_as_the_kind_of_its_period(self) -> None:
        assert stands(speaker=agency("justice", "person")) == Standing("justice", ())

    def test_an_unknown_agency_is_refused(self) -> None:
        found = stands(speaker=None)
        assert found.agency_kind is None
        assert [(r.code, r.path) for r in found.reasons] == [("source-not-permitted", "/source")]
        assert "does not know" in texts(found)[0]

    def test_an_agency_that_does_not_publish_this_kind_is_refused(self) -> None:
        found = stands(speaker=agency("justice", "insurance-card", "dossier"))
        assert found.agency_kind is None
        assert "does not publish" in texts(found)[0]

    @pytest.mark.parametrize(
        ("time", "kind"),
        [
            ("2019-12-31T16:59:59.999999Z", None),
            ("2019-12-31T17:00:00.000000Z", "justice"),
            ("2025-06-30T16:59:59.999999Z", "justice"),
            ("2025-06-30T17:00:00.000000Z", None),
            ("2025-07-01T16:59:59.999999Z", None),
            ("2025-07-01T17:00:00.000000Z", "population"),
            ("2999-01-01T00:00:00.000000Z", "population"),
        ],
    )
    def test_periods_are_days_in_vietnam_both_inclusive(self, time: str, kind: str | None) -> None:
        speaker = agency_from(
            "H26.12",
            agency_fields(
                period("population", "person", since="2025-07-02"),
                period("justice", "person", since="2020-01-01", until="2025-06-30"),
            ),
        )
        found = stands(speaker=speaker, said=envelope(time=time))
        assert found.agency_kind == kind
        assert (found.reasons == ()) is (kind is not None)
        if kind is None:
            assert "not in force" in texts(found)[0]

    def test_a_sender_of_the_agency_may_speak_for_it(self) -> None:
        speaker = agency("justice", "person", senders=["other", SENDER])
        assert stands(speaker=speaker, senders=Senders()).reasons == ()

    @pytest.mark.parametrize("sender", [None, "other", "", SENDER.lower()])
    def test_anyone_else_is_refused_and_the_agency_is_still_known(self, sender: str | None) -> None:
        speaker = agency("justice", "person", senders=[SENDER])
        found = stands(speaker=speaker, senders=Senders(), sender=sender)
        assert found.agency_kind == "justice", "so that refused fields can be named as well"
        assert [(r.code, r.path) for r in found.reasons] == [("source-not-permitted", "/source")]
        assert "principal" in texts(found)[0]

    def test_an_agency_without_senders_is_spoken_for_by_nobody(self) -> None:
        assert stands(speaker=agency("justice", "person"), senders=Senders(), sender=None).reasons
        assert stands(speaker=agency("justice", "person"), senders=Senders()).reasons

    def test_those_who_speak_for_the_registry_do_not_speak_for_agencies(self) -> None:
        senders = Senders(registry=frozenset({SENDER}), relays=frozenset({SENDER}))
        assert stands(speaker=agency("justice", "person"), senders=senders).reasons


class TestTheRegistryItself:
    SAID = envelope("/agencies/registry")

    def test_it_publishes_agencies_without_being_one(self) -> None:
        assert stands("agency", None, said=self.SAID) == Standing("registry", ())
        assert not asks_the_registry(self.SAID)
        assert asks_the_registry(envelope())

    @pytest.mark.parametrize("kind", ["person", "insurance-card", "dossier"])
    def test_it_publishes_nothing_else(self, kind: str) -> None:
        found = stands(kind, None, said=self.SAID)
        assert found.agency_kind is None
        assert "agencies only" in texts(found)[0]

    def test_nobody_else_publishes_agencies(self) -> None:
        found = stands("agency", agency("ministry", "agency"))
        assert found.agency_kind is None
        assert "Only /agencies/registry" in texts(found)[0]

    def test_only_its_senders_speak_for_it(self) -> None:
        senders = Senders(registry=frozenset({SENDER}))
        assert stands("agency", None, said=self.SAID, senders=senders).reasons == ()
        assert stands("agency", None, said=self.SAID, senders=senders, sender="x").reasons
        assert stands("agency", None, said=self.SAID, senders=senders, sender=None).reasons
        assert stands("agency", None, said=self.SAID, senders=Senders()).reasons


class TestPrincipals:
    RELAYED = Senders(relays=frozenset({"RELAY"}))

    @pytest.mark.parametrize(
        ("sender_id", "passed_on", "principal"),
        [
            ("AROA:session", None, "AROA"),
            ("AIDA", None, "AIDA"),
            ("AROA:a:b", None, "AROA"),
            (None, None, None),
            ("", None, None),
            (":session", None, None),
            ("RELAY:session", "AROA", "AROA"),
            ("RELAY:session", None, "RELAY"),
            ("RELAY:session", "", "RELAY"),
            ("AROA:session", "SOMEBODY", "AROA"),
            (None, "SOMEBODY", None),
        ],
    )
    def test_only_a_relay_may_pass_a_principal_on(
        self, sender_id: str | None, passed_on: str | None, principal: str | None
    ) -> None:
        assert self.RELAYED.principal(sender_id, passed_on) == principal

    def test_without_relays_nobody_passes_anyone_on(self) -> None:
        assert Senders(anyone=True).principal("A:s", "B") == "A"


class TestFields:
    def test_each_refused_field_is_named_once(self) -> None:
        named: Iterable[str] = (
            "full_name",
            "life",
            "phone",
            "replaces/001190000017",
            "replaces/001085000024",
            "annulment",
        )
        found = refused_fields(PERSON, "one-stop", named)
        assert [(r.code, r.path) for r in found] == [
            ("source-not-permitted", "/data/life"),
            ("source-not-permitted", "/data/replaces"),
            ("source-not-permitted", "/data/annulment"),
        ]

    def test_an_agency_whose_kind_is_not_known_is_refused_as_a_whole(self) -> None:
        assert refused_fields(PERSON, None, ["life"]) == []

    def test_others_may_state_nothing(self) -> None:
        for kind in (PERSON, INSURANCE_CARD, DOSSIER, AGENCY):
            names = [field.name for field in (*kind.fields, *kind.families)]
            assert len(refused_fields(kind, "other", names)) == len(names)

    def test_fields_have_the_rank_of_the_table(self) -> None:
        fields = ("full_name", "phone", "marital_status_code")
        assert ranks_of(PERSON, "justice", fields) == (20, 10, 30)

    def test_members_of_a_family_have_its_rank(self) -> None:
        assert ranks_of(PERSON, "population", ("replaces/1",)) == (30,)
        assert ranks_of(DOSSIER, "ministry", ("step//agencies/K02/1",)) == (10,)

    def test_there_are_none_where_one_field_is_refused(self) -> None:
        assert ranks_of(PERSON, "facility", ("full_name",)) is None
        assert ranks_of(PERSON, "justice", ("full_name", "replaces/1")) is None


class TestAgencies:
    def test_an_agency_is_what_its_record_shows(self) -> None:
        fields = {
            "name": "x",
            "senders": ["b", "a"],
            "periods": [
                {
                    "kind": "justice",
                    "publishes": ["person"],
                    "from": "2020-01-01",
                    "to": "2020-12-31",
                },
                {"kind": "other", "publishes": [], "from": "2021-01-01"},
            ],
        }
        assert agency_from("H26", fields) == Agency(
            "H26",
            frozenset({"a", "b"}),
            (
                Period("justice", frozenset({"person"}), "2020-01-01", "2020-12-31"),
                Period("other", frozenset(), "2021-01-01", None),
            ),
        )

    def test_an_agency_whose_fields_were_withdrawn_has_no_period(self) -> None:
        assert agency_from("H26", {}) == Agency("H26", frozenset(), ())
        assert agency_from("H26", {}).period_on("2026-01-01") is None

    def test_the_id_is_in_the_source(self) -> None:
        assert agency_id("/agencies/H26.12") == "H26.12"
