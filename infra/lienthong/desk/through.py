"""The desk through the API: by policy, and every look and change noted in the access log."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from functions.shared.adapters.desk import Outcome, Pace, Tally
from functions.shared.core.cases import OPEN, Entry, Selection
from functions.shared.core.events import Reason
from functions.shared.core.foresight import Foresight
from functions.shared.runtime.desk_answers import (
    LARGEST_PAGE,
    MOST_AT_ONCE,
    counts_from,
    entry_from,
    followed_from,
    foresight_from,
    reasons_from,
    tally_from,
)
from infra.lienthong.api import Answer, Api, granted, in_path
from infra.lienthong.console import Advance
from infra.lienthong.desk.ways import Doing, Edited, Job, Shown, no_such_entry, not_open
from infra.lienthong.problems import Misuse

_AT: Final = "/v1/quarantine"
_BULK: Final = {"replayed": "replays", "corrected": "corrections", "dismissed": "dismissals"}
_MOST: Final = 100
"""Entries of one call that changes something: it ends between two of them when told to stop."""

_WORDS: Final = {
    "queue": "queues",
    "reason": "reasons",
    "error": "errors",
    "path": "paths",
    "source": "sources",
    "type": "types",
}


class Through:
    """`Way` over the API."""

    def __init__(
        self,
        api: Api,
        monotonic: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._api = api
        self._monotonic = monotonic
        self._pause = pause

    def page(
        self, chosen: Selection, after: str | None, limit: int
    ) -> tuple[list[Entry], str | None]:
        """A page, put together of as many as it takes."""
        found: list[Entry] = []
        for part in self._pages(chosen, after, limit):
            found += map(entry_from, part["entries"])
            after = part["cursor"]
            if len(found) >= limit:
                break
        return found, after

    def _pages(
        self, chosen: Selection, after: str | None, limit: int
    ) -> Iterator[Mapping[str, Any]]:
        while True:
            most = min(limit, LARGEST_PAGE)
            answer = self._listed(chosen, limit=most, cursor=after)
            yield answer
            limit -= len(answer["entries"])
            after = answer["cursor"]
            if after is None:
                return

    def count(
        self, chosen: Selection, by: Sequence[str], advance: Advance
    ) -> tuple[int, Counter[tuple[str, ...]]]:
        """Counted by the API, which takes as many calls as its time makes of it."""
        total, counts, cursor = 0, Counter[tuple[str, ...]](), None
        while True:
            answer = self._listed(chosen, by=",".join(by), cursor=cursor)
            total += answer["total"]
            counts += counts_from(by, answer["counts"])
            advance(answer["total"])
            cursor = answer["cursor"]
            if cursor is None:
                return total, counts

    def beginning_with(self, prefix: str, chosen: Selection) -> list[str]:
        """Ids, looked up by their beginning."""
        answer = self._listed(chosen, id=prefix, limit=2)
        return sorted(entry["id"] for entry in answer["entries"])

    def _listed(self, chosen: Selection, **more: str | int | None) -> Mapping[str, Any]:
        query = {**_query(chosen), **more}
        return granted(self._api.ask("GET", _AT, query=query)).document

    def shown(self, id_: str) -> Shown:
        """An entry; its body, if this sign-in may see it."""
        answer = self._found(id_, self._api.ask("GET", f"{_AT}/{in_path(id_)}"))
        entry = entry_from(answer)
        led = [entry_from(earlier) for earlier in answer["led_to_it"]]
        return Shown(entry, followed_from(answer), led)

    def foreseen(self, job: Job, advance: Advance) -> Foresight:
        """What would happen, by a dry run."""
        found = Foresight()
        if job.chosen is not None:
            for answer in self._parts(job, {"dry_run": True}, lambda: MOST_AT_ONCE):
                found.join(foresight_from(answer))
                advance(answer["meant"])
            return found
        for answer in self._each(job, {"dry_run": True}):
            found.join(_foresight_of(answer))
            advance()
        return found

    def worked(self, job: Job, doing: Doing) -> Tally:
        """Does it, call by call; between two of them it may be stopped."""
        tally = Tally()
        pace = Pace(doing.rate, self._monotonic, self._pause)
        began = self._monotonic()
        given = {"dry_run": False, "why": doing.why}
        answers = (
            self._parts(job, given, lambda: min(_MOST, pace.together))
            if job.chosen is not None
            else self._each(job, given)
        )
        for answer in answers:
            part = tally_from(answer) if job.chosen is not None else _tally_of(answer)
            tally.outcomes += part.outcomes
            tally.unsuited += part.unsuited
            tally.refused += part.refused
            doing.told(tally)
            pace.wait(began, tally.outcomes[Outcome.DONE], doing.stop)
            if doing.stop():
                tally.stopped = True
                break
        return tally

    def _parts(
        self, job: Job, given: Mapping[str, Any], most: Callable[[], int]
    ) -> Iterator[Mapping[str, Any]]:
        """Answers about a selection, until all of it was looked at."""
        assert job.chosen is not None
        body = {"select": _select(job.chosen), "again": job.again, **given}
        if job.patch is not None:
            body["patch"] = list(job.patch.operations)
        if job.did == "replayed":
            body["even_refused"] = job.even_refused
        cursor = None
        while True:
            body["most"] = most()
            if cursor is not None:
                body["cursor"] = cursor
            answer = self._api.post(f"{_AT}/{_BULK[job.did]}", body).document
            yield answer
            cursor = answer["cursor"]
            if cursor is None:
                return

    def _each(self, job: Job, given: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """Answers about the named entries that are open, one after the other."""
        body = {"again": job.again, **given}
        if job.did == "replayed":
            body["even_refused"] = job.even_refused
        closed: tuple[str, str] | None = None
        some = False
        for id_ in job.ids:
            path = f"{_AT}/{in_path(id_)}/{_BULK[job.did]}"
            answer = self._found(id_, self._api.ask("POST", path, body=body))
            if answer["status"] != OPEN:
                closed = closed or (id_, answer["status"])
                continue
            some = True
            yield answer
        if closed is not None and not some:
            raise not_open(*closed)

    def examined(self, edited: Edited) -> tuple[Reason, ...]:
        """What the message would be refused for, by a dry run."""
        answer = self._edited(edited, {"dry_run": True})
        return reasons_from(answer["still_refused"])

    def sent(self, edited: Edited, why: str, *, again: bool) -> Tally:
        """Sends it."""
        given = {"why": why, "again": again, "even_refused": True, "dry_run": False}
        return _tally_of(self._edited(edited, given))

    def _edited(self, edited: Edited, given: Mapping[str, Any]) -> Mapping[str, Any]:
        # The API makes of the text what was made of it here, to the byte.
        id_ = edited.replay.entry.id
        body = {"body": edited.text, **given}
        path = f"{_AT}/{in_path(id_)}/{_BULK['replayed']}"
        return self._found(id_, self._api.ask("POST", path, body=body))

    @staticmethod
    def _found(id_: str, answer: Answer) -> Mapping[str, Any]:
        if answer.status == 404 and answer.document.get("code") == "not-found":
            raise no_such_entry(id_)
        return granted(answer).document


def _foresight_of(answer: Mapping[str, Any]) -> Foresight:
    """What would happen to one entry."""
    found = Foresight(before=Counter([answer["reason"]]), underway=int(answer["replay_begun"]))
    if answer.get("not_applicable"):
        found.unsuited[answer["not_applicable"]["code"]] += 1
    elif answer.get("still_refused"):
        found.refused[answer["still_refused"][0]["code"]] += 1
    else:
        found.passing += 1
    return found


def _tally_of(answer: Mapping[str, Any]) -> Tally:
    """What became of one entry."""
    tally = Tally()
    if answer["outcome"] == "not-applicable":
        tally.unsuited[answer["not_applicable"]["code"]] += 1
    elif answer["outcome"] == "still-refused":
        tally.refused[answer["still_refused"][0]["code"]] += 1
    else:
        tally.outcomes[Outcome(answer["outcome"])] += 1
    return tally


def _select(chosen: Selection) -> dict[str, Any]:
    """A selection of open entries in the words of a rule."""
    words = {word: sorted(getattr(chosen, name)) for word, name in _WORDS.items()}
    times = {"since": chosen.since, "until": chosen.until}
    return {word: texts for word, texts in words.items() if texts} | {
        word: text for word, text in times.items() if text is not None
    }


def _query(chosen: Selection) -> dict[str, str | int | None]:
    """A selection as parameters."""
    words = _select(chosen) | ({"status": sorted(chosen.statuses)} if chosen.statuses else {})
    found: dict[str, str | int | None] = {}
    for word, texts in words.items():
        given = [texts] if isinstance(texts, str) else texts
        if any("," in text for text in given):
            raise Misuse(
                f"--{word} cannot hold a comma here. Select by something else, or use --direct."
            )
        found[word] = ",".join(given)
    return found
