"""Personal names as frequent as people remember them.

The tables are ours. Surnames follow the order of the published list of the hundred most common
surnames (Ministry of Public Security, 2020 report), shaded towards the south; shares are rounded
guesses. Given-name characters follow what is commonly known of each generation's taste, the most
usual first.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import pyarrow as pa

from cityloom.sample.draws import Bools, Floats, Ints, choose
from cityloom.sample.text import Strings, either, join, take

_SURNAMES: Final = (
    (68, "陈 李"), (60, "王 张 黄"), (48, "刘"), (36, "林"), (28, "杨 吴"), (22, "周 赵"),
    (19, "罗 梁 徐 何"), (16, "朱 谢 郑 孙 胡"), (13, "邓 曾 郭 叶"), (11, "许 彭 蔡 马 高"),
    (9, "钟 肖 唐 冯 宋 曹"), (8, "苏 卢 廖 余 温 袁 潘"), (7, "邱 江 吕 蒋 丁 魏 赖 韩"),
    (6, "古 范 田 杜 姚 汪 沈 戴 方 欧阳"), (5, "莫 谭 任 姜 石 邹 熊 金 程 董 崔 于"),
    (4, "夏 傅 白 严 龙 万 段 侯 薛 雷 黎 孔 贺 尹 易 庄 洪 麦"),
    (3, "史 陶 毛 顾 郝 龚 邵 钱 汤 黎 施 翁 柯 游 詹 简 甘 卓 伍 施 童 文 涂 骆"),
    (2, "武 常 康 向 牛 秦 贾 阎 章 倪 殷 左 包 凌 齐 司徒 柳 全 区 冼 幸 植 成 宁 符 辛"),
    (1, "诸葛 上官 司马 关 覃 韦 申 桂 邢 祝 纪 舒 屈 项 时 费 裴 冷 阮 蓝 翟 窦 岑 柴 苗 焦"),
)  # fmt: skip

_CHARACTERS: Final = {
    (0, True): (
        "建国志文德明永金振家光荣学玉少立国春世伟清兴保海俊炳汉庆福长",
        "华明国平强生军林民成荣清才辉祥德文元发良富忠伟龙泉权安坤新江",
    ),
    (0, False): (
        "秀玉桂淑丽美惠凤春翠月金素爱瑞慧兰少雪巧水银彩云菊",
        "英兰珍芳华梅琴霞玲珠莲娟琼香萍清凤芬云娥花荣娣平容",
    ),
    (1, True): (
        "志建伟文海国永小晓俊少立春明宏金正学家振光耀锦庆向锐东剑继卫",
        "军强勇平辉明斌华波峰文锋杰涛刚林东鹏飞超生龙新良海旭光雄宇彬",
    ),
    (1, False): (
        "丽小晓海秀春玉红燕雪淑美文艳慧冬志金翠素少静月彩桂婷",
        "丽芳燕红霞梅玲萍娟英敏艳华琴云花兰珍清娜平莉君凤琼香",
    ),
    (2, True): (
        "志俊文浩嘉子建晓伟泽明宇海家思永锦鹏振立国健博少梓天冠智翔铭",
        "杰伟豪鹏涛宇斌龙辉超明浩华锋文彬凯健飞强波轩军鑫林亮威琪铭洋",
    ),
    (2, False): (
        "晓丽嘉婷文思小佳海雪静慧诗美燕梦玉晶春秋雅子紫琳颖惠淑",
        "婷敏燕玲欣怡丽娜洁琪静莹媚芳雯娟慧萍霞颖君珊琳倩瑶仪云",
    ),
    (3, True): (
        "子梓浩宇嘉俊泽睿逸奕一沐铭博煜辰承昊思皓景明瑞天佳文宸晨启柏",
        "轩涵宇睿辰泽霖皓豪杰彦熙洋铭航然恒朗希宸煜阳桐诚言瑞晨乐翔琛",
    ),
    (3, False): (
        "子梓欣雨诗思可心嘉一语梦若佳紫婉奕雅芷沐晓静艺书清悦依安钰",
        "涵怡彤妍琪萱瑶桐欣妤悦晴宁妮汐然语琳菲玥雯希儿颖潼瑜漫熙盈",
    ),
}  # fmt: skip
_SINGLE: Final = {
    True: "伟强勇军磊涛斌超杰鹏明辉浩波飞凯刚平峰亮健宇俊鑫龙林博毅锋彬帆翔晨睿轩",
    False: "芳丽静敏燕娟霞艳娜莉婷玲红慧洁颖琳雪丹萍倩蕾莹薇晶欣悦瑶萌璐珊妍",
}
_SHARE_SINGLE: Final = (0.20, 0.27, 0.16, 0.05)
"""Share of one-character given names, by generation."""

_GENERATION_STARTS: Final = (1970, 1985, 2000)


@dataclass(frozen=True)
class SurnameTable:
    """Surnames and their shares."""

    surnames: Strings
    shares: Floats


@lru_cache(maxsize=1)
def surname_table() -> SurnameTable:
    """Every surname of the sample once, with its share."""
    shares: dict[str, float] = {}
    for weight, surnames in _SURNAMES:
        for surname in surnames.split():
            shares.setdefault(surname, float(weight))
    return SurnameTable(pa.array(shares), np.array(list(shares.values())))


def draw_surnames(rng: np.random.Generator, count: int) -> Ints:
    """Surnames, as positions in the surname table."""
    return choose(rng, surname_table().shares, count)


def full_names(rng: np.random.Generator, surnames: Ints, male: Bools, birth_years: Ints) -> Strings:
    """Full names of people of these surnames, sexes and years of birth."""
    generation = np.searchsorted(_GENERATION_STARTS, birth_years, side="right")
    group = generation * 2 + male
    first = take(_concatenated(0), _draw_characters(rng, 0, group))
    second = take(_concatenated(1), _draw_characters(rng, 1, group))
    single = rng.random(len(group)) < np.array(_SHARE_SINGLE)[generation]
    alone = take(_concatenated(2), _draw_characters(rng, 2, group))
    family = take(surname_table().surnames, surnames)
    return join(family, either(single, alone, join(first, second)))


def _characters(place: int) -> list[str]:
    if place == 2:
        return [_SINGLE[bool(group % 2)] for group in range(8)]
    return [_CHARACTERS[group // 2, bool(group % 2)][place] for group in range(8)]


@lru_cache(maxsize=3)
def _concatenated(place: int) -> Strings:
    return pa.array("".join(_characters(place)))


def _draw_characters(rng: np.random.Generator, place: int, group: Ints) -> Ints:
    """Positions in the concatenated characters, early ones of each group the likeliest."""
    sizes = np.array([len(text) for text in _characters(place)])
    starts = np.cumsum(sizes) - sizes
    position = rng.random(len(group)) ** 1.6 * sizes[group]
    drawn: Ints = starts[group] + position.astype(np.int64)
    return drawn
