"""Events that an agency's system sends over HTTP: examined at once, then queued with its name.

What is guaranteed: an event is queued as it was given, to the queue of its kind, attributed to
the caller; what the pipeline would refuse for its form or its source is refused here, with the
same reasons, by the same code. Sending the same again is harmless.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email.message import Message as Header
from typing import Any, Final, NamedTuple
from urllib.parse import quote, unquote_to_bytes, urlencode

from functions.shared.core.access import (
    Action,
    Caller,
    Errand,
    Look,
    Question,
    Ruling,
    caller_subject,
)
from functions.shared.core.answers import BadRequest, NotPermitted, Problem
from functions.shared.core.errors import Retry
from functions.shared.core.events import Reason
from functions.shared.core.intake import kind_of
from functions.shared.core.kinds import KINDS, PERSON, Kind
from functions.shared.core.planning import Circumstances, Message, judged
from functions.shared.core.reading import Reading, read
from functions.shared.core.registry import NOT_PERMITTED, Senders, source_of
from functions.shared.ports import AccessLog, AgencySource, Deadline, Policies, Relay

STRUCTURED: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
BINARY: Final = "application/json"
MEDIA_TYPES: Final = (STRUCTURED, BATCH, BINARY)
MOST_EVENTS: Final = 100
PREFIX: Final = "ce-"
_NOT_AN_ATTRIBUTE: Final = frozenset({"data", "data_base64", "datacontenttype"})
_OF_THE_REGISTRY: Final = frozenset({NOT_PERMITTED})


class Unsupported(Exception):
    """The body has none of the media types in which events come."""


class Sent(NamedTuple):
    """What was asked to be published: bodies of messages, and whether they came as a batch."""

    bodies: tuple[str, ...]
    batch: bool


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of one event. `foreign` says that its source is another agency's."""

    index: int
    source: str | None
    id: str | None
    verdict: str
    reasons: tuple[Reason, ...] = ()
    foreign: bool = False

    def as_json(self) -> dict[str, Any]:
        """The verdict as it is answered."""
        receipt = None
        if self.verdict == "queued" and self.source and self.id:
            receipt = (
                f"/v1/events?{urlencode({'source': self.source, 'id': self.id}, quote_via=quote)}"
            )
        return {
            "index": self.index,
            "source": self.source,
            "id": self.id,
            "verdict": self.verdict,
            "reasons": [dict(reason.as_json()) for reason in self.reasons],
            "receipt": receipt,
        }


@dataclass(frozen=True, slots=True)
class _Examined:
    """An event, the queue it goes to, and what speaks against it."""

    body: str
    kind: Kind
    reading: Reading
    reasons: tuple[Reason, ...]
    foreign: bool


@dataclass(frozen=True, slots=True)
class PublishingService:
    """Takes events in from the systems of agencies."""

    policies: Policies
    log: AccessLog
    agencies: AgencySource
    relay: Relay
    now: Callable[[], str]

    def publish(
        self, caller: Caller, errand: Errand, bodies: Sequence[str], deadline: Deadline
    ) -> list[Verdict]:
        """A verdict per event, in order; what is queued stays queued whatever happens then.

        Raises BadRequest for none or too many, NotPermitted (noted), AllowanceSpent, or Retry,
        with nothing queued. What the queues did not take has the verdict `not-queued`.
        """
        if not 1 <= len(bodies) <= MOST_EVENTS:
            text = f"Send 1 to {MOST_EVENTS} events at a time."
            raise BadRequest([Problem("", "number-of-events", text)])
        self._let_in(caller, errand, deadline)
        examined = self._examined(caller, bodies, deadline)
        return [self._verdict(index, one, caller, deadline) for index, one in enumerate(examined)]

    def _let_in(self, caller: Caller, errand: Errand, deadline: Deadline) -> None:
        line = frozenset({caller.agency, *caller.above})
        question = Question(Action.PUBLISH, "event", None, line)
        (ruling,) = self.policies.rule(caller, errand, [question])
        looks = [] if ruling.allowed else [_refused_look(caller, ruling)]
        self.log.note(caller, errand, looks, {}, deadline)
        if not ruling.allowed:
            raise NotPermitted(ruling.rules, _NOT_A_SYSTEM)

    def _examined(
        self, caller: Caller, bodies: Sequence[str], deadline: Deadline
    ) -> list[_Examined]:
        examined = [self._judged(caller, body, deadline) for body in bodies]
        if any(
            reason.code in _OF_THE_REGISTRY
            for one in examined
            if not one.foreign
            for reason in one.reasons
        ):
            # What is remembered of the registry may be old; it is asked before it refuses.
            self.agencies.agencies([caller.agency], deadline, afresh=True)
            examined = [self._judged(caller, one.body, deadline) for one in examined]
        return examined

    def _judged(self, caller: Caller, body: str, deadline: Deadline) -> _Examined:
        kind = KINDS.get(kind_of(body) or "", PERSON)
        reading = read(body, kind)
        envelope = reading.envelope
        own = source_of(caller.agency)
        if envelope is not None and envelope.source != own:
            reason = Reason(NOT_PERMITTED, "/source", _NOT_YOURS)
            return _Examined(body, kind, reading, (reason,), foreign=True)
        agencies = self.agencies.agencies([caller.agency], deadline)
        at = self.now()
        circumstances = Circumstances(kind, agencies, Senders(), at, bytes)
        _, reasons = judged(reading, Message("", body, at, caller.id), None, circumstances)
        return _Examined(body, kind, reading, reasons, foreign=False)

    def _verdict(self, index: int, one: _Examined, caller: Caller, deadline: Deadline) -> Verdict:
        source, id_ = one.reading.source, one.reading.event_id
        if one.reasons:
            return Verdict(index, source, id_, "refused", one.reasons, one.foreign)
        try:
            if deadline.remaining() <= 0:
                return Verdict(index, source, id_, "not-queued")
            self.relay.send(one.kind.queue, one.body, caller.id, deadline)
        except Retry:
            return Verdict(index, source, id_, "not-queued")
        return Verdict(index, source, id_, "queued")


