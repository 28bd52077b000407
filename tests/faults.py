"""What AWS does and emulators never do: a client that fails where a test says so.

`Faulty` stands in for a boto3 client and passes every call on. For each it asks `faults`, by
the number of the call or by the call itself, and what it gets takes the call over: it raises
before or after going through with it, lets time pass, changes the answer, or does something
else in between. `APPLICABLE` lists, for each operation, all that can happen to a call of it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
    SSLError,
)
from botocore.parsers import ResponseParserError

ENDPOINT: Final = "https://example.invalid"


class Died(BaseException):
    """The process stopped here: nothing after it was done, nothing was answered."""


class Clock:
    """The time of a function, which passes only where a fault or a pause lets it.

    It is Lambda's context, and `passes` is a pipeline's pause. A function that uses more than
    it has is stopped, as Lambda stops it.
    """

    def __init__(self, seconds: float = 60.0) -> None:
        self._limit = seconds
        self.now = 0.0
        self.ends = seconds
        self.invocations = 0

    def begin(self) -> None:
        """A new invocation, which has all of its time."""
        self.ends = self.now + self._limit
        self.invocations += 1

    def passes(self, seconds: float) -> None:
        """So much later."""
        self.now += seconds
        if self.now >= self.ends:
            raise Died("out of time")

    def get_remaining_time_in_millis(self) -> int:
        return round((self.ends - self.now) * 1000)


@dataclass(frozen=True)
class Call:
    """A call of an AWS operation: its number from 1, its name and its arguments."""

    number: int
    operation: str
    request: Mapping[str, Any]
    clock: Clock

    @property
    def actions(self) -> Sequence[Mapping[str, Any]]:
        """The actions of a transaction."""
        found: Sequence[Mapping[str, Any]] = self.request["TransactItems"]
        return found

    @property
    def targets(self) -> frozenset[str]:
        """The names of the tables, or the bucket or queue, that the call goes to."""
        request = self.request
        for name in ("TableName", "Bucket", "QueueUrl"):
            if name in request:
                return frozenset({request[name]})
        if "RequestItems" in request:
            return frozenset(request["RequestItems"])
        acted = chain.from_iterable(action.values() for action in self.actions)
        return frozenset(put["TableName"] for put in acted)


Proceed = Callable[[], Any]
Fault = Callable[[Call, Proceed], Any]
"""Takes a call over; `Proceed` goes through with it and gives its answer."""
Faults = Callable[[Call], Fault | None]


class Faulty:
    """A client that does as another one does, apart from its faults.

    Clients that are given the same `calls` are numbered together. What the direct wire offers
    beside the operations of AWS is not offered here: a call shows what it holds.
    """

    def __init__(
        self,
        client: Any,
        faults: Faults = lambda _: None,
        *,
        calls: list[Call] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._client = client
        self._faults = faults
        self._clock = clock or Clock(float("inf"))
        self.calls: list[Call] = [] if calls is None else calls

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        if operation == "written":
            raise AttributeError(operation)
        real = getattr(self._client, operation)

        def call(**request: Any) -> Any:
            with _counting:
                made = Call(len(self.calls) + 1, operation, request, self._clock)
                self.calls.append(made)
                fault = self._faults(made)
            return real(**request) if fault is None else fault(made, lambda: real(**request))

        return call

    def operations(self) -> list[str]:
        """What was called, in order."""
        return [call.operation for call in self.calls]


_counting: Final = threading.Lock()


# Where ---------------------------------------------------------------------------------------


def at_call(number: int, fault: Fault) -> Faults:
    """The fault at one call, counted over all operations."""
    return lambda call: fault if call.number == number else None


def at_calls(chosen: Mapping[int, Fault]) -> Faults:
    """Faults by the number of their call."""
    return lambda call: chosen.get(call.number)


def from_call(number: int, fault: Fault) -> Faults:
    """The fault at a call and at all after it, as long as the first invocation lasts."""

    def chosen(call: Call) -> Fault | None:
        return fault if call.number >= number and call.clock.invocations <= 1 else None

    return chosen


class Late:
    """The request of one call is on its way for long: nobody hears of it, and it arrives after
    so many other calls, or when it is told to."""

    def __init__(self, number: int, after: int) -> None:
        self._number = number
        self._due = number + after
        self._under_way: list[Proceed] = []

    def __call__(self, call: Call) -> Fault | None:
        if call.number >= self._due:
            self.arrive()
        return self._hold if call.number == self._number else None

    def _hold(self, call: Call, proceed: Proceed) -> Any:
        del call
        self._under_way.append(proceed)
        raise _network(ReadTimeoutError)

    def arrive(self) -> None:
        """It reaches the service, which may refuse it by now."""
        while self._under_way:
            with suppress(ClientError):
                self._under_way.pop()()


def on(operation: str, *faults: Fault | None) -> Faults:
    """The faults at the first calls of one operation, one after the other."""
    left = list(faults)

    def chosen(call: Call) -> Fault | None:
        return left.pop(0) if call.operation == operation and left else None

    return chosen


def always(operation: str, fault: Fault) -> Faults:
    """The fault at every call of one operation."""
    return lambda call: fault if call.operation == operation else None


# What ----------------------------------------------------------------------------------------


def aws_error(code: str, operation: str, status: int = 400, **more: Any) -> ClientError:
    """An error that AWS answers with. Its text holds what must never be logged."""
    response: Any = {
        "Error": {"Code": code, "Message": "Item 001190000017 Nguyễn Thị Mẫu"},
        "ResponseMetadata": {"HTTPStatusCode": status},
        **more,
    }
    return ClientError(response, operation)


def answers(code: str, status: int = 400) -> Fault:
    """The whole call is refused; nothing is done."""

    def fault(call: Call, _: Proceed) -> Any:
        raise aws_error(code, call.operation, status)

    return fault


def cancelled(*codes: str, at: int = 0) -> Fault:
    """The transaction is cancelled, for these reasons from action `at` on; nothing is done."""

    def fault(call: Call, _: Proceed) -> Any:
        reasons = [{"Code": "None"} for _ in call.actions]
        for index, code in enumerate(codes, start=at):
            reasons[index % len(reasons)] = {"Code": code}
        raise aws_error("TransactionCanceledException", call.operation, CancellationReasons=reasons)

    return fault


def cancelled_without_reasons(call: Call, _: Proceed) -> Any:
    """The transaction is cancelled and nothing says why."""
    raise aws_error("TransactionCanceledException", call.operation)


def unprocessed(read: Callable[[int], int]) -> Fault:
    """BatchGetItem answers for the first `read(n)` of a table's n keys and leaves the others."""

    def fault(call: Call, proceed: Proceed) -> Any:
        answer = proceed()
        later: dict[str, Any] = {}
        for table, wanted in call.request["RequestItems"].items():
            keys = wanted["Keys"]
            unread = keys[read(len(keys)) :]
            if not unread:
                continue
            later[table] = {**wanted, "Keys": unread}
            (name,) = unread[0]
            values = [key[name] for key in unread]
            items = answer["Responses"].get(table, [])
            answer["Responses"][table] = [item for item in items if item.get(name) not in values]
        return {**answer, "UnprocessedKeys": later}

    return fault


