"""The access log and the allowances, on DynamoDB.

One transaction notes a request: for each look a Put of its entry, guarded by its absence; for each
subject an Update of its head, guarded by the link that the entries follow on; and what it takes off
the caller's allowances, guarded by their limits. So no chain ever forks, an entry is never written
over, and nobody is served without being counted. A request with more looks than fit into one
transaction (a long search) is noted in several, the allowances in the first of them; where a later
one fails nothing is released, and the log has looks that saw nothing rather than the reverse.

Where an allowance is used up, a transaction of its own notes the refusal and marks the allowance,
guarded by the absence of the mark: one entry for each caller and window, however many ask at once.

An answer that is lost leaves open whether the transaction took place. The entry that it would have
written first tells: it names its request, and its number is taken by no other.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from functions.shared.adapters.attributes import Item, from_item, to_attribute, to_item
from functions.shared.adapters.bulk import (
    MOST_KEYS,
    Waiting,
    Wanted,
    every_item,
    read_chunk,
    read_items,
)
from functions.shared.adapters.documents import pack, unpack
from functions.shared.adapters.errors import (
    AWS_ERRORS,
    CANCELLATION,
    cancellations,
    code_of,
    meaning,
)
from functions.shared.adapters.keys import (
    agency_day,
    day_allowance,
    minute_allowance,
    purpose_day,
)
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
    deferral_of,
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
    is_watched,
    most_in_counter,
    stopped,
)
from functions.shared.core.errors import Defect, Retry
from functions.shared.core.events import Json
from functions.shared.core.instants import vietnam_day
from functions.shared.ports import Deadline

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

_T = TypeVar("_T")
MOST_ACTIONS: Final = 100
MOST_TRIES: Final = 8
"""Of one transaction: enough for a crowd that looks at one person at the same moment."""
DAYS_KEPT: Final = 8
"""Days after which an allowance's item may go; what was looked at is in the log, for good."""
LARGEST_PAGE: Final = 100
MOST_LOOKED_UP: Final = 1000
"""Keys of an index that are looked up for one page; it may end early, with a cursor."""

_OF_ALLOWANCES: Final = 2
"""Actions of a request's first transaction beside its looks."""
_SHORT: Final = 6
"""Bytes of the keyed hash under which the subjects and cases of a day are counted."""
_READ_TRIES: Final = 6
_MARKING_COUNTER: Final = 0
"""Of a system's counters, the one that is marked for all of them."""


@dataclass(frozen=True, slots=True)
class Places:
    """The names of the three tables."""

    log: str
    heads: str
    allowances: str


