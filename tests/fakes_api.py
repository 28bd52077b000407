"""Fakes of the API's ports, in memory. Each passes the suite that its real adapter passes."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

import orjson

from functions.shared.core.access import (
    NO_HEAD,
    AccessEntry,
    AccessPage,
    Caller,
    Errand,
    Head,
    LogQuestion,
    Look,
    Traced,
    entry_as_json,
    entry_from_json,
    hidden_untils,
    linked,
)
from functions.shared.core.allowances import (
    AllowanceSpent,
    Limits,
    Standing,
    Window,
    cost_of,
    counted_subjects,
    counter_of,
    most_in_counter,
    stopped,
)
from functions.shared.core.canonical import canonical
from functions.shared.core.events import Json
from functions.shared.core.instants import vietnam_day
from functions.shared.ports import Deadline
from tests.builders import ticking

AMPLE: Final = Limits(day=100_000, minute=100_000)
"""Allowances that nobody uses up."""


class FakeAccessLog:
    """`AccessLog` in memory; it keeps the entries as JSON. `unwritable` is raised by `note`."""

    def __init__(self, limits: Limits = AMPLE, now: Callable[[], str] | None = None) -> None:
        self.unwritable: Exception | None = None
        self._limits = limits
        self._now = now or ticking()
        self._stored: dict[str, list[bytes]] = {}
        self._requests: Counter[tuple[str, str, int | None]] = Counter()
        self._looks: Counter[tuple[str, str]] = Counter()
        self._subjects: dict[tuple[str, str], set[str]] = {}
        self._cases: dict[tuple[str, str], set[str]] = {}
        self._told: set[tuple[str, str]] = set()
        self._writing = threading.Lock()

    def entries(self) -> list[AccessEntry]:
        """Everything that was noted, subject by subject."""
        return [entry for subject in self._stored for entry in self.chain(subject)]

    def chain(self, subject: str) -> list[AccessEntry]:
        """A subject's entries in the order of their numbers."""
        return [entry_from_json(orjson.loads(text)) for text in self._stored.get(subject, ())]

    def heads(self, subjects: Collection[str], deadline: Deadline) -> Mapping[str, Head]:
        del deadline
        return {subject: self._head(subject) for subject in subjects}

    def _head(self, subject: str) -> Head:
        chain = self.chain(subject)
        return Head(chain[-1].number, chain[-1].entry_hash) if chain else NO_HEAD

    def note(
        self,
        caller: Caller,
        errand: Errand,
        looks: Sequence[Look],
        heads: Mapping[str, Head],
        deadline: Deadline,
    ) -> list[AccessEntry]:
        del heads, deadline  # one writer at a time reads them again
        if self.unwritable is not None:
            raise self.unwritable
        with self._writing:
            at = self._now()
            try:
                self._charge(caller, errand, looks, at)
            except AllowanceSpent as spent:
                window = at[:16] if spent.window is Window.MINUTE else vietnam_day(at)
                if looks and (caller.id, window) not in self._told:
                    self._told.add((caller.id, window))
                    self._keep(caller, errand, [stopped(caller, looks, spent.window)], at)
                raise
            return self._keep(caller, errand, looks, at)

    def _keep(
        self, caller: Caller, errand: Errand, looks: Sequence[Look], at: str
    ) -> list[AccessEntry]:
        noted = []
        for look in looks:
            entry = linked(caller, errand, look, self._head(look.subject), at)
            text = canonical(entry_as_json(entry))
            self._stored.setdefault(look.subject, []).append(text)
            noted.append(entry)
        return noted

    def _charge(self, caller: Caller, errand: Errand, looks: Sequence[Look], at: str) -> None:
        minute = caller.id, at[:16], counter_of(caller, errand.request_id)
        today = caller.id, vietnam_day(at)
        cost, most = cost_of(looks), self._limits.day_of(caller)
        if most is not None and cost and self._looks[today] + cost > most:
            raise AllowanceSpent(Window.DAY, at)
        if self._requests[minute] + 1 > most_in_counter(self._limits, caller):
            raise AllowanceSpent(Window.MINUTE, at)
        self._requests[minute] += 1
        if most is not None:
            self._looks[today] += cost
            subjects = counted_subjects(errand, looks)
            self._subjects.setdefault(today, set()).update(subjects)
            if subjects:
                self._cases.setdefault(today, set()).add(errand.case or "")

    def allowance(self, caller: Caller, deadline: Deadline) -> Standing:
        del deadline
        most = self._limits.day_of(caller)
        if most is None:
            return Standing()
        today = caller.id, vietnam_day(self._now())
        return Standing(
            self._looks[today],
            most,
            len(self._subjects.get(today, ())),
            len(self._cases.get(today, ())),
        )

    def entry(self, subject: str, number: int, deadline: Deadline) -> AccessEntry | None:
        del deadline
        return next((entry for entry in self.chain(subject) if entry.number == number), None)

    def trace(
        self,
        subject: str,
        deadline: Deadline,
        *,
        for_subject: bool,
        cursor: Json = None,
        limit: int = 100,
    ) -> AccessPage:
        del deadline
        if cursor is not None and (type(cursor) is not int or cursor < 1):
            raise ValueError("The cursor is not one of a subject's chain.")
        shown = [
            traced
            for traced in self._traced(self.chain(subject)[::-1])
            if not (for_subject and traced.hidden_until)
            and (type(cursor) is not int or traced.entry.number < cursor)
        ]
        more = len(shown) > limit
        return AccessPage(tuple(shown[:limit]), shown[limit - 1].entry.number if more else None)

    def found(
        self,
        question: LogQuestion,
        deadline: Deadline,
        *,
        cursor: Json = None,
        limit: int = 100,
    ) -> AccessPage:
        del deadline
        question.check()
        fitting = sorted(
            (entry for entry in self.entries() if question.fits(entry)),
            key=lambda entry: (entry.looked_at, entry.subject, entry.number),
            reverse=True,
        )
        begin = 0
        if cursor is not None:
            if type(cursor) is not int:
                raise ValueError("The cursor is not one of the access log.")
            begin = cursor
        shown = tuple(self._traced(fitting[begin : begin + limit]))
        return AccessPage(shown, begin + limit if len(fitting) > begin + limit else None)

    def _traced(self, entries: Sequence[AccessEntry]) -> list[Traced]:
        now = self._now()
        untils = {entry.subject: hidden_untils(self.chain(entry.subject)) for entry in entries}
        traced = []
        for entry in entries:
            until = untils[entry.subject].get(entry.number)
            traced.append(Traced(entry, until if until is not None and until > now else None))
        return traced
