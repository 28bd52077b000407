"""The guide to who may see what says what the policies and the purposes say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from functions.shared.core.access import Action, Caller, Errand, Question, Role
from functions.shared.core.groups import GROUP_OF, GROUPS, groups_of
from functions.shared.core.purposes import PURPOSES
from infra.lienthong.policy import policies_of, texts
from tests.unit.infra.policies.specification import policies

GUIDE: Final = (Path(__file__).parents[2] / "infra" / "docs" / "access.md").read_text("utf-8")
RECORDS: Final = {"person": "people", "insurance-card": "insurance cards", "dossier": "dossiers"}
OWN: Final = frozenset({"H26", "H26.07"})
OTHER: Final = frozenset({"H26", "H26.12"})
WORDS: Final = {
    Action.SEARCH: ("person", "find people by name"),
    Action.LIST: ("dossier", "list dossiers"),
    Action.READ_RECEIPT: ("ledger", "receipts"),
    Action.PUBLISH: ("event", "publish events"),
    Action.READ_QUARANTINE: ("quarantine", "see what was refused"),
    Action.CORRECT_QUARANTINE: ("quarantine", "send it in again"),
    Action.DISMISS_QUARANTINE: ("quarantine", "set it aside"),
    Action.READ_TRACE: ("access-log", "tell a person who looked"),
    Action.READ_ACCESS_LOG: ("access-log", "the access log"),
    Action.DEFER_DISCLOSURE: ("access-log", "hide a look until a date"),
}
"""What else there is to do, beside reading records and their history."""
VALUES: Final = {
    Action.READ_QUARANTINE: "see what its messages hold",
    Action.CORRECT_QUARANTINE: "correct them",
}


def allowed(
    role: Role, purpose: str, action: Action, kind: str, group: str | None, whose: frozenset[str]
) -> bool:
    caller = Caller("sub-1", "officer-1", "H26.07", ("H26",), frozenset({role}))
    question = Question(action, kind, group, whose)
    [ruling] = policies().rule(caller, Errand(purpose, "17/2026", "request-1"), [question])
    return ruling.allowed


def scope(
    role: Role, purpose: str, action: Action, kind: str, group: str | None = None
) -> str | None:
    """`""` where it is permitted whosever it is, ` (own)` where the agency decides; else None."""
    if allowed(role, purpose, action, kind, group, OTHER):
        return ""
    return " (own)" if allowed(role, purpose, action, kind, group, OWN) else None


def errands() -> Iterator[tuple[Role, str]]:
    """Every role with every purpose that permits it anything."""
    for role in Role:
        for purpose in PURPOSES:
            if fields(role, purpose, Action.READ) != ["-"] * 3 or others(role, purpose):
                yield role, purpose


def fields(role: Role, purpose: str, action: Action) -> list[str]:
    """A cell for each kind: the groups that may be seen, `whole` where it is all."""
    cells = []
    for kind in RECORDS:
        seen = {
            group: own
            for group in groups_of(kind)
            if (own := scope(role, purpose, action, kind, group)) is not None
        }
        names = "whole" if len(seen) == len(groups_of(kind)) else ", ".join(seen)
        cells.append(names + next(iter(set(seen.values())), "") if seen else "-")
    return cells


def others(role: Role, purpose: str) -> list[str]:
    """What else may be done, in words."""
    found = []
    for kind, several in RECORDS.items():
        own = scope(role, purpose, Action.READ_HISTORY, kind)
        if own is not None:
            word = "history" if own_groups(role, purpose, kind) else "history without values"
            found.append(f"{word} of {several}{own}")
    if len(found) == len(RECORDS) and len({text.partition(" of ")[0] for text in found}) == 1:
        found = [f"{found[0].partition(' of ')[0]} of all records"]
    for action, (kind, words) in WORDS.items():
        own = scope(role, purpose, action, kind)
        if own is not None:
            found.append(words + own)
        values = VALUES.get(action)
        if values and (own := scope(role, purpose, action, kind, "identity")) is not None:
            assert own == scope(role, purpose, action, kind, "sensitive")
            found.append(values + own)
    return found


def own_groups(role: Role, purpose: str, kind: str) -> bool:
    """Whether a history shows values, which is where the record itself does."""
    seen = [
        group
        for group in groups_of(kind)
        if scope(role, purpose, Action.READ_HISTORY, kind, group) is not None
    ]
    for group in seen:
        assert scope(role, purpose, Action.READ, kind, group) is not None
    return bool(seen)


def row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def named(role: Role, purpose: str) -> tuple[str, str]:
    return f"`{role}`", f"`{purpose}`"


def record_table() -> list[str]:
    return [
        row(*named(role, purpose), *cells)
        for role, purpose in errands()
        if (cells := fields(role, purpose, Action.READ)) != ["-"] * 3
    ]


def action_table() -> list[str]:
    return [
        row(*named(role, purpose), "; ".join(found))
        for role, purpose in errands()
        if (found := others(role, purpose))
    ]


def purpose_table() -> list[str]:
    return [
        row(
            f"`{purpose.code}`",
            purpose.title,
            purpose.case if purpose.needs_case else "-",
            ", ".join(f"`{role}`" for role, of in errands() if of == purpose.code),
        )
        for purpose in PURPOSES.values()
    ]


def group_table() -> list[str]:
    return [
        row(
            f"`{group}`",
            *(
                ", ".join(f"`{field}`" for field, of in GROUP_OF[kind].items() if of == group)
                or "-"
                for kind in RECORDS
            ),
        )
        for group in GROUPS
    ]


def below(heading: str) -> list[str]:
    """The rows of the table below a heading row, its rule left out."""
    return GUIDE.split(f"\n{heading}\n", 1)[1].split("\n\n", 1)[0].splitlines()[1:]


@pytest.mark.parametrize(
    ("heading", "rows"),
    [
        ("| role | purpose | person | insurance card | dossier |", record_table()),
        ("| role | purpose | may |", action_table()),
        ("| purpose | for | case | who |", purpose_table()),
        ("| group | person | insurance card | dossier |", group_table()),
    ],
    ids=["records", "actions", "purposes", "groups"],
)
def test_a_table_of_the_guide_is_what_the_code_says(heading: str, rows: list[str]) -> None:
    assert below(heading) == rows


def test_who_has_a_purpose_is_who_the_policies_let_have_it() -> None:
    text = texts()["everybody.cedar"]
    for purpose in PURPOSES:
        policy = text.split(f'@id("purpose-{purpose}")', 1)[1].split(";", 2)
        said = "".join(policy).split("@id(", 1)[0]
        roles = re.findall(r'Role::"([^"]+)"', said)
        assert sorted(roles) == sorted(role for role, of in errands() if of == purpose), purpose


def test_what_wins_over_everything_is_in_the_guide() -> None:
    forbidding = [policy for policy in policies_of(texts()) if policy.effect == "forbid"]

    for policy in forbidding:
        if not policy.id.startswith("purpose-"):
            assert f"- {policy.title}" in GUIDE, policy.id


def test_the_policy_that_the_guide_explains_is_one() -> None:
    shown = GUIDE.split("```\n@id(", 1)[1].split("\n```", 1)[0]

    assert f"@id({shown}" in {policy.text for policy in policies_of(texts())}
