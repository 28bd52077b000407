"""Correcting, replaying and dismissing: first what would happen, then, once told to, it happens."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final, cast

from functions.shared.adapters.desk import Outcome, Tally
from functions.shared.core.cases import LOOKED_BACK
from functions.shared.core.foresight import Foresight
from functions.shared.runtime.desk_answers import foresight_answer
from infra.lienthong.console import Console, Json, counted, markup
from infra.lienthong.problems import Exit, Problem, Refused

Stop = Callable[[], bool]
"""Whether to stop after the batch in hand."""
Told = Callable[[Tally], None]
"""Hears the tally after every batch."""

_UNSUITED: Final = {
    "test-failed": "a test of the patch does not hold",
    "no-such-place": "the patch names a place that is not there",
    "unchanged": "the correction changes nothing",
    "not-json": "the body is not JSON",
    "not-an-object": "the body is not a JSON object",
    "no-such-json": "the body holds a number that JSON cannot write",
}
NOTHING: Final = (
    "No open entry is meant by this. `lienthong quarantine count` tells what there is; without "
    f"--since, {LOOKED_BACK} back are looked at."
)


def tell_foresight(found: Foresight, console: Console, *, corrects: bool) -> None:
    """The foresight for people."""
    console.say(f"[bold]Before[/]  {counted(found.meant, 'open entry')}")
    _tell_counts(found.before, console)
    console.say("[bold]After[/]")
    console.say(f"  {found.passing:>9,}  would be sent and, by all that can be told, accepted")
    for code, count in found.refused.most_common():
        console.say(f"  {count:>9,}  would still be refused ({code}); left open")
    for code, count in found.unsuited.most_common():
        console.say(f"  {count:>9,}  {_UNSUITED[code]}; left open")
    if found.underway:
        console.say(
            f"Of {counted(found.underway, 'entry')} a replay was begun earlier; it is finished "
            "if it is this one, or if it has arrived."
        )
    for sample in found.samples if corrects else ():
        console.say(f"\n[bold]Sample {sample.id[:12]}[/] on {sample.queue}")
        for path, was, is_ in sample.differences:
            if was is not None:
                console.say(f"  [red]- {markup(path)}: {markup(was)}[/]")
            if is_ is not None:
                console.say(f"  [green]+ {markup(path)}: {markup(is_)}[/]")
        for reason in sample.refused:
            console.say(f"  [red]! {markup(reason.path)}: {reason.code}:[/] {markup(reason.text)}")


def _tell_counts(counts: Counter[str], console: Console) -> None:
    for code, count in counts.most_common():
        console.say(f"  {count:>9,}  {code}")


def foresight_document(found: Foresight, *, corrects: bool) -> Json:
    """The foresight for programs."""
    document = foresight_answer(found)
    document["samples"] = [
        {"quarantine_id": sample.pop("entry"), **{n: sample[n] for n in _OF_A_SAMPLE}}
        for sample in (document["samples"] if corrects else ())
    ]
    return cast(Json, document)


_OF_A_SAMPLE: Final = ("differences", "still_refused")


@contextmanager
def stopping(console: Console) -> Iterator[Callable[[], bool]]:
    """Whether Ctrl-C (or SIGTERM) asked to stop; the second one interrupts at once."""
    asked = False

    def ask(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            signal.default_int_handler(number, frame)
        asked = True
        console.note("Stopping after the batch in hand.")

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def worked(
    label: str, total: int | None, console: Console, work: Callable[[Stop, Told], Tally]
) -> Tally:
    """Does the work with a progress bar and the manners of Ctrl-C."""
    with console.progress(label, total) as advance, stopping(console) as stop:
        done = 0

        def told(tally: Tally) -> None:
            nonlocal done
            advance(tally.looked_at - done)
            done = tally.looked_at

        return work(stop, told)


def finish(tally: Tally, did: str, console: Console) -> Exit:
    """Says what was done and what was not, with what to do about the latter."""
    done = tally.outcomes[Outcome.DONE]
    if console.as_json:
        console.document(
            {
                did: done,
                "finished": tally.outcomes[Outcome.FINISHED],
                "still_refused": dict(tally.refused),
                "not_applicable": dict(tally.unsuited),
                "underway": tally.outcomes[Outcome.UNDERWAY],
                "taken_by_others": tally.outcomes[Outcome.TAKEN],
                "not_taken_by_the_queue": tally.outcomes[Outcome.UNSENT],
                "stopped": tally.stopped,
            }
        )
    else:
        console.say(f"{did.capitalize()} {counted(done, 'entry')}.")
        for sentence in _remarks(tally):
            console.say(sentence)
    if tally.stopped:
        console.note("Stopped. What was done stays done; the same command again goes on.")
        return Exit.INTERRUPTED
    if not tally.looked_at:
        raise Refused(NOTHING)
    if tally.left:
        console.complain(
            Problem(f"{counted(tally.left, 'entry')} of {tally.looked_at:,} stay open.")
        )
        return Exit.FINDINGS
    return Exit.OK


def _remarks(tally: Tally) -> Iterator[str]:
    outcomes = tally.outcomes
    if count := outcomes[Outcome.FINISHED]:
        yield f"{counted(count, 'entry')}: an earlier replay had arrived; closed, nothing sent."
    for code, number in tally.refused.most_common():
        yield f"{counted(number, 'entry')} left open: would still be refused ({code})."
    for code, number in tally.unsuited.most_common():
        yield f"{counted(number, 'entry')} left open: {_UNSUITED[code]}."
    if count := outcomes[Outcome.UNDERWAY]:
        yield (
            f"{counted(count, 'entry')} left open: another replay was begun, and whether it was "
            "sent cannot be told yet. Repeat that one, or wait until the queue is empty; then "
            "--again sends this one."
        )
    if count := outcomes[Outcome.TAKEN]:
        yield f"{counted(count, 'entry')}: somebody else did something about it meanwhile."
    if count := outcomes[Outcome.UNSENT]:
        yield f"{counted(count, 'entry')} left open: the queue did not take it. Repeat it later."
