"""A manifest of a file of cards as an agency might write it, and its header."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

HEADER: Final = "stt,so_bhxh,ho_ten,ngay_sinh,gioi_tinh,so_the,nhom,muc,tu_ngay,kcb,so,pho,ngay_cap"
ROW: Final = (
    "1,123456789,Đặng Thị Mẫu,01/02/1960,Nữ,DN4011234567890,Doanh nghiệp,4,20260101,1020,5,phố Mẫu,"
    "02/01/2026"
)
CARDS: Final[Mapping[str, Any]] = {
    "format": "csv",
    "note": "Thẻ BHYT cấp trong tháng 1/2026",
    "source": "/agencies/G24",
    "type": "vn.lienthong.insurance-card.issued.v1",
    "id": "bhyt-2026-01-{so_bhxh}",
    "time": {"value": "{ngay_cap}", "forms": ["dd/MM/yyyy"], "zone": "Asia/Ho_Chi_Minh"},
    "columns": {
        "so_bhxh": {"field": "insurance_number", "pad": 10},
        "ho_ten": {"field": "full_name"},
        "ngay_sinh": {"field": "date_of_birth", "dates": ["dd/MM/yyyy", "yyyy"]},
        "gioi_tinh": {"field": "sex", "words": {"Nam": "male", "Nữ": "female"}},
        "so_the": {"field": "card/number"},
        "nhom": {"field": "card/group_code", "words": {"Doanh nghiệp": "DN", "Hộ nghèo": "HN"}},
        "muc": {"field": "card/benefit_level", "whole": True},
        "tu_ngay": {"field": "card/valid_from", "dates": ["yyyyMMdd", "dd/MM/yyyy"]},
        "kcb": {"field": "primary_facility", "pad": 5},
    },
    "composed": {"address": "{so} {pho}"},
    "constants": {"status": "active"},
    "ignore": ["stt"],
    "blank": ["-", "không rõ"],
}


def cards(**changed: Any) -> dict[str, Any]:
    """The manifest with other entries; None takes one away."""
    manifest = {**CARDS, **changed}
    return {name: value for name, value in manifest.items() if value is not None}


def with_column(name: str, **column: Any) -> dict[str, Any]:
    """The manifest with one more column, or another form of one."""
    return cards(columns={**CARDS["columns"], name: column})


def row(**cells: str) -> str:
    """The row with other cells."""
    names = HEADER.split(",")
    values = dict(zip(names, ROW.split(","), strict=True)) | cells
    return ",".join(values[name] for name in names)
