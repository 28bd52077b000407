"""What data officers and agencies ask, answered, after it was noted who looked at what and why.

A request is a `Visit`: it asks the policies, reads through a door that remembers what it handed
out, and releases an answer only once all of that is noted. Whatever is raised on the way, nothing
has left, and what was read is noted as a look that was not answered, if noting is possible at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from types import TracebackType
from typing import Any, Final, NoReturn, cast

from functions.shared.adapters.opaque import NotOpaque, Opaque
from functions.shared.core.access import (
    LONGEST_SPAN,
    USUAL_SPAN,
    AccessPage,
    Action,
    Caller,
    Errand,
    LogQuestion,
    Look,
    Question,
    Ruling,
    Traced,
    caller_subject,
    deferral_note,
    person_subject,
)
from functions.shared.core.allowances import stopped_by
from functions.shared.core.answers import (
    BadRequest,
    NotFound,
    NotPermitted,
    Problem,
    Unavailable,
)
from functions.shared.core.errors import Defect, LienThongError, Retry
from functions.shared.core.events import uid_of
from functions.shared.core.groups import group_of, groups_of
from functions.shared.core.instants import VIETNAM, instant, later
from functions.shared.core.kinds import DOSSIER, INSURANCE_CARD, KINDS, PERSON
from functions.shared.core.lanes import Record
from functions.shared.core.past import as_known, between, change_answer, instant_asked
from functions.shared.core.purposes import header_at_fault, problem_with
from functions.shared.core.receipts import receipt
from functions.shared.core.registry import agency_id
from functions.shared.core.search import HINT, MOST_FOUND, SHOWN, Named, wanted
from functions.shared.core.views import (
    View,
    agencies_of_record,
    fitting,
    masked_field,
    record_answer,
    shown_of,
    subject_of_record,
    unseen,
)
from functions.shared.ports import (
    AccessLog,
    Deadline,
    Directory,
    Due,
    Found,
    Policies,
    Reader,
    Readers,
)
from schemas.forms import DOSSIER_CODE_PATTERN, EXPECTED

Answer = dict[str, Any]
"""A JSON object, ready to be sent; `request_id` is in each."""

SERVED: Final = (PERSON.name, INSURANCE_CARD.name, DOSSIER.name)
OPEN_STATUSES: Final = frozenset({1, 2, 4, 5, 6, 8})
"""National dossier states in which something is still to be done."""
MOST_LISTED: Final = 50
MOST_PAGES: Final = 10
"""Pages of a record's ledger entries that are looked through for one page of changes."""
LONGEST_DEFERRAL: Final = 366
"""Days. Whoever needs more defers again, which is noted again."""
LONGEST_WHY: Final = 500

_FORMS: Final = {
    "personal_id": (re.compile("[0-9]{12}"), "A personal id has 12 digits."),
    "old_identity_number": (re.compile("[0-9]{9}"), "An old identity number has 9 digits."),
    "insurance_number": (re.compile("[0-9]{10}"), "An insurance number has 10 digits."),
}
_DATE: Final = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
_SOURCE: Final = re.compile(r"/agencies/[A-Za-z0-9][A-Za-z0-9.\-]{0,63}")
_DOSSIER_CODE: Final = re.compile(DOSSIER_CODE_PATTERN)
_NO_DOSSIER: Final = "There is no dossier with this code."
_NO_RECORD: Final = "There is no such record. Look the person up again, and use the id given there."
_NOT_PERMITTED: Final = (
    "No policy permits this for your roles, your agency and the purpose you named. The refusal was"
    " noted. `lienthong policy explain` says which policies decide."
)


@dataclass(frozen=True, slots=True)
class Sight:
    """What may be seen of something: groups of fields, and the policies that decided."""

    groups: frozenset[str]
    rules: tuple[str, ...]

    @property
    def anything(self) -> bool:
        """Whether there is a group that may be seen."""
        return bool(self.groups)

    def see(self, group: str) -> bool:
        """Whether a group may be seen."""
        return group in self.groups


@dataclass(slots=True)
class _Noted:
    """What is to be noted of one subject."""

    seen: dict[str, tuple[str, ...]] = field(default_factory=dict)
    masked: dict[str, tuple[str, ...]] = field(default_factory=dict)
    rules: dict[str, None] = field(default_factory=dict)


