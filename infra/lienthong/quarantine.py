"""`lienthong quarantine`: the desk for refused messages.

Everything is found through the indexes, day by day. Nothing is changed without being asked for,
shown beforehand (`--dry-run`, or the question that `--yes` answers) and noted with who and why.
"""

from __future__ import annotations

import argparse
import json
import sys
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final, cast

from functions.shared.core.cases import LOOKED_BACK, OPEN, Contradiction, Selection, moment
from functions.shared.core.correction import Rule, WrongRule, checked_why, rule_of, selection
from functions.shared.core.foresight import Foresight
from functions.shared.core.kinds import KIND_OF_QUEUE
from functions.shared.runtime.desk_answers import COUNTED_BY, counts_answer
from infra.lienthong import asking, context, directly
from infra.lienthong.console import Console, Json, add_options, counted
from infra.lienthong.desk.changing import (
    NOTHING,
    finish,
    foresight_document,
    tell_foresight,
    worked,
)
from infra.lienthong.desk.direct import Direct
from infra.lienthong.desk.editing import Abandoned, asked, edited
from infra.lienthong.desk.opened import may_replay, now, opened, who
from infra.lienthong.desk.telling import (
    entry_document,
    entry_whole_document,
    tell_counts,
    tell_entry,
    tell_list,
)
from infra.lienthong.desk.through import Through
from infra.lienthong.desk.ways import Doing, Job, Way, not_open
from infra.lienthong.problems import Exit, Misuse, Refused
from schemas.reasons import QuarantineStatus, ReasonCode

_SHORTEST_PREFIX: Final = 8
_ALL: Final = "all"
_SELECTED: Final = ("queue", "reason", "error", "path", "source", "type")

Parsers = argparse._SubParsersAction  # argparse has no public name for it


def add_parser(commands: Parsers[argparse.ArgumentParser]) -> None:
    """`quarantine` and what can be done there."""
    parser = commands.add_parser(
        "quarantine",
        help="look after refused messages: list, show, correct, replay, dismiss",
        description="The desk for refused messages.",
    )
    what = parser.add_subparsers(dest="what", required=True, metavar="WHAT")
    _add_reading(what)
    _add_changing(what)
    for sub in what.choices.values():
        add_options(sub, below=True)
        directly.add_as_option(sub)
        asking.add_options(sub)


def _add_reading(what: Parsers[argparse.ArgumentParser]) -> None:
    listing = what.add_parser(
        "list", help="entries, newest first", description="List entries, newest first."
    )
    _add_selection(listing)
    _add_status(listing, OPEN)
    listing.add_argument(
        "--limit", type=_positive, default=50, metavar="N", help="at most so many entries (50)"
    )
    listing.add_argument("--after", metavar="CURSOR", help="go on where an earlier list ended")
    listing.set_defaults(run=run_list)

    count = what.add_parser(
        "count", help="how many entries there are", description="Count entries."
    )
    _add_selection(count)
    _add_status(count, _ALL)
    count.add_argument(
        "--by",
        type=_names,
        default=("queue", "reason", "status"),
        metavar="WHAT,...",
        help=f"what to count by, out of {', '.join(COUNTED_BY)} (queue,reason,status)",
    )
    count.set_defaults(run=run_count)

    show = what.add_parser(
        "show",
        help="one entry, every error marked in its body",
        description="Show one entry whole: what is wrong where, what led to it and followed.",
    )
    _add_id(show)
    show.add_argument("--whole", action="store_true", help="do not cut long lines short")
    show.set_defaults(run=run_show)


def _add_changing(what: Parsers[argparse.ArgumentParser]) -> None:
    edit = what.add_parser(
        "edit",
        help="correct one message in the editor and replay it",
        description="Open the body in $VISUAL or $EDITOR, check it, and replay it corrected.",
    )
    _add_id(edit)
    _add_doing(edit, bulk=False)
    edit.set_defaults(run=run_edit)

    correct = what.add_parser(
        "correct",
        help="correct and replay by a rule",
        description="Apply a correction rule to the open entries that it selects, and replay what "
        "it makes of them. The options can only narrow the rule's own selection.",
    )
    correct.add_argument(
        "--rule",
        required=True,
        type=Path,
        metavar="FILE",
        help="JSON or TOML: select, patch (RFC 6902), why",
    )
    _add_selection(correct)
    _add_doing(correct)
    correct.set_defaults(run=run_correct)

    replay = what.add_parser(
        "replay",
        help="replay messages as they were",
        description="Send messages again unchanged, after what was wrong elsewhere was mended.",
    )
    _add_choice(replay)
    _add_doing(replay)
    replay.add_argument(
        "--even-refused",
        action="store_true",
        help="also those that would be refused again, by all that can be told",
    )
    replay.set_defaults(run=run_replay)

    dismiss = what.add_parser(
        "dismiss",
        help="put messages aside for good",
        description="Close entries without sending anything; they are kept.",
    )
    _add_choice(dismiss)
    _add_doing(dismiss, sends=False)
    dismiss.set_defaults(run=run_dismiss)


