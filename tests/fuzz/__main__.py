"""`make fuzz`: bodies without number through the functions, on every core.

Prints the seed, how the bodies ended and whatever is amiss; keeps a body that fails in the corpus,
which every run of the tests replays. The same seed makes the same bodies.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from typing import Final

from functions.shared.core.kinds import KINDS
from tests.fuzz.trials import Run, corpus, remember, replayed

PORTION: Final = 10_000
"""Bodies that one process makes at a time."""


def main() -> int:
    """Fuzzes; the exit code is 1 if something is amiss."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--bodies", type=int, default=400_000, help="how many, over all queues")
    parser.add_argument("--seed", type=int, default=random.getrandbits(32))
    given = parser.parse_args()
    runs = [
        (name, f"{given.seed}-{number}")
        for number in range(-(-given.bodies // (PORTION * len(KINDS))))
        for name in KINDS
    ]
    print(f"Seed {given.seed}: {len(runs) * PORTION:,} bodies (BODIES=... SEED=... to choose).")
    began = time.monotonic()
    failed = [(kind, text, fault) for kind, _, text in corpus() for fault in replayed(kind, text)]
    ends: Counter[str] = Counter()
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        for (name, _), (ended, amiss) in zip(
            runs, pool.map(_run, *zip(*runs, strict=True)), strict=True
        ):
            ends += ended
            failed += [(KINDS[name], text, fault) for text, fault in amiss]
            print(f"\r{ends.total():,} bodies, {len(failed)} amiss", end="", flush=True)
    seconds = time.monotonic() - began
    print(f"\n{ends.total():,} bodies in {seconds:.0f} s, {ends.total() / seconds:,.0f} a second:")
    for end, count in ends.most_common():
        print(f"  {end:22}{count:>10,}")
    for kind, text, fault in failed:
        print(f"{fault} Kept as {remember(kind, text).name}.", file=sys.stderr)
    return 1 if failed else 0


def _run(kind: str, seed: str) -> tuple[Counter[str], list[tuple[str, str]]]:
    """How a portion ended and what is amiss with it."""
    run = Run(KINDS[kind], seed)
    run.go(PORTION)
    return run.ends, run.amiss


if __name__ == "__main__":
    sys.exit(main())
