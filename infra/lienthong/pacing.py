"""Messages of several sources as one stream, and no faster than they are worked.

An emulator looks through a queue for every batch that it hands out, so a long queue is a slow
one; and what waits in a file waits as well as what waits in a queue.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

from functions.shared.ports import Deadline
from infra.lienthong.context import Stack
from infra.lienthong.messages import Message
from infra.lienthong.send import OUTPUT_OF_QUEUE

STEP: Final = 500
"""So many messages are sent between two looks at the queues."""
MOST_WAITING: Final = 500
_PAUSE: Final = 0.25


def mixed(*sources: Sequence[Message]) -> Iterator[Message]:
    """All messages, each source in its own order and spread evenly over the whole."""
    spread = [
        [((place + 0.5) / len(source), number, place) for place in range(len(source))]
        for number, source in enumerate(sources)
    ]
    for _, number, place in heapq.merge(*spread):
        yield sources[number][place]


def paced(
    messages: Iterable[Message],
    waiting: Callable[[], int],
    deadline: Deadline,
    pause: Callable[[float], None] = time.sleep,
) -> Iterator[Message]:
    """The messages, held back while more than a few hundred wait; not any more after `deadline`."""
    remaining = iter(messages)
    while step := list(islice(remaining, STEP)):
        while waiting() > MOST_WAITING and deadline.remaining() > 0:
            pause(_PAUSE)
        yield from step


def waiting_in(stack: Stack) -> int:
    """How many messages wait in the queues of a stack, as they estimate it."""
    counts = (
        stack.sqs.get_queue_attributes(
            QueueUrl=stack.output(output), AttributeNames=["ApproximateNumberOfMessages"]
        )
        for output in OUTPUT_OF_QUEUE.values()
    )
    return sum(int(count["Attributes"]["ApproximateNumberOfMessages"]) for count in counts)
