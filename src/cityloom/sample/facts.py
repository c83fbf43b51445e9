"""Published facts the sample city is modelled on, and our own estimates where none is published.

Population: bulletin of the Seventh National Population Census, Shenzhen Bureau of Statistics,
17 May 2021 (census day 1 November 2020). Areas: Shenzhen statistical yearbook, rounded.
Places: our own reading of a map to a hundredth of a degree. The README lists every source.
"""

from dataclasses import dataclass
from typing import Final

CITY_NAME: Final = "鹏城市"
"""A nickname of Shenzhen: no authority bears it, so no address or company here is a real one."""


@dataclass(frozen=True)
class Subdistrict:
    """A subdistrict: its place, and its weight in its district's population (our estimate)."""

    name: str
    longitude: float
    latitude: float
    weight: int


@dataclass(frozen=True)
class District:
    """A district: residents on census day and land area in km², both as published."""

    name: str
    short_name: str
    residents: int
    area_km2: float
    subdistricts: tuple[Subdistrict, ...]


DISTRICTS: Final = (
    District(
        "罗湖区",
        "罗湖",
        1_143_801,
        78.75,
        (
            Subdistrict("桂园", 114.10, 22.55, 9),
            Subdistrict("黄贝", 114.14, 22.55, 13),
            Subdistrict("东门", 114.12, 22.55, 7),
            Subdistrict("翠竹", 114.13, 22.57, 10),
            Subdistrict("南湖", 114.12, 22.535, 9),
            Subdistrict("笋岗", 114.11, 22.565, 8),
            Subdistrict("东湖", 114.15, 22.58, 7),
            Subdistrict("莲塘", 114.18, 22.565, 10),
            Subdistrict("东晓", 114.13, 22.585, 14),
            Subdistrict("清水河", 114.10, 22.585, 8),
        ),
    ),
    District(
        "福田区",
        "福田",
        1_553_225,
        78.66,
        (
            Subdistrict("南园", 114.09, 22.535, 12),
            Subdistrict("园岭", 114.10, 22.56, 9),
            Subdistrict("福田", 114.07, 22.53, 20),
            Subdistrict("沙头", 114.02, 22.53, 28),
            Subdistrict("香蜜湖", 114.03, 22.55, 14),
            Subdistrict("梅林", 114.05, 22.575, 20),
            Subdistrict("莲花", 114.06, 22.555, 17),
            Subdistrict("华富", 114.08, 22.56, 9),
            Subdistrict("福保", 114.05, 22.52, 10),
            Subdistrict("华强北", 114.09, 22.548, 7),
        ),
    ),
    District(
        "南山区",
        "南山",
        1_795_826,
        187.53,
        (
            Subdistrict("南头", 113.92, 22.545, 24),
            Subdistrict("南山", 113.915, 22.52, 26),
            Subdistrict("沙河", 113.98, 22.54, 16),
            Subdistrict("蛇口", 113.93, 22.485, 10),
            Subdistrict("招商", 113.91, 22.495, 13),
            Subdistrict("粤海", 113.945, 22.525, 22),
            Subdistrict("桃源", 113.985, 22.575, 28),
            Subdistrict("西丽", 113.95, 22.59, 34),
        ),
    ),
    District(
        "盐田区",
        "盐田",
        214_225,
        74.99,
        (
            Subdistrict("梅沙", 114.31, 22.60, 3),
            Subdistrict("盐田", 114.27, 22.59, 9),
            Subdistrict("沙头角", 114.225, 22.557, 4),
            Subdistrict("海山", 114.245, 22.57, 6),
        ),
    ),
    District(
        "宝安区",
        "宝安",
        4_476_554,
        396.61,
        (
            Subdistrict("新安", 113.90, 22.565, 60),
            Subdistrict("西乡", 113.87, 22.58, 72),
            Subdistrict("航城", 113.86, 22.615, 38),
            Subdistrict("福永", 113.82, 22.675, 37),
            Subdistrict("福海", 113.79, 22.69, 45),
            Subdistrict("沙井", 113.80, 22.735, 62),
            Subdistrict("新桥", 113.84, 22.73, 34),
            Subdistrict("松岗", 113.84, 22.77, 44),
            Subdistrict("燕罗", 113.86, 22.805, 21),
            Subdistrict("石岩", 113.93, 22.675, 34),
        ),
    ),
    District(
        "龙岗区",
        "龙岗",
        3_979_037,
        388.22,
        (
            Subdistrict("平湖", 114.13, 22.69, 42),
            Subdistrict("坪地", 114.31, 22.775, 18),
            Subdistrict("南湾", 114.14, 22.625, 36),
            Subdistrict("坂田", 114.07, 22.635, 56),
            Subdistrict("布吉", 114.115, 22.605, 42),
            Subdistrict("龙城", 114.24, 22.72, 60),
            Subdistrict("龙岗", 114.28, 22.735, 36),
            Subdistrict("横岗", 114.21, 22.65, 34),
            Subdistrict("吉华", 114.11, 22.63, 32),
            Subdistrict("宝龙", 114.28, 22.69, 24),
            Subdistrict("园山", 114.22, 22.62, 18),
        ),
    ),
    District(
        "龙华区",
        "龙华",
        2_528_872,
        175.58,
        (
            Subdistrict("观湖", 114.05, 22.70, 35),
            Subdistrict("民治", 114.04, 22.62, 50),
            Subdistrict("龙华", 114.02, 22.655, 55),
            Subdistrict("大浪", 113.99, 22.675, 47),
            Subdistrict("福城", 114.02, 22.72, 36),
            Subdistrict("观澜", 114.07, 22.725, 30),
        ),
    ),
    District(
        "坪山区",
        "坪山",
        551_333,
        166.31,
        (
            Subdistrict("坪山", 114.35, 22.70, 11),
            Subdistrict("马峦", 114.335, 22.66, 10),
            Subdistrict("碧岭", 114.30, 22.66, 7),
            Subdistrict("石井", 114.39, 22.68, 6),
            Subdistrict("坑梓", 114.385, 22.745, 11),
            Subdistrict("龙田", 114.36, 22.735, 10),
        ),
    ),
    District(
        "光明区",
        "光明",
        1_095_289,
        155.45,
        (
            Subdistrict("光明", 113.94, 22.755, 16),
            Subdistrict("公明", 113.89, 22.785, 22),
            Subdistrict("新湖", 113.95, 22.79, 12),
            Subdistrict("凤凰", 113.925, 22.725, 15),
            Subdistrict("玉塘", 113.90, 22.74, 20),
            Subdistrict("马田", 113.88, 22.765, 24),
        ),
    ),
    District(
        "大鹏新区",
        "大鹏",
        156_236,
        295.32,
        (
            Subdistrict("葵涌", 114.42, 22.635, 8),
            Subdistrict("大鹏", 114.48, 22.60, 5),
            Subdistrict("南澳", 114.50, 22.53, 3),
        ),
    ),
)

