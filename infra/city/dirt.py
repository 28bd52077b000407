"""The world's dirt, each sort with a rate: what it is and how it comes over good events.

Everything here leaves valid events behind; messages that are refused are in `bad`. Dirt has
chance of its own, so the same city can be had clean and dirty.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from infra.city.agencies import JUSTICE, POPULATION, SOCIAL_INSURANCE, Agencies
from infra.city.chance import Chance, Share, Weighted
from infra.city.chronicle import Saying
from infra.city.clock import DAY, GRAIN, HOUR, MINUTE, SECOND, Clock
from schemas.event_types import KEY_OF_KIND


@dataclass(frozen=True, slots=True)
class Rates:
    """How much of each sort, as a share of the good events."""

    duplicates: float = 0.0
    disorder: float = 0.0
    late: float = 0.0
    rival: float = 0.0
    skew: float = 0.0
    typo: float = 0.0
    bad: float = 0.0


SORTS: Final[Mapping[str, str]] = {
    "duplicates": "come again: the same bytes, or with another trace header",
    "disorder": "are published minutes or hours late, behind newer ones",
    "late": "are published days or months late",
    "rival": "are contradicted by another agency, newer or older",
    "skew": "have the time of another event of their record, with or without a sequence, or come"
    " from a clock that is minutes behind",
    "typo": "state a wrong value in a valid form",
    "bad": "are preceded by a message that is refused",
}
PRESETS: Final[Mapping[str, Rates]] = {
    "none": Rates(),
    "usual": Rates(0.02, 0.03, 0.01, 0.01, 0.01, 0.015, 0.005),
    "all": Rates(0.12, 0.10, 0.05, 0.05, 0.04, 0.05, 0.03),
}
HIGHEST: Final[Mapping[str, float]] = {"typo": 0.5, "rival": 0.5, "skew": 0.5}
"""More of these would leave too few events to say what is true; of the others all may be."""


def rates(spec: str) -> Rates:
    """The rates of a specification: a preset, rates, or a preset and rates that differ.

    `usual`, `duplicates=0.1,bad=0.02`, `all,bad=0`. Raises ValueError with a sentence.
    """
    found = Rates()
    for position, part in enumerate(filter(None, (p.strip() for p in spec.split(",")))):
        name, equals, number = part.partition("=")
        if not equals:
            if name not in PRESETS:
                raise ValueError(
                    f"{part!r} is no preset of dirt. Use {', '.join(PRESETS)}, or a rate such as"
                    " duplicates=0.1."
                )
            if position:
                raise ValueError(f"The preset {part!r} comes first, before any rate.")
            found = PRESETS[name]
            continue
        if name not in SORTS:
            raise ValueError(f"There is no dirt named {name!r}. There is {', '.join(SORTS)}.")
        try:
            rate = float(number)
        except ValueError:
            raise ValueError(f"The rate {part!r} is no number. Write {name}=0.05.") from None
        most = HIGHEST.get(name, 1.0)
        if not 0 <= rate <= most:
            raise ValueError(f"The rate {part!r} is impossible: give a number from 0 to {most:g}.")
        found = replace(found, **{name: rate})
    return found


class Shares:
    """What is due of each sort, spread evenly over all neighbourhoods."""

    def __init__(self, of: Rates) -> None:
        self.rates = of
        self._shares = {f.name: Share(getattr(of, f.name)) for f in fields(of)}

    def of(self, sort: str, cases: int) -> int:
        """How many are due after so many cases more."""
        return self._shares[sort].of(cases)

    def owe(self, sort: str, number: int) -> None:
        """So many found nothing to come over; they are due next time."""
        self._shares[sort].owe(number)


# Typing errors ------------------------------------------------------------------------------

Slip = Callable[[str, Chance], "str | None"]
"""Makes a wrong text of a right one, or None where it cannot."""

_TONES: Final = str.maketrans({"̀": "", "́": "", "̉": "", "̃": "", "̣": ""})
_PAIRS: Final = {
    f"{first}{second}": f"{plain}{marked}"
    for first, plain, second, tones in (
        ("òóỏõọ", "o", "a", "àáảãạ"),
        ("òóỏõọ", "o", "e", "èéẻẽẹ"),
        ("ùúủũụ", "u", "y", "ỳýỷỹỵ"),
    )
    for first, marked in zip(first, tones, strict=True)
}
"""The tone mark on the first vowel and on the second: hòa and hoà, thủy and thuỷ."""
_Y_AND_I: Final = {"Lý": "Lí", "Kỳ": "Kì", "Sỹ": "Sĩ", "Mỷ": "Mỉ", "My": "Mi", "Vy": "Vi"}


def _other_tone_place(name: str, _: Chance) -> str | None:
    words = name.split(" ")
    for n, word in enumerate(words):
        pair = word[-2:]
        if pair in _PAIRS and word[-3:-2].lower() != "q":
            words[n] = word[:-2] + _PAIRS[pair]
            return " ".join(words)
    return None


def _y_or_i(name: str, _: Chance) -> str | None:
    words = [_Y_AND_I.get(word, word) for word in name.split(" ")]
    return " ".join(words) if words != name.split(" ") else None


def _decomposed(name: str, _: Chance) -> str | None:
    found = unicodedata.normalize("NFD", name)
    return found if found != name else None


def _without_marks(name: str, _: Chance) -> str | None:
    found = "".join(c for c in unicodedata.normalize("NFD", name) if not unicodedata.combining(c))
    return found.replace("Đ", "D").replace("đ", "d") if found != name else None


def _without_tones(name: str, _: Chance) -> str | None:
    found = unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).translate(_TONES))
    return found if found != name else None


def _other_digit(text: str, chance: Chance, places: Sequence[int]) -> str:
    place = chance.one_of(places)
    digit = (int(text[place]) + 1 + chance.below(9)) % 10
    return f"{text[:place]}{digit}{text[place + 1 :]}"


def _swapped_digits(text: str, chance: Chance) -> str | None:
    """Two neighbours among the last six change places."""
    last = len(text)
    different = [n for n in range(last - 6, last - 1) if text[n] != text[n + 1]]
    if not different:
        return None
    n = chance.one_of(different)
    return f"{text[:n]}{text[n + 1]}{text[n]}{text[n + 2 :]}"


def _day_and_month(date: str, _: Chance) -> str | None:
    year, month, day = (*date.split("-"), "", "")[:3]
    return f"{year}-{day}-{month}" if day and day <= "12" and day != month else None


@dataclass(frozen=True, slots=True)
class Typo:
    """A class of typing errors: the place in `data` it befalls, and what it makes of the text.

    A harmless one is gone once the text is normalised.
    """

    name: str
    place: tuple[str, ...]
    slip: Slip
    harmless: bool = False
    weight: int = 2


def _upper_case(name: str, _: Chance) -> str | None:
    return name.upper() if name.upper() != name else None


def _first_space(instead: str) -> Slip:
    return lambda name, _: name.replace(" ", instead, 1) if " " in name else None


def _eth(name: str, _: Chance) -> str | None:
    """U+00D0, which looks like Đ, for U+0110."""
    return name.replace("Đ", "Ð") if "Đ" in name else None


def _year_before(date: str, _: Chance) -> str | None:
    return f"{int(date[:4]) - 1}{date[4:]}" if date[5:] != "02-29" else None


def _cut(length: int) -> Slip:
    return lambda date, _: date[:length] if len(date) > length else None


def _digit_from(first: int) -> Slip:
    return lambda text, chance: _other_digit(text, chance, range(first, len(text)))


def _as_printed(number: str, _: Chance) -> str | None:
    """A card number of 15 characters with the blanks it is printed with, in lower case."""
    if len(number) != 15:
        return None
    return f"{number[:2].lower()} {number[2]} {number[3:5]} {number[5:]}"


_NAME_SLIPS: Final[tuple[tuple[str, Slip, bool, int], ...]] = (
    # name, slip, harmless, weight; the heavy ones find few names that they can befall
    ("tone-placement", _other_tone_place, False, 12),
    ("y-and-i", _y_or_i, False, 8),
    ("eth-for-d", _eth, False, 6),
    ("decomposed", _decomposed, True, 2),
    ("upper-case", _upper_case, False, 3),
    ("without-marks", _without_marks, False, 2),
    ("without-tones", _without_tones, False, 1),
    ("double-space", _first_space("  "), True, 1),
    ("no-break-space", _first_space("\u00a0"), True, 1),
)
_NAMES: Final = (("full_name",), ("applicant", "name"))
_ID_SLIPS: Final[tuple[tuple[str, Slip], ...]] = (
    ("personal-id-digit", _digit_from(6)),
    ("personal-id-swap", _swapped_digits),
)

TYPOS: Final = (
    *(
        Typo(name, place, slip, harmless, weight)
        for name, slip, harmless, weight in _NAME_SLIPS
        for place in _NAMES
    ),
    *(
        Typo(name, place, slip)
        for name, slip in _ID_SLIPS
        for place in (("personal_id",), ("applicant", "personal_id"))
    ),
    Typo("day-and-month", ("date_of_birth",), _day_and_month, weight=4),
    Typo("year-only", ("date_of_birth",), _cut(4)),
    Typo("month-only", ("date_of_birth",), _cut(7), weight=1),
    Typo("wrong-year", ("date_of_birth",), _year_before),
    Typo("wrong-sex", ("sex",), lambda sex, _: "female" if sex == "male" else "male"),
    Typo("phone-digit", ("phone",), _digit_from(3)),
    Typo("old-number-digit", ("old_identity_number",), _digit_from(2)),
    Typo("card-number-as-printed", ("card", "number"), _as_printed, harmless=True, weight=1),
)

_TYPOS_OF: Final = {
    kind: tuple(typo for typo in TYPOS if typo.place[0] != key) for kind, key in KEY_OF_KIND.items()
}
"""A slip in the key would make another record; the mistaken registrations are of that kind."""
_TYPED: Final = {
    kind: frozenset(typo.place[0] for typo in typos if not typo.harmless)
    for kind, typos in _TYPOS_OF.items()
}

CORRECTED: Final = 0.4
"""Of the typing errors that do harm, those that the same agency sets right later."""


def _found(data: Mapping[str, Any], place: tuple[str, ...]) -> Any:
    value: Any = data
    for name in place:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _put(data: Mapping[str, Any], place: tuple[str, ...], value: str) -> dict[str, Any]:
    if len(place) == 1:
        return {**data, place[0]: value}
    return {**data, place[0]: {**data[place[0]], place[1]: value}}


@dataclass(frozen=True, slots=True)
class Wrong:
    """A value that is not the right one, and the saying that states it."""

    saying: Saying
    group: str
    sort: str
    place: tuple[str, ...]
    stated: str
    right: str
    harmless: bool = False
    corrected: Saying | None = None

    @property
    def path(self) -> str:
        """JSON Pointer into the event."""
        return "/data/" + "/".join(self.place)


class Dirt:
    """Comes over the good events of one neighbourhood."""

    def __init__(self, chance: Chance, shares: Shares, agencies: Agencies, until: int) -> None:
        self.chance, self.shares, self.agencies, self.until = chance, shares, agencies, until

    def typos(self, sayings: list[Saying]) -> list[Wrong]:
        """Writes wrong values into some of the sayings, and adds what corrects them."""
        found = []
        chosen = self._some(sayings, "typo", lambda s: not _TYPED[s.kind].isdisjoint(s.data))
        for saying in chosen:
            slips = [
                ((typo, right, stated), typo.weight)
                for typo in _TYPOS_OF[saying.kind]
                if isinstance(right := _found(saying.data, typo.place), str)
                and (stated := typo.slip(right, self.chance)) is not None
                and stated != right
            ]
            if not slips:
                continue
            typo, right, stated = self.chance.weighted(Weighted(slips))
            whole = saying.data
            saying.data = _put(whole, typo.place, stated)
            correction = None
            if not typo.harmless and self.chance.happens(CORRECTED):
                correction = self._correction(saying, whole, typo.place[0], sayings)
            found.append(
                Wrong(
                    saying, "typo", typo.name, typo.place, stated, right, typo.harmless, correction
                )
            )
        return found

    def _correction(
        self, saying: Saying, whole: Mapping[str, Any], field: str, sayings: list[Saying]
    ) -> Saying | None:
        at = saying.at + DAY + int(self.chance.random() * 40 * DAY)
        newer = any(s.key == saying.key and field in s.data and s.at > saying.at for s in sayings)
        if newer or not self._speaks(saying.agency, at):
            return None
        return self._add(sayings, saying.agency, at, saying, {field: whole[field]})

    def _speaks(self, agency: str, at: int) -> bool:
        return at <= self.until and self.agencies.period(agency, at // DAY) is not None

    def _add(
        self, sayings: list[Saying], agency: str, at: int, about: Saying, data: dict[str, Any]
    ) -> Saying:
        clock = self.agencies.clock(agency)
        added = Saying(
            at - at % GRAIN[clock],
            agency,
            about.kind,
            f"{about.kind}.updated",
            about.key,
            {KEY_OF_KIND[about.kind]: about.key, **data},
            len(sayings),
            clock,
        )
        sayings.append(added)
        return added

    def _some(
        self, sayings: list[Saying], sort: str, fit: Callable[[Saying], bool]
    ) -> list[Saying]:
        due = self.shares.of(sort, len(sayings))
        if not due:
            return []
        fitting = [saying for saying in sayings if fit(saying)]
        self.shares.owe(sort, max(0, due - len(fitting)))
        return self.chance.some_of(fitting, min(due, len(fitting)))

    # Rivals -------------------------------------------------------------------------------

    def rivals(self, sayings: list[Saying]) -> list[Wrong]:
        """Adds statements of other agencies that are not what is true."""
        found = []
        chosen = self._some(
            sayings, "rival", lambda s: not _CONTRADICTED[s.kind].isdisjoint(s.data)
        )
        for saying in chosen:
            fitting = [
                (field, speakers)
                for kind, field, speakers in _RIVALS
                if kind == saying.kind and field in saying.data
            ]
            field, speakers = self.chance.one_of(fitting)
            agency = self.chance.one_of(
                [a for a in self._named(speakers) if a != saying.agency]
                or [POPULATION if saying.kind != "dossier" else self.agencies.centre]
            )
            newer = self.chance.happens(0.6)
            distance = HOUR + int(self.chance.random() * 60 * DAY)
            at = saying.at + distance if newer else saying.at - distance
            if not self._speaks(agency, at):
                continue
            right = saying.data[field]
            stated = self._other(field, right)
            if stated is None or stated == right:
                continue
            rival = self._add(sayings, agency, at, saying, {field: stated})
            found.append(
                Wrong(rival, "rival", "newer" if newer else "older", (field,), stated, right)
            )
        return found

    def _named(self, speakers: str) -> list[str]:
        named = {
            "population": [POPULATION],
            "justice": [JUSTICE],
            "social-insurance": [SOCIAL_INSURANCE],
            "facility": list(self.agencies.facilities),
            "centre": [self.agencies.centre],
        }
        return [agency for speaker in speakers.split() for agency in named[speaker]]

    def _other(self, field: str, right: Any) -> Any:
        chance = self.chance
        match field:
            case "full_name":
                return chance.one_of(
                    [s for s in (_without_tones(right, chance), right.upper()) if s]
                )
            case "date_of_birth":
                return _day_and_month(right, chance) or f"{right[:4]}-01-01"
            case "phone":
                return _other_digit(right, chance, range(3, len(right)))
            case "residence":
                return {**right, "address": f"{right['address']}, nhà cũ"}
            case "marital_status_code":
                return "2" if right == "1" else "1"
            case "address":
                return f"{right}, tầng {chance.between(2, 30)}"
            case "due_at":
                return f"{right[:11]}11:00:00{right[19:]}"
            case _:
                raise AssertionError(field)

    # Clocks -------------------------------------------------------------------------------

    def skew(self, sayings: list[Saying]) -> list[str]:
        """Gives some sayings the time of the one before them; the ways in which it did.

        The sayings must be in the order of time.
        """
        ways = []
        before: dict[tuple[str, str], Saying] = {}
        pairs: dict[int, Saying] = {}
        for saying in sayings:
            place = (saying.agency, saying.key)
            if place in before and saying.at - before[place].at < NEAR:
                pairs[saying.number] = before[place]
            before[place] = saying
        touched: set[int] = set()
        for saying in self._some(sayings, "skew", lambda s: s.number in pairs):
            earlier = pairs[saying.number]
            if {saying.number, earlier.number} & touched:
                continue
            way = self.chance.one_of(SKEWS)
            if way == "slow-clock":
                at = saying.at - (1 + self.chance.below(9)) * MINUTE
                if not self._speaks(saying.agency, at):
                    continue
                saying.delay += saying.at - at
                saying.at = at
            else:
                second = earlier.at - earlier.at % SECOND
                if not self._speaks(saying.agency, second):
                    continue
                with_sequence = way == "same-second-with-sequence"
                numbers = [earlier.sequence or 1, saying.sequence or 2]
                for one, number in zip((earlier, saying), numbers, strict=True):
                    one.delay += one.at - second
                    one.at, one.clock = second, _WHOLE
                    one.sequence = number if with_sequence else None
                if way == "tie-against-order":
                    earlier.number, saying.number = saying.number, earlier.number
            touched |= {saying.number, earlier.number}
            ways.append(way)
        return ways


_WHOLE: Final[Clock] = "seconds"
NEAR: Final = 2 * DAY
"""Only what was said so soon after another statement may get that one's time."""
SKEWS: Final = ("same-second-with-sequence", "tie-in-order", "tie-against-order", "slow-clock")
"""Equal times decided by the sequence; by ids that happen to be in order, or not; a clock that
is minutes behind."""

_RIVALS: Final = (
    ("person", "full_name", "justice social-insurance centre"),
    ("person", "date_of_birth", "justice social-insurance centre"),
    ("person", "phone", "population justice social-insurance centre"),
    ("person", "residence", "centre"),
    ("person", "marital_status_code", "justice centre"),
    ("insurance-card", "full_name", "population social-insurance"),
    ("insurance-card", "date_of_birth", "population social-insurance"),
    ("insurance-card", "address", "facility social-insurance"),
    ("dossier", "due_at", "centre"),
)
"""Kind, field, and who may contradict the one who stated it."""
_CONTRADICTED: Final = {
    kind: frozenset(field for k, field, _ in _RIVALS if k == kind)
    for kind in ("person", "insurance-card", "dossier")
}


def published(saying: Saying, chance: Chance, *, late: bool, disorder: bool) -> int:
    """When a saying is published: when it is said, unless there is dirt on the way."""
    at = saying.at + saying.delay
    if disorder:
        at += SECOND + int(chance.random() * 6 * HOUR)
    if late:
        at += DAY + int(chance.random() * chance.random() * 150 * DAY)
    return at
