"""`lienthong send`: messages of files to the queue of their kind, their bytes unchanged.

What is guaranteed: every message of a file is either accepted by its queue or named with its
file and line (and kept with `--rejects`). A message that was accepted twice, because an answer
was lost, is a duplicate that changes nothing.
"""

from __future__ import annotations

import argparse
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from functions.shared.core.intake import queue_of
from functions.shared.core.kinds import KIND_OF_QUEUE
from infra.lienthong import context
from infra.lienthong.console import Console
from infra.lienthong.messages import Message, messages_of, size_of
from infra.lienthong.problems import Exit, Misuse, Problem

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

MOST_MESSAGES: Final = 10
"""Messages in one SendMessageBatch call."""
MOST_BYTES: Final = 1024 * 1024
"""Bytes of one message, and of one batch."""
MOST_TRIES: Final = 6
_NOT_IN_SQS: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that a queue does not take (SendMessage: the characters of XML 1.0)."""

OUTPUT_OF_QUEUE: Final[Mapping[str, str]] = {
    queue: f"{queue.capitalize()}QueueUrl" for queue in KIND_OF_QUEUE
}


@dataclass(frozen=True, slots=True)
class Unsent:
    """A message that no queue has, and why."""

    message: Message
    reason: str


@dataclass(slots=True)
class Report:
    """What became of the messages of a file."""

    sent: Counter[str] = field(default_factory=Counter)
    unsent: list[Unsent] = field(default_factory=list)
    batches: int = 0


@dataclass(frozen=True, slots=True)
class Batch:
    """At most ten messages and 1 MiB for one queue."""

    queue: str
    messages: tuple[Message, ...]


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """`send FILE...` and its options."""
    parser = commands.add_parser(
        "send",
        help="send events of files to the queues",
        description="Send each event of each FILE to the queue of its kind, in batches of ten.",
    )
    parser.add_argument(
        "files",
        metavar="FILE",
        nargs="+",
        help="NDJSON or one JSON document, plain or gzip; - reads stdin",
    )
    parser.add_argument(
        "--format",
        choices=("auto", "ndjson", "json"),
        default="auto",
        help="a message on each line, or one document: an object, or an array of messages",
    )
    parser.add_argument(
        "--queue",
        choices=sorted(KIND_OF_QUEUE),
        help="where messages go whose type cannot be read (without it they are not sent)",
    )
    parser.add_argument(
        "--every-line", action="store_true", help="send every message to --queue, whatever its type"
    )
    parser.add_argument(
        "--rejects", type=Path, metavar="OUT", help="write what was not sent, unchanged, to OUT"
    )
    parser.add_argument(
        "--repeat", type=_positive, default=1, metavar="N", help="send every message N times"
    )
    parser.add_argument(
        "--shuffle", type=int, metavar="SEED", help="send in an order that SEED alone decides"
    )
    parser.add_argument(
        "--threads", type=_positive, default=4, metavar="N", help="calls at a time (4)"
    )
    context.add_stack_options(parser)
    parser.set_defaults(run=run)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("give a whole number from 1 on")
    return number


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Send the files; `Exit.FINDINGS` if a message of them was not accepted by its queue."""
    if options.every_line and options.queue is None:
        raise Misuse("--every-line needs a queue: add --queue, for example --queue dossier.")
    stack = context.resolve(options)
    size = size_of(options.files)
    total = None if size is None else size * options.repeat
    name = options.files[0] if len(options.files) == 1 else f"{len(options.files)} files"
    with console.progress(f"Sending {name}", total) as advance:
        report = send(
            in_order(
                messages_of(options.files, options.format),
                repeat=options.repeat,
                seed=options.shuffle,
            ),
            stack.sqs,
            urls_of(stack),
            queue=options.queue,
            every_line=options.every_line,
            threads=options.threads,
            advance=advance,
        )
    if options.rejects is not None:
        with options.rejects.open("wb") as rejects:
            _write(rejects, report.unsent)
    _tell(report, options, console)
    return Exit.FINDINGS if report.unsent else Exit.OK


def urls_of(stack: context.Stack) -> dict[str, str]:
    """The stack's queues by name."""
    return {queue: stack.output(output) for queue, output in OUTPUT_OF_QUEUE.items()}


def in_order(found: Iterable[Message], *, repeat: int, seed: int | None) -> Iterator[Message]:
    """The messages, each so many times, in their order or in one that `seed` alone decides."""
    if seed is None:
        for message in found:
            yield from (message for _ in range(repeat))
        return
    everything = [message for message in found for _ in range(repeat)]
    random.Random(seed).shuffle(everything)  # an order, not a secret
    yield from everything


def _write(stream: IO[bytes], unsent: Iterable[Unsent]) -> None:
    for entry in unsent:
        stream.write(entry.message.body + b"\n")


def _tell(report: Report, options: argparse.Namespace, console: Console) -> None:
    place = {name: number for number, name in enumerate(options.files)}
    unsent = sorted(report.unsent, key=lambda e: (place.get(e.message.file, 0), e.message.line))
    if console.as_json:
        console.document(
            {
                "files": list(options.files),
                "sent": {queue: report.sent[queue] for queue in KIND_OF_QUEUE},
                "total": report.sent.total(),
                "batches": report.batches,
                "unsent": [
                    {
                        "file": entry.message.file,
                        "line": entry.message.line,
                        "reason": entry.reason,
                    }
                    for entry in unsent
                ],
            }
        )
    else:
        counts = ", ".join(
            f"{queue} {report.sent[queue]:,}" for queue in KIND_OF_QUEUE if report.sent[queue]
        )
        console.out.print(
            f"Sent {report.sent.total():,} messages in {report.batches:,} batches"
            f"{f' ({counts})' if counts else ''}."
        )
    if unsent:
        kept = (
            f"They are in {options.rejects}."
            if options.rejects
            else "Keep them with --rejects FILE; the others need not be sent again."
        )
        console.complain(
            Problem(
                f"{len(unsent):,} messages were not sent. {kept}",
                tuple(f"{entry.message.place}: {entry.reason}" for entry in unsent),
            )
        )


