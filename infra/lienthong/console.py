"""Where a command speaks: results on stdout, everything else on stderr.

With `--json` stdout carries exactly one JSON document and nothing else.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

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

from infra.lienthong.problems import Problem

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

MOST_DETAILS = 20
"""So many findings are listed; the rest are counted."""


class Advance(Protocol):
    """Moves a progress bar on by so many units."""

    def __call__(self, units: int = 1, /) -> None: ...


class Console:
    """Two streams and the choice between tables for people and JSON for programs."""

    def __init__(self, *, as_json: bool = False, quiet: bool = False) -> None:
        self.as_json = as_json
        self.quiet = quiet
        self.out = RichConsole(file=sys.stdout, highlight=False, soft_wrap=True)
        self.err = RichConsole(file=sys.stderr, highlight=False, soft_wrap=True)

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

    def document(self, value: Json) -> None:
        """One JSON document on stdout."""
        json.dump(value, sys.stdout, ensure_ascii=False, indent=2)
        sys.stdout.write("\n")

    @contextmanager
    def progress(self, label: str, total: int | None) -> Iterator[Advance]:
        """A progress bar on stderr; a terminal sees it move, a file does not get it."""
        hidden = self.quiet or not self.err.is_terminal
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
                bar.advance(task, units)

            yield advance
