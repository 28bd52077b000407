"""What is kept of a sign-in, who asks, and what a user pool may want to know."""

from __future__ import annotations

import argparse
import base64
import json
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from infra.lienthong import signing_in
from infra.lienthong.__main__ import main
from infra.lienthong.api import SignedIn
from infra.lienthong.context import Stack, read_outputs
from infra.lienthong.problems import Misuse, Problem, Unreachable
from infra.lienthong.signing_in import Prompts, Sessions

OUTPUTS = {
    "UserPoolId": "ap-southeast-1_Example01",
    "UserPoolClientId": "client",
    "region": "ap-southeast-1",
    "endpoint": "http://localhost:1",
}


@pytest.fixture(name="here")
def _here(tmp_path: Path) -> Stack:
    path = tmp_path / "outputs.json"
    path.write_text(json.dumps(OUTPUTS), "utf-8")
    return read_outputs(path)


def jwt(name: str, agency: str | None = "H26", roles: str = "auditor") -> str:
    claims = {"username": name, "roles": roles} | ({"agency": agency} if agency else {})
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"e30.{payload}.c2ln"


def result(name: str, seconds: int = 900, **more: Any) -> dict[str, Any]:
    given = {"AccessToken": jwt(name, **more), "RefreshToken": f"refresh-{name}"}
    return {**given, "ExpiresIn": seconds}


class Pool:
    """A user pool that answers as it was told to, and remembers what it was asked."""

    def __init__(self, *answers: Mapping[str, Any] | str) -> None:
        self.answers = list(answers)
        self.asked: list[Mapping[str, Any]] = []

    def _next(self, **asked: Any) -> Mapping[str, Any]:
        self.asked.append(asked)
        answer = self.answers.pop(0)
        if isinstance(answer, str):
            raise ClientError({"Error": {"Code": answer, "Message": "a person's data"}}, "Ask")
        return answer

    initiate_auth = respond_to_auth_challenge = _next
    associate_software_token = verify_software_token = _next


def sign_in(here: Stack, pool: Pool, prompts: Prompts | None = None) -> SignedIn:
    said: list[str] = []
    return signing_in.sign_in(here, "auditor", "secret", prompts, said.append, cast("Any", pool))


def test_the_last_to_sign_in_is_who_asks(here: Stack) -> None:
    Sessions(here).keep("auditor", result("auditor"))
    Sessions(here).keep("inspector", result("inspector", roles="inspector"))

    assert signing_in.token(here) == jwt("inspector", roles="inspector")
    assert signing_in.current(here, "auditor").roles == ("auditor",)
    assert Sessions(here).names == ["inspector", "auditor"]


def test_what_is_kept_is_for_its_owner_alone_and_holds_no_password(
    here: Stack, tmp_path: Path
) -> None:
    sign_in(here, Pool({"AuthenticationResult": result("auditor")}))

    (kept,) = tmp_path.glob("session-*.json")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert "secret" not in kept.read_text("utf-8")


def test_who_is_not_signed_in_is_told_how(here: Stack) -> None:
    with pytest.raises(Problem) as told:
        signing_in.token(here)
    assert told.value.message == "Sign in first: lienthong login --as one-stop-officer"
    with pytest.raises(Unreachable, match="--as inspector"):
        signing_in.token(here, "inspector")


def test_the_sign_in_of_another_pool_is_not_used(here: Stack, tmp_path: Path) -> None:
    Sessions(here).keep("auditor", result("auditor"))
    (tmp_path / "outputs.json").write_text(
        json.dumps({**OUTPUTS, "UserPoolId": "ap-southeast-1_Another01"}), "utf-8"
    )

    with pytest.raises(Unreachable, match="Sign in first"):
        signing_in.token(read_outputs(tmp_path / "outputs.json"))


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"people": {"a": {}}, "current": "a"}'])
def test_a_broken_file_means_that_nobody_is_signed_in(
    here: Stack, tmp_path: Path, content: str
) -> None:
    (tmp_path / f"session-{OUTPUTS['UserPoolId']}.json").write_text(content, "utf-8")

    assert Sessions(here).names == []


def test_on_aws_it_is_kept_in_the_person_s_own_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    stack = Stack(outputs=OUTPUTS, described_by="The stack lienthong")

    Sessions(stack).keep("an.officer", result("an.officer"))

    assert list((tmp_path / "config" / "lienthong").iterdir())
    with pytest.raises(Unreachable, match="lienthong login --user NAME"):
        Sessions(Stack({**OUTPUTS, "UserPoolId": "x_y"}, "The stack lienthong")).token(None)


