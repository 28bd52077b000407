"""The API as commands see it, without the API: scripted answers, and documents as it gives them."""

from __future__ import annotations

import argparse
import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from infra.lienthong.__main__ import parser
from infra.lienthong.api import Api, Request, Response
from infra.lienthong.errand import Errand
from tests.builders import DOSSIER_CODE, INSURANCE_NUMBER, PERSON_ID

URL: Final = "https://api.example.test/stage"
ERRAND: Final = Errand("dossier-handling", DOSSIER_CODE)
RECORD: Final = "cGVyc29uLW9wYXF1ZS1yZWNvcmQtaWQ_-x"
"""An opaque id, in form."""
JSON: Final = {"content-type": "application/json", "x-request-id": "request-1"}


class ScriptedWire:
    """Gives scripted answers in their order and keeps what was asked."""

    def __init__(self, *answers: Response) -> None:
        self._answers = list(answers)
        self.asked: list[Request] = []

    def __call__(self, request: Request) -> Response:
        """The next answer; fails the test where none is left."""
        # The client goes on with the same headers: keep them as they were sent.
        self.asked.append(request._replace(headers=dict(request.headers)))
        assert self._answers, "More was asked than the test expects."
        return self._answers.pop(0)

    @property
    def routes(self) -> list[str]:
        """`METHOD /path` of each question, without the query."""
        return [f"{r.method} {urlsplit(r.url).path.removeprefix('/stage')}" for r in self.asked]

    def query(self, number: int = -1) -> dict[str, str]:
        """The query of a question."""
        return {k: v[0] for k, v in parse_qs(urlsplit(self.asked[number].url).query).items()}

    def body(self, number: int = -1) -> Any:
        """The JSON body of a question."""
        body = self.asked[number].body
        assert body is not None
        return json.loads(body)


def token(roles: str = "one-stop-officer", name: str = "officer.lan") -> str:
    """An access token in form; nobody signed it."""
    claims = {"username": name, "agency": "H26.12", "roles": roles}
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"header.{payload}.signature"


def api(wire: ScriptedWire, roles: str = "one-stop-officer") -> Api:
    """The client on a scripted wire, which does not wait."""
    return Api(URL, lambda: token(roles), ERRAND, wire, pause=lambda _: None)


def options(*arguments: str) -> argparse.Namespace:
    """What the command line makes of these words."""
    return parser().parse_args(arguments)


def answered(
    document: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] = JSON
) -> Response:
    """An answer with a document."""
    return Response(status, headers, json.dumps(document, ensure_ascii=False).encode())


def problem(
    status: int, code: str, detail: str, errors: Sequence[Mapping[str, str]] = (), **headers: str
) -> Response:
    """A refusal as a problem document; `retry_after="5"` is a header."""
    document = {
        "type": f"urn:lienthong:problem:{code}",
        "title": "A title",
        "status": status,
        "detail": detail,
        "code": code,
        "errors": list(errors),
        "request_id": "request-1",
    }
    more = {name.replace("_", "-"): text for name, text in headers.items()}
    return answered(document, status, {"content-type": "application/problem+json", **more})


def stated(value: Any, group: str = "identity", **more: Any) -> dict[str, Any]:
    """A field that may be seen."""
    return {
        "group": group,
        "value": value,
        "source": "/agencies/G01",
        "time": "2026-03-03T00:00:00.000000Z",
        "rank": 30,
        "rivals": [],
        **more,
    }


def masked(group: str) -> dict[str, Any]:
    """A field that may not be seen."""
    return {"group": group, "masked": True}


def record(kind: str, fields: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """A record as an answer."""
    return {
        "record": RECORD,
        "kind": kind,
        "version": 3,
        "updated_at": "2026-03-04T02:00:00.000000Z",
        "warnings": [],
        "fields": dict(fields),
        **more,
    }


def person(**fields: Any) -> dict[str, Any]:
    """A person with a disputed name and a hidden phone."""
    rival = {
        "value": "Đặng Thị Mậu",
        "source": "/agencies/G24",
        "time": "2026-03-04T00:00:00.000000Z",
        "rank": 10,
        "disputed": True,
    }
    return record(
        "person",
        {
            "personal_id": {"group": "identity", "value": PERSON_ID},
            "full_name": stated("Đặng Thị Mẫu", rivals=[rival]),
            "date_of_birth": stated("1990-04-30"),
            "sex": stated("female"),
            "phone": masked("contact"),
            **fields,
        },
        warnings=[
            {"code": "disputed", "field": "full_name", "text": "A lower rank says otherwise."},
            {"code": "disputed", "text": "A lower rank says otherwise."},
        ],
    )


def card(**fields: Any) -> dict[str, Any]:
    """An insurance card."""
    number = {"group": "insurance", "value": INSURANCE_NUMBER}
    status = stated("active", "insurance")
    return record("insurance-card", {"insurance_number": number, "status": status, **fields})


def dossier(**fields: Any) -> dict[str, Any]:
    """A dossier in process, with a step."""
    step = {
        "id": "s",
        "at": "2026-03-02T20:30:00.000000Z",
        "status": 4,
        "text": "Thẩm định",
        "source": "/agencies/H26.12",
    }
    return record(
        "dossier",
        {
            "dossier_code": {"group": "dossier", "value": DOSSIER_CODE},
            "status": stated(4, "dossier"),
            "due_at": stated("2026-03-09T10:00:00.000000Z", "dossier"),
            "applicant": masked("identity"),
            "steps": {"group": "dossier", "value": [step]},
            **fields,
        },
    )


def lookup(**parts: Any) -> dict[str, Any]:
    """The answer to a lookup of a person with a card and a dossier."""
    return {
        "person": person(),
        "insurance_cards": [card()],
        "dossiers": [dossier()],
        "complete": True,
        "request_id": "request-1",
        **parts,
    }
