"""DynamoDB's bulk operations, and queries, without most of botocore on the way.

For a batch of events the service's own work is small beside what a general client does for each
call: botocore walks every attribute of every item along its service model, resolves an endpoint,
builds the request twice, formats a user agent and parses the answer along the model again. Here a
bulk request is written and its answer read by orjson, signed with credentials, key and hashes of
the client's own signer, and sent over a kept connection. Only a plain 200 is taken from it. On
anything else the call is made again through botocore as if nothing had been tried, with the same
idempotency token, so credentials, errors and retries are always botocore's.

Tests hold that requests mean what botocore's mean, that answers read as botocore reads them, and
that the bytes that are sent are the bytes that are signed, as botocore would sign them. What is
leaned on of botocore is its signer and where a client keeps its connection settings;
`pyproject.toml` keeps it within the range that the tests cover. The stack's parameter `Wire=plain`
leaves all of this out.
"""

from __future__ import annotations

import select
import socket
import ssl
import uuid
import weakref
from binascii import a2b_base64, b2a_base64
from hashlib import sha256
from threading import local
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit
from zlib import crc32

import orjson
from botocore.awsrequest import AWSRequest
from botocore.compat import get_current_datetime
from botocore.exceptions import NoCredentialsError, ReadTimeoutError
from botocore.httpsession import get_cert_path

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_dynamodb.client import DynamoDBClient

_TARGET: Final = "DynamoDB_20120810."
_SIGNATURE: Final = "v4"


def direct(client: DynamoDBClient) -> DynamoDBClient:
    """The client with its bulk operations sent directly; all others are its own as before.

    Through a proxy, where certificates are not to be checked, to an endpoint below a path, or with
    another signature than that of version 4, it is the client itself: botocore knows how to go
    that way.
    """
    session = client._endpoint.http_session  # type: ignore[attr-defined]  # botocore's own place
    endpoint = client.meta.endpoint_url
    through = session._proxy_config.proxy_url_for(endpoint)
    signature = client.meta.config.signature_version  # type: ignore[attr-defined]  # as resolved
    if through is not None or not session._verify or signature != _SIGNATURE:
        return client
    if urlsplit(endpoint).path not in ("", "/"):
        return client
    return cast("DynamoDBClient", _Direct(client, get_cert_path(session._verify)))


def sends_directly(client: DynamoDBClient) -> bool:
    """Whether the client takes actions that are `Written`."""
    return isinstance(client, _Direct)


def written(client: DynamoDBClient, action: Any) -> Any:
    """An action of a transaction in the form that its client sends at the least cost.

    Written while what it is made of is at hand, it takes half of the time of writing all of a
    transaction's together later.
    """
    if not sends_directly(client):
        return action
    return Written(_json(action))


class _Direct:
    """A client that does as another one does, its bulk operations and queries at less cost.

    Safe among threads: each has a connection of its own.
    """

    def __init__(self, client: Any, certificates: str | None) -> None:
        self._client = client
        config = client.meta.config
        self._url: str = client.meta.endpoint_url
        self._host = urlsplit(self._url).netloc.rpartition("@")[2]
        self._agent: str = config.user_agent
        self._line = _Line(self._url, config.connect_timeout, config.read_timeout, certificates)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def transact_write_items(self, **request: Any) -> Any:
        """As the client's own. As there, every request has an idempotency token."""
        request.setdefault("ClientRequestToken", str(uuid.uuid4()))
        answer = self._sent("TransactWriteItems", _transaction(request))
        if answer is not None:
            return answer
        request["TransactItems"] = list(map(plainly, request["TransactItems"]))
        return self._client.transact_write_items(**request)

    def batch_get_item(self, **request: Any) -> Any:
        """As the client's own."""
        answer = self._sent("BatchGetItem", _json(request))
        return self._client.batch_get_item(**request) if answer is None else answer

    def query(self, **request: Any) -> Any:
        """As the client's own."""
        answer = self._sent("Query", _json(request))
        return self._client.query(**request) if answer is None else answer

    def _sent(self, operation: str, body: bytes) -> dict[str, Any] | None:
        """The answer to a call that went well, or None for botocore to make it.

        Raises botocore's ReadTimeoutError where the service did not answer in time, and what
        its signer raises where there are no credentials.
        """
        request = self._signed(operation, body)
        try:
            headers, received = self._line.ask(request)
            checksum = headers.get("x-amz-crc32")
            if checksum is not None and int(checksum) != crc32(received):
                return None  # botocore asks anew as well
            answer = _read(received)
        except TimeoutError:  # the service has the request: asking again at once would be no help
            raise ReadTimeoutError(endpoint_url=self._url) from None
        except (OSError, _NotPlain, ValueError, AttributeError, TypeError):
            return None
        answer["ResponseMetadata"] = {
            "RequestId": headers.get("x-amzn-requestid", ""),
            "HTTPStatusCode": 200,
            "HTTPHeaders": headers,
            "RetryAttempts": 0,
        }
        return answer

    def _signed(self, operation: str, body: bytes) -> bytes:
        """The HTTP request. Credentials, key and signature are botocore's; the text that is signed
        is written here, from what is sent: finding it in a request takes botocore most of a call.
        """
        signer = self._client._request_signer
        auth = signer.get_auth_instance(signer.signing_name, signer.region_name)
        if auth.credentials is None:
            raise NoCredentialsError
        at = get_current_datetime().strftime("%Y%m%dT%H%M%SZ")
        digest = sha256(body).hexdigest()
        token = auth.credentials.token
        headers = [  # in the order of their names
            ("Content-Type", "application/x-amz-json-1.0"),
            ("Host", self._host),
            ("X-Amz-Content-SHA256", digest),
            ("X-Amz-Date", at),
            *([("X-Amz-Security-Token", token)] if token else []),
            ("X-Amz-Target", f"{_TARGET}{operation}"),
        ]
        names = ";".join([name.lower() for name, _ in headers])
        canonical = "".join([f"{name.lower()}:{value}\n" for name, value in headers])
        moment = AWSRequest()
        moment.context["timestamp"] = at
        text = auth.string_to_sign(moment, f"POST\n/\n\n{canonical}\n{names}\n{digest}")
        lines = "".join([f"{name}: {value}\r\n" for name, value in headers])
        head = (
            f"POST / HTTP/1.1\r\n{lines}Accept-Encoding: identity\r\nUser-Agent: {self._agent}\r\n"
            f"Content-Length: {len(body)}\r\nAuthorization: AWS4-HMAC-SHA256"
            f" Credential={auth.scope(moment)}, SignedHeaders={names},"
            f" Signature={auth.signature(text, moment)}\r\n\r\n"
        )
        return head.encode("latin-1") + body


