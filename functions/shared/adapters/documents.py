"""The stored form of a ledger entry's documents: the canonical JSON that was hashed.

Plain canonical JSON (its first byte is `[` or `{`), or, where that is shorter, the byte 1 and
raw DEFLATE (RFC 1951) with the preset dictionary below. No number or text is ever rebuilt from
DynamoDB types.
"""

from __future__ import annotations

import zlib
from typing import Any, Final

import orjson

from functions.shared.core.canonical import canonical_of_data
from functions.shared.core.events import Json

_DEFLATED: Final = b"\x01"
_WORTH_TRYING: Final = 320
"""Bytes under which compression does not change the write units an entry costs."""

# Part of the stored form 1: it may never change. A better one would be form 2.
DICTIONARY: Final = (
    '"phone","nationality","ethnicity_code","marital_status_code","old_identity_number",'
    '"identity_card","deceased_on","digital_signature_issued_on","replaces/","step//agencies/'
    'H26.","handler","position","unit","text","due_at","origin","procedure_code",'
    '"procedure_name","field_code","receiving_agency","handling_agency","applicant","citizen",'
    '"kind","name","personal_id","paper_number","channel","in-person","online","post",'
    '"submitted_at","received_at","finished_at","returned_at","fee","amount","paid",'
    '"paid_online","digitised_parts","digitised_result","reused_data","satisfaction",'
    '"five_years_from","primary_facility","card","benefit_level":4,"group_code":"GD",'
    '"number":"GD4","valid_from":"2026-01-01","valid_to":"2026-12-31","status","active",'
    '"suspended","ended","eid",{"activated_at":"2026-","level":2},"household",'
    '{"head_id":"001","relation_code":"","life",{"status":"alive"},"current_residence",'
    '"birth_registration_commune","residence",{"address":"số ngõ đường Phố Thôn Tổ dân phố",'
    '"commune":"00"},{"expires_on":"20","issued_on":"20"},"sex",10,true,null,"female"],'
    '["sex",30,true,null,"male"],["date_of_birth",30,true,null,"19"],["full_name",30,true,'
    'null,"Nguyễn Trần Lê Phạm Hoàng Thị Văn "],["status",10,true,null,{"at":"20","id":"'
    '","digest":"","id":"","sequence":null,"source":"/agencies/G01","time":"2026-01-01T'
    '00:00:00.000000Z","type":"vn.lienthong.insurance-card.issued.v1"}dossier.progressed.v1"}'
    'person.registered.v1"}person.updated.v1"}'
).encode()


# Of all settings the quickest: a document is mostly the dictionary's words, so neither a longer
# search nor codes of its own (which take longer to make than to use) save more than 3 per cent.
_PRIMED: Final = zlib.compressobj(3, zlib.DEFLATED, -12, 4, zlib.Z_FIXED, DICTIONARY)


def pack(document: Json) -> bytes:
    """The stored form of a JSON document."""
    return pack_bytes(canonical_of_data(document))


def pack_bytes(plain: bytes) -> bytes:
    """The stored form of a document that is canonical JSON already."""
    if len(plain) < _WORTH_TRYING:
        return plain
    deflater = _PRIMED.copy()
    deflated = _DEFLATED + deflater.compress(plain) + deflater.flush()
    return deflated if len(deflated) < len(plain) else plain


def unpack(stored: bytes) -> Any:
    """The JSON document of a stored form. Raises ValueError for bytes that are none."""
    return orjson.loads(unpack_bytes(stored))


def unpack_bytes(stored: bytes) -> bytes:
    """The bytes of a stored form's document. Raises ValueError for bytes that are damaged."""
    stored = bytes(stored)
    if stored[:1] != _DEFLATED:
        return stored
    inflater = zlib.decompressobj(-12, zdict=DICTIONARY)
    try:
        return inflater.decompress(stored[1:]) + inflater.flush()
    except zlib.error as error:
        raise ValueError("The stored document is damaged.") from error
