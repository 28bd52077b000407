"""The cases of `cases.txt` as questions, and the policies of the repository."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from functions.shared.adapters.policies import CedarPolicies
from functions.shared.core.access import Action, Caller, Errand, Question, Role, Ruling

FOLDER: Final = Path(__file__).parents[4] / "infra" / "policies"
TEXTS: Final = {path.name: path.read_text("utf-8") for path in sorted(FOLDER.glob("*.cedar"))}
SCHEMA: Final = (FOLDER / "schema.cedarschema").read_text("utf-8")

_UP: Final = frozenset({"H26"})
_OF: Final = {
    # whose -> the caller's agency, those above it, the agencies of the thing
    "-": ("H26.07", ("H26",), frozenset[str]()),
    "own": ("H26.07", ("H26",), _UP | {"H26.07"}),
    "below": ("H26", (), _UP | {"H26.07"}),
    "above": ("H26.07", ("H26",), _UP),
    "other": ("H26.07", ("H26",), _UP | {"H26.12"}),
    "both": ("H26.07", ("H26",), _UP | {"H26.07", "H26.12"}),
}


class Case(NamedTuple):
    """A line of the specification."""

    roles: frozenset[Role]
    whose: str
    question: Question
    purpose: str
    case_given: bool
    expected: Ruling

    @property
    def caller(self) -> Caller:
        """Who asks."""
        agency, above, _ = _OF[self.whose]
        return Caller("sub-1", "officer-1", agency, above, self.roles)

    @property
    def errand(self) -> Errand:
        """Why, with a case or without."""
        return Errand(self.purpose, "H26.07-260102-0001" if self.case_given else None, "request-1")


def case_of(line: str) -> Case:
    """The case that a line of the table states."""
    roles, whose, action, kind, group, purpose, case, expected, rules = line.split()
    return Case(
        frozenset(map(Role, roles.split("+"))),
        whose,
        Question(Action(action), kind, None if group == "-" else group, _OF[whose][2]),
        "" if purpose == "-" else purpose,
        {"yes": True, "no": False}[case],
        Ruling(
            {"permit": True, "deny": False}[expected],
            () if rules == "-" else tuple(rules.split(",")),
        ),
    )


@cache
def lines() -> tuple[str, ...]:
    """The lines of the table, its heading left out."""
    text = Path(__file__).with_name("cases.txt").read_text("utf-8")
    found = [line for line in text.splitlines() if line and not line.startswith("#")]
    return tuple(found[1:])


@cache
def cases() -> tuple[Case, ...]:
    """The whole specification."""
    return tuple(map(case_of, lines()))


@cache
def policies() -> CedarPolicies:
    """The policies of the repository."""
    return CedarPolicies(TEXTS.values(), SCHEMA)


def ruling_on(case: Case) -> Ruling:
    """What the policies say of a case."""
    [ruling] = policies().rule(case.caller, case.errand, [case.question])
    return ruling