def _refused_look(caller: Caller, ruling: Ruling) -> Look:
    subject = caller_subject(caller.id)
    return Look(subject, Action.PUBLISH, False, ruling.rules, {}, {})


_NOT_A_SYSTEM: Final = (
    "Only an agency's system publishes events: one that signs in with a client id which the"
    " registry names among the agency's senders. The refusal was noted."
)
_NOT_YOURS: Final = (
    "The source is not your own agency; publish events of your agency's source alone, and leave"
    " another agency's to that agency."
)


# How events come over HTTP -------------------------------------------------------------------


def sent(content_type: str, headers: Mapping[str, str], body: bytes) -> Sent:
    """What was sent, by the HTTP binding of CloudEvents (structured, batch or binary).

    Raises Unsupported for another media type, BadRequest where no events can be told apart.
    """
    media_type = _media_type(content_type)
    text = _text(body)
    if media_type == STRUCTURED:
        return Sent((text,), batch=False)
    if media_type == BATCH:
        return Sent(tuple(_elements(text)), batch=True)
    if media_type == BINARY and any(name.startswith(PREFIX) for name in headers):
        return Sent((_of_headers(content_type, headers, text),), batch=False)
    raise Unsupported


def _media_type(content_type: str) -> str:
    header = Header()
    header["content-type"] = content_type
    charset = header.get_param("charset")
    if charset is not None and str(charset).lower() != "utf-8":
        raise Unsupported
    return header.get_content_type() if content_type else ""


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise _broken("The body is not UTF-8; encode it so.") from None


_BLANK: Final = re.compile(r"[ \t\n\r]*")
_SCANNER: Final = json.JSONDecoder(parse_float=lambda _: None, parse_int=lambda _: None)


def _elements(text: str) -> list[str]:
    """The events of a batch, each exactly as it stands there."""
    at = _after_blank(text, 0)
    if text[at : at + 1] != "[":
        raise _broken("A batch is a JSON list of events; send one.")
    found: list[str] = []
    at = _after_blank(text, at + 1)
    if text[at : at + 1] == "]":
        _nothing_more(text, at + 1)
        return found
    while True:
        begin = at
        try:
            _, at = _SCANNER.raw_decode(text, begin)
        except (ValueError, RecursionError):
            number = len(found) + 1
            raise _broken(f"The batch is not JSON in its event number {number}.") from None
        found.append(text[begin:at])
        at = _after_blank(text, at)
        mark = text[at : at + 1]
        if mark == "]":
            _nothing_more(text, at + 1)
            return found
        if mark != ",":
            raise _broken("The batch is not a JSON list of events; correct it.")
        at = _after_blank(text, at + 1)


def _after_blank(text: str, at: int) -> int:
    match = _BLANK.match(text, at)
    return match.end() if match else at


def _nothing_more(text: str, at: int) -> None:
    if _after_blank(text, at) != len(text):
        raise _broken("Something follows the batch; leave it out.")


def _of_headers(content_type: str, headers: Mapping[str, str], text: str) -> str:
    """The event of the binary mode in JSON; its data is the body, exactly as it came."""
    attributes = {}
    for name, value in sorted(headers.items()):
        if name.startswith(PREFIX):
            attribute = name.removeprefix(PREFIX)
            if attribute in _NOT_AN_ATTRIBUTE:
                raise _broken("This attribute is no header of the binary mode; leave it out.", name)
            attributes[attribute] = _decoded(name, value)
    attributes["datacontenttype"] = content_type
    plain = json.dumps(attributes, ensure_ascii=False)
    if not text.strip():
        return plain
    try:
        _SCANNER.decode(text)
    except (ValueError, RecursionError):
        raise _broken("The body is not JSON; send the event's data.") from None
    return f'{plain[:-1]}, "data": {text}}}'


_ESCAPED: Final = re.compile(r"\\(.)")


def _decoded(name: str, value: str) -> str:
    """An attribute's value (HTTP binding, section 3.1.3.2): unquoted, then percent-decoded."""
    if len(value) >= 2 and value[0] == value[-1] == '"':
        value = _ESCAPED.sub(r"\1", value[1:-1])
    try:
        return unquote_to_bytes(value).decode()
    except UnicodeDecodeError:
        raise _broken("The value is not percent-encoded UTF-8; correct it.", name) from None


def _broken(text: str, path: str = "") -> BadRequest:
    return BadRequest([Problem(path, "malformed-events", text)])
