"""The quarantine as the API shows and changes it: by policy, noted, and a bounded part at a time.

What is guaranteed: nothing of an entry leaves, and nothing about one is changed, before it is
noted in the access log who did so and why; what the log does not take is neither shown nor done.
A change that is cut off and asked for again does no harm (`adapters.desk` says why).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final

from functions.shared.adapters.desk import (
    BEFORE_ALL,
    MOST_TOGETHER,
    Cursor,
    Desk,
    Maker,
    NotTaken,
    Outcome,
    Pace,
    Replay,
    Tally,
    Unsuited,
    Watch,
    as_it_was,
    corrected_by,
    dismiss_all,
    looked_at,
    replay_all,
)
from functions.shared.adapters.opaque import NotOpaque, Opaque
from functions.shared.core.access import (
    Action,
    Caller,
    Errand,
    Look,
    Question,
    Ruling,
    caller_subject,
    person_subject,
)
from functions.shared.core.answers import BadRequest, NotFound, NotPermitted, Problem, Unavailable
from functions.shared.core.cases import OPEN, Contradiction, Entry, Selection
from functions.shared.core.correction import (
    Patch,
    Unfit,
    WrongRule,
    by_hand,
    checked_why,
    event_type_of,
    read_for,
    selected_by,
)
from functions.shared.core.errors import Defect
from functions.shared.core.foresight import Foresight
from functions.shared.core.groups import GROUP_OF, GROUPS
from functions.shared.core.kinds import DOSSIER, INSURANCE_CARD, KIND_OF_QUEUE, PERSON
from functions.shared.core.marking import differences
from functions.shared.core.registry import agency_id, source_of
from functions.shared.ports import AccessLog, Deadline, Directory, Policies
from functions.shared.runtime.desk_answers import (
    COUNTED_BY,
    LARGEST_PAGE,
    MOST_AT_ONCE,
    Answer,
    by_reasons,
    counts_answer,
    differences_answer,
    entry_answer,
    foresight_answer,
    groups,
    reasons_answer,
    tally_answer,
    whole_answer,
)
from schemas.forms import DOSSIER_CODE_PATTERN, INSURANCE_NUMBER_PATTERN, PERSONAL_ID_PATTERN

Texts = str | Sequence[str] | None
"""A text, or several of which any will do; None does not matter."""

_SPARE: Final = 8.0
"""Seconds that one batch may take: with fewer left none is begun."""
_ID: Final = re.compile("[0-9a-f]{64}")
_PREFIX: Final = re.compile("[0-9a-f]{8,64}")
_KEYS: Final = {
    PERSON.name: re.compile(PERSONAL_ID_PATTERN),
    INSURANCE_CARD.name: re.compile(INSURANCE_NUMBER_PATTERN),
    DOSSIER.name: re.compile(DOSSIER_CODE_PATTERN),
}


@dataclass(frozen=True, slots=True)
class _Asked:
    """One request: who asks and why, the time that it has, and whether it was let in."""

    caller: Caller
    errand: Errand
    deadline: Deadline

    @property
    def by(self) -> str:
        """Who did it, as entries have it."""
        return f"{self.caller.name} ({self.caller.agency})"

    @property
    def cursors(self) -> str:
        """What this caller's cursors are for."""
        return f"quarantine/{self.caller.id}"

    def stop(self) -> bool:
        """Whether there is no time for another batch."""
        return self.deadline.remaining() < _SPARE


