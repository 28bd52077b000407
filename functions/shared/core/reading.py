"""A message becomes an event, or the reasons why it cannot.

The examination follows the order of contract section 6. Reasons up to `unsupported-version`
stop it; from `subject-mismatch` on, all that hold are listed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Final, NamedTuple, NoReturn

import orjson

from functions.shared.core.canonical import canonical, canonical_of_data
from functions.shared.core.events import Envelope, Event, Json, Reason, uid_of
from functions.shared.core.kinds import REPLACES, STEP, Kind
from functions.shared.core.lanes import replaces_field, step_field
from schemas.envelope import (
    CORE,
    DATACONTENTTYPE_PATTERN,
    EXTENSION_NAME,
    ID_PATTERN,
    MAX_DATA_BYTES,
    MAX_MESSAGE_BYTES,
    MAX_NESTING,
    SEQUENCE_PATTERN,
    SOURCE_MAX,
    SOURCE_PATTERN,
    SPECVERSION,
)
from schemas.event_types import EVENT_TYPES, EventType, validate_event_data
from schemas.forms import LARGEST_INTEGER, normalise_instant
from schemas.reasons import STOPPING
from schemas.validation import FieldError

_TYPE_NAME: Final = re.compile(r"(?P<name>vn\.lienthong\.[a-z-]+\.[a-z-]+)\.v[0-9]+")
_MEDIA_TYPE: Final = re.compile(DATACONTENTTYPE_PATTERN)
_ID: Final = re.compile(ID_PATTERN).fullmatch
_SOURCE: Final = re.compile(SOURCE_PATTERN)
_SEQUENCE: Final = re.compile(SEQUENCE_PATTERN).fullmatch
_EXTENSION: Final = re.compile(EXTENSION_NAME)


class Reading(NamedTuple):
    """What a message turned out to be.

    `event` is there when nothing is wrong with the message itself; `reasons` say what is.
    `envelope` is there from the point where the message is a readable event of ours, so that
    the ledger can be asked whether it knows it; `named` holds the names that its data uses,
    even where a value is wrong. `source` and `event_id` are what could be read of a message that
    is not an event.
    """

    envelope: Envelope | None = None
    event: Event | None = None
    reasons: tuple[Reason, ...] = ()
    source: str | None = None
    event_id: str | None = None
    named: Collection[str] = ()

    def fields_of(self, kind: Kind) -> tuple[str, ...]:
        """The fields that the data names, in the order of the kind's table."""
        return tuple(name for name in kind.ranks if name in self.named)

    @property
    def of_this_queue(self) -> Envelope | None:
        """The envelope, if the message is an event that this queue takes, its data aside."""
        if self.reasons and any(reason.code in STOPPING for reason in self.reasons):
            return None
        return self.envelope


@dataclass(frozen=True, slots=True)
class _Odd:
    """A JSON number that no field takes: a float, or an integer beyond 2^53."""

    beyond: bool


class _NotJson(Exception):
    """The text is not the JSON that this service reads; carries the sentence."""


def read(body: str, kind: Kind) -> Reading:
    """What the body of a message on the queue of `kind` says. Never raises."""
    return _read_plain(body, kind) or read_closely(body, kind)


def _read_plain(body: str, kind: Kind) -> Reading | None:
    """The reading of a valid event of an ordinary look; None where a closer look is needed.

    What it gives is what `read_closely` would give, in half of the time; a test holds the two
    equal. Nothing is refused here.
    """
    if len(body) > _MOST_PLAIN_CHARACTERS:
        return None
    try:
        core = orjson.loads(body)
        if type(core) is not dict:
            return None
        beside = _marks_taken_from_beside(core)
        source, event_id, type_ = core["source"], core["id"], core["type"]
        subject, sequence, data = core["subject"], core.get("sequence"), core["data"]
        event_type = EVENT_TYPES[type_]
        if not (
            core["specversion"] == SPECVERSION
            and _source_ok(source)
            and _ID(event_id)
            and (sequence is None or _SEQUENCE(sequence))
            and len(core) == (_REQUIRED if sequence is None else _REQUIRED + 1)
            and event_type.kind == kind.name
            and type(data) is dict
        ):
            return None
        time, core_bytes = normalise_instant(core["time"]), canonical_of_data(core)
    except (ValueError, TypeError, KeyError):  # no JSON, or not the text that must be there
        return None
    if (
        len(core_bytes) > MAX_DATA_BYTES
        # A key named twice is gone from what was parsed, and its quotation marks with it. No
        # string that is left holds one, for there it would have a backslash before it.
        or b"\\" in core_bytes
        or body.count('"') != core_bytes.count(b'"') + beside
    ):
        return None
    value, errors = validate_event_data(event_type, data)
    if errors or value is None or value[kind.key] != subject:
        return None
    uid = uid_of(source, event_id)
    envelope = _an_envelope((source, event_id, type_, subject, time, sequence, core_bytes, uid))
    stated = _stated(value, envelope, kind)
    event = _an_event((envelope, kind.name, subject, core_bytes, *stated))
    return _a_reading((envelope, event, (), source, event_id, tuple(data)))


