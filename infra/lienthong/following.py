"""A load as people and programs see it: how far it is, how fast, what became of its lines."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol, cast

from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn

from functions.shared.adapters.keys import parse_incoming
from functions.shared.core.loads import SPLITTER, Load, LoadState, Range, RangeState, Tally
from functions.shared.core.loads import Progress as Done
from infra.lienthong.console import MOST_DETAILS, Console, Json, counted, markup
from infra.lienthong.problems import Problem, Unreachable

ENDED: Final = frozenset({LoadState.DONE, LoadState.FAILED})
PICKED_UP_WITHIN: Final = 120.0
"""Seconds after which a dropped file that nobody has taken up is reported."""
MANIFEST_WITHIN: Final = 60.0
_PAUSE: Final = 1.0
_BETWEEN_LINES: Final = 5.0
_WINDOW: Final = 30.0
"""Seconds of the past that rate and remaining time are told from."""


class Loads(Protocol):
    """What is read of the loads' table (`functions.shared.adapters.loads`)."""

    def found(self, load_id: str) -> Load | None:
        """The load, read consistently, or None."""

    def ranges(self, load_id: str) -> list[Range]:
        """The ranges that a worker has begun."""


@dataclass(slots=True)
class Pace:
    """Rate and remaining time of something that goes on, from its last half minute."""

    clock: Callable[[], float] = time.monotonic
    seen: deque[tuple[float, int, int]] = field(default_factory=deque)

    def note(self, lines: int, done: int) -> None:
        """So many lines and bytes are done by now."""
        now = self.clock()
        self.seen.append((now, lines, done))
        while len(self.seen) > 2 and now - self.seen[0][0] > _WINDOW:
            self.seen.popleft()

    @property
    def _moved(self) -> tuple[float, int, int]:
        if not self.seen:
            return 0.0, 0, 0
        first, last = self.seen[0], self.seen[-1]
        return last[0] - first[0], last[1] - first[1], last[2] - first[2]

    @property
    def rate(self) -> float | None:
        """Lines a second, or None while that cannot be told."""
        seconds, lines, _ = self._moved
        return lines / seconds if seconds > 0 else None

    def remaining(self, left: int) -> float | None:
        """Seconds until `left` bytes are done at this rate, or None while nothing moves."""
        seconds, _, done = self._moved
        return left * seconds / done if done > 0 else None


def share(load: Load, done: Done) -> float | None:
    """How much of the load is done, from 0 to 1, or None while its size is not known."""
    if load.state is LoadState.DONE:
        return 1.0
    if not done.bytes_total:
        return None
    return min(1.0, done.bytes_done / done.bytes_total)


def average(load: Load, lines: int) -> float | None:
    """Lines a second from the beginning to the end or to the last that was heard of it."""
    seconds = duration(load)
    return lines / seconds if seconds else None


def duration(load: Load) -> float | None:
    """Seconds from the beginning to the end or to the last that was heard of it."""
    until = load.finished_at or load.updated_at
    if load.started_at is None or until is None:
        return None
    return (_instant(until) - _instant(load.started_at)).total_seconds()


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def in_words(seconds: float | None) -> str:
    """`8 s`, `2 min 05 s`, `1 h 12 min`; a dash where it is not known."""
    if seconds is None:
        return "-"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def name_of(load: Load) -> str:
    """The name under which the file was dropped."""
    return parse_incoming(load.key) or load.key


def outcomes(tally: Tally) -> str:
    """`1,000 applied, 3 duplicates, 2 refused`; the zeros apart from applied left out."""
    words = [
        (tally.superseded, "superseded"),
        (tally.duplicate, "duplicate" if tally.duplicate == 1 else "duplicates"),
        (tally.quarantined, "refused"),
    ]
    return ", ".join(
        [f"{tally.applied:,} applied", *(f"{count:,} {word}" for count, word in words if count)]
    )


# Following ----------------------------------------------------------------------------------------


def follow(
    loads: Loads,
    load_id: str,
    console: Console,
    pause: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Load:
    """The load when it has ended, or when nothing of it moves any more until somebody acts.

    Raises `Unreachable` if nobody takes the file up within two minutes. Interrupting it leaves the
    load alone.
    """
    began = clock()
    try:
        with _bar(console, clock) as show:
            while True:
                load = loads.found(load_id)
                if load is None and clock() - began > PICKED_UP_WITHIN:
                    raise Unreachable(
                        f"Nobody has taken the file up yet. It lies in the bucket and will be "
                        f"loaded; look again with `lienthong loads show {load_id}`, and at the "
                        "alarms and logs of file_split if it does not appear."
                    )
                if load is not None:
                    ranges = loads.ranges(load_id)
                    show(load, Done.of(load, ranges))
                    if load.state in ENDED or _at_rest(load, ranges):
                        return load
                    if _waits(load) and clock() - began > MANIFEST_WITHIN:
                        return load
                pause(_PAUSE)
    except KeyboardInterrupt:
        console.note(
            f"The load goes on by itself. Follow it again: lienthong load --follow {load_id}"
        )
        raise


def _waits(load: Load) -> bool:
    """Whether somebody has to give it a manifest; without problems it is about to be looked at."""
    return load.state is LoadState.WAITING and bool(load.problems)


def _at_rest(load: Load, ranges: list[Range]) -> bool:
    """Whether a stuck load has nothing left that is not stuck."""
    if load.state is not LoadState.STUCK:
        return False
    done = sum(part.state is RangeState.DONE for part in ranges)
    if SPLITTER in load.stuck or load.ranges is None:
        told = load.split.told if load.split is not None else 0
        return done + len(load.stuck - {SPLITTER}) >= told
    return done + len(load.stuck) >= load.ranges


@contextmanager
def _bar(console: Console, clock: Callable[[], float]) -> Iterator[Callable[[Load, Done], None]]:
    """Shows how far a load is: a bar on stderr; where that is no terminal, a line now and then."""
    hidden = console.quiet or not console.err.is_terminal
    pace, said = Pace(clock), clock()
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=16),
        TaskProgressColumn(),
        TextColumn("{task.fields[more]}"),
        console=console.err,
        transient=True,
        disable=hidden,
    )
    with bar:
        task = bar.add_task("Waiting for the stack to take it up", total=None, more="")

        def show(load: Load, done: Done) -> None:
            nonlocal said
            pace.note(done.lines, done.bytes_done)
            left = None if done.bytes_total is None else done.bytes_total - done.bytes_done
            remaining = None if left is None else pace.remaining(left)
            rate = pace.rate
            speed = [
                f"{rate:,.0f} lines/s" if rate else "",
                f"{in_words(remaining)} left" if remaining is not None and left else "",
            ]
            told = [part for part in (*speed, outcomes(done.tally)) if part]
            working = load.state in (LoadState.SPLITTING, LoadState.LOADING)
            bar.update(
                task,
                description=escape(name_of(load) + ("" if working else f" ({load.state.value})")),
                total=done.bytes_total,
                completed=done.bytes_done,
                more=escape(", ".join(told)),
            )
            if hidden and clock() - said > _BETWEEN_LINES:
                said = clock()
                part, count = share(load, done), counted(done.lines, "line")
                console.note(
                    f"{name_of(load)} ({load.state.value}): "
                    f"{'' if part is None else f'{part:.0%}, '}{', '.join([count, *told])}"
                )

        yield show


