"""The idiomatic handler as a function: put together when its module is imported, as the
documentation of Powertools does, its tables named by the environment."""

from __future__ import annotations

import os

from tests.bench.baseline import build

lambda_handler = build(
    os.environ["PEOPLE_TABLE"], os.environ["AUDIT_TABLE"], os.environ["IDEMPOTENCY_TABLE"]
)