# A batch makes hundreds: straight from their values, in half of the time of a call by name.
_an_envelope: Final = partial(tuple.__new__, Envelope)
_an_event: Final = partial(tuple.__new__, Event)
_a_reading: Final = partial(tuple.__new__, Reading)

_MOST_PLAIN_CHARACTERS: Final = 40_000
"""A longer message is refused, or costs its size in any case."""
_CORE: Final = frozenset(CORE)
_REQUIRED: Final = len(_CORE - {"sequence", "correctionof"})


def _marks_taken_from_beside(message: dict[str, Json]) -> int:
    """Leaves the core attributes alone; gives the quotation marks of the others, all plain text."""
    marks = 0
    if "datacontenttype" in message:
        if message.pop("datacontenttype") != "application/json":
            raise ValueError("The media type needs a closer look.")
        marks = 4
    if len(message) > _REQUIRED + ("sequence" in message):
        for name in message.keys() - _CORE:
            value = message.pop(name)
            if type(value) is not str or "\\" in value or '"' in value:
                raise ValueError("An attribute beside the core needs a closer look.")
            if not _EXTENSION.fullmatch(name):
                raise ValueError("The name of an extension needs a closer look.")
            marks += 4
    return marks


@lru_cache(maxsize=1024)
def _source_ok(source: str) -> bool:
    return len(source) <= SOURCE_MAX and _SOURCE.fullmatch(source) is not None


def read_closely(body: str, kind: Kind) -> Reading:
    """What the body says, with every reason against it."""
    size = len(body) if body.isascii() else len(body.encode("utf-8", "surrogatepass"))
    if size > MAX_MESSAGE_BYTES:
        return Reading(
            reasons=(
                Reason(
                    "too-large",
                    "",
                    f"The message has {size} bytes and may have {MAX_MESSAGE_BYTES};"
                    " split it into several events.",
                ),
            )
        )
    try:
        message = _parsed(body)
    except _NotJson as error:
        return Reading(reasons=(Reason("not-json", "", str(error)),))
    if not isinstance(message, dict):
        text = "The message is not a JSON object; send one CloudEvent per message."
        return Reading(reasons=(Reason("not-cloudevent", "", text),))
    source, event_id = _readable(message, "source"), _readable(message, "id")
    reasons = _envelope_reasons(message)
    if reasons:
        return Reading(reasons=tuple(reasons), source=source, event_id=event_id)
    envelope = _envelope(message)
    event_type = EVENT_TYPES.get(envelope.type)
    if event_type is None or event_type.kind != kind.name:
        return Reading(envelope, None, (_type_reason(envelope.type, kind),), source, event_id)
    return _with_data(envelope, event_type, kind, message.get("data"))


def _with_data(envelope: Envelope, event_type: EventType, kind: Kind, data: Json) -> Reading:
    errors, value = _data_errors(data, envelope.core, event_type)
    reasons = []
    key = value.get(kind.key) if value else data.get(kind.key) if isinstance(data, dict) else None
    if isinstance(key, str) and key != envelope.subject:
        text = f"The subject is not the {kind.key} inside data; make both the record's key."
        reasons.append(Reason("subject-mismatch", "/subject", text))
    reasons += [Reason("invalid-data", error.path, error.text, error.code) for error in errors]
    named = tuple(data) if isinstance(data, dict) else ()
    event = None
    if not reasons and value is not None and envelope.core is not None:
        stated = _stated(value, envelope, kind)
        event = Event(envelope, kind.name, envelope.subject, envelope.core, *stated)
    return Reading(envelope, event, tuple(reasons), envelope.source, envelope.id, named)


# JSON ---------------------------------------------------------------------------------------


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _NotJson("An object names the same key twice; keep one of them.")
    return value


def _integer(digits: str) -> Json:
    if len(digits) < 16:
        return int(digits)
    if len(digits) > 20 or abs(int(digits)) > LARGEST_INTEGER:
        return _Odd(beyond=True)
    return int(digits)


def _float(_: str) -> Json:
    return _Odd(beyond=False)


def _constant(_: str) -> NoReturn:
    raise _NotJson("NaN and Infinity are not JSON; leave the value out.")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_int=_integer,
    parse_float=_float,
    parse_constant=_constant,
    strict=True,
)


