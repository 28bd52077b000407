"""The whole path on the emulator: events of many messages, handed to the functions directly.

The emulator's event sources hand over ten messages at most, so the functions are invoked with
whole batches. Here time passes on the wall and the emulator's own work is in it, which is most of
it: what counts is how both sides stand to each other.
"""

from __future__ import annotations

import io
import json
import statistics
import time
import zipfile
from collections.abc import Mapping
from itertools import count, islice
from typing import Any, Final

from botocore.config import Config

from infra.local.site import ROOT
from tests.bench import workload
from tests.bench.emulated import deployed
from tests.bench.goals import Result, Table
from tests.bench.sides import ENVIRONMENT, Say, quartiles
from tests.e2e.conftest import Deployed

SIZES: Final[Mapping[int, int]] = {100: 9, 1_000: 3}
"""Messages of an event -> rounds."""
BASELINE: Final = "idiomatic-handler"
_KEYS: Final = {
    "PEOPLE_TABLE": "personal_id",
    "AUDIT_TABLE": "event_uid",
    "IDEMPOTENCY_TABLE": "id",
}


def result(rounds: int, say: Say) -> Result:
    """Messages a second of both functions, warm, interleaved."""
    with deployed(say, enforce_iam=False) as stack:
        functions = {
            "lienthong": stack.function_names["PopulationSyncFunction"],
            "baseline": _deploy_baseline(stack),
        }
        client = stack.client("lambda")
        client.meta.config.merge(Config(read_timeout=300))
        source, new = workload.events(), count()
        rates: dict[tuple[str, int], list[float]] = {}
        for size, most in SIZES.items():
            say(f"Invoking both functions with {size:,} messages.")
            for number in range(-1, min(most, rounds)):
                for side, name in functions.items():
                    event = json.dumps(source.batch(islice(new, size)))
                    began = time.perf_counter()
                    _invoke(client, name, event)
                    spent = time.perf_counter() - began
                    if number >= 0:
                        rates.setdefault((side, size), []).append(size / spent)
    return Result(
        tables=[_table(rates)],
        details={
            f"{side}, {size}": {"messages_per_second": [round(rate) for rate in found]}
            for (side, size), found in rates.items()
        },
    )


def _invoke(client: Any, function: str, event: str) -> None:
    answer = client.invoke(FunctionName=function, Payload=event.encode())
    payload = json.loads(answer["Payload"].read())
    if answer.get("FunctionError") or payload["batchItemFailures"]:
        raise SystemExit(f"{function} did not take its messages: {str(payload)[:300]}")


def _table(rates: Mapping[tuple[str, int], list[float]]) -> Table:
    rows = []
    for (side, size), found in rates.items():
        low, high = quartiles(found)
        quotient = statistics.median(found) / statistics.median(rates["baseline", size])
        rows.append(
            (
                side,
                f"{size:,}",
                f"{statistics.median(found):,.0f}",
                f"{low:,.0f} to {high:,.0f}",
                f"{quotient:.1f}x",
            )
        )
    return Table(
        "The whole path on the emulator, by direct invocation: messages a second",
        ("side", "messages an event", "a second", "quartiles", "of the baseline"),
        rows,
        "One worker each, distinct new people; the emulator's own time is in it.",
    )


def _deploy_baseline(stack: Deployed) -> str:
    """The idiomatic handler as a function of the emulator, over tables of its own."""
    tables = {variable: ENVIRONMENT[variable] for variable in _KEYS}
    dynamodb = stack.client("dynamodb")
    for variable, key in _KEYS.items():
        dynamodb.create_table(
            TableName=tables[variable],
            KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
    ours = stack.client("lambda").get_function_configuration(
        FunctionName=stack.function_names["PopulationSyncFunction"]
    )
    stack.client("lambda").create_function(
        FunctionName=BASELINE,
        Runtime=ours["Runtime"],
        Role=ours["Role"],
        Handler="tests.bench.typical.lambda_handler",
        Code={"ZipFile": _baseline_package()},
        Timeout=120,
        MemorySize=ours["MemorySize"],
        Environment={
            "Variables": {
                **tables,
                "POWERTOOLS_SERVICE_NAME": "idiomatic",
                "POWERTOOLS_METRICS_NAMESPACE": "Idiomatic",
                "POWERTOOLS_LOG_LEVEL": "INFO",
            }
        },
    )
    return BASELINE


def _baseline_package() -> bytes:
    files = [
        *(ROOT / "schemas").rglob("*.py"),
        ROOT / "tests" / "bench" / "baseline.py",
        ROOT / "tests" / "bench" / "typical.py",
    ]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            archive.write(file, file.relative_to(ROOT).as_posix())
    return buffer.getvalue()
