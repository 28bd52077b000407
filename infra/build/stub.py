"""A server that answers as DynamoDB, S3 and SQS do where nothing is known but the registry, one
dropped file and its load."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Final

from functions.shared.adapters.attributes import Item, to_item
from functions.shared.adapters.loads import item_of_load
from functions.shared.core.loads import Form, Load, LoadState, load_id

AGENCIES_TABLE: Final = "agencies"
BUCKET: Final = "intake"
FILE: Final = (
    b'{"specversion":"1.0","id":"from-a-file-1","source":"/agencies/G24",'
    b'"type":"vn.lienthong.insurance-card.updated.v1","subject":"0123456789",'
    b'"time":"2026-03-02T08:15:00+07:00",'
    b'"data":{"insurance_number":"0123456789","phone":"0912345678"}}\n'
)
"""The dropped file of the sample notification (`events/file_split`)."""
LOAD: Final = Load(
    load_id=load_id(BUCKET, "incoming/cards.ndjson", "1"),
    bucket=BUCKET,
    key="incoming/cards.ndjson",
    version="1",
    etag="",
    size=len(FILE),
    sender=None,
    sent_at="2026-03-03T00:00:00.000000Z",
    range_bytes=1 << 20,
    state=LoadState.LOADING,
    form=Form.NDJSON,
    queue="insurance",
    plain_size=len(FILE),
    ranges=2,
)
"""Its load, of which the sample task (`events/range_sync`) is a range."""


class Stub:
    """Counts the operations it was asked for; `agencies` are the fields of each by its id."""

    def __init__(self, agencies: Mapping[str, Mapping[str, Any]]) -> None:
        self.asked: Counter[str] = Counter()
        self.endpoint = ""
        self._agencies = {id_: to_item({"agency_id": id_, **a}) for id_, a in agencies.items()}

    def answer(self, operation: str, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """What DynamoDB would answer."""
        self.asked[operation] += 1
        if operation == "GetItem":
            of_the_load = request["Key"].get("item") == {"S": "load"}
            return {"Item": item_of_load(LOAD)} if of_the_load else {}
        if operation == "Scan":
            return {"Items": list(self._agencies.values())}
        if operation == "Query":
            return {"Items": []}
        if operation == "SendMessageBatch":
            sent = [entry["Id"] for entry in request["Entries"]]
            return {"Successful": [{"Id": id_, "MessageId": id_} for id_ in sent], "Failed": []}
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

        def do_GET(self) -> None:
            stub.asked["GetObject"] += 1
            if self.path.split("?")[0].endswith(".manifest.json"):
                self._reply(b"<Error><Code>NoSuchKey</Code></Error>", 404)
            else:
                self._reply(FILE)

        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            stub.asked["PutObject"] += 1
            self._reply(b"")

        def _reply(self, body: bytes, status: int = 200) -> None:
            self.send_response(status)
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
