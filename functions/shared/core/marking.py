"""A message's body as people read it, with every error marked at its place.

A marker stands below the line it is about. Where the place is not there (a missing field), the
marker stands below the nearest thing around it and names the place.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from functions.shared.core.events import Reason

LONGEST_TEXT: Final = 2_000
"""Characters of one line that are shown unless everything is asked for."""
AROUND: Final = 3
"""Lines that are shown before and after the place where a text stops being JSON."""
_INDENT: Final = "  "


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the body, or a marker below one."""

    text: str
    marks: Reason | None = None


class Literal(str):
    """A number as it was written."""

    __slots__ = ()


class Pairs(list[tuple[str, Any]]):
    """An object as it was written: a key may be there twice."""


def parsed(body: str) -> Any:
    """The JSON as it was written. Raises ValueError or RecursionError where it is none."""
    return json.loads(body, object_pairs_hook=Pairs, parse_float=Literal, parse_int=Literal)


def pretty(body: str) -> str:
    """The body with a value on each line, or unchanged where it is not JSON."""
    try:
        value = parsed(body)
    except (ValueError, RecursionError):
        return body
    return "\n".join(line.text for line in _Writer([]).written(value))


def marked(body: str, reasons: Sequence[Reason], *, whole: bool = False) -> list[Line]:
    """The body's lines with the markers of the reasons."""
    try:
        value = parsed(body)
    except json.JSONDecodeError as error:
        return list(_broken(body, error, reasons, whole=whole))
    except (ValueError, RecursionError):
        lines = [*map(Line, body.split("\n")), *(Line("^", reason) for reason in reasons)]
    else:
        lines = list(_Writer(reasons).written(value))
    if whole:
        return lines
    return [line if line.marks else Line(_cut(line.text)) for line in lines]


def _cut(text: str) -> str:
    if len(text) <= LONGEST_TEXT:
        return text
    return f"{text[:LONGEST_TEXT]}... ({len(text) - LONGEST_TEXT:,} more characters; --whole)"


def _broken(
    body: str, error: json.JSONDecodeError, reasons: Sequence[Reason], *, whole: bool
) -> Iterator[Line]:
    """The lines around the place where it stops being JSON, the place marked below its line."""
    lines = body.split("\n")
    at, column = error.lineno - 1, error.colno - 1
    first = 0 if whole else max(0, at - AROUND)
    last = len(lines) if whole else min(len(lines), at + AROUND + 1)
    if first:
        yield Line(f"... ({first:,} lines before; --whole)")
    for number in range(first, last):
        text = lines[number]
        if number != at:
            yield Line(text if whole else _cut(text))
            continue
        # A long line is shown around the place.
        begin = 0 if whole else max(0, column - LONGEST_TEXT // 2)
        shown = text[begin:] if whole else text[begin : begin + LONGEST_TEXT]
        before = "..." if begin else ""
        after = "" if begin + len(shown) == len(text) else "..."
        yield Line(f"{before}{shown}{after}")
        for reason in reasons:
            yield Line(f"{' ' * (len(before) + column - begin)}^", reason)
    if last < len(lines):
        yield Line(f"... ({len(lines) - last:,} lines after; --whole)")


@dataclass(slots=True)
class _Writer:
    """Writes a value, a line for each of its parts, and the markers below them."""

    reasons: Sequence[Reason]
    _left: dict[str, list[Reason]] = field(default_factory=dict)

    def written(self, value: Any) -> Iterator[Line]:
        places = set(_places(value, ""))
        self._left = {}
        for reason in self.reasons:
            self._left.setdefault(_nearest(reason.path, places), []).append(reason)
        yield from self._value(value, "", "", "", "")

    def _value(self, value: Any, path: str, indent: str, before: str, after: str) -> Iterator[Line]:
        parts = _parts(value)
        if not parts:
            yield Line(f"{indent}{before}{_text(value)}{after}")
            yield from self._marks(path, indent + " " * len(before))
            return
        opening, closing = ("{", "}") if isinstance(value, Pairs) else ("[", "]")
        yield Line(f"{indent}{before}{opening}")
        yield from self._marks(path, indent + " " * len(before))
        for number, (name, label, part) in enumerate(parts, 1):
            comma = "," if number < len(parts) else ""
            yield from self._value(part, f"{path}/{name}", indent + _INDENT, label, comma)
        yield Line(f"{indent}{closing}{after}")

    def _marks(self, path: str, indent: str) -> Iterator[Line]:
        for reason in self._left.pop(path, ()):
            where = f" {reason.path}" if reason.path != path else ""
            yield Line(f"{indent}^{where}", reason)


@dataclass(frozen=True, slots=True)
class Placed:
    """A reason at its place: the thing in the body that is nearest to what it is about.

    Where the body is no JSON, `line` and `column` (from 1) say from where on.
    """

    reason: Reason
    place: str
    line: int | None = None
    column: int | None = None


def placed(body: str, reasons: Sequence[Reason]) -> list[Placed]:
    """The reasons, each at its place in the body."""
    try:
        places = set(_places(parsed(body), ""))
    except json.JSONDecodeError as error:
        return [Placed(reason, "", error.lineno, error.colno) for reason in reasons]
    except (ValueError, RecursionError):
        return [Placed(reason, "") for reason in reasons]
    return [Placed(reason, _nearest(reason.path, places)) for reason in reasons]


def _nearest(path: str, places: Collection[str]) -> str:
    while path not in places:
        path = path.rpartition("/")[0]
    return path


def _parts(value: Any) -> list[tuple[str, str, Any]]:
    """Token, label and value of each part."""
    if isinstance(value, Pairs):
        return [(_token(name), f"{_text(name)}: ", part) for name, part in value]
    if isinstance(value, list):
        return [(str(index), "", part) for index, part in enumerate(value)]
    return []


def _places(value: Any, path: str) -> Iterator[str]:
    yield path
    for name, _, part in _parts(value):
        yield from _places(part, f"{path}/{name}")


def _token(name: str) -> str:
    """A key as a token of a JSON Pointer, as reasons write it."""
    plain = name.replace("\0", "?").encode("utf-8", "replace").decode()
    return plain.replace("~", "~0").replace("/", "~1")


def _text(value: Any) -> str:
    if isinstance(value, Literal):
        return str(value)
    if isinstance(value, Pairs):
        return "{}"
    return json.dumps(value, ensure_ascii=False)


class Difference(NamedTuple):
    """A place where two messages differ: what was there, what is there now; None for nothing."""

    path: str
    was: str | None
    is_: str | None


def differences(before: str, after: str) -> list[Difference]:
    """Where two messages differ."""
    was, is_ = (dict(_leaves(_parsed_or_text(body), "")) for body in (before, after))
    return [
        Difference(path, was.get(path), is_.get(path))
        for path in dict.fromkeys((*was, *is_))
        if was.get(path) != is_.get(path)
    ]


def _parsed_or_text(body: str) -> Any:
    try:
        return parsed(body)
    except (ValueError, RecursionError):
        return body


def _leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:
    parts = _parts(value)
    if not parts:
        yield path, _text(value)
    for name, _, part in parts:
        yield from _leaves(part, f"{path}/{name}")
