"""A stand-in for DynamoDB and S3 that answers at once, so that only the client's CPU is measured.

Run as a process of its own: it reads what its tables hold from its standard input, writes its
port to its standard output and serves until it is ended. A table holds items, or a crowd: so many
people, each of whom exists and is made when asked for. Writes are acknowledged and forgotten, so
every batch of a workload meets the same tables. `GET /calls` gives the operations that were asked
for since it was last called, and how often; `GET /rounds` how often it was asked for something
while nothing else was under way. Given seconds as its argument it answers that much later, as a
service over a network does; then calls that go out together are one round.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import urllib.request
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from tests.bench.indexes import Indexes, Wire
from tests.bench.workload import person_item

Tables = Mapping[str, Mapping[str, Any] | int]
"""table -> value of the partition key -> item, with attribute values as DynamoDB sends them; or
how many people the table holds."""

_NOTHING: Final = b"{}"
_KEYS: Final[Mapping[str, str]] = {
    "People": "personal_id",
    "InsuranceCards": "insurance_number",
    "Dossiers": "dossier_code",
}
"""The tables of items that are asked by their indexes -> the key of each."""


@dataclass(frozen=True, slots=True)
class Server:
    """The running server, seen from the benchmark's process."""

    url: str

    def calls(self) -> Counter[str]:
        """The operations asked for since the last time, and how often."""
        with urllib.request.urlopen(f"{self.url}/calls", timeout=10) as answer:
            return Counter(json.load(answer))

    def rounds(self) -> int:
        """How many rounds of calls there were since the last time."""
        with urllib.request.urlopen(f"{self.url}/rounds", timeout=10) as answer:
            return int(json.load(answer))


@contextmanager
def running(tables: Tables, delay: float = 0.0) -> Iterator[Server]:
    """A server on a free port of this machine, ended at the end of the block.

    Each answer takes `delay` seconds.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.server", str(delay)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(tables))
        process.stdin.close()
        yield Server(f"http://127.0.0.1:{int(process.stdout.readline())}")
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


class _Answers:
    """What each operation is answered."""

    def __init__(self, tables: Tables, delay: float) -> None:
        self._tables = tables
        self._delay = delay
        self._indexes: dict[str, Indexes] = {}
        self._calls: Counter[str] = Counter()
        self._under_way = self._rounds = 0

    async def answer(self, method: str, path: str, operation: str, body: bytes) -> bytes:
        if method == "GET" and path == "/calls":
            calls, self._calls = self._calls, Counter()
            return json.dumps(calls).encode()
        if method == "GET" and path == "/rounds":
            rounds, self._rounds = self._rounds, 0
            return json.dumps(rounds).encode()
        self._calls[operation or f"{method} object"] += 1
        self._rounds += self._under_way == 0
        self._under_way += 1
        try:
            if self._delay:
                await asyncio.sleep(self._delay)
            return self._answer(operation, body)
        finally:
            self._under_way -= 1

    def _answer(self, operation: str, body: bytes) -> bytes:
        if operation == "BatchGetItem":
            return self._batch_get_item(json.loads(body)["RequestItems"])
        if operation == "GetItem":
            request = json.loads(body)
            item = self._item(request["TableName"], request["Key"])
            return _NOTHING if item is None else json.dumps({"Item": item}).encode()
        if operation == "Query":
            return self._query(json.loads(body))
        if operation == "Scan":
            held = self._tables.get(json.loads(body)["TableName"], {})
            items = [] if isinstance(held, int) else list(held.values())
            return json.dumps({"Items": items, "Count": len(items)}).encode()
        return _NOTHING  # PutItem, UpdateItem, TransactWriteItems, an object for S3

    def _batch_get_item(self, request: Mapping[str, Any]) -> bytes:
        found = {
            table: [
                _projected(item, part)
                for key in part["Keys"]
                if (item := self._item(table, key)) is not None
            ]
            for table, part in request.items()
        }
        return json.dumps({"Responses": found, "UnprocessedKeys": {}}).encode()

    def _query(self, request: Mapping[str, Any]) -> bytes:
        table = request["TableName"]
        if table not in self._indexes:
            self._indexes[table] = Indexes(self._tables.get(table, {}), _KEYS.get(table, ""))
        return json.dumps(self._indexes[table].query(request)).encode()

    def _item(self, table: str, key: Mapping[str, Mapping[str, str]]) -> Any:
        (value,) = key.values()
        held = self._tables.get(table, {})
        return person_item(value["S"], held) if isinstance(held, int) else held.get(value["S"])


def _projected(item: Wire, part: Mapping[str, Any]) -> Wire:
    """What a request wants of an item."""
    if "ProjectionExpression" not in part:
        return item
    names = part.get("ExpressionAttributeNames", {})
    wanted = [names.get(name, name) for name in part["ProjectionExpression"].split(",")]
    return {name: item[name] for name in wanted if name in item}


async def _serve(
    answers: _Answers, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            request, *lines = head.rstrip().split("\r\n")
            method, path, _ = request.split(" ", 2)
            headers = {
                name.lower(): value.strip()
                for name, _, value in (line.partition(":") for line in lines)
            }
            if headers.get("expect") == "100-continue":
                writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            operation = headers.get("x-amz-target", "").rpartition(".")[2]
            answer = await answers.answer(method, path, operation, body)
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\n"
                b"x-amzn-RequestId: 00000000000000000000000000000000000000000000000000AA\r\n"
                b"x-amz-crc32: %d\r\nContent-Length: %d\r\n\r\n%b"
                % (zlib.crc32(answer), len(answer), answer)
            )
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def _main() -> None:
    answers = _Answers(json.load(sys.stdin), float(sys.argv[1]))
    server = await asyncio.start_server(
        lambda reader, writer: _serve(answers, reader, writer), "127.0.0.1", 0, limit=1 << 22
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main())
