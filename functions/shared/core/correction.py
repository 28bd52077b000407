"""What mends a refused message: a rule, the event that it makes, and what is still wrong with it.

Pure, and the same for the same input: the corrected event's id is made from the entry and from
what the correction made of it, so that sending it twice is sending one event twice.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final, NoReturn

from functions.shared.core.canonical import canonical
from functions.shared.core.cases import Contradiction, Entry, Selection, moment
from functions.shared.core.events import Json, Reason
from functions.shared.core.kinds import KIND_OF_QUEUE
from functions.shared.core.ledger import repeats
from functions.shared.core.planning import Circumstances, KnownEvent, Message, judged
from functions.shared.core.quarantine import correction_id
from functions.shared.core.reading import Reading, read
from functions.shared.core.registry import Agency, Senders
from schemas.envelope import ID_PATTERN, MAX_NESTING
from schemas.reasons import QuarantineStatus, ReasonCode

if TYPE_CHECKING:
    from jsonpatch import JsonPatch

_ID: Final = re.compile(ID_PATTERN)
LONGEST_WHY: Final = 500


class WrongRule(ValueError):
    """A correction rule that cannot be applied; the text is a sentence that says why."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Which entries to correct, how, and why."""

    select: Selection
    patch: Patch
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Corrected:
    """A message that a correction made: its body, and the id that its event got."""

    body: str
    event_id: str


@dataclass(frozen=True, slots=True)
class Unfit:
    """Why a correction does not apply to a message: a short code, and a sentence."""

    code: str
    text: str


# Rules --------------------------------------------------------------------------------------


class Patch:
    """A JSON Patch (RFC 6902) that leaves alone what the desk itself puts in.

    Raises WrongRule with a sentence where it is none, or where it would do nothing at all.
    """

    def __init__(self, operations: object) -> None:
        if not isinstance(operations, list) or not operations:
            raise WrongRule("`patch` is a list of one or more operations (RFC 6902). Add them.")
        for number, operation in enumerate(operations, 1):
            _check(operation, f"Operation {number} of the patch")
        if all(operation["op"] == "test" for operation in operations):
            raise WrongRule(
                "The patch only tests and changes nothing. Add an operation that corrects, or use"
                " `replay`, which sends messages as they were."
            )
        self._patch = _compiled(operations)
        self.operations = tuple(operations)

    def applied(self, document: Json) -> Json | Unfit:
        """The document as the patch makes it, or why the patch does not apply to it."""
        import jsonpatch

        try:
            patched: Json = self._patch.apply(document)
        except jsonpatch.JsonPatchTestFailed:
            return Unfit("test-failed", "A test of the patch does not hold for it.")
        except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException):
            return Unfit("no-such-place", "It has no such place as an operation names.")
        return patched


def _compiled(operations: Sequence[Mapping[str, Any]]) -> JsonPatch:
    # Only who corrects needs the library; the functions of the queues are shipped without it.
    import jsonpatch

    try:
        return jsonpatch.JsonPatch(operations)
    except jsonpatch.JsonPatchException:
        raise WrongRule("The patch is no JSON Patch (RFC 6902). Correct its operations.") from None


_OPERATIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "add": ("value",),
    "remove": (),
    "replace": ("value",),
    "move": ("from",),
    "copy": ("from",),
    "test": ("value",),
}
_POINTER: Final = re.compile(r"(?:/(?:[^~/]|~[01])*)*")
_GIVEN: Final = ("/id", "/correctionof")


def _check(operation: object, what: str) -> None:
    if not isinstance(operation, dict):
        raise WrongRule(f"{what} is not an object. Write it as RFC 6902 says.")
    op = operation.get("op")
    if not isinstance(op, str) or op not in _OPERATIONS:
        raise WrongRule(f"{what} has no known `op`. Use one of {', '.join(_OPERATIONS)}.")
    for name in ("path", *_OPERATIONS[op]):
        if name not in operation:
            raise WrongRule(f"{what} ({op}) lacks `{name}`. Add it.")
        if name != "value" and not (
            isinstance(operation[name], str) and _POINTER.fullmatch(operation[name])
        ):
            raise WrongRule(
                f"The `{name}` of {what[0].lower()}{what[1:]} is no JSON Pointer (RFC 6901). Write"
                " it like /data/phone."
            )
    changed = () if op == "test" else (operation["path"],)
    changed += (operation["from"],) if op == "move" else ()
    for path in changed:
        if path == "":
            raise WrongRule(
                f"{what} replaces the event as a whole. Name the places that are wrong."
            )
        if any(path == given or path.startswith(f"{given}/") for given in _GIVEN):
            raise WrongRule(
                f"{what} touches {path}. A corrected event gets an id of its own and names the one"
                " that it corrects; leave both out of the patch."
            )


