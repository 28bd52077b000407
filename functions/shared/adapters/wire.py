"""DynamoDB's bulk operations with less of botocore on the way.

For a batch of events the service's own work is small beside what a general client does for each
call: botocore walks every attribute of every item along its service model, builds the request
twice, formats a user agent, parses the answer along the model again. Two steps leave that out,
and both hook into the client's own events, so nobody who calls the client sees a difference:

`quickened`  writes the request's body and reads the answer's with orjson. Everything else stays
             botocore's: endpoint, credentials, signature, connection, retries, errors.
`direct`     besides sends the request over a kept connection of its own, signed by the client's
             own signer. Only a plain 200 is taken from it. On anything else the call goes on
             through botocore as if nothing had been tried, with the same bytes and the same
             idempotency token, so errors and retries are always botocore's.

A client without the hooks sends requests of the same meaning and gives the same answers; tests
hold both equal, and the signed bytes equal to botocore's. The hooks lean on what botocore does
between its events `provide-client-params`, `before-call` and `before-parse`; `pyproject.toml`
keeps botocore within the range that the tests cover. The stack's parameter
`Wire=plain` leaves them out.
"""

from __future__ import annotations

import select
import socket
import ssl
import uuid
import weakref
from binascii import a2b_base64, b2a_base64
from dataclasses import dataclass
from threading import local
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit

import orjson
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ReadTimeoutError
from botocore.httpsession import get_cert_path

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_dynamodb.client import DynamoDBClient

_BODY: Final = "lienthong_body"
_WRITTEN: Final = ("TransactWriteItems", "BatchGetItem")
"""The operations whose requests grow with a batch."""
_READ: Final = "BatchGetItem"
"""The operation whose answer does."""


def quickened(client: DynamoDBClient) -> DynamoDBClient:
    """The client, its bulk operations written and read by orjson from now on."""
    events: Any = client.meta.events
    for operation in _WRITTEN:
        events.register_first(f"provide-client-params.dynamodb.{operation}", _write)
        events.register_first(f"before-call.dynamodb.{operation}", _put_in)
    events.register_first(f"before-parse.dynamodb.{_READ}", _parse)
    return client


def direct(client: DynamoDBClient) -> DynamoDBClient:
    """The client, quickened, its bulk operations sent over a connection of their own.

    Through a proxy, or where certificates are not to be checked, only quickened: botocore knows
    how to go that way.
    """
    quickened(client)
    url, config = client.meta.endpoint_url, cast(Any, client.meta.config)
    session = client._endpoint.http_session  # type: ignore[attr-defined]  # botocore's own place
    verify = session._verify
    if not verify or session._proxy_config.proxy_url_for(url) is not None:
        return client
    sender = _Sender(url, config.connect_timeout, config.read_timeout, get_cert_path(verify))
    events: Any = client.meta.events
    for operation in _WRITTEN:
        events.register_last(f"before-call.dynamodb.{operation}", sender.send)
    return client


# Writing and reading ------------------------------------------------------------------------


