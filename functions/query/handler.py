"""Answers what officers and agencies ask."""

from functions.shared.runtime.api.gateway import HttpAnswer, HttpEvent
from functions.shared.runtime.composition import query_api
from functions.shared.runtime.sqs import LambdaContext


def lambda_handler(event: HttpEvent, context: LambdaContext) -> HttpAnswer:
    """Answers one request, with a problem document where it cannot be answered."""
    return query_api().handle(event, context)
