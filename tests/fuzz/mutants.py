"""Bodies that no good program would send, made from ones that it would.

Released samples are broken at the level of their bytes (flips, cuts, splices, repeats, oddities
of Unicode and of UTF-8) and at that of their JSON (other values, names, types, nesting, order).
What is made depends on the seed alone.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from functions.shared.core.kinds import KINDS, Kind

SAMPLES: Final = Path(__file__).parents[2] / "events" / "released" / "v1"
LARGE: Final = 270_000
"""Bytes of a large repeat, over the most that a message may have."""

_JSON: Final = (
    *("{", "}", "[", "]", '"', ":", ",", "\\", "{}", "[]", "null", "true", "NaN", "-Infinity"),
    *("-0", "-0.0", "1e400", "1E-7", "01", "+1", ".5", "9" * 30, "9007199254740992", "\\u0000"),
    *("\\ud800", "\\udc00\\ud800", "\\ud83d\\ude00", "\\u00", "\\x41", "//x\n", "\t", "\r\n"),
    *("\0", "\x1f", "[" * 40, '{"a":' * 40, '"a":1,"a":2', ',"__proto__":{}', '"data":{},'),
)
_UNICODE: Final = (
    *("\ufeff", "\u200b", "\u202e", "\u2028", "\u0301" * 30, "\u00a0", "\u3000", "\x85", "\uffff"),
    *("\U0010ffff", "\U0001f600", "\U0001f468\u200d\U0001f469", "Đ\u0301", "\ufb03", "İ", "ß"),
    *("\uff10\uff11", "\u0663", "\u212b", "e\u0323\u0302", "\u1100\u1161\u11a8"),
)
_NO_UTF8: Final = (
    *(b"\xff", b"\xfe\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xed\xb0\x80", b"\xf5\x80\x80\x80"),
    *(b"\xe2\x82", b"\x80", b"\xf0\x9f\x98"),
)
_TOKENS: Final = (*(token.encode() for token in (*_JSON, *_UNICODE)), *_NO_UTF8)

_NAME: Final = re.compile(r'"(\w+)"\s*:\s*')
_SLY: Final = (
    *('\\"', "\\\\", "\\/", "\\u0022", "\\u005c", "\\ud83d\\ude00"),
    *("0", ".0", "e0", "-", " "),
)
_INTEGERS: Final = (0, -1, 1, 2, 9, 10, 11, 2**31, 2**53 - 1, 2**53, 2**63, 10**40, -(2**53))
_TEXTS: Final = (
    *("", " ", "0", "null", "a" * 101, "a" * 501, "a" * 1001, "x" * 17_000, "\0", "\ud800", "a\0b"),
    *("2026-02-30", "2026-03-03T02:00:60Z", "2026-03-03T02:00:00Z", "2026-03-03 02:00:00Z"),
    *("9999-12-31T23:59:59.999999Z", "0001-01-01T00:00:00+23:59", "2026", "20260303", "00070"),
    *("001190000017", "0" * 12, "１２３", "/agencies/H26.12", "/agencies/registry", "1.0", "male"),
    *("vn.lienthong.person.updated.v1", "vn.lienthong.person.updated.v2", "alive", "deceased"),
    *_UNICODE,
)
_ATTRIBUTES: Final = (
    *(("source", f"/agencies/{id_}") for id_ in ("H99", "H26.33", "H26.90", "G03", "registry")),
    *(("time", moment) for moment in ("2999-01-01T00:00:00Z", "2019-12-31T23:59:59+07:00")),
    *(("type", f"vn.lienthong.{name}.v2") for name in ("person.moved", "insurance-card.ended")),
    *(("type", f"vn.lienthong.{name}.v2") for name in ("dossier.rated", "agency.changed")),
    *(("sequence", "000000000000000001"), ("correctionof", "x"), ("datacontenttype", "text/xml")),
)
"""Attributes that are well-formed and make another event of it, mostly a refused one."""
_NAMES: Final = (
    *("", " ", "id", "data", "a/b~c", "x" * 300, "é", "\0", "\ud800", "correctionof", "sequence"),
    *("traceparent", "full_name", "status", "step", "replaces", "annulment", "time", "UPPER"),
)


def samples(kind: Kind) -> list[str]:
    """The released samples of a kind."""
    paths = sorted(SAMPLES.glob(f"vn.lienthong.{kind.name}.*.json"))
    return [path.read_text(encoding="utf-8") for path in paths]


class Mutants:
    """Bodies for the queue of a kind, without end; the same for the same seed."""

    def __init__(self, kind: Kind, seed: int | str) -> None:
        self._chance = random.Random(seed)
        self._own = samples(kind)
        self._others = [text for other in KINDS.values() for text in samples(other)]
        self._fresh = 0

    def body(self) -> str:
        """A body as a queue could deliver it, or as a line of a file comes out of its bytes."""
        chance = self._chance
        text = chance.choice(self._own if chance.random() < 0.9 else self._others)
        if chance.random() < 0.5:
            text = self._with_an_id_of_its_own(text)
        if chance.random() < 0.15:
            return self._sly(self.same(text) if chance.random() < 0.5 else text)
        if chance.random() < 0.7:
            text = self._broken_json(text)
        if chance.random() < 0.35:
            text = self._broken_bytes(text.encode("utf-8", "surrogatepass"))
        return text

    def same(self, text: str) -> str:
        """Another text of the same event: order, blanks, escapes, attributes of the transport."""
        chance = self._chance
        document = json.loads(text)
        if chance.random() < 0.5:
            document["traceparent"] = f"00-{chance.getrandbits(64):x}-01"
        text = json.dumps(
            {**_shuffled(document, chance), "data": _shuffled(document["data"], chance)},
            ensure_ascii=chance.random() < 0.5,
            indent=chance.choice((None, 0, 3, "\t")),
            separators=chance.choice(((",", ":"), (" , ", "\r\n:\t"))),
        )
        return f"{chance.choice(('', ' ', chr(10)))}{text}{chance.choice(('', '  ', chr(9)))}"

    def _with_an_id_of_its_own(self, text: str) -> str:
        """So that the ledger does not know it already."""
        self._fresh += 1
        document = json.loads(text)
        return json.dumps({**document, "id": f"fuzz-{self._fresh}"}, ensure_ascii=False)

    def _sly(self, text: str) -> str:
        """Changes that leave most of a good event as it is: escapes, names twice, small additions.

        What is quick to read may be taken for what it is not.
        """
        chance = self._chance
        for _ in range(chance.choice((1, 1, 2, 3))):
            at = chance.randrange(len(text))
            names = list(_NAME.finditer(text))
            name = chance.choice(names) if names else None
            match chance.randrange(6):
                case 5 if name and text[name.end() : name.end() + 1] == '"':
                    # Twice, and as many quotation marks in its text as the first took away.
                    value = chance.choice(('"x"', "1"))
                    marks = "\\u0022" * (2 + value.count('"'))
                    twice = f'{name[0]}{value},{name[0]}"{marks}'
                    text = f"{text[: name.start()]}{twice}{text[name.end() + 1 :]}"
                case 0:
                    text = f"{text[:at]}\\u{ord(text[at]) & 0xFFFF:04x}{text[at + 1 :]}"
                case 1 if name:
                    again = chance.choice(('"x"', "1", "null", '"', '"\\""', "{}"))
                    text = f"{text[: name.start()]}{name[0]}{again},{text[name.start() :]}"
                case 2 if name:
                    sly = name[1][:-1] + f"\\u{ord(name[1][-1]):04x}"
                    text = f'{text[: name.start()]}"{sly}":"x",{text[name.start() :]}'
                case 3 if name:
                    more = chance.choice(('"x":"\\""', '"x":"\\\\"', '"y":1.5', '"z":"\\u0022"'))
                    text = f"{text[: name.start()]}{more},{text[name.start() :]}"
                case _:
                    text = f"{text[:at]}{chance.choice(_SLY)}{text[at:]}"
        return text

    # Bytes --------------------------------------------------------------------------------------

    def _broken_bytes(self, body: bytes) -> str:
        chance = self._chance
        for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
            body = chance.choice(_BREAKS)(body, chance)
        if chance.random() < 0.002:
            body = (body or b" ") * (LARGE // max(len(body), 1) + 1)
        if chance.random() < 0.5:
            return body.decode("utf-8", "surrogateescape")
        return body.decode("utf-8", "replace")

    # JSON ---------------------------------------------------------------------------------------

    def _broken_json(self, text: str) -> str:
        chance = self._chance
        document = json.loads(text)
        for _ in range(chance.choice((1, 1, 2, 3))):
            data = document.get("data")
            inside = isinstance(data, dict) and data and chance.random() < 0.7
            places = list(_places(data if inside else document))
            if not places:
                break
            holder, name = chance.choice(places)
            match chance.randrange(7):
                case 0:
                    del holder[name]
                case 1:
                    holder[name] = self._value(3)
                case 2 if isinstance(holder, dict):
                    holder[chance.choice(_NAMES)] = holder.pop(name)
                case 3 if isinstance(holder, dict):
                    holder[chance.choice(_NAMES)] = self._value(2)
                case 4:
                    other, elsewhere = chance.choice(list(_places(document)))
                    if not isinstance(other[elsewhere], dict | list):
                        holder[name] = other[elsewhere]
                case 5:
                    holder[name] = [holder[name]] if chance.random() < 0.5 else str(holder[name])
                case _:
                    holder[name] = chance.choice(_TEXTS)
        if chance.random() < 0.1:
            name, value = chance.choice(_ATTRIBUTES)
            document[name] = value
        text = json.dumps(document, ensure_ascii=chance.random() < 0.5)
        if chance.random() < 0.05:  # the same name twice
            name = chance.choice(('"id":', '"data":', '"phone":', '"full_name":'))
            text = text.replace(name[:-1] + ": ", f'{name}"x",{name}', 1)
        return text

    def _value(self, depth: int) -> Any:
        chance = self._chance
        match chance.randrange(9 if depth else 7):
            case 0:
                return None
            case 1:
                return chance.random() < 0.5
            case 2:
                return chance.choice(_INTEGERS)
            case 3:
                return chance.choice((0.5, -0.0, 1e300, 1.0))
            case 4 | 5 | 6:
                return chance.choice(_TEXTS)
            case 7:
                return [self._value(depth - 1) for _ in range(chance.randrange(4))]
            case _:
                names = chance.sample(_NAMES, chance.randrange(4))
                return {name: self._value(depth - 1) for name in names}


def _shuffled(given: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    return dict(chance.sample(list(given.items()), len(given)))


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place inside a value: what holds it, and its name or index there."""
    names = list(value) if isinstance(value, dict) else range(len(value))
    for name in names:
        yield value, name
        if isinstance(value[name], dict | list):
            yield from _places(value[name])


