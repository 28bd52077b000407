"""Chance that is the same everywhere: what a seed gives, it gives on every machine for ever.

Python promises that `random.random()` of a seeded generator never changes; of `choice`,
`shuffle` and the others it does not. So everything here is drawn from `random()` alone, with
arithmetic on integers, and never from the order of a set.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate
from random import Random
from typing import Generic, TypeVar

T = TypeVar("T")


class Weighted(Generic[T]):
    """Values with whole-number weights."""

    __slots__ = ("_ends", "_total", "values")

    def __init__(self, pairs: Iterable[tuple[T, int]]) -> None:
        listed = list(pairs)
        self.values = tuple(value for value, _ in listed)
        self._ends = list(accumulate(weight for _, weight in listed))
        self._total = self._ends[-1]

    def at(self, part: float) -> T:
        """The value that a number in [0, 1) falls on."""
        return self.values[bisect_right(self._ends, int(part * self._total))]


def weights(text: str) -> Weighted[str]:
    """`An:3 Bình:2` as a table; a blank inside a value is written `_`."""
    pairs = (entry.rpartition(":") for entry in text.split())
    return Weighted((value.replace("_", " "), int(weight)) for value, _, weight in pairs)


class Chance:
    """A stream of chance with a name of its own, such as the seed and a number."""

    __slots__ = ("random",)

    def __init__(self, *name: object) -> None:
        # A story is told again, nothing is kept secret.
        self.random = Random("/".join(map(str, name))).random

    def happens(self, rate: float) -> bool:
        """True in `rate` of all cases."""
        return self.random() < rate

    def below(self, end: int) -> int:
        """A whole number from 0 up to, not including, `end`."""
        return int(self.random() * end)

    def between(self, least: int, most: int) -> int:
        """A whole number from `least` to `most`, both included."""
        return least + int(self.random() * (most - least + 1))

    def one_of(self, values: Sequence[T]) -> T:
        """One of the values, each as likely."""
        return values[int(self.random() * len(values))]

    def weighted(self, table: Weighted[T]) -> T:
        """One of the table's values, by its weight."""
        return table.at(self.random())

    def some_of(self, values: Sequence[T], number: int) -> list[T]:
        """`number` of the values, in their order."""
        chosen: list[T] = []
        for left, value in zip(range(len(values), 0, -1), values, strict=True):
            if self.random() * left < number - len(chosen):
                chosen.append(value)
        return chosen

    def hexadecimal(self, digits: int) -> str:
        """So many hexadecimal digits."""
        return "".join("0123456789abcdef"[int(self.random() * 16)] for _ in range(digits))


class Share:
    """Spreads a rate evenly: of n cases, `rate * n` to within one."""

    __slots__ = ("_owed", "rate")

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self._owed = 0.0

    def of(self, cases: int) -> int:
        """How many are due after so many cases more."""
        self._owed += self.rate * cases
        due = int(self._owed)
        self._owed -= due
        return due

    def owe(self, number: int) -> None:
        """So many that were due could not be; they are due next time."""
        self._owed += number


class Quota:
    """Spreads exactly `total` over exactly `among` cases."""

    __slots__ = ("_among", "_seen", "_total")

    def __init__(self, total: int, among: int) -> None:
        self._total, self._among, self._seen = total, among, 0

    def of(self, cases: int) -> int:
        """How many fall on the next so many cases."""
        before = self._seen * self._total // self._among
        self._seen += cases
        return self._seen * self._total // self._among - before
