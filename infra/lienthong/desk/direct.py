"""The desk directly over the tables and queues, with AWS rights: no access entry is left."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from functions.shared.adapters.desk import (
    MOST_TOGETHER,
    Cursor,
    Desk,
    Maker,
    NotTaken,
    Pace,
    Tally,
    Unsuited,
    as_it_was,
    corrected_by,
    dismiss_all,
    looked_at,
    replay_all,
)
from functions.shared.core.cases import OPEN, Entry, Selection
from functions.shared.core.events import Reason
from functions.shared.core.foresight import Foresight
from functions.shared.runtime.desk_answers import by_reasons, groups
from infra.lienthong.console import Advance
from infra.lienthong.desk.opened import now
from infra.lienthong.desk.ways import Doing, Edited, Job, Shown, no_such_entry, not_open
from infra.lienthong.problems import Misuse, Refused

_FEW = 200


class Direct:
    """`Way` over a desk; `who` says who does it, where something is to be done."""

    def __init__(self, desk: Desk, who: Callable[[], str]) -> None:
        self._desk = desk
        self._who = who

    def page(
        self, chosen: Selection, after: str | None, limit: int
    ) -> tuple[list[Entry], str | None]:
        """A page; its cursor is the last entry of it."""
        entries = self._desk.entries(chosen, after=_cursor(after), few=limit <= _FEW)
        found = list(islice(entries, limit + 1))
        page = found[:limit]
        return page, f"{page[-1].received_at}/{page[-1].id}" if len(found) > limit else None

    def count(
        self, chosen: Selection, by: Sequence[str], advance: Advance
    ) -> tuple[int, Counter[tuple[str, ...]]]:
        """All of them, at one go."""
        return self._desk.count(
            chosen, lambda entry: groups(entry, by), reasons=by_reasons(by), advance=advance
        )

    def beginning_with(self, prefix: str, chosen: Selection) -> list[str]:
        """Ids, by the index."""
        return self._desk.beginning_with(prefix, chosen)

    def shown(self, id_: str) -> Shown:
        """An entry with its body."""
        found = self._desk.entries_with([id_])
        if not found:
            raise no_such_entry(id_)
        entry = self._desk.with_reasons(found[id_])
        return Shown(entry, self._desk.followed(entry), self._desk.led_to(entry))

    def foreseen(self, job: Job, advance: Advance) -> Foresight:
        """What would happen, by all that the tables say."""
        found = Foresight()
        if job.did == "dismissed":
            for entry in self._entries(job):
                found.meet(entry)
                advance()
            return found
        for chunk in looked_at(self._desk, self._entries(job), _maker(job), now, MOST_TOGETHER):
            for one in chunk:
                if isinstance(one, Unsuited):
                    found.see(one.entry, one.why)
                else:
                    found.see(one.entry, one.body, one.refused)
            advance(len(chunk))
        return found

    def worked(self, job: Job, doing: Doing) -> Tally:
        """Does it, and notes it in each entry."""
        if job.did == "dismissed":
            return dismiss_all(
                self._desk,
                self._entries(job),
                by=self._who(),
                why=doing.why,
                now=now,
                stop=doing.stop,
                told=doing.told,
                again=job.again,
            )
        return self._replayed(
            self._entries(job), _maker(job), doing, again=job.again, even_refused=job.even_refused
        )

    def _replayed(
        self,
        entries: Iterable[Entry],
        make: Maker,
        doing: Doing,
        *,
        again: bool,
        even_refused: bool,
    ) -> Tally:
        try:
            return replay_all(
                self._desk,
                entries,
                make,
                by=self._who(),
                why=doing.why,
                now=now,
                pace=Pace(doing.rate, time.monotonic, time.sleep),
                stop=doing.stop,
                told=doing.told,
                even_refused=even_refused,
                again=again,
            )
        except NotTaken as error:
            raise Refused(
                f"{error} What was sent until then is closed; the same command again goes on."
            ) from None

    def _entries(self, job: Job) -> Iterator[Entry]:
        """What is meant and open at this moment."""
        if job.chosen is not None:
            yield from self._desk.entries(job.chosen, bodies=job.did != "dismissed")
            return
        found = self._desk.entries_with(job.ids)
        for id_ in job.ids:
            if id_ not in found:
                raise no_such_entry(id_)
        still_open = [found[id_] for id_ in job.ids if found[id_].status == OPEN]
        if not still_open:
            raise not_open(job.ids[0], found[job.ids[0]].status)
        yield from still_open

    def examined(self, edited: Edited) -> tuple[Reason, ...]:
        """What the message would be refused for, by all that the tables say."""
        return self._desk.examined([edited.replay], now())[0].refused

    def sent(self, edited: Edited, why: str, *, again: bool) -> Tally:
        """Sends it, and notes it in its entry."""
        doing = Doing(why, None, lambda: False, lambda _: None)
        return self._replayed(
            [edited.replay.entry], lambda _: edited.replay, doing, again=again, even_refused=True
        )


def _maker(job: Job) -> Maker:
    return as_it_was if job.patch is None else corrected_by(job.patch)


def _cursor(text: str | None) -> Cursor | None:
    if text is None:
        return None
    at, _, id_ = text.partition("/")
    if not at or len(id_) != 64:
        raise Misuse("--after takes the cursor that an earlier list ended with. Correct it.")
    return Cursor(at, id_)
