"""The demo's part about who may see what: people sign in, ask the API, and leave a trace of it.

Everything is asked over the HTTP API with tokens of the local stack's accounts. Only the chain of
the access log is read from the tables, as whoever operates the stack may: it is what is checked.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from functions.shared.adapters.access_log import entry_from_item, head_from_item
from functions.shared.core.access import (
    NO_HEAD,
    AccessEntry,
    Action,
    Head,
    Role,
    chain_faults,
    person_subject,
)
from infra.lienthong import receipt, signing_in, who_looked
from infra.lienthong.api import Answer, Api, Document, UrlWire, in_path, problem_of, url_of
from infra.lienthong.console import Console, counted, markup
from infra.lienthong.context import Stack
from infra.lienthong.errand import Errand
from infra.lienthong.lookups import LOOKUPS, pages
from infra.lienthong.messages import messages_of
from infra.lienthong.problems import Problem
from infra.lienthong.provenance import readable
from infra.lienthong.record_answers import Reader
from infra.lienthong.turning import turn_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Check = Callable[[bool, str], None]
"""Notes whether a sentence holds."""

CARD: Final = "0121234567"
"""Of the person of the demo, who shows it at a hospital."""
EVENT: Final = ("/agencies/G24", "G24-0001")
"""Source and id of an event about the person, in the demo's samples."""
NAME: Final = "nguyen van an"
YEAR: Final = 1980
MOST: Final = 10_000
"""Entries of one person's access log that the demo reads."""


@dataclass(frozen=True)
class Asker:
    """A role of the story: on which errand it asks, and what it is told to be doing."""

    role: Role
    errand: Errand
    doing: str


ONE_STOP: Final = Asker(
    Role.ONE_STOP_OFFICER,
    Errand("dossier-handling", "H26.201-250707-0001"),
    "handles a dossier and finds the applicant by name",
)
FACILITY: Final = Asker(
    Role.FACILITY_STAFF,
    Errand("medical-examination", "VISIT-2026-0417"),
    "receives a patient, who shows an insurance card",
)
INSURANCE: Final = Asker(
    Role.INSURANCE_OFFICER,
    Errand("insurance-administration"),
    "renews the card",
)
THREE: Final = (ONE_STOP, FACILITY, INSURANCE)
OPERATOR: Final = Asker(
    Role.OPERATOR, Errand("operation"), "has the power over the machines, and none over the data"
)
QUALITY: Final = Asker(Role.QUALITY_OFFICER, Errand("data-quality", "TICKET-88"), "")
INSPECTOR: Final = Asker(Role.INSPECTOR, Errand("inspection", "QD-2026-17"), "")


@dataclass
class Looks:
    """The requests that this run made about the person, by their id."""

    made: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def note(self, answer: Answer) -> Answer:
        """The answer, noted as a look that the access log must have."""
        self.made.append(answer.request_id or "")
        if not answer.ok:
            self.refused.append(answer.request_id or "")
        return answer


