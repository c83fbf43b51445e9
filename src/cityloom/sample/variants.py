"""How a name or a number gets written wrongly: small tables of our own."""

from typing import Final

_HOMOPHONES: Final = (
    "伟玮炜维", "静婧靖", "丽莉俐", "芳方", "敏闽", "杰洁捷", "俊峻骏", "涛韬", "辉晖",
    "鹏朋", "斌彬宾", "宇羽雨", "浩皓昊", "欣新鑫心馨", "怡仪宜", "婷亭", "颖莹盈", "琪其祺琦",
    "琳霖林", "雯文", "轩萱", "涵寒晗", "睿瑞锐", "辰晨宸", "梓子紫", "嘉佳家", "志智至",
    "建健剑", "国果", "华桦", "明铭", "平萍苹", "红虹宏洪", "霞夏", "燕艳雁", "玲灵铃凌",
    "娟鹃", "英瑛", "兰岚", "珍真贞", "梅媚", "春纯", "秀绣", "玉钰育", "凤奉", "美镁",
    "惠慧会", "晓小筱", "海亥", "军君均", "强蔷", "勇永泳", "波博", "峰锋丰", "飞菲妃",
    "龙隆", "生升", "成诚承", "荣容蓉", "清青卿", "德得", "金锦今", "光广", "东冬",
    "思斯诗", "若偌", "依伊一", "悦玥月", "瑶遥", "桐彤童", "妍研", "语雨", "可珂", "沐木",
    "张章", "李黎", "徐许", "吴伍", "江姜", "程成", "余于俞", "何贺", "肖萧", "付傅",
    "邱丘", "石时", "汪王", "林凌", "陆路", "曾增", "赖濑", "温文", "沈审", "姚瑶",
)  # fmt: skip
_TRADITIONAL: Final = (
    "张張 陈陳 刘劉 黄黃 杨楊 吴吳 赵趙 罗羅 谢謝 郑鄭 孙孫 邓鄧 叶葉 许許 马馬 "
    "钟鍾 肖蕭 冯馮 苏蘇 卢盧 吕呂 蒋蔣 赖賴 韩韓 谭譚 邹鄒 万萬 贺賀 庄莊 龚龔 "
    "钱錢 汤湯 简簡 涂塗 骆駱 阎閻 凌淩 齐齊 区區 宁寧 诸諸 关關 韦韋 纪紀 项項 "
    "时時 费費 蓝藍 窦竇 欧歐 温溫 麦麥 严嚴 龙龍 顾顧 伟偉 强強 军軍 杰傑 涛濤 "
    "鹏鵬 飞飛 刚剛 东東 国國 华華 荣榮 学學 宝寶 汉漢 庆慶 庞龐 丽麗 静靜 艳艷 "
    "红紅 凤鳳 爱愛 兰蘭 莲蓮 云雲 莹瑩 颖穎 梦夢 语語 诗詩 书書 艺藝 晓曉 泽澤 "
    "铭銘 轩軒 琼瓊 银銀 锦錦 锋鋒 辉輝 彦彥 启啟 维維 志誌 继繼 剑劍 卫衛 兴興 "
    "义義 长長 发發 权權 亚亞 钰鈺 浅淺 宾賓 风風 萝蘿 岚嵐 纯純 铃鈴 绣繡 娇嬌 "
    "贞貞"
)
_LOOKALIKES: Final = (
    "末未", "己已巳", "日曰", "人入", "土士", "干千", "天夫", "王玉", "大太", "浩洁", "皓晧",
    "晴睛", "睿容", "宇字", "辰晨", "明朋", "梅海", "莉荆", "敏敬", "伟纬", "杰杏", "霖霜",
    "博搏", "涛祷", "轩轲", "萍苹", "婷停", "炜伟", "佳住", "嘉喜", "欣忻", "琪棋", "琳淋",
    "文义", "志忘", "建健", "平乎", "红江", "峰蜂", "锋铎", "鑫森", "晓烧", "陈阵", "刘浏",
    "林休", "黄寅", "李季", "张弦", "杨扬", "吴昊", "周同", "何河", "罗岁", "曾會", "叶吐",
)  # fmt: skip


def _alternatives(groups: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for group in groups:
        for letter in group:
            found[letter] = found.get(letter, "") + group.replace(letter, "")
    return {letter: others for letter, others in found.items() if others}


HOMOPHONES: Final = _alternatives(_HOMOPHONES)
"""Characters that sound alike, by character."""

LOOKALIKES: Final = _alternatives(_LOOKALIKES)
"""Characters that look alike, by character."""

TRADITIONAL: Final = {pair[0]: pair[1] for pair in _TRADITIONAL.split()}
"""The traditional form, by simplified character."""


def homophone(name: str, pick: int) -> str:
    """The name with one character replaced by one that sounds the same, if it has such."""
    return _replaced(name, HOMOPHONES, pick)


def lookalike(name: str, pick: int) -> str:
    """The name with one character replaced by one that looks like it, if it has such."""
    return _replaced(name, LOOKALIKES, pick)


def traditional(name: str, pick: int) -> str:
    """The name in traditional characters, as far as the table knows them."""
    return "".join(TRADITIONAL.get(letter, letter) for letter in name)


def swapped(name: str, pick: int) -> str:
    """The given name before the surname."""
    return name[1:] + name[:1]


def spaced(name: str, pick: int) -> str:
    """The name stretched with blanks, as forms print short names."""
    return "　".join(name) if len(name) == 2 else name


def mistyped(number: str, pick: int) -> str:
    """The number with one digit changed, or two neighbours exchanged."""
    place = pick % (len(number) - 1)
    if pick % 3 == 0:
        return number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    if not number[place].isdigit():
        return number
    changed = str((int(number[place]) + 1 + pick % 9) % 10)
    return number[:place] + changed + number[place + 1 :]


def earlier_phone(phone: str, pick: int) -> str:
    """The number that the person had before: always the same one."""
    return f"12{(int(phone[2:]) * 141_421_357 + 577_215_664) % 10**9:09d}"


def _replaced(name: str, table: dict[str, str], pick: int) -> str:
    places = [place for place, letter in enumerate(name) if letter in table]
    if not places:
        return name
    place = places[pick % len(places)]
    others = table[name[place]]
    return name[:place] + others[pick // 7 % len(others)] + name[place + 1 :]
