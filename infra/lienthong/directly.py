"""Break-glass: tables read directly, past the API and its access log."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager

import botocore.exceptions

from infra.lienthong.console import Console
from infra.lienthong.context import is_denial
from infra.lienthong.problems import Problem, Unreachable
from infra.lienthong.tables import reached


def add_as_option(parser: argparse.ArgumentParser) -> None:
    """`--direct`."""
    parser.add_argument(
        "--direct",
        action="store_true",
        help="break-glass: read the tables with your AWS rights, past the API. The access log "
        "does not have it; CloudTrail does, where data events are on",
    )


@contextmanager
def broken_glass(console: Console) -> Iterator[None]:
    """Says what a direct read leaves no trace of; without table rights it is refused in words."""
    console.note(
        "Read directly from the tables: the access log has no trace of this look. CloudTrail has "
        "it, where data events are on."
    )
    try:
        with reached():
            yield
    except Problem as problem:
        if _denied(problem):
            raise Unreachable(
                "Your AWS rights do not reach the tables, so --direct is not for you. Ask through "
                "the API: the same command without --direct."
            ) from None
        raise


def _denied(problem: Problem) -> bool:
    """Whether AWS denied the rights for what failed."""
    error: BaseException | None = problem
    while error is not None:
        if isinstance(error, botocore.exceptions.ClientError) and is_denial(error):
            return True
        error = error.__cause__ or error.__context__
    return False
