"""`python -m infra.build.artifacts FOLDER PYTHON LOOPS`: every built function runs by itself.

Each artifact of `sam build` is imported by an interpreter that has nothing else (`-I -S`: no
environment, no packages of its own), answers its sample event (`events/<function>`) against a
server with constant answers, and is not larger than it may be. With `compiled` for LOOPS it has
to do so with the loops in C, which the artifact holds; with `plain` with those in Python.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from infra.build.stub import AGENCIES_TABLE, BUCKET, Stub, serving

ROOT: Final = Path(__file__).parents[2]
BEHIND_THE_API: Final = frozenset({"query", "intake"})
"""They have Cedar, a cipher and pydantic, which check what comes from outside."""
MOST_BYTES: Final = 30_000_000
"""Of an artifact, unpacked. Lambda takes 250 MB, but what is loaded is what starts slowly."""
MOST_BYTES_BEHIND_THE_API: Final = 75_000_000
UNWANTED: Final = ("boto3", "pydantic", "aws_xray_sdk", "schemas.person")
"""Modules that cost a start more than they give; pydantic's core alone is what runs."""
UNWANTED_BEHIND_THE_API: Final = ("boto3", "aws_xray_sdk", "schemas.person")
SAMPLES: Final = {"query": "http", "intake": "http", "token_claims": "officer"}
"""Function -> its sample event, for those that take no messages of a queue (`sqs`)."""
SYSTEM_OF_THE_SAMPLE: Final = "2exampleclient0of0a0system"
"""The client that sends an event in `events/intake`; H26.201 names it among its senders."""
_FOLDER: Final = re.compile(r"^build-(\w+): FOLDER := (\w+)$", re.MULTILINE)
_SECONDS: Final = 60
_QUEUES: Final = ("population", "insurance", "dossier", "registry")

# What runs inside: it may import nothing but the artifact and the standard library.
PROBE: Final = """
import importlib, json, resource, sys, time
artifact, handler = sys.argv[1:]
sys.path.insert(0, artifact)
sys.dont_write_bytecode = True
event = json.load(sys.stdin)
class Context:
    function_name = handler
    memory_limit_in_mb = 1024
    invoked_function_arn = "arn:aws:lambda:x:0:function:" + handler
    aws_request_id = "check"
    def get_remaining_time_in_millis(self):
        return 30000
began = time.process_time()
module = importlib.import_module("functions." + handler + ".handler")
answer = module.lambda_handler(event, Context())
took = time.process_time() - began
native = sys.modules.get("functions.shared.native")
foreign = sorted(
    name for name, m in sys.modules.items()
    if (path := getattr(m, "__file__", None)) and not path.startswith(artifact)
    and "site-packages" in path
)
print("PROBE " + json.dumps({
    "loops": native and ("plain" if native.loops is None else "compiled"),
    "answer": answer, "foreign": foreign, "modules": sorted(sys.modules),
    "cpu": took, "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
}))
"""


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of one artifact; `cpu` in seconds, sizes in bytes."""

    function: str
    size: int
    cpu: float
    memory: int
    faults: tuple[str, ...]


def functions_built(makefile: str) -> dict[str, str]:
    """Logical id -> folder of every function that the build's Makefile knows."""
    return dict(_FOLDER.findall(makefile))


def size_of(folder: Path) -> int:
    """Bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def tried(artifact: Path, folder: str, python: str, stub: Stub, loops: str = "compiled") -> Tried:
    """Imports and calls the function of an artifact in an interpreter of its own.

    `loops` says which loops have to do the work, if the function has any.
    """
    size = size_of(artifact)
    most = MOST_BYTES_BEHIND_THE_API if folder in BEHIND_THE_API else MOST_BYTES
    faults = [f"it has {size:,} bytes and may have {most:,}"] if size > most else []
    stub.asked.clear()
    with tempfile.TemporaryDirectory() as elsewhere:
        ran = subprocess.run(
            [python, "-I", "-S", "-c", PROBE, str(artifact.resolve()), folder],
            input=sample_of(folder).read_bytes(),
            env=_environment(folder, stub.endpoint),
            cwd=elsewhere,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    said = ran.stdout.decode(errors="replace").splitlines()
    found = next((line for line in said if line.startswith("PROBE ")), None)
    if found is None:
        last = ran.stderr.decode(errors="replace").strip().splitlines()[-1:]
        return Tried(folder, size, 0.0, 0, (*faults, f"it does not run: {' '.join(last)}"))
    told = json.loads(found.removeprefix("PROBE "))
    faults += _faults(folder, told, stub)
    if told["loops"] is None and folder.endswith("_sync"):
        faults.append("it has no loops, neither compiled nor plain")
    elif told["loops"] not in (None, loops):
        faults.append(f"it works with the {told['loops']} loops, not the {loops} ones")
    return Tried(folder, size, told["cpu"], told["memory"], tuple(faults))


def sample_of(folder: str) -> Path:
    """The event that a function is tried on."""
    return ROOT / "events" / folder / f"{SAMPLES.get(folder, 'sqs')}.json"


_WRITES: Final = {
    "dead_letter": "UpdateItem",
    "file_split": "SendMessage",
    "intake": "SendMessage",
    "token_claims": None,
}
"""The call by which a function's work is known to be done, where it is not a transaction."""


def _is_good(folder: str, answer: Any) -> bool:
    """Whether it is what the sample leads to where no record is known."""
    if folder in BEHIND_THE_API:
        return bool(answer.get("statusCode") == {"query": 404, "intake": 202}[folder])
    if folder == "token_claims":
        details = answer["response"]["claimsAndScopeOverrideDetails"]["accessTokenGeneration"]
        return sorted(details["claimsToAddOrOverride"]) == ["agency", "roles"]
    return bool(answer == {"batchItemFailures": []})


