"""Several sources as one stream, held back while the queues are long."""

from __future__ import annotations

from collections.abc import Iterator

from infra.lienthong.messages import Message
from infra.lienthong.pacing import MOST_WAITING, STEP, mixed, paced
from infra.lienthong.tables import Patience


def of(name: str, count: int) -> list[Message]:
    return [Message(line, name.encode(), name) for line in range(1, count + 1)]


def test_each_source_keeps_its_order_and_is_spread_over_the_whole() -> None:
    found = list(mixed(of("a", 4), of("b", 2), []))
    assert [message.file for message in found] == ["a", "b", "a", "a", "b", "a"]
    for name in "ab":
        lines = [message.line for message in found if message.file == name]
        assert lines == sorted(lines)


def test_nothing_is_lost_and_nothing_sent_twice() -> None:
    sources = of("a", 1000), of("b", 7), of("c", 333)
    assert set(mixed(*sources)) == {m for source in sources for m in source}
    assert len(list(mixed(*sources))) == 1340


def test_messages_wait_while_the_queues_are_long() -> None:
    depths: Iterator[int] = iter([0, MOST_WAITING + 1, MOST_WAITING + 1, MOST_WAITING])
    pauses: list[float] = []
    flow = paced(of("a", STEP + 1), lambda: next(depths), Patience(60), pauses.append)
    assert [next(flow).line for _ in range(STEP)] == list(range(1, STEP + 1))
    assert pauses == []
    assert next(flow).line == STEP + 1
    assert len(pauses) == 2


def test_when_time_is_up_they_go_out_all_the_same() -> None:
    messages = of("a", STEP * 2)
    assert list(paced(messages, lambda: MOST_WAITING + 1, Patience(0))) == messages