class Visit:
    """One request: what it is about, what it has read, and what is noted of it.

    `asked` is the subject that was asked for where that is known from the request alone. A
    context manager: left by an error before anything was noted, it notes what was read as not
    answered.
    """

    def __init__(
        self, service: QueryService, caller: Caller, errand: Errand, action: Action, asked: str = ""
    ) -> None:
        self._service = service
        self._asked = asked or caller_subject(caller.id)
        self._looks: dict[str, _Noted] = {}
        self._tried = False
        self.caller = caller
        self.errand = errand
        self.action = action
        self.deadline: Deadline = service.patience()
        self.reader: Reader = service.readers.open()

    def __enter__(self) -> Visit:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not isinstance(error, Exception) or self._tried:
            return
        looks: dict[str, list[str]] = {self._asked: []}
        for key, subject in self.reader.handed_out.items():
            looks.setdefault(subject, []).append(key)
        failed = [
            Look(
                subject,
                self.action,
                allowed=False,
                rules=(),
                seen={},
                masked=dict.fromkeys(sorted(keys), ()),
                note={"outcome": "not-answered"},
            )
            for subject, keys in looks.items()
        ]
        try:
            self._note(failed)
        except LienThongError:
            return  # the error that led here says already that nothing is answered

    # Asking the policies ----------------------------------------------------------------------

    def rule(self, *questions: Question) -> list[Ruling]:
        """What the policies answer."""
        return self._service.policies.rule(self.caller, self.errand, questions)

    def permit(self, question: Question) -> tuple[str, ...]:
        """The policies that permit something. Raises NotPermitted, after it was noted."""
        (ruling,) = self.rule(question)
        if not ruling.allowed:
            self.refuse(ruling.rules)
        return ruling.rules

    def sights(
        self, things: Collection[tuple[str, frozenset[str]]], action: Action = Action.READ
    ) -> dict[tuple[str, frozenset[str]], Sight]:
        """What may be seen of records of these kinds and agencies, all asked at once."""
        asked = [(thing, group) for thing in dict.fromkeys(things) for group in groups_of(thing[0])]
        lines = {ids: self.line(ids) for ids in {ids for (_, ids), _ in asked}}
        rulings = self.rule(
            *(Question(action, kind, group, lines[ids]) for (kind, ids), group in asked)
        )
        sights = {}
        for thing in things:
            own = [(g, r) for (t, g), r in zip(asked, rulings, strict=True) if t == thing]
            seen = frozenset(group for group, ruling in own if ruling.allowed)
            decided = [ruling.rules for _, ruling in own if ruling.allowed or not seen]
            sights[thing] = Sight(seen, tuple(dict.fromkeys(id_ for ids in decided for id_ in ids)))
        return sights

    def line(self, agencies: Iterable[str]) -> frozenset[str]:
        """These agencies, each with all that are above it."""
        above = self._service.directory.above
        return frozenset(
            id_ for agency in agencies for id_ in (agency, *above(agency, self.deadline))
        )

    # Noting -----------------------------------------------------------------------------------

    def saw(
        self,
        record_key: str,
        subject: str,
        seen: Iterable[str],
        masked: Iterable[str],
        rules: Iterable[str],
    ) -> None:
        """A record goes into the answer, with these fields."""
        noted = self._looks.setdefault(subject, _Noted())
        noted.seen[record_key] = tuple(seen)
        noted.masked[record_key] = tuple(masked)
        noted.rules.update(dict.fromkeys(rules))

    def release(
        self,
        answer: Answer,
        *,
        rules: Iterable[str] = (),
        note: Mapping[str, str] | None = None,
    ) -> Answer:
        """The answer, once everything that was read for it is noted.

        `rules` and `note` are for a request that is about no record. Raises Defect where a
        record that was read is in no look, Unavailable where noting fails.
        """
        for key, subject in self.reader.handed_out.items():
            looked = self._looks.get(subject)
            if looked is None or key not in looked.masked:
                raise Defect("A record was read that no look is noted of; nothing was released.")
        looks = self._permitted()
        if not looks:
            looks = [Look(self._asked, self.action, True, tuple(rules), {}, {}, note)]
        self._note(looks)
        return {**answer, "request_id": self.errand.request_id}

    def refuse(self, rules: Iterable[str]) -> NoReturn:
        """Notes a refusal, of whatever was read as well, and raises NotPermitted."""
        subjects = {self._asked: _Noted()} if not self.reader.handed_out else {}
        for key, subject in self.reader.handed_out.items():
            subjects.setdefault(subject, _Noted()).masked[key] = ()
        decided = tuple(dict.fromkeys(rules))
        self._note(
            [
                Look(subject, self.action, False, decided, {}, noted.masked)
                for subject, noted in subjects.items()
            ]
        )
        raise NotPermitted(decided, _NOT_PERMITTED)

    def miss(self, text: str, rules: Iterable[str] = ()) -> NoReturn:
        """Notes that there is nothing, and raises NotFound."""
        for key, subject in self.reader.handed_out.items():
            self.saw(key, subject, (), (), rules)
        note = {"outcome": "not-found"}
        looks = self._permitted(note)
        self._note(looks or [Look(self._asked, self.action, True, tuple(rules), {}, {}, note)])
        raise NotFound(text)

    def _permitted(self, note: Mapping[str, str] | None = None) -> list[Look]:
        return [
            Look(subject, self.action, True, tuple(noted.rules), noted.seen, noted.masked, note)
            for subject, noted in self._looks.items()
        ]

    def _note(self, looks: Sequence[Look]) -> None:
        self._tried = True
        try:
            self._service.log.note(
                self.caller, self.errand, looks, self.reader.heads, self.deadline
            )
        except Retry as error:
            raise Unavailable("The look could not be noted; nothing was released.") from error


