"""The registered purposes: why a record may be looked at, and which of them name a case.

A lookup names officer, purpose and case because the sources demand it of us (Decree 47/2020,
article 45, for the fields of a sharing log; the social insurance's card check asks for the officer
of each lookup) and because the law binds processing to a purpose (Law 91/2025/QH15, article 3).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from schemas.forms import DOSSIER_CODE_PATTERN

_CASE: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._/-]{0,62}[A-Za-z0-9])?")
_LIKE_A_PERSON: Final = re.compile(r"[0-9]{9}|[0-9]{10}|[0-9]{12}|[A-Z]{2}[0-9]{13}")
_DOSSIER: Final = re.compile(DOSSIER_CODE_PATTERN)


@dataclass(frozen=True, slots=True)
class Purpose:
    """A purpose: what it is for, whether it names a case, and what the case is."""

    code: str
    title: str
    needs_case: bool
    case: str
    is_dossier: bool = False


PURPOSES: Final[Mapping[str, Purpose]] = MappingProxyType(
    {
        purpose.code: purpose
        for purpose in (
            Purpose("dossier-handling", "Handling a dossier", True, "the dossier's code", True),
            Purpose(
                "medical-examination",
                "Receiving a patient with a health-insurance card",
                True,
                "the visit's number",
            ),
            Purpose(
                "insurance-administration",
                "Issuing, renewing and checking insurance cards",
                False,
                "the file's number",
            ),
            Purpose(
                "population-administration",
                "Keeping the population records right",
                False,
                "the file's number",
            ),
            Purpose("data-quality", "Correcting refused or doubtful data", True, "the ticket"),
            Purpose("data-sharing", "An agency's own events and receipts", False, "a reference"),
            Purpose("inspection", "An inspection that was decided", True, "the decision's number"),
            Purpose("audit", "Auditing the service and its access log", False, "a reference"),
            Purpose(
                "subject-request",
                "Answering a person about their own data (Law 91/2025/QH15, article 4)",
                True,
                "the request's number",
            ),
            Purpose("operation", "Keeping the service running", False, "a reference"),
        )
    }
)


def header_at_fault(code: str | None) -> str:
    """The header that a problem with purpose and case is about: with a registered purpose it can
    only be the case's."""
    return "X-Case" if code in PURPOSES else "X-Purpose"


def problem_with(code: str | None, case: str | None) -> str | None:
    """What is wrong with a request's purpose and case, as a sentence; None where nothing is."""
    if not code:
        return f"Say why you ask in X-Purpose: one of {', '.join(PURPOSES)}."
    purpose = PURPOSES.get(code)
    if purpose is None:
        return f"X-Purpose is not a registered purpose; use one of {', '.join(PURPOSES)}."
    if case is None:
        if purpose.needs_case:
            return f"The purpose {code} needs a case: give {purpose.case} in X-Case."
        return None
    if not _CASE.fullmatch(case):
        return (
            "X-Case has 1 to 64 letters, digits and . _ / - of ASCII, beginning and ending with a"
            " letter or digit; correct it."
        )
    if _LIKE_A_PERSON.fullmatch(case):
        return (
            "X-Case looks like a personal id, identity or insurance number; a case is"
            f" {purpose.case}, never a person's number."
        )
    if purpose.is_dossier and not _DOSSIER.fullmatch(case):
        return "X-Case has not the form of a dossier code; give the code of the dossier you handle."
    return None
