"""A row of a CSV becomes the JSON text of the event it states, as its manifest declares.

    problems = complaints(manifest, header)   # sentences; nothing is loaded while there are any
    body_of = mapper(manifest, header)        # once per range
    body_of(line)                             # the message, to be read like any other

Nothing is dropped in silence: every column of the file is mapped, used in a template or ignored by
name. A cell that is not in its declared form ends as a refused event, at its path: the cell goes
into the data as it stands, and where the field would take it by chance, as an object that says what
was declared (`{"unfit", "column", "declared"}`), which no field takes. A line that is no row at all
raises `NoRow`, whose text is the sentence for its sender.

A row is one line: RFC 4180's line break inside quotation marks would make it impossible to begin
anywhere in the file, so such a cell is refused (decision note 2026-11-26-bulk-loading).
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from schemas.envelope import SOURCE_MAX, SOURCE_PATTERN, SPECVERSION
from schemas.event_types import EVENT_TYPES, EventType, check_type, validate_event_data
from schemas.forms import normalise_instant, normalise_text
from schemas.manifests import validate_manifest
from schemas.validation import pointer, validate_data

Manifest = Mapping[str, Any]

NDJSON: Final[Manifest] = {"format": "ndjson"}
"""The manifest of an NDJSON file that has none."""
VIETNAM: Final = "Asia/Ho_Chi_Minh"
ZONES: Final[Mapping[str, str]] = {VIETNAM: "+07:00"}
"""Named zones. Vietnam has had UTC+7 without summer time since 1975."""
DIGEST: Final = "{*}"
DIGEST_LENGTH: Final = 32


class NoRow(ValueError):
    """The line cannot be told into cells; the text says why, and what to do."""


def read_manifest(text: str) -> tuple[Manifest | None, list[str]]:
    """The manifest of a file `<name>.manifest.json`, or every complaint about its form."""
    try:
        value = json.loads(text.removeprefix("\N{BYTE ORDER MARK}"), object_pairs_hook=_object)
    except _TwiceNamed as twice:
        return None, [f"The manifest names `{twice}` twice in one object; keep one of them."]
    except (ValueError, RecursionError):
        return None, ["The manifest is not JSON. Write one JSON object, encoded as UTF-8."]
    problems = validate_manifest(value)
    return (None, problems) if problems else (value, [])


class _TwiceNamed(ValueError):
    """A key stands twice in an object; its text is the key."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for name, part in pairs:
        if name in value:
            raise _TwiceNamed(name)
        value[name] = part
    return value


def complaints(manifest: Manifest, header: str | None = None) -> list[str]:
    """What is wrong with a manifest of valid form for a CSV with this header; empty if nothing.

    `header` is the first line of the file; for NDJSON there is none, and nothing to complain of.
    Whatever would make **every** row be refused is found here: fields that do not exist or take
    other values, parts that the type must state, columns that are not declared.
    """
    if manifest["format"] != "csv":
        return []
    found = list(_about_the_event(manifest))
    try:
        columns = columns_of(header or "", manifest.get("delimiter", ","))
    except NoRow as error:
        return [*found, f"The header cannot be read. {error}"]
    return [*found, *_about_columns(manifest, columns)]


def columns_of(header: str, delimiter: str) -> list[str]:
    """The names of the columns, normalised. Raises `NoRow` for a header that is no row."""
    return [
        normalise_text(cell)
        for cell in _cells(_line(header).removeprefix("\N{BYTE ORDER MARK}"), delimiter)
    ]


def mapper(manifest: Manifest, header: str) -> Callable[[str], str]:
    """For each row the JSON text of the event that it states.

    The manifest is one without `complaints`. The function raises `NoRow` for a line that is no
    row; it is pure, so the same line always gives the same text.
    """
    delimiter = manifest.get("delimiter", ",")
    return _Rows.of(manifest, columns_of(header, delimiter), delimiter).body_of


# Cells --------------------------------------------------------------------------------------------


def _line(text: str) -> str:
    return text.removesuffix("\n").removesuffix("\r")


