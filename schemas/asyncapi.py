"""One AsyncAPI 3.0 document: the four queues, and the messages they take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from schemas.event_types import EVENT_TYPES, QUEUE_OF_KIND, EventType

ASYNCAPI: Final = "3.0.0"
VERSION: Final = "1.0.0"
"""Version of the contract; its major part is the version of the event types."""
SCHEMA_FORMAT: Final = "application/schema+json;version=draft-2020-12"

_OUTPUTS: Final[Mapping[str, str]] = {
    "population": "PopulationQueueUrl",
    "insurance": "InsuranceQueueUrl",
    "dossier": "DossierQueueUrl",
    "registry": "RegistryQueueUrl",
}


def document(samples: Mapping[str, Any]) -> dict[str, Any]:
    """The document; `samples` maps each event type to an event of it."""
    return {
        "asyncapi": ASYNCAPI,
        "id": "urn:lienthong:events",
        "info": {
            "title": "Liên thông: events of the shared records",
            "version": VERSION,
            "description": (
                "Agency systems publish what they know about people, health-insurance cards and"
                " dossiers: one CloudEvents 1.0 event in structured JSON per queue message."
                " Delivery is at least once and in any order; the effect is idempotent. A message"
                " that cannot be taken is kept in quarantine with every reason."
            ),
        },
        "defaultContentType": "application/cloudevents+json",
        "servers": {
            "aws": {
                "host": "sqs.{region}.amazonaws.com",
                "protocol": "sqs",
                "description": "The queues of one province's stack.",
                "variables": {
                    "region": {
                        "default": "ap-southeast-1",
                        "description": "Region of the stack.",
                    }
                },
            }
        },
        "channels": {
            queue: {
                "address": None,
                "title": f"Queue {queue}",
                "description": (
                    f"Takes events of kind {kind}. Its URL is the stack's output"
                    f" {_OUTPUTS[queue]}. The message attribute `sender` is for relays of the"
                    " stack itself."
                ),
                "messages": {
                    row.type: {"$ref": f"#/components/messages/{row.type}"} for row in _types(kind)
                },
            }
            for kind, queue in QUEUE_OF_KIND.items()
        },
        "operations": {
            **{f"send-{queue}": _operation("send", queue, kind) for kind, queue in _queues()},
            **{f"receive-{queue}": _operation("receive", queue, kind) for kind, queue in _queues()},
        },
        "components": {
            "messages": {row.type: _message(row, samples[row.type]) for row in EVENT_TYPES.values()}
        },
    }


def _queues() -> list[tuple[str, str]]:
    return list(QUEUE_OF_KIND.items())


def _types(kind: str) -> list[EventType]:
    return [row for row in EVENT_TYPES.values() if row.kind == kind]


def _operation(action: str, queue: str, kind: str) -> dict[str, Any]:
    who = "An agency publishes" if action == "send" else "The service takes"
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{queue}"},
        "summary": f"{who} events of kind {kind}.",
        "messages": [{"$ref": f"#/channels/{queue}/messages/{row.type}"} for row in _types(kind)],
    }


def _message(row: EventType, sample: Any) -> dict[str, Any]:
    return {
        "name": row.type,
        "title": row.name,
        "summary": row.summary,
        "contentType": "application/cloudevents+json",
        "payload": {
            "schemaFormat": SCHEMA_FORMAT,
            "schema": {"$ref": f"./{row.type}.schema.json"},
        },
        "examples": [{"name": row.name, "payload": sample}],
    }
