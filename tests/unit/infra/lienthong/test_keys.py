"""A key's form tells its kind."""

from __future__ import annotations

import pytest

from infra.lienthong.keys import named, recognised
from infra.lienthong.problems import Misuse


@pytest.mark.parametrize(
    ("text", "record"),
    [
        ("001190000017", "person/001190000017"),
        ("0123456790", "insurance-card/0123456790"),
        ("H26.12-260302-0001", "dossier/H26.12-260302-0001"),
        ("000.12.00.H26-260302-0001", "dossier/000.12.00.H26-260302-0001"),
        ("H26.12", "agency/H26.12"),
        ("Z010099999999", "agency/Z010099999999"),
        ("person/001190000017", "person/001190000017"),
        ("card/0123456790", "insurance-card/0123456790"),
    ],
)
def test_keys_are_recognised(text: str, record: str) -> None:
    assert str(recognised(text)) == record


@pytest.mark.parametrize(
    "text", ["", "12", "٠٠١١٩٠٠٠٠٠١٧", "h26", "person/12", "nobody/001190000017", "A" * 40]
)
def test_other_texts_are_no_keys(text: str) -> None:
    with pytest.raises(Misuse):
        recognised(text)


def test_a_kind_that_is_said_is_kept_to() -> None:
    assert named("card", "0123456790").kind == "insurance-card"
    with pytest.raises(Misuse):
        recognised("0123456790", "person")
