"""One message in the operator's own editor."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from functions.shared.adapters.desk import Replay
from functions.shared.core.cases import Entry
from functions.shared.core.correction import Unfit, by_hand
from functions.shared.core.marking import pretty
from infra.lienthong.console import Console, markup
from infra.lienthong.desk.ways import Edited, Way
from infra.lienthong.problems import Misuse, Refused

_COMMENT: Final = "# "
_HEAD: Final = (
    "Correct the message below, save it and close the editor. Lines that begin with # are not",
    "part of it. Leave it as it is to give up. The id is given anew; it need not be changed.",
    "",
    "What is wrong with it:",
)


class Abandoned(Exception):
    """The operator gave up; the text is a sentence."""


def edited(way: Way, entry: Entry, console: Console, *, yes: bool) -> Edited:
    """What the operator made of the message and agreed to send.

    With `yes` nobody is asked: what would still be refused is not sent then. Raises `Abandoned`,
    or `Refused` where it cannot be sent and nobody can be asked.
    """
    body = entry.body or ""
    text = _with_head(entry, pretty(body))
    while True:
        text = _opened(text)
        left = _without_head(text)
        made = by_hand(entry, body, left)
        if isinstance(made, Unfit):
            if made.code == "unchanged":
                raise Abandoned("Nothing was changed.")
            console.say(f"[red]It cannot be sent:[/] {markup(made.text)}")
            if not _may_ask(console, yes=yes) or _answer("Edit it again", console) != "e":
                raise Refused(f"It cannot be sent. {made.text}")
            continue
        edit = Edited(left, Replay(entry, "corrected", made.body, made.event_id))
        refused = way.examined(edit)
        for reason in refused:
            console.say(
                f"[red]still refused[/]  {markup(reason.path or '(the whole)')}  "
                f"{reason.code}: {markup(reason.text)}"
            )
        if not refused:
            console.say("By all that can be told, it would be accepted.")
        if yes and refused:
            raise Refused("It would still be refused. Nothing was sent.")
        if yes:
            return edit
        if not _may_ask(console, yes=yes):
            raise Misuse("Nobody can be asked here whether to send it. Add --yes.")
        answer = _answer("Send it (s), edit it again", console)
        if answer == "s":
            return edit
        if answer != "e":
            raise Abandoned("Given up.")


def _may_ask(console: Console, *, yes: bool) -> bool:
    return not yes and not console.as_json and sys.stdin.isatty()


def _answer(question: str, console: Console) -> str:
    return asked(f"{question} (e), or give up (anything else)? ", console).lower()[:1]


def asked(question: str, console: Console) -> str:
    """What the person at the terminal answers; nothing where they end the input."""
    try:
        return console.out.input(question).strip()
    except EOFError:
        return ""


def _with_head(entry: Entry, body: str) -> str:
    wrong = [f"  {reason.path or '(the whole)'}: {reason.text}" for reason in entry.reasons]
    head = [f"{_COMMENT}{line}".rstrip() for line in (*_HEAD, *wrong)]
    return "\n".join((*head, body)) + "\n"


def _without_head(text: str) -> str:
    lines = text.removeprefix("\ufeff").splitlines(keepends=True)
    while lines and lines[0].startswith(_COMMENT.strip()):
        del lines[0]
    return "".join(lines).strip("\r\n")


def _opened(text: str) -> str:
    """What is left in the editor; the file is private and gone afterwards."""
    command = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not command:
        raise Misuse("No editor is set. Set VISUAL or EDITOR to one, for example EDITOR=nano.")
    with tempfile.TemporaryDirectory(prefix="lienthong-") as folder:
        path = Path(folder) / "message.json"
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8", errors="surrogatepass", newline="")
        try:
            ended = subprocess.run([*shlex.split(command), str(path)], check=False)
        except (OSError, ValueError):
            raise Misuse(
                "The editor cannot be started. Set VISUAL or EDITOR to one that can."
            ) from None
        if ended.returncode:
            raise Abandoned(f"The editor ended with {ended.returncode}.")
        try:
            return path.read_bytes().decode()
        except (OSError, UnicodeDecodeError):
            raise Refused("What the editor left is not UTF-8. Save it as UTF-8.") from None
