"""DynamoDB's bulk operations with less of botocore on the way.

For a batch of events the service's own work is small beside what a general client does for each
call: botocore walks every attribute of every item along its service model, builds the request
twice, formats a user agent, parses the answer along the model again. Two steps leave that out,
and both hook into the client's own events, so nobody who calls the client sees a difference:

`quickened`  writes the request's body and reads the answer's with orjson. Everything else stays
             botocore's: endpoint, credentials, signature, connection, retries, errors.
`direct`     besides sends the request over a connection of its own (`http.client`), signed by
             the client's own signer. Only a plain 200 is taken from it. On anything else the
             call goes on through botocore as if nothing had been tried, with the same bytes and
             the same idempotency token, so errors and retries are always botocore's.

A client without the hooks sends requests of the same meaning and gives the same answers; tests
hold both equal, and the signed bytes equal to botocore's. The hooks lean on what botocore does
between its events `provide-client-params`, `before-call` and `before-parse`; `pyproject.toml`
keeps botocore within the range that the tests cover. The stack's parameter
`Wire=plain` leaves them out.
"""

from __future__ import annotations

import http.client
import select
import socket
import ssl
import uuid
from binascii import a2b_base64, b2a_base64
from dataclasses import dataclass, field
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


@dataclass(frozen=True, slots=True)
class _Sender:
    """Sends signed requests over one kept connection a thread.

    The time-outs are seconds, `certificates` the file of those that are trusted.
    """

    url: str
    connect_timeout: float
    read_timeout: float
    certificates: str | None
    _kept: local = field(default_factory=local)

    def send(
        self, model: Any, params: dict[str, Any], request_signer: Any, **_: Any
    ) -> tuple[_Plain200, dict[str, Any]] | None:
        """The answer to a call that went well, or None for botocore to make it.

        Raises botocore's ReadTimeoutError where the service did not answer in time.
        """
        request = AWSRequest(
            method="POST", url=params["url"], data=params["body"], headers=params["headers"]
        )
        request_signer.sign(model.name, request)
        connection = self._connection()
        try:
            if connection.sock is None:
                self._connect(connection)
            connection.request("POST", "/", request.data, dict(request.headers))
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != 200:
                return None
            parsed = _read(body)
        except TimeoutError:  # it has the request: asking again at once would be no help
            connection.close()
            raise ReadTimeoutError(endpoint_url=self.url) from None
        except (OSError, http.client.HTTPException, ValueError, AttributeError, TypeError):
            connection.close()
            return None
        headers = dict(answer.headers)
        parsed["ResponseMetadata"] = {
            "RequestId": headers.get("x-amzn-RequestId", ""),
            "HTTPStatusCode": 200,
            "HTTPHeaders": headers,
            "RetryAttempts": 0,
        }
        return _Plain200(headers), parsed

    def _connection(self) -> http.client.HTTPConnection:
        """This thread's connection, closed if the other side left while nobody called."""
        connection: http.client.HTTPConnection | None = getattr(self._kept, "connection", None)
        if connection is None:
            connection = self._kept.connection = self._made()
        if connection.sock is not None and _is_at_its_end(connection.sock):
            connection.close()
        return connection

    def _made(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.url)
        host = parts.hostname or ""
        if parts.scheme == "http":
            return _Connection(host, parts.port, timeout=self.connect_timeout)
        context = ssl.create_default_context(cafile=self.certificates)
        return _SecureConnection(host, parts.port, timeout=self.connect_timeout, context=context)

    def _connect(self, connection: http.client.HTTPConnection) -> None:
        try:
            connection.connect()
        except TimeoutError:
            raise ConnectionError("No connection in time.") from None
        connection.sock.settimeout(self.read_timeout)
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)


class _Connection(http.client.HTTPConnection):
    """A connection that closes when nobody has it any more, as those of botocore's pool do."""

    def __del__(self) -> None:
        self.close()


class _SecureConnection(_Connection, http.client.HTTPSConnection):
    """The same over TLS."""


def _is_at_its_end(connected: socket.socket) -> bool:
    """Whether there is something to read where nothing is awaited: the end, or nonsense."""
    if isinstance(connected, ssl.SSLSocket) and connected.pending():
        return True
    readable, _, _ = select.select([connected], [], [], 0)
    return bool(readable)
