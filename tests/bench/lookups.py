"""A lookup through the query function against a bare `GetItem`, and a search as the city grows.

Both handlers run in this process and meet the same endpoint, in interleaved rounds. There are
three endpoints: the emulator, where a round trip is a real one and the emulator's own work is in
it; a server that answers at once, where only the client's own cost is left; and the same server
answering 5 ms later, as a service over a network does, where calls that go out together show as
one round. A search meets two crowds of people in one server, ten thousand and a million, whose
index by name is sorted partitions; in both it is one of the commonest name who is looked for, and
one person who is found.
"""

from __future__ import annotations

import json
import math
import os
import random
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from functions.shared.adapters.dynamodb import item_from_record
from functions.shared.runtime import composition
from tests.bench import bare, workload
from tests.bench.emulated import deployed
from tests.bench.goals import LOOKUP, SEARCH_GROWTH, Figure, Result, Table
from tests.bench.server import Server, Tables, running
from tests.bench.sides import (
    ENVIRONMENT,
    WARM_UP,
    Context,
    Handler,
    Say,
    freeze,
    quartiles,
    silent,
)

PEOPLE: Final = 400
"""People who are looked up, each with a card and a dossier."""
REPEATS: Final = 20
"""Lookups of a side in a round."""
SEARCHES: Final = 10
SMALL, LARGE = 10_000, workload.LARGEST_CROWD
DELAY: Final = 0.005
"""Seconds of a round trip, about those of DynamoDB within a region."""
OURS, BARE = "lienthong", "bare GetItem"
TABLES: Final[Mapping[str, str]] = {
    "PEOPLE_TABLE": "People",
    "INSURANCE_CARDS_TABLE": "InsuranceCards",
    "DOSSIERS_TABLE": "Dossiers",
    "AGENCIES_TABLE": "Agencies",
    "ACCESS_LOG_TABLE": "AccessLog",
    "ACCESS_HEADS_TABLE": "AccessHeads",
    "ALLOWANCES_TABLE": "Allowances",
    "LEDGER_TABLE": "Ledger",
    "QUARANTINE_TABLE": "Quarantine",
    "QUARANTINE_BUCKET": "quarantine",
}
"""Variable -> table of the server that stands in for DynamoDB."""
_OUTPUTS: Final[Mapping[str, str]] = {
    "PEOPLE_TABLE": "PeopleTable",
    "INSURANCE_CARDS_TABLE": "InsuranceCardsTable",
    "DOSSIERS_TABLE": "DossiersTable",
    "AGENCIES_TABLE": "AgenciesTable",
    "ACCESS_LOG_TABLE": "AccessLogTable",
    "ACCESS_HEADS_TABLE": "AccessHeadsTable",
    "ALLOWANCES_TABLE": "AllowancesTable",
    "LEDGER_TABLE": "LedgerTable",
    "QUARANTINE_TABLE": "QuarantineTable",
    "QUARANTINE_BUCKET": "QuarantineBucket",
}
"""Variable -> output of the template."""
CLAIMS: Final[Mapping[str, str]] = {
    "sub": "5f1c0c9e-0000-4000-8000-000000000001",
    "username": "bench.officer",
    "client_id": "bench",
    "token_use": "access",
    "agency": "H26.12",
    "roles": "one-stop-officer",
}
"""Of an access token, as the API's authorizer hands them on."""


@dataclass(slots=True)
class Timed:
    """Milliseconds of each request of a side, by round, and the CPU that it took this process."""

    rounds: list[list[float]] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    @property
    def p50(self) -> float:
        """Half of the requests were answered within it."""
        return statistics.median(self.all)

    @property
    def p99(self) -> float:
        """All but one of a hundred were."""
        return percentile(self.all, 0.99)

    @property
    def all(self) -> list[float]:
        """Every request."""
        return [spent for round_ in self.rounds for spent in round_]

    @property
    def medians(self) -> list[float]:
        """The median of each round."""
        return [statistics.median(round_) for round_ in self.rounds]

    def as_json(self) -> dict[str, Any]:
        """As a document."""
        low, high = quartiles(self.medians)
        return {
            "requests": len(self.all),
            "p50_ms": round(self.p50, 3),
            "p99_ms": round(self.p99, 3),
            "quartiles_of_the_rounds_medians_ms": [round(low, 3), round(high, 3)],
            "cpu_ms": round(statistics.median(self.cpu), 3),
        }


