"""The direct wire: the same requests, answers and errors as botocore's, and never one lost."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final

import botocore.session
import pytest
from botocore import UNSIGNED
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    NoCredentialsError,
    ReadTimeoutError,
)
from hypothesis import given
from hypothesis import strategies as st

from functions.shared.adapters.clients import Clients
from functions.shared.adapters.wire import direct, written

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

ITEM: Final[dict[str, Any]] = {
    "personal_id": {"S": "001190000017"},
    "full_name": {"S": "Nguyễn Thị Mẫu"},
    "version": {"N": "3"},
    "lanes": {"B": b"[\x00\xff]"},
    "residence": {"M": {"commune": {"S": "00070"}, "seal": {"B": b""}}},
    "steps": {"L": [{"M": {"text": {"S": 'a "b"\n'}}}, {"B": b"x"}]},
    "held": {"BOOL": True},
    "gone": {"NULL": True},
    "seals": {"BS": [b"1", b"22"]},
}
KEYS: Final[dict[str, Any]] = {
    "People": {"Keys": [{"personal_id": {"S": "001190000017"}}], "ConsistentRead": True}
}
PUT: Final[list[Any]] = [
    {
        "Put": {
            "TableName": "People",
            "Item": ITEM,
            "ConditionExpression": "attribute_not_exists(personal_id)",
        }
    }
]
ANSWER: Final = (
    b'{"Responses":{"People":[{"personal_id":{"S":"001190000017"},"full_name":{"S":"Nguy\xe1\xbb'
    b'\x85n Th\xe1\xbb\x8b M\xe1\xba\xabu"},"version":{"N":"3"},"lanes":{"B":"WwD/XQ=="},'
    b'"residence":{"M":{"commune":{"S":"00070"},"seal":{"B":""}}},'
    b'"steps":{"L":[{"M":{"text":{"S":"a \\"b\\"\\n"}}},{"B":"eA=="}]},'
    b'"held":{"BOOL":true},"gone":{"NULL":true},"seals":{"BS":["MQ==","MjI="]}}]},'
    b'"UnprocessedKeys":{}}'
)
CANCELLED: Final = json.dumps(
    {
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": "Transaction cancelled",
        "CancellationReasons": [{"Code": "ConditionalCheckFailed"}],
    }
).encode()


@dataclass
class Asked:
    """A request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


Reply = Callable[[BaseHTTPRequestHandler], None]


def with_status(status: int, body: bytes) -> Reply:
    """An answer as DynamoDB sends it."""

    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", "application/x-amz-json-1.0")
        handler.send_header("Content-Length", str(len(body)))
        handler.send_header("x-amzn-RequestId", "R")
        handler.end_headers()
        handler.wfile.write(body)

    return reply


def hung_up(handler: BaseHTTPRequestHandler) -> None:
    """The connection closes instead of an answer."""
    handler.close_connection = True


def cut_short(handler: BaseHTTPRequestHandler) -> None:
    """The connection closes in the middle of the answer."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"Resp')
    handler.close_connection = True


def then_gone(reply: Reply) -> Reply:
    """Answers and closes the connection, as a service does with one that was idle too long."""

    def both(handler: BaseHTTPRequestHandler) -> None:
        reply(handler)
        handler.close_connection = True

    return both


def never(handler: BaseHTTPRequestHandler) -> None:
    """No answer: the other side has to lose its patience."""
    handler.connection.recv(1)


@dataclass
class Service:
    """A server on this machine that keeps what it is asked and replies as told."""

    url: str
    asked: list[Asked] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)

    def client(self, token: str | None = "token", signature: Any = None) -> DynamoDBClient:
        """A client of botocore's alone."""
        config = Config(
            signature_version=signature,
            connect_timeout=2,
            read_timeout=0.5,
            retries={"mode": "standard", "total_max_attempts": 2},
            parameter_validation=False,
        )
        made: DynamoDBClient = botocore.session.get_session().create_client(  # type: ignore[assignment]
            "dynamodb",
            "ap-southeast-1",
            endpoint_url=self.url,
            aws_access_key_id="AKIATEST",
            aws_secret_access_key="secret",
            aws_session_token=token,
            config=config,
        )
        return made


