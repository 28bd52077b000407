"""What a look through the API costs, from what the code really asks of its tables.

The service of the query function answers here with the policies, the door and the access log that
it has on AWS, over tables in memory that count units (`meter`). Each look is one among others of
its officer's day: the person was looked at before, the allowances are begun. One request in eight
reads one unit more, to see how its caller stands; reading the registry once a minute is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from functions.shared.adapters.access_log import DynamoAccessLog, Places
from functions.shared.adapters.bulk import Waiting
from functions.shared.adapters.dynamodb import item_from_entry, item_from_record
from functions.shared.adapters.opaque import KEY_BYTES, Opaque
from functions.shared.adapters.policies import CedarPolicies
from functions.shared.adapters.reader import Doors
from functions.shared.core.access import Caller, Errand, Role
from functions.shared.core.allowances import Limits
from functions.shared.core.answers import NotFound, NotPermitted
from functions.shared.core.kinds import KINDS
from functions.shared.core.registry import Agency
from functions.shared.ports import Deadline
from functions.shared.runtime.query import QueryService
from infra.build.meter import TABLES, AtOnce, Meter, size
from infra.build.samples import ROOT, sample, taken

if TYPE_CHECKING:
    from infra.build.costs import Prices

LIMITS: Final = Limits(day=500, minute=60)
"""As the template's parameters have them."""
SECONDS_OF_A_LOOK: Final = 0.05
"""An assumption: what a look takes of a function with 1 GB, its calls included."""
LOG_BYTES_OF_A_LOOK: Final = 1_500
"""An assumption: of the function and of the gateway, metrics included."""
_NOW: Final = "2026-03-02T02:00:00.000000Z"
_CENTRE: Final = "H26"
_OFFICER: Final = Caller(
    "5f1c0c9e-0000-4000-8000-000000000001",
    "nguyen.thi.mau",
    _CENTRE,
    (),
    frozenset({Role.ONE_STOP_OFFICER}),
)
_SYSTEM: Final = Caller(
    "5example0client0of0a0system",
    "H26.12",
    "H26.12",
    (_CENTRE,),
    frozenset({Role.AGENCY_SYSTEM}),
    True,
)
_REQUEST: Final = "dQxY1ihNSQ0EMIg="
"""An id as the gateway gives them; not of a request in eight."""


class _Patient:
    """A deadline that is never near."""

    def remaining(self) -> float:
        return 60.0


class _Registry:
    """The city's centre and its departments, which are read at most once a minute."""

    def agency(self, id_: str, deadline: Deadline) -> Agency | None:
        raise NotImplementedError(id_)

    def name(self, id_: str, deadline: Deadline) -> str | None:
        raise NotImplementedError(id_)

    def above(self, id_: str, deadline: Deadline) -> tuple[str, ...]:
        del deadline
        return () if id_ == _CENTRE else (_CENTRE,)

    def of_sender(self, principal: str, deadline: Deadline) -> str | None:
        raise NotImplementedError(principal)


class Town:
    """People of one name, each with a card and dossiers at one office, and the service over them.

    `people` and `dossiers` (of each) are how many there are.
    """

    def __init__(self, people: int, dossiers: int) -> None:
        self.meter = Meter(TABLES)
        for number in range(people):
            personal_id = personal_id_of(number)
            self._take("person.registered", personal_id, {})
            self._take("insurance-card.issued", f"{number:010d}", {"personal_id": personal_id})
            for dossier in range(number * dossiers, (number + 1) * dossiers):
                self._take("dossier.submitted", dossier_code_of(dossier), _dossier_of(personal_id))
        client: Any = self.meter
        waiting = Waiting(lambda _: None, lambda: 0.0)
        secret = bytes(KEY_BYTES)
        policies = ROOT / "infra" / "policies"
        self.service = QueryService(
            readers=Doors(
                client=client,
                records={kind: kind for kind in KINDS},
                ledger="ledger",
                quarantine="quarantine",
                heads="access-heads",
                waiting=waiting,
                pool=AtOnce(),
            ),
            policies=CedarPolicies(
                [path.read_text("utf-8") for path in sorted(policies.glob("*.cedar"))],
                (policies / "schema.cedarschema").read_text("utf-8"),
            ),
            log=DynamoAccessLog(
                client,
                Places("access-log", "access-heads", "allowances"),
                LIMITS,
                secret,
                waiting,
                lambda: _NOW,
            ),
            directory=_Registry(),
            opaque=Opaque(secret),
            patience=_Patient,
            now=lambda: _NOW,
        )

    def _take(self, name: str, key: str, fields: Mapping[str, Any]) -> None:
        """The record of an event, and its entry in the ledger."""
        event = {**sample(name, key, fields), "id": key}
        record, entry = taken(event, {})
        self.meter.fill(record.kind, item_from_record(record))
        self.meter.fill("ledger", item_from_entry(entry))


def personal_id_of(number: int) -> str:
    """The personal id of one of a town's people."""
    return f"0011900{number:05d}"


