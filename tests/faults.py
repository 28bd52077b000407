"""What AWS does and emulators never do: a client that fails where a test says so.

`Faulty` stands in for a boto3 client and passes every call on. For each it asks `faults`, by
the number of the call or by the call itself, and what it gets takes the call over: it raises
before or after going through with it, changes the answer, or does something else in between.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)

ENDPOINT: Final = "https://example.invalid"


class Died(BaseException):
    """The process stopped here: nothing after it was done, nothing was answered."""


@dataclass(frozen=True)
class Call:
    """A call of an AWS operation: its number from 1, its name and its arguments."""

    number: int
    operation: str
    request: Mapping[str, Any]

    @property
    def actions(self) -> Sequence[Mapping[str, Any]]:
        """The actions of a transaction."""
        found: Sequence[Mapping[str, Any]] = self.request["TransactItems"]
        return found


Proceed = Callable[[], Any]
Fault = Callable[[Call, Proceed], Any]
"""Takes a call over; `Proceed` goes through with it and gives its answer."""
Faults = Callable[[Call], Fault | None]


class Faulty:
    """A client that does as another one does, apart from its faults."""

    def __init__(self, client: Any, faults: Faults = lambda _: None) -> None:
        self._client = client
        self._faults = faults
        self.calls: list[Call] = []

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        real = getattr(self._client, operation)

        def call(**request: Any) -> Any:
            made = Call(len(self.calls) + 1, operation, request)
            self.calls.append(made)
            fault = self._faults(made)
            return real(**request) if fault is None else fault(made, lambda: real(**request))

        return call

    def operations(self) -> list[str]:
        """What was called, in order."""
        return [call.operation for call in self.calls]


# Where ---------------------------------------------------------------------------------------


def at_call(number: int, fault: Fault) -> Faults:
    """The fault at one call, counted over all operations."""
    return lambda call: fault if call.number == number else None


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