_SELECTORS: Final[Mapping[str, str]] = {
    "queue": "queues",
    "reason": "reasons",
    "error": "errors",
    "path": "paths",
    "source": "sources",
    "type": "types",
}
_TIMES: Final = ("since", "until")


def rule_of(document: object, now: str) -> Rule:
    """The rule that a document (`select`, `patch`, `why`) states. Raises WrongRule."""
    if not isinstance(document, dict):
        raise WrongRule("A rule is an object with `select`, `patch` and `why`.")
    for name in document:
        if name not in ("select", "patch", "why"):
            raise WrongRule(f"A rule has no `{name}`. It has `select`, `patch` and `why`.")
    selected = document.get("select")
    if not isinstance(selected, dict) or not selected:
        raise WrongRule(
            "`select` says which entries the rule is for, for example a queue and a reason. Add it."
        )
    why = document.get("why")
    if why is not None:
        why = checked_why(why)
    return Rule(selected_by(selected, now), Patch(document.get("patch")), why)


def checked_why(why: object) -> str:
    """A reason that people gave, without outer white space. Raises WrongRule."""
    text = why.strip() if isinstance(why, str) else ""
    if not text or len(text) > LONGEST_WHY or not text.isprintable():
        raise WrongRule(f"`why` is a text of 1 to {LONGEST_WHY} printable characters. Write one.")
    return text


def selected_by(selected: Mapping[Any, object], now: str, *, by_status: bool = False) -> Selection:
    """The selection that the words of a rule's `select` name. Raises WrongRule.

    `by_status` lets it name statuses as well, which a rule, being for open entries, does not.
    """
    selectors = {**_SELECTORS, "status": "statuses"} if by_status else _SELECTORS
    values: dict[str, frozenset[str]] = {}
    times: dict[str, str] = {}
    for name, value in selected.items():
        if name in _TIMES:
            times[str(name)] = _time(str(name), value, now)
        elif name in selectors:
            given = value if isinstance(value, list) else [value]
            texts = frozenset(text for text in given if isinstance(text, str) and text)
            if not texts or len(texts) != len(given):
                raise WrongRule(
                    f"`select.{name}` is a text or a list of different texts. Correct it."
                )
            values[selectors[str(name)]] = texts
        else:
            known = ", ".join((*selectors, *_TIMES))
            raise WrongRule(f"Entries cannot be selected by `{name}`, only by {known}.")
    try:
        return selection(values, **times)
    except Contradiction as error:
        raise WrongRule(str(error)) from None


def selection(
    named: Mapping[str, frozenset[str]], since: str | None = None, until: str | None = None
) -> Selection:
    """A selection as a person names it, by the attributes of `Selection`.

    A source may be named by its agency's id alone. Raises WrongRule for names that nothing can
    have, Contradiction for a range that ends before it begins.
    """
    for name, known, what in (
        ("queues", tuple(KIND_OF_QUEUE), "queue"),
        ("reasons", tuple(ReasonCode), "reason"),
        ("statuses", tuple(QuarantineStatus), "status"),
    ):
        if unknown := sorted(named.get(name, frozenset()) - set(known)):
            raise WrongRule(f"There is no {what} {unknown[0]}. There are {', '.join(known)}.")
    for path in named.get("paths", ()):
        if not _POINTER.fullmatch(path):
            raise WrongRule("A path is no JSON Pointer. Write it like /data/phone.")
    sources = named.get("sources", frozenset())
    return Selection(
        queues=named.get("queues", frozenset()),
        reasons=named.get("reasons", frozenset()),
        errors=named.get("errors", frozenset()),
        paths=named.get("paths", frozenset()),
        sources=frozenset(s if s.startswith("/") else f"/agencies/{s}" for s in sources),
        types=named.get("types", frozenset()),
        statuses=named.get("statuses", frozenset()),
        since=since,
        until=until,
    ).checked()


def _time(name: str, value: object, now: str) -> str:
    # TOML has dates and times of its own.
    text = value.isoformat() if isinstance(value, (date, datetime)) else value
    if not isinstance(text, str):
        raise WrongRule(f"`select.{name}` is a text such as 2h or 2026-11-22. Correct it.")
    try:
        return moment(text, now, end=name == "until")
    except ValueError as error:
        raise WrongRule(f"`select.{name}` is no time. {error}") from None