class DemoAccess:
    """One telling of it, about one person."""

    def __init__(
        self, stack: Stack, person: str, samples: Path, check: Check, story: Console
    ) -> None:
        self._stack = stack
        self._person = person
        self._samples = samples
        self._check = check
        self._story = story
        self._looks = Looks()

    def run(self) -> None:
        """Tell it all; every claim is checked."""
        story = self._story
        story.heading("Who may see what: the same person, as three people see them")
        for asker in (OPERATOR, QUALITY, INSPECTOR, *reversed(THREE)):
            self._sign_in(asker)
        before = self._chain()[1].number
        answers = self._three()
        record = str(answers[ONE_STOP]["person"]["record"])
        self._side_by_side(answers)
        self._receipt()
        self._point_in_time(record)
        self._refused()
        self._trace(record, before)

    # Asking ---------------------------------------------------------------------------------

    def _sign_in(self, asker: Asker) -> None:
        """As `lienthong login --as ROLE` does; the last one is who asks afterwards."""
        options = argparse.Namespace(
            outputs=Path(self._stack.described_by), user=None, as_role=asker.role.value
        )
        signing_in.login(options, self._story)

    def _api(self, asker: Asker, errand: Errand | None = None) -> Api:
        return Api(
            url_of(self._stack),
            lambda: signing_in.token(self._stack, asker.role.value),
            errand or asker.errand,
            UrlWire(),
        )

    def _looked(self, answer: Answer) -> Document:
        """A granted answer about the person."""
        if not answer.ok:
            raise problem_of(answer)
        return self._looks.note(answer).document

    def _three(self) -> dict[Asker, Document]:
        """What each of the three is answered; the first finds the person by name."""
        story = self._story
        api = self._api(ONE_STOP)
        found = self._looked(
            api.ask("POST", "/v1/people/searches", body={"name": NAME, "year_of_birth": YEAR})
        )
        people = found["people"]
        names = ", ".join(str(_value(person, "full_name")) for person in people)
        story.say(
            f"Typed without any diacritics, `{NAME}`, born {YEAR}, finds "
            f"{counted(len(people), 'record')}: {markup(names)}."
        )
        bodies = {
            ONE_STOP: {"personal_id": self._person},
            FACILITY: {"insurance_number": CARD},
            INSURANCE: {"personal_id": self._person},
        }
        answers = {
            asker: self._looked(self._api(asker).ask("POST", LOOKUPS, body=body))
            for asker, body in bodies.items()
        }
        opaque = {str(answer["person"]["record"]) for answer in answers.values()}
        self._check(
            len(opaque) == 1 and opaque <= {person["record"] for person in people},
            "The search and the three lookups found the same person, under one opaque id.",
        )
        return answers

    # Showing --------------------------------------------------------------------------------

    def _side_by_side(self, answers: Mapping[Asker, Document]) -> None:
        story = self._story
        for asker in answers:
            story.say(f"{asker.role}: {asker.doing}; purpose {asker.errand}.")
        columns = ("field", *(asker.role.value for asker in answers))
        story.table(columns, _compared(list(answers.values())))
        facility = answers[FACILITY]
        residence = _value(answers[ONE_STOP]["person"], "residence")
        places = {text for text in cast(Mapping[str, str], residence or {}).values() if text}
        said = json.dumps(facility, ensure_ascii=False)
        hidden = facility["person"]["fields"].get("residence", {})
        self._check(
            bool(places)
            and not any(json.dumps(place, ensure_ascii=False) in said for place in places)
            and set(hidden) == {"group", "masked"},
            "The hospital sees that there is a residence and no value of it.",
        )
        masked = {asker: _masked(answer["person"]) for asker, answer in answers.items()}
        both = {"residence", "phone"}
        self._check(
            masked[INSURANCE] >= both and not masked[ONE_STOP] & both,
            "The insurance officer sees neither residence nor telephone; the one-stop officer sees"
            " both.",
        )

    def _receipt(self) -> None:
        story = self._story
        story.heading("A receipt: what became of one event, and that it is that event")
        source, event_id = EVENT
        api = self._api(QUALITY)
        found = self._looked(
            api.ask("GET", receipt.EVENTS, query={"source": source, "id": event_id})
        )
        sent = _sample(sorted(map(str, self._samples.glob("0[1-6]-*.ndjson"))), source, event_id)
        findings = receipt.checked(found, receipt.core_of(sent))
        receipt.tell(found, findings, story)
        self._check(
            any(agrees for agrees, _ in findings) and all(agrees for agrees, _ in findings),
            "The receipt's digest is recomputed from the event that was sent and its salt.",
        )
        values = json.dumps(sent["data"]["full_name"], ensure_ascii=False)
        self._check(
            values not in json.dumps(found, ensure_ascii=False),
            "The receipt names the fields that the event stated, and none of their values.",
        )

    def _point_in_time(self, record: str) -> None:
        story = self._story
        story.heading("What was known, and when: the same question before and after a change")
        api = self._api(INSPECTOR)
        path = f"/v1/records/{in_path(record)}/history"
        _, changes, _ = pages(self._page_of(api, path), MOST, "changes")
        turn = turn_of(changes)
        if turn is None:
            self._check(False, "The person's history has a change of something it showed.")
            return
        then, later = (
            self._looked(api.ask("GET", path, query={"at": known.at}))
            for known in (turn.before, turn.after)
        )
        story.table(
            ("asked at", "version", f"{turn.field} as it was known then"),
            (
                (
                    markup(known.at),
                    str(answer["version"]),
                    markup(readable(_value(answer, turn.field))),
                )
                for known, answer in ((turn.before, then), (turn.after, later))
            ),
            right=("version",),
        )
        self._check(
            _as_known(then, turn.before.version, turn.before.shown)
            and _as_known(later, turn.after.version, turn.after.shown)
            and _value(then, turn.field) != _value(later, turn.field),
            "At each of the two instants the record is what had been recorded until then.",
        )

    def _page_of(self, api: Api, path: str) -> Callable[[str | None], Answer]:
        def page(cursor: str | None) -> Answer:
            answer = api.ask("GET", path, query={"cursor": cursor})
            self._looked(answer)
            return answer

        return page

    def _refused(self) -> None:
        story = self._story
        story.heading("Refused")
        answer = self._looks.note(
            self._api(OPERATOR).ask("POST", LOOKUPS, body={"personal_id": self._person})
        )
        self._say_refusal(OPERATOR, answer)
        self._check(
            answer.status == 403 and not {"person", "insurance_cards"} & set(answer.document),
            "Whoever operates the machines is refused the person (403), and that is noted.",
        )
        hospital = self._api(FACILITY, ONE_STOP.errand)
        answer = self._looks.note(hospital.ask("POST", LOOKUPS, body={"personal_id": self._person}))
        self._say_refusal(FACILITY, answer)
        self._check(
            answer.status == 403, "A hospital cannot claim another's purpose (403); it is noted."
        )
        nobody = Api(
            url_of(self._stack),
            lambda: signing_in.token(self._stack, ONE_STOP.role.value),
            None,
            UrlWire(),
        )
        answer = nobody.ask("POST", LOOKUPS, body={"personal_id": self._person})
        self._say_refusal(ONE_STOP, answer)
        self._check(answer.status == 400, "Without a purpose nothing is read (400).")

    def _say_refusal(self, asker: Asker, answer: Answer) -> None:
        said = problem_of(answer) if not answer.ok else Problem("It was answered.")
        self._story.say(f"{asker.role}: [red]{answer.status}[/] {markup(said.message)}")

    # The trace ------------------------------------------------------------------------------

    def _trace(self, record: str, before: int) -> None:
        story = self._story
        story.heading("What all of this left: who looked at this person")
        api = self._api(INSPECTOR)
        path = f"/v1/people/{in_path(record)}/access-log"
        _, entries, _ = pages(lambda cursor: api.get(path, cursor=cursor), MOST)
        by_request = {entry["request_id"]: entry for entry in entries}
        ours = [by_request[one] for one in self._looks.made if one in by_request]
        who_looked.tell(list(reversed(ours)), story)
        looks = len(self._looks.made)
        self._check(
            len(ours) == looks == len(set(self._looks.made)) and len(entries) == before + looks,
            f"The access log of this person grew by exactly the {looks} looks just made.",
        )
        refused = {entry["request_id"] for entry in ours if entry["decision"] == "refused"}
        self._check(
            bool(refused) and refused == set(self._looks.refused),
            f"{counted(len(refused), 'refused look')} of these are in it, as refused.",
        )
        self._check(
            all(entry["officer_name"] and entry["purpose"] for entry in ours)
            and not _seen_by(ours, FACILITY.role) & {"residence", "current_residence"},
            "Each names officer, purpose and the fields seen; the hospital's has no residence.",
        )
        chain, head = self._chain()
        faults = chain_faults(chain, head)
        self._check(
            not faults and len(chain) > len(entries) and chain[-1].action == Action.READ_ACCESS_LOG,
            f"The {len(chain):,} entries are one unbroken chain of hashes, and its newest is the "
            "look at the log itself.",
        )

    def _chain(self) -> tuple[list[AccessEntry], Head]:
        """The person's entries and head, from the tables."""
        return chain_in(self._stack, person_subject(self._person))


