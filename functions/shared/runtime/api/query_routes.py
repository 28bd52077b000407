"""The routes of the query function: fields in, answers out, nothing decided here."""

from __future__ import annotations

from typing import Annotated, Final

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.openapi.params import Body, Path, Query

from functions.shared.core.answers import BadRequest, Problem
from functions.shared.runtime.api.answering import answered, asked_of, resolver_of
from functions.shared.runtime.api.docs import openapi_text, page
from functions.shared.runtime.api.routes import in_powertools_syntax
from functions.shared.runtime.query import QueryService
from schemas import api
from schemas.envelope import ID_PATTERN, SOURCE_MAX, SOURCE_PATTERN
from schemas.forms import AGENCY_ID_MAX, ANY_AGENCY_ID_PATTERN, INSTANT_PATTERN

Record = Annotated[str, Path(description="Opaque id of a record, from another answer.")]
Entry = Annotated[str, Path(description="Opaque id of an entry of the access log.")]
Cursor = Annotated[
    str | None,
    Query(pattern=api.CURSOR_PATTERN, description="Where the next page begins."),
]
Agency = Annotated[
    str | None,
    Query(
        pattern=ANY_AGENCY_ID_PATTERN,
        max_length=AGENCY_ID_MAX,
        description="Agency id; the caller's own unless told.",
    ),
]
Instant = Annotated[str | None, Query(pattern=INSTANT_PATTERN, description="RFC 3339.")]
From = Annotated[
    str | None, Query(alias="from", pattern=INSTANT_PATTERN, description="RFC 3339, inclusive.")
]
To = Annotated[
    str | None, Query(alias="to", pattern=INSTANT_PATTERN, description="RFC 3339, inclusive.")
]
_PURPOSE: Final = "^[a-z]+(?:-[a-z]+)*$"


