"""The port `Policies` over Cedar: what the texts in `infra/policies` say, and nothing else.

A caller's id and name are no part of a question, nor is the case's text: what decides is roles,
agency, purpose, whether a case is named, and the question. So decisions can be remembered.
"""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from threading import Lock
from types import MappingProxyType
from typing import Any, Final

import cedarpy

from functions.shared.core.access import Caller, Errand, Question, Ruling
from functions.shared.core.errors import Defect

ERROR: Final = "error"
"""The rule of a ruling that came out of no policy: the question could not be evaluated."""
FRAME: Final = "frame"
"""The group of a question that names none."""
MOST_REMEMBERED: Final = 8192
"""Decisions that are kept; the one unused for longest goes first. Half a kilobyte each."""

TYPE_OF_KIND: Final[Mapping[str, str]] = MappingProxyType(
    {
        "person": "Person",
        "insurance-card": "InsuranceCard",
        "dossier": "Dossier",
        "ledger": "Receipt",
        "quarantine": "Quarantine",
        "access-log": "AccessLog",
        "event": "Event",
    }
)
"""A question's kind -> what the policies call it."""

_DENIED_BY_ERROR: Final = Ruling(False, (ERROR,))
_CALLER: Final = {"type": "Caller", "id": "caller"}
_Standing = tuple[str, tuple[str, ...], frozenset[str], str, bool]
"""Agency, those above it, roles, purpose, whether a case is named."""


class CedarPolicies:
    """Rules on questions by Cedar policies, parsed once. Safe to share between threads."""

    def __init__(
        self,
        texts: Iterable[str],
        schema: str,
        *,
        failed: Callable[[], None] = lambda: None,
        most_remembered: int = MOST_REMEMBERED,
    ) -> None:
        """The policies of all texts together, and the schema that they must satisfy.

        `failed` is called for each question that could not be evaluated, to make it heard.
        Raises Defect for what does not parse or does not fit the schema, and for a policy that
        has no `@id` or shares one: an error in one rule must not quietly lose it.
        """
        whole = "\n".join(texts)
        try:
            self._policies = cedarpy.PolicySet.from_str(whole)
            listed = json.loads(cedarpy.policies_to_json_str(whole))["staticPolicies"]
            faults = cedarpy.validate_policies(whole, cedarpy.Schema.from_str(schema)).errors
        except ValueError as error:
            raise Defect(f"The policies cannot be read: {error}") from error
        if faults:
            raise Defect(f"The policies do not fit their schema: {'; '.join(map(str, faults))}")
        ids = [policy.get("annotations", {}).get("id") for policy in listed.values()]
        if not all(ids) or len(set(ids)) != len(ids) or ERROR in ids:
            raise Defect(f"Each policy needs an @id of its own, and none may be {ERROR!r}.")
        self._remembered: OrderedDict[tuple[_Standing, Question], Ruling] = OrderedDict()
        self._most = most_remembered
        self._failed = failed
        self._lock = Lock()

    def rule(self, caller: Caller, errand: Errand, questions: Sequence[Question]) -> list[Ruling]:
        """See the port `Policies`."""
        standing: _Standing = (
            caller.agency,
            caller.above,
            frozenset(caller.roles),
            errand.purpose,
            bool(errand.case),
        )
        found: dict[Question, Ruling] = {}
        with self._lock:
            for question in questions:
                known = self._remembered.get((standing, question))
                if known is not None:
                    self._remembered.move_to_end((standing, question))
                    found[question] = known
        unknown = [q for q in dict.fromkeys(questions) if q not in found]
        if unknown:
            fresh = self._decided(standing, unknown)
            for ruling in fresh.values():
                if ruling is _DENIED_BY_ERROR:
                    self._failed()
            found.update(fresh)
            with self._lock:
                for question, ruling in fresh.items():
                    if ruling is not _DENIED_BY_ERROR:
                        self._remembered[standing, question] = ruling
                while len(self._remembered) > self._most:
                    self._remembered.popitem(last=False)
        return [found[question] for question in questions]

    def _decided(
        self, standing: _Standing, questions: Sequence[Question]
    ) -> dict[Question, Ruling]:
        asked = [question for question in questions if question.kind in TYPE_OF_KIND]
        purpose, case_given = standing[3:]
        context = json.dumps({"purpose": _entity("Purpose", purpose), "caseGiven": case_given})
        requests = [
            {
                "principal": _CALLER,
                "action": {"type": "Action", "id": str(question.action)},
                "resource": {"type": TYPE_OF_KIND[question.kind], "id": str(place)},
                "context": context,
            }
            for place, question in enumerate(asked)
        ]
        try:
            results = cedarpy.is_authorized_batch(
                requests,
                self._policies,
                cedarpy.Entities.from_json_str(json.dumps(_entities(standing, asked))),
            )
        except ValueError:  # an agency's id that Cedar cannot name; UnicodeError is one too
            return dict.fromkeys(questions, _DENIED_BY_ERROR)
        rulings = dict.fromkeys(questions, _DENIED_BY_ERROR)
        return rulings | dict(zip(asked, map(_ruling, results), strict=True))


def _ruling(result: cedarpy.AuthzResult) -> Ruling:
    # Cedar leaves out a rule that fails; if it forbids, what it leaves would permit.
    if result.diagnostics.errors or result.decision is cedarpy.Decision.NoDecision:
        return _DENIED_BY_ERROR
    ids = result.diagnostics.id_annotations_by_reason.values()
    return Ruling(result.allowed, tuple(sorted(ids)))


def _entities(standing: _Standing, questions: Sequence[Question]) -> list[dict[str, Any]]:
    agency, above, roles = standing[:3]
    line = (agency, *above)
    caller = {
        "uid": _CALLER,
        "attrs": {
            "agency": _entity("Agency", agency),
            "line": [_entity("Agency", name) for name in line],
        },
        "parents": [{"type": "Role", "id": str(role)} for role in sorted(roles)],
    }
    agencies = [
        {"uid": _agency(name), "attrs": {}, "parents": [_agency(next_above)]}
        for name, next_above in zip(line, above, strict=False)
    ]
    resources = [
        {
            "uid": {"type": TYPE_OF_KIND[question.kind], "id": str(place)},
            "attrs": {
                "group": _entity("Group", FRAME if question.group is None else question.group),
                "agencies": [_entity("Agency", name) for name in sorted(question.agencies)],
            },
            "parents": [_agency(name) for name in sorted(question.agencies)],
        }
        for place, question in enumerate(questions)
    ]
    return [caller, *agencies, *resources]


def _agency(name: str) -> dict[str, str]:
    return {"type": "Agency", "id": name}


def _entity(kind: str, name: str) -> dict[str, dict[str, str]]:
    return {"__entity": {"type": kind, "id": name}}