OUTLINE: Final = (
    (113.77, 22.74), (113.80, 22.78), (113.81, 22.82), (113.85, 22.86), (113.90, 22.83),
    (113.96, 22.83), (114.00, 22.80), (114.02, 22.77), (114.06, 22.77), (114.09, 22.75),
    (114.13, 22.73), (114.17, 22.74), (114.18, 22.77), (114.22, 22.79), (114.26, 22.81),
    (114.33, 22.81), (114.37, 22.78), (114.42, 22.78), (114.44, 22.72), (114.44, 22.68),
    (114.48, 22.67), (114.52, 22.66), (114.54, 22.62), (114.56, 22.57), (114.61, 22.54),
    (114.62, 22.50), (114.56, 22.45), (114.50, 22.45), (114.47, 22.50), (114.46, 22.56),
    (114.42, 22.60), (114.36, 22.60), (114.32, 22.58), (114.28, 22.56), (114.23, 22.54),
    (114.19, 22.55), (114.15, 22.53), (114.11, 22.52), (114.06, 22.50), (114.02, 22.51),
    (113.98, 22.52), (113.95, 22.49), (113.93, 22.47), (113.88, 22.47), (113.88, 22.52),
    (113.85, 22.56), (113.81, 22.62), (113.78, 22.66), (113.76, 22.70),
)  # fmt: skip
"""The city's outline, longitude and latitude, drawn by hand to about a kilometre."""

BOUNDS: Final = (113.7, 22.4, 114.7, 22.9)
"""West, south, east and north of everything in the city, in degrees."""

# Published totals that scale 1 stands for.
PEOPLE: Final = 20_000_000
COMPANIES: Final = 3_600_000
PROPERTIES: Final = 14_000_000
BUILDINGS: Final = 650_000
HOUSEHOLD_RECORDS: Final = 22_890_000

# Census shares.
SHARE_AGED_0_14: Final = 0.1511
SHARE_AGED_60_UP: Final = 0.0536
SHARE_MALE: Final = 0.5504
SHARE_IN_COLLECTIVES: Final = 3_079_366 / 17_560_061
MEAN_FAMILY_HOUSEHOLD: Final = 2.25
MEAN_COLLECTIVE_HOUSEHOLD: Final = 2.90
SHARE_LOCALLY_REGISTERED: Final = 0.334

INDUSTRIES: Final = (
    ("A", "农、林、牧、渔业", 0.003),
    ("B", "采矿业", 0.001),
    ("C", "制造业", 0.115),
    ("D", "电力、热力、燃气及水生产和供应业", 0.002),
    ("E", "建筑业", 0.045),
    ("F", "批发和零售业", 0.400),
    ("G", "交通运输、仓储和邮政业", 0.036),
    ("H", "住宿和餐饮业", 0.075),
    ("I", "信息传输、软件和信息技术服务业", 0.085),
    ("J", "金融业", 0.012),
    ("K", "房地产业", 0.030),
    ("L", "租赁和商务服务业", 0.100),
    ("M", "科学研究和技术服务业", 0.045),
    ("N", "水利、环境和公共设施管理业", 0.003),
    ("O", "居民服务、修理和其他服务业", 0.030),
    ("P", "教育", 0.006),
    ("Q", "卫生和社会工作", 0.002),
    ("R", "文化、体育和娱乐业", 0.009),
    ("S", "公共管理、社会保障和社会组织", 0.0005),
    ("T", "国际组织", 0.0005),
)
"""Sections of the national classification GB/T 4754-2017, and our estimate of their shares."""
