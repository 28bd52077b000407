"""A server that answers as DynamoDB and S3 do where nothing is known but the registry."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Final

from functions.shared.adapters.attributes import Item, to_item

AGENCIES_TABLE: Final = "agencies"


class Stub:
    """Counts the operations it was asked for; `agencies` are the fields of each by its id."""

    def __init__(self, agencies: Mapping[str, Mapping[str, Any]]) -> None:
        self.asked: Counter[str] = Counter()
        self.endpoint = ""
        self._agencies = {id_: to_item({"agency_id": id_, **a}) for id_, a in agencies.items()}

    def answer(self, operation: str, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """What DynamoDB would answer."""
        self.asked[operation] += 1
        if operation != "BatchGetItem":
            return {}
        found: dict[str, list[Item]] = {}
        for table, wanted in request["RequestItems"].items():
            keys = [key["agency_id"]["S"] for key in wanted["Keys"] if table == AGENCIES_TABLE]
            found[table] = [self._agencies[key] for key in keys if key in self._agencies]
        return {"Responses": found, "UnprocessedKeys": {}}


@contextmanager
def serving(stub: Stub) -> Iterator[Stub]:
    """The stub on a free port of this machine, its `endpoint` set, while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            operation = self.headers["X-Amz-Target"].rpartition(".")[2]
            self._reply(json.dumps(stub.answer(operation, json.loads(body))).encode())

        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            stub.asked["PutObject"] += 1
            self._reply(b"")

        def _reply(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/x-amz-json-1.0")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    stub.endpoint = f"http://127.0.0.1:{server.server_port}"
    try:
        yield stub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