def _faults(folder: str, told: Mapping[str, Any], stub: Stub) -> list[str]:
    faults = []
    if not _is_good(folder, told["answer"]):
        faults.append(f"it answers {told['answer']}")
    wrote = _WRITES.get(folder, "TransactWriteItems")
    if wrote is not None and not stub.asked[wrote]:
        faults.append(f"it wrote nothing; it asked for {dict(stub.asked)}")
    if told["foreign"]:
        faults.append(f"it imports what the artifact does not hold: {told['foreign'][:3]}")
    unwanted = UNWANTED_BEHIND_THE_API if folder in BEHIND_THE_API else UNWANTED
    loaded = sorted(set(unwanted) & set(told["modules"]))
    if loaded:
        faults.append(f"it loads {', '.join(loaded)}")
    return faults


def _environment(folder: str, endpoint: str) -> dict[str, str]:
    """The environment of a deployed function, with the stub in place of AWS."""
    common = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_REGION": "ap-southeast-1",
        "AWS_DEFAULT_REGION": "ap-southeast-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "STAGE": "local",
        "LOOPS": "compiled",
        "LOG_HASH_KEY": "k" * 32,
        "LEDGER_TABLE": "ledger",
        "QUARANTINE_TABLE": "quarantine",
        "QUARANTINE_BUCKET": "bucket",
        "POWERTOOLS_METRICS_NAMESPACE": "LienThong",
        "POWERTOOLS_SERVICE_NAME": folder,
        "POWERTOOLS_LOG_LEVEL": "INFO",
    }
    if folder in BEHIND_THE_API:
        return {**common, **_of_the_api(folder, endpoint)}
    if folder == "dead_letter":
        arn = "arn:aws:sqs:ap-southeast-1:123456789012:lienthong-{}-dead-letter"
        sources = {arn.format(queue): queue for queue in _QUEUES}
        return {**common, "DEAD_LETTER_SOURCES": json.dumps(sources)}
    loads = {
        "INTAKE_BUCKET": BUCKET,
        "LOADS_TABLE": "loads",
        "RANGES_QUEUE_URL": f"{endpoint}/000000000000/ranges",
    }
    if folder == "file_split":
        files = {"FILES_QUEUE_URL": f"{endpoint}/000000000000/files"}
        return {**common, **loads, **files, "LOAD_RANGE_BYTES": "8388608"}
    if folder == "range_sync":
        records = {"PEOPLE_TABLE": "people", "INSURANCE_CARDS_TABLE": "cards"}
        records |= {"DOSSIERS_TABLE": "dossiers", "AGENCIES_TABLE": AGENCIES_TABLE}
        return {**common, **loads, **records, "REGISTRY_SENDERS": ""}
    queue = folder.removesuffix("_sync")
    return {
        **common,
        "QUEUE": queue,
        # Not the agencies' table for the registry either: the stub has no whole records.
        "RECORDS_TABLE": "records",
        "AGENCIES_TABLE": AGENCIES_TABLE,
        "REGISTRY_SENDERS": "",
        "RELAY_SENDERS": "",
    }


def _of_the_api(folder: str, endpoint: str) -> dict[str, str]:
    intake = {f"{q.upper()}_QUEUE_URL": f"{endpoint}/000000000000/{q}" for q in _QUEUES}
    intake["REGISTRY_SENDERS"] = ""
    return {
        "PEOPLE_TABLE": "people",
        "INSURANCE_CARDS_TABLE": "cards",
        "DOSSIERS_TABLE": "dossiers",
        "AGENCIES_TABLE": AGENCIES_TABLE,
        "ACCESS_LOG_TABLE": "access-log",
        "ACCESS_HEADS_TABLE": "access-heads",
        "ALLOWANCES_TABLE": "allowances",
        "RECORD_ID_KEY": "0f" * 64,
        "DAILY_ALLOWANCE": "500",
        "MINUTE_ALLOWANCE": "60",
        **(intake if folder == "intake" else {}),
    }


def seeded_agencies() -> dict[str, dict[str, Any]]:
    """What the registry's seed file says of each agency."""
    path = ROOT / "infra" / "reference" / "registry.ndjson"
    events = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
    return {
        event["subject"]: {k: v for k, v in event["data"].items() if k != "agency_id"}
        for event in events
    }


def main(arguments: Sequence[str]) -> int:
    """0 if every artifact is as it should be, 1 if not, 2 for wrong use."""
    if len(arguments) != 3 or arguments[2] not in ("compiled", "plain"):
        print(
            "Usage: python -m infra.build.artifacts FOLDER PYTHON compiled|plain", file=sys.stderr
        )
        return 2
    folder, python, loops = Path(arguments[0]), *arguments[1:]
    built = functions_built((ROOT / "infra" / "build" / "Makefile").read_text("utf-8"))
    agencies = seeded_agencies()
    agencies["H26.201"]["senders"] = [SYSTEM_OF_THE_SAMPLE]
    with serving(Stub(agencies)) as stub:
        results = [
            tried(folder / name, place, python, stub, loops) for name, place in built.items()
        ]
    print(f"{'artifact':<18}{'MB':>7}{'CPU ms, import and answer':>28}{'peak MB':>9}")
    for result in results:
        memory = f"{result.memory / 1e6:.0f}"
        print(
            f"{result.function:<18}{result.size / 1e6:>7.1f}{result.cpu * 1000:>28.0f}{memory:>9}"
        )
    faults = [f"{result.function}: {fault}" for result in results for fault in result.faults]
    for line in faults:
        print(line, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