# Telling ------------------------------------------------------------------------------------------


def what_to_do(load: Load) -> Problem | None:
    """What the person has to do about a load that does not go on by itself, if it does not."""
    more = f"`lienthong loads show {load.load_id}` shows where it stands."
    if load.state is LoadState.FAILED:
        return Problem(
            f"{name_of(load)} cannot be loaded as it is. Correct this and load it again; what was "
            "taken in already will be a duplicate:",
            load.problems,
        )
    if _waits(load):
        return Problem(
            f"{name_of(load)} waits: nothing of it is loaded yet. Put its manifest beside it, and "
            f"it goes on by itself. {more}",
            load.problems,
        )
    if load.state is LoadState.STUCK:
        numbers = ", ".join(
            "the splitting" if number == SPLITTER else f"range {number}"
            for number in sorted(load.stuck)[:10]
        )
        return Problem(
            f"{name_of(load)} is stuck ({numbers}{', ...' if len(load.stuck) > 10 else ''}): "
            "several tries failed, and the messages are in the dead-letter queue. See why in the "
            "functions' logs, mend that, and move the messages back "
            f"(`aws sqs start-message-move-task`); the load goes on where it was. {more}"
        )
    return None


def document(load: Load, done: Done) -> dict[str, Json]:
    """A load for programs."""
    tally = load.tally if load.tally is not None else done.tally
    lines = load.lines if load.lines is not None else done.lines
    part, rate = share(load, done), average(load, lines)
    found: dict[str, Any] = {
        "load_id": load.load_id,
        "name": name_of(load),
        "state": load.state.value,
        "problems": list(load.problems),
        "format": load.form.value if load.form is not None else None,
        "queue": load.queue,
        "bytes": load.size,
        "bytes_plain": load.plain_size,
        "lines": lines,
        "percent": None if part is None else round(100 * part, 1),
        "lines_per_second": None if rate is None else round(rate, 1),
        "seconds": duration(load),
        "outcomes": dict(tally.as_json()),
        "ranges": {"known": load.ranges, "done": load.done, "stuck": sorted(load.stuck)},
        "sender": load.sender,
        "sent_at": load.sent_at,
        "started_at": load.started_at,
        "updated_at": load.updated_at,
        "finished_at": load.finished_at,
        "report": None if load.report is None else f"s3://{load.bucket}/{load.report}",
    }
    return cast(dict[str, Json], found)


def tell_ranges(ranges: list[Range], console: Console) -> None:
    """The ranges that are under way or stuck, the first ones of them."""
    open_ = [part for part in ranges if part.state is not RangeState.DONE]
    if not open_:
        return
    columns = ("range", "state", "lines", "done", "from byte", "now at byte")
    console.table(
        columns,
        (
            (
                str(part.number),
                part.state.value,
                f"{part.lines:,}",
                f"{part.bytes_done / max(1, part.end - part.begin):.0%}",
                f"{part.begin:,}",
                f"{part.position:,}",
            )
            for part in open_[:MOST_DETAILS]
        ),
        right=columns[2:],
    )
    if len(open_) > MOST_DETAILS:
        console.say(f"... and {len(open_) - MOST_DETAILS} more ranges under way.")


def tell(load: Load, done: Done, console: Console) -> None:
    """A load for people: where it stands, and what became of its lines."""
    tally = load.tally if load.tally is not None else done.tally
    lines = load.lines if load.lines is not None else done.lines
    part, rate = share(load, done), average(load, lines)
    state = (
        load.state.value
        if part is None or load.state in ENDED
        else (f"{load.state.value}, {part:.0%}")
    )
    console.say(f"[bold]{markup(name_of(load))}[/]  {state}  [dim]{load.load_id}[/]")
    if load.started_at is not None:
        console.say(
            f"{counted(lines, 'line')} in {in_words(duration(load))}"
            f"{f', {rate:,.0f} a second' if rate else ''}."
        )
    console.table(
        ("applied", "superseded", "duplicate", "refused"),
        [[f"{n:,}" for n in (tally.applied, tally.superseded, tally.duplicate, tally.quarantined)]],
        right=("applied", "superseded", "duplicate", "refused"),
    )
