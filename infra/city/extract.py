"""`python -m infra.city.extract WHEEL`: the communes' table, made anew from its source.

The codes and names are those of the package `vietnamadminunits` (MIT licence, by Tran Ngoc Minh
Hieu), which gathers Decision 19/2025/QD-TTg and the tables before it. The table is kept here and
the package is no dependency: it would bring shapely and numpy for a list of codes, and a city
must have the same bytes whatever version of it is installed.

    pip download --no-deps vietnamadminunits==1.0.4
    python -m infra.city.extract vietnamadminunits-1.0.4-py3-none-any.whl
"""

from __future__ import annotations

import json
import sqlite3
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Final

TABLE: Final = Path(__file__).parent / "data/communes.ndjson"
_DATASET: Final = "vietnamadminunits/data/dataset.db"


def extracted(wheel: Path) -> str:
    """The table's text: a line per district of before 1 July 2025, with its present communes.

    A present commune carries the code of one of the communes that it was made of, so that one's
    district is the district it lay in. Five island districts became special zones as they were.
    """
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(wheel) as archive:
        database = sqlite3.connect(archive.extract(_DATASET, folder))
        try:
            districts = {
                code: (district, name)
                for code, district, name in database.execute(
                    "select wardCode, districtCode, district from admin_units_legacy"
                )
            }
            islands = {
                name: (district, full)
                for name, district, full in database.execute(
                    "select districtShort, districtCode, district from admin_units_legacy"
                )
            }
            communes = database.execute(
                "select provinceCode, province, wardCode, ward, wardShort from admin_units"
                " order by provinceCode, wardCode"
            ).fetchall()
        finally:
            database.close()
    lines: dict[tuple[str, str], dict[str, object]] = {}
    for province, province_name, code, name, short in communes:
        district, district_name = districts.get(code) or islands[short]
        line = lines.setdefault(
            (province, district),
            {
                "province": province,
                "province_name": province_name,
                "district": district,
                "district_name": district_name,
                "communes": {},
            },
        )
        of_district = line["communes"]
        assert isinstance(of_district, dict)
        of_district[code] = name
    return "".join(
        json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n"
        for _, line in sorted(lines.items())
    )


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Name the wheel of vietnamadminunits to read.")
    TABLE.write_text(extracted(Path(sys.argv[1])), encoding="utf-8")
