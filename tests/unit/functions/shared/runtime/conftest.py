"""What the functions say aloud, read back."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import count
from typing import Any, Final

import pytest

from functions.shared.runtime.logs import Narrator

KEY: Final = "k" * 32
_services: Final = count(1)


@pytest.fixture
def narrate(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[], Narrator]:
    """Makes a narrator whose lines the test can read.

    Powertools keeps one logger per service, and a logger keeps the stream it found when it was
    made; so it is made by the test itself, while what it says is captured.
    """
    del capsys
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", f"service-{next(_services)}")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "LienThong")
    monkeypatch.setenv("POWERTOOLS_LOG_LEVEL", "DEBUG")
    return lambda: Narrator(KEY)


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Callable[[], list[dict[str, Any]]]:
    """What was printed since it was asked last: log lines and metrics, each an object."""

    def lines() -> list[dict[str, Any]]:
        captured = capsys.readouterr()
        assert captured.err == ""
        return [json.loads(line) for line in captured.out.splitlines()]

    return lines
