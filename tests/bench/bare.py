"""The bare lookup: what a good engineer writes from the Powertools documentation.

The event handler validates the body with pydantic, one `get_item` fetches the person, the answer
is JSON; at its best settings as in `baseline`. It promises less than this service: nobody is asked
who they are or why, everything is shown to everybody, no card, no dossier, and no trace of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.metrics import MetricUnit
from botocore.config import Config
from pydantic import BaseModel, ConfigDict, Field

Handler = Callable[[Any, Any], Any]


class LookupRequest(BaseModel):
    """Whose record is wanted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    personal_id: str = Field(pattern="^[0-9]{12}$")


def build(people: str) -> Handler:
    """The handler over a table of people, with everything that lives as long as the function."""
    table = boto3.resource(
        "dynamodb",
        config=Config(
            connect_timeout=2,
            read_timeout=10,
            retries={"mode": "standard"},
            tcp_keepalive=True,
            parameter_validation=False,
        ),
    ).Table(people)
    app = APIGatewayHttpResolver(enable_validation=True)
    logger = Logger()
    metrics = Metrics()

    @app.post("/v1/people/lookups")
    def lookup(wanted: LookupRequest) -> dict[str, Any]:
        item = table.get_item(Key={"personal_id": wanted.personal_id}).get("Item")
        if item is None:
            raise NotFoundError("There is no such person.")
        shown = ("personal_id", "full_name", "date_of_birth", "sex", "residence", "phone")
        return {name: item[name] for name in shown if name in item}

    @logger.inject_lambda_context
    @metrics.log_metrics
    def lambda_handler(event: Any, context: Any) -> Any:
        answer = app.resolve(event, context)
        metrics.add_metric(name="Lookups", unit=MetricUnit.Count, value=1)
        logger.info("A lookup was answered.", extra={"status": answer["statusCode"]})
        return answer

    return lambda_handler