def _cells(line: str, delimiter: str) -> list[str]:
    if '"' not in line:
        return line.split(delimiter)
    try:
        (cells,) = csv.reader((line,), delimiter=delimiter, strict=True)
    except (csv.Error, ValueError):
        raise NoRow(
            "The quotation marks of this line do not pair. A cell that holds the delimiter or a "
            'quotation mark is written in "..." with each " doubled, and ends on its line: '
            "write a line break inside a cell as a blank."
        ) from None
    return cells


# How cells are written ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Unfit:
    """A cell that is not in the declared form; `declared` says which that is."""

    declared: str


_Convert = Callable[[str], Any]

_TOKENS: Final = re.compile("yyyy|MM|M|dd|d|HH|H|mm|ss|.", re.DOTALL)
_PARTS: Final[Mapping[str, str]] = {
    "yyyy": "(?P<year>[0-9]{4})",
    "MM": "(?P<month>0[1-9]|1[0-2])",
    "M": "(?P<month>1[0-2]|0?[1-9])",
    "dd": "(?P<day>0[1-9]|[12][0-9]|3[01])",
    "d": "(?P<day>[12][0-9]|3[01]|0?[1-9])",
    "HH": "(?P<hour>[01][0-9]|2[0-3])",
    "H": "(?P<hour>1[0-9]|2[0-3]|0?[0-9])",
    "mm": "(?P<minute>[0-5][0-9])",
    "ss": "(?P<second>[0-5][0-9])",
}
_COARSE_TO_FINE: Final = ("year", "month", "day", "hour", "minute", "second")


def _tokens(form: str) -> list[str]:
    return [token for token in _TOKENS.findall(form) if token in _PARTS]


def _pattern(form: str) -> re.Pattern[str]:
    return re.compile(
        "".join(_PARTS.get(token) or re.escape(token) for token in _TOKENS.findall(form))
    )


def _parts_of(form: str) -> list[str]:
    """`year`, `month` ... in the order of the form."""
    return [_PARTS[token][4:].partition(">")[0] for token in _tokens(form)]


def _form_problem(form: str, *, day: bool) -> str | None:
    """What is wrong with a form, if anything; `day` says that it must hold a whole day."""
    parts = _parts_of(form)
    if len(set(parts)) != len(parts):
        return f"The form {form} names a part twice."
    needed = len(parts)
    if set(parts) != set(_COARSE_TO_FINE[:needed]) or not parts:
        return f"The form {form} leaves a part out: a day needs MM and yyyy, minutes need HH."
    if day and needed < 3:
        return f"The form {form} gives no whole day; an instant needs dd, MM and yyyy."
    return None


def _dates(forms: Sequence[str]) -> _Convert:
    patterns = [(_pattern(form), min(3, len(_parts_of(form)))) for form in forms]
    unfit = _Unfit(f"a day written {_either(forms)}")

    def convert(cell: str) -> Any:
        for pattern, precision in patterns:
            found = pattern.fullmatch(cell)
            if found is not None:
                parts = found.groupdict()
                text = parts["year"]
                if precision > 1:
                    text += f"-{parts['month']:0>2}"
                return f"{text}-{parts['day']:0>2}" if precision > 2 else text
        return unfit

    return convert


def _instants(forms: Sequence[str], zone: str) -> _Convert:
    patterns = [_pattern(form) for form in forms]
    offset = ZONES.get(zone, zone)
    unfit = _Unfit(f"an instant written {_either(forms)}")

    def convert(cell: str) -> Any:
        for pattern in patterns:
            found = pattern.fullmatch(cell)
            if found is not None:
                at = found.groupdict()
                return (
                    f"{at['year']}-{at['month']:0>2}-{at['day']:0>2}T{at.get('hour', ''):0>2}:"
                    f"{at.get('minute', ''):0>2}:{at.get('second', ''):0>2}{offset}"
                )
        return unfit

    return convert


