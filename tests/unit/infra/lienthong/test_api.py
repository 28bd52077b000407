"""The client asks one address with one sign-in, and makes sentences of what it is refused."""

from __future__ import annotations

import pytest

from infra.lienthong.api import Answer, Response, SignedIn, read_token, url_of
from infra.lienthong.context import Stack
from infra.lienthong.problems import Exit, Problem, Unreachable
from tests.api_double import ScriptedWire, answered, api, problem, token
from tests.builders import DOSSIER_CODE, PERSON_ID


def refusal(*answers: Response) -> Problem:
    wire = ScriptedWire(*answers)
    with pytest.raises(Problem) as caught:
        api(wire).get("/v1/me")
    return caught.value


def test_a_question_carries_the_sign_in_the_purpose_and_the_case() -> None:
    wire = ScriptedWire(answered({"fine": True}))
    answer = api(wire).post("/v1/people/lookups", {"personal_id": PERSON_ID})
    assert answer.document == {"fine": True}
    assert answer.request_id == "request-1"
    (asked,) = wire.asked
    assert asked.url == "https://api.example.test/stage/v1/people/lookups"
    assert asked.headers["Authorization"] == f"Bearer {token()}"
    assert asked.headers["X-Purpose"] == "dossier-handling"
    assert asked.headers["X-Case"] == DOSSIER_CODE
    assert wire.body() == {"personal_id": PERSON_ID}


def test_what_is_none_is_left_out_of_the_query() -> None:
    wire = ScriptedWire(answered({}))
    api(wire).get("/v1/events", source="/agencies/H26.12", id="a b&c", cursor=None)
    assert wire.query() == {"source": "/agencies/H26.12", "id": "a b&c"}
    assert "a+b%26c" in wire.asked[0].url


def test_a_passing_failure_is_asked_again_and_then_told() -> None:
    busy = problem(503, "unavailable", "Nothing was released.", retry_after="2")
    wire = ScriptedWire(busy, busy, answered({"fine": True}))
    assert api(wire).get("/v1/me").ok
    told = refusal(busy, busy, busy)
    assert told.exit is Exit.UNREACHABLE
    assert told.message == "Nothing was released. Try again in 2 s."


def test_an_allowance_that_is_used_up_is_not_asked_again() -> None:
    told = refusal(problem(429, "allowance-spent", "It is used up.", retry_after="18000"))
    assert told.exit is Exit.UNREACHABLE
    assert told.message == "It is used up. Try again in 5 hours."


def test_a_full_minute_that_is_over_soon_is_waited_for() -> None:
    full = problem(429, "allowance-spent", "It is used up.", retry_after="3")
    wire = ScriptedWire(full, answered({"fine": True}))
    assert api(wire).get("/v1/me").ok


def test_a_sign_in_that_is_not_accepted_asks_for_a_new_one() -> None:
    told = refusal(answered({"message": "Unauthorized"}, 401))
    assert told.exit is Exit.UNREACHABLE
    assert "Sign in again with `lienthong login`." in told.message


def test_a_refused_look_says_what_the_api_says_and_which_request_it_was() -> None:
    told = refusal(problem(403, "not-permitted", "No policy permits this."))
    assert told.exit is Exit.FINDINGS
    assert told.message == "No policy permits this."
    assert told.details == ("Request request-1.",)


@pytest.mark.parametrize("status", [400, 413, 415, 422])
def test_a_question_without_meaning_is_wrong_use_with_its_findings(status: int) -> None:
    errors = [{"path": "/name", "code": "short", "text": "Give a name."}, {"text": "And so on."}]
    told = refusal(problem(status, "invalid-request", "It has no meaning.", errors))
    assert told.exit is Exit.USAGE
    assert told.details == ("/name: Give a name.", "And so on.", "Request request-1.")


def test_what_is_not_there_is_no_fault_of_the_stack() -> None:
    told = refusal(problem(404, "not-found", "There is no such thing."))
    assert (told.exit, told.message) == (Exit.FINDINGS, "There is no such thing.")


def test_a_route_that_the_gateway_does_not_know_is() -> None:
    told = refusal(answered({"message": "Not Found"}, 404))
    assert told.exit is Exit.UNREACHABLE
    assert "no such route" in told.message


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, b"<html>"), (200, b"[]"), (200, b"\xff"), (302, b""), (500, b"<html>"), (502, b"")],
)
def test_what_is_not_the_api_is_told(status: int, body: bytes) -> None:
    told = refusal(Response(status, {"location": "https://elsewhere.example.test"}, body))
    assert told.exit is Exit.UNREACHABLE
    assert "html" not in told.message


def test_what_a_server_says_does_not_command_the_terminal() -> None:
    told = refusal(problem(403, "not-permitted", "\x1b[31mNo.\u202e"))
    assert told.message == "\\u001b[31mNo.\\u202e"


def test_a_refusal_can_be_looked_at_instead() -> None:
    wire = ScriptedWire(problem(403, "not-permitted", "No."))
    answer = api(wire).ask("GET", "/v1/me")
    assert (answer.status, answer.document["code"]) == (403, "not-permitted")


@pytest.mark.parametrize("text", ["", "soon", "-1", "٣", "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_a_wait_that_is_no_number_is_none(text: str) -> None:
    assert Answer(503, {}, {"retry-after": text}).retry_after is None


# The sign-in and where it goes --------------------------------------------------------------


def test_a_token_says_who_holds_it() -> None:
    assert read_token(token("auditor operator")) == SignedIn(
        "officer.lan", "H26.12", ("auditor", "operator")
    )


@pytest.mark.parametrize("text", ["", "a.b.c", "a.!!!.c", "a.W10.c", "opaque"])
def test_a_token_in_another_form_says_nothing(text: str) -> None:
    assert read_token(text) == SignedIn("you", None, ())


@pytest.mark.parametrize(
    ("url", "emulated"),
    [
        ("https://abc.execute-api.ap-southeast-1.amazonaws.com", False),
        ("http://127.0.0.1:4566/_aws/execute-api/abc/$default", False),
        ("http://localstack:4566/_aws/execute-api/abc/$default", True),
    ],
)
def test_a_sign_in_goes_to_a_protected_address_or_to_this_machine(
    url: str, *, emulated: bool
) -> None:
    assert url_of(Stack({"ApiUrl": url}, "here", emulated=emulated)) == url


@pytest.mark.parametrize("url", ["http://api.example.test", "file:///etc/passwd", "ftp://x", ""])
def test_it_goes_nowhere_else(url: str) -> None:
    with pytest.raises(Unreachable, match="not an https address"):
        url_of(Stack({"ApiUrl": url}, "here"))