def _span(body: bytes, chance: random.Random) -> tuple[int, int]:
    start = chance.randrange(len(body) + 1)
    return start, min(len(body), start + chance.choice((1, 1, 2, 5, 20, 200)))


def _flip(body: bytes, chance: random.Random) -> bytes:
    if not body:
        return b"\x80"
    at = chance.randrange(len(body))
    return body[:at] + bytes((body[at] ^ 1 << chance.randrange(8),)) + body[at + 1 :]


def _replace(body: bytes, chance: random.Random) -> bytes:
    start, end = _span(body, chance)
    return body[:start] + chance.choice(_TOKENS) + body[end:]


def _insert(body: bytes, chance: random.Random) -> bytes:
    start, _ = _span(body, chance)
    return body[:start] + chance.choice(_TOKENS) + body[start:]


def _noise(body: bytes, chance: random.Random) -> bytes:
    start, _ = _span(body, chance)
    return body[:start] + chance.randbytes(chance.choice((1, 4, 64))) + body[start:]


def _delete(body: bytes, chance: random.Random) -> bytes:
    start, end = _span(body, chance)
    return body[:start] + body[end:]


def _repeat(body: bytes, chance: random.Random) -> bytes:
    start, end = _span(body, chance)
    return body[:start] + body[start:end] * chance.choice((2, 3, 50)) + body[end:]


def _splice(body: bytes, chance: random.Random) -> bytes:
    first, second = _span(body, chance), _span(body, chance)
    return body[: first[0]] + body[second[0] :]


def _truncate(body: bytes, chance: random.Random) -> bytes:
    return body[: chance.randrange(len(body) + 1)]


_BREAKS: Final[Sequence[Callable[[bytes, random.Random], bytes]]] = (
    _flip,
    _replace,
    _insert,
    _noise,
    _delete,
    _repeat,
    _splice,
    _truncate,
)