def _parsed(body: str) -> Json:
    try:
        body.encode()
    except UnicodeEncodeError:
        raise _NotJson("The message is not valid UTF-8; encode it as UTF-8.") from None
    if body.count("{") + body.count("[") > MAX_NESTING and _depth(body) > MAX_NESTING:
        raise _NotJson(f"The JSON nests deeper than {MAX_NESTING} levels; flatten it.")
    try:
        value: Json = _DECODER.decode(body)
    except json.JSONDecodeError as error:
        raise _NotJson(
            f"The message is not JSON from line {error.lineno}, column {error.colno} on;"
            " send one JSON object, encoded as UTF-8."
        ) from None
    except RecursionError:
        raise _NotJson(f"The JSON nests deeper than {MAX_NESTING} levels; flatten it.") from None
    return value


_STRUCTURE: Final = re.compile(r'"(?:[^"\\]|\\.)*"?|[{}\[\]]', re.DOTALL)


def _depth(body: str) -> int:
    """How deep the text nests, the outermost value being 1; an upper bound for broken JSON."""
    depth = deepest = 0
    for match in _STRUCTURE.finditer(body):
        char = match.group()[0]
        if char in "{[":
            depth += 1
            deepest = max(deepest, depth)
        elif char in "}]":
            depth -= 1
    return deepest


# The envelope -------------------------------------------------------------------------------


def _readable(message: Mapping[str, Json], name: str) -> str | None:
    """An attribute's text for the quarantine entry, if it is one that can be kept."""
    value = message.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= 256 or not value.isprintable():
        return None
    return value


def _envelope_reasons(message: Mapping[str, Json]) -> list[Reason]:
    reasons = []

    def refuse(name: str, text: str) -> None:
        reasons.append(Reason("not-cloudevent", pointer(name), text))

    for name, (valid, text) in _ATTRIBUTES.items():
        value = message.get(name)
        if value is None:
            if name not in _OPTIONAL:
                refuse(name, f"The attribute is missing. {text}")
        elif not (isinstance(value, str) and valid(value)):
            refuse(name, text)
    for name, value in message.items():
        if name in _ATTRIBUTES or name == "data":
            continue
        if not _EXTENSION.fullmatch(name):
            refuse(
                name,
                "An attribute's name has 1 to 20 lower-case letters and digits; rename it or"
                " leave it out.",
            )
        elif _odd_inside(value):
            refuse(
                name,
                "An attribute holds a fraction or an integer beyond 2^53; send it as text or"
                " leave it out.",
            )
    return reasons


def _instant_ok(value: str) -> bool:
    try:
        normalise_instant(value)
    except ValueError:
        return False
    return True


_OPTIONAL: Final = frozenset({"sequence", "correctionof", "datacontenttype"})
_ATTRIBUTES: Final[Mapping[str, tuple[Callable[[str], bool], str]]] = {
    "specversion": (lambda v: v == SPECVERSION, f'Write "{SPECVERSION}".'),
    "id": (
        lambda v: _ID(v) is not None and not _has_surrogate(v),
        "Give the event an id of 1 to 128 printable characters, unique within its source.",
    ),
    "source": (
        lambda v: len(v) <= SOURCE_MAX and _SOURCE.fullmatch(v) is not None,
        "Write /agencies/<agency id> with the id's new form, such as /agencies/H26.12.",
    ),
    "type": (
        lambda v: v != "",
        "Name one of the published event types, such as vn.lienthong.person.moved.v1.",
    ),
    "subject": (lambda v: v != "", "Write the record's key, as it stands inside data."),
    "time": (
        _instant_ok,
        (
            "Write the instant the fact was recorded as RFC 3339 with an offset, such as"
            " 2026-11-22T08:30:00+07:00."
        ),
    ),
    "sequence": (
        lambda v: _SEQUENCE(v) is not None,
        "Write the sequence as text of 1 to 18 digits, or leave it out.",
    ),
    "correctionof": (
        lambda v: _ID(v) is not None and not _has_surrogate(v),
        "Name the id of the event that this one corrects, or leave it out.",
    ),
    "datacontenttype": (
        lambda v: _MEDIA_TYPE.fullmatch(v.strip()) is not None,
        "Leave it out, or write application/json (with no charset but utf-8).",
    ),
}


def _envelope(message: Mapping[str, Json]) -> Envelope:
    def text(name: str) -> str:
        value = message[name]
        assert isinstance(value, str)
        return value

    core = {name: message[name] for name in CORE if message.get(name) is not None}
    try:
        core_bytes: bytes | None = canonical(core)
    except ValueError:
        core_bytes = None
    return Envelope(
        source=text("source"),
        id=text("id"),
        type=text("type"),
        subject=text("subject"),
        time=normalise_instant(text("time")),
        sequence=text("sequence") if message.get("sequence") is not None else None,
        core=core_bytes,
        uid=uid_of(text("source"), text("id")),
    )