def test_a_first_password_is_changed(here: Stack) -> None:
    pool = Pool(
        {"ChallengeName": "NEW_PASSWORD_REQUIRED", "Session": "one"},
        {"AuthenticationResult": result("auditor")},
    )

    who = sign_in(here, pool, Prompts(hidden=lambda _: "another"))

    assert (who.name, who.agency) == ("auditor", "H26")
    assert pool.asked[1]["ChallengeResponses"] == {"USERNAME": "auditor", "NEW_PASSWORD": "another"}


def test_two_new_passwords_that_differ_change_nothing(here: Stack) -> None:
    typed = iter(["one", "two"])
    pool = Pool({"ChallengeName": "NEW_PASSWORD_REQUIRED", "Session": "one"})

    with pytest.raises(Misuse, match="not the same"):
        sign_in(here, pool, Prompts(hidden=lambda _: next(typed)))

    assert len(pool.asked) == 1


def test_a_code_of_the_app_is_asked_for(here: Stack) -> None:
    pool = Pool(
        {"ChallengeName": "SOFTWARE_TOKEN_MFA", "Session": "one"},
        {"AuthenticationResult": result("auditor")},
    )

    sign_in(here, pool, Prompts(shown=lambda _: " 123456 "))

    replies = {"USERNAME": "auditor", "SOFTWARE_TOKEN_MFA_CODE": "123456"}
    assert pool.asked[1]["ChallengeResponses"] == replies


def test_an_app_is_entered_at_the_first_sign_in(here: Stack) -> None:
    pool = Pool(
        {"ChallengeName": "MFA_SETUP", "Session": "one"},
        {"SecretCode": "KEY", "Session": "two"},
        {"Status": "SUCCESS", "Session": "three"},
        {"AuthenticationResult": result("auditor")},
    )

    sign_in(here, pool, Prompts(shown=lambda _: "123456"))

    assert [asked.get("Session") for asked in pool.asked] == [None, "one", "two", "three"]


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("NotAuthorizedException", "no such name with this password"),
        ("CodeMismatchException", "The code was not accepted"),
        ("InvalidPasswordException", "too weak"),
        ("PasswordResetRequiredException", "Ask the operator"),
        ("TooManyRequestsException", "Wait a minute"),
        ("InternalErrorException", "failed with InternalErrorException"),
    ],
)
def test_a_refusal_is_a_sentence_without_the_service_s_text(
    here: Stack, code: str, sentence: str
) -> None:
    with pytest.raises(Problem, match=sentence) as told:
        sign_in(here, Pool(code))

    assert "a person's data" not in told.value.message
    assert Sessions(here).names == []


def test_a_challenge_that_nobody_knows_is_not_answered(here: Stack) -> None:
    with pytest.raises(Unreachable, match="asks for SMS_MFA"):
        sign_in(here, Pool({"ChallengeName": "SMS_MFA", "Session": "one"}))


def test_who_asks_is_an_option() -> None:
    parser = argparse.ArgumentParser()
    signing_in.add_as_option(parser)

    assert parser.parse_args([]).as_role is None
    assert parser.parse_args(["--as", "auditor"]).as_role == "auditor"


def test_whoami_shows_everybody_who_asks_first(
    here: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Sessions(here).keep("auditor", result("auditor"))
    Sessions(here).keep("newcomer", result("newcomer", agency=None, roles=""))

    assert main(["whoami", "--json", "--outputs", str(tmp_path / "outputs.json")]) == 0

    assert json.loads(capsys.readouterr().out) == {
        "signed_in": [
            {"name": "newcomer", "agency": None, "roles": []},
            {"name": "auditor", "agency": "H26", "roles": ["auditor"]},
        ]
    }


def test_an_account_that_make_up_did_not_make_is_not_guessed(
    here: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outputs = ["--outputs", str(tmp_path / "outputs.json")]
    assert main(["login", *outputs]) == 2
    assert "lienthong login --user NAME" in capsys.readouterr().err
    (tmp_path / "sign-ins.json").write_text('{"people": {"auditor": "x"}}', "utf-8")

    assert main(["login", "--as", "minister", *outputs]) == 2
    assert "There is no account minister. There are: auditor." in capsys.readouterr().err
    assert Sessions(here).names == []
