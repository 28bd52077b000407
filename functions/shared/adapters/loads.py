"""The table of loads: each load's own item, and one item for each of its ranges.

The command line reads with it (`found`, `recent`, `ranges`), the functions also write.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

from functions.shared.adapters.attributes import Item, from_item, to_attribute
from functions.shared.adapters.bulk import Waiting, every_item
from functions.shared.adapters.errors import CANCELLATION, cancellations, code_of
from functions.shared.adapters.keys import LISTED, LOAD_ITEM, RANGES, parse_range_item, range_item
from functions.shared.core.errors import Conflict, Defect
from functions.shared.core.events import Json
from functions.shared.core.loads import (
    Form,
    Load,
    LoadState,
    Range,
    RangeState,
    Reporting,
    ReportPart,
    Split,
    Tally,
)
from functions.shared.ports import Deadline

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

BY_TIME: Final = "by-time"
_REPORTING_ITEM: Final = "report"
_MOST_TRIES: Final = 6
_T = TypeVar("_T")


class _Patient:
    """The deadline of a caller that has none."""

    def remaining(self) -> float:
        return 60.0


@dataclass(frozen=True, slots=True)
class DynamoLoads:
    """`Loads` over its table."""

    client: DynamoDBClient
    table: str
    waiting: Waiting

    # Reading --------------------------------------------------------------------------------

    def found(self, load_id: str, deadline: Deadline = _Patient()) -> Load | None:  # noqa: B008
        """The load, read consistently, or None."""
        item = self._get(load_id, LOAD_ITEM, deadline)
        return None if item is None else load_from(item)

    def recent(self, deadline: Deadline = _Patient()) -> Iterator[Load]:  # noqa: B008
        """Every load, the one whose file was dropped last first; the index may lag a moment."""
        request: dict[str, Any] = {
            "TableName": self.table,
            "IndexName": BY_TIME,
            "KeyConditionExpression": "listing=:l",
            "ExpressionAttributeValues": {":l": {"S": LISTED}},
            "ScanIndexForward": False,
        }
        for item in self._queried(request, deadline):
            load = self.found(item["load_id"]["S"], deadline)
            if load is not None:
                yield load

    def ranges(self, load_id: str, deadline: Deadline = _Patient()) -> list[Range]:  # noqa: B008
        """The ranges that a worker has begun, in their order, read consistently."""
        request: dict[str, Any] = {
            "TableName": self.table,
            "KeyConditionExpression": "load_id=:l AND begins_with(#i,:r)",
            "ExpressionAttributeNames": {"#i": "item"},
            "ExpressionAttributeValues": {":l": {"S": load_id}, ":r": {"S": RANGES}},
            "ConsistentRead": True,
        }
        return [range_from(item) for item in self._queried(request, deadline)]

    def range(self, load_id: str, number: int, deadline: Deadline) -> Range | None:
        """One range, read consistently, or None where nobody has begun it."""
        item = self._get(load_id, range_item(number), deadline)
        return None if item is None else range_from(item)

    # A load's own item ----------------------------------------------------------------------

    def create(self, load: Load, deadline: Deadline) -> Load:
        """The load as it is stored; stores it if it is not there yet."""
        put: dict[str, Any] = {
            "TableName": self.table,
            "Item": item_of_load(load),
            "ConditionExpression": "attribute_not_exists(load_id)",
        }
        try:
            self._tried("PutItem", deadline, lambda: self.client.put_item(**put))
        except Conflict:
            stored = self.found(load.load_id, deadline)
            if stored is None:
                raise
            return stored
        return load

    def hold(self, load_id: str, problems: tuple[str, ...], at: str, deadline: Deadline) -> None:
        """Lets a load wait for its manifest. Conflict if it has been begun meanwhile."""
        self._end_unbegun(load_id, LoadState.WAITING, problems, at, deadline)

    def fail(self, load_id: str, problems: tuple[str, ...], at: str, deadline: Deadline) -> None:
        """Ends a load that has not been begun. Conflict if it has been meanwhile."""
        self._end_unbegun(load_id, LoadState.FAILED, problems, at, deadline)

    def _end_unbegun(
        self,
        load_id: str,
        state: LoadState,
        problems: tuple[str, ...],
        at: str,
        deadline: Deadline,
    ) -> None:
        values = {"state": state.value, "problems": list(problems), "updated_at": at}
        self._change(load_id, values, _UNBEGUN, deadline)

    def begin(self, load: Load, at: str, deadline: Deadline) -> None:
        """Stores what the file turned out to be; its splitting begins.

        Conflict if it has been begun meanwhile.
        """
        values: dict[str, Json] = {
            "state": LoadState.SPLITTING.value,
            "problems": [],
            "range_bytes": load.range_bytes,
            "packed": load.packed,
            "started_at": at,
            "updated_at": at,
        }
        optional = ("form", "queue", "manifest", "header", "plain_size", "ranges")
        for name in optional:
            if (value := getattr(load, name)) is not None:
                values[name] = str(value) if name == "form" else value
        self._change(load.load_id, values, _UNBEGUN, deadline)

    def told(self, load_id: str, split: Split, at: str, deadline: Deadline) -> None:
        """Stores how far the splitting is. Conflict if another one is further."""
        values: dict[str, Json] = {"split": _split_values(split), "updated_at": at}
        further = "(attribute_not_exists(#s.told) OR #s.told <= :told)"
        self._change(
            load_id,
            values,
            _SPLITTING,
            deadline,
            also=(further, {"#s": "split"}, {":told": to_attribute(split.told)}),
        )

    def opened(
        self,
        load_id: str,
        ranges: int,
        plain_size: int,
        problems: tuple[str, ...],
        at: str,
        deadline: Deadline,
    ) -> None:
        """Every range is told. Conflict if the load is not being split any more.

        With `problems` the load will end as failed once what is there of it is worked.
        """
        values: dict[str, Json] = {
            "state": LoadState.LOADING.value,
            "ranges": ranges,
            "plain_size": plain_size,
            "problems": list(problems),
            "updated_at": at,
        }
        self._change(load_id, values, _SPLITTING, deadline)

    def close(
        self, load: Load, lines: int, tally: Tally, report: str, at: str, deadline: Deadline
    ) -> None:
        """The load has ended: failed where it has problems, else done. Conflict if it had."""
        ended = LoadState.FAILED if load.problems else LoadState.DONE
        values: dict[str, Json] = {
            "state": ended.value,
            "lines": lines,
            "tally": dict(tally.as_json()),
            "report": report,
            "finished_at": at,
            "updated_at": at,
        }
        self._change(load.load_id, values, _BEGUN, deadline)

    # Ranges ---------------------------------------------------------------------------------

    def open_range(self, fresh: Range, deadline: Deadline) -> Range:
        """The range as it is stored; stores it as it is given if it is not there yet."""
        put: dict[str, Any] = {
            "TableName": self.table,
            "Item": item_of_range(fresh),
            "ConditionExpression": "attribute_not_exists(load_id)",
        }
        try:
            self._tried("PutItem", deadline, lambda: self.client.put_item(**put))
        except Conflict:
            stored = self.range(fresh.load_id, fresh.number, deadline)
            if stored is None:
                raise
            return stored
        return fresh

    def checkpoint(self, before: Range, after: Range, deadline: Deadline) -> None:
        """Stores how far a range is. Conflict if another worker moved it since `before`."""
        update = self._range_update(before, after)
        self._tried("UpdateItem", deadline, lambda: self.client.update_item(**update))

    def complete(self, before: Range, after: Range, deadline: Deadline) -> None:
        """Ends a range and counts it in its load, both or neither. Conflict as `checkpoint`."""
        done = replace(after, state=RangeState.DONE)
        counted = {
            "TableName": self.table,
            "Key": _key(after.load_id, LOAD_ITEM),
            "UpdateExpression": "SET updated_at=:at ADD done :one DELETE stuck :n",
            "ConditionExpression": "attribute_exists(load_id)",
            "ExpressionAttributeValues": {
                ":at": {"S": str(after.updated_at)},
                ":one": {"N": "1"},
                ":n": {"NS": [str(after.number)]},
            },
        }
        self._transact([self._range_update(before, done), counted], deadline)

    def stick(self, load_id: str, number: int, at: str, deadline: Deadline) -> None:
        """Shows that a range (or, as `SPLITTER`, the splitting) is on its last try."""
        self._mark(load_id, number, RangeState.STUCK, "ADD", at, deadline)

    def unstick(self, load_id: str, number: int, at: str, deadline: Deadline) -> None:
        """Takes that back."""
        self._mark(load_id, number, RangeState.WORKING, "DELETE", at, deadline)

    def _mark(
        self, load_id: str, number: int, state: RangeState, how: str, at: str, deadline: Deadline
    ) -> None:
        updates: list[dict[str, Any]] = [
            {
                "TableName": self.table,
                "Key": _key(load_id, LOAD_ITEM),
                "UpdateExpression": f"SET updated_at=:at {how} stuck :n",
                "ConditionExpression": "attribute_exists(load_id)",
                "ExpressionAttributeValues": {
                    ":at": {"S": at},
                    ":n": {"NS": [str(number)]},
                },
            }
        ]
        if number >= 0:
            updates.append(
                {
                    "TableName": self.table,
                    "Key": _key(load_id, range_item(number)),
                    "UpdateExpression": "SET #state=:state,updated_at=:at",
                    "ConditionExpression": "attribute_exists(load_id) AND #state<>:done",
                    "ExpressionAttributeNames": {"#state": "state"},
                    "ExpressionAttributeValues": {
                        ":state": {"S": state.value},
                        ":done": {"S": RangeState.DONE.value},
                        ":at": {"S": at},
                    },
                }
            )
        self._transact(updates, deadline)

    def _range_update(self, before: Range, after: Range) -> dict[str, Any]:
        values: dict[str, Json] = {
            "position": after.position,
            "lines": after.lines,
            "tally": dict(after.tally.as_json()),
            "reports": [{"key": part.key, "size": part.size} for part in after.reports],
            "state": after.state.value,
            "updated_at": after.updated_at,
        }
        names, sets, given = _sets(values)
        return {
            "TableName": self.table,
            "Key": _key(after.load_id, range_item(after.number)),
            "UpdateExpression": sets,
            "ConditionExpression": "#position=:was AND #lines=:counted AND #state<>:done",
            "ExpressionAttributeNames": {
                **names,
                "#position": "position",
                "#lines": "lines",
                "#state": "state",
            },
            "ExpressionAttributeValues": {
                **given,
                ":was": to_attribute(before.position),
                ":counted": to_attribute(before.lines),
                ":done": {"S": RangeState.DONE.value},
            },
        }

    # The final report -----------------------------------------------------------------------

    def reporting(self, load_id: str, deadline: Deadline) -> Reporting | None:
        """How far the final report is, or None where it has not been begun."""
        item = self._get(load_id, _REPORTING_ITEM, deadline)
        if item is None:
            return None
        plain = from_item(item)
        return Reporting(
            plain["upload"], tuple(plain["etags"]), plain["number"], plain["index"], plain["lines"]
        )

    def save_reporting(
        self, load_id: str, before: Reporting | None, after: Reporting, deadline: Deadline
    ) -> None:
        """Stores how far the final report is. Conflict if another worker writes it as well."""
        values: dict[str, Json] = {
            "upload": after.upload,
            "etags": list(after.etags),
            "number": after.number,
            "index": after.index,
            "lines": after.lines,
        }
        put: dict[str, Any] = {
            "TableName": self.table,
            "Item": {
                **_key(load_id, _REPORTING_ITEM),
                **{name: to_attribute(value) for name, value in values.items()},
            },
        }
        if before is None:
            put["ConditionExpression"] = "attribute_not_exists(load_id)"
        else:
            put["ConditionExpression"] = "#u=:u AND size(etags)=:n"
            put["ExpressionAttributeNames"] = {"#u": "upload"}
            put["ExpressionAttributeValues"] = {
                ":u": {"S": before.upload},
                ":n": {"N": str(len(before.etags))},
            }
        self._tried("PutItem", deadline, lambda: self.client.put_item(**put))

    # Calls ----------------------------------------------------------------------------------

    def _change(
        self,
        load_id: str,
        values: Mapping[str, Json],
        states: Collection[LoadState],
        deadline: Deadline,
        also: tuple[str, Mapping[str, str], Mapping[str, Any]] = ("", {}, {}),
    ) -> None:
        """Sets values of a load that is in one of the states."""
        names, sets, given = _sets(values)
        allowed = {f":state{i}": {"S": state.value} for i, state in enumerate(sorted(states))}
        condition = f"#state IN ({','.join(allowed)})"
        update: dict[str, Any] = {
            "TableName": self.table,
            "Key": _key(load_id, LOAD_ITEM),
            "UpdateExpression": sets,
            "ConditionExpression": f"{condition} AND {also[0]}" if also[0] else condition,
            "ExpressionAttributeNames": {**names, "#state": "state", **also[1]},
            "ExpressionAttributeValues": {**given, **allowed, **also[2]},
        }
        self._tried("UpdateItem", deadline, lambda: self.client.update_item(**update))

    def _transact(self, updates: list[dict[str, Any]], deadline: Deadline) -> None:
        actions: Any = [{"Update": update} for update in updates]
        self._tried(
            "TransactWriteItems",
            deadline,
            lambda: self.client.transact_write_items(TransactItems=actions),
        )

    def _get(self, load_id: str, item: str, deadline: Deadline) -> Item | None:
        answer: Any = self._tried(
            "GetItem",
            deadline,
            lambda: self.client.get_item(
                TableName=self.table, Key=_key(load_id, item), ConsistentRead=True
            ),
        )
        found: Item | None = answer.get("Item")
        return found

    def _queried(self, request: Mapping[str, Any], deadline: Deadline) -> Iterator[Item]:
        return every_item(
            "Query", self.client.query, request, deadline, self.waiting, most_tries=_MOST_TRIES
        )

    def _tried(self, operation: str, deadline: Deadline, call: Callable[[], _T]) -> _T:
        """Calls until it is answered.

        Raises Conflict where a condition does not hold, which is also what a write finds whose
        first answer was lost: whoever calls reads again. Retry when time is up; else Defect.
        """
        return self.waiting.tried(
            operation,
            deadline,
            call,
            most=_MOST_TRIES,
            unless=lambda error: (
                Conflict(f"{operation}: somebody was first.") if _condition_failed(error) else None
            ),
        )


_UNBEGUN: Final = frozenset({LoadState.WAITING, LoadState.FAILED})
_SPLITTING: Final = frozenset({LoadState.SPLITTING})
_BEGUN: Final = frozenset({LoadState.SPLITTING, LoadState.LOADING})
_OPENED: Final = frozenset({LoadState.LOADING, LoadState.DONE})


def _condition_failed(error: Exception) -> bool:
    if code_of(error) == "ConditionalCheckFailedException":
        return True
    codes = set(cancellations(error))
    defects = {c for c in codes if CANCELLATION.get(c, Defect) is Defect}
    if defects:
        raise Defect(f"TransactWriteItems was cancelled for {', '.join(sorted(defects))}.")
    return "ConditionalCheckFailed" in codes


def _key(load_id: str, item: str) -> Item:
    return {"load_id": {"S": load_id}, "item": {"S": item}}


def _sets(values: Mapping[str, Json]) -> tuple[dict[str, str], str, dict[str, Any]]:
    """Names, SET expression and values that store these values."""
    names = {f"#{i}": name for i, name in enumerate(values)}
    given = {f":{i}": to_attribute(value) for i, value in enumerate(values.values())}
    return names, "SET " + ",".join(f"#{i}=:{i}" for i in range(len(values))), given


def _split_values(split: Split) -> dict[str, Json]:
    return {
        "told": split.told,
        "plain": split.plain,
        "written": split.written,
        "member": split.member,
        "member_plain": split.member_plain,
    }


def item_of_load(load: Load) -> Item:
    """The stored form of a load's own item."""
    values: dict[str, Json] = {
        "item": LOAD_ITEM,
        "listing": LISTED,
        "state": load.state.value,
        "problems": list(load.problems),
    }
    for name in _PLAIN:
        if (value := getattr(load, name)) is not None:
            values[name] = value
    if load.form is not None:
        values["form"] = load.form.value
    if load.split is not None:
        values["split"] = _split_values(load.split)
    if load.tally is not None:
        values["tally"] = dict(load.tally.as_json())
    item = {name: to_attribute(value) for name, value in values.items()}
    if load.stuck:
        item["stuck"] = {"NS": [str(number) for number in sorted(load.stuck)]}
    return item