@dataclass(frozen=True, slots=True)
class Met:
    """What an endpoint showed: how it is called, and both sides on it."""

    name: str
    sides: Mapping[str, Timed]

    @property
    def ratios(self) -> list[float]:
        """Ours over the bare one's, by the medians of each round."""
        ours, bare_ = self.sides[OURS].medians, self.sides[BARE].medians
        return [a / b for a, b in zip(ours, bare_, strict=True)]


@dataclass(frozen=True, slots=True)
class Calls:
    """What one lookup asks of the tables: calls by operation, and rounds of them."""

    operations: Mapping[str, float]
    rounds: float

    @property
    def each(self) -> float:
        """Calls altogether."""
        return sum(self.operations.values())

    def told(self) -> str:
        """As people read it."""
        return ", ".join(f"{name} {number:g}" for name, number in self.operations.items())


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that so large a share of the values does not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def result(rounds: int, say: Say) -> Result:
    """The lookup on three endpoints, and the search in two crowds."""
    say("Looking people up on a server that answers at once.")
    with running(_tables()) as server, silent():
        at_once = _lookups("answers at once", _sides_of(server), rounds)
    say(f"Looking people up on a server that answers after {DELAY * 1000:g} ms.")
    with running(_tables(), DELAY) as server, silent():
        sides = _sides_of(server)
        later = _lookups(f"answers after {DELAY * 1000:g} ms", sides, rounds)
        calls = _calls(sides[OURS], server)
    with deployed(say, enforce_iam=False) as stack, silent():
        say("Looking people up on the emulator.")
        sides = _sides_on_the_emulator(stack)
        emulated = _lookups("the emulator", sides, rounds)
    say(f"Searching among {SMALL:,} and {LARGE:,} people.")
    searches = _searches(rounds)
    met = (emulated, later, at_once)
    return Result(
        figures=[_lookup_figure(met, calls), _search_figure(searches)],
        tables=[_lookup_table(met, calls), _search_table(searches)],
        details={
            **{
                f"lookup, {one.name}": {name: side.as_json() for name, side in one.sides.items()}
                for one in met
            },
            "calls of a lookup": {**calls.operations, "rounds": calls.rounds},
            **{
                f"search, {form}, {crowd:,}": {**timed.as_json(), "found": found}
                for (form, crowd), (timed, found) in searches.items()
            },
        },
    )


# Requests ---------------------------------------------------------------------------------------


def request(path: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """A POST as an HTTP API hands it to its function (payload format 2.0)."""
    return {
        "version": "2.0",
        "routeKey": f"POST {path}",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {
            "content-type": "application/json",
            "accept": "application/json",
            "x-purpose": "dossier-handling",
            "x-case": "H26.12-260102-0000007",
        },
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "bench",
            "authorizer": {"jwt": {"claims": dict(CLAIMS), "scopes": None}},
            "domainName": "api.example.invalid",
            "http": {
                "method": "POST",
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "192.0.2.1",
                "userAgent": "bench",
            },
            "requestId": "bench",
            "routeKey": f"POST {path}",
            "stage": "$default",
            "time": "01/Nov/2026:00:00:00 +0000",
            "timeEpoch": 1793491200000,
        },
        "body": json.dumps(body, ensure_ascii=False),
        "isBase64Encoded": False,
    }


def _lookup(number: int) -> dict[str, Any]:
    return request("/v1/people/lookups", {"personal_id": workload.key_of_person(number)})


