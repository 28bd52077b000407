"""Names as they are borne in Vietnam, for people who do not exist.

Surnames have the shares that Lê Trung Hoa published (Họ và tên người Việt Nam, Nhà xuất bản Khoa
học xã hội, 2005): fourteen surnames for nine people in ten. Those beyond them, middle names and
given names are lists of this project with plausible weights, in no way counted from anywhere.
Peoples and their codes follow the list of the National Statistics Office; which of them live in
a province is not followed.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from infra.city.chance import Chance, Weighted, weights

Sex = Literal["male", "female"]

PUBLISHED_SHARES: Final = {
    "Nguyễn": 384, "Trần": 110, "Lê": 95, "Phạm": 71, "Hoàng/Huỳnh": 51, "Phan": 45, "Vũ/Võ": 39,
    "Đặng": 21, "Bùi": 20, "Đỗ": 14, "Hồ": 13, "Ngô": 13, "Dương": 10, "Lý": 5,
}  # fmt: skip
"""Lê Trung Hoa 2005, in tenths of a per cent. Two pairs are one surname each, which the north
writes the first way and the south the second."""

_REST: Final = (
    "Đinh:10 Trịnh:8 Đoàn:8 Mai:8 Trương:12 Lương:7 Cao:6 Đào:6 Hà:5 Tô:3 Tạ:3 Lưu:4 Chu:3 Phùng:3"
    " Lâm:4 Kiều:2 Vương:2 Thái:2 Quách:2 Nghiêm:2 Khuất:1 Ninh:1 Doãn:1 Cù:1 Tống:2 Bạch:1 Từ:1"
    " Hứa:1"
)
_REST_SHARE: Final = 1000 - sum(PUBLISHED_SHARES.values())


def surnames(southern: bool) -> Weighted[str]:
    """The surnames of the Kinh, north or south, in thousandths of a thousandth."""
    rest = [(name, int(weight)) for name, _, weight in (e.partition(":") for e in _REST.split())]
    whole = sum(weight for _, weight in rest)
    table = []
    for name, share in PUBLISHED_SHARES.items():
        first, _, second = name.partition("/")
        usual = (second or first) if southern else first
        other = first if southern else second
        table.append((usual, share * whole * (17 if second else 20)))
        if second:
            table.append((other, share * whole * 3))
    table += [(name, weight * _REST_SHARE * 20) for name, weight in rest]
    return Weighted(table)


_MIDDLE_MALE_OLD: Final = weights(
    "Văn:46 Đức:6 Xuân:6 Hữu:5 Ngọc:4 Đình:5 Quang:4 Công:3 Minh:3 Bá:3 Thanh:3 Quốc:3 Trọng:2"
    " Duy:1 Viết:2 Huy:1 Tiến:1 Thế:2"
)
_MIDDLE_MALE_YOUNG: Final = weights(
    "Văn:14 Đức:8 Minh:10 Quang:6 Hữu:3 Anh:4 Tuấn:4 Xuân:2 Ngọc:4 Công:2 Thanh:3 Hoàng:6 Quốc:4"
    " Đình:3 Gia:8 Thành:3 Duy:4 Trọng:2 Mạnh:2 Việt:3 Hải:2 Nhật:3 Bảo:3 Khánh:2 Tiến:2 Thế:1"
    " Đăng:2 Nguyên:1"
)
_MIDDLE_FEMALE_OLD: Final = weights(
    "Thị:72 Ngọc:4 Thanh:4 Kim:4 Thu:3 Thị_Thanh:2 Thị_Thu:3 Thị_Kim:2 Hồng:2 Bích:2 Minh:1 Xuân:1"
)
_MIDDLE_FEMALE_YOUNG: Final = weights(
    "Thị:18 Ngọc:9 Thanh:5 Thu:5 Minh:6 Phương:6 Hồng:3 Mai:3 Kim:3 Bích:2 Hải:2 Quỳnh:4 Khánh:4"
    " Bảo:4 Diệu:2 Thùy:4 Hoài:2 Như:3 Thị_Thu:3 Thị_Ngọc:2 Thị_Phương:2 Thị_Thúy:1 Cẩm:1 Tường:1"
)
_GIVEN_MALE: Final = weights(
    "Anh:20 Hùng:22 Dũng:22 Tuấn:24 Minh:20 Nam:18 Sơn:20 Long:16 Hải:18 Huy:18 Đức:16 Quân:12"
    " Thắng:18 Cường:18 Trung:16 Hiếu:15 Khánh:8 Bình:14 Phong:12 Việt:10 Tùng:12 Thành:18"
    " Hoàng:12 Kiên:10 Đạt:12 Quang:12 Vinh:10 Hưng:14 Phúc:12 Toàn:10 Khoa:7 Bảo:8 Lâm:8 Thịnh:8"
    " Duy:10 Tâm:7 An:7 Tiến:11 Thái:9 Hòa:9 Quý:5 Thủy:2 Lợi:5 Phương:5 Tài:7 Lộc:6 Nghĩa:7 Sỹ:2"
    " Chiến:6 Dương:7 Mạnh:8 Nhân:5 Khang:6 Tú:7 Trường:7 Bách:3 Hậu:4 Kỳ:2 Luân:3 Ngọc:4 Vũ:5"
)
_GIVEN_FEMALE: Final = weights(
    "Hương:24 Lan:22 Linh:18 Trang:18 Hà:20 Hoa:18 Thảo:16 Mai:16 Ngọc:12 Hằng:16 Nga:16 Thu:10"
    " Phương:16 Huyền:14 Nhung:12 Yến:10 Thúy:12 Vân:14 Anh:16 Dung:14 Hiền:16 Hạnh:13 Loan:10"
    " Oanh:9 Quỳnh:8 My:5 Vy:5 Nhi:6 Thư:7 Châu:5 Chi:8 Ngân:9 Tuyết:9 Hồng:12 Liên:11 Lý:6"
    " Thanh:10 Bích:5 Diệp:4 Hòa:8 Thùy:6 Tâm:8 An:4 Xuân:6 Duyên:6 Giang:6 Khánh:3 Minh:4 Trâm:4"
    " Trinh:3 Uyên:4 Như:3 Thủy:14 Thoa:6 Huệ:8 Luyến:3 Mơ:2 Sen:3 Cúc:4 Hậu:4 Hóa:1"
)

Form = Literal["surname", "given-and-clan", "single-word", "hyphenated"]


class People(NamedTuple):
    """One of the peoples: its code, how its names are made, and of what."""

    code: str
    form: Form
    families: Weighted[str]
    male: Weighted[str]
    female: Weighted[str]


_OF_KINH: Final = (_GIVEN_MALE, _GIVEN_FEMALE)
_HIGHLAND_MALE: Final = weights("Bhăm:3 Blô:3 Dhăm:2 Khăm:2 Wăn:2 Ngăn:2 Thuin:1 Jŭn:2 Nguôt:1")
_HIGHLAND_FEMALE: Final = weights("Bia:3 Blăn:2 Lin:2 Mai:3 Nhi:2 Rôn:1 Yuin:2 Loan:2 Hrê:1")

MINORITIES: Final = Weighted(
    [
        (
            People("02", "surname", weights("Hoàng:5 Nông:6 Lục:2 Ma:3 Bế:2 Hà:2 Vi:1"), *_OF_KINH),
            15,
        ),
        (
            People(
                "03", "surname", weights("Lò:7 Quàng:3 Cà:2 Vi:2 Lường:3 Hà:2 Cầm:2"), *_OF_KINH
            ),
            14,
        ),
        (People("04", "surname", weights("Bùi:6 Đinh:4 Quách:3 Bạch:2 Hà:2"), *_OF_KINH), 18),
        (People("05", "surname", weights("Thạch:4 Sơn:3 Kim:3 Danh:3 Lâm:1"), *_OF_KINH), 8),
        (People("06", "surname", weights("Lâm:3 Trương:2 Lý:3 Quách:1 Mạch:1"), *_OF_KINH), 6),
        (People("07", "surname", weights("Nông:5 Hoàng:4 Lương:3 Triệu:2 Lý:2"), *_OF_KINH), 9),
        (
            People(
                "08",
                "surname",
                weights("Giàng:4 Vàng:4 Thào:3 Sùng:3 Lý:2 Má:1 Hạng:2"),
                weights("A_Páo:3 A_Dơ:2 Seo_Sử:2 A_Lềnh:2 Mí_Vừ:1 A_Chư:2"),
                weights("Thị_Mỷ:3 Thị_Dở:2 Thị_Sua:2 Thị_Pà:2 Thị_Chở:2"),
            ),
            10,
        ),
        (People("09", "surname", weights("Triệu:5 Bàn:4 Đặng:4 Phùng:2 Lý:2"), *_OF_KINH), 8),
        (
            People(
                "11",
                "given-and-clan",
                weights("Niê:5 Mlô:4 Êban:3 Byă:3 Kbuôr:2 Ayŭn:2 Êñuôl:2"),
                _HIGHLAND_MALE,
                _HIGHLAND_FEMALE,
            ),
            5,
        ),
        (
            People(
                "10",
                "hyphenated",
                weights("Rơ_Châm:3 Siu:4 Ksor:4 Kpă:3 Rơ_Lan:2"),
                _HIGHLAND_MALE,
                _HIGHLAND_FEMALE,
            ),
            4,
        ),
        (
            People(
                "12",
                "single-word",
                weights("-:1"),
                weights("Hyưng:2 Ngưh:2 Byưk:1 Klưh:1 Thưl:2 Djưng:1"),
                weights("Hlưn:2 Nhưi:2 Byưm:1 Phưn:1 Hmưi:1"),
            ),
            3,
        ),
    ]
)
"""Peoples other than the Kinh, by how often they appear here."""

KINH: Final = "01"
MINORITY_RATE: Final = 0.04
"""Of families. The census of 2019 counts 14.7 % in the country and far fewer in its cities."""


class Names:
    """Gives names to families and their members."""

    def __init__(self, southern: bool) -> None:
        self._surnames = surnames(southern)

    def people(self, chance: Chance) -> People | None:
        """Which of the peoples a family is of; None for the Kinh."""
        return chance.weighted(MINORITIES) if chance.happens(MINORITY_RATE) else None

    def family(self, chance: Chance, people: People | None) -> str:
        """A surname or clan."""
        return chance.weighted(people.families if people else self._surnames)

    def full(
        self, chance: Chance, people: People | None, family: str, sex: Sex, birth_year: int
    ) -> str:
        """A full name as it stands in a register."""
        if people is None or people.form == "surname":
            given = people or _KINH_GIVEN
            own = chance.weighted(given.male if sex == "male" else given.female)
            if " " in own:
                return f"{family} {own}"
            old = chance.happens(_old_fashion(birth_year))
            if sex == "male":
                middle = chance.weighted(_MIDDLE_MALE_OLD if old else _MIDDLE_MALE_YOUNG)
            else:
                middle = chance.weighted(_MIDDLE_FEMALE_OLD if old else _MIDDLE_FEMALE_YOUNG)
            return f"{family} {own}" if middle == own else f"{family} {middle} {own}"
        own = chance.weighted(people.male if sex == "male" else people.female)
        if people.form == "single-word":
            return own
        if people.form == "hyphenated":
            return f"{'Y' if sex == 'male' else 'H'}-{own} {family}"
        return f"Y {own} {family}" if sex == "male" else f"H'{own} {family}"


_KINH_GIVEN: Final = People(KINH, "surname", weights("-:1"), *_OF_KINH)


def _old_fashion(birth_year: int) -> float:
    """How likely a middle name is one of the older fashion: Văn for men, Thị for women."""
    if birth_year < 1975:
        return 0.95
    if birth_year < 1995:
        return 0.7
    return 0.3 if birth_year < 2005 else 0.1