nothing_processed: Final = unprocessed(lambda _: 0)
half_processed: Final = unprocessed(lambda n: n // 2)
all_but_one_processed: Final = unprocessed(lambda n: n - 1)


def one_table_processed(call: Call, proceed: Proceed) -> Any:
    """BatchGetItem answers for the first of its tables and leaves the others."""
    answer = proceed()
    first, *others = sorted(call.request["RequestItems"])
    return {
        **answer,
        "Responses": {first: answer["Responses"].get(first, [])},
        "UnprocessedKeys": {table: call.request["RequestItems"][table] for table in others},
    }


def _network(error: type[BotoCoreError]) -> BotoCoreError:
    if issubclass(error, (ReadTimeoutError, ConnectTimeoutError)):
        return error(endpoint_url=ENDPOINT)
    return error(endpoint_url=ENDPOINT, error=OSError())


def cut(error: type[BotoCoreError] = EndpointConnectionError) -> Fault:
    """The connection fails before AWS hears anything."""

    def fault(call: Call, _: Proceed) -> Any:
        del call
        raise _network(error)

    return fault


def lost(error: type[BotoCoreError] = ConnectionClosedError) -> Fault:
    """The call goes through and its answer is lost."""

    def fault(call: Call, proceed: Proceed) -> Any:
        del call
        proceed()
        raise _network(error)

    return fault


def lost_in_an_error(call: Call, proceed: Proceed) -> Any:
    """The call goes through and is answered with a server's error."""
    proceed()
    raise aws_error("InternalServerError", call.operation, 500)


def garbled(call: Call, proceed: Proceed) -> Any:
    """The call goes through and nobody can read its answer."""
    proceed()
    raise ResponseParserError(f"Unable to parse the response of {call.operation}.")


def twice(call: Call, proceed: Proceed) -> Any:
    """The call goes through twice, as when a network repeats it after a lost answer."""
    del call
    proceed()
    return proceed()


def slow(seconds: float) -> Fault:
    """The answer takes its time."""

    def fault(call: Call, proceed: Proceed) -> Any:
        answer = proceed()
        call.clock.passes(seconds)
        return answer

    return fault


def slow_but_for(seconds: float) -> Fault:
    """The answer takes so long that so many seconds of the function's time are left."""

    def fault(call: Call, proceed: Proceed) -> Any:
        answer = proceed()
        call.clock.passes(max(0.0, call.clock.ends - call.clock.now - seconds))
        return answer

    return fault


def too_slow_to_hear(call: Call, proceed: Proceed) -> Any:
    """The connection is open and silent until the function is stopped; nothing was done."""
    del proceed
    call.clock.passes(call.clock.ends - call.clock.now)


def died_before(call: Call, _: Proceed) -> Any:
    """The process stops before the call."""
    raise Died(call.operation)


def died_after(call: Call, proceed: Proceed) -> Any:
    """The process stops after the call, before it knows."""
    proceed()
    raise Died(call.operation)


def meanwhile(work: Callable[[], object]) -> Fault:
    """Something else happens before the call goes through."""

    def fault(call: Call, proceed: Proceed) -> Any:
        del call
        work()
        return proceed()

    return fault


# All that can happen to a call ----------------------------------------------------------------

EVERYWHERE: Final[Mapping[str, Fault]] = {
    # refused
    "access denied": answers("AccessDeniedException"),
    "no such resource": answers("ResourceNotFoundException"),
    "credentials expired": answers("ExpiredTokenException"),
    "server error": answers("InternalServerError", 500),
    "unknown server error": answers("SomethingNew", 503),
    # throttled
    "throttled": answers("ThrottlingException"),
    "throughput exceeded": answers("ProvisionedThroughputExceededException"),
    "request limit": answers("RequestLimitExceeded"),
    "slow down": answers("SlowDown", 503),
    # cut before the service did the work
    "no connection": cut(EndpointConnectionError),
    "no connection in time": cut(ConnectTimeoutError),
    "no secure connection": cut(SSLError),
    "connection cut before": cut(ConnectionClosedError),
    # and after it
    "answer lost": lost(ConnectionClosedError),
    "answer too late": lost(ReadTimeoutError),
    "done but answered with an error": lost_in_an_error,
    "answer garbled": garbled,
    "done twice": twice,
    # delayed
    "slow": slow(9.0),
    "slow until little time is left": slow_but_for(5.5),
    "slow until no time is left but to answer": slow_but_for(2.0),
    "slow until it is stopped": slow_but_for(0.0),
    "silent until it is stopped": too_slow_to_hear,
    # the process killed
    "died before": died_before,
    "died after": died_after,
}
"""What can happen to a call of any operation."""

APPLICABLE: Final[Mapping[str, Mapping[str, Fault]]] = {
    "batch_get_item": {
        **EVERYWHERE,
        "no key processed": nothing_processed,
        "half of the keys processed": half_processed,
        "all keys but one processed": all_but_one_processed,
        "one table processed": one_table_processed,
    },
    "transact_write_items": {
        **EVERYWHERE,
        "conflict": cancelled("TransactionConflict"),
        "conflict on an entry": cancelled("TransactionConflict", at=1),
        "conflict on another record": cancelled("TransactionConflict", at=-1),
        "conflict on all": cancelled(*["TransactionConflict"] * 100),
        "condition failed": cancelled("ConditionalCheckFailed"),
        "condition of an entry failed": cancelled("ConditionalCheckFailed", at=2),
        "throttled action": cancelled("ThrottlingError", at=3),
        "throughput of an action": cancelled("ProvisionedThroughputExceeded"),
        "throttled and conflicting": cancelled("ThrottlingError", "TransactionConflict"),
        "duplicate item": cancelled("DuplicateItem", at=1),
        "an action is invalid": cancelled("ValidationError", at=1),
        "a reason unheard of": cancelled("SomethingNew"),
        "cancelled for nothing": cancelled("None"),
        "cancelled without reasons": cancelled_without_reasons,
        "conflict of the whole": answers("TransactionConflictException"),
        "still in progress": answers("TransactionInProgressException"),
        "token mismatch": answers("IdempotentParameterMismatchException"),
        "invalid for no reason": answers("ValidationException"),
    },
    "update_item": {
        **EVERYWHERE,
        "conflict with a transaction": answers("TransactionConflictException"),
    },
    "put_object": {
        **EVERYWHERE,
        "no such bucket": answers("NoSuchBucket", 404),
        "upload cut off": answers("RequestTimeout"),
        "internal error": answers("InternalError", 500),
    },
}
"""Operation -> what can happen to a call of it, by name."""