def _answered(handler: Handler, event: Mapping[str, Any]) -> dict[str, Any]:
    answer = handler(event, Context())
    if answer["statusCode"] != 200:
        raise SystemExit(f"A request was not answered: {str(answer)[:500]}")
    document: dict[str, Any] = json.loads(answer["body"])
    return document


# The two sides ----------------------------------------------------------------------------------


def our_api(url: str, tables: Mapping[str, str], **more: str) -> Handler:
    """The query function's own handler over an endpoint's tables."""
    os.environ.update(
        ENVIRONMENT,
        AWS_ENDPOINT_URL=url,
        AWS_LAMBDA_FUNCTION_NAME="query",
        POWERTOOLS_SERVICE_NAME="query",
        RECORD_ID_KEY="0123456789abcdef" * 8,
        DAILY_ALLOWANCE="100000000",
        MINUTE_ALLOWANCE="100000000",
        **tables,
    )
    os.environ.update(more)
    composition.query_api.cache_clear()
    # What is composed now knows this endpoint alone, however often another one is made.
    api = composition.query_api()
    return api.handle


def _bare(url: str, people: str, **more: str) -> Handler:
    os.environ.update(ENVIRONMENT, AWS_ENDPOINT_URL=url)
    os.environ.update(more)
    return bare.build(people)


def _sides_of(server: Server) -> dict[str, Handler]:
    return {
        OURS: our_api(server.url, TABLES),
        BARE: _bare(server.url, TABLES["PEOPLE_TABLE"]),
    }


def _sides_on_the_emulator(stack: Any) -> dict[str, Handler]:
    dynamodb = stack.client("dynamodb")
    for number in range(PEOPLE):
        for output, record in (
            ("PeopleTable", workload.person_record(number)),
            ("InsuranceCardsTable", workload.card_record(number)),
            ("DossiersTable", workload.dossier_record(number)),
        ):
            dynamodb.put_item(TableName=stack.outputs[output], Item=item_from_record(record))
    tables = {variable: stack.outputs[output] for variable, output in _OUTPUTS.items()}
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    return {
        OURS: our_api(stack.endpoint, tables, **keys),
        BARE: _bare(stack.endpoint, tables["PEOPLE_TABLE"], **keys),
    }


def _tables() -> Tables:
    """A million people; those who are looked up have a card and a dossier each."""
    cards = [workload.card_record(number) for number in range(PEOPLE)]
    dossiers = [workload.dossier_record(number) for number in range(PEOPLE)]
    return {
        "People": LARGE,
        "InsuranceCards": {card.key: workload.item_on_the_wire(card) for card in cards},
        "Dossiers": {one.key: workload.item_on_the_wire(one) for one in dossiers},
        "Agencies": workload.AGENCY_ITEMS,
    }


# Lookups ----------------------------------------------------------------------------------------


def _lookups(name: str, sides: Mapping[str, Handler], rounds: int) -> Met:
    for number, handler in enumerate(sides.values()):
        _answered(handler, _lookup(number))
    answer = _answered(sides[OURS], _lookup(0))
    if not (answer["person"] and answer["insurance_cards"] and answer["dossiers"]):
        raise SystemExit("A lookup did not find person, card and dossier; it would mean nothing.")
    freeze()
    timed = {side: Timed() for side in sides}
    for number in range(-WARM_UP, rounds):
        numbers = [(number * REPEATS + place) % PEOPLE for place in range(REPEATS)]
        for side, handler in sides.items():
            spent, cpu = _spent(handler, [_lookup(one) for one in numbers])
            if number >= 0:
                timed[side].rounds.append(spent)
                timed[side].cpu.append(cpu)
    return Met(name, timed)


def _spent(handler: Handler, events: Sequence[Mapping[str, Any]]) -> tuple[list[float], float]:
    """Milliseconds of each request, and of this process's CPU for one of them."""
    context = Context()
    answers, spent = [], []
    cpu = time.process_time()
    for event in events:
        began = time.perf_counter()
        answers.append(handler(event, context))
        spent.append((time.perf_counter() - began) * 1000)
    cpu = (time.process_time() - cpu) / len(events) * 1000
    if any(answer["statusCode"] != 200 for answer in answers):
        raise SystemExit("A request was not answered; the figures would mean nothing.")
    return spent, cpu