def dossier_code_of(number: int) -> str:
    """The code of one of a town's dossiers."""
    return f"H26.12-260302-{number:04d}"


def _dossier_of(personal_id: str) -> dict[str, Any]:
    applicant = sample("dossier.submitted")["data"]["applicant"]
    return {"handling_agency": "H26.12", "applicant": {**applicant, "personal_id": personal_id}}


# The looks --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Case:
    """A look, after `before` where that is not the same look, in a town of so many people."""

    name: str
    ask: Callable[[QueryService], object]
    before: Callable[[QueryService], object] | None = None
    people: int = 1
    dossiers: int = 3


@dataclass(frozen=True, slots=True)
class Cost:
    """What a look causes: entries in the access log, units of the tables."""

    name: str
    entries: int
    entry_bytes: int
    """Of the largest."""
    write_units: int
    read_units: float

    def of_tables(self, prices: Prices) -> float:
        """US dollars for a million such looks, as those below; storage apart."""
        writes = self.write_units * prices.million_write_units
        return writes + self.read_units * prices.million_read_units

    def of_gateway(self, prices: Prices) -> float:
        """One request each."""
        return prices.million_http_requests

    def of_function(self, prices: Prices) -> float:
        """One invocation each, its time and its lines in the log."""
        seconds = 1e6 * SECONDS_OF_A_LOOK * prices.gigabyte_second
        logs = 1e6 * LOG_BYTES_OF_A_LOOK / 1e9 * prices.gigabyte_of_logs
        return prices.million_invocations + seconds + logs

    def dollars(self, prices: Prices) -> float:
        """All of it."""
        return self.of_tables(prices) + self.of_gateway(prices) + self.of_function(prices)


def _errand(number: int = 0, purpose: str = "dossier-handling") -> Errand:
    return Errand(purpose, dossier_code_of(number), _REQUEST)


def _lookup(service: QueryService) -> object:
    return service.lookup(_OFFICER, _errand(), personal_id=personal_id_of(0))


def _a_days_lookups(service: QueryService) -> None:
    """All but one of a day, each for a case of its own, the last of them of the same person."""
    for number in range(LIMITS.day - 2, -1, -1):
        with suppress(NotFound):
            service.lookup(_OFFICER, _errand(number), personal_id=personal_id_of(number))


def _search(service: QueryService) -> object:
    return service.search(_OFFICER, _errand(), name="nguyen thi hoa mau", year_of_birth=1990)


def _receipt(service: QueryService) -> object:
    event = sample("dossier.submitted", dossier_code_of(0))
    return service.receipt(_OFFICER, _errand(), source=event["source"], id_=event["subject"])


def _refused(service: QueryService) -> None:
    """A lookup for a purpose that is another role's."""
    errand = _errand(purpose="medical-examination")
    with suppress(NotPermitted):
        service.lookup(_OFFICER, errand, personal_id=personal_id_of(0))
        raise AssertionError("It was not refused.")


def _published(service: QueryService) -> object:
    """What letting a system's events in asks of the tables; nobody is looked at."""
    errand = Errand("data-sharing", None, _REQUEST)
    return service.log.note(_SYSTEM, errand, [], {}, service.patience())


CASES: Final = (
    Case("a lookup: person, card, three dossiers", _lookup),
    Case("the same, the last that a day allows", _lookup, _a_days_lookups),
    Case("a search that finds one person", _search),
    Case("a search that finds ten people", _search, people=10),
    Case(
        "a list of fifty dossiers",
        lambda service: service.dossiers(_OFFICER, _errand(), agency="H26.12"),
        people=50,
        dossiers=1,
    ),
    Case("a receipt", _receipt),
    Case("a refused lookup", _refused),
    Case("events sent over HTTP, beside their own cost", _published),
)


def cost_of(case: Case) -> Cost:
    """What a look causes, asked of a town."""
    town = Town(case.people, case.dossiers)
    (case.before or case.ask)(town.service)
    town.meter.reset()
    case.ask(town.service)
    meter = town.meter
    return Cost(
        case.name,
        len(meter.put),
        max(map(size, meter.put), default=0),
        meter.write_units,
        meter.read_units,
    )


def costs() -> list[Cost]:
    """Those of every case."""
    return [cost_of(case) for case in CASES]


def table(costs: Sequence[Cost], prices: Prices) -> list[str]:
    """The costs as a Markdown table, as the deploy guide has it."""
    units = "| request | entries | bytes of each | write units | read units |"
    return [
        f"{units} tables, USD | gateway | function | USD per million |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|",
        *(
            f"| {c.name} | {c.entries} | {c.entry_bytes} | {c.write_units} | {c.read_units:g} "
            f"| {c.of_tables(prices):.2f} | {c.of_gateway(prices):.2f} "
            f"| {c.of_function(prices):.2f} | {c.dollars(prices):.2f} |"
            for c in costs
        ),
    ]
