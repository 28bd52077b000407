"""Canonical bytes, compared with another implementation of RFC 8785."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from functions.shared.core.canonical import canonical, sha256_hex
from schemas.forms import LARGEST_INTEGER

_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
# Above the basic plane UTF-16, by which the RFC sorts keys, and UTF-8 order differ; the keys of
# what is hashed are names of the contract.
_KEYS = st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"]))
# The other implementation stops one short of 2^53.
_NUMBERS = st.integers(-(LARGEST_INTEGER - 1), LARGEST_INTEGER - 1)
_SCALARS = st.none() | st.booleans() | _NUMBERS | _TEXT


def _containers(inner: SearchStrategy[Any]) -> SearchStrategy[Any]:
    return st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=4)


@given(st.recursive(_SCALARS, _containers, max_leaves=12))
def test_the_bytes_are_those_of_rfc_8785(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"b": 1, "a": [True, None, "x"]}, b'{"a":[true,null,"x"],"b":1}'),
        ('\u20ac$\u000f\nA\'B"\\"/', '"\u20ac$\\u000f\\nA\'B\\"\\\\\\"/"'.encode()),
        ("\u007f\u2028é", '"\u007f\u2028é"'.encode()),
        (LARGEST_INTEGER, b"9007199254740992"),
        (-LARGEST_INTEGER, b"-9007199254740992"),
        ({}, b"{}"),
    ],
)
def test_known_values_have_known_bytes(value: Any, expected: bytes) -> None:
    assert canonical(value) == expected


class _Other:
    pass


@pytest.mark.parametrize(
    "value", ["\ud800", {"\udc00": 1}, {1: 2}, object(), _Other(), b"x", {"a": 2**70}, {1, 2}]
)
def test_what_is_no_json_has_no_canonical_bytes(value: object) -> None:
    with pytest.raises(ValueError, match="no canonical JSON"):
        canonical(value)


def test_hashes_are_lower_case_hex() -> None:
    assert sha256_hex(b"abc") == hashlib.sha256(b"abc").hexdigest()
    assert sha256_hex(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
