"""RFC 8785 (JSON Canonicalization Scheme) bytes, for the JSON this service accepts.

The service accepts no floats, no integers beyond 2^53 and no keys outside the basic
multilingual plane in what it hashes. Within those bounds orjson with sorted keys gives the
bytes of RFC 8785 at a fifteenth of the cost; a property test holds the equality.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from typing import Final

import orjson

# Dataclasses are no JSON either, though orjson would take them.
_OPTIONS: Final = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATACLASS


def canonical(value: object) -> bytes:
    """The canonical UTF-8 bytes of a JSON value.

    Raises ValueError where the value has none: a lone surrogate, a type that is not JSON.
    """
    try:
        return orjson.dumps(value, option=_OPTIONS)
    except TypeError as error:  # orjson's JSONEncodeError is one
        raise ValueError("The value has no canonical JSON form.") from error


canonical_of_data: Final[Callable[[object], bytes]] = partial(orjson.dumps, option=_OPTIONS)
"""`canonical` for what a reading has let through, which always has a canonical form; a batch
asks for thousands."""


def sha256_hex(data: bytes) -> str:
    """SHA-256 of `data`, as 64 lower-case hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()
