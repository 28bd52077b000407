"""Whose fault it is, and what to do.

LienThongError
|-- Rejected      the sender's: the message goes to quarantine with its reasons
|-- Retry         ours or AWS's, passing: the item fails and comes back
|   `-- Conflict  somebody wrote the record first: load it again and merge again
`-- Defect        a bug or a broken stack: be loud, nothing is acknowledged
"""

from __future__ import annotations


class LienThongError(Exception):
    """The root of every error this service raises on purpose."""


class Rejected(LienThongError):
    """The sender's message cannot be taken as it is."""


class Retry(LienThongError):
    """A passing failure; the same work may be tried again."""


class Conflict(Retry):
    """Another writer was first; the records must be loaded again."""


class Defect(LienThongError):
    """A bug, or a stack that is not as the template says; trying again does not help."""