_PLAIN: Final = (
    "load_id",
    "bucket",
    "key",
    "version",
    "etag",
    "size",
    "sender",
    "sent_at",
    "range_bytes",
    "packed",
    "queue",
    "manifest",
    "header",
    "plain_size",
    "ranges",
    "done",
    "lines",
    "report",
    "started_at",
    "updated_at",
    "finished_at",
)


def load_from(item: Item) -> Load:
    """The load of its own item, shown as stuck where something holds it up.

    That is a range or the splitting of a load that was begun, or the very look at its file.
    """
    stuck = frozenset(int(number) for number in item.get("stuck", {}).get("NS", ()))
    plain = from_item({name: value for name, value in item.items() if name != "stuck"})
    state = LoadState(plain["state"])
    unseen = state is LoadState.WAITING and not plain["problems"]
    if stuck and (state in _BEGUN or unseen):
        state = LoadState.STUCK
    values: dict[str, Any] = {name: plain[name] for name in _PLAIN if name in plain}
    return Load(
        **{"sender": None, **values},
        state=state,
        opened=plain["state"] in _OPENED,
        problems=tuple(plain["problems"]),
        form=Form(plain["form"]) if "form" in plain else None,
        stuck=stuck,
        split=Split(**plain["split"]) if "split" in plain else None,
        tally=Tally(**plain["tally"]) if "tally" in plain else None,
    )


def item_of_range(part: Range) -> Item:
    """The stored form of a range."""
    values: dict[str, Json] = {
        "load_id": part.load_id,
        "item": range_item(part.number),
        "begin": part.begin,
        "end": part.end,
        "position": part.position,
        "state": part.state.value,
        "lines": part.lines,
        "tally": dict(part.tally.as_json()),
        "reports": [{"key": report.key, "size": report.size} for report in part.reports],
    }
    for name in ("part", "updated_at"):
        if (value := getattr(part, name)) is not None:
            values[name] = value
    return {name: to_attribute(value) for name, value in values.items()}


def range_from(item: Item) -> Range:
    """The range of its item."""
    plain = from_item(item)
    return Range(
        load_id=plain["load_id"],
        number=parse_range_item(plain["item"]),
        begin=plain["begin"],
        end=plain["end"],
        position=plain["position"],
        part=plain.get("part"),
        state=RangeState(plain["state"]),
        lines=plain["lines"],
        tally=Tally(**plain["tally"]),
        reports=tuple(ReportPart(**part) for part in plain["reports"]),
        updated_at=plain.get("updated_at"),
    )
