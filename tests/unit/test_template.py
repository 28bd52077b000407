"""Rules about the template. Each finds nothing in it, and something in one that breaks the rule."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from functions.shared.core.access import Role
from functions.shared.core.kinds import KIND_OF_QUEUE
from functions.shared.runtime.api.routes import ROUTES
from functions.shared.runtime.loading import FILE_TRIES, RANGE_TRIES
from functions.shared.runtime.measures import (
    NAMESPACE,
    OF_A_LOAD,
    OF_DEAD_LETTERS,
    OF_THE_API,
    Measure,
)
from functions.shared.runtime.settings import (
    TABLES_OF_KINDS,
    api_settings,
    dead_letter_settings,
    file_split_settings,
    intake_settings,
    range_sync_settings,
    sync_settings,
)

ROOT: Final = Path(__file__).parents[2]
Template = dict[str, Any]
Findings = list[str]

EVENT_QUEUES: Final = ("Population", "Insurance", "Dossier", "Registry")
LOAD_QUEUES: Final = {"Files": ("FileSplit", FILE_TRIES), "Ranges": ("RangeSync", RANGE_TRIES)}
"""Queues of the loading: who takes from each, and the tries that the code counts on."""
QUEUES: Final = (*EVENT_QUEUES, *LOAD_QUEUES)
OUTPUTS: Final = {
    *(f"{queue}{kind}Url" for queue in QUEUES for kind in ("Queue", "DeadLetterQueue")),
    "ApiUrl",
    "UserPoolId",
    "UserPoolClientId",
    "SystemTokenUrl",
    "AccessLogTable",
    "AccessHeadsTable",
    "AllowancesTable",
    "LoadsTable",
    "IntakeBucket",
    "PeopleTable",
    "InsuranceCardsTable",
    "DossiersTable",
    "AgenciesTable",
    "LedgerTable",
    "QuarantineTable",
    "QuarantineBucket",
}
# Table: its key (with a second part after `+`) and its indexes; a number is marked.
TABLES: Final[Mapping[str, tuple[str, Mapping[str, tuple[str, ...]]]]] = {
    "PeopleTable": (
        "personal_id",
        {"by-name": ("name_key", "birth_key"), "by-old-number": ("old_identity_number",)},
    ),
    "InsuranceCardsTable": ("insurance_number", {"by-person": ("personal_id",)}),
    "DossiersTable": (
        "dossier_code",
        {"by-applicant": ("applicant_id",), "by-handler": ("handling_agency", "status_due")},
    ),
    "AgenciesTable": ("agency_id", {}),
    "LedgerTable": ("event_uid", {"by-record": ("record_key", "version")}),
    "QuarantineTable": (
        "quarantine_id",
        {
            "by-queue": ("queue_key", "received_at"),
            "by-reason": ("reason_key", "received_at"),
            "by-event": ("event_uid", "received_at"),
        },
    ),
}
TABLES_OF_LOADS: Final[Mapping[str, tuple[str, Mapping[str, tuple[str, ...]]]]] = {
    "LoadsTable": ("load_id+item", {"by-time": ("listing", "sent_at")}),
}
TABLES_OF_THE_API: Final[Mapping[str, tuple[str, Mapping[str, tuple[str, ...]]]]] = {
    "AccessLogTable": (
        "subject+number",
        {
            "by-officer": ("officer", "looked_at"),
            "by-agency": ("agency_day", "looked_at"),
            "by-purpose": ("purpose_day", "looked_at"),
        },
    ),
    "AccessHeadsTable": ("subject", {}),
    "AllowancesTable": ("allowance", {}),
}
API_FUNCTIONS: Final = ("QueryFunction", "IntakeFunction")
NUMBERS: Final = {"version", "number"}
OWN_TABLE: Final = {
    "PopulationSyncFunction": "PeopleTable",
    "InsuranceSyncFunction": "InsuranceCardsTable",
    "DossierSyncFunction": "DossiersTable",
    "RegistrySyncFunction": "AgenciesTable",
}
# Statements of the key's own policy that name everything, and why they may.
WIDE: Final = {
    "AccountAdministers": "without it the account's IAM policies could not grant the key's use",
    "LogsOfThisStack": "a key policy's resource is the key itself; the context narrows it",
    "FilesThatS3NotifiesOf": "the same; the account and the service narrow it",
}
# Actions for which AWS has no resource but "*", and why a function needs them.
EVERYWHERE: Final = {
    "xray:PutTraceSegments": "X-Ray has no resources; it only takes in what the function says",
    "xray:PutTelemetryRecords": "the same: counts of segments that were taken in or lost",
}


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms as their long ones."""


