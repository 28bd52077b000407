"""The identity of a refused message."""

from __future__ import annotations

import hashlib

from functions.shared.core.quarantine import quarantine_id


def test_the_id_covers_queue_body_and_what_is_replayed() -> None:
    assert (
        quarantine_id("population", "é") == hashlib.sha256("population\0é\0".encode()).hexdigest()
    )
    ids = {
        quarantine_id("population", "x"),
        quarantine_id("insurance", "x"),
        quarantine_id("population", "x "),
        quarantine_id("population", "x", "a" * 64),
        quarantine_id("population", "x", "b" * 64),
    }
    assert len(ids) == 5


def test_the_same_message_has_the_same_id() -> None:
    assert quarantine_id("population", "x") == quarantine_id("population", "x", None)


def test_what_is_no_unicode_has_an_id_as_well() -> None:
    assert quarantine_id("population", "\ud800") != quarantine_id("population", "?")
