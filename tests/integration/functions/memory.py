"""DynamoDB and S3 in memory, as far as the service uses them: quick, and safe among threads.

They answer what the real services answer, errors with their codes included, and raise
NotImplementedError for whatever they do not know. That they do as moto does is shown by
`Compared`, which asks both and fails where they differ.
"""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from itertools import chain
from typing import Any, Final, cast

from botocore.exceptions import ClientError

from functions.shared.adapters.attributes import Item, size_of_item
from tests.integration.functions.stack import Aws

LARGEST_ITEM: Final = 400 * 1024
LARGEST_TRANSACTION: Final = 4 * 1024 * 1024
MOST_TOGETHER: Final = 100
"""Keys of a BatchGetItem, actions of a transaction."""
_TERM: Final = re.compile(r"(attribute_(?:not_)?exists)\((#?\w+)\)|(#?\w+)=(:\w+)")
_SET: Final = re.compile(r"(#?\w+)=(?:if_not_exists\((#?\w+),(:\w+)\)|(:\w+))")
_ADD: Final = re.compile(r"(#?\w+) (:\w+)")


class Tables:
    """A DynamoDB client over tables of its own.

    `puts` lists every Put that was done, as table and key, in order.
    """

    def __init__(self) -> None:
        self._keys: dict[str, str] = {}
        self._items: dict[str, dict[str, Item]] = {}
        self._lock = threading.Lock()
        self.puts: list[tuple[str, str]] = []

    def copy(self) -> Tables:
        """The same contents in tables that are changed apart; nothing is written yet."""
        other = Tables()
        other._keys = dict(self._keys)
        other._items = {table: dict(items) for table, items in self._items.items()}
        return other

    def item(self, table: str, key: str) -> Item | None:
        """The item that a table has under a key."""
        return self._items[table].get(key)

    def create_table(self, *, TableName: str, KeySchema: Sequence[Any], **_: Any) -> None:
        (key,) = KeySchema
        self._keys[TableName] = key["AttributeName"]
        self._items[TableName] = {}

    def scan(self, *, TableName: str) -> dict[str, Any]:
        with self._lock:
            return {"Items": list(self._items[TableName].values())}

    def put_item(self, *, TableName: str, Item: Item) -> None:
        with self._lock:
            self._put(TableName, Item)

    def batch_get_item(self, *, RequestItems: Mapping[str, Any]) -> dict[str, Any]:
        wanted = {
            table: [self._key(table, key) for key in part["Keys"]]
            for table, part in RequestItems.items()
        }
        every = list(chain.from_iterable(wanted.values()))
        if not 1 <= len(every) <= MOST_TOGETHER:
            raise _invalid("BatchGetItem")
        if any(len(set(keys)) < len(keys) for keys in wanted.values()):
            raise _invalid("BatchGetItem")
        with self._lock:
            found = {
                table: [self._items[table][key] for key in keys if key in self._items[table]]
                for table, keys in wanted.items()
            }
        return {
            "Responses": {
                table: [_projected(item, RequestItems[table]) for item in items]
                for table, items in found.items()
            },
            "UnprocessedKeys": {},
        }

    def transact_write_items(self, *, TransactItems: Sequence[Mapping[str, Any]]) -> None:
        puts = [_only(action, "Put") for action in TransactItems]
        places = [(put["TableName"], self._key(put["TableName"], put["Item"])) for put in puts]
        sizes = [size_of_item(put["Item"]) for put in puts]
        if (
            not 1 <= len(puts) <= MOST_TOGETHER
            or len(set(places)) < len(places)
            or max(sizes) > LARGEST_ITEM
            or sum(sizes) > LARGEST_TRANSACTION
        ):
            raise _invalid("TransactWriteItems")
        with self._lock:
            holds = [
                _holds(put, self._items[table].get(key))
                for put, (table, key) in zip(puts, places, strict=True)
            ]
            if not all(holds):
                codes = [{"Code": "None" if held else "ConditionalCheckFailed"} for held in holds]
                raise _error(
                    "TransactionCanceledException",
                    "TransactWriteItems",
                    CancellationReasons=codes,
                )
            for put in puts:
                self._put(put["TableName"], put["Item"])

    def update_item(self, *, TableName: str, Key: Item, **request: Any) -> dict[str, Any]:
        key = self._key(TableName, Key)
        with self._lock:
            before = self._items[TableName].get(key)
            if not _holds(request, before):
                raise _error("ConditionalCheckFailedException", "UpdateItem")
            self._items[TableName][key] = _updated({**Key, **(before or {})}, request)
        return {}

    def _key(self, table: str, item: Mapping[str, Any]) -> str:
        if table not in self._keys:
            raise _error("ResourceNotFoundException", "")
        key: str = item[self._keys[table]]["S"]
        return key

    def _put(self, table: str, item: Item) -> None:
        key = self._key(table, item)
        self._items[table][key] = item
        self.puts.append((table, key))