def _words(words: Mapping[str, Any]) -> _Convert:
    known = {normalise_text(word): value for word, value in words.items()}
    shown = [*words][:_MOST_WORDS] + (["..."] if len(words) > _MOST_WORDS else [])
    unfit = _Unfit(f"one of the words {', '.join(shown)}")
    return lambda cell: known.get(normalise_text(cell), unfit)


_MOST_WORDS: Final = 10
_DIGITS: Final = re.compile("[0-9]{1,18}")


def _whole(grouping: str | None) -> _Convert:
    pattern, declared = _DIGITS, "a whole number"
    if grouping is not None:
        pattern = re.compile(
            f"[0-9]{{1,3}}(?:{re.escape(grouping)}[0-9]{{3}}){{0,5}}|[0-9]{{1,18}}"
        )
        declared = f"a whole number, its thousands apart by `{grouping}`"
    unfit = _Unfit(declared)

    def convert(cell: str) -> Any:
        if not pattern.fullmatch(cell):
            return unfit
        return int(cell.replace(grouping, "") if grouping else cell)

    return convert


def _split(separator: str) -> _Convert:
    return lambda cell: [part.strip() for part in cell.split(separator) if part.strip()]


_FORMS: Final[Mapping[str, Callable[[Mapping[str, Any]], _Convert]]] = {
    "pad": lambda _: str,  # done before templates are filled, so that ids have the zeros too
    "dates": lambda column: _dates(column["dates"]),
    "instants": lambda column: _instants(column["instants"], column["zone"]),
    "words": lambda column: _words(column["words"]),
    "whole": lambda column: _whole(column.get("grouping")),
    "split": lambda column: _split(column["split"]),
}
"""The form a column declares -> what makes a value of a cell. Without one a cell is text."""


def _forms_of(column: Mapping[str, Any]) -> list[str]:
    return [form for form in _FORMS if form in column]


def _either(names: Iterable[str]) -> str:
    return " or ".join(names)


# Templates ----------------------------------------------------------------------------------------

_HOLE: Final = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


def _template(text: str) -> list[str | tuple[str]]:
    """Literal texts, and columns as tuples of one. ValueError for a brace that stands alone."""
    found: list[str | tuple[str]] = []
    at = 0
    for match in _HOLE.finditer(text):
        found.append(text[at : match.start()])
        at = match.end()
        if match[0] in ("{{", "}}"):
            found.append(match[0][0])
        elif match[1] is not None:
            found.append((normalise_text(match[1]),))
        else:
            raise ValueError(text)
    return [part for part in (*found, text[at:]) if part]


def _holes(text: str) -> list[str]:
    """The columns that a template uses, the digest apart."""
    return [part[0] for part in _template(text) if isinstance(part, tuple) and part[0] != "*"]


# Rows ---------------------------------------------------------------------------------------------

_Filled = Callable[[Sequence[str]], str]


@dataclass(frozen=True, slots=True)
class _Target:
    """Where a value goes: a field, or a part of one (`within` names the object)."""

    path: tuple[str, ...]

    def put(self, data: dict[str, Any], value: Any) -> None:
        *within, last = self.path
        for name in within:
            data = data.setdefault(name, {})
        data[last] = value


@dataclass(frozen=True, slots=True)
class _Cell:
    """A mapped column: its place in a row, its name, its target and its form."""

    index: int
    column: str
    target: _Target
    convert: _Convert | None
    null: bool


