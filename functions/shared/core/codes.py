"""Code lists that only derive warnings: an unknown code is never a reason to refuse."""

from __future__ import annotations

from typing import Final

# fmt: off
BIRTH_REGISTRATION_PROVINCES: Final = frozenset({
    "001", "002", "004", "006", "008", "010", "011", "012", "014", "015", "017", "019", "020",
    "022", "024", "025", "026", "027", "030", "031", "033", "034", "035", "036", "037", "038",
    "040", "042", "044", "045", "046", "048", "049", "051", "052", "054", "056", "058", "060",
    "062", "064", "066", "067", "068", "070", "072", "074", "075", "077", "079", "080", "082",
    "083", "084", "086", "087", "089", "091", "092", "093", "094", "095", "096",
})
# fmt: on
"""The 63 provinces of birth registration in digits 1-3 of a personal id (Circular
59/2021/TT-BCA). They are historical: the reform of 2025 did not rewrite them."""

# fmt: off
INSURANCE_GROUPS: Final = frozenset({
    "DN", "HX", "CH", "NN", "TK", "HC", "XK", "HT", "TB", "NO", "CT", "XB", "TN", "CS", "QN",
    "CA", "CY", "XN", "MS", "CC", "CK", "CB", "KC", "HD", "TE", "BT", "HN", "DT", "DK", "XD",
    "TS", "TC", "TQ", "TV", "TA", "TY", "HG", "LS", "PV", "CN", "HS", "SV", "GB", "GD",
})
# fmt: on
"""Group codes of health-insurance cards (Decision 1351/QD-BHXH and later texts). The list has
grown since; a code that is missing here is kept and warned about."""
