"""What is published in a soak, and when: a whole city with its dirt, hot records, poison.

The city (a province of its own, so that nobody else speaks about its records) has every kind of
dirt: repeats, late and disordered events, rival agencies, typing errors, clocks that run apart,
bad messages. Beside it a few records get very many events, most of them overtaken, and messages
come that are refused for every reason there is. Twice the rate is four times as high for a while.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from functions.shared.core.intake import queue_of
from infra.city.dirt import rates
from infra.city.stream import DEFAULT_SINCE, DEFAULT_UNTIL, Settings
from infra.lienthong import demo_city
from infra.lienthong.console import Console
from infra.lienthong.demo_city import DemoCity
from infra.lienthong.messages import Message
from infra.lienthong.pacing import mixed
from infra.lienthong.truth import Bad
from tests.e2e.delivery import QUEUE_OF, Sent, taken
from tests.e2e.poison import KINDS, poisons, stating

QUEUE: Final = "population"
"""Where messages of the city go whose type cannot be read."""
PROVINCE: Final = "79"
MESSAGES_OF_A_PERSON: Final = 6
"""About so many messages a city has for each of its people; the rest of the load adds to them."""
SHARE_OF_HOT: Final = 0.1
HOT: Final = {"person": 900_001, "insurance-card": 900_002, "dossier": 900_003}
"""Record kind -> the number of its hot record."""
CRUSHES: Final = ((0.30, 0.38), (0.70, 0.78))
"""Parts of the time in which the rate is four times as high."""
_FOUR_TIMES: Final = 4.0


@dataclass(frozen=True, slots=True)
class Due:
    """A message for a queue, and how many seconds after the begin it is due."""

    at: float
    queue: str
    message: Message


@dataclass(frozen=True, slots=True)
class Flow:
    """All that is to be published; `last` when everything else is known."""

    city: DemoCity
    due: list[Due]
    last: list[Message]
    bad: list[Bad]
    seconds: float


def flow(folder: Path, seconds: float, rate: float, seed: int, console: Console) -> Flow:
    """A flow of about `rate` messages a second; the same seed gives the same messages."""
    wanted = seconds * rate
    people = max(50, int(wanted * (1 - SHARE_OF_HOT) / MESSAGES_OF_A_PERSON))
    settings = Settings(
        seed=seed,
        people=people,
        cards=int(people * 0.94),
        dossiers=people // 5,
        since=DEFAULT_SINCE,
        until=DEFAULT_UNTIL,
        province=PROVINCE,
        dirt=rates("all"),
    )
    city = demo_city.made(folder, console, settings)
    told = city.told(QUEUE)
    chance = random.Random(seed)  # an order, not a secret
    hot = list(_hot(int(wanted * SHARE_OF_HOT), chance))
    refused = list(_refused(chance))
    bodies = [message_of(sent, "refused", line) for line, sent in enumerate(refused, 1)]
    queues = {id(body): sent.queue for body, sent in zip(bodies, refused, strict=True)}
    ordered = list(mixed(told.messages, hot, bodies))
    due = [
        Due(at, queues.get(id(message)) or queue_of(message.body) or QUEUE, message)
        for at, message in zip(times(len(ordered), seconds), ordered, strict=True)
    ]
    bad = [
        Bad("refused", body.line, sent.queue, body.body, *sent.reasons[0])
        for body, sent in zip(bodies, refused, strict=True)
    ]
    return Flow(city, due, told.last, [*told.bad, *bad], seconds)


def message_of(sent: Sent, file: str, line: int) -> Message:
    """A message of the tests as one of a file."""
    return Message(line, sent.body.encode(), file)


def _hot(number: int, chance: random.Random) -> Iterator[Message]:
    """Events of the hot records in any order: few of them are newer than all before."""
    order = list(range(number))
    chance.shuffle(order)
    for line, place in enumerate(order, 1):
        kind = chance.choice(list(HOT))
        time = f"2026-03-03T02:{place // 60 % 60:02d}:{place % 60:02d}.{place:06d}Z"
        event = stating(kind, HOT[kind], f"hot-{place}", time=time)
        yield message_of(taken(event), "hot", line)


def _refused(chance: random.Random) -> list[Sent]:
    """Messages that are refused, shuffled; without those of a type that another queue takes."""
    numbers = iter(range(800_000, 900_000))
    found = [
        sent
        for kind in KINDS
        for sent in poisons(kind, "soak", numbers)
        if queue_of(sent.body.encode()) in (None, QUEUE_OF[kind])
    ]
    chance.shuffle(found)
    return found


def times(number: int, seconds: float) -> list[float]:
    """So many moments, four times as dense in a crush."""
    weights = [_density((place + 0.5) / 1000) for place in range(1000)]
    total, reached, times = sum(weights), 0.0, list[float]()
    for place, weight in enumerate(weights):
        reached += weight / total * number
        while len(times) < round(reached):
            times.append(place / 1000 * seconds)
    return times


def _density(part: float) -> float:
    return _FOUR_TIMES if any(begin <= part < end for begin, end in CRUSHES) else 1.0


def crushes(seconds: float) -> Sequence[tuple[float, float]]:
    """When the rate is four times as high: begin and end in seconds."""
    return [(begin * seconds, end * seconds) for begin, end in CRUSHES]