def _calls(handler: Handler, server: Server) -> Calls:
    """Counted over a few lookups of a warm function."""
    server.calls()
    server.rounds()
    for number in range(REPEATS):
        _answered(handler, _lookup(number))
    calls: Counter[str] = server.calls()
    return Calls(
        {name: number / REPEATS for name, number in sorted(calls.items())},
        server.rounds() / REPEATS,
    )


def _lookup_figure(met: Sequence[Met], calls: Calls) -> Figure:
    """Judged where calls that go out together are worked together, as a service over a network
    does: what the goal counts is rounds. The emulator works one call at a time, so there the same
    lookup is as many calls long; that ratio is told beside it."""
    emulated, later, at_once = met
    ours, bare_ = later.sides[OURS], later.sides[BARE]
    serial = emulated.sides[OURS].p50 / emulated.sides[BARE].p50
    own = at_once.sides[OURS].p50
    return Figure(
        LOOKUP,
        ours.p50 / bare_.p50,
        f"p50 {ours.p50:.1f} ms, p99 {ours.p99:.1f} ms; {calls.each:g} calls in"
        f" {calls.rounds:.1f} rounds; on the emulator, one call at a time, {serial:.1f}x",
        f"p50 {bare_.p50:.1f} ms, p99 {bare_.p99:.1f} ms; a round trip takes {DELAY * 1000:g} ms",
        quartiles(later.ratios),
        f"One lookup is {calls.each:g} calls ({calls.told()}) in {calls.rounds:.1f} rounds where"
        f" the bare path is one, and {own:.1f} ms of it are our own process's.",
    )


def _lookup_table(met: Sequence[Met], calls: Calls) -> Table:
    rows = []
    for one in met:
        low, high = quartiles(one.ratios)
        for side, timed in one.sides.items():
            rows.append(
                (
                    f"{one.name}, {side}",
                    f"{timed.p50:.2f}",
                    f"{timed.p99:.2f}",
                    f"{statistics.median(timed.cpu):.2f}",
                    f"{timed.p50 / one.sides[BARE].p50:.1f}x",
                    f"{low:.1f} to {high:.1f}" if side == OURS else "-",
                )
            )
    return Table(
        "A lookup (person, card and dossier, with its access entry) against a bare GetItem",
        ("endpoint and side", "p50 ms", "p99 ms", "CPU ms", "of the bare one", "quartiles"),
        rows,
        f"A lookup is {calls.each:g} calls ({calls.told()}) in {calls.rounds:.1f} rounds: reads,"
        " reads, one transaction. CPU is this process's own.",
    )


# Searches ---------------------------------------------------------------------------------------

Form = Callable[[int], dict[str, Any]]
"""Makes the body of a search that finds a person."""


def _fields(number: int) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(workload.person(number, number))["data"]
    return data


def _by_date_and_commune(number: int) -> dict[str, Any]:
    data = _fields(number)
    return {
        "name": data["full_name"].lower(),
        "date_of_birth": data["date_of_birth"],
        "commune": data["residence"]["commune"],
    }


def _by_date(number: int) -> dict[str, Any]:
    data = _fields(number)
    return {"name": data["full_name"].lower(), "date_of_birth": data["date_of_birth"]}


def _by_year(number: int) -> dict[str, Any]:
    data = _fields(number)
    return {"name": data["full_name"].lower(), "year_of_birth": int(data["date_of_birth"][:4])}


def _by_commune(number: int) -> dict[str, Any]:
    data = _fields(number)
    return {"name": data["full_name"].lower(), "commune": data["residence"]["commune"]}


FORMS: Final[Mapping[str, Form]] = {
    "name, date of birth": _by_date,
    "name, date of birth, commune": _by_date_and_commune,
    "name, year of birth": _by_year,
    "name, commune": _by_commune,
}
"""The first two find the same number of people in both crowds; the first is compared."""
COMPARED: Final = "name, date of birth"

