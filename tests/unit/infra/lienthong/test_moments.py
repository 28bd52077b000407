"""Times are taken as people write them, in Vietnam time where they say nothing else."""

from __future__ import annotations

import argparse

import pytest

from infra.lienthong.moments import from_moment, to_moment


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026-03-31", "2026-03-30T17:00:00.000000Z", "2026-03-31T16:59:59.999999Z"),
        ("2026-03-31 07:00", "2026-03-31T00:00:00.000000Z", None),
        ("2026-03-31T07:00:05", "2026-03-31T00:00:05.000000Z", None),
        ("2026-03-31T07:00:05Z", "2026-03-31T07:00:05.000000Z", None),
        ("2026-03-31T07:00:05+07:00", "2026-03-31T00:00:05.000000Z", None),
    ],
)
def test_a_time_is_understood(text: str, first: str, last: str | None) -> None:
    assert from_moment(text) == first
    assert to_moment(text) == (last or first)


@pytest.mark.parametrize("text", ["", "yesterday", "2026-02-30", "2026-03-31 25:00", "31/03/2026"])
def test_anything_else_is_wrong_use_with_an_example(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="2026-03-31"):
        from_moment(text)
