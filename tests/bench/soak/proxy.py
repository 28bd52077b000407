"""A bad connection to the emulator: what functions reach through it is refused or cut now and then.

A request is throttled, answered with an internal error, dropped before it arrives, or worked with
its answer lost. The emulator does none of this by itself.
"""

from __future__ import annotations

import http.client
import json
import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import urlsplit

THROTTLED: Final = {
    "TransactWriteItems": "ThrottlingException",
    "BatchGetItem": "ProvisionedThroughputExceededException",
}
_HOP: Final = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}


@dataclass(slots=True)
class Faults:
    """How likely each fault is, and how often it was met."""

    throttle: float = 0.0
    break_down: float = 0.0
    drop: float = 0.0
    lose: float = 0.0
    met: Counter[str] = field(default_factory=Counter)

    def chosen(self, chance: random.Random) -> str | None:
        """The fault of a request, if it has one."""
        drawn = chance.random()
        for name in ("throttle", "break_down", "drop", "lose"):
            drawn -= getattr(self, name)
            if drawn < 0:
                self.met[name] += 1
                return name
        return None


@contextmanager
def bad_connection(endpoint: str, faults: Faults, seed: int) -> Iterator[str]:
    """The URL of a proxy before an endpoint, which is there while the block runs."""
    target = urlsplit(endpoint)
    chance = random.Random(seed)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except (ConnectionError, TimeoutError, http.client.HTTPException):
                self.close_connection = True

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            operation = self.headers.get("x-amz-target", "").rpartition(".")[2]
            match faults.chosen(chance):
                case "throttle":
                    self._refuse(400, THROTTLED.get(operation, "ThrottlingException"))
                case "break_down":
                    self._refuse(500, "InternalServerError")
                case "drop":
                    self.close_connection = True
                case "lose":
                    self._forward(body)
                    self.close_connection = True
                case _:
                    self._pass_on(*self._forward(body))

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _answer  # noqa: N815 - the library's

        def _forward(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
            assert target.hostname is not None
            connection = http.client.HTTPConnection(target.hostname, target.port, timeout=60)
            try:
                connection.putrequest(
                    self.command, self.path, skip_host=True, skip_accept_encoding=True
                )
                for name, value in self.headers.items():
                    if name.lower() not in ("expect", "connection"):
                        connection.putheader(name, value)
                connection.endheaders(body)
                answer = connection.getresponse()
                return answer.status, answer.getheaders(), answer.read()
            finally:
                connection.close()

        def _pass_on(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
            self.send_response_only(status)
            for name, value in headers:
                if name.lower() not in _HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _refuse(self, status: int, code: str) -> None:
            body = json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}"}).encode()
            self._pass_on(status, [("Content-Type", "application/x-amz-json-1.0")], body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    serving = threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True)
    serving.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        serving.join()
        server.server_close()