def _write(params: dict[str, Any], context: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Keeps the body for `_put_in` and gives botocore next to nothing to look at."""
    if "TransactItems" in params and "ClientRequestToken" not in params:
        # As botocore would: with it, the same request sent again is the same transaction.
        params = {**params, "ClientRequestToken": str(uuid.uuid4())}
    context[_BODY] = orjson.dumps(params, default=_base64)
    # Its endpoint rules look for table names given as ARNs, which ours never are.
    return {name: type(value)() for name, value in params.items()}


def _put_in(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    params["body"] = context.pop(_BODY)


def _base64(value: Any) -> str:
    if isinstance(value, bytes | bytearray):
        return b2a_base64(value, newline=False).decode("ascii")
    raise TypeError(f"A {type(value).__name__} has no place in a request.")


def _parse(
    response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any
) -> None:
    """Reads a good answer in place of botocore's parser; an error stays botocore's to read."""
    if response_dict["status_code"] != 200:
        return
    try:
        customized_response_dict.update(_read(response_dict["body"]))
    except (ValueError, AttributeError, TypeError):
        return  # no answer of DynamoDB: botocore's parser says so in its own way
    response_dict["body"] = b"{}"


def _read(body: bytes) -> dict[str, Any]:
    """The answer that botocore's parser would give. Raises what _parse names for anything else."""
    answer: dict[str, Any] = orjson.loads(body)
    for items in answer.get("Responses", {}).values():
        for item in items:
            _decode(item)
    return answer


def _decode(attributes: Mapping[str, dict[str, Any]]) -> None:
    """Base64 to bytes, in place, wherever the attributes or what they hold are binary."""
    for attribute in attributes.values():
        if "S" in attribute:
            continue
        if "B" in attribute:
            attribute["B"] = a2b_base64(attribute["B"])
        elif "M" in attribute:
            _decode(attribute["M"])
        elif "L" in attribute:
            for part in attribute["L"]:
                _decode({"": part})
        elif "BS" in attribute:
            attribute["BS"] = list(map(a2b_base64, attribute["BS"]))


# Sending ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Plain200:
    """The answer as far as botocore looks at it after a call."""

    headers: Mapping[str, str]
    status_code: int = 200


class _NotPlain(Exception):
    """What came is not a whole 200 of known length: botocore asks again and sees for itself."""


class _Sender:
    """Sends signed requests over one kept connection a thread.

    The time-outs are seconds, `certificates` is the file of those that are trusted.
    """

    def __init__(
        self, url: str, connect_timeout: float, read_timeout: float, certificates: str | None
    ) -> None:
        parts = urlsplit(url)
        self._url = url
        self._address = (parts.hostname or "", parts.port or (443 if _tls(parts.scheme) else 80))
        self._host = parts.netloc.rpartition("@")[2]
        self._times = (connect_timeout, read_timeout)
        # Protocol and names are checked as Python does by default.
        self._tls = ssl.create_default_context(cafile=certificates) if _tls(parts.scheme) else None
        self._kept = local()
        self._open: set[socket.socket] = set()
        weakref.finalize(self, _close_all, self._open)

    def send(
        self, model: Any, params: dict[str, Any], request_signer: Any, **_: Any
    ) -> tuple[_Plain200, dict[str, Any]] | None:
        """The answer to a call that went well, or None for botocore to make it.

        Raises botocore's ReadTimeoutError where the service did not answer in time.
        """
        body: bytes = params["body"]
        request = AWSRequest(method="POST", url=params["url"], data=body, headers=params["headers"])
        request_signer.sign(model.name, request)
        lines = [f"{name}: {_text(value)}\r\n" for name, value in request.headers.items()]
        head = (
            f"POST / HTTP/1.1\r\nHost: {self._host}\r\nAccept-Encoding: identity\r\n"
            f"Content-Length: {len(body)}\r\n{''.join(lines)}\r\n"
        )
        try:
            connection = self._connection()
            connection.sendall(head.encode("latin-1") + body)
            headers, received = _received(connection)
            answer = _read(received)
        except TimeoutError:  # the service has the request: asking again at once would be no help
            self._close()
            raise ReadTimeoutError(endpoint_url=self._url) from None
        except (OSError, _NotPlain, ValueError, AttributeError, TypeError):
            self._close()
            return None
        answer["ResponseMetadata"] = {
            "RequestId": headers.get("x-amzn-requestid", ""),
            "HTTPStatusCode": 200,
            "HTTPHeaders": headers,
            "RetryAttempts": 0,
        }
        return _Plain200(headers), answer

    def _connection(self) -> socket.socket:
        """This thread's connection; another one if the other side left while nobody called."""
        kept: socket.socket | None = getattr(self._kept, "connection", None)
        if kept is not None and not _is_at_its_end(kept):
            return kept
        self._close()
        connect_timeout, read_timeout = self._times
        try:
            made = socket.create_connection(self._address, connect_timeout)
            if self._tls is not None:
                made = self._tls.wrap_socket(made, server_hostname=self._address[0])
        except TimeoutError:
            raise ConnectionError("There is no connection in time.") from None
        self._open.add(made)
        made.settimeout(read_timeout)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._kept.connection = made
        return made

    def _close(self) -> None:
        kept: socket.socket | None = getattr(self._kept, "connection", None)
        self._kept.connection = None
        if kept is not None:
            self._open.discard(kept)
            kept.close()


def _close_all(connections: set[socket.socket]) -> None:
    for connection in connections:
        connection.close()


def _tls(scheme: str) -> bool:
    return scheme == "https"


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _is_at_its_end(connected: socket.socket) -> bool:
    """Whether there is something to read where nothing is awaited: the end, or nonsense."""
    if isinstance(connected, ssl.SSLSocket) and connected.pending():
        return True
    readable, _, _ = select.select([connected], [], [], 0)
    return bool(readable)


def _received(connection: socket.socket) -> tuple[dict[str, str], bytes]:
    """Headers (names in lower case) and body of an HTTP/1.1 answer of status 200.

    Raises _NotPlain for any other answer, and for one that ends before its time.
    """
    received = bytearray()
    while (end := received.find(b"\r\n\r\n")) < 0:
        if len(received) > _LONGEST_HEAD:
            raise _NotPlain
        received += _some(connection)
    status, *lines = received[:end].decode("latin-1").split("\r\n")
    if not status.startswith("HTTP/1.1 200 "):
        raise _NotPlain
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    length = headers.get("content-length", "")
    if not length.isdecimal() or "transfer-encoding" in headers or "content-encoding" in headers:
        raise _NotPlain
    del received[: end + 4]
    missing = int(length) - len(received)
    while missing > 0:
        part = _some(connection)
        received += part
        missing -= len(part)
    if missing < 0:
        raise _NotPlain
    if headers.get("connection", "").lower() == "close":
        connection.shutdown(socket.SHUT_WR)  # seen as its end by whoever calls next
    return headers, bytes(received)


def _some(connection: socket.socket) -> bytes:
    part = connection.recv(_READ_AT_ONCE)
    if not part:
        raise _NotPlain
    return part


_LONGEST_HEAD: Final = 64 * 1024
_READ_AT_ONCE: Final = 256 * 1024
