"""Ids that no table could hold are refused where the message is read."""

from __future__ import annotations

import json

import pytest

from functions.shared.core.kinds import PERSON
from functions.shared.core.reading import read

_EVENT = {
    "specversion": "1.0",
    "id": "1",
    "source": "/agencies/G01",
    "type": "vn.lienthong.person.updated.v1",
    "subject": "001090000019",
    "time": "2026-11-22T08:30:00+07:00",
    "data": {"personal_id": "001090000019", "phone": "0900000000"},
}


@pytest.mark.parametrize("attribute", ["id", "correctionof"])
def test_an_id_with_half_a_surrogate_pair_is_no_id(attribute: str) -> None:
    body = json.dumps({**_EVENT, attribute: "a\ud800"})

    reading = read(body, PERSON)

    assert reading.envelope is None
    assert [(reason.code, reason.path) for reason in reading.reasons] == [
        ("not-cloudevent", f"/{attribute}")
    ]