@dataclass(frozen=True, slots=True)
class _Rows:
    """A manifest for one header, made ready."""

    width: int
    delimiter: str
    source: str
    type: EventType
    cells: tuple[_Cell, ...]
    composed: tuple[tuple[_Target, tuple[int, ...], _Filled], ...]
    constants: tuple[tuple[_Target, Any], ...]
    joining: tuple[tuple[_Target, Any], ...]
    """Constants that join an object which cells state."""
    blank: frozenset[str]
    padded: tuple[tuple[int, int], ...]
    """(Place of a column, digits that its values have.)"""
    id: _Filled
    time: _Filled
    moment: _Convert | None
    sequence: _Filled | None

    @classmethod
    def of(cls, manifest: Manifest, columns: Sequence[str], delimiter: str) -> _Rows:
        index = {name: at for at, name in enumerate(columns)}
        ignored = {normalise_text(name) for name in manifest.get("ignore", ())}
        digest = _digest([name for name in columns if name not in ignored], index)

        def filled(text: str) -> _Filled:
            return _filled(_template(text), index, digest)

        cells = tuple(
            _Cell(
                index[normalise_text(name)],
                name,
                _target(column["field"]),
                next((_FORMS[form](column) for form in _forms_of(column)), None),
                column.get("empty") == "null",
            )
            for name, column in manifest["columns"].items()
        )
        composed = tuple(
            (_target(path), tuple(index[name] for name in _holes(text)), filled(text))
            for path, text in manifest.get("composed", {}).items()
        )
        fed = {target.path[0] for target in (*(c.target for c in cells), *(c[0] for c in composed))}
        constants = [(_target(p), value) for p, value in manifest.get("constants", {}).items()]
        moment = manifest["time"]
        return cls(
            width=len(columns),
            delimiter=delimiter,
            source=manifest["source"],
            type=EVENT_TYPES[manifest["type"]],
            cells=cells,
            composed=composed,
            constants=tuple(c for c in constants if not _joins(c[0], fed)),
            joining=tuple(c for c in constants if _joins(c[0], fed)),
            blank=frozenset(map(normalise_text, manifest.get("blank", ()))),
            padded=tuple(
                (index[normalise_text(name)], column["pad"])
                for name, column in manifest["columns"].items()
                if "pad" in column
            ),
            id=filled(manifest["id"]),
            time=filled(moment["value"]),
            moment=_instants(moment["forms"], moment["zone"]) if "forms" in moment else None,
            sequence=filled(manifest["sequence"]) if "sequence" in manifest else None,
        )

    def body_of(self, line: str) -> str:
        row = [cell.strip() for cell in _cells(_line(line), self.delimiter)]
        if len(row) != self.width:
            raise NoRow(
                f"The row has {len(row)} cells and the header {self.width}. Write a cell that "
                'holds the delimiter in "...", and leave no cell out.'
            )
        if self.blank:
            row = ["" if cell and normalise_text(cell) in self.blank else cell for cell in row]
        for place, digits in self.padded:
            cell = row[place]
            if len(cell) < digits and cell.isascii() and cell.isdigit():
                row[place] = cell.zfill(digits)
        data, unfit = self._data(row)
        event: dict[str, Any] = {
            "specversion": SPECVERSION,
            "id": self.id(row),
            "source": self.source,
            "type": self.type.type,
            "subject": data.get(self.type.key),
            "time": self._time(row),
        }
        if self.sequence is not None:
            event["sequence"] = self.sequence(row) or None
        event = {name: value for name, value in event.items() if value is not None}
        if unfit:
            self._refuse_unfit(data, unfit)
        event["data"] = data
        return _json(event)

    def _data(self, row: Sequence[str]) -> tuple[dict[str, Any], list[tuple[_Cell, str]]]:
        data: dict[str, Any] = {}
        unfit: list[tuple[_Cell, str]] = []
        for cell in self.cells:
            text = row[cell.index]
            if not text:
                if cell.null:
                    cell.target.put(data, None)
                continue
            value = text if cell.convert is None else cell.convert(text)
            if type(value) is _Unfit:
                unfit.append((cell, value.declared))
                value = text
            cell.target.put(data, value)
        for target, indexes, filled in self.composed:
            if any(row[index] for index in indexes):
                target.put(data, filled(row))
        for target, value in self.joining:
            if isinstance(data.get(target.path[0]), dict):
                target.put(data, value)
        for target, value in self.constants:
            target.put(data, value)
        return data, unfit

    def _time(self, row: Sequence[str]) -> Any:
        text = self.time(row).strip()
        if not text or self.moment is None:
            return text or None
        value = self.moment(text)
        if type(value) is not _Unfit:
            return value
        try:
            normalise_instant(text)
        except ValueError:
            return text
        return {"unfit": text, "declared": value.declared}

    def _refuse_unfit(self, data: dict[str, Any], unfit: Sequence[tuple[_Cell, str]]) -> None:
        """Sees to it that each of these cells is refused, and not taken by chance."""
        _, errors = validate_event_data(self.type, data)
        refused = {error.path for error in errors}
        for cell, declared in unfit:
            if pointer(*cell.target.path) not in refused:
                wrapped = {"column": cell.column, "declared": declared}
                *within, last = cell.target.path
                place = data
                for name in within:
                    place = place[name]
                place[last] = {"unfit": place[last], **wrapped}


