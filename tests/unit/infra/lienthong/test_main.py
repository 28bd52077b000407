"""What the command line takes for an option, and what for an id."""

from __future__ import annotations

import pytest

from infra.lienthong.__main__ import parser

OPAQUE = "-wPXkz3_0b5Qm7c-T1yHgA9Rr2"
"""An opaque id that begins as one in 64 does."""


@pytest.mark.parametrize(
    "arguments",
    [
        ("person", OPAQUE),
        ("show", "person", OPAQUE),
        ("history", OPAQUE),
        ("who-looked", OPAQUE, "--ids"),
        ("access-log", "defer", OPAQUE, "--until", "2027-01-31", "--why", "An inquiry."),
        ("quarantine", "list", "--after", OPAQUE),
    ],
)
def test_an_opaque_id_may_begin_with_a_hyphen(arguments: tuple[str, ...]) -> None:
    assert OPAQUE in vars(parser().parse_args(arguments)).values()


@pytest.mark.parametrize("option", ["--no-such-option", "-x", "--purposes"])
def test_an_option_that_is_not_there_is_wrong_use(
    option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        parser().parse_args(["person", "001190000017", option])
    assert stop.value.code == 2
    assert option in capsys.readouterr().err


def test_a_long_option_that_was_mistyped_is_no_id() -> None:
    with pytest.raises(SystemExit) as stop:
        parser().parse_args(["history", "--no-such-option-and-a-long-one"])
    assert stop.value.code == 2
