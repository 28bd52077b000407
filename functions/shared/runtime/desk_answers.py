"""What the desk says of the quarantine, as JSON, and read back: both ends of the wire.

What is read back says what was written; names that are not known are passed over, so that a
newer service answers an older command.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from functions.shared.adapters.desk import Outcome, Tally
from functions.shared.core.cases import Entry, Followed, Step
from functions.shared.core.events import Reason
from functions.shared.core.foresight import Foresight, Sample
from functions.shared.core.marking import Difference, placed

Answer = dict[str, Any]

LARGEST_PAGE: Final = 200
MOST_AT_ONCE: Final = 1000
"""Entries that one call changes, whatever is asked for."""
COUNTED_BY: Final = ("queue", "reason", "source", "status", "day", "error", "path")
_OF_REASONS: Final = ("error", "path")
_PLAIN: Final = (
    "id",
    "queue",
    "status",
    "received_at",
    "reason",
    "seen",
    "source",
    "event_id",
    "sender",
    "replays",
    "closed_at",
    "closed_by",
    "closed_because",
)


# Entries ------------------------------------------------------------------------------------


def entry_answer(entry: Entry) -> Answer:
    """An entry without its body; what it does not have is left out."""
    plain = {name: getattr(entry, name) for name in _PLAIN}
    return {name: value for name, value in plain.items() if value is not None} | {
        "reasons": reasons_answer(entry.reasons),
        "reasons_count": entry.reasons_count or len(entry.reasons),
        "steps": [step.as_json() for step in entry.steps],
    }


def entry_from(answer: Mapping[str, Any]) -> Entry:
    """The entry again, with its body if that is there."""
    plain = {name: answer[name] for name in _PLAIN if name in answer}
    return Entry(
        **plain,
        reasons=reasons_from(answer["reasons"]),
        reasons_count=answer["reasons_count"],
        steps=tuple(map(step_from, answer["steps"])),
        body=answer.get("body"),
    )


def whole_answer(
    entry: Entry, steps: Sequence[Followed], led: Sequence[Entry], *, body: bool
) -> Answer:
    """An entry with its body, every reason at its place in it, what led to it and followed.

    Without `body` it says that there is one and shows nothing of it.
    """
    return entry_answer(entry) | {
        "body": entry.body if body else None,
        "body_masked": not body,
        "errors": [
            dict(one.reason.as_json())
            | ({"place": one.place} if body else {})
            | ({"line": one.line, "column": one.column} if body and one.line is not None else {})
            for one in placed(entry.body or "", entry.reasons)
        ],
        "steps": [
            one.step.as_json() | ({"outcome": one.outcome} if one.outcome else {}) for one in steps
        ],
        "led_to_it": [entry_answer(earlier) for earlier in led],
    }


def followed_from(answer: Mapping[str, Any]) -> list[Followed]:
    """The steps of a whole answer, and where what they sent is now."""
    return [Followed(step_from(one), one.get("outcome")) for one in answer["steps"]]


def step_from(answer: Mapping[str, Any]) -> Step:
    """A step again."""
    return Step(**{name: answer[name] for name in Step.__slots__ if name in answer})


def reasons_answer(reasons: Iterable[Reason]) -> list[dict[str, str]]:
    """Reasons: codes, paths and sentences, never a value."""
    return [dict(reason.as_json()) for reason in reasons]


def reasons_from(answer: Iterable[Mapping[str, str]]) -> tuple[Reason, ...]:
    """The reasons again."""
    return tuple(Reason(r["code"], r["path"], r["text"], r.get("error", "")) for r in answer)


# Counts -------------------------------------------------------------------------------------


def groups(entry: Entry, by: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """What an entry is counted under: once, or once for each of its reasons."""
    values = {
        "queue": entry.queue,
        "reason": entry.reason,
        "source": entry.source or "not readable",
        "status": entry.status,
        "day": entry.received_at[:10],
    }
    if not by_reasons(by):
        yield tuple(values[name] for name in by)
        return
    for reason in entry.reasons:
        found = {**values, "error": reason.error or reason.code, "path": reason.path}
        yield tuple(found[name] for name in by)


def by_reasons(by: Iterable[str]) -> bool:
    """Whether the list of reasons is needed for counting."""
    return any(name in _OF_REASONS for name in by)


def counts_answer(by: Sequence[str], counts: Counter[tuple[str, ...]]) -> list[Answer]:
    """Counts, each with the names that it is for."""
    return [
        {**dict(zip(by, names, strict=True)), "entries": count}
        for names, count in sorted(counts.items())
    ]


def counts_from(by: Sequence[str], answer: Iterable[Mapping[str, Any]]) -> Counter[tuple[str, ...]]:
    """The counts again."""
    return Counter({tuple(row[name] for name in by): row["entries"] for row in answer})


# What would happen --------------------------------------------------------------------------


def differences_answer(given: Iterable[Difference]) -> list[Answer]:
    """Where two messages differ."""
    return [{"path": one.path, "was": one.was, "is": one.is_} for one in given]


def foresight_answer(found: Foresight) -> Answer:
    """What would happen."""
    return {
        "meant": found.meant,
        "before": dict(found.before),
        "after": {
            "passing": found.passing,
            "still_refused": dict(found.refused),
            "not_applicable": dict(found.unsuited),
        },
        "replays_begun_earlier": found.underway,
        "samples": [
            {
                "entry": sample.id,
                "queue": sample.queue,
                "reason": sample.reason,
                "differences": differences_answer(sample.differences),
                "still_refused": reasons_answer(sample.refused),
            }
            for sample in found.samples
        ],
    }


def foresight_from(answer: Mapping[str, Any]) -> Foresight:
    """What would happen, again."""
    after = answer["after"]
    return Foresight(
        before=Counter(answer["before"]),
        passing=after["passing"],
        refused=Counter(after["still_refused"]),
        unsuited=Counter(after["not_applicable"]),
        underway=answer["replays_begun_earlier"],
        samples=[
            Sample(
                sample["entry"],
                sample["queue"],
                sample["reason"],
                tuple(Difference(d["path"], d["was"], d["is"]) for d in sample["differences"]),
                reasons_from(sample["still_refused"]),
            )
            for sample in answer["samples"]
        ],
    )


# What happened ------------------------------------------------------------------------------


def tally_answer(tally: Tally) -> Answer:
    """What became of all of them."""
    return {
        "looked_at": tally.looked_at,
        "outcomes": {outcome.value: tally.outcomes[outcome] for outcome in Outcome},
        "still_refused": dict(tally.refused),
        "not_applicable": dict(tally.unsuited),
        "stopped": tally.stopped,
    }


def tally_from(answer: Mapping[str, Any]) -> Tally:
    """The tally again."""
    return Tally(
        Counter({Outcome(name): count for name, count in answer["outcomes"].items()}),
        Counter(answer["not_applicable"]),
        Counter(answer["still_refused"]),
        answer["stopped"],
    )