# Writing and reading ------------------------------------------------------------------------


def _transaction(request: Mapping[str, Any]) -> bytes:
    """A transaction as the JSON that is sent: what is written of it already is only joined."""
    items = request["TransactItems"]
    actions = [item.json if type(item) is Written else _json(item) for item in items]
    besides = {name: value for name, value in request.items() if name != "TransactItems"}
    return b'{"TransactItems":[%b],%b' % (b",".join(actions), _json(besides)[1:])


def _json(value: Any) -> bytes:
    return orjson.dumps(value, default=_as_json)


def plainly(action: Any) -> Any:
    """An action, `Written` or not, as botocore takes it."""
    if not isinstance(action, Written):
        return action
    plain = orjson.loads(action.json)
    for part in plain.values():
        for name in ("Item", "Key", "ExpressionAttributeValues"):
            _decode(part.get(name, {}))
    return plain


class Written:
    """An action of a transaction as the JSON that is sent."""

    __slots__ = ("json",)

    def __init__(self, json: bytes) -> None:
        self.json = json


def _as_json(value: Any) -> Any:
    if type(value) is bytes:
        return b2a_base64(value, newline=False).decode("ascii")
    raise TypeError(f"A {type(value).__name__} has no place in a request.")


def _read(body: bytes) -> dict[str, Any]:
    """The answer as botocore's parser would give it.

    Raises ValueError, TypeError or AttributeError for what DynamoDB does not answer.
    """
    answer: dict[str, Any] = orjson.loads(body)
    for items in answer.get("Responses", {}).values():
        for item in items:
            _decode(item)
    for item in answer.get("Items", ()):
        _decode(item)
    _decode(answer.get("LastEvaluatedKey", {}))
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


class _NotPlain(Exception):
    """What came is not a whole 200 of known length."""


class _Line:
    """A kept connection a thread. Time-outs are seconds; `certificates` is a file, or None for
    those of the system."""

    def __init__(
        self, url: str, connect_timeout: float, read_timeout: float, certificates: str | None
    ) -> None:
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        self._address = (parts.hostname or "", parts.port or (443 if secure else 80))
        self._times = (connect_timeout, read_timeout)
        # Protocol and names are checked as Python does by default.
        self._tls = ssl.create_default_context(cafile=certificates) if secure else None
        self._kept = local()
        self._open: set[socket.socket] = set()
        weakref.finalize(self, _close_all, self._open)

    def ask(self, request: bytes) -> tuple[dict[str, str], bytes]:
        """Headers (names in lower case) and body of the answer to a request.

        Raises TimeoutError where the answer did not come in time, _NotPlain for another one than
        a whole 200, OSError where there is no connection or it broke.
        """
        try:
            connection = self._connection()
            connection.sendall(request)
            return _received(connection)
        except (OSError, _NotPlain):
            self._close()
            raise

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
