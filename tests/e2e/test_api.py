"""The API with IAM enforced: every route as each role, an event over HTTP to the access log."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
import rfc8785

from functions.shared.adapters.keys import day_allowance
from functions.shared.core.access import Role
from functions.shared.core.instants import instant, vietnam_day
from functions.shared.runtime.api.routes import PUBLISHING, ROUTES, Route
from infra.lienthong.access_log import Chains
from tests.e2e.asking import (
    ANSWER_TO_A_REQUEST,
    DOSSIER,
    ERRANDS,
    NAME,
    PERSON,
    Answer,
    account,
    ask,
    ask_as,
    person_event,
    publish,
    receipt,
    token_of,
)
from tests.e2e.delivery import Sent, by_deadline, send
from tests.integration.test_schemathesis import CONFIGURATION

if TYPE_CHECKING:
    from tests.e2e.conftest import Deployed

BAD: Final = Sent("population", '{"specversion":"1.0","id":"of-the-api-tests"}')
UNTIL: Final = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
EVERYBODY: Final = frozenset(Role)
SYSTEM, ONE_STOP, INSURANCE = Role.AGENCY_SYSTEM, Role.ONE_STOP_OFFICER, Role.INSURANCE_OFFICER
FACILITY, POPULATION, QUALITY = Role.FACILITY_STAFF, Role.POPULATION_OFFICER, Role.QUALITY_OFFICER
INSPECTOR, AUDITOR, OPERATOR = Role.INSPECTOR, Role.AUDITOR, Role.OPERATOR
READERS: Final = frozenset({ONE_STOP, INSURANCE, FACILITY, POPULATION, QUALITY, INSPECTOR})
LOG: Final = frozenset({INSPECTOR, AUDITOR})
REFUSED_MESSAGES: Final = frozenset({QUALITY, INSPECTOR, AUDITOR, OPERATOR})
MENDERS: Final = frozenset({QUALITY, OPERATOR})
PERMITTED: Final[Mapping[str, tuple[frozenset[Role], int]]] = {
    "POST /v1/people/lookups": (READERS, 200),
    "POST /v1/people/searches": (READERS - {FACILITY}, 200),
    "GET /v1/people/{record}": (READERS, 200),
    # There is no such card or dossier: who may see none does not learn more than who may.
    "GET /v1/insurance-cards/{record}": (EVERYBODY, 404),
    "GET /v1/dossiers": (frozenset({ONE_STOP, INSPECTOR}), 200),
    "POST /v1/dossiers/lookups": (frozenset({ONE_STOP, INSPECTOR, QUALITY}), 404),
    "GET /v1/dossiers/{record}": (EVERYBODY, 404),
    "GET /v1/records/{record}/history": (frozenset({POPULATION, QUALITY, INSPECTOR, AUDITOR}), 200),
    "GET /v1/events": (EVERYBODY - {INSURANCE, FACILITY, POPULATION}, 404),
    "GET /v1/people/{record}/access-log": (LOG, 200),
    "GET /v1/access-log": (LOG, 200),
    "POST /v1/access-log/{entry}/deferrals": (frozenset({INSPECTOR}), 200),
    "GET /v1/me": (EVERYBODY, 200),
    "GET /v1/openapi.json": (EVERYBODY, 200),
    "GET /v1/docs": (EVERYBODY, 200),
    "POST /v1/events": (frozenset({SYSTEM}), 202),
    "GET /v1/quarantine": (REFUSED_MESSAGES | {SYSTEM}, 200),
    "GET /v1/quarantine/{entry}": (REFUSED_MESSAGES, 200),
    "POST /v1/quarantine/{entry}/replays": (MENDERS, 200),
    "POST /v1/quarantine/{entry}/dismissals": (frozenset({QUALITY}), 200),
    "POST /v1/quarantine/replays": (MENDERS, 200),
    "POST /v1/quarantine/corrections": (MENDERS, 200),
    "POST /v1/quarantine/dismissals": (frozenset({QUALITY}), 200),
}
"""Route -> who is permitted it on their own errand, and the answer; everybody else gets 403."""
BODIES: Final[Mapping[str, Any]] = {
    "POST /v1/people/lookups": {"personal_id": PERSON},
    "POST /v1/people/searches": {"name": NAME, "year_of_birth": 1990},
    "POST /v1/dossiers/lookups": {"dossier_code": DOSSIER},
    "POST /v1/access-log/{entry}/deferrals": {"until": UNTIL, "why": "A decision."},
    "POST /v1/quarantine/{entry}/replays": {"why": "A test.", "dry_run": True},
    "POST /v1/quarantine/{entry}/dismissals": {"why": "A test.", "dry_run": True},
    **{
        f"POST /v1/quarantine/{what}": {"select": {"queue": "registry"}, "why": "A test."} | more
        for what, more in {
            "replays": {},
            "corrections": {"patch": [{"op": "remove", "path": "/data/phone"}]},
            "dismissals": {},
        }.items()
    },
}
QUERIES: Final[Mapping[str, str]] = {
    "GET /v1/dossiers": "?agency=H26.201",
    "GET /v1/events": "?source=/agencies/H26.201&id=never-sent",
    "GET /v1/access-log": "?agency=H26.201",
    "GET /v1/quarantine": "?queue=registry",
}


def name_of(route: Route) -> str:
    return f"{route.method} {route.path}"


@pytest.fixture(scope="module", name="known")
def _known(stack: Deployed) -> Mapping[str, str]:
    """A person who came in over HTTP, a look at them and a refused message: what paths name."""
    fields = {"full_name": NAME, "date_of_birth": "1990-01-02", "sex": "female"}
    sent = publish(stack, person_event("of-the-api-tests", **fields))
    assert sent.status == 202, sent.body
    send(stack, [BAD])
    record = receipt(stack, "of-the-api-tests").document["record"]
    trace = f"/v1/people/{record}/access-log"
    assert ask_as(stack, INSPECTOR, "GET", f"/v1/people/{record}").status == 200
    entry = ask_as(stack, INSPECTOR, "GET", trace).document["entries"][0]["entry"]
    refused = f"/v1/quarantine/{BAD.quarantine_id}"
    by_deadline(
        lambda: ask_as(stack, QUALITY, "GET", refused).status == 200, "a message is refused", 60
    )
    return {"record": record, "entry": entry, "trace": trace}


def asked(stack: Deployed, known: Mapping[str, str], route: Route, role: Role) -> Answer:
    entry = known["entry"] if "access-log" in route.path else BAD.quarantine_id
    path = route.path.replace("{record}", known["record"]).replace("{entry}", entry)
    name = name_of(route)
    if route[:2] == PUBLISHING:
        return ask(
            stack,
            *PUBLISHING,
            token_of(stack, role),
            body=person_event("of-each-role", phone="0900000001"),
            media_type="application/cloudevents+json",
        )
    return ask_as(stack, role, route.method, path + QUERIES.get(name, ""), BODIES.get(name))


@pytest.mark.parametrize("role", Role)
def test_each_role_gets_from_every_route_what_the_policies_say(
    stack: Deployed, known: Mapping[str, str], role: Role
) -> None:
    token_of(stack, role)
    with ThreadPoolExecutor(2) as pool:
        answers = dict(
            zip(
                map(name_of, ROUTES),
                pool.map(lambda route: asked(stack, known, route, role), ROUTES),
                strict=True,
            )
        )

    broken = [answer.body for answer in answers.values() if answer.status >= 500]
    assert not broken, [line for line in stack.logs().splitlines() if '"ERROR"' in line]
    got = {name: answer.status for name, answer in answers.items()}
    assert got == {
        name: status if role in roles else 403 for name, (roles, status) in PERMITTED.items()
    }, {name: answer.body[:300] for name, answer in answers.items() if answer.status >= 400}
    for answer in answers.values():
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-request-id"]
        if answer.status >= 400:
            assert answer.headers["content-type"] == "application/problem+json"


def test_an_event_over_http_leads_to_a_receipt_a_look_and_its_trace(
    stack: Deployed, known: Mapping[str, str]
) -> None:
    event = person_event("followed-to-its-end", phone="0900000002")

    verdict = publish(stack, event).document["events"][0]
    found = receipt(stack, event["id"]).document
    look = ask_as(stack, ONE_STOP, "POST", "/v1/people/lookups", {"personal_id": PERSON})
    trace = ask(
        stack,
        "GET",
        known["trace"],
        token_of(stack, INSPECTOR),
        ANSWER_TO_A_REQUEST,
    )

    assert verdict["verdict"] == "queued"
    assert found["state"] in ("applied", "superseded")
    salted = bytes.fromhex(found["event_salt"]) + rfc8785.dumps(event)
    assert hashlib.sha256(salted).hexdigest() == found["event_digest"]
    fields = look.document["person"]["fields"]
    assert fields["full_name"]["value"] == NAME
    assert fields["full_name"]["source"] == event["source"]
    noted = {entry["request_id"]: entry for entry in trace.document["entries"]}
    (entry,) = [entry for id_, entry in noted.items() if id_ == look.headers["x-request-id"]]
    assert entry["officer_name"] == ONE_STOP
    assert (entry["purpose"], entry["case"]) == ("dossier-handling", DOSSIER)
    assert "full_name" in entry["records"][0]["seen"]


def test_a_source_other_than_the_caller_s_own_is_not_taken(stack: Deployed) -> None:
    event = person_event("of-another", phone="0900000003") | {"source": "/agencies/G01"}

    answer = publish(stack, event)

    assert answer.status == 403
    reasons = answer.document["events"][0]["reasons"]
    assert [reason["code"] for reason in reasons] == ["source-not-permitted"]


def test_what_was_refused_and_who_was_refused_stand_in_the_log(
    stack: Deployed, known: Mapping[str, str]
) -> None:
    refused = ask_as(stack, AUDITOR, "GET", f"/v1/people/{known['record']}")

    entries = ask_as(stack, INSPECTOR, "GET", known["trace"]).document["entries"]

    assert refused.status == 403
    id_ = refused.headers["x-request-id"]
    (entry,) = [entry for entry in entries if entry["request_id"] == id_]
    assert entry["decision"] == "refused"
    assert [record["seen"] for record in entry["records"]] in ([], [[]])


def test_who_asks_too_much_at_once_stands_in_the_log_once(
    stack: Deployed, known: Mapping[str, str]
) -> None:
    with account(stack, "busy", "H26.201", POPULATION) as token:
        claims = token.split(".")[1]
        sub = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["sub"]
        day = day_allowance(sub, vietnam_day(instant(datetime.now(UTC))))
        stack.client("dynamodb").put_item(
            TableName=stack.outputs["AllowancesTable"],
            Item={"allowance": {"S": day}, "looks": {"N": "1000000"}},
        )

        def look(_: int) -> int:
            path = f"/v1/people/{known['record']}"
            return ask(stack, "GET", path, token, ERRANDS[POPULATION]).status

        with ThreadPoolExecutor(4) as crowd:
            statuses = list(crowd.map(look, range(8)))

    assert statuses == [429] * 8
    entries = ask_as(stack, INSPECTOR, "GET", known["trace"]).document["entries"]
    (entry,) = [entry for entry in entries if entry["officer"] == sub]
    assert (entry["decision"], entry["spent"]) == ("refused", "day")
    assert [record["seen"] for record in entry["records"]] == [[]]


def test_schemathesis_finds_nothing_in_what_is_served(
    stack: Deployed, known: Mapping[str, str], tmp_path: Path
) -> None:
    """On the emulator: gateway, authorizer, packaged document and functions with their roles."""
    configuration = tmp_path / "schemathesis.toml"
    configuration.write_text(CONFIGURATION.format(record=known["record"]), "utf-8")
    url = stack.outputs["ApiUrl"]
    roles = (INSPECTOR, QUALITY, ONE_STOP, POPULATION)
    with account(stack, "everyone", "H26.201", *roles) as token:
        ran = subprocess.run(
            [
                *(str(Path(sys.executable).parent / "st"), "--config-file", str(configuration)),
                *("run", f"{url}/v1/openapi.json", "--url", url),
                *("-H", f"Authorization: Bearer {token}", "--generation-database", "none"),
                *("--phases", "fuzzing", "--max-examples", "1", "--seed", "7"),
                *("--workers", "2", "--continue-on-failure", "--no-color"),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    assert ran.returncode == 0, ran.stdout[-8000:]
    assert "No issues found" in ran.stdout


def test_every_chain_of_the_access_log_verifies(stack: Deployed, known: Mapping[str, str]) -> None:
    assert known
    tables = stack.outputs["AccessLogTable"], stack.outputs["AccessHeadsTable"]

    outcome = Chains(stack.client("dynamodb"), *tables, time.sleep).everything()

    assert outcome.findings == []
    assert outcome.subjects > 1


def test_nothing_that_was_asked_about_is_in_a_log(
    stack: Deployed, known: Mapping[str, str]
) -> None:
    logs = stack.logs() + stack.server_log()

    for secret in (PERSON, NAME, known["record"], DOSSIER):
        assert secret not in logs
