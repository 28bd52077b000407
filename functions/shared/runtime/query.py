"""What data officers and agencies ask, answered, after it was noted who looked at what and why."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Protocol

from functions.shared.core.access import Caller, Errand

Answer = dict[str, Any]
"""A JSON object, ready to be sent; `request_id` is in each."""


class Query(Protocol):
    """The questions. Each raises what `core.answers` names, or `AllowanceSpent`, instead of
    answering; whatever is raised, nothing that was read has left.
    """

    def lookup(
        self,
        caller: Caller,
        errand: Errand,
        *,
        personal_id: str | None = None,
        old_identity_number: str | None = None,
        insurance_number: str | None = None,
    ) -> Answer:
        """A person with cards and dossiers, by exactly one of the three numbers."""
        ...

    def search(
        self,
        caller: Caller,
        errand: Errand,
        *,
        name: str,
        date_of_birth: str | None = None,
        year_of_birth: int | None = None,
        commune: str | None = None,
        old_identity_number: str | None = None,
        limit: int = 50,
    ) -> Answer:
        """People of that name, at most 50."""
        ...

    def record(self, caller: Caller, errand: Errand, kind: str, opaque_id: str) -> Answer:
        """One record; `kind` is `person`, `insurance-card` or `dossier`."""
        ...

    def dossiers(
        self,
        caller: Caller,
        errand: Errand,
        *,
        agency: str | None = None,
        statuses: Collection[int] = (),
        due_before: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Answer:
        """The dossiers that an agency handles (the caller's own unless told), by status and due
        instant; `{"dossiers", "cursor", "request_id"}`."""
        ...

    def history_at(self, caller: Caller, errand: Errand, opaque_id: str, *, at: str) -> Answer:
        """A record as it was known at an instant."""
        ...

    def history(
        self,
        caller: Caller,
        errand: Errand,
        opaque_id: str,
        *,
        since: str | None = None,
        until: str | None = None,
        cursor: str | None = None,
    ) -> Answer:
        """What changed in a record between two instants, both inclusive."""
        ...

    def receipt(self, caller: Caller, errand: Errand, *, source: str, id_: str) -> Answer:
        """What became of an event."""
        ...

    def trace(
        self, caller: Caller, errand: Errand, opaque_id: str, *, cursor: str | None = None
    ) -> Answer:
        """Who looked at a person."""
        ...

    def access_log(
        self,
        caller: Caller,
        errand: Errand,
        *,
        officer: str | None = None,
        agency: str | None = None,
        purpose: str | None = None,
        since: str | None = None,
        until: str | None = None,
        cursor: str | None = None,
    ) -> Answer:
        """Who looked, by exactly one of officer, agency and purpose."""
        ...

    def defer(
        self, caller: Caller, errand: Errand, entry_id: str, *, until: str, why: str
    ) -> Answer:
        """Hides an entry of the access log from its subject until a date (`YYYY-MM-DD`)."""
        ...

    def me(self, caller: Caller, errand: Errand) -> Answer:
        """Who asks, and what is left of the allowance."""
        ...
