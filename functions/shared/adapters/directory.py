"""The registry as a whole: which agency is above which, what it is called, whose a principal is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from functions.shared.adapters.attributes import Item, from_item
from functions.shared.adapters.bulk import Waiting, every_item
from functions.shared.adapters.registry import REMEMBERED_FOR
from functions.shared.core.kinds import AGENCY
from functions.shared.core.registry import Agency, agency_from
from functions.shared.ports import Deadline

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

_READ: Final = (AGENCY.key, "name", "parent", "senders", "periods")
_MOST_TRIES: Final = 4


@dataclass(frozen=True, slots=True)
class _Known:
    """What one reading of the table gave."""

    agencies: Mapping[str, Agency]
    names: Mapping[str, str]
    above: Mapping[str, tuple[str, ...]]
    senders: Mapping[str, str | None]


class DynamoDirectory:
    """`Directory` over the agencies' table, which is small: a scan, remembered for 50 seconds.

    `monotonic` gives seconds that only grow.
    """

    def __init__(
        self,
        client: DynamoDBClient,
        table: str,
        waiting: Waiting,
        monotonic: Callable[[], float],
    ) -> None:
        self._client = client
        self._table = table
        self._waiting = waiting
        self._monotonic = monotonic
        self._remembered: tuple[float, _Known] | None = None

    def agency(self, id_: str, deadline: Deadline) -> Agency | None:
        """What the registry says of an agency; None where it has none of that id."""
        return self._known(deadline).agencies.get(id_)

    def name(self, id_: str, deadline: Deadline) -> str | None:
        """What an agency is called."""
        return self._known(deadline).names.get(id_)

    def above(self, id_: str, deadline: Deadline) -> tuple[str, ...]:
        """The agencies above one, the nearest first; where they run in a circle, each once."""
        return self._known(deadline).above.get(id_, ())

    def of_sender(self, principal: str, deadline: Deadline) -> str | None:
        """The one agency that names a principal among its senders; None where two do."""
        return self._known(deadline).senders.get(principal)

    def _known(self, deadline: Deadline) -> _Known:
        now = self._monotonic()
        if self._remembered is None or now - self._remembered[0] > REMEMBERED_FOR:
            self._remembered = now, _known(map(from_item, self._scanned(deadline)))
        return self._remembered[1]

    def _scanned(self, deadline: Deadline) -> Iterable[Item]:
        """Every agency. Raises Retry when the table does not answer in time."""
        names = {f"#{i}": name for i, name in enumerate(_READ)}
        question: dict[str, Any] = {
            "TableName": self._table,
            "ProjectionExpression": ",".join(names),
            "ExpressionAttributeNames": names,
            "ConsistentRead": True,
        }
        return every_item(
            "Scan", self._client.scan, question, deadline, self._waiting, most_tries=_MOST_TRIES
        )


def _known(items: Iterable[dict[str, Any]]) -> _Known:
    rows = {item[AGENCY.key]: item for item in items}
    agencies = {id_: agency_from(id_, row) for id_, row in rows.items()}
    parents = {id_: parent for id_, row in rows.items() if (parent := row.get("parent"))}
    senders: dict[str, str | None] = {}
    for agency in agencies.values():
        for sender in agency.senders:
            senders[sender] = None if sender in senders else agency.id
    return _Known(
        agencies,
        {id_: name for id_, row in rows.items() if (name := row.get("name"))},
        {id_: _above(id_, parents) for id_ in rows},
        senders,
    )


def _above(id_: str, parents: Mapping[str, str]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    parent = parents.get(id_)
    while parent is not None and parent != id_ and parent not in found:
        found[parent] = None
        parent = parents.get(parent)
    return tuple(found)
