"""Cuts dropped files into ranges and tells them to the workers."""

from functions.shared.runtime.composition import file_split_service
from functions.shared.runtime.sqs import Answer, LambdaContext, SqsEvent


def lambda_handler(event: SqsEvent, context: LambdaContext) -> Answer:
    """Answers per notification: those it names come back, the others are accounted for."""
    return file_split_service().handle(event, context)
