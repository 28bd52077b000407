"""DynamoDB on a port of this machine, over tables in memory, breaking its connections at will.

It speaks as much HTTP and DynamoDB as botocore needs. What a test puts in the way of a request, by
its number, gets the connection and the work, and says whether the connection goes on.
"""

from __future__ import annotations

import json
import socket
import socketserver
import threading
import zlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, Final

from botocore.exceptions import ClientError

from tests.integration.functions.memory import Tables

Work = Callable[[], tuple[int, bytes]]
"""Does what is asked; gives the status and the body of its answer."""
Break = Callable[[socket.socket, Work], bool]
_OPERATIONS: Final[Mapping[str, str]] = {
    "BatchGetItem": "batch_get_item",
    "TransactWriteItems": "transact_write_items",
    "UpdateItem": "update_item",
}


class Service(socketserver.ThreadingTCPServer):
    """The service; `asked` has the operation of every request, `breaks` what is in its way.

    `repeated` counts transactions that came again under their token and were not done again.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self._lock = threading.Lock()
        self.serve(Tables(), {})

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def serve(self, tables: Tables, breaks: Mapping[int, Break]) -> None:
        """From now on these tables, with this in the way of requests, counted anew."""
        with self._lock:
            self.tables = tables
            self.breaks = breaks
            self.asked: list[str] = []
            self.repeated = 0
            self._done: dict[str, Any] = {}

    def taken(self, target: str) -> Break:
        """Counts a request; what is in its way, or nothing."""
        with self._lock:
            self.asked.append(target.rpartition(".")[2])
            return self.breaks.get(len(self.asked), _whole)

    def work(self, target: str, body: bytes) -> tuple[int, bytes]:
        """Does what is asked. The same transaction under the same token is done once."""
        operation = target.rpartition(".")[2]
        request = json.loads(body)
        token = request.pop("ClientRequestToken", None)
        try:
            with self._lock:
                if token is not None and token in self._done:
                    if self._done[token] == request:
                        self.repeated += 1
                        return 200, b"{}"
                    raise _mismatch()
                call = getattr(self.tables, _OPERATIONS[operation])
                answer = call(**_translated(request, b64decode))
                if token is not None:
                    self._done[token] = request
        except ClientError as error:
            response: Any = error.response
            told = {
                "__type": f"com.amazonaws.dynamodb.v20120810#{response['Error']['Code']}",
                "message": response["Error"]["Message"],
            }
            if "CancellationReasons" in response:
                told["CancellationReasons"] = response["CancellationReasons"]
            return 400, json.dumps(told).encode()
        encoded = _translated(answer or {}, lambda b: b64encode(b).decode())
        return 200, json.dumps(encoded).encode()


def _mismatch() -> ClientError:
    return ClientError(
        {"Error": {"Code": "IdempotentParameterMismatchException", "Message": "Another request."}},
        "TransactWriteItems",
    )


def _translated(value: Any, binary: Callable[[Any], Any]) -> Any:
    """The value with what its binary attributes hold translated."""
    if isinstance(value, list):
        return [_translated(part, binary) for part in value]
    if not isinstance(value, dict):
        return value
    if list(value) == ["B"] and not isinstance(value["B"], dict):
        return {"B": binary(value["B"])}
    return {name: _translated(part, binary) for name, part in value.items()}


class _Connection(socketserver.BaseRequestHandler):
    server: Service

    def handle(self) -> None:
        with suppress(OSError), self.request.makefile("rb") as lines:
            goes_on = True
            while goes_on and lines.readline():
                headers: dict[str, str] = {}
                while line := lines.readline().strip():
                    name, _, value = line.decode("latin-1").partition(":")
                    headers[name.lower()] = value.strip()
                body = lines.read(int(headers.get("content-length", 0)))
                target = headers.get("x-amz-target", "")
                way = self.server.taken(target)
                goes_on = way(self.request, partial(self.server.work, target, body))


def answer(status: int, body: bytes, kind: str = "application/x-amz-json-1.0") -> bytes:
    """An answer as it goes over the wire."""
    head = (
        f"HTTP/1.1 {status} Told\r\nContent-Type: {kind}\r\nx-amzn-RequestId: R\r\n"
        f"x-amz-crc32: {zlib.crc32(body)}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def _whole(connection: socket.socket, work: Work) -> bool:
    connection.sendall(answer(*work()))
    return True


# What can happen on the way ------------------------------------------------------------------


def _cut_before(connection: socket.socket, work: Work) -> bool:
    del connection, work
    return False


def _cut_after(connection: socket.socket, work: Work) -> bool:
    del connection
    work()
    return False


def _reset_after(connection: socket.socket, work: Work) -> bool:
    work()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()
    return False


def _half(connection: socket.socket, work: Work) -> bool:
    told = answer(*work())
    connection.sendall(told[: len(told) - max(1, len(told) // 8)])
    return False


def _head_alone(connection: socket.socket, work: Work) -> bool:
    told = answer(*work())
    connection.sendall(told[: told.index(b"\r\n\r\n") + 2])
    return False


def _closes_politely(connection: socket.socket, work: Work) -> bool:
    told = answer(*work()).replace(b"Content-Length", b"Connection: close\r\nContent-Length", 1)
    connection.sendall(told)
    return False


def _closes_unsaid(connection: socket.socket, work: Work) -> bool:
    _whole(connection, work)
    return False


def _in_pieces(connection: socket.socket, work: Work) -> bool:
    told = answer(*work())
    for start in range(0, len(told), 97):
        connection.sendall(told[start : start + 97])
    return True


def _chunked(connection: socket.socket, work: Work) -> bool:
    status, body = work()
    connection.sendall(
        f"HTTP/1.1 {status} Told\r\nTransfer-Encoding: chunked\r\n\r\n{len(body):x}\r\n".encode()
        + body
        + b"\r\n0\r\n\r\n"
    )
    return True


def _says(status: int, body: bytes, kind: str = "application/x-amz-json-1.0") -> Break:
    def way(connection: socket.socket, work: Work) -> bool:
        del work
        connection.sendall(answer(status, body, kind))
        return True

    return way


def _done_but(status: int, body: bytes, kind: str = "application/x-amz-json-1.0") -> Break:
    def way(connection: socket.socket, work: Work) -> bool:
        work()
        connection.sendall(answer(status, body, kind))
        return True

    return way


def _throttled_and_cut_off(connection: socket.socket, work: Work) -> bool:
    del work
    connection.sendall(answer(400, _THROTTLED)[:-20])
    return False


def _raw(told: bytes) -> Break:
    def way(connection: socket.socket, work: Work) -> bool:
        work()
        connection.sendall(told)
        return False

    return way


_THROTTLED: Final = b'{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException"}'
_FAILED: Final = b'{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError"}'
BREAKS: Final[Mapping[str, Break]] = {
    "cut before the work": _cut_before,
    "cut after the work": _cut_after,
    "reset after the work": _reset_after,
    "half an answer": _half,
    "a head alone": _head_alone,
    "closed with notice": _closes_politely,
    "closed without notice": _closes_unsaid,
    "an answer in pieces": _in_pieces,
    "an answer in chunks": _chunked,
    "throttled": _says(400, _THROTTLED),
    "throttled, and cut off": _throttled_and_cut_off,
    "a server's error after the work": _done_but(500, _FAILED),
    "a proxy's page after the work": _done_but(502, b"<html>Bad gateway</html>", "text/html"),
    "a good status and a page": _done_but(200, b"<html>Sign in</html>", "text/html"),
    "no HTTP": _raw(b"\x15\x03\x01 nonsense\r\n\r\n"),
    "an endless head": _raw(b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 20_000),
}
"""What can happen to a request on its way and to its answer."""


@contextmanager
def running() -> Iterator[Service]:
    """A service while the block runs."""
    service = Service()
    thread = threading.Thread(target=service.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield service
    finally:
        service.shutdown()
        thread.join()
        service.server_close()