class DynamoAccessLog:
    """`AccessLog` over the three tables.

    `key` is the secret from which the hashes of a day's subjects and cases have theirs; `now`
    gives an instant. `suspected` is called after a request of a caller who seems to collect people,
    for one in `WATCHED_EVERY` of such requests.
    """

    def __init__(
        self,
        client: DynamoDBClient,
        places: Places,
        limits: Limits,
        key: bytes,
        waiting: Waiting,
        now: Callable[[], str],
        suspected: Callable[[Caller], None] = lambda _: None,
    ) -> None:
        self._client = client
        self._places = places
        self._limits = limits
        # A key of its own, so that the given one may have another use.
        self._key = hmac.digest(key, b"lienthong allowances", "sha256")
        self._waiting = waiting
        self._now = now
        self._suspected = suspected

    # Before ---------------------------------------------------------------------------------

    def heads(self, subjects: Collection[str], deadline: Deadline) -> dict[str, Head]:
        """The newest link of each subject's chain, read consistently."""
        heads = dict.fromkeys(subjects, NO_HEAD)
        if heads:
            wanted = {self._places.heads: Wanted("subject", heads.keys())}
            for item in self._read(wanted, deadline)[self._places.heads]:
                heads[item["subject"]["S"]] = head_from_item(item)
        return heads

    def allowance(self, caller: Caller, deadline: Deadline) -> Standing:
        """How the caller stands today."""
        most = self._limits.day_of(caller)
        if most is None:
            return Standing()
        wanted = {
            self._places.allowances: Wanted("allowance", [self._day_key(caller, self._now())])
        }
        for item in self._read(wanted, deadline)[self._places.allowances]:
            return Standing(
                looks=int(item.get("looks", {"N": 0})["N"]),
                most=most,
                subjects=len(item.get("subjects", {"BS": ()})["BS"]),
                cases=len(item.get("cases", {"BS": ()})["BS"]),
            )
        return Standing(most=most)

    def _read(self, wanted: Mapping[str, Wanted], deadline: Deadline) -> dict[str, list[Item]]:
        return read_items(self._client, wanted, deadline, self._waiting)

    # Noting ---------------------------------------------------------------------------------

    def note(
        self,
        caller: Caller,
        errand: Errand,
        looks: Sequence[Look],
        heads: Mapping[str, Head],
        deadline: Deadline,
    ) -> list[AccessEntry]:
        """The entries of the looks, in their order, once all of them are written."""
        missing = {look.subject for look in looks} - heads.keys()
        known = {**heads, **self.heads(missing, deadline)} if missing else heads
        entries: dict[int, AccessEntry] = {}
        charge: Sequence[Look] | None = looks
        for part in _parts(looks):
            attempt = _Attempt(caller, errand, [looks[place] for place in part], charge)
            try:
                written = self._written(attempt, known, deadline)
            except AllowanceSpent as spent:
                if looks:
                    with suppress(AllowanceSpent):  # another request of the window was first
                        self._tell(attempt, spent, deadline)
                raise
            entries.update(zip(part, written, strict=True))
            charge = None
        if looks and is_watched(caller, errand.request_id):
            self._watch(caller, deadline)
        return [entries[place] for place in range(len(looks))]

    def _tell(self, refused: _Attempt, spent: AllowanceSpent, deadline: Deadline) -> None:
        """Notes that a request was refused for an allowance, unless the window is marked.

        Raises AllowanceSpent where it was marked meanwhile, Retry where noting fails.
        """
        caller = refused.caller
        look = stopped(caller, refused.charge or (), spent.window)
        wanted = {
            self._places.heads: Wanted("subject", [look.subject]),
            self._places.allowances: Wanted("allowance", [self._marked_key(caller, spent)]),
        }
        found = self._read(wanted, deadline)
        if any("told" in item for item in found[self._places.allowances]):
            return
        heads = {look.subject: NO_HEAD}
        heads |= {item["subject"]["S"]: head_from_item(item) for item in found[self._places.heads]}
        self._written(_Attempt(caller, refused.errand, [look], None, spent), heads, deadline)

    def _watch(self, caller: Caller, deadline: Deadline) -> None:
        with suppress(Retry):  # it is counted the next time
            if self.allowance(caller, deadline).is_suspect:
                self._suspected(caller)

    def _written(
        self, attempt: _Attempt, heads: Mapping[str, Head], deadline: Deadline
    ) -> list[AccessEntry]:
        tried: list[list[AccessEntry]] = []
        for number in range(MOST_TRIES):
            if number:
                if deadline.remaining() <= 0:
                    break
                self._waiting.before_try(number, deadline)
                heads = self.heads(attempt.subjects, deadline)
                if (own := self._arrived(tried, heads, deadline)) is not None:
                    return own
            at = self._now()
            entries = attempt.entries(heads, at)
            tried.append(entries)
            guards = self._guards(attempt, at)
            actions: Any = [
                *self._links(entries, heads),
                *({"Update": update} for _, update in guards),
            ]
            try:
                self._client.transact_write_items(TransactItems=actions)
            except AWS_ERRORS as error:
                spent = _spent(error, [window for window, _ in guards])
                if spent is not None:
                    raise AllowanceSpent(spent, at) from None
                if issubclass(meaning(error), Defect) or _is_refused(error):
                    code = ", ".join(sorted({*cancellations(error)} - {"None"})) or code_of(error)
                    raise Defect(f"TransactWriteItems failed with {code}.") from None
            else:
                return entries
        # The last try may have been the one whose answer was lost.
        heads = self.heads(attempt.subjects, deadline)
        if (own := self._arrived(tried, heads, deadline)) is not None:
            return own
        raise Retry("The access log could not be written in time.")

    def _arrived(
        self, tried: Sequence[list[AccessEntry]], heads: Mapping[str, Head], deadline: Deadline
    ) -> list[AccessEntry] | None:
        """The entries of the try that took place, if one did.

        A number that a chain has passed is taken for good, so what stands there decides. A try
        whose number is still free may yet take place, but then not the next one, which wants it
        as well.
        """
        for entries in tried:
            if not entries or heads[entries[0].subject].number < entries[0].number:
                continue
            there = self.entry(entries[0].subject, entries[0].number, deadline)
            if there is not None and there.entry_hash == entries[0].entry_hash:
                return entries
        return None

    def _links(
        self, entries: Sequence[AccessEntry], heads: Mapping[str, Head]
    ) -> Iterator[dict[str, Any]]:
        newest: dict[str, list[AccessEntry]] = {}
        for entry in entries:
            newest.setdefault(entry.subject, []).append(entry)
            yield {
                "Put": {
                    "TableName": self._places.log,
                    "Item": item_from_entry(entry),
                    "ConditionExpression": "attribute_not_exists(subject)",
                }
            }
        for subject, links in newest.items():
            yield {"Update": self._moved(links, heads[subject])}

    def _moved(self, links: Sequence[AccessEntry], head: Head) -> dict[str, Any]:
        """The Update that moves a head on to the last of the links."""
        last = links[-1]
        update = "SET #n=:n,entry_hash=:h"
        values: Item = {":n": {"N": str(last.number)}, ":h": {"S": last.entry_hash}}
        condition = "attribute_not_exists(subject)"
        if head.number:
            condition = "#n=:was AND entry_hash=:prev"
            values |= {":was": {"N": str(head.number)}, ":prev": {"S": head.entry_hash}}
        deferrals = [entry.number for entry in links if deferral_of(entry) is not None]
        if deferrals:
            update += ",deferrals=list_append(if_not_exists(deferrals,:none),:d)"
            values |= {":none": {"L": []}, ":d": to_attribute(list(deferrals))}
        return {
            "TableName": self._places.heads,
            "Key": {"subject": {"S": last.subject}},
            "UpdateExpression": update,
            "ConditionExpression": condition,
            "ExpressionAttributeNames": {"#n": "number"},
            "ExpressionAttributeValues": values,
        }

    def _guards(self, attempt: _Attempt, at: str) -> list[tuple[Window, dict[str, Any]]]:
        """What a transaction does to its caller's allowances, with the window of each."""
        if attempt.spent is not None:
            return [(attempt.spent.window, self._mark(attempt.caller, attempt.spent))]
        return self._charges(attempt, at)

    def _mark(self, caller: Caller, spent: AllowanceSpent) -> dict[str, Any]:
        """Marks a window as one whose end is noted; its item may not be there yet."""
        return {
            "TableName": self._places.allowances,
            "Key": {"allowance": {"S": self._marked_key(caller, spent)}},
            "UpdateExpression": "SET told=:t,expires_at=:e",
            "ConditionExpression": "attribute_not_exists(told)",
            "ExpressionAttributeValues": {
                ":t": {"BOOL": True},
                ":e": {"N": str(_expires(spent.window, spent.at))},
            },
        }

    def _marked_key(self, caller: Caller, spent: AllowanceSpent) -> str:
        if spent.window is Window.DAY:
            return self._day_key(caller, spent.at)
        counter = _MARKING_COUNTER if caller.is_system else None
        return minute_allowance(caller.id, spent.at, counter)

    def _charges(self, attempt: _Attempt, at: str) -> list[tuple[Window, dict[str, Any]]]:
        """What the request takes off its caller's allowances, with the window of each."""
        if attempt.charge is None:
            return []
        caller, errand = attempt.caller, attempt.errand
        counter = counter_of(caller, errand.request_id)
        charges = [
            (
                Window.MINUTE,
                self._charge(
                    minute_allowance(caller.id, at, counter),
                    {"requests": 1},
                    most_in_counter(self._limits, caller),
                    _expires(Window.MINUTE, at),
                ),
            )
        ]
        cost, most = cost_of(attempt.charge), self._limits.day_of(caller)
        if cost and most is not None:
            if cost > most:
                raise AllowanceSpent(Window.DAY, at)
            charge = self._charge(
                self._day_key(caller, at), {"looks": cost}, most, _expires(Window.DAY, at)
            )
            subjects = counted_subjects(errand, attempt.charge)
            if subjects:
                cases = {errand.case or ""}
                charge["UpdateExpression"] += ",subjects :subjects,cases :cases"
                charge["ExpressionAttributeValues"] |= {
                    ":subjects": {"BS": self._hashed(subjects)},
                    ":cases": {"BS": self._hashed(cases)},
                }
            charges.append((Window.DAY, charge))
        return charges

    def _charge(
        self, key: str, takes: Mapping[str, int], most: int, expires: int
    ) -> dict[str, Any]:
        ((name, cost),) = takes.items()
        return {
            "TableName": self._places.allowances,
            "Key": {"allowance": {"S": key}},
            # ADD stands last, so that more can be added behind it.
            "UpdateExpression": f"SET expires_at=:e ADD {name} :c",
            "ConditionExpression": f"attribute_not_exists({name}) OR {name}<=:m",
            "ExpressionAttributeValues": {
                ":e": {"N": str(expires)},
                ":c": {"N": str(cost)},
                ":m": {"N": str(most - cost)},
            },
        }

    def _day_key(self, caller: Caller, at: str) -> str:
        return day_allowance(caller.id, vietnam_day(at))

    def _hashed(self, texts: Iterable[str]) -> list[bytes]:
        return [hmac.digest(self._key, text.encode(), "sha256")[:_SHORT] for text in sorted(texts)]

    # Reading --------------------------------------------------------------------------------

    def entry(self, subject: str, number: int, deadline: Deadline) -> AccessEntry | None:
        """The entry with this number, read consistently."""
        return self._entries([(subject, number)], deadline).get((subject, number))

    def trace(
        self,
        subject: str,
        deadline: Deadline,
        *,
        for_subject: bool,
        cursor: Json = None,
        limit: int = LARGEST_PAGE,
    ) -> AccessPage:
        """A page of a subject's chain; for the subject without what is hidden at this moment.

        Raises ValueError for a cursor that is none.
        """
        if cursor is not None and (type(cursor) is not int or cursor < 1):
            raise ValueError("The cursor is not one of a subject's chain.")
        now, limit = self._now(), min(limit, LARGEST_PAGE)
        # Entries from this head on are left for the next time: a deferral among them is not known.
        heads, untils = self._hidden([subject], deadline)
        below = heads[subject].number + 1
        if type(cursor) is int:
            below = min(below, cursor)
        shown: list[Traced] = []
        for entry in self._chain(subject, below, limit + 1, deadline):
            until = untils[subject].get(entry.number)
            hidden = until is not None and until > now
            if for_subject and hidden:
                continue
            if len(shown) == limit:
                return AccessPage(tuple(shown), shown[-1].entry.number)
            shown.append(Traced(entry, until if hidden else None))
        return AccessPage(tuple(shown), None)

    def found(
        self,
        question: LogQuestion,
        deadline: Deadline,
        *,
        cursor: Json = None,
        limit: int = LARGEST_PAGE,
    ) -> AccessPage:
        """A page of the looks that fit a question, of all chains.

        The index is the officer's, else the agency's, else the purpose's. Raises ValueError for a
        cursor that is none, and for a question without a way to it or about too many days.
        """
        after = _place_of(cursor)
        now, limit = self._now(), min(limit, LARGEST_PAGE)
        entries: list[AccessEntry] = []
        looked_up = 0
        for keys in _batches(self._keys(question, after, limit + 1, deadline), limit + 1):
            there = self._entries([key[1:] for key in keys], deadline)
            for at, subject, number in keys:
                entry = there.get((subject, number))
                if entry is not None and question.fits(entry):
                    if len(entries) == limit:
                        return self._page(entries, _place(entries[-1]), now, deadline)
                    entries.append(entry)
                after = _Place(at, subject, number)
            looked_up += len(keys)
            if looked_up >= MOST_LOOKED_UP and after is not None:
                return self._page(entries, after, now, deadline)
        return self._page(entries, None, now, deadline)

    def _page(
        self, entries: Sequence[AccessEntry], after: _Place | None, now: str, deadline: Deadline
    ) -> AccessPage:
        _, untils = self._hidden({entry.subject for entry in entries}, deadline)
        shown = []
        for entry in entries:
            until = untils[entry.subject].get(entry.number)
            shown.append(Traced(entry, until if until is not None and until > now else None))
        return AccessPage(tuple(shown), None if after is None else list(after))

    def _hidden(
        self, subjects: Collection[str], deadline: Deadline
    ) -> tuple[dict[str, Head], dict[str, dict[int, str]]]:
        """The heads of the subjects, and number -> until when hidden, of each."""
        heads = dict.fromkeys(subjects, NO_HEAD)
        deferrals: list[tuple[str, int]] = []
        if subjects:
            wanted = {self._places.heads: Wanted("subject", set(subjects))}
            for item in self._read(wanted, deadline)[self._places.heads]:
                subject = item["subject"]["S"]
                heads[subject] = head_from_item(item)
                deferrals += [(subject, number) for number in deferrals_in(item)]
        by_subject: dict[str, list[AccessEntry]] = {subject: [] for subject in subjects}
        for (subject, _), entry in sorted(self._entries(deferrals, deadline).items()):
            by_subject[subject].append(entry)
        return heads, {subject: hidden_untils(found) for subject, found in by_subject.items()}

    def _chain(
        self, subject: str, below: int, together: int, deadline: Deadline
    ) -> Iterator[AccessEntry]:
        """A subject's entries below a number, the newest first."""
        items = self._queried(
            deadline,
            TableName=self._places.log,
            KeyConditionExpression="subject=:s AND #n<:b",
            ExpressionAttributeNames={"#n": "number"},
            ExpressionAttributeValues={":s": {"S": subject}, ":b": {"N": str(below)}},
            ConsistentRead=True,
            ScanIndexForward=False,
            Limit=together,
        )
        return map(_entry, items)

    def _keys(
        self, question: LogQuestion, after: _Place | None, together: int, deadline: Deadline
    ) -> Iterator[_Place]:
        """Where the looks that a question is about may be, the newest first, after a place."""
        for index, name, partition, begin, end in _ways(question, after):
            request: dict[str, Any] = {
                "TableName": self._places.log,
                "IndexName": index,
                "KeyConditionExpression": f"{name}=:p AND looked_at BETWEEN :b AND :e",
                "ExpressionAttributeValues": {
                    ":p": {"S": partition},
                    ":b": {"S": begin},
                    ":e": {"S": end},
                },
                "ScanIndexForward": False,
                "Limit": together,
            }
            if after is not None:
                request["ExclusiveStartKey"] = {
                    name: {"S": partition},
                    "looked_at": {"S": after.looked_at},
                    "subject": {"S": after.subject},
                    "number": {"N": str(after.number)},
                }
                after = None
            for item in self._queried(deadline, **request):
                plain = from_item(item)
                yield _Place(plain["looked_at"], plain["subject"], plain["number"])

    def _queried(self, deadline: Deadline, **request: Any) -> Iterator[Item]:
        return every_item(
            "Query", self._client.query, request, deadline, self._waiting, most_tries=_READ_TRIES
        )

    def _entries(
        self, keys: Collection[tuple[str, int]], deadline: Deadline
    ) -> dict[tuple[str, int], AccessEntry]:
        """The entries at these places, read consistently."""
        table = self._places.log
        found: dict[str, list[Item]] = {table: []}
        for part in _batches(iter(sorted(set(keys))), MOST_KEYS):
            wanted = [{"subject": {"S": s}, "number": {"N": str(n)}} for s, n in part]
            request = {table: {"Keys": wanted, "ConsistentRead": True}}
            read_chunk(self._client, request, found, deadline, self._waiting)
        return {(entry.subject, entry.number): entry for entry in map(_entry, found[table])}


