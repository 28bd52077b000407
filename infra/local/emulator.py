"""The server process of a local stack: found, started in the background, stopped.

A server that already listens at the endpoint and speaks as LocalStack does is used as it is and
never stopped. Otherwise MiniStack is started from an environment of its own, in a process group of
its own, with its files under the site's state folder.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from infra.local.site import ROOT, LocalStackError, Site

PYTHON: Final = ROOT / ".venv-emulator" / "bin" / "python"
START_SECONDS: Final = 60.0
STOP_SECONDS: Final = 30.0
KILL_SECONDS: Final = 5.0
MINISTACK: Final = "ministack"
LOCALSTACK: Final = "localstack"
_HEALTH: Final = {MINISTACK: "/_ministack/health", LOCALSTACK: "/_localstack/health"}


@dataclass(frozen=True)
class Server:
    """A server that answers at a site's endpoint: which one, and whether it was started here."""

    kind: str
    started_here: bool


def find(site: Site) -> Server | None:
    """The LocalStack-compatible server that answers at the site's endpoint, or None."""
    for kind, path in _HEALTH.items():
        try:
            with _opener().open(site.endpoint + path, timeout=5) as answer:
                health = json.load(answer)
        except (OSError, http.client.HTTPException, ValueError):
            continue
        if isinstance(health, dict) and isinstance(health.get("services"), dict):
            return Server(kind, started_here=_running(site) is not None)
    return None


def start(site: Site, report: Callable[[str], None]) -> Server:
    """A server that answers at the site's endpoint; starts MiniStack where none does.

    Raises `LocalStackError` where the endpoint is taken by something else or the start fails.
    """
    pid, port = _running(site), _recorded(site)[1]
    if pid is not None and port != site.port:
        raise LocalStackError(
            f"The stack of this folder runs on port {port}. Run `make down` before you start it on "
            f"port {site.port}, or leave LOCALSTACK_HOST and AWS_ENDPOINT_URL unset to use it."
        )
    found = find(site)
    if found is not None:
        if pid is None:
            report(f"Using the server that already answers at {site.endpoint}.")
        return found
    if pid is not None:
        # Started by an earlier command and not answering yet, or not any more.
        if _answers_within(site, START_SECONDS / 2, pid):
            return Server(MINISTACK, started_here=True)
        report("The emulator does not answer; it is started again.")
        stop(site)
    if not site.is_here:
        raise LocalStackError(
            f"Nothing LocalStack-compatible answers at {site.endpoint}. Start the server there, or "
            "unset AWS_ENDPOINT_URL and LOCALSTACK_HOST to have one started on this machine."
        )
    if _port_is_taken(site.port):
        raise LocalStackError(
            f"Port {site.port} is taken by a program that is no LocalStack-compatible server. "
            "Stop that program, or use another port: "
            f"`LOCALSTACK_HOST=localhost:{site.port + 1} make up`."
        )
    if not PYTHON.exists():
        raise LocalStackError("The emulator is not installed. Run `make setup`.")
    report(f"Starting the emulator on port {site.port}.")
    started = _spawn(site)
    if not _answers_within(site, START_SECONDS, started):
        stop(site)
        raise LocalStackError(
            f"The emulator did not start within {START_SECONDS:.0f} seconds. Its log, "
            f"{_log(site)}, ends with:\n{_tail(_log(site))}"
        )
    return Server(MINISTACK, started_here=True)


def stop(site: Site) -> bool:
    """Ends the server that was started here and every worker of it; False where there was none.

    It is asked to end first, since it writes its tables when it ends.
    """
    pid = _running(site)
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        _wait(lambda: not _is_alive(pid), STOP_SECONDS)
        # Workers are children in the same group and may outlive their parent.
        _wait(lambda: not _group_is_left(pid), KILL_SECONDS)
    _pid_file(site).unlink(missing_ok=True)
    shutil.rmtree(_scratch(site), ignore_errors=True)
    return pid is not None


def log_file(site: Site) -> Path:
    """Where a server that was started here writes its log."""
    return _log(site)


def _spawn(site: Site) -> int:
    site.state.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(_scratch(site), ignore_errors=True)
    _scratch(site).mkdir()
    # Functions inherit the server's environment, so it gets nothing of the caller's own: no
    # credentials, profile or endpoint of AWS.
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(site.state),
        "LANG": "C.UTF-8",
        "TMPDIR": str(_scratch(site)),
        "AWS_EC2_METADATA_DISABLED": "true",
        "GATEWAY_PORT": str(site.port),
        "BIND_HOST": "127.0.0.1",
        "IOT_MTLS_ENABLED": "0",
        "MINISTACK_REGION": site.region,
        "AUTH": "true" if site.enforce_iam else "false",
        # As on AWS: a token trigger that fails refuses the sign-in.
        "MINISTACK_COGNITO_PRETOKEN_STRICT": "1",
    }
    if site.keep:
        environment |= {
            "PERSIST_STATE": "1",
            "STATE_DIR": str(site.state / "tables"),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(site.state / "objects"),
        }
    with _log(site).open("wb") as log:
        process = subprocess.Popen(
            [str(PYTHON), "-m", "ministack"],
            cwd=site.state,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _pid_file(site).write_text(f"{process.pid} {site.port}\n", encoding="ascii")
    _children[process.pid] = process
    return process.pid


# Processes started by this process: they stay as zombies until they are waited for.
_children: Final[dict[int, subprocess.Popen[bytes]]] = {}


def _running(site: Site) -> int | None:
    """The process id of the server that was started for this site and still runs."""
    pid, _ = _recorded(site)
    return pid if pid and _is_alive(pid) and "ministack" in _command(pid) else None


def _recorded(site: Site) -> tuple[int, int]:
    """Process id and port of the last start; zeros where there is no record of one."""
    try:
        pid, port = _pid_file(site).read_text(encoding="ascii").split()
        return int(pid), int(port)
    except (OSError, ValueError):
        return 0, 0


def _is_alive(pid: int) -> bool:
    child = _children.get(pid)
    if child is not None:
        return child.poll() is None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _group_is_left(pid: int) -> bool:
    """Whether a process of the group is left; kills what is."""
    _is_alive(pid)  # waits for a leader that was started here
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def _command(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    listing = subprocess.run(
        ["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return listing.stdout


def _answers_within(site: Site, seconds: float, pid: int) -> bool:
    _wait(lambda: find(site) is not None or not _is_alive(pid), seconds)
    return _is_alive(pid) and find(site) is not None


def _wait(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def _opener() -> urllib.request.OpenerDirector:
    # A proxy of the environment is not asked about this machine.
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _port_is_taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _tail(path: Path, lines: int = 15) -> str:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "(there is no log)"
    return "\n".join(text.splitlines()[-lines:])


def _pid_file(site: Site) -> Path:
    return site.state / "emulator.pid"


def _log(site: Site) -> Path:
    return site.state / "emulator.log"


def _scratch(site: Site) -> Path:
    return site.state / "scratch"