def _add_id(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "id", metavar="ID", type=_id, help="its id, or the first 8 or more digits of it"
    )
    parser.add_argument(
        "--since", metavar="WHEN", help=f"how far back to look for a shortened id ({LOOKED_BACK})"
    )


def _add_selection(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "which entries", "Each may be given several times; any of them will do."
    )

    def add(name: str, text: str, choices: Iterable[str] | None = None) -> None:
        group.add_argument(
            f"--{name}",
            action="append",
            default=[],
            metavar=name.upper(),
            choices=None if choices is None else sorted(choices),
            help=text,
        )

    add("queue", f"{', '.join(KIND_OF_QUEUE)}", KIND_OF_QUEUE)
    add("reason", "the first reason, such as invalid-data", [code.value for code in ReasonCode])
    add("error", "the class of a field's error, such as missing")
    add("path", "where an error is, such as /data/phone (with --error: that very error)")
    add("source", "the agency's id or the whole source")
    add("type", "the event type, such as person.moved (reads the bodies)")
    group.add_argument(
        "--since", metavar="WHEN", help=f"received since: 2h, 3d, a day or instant ({LOOKED_BACK})"
    )
    group.add_argument("--until", metavar="WHEN", help="received until then, inclusive")


def _add_status(parser: argparse.ArgumentParser, default: str) -> None:
    parser.add_argument(
        "--status",
        choices=[*(status.value for status in QuarantineStatus), _ALL],
        default=default,
        help=f"({default})",
    )


