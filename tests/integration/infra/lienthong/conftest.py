"""A town per test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from moto import mock_aws

from tests.integration.infra.lienthong.town import Town


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    # Commands write for a file, however wide a terminal the tests are started from.
    monkeypatch.delenv("COLUMNS", raising=False)
    with mock_aws():
        yield Town(tmp_path)
