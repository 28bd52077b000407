"""Takes ranges of dropped files into the shared records."""

from functions.shared.runtime.composition import range_sync_service
from functions.shared.runtime.sqs import Answer, LambdaContext, SqsEvent


def lambda_handler(event: SqsEvent, context: LambdaContext) -> Answer:
    """Answers per task: those it names come back, the others are accounted for."""
    return range_sync_service().handle(event, context)