def _short_form(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        text = loader.construct_scalar(node)
        return {name: text.split(".", 1) if suffix == "GetAtt" else text}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    assert isinstance(node, yaml.MappingNode)
    return {name: loader.construct_mapping(node, deep=True)}


_Loader.add_multi_constructor("!", _short_form)


def _load() -> Template:
    text = (ROOT / "template.yaml").read_text(encoding="utf-8")
    loaded: Template = yaml.load(text, _Loader)  # a SafeLoader with more tags
    return loaded


TEMPLATE: Final = _load()


def of_type(template: Template, kind: str) -> dict[str, dict[str, Any]]:
    return {
        name: resource["Properties"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == kind
    }


def queues(template: Template) -> dict[str, dict[str, Any]]:
    return of_type(template, "AWS::SQS::Queue")


def functions(template: Template) -> dict[str, dict[str, Any]]:
    return of_type(template, "AWS::Serverless::Function")


def sources(function: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: event["Properties"] for name, event in function.get("Events", {}).items()}


def statements(template: Template) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, resource in template["Resources"].items():
        properties = resource["Properties"]
        policies = properties.get("Policies", []) if resource["Type"] == "AWS::IAM::Role" else []
        documents = [policy["PolicyDocument"] for policy in policies]
        documents += [
            properties[key] for key in ("PolicyDocument", "KeyPolicy") if key in properties
        ]
        for document in documents:
            for statement in document["Statement"]:
                yield name, when_it_is_there(statement)


def when_it_is_there(statement: dict[str, Any]) -> dict[str, Any]:
    """A statement, also one that is there on a condition alone."""
    if "Fn::If" not in statement:
        return statement
    _, there, otherwise = statement["Fn::If"]
    assert otherwise == {"Ref": "AWS::NoValue"}
    found: dict[str, Any] = there
    return found


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def get_att(name: str, attribute: str = "Arn") -> dict[str, list[str]]:
    return {"Fn::GetAtt": [name, attribute]}


def snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


# ------------------------------------------------------------------------------------- rules


def every_queue_has_a_dead_letter_queue(template: Template) -> Findings:
    found = []
    all_queues = queues(template)
    for queue in QUEUES:
        dead = f"{queue}DeadLetterQueue"
        redrive = all_queues[f"{queue}Queue"].get("RedrivePolicy", {})
        if redrive.get("deadLetterTargetArn") != get_att(dead) or dead not in all_queues:
            found.append(f"{queue}Queue gives up into {redrive.get('deadLetterTargetArn')}")
        tries = redrive.get("maxReceiveCount", 0)
        if not 3 <= tries <= 10 or tries != LOAD_QUEUES.get(queue, (None, tries))[1]:
            found.append(f"{queue}Queue gives up after {tries} tries")
        allow = all_queues.get(dead, {}).get("RedriveAllowPolicy", {})
        if (
            allow.get("redrivePermission") != "byQueue"
            or len(allow.get("sourceQueueArns", ())) != 1
        ):
            found.append(f"{dead} takes from any queue")
    if set(all_queues) != {f"{q}{kind}" for q in QUEUES for kind in ("Queue", "DeadLetterQueue")}:
        found.append("there is a queue that nothing is known of")
    return found


def every_queue_keeps_messages_for_fourteen_days(template: Template) -> Findings:
    return [
        name
        for name, queue in queues(template).items()
        if queue.get("MessageRetentionPeriod") != 14 * 24 * 3600
    ]


def every_queue_has_an_alarm(template: Template) -> Findings:
    watched = {
        (json.dumps(alarm["Dimensions"][0]["Value"]), alarm["MetricName"])
        for alarm in of_type(template, "AWS::CloudWatch::Alarm").values()
        if alarm.get("AlarmActions")
        == {"Fn::If": ["HasAlarmTopic", [{"Ref": "AlarmTopic"}], {"Ref": "AWS::NoValue"}]}
        and alarm["Dimensions"][0]["Name"] == "QueueName"
    }
    wanted = {
        "Queue": "ApproximateAgeOfOldestMessage",
        "DeadLetterQueue": "ApproximateNumberOfMessagesVisible",
    }
    return [
        f"{queue}{kind}: {metric}"
        for queue in QUEUES
        for kind, metric in wanted.items()
        if (json.dumps(get_att(f"{queue}{kind}", "QueueName")), metric) not in watched
    ]


def visibility_is_at_least_six_times_the_timeout(template: Template) -> Findings:
    shared = template["Globals"]["Function"]["Timeout"]
    found = []
    for name, function in functions(template).items():
        for source in sources(function).values():
            queue = source["Queue"]["Fn::GetAtt"][0]
            visibility = queues(template)[queue]["VisibilityTimeout"]
            if visibility < 6 * function.get("Timeout", shared):
                found.append(f"{queue} of {name} shows a message again after {visibility} s")
    return found


def every_source_reports_failures_per_item(template: Template) -> Findings:
    found = []
    for name, function in functions(template).items():
        for event, source in sources(function).items():
            if source.get("FunctionResponseTypes") != ["ReportBatchItemFailures"]:
                found.append(f"{name}.{event} answers for whole batches")
            # A file or a range is work for a whole run; of events, a batch is.
            loads = name in {f"{function}Function" for function, _ in LOAD_QUEUES.values()}
            window = "MaximumBatchingWindowInSeconds" in source
            if (source.get("BatchSize"), window) != ((1, False) if loads else (100, True)):
                found.append(f"{name}.{event} takes batches of another size")
            if "MaximumConcurrency" not in source.get("ScalingConfig", {}):
                found.append(f"{name}.{event} scales without a limit")
    return found


def every_function_takes_from_its_own_queues(template: Template) -> Findings:
    taken = {
        name: [source["Queue"]["Fn::GetAtt"][0] for source in sources(function).values()]
        for name, function in functions(template).items()
    }
    wanted = {f"{queue}SyncFunction": [f"{queue}Queue"] for queue in EVENT_QUEUES}
    wanted["DeadLetterFunction"] = [f"{queue}DeadLetterQueue" for queue in EVENT_QUEUES]
    wanted["FileSplitFunction"] = ["FilesQueue", "FilesDeadLetterQueue"]
    wanted["RangeSyncFunction"] = ["RangesQueue"]
    wanted |= {name: [] for name in (*API_FUNCTIONS, "TokenClaimsFunction")}
    found = [name for name in {*taken, *wanted} if taken.get(name) != wanted.get(name)]
    off = {
        (name, event)
        for name, function in functions(template).items()
        for event, source in sources(function).items()
        if source.get("Enabled") is False
    }
    if off != {("FileSplitFunction", "DeadLetters")}:
        found.append(f"switched off: {sorted(off)}")
    return found


def every_function_logs_into_a_group_with_retention(template: Template) -> Findings:
    groups = of_type(template, "AWS::Logs::LogGroup")
    found = []
    for name, function in functions(template).items():
        group = groups.get(function.get("LoggingConfig", {}).get("LogGroup", {}).get("Ref"), {})
        if group.get("RetentionInDays") != {"Ref": "LogRetentionDays"}:
            found.append(f"{name} logs without retention")
        if group.get("KmsKeyId") != get_att("StackKey"):
            found.append(f"{name} logs without the stack key")
        named = function["FunctionName"]["Fn::Sub"]
        if group.get("LogGroupName") != {"Fn::Sub": f"/aws/lambda/{named}"}:
            found.append(f"{name} logs into a group of another name")
    return found


def tables_have_the_keys_and_indexes_of_the_contract(template: Template) -> Findings:
    found = []
    tables = of_type(template, "AWS::DynamoDB::Table")
    known = {**TABLES, **TABLES_OF_LOADS, **TABLES_OF_THE_API}
    for name in {*tables, *known}:
        if name not in tables or name not in known:
            found.append(f"{name} is in the template or the contract alone")
            continue
        key, indexes = known[name]
        table = tables[name]
        here = {
            index["IndexName"]: tuple(part["AttributeName"] for part in index["KeySchema"])
            for index in table.get("GlobalSecondaryIndexes", ())
        }
        keys = key.split("+")
        if [(part["AttributeName"], part["KeyType"]) for part in table["KeySchema"]] != list(
            zip(keys, ("HASH", "RANGE"), strict=False)
        ):
            found.append(f"{name} has another key")
        if here != dict(indexes):
            found.append(f"{name} has the indexes {here}")
        for index in table.get("GlobalSecondaryIndexes", ()):
            if index["Projection"] != {"ProjectionType": "KEYS_ONLY"}:
                found.append(f"{name}.{index['IndexName']} copies more than keys")
            if [part["KeyType"] for part in index["KeySchema"]] != ["HASH", "RANGE"][
                : len(index["KeySchema"])
            ]:
                found.append(f"{name}.{index['IndexName']} has its key parts the wrong way round")
        types = {
            part["AttributeName"]: part["AttributeType"] for part in table["AttributeDefinitions"]
        }
        used = {*keys, *(part for parts in indexes.values() for part in parts)}
        if types != {part: "N" if part in NUMBERS else "S" for part in used}:
            found.append(f"{name} defines {types}")
    return found


def tables_are_on_demand_encrypted_recoverable_and_streamed(template: Template) -> Findings:
    wanted = {
        "BillingMode": "PAY_PER_REQUEST",
        "SSESpecification": {
            "SSEEnabled": True,
            "SSEType": "KMS",
            "KMSMasterKeyId": get_att("StackKey"),
        },
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
        "StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"},
        "DeletionProtectionEnabled": {"Fn::If": ["ProtectsTables", True, False]},
    }
    found = [
        f"{name}.{key}"
        for name, table in of_type(template, "AWS::DynamoDB::Table").items()
        for key, value in wanted.items()
        if table.get(key) != value
    ]
    if template["Parameters"]["DeletionProtection"]["Default"] != "true":
        found.append("tables can be deleted unless somebody says otherwise")
    if of_type(template, "AWS::DynamoDB::Table")["LedgerTable"].get("TableClass") != {
        "Ref": "LedgerTableClass"
    }:
        found.append("the ledger's table class is no parameter")
    return found


def what_holds_data_outlives_the_stack(template: Template) -> Findings:
    kinds = {"AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::KMS::Key", "AWS::Cognito::UserPool"}
    return [
        name
        for name, resource in template["Resources"].items()
        if resource["Type"] in kinds
        and (resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy"))
        != ("RetainExceptOnCreate", "Retain")
    ]


def queues_are_encrypted_with_the_stack_key(template: Template) -> Findings:
    return [
        name
        for name, queue in queues(template).items()
        if queue.get("KmsMasterKeyId") != get_att("StackKey")
    ]


def buckets_are_encrypted_versioned_and_private(template: Template) -> Findings:
    wanted = {
        "BucketEncryption": {
            "ServerSideEncryptionConfiguration": [
                {
                    "BucketKeyEnabled": True,
                    "ServerSideEncryptionByDefault": {
                        "SSEAlgorithm": "aws:kms",
                        "KMSMasterKeyID": get_att("StackKey"),
                    },
                }
            ]
        },
        "VersioningConfiguration": {"Status": "Enabled"},
        "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        "PublicAccessBlockConfiguration": dict.fromkeys(
            ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"),
            True,
        ),
    }
    return [
        f"{name}.{key}"
        for name, bucket in of_type(template, "AWS::S3::Bucket").items()
        for key, value in wanted.items()
        if bucket.get(key) != value
    ]


def plain_http_is_refused(template: Template) -> Findings:
    refusal = {
        "Effect": "Deny",
        "Principal": "*",
        "Condition": {
            "Bool": {"aws:SecureTransport": "false"},
            "NotIpAddress": {"aws:SourceIp": "127.0.0.0/8"},
        },
    }

    def refuses(policy: Mapping[str, Any], action: str, resource: Any) -> bool:
        return any(
            statement.items() >= {**refusal, "Action": action, "Resource": resource}.items()
            for statement in policy["PolicyDocument"]["Statement"]
        )

    safe_queues = {
        queue["Ref"]
        for policy in of_type(template, "AWS::SQS::QueuePolicy").values()
        for queue in policy["Queues"]
        if refuses(policy, "sqs:*", "*")
    }
    safe_buckets = {
        policy["Bucket"]["Ref"]
        for policy in of_type(template, "AWS::S3::BucketPolicy").values()
        if refuses(
            policy,
            "s3:*",
            [
                get_att(policy["Bucket"]["Ref"]),
                {"Fn::Sub": f"${{{policy['Bucket']['Ref']}.Arn}}/*"},
            ],
        )
    }
    return sorted(
        (set(queues(template)) - safe_queues)
        | (set(of_type(template, "AWS::S3::Bucket")) - safe_buckets)
    )


def files_are_notified_of_by_s3_alone(template: Template) -> Findings:
    """Who dropped a file is what the notification says, so nobody else may send one."""
    found = []
    policies = [
        policy
        for policy in of_type(template, "AWS::SQS::QueuePolicy").values()
        if {"Ref": "FilesQueue"} in policy["Queues"]
    ]
    if len(policies) != 1:  # a queue has one policy: the second would replace the first
        return [f"FilesQueue has {len(policies)} policies"]
    statements_ = policies[0]["PolicyDocument"]["Statement"]
    refused = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sqs:SendMessage",
        "Condition": {"Bool": {"aws:PrincipalIsAWSService": "false"}},
    }
    if not any(statement.items() >= refused.items() for statement in statements_):
        found.append("anybody with sqs:SendMessage may say who dropped a file")
    allowed = [statement for statement in statements_ if statement["Effect"] == "Allow"]
    if [(s["Principal"], s["Action"], sorted(s["Condition"])) for s in allowed] != [
        ({"Service": "s3.amazonaws.com"}, "sqs:SendMessage", ["ArnLike", "StringEquals"])
    ]:
        found.append("S3 may not notify, or others may")
    bucket = template["Resources"]["IntakeBucket"]
    (notified,) = bucket["Properties"]["NotificationConfiguration"]["QueueConfigurations"]
    if bucket.get("DependsOn") != "FilesQueuePolicy" or notified["Queue"] != get_att("FilesQueue"):
        found.append("the bucket notifies another queue, or before it may")
    return found