def send(
    found: Iterable[Message],
    sqs: SQSClient,
    urls: Mapping[str, str],
    *,
    queue: str | None = None,
    every_line: bool = False,
    threads: int = 4,
    advance: Callable[[int], None] = lambda _: None,
    pause: Callable[[float], None] = time.sleep,
) -> Report:
    """Send messages to `urls` (by queue name) and report what became of each.

    `queue` takes the messages whose type cannot be read, or with `every_line` all of them.
    `advance` is told the bytes that are done with. Raises `Problem` where the stack cannot be
    reached; what was accepted until then stays accepted and may be sent again.
    """
    report = Report()

    def refuse(message: Message, reason: str) -> None:
        report.unsent.append(Unsent(message, reason))
        advance(len(message.body) + 1)

    batches = _batches(found, queue, every_line=every_line, refuse=refuse)
    with ThreadPoolExecutor(max_workers=threads, thread_name_prefix="send") as pool:
        underway: dict[Future[list[Unsent]], Batch] = {}
        try:
            for batch in batches:
                underway[pool.submit(_deliver, sqs, urls[batch.queue], batch, pause)] = batch
                if len(underway) >= threads * 2:
                    _settle(underway, report, advance)
            while underway:
                _settle(underway, report, advance)
        except Problem as problem:
            pool.shutdown(wait=True, cancel_futures=True)
            until = f"Until then {report.sent.total():,} messages were accepted; sending the file"
            raise type(problem)(f"{problem.message} {until} again does no harm.") from None
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return report


def _settle(
    underway: dict[Future[list[Unsent]], Batch], report: Report, advance: Callable[[int], None]
) -> None:
    done, _ = wait(underway, return_when=FIRST_COMPLETED)
    for future in done:
        batch = underway.pop(future)
        failed = future.result()
        report.batches += 1
        report.sent[batch.queue] += len(batch.messages) - len(failed)
        report.unsent.extend(failed)
        advance(sum(len(message.body) + 1 for message in batch.messages))


def _batches(
    found: Iterable[Message],
    queue: str | None,
    *,
    every_line: bool,
    refuse: Callable[[Message, str], None],
) -> Iterator[Batch]:
    """Batches that fit one call each; a queue's messages keep their order between batches."""
    waiting: dict[str, list[Message]] = {}
    weight: Counter[str] = Counter()
    for message in found:
        reason = unsendable(message.body)
        if reason is not None:
            refuse(message, reason)
            continue
        target = queue if every_line else queue_of(message.body) or message.queue or queue
        if target is None:
            refuse(
                message,
                "no queue can be told from it: it has no `type` of the form "
                "vn.lienthong.<kind>.<what>.v1 with a known kind. Name a queue with --queue.",
            )
            continue
        batch = waiting.setdefault(target, [])
        if weight[target] + len(message.body) > MOST_BYTES:
            yield Batch(target, tuple(batch))
            batch.clear()
            weight[target] = 0
        batch.append(message)
        weight[target] += len(message.body)
        if len(batch) == MOST_MESSAGES:
            yield Batch(target, tuple(batch))
            batch.clear()
            weight[target] = 0
    for target, batch in waiting.items():
        if batch:
            yield Batch(target, tuple(batch))


def unsendable(body: bytes) -> str | None:
    """Why no queue would take these bytes, or None."""
    if len(body) > MOST_BYTES:
        return f"it has {len(body):,} bytes and a queue takes at most {MOST_BYTES:,}."
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        return f"it is not UTF-8 (at its byte {error.start + 1}), which a queue does not take."
    strange = _NOT_IN_SQS.search(text)
    if strange is not None:
        return (
            f"it has the character U+{ord(strange[0]):04X}, which a queue does not take. "
            "Write it as a JSON escape."
        )
    return None


def _deliver(
    sqs: SQSClient, url: str, batch: Batch, pause: Callable[[float], None]
) -> list[Unsent]:
    """Send one batch, asking again for what the queue could not take; what remains, with why."""
    import botocore.exceptions

    left: Mapping[str, Message] = {str(n): m for n, m in enumerate(batch.messages)}
    given_up: list[Unsent] = []
    code = "?"
    for attempt in range(MOST_TRIES):
        if attempt:
            pause(min(5.0, 0.1 * 2**attempt) * random.uniform(0.5, 1.0))
        try:
            answer = sqs.send_message_batch(QueueUrl=url, Entries=_entries(left))
        except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError) as error:
            raise context.explained(error) from None
        failed = answer.get("Failed", [])
        given_up.extend(
            Unsent(left[entry["Id"]], f"the queue refused it ({entry.get('Code', '?')}).")
            for entry in failed
            if entry.get("SenderFault")
        )
        left = {entry["Id"]: left[entry["Id"]] for entry in failed if not entry.get("SenderFault")}
        if not left:
            return given_up
        code = failed[-1].get("Code", "?")
    reason = f"the queue did not take it in {MOST_TRIES} tries ({code}). Send it again later."
    return [*given_up, *(Unsent(message, reason) for message in left.values())]


def _entries(left: Mapping[str, Message]) -> Sequence[SendMessageBatchRequestEntryTypeDef]:
    return [{"Id": key, "MessageBody": message.body.decode()} for key, message in left.items()]
