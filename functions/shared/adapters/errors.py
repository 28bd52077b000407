"""AWS errors as ours: one table, total over what the operations we call may answer."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
)
from botocore.exceptions import ConnectionError as NoConnection
from botocore.parsers import ResponseParserError

from functions.shared.core.errors import Conflict, Defect, LienThongError, Retry

MEANING: Final[Mapping[str, type[LienThongError]]] = MappingProxyType(
    {
        # Throttling and passing trouble of the service: wait, then the same again.
        "InternalServerError": Retry,
        "InternalError": Retry,
        "KMSInternalException": Retry,
        "LimitExceededException": Retry,
        "ProvisionedThroughputExceededException": Retry,
        "ReplicatedWriteConflictException": Retry,
        "RequestLimitExceeded": Retry,
        "RequestTimeout": Retry,
        "RequestTimeoutException": Retry,
        "ServiceUnavailable": Retry,
        "SlowDown": Retry,
        "Throttling": Retry,
        "ThrottledException": Retry,
        "ThrottlingException": Retry,
        "TooManyRequestsException": Retry,
        # Another writer, or an outcome that is not known: load again.
        "ConditionalCheckFailedException": Conflict,
        "IdempotentParameterMismatch": Conflict,
        "IdempotentParameterMismatchException": Conflict,
        "TransactionCanceledException": Conflict,
        "TransactionConflictException": Conflict,
        "TransactionInProgressException": Conflict,
        # The stack is not as the template says, or we built a request that cannot be.
        "AccessDenied": Defect,
        "AccessDeniedException": Defect,
        "EncryptionTypeMismatch": Defect,
        "ExpiredTokenException": Retry,
        "InvalidEndpointException": Defect,
        "InvalidRequest": Defect,
        "InvalidWriteOffset": Defect,
        "ItemCollectionSizeLimitExceededException": Defect,
        "NoSuchBucket": Defect,
        "ResourceNotFoundException": Defect,
        "TooManyParts": Defect,
        "UnrecognizedClientException": Defect,
        "ValidationException": Defect,
    }
)
"""Error code -> what it means to us."""

CANCELLATION: Final[Mapping[str, type[LienThongError] | None]] = MappingProxyType(
    {
        "None": None,
        "ConditionalCheckFailed": Conflict,
        "DuplicateItem": Conflict,
        "TransactionConflict": Conflict,
        "ProvisionedThroughputExceeded": Retry,
        "ThrottlingError": Retry,
        "RequestLimitExceeded": Retry,
        "InternalServerError": Retry,
        "AccessDenied": Defect,
        "ItemCollectionSizeLimitExceeded": Defect,
        "ValidationError": Defect,
    }
)
"""Code of a cancellation reason -> what it means for that action; None: it was innocent."""


def code_of(error: Exception) -> str:
    """The error code of an AWS answer; nothing where AWS did not answer."""
    if isinstance(error, ClientError):
        return error.response.get("Error", {}).get("Code", "")
    return ""


def cancellations(error: Exception) -> list[str]:
    """The code of each action of a cancelled transaction, `None` of the innocent; else nothing."""
    if not isinstance(error, ClientError) or code_of(error) != "TransactionCanceledException":
        return []
    reasons = error.response.get("CancellationReasons") or []
    return [reason.get("Code", "None") for reason in reasons]


def meaning(error: Exception) -> type[LienThongError]:
    """Whose fault an error of botocore is. Never looks at its text.

    No answer at all (a time-out, a cut connection) is a Conflict, for it is not known whether
    the work was done. An unknown code is judged by its HTTP status.
    """
    if isinstance(error, ClientError):
        code = code_of(error)
        known = MEANING.get(code)
        if known is not None:
            return known
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code == "400" and status == 400:
            # The answer broke off inside its text, so botocore names it by its status. It may
            # have been anything; throttling is a 400 as well.
            return Conflict
        return Retry if status >= 500 or status == 429 else Defect
    if isinstance(error, (NoCredentialsError, PartialCredentialsError, ParamValidationError)):
        return Defect
    if isinstance(error, (HTTPClientError, NoConnection, ResponseParserError)):
        return Conflict
    return Defect if isinstance(error, BotoCoreError) else Conflict


def translated(error: Exception, operation: str) -> LienThongError:
    """Our error for one of botocore's; names the operation and the code, never the text."""
    code = code_of(error) or type(error).__name__
    return meaning(error)(f"{operation} failed with {code}.")


AWS_ERRORS: Final = (ClientError, BotoCoreError, ResponseParserError)
"""What botocore raises."""
