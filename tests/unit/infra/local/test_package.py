"""The functions' code as one zip."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import pytest

from infra.local.package import LOOPS, package


@pytest.fixture
def source(tmp_path: Path) -> Path:
    for name in ("functions/a/handler.py", "functions/shared/b.py", "schemas/c.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# {name}\n")
    return tmp_path


def names(body: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        return archive.namelist()


def test_the_zip_holds_functions_and_schemas_alone(source: Path) -> None:
    (source / "tests").mkdir()
    (source / "tests" / "test_a.py").write_text("")
    (source / "functions" / "__pycache__").mkdir()
    (source / "functions" / "__pycache__" / "a.py").write_text("")
    (source / "schemas" / "generated.json").write_text("")

    assert names(package(source).body) == [
        "functions/a/handler.py",
        "functions/shared/b.py",
        "schemas/c.py",
    ]


def test_the_zip_holds_the_policies_and_the_openapi_document(source: Path) -> None:
    for name in ("infra/policies/a.cedar", "infra/policies/a.cedarschema", "infra/b.py"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text("")
    (source / "schemas" / "generated").mkdir()
    for name in ("openapi.json", "asyncapi.json"):
        (source / "schemas" / "generated" / name).write_text("{}")

    found = set(names(package(source).body))

    assert {name for name in found if not name.endswith(".py")} == {
        "infra/policies/a.cedar",
        "infra/policies/a.cedarschema",
        "schemas/generated/openapi.json",
    }
    assert "infra/b.py" not in found


def test_the_same_code_gives_the_same_bytes_whenever_it_was_written(source: Path) -> None:
    first = package(source)
    for path in source.rglob("*.py"):
        os.utime(path, (0, 0))

    assert package(source) == first


def test_changed_code_has_another_key(source: Path) -> None:
    first = package(source)
    (source / "schemas" / "c.py").write_text("# changed\n")

    assert package(source).key != first.key


def test_code_moved_between_files_has_another_key(source: Path) -> None:
    first = package(source)
    (source / "schemas" / "c.py").rename(source / "schemas" / "d.py")

    assert package(source).key != first.key


def test_packages_stand_beside_the_code(source: Path, tmp_path: Path) -> None:
    packages = tmp_path / "packages"
    (packages / "pydantic").mkdir(parents=True)
    (packages / "pydantic" / "core.so").write_bytes(b"\x7fELF")

    assert "pydantic/core.so" in names(package(source, packages).body)


def test_the_loops_of_this_machine_go_where_its_packages_are_and_not_into_a_container(
    source: Path, tmp_path: Path
) -> None:
    (source / LOOPS).parent.mkdir(parents=True)
    (source / LOOPS).write_bytes(b"\x7fELF")
    packages = tmp_path / "packages"
    packages.mkdir()

    assert LOOPS in names(package(source).body)
    assert LOOPS not in names(package(source, packages).body)