def what_a_load_leaves_behind_expires(template: Template) -> Findings:
    rules = properties(template, "IntakeBucket")["LifecycleConfiguration"]["Rules"]
    kept = {
        rule["Prefix"]: rule["ExpirationInDays"]
        for rule in (r["Fn::If"][1] if "Fn::If" in r else r for r in rules)
        if "Prefix" in rule
    }
    wanted = {
        "incoming/": {"Ref": "IntakeRetentionDays"},
        "parts/": {"Ref": "LoadRetentionDays"},
        "reports/": {"Ref": "LoadRetentionDays"},
    }
    found = [] if kept == wanted else [f"kept: {kept}"]
    queue = queues(template)["RangesQueue"]
    least = template["Parameters"]["LoadRetentionDays"]["MinValue"]
    if least * 24 * 3600 <= queue["MessageRetentionPeriod"]:
        found.append("a part may expire before its task does")
    return found


def every_policy_is_narrow(template: Template) -> Findings:
    found = []
    for name, statement in statements(template):
        if statement["Effect"] == "Deny":
            continue
        sid = statement.get("Sid")
        for key in ("NotAction", "NotResource", "NotPrincipal"):
            if key in statement:
                found.append(f"{name}.{sid} allows by exception")
        if sid in WIDE and name == "StackKey":
            continue
        found += [
            f"{name}.{sid} allows {action}"
            for action in as_list(statement.get("Action", []))
            if "*" in action
        ]
        found += [
            f"{name}.{sid} allows it on {resource}"
            for resource in as_list(statement.get("Resource", []))
            if not _names_one_thing(resource)
            and not (resource == "*" and EVERYWHERE.keys() >= set(as_list(statement["Action"])))
        ]
    for name, role in of_type(template, "AWS::IAM::Role").items():
        if role.get("ManagedPolicyArns"):
            found.append(f"{name} has policies that are written elsewhere")
    return found


def _names_one_thing(resource: Any) -> bool:
    """Whether it is of this stack: an attribute, objects of a bucket, streams of a log group."""
    if not isinstance(resource, dict):
        return False
    if "Fn::GetAtt" in resource:
        return True
    text = resource.get("Fn::Sub", "*")
    objects = re.fullmatch(r"\$\{[A-Za-z]+\.Arn\}/([a-z]+/)?\*", text)
    streams = re.fullmatch(
        r"arn:\$\{AWS::Partition\}:logs:\$\{AWS::Region\}:\$\{AWS::AccountId\}"
        r":log-group:/aws/lambda/\$\{AWS::StackName\}-[a-z-]+:log-stream:\*",
        text,
    )
    index = re.fullmatch(r"\$\{[A-Za-z]+\.Arn\}/index/[a-z-]+", text)
    return bool(objects or streams or index)


