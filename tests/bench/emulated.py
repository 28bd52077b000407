"""An emulator of the benchmark's own with the whole stack, on a free port, gone afterwards."""

from __future__ import annotations

import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from infra.local import stack
from infra.local.site import Site
from tests.bench.sides import Say
from tests.e2e.conftest import Deployed

REGION: Final = "ap-southeast-1"


@contextmanager
def deployed(say: Say, *, enforce_iam: bool, **parameters: str) -> Iterator[Deployed]:
    """The stack, seeded with the registry; a local stack that runs already is not disturbed."""
    site = Site(
        state=Path(tempfile.mkdtemp(prefix="lienthong-bench-")),
        endpoint=f"http://localhost:{_free_port()}",
        region=REGION,
        enforce_iam=enforce_iam,
        keep=False,
    )
    try:
        yield Deployed(site, stack.up(site, parameters=parameters, report=say))
    finally:
        stack.down(site, report=say)
        shutil.rmtree(site.state, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
