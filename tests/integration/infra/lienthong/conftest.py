"""A town per test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from moto import mock_aws

from tests.integration.infra.lienthong.town import Town


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    with mock_aws():
        yield Town(tmp_path)
