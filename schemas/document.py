"""What all models of stored and shown documents have in common."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Hash = Annotated[
    str,
    StringConstraints(pattern="^[0-9a-f]{64}$"),
    Field(description="SHA-256 as 64 lower-case hexadecimal digits."),
]
Principal = Annotated[
    str,
    StringConstraints(min_length=1, max_length=256),
    Field(description="IAM unique id of the principal who sent the event."),
]


class Document(BaseModel):
    """Strict, frozen, closed; its errors never hold what was received."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", hide_input_in_errors=True)