# Noting -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One transaction's looks; `charge` are those of the whole request, in its first one.

    `spent` is the allowance that the request was refused for, where that is what is noted.
    """

    caller: Caller
    errand: Errand
    looks: Sequence[Look]
    charge: Sequence[Look] | None
    spent: AllowanceSpent | None = None

    @property
    def subjects(self) -> frozenset[str]:
        return frozenset(look.subject for look in self.looks)

    def entries(self, heads: Mapping[str, Head], at: str) -> list[AccessEntry]:
        """The looks as the links after the heads."""
        newest = {subject: heads[subject] for subject in self.subjects}
        entries = []
        for look in self.looks:
            entry = linked(self.caller, self.errand, look, newest[look.subject], at)
            newest[look.subject] = Head(entry.number, entry.entry_hash)
            entries.append(entry)
        return entries


def _parts(looks: Sequence[Look]) -> list[list[int]]:
    """The places of the looks, in parts that a transaction takes; one without looks takes none.

    Looks at one subject stay together.
    """
    by_subject: dict[str, list[int]] = {}
    for place, look in enumerate(looks):
        by_subject.setdefault(look.subject, []).append(place)
    parts: list[list[int]] = [[]]
    actions = _OF_ALLOWANCES
    for places in by_subject.values():
        if actions + len(places) + 1 > MOST_ACTIONS:
            parts.append([])
            actions = 0
        parts[-1] += places
        actions += len(places) + 1
    return parts


def _spent(error: Exception, windows: Sequence[Window]) -> Window | None:
    """The allowance, used up or marked, that a transaction was cancelled for and nothing else.

    Its actions end with those of the allowances. Where a link failed as well, an earlier try
    may have taken place, which a reading tells.
    """
    codes = cancellations(error)
    if not windows or len(codes) < len(windows):
        return None
    links, allowances = codes[: -len(windows)], codes[-len(windows) :]
    if any(code == "ConditionalCheckFailed" for code in links):
        return None
    for window, code in reversed(list(zip(windows, allowances, strict=True))):
        if code == "ConditionalCheckFailed":
            return window
    return None


def _is_refused(error: Exception) -> bool:
    """Whether a transaction was cancelled for a reason that trying again does not help."""
    return any(CANCELLATION.get(code, Retry) is Defect for code in cancellations(error))


def _expires(window: Window, at: str) -> int:
    """When the item of the window that `at` is in may go, in seconds."""
    seconds = 3600 if window is Window.MINUTE else DAYS_KEPT * 86400
    return int(datetime.fromisoformat(at).timestamp()) + seconds


# Reading ------------------------------------------------------------------------------------


class _Place(NamedTuple):
    """Where an entry is in an index and in the table."""

    looked_at: str
    subject: str
    number: int


def _place(entry: AccessEntry) -> _Place:
    return _Place(entry.looked_at, entry.subject, entry.number)


def _place_of(cursor: Json) -> _Place | None:
    if cursor is None:
        return None
    match cursor:
        case [str(at), str(subject), int(number)]:
            return _Place(at, subject, number)
    raise ValueError("The cursor is not one of the access log.")


def _ways(question: LogQuestion, after: _Place | None) -> Iterator[tuple[str, str, str, str, str]]:
    """Index, its key's name and value, first and last instant: what to ask, the newest first."""
    question.check()
    end = question.end if after is None else after.looked_at
    if not question.begin <= end <= question.end:
        raise ValueError("The cursor is not one of this question.")
    first, last = date.fromisoformat(question.begin[:10]), date.fromisoformat(end[:10])
    if question.officer is not None:
        yield "by-officer", "officer", question.officer, question.begin, end
        return
    for back in range((last - first).days + 1):
        day = (last - timedelta(days=back)).isoformat()
        if question.agency is not None:
            partition = agency_day(question.agency, day)
            yield "by-agency", "agency_day", partition, question.begin, end
        elif question.purpose is not None:
            partition = purpose_day(question.purpose, day)
            yield "by-purpose", "purpose_day", partition, question.begin, end


