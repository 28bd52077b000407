"""Each function's role allows what the function uses and refuses the rest (IAM is enforced).

Allowed writes carry a condition that cannot hold, so that they are authorised and change nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from tests.e2e.conftest import Deployed

KEYS: Final[Mapping[str, str]] = {
    "PeopleTable": "personal_id",
    "InsuranceCardsTable": "insurance_number",
    "DossiersTable": "dossier_code",
    "AgenciesTable": "agency_id",
    "LedgerTable": "event_uid",
    "QuarantineTable": "quarantine_id",
    "AccessLogTable": "subject",
    "AccessHeadsTable": "subject",
    "AllowancesTable": "allowance",
}
INDEXES: Final[tuple[tuple[str, str, str], ...]] = (
    ("PeopleTable", "by-name", "name_key"),
    ("PeopleTable", "by-old-number", "old_identity_number"),
    ("InsuranceCardsTable", "by-person", "personal_id"),
    ("DossiersTable", "by-applicant", "applicant_id"),
    ("DossiersTable", "by-handler", "handling_agency"),
    ("LedgerTable", "by-record", "record_key"),
    ("QuarantineTable", "by-queue", "queue_key"),
    ("QuarantineTable", "by-reason", "reason_key"),
    ("QuarantineTable", "by-event", "event_uid"),
    ("AccessLogTable", "by-officer", "officer"),
    ("AccessLogTable", "by-agency", "agency_day"),
    ("AccessLogTable", "by-purpose", "purpose_day"),
)
OWN_TABLE: Final[Mapping[str, str]] = {
    "PopulationSyncFunction": "PeopleTable",
    "InsuranceSyncFunction": "InsuranceCardsTable",
    "DossierSyncFunction": "DossiersTable",
    "RegistrySyncFunction": "AgenciesTable",
}
QUEUES: Final = ("Population", "Insurance", "Dossier", "Registry")
LOADING: Final = ("FileSplitFunction", "RangeSyncFunction")
API: Final = ("QueryFunction", "IntakeFunction", "TokenClaimsFunction")
FUNCTIONS: Final = (*OWN_TABLE, "DeadLetterFunction", *LOADING, *API)
DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException"})
# Answers of a call that was authorised and then found that it had nothing to do.
AUTHORISED: Final = frozenset(
    {
        "ConditionalCheckFailedException",
        "TransactionCanceledException",
        "ReceiptHandleIsInvalid",
        "NoSuchKey",
        "404",
    }
)


@dataclass(frozen=True)
class Call:
    """One call of a service, named by the permission it needs and what it is made on."""

    permission: str
    on: str
    make: Callable[[Deployed, str], Any]

    def __str__(self) -> str:
        return f"{self.permission} on {self.on}"


def _key(table: str) -> dict[str, Any]:
    key = {KEYS[table]: {"S": "least-privilege"}}
    return {**key, "number": {"N": "1"}} if table == "AccessLogTable" else key


def _dynamodb(permission: str, operation: str, table: str, **arguments: Any) -> Call:
    def make(stack: Deployed, function: str) -> Any:
        call = getattr(stack.client_as(function, "dynamodb"), operation)
        return call(TableName=stack.outputs[table], **arguments)

    return Call(f"dynamodb:{permission}", table, make)


def read_in_bulk(table: str) -> Call:
    def make(stack: Deployed, function: str) -> Any:
        keys = {stack.outputs[table]: {"Keys": [_key(table)], "ConsistentRead": True}}
        return stack.client_as(function, "dynamodb").batch_get_item(RequestItems=keys)

    return Call("dynamodb:BatchGetItem", table, make)


def put_in_transaction(table: str) -> Call:
    def make(stack: Deployed, function: str) -> Any:
        put = {
            "TableName": stack.outputs[table],
            "Item": _key(table),
            "ConditionExpression": f"attribute_exists({KEYS[table]})",
        }
        client = stack.client_as(function, "dynamodb")
        return client.transact_write_items(TransactItems=[{"Put": put}])

    return Call("dynamodb:PutItem in a transaction", table, make)


def put(table: str) -> Call:
    return _dynamodb(
        "PutItem",
        "put_item",
        table,
        Item=_key(table),
        ConditionExpression=f"attribute_exists({KEYS[table]})",
    )


def update(table: str) -> Call:
    return _dynamodb(
        "UpdateItem",
        "update_item",
        table,
        Key=_key(table),
        UpdateExpression="SET seen = :one",
        ConditionExpression=f"attribute_exists({KEYS[table]})",
        ExpressionAttributeValues={":one": {"N": "1"}},
    )


def delete(table: str) -> Call:
    return _dynamodb("DeleteItem", "delete_item", table, Key=_key(table))


def get(table: str) -> Call:
    return _dynamodb("GetItem", "get_item", table, Key=_key(table))


def scan(table: str) -> Call:
    return _dynamodb("Scan", "scan", table)


def query(table: str) -> Call:
    return _dynamodb(
        "Query",
        "query",
        table,
        KeyConditionExpression=f"{KEYS[table]} = :key",
        ExpressionAttributeValues={":key": {"S": "least-privilege"}},
    )


def query_index(table: str, index: str, key: str) -> Call:
    def make(stack: Deployed, function: str) -> Any:
        return stack.client_as(function, "dynamodb").query(
            TableName=stack.outputs[table],
            IndexName=index,
            KeyConditionExpression="#k = :key",
            ExpressionAttributeNames={"#k": key},
            ExpressionAttributeValues={":key": {"S": "least-privilege"}},
        )

    return Call("dynamodb:Query", f"{table}/{index}", make)


def in_transaction(table: str, action: str, **arguments: Any) -> Call:
    def make(stack: Deployed, function: str) -> Any:
        item = {"TableName": stack.outputs[table], "Key": _key(table), **arguments}
        client = stack.client_as(function, "dynamodb")
        return client.transact_write_items(TransactItems=[{action: item}])

    return Call(f"dynamodb:{action}Item in a transaction", table, make)


def in_a_batch(table: str) -> Call:
    def make(stack: Deployed, function: str) -> Any:
        requests = {stack.outputs[table]: [{"DeleteRequest": {"Key": _key(table)}}]}
        return stack.client_as(function, "dynamodb").batch_write_item(RequestItems=requests)

    return Call("dynamodb:BatchWriteItem", table, make)


def in_words(table: str, statement: str) -> Call:
    def make(stack: Deployed, function: str) -> Any:
        words = statement.format(table=stack.outputs[table])
        return stack.client_as(function, "dynamodb").execute_statement(Statement=words)

    return Call(f"PartiQL: {statement.split()[0]}", table, make)


OF_THE_ACCESS_LOG: Final = (
    update("AccessLogTable"),
    delete("AccessLogTable"),
    in_transaction("AccessLogTable", "Delete"),
    in_transaction(
        "AccessLogTable",
        "Update",
        UpdateExpression="SET seen = :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
    ),
    in_a_batch("AccessLogTable"),
    in_words(
        "AccessLogTable",
        """UPDATE "{table}" SET seen = 1 WHERE subject = 'least-privilege' AND number = 1""",
    ),
    in_words(
        "AccessLogTable",
        """DELETE FROM "{table}" WHERE subject = 'least-privilege' AND number = 1""",
    ),
)
"""Every way to change or take away what was noted; no function has one of them."""


def _sqs(permission: str, operation: str, queue: str, **arguments: Any) -> Call:
    def make(stack: Deployed, function: str) -> Any:
        call = getattr(stack.client_as(function, "sqs"), operation)
        return call(QueueUrl=stack.outputs[f"{queue}QueueUrl"], **arguments)

    return Call(f"sqs:{permission}", f"{queue}Queue", make)


def look_at(queue: str) -> Call:
    return _sqs("GetQueueAttributes", "get_queue_attributes", queue, AttributeNames=["QueueArn"])


def take_from(queue: str) -> Call:
    return _sqs("DeleteMessage", "delete_message", queue, ReceiptHandle="least-privilege")


def send_to(queue: str) -> Call:
    return _sqs("SendMessage", "send_message", queue, MessageBody="least-privilege")


def purge(queue: str) -> Call:
    return _sqs("PurgeQueue", "purge_queue", queue)


def _s3(permission: str, operation: str, **arguments: Any) -> Call:
    def make(stack: Deployed, function: str) -> Any:
        call = getattr(stack.client_as(function, "s3"), operation)
        return call(Bucket=stack.outputs["QuarantineBucket"], **arguments)

    return Call(f"s3:{permission}", "QuarantineBucket", make)


def _intake(permission: str, operation: str, folder: str, **arguments: Any) -> Call:
    def make(stack: Deployed, function: str) -> Any:
        call = getattr(stack.client_as(function, "s3"), operation)
        key = f"{folder}/least-privilege"
        return call(Bucket=stack.outputs["IntakeBucket"], Key=key, **arguments)

    return Call(f"s3:{permission}", f"IntakeBucket/{folder}", make)


def list_intake() -> Call:
    def make(stack: Deployed, function: str) -> Any:
        client = stack.client_as(function, "s3")
        return client.list_objects_v2(Bucket=stack.outputs["IntakeBucket"])

    return Call("s3:ListBucket", "IntakeBucket", make)


def see_again(queue: str) -> Call:
    return _sqs(
        "ChangeMessageVisibility",
        "change_message_visibility",
        queue,
        ReceiptHandle="least-privilege",
        VisibilityTimeout=0,
    )


_LOAD_KEY: Final = {"load_id": {"S": "least-privilege"}, "item": {"S": "least-privilege"}}


def _loads(permission: str, operation: str, **arguments: Any) -> Call:
    return _dynamodb(permission, operation, "LoadsTable", **arguments)


GET_LOAD: Final = _loads("GetItem", "get_item", Key=_LOAD_KEY)
PUT_LOAD: Final = _loads(
    "PutItem",
    "put_item",
    Item=_LOAD_KEY,
    ConditionExpression="attribute_exists(load_id)",
)
UPDATE_LOAD: Final = _loads(
    "UpdateItem",
    "update_item",
    Key=_LOAD_KEY,
    UpdateExpression="SET seen = :one",
    ConditionExpression="attribute_exists(load_id)",
    ExpressionAttributeValues={":one": {"N": "1"}},
)
QUERY_LOADS: Final = _loads(
    "Query",
    "query",
    KeyConditionExpression="load_id = :key",
    ExpressionAttributeValues={":key": {"S": "least-privilege"}},
)
SCAN_LOADS: Final = _loads("Scan", "scan")
DELETE_LOAD: Final = _loads("DeleteItem", "delete_item", Key=_LOAD_KEY)
READ: Final = {
    folder: _intake("GetObject", "get_object", folder)
    for folder in ("incoming", "parts", "reports")
}
WRITE: Final = {folder: _intake("PutObject", "put_object", folder, Body=b"") for folder in READ}
REMOVE: Final = {folder: _intake("DeleteObject", "delete_object", folder) for folder in READ}
OF_LOADS: Final = (
    *(GET_LOAD, PUT_LOAD, UPDATE_LOAD, QUERY_LOADS, SCAN_LOADS, DELETE_LOAD, list_intake()),
    *(*READ.values(), *WRITE.values(), *REMOVE.values()),
    *(
        act(f"{queue}{dead}")
        for queue in ("Files", "Ranges")
        for dead in ("", "DeadLetter")
        for act in (look_at, take_from, see_again, send_to, purge)
    ),
)


def _of_the_account(permission: str, service: str, operation: str) -> Call:
    def make(stack: Deployed, function: str) -> Any:
        return getattr(stack.client_as(function, service), operation)()

    return Call(permission, "the account", make)


KEEP_BODY: Final = _s3("PutObject", "put_object", Key="least-privilege", Body=b"")
QUARANTINE: Final = (update("QuarantineTable"), KEEP_BODY)
NEVER: Final = (
    _s3("GetObject", "get_object", Key="least-privilege"),
    _s3("DeleteObject", "delete_object", Key="least-privilege"),
    _s3("ListBucket", "list_objects_v2"),
    *(act(table) for table in KEYS for act in (get, query, scan, delete)),
    *(act(queue) for queue in QUEUES for act in (send_to, purge)),
    put("QuarantineTable"),
    put_in_transaction("QuarantineTable"),
    update("LedgerTable"),
    *(update(table) for table in OWN_TABLE.values()),
    *(update(table) for table in ("AccessHeadsTable", "AllowancesTable")),
    *OF_THE_ACCESS_LOG,
    *(query_index(*index) for index in INDEXES),
    _of_the_account("iam:ListRoles", "iam", "list_roles"),
    _of_the_account("kms:ListKeys", "kms", "list_keys"),
    _of_the_account("dynamodb:ListTables", "dynamodb", "list_tables"),
    _of_the_account("lambda:ListFunctions", "lambda", "list_functions"),
)


def allowed_to_load(function: str) -> list[Call]:
    both = [GET_LOAD, PUT_LOAD, UPDATE_LOAD, list_intake(), READ["incoming"], send_to("Ranges")]
    if function == "FileSplitFunction":
        takes = [
            act(queue) for queue in ("Files", "FilesDeadLetter") for act in (look_at, take_from)
        ]
        return [*both, *takes, see_again("Files"), WRITE["parts"]]
    tables = [*OWN_TABLE.values(), "LedgerTable"]
    return [
        *both,
        *(look_at("Ranges"), take_from("Ranges")),
        *(QUERY_LOADS, READ["parts"], READ["reports"], WRITE["reports"]),
        *(read_in_bulk(table) for table in (*tables, "QuarantineTable")),
        *(act(table) for table in tables for act in (put, put_in_transaction)),
        *QUARANTINE,
    ]


def allowed_behind_the_api(function: str) -> list[Call]:
    if function == "TokenClaimsFunction":
        return []
    notes = [act("AccessLogTable") for act in (put, put_in_transaction)]
    notes += [update("AccessHeadsTable"), update("AllowancesTable"), scan("AgenciesTable")]
    bulk = ["LedgerTable", "QuarantineTable"]
    bulk += ["AccessLogTable", "AccessHeadsTable", "AllowancesTable"]
    if function == "QueryFunction":
        bulk += ["PeopleTable", "InsuranceCardsTable", "DossiersTable"]
        queries = [
            query_index(*index) for index in INDEXES if index[1] not in ("by-queue", "by-reason")
        ]
        return [*notes, *map(read_in_bulk, bulk), *queries, query("AccessLogTable")]
    return [
        *notes,
        *map(read_in_bulk, [*bulk, "AgenciesTable"]),
        *(query_index(*index) for index in INDEXES if index[0] == "QuarantineTable"),
        update("QuarantineTable"),
        _s3("GetObject", "get_object", Key="least-privilege"),
        *(send_to(queue) for queue in QUEUES),
    ]


def allowed(function: str) -> list[Call]:
    if function in API:
        return allowed_behind_the_api(function)
    if function in LOADING:
        return allowed_to_load(function)
    if function == "DeadLetterFunction":
        queues = [f"{name}DeadLetter" for name in QUEUES]
        tables = ["LedgerTable", "QuarantineTable"]
        writes: list[Call] = []
    else:
        queues = [function.removesuffix("SyncFunction")]
        own = OWN_TABLE[function]
        tables = [own, *({"AgenciesTable"} - {own}), "LedgerTable", "QuarantineTable"]
        writes = [act(table) for table in (own, "LedgerTable") for act in (put, put_in_transaction)]
    reads = [read_in_bulk(table) for table in tables]
    takes = [act(queue) for queue in queues for act in (look_at, take_from)]
    return [*takes, *reads, *writes, *QUARANTINE]


def refused(function: str) -> list[Call]:
    granted = {str(call) for call in allowed(function)}
    others = [
        *(act(table) for table in KEYS for act in (read_in_bulk, put, put_in_transaction)),
        *(
            act(queue)
            for name in QUEUES
            for queue in (name, f"{name}DeadLetter")
            for act in (look_at, take_from)
        ),
        *QUARANTINE,
        *OF_LOADS,
        *NEVER,
    ]
    return [
        call for call in {str(call): call for call in others}.values() if str(call) not in granted
    ]


def outcome(stack: Deployed, function: str, call: Call) -> str:
    try:
        call.make(stack, function)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "done"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_may_do_what_it_needs(stack: Deployed, function: str) -> None:
    outcomes = {str(call): outcome(stack, function, call) for call in allowed(function)}

    wrong = {call: code for call, code in outcomes.items() if code not in {"done", *AUTHORISED}}
    assert not wrong


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_is_refused_everything_else(stack: Deployed, function: str) -> None:
    calls = refused(function)
    assert len(calls) > 40

    outcomes = {str(call): outcome(stack, function, call) for call in calls}

    assert {call: code for call, code in outcomes.items() if code not in DENIED} == {}


@pytest.mark.parametrize("call", OF_THE_ACCESS_LOG, ids=str)
def test_no_function_changes_what_was_noted(stack: Deployed, call: Call) -> None:
    outcomes = {function: outcome(stack, function, call) for function in FUNCTIONS}

    assert set(outcomes.values()) <= DENIED, outcomes


def test_every_function_has_a_role_of_its_own(stack: Deployed) -> None:
    assert set(stack.role_arns) == set(FUNCTIONS)
    assert len(set(stack.role_arns.values())) == len(FUNCTIONS)