@dataclass(frozen=True, slots=True)
class QueryService:
    """The questions. Each raises what `core.answers` names, or `AllowanceSpent`, instead of
    answering; a passing failure is a `Retry`. Whatever is raised, nothing that was read has left.

    `patience` makes the deadline of one request; `now` gives the instant.
    """

    readers: Readers
    policies: Policies
    log: AccessLog
    directory: Directory
    opaque: Opaque
    patience: Callable[[], Deadline]
    now: Callable[[], str]

    # People -----------------------------------------------------------------------------------

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
        _checked(errand)
        _exactly_one(
            personal_id=personal_id,
            old_identity_number=old_identity_number,
            insurance_number=insurance_number,
        )
        if personal_id is not None:
            asked = person_subject(personal_id)
        else:
            asked = f"{INSURANCE_CARD.name}/{insurance_number}" if insurance_number else ""
        with Visit(self, caller, errand, Action.READ, asked) as visit:
            fixed = visit.sights([(PERSON.name, _NONE), (INSURANCE_CARD.name, _NONE)])
            rules = fixed[PERSON.name, _NONE].rules
            if not fixed[PERSON.name, _NONE].anything:
                visit.refuse(rules)
            if personal_id is not None:
                found = visit.reader.about(personal_id, visit.deadline)
            elif insurance_number is not None:
                found = self._by_card(visit, insurance_number)
            else:
                found = self._by_old_number(visit, cast(str, old_identity_number), rules)
            if found.person is None and not found.cards and not found.dossiers:
                visit.miss("There is neither a person nor a card nor a dossier of it.", rules)
            return self._whole(visit, found, fixed)

    def _by_card(self, visit: Visit, number: str) -> Found:
        cards = visit.reader.records({(INSURANCE_CARD.name, number)}, visit.deadline)
        card = cards.get(f"{INSURANCE_CARD.name}/{number}")
        personal_id = shown_of(card).get("personal_id") if card is not None else None
        if card is None or not isinstance(personal_id, str):
            return Found(None, tuple(cards.values()), (), complete=True)
        found = visit.reader.about(personal_id, visit.deadline)
        if card.key in {other.key for other in found.cards}:
            return found
        return replace(found, cards=(card, *found.cards))  # the index did not know it yet

    def _by_old_number(self, visit: Visit, number: str, rules: Iterable[str]) -> Found:
        ids = visit.reader.with_old_number(number, visit.deadline)
        if len(ids) > 1:
            visit.miss("Several people show this number. Search by name together with it.", rules)
        if not ids:
            return Found(None, (), (), complete=True)
        found = visit.reader.about(ids[0], visit.deadline)
        shown = shown_of(found.person) if found.person is not None else {}
        if shown.get("old_identity_number") != number:  # the index lags
            visit.miss("There is nobody who shows this number.", rules)
        return found

    def _whole(
        self, visit: Visit, found: Found, fixed: Mapping[tuple[str, frozenset[str]], Sight]
    ) -> Answer:
        """What was found as an answer; what does not fit is noted as masked and left out."""
        things = [(DOSSIER.name, agencies_of_record(d)) for d in found.dossiers]
        sights = {**fixed, **(visit.sights(things) if things else {})}
        person = [found.person] if found.person is not None else []
        records = [*person, *found.cards, *found.dossiers]
        views = []
        for record in records:
            sight = sights[record.kind, agencies_of_record(record)]
            views.append((record, sight, self._view(record, sight)))
        fits = fitting([view for _, _, view in views])
        told: dict[str, list[Any]] = {kind: [] for kind in SERVED}
        for number, (record, sight, view) in enumerate(views):
            _saw(visit, record, view if number < fits else unseen(view), sight.rules)
            if number < fits:
                told[record.kind].append(view.answer)
        return visit.release(
            {
                "person": next(iter(told[PERSON.name]), None),
                "insurance_cards": told[INSURANCE_CARD.name],
                "dossiers": told[DOSSIER.name],
                "complete": found.complete and fits == len(views),
            }
        )

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
        limit: int = MOST_FOUND,
    ) -> Answer:
        """People of that name, at most 50: exact matches first. Where there are more, `complete`
        is False and `hint` says how to find them."""
        _checked(errand)
        people = wanted(
            name=name,
            date_of_birth=date_of_birth,
            year_of_birth=year_of_birth,
            commune=commune,
            old_identity_number=old_identity_number,
            limit=limit,
        )
        with Visit(self, caller, errand, Action.SEARCH) as visit:
            rules = visit.permit(Question(Action.SEARCH, PERSON.name))
            sight = visit.sights([(PERSON.name, _NONE)])[PERSON.name, _NONE]
            found = visit.reader.people(people, visit.deadline)
            told = [self._found(visit, one, sight, rules) for one in found.people]
            answer: Answer = {"people": told, "complete": found.complete}
            if not found.complete:
                answer["hint"] = HINT
            return visit.release(answer, rules=rules)

    def _found(
        self, visit: Visit, one: Named, sight: Sight, rules: Iterable[str]
    ) -> dict[str, Any]:
        fields = {}
        seen, masked = [], []
        for name in SHOWN:
            if name not in one.fields:
                continue
            group = group_of(PERSON.name, name)
            if sight.see(group):
                seen.append(name)
                fields[name] = {"group": group, "value": one.fields[name]}
            else:
                masked.append(name)
                fields[name] = masked_field(group)
        subject = person_subject(one.personal_id)
        visit.saw(subject, subject, seen, masked, (*rules, *sight.rules))
        return {
            "record": self.opaque.record(PERSON.name, one.personal_id),
            "match": one.match.word,
            "fields": fields,
        }

    # Records ----------------------------------------------------------------------------------

    def record(self, caller: Caller, errand: Errand, kind: str, opaque_id: str) -> Answer:
        """One record; `kind` is `person`, `insurance-card` or `dossier`."""
        _checked(errand)
        key = self._key(opaque_id, kind)[1]
        return self._one(caller, errand, kind, key, _NO_RECORD)

    def dossier_lookup(self, caller: Caller, errand: Errand, *, dossier_code: str) -> Answer:
        """A dossier by its code, which is in the body so that no address holds it."""
        _checked(errand)
        if not _DOSSIER_CODE.fullmatch(dossier_code):
            raise BadRequest([Problem("/dossier_code", "form", EXPECTED[DOSSIER_CODE_PATTERN])])
        return self._one(caller, errand, DOSSIER.name, dossier_code, _NO_DOSSIER)

    def _one(self, caller: Caller, errand: Errand, kind: str, key: str, missing: str) -> Answer:
        """A record, noted as read; `missing` is what is said where there is none."""
        with Visit(self, caller, errand, Action.READ, f"{kind}/{key}") as visit:
            sight = self._before_reading(visit, kind)
            found = visit.reader.records({(kind, key)}, visit.deadline)
            record = found.get(f"{kind}/{key}")
            if record is None:
                visit.miss(missing, sight.rules)
            sight = self._sight_of(visit, record, Action.READ)
            if not sight.anything:
                visit.refuse(sight.rules)
            view = self._view(record, sight)
            _saw(visit, record, view, sight.rules)
            return visit.release(view.answer)

    def _before_reading(self, visit: Visit, kind: str) -> Sight:
        """What may be seen of any record of a kind, of a dossier: of one of the caller's own
        agency; refused where that is nothing, so that nobody learns who or what exists by what
        they may not see."""
        thing = (kind, frozenset({visit.caller.agency}) if kind == DOSSIER.name else _NONE)
        sight = visit.sights([thing])[thing]
        if not sight.anything:
            visit.refuse(sight.rules)
        return sight

    def _sight_of(self, visit: Visit, record: Record, action: Action) -> Sight:
        thing = (record.kind, agencies_of_record(record))
        return visit.sights([thing], action)[thing]

    def _view(self, record: Record, sight: Sight) -> View:
        return record_answer(record, sight.see, self.opaque.record(record.kind, record.key))

    def _key(self, opaque_id: str, *kinds: str) -> tuple[str, str]:
        """Kind and key of a record's id. Raises NotFound where it is none of these kinds."""
        try:
            kind, key = self.opaque.parse_record(opaque_id)
        except NotOpaque:
            raise NotFound(_NO_RECORD) from None
        if kind not in kinds:
            raise NotFound(_NO_RECORD)
        return kind, key

    def dossiers(
        self,
        caller: Caller,
        errand: Errand,
        *,
        agency: str | None = None,
        statuses: Collection[int] = (),
        due_before: str | None = None,
        cursor: str | None = None,
        limit: int = MOST_LISTED,
    ) -> Answer:
        """The dossiers that an agency handles (the caller's own unless told), by status (all that
        are open unless told), those due first before the others. Those without a due date come
        before all, and are left out where `due_before` is given."""
        _checked(errand)
        chosen = frozenset(statuses) or OPEN_STATUSES
        problems = []
        if not chosen <= frozenset(range(1, 11)):
            problems.append(Problem("status", "range", "A status is a number from 1 to 10."))
        if not 1 <= limit <= MOST_LISTED:
            problems.append(Problem("limit", "range", f"A limit is 1 to {MOST_LISTED}."))
        if problems:
            raise BadRequest(problems)
        before = instant_asked("due_before", due_before) if due_before is not None else None
        handler = agency or caller.agency
        context = f"dossiers {caller.id} {handler} {sorted(chosen)} {before}"
        after = self._place(context, cursor, ["", ""])
        due = Due(handler, chosen, before, limit, (after[0], after[1]))
        with Visit(self, caller, errand, Action.LIST) as visit:
            question = Question(Action.LIST, DOSSIER.name, None, visit.line([handler]))
            rules = visit.permit(question)
            records, rest = visit.reader.handled(due, visit.deadline)
            things = [(r.kind, agencies_of_record(r)) for r in records]
            sights = visit.sights(things) if things else {}
            views = [
                (record, self._view(record, sights[thing]), sights[thing])
                for record, thing in zip(records, things, strict=True)
            ]
            fits = fitting([view for _, view, _ in views])
            for number, (record, view, sight) in enumerate(views):
                shows = view if number < fits else unseen(view)
                _saw(visit, record, shows, (*rules, *sight.rules))
            if fits < len(views):
                shown = shown_of(records[fits - 1])
                rest = due.after_key((str(shown.get("due_at", "")), records[fits - 1].key))
            return visit.release(
                {
                    "dossiers": [view.answer for _, view, _ in views[:fits]],
                    "cursor": self.opaque.cursor(context, list(rest.after)) if rest else None,
                },
                rules=rules,
            )

    # The past ---------------------------------------------------------------------------------

    def history_at(self, caller: Caller, errand: Errand, opaque_id: str, *, at: str) -> Answer:
        """A record as it was known at an instant."""
        _checked(errand)
        kind, key = self._key(opaque_id, *SERVED)
        moment = instant_asked("at", at)
        with Visit(self, caller, errand, Action.READ_HISTORY, f"{kind}/{key}") as visit:
            self._history_may_be_read(visit, kind)
            chain = visit.reader.chain(kind, key, visit.deadline, whole=True)
            if chain.record is None:
                visit.miss(_NO_RECORD)
            rules, sight = self._history_sight(visit, chain.record)
            then = as_known(kind, key, chain.entries, moment)
            if then is None:
                visit.miss("The record was not known yet at that instant.", rules)
            view = self._view(then, sight)
            _saw(visit, chain.record, view, rules)
            # Whom the record was about then may be somebody else; they are told as well.
            _saw(visit, then, view, rules)
            return visit.release({**view.answer, "at": moment})

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
        """What changed in a record between two instants, both inclusive, by version."""
        _checked(errand)
        kind, key = self._key(opaque_id, *SERVED)
        begin = instant_asked("from", since) if since is not None else None
        end = instant_asked("to", until) if until is not None else None
        context = f"history {caller.id} {kind}/{key} {begin} {end}"
        version: int = self._place(context, cursor, 0)
        with Visit(self, caller, errand, Action.READ_HISTORY, f"{kind}/{key}") as visit:
            self._history_may_be_read(visit, kind)
            chain = visit.reader.chain(kind, key, visit.deadline, after=version)
            if chain.record is None:
                visit.miss(_NO_RECORD)
            rules, sight = self._history_sight(visit, chain.record)
            found = list(between(chain.entries, begin, end))
            pages = 1
            while chain.more and not found and pages < MOST_PAGES:
                version = chain.entries[-1].version
                chain = visit.reader.chain(kind, key, visit.deadline, after=version)
                found = list(between(chain.entries, begin, end))
                pages += 1
            changes = [change_answer(kind, entry, sight.see) for entry in found]
            seen = frozenset[str]().union(*(change.seen for change in changes))
            masked = frozenset[str]().union(*(change.masked for change in changes))
            for record, subject in visit.reader.handed_out.items():
                visit.saw(record, subject, sorted(seen), sorted(masked), rules)
            last = chain.entries[-1].version if chain.more else None
            return visit.release(
                {
                    "record": opaque_id,
                    "changes": [change.answer for change in changes],
                    "cursor": self.opaque.cursor(context, last) if last is not None else None,
                }
            )

    def _history_may_be_read(self, visit: Visit, kind: str) -> None:
        """Refuses what is refused whatever the record, before it is read."""
        line = visit.line([visit.caller.agency]) if kind == DOSSIER.name else _NONE
        visit.permit(Question(Action.READ_HISTORY, kind, None, line))

    def _history_sight(self, visit: Visit, record: Record) -> tuple[tuple[str, ...], Sight]:
        """The policies that permit the frame of a record's history, and what may be seen of it."""
        line = visit.line(agencies_of_record(record))
        rules = visit.permit(Question(Action.READ_HISTORY, record.kind, None, line))
        sight = self._sight_of(visit, record, Action.READ_HISTORY)
        return tuple(dict.fromkeys((*rules, *(sight.rules if sight.anything else ())))), sight

    def receipt(self, caller: Caller, errand: Errand, *, source: str, id_: str) -> Answer:
        """What became of an event."""
        _checked(errand)
        if not _SOURCE.fullmatch(source):
            raise BadRequest([Problem("source", "form", "A source is /agencies/<agency id>.")])
        if not 1 <= len(id_) <= 128:
            raise BadRequest([Problem("id", "form", "An event's id has 1 to 128 characters.")])
        publisher = agency_id(source)
        with Visit(self, caller, errand, Action.READ_RECEIPT) as visit:
            line = visit.line([publisher])
            rules = visit.permit(Question(Action.READ_RECEIPT, "ledger", None, line))
            happened = visit.reader.event(uid_of(source, id_), visit.deadline)
            entry = happened.entry
            if entry is None and not happened.refused:
                visit.miss(
                    "Neither the ledger nor the quarantine has this event. If it was sent just"
                    " now, ask again in a moment; else send it.",
                    rules,
                )
            opaque_id = None
            if entry is not None:
                opaque_id = self.opaque.record(*_split(entry.record_key))
                for record, subject in visit.reader.handed_out.items():
                    visit.saw(record, subject, (), (), rules)
            told = receipt(
                source,
                id_,
                entry,
                happened.refused,
                opaque_id=opaque_id,
                own=publisher == caller.agency,
            )
            return visit.release(told, rules=rules)

    # The access log ---------------------------------------------------------------------------

    def trace(
        self, caller: Caller, errand: Errand, opaque_id: str, *, cursor: str | None = None
    ) -> Answer:
        """Who looked at a person, the newest look first: whole for whoever may see that, else as
        the person may be told, without what is deferred."""
        _checked(errand)
        _, key = self._key(opaque_id, PERSON.name)
        subject = person_subject(key)
        with Visit(self, caller, errand, Action.READ_TRACE, subject) as visit:
            whole, told = visit.rule(
                Question(Action.READ_ACCESS_LOG, _ACCESS_LOG),
                Question(Action.READ_TRACE, _ACCESS_LOG),
            )
            if whole.allowed:
                visit.action = Action.READ_ACCESS_LOG
            elif not told.allowed:
                visit.refuse(told.rules)
            rules = whole.rules if whole.allowed else told.rules
            context = f"trace {caller.id} {subject} {whole.allowed}"
            page = self.log.trace(
                subject,
                visit.deadline,
                for_subject=not whole.allowed,
                cursor=self._place(context, cursor, None),
                limit=MOST_LISTED,
            )
            visit.saw(subject, subject, (), (), rules)
            answer = self._entries(page, context, visit, whole=whole.allowed)
            return visit.release(answer, rules=rules)

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
        """Who looked, by officer, agency or purpose, between two instants, both inclusive; in the
        last seven days unless told, at most in 31."""
        _checked(errand)
        asked = {"officer": officer, "agency": agency, "purpose": purpose}
        note = {name: value for name, value in asked.items() if value is not None}
        if not note:
            text = "Name an officer, an agency or a purpose; nobody reads the log whole."
            raise BadRequest([Problem("", "too-little", text)])
        begin, end, context = self._span(caller, note, since, until, cursor)
        with Visit(self, caller, errand, Action.READ_ACCESS_LOG) as visit:
            rules = visit.permit(Question(Action.READ_ACCESS_LOG, _ACCESS_LOG))
            place = self._place(context, cursor, None)
            page = self.log.found(
                LogQuestion(begin, end, officer, agency, purpose),
                visit.deadline,
                cursor=place["at"] if place is not None else None,
                limit=MOST_LISTED,
            )
            if page.cursor is not None:
                page = replace(page, cursor={"at": page.cursor, "begin": begin, "end": end})
            answer = self._entries(page, context, visit, whole=True)
            return visit.release(answer, rules=rules, note=note)

    def _span(
        self,
        caller: Caller,
        note: Mapping[str, str],
        since: str | None,
        until: str | None,
        cursor: str | None,
    ) -> tuple[str, str, str]:
        """The instants that are asked about, and the context of the cursor, which keeps them."""
        end = _just_after(instant_asked("to", until)) if until is not None else None
        begin = instant_asked("from", since) if since is not None else None
        context = f"access-log {caller.id} {sorted(note.items())} {begin} {end}"
        if (place := self._place(context, cursor, None)) is not None:
            return place["begin"], place["end"], context
        text = f"Ask about at most {LONGEST_SPAN} days at once, from before to."
        try:
            end = end or later(self.now(), 1)
            begin = begin or later(end, -USUAL_SPAN * _DAY)
            if begin < end <= later(begin, LONGEST_SPAN * _DAY):
                return begin, end, context
        except OverflowError:  # at one end of the calendar
            pass
        raise BadRequest([Problem("from", "range", text)])

    def _entries(self, page: AccessPage, context: str, visit: Visit, *, whole: bool) -> Answer:
        entries = [self._entry(traced, visit, whole=whole) for traced in page.entries]
        going_on = page.cursor is not None
        cursor = self.opaque.cursor(context, page.cursor) if going_on else None
        return {"entries": entries, "cursor": cursor}

    def _entry(self, traced: Traced, visit: Visit, *, whole: bool) -> dict[str, Any]:
        entry = traced.entry
        keys = sorted({*entry.seen, *entry.masked})
        told: dict[str, Any] = {
            "entry": self.opaque.entry(entry.subject, entry.number),
            "looked_at": entry.looked_at,
            "officer": entry.officer,
            "officer_name": entry.officer_name,
            "agency": entry.agency,
            "agency_name": self.directory.name(entry.agency, visit.deadline),
            "roles": list(entry.roles),
            "action": entry.action,
            "purpose": entry.purpose,
            "case": entry.case,
            "decision": "permitted" if entry.allowed else "refused",
            "rules": list(entry.rules),
            "records": [
                {
                    "record": self.opaque.record(*_split(key)),
                    "kind": _split(key)[0],
                    "seen": list(entry.seen.get(key, ())),
                    "masked": list(entry.masked.get(key, ())),
                }
                for key in keys
                if _split(key)[0] in KINDS
            ],
            "request_id": entry.request_id,
        }
        if (window := stopped_by(entry)) is not None:
            told["spent"] = window.value
        if whole and traced.hidden_until is not None:
            told["hidden_until"] = traced.hidden_until
        return told

    def defer(
        self, caller: Caller, errand: Errand, entry_id: str, *, until: str, why: str
    ) -> Answer:
        """Hides an entry of the access log from its subject until a date (`YYYY-MM-DD`, from the
        beginning of that day in Vietnam it is shown)."""
        _checked(errand)
        moment = self._until(until)
        if not 1 <= len(why.strip()) <= LONGEST_WHY:
            text = f"Say why, in 1 to {LONGEST_WHY} characters."
            raise BadRequest([Problem("/why", "length", text)])
        gone = "There is no such entry. Read the access log again, and use the id given there."
        try:
            subject, number = self.opaque.parse_entry(entry_id)
        except NotOpaque:
            raise NotFound(gone) from None
        with Visit(self, caller, errand, Action.DEFER_DISCLOSURE, subject) as visit:
            rules = visit.permit(Question(Action.DEFER_DISCLOSURE, _ACCESS_LOG))
            if self.log.entry(subject, number, visit.deadline) is None:
                raise NotFound(gone)
            note = deferral_note(number, moment, why.strip())
            return visit.release(
                {"entry": entry_id, "hidden_until": moment}, rules=rules, note=note
            )

    def _until(self, text: str) -> str:
        """The first instant of a day in Vietnam. Raises BadRequest for one that is too far or
        over."""
        try:
            if not _DATE.fullmatch(text):
                raise ValueError
            day = datetime.combine(date.fromisoformat(text), datetime.min.time(), VIETNAM)
        except ValueError:
            raise BadRequest([Problem("/until", "form", "A date is YYYY-MM-DD.")]) from None
        now = datetime.fromisoformat(self.now())
        if not now < day <= now + timedelta(days=LONGEST_DEFERRAL):
            problem = f"The date is after today and within {LONGEST_DEFERRAL} days."
            raise BadRequest([Problem("/until", "range", problem)])
        return instant(day)

    # Oneself ----------------------------------------------------------------------------------

    def me(self, caller: Caller, errand: Errand) -> Answer:
        """Who asks, and what is left of the day's looks (null where there is no limit)."""
        _checked(errand)
        deadline = self.patience()
        standing = self.log.allowance(caller, deadline)
        return {
            "id": caller.id,
            "name": caller.name,
            "agency": caller.agency,
            "agency_name": self.directory.name(caller.agency, deadline),
            "roles": sorted(role.value for role in caller.roles),
            "is_system": caller.is_system,
            "allowance": {
                "looks": standing.looks,
                "most": standing.most,
                "left": standing.left,
            },
            "request_id": errand.request_id,
        }

    def _place(self, context: str, cursor: str | None, start: Any) -> Any:
        """Where a page begins. Raises BadRequest for a cursor of another question."""
        if cursor is None:
            return start
        try:
            return self.opaque.parse_cursor(context, cursor)
        except NotOpaque:
            text = (
                "The cursor belongs to another question or another caller; ask the same again, or"
                " begin without a cursor."
            )
            raise BadRequest([Problem("cursor", "unknown", text)]) from None


