"""Dossiers of administrative procedures, from the day they are submitted to the last rating."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from infra.city.agencies import DEPARTMENTS, MINISTRY, TWO_TIERS
from infra.city.chance import Weighted, weights
from infra.city.chronicle import Chronicle
from infra.city.clock import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    due,
    local_text,
    opened,
    resumed,
    working_day_before,
)
from infra.city.people import Neighbourhood, Person
from infra.city.procedures import ON_OCCASION, ORDINARY, Procedure

ON_OCCASION_RATE: Final = 0.7
"""Of births, deaths, marriages and moves, as long as there are dossiers to give to them."""
BY_POST: Final = 0.05
"""Of what does not come online."""
ACROSS_BOUNDARIES: Final = 0.15
"""Handed in at the province's centre, though a commune decides (Decree 118/2025/ND-CP)."""
OLD_CODES: Final = 0.10
"""Of the dossiers for departments before July 2025: codes with the agency's old id."""
LONG_CODES: Final = 0.10
REFUSED: Final = 0.03
SUPPLEMENTED: Final = 0.07
SUPPLEMENT_CAME: Final = 0.86
WITHDRAWN: Final = 0.015
STOPPED: Final = 0.01
GOES_ON_AFTER_STOP: Final = 0.5
ASKED_TO_PAY_LATER: Final = 0.35
"""Of dossiers with a fee; the others are paid on acceptance."""
PAID_ONLINE: Final[Mapping[str, float]] = {"online": 0.85, "in-person": 0.3, "post": 0.5}
LATE: Final = 0.035
CORRECTED: Final = 0.004
RATED: Final = 0.25
RATINGS: Final = Weighted([(5, 62), (4, 28), (3, 7), (2, 2), (1, 1)])
SUBMITTED_TWICE: Final = 0.004
TWICE_NOTICED: Final = 0.7

_POSITIONS: Final[Mapping[int, str]] = {
    2: "Cán bộ tiếp nhận",
    3: "Cán bộ tiếp nhận",
    4: "Chuyên viên thụ lý",
    5: "Chuyên viên thụ lý",
    6: "Chuyên viên thụ lý",
    7: "Cán bộ tiếp nhận",
    8: "Chuyên viên thụ lý",
    9: "Lãnh đạo đơn vị",
}
_TEXTS: Final[Mapping[int, str]] = {
    2: "Tiếp nhận, kiểm tra thành phần hồ sơ",
    3: "Hồ sơ không thuộc phạm vi giải quyết",
    4: "Thẩm định hồ sơ",
    5: "Yêu cầu bổ sung giấy tờ còn thiếu",
    6: "Thông báo nghĩa vụ tài chính",
    7: "Người nộp rút hồ sơ",
    8: "Không đủ điều kiện giải quyết",
    9: "Ký kết quả, chuyển bộ phận một cửa",
}
_FIRMS: Final = weights(
    "Công_ty_TNHH:5 Công_ty_cổ_phần:4 Công_ty_TNHH_một_thành_viên:3 Doanh_nghiệp_tư_nhân:1"
)
_FIRM_NAMES: Final = weights(
    "An_Thịnh_Phát:3 Bình_Minh_Xanh:3 Đại_Lộc_Thành:2 Hưng_Thịnh_Mới:3 Sao_Biển:2 Trường_Sinh:2"
    " Vạn_Phúc_Lợi:2 Nam_Hòa_Bình:2 Thiên_Ân_Việt:2 Ánh_Dương_Mới:2"
)


