"""Reading many items: BatchGetItem until every key is answered, Query and Scan to their end."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from functions.shared.adapters.attributes import Item
from functions.shared.adapters.errors import AWS_ERRORS, meaning, translated
from functions.shared.core.errors import Defect, LienThongError, Retry
from functions.shared.ports import Deadline

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

_T = TypeVar("_T")
MOST_KEYS: Final = 100
_MOST_TRIES: Final = 8
"""Tries in a row that answer for no further key."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """How an adapter waits between tries; handed in, so that tests need not."""

    pause: Callable[[float], None]
    jitter: Callable[[], float]

    def before_try(self, number: int, deadline: Deadline) -> None:
        """Pauses before try `number` (1 is the second), never beyond the deadline."""
        longest = min(1.0, 0.025 * 2**number, max(deadline.remaining(), 0))
        self.pause(longest * self.jitter())

    def tried(
        self,
        operation: str,
        deadline: Deadline,
        call: Callable[[], _T],
        *,
        most: int,
        unless: Callable[[Exception], LienThongError | None] = lambda _: None,
    ) -> _T:
        """What `call` gives, once it works, of at most so many tries.

        `unless` gives the error to raise at once for one of AWS's, if it is not to be tried again.
        Raises Retry when time or tries are up, Defect when it never will work.
        """
        for number in range(most):
            if number:
                if deadline.remaining() <= 0:
                    break
                self.before_try(number, deadline)
            try:
                return call()
            except AWS_ERRORS as error:
                if (other := unless(error)) is not None:
                    raise other from None
                if issubclass(meaning(error), Defect):
                    raise translated(error, operation) from None
        raise Retry(f"{operation} did not succeed in time.")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Keys of one table (values of `key`, all text) and the attributes to read, or all."""

    key: str
    values: Collection[str]
    attributes: tuple[str, ...] = ()


def read_items(
    client: DynamoDBClient,
    wanted: Mapping[str, Wanted],
    deadline: Deadline,
    waiting: Waiting,
) -> dict[str, list[Item]]:
    """The items that exist, by table. Raises Retry if some could not be read in time."""
    found: dict[str, list[Item]] = {table: [] for table in wanted}
    for request in _requests(wanted):
        read_chunk(client, request, found, deadline, waiting)
    return found


def _requests(wanted: Mapping[str, Wanted]) -> Iterator[dict[str, dict[str, Any]]]:
    """What to ask BatchGetItem for, at most `MOST_KEYS` keys at a time, in their order."""
    request: dict[str, dict[str, Any]] = {}
    room = MOST_KEYS
    for table, want in wanted.items():
        keys = [{want.key: {"S": value}} for value in sorted(want.values)]
        besides: dict[str, Any] = {"ConsistentRead": True}
        if want.attributes:
            names = {f"#{i}": name for i, name in enumerate(want.attributes)}
            besides["ProjectionExpression"] = ",".join(names)
            besides["ExpressionAttributeNames"] = names
        while keys:
            asked, keys = keys[:room], keys[room:]
            request[table] = {"Keys": asked, **besides}
            room -= len(asked)
            if not room:
                yield request
                request, room = {}, MOST_KEYS
    if request:
        yield request


def read_chunk(
    client: DynamoDBClient,
    request: Any,
    found: Mapping[str, list[Item]],
    deadline: Deadline,
    waiting: Waiting,
) -> None:
    """Adds to the lists of `found`, one for each table, what a BatchGetItem of at most `MOST_KEYS`
    keys gives, once each key is answered. Raises Retry if some could not be read in time."""
    fruitless = 0
    while fruitless < _MOST_TRIES:
        if fruitless:
            if deadline.remaining() <= 0:
                break
            waiting.before_try(fruitless, deadline)
        try:
            answer: Any = client.batch_get_item(RequestItems=request)
        except AWS_ERRORS as error:
            if issubclass(meaning(error), Defect):
                raise translated(error, "BatchGetItem") from None
            fruitless += 1
            continue
        for table, items in answer.get("Responses", {}).items():
            found[table].extend(items)
        left = answer.get("UnprocessedKeys") or {}
        if not left:
            return
        # A throttled table may answer for a few keys at a time: that is slow, not fruitless.
        fruitless = fruitless + 1 if _keys_in(left) >= _keys_in(request) else 1
        request = left
    raise Retry("BatchGetItem did not answer for every key in time.")


def every_item(
    operation: str,
    call: Callable[..., Any],
    request: Mapping[str, Any],
    deadline: Deadline,
    waiting: Waiting,
    *,
    most_tries: int,
) -> Iterator[Item]:
    """The items of a Query or Scan, page after page, each asked for when the one before is used up.

    Raises Retry where a page could not be read in time.
    """
    while True:
        page: Any = waiting.tried(operation, deadline, partial(call, **request), most=most_tries)
        yield from page["Items"]
        if not page.get("LastEvaluatedKey"):
            return
        request = {**request, "ExclusiveStartKey": page["LastEvaluatedKey"]}


def _keys_in(request: Mapping[str, Mapping[str, Any]]) -> int:
    return sum(len(part["Keys"]) for part in request.values())
