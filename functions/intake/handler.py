"""Takes events in over HTTP, and what is to become of refused ones."""

from functions.shared.runtime.api.gateway import HttpAnswer, HttpEvent
from functions.shared.runtime.composition import intake_api
from functions.shared.runtime.sqs import LambdaContext


def lambda_handler(event: HttpEvent, context: LambdaContext) -> HttpAnswer:
    """Answers one request, with a problem document where it cannot be answered."""
    return intake_api().handle(event, context)