def _projected(item: Item, part: Mapping[str, Any]) -> Item:
    if "ProjectionExpression" not in part:
        return dict(item)
    names = part["ExpressionAttributeNames"]
    wanted = [names[name] for name in part["ProjectionExpression"].split(",")]
    return {name: item[name] for name in wanted if name in item}


def _only(action: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    if list(action) != [kind]:
        raise NotImplementedError(action)
    found: Mapping[str, Any] = action[kind]
    return found


def _holds(request: Mapping[str, Any], item: Item | None) -> bool:
    """Whether a request's condition holds for an item."""
    if "ConditionExpression" not in request:
        return True
    names = request.get("ExpressionAttributeNames", {})
    values = request.get("ExpressionAttributeValues", {})
    for term in request["ConditionExpression"].split(" AND "):
        found = _TERM.fullmatch(term)
        if found is None:
            raise NotImplementedError(term)
        asked, attribute, left, right = found.groups()
        if asked is not None:
            there = item is not None and names.get(attribute, attribute) in item
            if there != (asked == "attribute_exists"):
                return False
        elif item is None or item.get(names.get(left, left)) != values[right]:
            return False
    return True


def _updated(item: Item, request: Mapping[str, Any]) -> Item:
    names = request.get("ExpressionAttributeNames", {})
    values = request["ExpressionAttributeValues"]
    sets, _, adds = request["UpdateExpression"].removeprefix("SET ").partition(" ADD ")
    after = dict(item)
    end = 0
    for found in _SET.finditer(sets):
        if found.start() != end:
            break
        end = found.end() + 1
        name, other, default, value = found.groups()
        if other is None:
            after[names.get(name, name)] = values[value]
        else:
            after[names.get(name, name)] = item.get(names.get(other, other), values[default])
    if end != len(sets) + 1:
        raise NotImplementedError(request["UpdateExpression"])
    if adds:
        added = _ADD.fullmatch(adds)
        if added is None:
            raise NotImplementedError(adds)
        name = names.get(added[1], added[1])
        total = int(item.get(name, {"N": "0"})["N"]) + int(values[added[2]]["N"])
        after[name] = {"N": str(total)}
    return after


class Bucket:
    """An S3 client over objects of its own."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], bytes] = {}

    def copy(self) -> Bucket:
        """The same objects, changed apart."""
        other = Bucket()
        other.objects = dict(self.objects)
        return other

    def put_object(self, *, Bucket: str, Key: str, Body: bytes) -> None:
        self.objects[Bucket, Key] = Body

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        if (Bucket, Key) not in self.objects:
            raise _error("NoSuchKey", "GetObject", 404)
        return {"Body": io.BytesIO(self.objects[Bucket, Key])}


def _invalid(operation: str) -> ClientError:
    return _error("ValidationException", operation)


def _error(code: str, operation: str, status: int = 400, **more: Any) -> ClientError:
    answer: Any = {
        "Error": {"Code": code, "Message": "Item 001190000017 Nguyễn Thị Mẫu"},
        "ResponseMetadata": {"HTTPStatusCode": status},
        **more,
    }
    return ClientError(answer, operation)


def in_memory() -> Aws:
    """Clients over tables and a bucket in memory."""
    return Aws(cast(Any, Tables()), cast(Any, Bucket()))


def copied(aws: Aws) -> Aws:
    """Clients over a copy of what is in memory."""
    return Aws(cast(Any, cast(Any, aws.dynamodb).copy()), cast(Any, cast(Any, aws.s3).copy()))


def tables_of(aws: Aws) -> Tables | None:
    """The tables in memory that a client stands for, if it does."""
    client: object = aws.dynamodb
    return client if isinstance(client, Tables) else None


# Held against moto ---------------------------------------------------------------------------


class Compared:
    """A client that asks two others and fails where their answers differ; gives the first's."""

    def __init__(self, one: Any, other: Any) -> None:
        self._one = one
        self._other = other

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        one, other = getattr(self._one, operation), getattr(self._other, operation)

        def call(**request: Any) -> Any:
            mine, theirs = _answer(one, request), _answer(other, request)
            assert _comparable(mine) == _comparable(theirs), operation
            if isinstance(mine, ClientError):
                raise mine
            return mine

        return call


def _answer(call: Callable[..., Any], request: Mapping[str, Any]) -> Any:
    try:
        return call(**deepcopy(dict(request)))
    except ClientError as error:
        return error


def _comparable(answer: Any) -> Any:
    if isinstance(answer, ClientError):
        reasons = answer.response.get("CancellationReasons", ())
        return answer.response["Error"]["Code"], [reason["Code"] for reason in reasons]
    if not isinstance(answer, Mapping):
        return None
    with suppress(KeyError):
        return {
            **{table: _sorted(items) for table, items in answer["Responses"].items() if items},
            "unprocessed": answer.get("UnprocessedKeys") or None,
        }
    return _sorted(answer["Items"]) if "Items" in answer else None


def _sorted(items: Iterable[Item]) -> list[Item]:
    return sorted(items, key=lambda item: repr(sorted(item.items())))