def _type_reason(event_type: str, kind: Kind) -> Reason:
    known = _TYPE_NAME.fullmatch(event_type)
    if known is not None and event_type not in EVENT_TYPES:
        first = EVENT_TYPES.get(f"{known['name']}.v1")
        if first is not None and first.kind == kind.name:
            text = "This version of the event type is not published; send version v1."
            return Reason("unsupported-version", "/type", text)
    text = (
        f"The {kind.queue} queue takes no event of this type; use one of the published types of"
        f" kind {kind.name}, or the queue of the event's kind."
    )
    return Reason("unknown-type", "/type", text)


# The data -----------------------------------------------------------------------------------


def _data_errors(
    data: Json, core: bytes | None, event_type: EventType
) -> tuple[list[FieldError], dict[str, Json] | None]:
    """What is wrong with the data, or its normalised fields; `core` are bytes that hold it."""
    if not isinstance(data, dict):
        text = "The event needs a data object that states the record's key and fields."
        return [FieldError("/data", "missing", text)], None
    errors: list[FieldError] = []
    # Most data needs no closer look: canonical JSON holds no odd number and no lone surrogate.
    if core is None or _ESCAPED_NUL in core:
        _examine(data, "/data", errors)
    odd = frozenset(error.path for error in errors)
    if not errors and core is not None and len(core) > MAX_DATA_BYTES:
        size = len(canonical(data))
        if size > MAX_DATA_BYTES:
            text = f"The data has {size} bytes and may have {MAX_DATA_BYTES}; leave long texts out."
            return [FieldError("/data", "too-large", text)], None
    value, found = validate_event_data(event_type, _without_odd(data) if odd else data)
    errors += [error for error in found if error.path not in odd]
    return errors, None if errors else value


_ESCAPED_NUL: Final = b"\\u0000"


def _examine(value: Json, path: str, errors: list[FieldError]) -> None:
    """Finds what no field takes, wherever it stands: odd numbers, NUL, lone surrogates."""
    if isinstance(value, str):
        if not value.isascii() or "\0" in value:
            _examine_text(value, path, errors)
    elif isinstance(value, dict):
        for name, part in value.items():
            _examine(part, path + pointer(name), errors)
            if "\0" in name or _has_surrogate(name):
                text = "The name of the field is not text; correct the name."
                errors.append(FieldError(path + pointer(name), "not-text", text))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            _examine(part, f"{path}/{index}", errors)
    elif isinstance(value, _Odd):
        code, text = ("too-large", _BEYOND) if value.beyond else ("not-integer", _FRACTION)
        errors.append(FieldError(path, code, text))


_BEYOND: Final = "The number is beyond 2^53 and would not be read alike everywhere; correct it."
_FRACTION: Final = "Write a whole number without fraction or exponent; no field takes another."


def _examine_text(value: str, path: str, errors: list[FieldError]) -> None:
    if "\0" in value:
        errors.append(FieldError(path, "nul", "The text holds a NUL character; leave it out."))
    elif _has_surrogate(value):
        text = "The text holds half of a surrogate pair; write the whole character."
        errors.append(FieldError(path, "lone-surrogate", text))


def _has_surrogate(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return True
    return False


def _odd_inside(value: Json) -> bool:
    if isinstance(value, dict):
        return any(_odd_inside(part) for part in value.values())
    if isinstance(value, list):
        return any(_odd_inside(part) for part in value)
    return isinstance(value, _Odd)


def _without_odd(value: Json) -> Json:
    """A copy that the models can look at: odd numbers as 0, surrogates and NUL replaced."""
    if isinstance(value, dict):
        return {_plain(name): _without_odd(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_without_odd(part) for part in value]
    if isinstance(value, _Odd):
        return 0
    return _plain(value) if isinstance(value, str) else value


def _plain(text: str) -> str:
    return text.replace("\0", "?").encode("utf-8", "replace").decode()


def pointer(name: str) -> str:
    """`/name` as a JSON Pointer token (RFC 6901)."""
    return "/" + _plain(name).replace("~", "~0").replace("/", "~1")


def _stated(
    value: dict[str, Json], envelope: Envelope, kind: Kind
) -> tuple[tuple[str, ...], tuple[Json, ...]]:
    """What a valid event states: the table's order, then replaced ids and steps by name.

    Takes `value` apart, which is in that order as validation gives it.
    """
    del value[kind.key]
    replaced, step = value.pop(REPLACES, None), value.pop(STEP, None)
    if step is None and value.get("status") is not None and STEP in kind.ranks:
        step = {"id": envelope.id, "at": envelope.time, "status": value["status"]}
    fields, values = tuple(value), tuple(value.values())
    if isinstance(replaced, list):
        members = sorted({replaces_field(old) for old in replaced})
        fields += tuple(members)
        values += (True,) * len(members)
    if isinstance(step, dict):
        fields += (step_field(envelope.source, step["id"]),)
        values += (step,)
    return fields, values
