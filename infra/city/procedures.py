"""Administrative procedures: codes in the national form, invented, with generic names and terms.

Terms, fees and shares are plausible, not any law's. What `supplement` does to the term is the
choice that practice knows (Decree 61/2018, article 19.4): begin anew, or go on after a pause.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from infra.city.chance import Weighted
from infra.city.clock import Term, Unit

Level = Literal["commune", "department", "ministry"]
Occasion = Literal["birth", "death", "marriage", "move"]


@dataclass(frozen=True, slots=True)
class Procedure:
    """A procedure: who decides it, how long it may take, what it costs.

    `unit` is the department's number, `online` the share of dossiers that come online.
    """

    code: str
    name: str
    field: str
    level: Level
    unit: str
    term: Term
    fee: int
    online: float
    weight: int
    supplement: Literal["restart", "pause"]
    business: bool
    occasion: Occasion | None


_UNITS: Final[Mapping[str, Unit]] = {"h": "hours", "w": "working-days", "d": "days"}
_LEVELS: Final[Mapping[str, Level]] = {"c": "commune", "m": "ministry"}
OCCASIONS: Final[tuple[Occasion, ...]] = ("birth", "death", "marriage", "move")

# code, field, level (c commune, m ministry, or the department), term (h hours, w working days,
# d days), fee in thousands of đồng, online share in per cent, weight, supplement (r restart,
# p pause), who asks (c citizen, b business), occasion or -, name
_TABLE: Final = """
900101 HT01 c  8h    0 80 40 p c birth    Đăng ký khai sinh
900102 HT01 c  8h    0 40 16 p c death    Đăng ký khai tử
900103 HT01 c 24h    0 55 14 p c marriage Đăng ký kết hôn
900104 HT01 c  2w    8 70 20 p c -        Cấp bản sao trích lục hộ tịch
900105 HT01 c  3w   15 60 14 p c -        Cấp giấy xác nhận tình trạng hôn nhân
900106 HT01 c  3w    0 45  8 p c -        Thay đổi, cải chính, bổ sung thông tin hộ tịch
900107 CT01 c  8h    8 30 60 p c -        Chứng thực bản sao từ bản chính
900108 CT01 c  8h   10 10 20 p c -        Chứng thực chữ ký trong giấy tờ, văn bản
900109 CT01 c  2w   50 10 10 p c -        Chứng thực hợp đồng, giao dịch
900110 CU01 c  7w   15 85 24 p c move     Đăng ký thường trú
900111 CU01 c  3w   10 85 26 p c -        Đăng ký tạm trú
900112 CU01 c  1w    0 90 10 p c -        Xác nhận thông tin về cư trú
900113 DD01 c 15w   50 35 18 r c -        Đăng ký biến động quyền sử dụng đất
900114 DD01 c 20w  100 30 14 r c -        Cấp giấy chứng nhận quyền sử dụng đất lần đầu
900115 DD01 c 12w   50 30  8 r c -        Tách thửa, hợp thửa đất
900116 XD02 c 15w   75 45 10 r c -        Cấp giấy phép xây dựng nhà ở riêng lẻ
900117 KD01 c  3w  100 75 12 p b -        Đăng ký thành lập hộ kinh doanh
900118 KD01 c  3w   50 75  6 p b -        Thay đổi nội dung đăng ký hộ kinh doanh
900119 BT01 c 10w    0 50 10 r c -        Trợ cấp xã hội hằng tháng
900120 BT01 c  5w    0 45  6 p c death    Hỗ trợ chi phí mai táng
900121 NC01 c 12w    0 40  5 r c -        Xác nhận người hưởng chính sách ưu đãi
900122 GD01 c  5w    0 70  6 p c -        Chuyển trường đối với học sinh
900123 VH01 c 10d  500 60  3 r b -        Cấp giấy phép kinh doanh dịch vụ văn hóa
900201 LT01 02 10w 200 85 16 p c -        Cấp phiếu lý lịch tư pháp
900202 LT01 02  7w   0 40  3 r c -        Đăng ký hành nghề công chứng
900203 DN01 03  3w 100 95 16 p b -        Đăng ký thành lập doanh nghiệp
900204 DN01 03  3w  50 95 10 p b -        Thay đổi nội dung đăng ký doanh nghiệp
900205 CT02 04  7w   0 80  5 p b -        Đăng ký hoạt động khuyến mại
900206 CT02 04 10w 600 60  4 r b -        Cấp giấy phép kinh doanh có điều kiện
900207 MT01 05 30d   0 45  4 r b -        Thẩm định hồ sơ môi trường
900208 DD02 05 20w 150 35  8 r c -        Đăng ký đất đai của tổ chức, cá nhân
900209 YT01 06 20d 360 55  4 r c -        Cấp giấy phép hành nghề khám bệnh, chữa bệnh
900210 YT01 06 20w 700 50  3 r b -        Cấp giấy chứng nhận đủ điều kiện an toàn thực phẩm
900211 XD02 07 20w 150 45  6 r b -        Cấp giấy phép xây dựng công trình
900212 GT01 07  5w 135 75 14 p c -        Đổi giấy phép lái xe
900213 GT01 07  3w  35 60  6 p b -        Cấp phù hiệu cho xe vận tải
900214 GD02 08 15w   0 50  3 r b -        Cho phép hoạt động giáo dục
900215 VH02 14  5w   0 60  3 p b -        Cấp giấy phép tổ chức biểu diễn
900216 NV01 12 15w   0 40  3 r c -        Giải quyết chế độ người có công
900217 LD01 12  5w   0 70  6 p b -        Cấp giấy phép lao động
900301 XD02 m  30d 300 70  2 r b -        Cấp chứng chỉ năng lực hoạt động xây dựng
"""


def _procedure(line: str) -> Procedure:
    code, field, level, term, fee, online, weight, supplement, who, occasion, name = line.split(
        maxsplit=10
    )
    return Procedure(
        code=f"1.{code}",
        name=name,
        field=f"G03-{field}" if field != "XD02" else "G17-XD02",
        level=_LEVELS.get(level, "department"),
        unit=level,
        term=Term(int(term[:-1]), _UNITS[term[-1]]),
        fee=int(fee) * 1000,
        online=int(online) / 100,
        weight=int(weight),
        supplement="restart" if supplement == "r" else "pause",
        business=who == "b",
        occasion=next((o for o in OCCASIONS if o == occasion), None),
    )


PROCEDURES: Final = tuple(map(_procedure, _TABLE.strip().splitlines()))
ORDINARY: Final = Weighted([(p, p.weight) for p in PROCEDURES if p.occasion is None])
ON_OCCASION: Final[Mapping[Occasion, Weighted[Procedure]]] = {
    occasion: Weighted([(p, p.weight) for p in PROCEDURES if p.occasion == occasion])
    for occasion in OCCASIONS
}
