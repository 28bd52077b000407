"""AWS errors as ours: total over botocore's own list of each operation's errors."""

from __future__ import annotations

from functools import cache
from typing import Any

import botocore.exceptions
import botocore.session
import pytest
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from functions.shared.adapters.errors import (
    AWS_ERRORS,
    CANCELLATION,
    MEANING,
    code_of,
    meaning,
    translated,
)
from functions.shared.core.errors import Conflict, Defect, LienThongError, Rejected, Retry
from tests.faults import aws_error

OPERATIONS = (
    ("dynamodb", "BatchGetItem"),
    ("dynamodb", "TransactWriteItems"),
    ("dynamodb", "UpdateItem"),
    ("s3", "PutObject"),
)


@cache
def listed(service: str, operation: str) -> list[str]:
    """The codes of the errors that botocore's model lists for an operation."""
    model = botocore.session.get_session().get_service_model(service)
    shapes: list[Any] = model.operation_model(operation).error_shapes
    return [shape.metadata.get("error", {}).get("code", shape.name) for shape in shapes]


@pytest.mark.parametrize(("service", "operation"), OPERATIONS)
def test_every_error_that_botocore_lists_has_a_meaning(service: str, operation: str) -> None:
    assert listed(service, operation)
    assert set(listed(service, operation)) <= set(MEANING)


def test_no_meaning_is_the_senders_fault() -> None:
    assert set(MEANING.values()) <= {Retry, Conflict, Defect}
    assert not any(issubclass(meant, Rejected) for meant in MEANING.values())


@pytest.mark.parametrize(
    ("code", "meant"),
    [
        ("ThrottlingException", Retry),
        ("ProvisionedThroughputExceededException", Retry),
        ("RequestLimitExceeded", Retry),
        ("InternalServerError", Retry),
        ("SlowDown", Retry),
        ("TransactionCanceledException", Conflict),
        ("TransactionConflictException", Conflict),
        ("TransactionInProgressException", Conflict),
        ("ConditionalCheckFailedException", Conflict),
        ("IdempotentParameterMismatchException", Conflict),
        ("AccessDeniedException", Defect),
        ("ResourceNotFoundException", Defect),
        ("ValidationException", Defect),
        ("NoSuchBucket", Defect),
    ],
)
def test_what_the_common_ones_mean(code: str, meant: type[LienThongError]) -> None:
    assert meaning(aws_error(code, "X")) is meant


@pytest.mark.parametrize(
    ("status", "meant"), [(500, Retry), (503, Retry), (429, Retry), (400, Defect), (403, Defect)]
)
def test_an_unknown_code_is_judged_by_its_status(status: int, meant: type[LienThongError]) -> None:
    assert meaning(aws_error("NeverHeardOf", "X", status)) is meant
    assert meaning(aws_error("", "X", status)) is meant


def test_an_error_whose_text_was_cut_off_leaves_open_what_it_was() -> None:
    assert meaning(aws_error("400", "BatchGetItem", 400)) is Conflict
    assert meaning(aws_error("403", "HeadObject", 403)) is Defect
    assert meaning(aws_error("404", "HeadObject", 404)) is Defect


def test_an_error_without_anything_is_a_defect() -> None:
    assert meaning(ClientError({}, "X")) is Defect


@pytest.mark.parametrize(
    "name",
    [
        "ConnectTimeoutError",
        "ConnectionClosedError",
        "ConnectionError",
        "EndpointConnectionError",
        "HTTPClientError",
        "ProxyConnectionError",
        "ReadTimeoutError",
        "SSLError",
    ],
)
def test_no_answer_leaves_the_outcome_unknown(name: str) -> None:
    error = getattr(botocore.exceptions, name)
    made = error(endpoint_url="https://example.invalid", proxy_url="x", error=OSError())
    assert meaning(made) is Conflict


def test_an_answer_that_makes_no_sense_leaves_the_outcome_unknown() -> None:
    assert meaning(ResponseParserError("?")) is Conflict


@pytest.mark.parametrize(
    "error",
    [
        botocore.exceptions.NoCredentialsError(),
        botocore.exceptions.PartialCredentialsError(provider="x", cred_var="y"),
        botocore.exceptions.ParamValidationError(report="x"),
        botocore.exceptions.NoRegionError(),
    ],
)
def test_a_request_that_could_not_be_made_is_a_defect(error: BotoCoreError) -> None:
    assert meaning(error) is Defect


def test_every_error_of_botocore_is_caught_and_has_a_meaning() -> None:
    assert issubclass(BotoCoreError, AWS_ERRORS)
    assert issubclass(ClientError, AWS_ERRORS)
    assert issubclass(ResponseParserError, AWS_ERRORS)
    for name in dir(botocore.exceptions):
        error = getattr(botocore.exceptions, name)
        if isinstance(error, type) and issubclass(error, BotoCoreError):
            assert meaning(error.__new__(error)) in (Retry, Conflict, Defect)


@pytest.mark.parametrize(
    ("reason", "meant"),
    [
        ("None", None),
        ("ConditionalCheckFailed", Conflict),
        ("TransactionConflict", Conflict),
        ("DuplicateItem", Conflict),
        ("ThrottlingError", Retry),
        ("ProvisionedThroughputExceeded", Retry),
        ("ValidationError", Defect),
        ("ItemCollectionSizeLimitExceeded", Defect),
        ("AccessDenied", Defect),
    ],
)
def test_what_cancellation_reasons_mean(reason: str, meant: type[LienThongError] | None) -> None:
    assert CANCELLATION[reason] is meant


def test_our_error_names_the_operation_and_the_code_and_nothing_else() -> None:
    """AWS repeats keys and values in its texts."""
    error = aws_error("ThrottlingException", "BatchGetItem")
    assert "001190000017" in str(error)
    ours = translated(error, "BatchGetItem")
    assert type(ours) is Retry
    assert str(ours) == "BatchGetItem failed with ThrottlingException."


def test_without_an_answer_the_class_is_named() -> None:
    error = botocore.exceptions.EndpointConnectionError(endpoint_url="https://x.invalid", error="y")
    assert str(translated(error, "PutObject")) == "PutObject failed with EndpointConnectionError."
    assert code_of(error) == ""


class TestTheTree:
    def test_a_conflict_may_be_tried_again(self) -> None:
        assert issubclass(Conflict, Retry)

    def test_the_three_kinds_of_fault_are_apart(self) -> None:
        for one in (Rejected, Retry, Defect):
            others = {Rejected, Retry, Defect} - {one}
            assert issubclass(one, LienThongError)
            assert not any(issubclass(one, other) for other in others)
