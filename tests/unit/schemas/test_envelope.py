"""The patterns of the envelope."""

from __future__ import annotations

import re

import pytest

from schemas import envelope


@pytest.mark.parametrize(
    ("pattern", "good", "bad"),
    [
        (
            envelope.SOURCE_PATTERN,
            ["/agencies/H26.12", "/agencies/Z010099999999", "/agencies/registry"],
            ["/agencies/000.12.00.H26", "H26.12", "/agencies/H26/", "/agencies/", "/agencies/h26"],
        ),
        (envelope.SEQUENCE_PATTERN, ["0", "9" * 18], ["", "9" * 19, "-1", "1.0", "١"]),
        (envelope.EXTENSION_NAME, ["traceparent", "a1"], ["", "a" * 21, "Trace", "data_base64"]),
        (
            envelope.DATACONTENTTYPE_PATTERN,
            [
                "application/json",
                "Application/JSON; charset=UTF-8",
                'application/json;charset="utf-8"',
            ],
            ["text/json", "application/json; charset=latin1", "application/jsonx", ""],
        ),
        (
            envelope.TYPE_PATTERN,
            ["vn.lienthong.insurance-card.issued.v1"],
            ["vn.lienthong.person.moved", "vn.lienthong.person.moved.v1.2"],
        ),
    ],
)
def test_a_pattern_takes_its_form_and_no_other(
    pattern: str, good: list[str], bad: list[str]
) -> None:
    assert [text for text in good if not re.fullmatch(pattern, text)] == []
    assert [text for text in bad if re.fullmatch(pattern, text)] == []


def test_the_longest_source_has_an_id_of_35_characters() -> None:
    assert len("/agencies/" + "Z01" + "X" * 32) == envelope.SOURCE_MAX