def query_resolver(service: QueryService) -> APIGatewayHttpResolver:
    """The resolver of the query function."""
    resolver = resolver_of()

    @resolver.post(in_powertools_syntax("/v1/people/lookups"))
    def lookup(body: Annotated[api.LookupQuestion, Body()]) -> Response[str]:
        """A person with insurance cards and dossiers, by one number."""
        caller, errand = asked_of(resolver)
        return answered(service.lookup(caller, errand, **body.given()))

    @resolver.post(in_powertools_syntax("/v1/people/searches"))
    def search(body: Annotated[api.SearchQuestion, Body()]) -> Response[str]:
        """People by name and date or year of birth, commune or old identity number."""
        caller, errand = asked_of(resolver)
        return answered(service.search(caller, errand, **body.given()))

    @resolver.get(in_powertools_syntax("/v1/people/{record}"))
    def person(record: Record) -> Response[str]:
        """A person's record."""
        return answered(service.record(*asked_of(resolver), "person", record))

    @resolver.get(in_powertools_syntax("/v1/insurance-cards/{record}"))
    def insurance_card(record: Record) -> Response[str]:
        """An insurance card's record."""
        return answered(service.record(*asked_of(resolver), "insurance-card", record))

    @resolver.get(in_powertools_syntax("/v1/dossiers"))
    def dossiers(
        agency: Agency = None,
        status: Annotated[
            str | None,
            Query(
                pattern=api.STATUSES_PATTERN,
                description="National states, 1-10, comma between; the open ones unless told.",
            ),
        ] = None,
        due_before: Instant = None,
        cursor: Cursor = None,
    ) -> Response[str]:
        """The dossiers that an agency handles, those due first before the others."""
        caller, errand = asked_of(resolver)
        return answered(
            service.dossiers(
                caller,
                errand,
                agency=agency,
                statuses=frozenset(map(int, status.split(","))) if status else (),
                due_before=due_before,
                cursor=cursor,
            )
        )

    @resolver.post(in_powertools_syntax("/v1/dossiers/lookups"))
    def dossier_lookup(body: Annotated[api.DossierLookupQuestion, Body()]) -> Response[str]:
        """A dossier by its code."""
        caller, errand = asked_of(resolver)
        return answered(service.dossier_lookup(caller, errand, dossier_code=body.dossier_code))

    @resolver.get(in_powertools_syntax("/v1/dossiers/{record}"))
    def dossier(record: Record) -> Response[str]:
        """A dossier's record."""
        return answered(service.record(*asked_of(resolver), "dossier", record))

    @resolver.get(in_powertools_syntax("/v1/records/{record}/history"))
    def history(
        record: Record,
        at: Annotated[
            str | None,
            Query(pattern=INSTANT_PATTERN, description="The record as known then; stands alone."),
        ] = None,
        since: From = None,
        until: To = None,
        cursor: Cursor = None,
    ) -> Response[str]:
        """A record as it was known at an instant (`at`), or else what changed in it."""
        caller, errand = asked_of(resolver)
        if at is None:
            return answered(
                service.history(caller, errand, record, since=since, until=until, cursor=cursor)
            )
        alone("at", since, until, cursor)
        return answered(service.history_at(caller, errand, record, at=at))

    @resolver.get(in_powertools_syntax("/v1/events"))
    def receipt(
        source: Annotated[
            str,
            Query(
                pattern=SOURCE_PATTERN,
                max_length=SOURCE_MAX,
                description="The event's source.",
            ),
        ],
        id: Annotated[  # noqa: A002 - the parameter's name in the URL
            str, Query(pattern=ID_PATTERN, description="The event's id.")
        ],
    ) -> Response[str]:
        """The receipt of an event: what became of it, and the proof."""
        return answered(service.receipt(*asked_of(resolver), source=source, id_=id))

    @resolver.get(in_powertools_syntax("/v1/people/{record}/access-log"))
    def trace(record: Record, cursor: Cursor = None) -> Response[str]:
        """Who looked at a person."""
        return answered(service.trace(*asked_of(resolver), record, cursor=cursor))

    @resolver.get(in_powertools_syntax("/v1/access-log"))
    def access_log(
        officer: Annotated[
            str | None,
            Query(pattern=api.PRINCIPAL_PATTERN, description="Id of an account or client."),
        ] = None,
        agency: Agency = None,
        purpose: Annotated[
            str | None,
            Query(pattern=_PURPOSE, max_length=64, description="A registered purpose."),
        ] = None,
        since: From = None,
        until: To = None,
        cursor: Cursor = None,
    ) -> Response[str]:
        """Who looked at what, by at least one of officer, agency and purpose."""
        caller, errand = asked_of(resolver)
        return answered(
            service.access_log(
                caller,
                errand,
                officer=officer,
                agency=agency,
                purpose=purpose,
                since=since,
                until=until,
                cursor=cursor,
            )
        )

    @resolver.post(in_powertools_syntax("/v1/access-log/{entry}/deferrals"))
    def defer(entry: Entry, body: Annotated[api.DeferralQuestion, Body()]) -> Response[str]:
        """Hides an entry from its subject until a date; noted in its turn."""
        caller, errand = asked_of(resolver)
        return answered(service.defer(caller, errand, entry, until=body.until, why=body.why))

    @resolver.get(in_powertools_syntax("/v1/me"))
    def me() -> Response[str]:
        """Who asks, and what is left of the day's allowance."""
        return answered(service.me(*asked_of(resolver)))

    @resolver.get(in_powertools_syntax("/v1/openapi.json"))
    def openapi() -> Response[str]:
        """This document."""
        return Response(200, "application/json", openapi_text())

    @resolver.get(in_powertools_syntax("/v1/docs"))
    def docs() -> Response[str]:
        """This document, to be read and tried in a browser."""
        return page()

    return resolver


def alone(name: str, *others: str | None) -> None:
    """Refuses parameters that have no meaning beside another."""
    if any(other is not None for other in others):
        text = "This parameter stands alone; leave the others out."
        raise BadRequest([Problem(name, "stands-alone", text)])
