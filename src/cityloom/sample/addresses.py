"""Chinese addresses, in the style of each department that writes them."""

from typing import Final

import numpy as np

from cityloom.sample import facts
from cityloom.sample.draws import Ints, scramble
from cityloom.sample.geography import Ground
from cityloom.sample.text import Strings, constant, digits, either, join, take

_STREET_FIRST: Final = (
    "福深红莲香景梅龙华宝新笋翠春桂百振爱怡布金银民建和兴松南北彩侨海创科丽沙"
    "兰富泰祥凤梧玉东观永石清文"
)
_STREET_SECOND: Final = (
    "田荔花蜜湖岭城安沙园风竹华国强富乐龙民设平业岗山环云发景贤康宁滨荣辉明光坪溪桥泉洲和苑塘盛秀"
)
_STREET_KINDS: Final = {True: ("路", "大道", "东路"), False: ("街", "一路", "二路")}
_ESTATE_FIRST: Final = "金翠碧华景雅怡锦星海阳御龙凤中鸿嘉丽福荣天山半岛香百合水东润汇"
_ESTATE_SECOND: Final = "湖茵桂润园庭景绣河岸光锦悦凰信怡基佳泉馨泰健玺语城蜜花榭方峰港"
_ESTATE_KINDS: Final = (
    "花园",
    "苑",
    "雅居",
    "豪庭",
    "名苑",
    "公馆",
    "新村",
    "家园",
    "华府",
    "大院",
)
_VILLAGE_FIRST: Final = "上下新沙石南水田白黄草坂岗塘西大"
_VILLAGE_SECOND: Final = "围塘坑岭沙屋背头厦尾田心坪浪下排"
_WORK_KINDS: Final = ("工业园", "大厦", "广场", "服务中心")

PUBLIC_SECURITY: Final = "city district subdistrict street number building room"
EDUCATION: Final = "district subdistrict building room"
HEALTH_INSURANCE: Final = "city district street number building room 室"
HOUSING: Final = "district subdistrict street number building room 房"
MARKET_SUPERVISION: Final = "city district subdistrict street number building room 室"
LAND_REGISTRY: Final = "city district street building room 号"


def street_names(ground: Ground) -> Strings:
    """The name of every street; no two are the same."""
    count = len(ground.streets.number)
    pairs = len(_STREET_FIRST) * len(_STREET_SECOND)
    turn = np.arange(count)
    pair = scramble(turn, pairs, 1009)
    kind = turn // pairs
    names = join(
        take(list(_STREET_FIRST), pair % len(_STREET_FIRST)),
        take(list(_STREET_SECOND), pair // len(_STREET_FIRST)),
    )
    eastward = take(_STREET_KINDS[True], kind)
    northward = take(_STREET_KINDS[False], kind)
    return join(names, either(ground.streets.eastward, eastward, northward))


def building_codes(ground: Ground, buildings: Ints) -> Strings:
    """Building codes: the subdistrict's nine digits and six of the building."""
    subdistrict = take([place.code for place in ground.places],
                       ground.buildings.subdistrict[buildings])  # fmt: skip
    return join(subdistrict, digits(ground.buildings.number[buildings], 6))


def building_names(ground: Ground, buildings: Ints) -> Strings:
    """What people call each building: 翠湖花园3栋, 上围村2巷7号, 金茵大厦B座."""
    built = ground.buildings
    use, turn, block = built.use[buildings], built.estate_number[buildings], built.block[buildings]
    pairs = len(_ESTATE_FIRST) * len(_ESTATE_SECOND)
    pair = scramble(block * 7 + use, pairs, 613)
    stem = join(
        take(list(_ESTATE_FIRST), pair % len(_ESTATE_FIRST)),
        take(list(_ESTATE_SECOND), pair // len(_ESTATE_FIRST)),
    )
    villages = len(_VILLAGE_FIRST) * len(_VILLAGE_SECOND)
    village = scramble(block, villages, 101)
    written = digits(turn)
    estate = join(stem, take(_ESTATE_KINDS, block % len(_ESTATE_KINDS)), written, "栋")
    hamlet = join(
        take(list(_VILLAGE_FIRST), village % len(_VILLAGE_FIRST)),
        take(list(_VILLAGE_SECOND), village // len(_VILLAGE_FIRST)),
        "村",
        digits((turn + 3) // 4),
        "巷",
        written,
        "号",
    )
    work = join(
        stem,
        take(_WORK_KINDS, np.maximum(use - 2, 0)),
        take(list("ABCDEFGHJ"), np.minimum(turn, 9) - 1),
        "座",
    )
    return either(use == 0, estate, either(use == 1, hamlet, work))


def building_addresses(ground: Ground, buildings: Ints, style: str) -> Strings:
    """The part of a department's address that all rooms of a building share."""
    parts = [part for part in style.split() if part not in ("room", "室", "房", "号")]
    return join(*(_part(ground, buildings, part) for part in parts))


def room_suffix(style: str) -> str:
    """What a department writes after the room number."""
    last = style.rsplit(maxsplit=1)[-1]
    return "" if last == "room" else last


def shortened(address: str, pick: int) -> str:
    """The address as people shorten it: without the city, or without the word for subdistrict."""
    without_city = address.removeprefix(facts.CITY_NAME)
    if without_city != address and pick % 2:
        return without_city
    return address.replace("街道", "", 1)


def restyled(address: str, pick: int) -> str:
    """The address with full-width digits, with hyphens, or with 幢 for 栋."""
    match pick % 3:
        case 0:
            return address.translate(_FULL_WIDTH)
        case 1:
            return address.replace("栋", "-", 1)
        case _:
            return address.replace("栋", "幢", 1)


_FULL_WIDTH: Final = str.maketrans("0123456789", "０１２３４５６７８９")


def _part(ground: Ground, buildings: Ints, part: str) -> Strings:
    built = ground.buildings
    subdistrict = built.subdistrict[buildings]
    match part:
        case "city":
            return constant(facts.CITY_NAME, len(buildings))
        case "district":
            district = np.array([place.district for place in ground.places])[subdistrict]
            return take([district.name for district in facts.DISTRICTS], district)
        case "subdistrict":
            return take([f"{place.name}街道" for place in ground.places], subdistrict)
        case "street":
            return take(street_names(ground), built.street[buildings])
        case "number":
            return join(digits(built.house_number[buildings]), "号")
        case "building":
            return building_names(ground, buildings)
        case _:
            raise ValueError(f"an address has no part {part!r}")
