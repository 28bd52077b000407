"""`python -m infra.local up|down|status`, for the Makefile."""

from __future__ import annotations

import sys

from infra.local import stack
from infra.local.site import LocalStackError

USAGE = "Usage: python -m infra.local up|down|status"


def main(arguments: list[str]) -> int:
    """Runs one of the three; 0 done, 1 not up or failed, 2 wrong use."""
    try:
        match arguments:
            case ["up"]:
                outputs = stack.up()
                print(f"The stack is up at {outputs['endpoint']}, region {outputs['region']}.")
                print("Its outputs are in .local/outputs.json. `make status` shows what is there.")
            case ["down"]:
                stack.down()
            case ["status"]:
                found = stack.status()
                print("\n".join(table(found)))
                return 0 if found.is_up else 1
            case _:
                print(USAGE, file=sys.stderr)
                return 2
    except LocalStackError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted. Run the same command again to go on from here.", file=sys.stderr)
        return 130
    return 0


def table(status: stack.Status) -> list[str]:
    """The lines of a status, for people."""
    if status.server is None:
        return [f"No server answers at {status.endpoint}. `make up` starts one."]
    whose = (
        f"started by make up, log {status.log}" if status.started_here else "not started by make up"
    )
    lines = [f"server     {status.server} at {status.endpoint} ({whose})"]
    if status.stack is None:
        return [*lines, f"stack      {status.stack_name} is not deployed. `make up` deploys it."]
    lines.append(f"stack      {status.stack_name}: {status.stack}")
    lines.append("")
    lines.append(f"{'queue':<28}{'waiting':>9}{'in flight':>11}")
    lines += [
        f"{name:<28}{state.waiting:>9}{state.in_flight:>11}"
        for name, state in status.queues.items()
    ]
    lines.append("")
    lines.append(f"{'table':<28}{'items':>9}")
    lines += [f"{name:<28}{items:>9}" for name, items in status.tables.items()]
    lines.append("")
    lines.append(f"{'function':<28}{'state':>9}")
    lines += [f"{name:<28}{state:>9}" for name, state in status.functions.items()]
    return lines


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
