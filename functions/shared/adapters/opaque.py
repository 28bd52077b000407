"""Opaque ids: what stands in a path or a cursor instead of a personal id, and says nothing of it.

AES-SIV (RFC 5297) under a key of the stack's own: deterministic, so that the same record always
has the same id, and authenticated, so that nobody makes one up or changes one. What a text is for
is its associated data: an id of a record is no cursor, a cursor of one question none of another.
Whoever has the key can read every id, so it is kept like any other secret.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from typing import Any, Final

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from functions.shared.core.canonical import canonical
from functions.shared.core.errors import LienThongError
from functions.shared.core.events import Json
from functions.shared.core.kinds import AGENCY, DOSSIER, INSURANCE_CARD, PERSON

KEY_BYTES: Final = 64
LONGEST: Final = 4096
"""Characters of a text that is looked at at all."""
_TAG_BYTES: Final = 16
_FORM: Final = b"lienthong/1"
"""Part of every id that was ever handed out: another form would be another number."""
_CODES: Final = {
    PERSON.name: b"p",
    INSURANCE_CARD.name: b"c",
    DOSSIER.name: b"d",
    AGENCY.name: b"a",
}
_KINDS: Final = {code: kind for kind, code in _CODES.items()}


class NotOpaque(LienThongError):
    """The text is none that this stack made for this."""

    def __init__(self) -> None:
        super().__init__("This is no id or cursor of this service.")


class Opaque:
    """Makes and reads opaque texts: base64url without padding. `key` has 64 bytes."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"The key of opaque ids has {KEY_BYTES} bytes.")
        self._cipher = AESSIV(key)

    def record(self, kind: str, key: str) -> str:
        """The id of a record: the same for the same record, for as long as the key."""
        return self._sealed(_CODES[kind] + key.encode(), b"record")

    def parse_record(self, text: str) -> tuple[str, str]:
        """Kind and key of a record's id. Raises NotOpaque."""
        plain = self._opened(text, b"record")
        return _KINDS[plain[:1]], plain[1:].decode()

    def cursor(self, context: str, value: Json) -> str:
        """A place in the answers of one question; `context` names caller and question."""
        return self._sealed(canonical(value), b"cursor", context.encode())

    def parse_cursor(self, context: str, text: str) -> Any:
        """The place again. Raises NotOpaque, for a cursor of another question as well."""
        return orjson.loads(self._opened(text, b"cursor", context.encode()))

    def entry(self, subject: str, number: int) -> str:
        """The id of an entry of the access log."""
        return self._sealed(canonical([subject, number]), b"entry")

    def parse_entry(self, text: str) -> tuple[str, int]:
        """Subject and number of an entry's id. Raises NotOpaque."""
        subject, number = orjson.loads(self._opened(text, b"entry"))
        return subject, number

    def _sealed(self, plain: bytes, *purpose: bytes) -> str:
        sealed = self._cipher.encrypt(plain, [_FORM, *purpose])
        return urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def _opened(self, text: str, *purpose: bytes) -> bytes:
        if len(text) > LONGEST:
            raise NotOpaque
        try:
            sealed = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
            # base64 reads several texts as the same bytes; only the one that was made counts.
            if len(sealed) <= _TAG_BYTES or urlsafe_b64encode(sealed).rstrip(b"=") != text.encode():
                raise NotOpaque
            return self._cipher.decrypt(sealed, [_FORM, *purpose])
        except (UnicodeEncodeError, NotBase64, InvalidTag):
            raise NotOpaque from None
