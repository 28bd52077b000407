"""The stored form of documents: what was written must be read for ever."""

from __future__ import annotations

import hashlib
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.shared.adapters.documents import DICTIONARY, pack, unpack
from functions.shared.core.canonical import canonical
from functions.shared.core.kinds import Kind
from tests.builders import entries_of
from tests.histories import Document, any_history

_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
_SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | _TEXT
_DOCUMENTS = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner) | st.dictionaries(_TEXT, inner),
    max_leaves=30,
).filter(lambda value: isinstance(value, (dict, list)))


@given(_DOCUMENTS)
def test_a_document_comes_back(document: Any) -> None:
    assert unpack(pack(document)) == document
    assert canonical(unpack(pack(document))) == canonical(document)


@given(any_history())
def test_the_changes_of_an_entry_come_back(drawn: tuple[Kind, list[Document]]) -> None:
    _, history = drawn
    for document in history:
        for entry in entries_of(document):
            changes: list[Any] = [list(change[:5]) for change in entry.changes]
            assert unpack(pack(changes)) == changes


def test_the_dictionary_is_frozen() -> None:
    """Changing it would make every stored document unreadable; a better one is form 2."""
    digest = hashlib.sha256(DICTIONARY).hexdigest()
    assert digest == "cbbc422de7606a3dcf46739a0293dec95213de53701641a58b384e6c33113ba7"
    assert len(DICTIONARY) <= 32 * 1024


def test_a_document_that_was_stored_once_is_still_read() -> None:
    stored = bytes.fromhex(
        "018b262a18c1a1e5fb70d7ea52706821252a63b40083a7b06050623234d2812420b0116b15fcd233321f"
        "ee6ecf454b4f06e6c0d4829c22d212738a53a1a90125c920e524349b51b295a12538380dcdb1e42f03a8"
        "5dd04a0b16e34a06103de04c093213a4069cc3d1bd8825bb1b188322d3d0d8cad0d0cac0122932e18500"
        "c834b43a0dcd5cb4fc6462aa6b60a66b8c99af8c4c740d2c740d4d81be880500"
    )
    assert stored[:1] == b"\x01"
    assert unpack(stored) == _KNOWN


_KNOWN: Any = [
    ["full_name", 30, True, None, "Nguyễn Thị Mẫu"],
    ["residence", 30, True, None, {"address": "Số 12, phố Thử Nghiệm", "commune": "00070"}],
    ["sex", 30, False, "male", "female"],
    ["household", 30, True, None, {"head_id": "001190000017", "relation_code": "00"}],
    ["phone", 10, True, "0900000001", None],
    ["eid", 30, True, None, {"activated_at": "2026-03-01T13:11:09.000000Z", "level": 2}],
    ["identity_card", 30, True, None, {"issued_on": "2024-08-15", "expires_on": "2045-06-30"}],
]


def test_a_short_document_stays_plain() -> None:
    assert pack({"b": 1, "a": "é"}) == '{"a":"é","b":1}'.encode()


def test_a_long_document_is_compressed_where_that_is_shorter() -> None:
    assert pack(_KNOWN)[:1] == b"\x01"
    assert len(pack(_KNOWN)) < len(canonical(_KNOWN)) / 2
    random = [hashlib.sha256(bytes([n])).hexdigest()[:1] + chr(200 + n) for n in range(40)]
    assert len(pack(random)) <= len(canonical(random))


@pytest.mark.parametrize(
    "stored",
    [
        b"",
        b"\x01",
        b"\x01nonsense",
        b"{",
        b"\x02x",
        b"\xff",
        b"\x01" + zlib.compress(b"[]"),
        bytes(100),
    ],
)
def test_damage_is_a_value_error(stored: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - which text it has is orjson's
        unpack(stored)


@given(st.data())
def test_a_truncated_document_is_never_another_one(data: st.DataObject) -> None:
    whole = pack(_KNOWN)
    length = data.draw(st.integers(0, len(whole) - 1))
    try:
        assert unpack(whole[:length]) == _KNOWN, "no more than the end marker is gone"
    except ValueError:
        assert length < len(whole)
