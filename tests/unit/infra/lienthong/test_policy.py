"""`lienthong policy` says which policy decides, and shows its text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from functions.shared.core.access import Action
from functions.shared.core.purposes import PURPOSES
from infra.lienthong.__main__ import main
from infra.lienthong.policy import Policy, policies_of, texts
from tests.unit.infra.policies.specification import TEXTS, cases

DOSSIER = ("--purpose", "dossier-handling", "--case", "H26.07-260102-0001")
PATIENT = ("--purpose", "medical-examination", "--case", "KB-2026-17")


def explain(capsys: pytest.CaptureFixture[str], *arguments: str, expected: int) -> tuple[str, str]:
    code = main(["policy", "explain", *arguments])
    said = capsys.readouterr()
    assert code == expected, said
    return said.out, said.err


def explained(capsys: pytest.CaptureFixture[str], *arguments: str, expected: int) -> dict[str, Any]:
    out, _ = explain(capsys, *arguments, "--json", expected=expected)
    found: dict[str, Any] = json.loads(out)
    return found


def test_what_is_permitted_is_shown_with_the_policy_that_says_so(
    capsys: pytest.CaptureFixture[str],
) -> None:
    out, err = explain(
        capsys,
        *("--as", "one-stop-officer", "--action", "read", "--resource", "person/contact"),
        *DOSSIER,
        expected=0,
    )

    assert out.startswith("permitted  one-stop-officer of H26, for dossier-handling in case")
    assert "one-stop-person\nA one-stop officer who handles a dossier sees who the applicant" in out
    assert "Decree 118/2025/ND-CP" in out
    assert "(infra/policies/one-stop-officers.cedar)" in out
    assert '    principal in Role::"one-stop-officer",\n    action == Action::"read",\n' in out
    assert "@id" not in out
    assert err == ""


def test_what_is_forbidden_is_shown_with_each_policy_that_forbids_and_who_may(
    capsys: pytest.CaptureFixture[str],
) -> None:
    out, _ = explain(
        capsys,
        *("--as", "facility-staff", "--action", "read", "--resource", "person/sensitive"),
        *PATIENT,
        expected=1,
    )

    assert out.startswith("refused")
    assert "facility-sees-no-sensitive\n" in out
    assert "sensitive-needs-cause\n" in out
    assert "Permitted to\npopulation-officer for population-administration\n" in out
    assert "inspector for inspection, with the decision's number\n" in out


def test_what_no_policy_permits_is_said_to_be_so(capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = explain(
        capsys,
        *("--as", "facility-staff", "--action", "search", "--resource", "person"),
        *PATIENT,
        expected=1,
    )

    assert "No policy permits it, so it is refused." in out
    assert "quality-officer for data-quality, with the ticket" in out


def test_without_a_purpose_it_says_that_there_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    found = explained(
        capsys,
        *("--as", "inspector", "--action", "read-access-log", "--resource", "access-log"),
        expected=1,
    )

    assert found["rules"] == ["nobody-without-purpose"]
    assert found["asked"]["purpose"] is None
    assert {"role": "auditor", "purpose": "audit"} in found["permitted_to"]


def test_the_hierarchy_is_that_of_the_registry(capsys: pytest.CaptureFixture[str]) -> None:
    listing = ("--as", "one-stop-officer", "--action", "list", "--resource", "dossier", *DOSSIER)

    found = explained(capsys, *listing, "--agency", "H26", "--of", "H26.07", expected=0)
    assert found["asked"]["agencies"] == ["H26", "H26.07"]
    assert [policy["id"] for policy in found["policies"]] == ["one-stop-list"]
    found = explained(capsys, *listing, "--agency", "H26.07", "--of", "H26", expected=1)
    assert found["asked"]["above"] == ["H26"]
    assert found["rules"] == []
    explained(capsys, *listing, "--agency", "H26.12", "--of", "H26.07", expected=1)
    both = ("--of", "H26.07", "--of", "H26.12")
    explained(capsys, *listing, "--agency", "H26.12", *both, expected=0)


def test_the_hierarchy_can_be_that_of_another_file_or_be_given(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    registry = tmp_path / "registry.ndjson"
    agencies = {"X01": None, "X01.1": "X01", "X01.1.1": "X01.1"}
    registry.write_text(
        "".join(
            json.dumps(
                {
                    "type": "vn.lienthong.agency.registered.v1",
                    "subject": id_,
                    "data": {"agency_id": id_, "parent": parent},
                }
            )
            + "\n"
            for id_, parent in agencies.items()
        )
    )
    publish = (
        *("--as", "agency-system", "--action", "publish", "--resource", "event"),
        *("--purpose", "data-sharing", "--registry", str(registry)),
    )

    deep = (*publish, "--of", "X01.1.1", "--agency", "X01.1.1")
    assert explained(capsys, *deep, expected=0)["asked"]["above"] == ["X01.1", "X01"]
    # Were it right below another one, that it speaks for itself would not be sure.
    found = explained(capsys, *deep, "--above", "H26", expected=1)
    assert found["rules"] == ["nobody-speaks-for-others"]


@pytest.mark.parametrize("number", range(0, len(cases()), 40))
def test_it_says_what_the_specification_says(
    number: int, capsys: pytest.CaptureFixture[str]
) -> None:
    case = cases()[number]
    question = case.question
    if question.action is Action.READ and question.group is None:
        return
    words = ["--as", ",".join(case.roles), "--action", question.action]
    words += ["--resource", "/".join(filter(None, (question.kind, question.group)))]
    words += ["--agency", case.caller.agency]
    for agency in sorted(question.agencies):
        words += ["--of", agency]
    if case.purpose in PURPOSES:
        words += ["--purpose", case.purpose]
    if case.case_given:
        words += ["--case", "H26.07-260102-0001"]

    found = explained(capsys, *words, expected=0 if case.expected.allowed else 1)

    assert tuple(found["rules"]) == case.expected.rules
    assert tuple(policy["id"] for policy in found["policies"]) == case.expected.rules


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--as", "king", "--action", "read", "--resource", "person/identity"), "choose of"),
        (("--as", "auditor", "--action", "look", "--resource", "person/identity"), "look"),
        (("--as", "auditor", "--action", "read", "--resource", "people"), "its kind is one of"),
        (
            ("--as", "auditor", "--action", "read", "--resource", "person/insurance"),
            "the group of a person is one of identity",
        ),
        (
            ("--as", "auditor", "--action", "read-receipt", "--resource", "ledger/identity"),
            "the group of a ledger is none",
        ),
        (
            ("--as", "auditor", "--action", "read", "--resource", "person"),
            "Records are read group by group: give --resource person/GROUP",
        ),
        (
            ("--as", "auditor", "--action", "read", "--resource", "person/", *DOSSIER),
            "the group of a person is one of",
        ),
        (
            ("--as", "auditor", "--action", "publish", "--resource", "event", "--agency", "H99"),
            "registry.ndjson has no agency H99",
        ),
        (
            ("--as", "auditor", "--action", "publish", "--resource", "event", "--of", "H99"),
            "registry.ndjson has no agency H99",
        ),
        (
            ("--as", "auditor", "--action", "publish", "--resource", "event", "--purpose", "fun"),
            "fun",
        ),
        (
            (
                *("--as", "facility-staff", "--action", "read", "--resource", "person/identity"),
                *("--purpose", "medical-examination", "--case", "001190000017"),
            ),
            "X-Case looks like a personal id",
        ),
        (
            (
                *("--as", "auditor", "--action", "publish", "--resource", "event"),
                *("--registry", "nowhere.ndjson"),
            ),
            "nowhere.ndjson cannot be read",
        ),
        (
            (
                *("--as", "auditor", "--action", "publish", "--resource", "event"),
                *("--registry", "README.md"),
            ),
            "README.md is not one event of an agency in each line",
        ),
    ],
)
def test_what_cannot_be_asked_is_told_with_exit_code_2(
    arguments: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out, err = explain(capsys, *arguments, expected=2)

    assert out == ""
    assert says in " ".join(err.split())


# The list ------------------------------------------------------------------------------------


def test_the_list_names_every_policy_below_its_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "list"]) == 0

    out = capsys.readouterr().out
    assert "infra/policies/everybody.cedar" in out.splitlines()[1]
    for policy in policies_of(TEXTS):
        assert f"\n{policy.id} " in out


def test_the_list_as_json_has_every_policy_whole(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "list", "--json"]) == 0

    found = json.loads(capsys.readouterr().out)["policies"]
    assert [Policy(**policy) for policy in found] == policies_of(texts())


def test_no_policy_of_a_file_is_left_out() -> None:
    for name, text in TEXTS.items():
        assert len(policies_of({name: text})) == text.count("\n@id(") > 0, name
        for policy in policies_of({name: text}):
            assert policy.text.startswith(f'@id("{policy.id}")\n')
            assert policy.text in text