_NONE: Final[frozenset[str]] = frozenset()
"""The agencies of a record that belongs to none."""
_ACCESS_LOG: Final = "access-log"
_DAY: Final = 86_400


def _just_after(at: str) -> str:
    """The next instant. The last one that a log could hold has none."""
    try:
        return instant(datetime.fromisoformat(at) + timedelta(microseconds=1))
    except OverflowError:
        return at


def _checked(errand: Errand) -> None:
    """Raises BadRequest where purpose or case are missing or not as they should be."""
    problem = problem_with(errand.purpose, errand.case)
    if problem is not None:
        raise BadRequest([Problem(header_at_fault(errand.purpose), "purpose", problem)])


def _exactly_one(**numbers: str | None) -> None:
    """Raises BadRequest unless one number is given, in its form."""
    given = {name: number for name, number in numbers.items() if number is not None}
    if len(given) != 1:
        text = f"Give exactly one of {', '.join(numbers)}."
        raise BadRequest([Problem("", "exactly-one", text)])
    for name, number in given.items():
        form, text = _FORMS[name]
        if not form.fullmatch(number):
            raise BadRequest([Problem(f"/{name}", "form", text)])


def _saw(visit: Visit, record: Record, view: View, rules: Iterable[str]) -> None:
    visit.saw(record.record_key, subject_of_record(record), view.seen, view.masked, rules)


def _split(record_key: str) -> tuple[str, str]:
    kind, _, key = record_key.partition("/")
    return kind, key
