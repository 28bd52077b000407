"""What the API says aloud: routes, statuses, codes, keyed hashes of callers, and counts.

No path, parameter, header or body of a request is ever said, for any of them may hold what
belongs to a person. Errors are named by their class, never by their text.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any, Final

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit, single_metric

from functions.shared.runtime.measures import Measure

if TYPE_CHECKING:
    from functions.shared.core.access import Caller, Errand
    from functions.shared.runtime.api.routes import Route

_COUNTED: Final = {
    "not-permitted": Measure.ACCESS_REFUSED,
    "allowance-spent": Measure.ALLOWANCE_SPENT,
    "unavailable": Measure.ACCESS_LOG_UNWRITABLE,
    "internal-error": Measure.API_FAILED,
}
"""Code of a problem document -> what counts it."""


class ApiNarrator:
    """Tells of each request: one log line and metrics."""

    def __init__(self, hash_key: str) -> None:
        self._hash_key = hash_key.encode()
        self._logger = Logger(log_uncaught_exceptions=False)
        self._metrics = Metrics()

    def hashed(self, text: str) -> str:
        """The keyed hash (64 bits, hex) under which a log knows a text."""
        return hmac.digest(self._hash_key, text.encode("utf-8", "replace"), "sha256")[:8].hex()

    def count(self, measure: Measure, number: int = 1) -> None:
        """Counts something once, or so many times."""
        if number:
            self._metrics.add_metric(measure, MetricUnit.Count, number)
            self._metrics.flush_metrics()

    def suspect(self, caller: Caller) -> None:
        """Logs and counts that a caller seems to collect people."""
        self._logger.warning(
            "A caller seems to collect people: look at the access log.",
            caller=self.hashed(caller.id),
            agency=caller.agency,
        )
        self.count(Measure.ENUMERATION_SUSPECTED)

    def unevaluated(self) -> None:
        """Logs and counts that a policy could not be evaluated, so that its question was denied."""
        self._logger.error("A policy could not be evaluated; what was asked was refused.")
        self.count(Measure.API_FAILED)

    def tell(
        self,
        route: Route | None,
        request_id: str,
        status: int,
        milliseconds: int,
        *,
        code: str | None = None,
        caller: Caller | None = None,
        errand: Errand | None = None,
        error: Exception | None = None,
    ) -> None:
        """Logs and counts a request; `code` is the problem document's, if there was one."""
        name = f"{route.method} {route.path}" if route else "none"
        told = {
            "route": name,
            "request_id": request_id,
            "status": status,
            "code": code,
            "milliseconds": milliseconds,
            "caller": self.hashed(caller.id) if caller else None,
            "agency": caller.agency if caller else None,
            "purpose": errand.purpose if errand else None,
            "error": type(error).__name__ if error else None,
        }
        said: dict[str, Any] = {name: value for name, value in told.items() if value is not None}
        if status == 500:
            self._logger.error("A request failed.", **said)
        else:
            self._logger.info("A request was answered.", **said)
        self._metrics.add_metric(Measure.REQUESTS, MetricUnit.Count, 1)
        if (measure := _COUNTED.get(code or "")) is not None:
            self._metrics.add_metric(measure, MetricUnit.Count, 1)
        self._metrics.flush_metrics()
        with single_metric(Measure.REQUESTS, MetricUnit.Count, 1) as metric:
            metric.add_dimension("route", name)
