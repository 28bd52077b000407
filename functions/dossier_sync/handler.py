"""Takes batches of the dossier queue into the shared records."""

from functions.shared.runtime.composition import sync_service
from functions.shared.runtime.sqs import Answer, LambdaContext, SqsEvent


def lambda_handler(event: SqsEvent, context: LambdaContext) -> Answer:
    """Answers per message: those it names come back, the others are accounted for."""
    return sync_service().handle(event, context)
