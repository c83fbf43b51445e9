"""Companies and individual businesses, with the people who answer for them."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from cityloom.sample import facts
from cityloom.sample.draws import Days, Ints, choose, one_of
from cityloom.sample.identifiers import credit_codes
from cityloom.sample.people import AS_OF, People
from cityloom.sample.text import Strings, either, join, take

KINDS: Final = ("有限责任公司", "股份有限公司", "个人独资企业", "合伙企业", "个体工商户")
_KIND_SHARES: Final = np.array([0.55, 0.02, 0.015, 0.025, 0.39])
INDIVIDUAL: Final = 4
STATES: Final = ("存续", "注销", "吊销", "迁出")
_STATE_SHARES: Final = np.array([0.83, 0.12, 0.03, 0.02])
LAST_OPENING: Final = AS_OF + 180
_FIRST_OPENING: Final = 8400

_BRAND: Final = (
    "鼎盛华创智汇嘉瑞恒信通达宏远博泰和顺丰源润泽联科安诚明德新锐星辰海纳百川"
    "立优品尚美佳益康利民众合力天宇龙腾飞翔云峰"
)
_TRADES: Final = {
    "A": "农业 园林", "B": "矿业", "C": "电子 精密制造 塑胶制品 五金制品 光电 包装材料 服饰 模具",
    "D": "新能源", "E": "建筑工程 装饰工程 机电安装", "F": "贸易 商贸 进出口 电子商务 供应链",
    "G": "物流 货运代理 国际货运",
    "H": "餐饮管理 酒店管理", "I": "科技 信息技术 软件 网络科技 数据",
    "J": "投资 资产管理", "K": "地产 物业管理 置业", "L": "企业管理 咨询 广告 人力资源 商务服务",
    "M": "技术开发 检测技术 工程设计 生物科技", "N": "环保科技", "O": "家政服务 汽车服务",
    "P": "教育咨询 文化教育", "Q": "健康管理", "R": "文化传播 影视传媒 体育", "S": "社会服务",
    "T": "国际交流",
}  # fmt: skip
_SHOPS: Final = {
    "C": "五金加工店 制衣坊", "E": "装修店",
    "F": "便利店 服装店 百货商行 水果店 五金店 手机店 茶叶店",
    "G": "货运部", "H": "小吃店 餐厅 茶餐厅 奶茶店 烧烤店", "L": "打印店 图文店",
    "O": "理发店 洗衣店 汽车美容店 家电维修店", "R": "棋牌室 书店",
}  # fmt: skip
_FORMS: Final = ("有限公司", "股份有限公司", "工作室", "合伙企业（有限合伙）", "")
_SCOPES: Final = {
    "C": "电子产品、五金制品的生产与销售", "F": "日用百货、服装鞋帽、电子产品的销售；国内贸易",
    "H": "餐饮服务；预包装食品销售", "I": "软件开发；计算机系统集成；\"云平台\"运营",
    "L": "一般项目：企业管理咨询\n许可项目：展览展示策划|会议服务", "G": "国内货运代理；仓储服务",
}  # fmt: skip
_OTHER_SCOPE: Final = "按批准的项目经营"


@dataclass(frozen=True)
class Companies:
    """The companies of one neighbourhood; positions count in it, capital is in 10,000 yuan."""

    first_id: int
    name: Strings
    code: Strings
    kind: Ints
    industry: Ints
    founded: Days
    state: Ints
    ended: Days
    capital: Ints
    property: Ints
    representative: Ints

    def __len__(self) -> int:
        return len(self.kind)


def found(
    rng: np.random.Generator,
    *,
    count: int,
    first_id: int,
    premises: Ints,
    premises_district: Ints,
    people: People,
) -> Companies:
    """`count` companies in some of the `premises`, answered for by some of the people."""
    kind = choose(rng, _KIND_SHARES, count)
    industry = _industries(rng, kind)
    place = one_of(rng, len(premises), count)
    founded = LAST_OPENING - (rng.gamma(1.4, 1500, count)).astype(np.int64)
    founded = founded.clip(_FIRST_OPENING, LAST_OPENING)
    state = choose(rng, _STATE_SHARES, count)
    state[founded > AS_OF - 200] = 0
    lived = rng.random(count) * (LAST_OPENING - founded)
    adults = np.flatnonzero((people.age >= 20) & (people.age < 70))
    district = premises_district[place]
    return Companies(
        first_id=first_id,
        name=_names(rng, kind, industry, district),
        code=credit_codes(first_id + np.arange(count), district, kind == INDIVIDUAL),
        kind=kind,
        industry=industry,
        founded=founded,
        state=state,
        ended=np.where(state > 0, founded + 1 + lived.astype(np.int64), -1),
        capital=_capital(rng, kind),
        property=premises[place],
        representative=adults[one_of(rng, len(adults), count)],
    )


def scopes(industry: Ints) -> Strings:
    """What companies of an industry say they do; some hold quotes, commas and line breaks."""
    texts = [_SCOPES.get(section, _OTHER_SCOPE) for section, _, _ in facts.INDUSTRIES]
    return take(texts, industry)


def _industries(rng: np.random.Generator, kind: Ints) -> Ints:
    shares = np.array([share for _, _, share in facts.INDUSTRIES])
    sections = [section for section, _, _ in facts.INDUSTRIES]
    shop_shares = np.where([section in _SHOPS for section in sections], shares, 0.0)
    shop = choose(rng, shop_shares, len(kind))
    return np.where(kind == INDIVIDUAL, shop, choose(rng, shares, len(kind)))


def _names(rng: np.random.Generator, kind: Ints, industry: Ints, district: Ints) -> Strings:
    count = len(kind)
    letters = [take(list(_BRAND), one_of(rng, len(_BRAND), count)) for _ in range(3)]
    brand = join(letters[0], letters[1], either(rng.random(count) < 0.45, letters[2], ""))
    trade = _words(rng, _TRADES, industry)
    shop = _words(rng, _SHOPS, industry)
    company = join(facts.CITY_NAME, brand, trade, take(_FORMS, kind))
    where = take([district.name for district in facts.DISTRICTS], district)
    return either(kind == INDIVIDUAL, join(facts.CITY_NAME, where, brand, shop), company)


def _words(rng: np.random.Generator, table: dict[str, str], industry: Ints) -> Strings:
    """A word of each industry's list."""
    lists = [table.get(section, "商行").split() for section, _, _ in facts.INDUSTRIES]
    sizes = np.array([len(words) for words in lists])
    starts = np.cumsum(sizes) - sizes
    pick = (rng.random(len(industry)) * sizes[industry]).astype(np.int64)
    return take([word for words in lists for word in words], starts[industry] + pick)


def _capital(rng: np.random.Generator, kind: Ints) -> Ints:
    steps = np.array([10, 50, 100, 200, 500, 1000, 3000, 10_000])
    drawn = steps[choose(rng, np.array([22, 20, 24, 9, 12, 9, 3, 1.0]), len(kind))]
    return np.where(kind == INDIVIDUAL, np.maximum(drawn // 20, 1), drawn)