class Dossiers:
    """The dossiers of one neighbourhood, told when what befalls its people is known."""

    def __init__(self, chronicle: Chronicle, neighbourhood: Neighbourhood) -> None:
        self.chronicle, self.chance = chronicle, chronicle.chance
        self.world = chronicle.world
        self.neighbourhood = neighbourhood

    def tell(self) -> None:
        """Says everything about as many dossiers as are due."""
        chance, world = self.chance, self.world
        people = self.neighbourhood.people
        left = world.dossiers.of(len(people))
        for occasion in self.neighbourhood.occasions:
            in_time = occasion.at < world.until - 5 * DAY and occasion.person.alive(occasion.at)
            if left and in_time and chance.happens(ON_OCCASION_RATE):
                procedure = chance.weighted(ON_OCCASION[occasion.what])
                self._dossier(procedure, occasion.person, occasion.at)
                left -= 1
        for _ in range(left):
            procedure = chance.weighted(ORDINARY)
            at = world.loaded + int(chance.random() * (world.until - world.loaded))
            grown = [p for p in people if p.age(world.since) >= 18 and p.alive(at)]
            asks = chance.one_of(grown) if grown and not procedure.business else None
            self._dossier(procedure, asks, at)

    def _dossier(self, procedure: Procedure, person: Person | None, at: int) -> None:
        chance, world = self.chance, self.world
        if chance.happens(procedure.online):
            channel = "online"
        else:
            channel = "post" if chance.happens(BY_POST) else "in-person"
            at = self.chronicle.in_office(at)
            if at > world.until:
                at = working_day_before(at // DAY) * DAY + 9 * HOUR
        at -= at % SECOND
        story = Story(self.chronicle, procedure, channel, at, person, self._home(person, at))
        story.tell()
        if person is not None:
            person.dossiers.append(story.code)

    def _home(self, person: Person | None, at: int) -> str:
        near = person or self.neighbourhood.people[0]
        commune = near.home_at(at)["commune"]
        assert isinstance(commune, str)
        return commune


class Story:
    """What becomes of one dossier; `now` is when something happened to it last."""

    def __init__(
        self,
        chronicle: Chronicle,
        procedure: Procedure,
        channel: str,
        at: int,
        person: Person | None,
        commune: str,
    ) -> None:
        self.chronicle, self.chance, self.world = chronicle, chronicle.chance, chronicle.world
        self.procedure, self.channel, self.person = procedure, channel, person
        self.now = self.submitted = at
        self.commune = commune
        self.steps = 0
        self.due = 0
        self.receiving = self._receiving()
        self.handling = self.receiving
        self.code = self._code()
        self.applicant = self._applicant()

    # Who and where ------------------------------------------------------------------------

    def _receiving(self) -> str:
        """The agency that receives the dossier."""
        agencies = self.world.agencies
        if self.procedure.level == "ministry":
            return MINISTRY
        if self.procedure.level == "department" or self.chance.happens(ACROSS_BOUNDARIES):
            return agencies.centre
        return agencies.office(self.commune, self.now // DAY)

    def _deciding(self, at: int) -> str:
        """The agency that decides on it at an instant."""
        agencies = self.world.agencies
        if self.procedure.level == "department":
            return agencies.departments[self.procedure.unit]
        if self.procedure.level == "ministry":
            return MINISTRY
        return agencies.office(self.commune, at // DAY)

    def _in_force(self, agency: str, at: int) -> str:
        """The agency, or the one that took over from it with the second tier's end."""
        agencies = self.world.agencies
        if at // DAY >= TWO_TIERS and agencies.is_office(agency):
            return agencies.office(self.commune, at // DAY)
        return agency

    def _code(self) -> str:
        chance, day = self.chance, self.submitted // DAY
        agency, long_form = self.receiving, chance.happens(LONG_CODES)
        if self.procedure.level == "department" and day < TWO_TIERS and chance.happens(OLD_CODES):
            agency, long_form = f"000.00.{self.procedure.unit}.{self.world.agencies.centre}", False
        return self.world.identifiers.dossier_code(agency, day, long_form)

    def _applicant(self) -> dict[str, Any]:
        chance, person, identifiers = self.chance, self.person, self.world.identifiers
        if person is not None:
            applicant = {
                "kind": "citizen",
                "name": person.full_name,
                "personal_id": person.id_at(self.now),
            }
            if person.phone:
                applicant["phone"] = person.phone
            return applicant
        if self.procedure.field == "KD01" or self.procedure.level == "commune":
            name = f"Hộ kinh doanh {chance.weighted(_FIRM_NAMES)}"
            return {
                "kind": "household-business", "name": name, "paper_number": identifiers.business()
            }  # fmt: skip
        if chance.happens(0.06):
            kind = "state-body" if chance.happens(0.6) else "other"
            unit = chance.one_of(tuple(DEPARTMENTS))
            return {"kind": kind, "name": f"Đơn vị sự nghiệp số {unit}"}
        name = f"{chance.weighted(_FIRMS)} {chance.weighted(_FIRM_NAMES)}"
        return {"kind": "enterprise", "name": name, "paper_number": identifiers.business()}

    # What happens -------------------------------------------------------------------------

    def tell(self) -> None:
        """Everything from submission on; what lies beyond the city's time is not said."""
        self._submitted()
        if self.chance.happens(SUBMITTED_TWICE):
            self._submitted_twice()
        if not self._accepted():
            return
        self._handed_over()
        ended = self._withdrawn() or self._paid_later() or self._supplemented() or self._stopped()
        if not ended:
            self._completed()
            self._returned()

    def _submitted(self) -> None:
        procedure = self.procedure
        self._say(
            "submitted",
            self.receiving,
            procedure_code=procedure.code,
            procedure_name=procedure.name,
            field_code=procedure.field,
            receiving_agency=self.receiving,
            handling_agency=self.receiving,
            applicant=self.applicant,
            channel=self.channel,
            status=1,
            submitted_at=local_text(self.now),
        )

    def _submitted_twice(self) -> None:
        """A portal that does not find the dossier makes a second one of it, with another code."""
        first, steps, now = self.code, self.steps, self.now
        self.now += 40 * SECOND
        self.code = self._code()
        self._submitted()
        if self.chance.happens(TWICE_NOTICED):
            self._after(0.2, 6)
            annulment = {"reason": "Trùng hồ sơ", "same_as": first}
            self._say("annulled", self.receiving, annulment=annulment)
        self.code, self.steps, self.now = first, steps, now

    def _accepted(self) -> bool:
        chance = self.chance
        if self.channel == "in-person":
            self.now += chance.between(3, 25) * MINUTE
            self.now = max(self.now, self.chronicle.in_office(self.now))
        else:
            self._after(0.05, 1.2)
        if chance.happens(REFUSED):
            self._step("refused", self.receiving, 3)
            return False
        received = self.now
        self.due = due(received, self.procedure.term)
        stated: dict[str, Any] = {
            "received_at": local_text(received),
            "due_at": local_text(self.due),
            "digitised_parts": self.channel == "online" or chance.happens(0.55),
            "reused_data": chance.happens(0.35),
        }
        fee = self.procedure.fee
        if fee and not chance.happens(ASKED_TO_PAY_LATER):
            stated["fee"] = self._fee(paid=True)
        self._step("accepted", self.receiving, 2, **stated)
        return True

    def _fee(self, *, paid: bool) -> dict[str, Any]:
        fee: dict[str, Any] = {"amount": self.procedure.fee, "paid": paid}
        if paid:
            fee["paid_online"] = self.chance.happens(PAID_ONLINE[self.channel])
        self.unpaid = not paid
        return fee

    unpaid = True

    def _handed_over(self) -> None:
        """To the unit that decides: the same working day, or the next one after 15:00."""
        rest = self.now % DAY
        until = 12 * HOUR if rest < 15 * HOUR else 20 * HOUR
        span = max(self.due - self.now, 20 * MINUTE)
        self._go(self.now + min(self.chance.below(until // SECOND) * SECOND, span // 4))
        self._step("progressed", self._deciding(self.now), 4)

    def _withdrawn(self) -> bool:
        if not self.chance.happens(WITHDRAWN):
            return False
        self._part_of_the_term(0.1, 0.7)
        self._step("withdrawn", self._deciding(self.now), 7, finished_at=local_text(self.now))
        return True

    def _paid_later(self) -> bool:
        if not self.procedure.fee or not self.unpaid:
            return False
        self._part_of_the_term(0.1, 0.3)
        asked = self.now
        self._step("fee-requested", self._deciding(asked), 6, fee=self._fee(paid=False))
        self._after(0.05, 3)
        fee = self._fee(paid=True)
        self._say("updated", self._deciding(self.now), fee=fee, due_at=self._resumed(asked))
        self._go(self.now + 10 * MINUTE)
        self._step(
            "progressed", self._deciding(self.now), 4, text="Đã thu phí, tiếp tục giải quyết"
        )
        return False

    def _resumed(self, paused: int) -> str:
        """Puts the due date off by the pause since an instant: states 5, 6 and 8 stop the clock."""
        self.due = resumed(self.due, self.procedure.term, paused, self.now)
        return local_text(self.due)

    def _supplemented(self) -> bool:
        """Asked for once; the term begins anew or goes on after the pause, by procedure."""
        chance = self.chance
        if not chance.happens(SUPPLEMENTED):
            return False
        self._part_of_the_term(0.2, 0.6)
        asked = self.now
        self._step("supplement-requested", self._deciding(asked), 5)
        self._after(1, 15)
        if not chance.happens(SUPPLEMENT_CAME):
            self._after(10, 20)
            what, status = ("withdrawn", 7) if chance.happens(0.5) else ("stopped", 8)
            self._step(what, self._deciding(self.now), status)
            return True
        if self.procedure.supplement == "restart":
            self.due = due(self.now, self.procedure.term)
            due_at = local_text(self.due)
        else:
            due_at = self._resumed(asked)
        self._step(
            "supplement-received",
            self._deciding(self.now),
            4,
            text="Đã nhận giấy tờ bổ sung",
            due_at=due_at,
        )
        return False

    def _stopped(self) -> bool:
        if not self.chance.happens(STOPPED):
            return False
        self._part_of_the_term(0.3, 0.8)
        stopped = self.now
        self._step("stopped", self._deciding(stopped), 8)
        if not self.chance.happens(GOES_ON_AFTER_STOP):
            return True
        self._after(1, 5)
        self._step(
            "progressed",
            self._deciding(self.now),
            4,
            text="Tiếp tục giải quyết",
            due_at=self._resumed(stopped),
        )
        return False

    def _completed(self) -> None:
        chance = self.chance
        if chance.happens(LATE):
            self.now = max(self.now, self.due)
            self._after(0.3, 12)
        else:
            self._part_of_the_term(0.45, 1.0)
        digitised = chance.happens(0.72)
        self._finished(digitised)
        if chance.happens(CORRECTED):
            self._after(0.1, 2)
            self._step("progressed", self._deciding(self.now), 4, text="Đính chính kết quả")
            self._after(0.1, 2)
            self._finished(digitised)

    def _finished(self, digitised: bool) -> None:
        self._step(
            "completed",
            self._deciding(self.now),
            9,
            finished_at=local_text(self.now),
            digitised_result=digitised,
        )

    def _returned(self) -> None:
        if self.channel == "online":
            self._after(0.01, 0.4)
        else:
            self._after(0.05, 5)
        self._say(
            "returned", self.receiving, status=10, returned_at=local_text(self.now),
        )  # fmt: skip
        if self.chance.happens(RATED):
            self.now = self.chronicle.soon(self.now, 0.02, 6)
            self.now -= self.now % SECOND
            self._say("rated", self.receiving, satisfaction=self.chance.weighted(RATINGS))

    # How it is said -----------------------------------------------------------------------

    def _go(self, at: int) -> None:
        """To an instant in office hours, a minute later at least."""
        at = max(at, self.now + MINUTE)
        if opened(at) != at:
            at = self.chronicle.in_office(at)
        self.now = at - at % SECOND

    def _after(self, least: float, most: float) -> None:
        self._go(self.chronicle.soon(self.now, least, most))

    def _part_of_the_term(self, least: float, most: float) -> None:
        """Into what is left of the term, so that the whole of it is not exceeded."""
        part = least + self.chance.random() * (most - least)
        left = self.due - self.now
        before = self.now
        self._go(self.now + int(left * part))
        if before + MINUTE < self.due < self.now:
            self.now = self.due - min(5 * MINUTE, (self.due - before) // 2 // SECOND * SECOND)

    def _step(self, what: str, agency: str, status: int, *, text: str = "", **stated: Any) -> None:
        agency = self._in_force(agency, self.now)
        self.steps += 1
        step = {
            "id": str(self.steps),
            "at": local_text(self.now),
            "status": status,
            "handler": self.world.handler(agency, self.steps),
            "position": _POSITIONS[status],
            "text": text or _TEXTS[status],
        }
        self._say(what, agency, status=status, step=step, **stated)

    def _say(self, what: str, agency: str, **stated: Any) -> None:
        agency = self._in_force(agency, self.now)
        if agency != self.handling and what in ("progressed", "completed"):
            self.handling = agency
            stated["handling_agency"] = agency
        self.chronicle.say(self.now, agency, f"dossier.{what}", self.code, **stated)
