"""The client over a real connection: what a server can do to it, and commands from end to end."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from infra.lienthong.__main__ import main
from infra.lienthong.api import Request, UrlWire
from infra.lienthong.context import read_outputs
from infra.lienthong.problems import Unreachable
from infra.lienthong.signing_in import Sessions
from tests.api_double import lookup, token
from tests.builders import DOSSIER_CODE, PERSON_ID

WHY = ("--purpose", "dossier-handling", "--case", DOSSIER_CODE)


@dataclass
class Server:
    """A server on this machine's loopback that answers all alike and keeps what it was asked."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"{}"
    delay: float = 0.0
    cut: bool = False
    asked: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Answers one request."""
        content = handler.rfile.read(int(handler.headers.get("content-length", 0)))
        headers = {name.lower(): text for name, text in handler.headers.items()}
        self.asked.append((handler.command, handler.path, headers, content))
        time.sleep(self.delay)
        handler.send_response(self.status)
        for name, text in {"content-type": "application/json", **self.headers}.items():
            handler.send_header(name, text)
        handler.send_header("content-length", str(len(self.body) + (100 if self.cut else 0)))
        handler.end_headers()
        handler.wfile.write(self.body)


@contextmanager
def served(server: Server) -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.answer(self)

        def do_POST(self) -> None:
            server.answer(self)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    class Running(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """A client that went away is what some tests are about."""

    running = Running(("127.0.0.1", 0), Handler)
    running.daemon_threads = True
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    server.url = f"http://127.0.0.1:{running.server_address[1]}"
    try:
        yield server
    finally:
        running.shutdown()
        running.server_close()
        thread.join()


@pytest.fixture(name="server")
def _server() -> Iterator[Server]:
    with served(Server()) as server:
        yield server


def get(url: str, wire: UrlWire | None = None) -> int:
    return (wire or UrlWire(timeout=5))(Request("GET", f"{url}/v1/me", {"X-Purpose": "a"})).status


# The wire -----------------------------------------------------------------------------------


def test_a_refusal_is_an_answer_with_its_headers(server: Server) -> None:
    server.status, server.headers, server.body = 429, {"Retry-After": "7"}, b'{"code": "x"}'
    response = UrlWire(timeout=5)(Request("GET", server.url, {}))
    assert (response.status, response.headers["retry-after"]) == (429, "7")
    assert response.body == b'{"code": "x"}'


def test_a_redirect_is_not_followed(server: Server) -> None:
    server.status, server.headers = 307, {"Location": f"{server.url}/elsewhere"}
    assert get(server.url) == 307
    assert len(server.asked) == 1


def test_a_proxy_of_the_environment_is_not_asked_about_this_machine(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)
    assert get(server.url) == 200


def test_a_server_that_does_not_answer_in_time_is_told(server: Server) -> None:
    server.delay = 0.5
    with pytest.raises(Unreachable, match=r"did not answer within 0\.1 s"):
        get(server.url, UrlWire(timeout=0.1))


def test_an_answer_that_breaks_off_is_told(server: Server) -> None:
    server.cut = True
    with pytest.raises(Unreachable, match="broke off"):
        get(server.url)


def test_an_answer_that_is_too_large_is_told(server: Server) -> None:
    server.body = b"x" * 100
    with pytest.raises(Unreachable, match="more than 10 bytes"):
        get(server.url, UrlWire(timeout=5, largest=10))


def test_a_port_where_nobody_is_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but nobody listens
        with pytest.raises(Unreachable, match=r"Nothing answers at 127\.0\.0\.1"):
            get(f"http://127.0.0.1:{taken.getsockname()[1]}")


def test_what_is_no_http_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def speak() -> None:
            peer, _ = listening.accept()
            with peer:
                peer.recv(4096)
                peer.sendall(b"SSH-2.0-OpenSSH\r\n")

        thread = threading.Thread(target=speak)
        thread.start()
        with pytest.raises(Unreachable, match="broke off"):
            get(f"http://127.0.0.1:{listening.getsockname()[1]}")
        thread.join()


# Commands -----------------------------------------------------------------------------------


def outputs(folder: Path, url: str, *, signed_in: bool = True) -> str:
    """The outputs of a stack at that address, with somebody signed in to it."""
    path = folder / "outputs.json"
    told = {"ApiUrl": url, "UserPoolId": "ap-southeast-1_x", "UserPoolClientId": "c"}
    path.write_text(json.dumps({**told, "endpoint": url, "region": "ap-southeast-1"}), "utf-8")
    if signed_in:
        result = {"AccessToken": token(), "RefreshToken": "r", "ExpiresIn": 3600}
        Sessions(read_outputs(path)).keep("one-stop-officer", result)
    return str(path)


def test_a_person_is_looked_up_from_end_to_end(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.body = json.dumps(lookup()).encode()
    assert main(["person", PERSON_ID, *WHY, "--outputs", outputs(tmp_path, server.url)]) == 0
    ((method, path, headers, body),) = server.asked
    assert (method, path) == ("POST", "/v1/people/lookups")
    assert headers["authorization"] == f"Bearer {token()}"
    assert headers["x-case"] == DOSSIER_CODE
    assert json.loads(body) == {"personal_id": PERSON_ID}
    assert "Đặng Thị Mẫu" in capsys.readouterr().out


def test_a_sign_in_that_the_api_does_not_accept_is_told(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.status, server.body = 401, b'{"message":"Unauthorized"}'
    assert main(["person", PERSON_ID, *WHY, "--outputs", outputs(tmp_path, server.url)]) == 3
    assert "Sign in again" in capsys.readouterr().err


def test_without_a_sign_in_nothing_is_asked(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = outputs(tmp_path, server.url, signed_in=False)
    assert main(["person", PERSON_ID, *WHY, "--outputs", file]) == 3
    assert "lienthong login" in capsys.readouterr().err
    assert server.asked == []


def test_a_direct_read_without_table_rights_is_refused_in_words(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.status = 400
    server.body = json.dumps({"__type": "x#AccessDeniedException", "message": PERSON_ID}).encode()
    file = Path(outputs(tmp_path, server.url))
    tables = {
        name: name
        for name in (
            "PeopleTable",
            "InsuranceCardsTable",
            "DossiersTable",
            "AgenciesTable",
            "LedgerTable",
            "QuarantineTable",
        )
    }
    file.write_text(json.dumps({**json.loads(file.read_text("utf-8")), **tables}), "utf-8")
    for command in (("show", "person", PERSON_ID), ("history", PERSON_ID)):
        assert main([*command, "--direct", "--outputs", str(file)]) == 3
        told = capsys.readouterr().err
        assert "the access log has no trace of this look" in told
        assert "the same command without --direct" in told