@contextmanager
def serving(*replies: Reply) -> Iterator[Service]:
    """A service that replies so, one after the other, the last one for ever."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            service.asked.append(Asked("POST", self.path, dict(self.headers), body))
            reply = service.replies[0] if len(service.replies) == 1 else service.replies.pop(0)
            reply(self)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    service = Service(f"http://127.0.0.1:{server.server_address[1]}", replies=list(replies))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def without_metadata(answer: Any) -> dict[str, Any]:
    return {name: part for name, part in answer.items() if name != "ResponseMetadata"}


def test_an_answer_is_read_as_botocore_reads_it() -> None:
    with serving(with_status(200, ANSWER)) as service:
        plain = service.client().batch_get_item(RequestItems=KEYS)
        found = direct(service.client()).batch_get_item(RequestItems=KEYS)
    assert without_metadata(found) == without_metadata(plain)
    assert found["Responses"]["People"] == [ITEM]
    assert found["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_a_query_is_asked_and_read_as_botocore_does_it() -> None:
    body = (
        b'{"Count":1,"ScannedCount":1,"Items":[{"insurance_number":{"S":"0123456790"},'
        b'"lanes":{"B":"WwD/XQ=="}}],"LastEvaluatedKey":{"insurance_number":{"S":"0123456790"},'
        b'"seal":{"B":"eA=="}}}'
    )
    request: Any = {
        "TableName": "InsuranceCards",
        "IndexName": "by-person",
        "KeyConditionExpression": "personal_id=:v",
        "ExpressionAttributeValues": {":v": {"S": "001190000017"}},
        "Limit": 51,
        "ExclusiveStartKey": {"insurance_number": {"S": "1"}, "seal": {"B": b"x"}},
    }
    with serving(with_status(200, body)) as service:
        plain = service.client().query(**request)
        found = direct(service.client()).query(**request)
    assert without_metadata(found) == without_metadata(plain)
    assert found["LastEvaluatedKey"]["seal"] == {"B": b"x"}
    one, other = service.asked
    assert json.loads(one.body) == json.loads(other.body)
    assert one.headers["X-Amz-Target"] == other.headers["X-Amz-Target"]


def test_what_a_query_fails_with_is_botocores_own() -> None:
    with serving(with_status(400, b'{"__type":"x#ResourceNotFoundException"}')) as service:
        client = direct(service.client())
        with pytest.raises(ClientError, match="ResourceNotFoundException"):
            client.query(TableName="People", KeyConditionExpression="a=:a")
    assert len(service.asked) == 2


def test_a_request_means_what_botocores_means() -> None:
    with serving(with_status(200, b"{}")) as service:
        for client in (service.client(), direct(service.client())):
            client.transact_write_items(TransactItems=PUT, ClientRequestToken="t")
            client.batch_get_item(RequestItems=KEYS)
    plain, quick = service.asked[:2], service.asked[2:]
    for one, other in zip(plain, quick, strict=True):
        assert json.loads(one.body) == json.loads(other.body)
        for name in ("X-Amz-Target", "Content-Type", "Host", "X-Amz-Security-Token"):
            assert one.headers[name] == other.headers[name]
        assert (one.method, one.path) == (other.method, other.path)


@pytest.mark.parametrize("token", ["token", None])
def test_the_bytes_that_are_sent_are_the_bytes_that_are_signed(token: str | None) -> None:
    with serving(with_status(200, b"{}")) as service:
        direct(service.client(token)).transact_write_items(TransactItems=PUT)
    (asked,) = service.asked
    assert asked.headers.get("X-Amz-Security-Token") == token
    assert asked.headers["Authorization"] == signature_of(asked, service.url, token)


def test_no_header_that_counts_goes_unsigned() -> None:
    with serving(with_status(200, b"{}")) as service:
        direct(service.client()).transact_write_items(TransactItems=PUT)
    (asked,) = service.asked
    _, _, signed = asked.headers["Authorization"].partition("SignedHeaders=")
    left_out = {name.lower() for name in asked.headers} - set(signed.partition(",")[0].split(";"))
    assert left_out == {"accept-encoding", "authorization", "content-length", "user-agent"}


def signature_of(asked: Asked, url: str, token: str | None) -> str:
    """The Authorization that botocore's own signer gives a request like this one."""
    signed = asked.headers["Authorization"].partition("SignedHeaders=")[2].partition(",")[0]
    headers = {name: value for name, value in asked.headers.items() if name.lower() in signed}
    date = headers.pop("X-Amz-Date")
    headers.pop("X-Amz-Security-Token", None)
    request = AWSRequest("POST", f"{url}{asked.path}", headers, asked.body)
    request.context["timestamp"] = date
    credentials = Credentials("AKIATEST", "secret", token)
    signer = SigV4Auth(credentials, "dynamodb", "ap-southeast-1")
    request.headers["X-Amz-Date"] = date
    if token is not None:
        request.headers["X-Amz-Security-Token"] = token
    text = signer.string_to_sign(request, signer.canonical_request(request))
    return (
        f"AWS4-HMAC-SHA256 Credential={signer.scope(request)}, "
        f"SignedHeaders={signed}, Signature={signer.signature(text, request)}"
    )