class DeskService:
    """The desk, as routes call it: plain values in, answers out, the errors of `core.answers`.

    A selector (`queue`, `reason`, `error`, `path`, `source`, `type`, `status`) is a text or several
    of which any will do; `since` and `until` are times as people write them (`2h`, a day, an
    instant), by default the last 14 days. `patience` makes the deadline of one request.
    """

    def __init__(
        self,
        desk: Desk,
        policies: Policies,
        log: AccessLog,
        directory: Directory,
        opaque: Opaque,
        *,
        now: Callable[[], str],
        patience: Callable[[], Deadline],
    ) -> None:
        self._desk = desk
        self._policies = policies
        self._log = log
        self._directory = directory
        self._opaque = opaque
        self._now = now
        self._patience = patience

    # Reading --------------------------------------------------------------------------------

    def entries(
        self,
        caller: Caller,
        errand: Errand,
        *,
        id: str | None = None,  # noqa: A002 - the parameter's name in the URL
        queue: Texts = None,
        reason: Texts = None,
        error: Texts = None,
        path: Texts = None,
        source: Texts = None,
        type: Texts = None,  # noqa: A002 - the parameter's name in the URL
        status: Texts = None,
        since: str | None = None,
        until: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Answer:
        """Entries without their bodies, newest first: `entries`, and a `cursor` where there are
        more. `id` is the beginning of their ids, of at least 8 digits; with it there is no cursor.
        """
        asked = self._asked(caller, errand)
        words = _words(queue, reason, error, path, source, type, status, since, until)
        chosen = self._selection(words, by_status=True)
        if not 1 <= limit <= LARGEST_PAGE:
            raise _bad("limit", f"A page has 1 to {LARGEST_PAGE} entries. Correct it.")
        if id is not None and not _PREFIX.fullmatch(id):
            raise _bad("id", "An id has 64 hexadecimal digits; give at least the first 8 of them.")
        after = self._after(asked, cursor)
        chosen, ruling = self._narrowed(asked, Action.READ_QUARANTINE, chosen)
        watch = Watch(asked.stop)
        if id is not None:
            names = self._desk.beginning_with(id, chosen, limit)
            found = [one for one in self._desk.entries_with(names).values() if _takes(chosen, one)]
            found.sort(key=lambda one: (one.received_at, one.id), reverse=True)
        else:
            few = limit < MOST_TOGETHER
            seen = self._desk.entries(chosen, after=after, few=few, watch=watch)
            found = list(islice(seen, limit + 1))
        page = found[:limit]
        told = {**_told(words), "entries": str(len(page))}
        self._note(asked, _about_none(asked, Action.READ_QUARANTINE, ruling, told))
        last = page[-1] if len(found) > limit else None
        return {
            "entries": [entry_answer(entry) for entry in page],
            "cursor": self._cursor(asked, last, watch, after),
            "request_id": errand.request_id,
        }

    def counts(
        self,
        caller: Caller,
        errand: Errand,
        *,
        by: Texts = ("queue", "reason", "status"),
        queue: Texts = None,
        reason: Texts = None,
        error: Texts = None,
        path: Texts = None,
        source: Texts = None,
        type: Texts = None,  # noqa: A002 - the parameter's name in the URL
        status: Texts = None,
        since: str | None = None,
        until: str | None = None,
        cursor: str | None = None,
    ) -> Answer:
        """How many entries there are: `total`, and `counts` for each of what `by` names.

        A `cursor` says that time was up; what is counted from there on is to be added.
        """
        asked = self._asked(caller, errand)
        names = (by,) if isinstance(by, str) else tuple(by or ())
        if not names or len(set(names)) < len(names) or not set(names) <= set(COUNTED_BY):
            raise _bad("by", f"Entries are counted by some of {', '.join(COUNTED_BY)}.")
        words = _words(queue, reason, error, path, source, type, status, since, until)
        chosen = self._selection(words, by_status=True)
        after = self._after(asked, cursor)
        chosen, ruling = self._narrowed(asked, Action.READ_QUARANTINE, chosen)
        watch = Watch(asked.stop)
        total, counts = self._desk.count(
            chosen,
            lambda entry: groups(entry, names),
            after=after,
            reasons=by_reasons(names),
            watch=watch,
        )
        told = {**_told(words), "counted": str(total)}
        self._note(asked, _about_none(asked, Action.READ_QUARANTINE, ruling, told))
        return {
            "total": total,
            "counts": counts_answer(names, counts),
            "cursor": self._cursor(asked, None, watch, after),
            "request_id": errand.request_id,
        }

    def entry(self, caller: Caller, errand: Errand, id: str) -> Answer:  # noqa: A002 - as above
        """One entry whole: its body, if the caller may see every group of fields that a body of
        its queue can hold (what is in a refused one nobody can tell apart), each reason at its
        place, what led to it and followed.
        """
        asked = self._asked(caller, errand)
        entry = self._found(asked, Action.READ_QUARANTINE, id)
        frame = self._ruling(asked, Action.READ_QUARANTINE, entry.source, ())
        fields = self._ruling(asked, Action.READ_QUARANTINE, entry.source, _groups(entry.queue))
        shown = frame.allowed and fields.allowed
        told = {"quarantine": entry.id, "body": "seen" if shown else "masked"}
        ruling = fields if shown else frame
        look = _about(asked, entry, Action.READ_QUARANTINE, ruling, told, shown=shown)
        self._unless_refused(asked, look)
        entry = self._desk.with_reasons(entry)
        steps, led = self._desk.followed(entry), self._desk.led_to(entry)
        self._note(asked, look)
        return whole_answer(entry, steps, led, body=shown) | {"request_id": errand.request_id}

    # Changing one ---------------------------------------------------------------------------

    def replay_one(
        self,
        caller: Caller,
        errand: Errand,
        id: str,  # noqa: A002 - as above
        *,
        why: str | None = None,
        body: str | Mapping[str, Any] | None = None,
        patch: Sequence[Mapping[str, Any]] | None = None,
        again: bool = False,
        even_refused: bool = False,
        dry_run: bool = False,
    ) -> Answer:
        """Sends a message again: as it was, as `body` (what an editor left of it, or an event) or
        as `patch` (RFC 6902) makes it.

        `outcome` says what became of it; what would be refused again is left open, unless
        `even_refused`. `event_id` is the event that was sent, `becomes` the entry that it becomes
        if it is refused. `why` may be missing in a dry run alone, which is `foreseen`.
        """
        asked = self._asked(caller, errand)
        reason = _why(why, needed=not dry_run)
        if body is not None and patch is not None:
            raise _bad("/patch", "Give a body or a patch, not both.")
        made_by = _by_hand(body) if body is not None else _maker(patch)
        corrects = made_by is not as_it_was
        did = "corrected" if corrects else "replayed"
        entry = self._found(asked, Action.CORRECT_QUARANTINE, id)
        fields = _groups(entry.queue) if corrects else ()
        ruling = self._ruling(asked, Action.CORRECT_QUARANTINE, entry.source, fields)
        told = _change(entry, did, reason, dry_run=dry_run)
        shown = corrects or None
        self._let_in(
            asked, _about(asked, entry, Action.CORRECT_QUARANTINE, ruling, told, shown=shown)
        )
        said = _Said(entry, did, errand.request_id)
        if entry.status != OPEN:
            return said.answer(Outcome.TAKEN.value)
        made = made_by(entry)
        if isinstance(made, Unsuited):
            return said.answer("not-applicable", unfit=made.why)
        (replay,) = self._desk.examined([made], self._now())
        if dry_run:
            outcome = "foreseen"
        elif replay.refused and not even_refused:
            outcome = "still-refused"
        else:
            outcome = self._sent(asked, replay, reason, again=again)
        return said.answer(outcome, replay)

    def _sent(self, asked: _Asked, replay: Replay, why: str, *, again: bool) -> str:
        try:
            (outcome,) = self._desk.replay(
                [replay], by=asked.by, why=why, at=self._now(), again=again
            )
        except NotTaken as error:
            raise _why_not_taken(error) from None
        return outcome.value

    def dismiss_one(
        self,
        caller: Caller,
        errand: Errand,
        id: str,  # noqa: A002 - as above
        *,
        why: str | None = None,
        again: bool = False,
        dry_run: bool = False,
    ) -> Answer:
        """Puts a message aside for good; `outcome` says whether it did."""
        asked = self._asked(caller, errand)
        reason = _why(why, needed=not dry_run)
        entry = self._found(asked, Action.DISMISS_QUARANTINE, id)
        ruling = self._ruling(asked, Action.DISMISS_QUARANTINE, entry.source, ())
        told = _change(entry, "dismissed", reason, dry_run=dry_run)
        self._let_in(asked, _about(asked, entry, Action.DISMISS_QUARANTINE, ruling, told))
        outcome = "foreseen" if entry.status == OPEN else Outcome.TAKEN.value
        if not dry_run:
            (done,) = self._desk.dismiss(
                [entry], by=asked.by, why=reason, at=self._now(), again=again
            )
            outcome = done.value
        return _Said(entry, "dismissed", errand.request_id).outcome(outcome)

    # Changing many --------------------------------------------------------------------------

    def replay_many(
        self,
        caller: Caller,
        errand: Errand,
        *,
        select: Mapping[str, Any],
        why: str | None = None,
        dry_run: bool = True,
        most: int = 100,
        again: bool = False,
        even_refused: bool = False,
        cursor: str | None = None,
    ) -> Answer:
        """Sends the open messages of a selection again as they were, at most so many."""
        return self._many(
            self._asked(caller, errand),
            _Many(Action.CORRECT_QUARANTINE, "replayed", as_it_was, again, even_refused),
            select,
            _why(why, needed=not dry_run),
            dry_run=dry_run,
            most=most,
            cursor=cursor,
        )

    def correct_many(
        self,
        caller: Caller,
        errand: Errand,
        *,
        select: Mapping[str, Any],
        patch: Sequence[Mapping[str, Any]],
        why: str | None = None,
        dry_run: bool = True,
        most: int = 100,
        again: bool = False,
        cursor: str | None = None,
    ) -> Answer:
        """Applies a rule: corrects the open messages of a selection and sends what it makes of
        them, at most so many; what would be refused again is left open.
        """
        return self._many(
            self._asked(caller, errand),
            _Many(Action.CORRECT_QUARANTINE, "corrected", _maker(patch, needed=True), again),
            select,
            _why(why, needed=not dry_run),
            dry_run=dry_run,
            most=most,
            cursor=cursor,
        )

    def dismiss_many(
        self,
        caller: Caller,
        errand: Errand,
        *,
        select: Mapping[str, Any],
        why: str | None = None,
        dry_run: bool = True,
        most: int = 100,
        again: bool = False,
        cursor: str | None = None,
    ) -> Answer:
        """Puts the open messages of a selection aside for good, at most so many."""
        return self._many(
            self._asked(caller, errand),
            _Many(Action.DISMISS_QUARANTINE, "dismissed", None, again),
            select,
            _why(why, needed=not dry_run),
            dry_run=dry_run,
            most=most,
            cursor=cursor,
        )

    def _many(
        self,
        asked: _Asked,
        what: _Many,
        select: Mapping[str, Any],
        why: str,
        *,
        dry_run: bool,
        most: int,
        cursor: str | None,
    ) -> Answer:
        if not select:
            raise _bad("/select", "Say which entries are meant, for example a queue and a reason.")
        if not 1 <= most <= MOST_AT_ONCE:
            raise _bad("/most", f"One call works on 1 to {MOST_AT_ONCE} entries. Correct it.")
        chosen = replace(self._selection(select), statuses=frozenset({OPEN}))
        after = self._after(asked, cursor)
        fields = _groups(*(chosen.queues or KIND_OF_QUEUE)) if what.corrects else ()
        chosen, ruling = self._narrowed(asked, what.action, chosen, fields)
        look = _about_none(
            asked,
            what.action,
            ruling,
            {**_told(select), "did": what.did, "why": why, "dry_run": str(dry_run).lower()},
        )
        watch = Watch(asked.stop)
        few, bodies = most <= MOST_TOGETHER, what.make is not None
        read = self._desk.entries(chosen, after=after, bodies=bodies, few=few, watch=watch)
        part = _Part(islice(read, most))
        if dry_run:
            found, samples = self._foreseen(asked, part, what, ruling)
            self._note(asked, look, *samples)
            said, worked = foresight_answer(found), found.meant
        else:
            self._note(asked, look)
            tally = self._worked(asked, part, what, why)
            said, worked = tally_answer(tally), tally.looked_at
        last: Cursor | Entry | None = None
        if worked < len(part.taken):
            last = part.taken[worked - 1] if worked else after or BEFORE_ALL
        elif worked == most or part.cut:
            last = part.taken[-1]
        return {
            "dry_run": dry_run,
            **said,
            "cursor": self._cursor(asked, last, watch, after),
            "request_id": asked.errand.request_id,
        }

    def _foreseen(
        self, asked: _Asked, part: _Part, what: _Many, ruling: Ruling
    ) -> tuple[Foresight, list[Look]]:
        """What would happen, and what is to be noted of the messages that it shows parts of."""
        found = Foresight()
        if what.make is None:
            for entry in part:
                found.meet(entry)
            return found, []
        shown: dict[str, Entry] = {}
        for chunk in looked_at(self._desk, part, what.make, self._now, MOST_TOGETHER):
            for one in chunk:
                if isinstance(one, Unsuited):
                    found.see(one.entry, one.why)
                elif found.see(one.entry, one.body, one.refused):
                    shown[one.entry.id] = one.entry
            if asked.stop():
                part.cut = True
                break
        if not what.corrects:
            found.samples.clear()
        sampled = [shown[sample.id] for sample in found.samples]
        return found, [
            _about(
                asked,
                entry,
                what.action,
                ruling,
                _change(entry, what.did, "", dry_run=True),
                shown=True,
            )
            for entry in sampled
        ]

    def _worked(self, asked: _Asked, part: Iterable[Entry], what: _Many, why: str) -> Tally:
        if what.make is None:
            return dismiss_all(
                self._desk,
                part,
                by=asked.by,
                why=why,
                now=self._now,
                stop=asked.stop,
                told=_nobody,
                again=what.again,
            )
        try:
            return replay_all(
                self._desk,
                part,
                what.make,
                by=asked.by,
                why=why,
                now=self._now,
                pace=_AT_ONCE,
                stop=asked.stop,
                told=_nobody,
                even_refused=what.even_refused,
                again=what.again,
            )
        except NotTaken as error:
            raise _why_not_taken(error) from None

    # Who may, and what is noted -------------------------------------------------------------

    def _asked(self, caller: Caller, errand: Errand) -> _Asked:
        return _Asked(caller, errand, self._patience())

    def _ruling(
        self, asked: _Asked, action: Action, source: str | None, fields: Iterable[str]
    ) -> Ruling:
        """Whether all of it is permitted: the frame, and each of the groups of fields."""
        agencies = self._agencies(asked, source)
        questions = [Question(action, _KIND, group, agencies) for group in (None, *fields)]
        rulings = self._policies.rule(asked.caller, asked.errand, questions)
        return _together(rulings)

    def _agencies(self, asked: _Asked, source: str | None) -> frozenset[str]:
        if source is None or not source.startswith(_PREFIX_OF_SOURCES):
            return frozenset()
        agency = agency_id(source)
        return frozenset({agency, *self._directory.above(agency, asked.deadline)})

    def _narrowed(
        self, asked: _Asked, action: Action, chosen: Selection, fields: Sequence[str] = ()
    ) -> tuple[Selection, Ruling]:
        """The selection, narrowed to what the caller may see: to its own agency, if it may not
        see every source and names none. Raises NotPermitted, noted.
        """
        ruling = self._ruling(asked, action, None, fields)
        if ruling.allowed:
            return chosen, ruling
        sources = chosen.sources or {source_of(asked.caller.agency)}
        ruling = _together(
            [self._ruling(asked, action, source, fields) for source in sorted(sources)]
        )
        self._unless_refused(asked, _about_none(asked, action, ruling, {}))
        return replace(chosen, sources=frozenset(sources)), ruling

    def _found(self, asked: _Asked, action: Action, id_: str) -> Entry:
        """The entry, with its body. Raises NotFound, noted."""
        found = self._desk.entries_with([id_]) if _ID.fullmatch(id_) else {}
        if not found:
            own = source_of(asked.caller.agency)
            anything, mine = (self._ruling(asked, action, source, ()) for source in (None, own))
            ruling = anything if anything.allowed else mine
            self._let_in(asked, _about_none(asked, action, ruling, {"found": "nothing"}))
            raise NotFound("There is no quarantine entry of this id.")
        return found[id_]

    def _let_in(self, asked: _Asked, look: Look) -> None:
        """Notes it. Raises NotPermitted, noted, where it is refused."""
        self._unless_refused(asked, look)
        self._note(asked, look)

    def _unless_refused(self, asked: _Asked, look: Look) -> None:
        if not look.allowed:
            self._note(asked, look)
            raise NotPermitted(
                look.rules,
                "No policy lets you do this with these refused messages. Ask somebody whose role"
                " it is, or ask about those of your own agency.",
            )

    def _note(self, asked: _Asked, *looks: Look) -> None:
        self._log.note(asked.caller, asked.errand, looks, {}, asked.deadline)

    # Words and cursors ----------------------------------------------------------------------

    def _selection(self, words: Mapping[str, Any], *, by_status: bool = False) -> Selection:
        now = self._now()
        try:
            return selected_by(words, now, by_status=by_status).ranged(now)
        except (WrongRule, Contradiction) as error:
            where = "query" if by_status else "/select"
            raise _bad(where, str(error).replace("`select.", "`")) from None

    def _after(self, asked: _Asked, cursor: str | None) -> Cursor | None:
        if cursor is None:
            return None
        try:
            return Cursor(*self._opaque.parse_cursor(asked.cursors, cursor))
        except NotOpaque:
            raise _bad(
                "cursor", "This is no cursor of yours. Give the one that the last answer had."
            ) from None

    def _cursor(
        self, asked: _Asked, last: Entry | Cursor | None, watch: Watch, after: Cursor | None
    ) -> str | None:
        """Where to go on: after the last one, or where the time was up; None at the end."""
        if isinstance(last, Entry):
            last = Cursor(last.received_at, last.id)
        elif last is None and watch.stopped:
            last = watch.at or after or BEFORE_ALL
        return None if last is None else self._opaque.cursor(asked.cursors, list(last))


@dataclass(frozen=True, slots=True)
class _Many:
    """What is to be done with many entries; without `make` they are dismissed."""

    action: Action
    did: str
    make: Maker | None
    again: bool
    even_refused: bool = False

    @property
    def corrects(self) -> bool:
        """Whether fields are changed, and shown for it."""
        return self.did == "corrected"


class _Part:
    """Entries as they are taken, which it remembers."""

    def __init__(self, entries: Iterator[Entry]) -> None:
        self._entries = entries
        self.taken: list[Entry] = []
        self.cut = False
        """Whether there was no time for the rest."""

    def __iter__(self) -> Iterator[Entry]:
        for entry in self._entries:
            self.taken.append(entry)
            yield entry


_KIND: Final = "quarantine"
_PREFIX_OF_SOURCES: Final = source_of("")
_AT_ONCE: Final = Pace(None, lambda: 0.0, lambda _: None)


def _why_not_taken(error: NotTaken) -> Exception:
    """What is raised for a queue that does not answer: what never will is no passing failure."""
    if isinstance(error.__cause__, Defect):
        return error.__cause__
    return Unavailable(
        "A queue did not take the messages. What it took is closed; the same request again goes on."
    )


def _nobody(_: Tally) -> None:
    pass


def _together(rulings: Iterable[Ruling]) -> Ruling:
    """One ruling for all: permitted if each is; the rules of those that decide it."""
    given = list(rulings)
    allowed = all(ruling.allowed for ruling in given)
    deciding = [ruling for ruling in given if ruling.allowed == allowed]
    return Ruling(allowed, tuple(sorted({rule for one in deciding for rule in one.rules})))


def _groups(*queues: str) -> tuple[str, ...]:
    """The groups of fields that messages of these queues can hold."""
    kinds = {KIND_OF_QUEUE[queue].name for queue in queues}
    found = {group for kind in kinds for group in GROUP_OF.get(kind, {}).values()}
    return tuple(group for group in GROUPS if group in found)


@dataclass(frozen=True, slots=True)
class _Said:
    """What is said of a change of one entry."""

    entry: Entry
    did: str
    request_id: str

    def outcome(self, outcome: str) -> Answer:
        """What became of it; `status` and the others are what was there before."""
        return {
            "entry": self.entry.id,
            "reason": self.entry.reason,
            "status": self.entry.status,
            "replay_begun": self.entry.underway is not None,
            "did": self.did,
            "outcome": outcome,
            "request_id": self.request_id,
        }

    def answer(
        self, outcome: str, replay: Replay | None = None, unfit: Unfit | None = None
    ) -> Answer:
        """The same of a replay, with what was or would be sent."""
        before, corrects = self.entry.body or "", self.did == "corrected"
        different = differences(before, replay.body) if replay and corrects else ()
        return self.outcome(outcome) | {
            "event_id": replay.event_id if replay else None,
            "becomes": replay.becomes if replay else None,
            "still_refused": reasons_answer(replay.refused) if replay else [],
            "not_applicable": {"code": unfit.code, "text": unfit.text} if unfit else None,
            "differences": differences_answer(different),
        }


def _takes(chosen: Selection, entry: Entry) -> bool:
    return chosen.takes(entry, lambda: event_type_of(entry.body or ""))


def _about_none(asked: _Asked, action: Action, ruling: Ruling, told: Mapping[str, str]) -> Look:
    """What is noted of a request that is about no single subject."""
    subject = caller_subject(asked.caller.id)
    return Look(subject, action, ruling.allowed, ruling.rules, {}, {}, told)


def _about(
    asked: _Asked,
    entry: Entry,
    action: Action,
    ruling: Ruling,
    told: Mapping[str, str],
    *,
    shown: bool | None = None,
) -> Look:
    """What is noted of an entry: under its event's subject, if it is the event of one.

    `shown` says whether its fields are; None where they were not asked for.
    """
    found = _subject_of(entry)
    if found is None:
        return _about_none(asked, action, ruling, told)
    subject, record, fields = found
    seen = {record: fields} if shown and ruling.allowed else {}
    masked = {} if seen or shown is None else {record: fields}
    return Look(subject, action, ruling.allowed, ruling.rules, seen, masked, told)


def _subject_of(entry: Entry) -> tuple[str, str, tuple[str, ...]] | None:
    """Whom a readable event is about, its record, and the fields that it names."""
    kind = KIND_OF_QUEUE[entry.queue]
    reading = read_for(entry.queue, entry.body or "")
    envelope = reading.of_this_queue
    if (
        envelope is None
        or kind.name not in _KEYS
        or not _KEYS[kind.name].fullmatch(envelope.subject)
    ):
        return None
    record = f"{kind.name}/{envelope.subject}"
    owner = _owner(kind.name, entry.body or "")
    subject = record if owner is None else person_subject(owner)
    return subject, record, (kind.key, *reading.fields_of(kind))


def _owner(kind: str, body: str) -> str | None:
    """The person that a card's or a dossier's event says it is about."""
    if kind == PERSON.name:
        return None
    data = json.loads(body).get("data")
    if kind == DOSSIER.name and isinstance(data, dict):
        data = data.get("applicant")
    owner = data.get("personal_id") if isinstance(data, dict) else None
    is_one = isinstance(owner, str) and _KEYS[PERSON.name].fullmatch(owner) is not None
    return owner if is_one else None


def _change(entry: Entry, did: str, why: str, *, dry_run: bool) -> dict[str, str]:
    told = {"quarantine": entry.id, "did": did, "why": why}
    return {**told, "dry_run": "true"} if dry_run else told


def _told(words: Mapping[str, Any]) -> dict[str, str]:
    """A selection as the access log has it."""
    return {"select": json.dumps(words, ensure_ascii=False, sort_keys=True)[:_LONGEST_SELECT]}


_LONGEST_SELECT: Final = 1000


def _words(
    queue: Texts,
    reason: Texts,
    error: Texts,
    path: Texts,
    source: Texts,
    type_: Texts,
    status: Texts,
    since: str | None,
    until: str | None,
) -> dict[str, Any]:
    """A selection in a rule's words; what does not matter is left out."""
    texts = {
        "queue": queue,
        "reason": reason,
        "error": error,
        "path": path,
        "source": source,
        "type": type_,
        "status": status,
    }
    given = {n: t if isinstance(t, str) else list(dict.fromkeys(t)) for n, t in texts.items() if t}
    times = {"since": since, "until": until}
    return {**given, **{name: text for name, text in times.items() if text is not None}}


def _bad(path: str, text: str) -> BadRequest:
    return BadRequest([Problem(path, "invalid-value", text)])


def _why(why: str | None, *, needed: bool) -> str:
    if why is None and not needed:
        return ""
    try:
        return checked_why(why)
    except WrongRule as error:
        raise _bad("/why", str(error)) from None


def _maker(patch: Sequence[Mapping[str, Any]] | None, *, needed: bool = False) -> Maker:
    if patch is None and not needed:
        return as_it_was
    try:
        return corrected_by(Patch(None if patch is None else list(patch)))
    except WrongRule as error:
        raise _bad("/patch", str(error)) from None


def _by_hand(body: str | Mapping[str, Any]) -> Maker:
    """What a person made of a message: a text, or the event itself."""
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)

    def make(entry: Entry) -> Replay | Unsuited:
        made = by_hand(entry, entry.body or "", text)
        if isinstance(made, Unfit):
            return Unsuited(entry, made)
        return Replay(entry, "corrected", made.body, made.event_id)

    return make