def _batches(things: Iterator[_T], size: int) -> Iterator[list[_T]]:
    while batch := list(islice(things, size)):
        yield batch


# Items --------------------------------------------------------------------------------------


def item_from_entry(entry: AccessEntry) -> Item:
    """The table item of an entry; the records and their fields as canonical JSON, packed."""
    values: dict[str, Any] = entry_as_json(entry)
    fields = {name: values.pop(name) for name in ("seen", "masked")}
    values["fields"] = pack(fields)
    values["agency_day"] = agency_day(entry.agency, entry.looked_at)
    values["purpose_day"] = purpose_day(entry.purpose, entry.looked_at)
    return to_item(values)


def entry_from_item(item: Item) -> AccessEntry:
    """The entry of a table item. Raises ValueError where it does not have the stored form."""
    try:
        values = from_item(item)
        fields = unpack(values.pop("fields"))
        days = values.pop("agency_day"), values.pop("purpose_day")
        entry = entry_from_json({**values, **fields})
        at = entry.looked_at
        if days == (agency_day(entry.agency, at), purpose_day(entry.purpose, at)):
            return entry
    except (KeyError, TypeError, AttributeError, ValueError):
        pass
    raise ValueError("An item of the access log does not have the stored form.")


def _entry(item: Item) -> AccessEntry:
    try:
        return entry_from_item(item)
    except ValueError as error:
        raise Defect(f"{error} Verify it: `lienthong access-log verify`.") from None


def head_from_item(item: Item) -> Head:
    """The newest link that a subject's head names."""
    return Head(int(item["number"]["N"]), item["entry_hash"]["S"])


def deferrals_in(item: Item) -> list[int]:
    """The numbers of the deferrals in a chain, as its head names them, in their order."""
    return [int(number["N"]) for number in item.get("deferrals", {"L": ()})["L"]]