Searches = Mapping[tuple[str, int], tuple[Timed, float]]
"""Form and crowd -> what it took, and how many people a search found."""


def _searches(rounds: int) -> Searches:
    chance = random.Random(1)
    tables: Tables = {
        "PeopleOfATown": SMALL,
        "PeopleOfACity": LARGE,
        "Agencies": workload.AGENCY_ITEMS,
    }
    found: dict[tuple[str, int], tuple[Timed, list[int]]] = {}
    with running(tables) as server, silent():
        towns = {SMALL: "PeopleOfATown", LARGE: "PeopleOfACity"}
        handlers = {
            crowd: our_api(server.url, {**TABLES, "PEOPLE_TABLE": table})
            for crowd, table in towns.items()
        }
        for crowd, handler in handlers.items():
            # The partition is worked out when it is first asked for.
            _answered(handler, _search(_by_date, _somebody(crowd, chance)))
        freeze()
        for number, (form, make) in _every_round(rounds):
            for crowd, handler in handlers.items():
                events = [_search(make, _somebody(crowd, chance)) for _ in range(SEARCHES)]
                answers = [_answered(handler, event) for event in events[:1]]
                spent, cpu = _spent(handler, events)
                if number < 0:
                    continue
                timed, people = found.setdefault((form, crowd), (Timed(), []))
                timed.rounds.append(spent)
                timed.cpu.append(cpu)
                people += [len(answer["people"]) for answer in answers]
    return {key: (timed, statistics.mean(people)) for key, (timed, people) in found.items()}


def _every_round(rounds: int) -> Iterator[tuple[int, tuple[str, Form]]]:
    for number in range(-WARM_UP, rounds):
        for form in FORMS.items():
            yield number, form


def _somebody(crowd: int, chance: random.Random) -> int:
    """One of those with the commonest name."""
    return workload.common(chance.randrange(crowd - workload.COMMON_EVERY))


def _search(form: Form, number: int) -> dict[str, Any]:
    return request("/v1/people/searches", form(number))


def _search_figure(searches: Searches) -> Figure:
    town, _ = searches[COMPARED, SMALL]
    city, found = searches[COMPARED, LARGE]
    ratios = [a / b for a, b in zip(city.cpu, town.cpu, strict=True)]
    return Figure(
        SEARCH_GROWTH,
        statistics.median(ratios),
        f"{statistics.median(city.cpu):.2f} ms of CPU, p50 {city.p50:.2f} ms, {found:.1f} found",
        f"{statistics.median(town.cpu):.2f} ms of CPU, p50 {town.p50:.2f} ms at {SMALL:,}",
        quartiles(ratios),
        "Both ask the same index for the same range and find one person, so what is over 1 is the"
        " spread of this machine; more rounds (--rounds) make it smaller.",
    )


def _search_table(searches: Searches) -> Table:
    rows = []
    for form in FORMS:
        for crowd in (SMALL, LARGE):
            timed, found = searches[form, crowd]
            town, _ = searches[form, SMALL]
            ratio = statistics.median(timed.cpu) / statistics.median(town.cpu)
            rows.append(
                (
                    form,
                    f"{crowd:,}",
                    f"{found:.1f}",
                    f"{timed.p50:.2f}",
                    f"{timed.p99:.2f}",
                    f"{statistics.median(timed.cpu):.2f}",
                    f"{ratio:.2f}x",
                )
            )
    namesakes = workload.LARGEST_CROWD // workload.COMMON_EVERY
    return Table(
        "A search for somebody of the commonest name, as the city grows",
        ("what is asked", "people", "found", "p50 ms", "p99 ms", "CPU ms", "of the town's"),
        rows,
        f"Of a million people {namesakes:,} have the name. An answer grows with those it finds,"
        " up to 50; without a date the name's index keys are looked through for the commune.",
    )
