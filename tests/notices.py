"""What S3 tells of a dropped file, in the form of its documentation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote_plus, unquote_plus

from functions.shared.core.loads import load_id
from tests.builders import SENDER

AT: Final = "2026-11-22T08:00:00.000Z"


def notification(bucket: str, key: str, version: str, etag: str, size: int) -> dict[str, Any]:
    """What S3 tells of a dropped file, in the form of its documentation."""
    return {
        "Records": [
            {
                "eventVersion": "2.1",
                "eventSource": "aws:s3",
                "awsRegion": "ap-southeast-1",
                "eventTime": AT,
                "eventName": "ObjectCreated:Put",
                "userIdentity": {"principalId": f"AWS:{SENDER}:a-session"},
                "s3": {
                    "s3SchemaVersion": "1.0",
                    "bucket": {"name": bucket, "arn": f"arn:aws:s3:::{bucket}"},
                    "object": {
                        "key": quote_plus(key, safe="/"),
                        "size": size,
                        "eTag": etag,
                        "versionId": version,
                        "sequencer": "0055AED6DCD90281E5",
                    },
                },
            }
        ]
    }


def load_of(told: Mapping[str, Any]) -> str:
    """The id of the load that a notification is of."""
    (record,) = told["Records"]
    stored = record["s3"]["object"]
    return load_id(record["s3"]["bucket"]["name"], unquote_plus(stored["key"]), stored["versionId"])
