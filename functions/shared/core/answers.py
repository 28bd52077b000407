"""Why a request is not answered: what the shell turns into a status and a problem document.

Declined
|-- BadRequest    400  what was asked has no meaning: correct it, each problem says how
|-- NotPermitted  403  no policy permits it; it was noted
`-- NotFound      404  there is no such thing, or none any more
Unavailable       503  ours or AWS's, passing (a `Retry`): nothing was released, ask again

The texts name fields and rules, never a value: no personal id, name, number or code of a record.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from functions.shared.core.errors import LienThongError, Retry


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one part of a request.

    `path` is a JSON Pointer into the body, or the name of a header or a parameter; `code` is for
    programs, `text` a sentence that says what to do.
    """

    path: str
    code: str
    text: str

    def as_json(self) -> Mapping[str, str]:
        """As it stands in a problem document's `errors`."""
        return {"path": self.path, "code": self.code, "text": self.text}


class Declined(LienThongError):
    """The request is understood and is not answered; `text` is a sentence for whoever asked."""

    code = "declined"

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class BadRequest(Declined):
    """What was asked has no meaning; `problems` is not empty."""

    code = "invalid-request"

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(" ".join(problem.text for problem in self.problems))


class NotPermitted(Declined):
    """No policy permits it. `rules` are the ids of those that forbid it, if any does."""

    code = "not-permitted"

    def __init__(self, rules: Iterable[str], text: str) -> None:
        self.rules = tuple(rules)
        super().__init__(text)


class NotFound(Declined):
    """There is no such thing."""

    code = "not-found"


class Unavailable(Retry):
    """Nothing was released, for something passing is in the way: the same may be asked again."""
