"""Where a command speaks: results on stdout, everything else on stderr.

With `--json` stdout carries exactly one JSON document and nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol, TextIO

from rich.console import Console as RichConsole
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from infra.lienthong.problems import Problem

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

MOST_DETAILS = 20
"""So many findings are listed; the rest are counted."""
_WIDTH_OF_A_FILE = 160
_SECONDS_BETWEEN_LINES = 5.0


def visible(text: str) -> str:
    """The text with control and direction characters written out.

    What a sender wrote is shown at a terminal; it must not command it.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        char if unicodedata.category(char) not in _HIDDEN else f"\\u{ord(char):04x}"
        for char in text
    )


_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def counted(number: int, thing: str) -> str:
    """`1 record`, `1,434 records`, `2 entries`."""
    if number == 1:
        return f"1 {thing}"
    return f"{number:,} {thing[:-1] + 'ies' if thing.endswith('ry') else thing + 's'}"


def markup(text: str) -> str:
    """The text for a table or a line: nothing in it is taken for style."""
    return escape(visible(text))


def add_options(parser: argparse.ArgumentParser, *, below: bool = False) -> None:
    """`--json` and `--quiet`.

    `below` is for a command inside of one that has them too: said there, they do not undo what was
    said before.
    """
    for name, text in (
        ("--json", "one JSON document on stdout"),
        ("--quiet", "no notes and no progress bar"),
    ):
        default = argparse.SUPPRESS if below else False
        parser.add_argument(name, action="store_true", default=default, help=text)


class Advance(Protocol):
    """Moves a progress bar on by so many units."""

    def __call__(self, units: int = 1, /) -> None: ...


def _rich(stream: TextIO) -> RichConsole:
    """A stream for people; a file, which has no width, gets a wide one."""
    wide = None if stream.isatty() or "COLUMNS" in os.environ else _WIDTH_OF_A_FILE
    return RichConsole(file=stream, highlight=False, soft_wrap=True, width=wide)


class Console:
    """Two streams and the choice between tables for people and JSON for programs."""

    def __init__(self, *, as_json: bool = False, quiet: bool = False) -> None:
        self.as_json = as_json
        self.quiet = quiet
        self.out = _rich(sys.stdout)
        self.err = _rich(sys.stderr)

    def aside(self) -> Console:
        """A console whose results go to stderr, for a story beside one JSON document."""
        found = Console(as_json=False, quiet=self.quiet)
        found.out = found.err
        return found

    def heading(self, text: str) -> None:
        """A heading of the result, with a blank line before it."""
        self.out.print(f"\n[bold cyan]{escape(text)}[/]")

    def note(self, sentence: str) -> None:
        """A line for the person at the terminal; never on stdout."""
        if not self.quiet:
            self.err.print(escape(sentence))

    def complain(self, problem: Problem) -> None:
        """The problem's sentences and its first findings, on stderr."""
        self.err.print(f"[bold red]lienthong:[/] {escape(problem.message)}")
        for line in problem.details[:MOST_DETAILS]:
            self.err.print(f"  {escape(line)}")
        if len(problem.details) > MOST_DETAILS:
            self.err.print(f"  ... and {len(problem.details) - MOST_DETAILS} more.")

    def say(self, line: str = "") -> None:
        """A line of the result; markup in it is style, so foreign text goes through `markup`."""
        self.out.print(line)

    def table(
        self, columns: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[str] = ()
    ) -> None:
        """A table of the result; `right` names the columns of numbers. Cells may hold markup."""
        table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
        for column in columns:
            table.add_column(
                escape(column), justify="right" if column in right else "left", overflow="fold"
            )
        for row in rows:
            table.add_row(*row)
        self.out.print(table, soft_wrap=False)

    def document(self, value: Json) -> None:
        """One JSON document on stdout."""
        json.dump(value, sys.stdout, ensure_ascii=False, indent=2)
        sys.stdout.write("\n")

    @contextmanager
    def progress(self, label: str, total: int | None) -> Iterator[Advance]:
        """A progress bar on stderr; where that is no terminal, a line now and then."""
        hidden = self.quiet or not self.err.is_terminal
        said = time.monotonic()
        done = 0
        bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self.err,
            transient=True,
            disable=hidden,
        )
        with bar:
            task = bar.add_task(escape(label), total=total)

            def advance(units: int = 1, /) -> None:
                nonlocal said, done
                bar.advance(task, units)
                done += units
                if hidden and time.monotonic() - said > _SECONDS_BETWEEN_LINES:
                    said = time.monotonic()
                    self.note(f"{label}: {done:,}{'' if total is None else f' of {total:,}'}")

            yield advance
