"""The API's functions as the gateway calls them, composed from their environment."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from functions.shared.adapters.attributes import from_item
from functions.shared.core.access import Role
from functions.shared.runtime.api.routes import ROUTES
from functions.shared.runtime.publishing import BATCH, STRUCTURED
from tests.builders import PERSON_ID, event
from tests.integration.functions.serving import (
    EVERYONE,
    House,
    Reply,
    http_event,
    officer,
    opened,
    served,
    system,
    varied,
)
from tests.integration.functions.stack import Aws

ROOT: Final = Path(__file__).parents[3]
QUALITY: Final[dict[str, Any]] = {
    "claims": officer("quality-officer"),
    "purpose": "data-quality",
    "case": "T-1",
}
NAME: Final = "Nguyễn Thị Hoà Mẫu"


@pytest.fixture(scope="module")
def house(aws: Aws) -> Iterator[House]:
    with opened(aws) as made:
        yield made


def code_of(reply: Reply) -> tuple[int, str]:
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.document["status"] == reply.status
    return reply.status, reply.document["code"]


def noted(house: House) -> list[dict[str, Any]]:
    """Everything in the access log."""
    table = house.environment["ACCESS_LOG_TABLE"]
    return [from_item(item) for item in house.town.aws.dynamodb.scan(TableName=table)["Items"]]


# Asking --------------------------------------------------------------------------------------


def test_a_person_is_answered_with_cards_and_dossiers_in_one_call(house: House) -> None:
    reply = house.call("POST", "/v1/people/lookups", body={"personal_id": PERSON_ID})
    assert reply.status == 200
    found = reply.document
    assert found["person"]["fields"]["full_name"]["value"] == NAME
    assert [card["kind"] for card in found["insurance_cards"]] == ["insurance-card"]
    assert [dossier["kind"] for dossier in found["dossiers"]] == ["dossier"]
    assert PERSON_ID not in found["person"]["record"]


def test_every_answer_says_that_it_is_not_kept_and_which_request_it_is_of(house: House) -> None:
    for reply in (
        house.call("GET", "/v1/me"),
        house.call("GET", "/v1/nothing"),
        house.call("GET", "/v1/openapi.json"),
        house.call("POST", "/v1/people/lookups", body=b"{"),
    ):
        assert reply.headers["cache-control"] == "no-store"
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["x-request-id"].startswith("request-")
        assert set(reply.headers) == {name.lower() for name in reply.headers}


def test_a_record_is_found_by_its_opaque_id_and_by_no_personal_id(house: House) -> None:
    reply = house.call("GET", f"/v1/people/{house.record_of()}")
    assert (reply.status, reply.document["kind"]) == (200, "person")
    for wrong in (PERSON_ID, "x", house.record_of()[:-1] + "_"):
        assert code_of(house.call("GET", f"/v1/people/{wrong}")) == (404, "not-found")
    assert code_of(house.call("GET", f"/v1/dossiers/{house.record_of()}")) == (404, "not-found")


def test_people_are_found_by_name_without_diacritics(house: House) -> None:
    asked = {"name": "nguyen thi hoa mau", "year_of_birth": 1990}
    reply = house.call("POST", "/v1/people/searches", body=asked)
    assert reply.status == 200
    assert [one["match"] for one in reply.document["people"]] == ["diacritics"]


def test_a_record_has_a_history_and_a_past(house: House) -> None:
    path = f"/v1/records/{house.record_of()}/history"
    whole = house.call("GET", path)
    assert [change["version"] for change in whole.document["changes"]] == [1]
    at = whole.document["changes"][0]["recorded_at"]
    past = house.call("GET", path, query={"at": at})
    assert past.document["fields"]["full_name"]["value"] == NAME
    early = house.call("GET", path, query={"at": "2001-01-01T00:00:00Z"})
    assert code_of(early) == (404, "not-found")
    both = house.call("GET", path, query={"at": at, "from": at})
    assert code_of(both) == (400, "invalid-request")


def test_an_event_has_a_receipt(house: House) -> None:
    asked = {"source": "/agencies/G01", "id": "e-1"}
    reply = house.call("GET", "/v1/events", query=asked)
    assert (reply.status, reply.document["state"]) == (200, "applied")
    refused = house.call("GET", "/v1/events", query={**asked, "id": "refused-1"})
    assert (refused.status, refused.document["state"]) == (200, "quarantined")


def test_an_agencys_dossiers_are_listed(house: House) -> None:
    reply = house.call(
        "GET",
        "/v1/dossiers",
        query={"status": "1,2", "due_before": "2027-01-01T00:00:00+07:00"},
        claims=officer("one-stop-officer", agency="H26.12"),
        purpose="dossier-handling",
        case="H26.12-20260303-0000003",
    )
    assert (reply.status, len(reply.document["dossiers"])) == (200, 1)


def test_a_look_leaves_a_trace_that_can_be_read_and_leaves_one_in_its_turn(house: House) -> None:
    record = house.record_of()
    asked: dict[str, Any] = {"claims": officer("auditor"), "purpose": "audit"}
    path = f"/v1/people/{record}/access-log"
    first = house.call("GET", path, **asked)
    assert first.status == 200
    assert first.document["entries"][0]["officer_name"] == "population-officer"
    second = house.call("GET", path, **asked)
    assert second.document["entries"][0]["officer_name"] == "auditor"
    found = house.call("GET", "/v1/access-log", query={"purpose": "audit"}, **asked)
    assert found.status == 200


def test_refused_messages_are_listed_counted_shown_and_settled(house: House) -> None:
    listed = house.call("GET", "/v1/quarantine", query={"reason": "invalid-data"}, **QUALITY)
    (entry,) = listed.document["entries"]
    counted = house.call("GET", "/v1/quarantine", query={"by": "queue,reason"}, **QUALITY)
    assert counted.document["total"] == 1
    path = f"/v1/quarantine/{entry['id']}"
    shown = house.call("GET", path, **QUALITY)
    assert shown.document["errors"][0]["path"] == "/data/phone"
    patch = [{"op": "replace", "path": "/data/phone", "value": "0900000009"}]
    asked = {"patch": patch, "dry_run": True}
    foreseen = house.call("POST", f"{path}/replays", body=asked, **QUALITY)
    assert (foreseen.status, foreseen.document["outcome"]) == (200, "foreseen")
    many = {"select": {"queue": "population"}, "patch": patch}
    dry = house.call("POST", "/v1/quarantine/corrections", body=many, **QUALITY)
    assert (dry.document["dry_run"], dry.document["after"]["passing"]) == (True, 1)
    assert house.queued("population") == []
    done = house.call("POST", f"{path}/dismissals", body={"why": "A test"}, **QUALITY)
    assert (done.status, done.document["outcome"]) == (200, "done")


# Who asks, and why ---------------------------------------------------------------------------


def test_nobody_is_answered_who_is_not_signed_in(house: House) -> None:
    before = len(noted(house))
    for route in ROUTES:
        if not route.open:
            path = route.path.replace("{record}", "x" * 40).replace("{entry}", "0" * 64)
            made = http_event(route.method, path, headers={"x-purpose": "audit"}, body=b"{}")
            reply = house.handle(made)
            assert code_of(reply) == (401, "not-signed-in")
            assert reply.headers["www-authenticate"] == "Bearer"
    assert len(noted(house)) == before


def test_who_belongs_to_no_agency_is_not_answered(house: House) -> None:
    for claims in (officer("inspector", agency=None), officer("inspector", agency="H99")):
        assert code_of(house.call("GET", "/v1/me", claims=claims)) == (403, "no-agency")
    assert code_of(house.call("GET", "/v1/me", claims=system("unknown"))) == (403, "no-agency")


def test_what_no_policy_permits_is_refused_and_noted(house: House) -> None:
    before = len(noted(house))
    asked = {"personal_id": PERSON_ID}
    reply = house.call("POST", "/v1/people/lookups", body=asked, claims=officer())
    assert code_of(reply) == (403, "not-permitted")
    assert len(noted(house)) == before + 1
    assert NAME not in reply.text


@pytest.mark.parametrize(
    ("purpose", "case", "header"),
    [
        (None, None, "X-Purpose"),
        ("curiosity", None, "X-Purpose"),
        ("inspection", None, "X-Case"),
        ("inspection", PERSON_ID, "X-Case"),
        ("dossier-handling", "T-1", "X-Case"),
    ],
)
def test_nothing_is_read_without_a_purpose_and_the_case_it_needs(
    house: House, purpose: str | None, case: str | None, header: str
) -> None:
    before = len(noted(house))
    asked = {"personal_id": PERSON_ID}
    reply = house.call("POST", "/v1/people/lookups", body=asked, purpose=purpose, case=case)
    assert code_of(reply) == (400, "purpose-required")
    assert [one["path"] for one in reply.document["errors"]] == [header]
    assert PERSON_ID not in reply.text
    assert len(noted(house)) == before + 1


def test_who_names_no_purpose_is_refused_and_that_is_noted_without_what_was_asked(
    house: House,
) -> None:
    house.call(
        "POST",
        "/v1/people/lookups",
        body={"personal_id": PERSON_ID},
        claims=officer(id_="hasty"),
        purpose=None,
        case=PERSON_ID,
    )
    (entry,) = [entry for entry in noted(house) if entry["officer_name"] == "hasty"]
    assert entry["subject"] == "caller/sub-of-hasty"
    assert (entry["allowed"], entry["purpose"]) == (False, "none")
    assert entry["note"] == {"outcome": "no-purpose", "route": "POST /v1/people/lookups"}
    assert PERSON_ID not in str(entry)


def test_an_allowance_that_is_used_up_is_told_with_its_end(house: House) -> None:
    with varied(house, DAILY_ALLOWANCE="1"):
        asked: dict[str, Any] = {
            "body": {"personal_id": PERSON_ID},
            "claims": officer("population-officer", id_="curious"),
        }
        assert house.call("POST", "/v1/people/lookups", **asked).status == 200
        reply = house.call("POST", "/v1/people/lookups", **asked)
        assert code_of(reply) == (429, "allowance-spent")
        assert 1 <= int(reply.headers["retry-after"]) <= 86_400


def test_who_is_stopped_at_an_allowance_is_seen_by_an_inspector_once(house: House) -> None:
    record = house.record_of()
    with varied(house, DAILY_ALLOWANCE="1"):
        for status in (200, 429, 429):
            reply = house.call(
                "GET", f"/v1/people/{record}", claims=officer("population-officer", id_="greedy")
            )
            assert reply.status == status
    asked: dict[str, Any] = {"claims": officer("inspector"), "purpose": "inspection", "case": "Q-1"}
    for path, query in (
        ("/v1/access-log", {"officer": "sub-of-greedy"}),
        (f"/v1/people/{record}/access-log", {}),
    ):
        entries = house.call("GET", path, query=query, **asked).document["entries"]
        told = [entry for entry in entries if entry["officer"] == "sub-of-greedy"]
        assert [(one["decision"], one.get("spent")) for one in told] == [
            ("refused", "day"),
            ("permitted", None),
        ]
        assert [(one["record"], one["seen"]) for one in told[0]["records"]] == [(record, [])]


def test_a_look_that_cannot_be_noted_is_not_answered(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    with varied(house, ACCESS_LOG_TABLE="no-such-table"):
        reply = house.call("POST", "/v1/people/lookups", body={"personal_id": PERSON_ID})
    assert reply.status in (500, 503)
    assert NAME not in reply.text
    said = capsys.readouterr().out
    assert "no-such-table" not in said
    assert PERSON_ID not in said


# How it is asked -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/v1/people/lookups", "POST"),
        ("DELETE", "/v1/people/abc", "GET"),
        ("PUT", "/v1/events", "GET, POST"),
        ("OPTIONS", "/v1/me", "GET"),
        ("HEAD", "/v1/docs", "GET"),
    ],
)
def test_another_method_is_refused(house: House, method: str, path: str, allow: str) -> None:
    reply = house.call(method, path)
    assert code_of(reply) == (405, "method-not-allowed")
    assert reply.headers["allow"] == allow


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/people", "/v1/people/a/b", "/v1/me/", "/v2/me"])
def test_another_path_is_not_there(house: House, path: str) -> None:
    assert code_of(house.call("GET", path)) == (404, "no-such-route")


def test_fields_and_parameters_are_exact(house: House) -> None:
    body = {"personal_id": "1", "insurance_number": None, "x": 1}
    reply = house.call("POST", "/v1/people/lookups", body=body)
    assert code_of(reply) == (422, "invalid-fields")
    told = {one["path"]: one["code"] for one in reply.document["errors"]}
    assert told == {
        "/personal_id": "pattern",
        "/insurance_number": "not-text",
        "/x": "unknown-field",
    }
    for query in ("status=0", "status=1&status=2", "status=", "limit=5", "cursor=%20"):
        reply = house.call("GET", "/v1/dossiers", query=query)
        assert code_of(reply) == (422, "invalid-fields")


def test_a_stage_of_its_own_name_is_no_part_of_the_path(house: House) -> None:
    made = http_event("GET", "/v1/me", headers={"x-purpose": "audit"}, claims=officer("auditor"))
    context = {**made["requestContext"], "stage": "blue"}
    staged = {**made, "rawPath": "/blue/v1/me", "requestContext": context}
    assert house.handle(staged).status == 200


# Publishing ----------------------------------------------------------------------------------


def test_an_event_is_queued_to_the_byte_with_its_sender(house: House) -> None:
    text = json.dumps(event(id_="p-1"), indent=1)
    headers = {"content-type": STRUCTURED}
    reply = house.call(
        "POST", "/v1/events", claims=system(), headers=headers, body=text.encode(), purpose=None
    )
    assert reply.status == 202
    assert [one["verdict"] for one in reply.document["events"]] == ["queued"]
    assert house.queued("population") == [{"body": text, "sender": system()["client_id"]}]


def test_a_batch_and_a_binary_event_are_queued(house: House) -> None:
    batch = [event(id_="p-2"), event(id_="p-3", fields={"phone": "x"})]
    headers = {"content-type": BATCH}
    reply = house.call("POST", "/v1/events", claims=system(), headers=headers, body=batch)
    assert [one["verdict"] for one in reply.document["events"]] == ["queued", "refused"]
    whole = event(id_="p-4")
    attributes = {f"ce-{name}": whole[name] for name in whole if name != "data"}
    headers = {"content-type": "application/json", **attributes}
    reply = house.call("POST", "/v1/events", claims=system(), headers=headers, body=whole["data"])
    assert reply.status == 202
    assert [json.loads(one["body"])["id"] for one in house.queued("population")] == ["p-2", "p-4"]


@pytest.mark.parametrize(
    ("claims", "changed", "told"),
    [
        (system(), {"source": "/agencies/H26"}, (403, "source-not-permitted")),
        (system(), {"subject": "1"}, (422, "events-refused")),
        (officer(*Role), {}, (403, "not-permitted")),
    ],
    ids=["another agency's", "wrong", "an account"],
)
def test_what_may_not_be_published_is_not_queued(
    house: House, claims: dict[str, str], changed: dict[str, str], told: tuple[int, str]
) -> None:
    headers = {"content-type": STRUCTURED}
    reply = house.call(
        "POST", "/v1/events", claims=claims, headers=headers, body={**event(), **changed}
    )
    assert code_of(reply) == told
    assert house.queued("population") == []


def test_events_come_in_their_own_media_types(house: House) -> None:
    reply = house.call("POST", "/v1/events", claims=system(), body=event())
    assert code_of(reply) == (415, "unsupported-media-type")
    assert STRUCTURED in reply.headers["accept"]
    large = b" " * (1024 * 1024 + 1)
    headers = {"content-type": STRUCTURED}
    reply = house.call("POST", "/v1/events", claims=system(), headers=headers, body=large)
    assert code_of(reply) == (413, "too-large")


# What it says of itself ----------------------------------------------------------------------


def test_the_document_and_its_page_are_served_to_everybody(house: House) -> None:
    reply = house.handle(http_event("GET", "/v1/openapi.json"))
    committed = (ROOT / "schemas" / "generated" / "openapi.json").read_text("utf-8")
    assert (reply.status, reply.text) == (200, committed)
    page = house.handle(http_event("GET", "/v1/docs", headers={"accept": "text/html"}))
    assert page.status == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy.partition("script-src")[2].partition(";")[0]
    assert "src=" not in page.text.partition("<script>")[0]
    packed = house.handle(http_event("GET", "/v1/docs", headers={"accept-encoding": "gzip"}))
    assert packed.headers["content-encoding"] == "gzip"


def test_no_log_line_holds_what_belongs_to_a_person(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    with varied(house):
        record = house.record_of()
        house.call("GET", f"/v1/people/{record}")
        house.call("POST", "/v1/people/searches", body={"name": NAME, "commune": "00070"})
        house.call("POST", "/v1/people/lookups", body={"personal_id": PERSON_ID, NAME: 1})
        house.call("GET", "/v1/events", query={"source": "/agencies/G01", "id": PERSON_ID})
        house.call("GET", f"/v1/people/{PERSON_ID}", claims=officer(id_="officer.secret"))
    said = capsys.readouterr().out
    for secret in (PERSON_ID, NAME, record, "officer.secret", "population-officer", "00070"):
        assert secret not in said
    lines = [json.loads(line) for line in said.splitlines()]
    told = [line for line in lines if line.get("message") == "A request was answered."]
    assert {line["route"] for line in told} >= {"GET /v1/people/{record}", "GET /v1/events"}
    assert any("Requests" in line for line in lines)


def test_what_nobody_expected_is_told_by_its_class_alone(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    with varied(house, PEOPLE_TABLE="no-such-table"):
        reply = house.call("POST", "/v1/people/lookups", body={"personal_id": PERSON_ID})
    assert code_of(reply) == (500, "internal-error")
    assert "no-such-table" not in reply.text
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (failed,) = [line for line in lines if line.get("message") == "A request failed."]
    assert failed["error"] == "Defect"
    assert "no-such-table" not in json.dumps(lines)
    assert any("ApiFailed" in line for line in lines)


@pytest.mark.parametrize("function", ["query", "intake"])
def test_every_sample_is_answered_as_it_says(house: House, function: str) -> None:
    samples = sorted((ROOT / "events" / function).glob("*.json"))
    assert samples
    for path in samples:
        reply = house.handle(json.loads(path.read_text("utf-8")))
        assert reply.status < 500, path.name
    for queue in house.queues:
        house.queued(queue)


def test_a_sync_function_starts_without_what_the_api_needs() -> None:
    code = (
        "import sys; import functions.population_sync.handler;"
        "print([m for m in ('cedarpy', 'cryptography', 'pydantic', 'jsonpatch',"
        " 'aws_lambda_powertools.event_handler', 'functions.shared.runtime.api')"
        " if m in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "[]"


def test_over_http_it_is_the_same(house: House) -> None:
    import http.client
    from urllib.parse import urlsplit

    with served(house) as url:
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
        headers = {"Authorization": f"Bearer {EVERYONE}", "X-Purpose": "audit"}
        connection.request("GET", "/v1/me", headers=headers)
        answer = connection.getresponse()
        assert answer.status == 200
        assert json.loads(answer.read())["agency"] == "G01"
        connection.request("GET", "/v1/me", headers={"Authorization": "Bearer nobody"})
        answer = connection.getresponse()
        assert (answer.status, answer.headers["content-type"]) == (401, "application/problem+json")
        answer.read()
        connection.close()
