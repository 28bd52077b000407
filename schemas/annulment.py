"""The annulment of a record: it is never deleted, it says of itself that it should not be."""

from __future__ import annotations

from typing import Annotated, Required

from pydantic import Field, with_config
from typing_extensions import TypedDict

from schemas.model import STATED
from schemas.scalars import LongText


@with_config(STATED)
class Annulment(TypedDict, total=False):
    """Why a record should not be; each kind adds `same_as`, a key of its own form."""

    reason: Required[
        Annotated[LongText, Field(description="Why the record should not be, or is another one.")]
    ]
