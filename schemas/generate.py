"""Writes what is generated from the models, or checks that it is current.

python -m schemas.generate           writes
python -m schemas.generate --check   compares byte for byte; exits 1 if anything differs
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from functions.shared.runtime.api.document import document as openapi
from schemas.asyncapi import document
from schemas.compiling import DATA, module_of, module_of_manifest
from schemas.event_types import EVENT_TYPES
from schemas.json_schemas import document_schemas, event_schemas

ROOT: Final = Path(__file__).resolve().parent.parent
GENERATED: Final = Path("schemas/generated")
COMPILED: Final = Path("schemas/compiled")
SAMPLES: Final = Path("events/released/v1")


def files(root: Path = ROOT) -> dict[Path, str]:
    """Every generated file, by its path from the root; always the same for the same models."""
    schemas = {**event_schemas(), **document_schemas()}
    samples = {
        name: json.loads((root / SAMPLES / f"{name}.json").read_text("utf-8"))
        for name in EVENT_TYPES
    }
    return {
        **{GENERATED / f"{name}.schema.json": _json(schema) for name, schema in schemas.items()},
        GENERATED / "asyncapi.json": _json(document(samples)),
        GENERATED / "openapi.json": _json(openapi()),
        **{COMPILED / f"{kind.replace('-', '_')}.py": module_of(kind) for kind in DATA},
        COMPILED / "load_manifest.py": module_of_manifest(),
    }


def differences(root: Path = ROOT) -> list[Path]:
    """The generated files that are missing, differ, or that nothing generates any more."""
    wanted = files(root)
    stale = {
        path
        for path, text in wanted.items()
        if not (root / path).is_file() or (root / path).read_bytes() != text.encode()
    }
    there = {path.relative_to(root) for path in (root / GENERATED).glob("*.json")}
    return sorted(stale | (there - wanted.keys()))


def write(root: Path = ROOT) -> list[Path]:
    """Writes what differs and removes what nothing generates any more; says which."""
    wanted = files(root)
    changed = differences(root)
    for path in changed:
        if path in wanted:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(wanted[path].encode())
        else:
            (root / path).unlink()
    return changed


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """The command; answers its exit code."""
    parser = argparse.ArgumentParser(prog="python -m schemas.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    if parser.parse_args(arguments).check:
        stale = differences(root)
        if stale:
            names = ", ".join(str(path) for path in stale)
            sys.stderr.write(
                f"Not as the models say: {names}. Run `python -m schemas.generate` and commit.\n"
            )
            return 1
        sys.stdout.write("The generated contracts are current.\n")
        return 0
    changed = write(root)
    sys.stdout.write(f"{len(changed)} generated files changed.\n")
    return 0


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    sys.exit(main())
