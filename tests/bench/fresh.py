"""A function in a fresh process: imports a handler, hands it one event, tells what that took.

Run as a file with the handler's module; the event is read from standard input. The last line of
the output is a JSON object: seconds of CPU since the process began and bytes of memory, at its
begin, with the handler imported and with the event handled, and the peak.
"""

import json
import sys
import time
from importlib import import_module

from tests.bench.processes import peak, resident


class Context:
    """Lambda's context, as far as handlers look at it."""

    function_name = "population_sync"
    function_version = "$LATEST"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:ap-southeast-1:000000000000:function:population_sync"
    aws_request_id = "00000000-0000-4000-8000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


def main() -> None:
    cpu, memory = [time.process_time()], [resident()]
    handler = import_module(sys.argv[1]).lambda_handler
    cpu.append(time.process_time())
    memory.append(resident())
    answer = handler(json.loads(sys.stdin.buffer.read()), Context())
    cpu.append(time.process_time())
    memory.append(resident())
    took = len(answer["batchItemFailures"]) == 0
    print(json.dumps({"cpu": cpu, "memory": memory, "peak": peak(), "took": took}))


if __name__ == "__main__":
    main()
