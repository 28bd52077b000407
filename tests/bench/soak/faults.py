"""What goes wrong while a soak runs: every kind of fault once, then again, in changing order."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from tests.bench.sides import Say
from tests.bench.soak.proxy import Faults, bad_connection
from tests.bench.soak.threads import Clock, Repeated
from tests.e2e.conftest import Deployed
from tests.e2e.delivery import QUEUES, VISIBILITY, denied, url_output

FUNCTIONS: Final = {
    "population": "PopulationSyncFunction",
    "insurance": "InsuranceSyncFunction",
    "dossier": "DossierSyncFunction",
    "registry": "RegistrySyncFunction",
}
SHORT: Final = 2
"""Seconds for which a message stays hidden when it shall come again at once."""
LITTLE_TIME: Final = 8
"""Seconds a function has when it runs out of time; the template gives it 60."""


@dataclass(frozen=True, slots=True)
class Done:
    """A fault that happened: from when to when, in seconds, and what exactly."""

    name: str
    begin: float
    end: float
    detail: str

    def as_json(self) -> dict[str, Any]:
        found = asdict(self)
        return {**found, "begin": round(self.begin, 1), "end": round(self.end, 1)}


@dataclass
class Saboteur:
    """Lets something go wrong every so often; what did is in `done`."""

    stack: Deployed
    clock: Clock
    seed: int
    say: Say
    done: list[Done] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)
        self._waiting: list[str] = []

    def thread(self, every: float) -> Repeated:
        """The thread that does it."""
        return Repeated("faults", every, self.strike)

    def strike(self) -> None:
        """One fault, from its begin to its end."""
        if not self._waiting:
            self._waiting = list(KINDS)
            self._chance.shuffle(self._waiting)
        name = self._waiting.pop()
        begin = self.clock.now()
        detail = KINDS[name](self)
        self.done.append(Done(name, begin, self.clock.now(), detail))
        self.say(f"{begin:5.0f} s  {name}: {detail}")

    # The faults -----------------------------------------------------------------------------

    def kill(self) -> str:
        """SIGKILL for whatever worker is there, three times."""
        killed = 0
        for _ in range(3):
            for pid in workers(self.stack):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    killed += 1
            time.sleep(1)
        return f"{killed} workers"

    def deny(self) -> str:
        queue = self._queue()
        actions = ("dynamodb:BatchGetItem", "dynamodb:PutItem", "dynamodb:UpdateItem")
        action = self._chance.choice(actions)
        with denied(self.stack, FUNCTIONS[queue], action):
            time.sleep(6)
        return f"{action} of {queue}"

    def throttle(self) -> str:
        faults = Faults(throttle=0.35, break_down=0.1)
        with self._badly_connected(faults):
            time.sleep(8)
        return f"{faults.met['throttle']} requests, {faults.met['break_down']} internal errors"

    def lose(self) -> str:
        faults = Faults(drop=0.1, lose=0.25)
        with self._badly_connected(faults):
            time.sleep(8)
        return f"{faults.met['lose']} answers, {faults.met['drop']} requests"

    def hurry(self) -> str:
        with self._visibility(SHORT):
            time.sleep(8)
        return f"after {SHORT} s, worked or not"

    def stop_workers(self) -> str:
        """Workers that stand still until their time is up; those left go on where they were."""
        queue = self._queue()
        with self._timeout(queue, LITTLE_TIME):
            time.sleep(2)
            stopped = workers(self.stack, queue)
            for pid in stopped:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGSTOP)
            time.sleep(LITTLE_TIME + 2)
            woken = 0
            for pid in stopped:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
                    woken += 1
        return f"{len(stopped)} workers of {queue} stood still, {woken} of them went on later"

    def stand_still(self) -> str:
        """Longer than a function waits for an answer."""
        emulator = emulator_of(self.stack)
        os.kill(emulator, signal.SIGSTOP)
        try:
            time.sleep(12)
        finally:
            os.kill(emulator, signal.SIGCONT)
        return "12 s without an answer"

    def give_up(self) -> str:
        """A function cannot read, and what it gives back comes again until the queue gives up."""
        queue = self._queue()
        with self._visibility(SHORT), denied(self.stack, FUNCTIONS[queue], "dynamodb:BatchGetItem"):
            time.sleep(16)
        return f"messages of {queue}"

    # Ways and means -------------------------------------------------------------------------

    def _queue(self) -> str:
        return self._chance.choice(QUEUES[:3])

    @contextmanager
    def _badly_connected(self, faults: Faults) -> Iterator[None]:
        with ExitStack() as all_of_them:
            seed = self._chance.randrange(1 << 30)
            url = all_of_them.enter_context(bad_connection(self.stack.endpoint, faults, seed))
            for function in FUNCTIONS.values():
                all_of_them.enter_context(self.stack.environment(function, AWS_ENDPOINT_URL=url))
            yield

    @contextmanager
    def _visibility(self, seconds: int) -> Iterator[None]:
        for queue in QUEUES:
            self.stack.set_visibility(url_output(queue), seconds)
        try:
            yield
        finally:
            for queue in QUEUES:
                self.stack.set_visibility(url_output(queue), VISIBILITY)

    @contextmanager
    def _timeout(self, queue: str, seconds: int) -> Iterator[None]:
        functions = self.stack.client("lambda")
        name = self.stack.function_names[FUNCTIONS[queue]]
        before = functions.get_function_configuration(FunctionName=name)["Timeout"]
        functions.update_function_configuration(FunctionName=name, Timeout=seconds)
        try:
            yield
        finally:
            functions.update_function_configuration(FunctionName=name, Timeout=before)


KINDS: Final[Mapping[str, Callable[[Saboteur], str]]] = {
    "workers killed": Saboteur.kill,
    "permission taken away": Saboteur.deny,
    "throttled": Saboteur.throttle,
    "answers lost": Saboteur.lose,
    "messages come again at once": Saboteur.hurry,
    "out of time": Saboteur.stop_workers,
    "tables stand still": Saboteur.stand_still,
    "given up on": Saboteur.give_up,
}
"""What may go wrong, by name; each answers with what it did exactly."""


def emulator_of(stack: Deployed) -> int:
    """The emulator's process."""
    return int((stack.site.state / "emulator.pid").read_text(encoding="ascii").split()[0])


def workers(stack: Deployed, queue: str | None = None) -> list[int]:
    """The processes in which the emulator runs functions: all of them, or those of a queue."""
    emulator = emulator_of(stack)
    name = "" if queue is None else stack.function_names[FUNCTIONS[queue]]
    listing = subprocess.run(
        ["ps", "-ww", "-A", "-o", "pid=,ppid=,command="], capture_output=True, text=True, check=True
    )
    rows = (line.split(maxsplit=2) for line in listing.stdout.splitlines())
    return [
        int(pid)
        for pid, parent, command in (row for row in rows if len(row) == 3)
        if int(parent) == emulator and f"ministack-lambda-{name}" in command
    ]
