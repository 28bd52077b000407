"""The registry, read by id and remembered for less than a minute."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Final

from functions.shared.adapters.attributes import from_item
from functions.shared.adapters.bulk import Waiting, Wanted, read_items
from functions.shared.core.kinds import AGENCY
from functions.shared.core.registry import Agency, agency_from
from functions.shared.ports import Deadline

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

REMEMBERED_FOR: Final = 50.0
"""Seconds; with the time a batch takes, a registry in use is at most a minute old."""


class DynamoAgencies:
    """`AgencySource` over the agencies' table; remembers unknown agencies as well.

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
        self._remembered: dict[str, tuple[float, Agency | None]] = {}

    def agencies(
        self, ids: Collection[str], deadline: Deadline, *, afresh: bool = False
    ) -> Mapping[str, Agency | None]:
        """Every id with its agency, None where the registry does not know it."""
        now = self._monotonic()
        old = {
            id_
            for id_ in ids
            if afresh
            or (known := self._remembered.get(id_)) is None
            or now - known[0] > REMEMBERED_FOR
        }
        if old:
            wanted = {self._table: Wanted(AGENCY.key, old, (AGENCY.key, "periods", "senders"))}
            items = read_items(self._client, wanted, deadline, self._waiting)[self._table]
            found = {
                plain[AGENCY.key]: agency_from(plain[AGENCY.key], plain)
                for plain in map(from_item, items)
            }
            self._remembered.update({id_: (now, found.get(id_)) for id_ in old})
        answer = {id_: self._remembered[id_][1] for id_ in ids}
        self._forget(now)
        return answer

    def _forget(self, now: float) -> None:
        """Keeps senders of nonsense from filling the memory with unknown agencies."""
        if len(self._remembered) > 10_000:
            self._remembered = {
                id_: known
                for id_, known in self._remembered.items()
                if now - known[0] <= REMEMBERED_FOR and known[1] is not None
            }