def _target(path: str) -> _Target:
    return _Target(tuple(path.split("/")))


def _joins(target: _Target, fed: set[str]) -> bool:
    return len(target.path) > 1 and target.path[0] in fed


def _filled(
    template: Sequence[str | tuple[str]], index: Mapping[str, int], digest: _Filled
) -> _Filled:
    parts: list[str | int | None] = [
        part if isinstance(part, str) else None if part[0] == "*" else index[part[0]]
        for part in template
    ]

    def fill(row: Sequence[str]) -> str:
        return "".join(
            part if isinstance(part, str) else digest(row) if part is None else row[part]
            for part in parts
        )

    return fill


def _digest(names: Sequence[str], index: Mapping[str, int]) -> _Filled:
    """A digest of the cells of these columns, whatever their order in the file."""
    ordered = sorted(names)
    places = [index[name] for name in ordered]
    head = _json(ordered).encode("utf-8", "surrogatepass")

    def digest(row: Sequence[str]) -> str:
        cells = _json([row[place] for place in places]).encode("utf-8", "surrogatepass")
        return hashlib.sha256(head + cells).hexdigest()[:DIGEST_LENGTH]

    return digest


def _json(value: Any) -> str:
    """JSON text; lone surrogates, which stand for bytes that are no UTF-8, stay in it."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


# What is wrong with a manifest --------------------------------------------------------------------

_SOURCE: Final = re.compile(SOURCE_PATTERN)
_TEXT: Final = "Văn bản"


def _about_the_event(manifest: Manifest) -> Iterable[str]:
    """Complaints that need no header."""
    source = manifest["source"]
    if len(source) > SOURCE_MAX or not _SOURCE.fullmatch(source):
        yield "`source` must be /agencies/<agency id> in the id's new form, such as /agencies/G24."
    yield from _about_templates(manifest)
    yield from _about_time(manifest["time"])
    for name, column in manifest["columns"].items():
        yield from _about_form(name, column)
    event_type = EVENT_TYPES.get(manifest["type"])
    if event_type is None:
        yield (
            "`type` must be one of the published event types, such as "
            "vn.lienthong.insurance-card.issued.v1."
        )
        return
    yield from _about_fields(manifest, event_type)


def _about_templates(manifest: Manifest) -> Iterable[str]:
    texts = {
        "id": manifest["id"],
        "time": manifest["time"]["value"],
        "sequence": manifest.get("sequence", ""),
        **{f"composed / {path}": text for path, text in manifest.get("composed", {}).items()},
    }
    for place, text in texts.items():
        try:
            holes = _template(text)
        except ValueError:
            yield f"The template of `{place}` has a brace alone; double it: {{{{ or }}}}."
            continue
        digest = ("*",) in holes
        if digest and place != "id":
            yield f"The digest {DIGEST} is for `id` alone; leave it out of `{place}`."
        if place == "id" and not any(isinstance(part, tuple) for part in holes):
            yield (
                "`id` names no column, so every row would have the same id. Write a template such "
                f"as bhyt-2026-{{so_bhxh}}, or {DIGEST} for a digest of the row."
            )


def _about_time(moment: Mapping[str, Any]) -> Iterable[str]:
    if "forms" in moment:
        if "zone" not in moment:
            yield f"`time` declares forms; it needs `zone` as well, such as {VIETNAM}."
        for form in moment["forms"]:
            problem = _form_problem(form, day=True)
            if problem:
                yield f"At time: {problem}"
        return
    if "zone" in moment:
        yield "`time` declares a zone; it needs `forms` as well, such as dd/MM/yyyy."
    if "{" not in moment["value"]:
        try:
            normalise_instant(moment["value"])
        except ValueError:
            yield (
                "`time` names no column and is no instant of RFC 3339, such as "
                "2026-11-22T08:30:00+07:00."
            )


def _about_form(name: str, column: Mapping[str, Any]) -> Iterable[str]:
    forms = _forms_of(column)
    if len(forms) > 1:
        yield f"Column `{name}` declares {' and '.join(forms)}; keep one of them."
    if "instants" in column and "zone" not in column:
        yield f"Column `{name}` declares instants; it needs `zone` as well, such as {VIETNAM}."
    if "zone" in column and "instants" not in column:
        yield f"Column `{name}` declares a zone without instants; leave it out."
    if "grouping" in column and "whole" not in column:
        yield f"Column `{name}` declares `grouping`; it needs `whole` as well."
    for kind in ("dates", "instants"):
        for form in column.get(kind, ()):
            problem = _form_problem(form, day=kind == "instants")
            if problem:
                yield f"At column `{name}`: {problem}"
    words = column.get("words", {})
    if len({normalise_text(word) for word in words}) != len(words):
        yield f"Column `{name}` declares a word twice."


def _about_columns(manifest: Manifest, columns: Sequence[str]) -> Iterable[str]:
    delimiter = manifest.get("delimiter", ",")
    if len(columns) == 1:
        others = [other for other in (",", ";", "\t", "|") if other in columns[0]]
        if others and delimiter not in others:
            shown = "a tab" if others[0] == "\t" else f"`{others[0]}`"
            yield f"The header has one column; it looks as if `delimiter` should be {shown}."
            return
    for name in sorted({name for name in columns if columns.count(name) > 1}):
        yield f"The header names the column `{name}` twice; rename one of them."
    mapped = {normalise_text(name) for name in manifest["columns"]}
    ignored = {normalise_text(name) for name in manifest.get("ignore", ())}
    used = set(_columns_of_templates(manifest))
    for name in sorted(ignored & (mapped | used)):
        yield f"Column `{name}` is used and ignored; take it from `ignore`."
    for name in sorted((mapped | used | ignored) - set(columns)):
        yield f"The header has no column `{name}`; correct the manifest or the file."
    for name in columns:
        if name not in mapped | used | ignored:
            yield f"Column `{name}` is not declared; map it, or name it in `ignore`."
    if mapped - set(columns) == mapped and not mapped & set(columns):
        yield "None of the declared columns is in the header; is this the file's first line?"


def _columns_of_templates(manifest: Manifest) -> Iterable[str]:
    texts = (
        manifest["id"],
        manifest["time"]["value"],
        manifest.get("sequence", ""),
        *manifest.get("composed", {}).values(),
    )
    for text in texts:
        try:
            yield from _holes(text)
        except ValueError:
            continue


# Fields: a row is made up and validated -----------------------------------------------------------

_ANY_ROW: Final = frozenset({"unknown-field", "not-object", "not-text", "not-list", "not-integer"})
"""Errors that do not depend on the cell."""


def _about_fields(manifest: Manifest, event_type: EventType) -> Iterable[str]:
    """What the contract says of the fields that rows will state, tried on made-up values."""
    places: dict[str, str] = {}
    for place, path in _paths(manifest):
        if path in places:
            yield f"{place} and {places[path]} both give `{path}`; keep one of them."
        elif clash := next((p for p in places if _overlap(p, path)), None):
            yield f"{place} gives `{path}` and {places[clash]} `{clash}`; one is part of the other."
        else:
            places[path] = place
    if event_type.key not in places:
        yield f"No column gives `{event_type.key}`, the key of the record; map one to it."
    probes = _probes(manifest)
    for place, path, value, why in probes:
        if places.get(path) == place:
            yield from _tried(event_type, place, path, value, why)
    whole: dict[str, Any] = {}
    for path in places:
        if not any(_overlap(path, other) for other in places if other != path):
            value = next((probe[2] for probe in probes if probe[1] == path), _TEXT)
            _target(path).put(whole, value)
    yield from _missing(event_type, whole)


def _paths(manifest: Manifest) -> Iterable[tuple[str, str]]:
    for name, column in manifest["columns"].items():
        yield f"Column `{name}`", column["field"]
    for path in manifest.get("composed", {}):
        yield "`composed`", path
    for path in manifest.get("constants", {}):
        yield "`constants`", path


def _overlap(one: str, other: str) -> bool:
    return one.startswith(f"{other}/") or other.startswith(f"{one}/")


_ALWAYS_CHECKED: Final = _ANY_ROW | {"not-in-list", "out-of-range", "pattern", "not-instant"}
_Probe = tuple[str, str, Any, str]


def _probes(manifest: Manifest) -> list[_Probe]:
    """(place, path, value, what the value stands for): values that rows will really give."""
    found: list[_Probe] = []
    for name, column in manifest["columns"].items():
        place, path = f"Column `{name}`", column["field"]
        if "words" in column:
            found += [(place, path, v, f"the word `{w}`") for w, v in column["words"].items()]
        elif "dates" in column:
            for form in column["dates"]:
                precision = len(_parts_of(form))
                text = "2000-10-10"[: {1: 4, 2: 7}.get(precision, 10)]
                found.append((place, path, text, f"the form {form}"))
        elif "instants" in column:
            found.append((place, path, "2000-10-10T10:10:10+07:00", "an instant"))
        elif "whole" in column:
            found.append((place, path, 1, ""))
        elif "split" in column:
            found.append((place, path, [_TEXT], ""))
        else:
            found.append((place, path, _TEXT, ""))
        if column.get("empty") == "null":
            found.append((place, path, None, "an empty cell"))
    found += [("`composed`", path, _TEXT, "") for path in manifest.get("composed", {})]
    found += [
        ("`constants`", path, value, "this value")
        for path, value in manifest.get("constants", {}).items()
    ]
    return found


def _tried(event_type: EventType, place: str, path: str, value: Any, why: str) -> Iterable[str]:
    data: dict[str, Any] = {}
    target = _target(path)
    target.put(data, value)
    _, errors = validate_data(event_type.kind, data)
    here = pointer(*target.path)
    exact = why != ""
    for error in errors:
        if error.code == "missing":
            continue
        if error.path == here and (exact or error.code in _ANY_ROW):
            yield _about_value(place, path, error.code, error.text, why)
        elif error.path != here and here.startswith(f"{error.path}/"):
            top = error.path.removeprefix("/data/")
            yield f"{place} gives `{path}`, but `{top}` has no parts; map the column to `{top}`."
    if value is not None and exact:
        checked = [
            e for e in check_type(event_type, data) if e.path == here and e.code != "missing"
        ]
        for error in checked:
            yield _about_value(place, path, error.code, error.text, why)


def _about_value(place: str, path: str, code: str, text: str, why: str) -> str:
    hint = {
        "unknown-field": "the contract has no such field; correct its name.",
        "not-object": "that has parts; map the column to one of them.",
        "not-text": "that is text; leave the form out.",
        "not-list": "that is a list; declare `split`.",
        "not-integer": "that is a whole number; declare `whole`, or `words` with numbers.",
        "not-boolean": "that is true or false; declare `words` with true and false.",
        "null": "that is never null; leave `empty` out.",
    }.get(code, f"that does not fit: {text}")
    return f"{place} gives `{path}`{f' by {why}' if why else ''}, and {hint}"


def _missing(event_type: EventType, data: dict[str, Any]) -> Iterable[str]:
    """Parts and fields that no row would state."""
    _, errors = validate_event_data(event_type, data)
    for error in errors:
        if error.code == "missing" and error.path != pointer(event_type.key):
            path = error.path.removeprefix("/data").removeprefix("/")
            what = f"`{path}`" if path else "what the type must state"
            yield f"No column gives {what}: {error.text}"
