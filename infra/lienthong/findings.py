"""What a verification finds: what does not agree, and how, for people and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from infra.lienthong.console import Console, Json, markup


class Finding(NamedTuple):
    """What is not as it was written (a record, a subject's chain), and how: sentences."""

    of: str
    faults: tuple[str, ...]


def document(findings: Sequence[Finding], thing: str) -> Json:
    """The findings for programs; `thing` names what each is of."""
    return [{thing: finding.of, "faults": list(finding.faults)} for finding in findings]


def tell(findings: Sequence[Finding], thing: str, console: Console) -> None:
    """The findings as a table, each fault a line."""
    console.table(
        (thing, "what does not agree"),
        (
            (markup(finding.of) if place == 0 else "", markup(fault))
            for finding in findings
            for place, fault in enumerate(finding.faults)
        ),
    )
