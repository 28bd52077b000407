"""The functions' code as one zip, the same bytes for the same code.

All functions share the zip: their handlers differ. An emulator that runs functions beside its own
installed packages gets the code alone, with the loops that were compiled for this machine; one
that runs them in containers gets the locked packages for the Lambda platform with it, and works
with the loops in Python.
"""

from __future__ import annotations

import hashlib
import io
import platform
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from infra.build.native import NAME, SOURCE
from infra.local.site import ROOT, LocalStackError

CODE: Final = {
    "functions": "*.py",
    "schemas": "*.py",
    "infra/policies": "*.cedar*",
    "schemas/generated": "openapi.json",
}
"""Folder -> the files of it that functions need."""
LOOPS: Final = SOURCE.with_name(NAME).relative_to(ROOT).as_posix()
"""What was compiled for this machine, where something was."""
LOCK: Final = ROOT / "infra" / "locks" / "api.txt"
"""All functions share the zip, so it has what those behind the API need."""
LAMBDA_PYTHON: Final = "3.13"
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Package:
    """A zip and the key it is stored under, which is a hash of its content."""

    key: str
    body: bytes


def package(root: Path, packages: Path | None = None) -> Package:
    """The zip of the code under `root`, with the packages installed in a folder, if it is given."""
    files = dict(_code(root))
    if packages is not None:
        files |= {str(path.relative_to(packages)): path for path in _files(packages, "*")}
    elif (root / LOOPS).is_file():
        files[LOOPS] = root / LOOPS
    digest = hashlib.sha256()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            content = files[name].read_bytes()
            digest.update(f"{name}\0{len(content)}\0".encode() + content)
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content)
    return Package(f"functions-{digest.hexdigest()[:24]}.zip", buffer.getvalue())


def lambda_packages(cache: Path) -> Path:
    """A folder of the locked packages as wheels for Lambda on this machine's processor."""
    machine = "aarch64" if platform.machine() in ("arm64", "aarch64") else "x86_64"
    version = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:16]
    folder = cache / f"packages-{machine}-{version}"
    if folder.is_dir():
        return folder
    unfinished = folder.with_suffix(".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
    command += ["--only-binary=:all:", "--implementation", "cp", "--python-version", LAMBDA_PYTHON]
    command += ["--platform", f"manylinux2014_{machine}", "--platform", f"manylinux_2_28_{machine}"]
    command += ["--target", str(unfinished), "-r", str(LOCK)]
    if subprocess.run(command, check=False).returncode != 0:
        raise LocalStackError(
            "The packages of the functions could not be fetched for Lambda; pip says why above."
        )
    return unfinished.rename(folder)


def _code(root: Path) -> Iterator[tuple[str, Path]]:
    for folder, pattern in CODE.items():
        for path in _files(root / folder, pattern):
            yield path.relative_to(root).as_posix(), path


def _files(folder: Path, pattern: str) -> Iterator[Path]:
    return (
        path for path in folder.rglob(pattern) if path.is_file() and "__pycache__" not in path.parts
    )
