"""Provinces, their real present communes, and addresses in them that do not exist."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from infra.city.chance import Chance, weights

_TABLE: Final = Path(__file__).parent / "data/communes.ndjson"

AGENCY_OF_PROVINCE: Final[Mapping[str, str]] = {
    "01": "H26", "04": "H14", "08": "H60", "11": "H18", "12": "H35", "14": "H52", "15": "H38",
    "19": "H55", "20": "H37", "22": "H49", "24": "H05", "25": "H44", "31": "H24", "33": "H31",
    "37": "H42", "38": "H56", "40": "H41", "42": "H27", "44": "H50", "46": "H57", "48": "H17",
    "51": "H48", "52": "H21", "56": "H32", "66": "H15", "68": "H36", "75": "H19", "79": "H29",
    "80": "H53", "82": "H20", "86": "H61", "91": "H01", "92": "H13", "96": "H12",
}  # fmt: skip
"""Province -> its agency id of level 1 (Decision 20/2020/QD-TTg). What the ids became with the
mergers of 2025 is not published; the one of the province that kept its name stands."""

_NEIGHBOURS: Final = weights(
    "001:6 030:3 031:3 033:3 034:5 035:3 036:5 037:3 038:6 040:6 042:3 025:3 026:3 027:3 024:3"
    " 019:2 048:2 046:2 049:2 051:2 079:5 075:2 092:2 080:2 082:2 066:1 011:1 014:1 020:1 008:1"
)
"""Provinces in which the birth of someone who came from elsewhere was registered, with their
codes of before 2025 (Circular 59/2021/TT-BCA): they stay in a personal id for ever."""
_FIRST_SOUTHERN: Final = 48
"""From Đà Nẵng on."""

_STREETS: Final = (
    "Hoa Sen", "Hoa Sữa", "Bằng Lăng", "Phượng Vĩ", "Hàng Tre", "Đồng Xanh", "Bến Cũ", "Cầu Mới",
    "Chợ Mới", "Giếng Làng", "Đê Trong", "Ao Sen", "Vườn Dâu", "Bờ Hồ", "Gò Me", "Đình Làng",
    "Lò Gạch", "Cây Gạo", "Cây Đa", "Nhà Thờ", "Xóm Chùa", "Ngô Đồng",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Commune:
    """A present commune, and the district it lay in until 30 June 2025."""

    code: str
    name: str
    district: str

    @property
    def urban(self) -> bool:
        """Whether it is a ward."""
        return self.name.startswith("Phường")


@dataclass(frozen=True, slots=True)
class Province:
    """A present province with its communes, and the districts of before by code."""

    code: str
    name: str
    agency: str
    communes: tuple[Commune, ...]
    districts: Mapping[str, str]

    @property
    def short(self) -> str:
        """The name without its kind: Hà Nội."""
        return self.name.removeprefix("Thành phố ").removeprefix("Tỉnh ")

    @property
    def southern(self) -> bool:
        """Whether the south's forms of surnames are usual."""
        return int(self.code) >= _FIRST_SOUTHERN


@cache
def province(code: str) -> Province:
    """The province of a two-digit code (`AGENCY_OF_PROVINCE` has them all)."""
    name, communes, districts = "", [], {}
    for line in _TABLE.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if row["province"] == code:
            name = row["province_name"]
            districts[row["district"]] = row["district_name"]
            communes += [Commune(c, n, row["district"]) for c, n in row["communes"].items()]
    return Province(code, name, AGENCY_OF_PROVINCE[code], tuple(communes), districts)


def address(chance: Chance, commune: Commune) -> str:
    """An address inside the commune; its street is a name that any town might have."""
    if commune.urban:
        street = chance.one_of(_STREETS)
        number = chance.between(1, 240)
        if chance.happens(0.45):
            return f"số {number} ngõ {chance.between(1, 180)} phố {street}"
        return f"số {number} phố {street}"
    if chance.happens(0.3):
        return f"tổ dân phố số {chance.between(1, 14)}"
    return f"thôn {chance.one_of(_STREETS)}, xóm {chance.between(1, 12)}"


def birth_province(chance: Chance, home: Province) -> str:
    """Three digits: where a birth was registered, mostly at home."""
    return f"0{home.code}" if chance.happens(0.72) else chance.weighted(_NEIGHBOURS)