# Corrections --------------------------------------------------------------------------------


def by_patch(entry: Entry, body: str, patch: Patch) -> Corrected | Unfit:
    """What a patch makes of an entry's message."""
    document = _document(body)
    if isinstance(document, Unfit):
        return document
    patched = patch.applied(document)
    if isinstance(patched, Unfit):
        return patched
    if not isinstance(patched, dict):
        return _NO_OBJECT
    if _same(patched, document):
        return Unfit("unchanged", "The correction changes nothing in it.")
    return _given_an_id(entry, patched)


def by_hand(entry: Entry, body: str, text: str) -> Corrected | Unfit:
    """What a person made of an entry's message; `text` is what they left in the editor."""
    document = _document(text)
    if isinstance(document, Unfit):
        return document
    before = _document(body)
    if not isinstance(before, Unfit) and _same(document, before):
        return Unfit("unchanged", "The correction changes nothing in it.")
    return _given_an_id(entry, document)


def _given_an_id(entry: Entry, document: dict[str, Json]) -> Corrected | Unfit:
    text = _written(document)
    if isinstance(text, Unfit):
        return text
    event_id = correction_id(entry.id, text)
    corrected = {**document, "id": event_id}
    corrected.pop("correctionof", None)
    if entry.event_id is not None and _ID.fullmatch(entry.event_id):
        corrected["correctionof"] = entry.event_id
    body = _written(corrected)
    return body if isinstance(body, Unfit) else Corrected(body, event_id)


_NO_OBJECT: Final = Unfit("not-an-object", "It is not a JSON object, so that it cannot get an id.")
_NOT_TEXT: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that a queue does not take (SendMessage: the characters of XML 1.0)."""


def _written(document: Json) -> str | Unfit:
    try:
        text = json.dumps(document, ensure_ascii=False, allow_nan=False)
    except (ValueError, RecursionError):
        return Unfit("no-such-json", "It holds a number that JSON cannot write.")
    return text if sendable(text) else json.dumps(document)


def sendable(text: str) -> bool:
    """Whether a queue takes a message of these characters."""
    return _NOT_TEXT.search(text) is None


def _same(one: Json, other: Json) -> bool:
    try:
        return canonical(one) == canonical(other)
    except ValueError:
        return json.dumps(one) == json.dumps(other)


class _NotJson(Exception):
    pass


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _NotJson("it names the same key twice")
    return value


def _constant(_: str) -> NoReturn:
    raise _NotJson("it holds NaN or Infinity")


def _document(body: str) -> dict[str, Json] | Unfit:
    """The JSON object that a message is, its keys in their order."""
    try:
        value: Json = json.loads(body, object_pairs_hook=_object, parse_constant=_constant)
    except _NotJson as error:
        return Unfit("not-json", f"It is not JSON: {error}.")
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        return Unfit("not-json", f"It is not JSON from {where} on.")
    except (ValueError, RecursionError):
        return Unfit("not-json", f"It is not JSON that nests {MAX_NESTING} levels at most.")
    return value if isinstance(value, dict) else _NO_OBJECT


# What would still be refused ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class World:
    """What decides beside the message: the registry, the ledger, the clock, who may speak.

    `agencies` by id, `events` by event_uid; both hold what `asks` names.
    """

    agencies: Mapping[str, Agency | None]
    events: Mapping[str, KnownEvent]
    senders: Senders
    now: str


def still_refused(
    reading: Reading, queue: str, body: str, sender: str | None, world: World
) -> tuple[Reason, ...]:
    """What a sync function would refuse the message for, were it delivered now.

    Only what a record itself decides (`record-full`) is not foreseen.
    """
    envelope = reading.envelope
    if envelope is None:
        return reading.reasons
    known = world.events.get(envelope.uid)
    if known is not None and repeats(known.digest, known.salt, envelope.core):
        return ()  # a duplicate: acknowledged, and nothing is written
    circumstances = Circumstances(
        kind=KIND_OF_QUEUE[queue],
        agencies=world.agencies,
        senders=world.senders,
        recorded_at=world.now,
        salt=bytes,
    )
    message = Message("", body, world.now, sender)
    return judged(reading, message, known, circumstances)[1]


def read_for(queue: str, body: str) -> Reading:
    """What a message turns out to be on its queue."""
    return read(body, KIND_OF_QUEUE[queue])


def event_type_of(body: str) -> str | None:
    """The type that a message names, if it can be read at all."""
    document = _document(body)
    value = document.get("type") if isinstance(document, dict) else None
    return value if isinstance(value, str) else None