def chain_in(stack: Stack, subject: str) -> tuple[list[AccessEntry], Head]:
    """A subject's access entries by their numbers, and its head, read from the tables."""
    client: DynamoDBClient = stack.dynamodb
    pages_ = client.get_paginator("query").paginate(
        TableName=stack.output("AccessLogTable"),
        KeyConditionExpression="subject = :s",
        ExpressionAttributeValues={":s": {"S": subject}},
        ConsistentRead=True,
    )
    entries = [entry_from_item(cast(Any, item)) for page in pages_ for item in page["Items"]]
    found = client.get_item(
        TableName=stack.output("AccessHeadsTable"),
        Key={"subject": {"S": subject}},
        ConsistentRead=True,
    )
    item: Any = found.get("Item")
    return entries, NO_HEAD if item is None else head_from_item(item)


def _compared(answers: Sequence[Document]) -> Iterator[tuple[str, ...]]:
    """A row for each field of person and cards, a cell for each answer."""
    persons = [answer["person"] for answer in answers]
    yield from _rows(persons)
    yield ("", *("" for _ in answers))
    yield ("[bold]insurance card[/]", *("" for _ in answers))
    cards: list[Document] = [
        next(iter(answer["insurance_cards"]), {"fields": {}}) for answer in answers
    ]
    yield from _rows(cards)
    yield ("", *("" for _ in answers))
    yield ("[bold]dossiers[/]", *(str(len(answer["dossiers"])) for answer in answers))


def _rows(records: Sequence[Document]) -> Iterator[tuple[str, ...]]:
    names = dict.fromkeys(name for record in records for name in record["fields"])
    for name in names:
        yield (markup(name), *(_cell(name, record) for record in records))


def _cell(name: str, record: Document) -> str:
    found = record["fields"].get(name)
    if found is None:
        return ""
    return "[dim](hidden)[/]" if found.get("masked") else Reader(()).cell(name, found)


def _value(record: Document, name: str) -> Any:
    return record["fields"].get(name, {}).get("value")


def _masked(record: Document) -> set[str]:
    return {name for name, found in record["fields"].items() if found.get("masked")}


def _as_known(answer: Document, version: int, shown: Mapping[str, Any]) -> bool:
    """Whether an answer shows what was known, in the fields that a history tells plainly."""
    return bool(answer["version"] == version) and all(
        _value(answer, name) == value
        for name, value in shown.items()
        if "/" not in name and "value" in answer["fields"].get(name, {"value": None})
    )


def _seen_by(entries: Iterable[Document], role: Role) -> set[str]:
    return {
        name
        for entry in entries
        if role in entry["roles"]
        for record in entry["records"]
        for name in record["seen"]
    }


def _sample(files: Sequence[str], source: str, event_id: str) -> Document:
    """The event as it was sent."""
    for message in messages_of(files):
        event: Document = json.loads(message.body)
        if (event["source"], event["id"]) == (source, event_id):
            return event
    raise Problem(f"The samples hold no event {event_id} of {source}. Check out all of them.")