def test_whoever_has_no_credentials_is_told_so() -> None:
    with serving(with_status(200, b"{}")) as service:
        client = direct(service.client())
        client._request_signer._credentials = None  # type: ignore[attr-defined]  # as on a bare machine
        with pytest.raises(NoCredentialsError):
            client.batch_get_item(RequestItems=KEYS)
    assert service.asked == []


def test_with_another_signature_botocore_sends() -> None:
    with serving(with_status(200, ANSWER)) as service:
        client = service.client(signature=UNSIGNED)
        assert direct(client) is client
        assert client.batch_get_item(RequestItems=KEYS)["Responses"]["People"] == [ITEM]
    assert "Authorization" not in service.asked[0].headers


def test_every_transaction_has_a_token_and_keeps_its_own() -> None:
    with serving(with_status(200, b"{}")) as service:
        client = direct(service.client())
        for _ in range(2):
            client.transact_write_items(TransactItems=PUT)
        client.transact_write_items(TransactItems=PUT, ClientRequestToken="mine")
    tokens = [json.loads(asked.body)["ClientRequestToken"] for asked in service.asked]
    assert len(set(tokens)) == 3
    assert tokens[2] == "mine"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (400, CANCELLED),
        (400, b'{"__type":"x#ProvisionedThroughputExceededException"}'),
        (403, b'{"__type":"x#AccessDeniedException","Message":"no"}'),
        (500, b'{"__type":"x#InternalServerError"}'),
        (503, b"<html>busy</html>"),
    ],
)
def test_errors_are_botocores_own(status: int, body: bytes) -> None:
    with serving(with_status(status, body)) as service:
        found = []
        for client in (service.client(), direct(service.client())):
            with pytest.raises(ClientError) as caught:
                client.transact_write_items(TransactItems=PUT)
            response: Any = caught.value.response
            reasons = response.get("CancellationReasons")
            found.append((type(caught.value).__name__, response["Error"], reasons))
    assert found[0] == found[1]


@pytest.mark.parametrize("fault", [hung_up, cut_short, with_status(500, b"{}")])
def test_what_fails_once_is_sent_again_as_the_same_transaction(fault: Reply) -> None:
    with serving(fault, with_status(200, b"{}")) as service:
        direct(service.client()).transact_write_items(TransactItems=PUT)
    first, again = (json.loads(asked.body) for asked in service.asked)
    assert first == again
    assert first["ClientRequestToken"]


@pytest.mark.parametrize("fault", [hung_up, with_status(400, CANCELLED)])
def test_a_written_action_is_the_same_action_also_where_botocore_sends_it(fault: Reply) -> None:
    with serving(fault, with_status(200, b"{}")) as service:
        client: Any = direct(service.client())
        actions = [written(client, action) for action in PUT]
        client.transact_write_items(TransactItems=actions, ClientRequestToken="t")
        client.transact_write_items(TransactItems=PUT, ClientRequestToken="t")
    bodies = [json.loads(asked.body) for asked in service.asked]
    assert len(bodies) == 3
    assert bodies[0] == bodies[1] == bodies[2]


def test_an_answer_that_does_not_fit_its_checksum_is_asked_for_again() -> None:
    def damaged(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "2")
        handler.send_header("x-amz-crc32", "1")
        handler.end_headers()
        handler.wfile.write(b"{}")

    with serving(damaged, with_status(200, ANSWER)) as service:
        found = direct(service.client()).batch_get_item(RequestItems=KEYS)
    assert found["Responses"]["People"] == [ITEM]


