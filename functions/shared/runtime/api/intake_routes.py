"""The routes of the intake function: events in, and what becomes of refused ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.openapi.params import Body, Path, Query

from functions.shared.runtime.api.answering import (
    answered,
    asked_of,
    asked_whole,
    resolver_of,
)
from functions.shared.runtime.api.problems import Refused
from functions.shared.runtime.api.routes import in_powertools_syntax
from functions.shared.runtime.desk import DeskService
from functions.shared.runtime.measures import Measure
from functions.shared.runtime.publishing import (
    MEDIA_TYPES,
    PublishingService,
    Unsupported,
    Verdict,
    sent,
)
from schemas import api

Entry = Annotated[str, Path(description="Id of a quarantine entry.")]
_LISTED = r"^[^,\u0000]{1,256}(?:,[^,\u0000]{1,256}){0,19}$"
_QUEUES = "population|insurance|dossier|registry"
_STATUSES = "open|replayed|dismissed|resolved"
_COUNTED = "queue|reason|source|status|day|error|path"
Listed = Annotated[
    str | None, Query(pattern=_LISTED, description="One, or several with commas between.")
]
Moment = Annotated[
    str | None,
    Query(
        pattern=api.MOMENT_PATTERN,
        description="An age such as 2h or 3d, a day in Vietnam, or an instant of RFC 3339.",
    ),
]


def intake_resolver(
    publishing: Callable[[], PublishingService],
    desk: Callable[[], DeskService],
    count: Callable[[Measure, int], None],
) -> APIGatewayHttpResolver:
    """The resolver of the intake function; services are made when they are first asked."""
    resolver = resolver_of()

    @resolver.post(in_powertools_syntax("/v1/events"))
    def publish() -> Response[str]:
        """Events of the caller's agency: one, or a batch. Examined at once, then queued."""
        asked = asked_whole(resolver)
        headers = asked.request.headers
        try:
            events = sent(headers.get("content-type", ""), headers, asked.body)
        except Unsupported:
            raise Refused(
                "unsupported-media-type",
                f"Send one of {', '.join(MEDIA_TYPES)}; the last with the event's attributes in"
                " headers that begin with ce-.",
                headers={"Accept": ", ".join(MEDIA_TYPES)},
            ) from None
        verdicts = publishing().publish(asked.caller, asked.errand, events.bodies, asked.deadline)
        count(Measure.EVENTS_QUEUED, sum(one.verdict == "queued" for one in verdicts))
        count(Measure.EVENTS_REFUSED, sum(one.verdict == "refused" for one in verdicts))
        return answered({**_told(verdicts), "request_id": asked.errand.request_id}, status=202)

    @resolver.get(in_powertools_syntax("/v1/quarantine"))
    def entries(
        id: Annotated[  # noqa: A002 - the parameter's name in the URL
            str | None, Query(pattern="^[0-9a-f]{8,64}$", description="How their ids begin.")
        ] = None,
        queue: Annotated[
            str | None, Query(pattern=f"^(?:{_QUEUES})(?:,(?:{_QUEUES})){{0,3}}$")
        ] = None,
        reason: Listed = None,
        error: Listed = None,
        path: Listed = None,
        source: Listed = None,
        type: Listed = None,  # noqa: A002 - the parameter's name in the URL
        status: Annotated[
            str | None, Query(pattern=f"^(?:{_STATUSES})(?:,(?:{_STATUSES})){{0,3}}$")
        ] = None,
        since: Moment = None,
        until: Moment = None,
        limit: Annotated[
            str | None, Query(pattern=api.COUNT_PATTERN, description="1-200 entries a page.")
        ] = None,
        by: Annotated[
            str | None,
            Query(
                pattern=f"^(?:{_COUNTED})(?:,(?:{_COUNTED})){{0,6}}$",
                description="Counts instead of entries, by these.",
            ),
        ] = None,
        cursor: Annotated[
            str | None,
            Query(pattern=api.CURSOR_PATTERN, description="Where the next page begins."),
        ] = None,
    ) -> Response[str]:
        """Refused messages without their bodies, newest first; or how many there are (`by`)."""
        caller, errand = asked_of(resolver)
        words: dict[str, Any] = {
            "queue": _several(queue),
            "reason": _several(reason),
            "error": _several(error),
            "path": _several(path),
            "source": _several(source),
            "type": _several(type),
            "status": _several(status),
            "since": since,
            "until": until,
            "cursor": cursor,
        }
        if by is not None:
            return answered(desk().counts(caller, errand, by=tuple(by.split(",")), **words))
        if limit is not None:
            words["limit"] = int(limit)
        return answered(desk().entries(caller, errand, id=id, **words))

    @resolver.get(in_powertools_syntax("/v1/quarantine/{entry}"))
    def entry(entry: Entry) -> Response[str]:
        """A refused message whole, with every reason at its place."""
        return answered(desk().entry(*asked_of(resolver), entry))

    @resolver.post(in_powertools_syntax("/v1/quarantine/{entry}/replays"))
    def replay(entry: Entry, body: Annotated[api.ReplayQuestion, Body()]) -> Response[str]:
        """Sends a refused message again: as it was, as `body`, or as `patch` makes it."""
        caller, errand = asked_of(resolver)
        return answered(desk().replay_one(caller, errand, entry, **body.given()))

    @resolver.post(in_powertools_syntax("/v1/quarantine/{entry}/dismissals"))
    def dismiss(entry: Entry, body: Annotated[api.DismissalQuestion, Body()]) -> Response[str]:
        """Puts a refused message aside for good."""
        caller, errand = asked_of(resolver)
        return answered(desk().dismiss_one(caller, errand, entry, **body.given()))

    @resolver.post(in_powertools_syntax("/v1/quarantine/replays"))
    def replay_many(body: Annotated[api.BulkReplayQuestion, Body()]) -> Response[str]:
        """Sends the open messages of a selection again as they were."""
        caller, errand = asked_of(resolver)
        return answered(desk().replay_many(caller, errand, **body.given()))

    @resolver.post(in_powertools_syntax("/v1/quarantine/corrections"))
    def correct_many(body: Annotated[api.BulkCorrectionQuestion, Body()]) -> Response[str]:
        """Applies a rule to the open messages of a selection and sends what it makes of them."""
        caller, errand = asked_of(resolver)
        return answered(desk().correct_many(caller, errand, **body.given()))

    @resolver.post(in_powertools_syntax("/v1/quarantine/dismissals"))
    def dismiss_many(body: Annotated[api.BulkDismissalQuestion, Body()]) -> Response[str]:
        """Puts the open messages of a selection aside for good."""
        caller, errand = asked_of(resolver)
        return answered(desk().dismiss_many(caller, errand, **body.given()))

    return resolver


def _several(text: str | None) -> tuple[str, ...] | None:
    return tuple(text.split(",")) if text is not None else None


def _told(verdicts: list[Verdict]) -> dict[str, Any]:
    """The verdicts as they are answered. Raises Refused where nothing, or not all, is queued."""
    told: dict[str, Any] = {"events": [one.as_json() for one in verdicts]}
    if any(one.verdict == "not-queued" for one in verdicts):
        raise Refused(
            "unavailable",
            "The queues did not take all events; send those that are not queued again. What is"
            " sent twice does no harm.",
            headers={"Retry-After": "2"},
            more=told,
        )
    if any(one.verdict == "queued" for one in verdicts):
        return told
    if all(one.foreign for one in verdicts):
        raise Refused(
            "source-not-permitted",
            "The events are another agency's; nothing was queued. Publish your own agency's.",
            more=told,
        )
    raise Refused("events-refused", "No event can be taken as it is; see the reasons.", more=told)