def _add_choice(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ids", metavar="ID", nargs="*", type=_id, help="entries by their ids")
    parser.add_argument("--all", action="store_true", help="every open entry of the time range")
    _add_selection(parser)


def _add_doing(parser: argparse.ArgumentParser, *, bulk: bool = True, sends: bool = True) -> None:
    parser.add_argument("--why", metavar="TEXT", help="why; it is noted in every entry")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument(
        "--again",
        action="store_true",
        help="also where another replay was begun and is not known to have arrived",
    )
    if bulk:
        parser.add_argument(
            "--dry-run", action="store_true", help="only tell what would happen; nothing is written"
        )
    if bulk and sends:
        parser.add_argument(
            "--rate", type=_positive, metavar="N", help="send at most N messages a second"
        )


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError("give a whole number from 1 on")
    return int(text)


def _id(text: str) -> str:
    digits = text.lower()
    if not _SHORTEST_PREFIX <= len(digits) <= 64 or set(digits) - set("0123456789abcdef"):
        raise argparse.ArgumentTypeError("an id has 64 hexadecimal digits; give at least 8 of them")
    return digits


def _names(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    if unknown := [name for name in names if name not in COUNTED_BY]:
        raise argparse.ArgumentTypeError(f"{unknown[0]} is none of {', '.join(COUNTED_BY)}")
    return names


# The way ------------------------------------------------------------------------------------


@contextmanager
def _desk(options: argparse.Namespace, console: Console, *, sends: bool = False) -> Iterator[Way]:
    """The way to the desk that the options name. `sends` says that messages are to be sent."""
    if not options.direct:
        api = asking.opened(options)
        yield Through(api)
        console.note(f"Noted in the access log: {api.signed_in.name}, for {api.errand}.")
        return
    with directly.broken_glass(console):
        stack = context.resolve(options)
        named: str | None = options.as_role
        if sends:
            who(stack, named)  # what is wrong with it is told before anything is asked
            may_replay(stack)
        with opened(stack) as desk:
            yield Direct(desk, lambda: who(stack, named))


# Reading ------------------------------------------------------------------------------------


def run_list(options: argparse.Namespace, console: Console) -> Exit:
    """Entries as a page; a cursor goes on where it ends."""
    chosen = _selected(options, _statuses(options))
    with _desk(options, console) as way:
        page, more = way.page(chosen, options.after, options.limit)
    if console.as_json:
        document = {"entries": [entry_document(entry) for entry in page], "after": more}
        console.document(cast(Json, document))
    elif page:
        tell_list(page, more, console)
    else:
        console.say("There are none.")
    _note_range(options, console)
    return Exit.OK


def run_count(options: argparse.Namespace, console: Console) -> Exit:
    """Counts by what was asked."""
    chosen = _selected(options, _statuses(options))
    by: tuple[str, ...] = options.by
    with (
        _desk(options, console) as way,
        console.progress("Counting entries", None) as advance,
    ):
        total, counts = way.count(chosen, by, advance)
    if console.as_json:
        document = {"total": total, "counts": counts_answer(by, counts)}
        console.document(cast(Json, document))
    else:
        if total:
            tell_counts(by, counts, console)
        console.say(f"{counted(total, 'entry')} in all.")
    _note_range(options, console)
    return Exit.OK


def _note_range(options: argparse.Namespace, console: Console) -> None:
    if options.since is None:
        console.note(f"Looked {LOOKED_BACK} back; --since looks further.")


def run_show(options: argparse.Namespace, console: Console) -> Exit:
    """One entry whole."""
    with _desk(options, console) as way:
        (id_,) = _whole_ids(way, [options.id], options.since)
        shown = way.shown(id_)
    if console.as_json:
        console.document(entry_whole_document(shown.entry, shown.steps, shown.led))
    else:
        tell_entry(shown.entry, shown.steps, shown.led, console, whole=options.whole)
    return Exit.OK


def _whole_ids(way: Way, ids: Iterable[str], since: str | None) -> tuple[str, ...]:
    whole: dict[str, None] = {}
    for id_ in ids:
        if len(id_) == 64:
            whole[id_] = None
            continue
        matching = way.beginning_with(id_, _ranged(Selection(), since, None))
        if len(matching) > 1:
            raise Refused(f"Several entries begin with {id_}. Give more digits of the id.")
        if not matching:
            raise Refused(
                f"No entry of the last {since or LOOKED_BACK} begins with {id_}. Give the whole "
                "id, or look further back with --since."
            )
        whole[matching[0]] = None
    return tuple(whole)


# Choosing -----------------------------------------------------------------------------------


def _statuses(options: argparse.Namespace) -> frozenset[str]:
    return frozenset() if options.status == _ALL else frozenset({options.status})


def _named(options: argparse.Namespace) -> dict[str, frozenset[str]]:
    return {f"{name}s": frozenset(getattr(options, name)) for name in _SELECTED}


def _selected(options: argparse.Namespace, statuses: frozenset[str]) -> Selection:
    """The selection that the options name, its time range filled in."""
    try:
        chosen = selection({**_named(options), "statuses": statuses})
        return _ranged(chosen, options.since, options.until)
    except (WrongRule, Contradiction) as error:
        raise Misuse(str(error)) from None


def _ranged(chosen: Selection, since: str | None, until: str | None) -> Selection:
    """The selection with both ends of its time range: what is said, or the last days."""
    present = now()
    try:
        begin = moment(since, present) if since else chosen.since
        end = moment(until, present, end=True) if until else chosen.until
    except ValueError as error:
        raise Misuse(str(error)) from None
    return chosen.narrowed(Selection(since=begin, until=end).ranged(present))


def _some(options: argparse.Namespace) -> Selection | None:
    """The selection, or None where entries are named; `Misuse` where neither is or both are."""
    chosen = _selected(options, frozenset({OPEN}))
    selects = any(_named(options).values()) or options.since or options.until or options.all
    if options.ids and selects:
        raise Misuse("Name entries, or select them by options; not both.")
    if not options.ids and not selects:
        raise Misuse(
            "Name entries by their ids, or select them by options such as --reason; --all means "
            "every open entry."
        )
    return None if options.ids else chosen


# Changing -----------------------------------------------------------------------------------


def _why(given: str | None, otherwise: str | None = None) -> str:
    if given is None and otherwise is None:
        raise Misuse("Say why with --why; it is noted in every entry.")
    try:
        return checked_why(otherwise if given is None else given)
    except WrongRule as error:
        raise Misuse(str(error).replace("`why`", "--why")) from None


def _asked(question: str, options: argparse.Namespace, console: Console) -> bool:
    """Whether the person agrees; `--yes` does so beforehand."""
    if options.yes:
        return True
    return asked(f"{question} Type [bold]yes[/] to go on: ", console) == "yes"


def _check_can_ask(options: argparse.Namespace, console: Console) -> None:
    if not options.yes and (console.as_json or not sys.stdin.isatty()):
        raise Misuse("Nobody can be asked here. Look with --dry-run, then add --yes.")


def read_rule(path: Path) -> Rule:
    """The rule of a JSON or TOML file. `Misuse` where there is none, `Refused` if it is wrong."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise Misuse(f"The rule {path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise Refused(f"The rule {path} is not UTF-8. Save it as UTF-8.") from None
    try:
        document = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Refused(f"The rule {path} is not TOML: {error}.") from None
    except (ValueError, RecursionError):
        raise Refused(
            f"The rule {path} is not JSON. Correct it, or name it .toml if it is TOML."
        ) from None
    try:
        return rule_of(document, now())
    except WrongRule as error:
        raise Refused(f"The rule {path} cannot be applied. {error}") from None


def run_correct(options: argparse.Namespace, console: Console) -> Exit:
    """Correct by a rule: what would happen, then it happens."""
    rule = read_rule(options.rule)
    try:
        chosen = rule.select.narrowed(selection({**_named(options), "statuses": frozenset({OPEN})}))
        chosen = _ranged(chosen, options.since or None, options.until or None)
    except (WrongRule, Contradiction) as error:
        raise Misuse(str(error)) from None
    job = Job("corrected", chosen, patch=rule.patch, again=options.again)
    return _do(options, console, job, why=rule.why)


def run_replay(options: argparse.Namespace, console: Console) -> Exit:
    """Replay as it was."""
    chosen, again = _some(options), options.again
    job = Job("replayed", chosen, again=again, even_refused=options.even_refused)
    return _do(options, console, job)


def run_dismiss(options: argparse.Namespace, console: Console) -> Exit:
    """Put entries aside, with the reason."""
    return _do(options, console, Job("dismissed", _some(options), again=options.again))


def _do(options: argparse.Namespace, console: Console, job: Job, why: str | None = None) -> Exit:
    """What would happen; then, unless that is all, it happens."""
    sends = job.did != "dismissed"
    if not options.dry_run:
        _check_can_ask(options, console)
        why = _why(options.why, why)
    with _desk(options, console, sends=sends and not options.dry_run) as way:
        if job.chosen is None:
            job = replace(job, ids=_whole_ids(way, options.ids, options.since))
        total = None
        if options.dry_run or not options.yes:
            with console.progress("Looking at the entries", None) as advance:
                found = way.foreseen(job, advance)
            if not found.meant:
                raise Refused(NOTHING)
            _tell(found, job, console)
            if options.dry_run:
                console.note("Nothing was written.")
                return Exit.OK
            total = found.meant
            if not _agreed(found, job, options, console):
                return Exit.FINDINGS
        rate = options.rate if sends else None
        tally = worked(
            "Replaying" if sends else "Dismissing",
            total,
            console,
            lambda stop, told: way.worked(job, Doing(why or "", rate, stop, told)),
        )
    return finish(tally, job.did, console)


def _tell(found: Foresight, job: Job, console: Console) -> None:
    if job.did != "dismissed" and console.as_json:
        console.document(foresight_document(found, corrects=job.corrects))
    elif job.did != "dismissed":
        tell_foresight(found, console, corrects=job.corrects)
    elif console.as_json:
        console.document({"meant": found.meant, "before": dict(found.before)})
    else:
        for code, count in found.before.most_common():
            console.say(f"{count:>9,}  {code}")


def _agreed(found: Foresight, job: Job, options: argparse.Namespace, console: Console) -> bool:
    """Whether the person agrees to what would happen."""
    if job.did == "dismissed":
        question, nothing = f"Dismiss {counted(found.meant, 'entry')}?", "Nothing was dismissed."
    else:
        sending = found.passing + (found.refused.total() if job.even_refused else 0)
        if not sending:
            raise Refused("None of them would be accepted. Nothing was sent.")
        question, nothing = f"Send {counted(sending, 'message')}?", "Nothing was sent."
    if _asked(question, options, console):
        return True
    console.note(nothing)
    return False


def run_edit(options: argparse.Namespace, console: Console) -> Exit:
    """Correct one message in the editor, check it, replay it."""
    why = _why(options.why)
    if console.as_json and not options.yes:
        raise Misuse("Nobody can be asked with --json. Add --yes.")
    with _desk(options, console, sends=True) as way:
        (id_,) = _whole_ids(way, [options.id], options.since)
        entry = way.shown(id_).entry
        if entry.status != OPEN:
            raise not_open(entry.id, entry.status)
        if entry.body is None:
            raise Refused("Its body holds fields that you may not see, so you cannot edit it.")
        try:
            edit = edited(way, entry, console, yes=options.yes)
        except Abandoned as ended:
            console.note(f"{ended} Nothing was sent.")
            return Exit.FINDINGS
        tally = worked(
            "Replaying", 1, console, lambda _, __: way.sent(edit, why, again=options.again)
        )
    code = finish(tally, "corrected", console)
    if not console.as_json:
        console.say(f"It was sent as the event {edit.replay.event_id}.")
    return code