def test_a_connection_that_was_closed_while_idle_is_opened_anew() -> None:
    with serving(then_gone(with_status(200, ANSWER))) as service:
        client = direct(service.client())
        for _ in range(3):
            assert client.batch_get_item(RequestItems=KEYS)["Responses"]["People"] == [ITEM]
    assert len(service.asked) == 3


def test_without_a_service_the_error_is_botocores() -> None:
    with serving(hung_up) as service, pytest.raises(ConnectionClosedError):
        direct(service.client()).batch_get_item(RequestItems=KEYS)
    gone = pytest.raises(Exception, match="Could not connect")
    with gone:
        direct(service.client()).batch_get_item(RequestItems=KEYS)


def test_a_service_that_does_not_answer_is_told_apart() -> None:
    with serving(never) as service, pytest.raises(ReadTimeoutError):
        direct(service.client()).batch_get_item(RequestItems=KEYS)


def test_an_answer_in_time_is_not_asked_for_twice_when_another_was_late() -> None:
    with serving(never, with_status(200, ANSWER)) as service:
        client = direct(service.client())
        with pytest.raises(ReadTimeoutError):
            client.batch_get_item(RequestItems=KEYS)
        assert client.batch_get_item(RequestItems=KEYS)["Responses"]["People"] == [ITEM]
    assert len(service.asked) == 2


def test_threads_do_not_share_a_connection() -> None:
    with serving(with_status(200, ANSWER)) as service:
        client = direct(service.client())
        found: list[Any] = []

        def ask() -> None:
            found.extend(client.batch_get_item(RequestItems=KEYS)["Responses"]["People"])

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == [ITEM] * 8


def test_through_a_proxy_botocore_sends(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(with_status(200, ANSWER)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("NO_PROXY", "")
        monkeypatch.setenv("no_proxy", "")
        client = direct(Service("http://dynamodb.example.invalid").client())
        assert client.batch_get_item(RequestItems=KEYS)["Responses"]["People"] == [ITEM]
    assert proxy.asked[0].path == "http://dynamodb.example.invalid/"


def test_below_a_path_botocore_sends() -> None:
    with serving(with_status(200, ANSWER)) as service:
        below = Service(f"{service.url}/tables").client()
        assert direct(below) is below
        slash = direct(Service(f"{service.url}/").client())
        for client in (below, slash):
            assert client.batch_get_item(RequestItems=KEYS)["Responses"]["People"] == [ITEM]
    assert slash.__class__ is not below.__class__
    assert [asked.path for asked in service.asked] == ["/tables", "/"]


def test_only_what_asks_for_it_is_direct(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIATEST")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with serving(with_status(200, ANSWER)) as service:
        monkeypatch.setenv("AWS_ENDPOINT_URL", service.url)
        for client in (Clients("x").dynamodb(), Clients("x").dynamodb(direct_wire=True)):
            client.batch_get_item(RequestItems=KEYS)
    through_botocore = [asked for asked in service.asked if "amz-sdk-request" in asked.headers]
    assert len(service.asked) == 2
    assert len(through_botocore) == 1


_TEXTS = st.text(st.characters(codec="utf-8"))
_ATTRIBUTES = st.recursive(
    st.one_of(
        st.builds(lambda v: {"S": v}, _TEXTS),
        st.builds(lambda v: {"B": v}, st.binary()),
        st.builds(lambda v: {"N": str(v)}, st.integers()),
        st.builds(lambda v: {"BOOL": v}, st.booleans()),
    ),
    lambda inner: st.one_of(
        st.builds(lambda v: {"L": v}, st.lists(inner, max_size=3)),
        st.builds(lambda v: {"M": v}, st.dictionaries(_TEXTS, inner, max_size=3)),
    ),
    max_leaves=8,
)


def test_any_item_is_written_as_botocore_writes_it() -> None:
    with serving(with_status(200, b"{}")) as service:
        clients = service.client(), direct(service.client())

        @given(st.dictionaries(_TEXTS, _ATTRIBUTES, max_size=6))
        def check(item: Any) -> None:
            action: Any = [{"Put": {"TableName": "T", "Item": item}}]
            for client in clients:
                client.transact_write_items(TransactItems=action, ClientRequestToken="t")
            plain, ours = service.asked[-2:]
            assert json.loads(plain.body) == json.loads(ours.body)

        check()
