"""Why a command asks: the purpose and the case that every question to the API carries.

The options say it, else `LIENTHONG_PURPOSE` and `LIENTHONG_CASE` in the environment; the options
are taken together, so a case is never joined to a purpose that it was not meant for.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from typing import Final, NamedTuple

from functions.shared.core.purposes import PURPOSES, problem_with
from infra.lienthong.problems import Misuse

PURPOSE: Final = "LIENTHONG_PURPOSE"
CASE: Final = "LIENTHONG_CASE"


class Errand(NamedTuple):
    """A registered purpose, and the case where the purpose needs one or somebody named one."""

    purpose: str
    case: str | None = None

    def __str__(self) -> str:
        return f"{self.purpose}, case {self.case}" if self.case else self.purpose


def add_as_options(parser: argparse.ArgumentParser) -> None:
    """`--purpose` and `--case`."""
    group = parser.add_argument_group("why you ask (noted in the access log)")
    group.add_argument(
        "--purpose",
        metavar="P",
        help=f"a registered purpose (default: ${PURPOSE}); {', '.join(PURPOSES)}",
    )
    group.add_argument(
        "--case", metavar="C", help=f"the case, where the purpose needs one (default: ${CASE})"
    )


def errand_of(options: argparse.Namespace, environment: Mapping[str, str] | None = None) -> Errand:
    """The errand that options and environment name; `Misuse`, with the purposes, if none."""
    given = os.environ if environment is None else environment
    purpose, case = options.purpose, options.case
    if purpose is None:
        purpose, case = given.get(PURPOSE) or None, case or given.get(CASE) or None
    elif case is None and purpose == given.get(PURPOSE):
        case = given.get(CASE) or None
    problem = problem_with(purpose, case)
    if problem is None:
        return Errand(purpose, case)
    if purpose in PURPOSES:
        raise Misuse(_as_typed(problem))
    first = (
        f"{purpose} is not a registered purpose. Say why you ask"
        if purpose
        else "Every question to the API says why it is asked, and it is noted. Say it"
    )
    raise Misuse(
        f"{first} with --purpose, or in {PURPOSE} (and {CASE}). The purposes:",
        tuple(
            f"{code:26}{known.title}; "
            + (f"--case is {known.case}" if known.needs_case else "needs no --case")
            for code, known in PURPOSES.items()
        ),
    )


def _as_typed(problem: str) -> str:
    """The API's sentence about a header, in the words of the command line."""
    return problem.replace(" in X-Case", " with --case").replace("X-Case", "--case")
