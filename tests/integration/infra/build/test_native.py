"""The loops in C, compiled by this machine's compiler, or said why not."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest

from functions.shared.native import Loops
from infra.build.native import (
    NAME,
    SOURCE,
    NotBuilt,
    NothingToBuildWith,
    build_for_lambda,
    build_here,
    machine_of,
    main,
)

IMPORTING = "import hashlib, _loops; print(*sorted(vars(_loops)))"


@pytest.fixture(name="target")
def _target(tmp_path: Path) -> Path:
    return tmp_path / NAME


def test_the_source_compiles_without_a_word_and_is_imported(
    target: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    build_here(SOURCE, target)

    assert capfd.readouterr() == ("", "")
    ran = subprocess.run(
        [sys.executable, "-c", IMPORTING], cwd=target.parent, capture_output=True, check=True
    )
    promised = {name for name in vars(Loops) if not name.startswith("_")}
    assert promised
    assert promised <= set(ran.stdout.decode().split())
    assert [path.name for path in target.parent.iterdir()] == [NAME]


@pytest.mark.parametrize(("form", "is_taken"), [("1", True), ("0", False)])
def test_a_library_of_another_form_is_none(tmp_path: Path, form: str, is_taken: bool) -> None:
    package = tmp_path / "native"
    package.mkdir()
    (package / "__init__.py").write_bytes(SOURCE.with_name("__init__.py").read_bytes())
    text = SOURCE.read_text("utf-8")
    assert '"FORM", 1)' in text
    (tmp_path / "loops.c").write_text(text.replace('"FORM", 1)', f'"FORM", {form})'), "utf-8")
    build_here(tmp_path / "loops.c", package / NAME)

    asked = [sys.executable, "-c", "import native; print(native.loops is not None)"]
    ran = subprocess.run(asked, cwd=tmp_path, capture_output=True, check=True, text=True)
    assert ran.stdout == f"{is_taken}\n"


@pytest.mark.skipif(sys.platform != "linux", reason="Only Linux has ELF libraries.")
def test_the_processor_of_a_library_is_read_from_it(target: Path) -> None:
    build_here(SOURCE, target)
    assert machine_of(target) == {"aarch64": "arm64"}.get(platform.machine(), platform.machine())

    library = target.read_bytes()
    target.write_bytes(library[:18] + b"\xb7\x00" + library[20:])
    assert machine_of(target) == "arm64"
    for other in (b"", b"#!/bin/sh\n", library[:18], library[:18] + b"\x28\x00"):
        target.write_bytes(other)
        assert machine_of(target) is None


def test_without_a_compiler_one_line_says_so_and_nothing_old_is_left(
    target: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CC", "no-such-compiler -m64")
    target.write_bytes(b"older")

    assert main(["here"], target.with_name("loops.c")) == 0

    said = capsys.readouterr()
    assert said.err == ""
    assert said.out == (
        "There is no C compiler here (no-such-compiler). The plain loops will be used; they give "
        "the same and are slower.\n"
    )
    assert not target.exists()


def test_without_the_headers_of_python_it_is_the_same(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sysconfig.get_path", lambda _: str(target.parent))

    with pytest.raises(NothingToBuildWith, match=r"no headers of Python in .*python3-dev"):
        build_here(SOURCE, target)


def test_a_source_that_the_compiler_refuses_is_a_failure_and_nothing_old_is_left(
    tmp_path: Path, target: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "loops.c").write_text("int loops(void) { return nothing; }")
    target.write_bytes(b"older")

    assert main(["here"], tmp_path / "loops.c") == 1

    said = capfd.readouterr().err
    assert "nothing" in said
    assert said.endswith("the plain loops give the same and are slower.\n")
    assert [path.name for path in tmp_path.iterdir()] == ["loops.c"]


def test_without_the_compiler_for_lambda_it_is_said_what_to_do(target: Path) -> None:
    with pytest.raises(NotBuilt, match=r"`make build` or .* `make build NATIVE=no`"):
        build_for_lambda(SOURCE, target, "arm64")


@pytest.mark.parametrize("arguments", [[], ["there"], ["riscv", "x.so"], ["arm64"]])
def test_wrong_use_shows_the_right_one(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert "Usage:" in capsys.readouterr().err
