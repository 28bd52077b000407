"""The loops in C (`functions/shared/native/loops.c`), compiled.

`python -m infra.build.native here`                 beside their source, by this machine's compiler
`python -m infra.build.native arm64|x86_64 FILE`    for AWS Lambda, by the one that ziglang holds

Both take the headers of the Python that runs this. The source keeps to the limited API of
Python 3.11, so one file serves every later Python of its processor.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
SOURCE: Final = ROOT / "functions" / "shared" / "native" / "loops.c"
NAME: Final = "_loops.abi3.so"
"""What Python imports, whatever its version."""
OPTIONS: Final = (
    "-std=gnu11",
    "-O2",
    # No sanitizer finds a breach of the aliasing rules, so nothing may be concluded from them.
    "-fno-strict-aliasing",
    "-fstack-protector-strong",
    "-fvisibility=hidden",
    "-fPIC",
    "-shared",
    "-Wall",
    "-Wextra",
    "-DNDEBUG",
)
MACHINES: Final[Mapping[str, str]] = {"arm64": "aarch64", "x86_64": "x86_64"}
"""Lambda's name of a processor -> the compiler's."""
GLIBC: Final = "2.34"
"""Of Amazon Linux 2023, on which the runtime runs."""
_ELF_MACHINES: Final[Mapping[int, str]] = {0xB7: "arm64", 0x3E: "x86_64"}
# The headers of a Python say in `pyconfig.h` what machine that Python was built for. This is
# what the limited API asks of it, for 64-bit Linux.
PYCONFIG: Final = """\
#ifndef Py_PYCONFIG_H
#define Py_PYCONFIG_H
#define SIZEOF_SHORT 2
#define SIZEOF_INT 4
#define SIZEOF_LONG 8
#define SIZEOF_LONG_LONG 8
#define SIZEOF_SIZE_T 8
#define SIZEOF_VOID_P 8
#define SIZEOF_WCHAR_T 4
#define ALIGNOF_LONG 8
#define ALIGNOF_SIZE_T 8
#endif
"""


class NotBuilt(Exception):
    """Why there are no compiled loops; the text is a sentence that says what to do."""


class NothingToBuildWith(NotBuilt):
    """The machine has no compiler, or no headers; the service runs without."""


def build_here(source: Path, target: Path) -> None:
    """Compiles for this machine. Raises NothingToBuildWith, or NotBuilt for a compiler's refusal.

    What was built before is gone when this fails: it would be that of an older source.
    """
    target.unlink(missing_ok=True)
    command = shlex.split(os.environ.get("CC") or "cc")
    if shutil.which(command[0]) is None:
        raise NothingToBuildWith(f"There is no C compiler here ({command[0]}).")
    if sys.platform == "darwin":
        command += ["-undefined", "dynamic_lookup"]
    _compile(command, _headers(), source, target)


def build_for_lambda(source: Path, target: Path, architecture: str) -> None:
    """Compiles for Lambda's arm64 or x86_64.

    The file is stripped, needs no newer glibc than Lambda has, is really of that processor, and
    is the same bytes for the same source and headers, wherever it is made. Raises NotBuilt.
    """
    if find_spec("ziglang") is None:
        raise NotBuilt(
            "The compiler for Lambda, the package ziglang, is not installed: let `make build` or "
            "`make artifacts` install it, or build without compiled loops: `make build NATIVE=no`."
        )
    target = target.resolve()  # the compiler works in the folder of its source
    command = [sys.executable, "-m", "ziglang", "cc"]
    command += ["-target", f"{MACHINES[architecture]}-linux-gnu.{GLIBC}", "-Wl,-s"]
    target.parent.mkdir(parents=True, exist_ok=True)
    cache = str(target.parent.parent / "zig")
    caches = {"ZIG_GLOBAL_CACHE_DIR": cache, "ZIG_LOCAL_CACHE_DIR": cache}
    with tempfile.TemporaryDirectory() as folder:
        headers = Path(folder) / "include"
        shutil.copytree(_headers(), headers)
        (headers / "pyconfig.h").write_text(PYCONFIG, "utf-8")
        _compile(command, headers, source, target, caches)
    found = machine_of(target)
    if found != architecture:
        target.unlink()
        raise NotBuilt(
            f"The compiler made loops for {found} where {architecture} was asked for. Build "
            "without compiled loops: `make build NATIVE=no`."
        )


def machine_of(library: Path) -> str | None:
    """The processor that an ELF library is for, by Lambda's name; None for any other file."""
    header = library.read_bytes()[:20]
    if header[:6] != b"\x7fELF\x02\x01":  # 64 bits, little-endian
        return None
    return _ELF_MACHINES.get(int.from_bytes(header[18:20], "little"))


def _headers() -> Path:
    folder = Path(sysconfig.get_path("include"))
    if not (folder / "Python.h").is_file():
        raise NothingToBuildWith(
            f"There are no headers of Python in {folder} (on Debian: apt install python3-dev)."
        )
    return folder


def _compile(
    command: Sequence[str],
    headers: Path,
    source: Path,
    target: Path,
    environment: Mapping[str, str] | None = None,
) -> None:
    unfinished = target.with_suffix(".unfinished")
    ran = subprocess.run(
        # Named from its own folder, so that no path of this machine can get into the file.
        [*command, *OPTIONS, f"-I{headers}", source.name, "-o", str(unfinished.resolve())],
        cwd=source.parent,
        env={**os.environ, **(environment or {})},
        check=False,
    )
    if ran.returncode != 0:
        unfinished.unlink(missing_ok=True)
        raise NotBuilt(
            f"{source.name} could not be compiled; the compiler says why above. NATIVE=no after "
            "make's other words goes without: the plain loops give the same and are slower."
        )
    unfinished.replace(target)


def main(arguments: Sequence[str], source: Path = SOURCE) -> int:
    """0 if there are loops, or nothing to build them with here; 1 if not, 2 for wrong use."""
    try:
        match arguments:
            case ["here"]:
                build_here(source, source.with_name(NAME))
            case [architecture, target] if architecture in MACHINES:
                build_for_lambda(source, Path(target), architecture)
            case _:
                print("Usage: python -m infra.build.native here", file=sys.stderr)
                print("       python -m infra.build.native arm64|x86_64 FILE", file=sys.stderr)
                return 2
    except NotBuilt as error:
        if arguments == ["here"] and isinstance(error, NothingToBuildWith):
            print(f"{error} The plain loops will be used; they give the same and are slower.")
            return 0
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
