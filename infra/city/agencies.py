"""Who speaks in the city: agencies of every kind, as registry events.

Where the reference registry (`infra/reference/registry.ndjson`) has an agency, its events are
taken as they stand there, byte for byte, so that a city and the reference never contradict each
other and either may be sent first.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from infra.city.clock import Clock, day
from infra.city.places import Province

REFERENCE: Final = Path(__file__).parents[1] / "reference/registry.ndjson"

POPULATION: Final = "G01"
JUSTICE: Final = "G03"
SOCIAL_INSURANCE: Final = "G24"
MINISTRY: Final = "G17"
SCANNING_COMPANY: Final = "Z010099999999"
CENTRAL: Final = (POPULATION, JUSTICE, SOCIAL_INSURANCE, SCANNING_COMPANY)

DEPARTMENTS: Final[Mapping[str, str]] = {
    "02": "Sở Tư pháp",
    "03": "Sở Tài chính",
    "04": "Sở Công Thương",
    "05": "Sở Nông nghiệp và Môi trường",
    "06": "Sở Y tế",
    "07": "Sở Xây dựng",
    "08": "Sở Giáo dục và Đào tạo",
    "12": "Sở Nội vụ",
    "14": "Sở Văn hóa, Thể thao và Du lịch",
}
"""Unit numbers are invented; 07 and 12 are the reference registry's."""
FACILITIES: Final = 20

TWO_TIERS: Final = day("2025-07-01")
"""Resolution 202/2025/QH15 and the Law on Local Government: no districts from this day on."""
FIRST_DAY: Final = "2000-01-01"

CLOCKS: Final[Mapping[str, Clock]] = {
    POPULATION: "microseconds",
    JUSTICE: "seconds",
    SOCIAL_INSURANCE: "milliseconds",
}
"""The others' clocks have whole seconds. Sources with such clocks number what they say."""


@dataclass(frozen=True, slots=True)
class Period:
    """As in the registry; days, both included."""

    kind: str
    publishes: tuple[str, ...]
    since: int
    until: int | None


@dataclass(frozen=True, slots=True)
class RegistryEvent:
    """One event of the registry: its line, and the record it speaks of."""

    line: bytes
    agency: str
    fields: Mapping[str, Any]


class Agencies:
    """The agencies of a province."""

    def __init__(self, province: Province) -> None:
        self._province = province
        self.centre = province.agency
        self.events = tuple(self._events())
        self.records: dict[str, dict[str, Any]] = {}
        for event in self.events:
            self.records.setdefault(event.agency, {}).update(event.fields)
        self._periods = {
            agency: tuple(
                Period(
                    period["kind"],
                    tuple(period["publishes"]),
                    day(period["from"]),
                    day(period["to"]) if "to" in period else None,
                )
                for period in fields["periods"]
            )
            for agency, fields in self.records.items()
        }
        self.departments = {n: f"{self.centre}.{n}" for n in DEPARTMENTS}
        self.facilities = tuple(f"{self.centre}.{911 + n}" for n in range(FACILITIES))
        self._district_office = {
            code: f"{self.centre}.{401 + n}" for n, code in enumerate(sorted(province.districts))
        }
        self._office = {
            commune.code: (
                self._district_office[commune.district],
                f"{self.centre}.{1001 + n}",
            )
            for n, commune in enumerate(province.communes)
        }

    def period(self, agency: str, on: int) -> Period | None:
        """The agency's period in force on a day; None also for an agency that is unknown."""
        for period in self._periods.get(agency, ()):
            if period.since <= on and (period.until is None or on <= period.until):
                return period
        return None

    def office(self, commune: str, on: int) -> str:
        """The one-stop shop for a commune: the district's, from 1 July 2025 its own."""
        return self._office[commune][on >= TWO_TIERS]

    def clock(self, agency: str) -> Clock:
        """How fine the agency's clock is."""
        return CLOCKS.get(agency, "seconds")

    def is_office(self, agency: str) -> bool:
        """Whether it is a one-stop shop of a district or a commune."""
        return agency != self.centre and any(p.kind == "one-stop" for p in self._periods[agency])

    # The registry -----------------------------------------------------------------------

    def _events(self) -> Iterator[RegistryEvent]:
        known = set()
        for line in REFERENCE.read_bytes().splitlines():
            event = json.loads(line)
            agency = event["subject"]
            if agency in CENTRAL or f"{agency}.".startswith(f"{self._province.agency}."):
                known.add(agency)
                yield RegistryEvent(line, agency, event["data"])
        for event in self._own():
            if event.agency not in known:
                yield event

    def _own(self) -> Iterator[RegistryEvent]:
        centre, short = self._province.agency, self._province.short
        offices = {"kind": "one-stop", "publishes": ["dossier", "person"]}
        yield _registered(
            MINISTRY,
            "Bộ Xây dựng: hệ thống thông tin giải quyết thủ tục hành chính",
            periods=[{"kind": "ministry", "publishes": ["dossier"], "from": FIRST_DAY}],
        )
        yield _registered(
            centre,
            f"{short}: trung tâm phục vụ hành chính công",
            periods=[{**offices, "from": FIRST_DAY}],
            aliases=[f"000.00.00.{centre}"],
        )
        for number, name in DEPARTMENTS.items():
            yield _registered(
                f"{centre}.{number}",
                f"{short}: {name}",
                periods=[{"kind": "department", "publishes": ["dossier"], "from": FIRST_DAY}],
                parent=centre,
                aliases=[f"000.00.{number}.{centre}"],
            )
        for n in range(FACILITIES):
            yield _registered(
                f"{centre}.{911 + n}",
                f"{short}: cơ sở khám bệnh, chữa bệnh số {n + 1}",
                periods=[{"kind": "facility", "publishes": ["insurance-card"], "from": FIRST_DAY}],
                parent=centre,
            )
        districts = sorted(self._province.districts)
        for n, code in enumerate(districts):
            agency = f"{centre}.{401 + n}"
            yield _registered(
                agency,
                f"{short}: bộ phận một cửa {self._province.districts[code].lower()} cũ",
                periods=[{**offices, "from": FIRST_DAY}],
                parent=centre,
            )
            yield _event(
                agency,
                "agency.changed",
                2,
                "2025-06-30T17:00:00+07:00",
                {"periods": [{**offices, "from": FIRST_DAY, "to": "2025-06-30"}]},
            )
        for n, commune in enumerate(self._province.communes):
            yield _event(
                f"{centre}.{1001 + n}",
                "agency.registered",
                1,
                "2025-06-30T17:05:00+07:00",
                {
                    "name": f"{short}: bộ phận một cửa {commune.name}",
                    "parent": centre,
                    "succeeds": [f"{centre}.{401 + districts.index(commune.district)}"],
                    "periods": [{**offices, "from": "2025-07-01"}],
                },
            )


def _registered(agency: str, name: str, **fields: Any) -> RegistryEvent:
    fields = {"name": name, **fields}
    return _event(agency, "agency.registered", 1, "2025-01-02T08:00:00+07:00", fields)


def _event(
    agency: str, what: str, number: int, time: str, fields: Mapping[str, Any]
) -> RegistryEvent:
    event = {
        "specversion": "1.0",
        "id": f"registry-{agency}-{number}",
        "source": "/agencies/registry",
        "type": f"vn.lienthong.{what}.v1",
        "subject": agency,
        "time": time,
        "sequence": str(number),
        "data": {"agency_id": agency, **fields},
    }
    line = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
    return RegistryEvent(line, agency, {"agency_id": agency, **fields})