def every_role_is_one_function_s_and_grants_what_it_calls(template: Template) -> Findings:
    found = []
    roles = of_type(template, "AWS::IAM::Role")
    used = {name: f["Role"]["Fn::GetAtt"][0] for name, f in functions(template).items()}
    if sorted(used.values()) != sorted(roles):
        found.append(f"functions and roles are not one to one: {used}")
    for name, role_name in used.items():
        role = roles[role_name]
        if role["AssumeRolePolicyDocument"]["Statement"] != [
            {
                "Effect": "Allow",
                "Principal": {"Service": "lambda.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ]:
            found.append(f"{role_name} can be taken on by others than Lambda")
        granted = {
            (action, json.dumps(resource))
            for policy in role["Policies"]
            for statement in map(when_it_is_there, policy["PolicyDocument"]["Statement"])
            for action in as_list(statement["Action"])
            for resource in as_list(statement["Resource"])
        }
        expected = _calls(name, functions(template)[name])
        found += [f"{role_name} grants {extra}" for extra in sorted(granted - expected)]
        found += [f"{role_name} lacks {missing}" for missing in sorted(expected - granted)]
    return found


def _objects(folder: str) -> dict[str, str]:
    return {"Fn::Sub": f"${{IntakeBucket.Arn}}/{folder}/*"}


LOADING: Final[Mapping[str, list[tuple[str, Any]]]] = {
    "FileSplitFunction": [
        *(
            (f"dynamodb:{action}", get_att("LoadsTable"))
            for action in ("GetItem", "PutItem", "UpdateItem")
        ),
        ("sqs:SendMessage", get_att("RangesQueue")),
        ("sqs:ChangeMessageVisibility", get_att("FilesQueue")),
        ("s3:ListBucket", get_att("IntakeBucket")),
        ("s3:GetObject", _objects("incoming")),
        ("s3:GetObjectVersion", _objects("incoming")),
        ("s3:PutObject", _objects("parts")),
    ],
    "RangeSyncFunction": [
        *(
            (f"dynamodb:{action}", get_att("LoadsTable"))
            for action in ("GetItem", "PutItem", "Query", "UpdateItem")
        ),
        ("sqs:SendMessage", get_att("RangesQueue")),
        ("s3:ListBucket", get_att("IntakeBucket")),
        ("s3:GetObject", _objects("incoming")),
        ("s3:GetObjectVersion", _objects("incoming")),
        ("s3:GetObject", _objects("parts")),
        ("s3:GetObject", _objects("reports")),
        ("s3:PutObject", _objects("reports")),
    ],
}
"""What the functions of a load call besides what every function does."""


def _index(table: str, index: str) -> dict[str, str]:
    return {"Fn::Sub": f"${{{table}.Arn}}/index/{index}"}


NOTING: Final = (
    ("dynamodb:PutItem", get_att("AccessLogTable")),
    ("dynamodb:UpdateItem", get_att("AccessHeadsTable")),
    ("dynamodb:UpdateItem", get_att("AllowancesTable")),
)
OF_THE_FUNCTIONS_OF_THE_API: Final[Mapping[str, list[tuple[str, Any]]]] = {
    "QueryFunction": [
        *(
            ("dynamodb:BatchGetItem", get_att(table))
            for table in (
                *("PeopleTable", "InsuranceCardsTable", "DossiersTable"),
                *("LedgerTable", "QuarantineTable", *TABLES_OF_THE_API),
            )
        ),
        *(
            ("dynamodb:Query", _index(table, index))
            for table, index in (
                ("PeopleTable", "by-name"),
                ("PeopleTable", "by-old-number"),
                ("InsuranceCardsTable", "by-person"),
                ("DossiersTable", "by-applicant"),
                ("DossiersTable", "by-handler"),
                ("LedgerTable", "by-record"),
                ("QuarantineTable", "by-event"),
                ("AccessLogTable", "by-officer"),
                ("AccessLogTable", "by-agency"),
                ("AccessLogTable", "by-purpose"),
            )
        ),
        ("dynamodb:Query", get_att("AccessLogTable")),
        ("dynamodb:Scan", get_att("AgenciesTable")),
        *NOTING,
    ],
    "IntakeFunction": [
        *(
            ("dynamodb:BatchGetItem", get_att(table))
            for table in (
                *("AgenciesTable", "LedgerTable", "QuarantineTable"),
                *TABLES_OF_THE_API,
            )
        ),
        *(
            ("dynamodb:Query", _index("QuarantineTable", index))
            for index in ("by-queue", "by-reason", "by-event")
        ),
        ("dynamodb:UpdateItem", get_att("QuarantineTable")),
        ("s3:GetObject", {"Fn::Sub": "${QuarantineBucket.Arn}/*"}),
        ("dynamodb:Scan", get_att("AgenciesTable")),
        *(("sqs:SendMessage", get_att(f"{queue}Queue")) for queue in EVENT_QUEUES),
        *NOTING,
    ],
    "TokenClaimsFunction": [],
}
"""What the functions of the API call besides what every function does."""


def _calls(name: str, function: Mapping[str, Any]) -> set[tuple[str, str]]:
    """What the function of this name calls, and on what."""
    tables = {"LedgerTable", "QuarantineTable"}
    written: set[str] = set()
    if name in OWN_TABLE:
        tables |= {OWN_TABLE[name], "AgenciesTable"}
        written = {OWN_TABLE[name], "LedgerTable"}
    if name == "RangeSyncFunction":
        tables |= set(OWN_TABLE.values())
        written = {*OWN_TABLE.values(), "LedgerTable"}
    keeps = name != "FileSplitFunction" and name not in OF_THE_FUNCTIONS_OF_THE_API
    group = function["FunctionName"]["Fn::Sub"]
    logs = (
        "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}"
        f":log-group:/aws/lambda/{group}:log-stream:*"
    )
    calls: list[tuple[str, Any]] = [
        *(("dynamodb:BatchGetItem", get_att(table)) for table in tables if keeps),
        *(("dynamodb:PutItem", get_att(table)) for table in written),
        *((("dynamodb:UpdateItem", get_att("QuarantineTable")),) if keeps else ()),
        *((("s3:PutObject", {"Fn::Sub": "${QuarantineBucket.Arn}/*"}),) if keeps else ()),
        *LOADING.get(name, ()),
        *OF_THE_FUNCTIONS_OF_THE_API.get(name, ()),
        ("kms:Decrypt", get_att("StackKey")),
        ("kms:GenerateDataKey", get_att("StackKey")),
        ("logs:CreateLogStream", {"Fn::Sub": logs}),
        ("logs:PutLogEvents", {"Fn::Sub": logs}),
        *((action, "*") for action in EVERYWHERE),
        *(
            (f"sqs:{action}", source["Queue"])
            for action in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
            for source in sources(function).values()
        ),
    ]
    return {(action, json.dumps(resource)) for action, resource in calls}


def the_key_is_used_only_through_the_services_of_the_stack(template: Template) -> Findings:
    found = []
    key = of_type(template, "AWS::KMS::Key")["StackKey"]
    if key.get("EnableKeyRotation") is not True:
        found.append("the key does not rotate")
    logs = [s for s in key["KeyPolicy"]["Statement"] if s.get("Sid") == "LogsOfThisStack"]
    context = "kms:EncryptionContext:aws:logs:arn"
    if not logs or context not in logs[0].get("Condition", {}).get("ArnLike", {}):
        found.append("CloudWatch Logs may use the key for any log")
    for name, statement in statements(template):
        if name != "StackKey" and any("kms:" in action for action in as_list(statement["Action"])):
            services = statement.get("Condition", {}).get("StringEquals", {}).get("kms:ViaService")
            if not services:
                found.append(f"{name} may use the key directly")
    return found


def tracing_is_off_unless_asked_for_and_needs_no_tracer(template: Template) -> Findings:
    found = []
    parameter = template["Parameters"].get("Tracing", {})
    if parameter.get("Default") != "false":
        found.append("every invocation is traced unless somebody says otherwise")
    if template["Globals"]["Function"].get("Tracing") != {
        "Fn::If": ["Traces", "Active", "PassThrough"]
    }:
        found.append("the parameter does not decide about tracing")
    for name, role in of_type(template, "AWS::IAM::Role").items():
        for statement in role["Policies"][0]["PolicyDocument"]["Statement"]:
            actions = as_list(when_it_is_there(statement)["Action"])
            if EVERYWHERE.keys() & set(actions) and "Fn::If" not in statement:
                found.append(f"{name} may send traces even where nothing is traced")
    return found


MetricName = tuple[str, frozenset[str]]
"""A metric of ours: its name and the names of its dimensions."""
BY_KIND: Final = frozenset({"kind", "service"})
EMITTED: Final[frozenset[MetricName]] = frozenset(
    {
        *(
            (str(measure), BY_KIND)
            for measure in Measure
            if measure not in (*OF_A_LOAD, *OF_THE_API)
        ),
        *((str(measure), frozenset({"service"})) for measure in (*OF_A_LOAD, *OF_THE_API)),
        (str(Measure.REQUESTS), frozenset({"service", "route"})),
        (str(Measure.QUARANTINED), BY_KIND | {"reason"}),
    }
)
"""What the functions emit; `test_logs` holds that to the code."""
SEARCH: Final = re.compile(
    r"SEARCH\('\{LienThong,([a-z,]+)\} MetricName=\"([A-Za-z]+)\"', '(Sum|Average|p50|p99)', 300\)"
)


def the_dashboard_shows_what_the_functions_emit(template: Template) -> Findings:
    found = []
    shown: set[MetricName] = set()
    others: set[tuple[str, str, str]] = set()
    for widget in _widgets(template):
        if widget["type"] == "alarm":
            alarms = {arn.removeprefix("${").removesuffix(".Arn}") for arn in _rows(widget)}
            found += sorted(alarms ^ set(of_type(template, "AWS::CloudWatch::Alarm")))
            continue
        for row in _rows(widget):
            if not isinstance(row[0], dict):
                others.add((row[0], row[1], row[3]))
                continue
            search = SEARCH.fullmatch(row[0]["expression"])
            if search is None:
                found.append(f"nobody knows what this finds: {row[0]['expression']}")
            else:
                shown.add((search[2], frozenset(search[1].split(","))))
    found += [f"shown, never emitted: {name} by {sorted(by)}" for name, by in shown - EMITTED]
    found += [f"emitted, not shown: {name} by {sorted(by)}" for name, by in EMITTED - shown]
    wanted = {
        *(
            ("AWS/SQS", "ApproximateNumberOfMessagesVisible", f"${{{name}.QueueName}}")
            for name in queues(template)
        ),
        *(
            ("AWS/SQS", "ApproximateAgeOfOldestMessage", f"${{{queue}Queue.QueueName}}")
            for queue in QUEUES
        ),
        *(("AWS/Lambda", "Errors", f"${{{name}}}") for name in functions(template)),
        *(("AWS/ApiGateway", metric, "${Api}") for metric in ("4xx", "5xx", "Latency")),
    }
    return found + [str(odd) for odd in wanted ^ others]


def _widgets(template: Template) -> list[dict[str, Any]]:
    body = properties(template, "Dashboard")["DashboardBody"]["Fn::Sub"]
    widgets: list[dict[str, Any]] = json.loads(body)["widgets"]
    return widgets


def _rows(widget: Mapping[str, Any]) -> list[Any]:
    shown = widget["properties"]
    rows: list[Any] = shown["alarms"] if widget["type"] == "alarm" else shown["metrics"]
    return rows


def alarms_watch_metrics_that_are_emitted(template: Template) -> Findings:
    found = []
    for name, alarm in of_type(template, "AWS::CloudWatch::Alarm").items():
        queue = next((queue for queue in EVENT_QUEUES if name.startswith(queue)), None)
        if name in ALARMS_OF_THE_API:
            found += [] if _watched(alarm) == ALARMS_OF_THE_API[name] else [f"{name} is astray"]
            continue
        if alarm["Namespace"] == "AWS/SQS":
            continue
        dimensions = {d["Name"]: d["Value"] for d in alarm["Dimensions"]}
        if alarm["Namespace"] != NAMESPACE or (
            (alarm["MetricName"], frozenset(dimensions)) not in EMITTED
        ):
            found.append(f"{name} watches {alarm['MetricName']} by {sorted(dimensions)}")
        elif name in ALARMS_OF_LOADS:
            if (alarm["MetricName"], dimensions) != ALARMS_OF_LOADS[name]:
                found.append(f"{name} watches {alarm['MetricName']} of {dimensions}")
        elif queue is None or dimensions != _emitter(queue.lower(), alarm["MetricName"]):
            found.append(f"{name} watches {dimensions}")
    return found


ALARMS_OF_LOADS: Final = {
    "FilesFailedAlarm": (str(Measure.LOADS_FAILED), {"service": "file_split"}),
    "FilesRefusedAlarm": (str(Measure.LOADS_REFUSED), {"service": "range_sync"}),
    "RangesStuckAlarm": (str(Measure.RANGES_STUCK), {"service": "range_sync"}),
}


ALARMS_OF_THE_API: Final[Mapping[str, tuple[str, str, str]]] = {
    **{
        f"{prefix}{measure}Alarm": (NAMESPACE, str(measure), service)
        for prefix, service in (("", "query"), ("Intake", "intake"))
        for measure in (
            Measure.ACCESS_REFUSED,
            Measure.ALLOWANCE_SPENT,
            Measure.ACCESS_LOG_UNWRITABLE,
        )
    },
    "EnumerationSuspectedAlarm": (NAMESPACE, str(Measure.ENUMERATION_SUSPECTED), "query"),
    "ApiFailedAlarm": ("AWS/ApiGateway", "5xx", "Api"),
    **{
        f"{name.removesuffix('Function')}ErrorsAlarm": ("AWS/Lambda", "Errors", name)
        for name in (*API_FUNCTIONS, "TokenClaimsFunction")
    },
}


def _watched(alarm: Mapping[str, Any]) -> tuple[str, str, str]:
    """Namespace, metric and the one dimension's value that an alarm looks at."""
    (dimension,) = alarm["Dimensions"]
    value = dimension["Value"]
    name = value["Ref"] if isinstance(value, dict) else value
    return (alarm["Namespace"], alarm["MetricName"], name)


def what_goes_wrong_with_the_api_rings_an_alarm(template: Template) -> Findings:
    alarms = of_type(template, "AWS::CloudWatch::Alarm")
    return [name for name in ALARMS_OF_THE_API if not alarms.get(name, {}).get("AlarmActions")]


def _emitter(queue: str, metric: str) -> dict[str, str]:
    service = "dead_letter" if metric == OF_DEAD_LETTERS[0] else f"{queue}_sync"
    return {"service": service, "kind": KIND_OF_QUEUE[queue].name}


def every_queue_s_refusals_and_dead_letters_ring_an_alarm(template: Template) -> Findings:
    watched = {
        (alarm["MetricName"], dimension["Value"])
        for alarm in of_type(template, "AWS::CloudWatch::Alarm").values()
        if alarm.get("AlarmActions")
        for dimension in alarm["Dimensions"]
        if dimension["Name"] == "kind"
    }
    wanted = {
        (str(measure), kind.name)
        for measure in (Measure.REFUSED_PERCENT, Measure.DEAD_LETTERS)
        for kind in KIND_OF_QUEUE.values()
    }
    lost = set(ALARMS_OF_LOADS) - set(of_type(template, "AWS::CloudWatch::Alarm"))
    return [f"{measure} of {kind}" for measure, kind in wanted - watched] + sorted(lost)


OTHER_OUTPUTS: Final = {
    "ApiUrl": get_att("Api", "ApiEndpoint"),
    "UserPoolId": {"Ref": "UserPool"},
    "UserPoolClientId": {"Ref": "UserPoolClient"},
    "SystemTokenUrl": {
        "Fn::Sub": "https://${UserPoolDomain}.auth.${AWS::Region}.amazoncognito.com/oauth2/token"
    },
}
"""Outputs that are not the reference of the resource that they are named after."""


def outputs_are_exactly_those_of_the_contract(template: Template) -> Findings:
    found = sorted(OUTPUTS ^ set(template["Outputs"]))
    for name, output in template["Outputs"].items():
        if output["Value"] != OTHER_OUTPUTS.get(name, {"Ref": name.removesuffix("Url")}):
            found.append(f"{name} is {output['Value']}")
    return found


def every_function_is_named_placed_and_built_alike(template: Template) -> Findings:
    found = []
    build = (ROOT / "infra" / "build" / "Makefile").read_text(encoding="utf-8")
    if template["Globals"]["Function"]["CodeUri"] != ".":
        found.append("the code is somewhere else")
    for name, function in functions(template).items():
        folder = snake(name.removesuffix("Function"))
        if function["Handler"] != f"functions.{folder}.handler.lambda_handler":
            found.append(f"{name} has the handler {function['Handler']}")
        if not (ROOT / "functions" / folder / "handler.py").is_file():
            found.append(f"functions/{folder}/handler.py is missing")
        if function["FunctionName"] != {
            "Fn::Sub": f"${{AWS::StackName}}-{folder.replace('_', '-')}"
        }:
            found.append(f"{name} is called {function['FunctionName']}")
        if f"build-{name}: FOLDER := {folder}\n" not in build:
            found.append(f"infra/build/Makefile does not build {name}")
        if template["Resources"][name].get("Metadata") != {
            "BuildMethod": "makefile",
            "ContextPath": "infra/build",
        }:
            found.append(f"{name} is not built by infra/build/Makefile")
    return found


def functions_are_told_exactly_what_their_settings_read(template: Template) -> Findings:
    shared = template["Globals"]["Function"]["Environment"]["Variables"]
    found = []
    for name, function in functions(template).items():
        if template["Resources"][name].get("IgnoreGlobals") == ["Environment"]:
            if "Environment" in function or name != "TokenClaimsFunction":
                found.append(f"{name} is told what the others are not")
            continue
        told = {**shared, **function["Environment"]["Variables"]}
        log = {variable for variable in told if variable.startswith("POWERTOOLS_")}
        if log != {
            "POWERTOOLS_SERVICE_NAME",
            "POWERTOOLS_METRICS_NAMESPACE",
            "POWERTOOLS_LOG_LEVEL",
        }:
            found.append(f"{name} tunes its log with {sorted(log)}")
        environment = _Recording({key: _value(value) for key, value in told.items()})
        SETTINGS.get(name, sync_settings)(environment)
        found += [f"{name}: {odd}" for odd in sorted(environment.read ^ (set(told) - log))]
        if told["POWERTOOLS_SERVICE_NAME"] != snake(name.removesuffix("Function")):
            found.append(f"{name} logs under the name {told['POWERTOOLS_SERVICE_NAME']}")
        if name in OWN_TABLE and (
            told["RECORDS_TABLE"] != {"Ref": OWN_TABLE[name]}
            or told["QUEUE"] != name.removesuffix("SyncFunction").lower()
        ):
            found.append(f"{name} writes {told['RECORDS_TABLE']} from {told['QUEUE']}")
    told = functions(template)["RangeSyncFunction"]["Environment"]["Variables"]
    written = {kind: told[variable] for kind, variable in TABLES_OF_KINDS.items()}
    if written != {
        kind.name: {"Ref": OWN_TABLE[f"{queue.capitalize()}SyncFunction"]}
        for queue, kind in KIND_OF_QUEUE.items()
    }:
        found.append(f"RangeSyncFunction writes {written}")
    return found


SETTINGS: Final[Mapping[str, Callable[[Mapping[str, str]], object]]] = {
    "DeadLetterFunction": dead_letter_settings,
    "FileSplitFunction": file_split_settings,
    "RangeSyncFunction": range_sync_settings,
    "QueryFunction": api_settings,
    "IntakeFunction": intake_settings,
}


class _Recording(dict[str, str]):
    """An environment that remembers what was asked for."""

    def __init__(self, values: Mapping[str, str]) -> None:
        super().__init__(values)
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.read.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self.read.add(name)
        return super().get(name, default)


def _value(value: Any) -> str:
    """A value as the deployed function would see it."""
    if isinstance(value, str):
        return value
    if "Fn::Sub" in value:
        arn = r"arn:aws:sqs:region:000000000000:\1"
        return re.sub(r"\$\{(\w+)\.Arn\}", arn, value["Fn::Sub"])
    if "Fn::If" in value:
        return _value(value["Fn::If"][1])
    name = str(value["Ref"])
    known = {"LogHashKey": "k" * 32, "Stage": "dev", "LoadRangeBytes": "8388608", "Wire": "direct"}
    known |= {"Loops": "compiled"}
    known |= {"RecordIdKey": "0f" * 64, "DailyAllowance": "500", "MinuteAllowance": "60"}
    return known.get(name, name.upper())


def dead_letters_are_known_by_the_queue_they_come_from(template: Template) -> Findings:
    told = functions(template)["DeadLetterFunction"]["Environment"]["Variables"]
    named = json.loads(told["DEAD_LETTER_SOURCES"]["Fn::Sub"])
    wanted = {f"${{{queue}DeadLetterQueue.Arn}}": queue.lower() for queue in EVENT_QUEUES}
    return [] if named == wanted else [f"dead letters of {named}"]


def secrets_are_hidden_and_a_stack_is_not_local_by_chance(template: Template) -> Findings:
    parameters = template["Parameters"]
    found = []
    if parameters["LogHashKey"].get("NoEcho") is not True or "Default" in parameters["LogHashKey"]:
        found.append("the key of the logs' hashes can be read or guessed")
    if parameters["LogHashKey"].get("MinLength", 0) < 32:
        found.append("the key of the logs' hashes may be short")
    ids = parameters["RecordIdKey"]
    if ids.get("NoEcho") is not True or "Default" in ids:
        found.append("the key of the opaque ids can be read or guessed")
    if ids.get("AllowedPattern") != "[0-9A-Fa-f]{128}":
        found.append("the key of the opaque ids may be short")
    if parameters["Stage"]["Default"] == "local":
        found.append("any sender is believed unless somebody says otherwise")
    return found


def the_gateway_has_the_routes_of_the_code(template: Template) -> Findings:
    signed_in = {
        "AuthorizationType": "JWT",
        "AuthorizerId": {"Ref": "ApiAuthorizer"},
        "AuthorizationScopes": ["aws.cognito.signin.user.admin", "lienthong/api"],
    }
    wanted = [
        {
            "ApiId": {"Ref": "Api"},
            "RouteKey": f"{route.method} {route.path}",
            "Target": {"Fn::Sub": f"integrations/${{{route.function.capitalize()}Integration}}"},
            **({"AuthorizationType": "NONE"} if route.open else signed_in),
        }
        for route in ROUTES
    ]
    here = list(of_type(template, "AWS::ApiGatewayV2::Route").values())
    found = [f"the gateway alone: {route['RouteKey']}" for route in here if route not in wanted]
    found += [f"the code alone: {route['RouteKey']}" for route in wanted if route not in here]
    for name in API_FUNCTIONS:
        integration = properties(template, name.replace("Function", "Integration"))
        if integration != {
            "ApiId": {"Ref": "Api"},
            "IntegrationType": "AWS_PROXY",
            "IntegrationMethod": "POST",
            "IntegrationUri": get_att(name),
            "PayloadFormatVersion": "2.0",
            "TimeoutInMillis": 30000,
        }:
            found.append(f"{name} is asked in another way")
        if functions(template)[name].get("Timeout", 60) >= 30:
            found.append(f"{name} may answer after the gateway has given up")
    return found


def tokens_are_taken_of_the_stack_s_own_pool_and_clients(template: Template) -> Findings:
    (authorizer,) = of_type(template, "AWS::ApiGatewayV2::Authorizer").values()
    client = {"Ref": "UserPoolClient"}
    systems = {"Fn::Split": [",", {"Fn::Sub": "${UserPoolClient},${SystemClientIds}"}]}
    wanted = {
        "ApiId": {"Ref": "Api"},
        "Name": "user-pool",
        "AuthorizerType": "JWT",
        "IdentitySource": ["$request.header.Authorization"],
        "JwtConfiguration": {
            "Issuer": {
                "Fn::Sub": "https://cognito-idp.${AWS::Region}.${AWS::URLSuffix}/${UserPool}"
            },
            "Audience": {"Fn::If": ["HasSystemClients", systems, [client]]},
        },
    }
    return [] if authorizer == wanted else [f"the authorizer is {authorizer}"]


def services_call_functions_of_this_stack_alone(template: Template) -> Findings:
    api = "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*"
    asked_by: dict[str, tuple[str, Any]] = {
        **{name: ("apigateway.amazonaws.com", {"Fn::Sub": api}) for name in API_FUNCTIONS},
        "TokenClaimsFunction": ("cognito-idp.amazonaws.com", get_att("UserPool")),
    }
    here = {
        permission["FunctionName"]["Ref"]: (permission["Principal"], permission.get("SourceArn"))
        for permission in of_type(template, "AWS::Lambda::Permission").values()
    }
    return [name for name in {*here, *asked_by} if here.get(name) != asked_by.get(name)]


def the_gateway_is_throttled_and_says_nothing_of_what_was_asked(template: Template) -> Findings:
    (stage,) = of_type(template, "AWS::ApiGatewayV2::Stage").values()
    found = []
    limits = stage["DefaultRouteSettings"]
    if (limits.get("ThrottlingRateLimit"), limits.get("ThrottlingBurstLimit")) != (
        {"Ref": "ApiRateLimit"},
        {"Ref": "ApiBurstLimit"},
    ):
        found.append("anybody may ask as often as they like")
    if (stage["StageName"], stage.get("AutoDeploy")) != ("$default", True):
        found.append("the stage has another name, or waits to be deployed")
    log = stage["AccessLogSettings"]
    said = set(json.loads(log["Format"]).values())
    if said != {
        *("$context.requestId", "$context.requestTime", "$context.routeKey", "$context.status"),
        *("$context.responseLatency", "$context.authorizer.claims.sub"),
        "$context.error.responseType",
    }:
        found.append(f"the gateway logs {sorted(said)}")
    group = properties(template, "ApiLogGroup")
    if (
        log["DestinationArn"] != get_att("ApiLogGroup")
        or group.get("KmsKeyId") != get_att("StackKey")
        or group.get("RetentionInDays") != {"Ref": "LogRetentionDays"}
    ):
        found.append("the gateway's log is not encrypted, or kept for ever")
    return found


def people_sign_in_as_the_operator_lets_them(template: Template) -> Findings:
    pool = properties(template, "UserPool")
    found = []
    if pool.get("AdminCreateUserConfig") != {"AllowAdminCreateUserOnly": True}:
        found.append("anybody can make an account")
    strong = {"MinimumLength": 14, "RequireLowercase": True, "RequireUppercase": True}
    strong |= {"RequireNumbers": True, "RequireSymbols": True}
    if not pool["Policies"]["PasswordPolicy"].items() >= strong.items():
        found.append("passwords may be weak")
    mfa = template["Parameters"]["Mfa"]
    if pool.get("MfaConfiguration") != {"Ref": "Mfa"} or mfa["Default"] != "ON":
        found.append("a password is enough unless somebody says otherwise")
    if pool.get("DeletionProtection") != {"Fn::If": ["ProtectsTables", "ACTIVE", "INACTIVE"]}:
        found.append("the accounts can be deleted")
    if pool["LambdaConfig"] != {
        "PreTokenGenerationConfig": {
            "LambdaArn": get_att("TokenClaimsFunction"),
            "LambdaVersion": "V2_0",
        }
    }:
        found.append("tokens do not say whose they are")
    if [schema["Name"] for schema in pool["Schema"]] != ["agency"]:
        found.append("accounts have no agency")
    client = properties(template, "UserPoolClient")
    if "custom:agency" in client.get("WriteAttributes", ["custom:agency"]):
        found.append("a person can move to another agency")
    if client["ExplicitAuthFlows"] != ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]:
        found.append("there is another way to sign in")
    minutes = client["TokenValidityUnits"]["AccessToken"] == "minutes"
    if not minutes or client["AccessTokenValidity"] > 15 or not client["EnableTokenRevocation"]:
        found.append("a token that was lost opens the API for long")
    return found


def every_role_has_a_group(template: Template) -> Findings:
    groups = [
        group["GroupName"] for group in of_type(template, "AWS::Cognito::UserPoolGroup").values()
    ]
    return [] if sorted(groups) == sorted(Role) else [f"the groups are {sorted(groups)}"]


def nobody_changes_what_was_noted(template: Template) -> Findings:
    """The access log is written by putting what is not there yet, and by nothing else."""
    log = {"AccessLogTable"}
    harmless = {"dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:Query"}
    return [
        f"{name} may {action} on the access log"
        for name, statement in statements(template)
        for action in as_list(statement.get("Action", ()))
        for resource in as_list(statement.get("Resource", ()))
        if statement["Effect"] == "Allow" and action.startswith("dynamodb:")
        if _table_of(resource) in log and action not in harmless
    ]


def _table_of(resource: Any) -> str:
    if not isinstance(resource, dict):
        return "AccessLogTable" if resource == "*" else ""
    if "Fn::GetAtt" in resource:
        return str(resource["Fn::GetAtt"][0])
    named = re.match(r"\$\{(\w+)\.Arn\}", resource.get("Fn::Sub", ""))
    return named[1] if named else ""


def allowances_expire(template: Template) -> Findings:
    wanted = {"AttributeName": "expires_at", "Enabled": True}
    here = {
        name: table["TimeToLiveSpecification"]
        for name, table in of_type(template, "AWS::DynamoDB::Table").items()
        if "TimeToLiveSpecification" in table
    }
    return [] if here == {"AllowancesTable": wanted} else [f"what expires: {here}"]


def what_comes_in_over_http_is_relayed(template: Template) -> Findings:
    intake = get_att("IntakeRole", "RoleId")
    both = {"Fn::Sub": "${IntakeRole.RoleId},${RelaySenders}"}
    wanted = {"Fn::If": ["HasRelaySenders", both, intake]}
    told = {
        name: function["Environment"]["Variables"].get("RELAY_SENDERS")
        for name, function in functions(template).items()
        if name in OWN_TABLE
    }
    return [f"{name} believes {relays}" for name, relays in told.items() if relays != wanted]


Rule = Callable[[Template], Findings]
Edit = Callable[[Template], Any]


def properties(template: Template, name: str) -> dict[str, Any]:
    found: dict[str, Any] = template["Resources"][name]["Properties"]
    return found


def grant(role: str, action: Any, resource: Any) -> Edit:
    def edit(template: Template) -> None:
        document = properties(template, role)["Policies"][0]["PolicyDocument"]
        document["Statement"].append({"Effect": "Allow", "Action": action, "Resource": resource})

    return edit


def change(name: str, **values: Any) -> Edit:
    return lambda template: properties(template, name).update(values)


def change_source(**values: Any) -> Edit:
    def edit(template: Template) -> None:
        properties(template, "DossierSyncFunction")["Events"]["Queue"]["Properties"].update(values)

    return edit


def redraw(old: str, new: str) -> Edit:
    def edit(template: Template) -> None:
        drawn = properties(template, "Dashboard")["DashboardBody"]
        assert old in drawn["Fn::Sub"]
        drawn["Fn::Sub"] = drawn["Fn::Sub"].replace(old, new)

    return edit


def tell(name: str, **variables: str) -> Edit:
    return lambda template: properties(template, name)["Environment"]["Variables"].update(variables)


# Each rule with edits that break it.
RULES: Final[Mapping[Rule, tuple[Edit, ...]]] = {
    every_queue_has_a_dead_letter_queue: (
        lambda t: properties(t, "DossierQueue").pop("RedrivePolicy"),
        lambda t: properties(t, "DossierQueue")["RedrivePolicy"].update(maxReceiveCount=1),
        lambda t: properties(t, "RangesQueue")["RedrivePolicy"].update(maxReceiveCount=6),
        lambda t: properties(t, "DossierDeadLetterQueue").pop("RedriveAllowPolicy"),
    ),
    every_queue_keeps_messages_for_fourteen_days: (
        change("RegistryDeadLetterQueue", MessageRetentionPeriod=345600),
    ),
    every_queue_has_an_alarm: (
        lambda t: t["Resources"].pop("InsuranceDeadLetterAlarm"),
        lambda t: t["Resources"].pop("InsuranceAgeAlarm"),
        lambda t: properties(t, "InsuranceAgeAlarm").pop("AlarmActions"),
    ),
    visibility_is_at_least_six_times_the_timeout: (
        change("PopulationQueue", VisibilityTimeout=359),
        change("PopulationSyncFunction", Timeout=71),
        change("RangeSyncFunction", Timeout=131),
    ),
    every_source_reports_failures_per_item: (
        change_source(FunctionResponseTypes=[]),
        change_source(BatchSize=10),
        change_source(ScalingConfig={}),
        lambda t: properties(t, "RangeSyncFunction")["Events"]["Queue"]["Properties"].update(
            BatchSize=100
        ),
    ),
    every_function_takes_from_its_own_queues: (
        change_source(Queue=get_att("RegistryQueue")),
        change_source(Enabled=False),
        lambda t: properties(t, "FileSplitFunction")["Events"]["DeadLetters"]["Properties"].pop(
            "Enabled"
        ),
    ),
    files_are_notified_of_by_s3_alone: (
        lambda t: properties(t, "FilesQueuePolicy")["PolicyDocument"]["Statement"].pop(1),
        lambda t: properties(t, "FilesQueuePolicy")["PolicyDocument"]["Statement"].pop(),
        lambda t: properties(t, "QueuesPolicy")["Queues"].append({"Ref": "FilesQueue"}),
        lambda t: t["Resources"]["IntakeBucket"].pop("DependsOn"),
    ),
    what_a_load_leaves_behind_expires: (
        lambda t: properties(t, "IntakeBucket")["LifecycleConfiguration"]["Rules"].pop(1),
        lambda t: t["Parameters"]["LoadRetentionDays"].update(MinValue=7),
    ),
    every_function_logs_into_a_group_with_retention: (
        lambda t: properties(t, "DeadLetterLogGroup").pop("RetentionInDays"),
        lambda t: properties(t, "DeadLetterLogGroup").pop("KmsKeyId"),
        lambda t: properties(t, "DeadLetterFunction").pop("LoggingConfig"),
    ),
    tables_have_the_keys_and_indexes_of_the_contract: (
        lambda t: t["Resources"].pop("LedgerTable"),
        lambda t: properties(t, "PeopleTable")["GlobalSecondaryIndexes"].pop(),
        lambda t: properties(t, "PeopleTable")["GlobalSecondaryIndexes"][0].update(
            Projection={"ProjectionType": "ALL"}
        ),
        lambda t: properties(t, "LedgerTable")["AttributeDefinitions"][2].update(AttributeType="S"),
        lambda t: properties(t, "LoadsTable")["KeySchema"].pop(),
    ),
    tables_are_on_demand_encrypted_recoverable_and_streamed: (
        lambda t: properties(t, "DossiersTable").pop("SSESpecification"),
        lambda t: properties(t, "DossiersTable").pop("PointInTimeRecoverySpecification"),
        lambda t: properties(t, "DossiersTable").pop("StreamSpecification"),
        change("DossiersTable", DeletionProtectionEnabled=False),
        lambda t: properties(t, "LedgerTable").pop("TableClass"),
    ),
    what_holds_data_outlives_the_stack: (
        lambda t: t["Resources"]["StackKey"].pop("DeletionPolicy"),
    ),
    queues_are_encrypted_with_the_stack_key: (
        lambda t: properties(t, "DossierQueue").pop("KmsMasterKeyId"),
    ),
    buckets_are_encrypted_versioned_and_private: (
        lambda t: properties(t, "QuarantineBucket").pop("BucketEncryption"),
        lambda t: properties(t, "QuarantineBucket").pop("PublicAccessBlockConfiguration"),
    ),
    plain_http_is_refused: (
        lambda t: properties(t, "QueuesPolicy")["Queues"].pop(),
        lambda t: t["Resources"].pop("QuarantineBucketPolicy"),
        lambda t: properties(t, "QueuesPolicy")["PolicyDocument"]["Statement"][0].update(
            Effect="Allow"
        ),
    ),
    every_policy_is_narrow: (
        grant("DossierSyncRole", "dynamodb:*", get_att("DossiersTable")),
        grant("DossierSyncRole", "dynamodb:PutItem", "*"),
        grant("DossierSyncRole", ["xray:PutTraceSegments", "dynamodb:PutItem"], "*"),
        grant("DossierSyncRole", "dynamodb:PutItem", {"Fn::Sub": "arn:aws:dynamodb:*:*:table/*"}),
        change(
            "DossierSyncRole", ManagedPolicyArns=["arn:aws:iam::aws:policy/AdministratorAccess"]
        ),
    ),
    every_role_is_one_function_s_and_grants_what_it_calls: (
        grant("DossierSyncRole", "dynamodb:DeleteItem", get_att("DossiersTable")),
        grant("DeadLetterRole", "dynamodb:PutItem", get_att("LedgerTable")),
        grant("FileSplitRole", "dynamodb:PutItem", get_att("LedgerTable")),
        grant("RangeSyncRole", "s3:PutObject", {"Fn::Sub": "${IntakeBucket.Arn}/incoming/*"}),
        lambda t: properties(t, "DossierSyncRole")["Policies"][0]["PolicyDocument"][
            "Statement"
        ].pop(),
        change("DossierSyncFunction", Role=get_att("DeadLetterRole")),
    ),
    the_key_is_used_only_through_the_services_of_the_stack: (
        change("StackKey", EnableKeyRotation=False),
        lambda t: properties(t, "StackKey")["KeyPolicy"]["Statement"][1].pop("Condition"),
        grant("DeadLetterRole", "kms:Decrypt", get_att("StackKey")),
    ),
    tracing_is_off_unless_asked_for_and_needs_no_tracer: (
        lambda t: t["Parameters"]["Tracing"].update(Default="true"),
        lambda t: t["Globals"]["Function"].update(Tracing="Active"),
        grant("DeadLetterRole", ["xray:PutTraceSegments"], "*"),
    ),
    the_dashboard_shows_what_the_functions_emit: (
        lambda t: t["Resources"].pop("DossierGaveUpAlarm"),
        redraw("Applied", "Accepted"),
        redraw("kind,reason,service", "kind,service"),
        redraw("Failed", "Applied"),
        redraw("DossierQueue.QueueName", "RegistryQueue.QueueName"),
    ),
    alarms_watch_metrics_that_are_emitted: (
        change("DossierGaveUpAlarm", MetricName="GivenUp"),
        change("DossierGaveUpAlarm", Dimensions=[{"Name": "kind", "Value": "dossier"}]),
        lambda t: properties(t, "DossierGaveUpAlarm")["Dimensions"][1].update(Value="person"),
        lambda t: properties(t, "FilesFailedAlarm")["Dimensions"][0].update(Value="range_sync"),
    ),
    every_queue_s_refusals_and_dead_letters_ring_an_alarm: (
        lambda t: t["Resources"].pop("InsuranceGaveUpAlarm"),
        lambda t: t["Resources"].pop("RangesStuckAlarm"),
        lambda t: properties(t, "InsuranceQuarantineAlarm").pop("AlarmActions"),
    ),
    outputs_are_exactly_those_of_the_contract: (
        lambda t: t["Outputs"].pop("LedgerTable"),
        lambda t: t["Outputs"].update(Extra={"Value": {"Ref": "Extra"}}),
        lambda t: t["Outputs"]["LedgerTable"].update(Value={"Ref": "PeopleTable"}),
    ),
    every_function_is_named_placed_and_built_alike: (
        change("DeadLetterFunction", Handler="functions.dead_letter.app.handler"),
        lambda t: t["Resources"]["DeadLetterFunction"].pop("Metadata"),
    ),
    functions_are_told_exactly_what_their_settings_read: (
        tell("DossierSyncFunction", DEBUG="1"),
        tell("DossierSyncFunction", POWERTOOLS_LOGGER_LOG_EVENT="true"),
        tell("DossierSyncFunction", QUEUE="registry"),
        lambda t: properties(t, "DossierSyncFunction")["Environment"]["Variables"].pop(
            "RELAY_SENDERS"
        ),
        tell("RangeSyncFunction", PEOPLE_TABLE="other"),
    ),
    dead_letters_are_known_by_the_queue_they_come_from: (
        lambda t: properties(t, "DeadLetterFunction")["Environment"]["Variables"].update(
            DEAD_LETTER_SOURCES={"Fn::Sub": "{}"}
        ),
    ),
    secrets_are_hidden_and_a_stack_is_not_local_by_chance: (
        lambda t: t["Parameters"]["LogHashKey"].pop("NoEcho"),
        lambda t: t["Parameters"]["LogHashKey"].update(MinLength=8),
        lambda t: t["Parameters"]["Stage"].update(Default="local"),
        lambda t: t["Parameters"]["RecordIdKey"].update(Default="0" * 128),
        lambda t: t["Parameters"]["RecordIdKey"].update(AllowedPattern=".*"),
    ),
    what_goes_wrong_with_the_api_rings_an_alarm: (
        lambda t: t["Resources"].pop("EnumerationSuspectedAlarm"),
        lambda t: properties(t, "TokenClaimsErrorsAlarm").pop("AlarmActions"),
    ),
    the_gateway_has_the_routes_of_the_code: (
        lambda t: t["Resources"].pop("GetMeRoute"),
        change("GetMeRoute", AuthorizationType="NONE"),
        change("GetMeRoute", RouteKey="GET /v1/you"),
        change("GetMeRoute", Target={"Fn::Sub": "integrations/${IntakeIntegration}"}),
        change("GetMeRoute", AuthorizationScopes=["openid"]),
        change("QueryIntegration", IntegrationUri=get_att("IntakeFunction")),
        change("QueryFunction", Timeout=60),
    ),
    tokens_are_taken_of_the_stack_s_own_pool_and_clients: (
        lambda t: properties(t, "ApiAuthorizer")["JwtConfiguration"].pop("Audience"),
        lambda t: properties(t, "ApiAuthorizer")["JwtConfiguration"].update(Issuer="https://x"),
    ),
    services_call_functions_of_this_stack_alone: (
        lambda t: properties(t, "QueryPermission").pop("SourceArn"),
        change("TokenClaimsPermission", Principal="*"),
    ),
    the_gateway_is_throttled_and_says_nothing_of_what_was_asked: (
        lambda t: properties(t, "ApiStage")["DefaultRouteSettings"].pop("ThrottlingRateLimit"),
        change("ApiStage", StageName="v1"),
        lambda t: properties(t, "ApiStage")["AccessLogSettings"].update(
            Format='{"path": "$context.path"}'
        ),
        lambda t: properties(t, "ApiLogGroup").pop("KmsKeyId"),
    ),
    people_sign_in_as_the_operator_lets_them: (
        change("UserPool", AdminCreateUserConfig={"AllowAdminCreateUserOnly": False}),
        lambda t: properties(t, "UserPool")["Policies"]["PasswordPolicy"].update(MinimumLength=8),
        change("UserPool", MfaConfiguration="OFF"),
        lambda t: t["Parameters"]["Mfa"].update(Default="OFF"),
        change("UserPool", DeletionProtection="INACTIVE"),
        lambda t: properties(t, "UserPool")["LambdaConfig"].clear(),
        lambda t: properties(t, "UserPool")["Schema"].append({"Name": "role"}),
        change("UserPoolClient", WriteAttributes=["custom:agency"]),
        lambda t: properties(t, "UserPoolClient")["ExplicitAuthFlows"].append("ALLOW_CUSTOM_AUTH"),
        change("UserPoolClient", AccessTokenValidity=60),
    ),
    every_role_has_a_group: (
        lambda t: t["Resources"].pop("InspectorGroup"),
        change("InspectorGroup", GroupName="inspectors"),
    ),
    nobody_changes_what_was_noted: (
        grant("QueryRole", "dynamodb:UpdateItem", get_att("AccessLogTable")),
        grant("IntakeRole", "dynamodb:DeleteItem", get_att("AccessLogTable")),
        grant("QueryRole", "dynamodb:PartiQLUpdate", get_att("AccessLogTable")),
        grant("QueryRole", "dynamodb:BatchWriteItem", "*"),
    ),
    allowances_expire: (
        lambda t: properties(t, "AllowancesTable").pop("TimeToLiveSpecification"),
        change("AccessLogTable", TimeToLiveSpecification={"AttributeName": "x", "Enabled": True}),
    ),
    what_comes_in_over_http_is_relayed: (tell("RegistrySyncFunction", RELAY_SENDERS="ANYBODY"),),
}
BREAKS: Final = [
    pytest.param(rule, edit, id=f"{rule.__name__}-{number}")
    for rule, edits in RULES.items()
    for number, edit in enumerate(edits)
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_template_keeps_the_rule(rule: Rule) -> None:
    assert rule(TEMPLATE) == []


@pytest.mark.parametrize(("rule", "edit"), BREAKS)
def test_a_template_that_breaks_the_rule_is_found(rule: Rule, edit: Edit) -> None:
    broken = copy.deepcopy(TEMPLATE)
    edit(broken)

    assert rule(broken) != []
