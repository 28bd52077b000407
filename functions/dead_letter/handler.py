"""Keeps what the queues gave up on in quarantine."""

from functions.shared.runtime.composition import dead_letter_service
from functions.shared.runtime.sqs import Answer, LambdaContext, SqsEvent


def lambda_handler(event: SqsEvent, context: LambdaContext) -> Answer:
    """Answers per message: those it names could not be kept yet and come back."""
    return dead_letter_service().handle(event, context)
