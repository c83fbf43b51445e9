"""The words by which a column shows that it crosses a line, or needs a purpose of its own.

English entries are phrases of whole words in the singular (``trace`` is not ``race``); an entry
that ends with ``*`` is the beginning of a word. Chinese entries are simplified; traditional
characters are turned into them first (:data:`SIMPLIFIED`). ``but`` lists the innocent phrases that
contain such a word; they are taken out of a text before it is searched.

Values are split into two kinds. One ``certain`` value says by itself what a column holds
(``共青团员``); a ``likely`` one only in company (``群众``, ``White``, ``Independent``).
"""

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, eq=False)
class Matter:
    """Something a column can be about: the words that say so, and the innocent words near them."""

    name: str
    reason: str
    english: tuple[str, ...] = ()
    chinese: tuple[str, ...] = ()
    but: tuple[str, ...] = ()
    certain: frozenset[str] = frozenset()
    likely: frozenset[str] = frozenset()
    likely_tell: bool = True
    """Whether three likely values and nothing else tell enough."""


def _phrases(text: str) -> tuple[str, ...]:
    """The phrases of a text, which are separated by commas or line ends."""
    return tuple(filter(None, (phrase.strip() for phrase in re.split(r"[,\n]", text))))


def _values(text: str) -> frozenset[str]:
    """The same phrases in the form in which values are compared."""
    return frozenset(phrase.casefold() for phrase in _phrases(text))


ETHNIC_GROUPS: Final = _phrases(
    """汉族, 蒙古族, 回族, 藏族, 维吾尔族, 苗族, 彝族, 壮族, 布依族, 朝鲜族,
    满族, 侗族, 瑶族, 白族, 土家族, 哈尼族, 哈萨克族, 傣族, 黎族, 傈僳族,
    佤族, 畲族, 高山族, 拉祜族, 水族, 东乡族, 纳西族, 景颇族, 柯尔克孜族,
    土族, 达斡尔族, 仫佬族, 羌族, 布朗族, 撒拉族, 毛南族, 仡佬族, 锡伯族,
    阿昌族, 普米族, 塔吉克族, 怒族, 乌孜别克族, 俄罗斯族, 鄂温克族, 德昂族,
    保安族, 裕固族, 京族, 塔塔尔族, 独龙族, 鄂伦春族, 赫哲族, 门巴族,
    珞巴族, 基诺族"""
)
"""The 56 groups of GB/T 3304."""

POLITICS: Final = Matter(
    name="political opinion",
    reason="no service depends on what a person thinks of politics, and knowing it can harm them",
    english=_phrases(
        """political opinion, political view, political affiliation, political party,
        political belief, political leaning, political status, political orientation,
        political stance, political preference, political identity, political outlook,
        party affiliation, party membership, party member, party registration, registered party,
        party preference, voter party, voting preference, voting intention, vote intention,
        voted for, communist party, ccp member, cpc member, zzmm, zhengzhimianmao*, league member,
        partisanship"""
    ),
    chinese=_phrases(
        """政治面貌, 政治面目, 政治身份, 政治倾向, 政治观点, 政治立场, 政治信仰, 政治态度,
        政治派别, 党派, 政党, 党员, 党籍, 入党, 党龄, 共青团员, 是否团员"""
    ),
    but=_phrases(
        "党员活动室, 党员活动中心, 党员服务中心, 党员教育基地, 党员先锋岗, 政党协商, "
        "party membership fee schedule"
    ),
    certain=_values(
        """中共党员, 中共预备党员, 预备党员, 共产党员, 中国共产党党员, 共青团员, 中国共青团员,
        民革党员, 民革会员, 民盟盟员, 民建会员, 民进会员, 农工党党员, 致公党党员, 九三学社社员,
        台盟盟员, 无党派人士, 无党派民主人士, 非党员, democrat, republican, democratic party,
        republican party, labour party, conservative party, liberal democrat, liberal democrats,
        green party, libertarian party, communist party, no party preference, no party affiliation,
        party member, non-party member, communist party member, league member"""
    ),
    likely=_values(
        """群众, 党员, 团员, 普通群众, 无党派, independent, conservative, labour, liberal, green,
        libertarian, unaffiliated, socialist, communist, democratic, dem, rep, lib, grn, npa,
        ind"""
    ),
)

RELIGION: Final = Matter(
    name="religion",
    reason="no service depends on what a person believes, and knowing it can harm them",
    english=_phrases(
        """religio*, zjxy, zongjiao*, faith, creed, spiritual belief, church member,
        church membership"""
    ),
    chinese=_phrases("宗教, 信仰, 教派, 教徒, 信徒, 教籍, 皈依, 信教"),
    but=_phrases(
        """good faith, bad faith, religious building, religious use, religious facility,
        religious site, religious institution, religious organisation, religious organization,
        religious land use, 宗教场所, 宗教活动场所, 宗教用地, 宗教建筑, 宗教设施, 宗教团体,
        宗教活动点, 宗教事务"""
    ),
    certain=_values(
        """佛教, 道教, 伊斯兰教, 基督教, 天主教, 东正教, 犹太教, 印度教, 回教, 无宗教信仰, 不信教,
        佛教徒, 穆斯林, 基督徒, 天主教徒, christianity, islam, buddhism, hinduism, judaism,
        sikhism, taoism, daoism, muslim, buddhist, hindu, jewish, sikh, roman catholic, protestant,
        protestantism, catholicism, orthodox christian, church of england, anglican, no religion,
        atheist, agnostic, methodist, baptist, presbyterian, lutheran, mormon, jehovah's witness,
        shia, sunni"""
    ),
    likely=_values("christian, catholic, orthodox, pagan, spiritual, jain, shinto, evangelical"),
)

ETHNICITY: Final = Matter(
    name="ethnicity",
    reason="services treat people alike, and a record of their origin invites doing otherwise",
    english=_phrases(
        """ethnic*, minzu*, race, racial*, skin colour, skin color, tribe, tribal affiliation,
        caste, national origin, ancestry, hispanic, latino, latina, latinx, african american,
        aboriginal status, indigenous status"""
    ),
    chinese=_phrases("民族, 族裔, 种族, 族别, 族群, 血统, 肤色"),
    but=_phrases(
        """race track, race course, race day, race time, race event, race number, race bib,
        race start, race finish, race distance, race result, race condition, race street,
        race road, race lane, race meeting, boat race, horse race, road race, relay race,
        cycle race, running race, sailing race, dragon boat race, egg and spoon race, mill race,
        tail race, head race, race to the, arms race, space race, 民族路, 民族街, 民族大道,
        民族大街, 民族巷, 民族广场, 民族宫, 民族中学, 民族小学, 民族学校, 民族学院, 民族大学,
        民族医院, 民族乐器, 民族舞, 民族音乐, 民族团结, 中华民族, 民族村, 居民族谱"""
    ),
    certain=frozenset(ETHNIC_GROUPS)
    | _values(
        """汉, 少数民族, 穿青人族, han chinese, uyghur, uighur, zhuang, manchu, tibetan, kazakh,
        hispanic, hispanic or latino, not hispanic or latino, non-hispanic, latino, latina, asian,
        asian or asian british, asian american, white british, white irish, black british,
        black african, black caribbean, black or african american, african american, caucasian,
        american indian or alaska native, native american, native hawaiian,
        native hawaiian or other pacific islander, pacific islander, two or more races,
        white and black caribbean, white and black african, white and asian, roma, romani,
        aboriginal, torres strait islander, indigenous, non-indigenous, mestizo, mixed race,
        gypsy or irish traveller, middle eastern or north african, other ethnic group,
        mixed or multiple ethnic groups"""
    ),
    likely=frozenset(group[:-1] for group in ETHNIC_GROUPS)
    | _values(
        "han, hui, miao, yi, dong, yao, bai, mongol, mongolian, korean, chinese, indian, "
        "pakistani, bangladeshi, irish, arab, white, black, african, caribbean, european, latin, "
        "filipino, vietnamese, japanese"
    ),
    likely_tell=False,
)

UNION: Final = Matter(
    name="union membership",
    reason="joining a trade union is a freedom that is guarded by nobody keeping a list",
    english=_phrases(
        """union member, union membership, union affiliation, union status, union due, trade union,
        trade unionist, labour union, labor union, unioni*, is union, in union, non union,
        nonunion, member of union, member of a union"""
    ),
    chinese=_phrases(
        "工会会员, 工会成员, 工会会籍, 工会会费, 加入工会, 入会工会, 所属工会, 工会关系, 工会证, "
        "工会身份, 是否工会"
    ),
    but=_phrases("credit union member, credit union membership, european union member, "
                 "european union membership, union member state"),
    certain=_values("工会会员, 非工会会员, union member, trade union member, not a union member, "
                    "non-union"),
    likely=_values("union, unionised, unionized"),
)  # fmt: skip

ORIENTATION: Final = Matter(
    name="sexual orientation",
    reason="whom a person loves is no business of a city, and knowing it can harm them",
    english=_phrases(
        """sexual orientation, sex orientation, sexual preference, sexual identity, sexuality,
        sex life, homosexual*, heterosexual*, bisexual*, lgbt*, is gay, is lesbian"""
    ),
    chinese=_phrases("性取向, 性倾向, 性向, 性偏好, 性生活, 同性恋, 双性恋, 异性恋"),
    but=_phrases(
        "线性向量, 线性倾向, 弹性向, 中性向, 属性向, 个性向, 方向性向, 放射性向, 可能性向"
    ),
    certain=_values(
        """heterosexual, homosexual, bisexual, gay, lesbian, gay or lesbian, pansexual, asexual,
        straight or heterosexual, heterosexual or straight, lgbt, 异性恋, 同性恋, 双性恋, 异性恋者,
        同性恋者, 双性恋者"""
    ),
    likely=_values("straight, queer"),
)

BIOMETRICS: Final = Matter(
    name="biometrics",
    reason="a body cannot be changed when its measure leaks, so no dataset keeps one",
    english=_phrases(
        """biometr*, fingerprint*, finger print, voiceprint*, voice print, faceprint*, face print,
        facial*, face feature, face template, face embedding, face vector, face encoding,
        face descriptor, face id, face image, face photo, face match, face recognition, face scan,
        iris, retina scan, retinal scan, retina template, palm print, palmprint*, palm vein,
        finger vein, vein pattern, hand geometry, ear shape, gait, dna, gene sequence,
        gene profile, fp template, genom*, genotyp*, genetic*, voice template, voice embedding,
        voice feature, speaker embedding, speaker template, keystroke dynamic, minutiae"""
    ),
    chinese=_phrases(
        """人脸, 面部特征, 面部识别, 面部图像, 面部照片, 脸部特征, 脸部识别, 面容特征, 指纹, 掌纹,
        虹膜, 视网膜, 声纹, 步态, 指静脉, 掌静脉, 静脉特征, 生物特征, 生物识别, 基因, 脱氧核糖"""
    ),
    but=_phrases(
        """file fingerprint, key fingerprint, certificate fingerprint, ssh fingerprint,
        device fingerprint, browser fingerprint, document fingerprint, content fingerprint,
        fingerprint lock, fingerprint reader, fingerprint door, face recognition camera,
        face recognition capable, face recognition enabled, face recognition device,
        environmental dna, e dna, code iris, iris zone, iris grid, genetic algorithm, iris insee,
        nom iris, 指纹锁, 文件指纹, 指纹门禁, 证书指纹, 人脸识别摄像, 人脸识别设备, 人脸抓拍机,
        人脸门禁, 视网膜病变, 视网膜脱落, 同步态, 转基因, 基因公司"""
    ),
)

SCORE: Final = Matter(
    name="a score of a person",
    reason="a city counts its services, never the worth, conduct or risk of a person",
    english=_phrases(
        """social credit, social score, social scoring, trustworthiness, loyalty, conduct mark,
        moral character, recidivism*, reoffend*, predictive policing, dangerousness,
        likelihood to offend, probability to offend, propensity to offend, crime prediction,
        person risk, offender risk, score of person, score of a person, score of the person,
        score of each person, score of citizen, score of a citizen, score of the citizen,
        score of each citizen, score of resident, score of a resident, score of the resident,
        score of each resident, rank of person, rank of a person, rank of the person,
        rank of each person"""
    ),
    chinese=_phrases(
        """信用分, 征信分, 征信评分, 芝麻分, 芝麻信用, 诚信分, 忠诚, 品德评, 道德评, 操行评,
        操行分, 思想评, 行为分, 表现评分, 表现分, 再犯, 重新犯罪, 犯罪预测, 犯罪风险, 道德分,
        重点人员等级, 重点人等级"""
    ),
    but=_phrases(
        """loyalty card, loyalty program, loyalty programme, social credit code,
        social credit identifier, social credit number, social credit id, unified social credit,
        行为分类, 表现分类, 信用分类, 违法行为"""
    ),
)

LINES: Final = (POLITICS, RELIGION, ETHNICITY, UNION, ORIENTATION, BIOMETRICS, SCORE)
"""What no dataset may hold, whatever its classification, purpose or owner."""

WHOLE_LABELS: Final = {"积分": SCORE, "工会": UNION, "个人信用": SCORE}
"""Words that tell nothing within a longer label and enough when they are all of it."""

# A label scores a person when it names a measure and a person, or a measure and conduct that is not
# a thing's: ``resident_rank``, ``risk_score``, but not ``flood_risk_score``.
MEASURES: Final = _phrases(
    "score, scoring, rating, ranking, rank, prediction, predicted, propensity, "
    "评分, 打分, 得分, 积分, 评级, 排名, 分值, 画像, 预测"
)
MEASURES_OF_CONDUCT: Final = _phrases(
    "grade, level, tier, index, band, class, 等级, 指数, 评价, 分级"
)
CONDUCT: Final = _phrases(
    """behaviour, behavior, behavioural, behavioral, conduct, trust, integrity, morality, moral,
    obedience, risk, danger, threat, fraud, crime, criminal, delinquency, suspicion, credit,
    reputation, honesty, radicalisation, radicalization, reliability, extremism, 信用, 诚信, 行为,
    品德, 道德, 风险, 危险, 可信, 信任, 文明, 操行, 稳定, 信访, 上访, 维稳, 嫌疑"""
)
PEOPLE: Final = _phrases(
    """person, people, citizen, resident, individual, human, tenant, employee, staff, driver,
    student, pupil, applicant, suspect, offender, migrant, household member, 个人, 人员, 居民,
    公民, 市民, 村民, 业主, 租客, 租户, 员工, 职工, 干部, 司机, 驾驶员, 学生, 申请人, 嫌疑人,
    重点人"""
)
NOT_OF_PEOPLE: Final = _phrases(
    """company, enterprise, firm, business, supplier, contractor, vendor, bond, bank, restaurant,
    food, kitchen, inspection, air, water, noise, environment, building, house, dwelling, bridge,
    road, street, slope, site, zone, block, area, district, neighbourhood, neighborhood, parcel,
    flood, fire, landslide, earthquake, typhoon, storm, heat, climate, pollution, hygiene, energy,
    project, asset, equipment, device, sensor, dataset, model, match, linkage, pair, geocode,
    address, service, vehicle, data, coordinate, 企业, 公司, 单位, 商户, 供应商, 承包, 纳税, 餐饮,
    餐厅, 食品, 空气, 水质, 噪声, 环境, 卫生, 建筑, 房屋, 楼宇, 桥梁, 道路, 街道, 社区, 小区, 区域,
    地块, 消防, 火灾, 地质, 洪涝, 内涝, 台风, 安全生产, 场所, 设备, 设施, 项目, 债券, 医院, 学校,
    酒店, 服务, 匹配"""
)
ASKED_OF_PEOPLE: Final = _phrases(
    """satisfaction, survey, feedback, service, exam, examination, test, match, linkage, pair,
    queue, job, military, count, number, population, demand, 满意, 问卷, 服务, 考试, 成绩, 高考,
    中考, 匹配, 轮候, 职务, 职称, 岗位, 技能, 人数, 数量"""
)
"""What may be measured of people: the opinion they give, the examination they sit, their number.

An examination mark passes. It records what was written on a day in an examination that the person
sat, as a ruling or a licence records an act; it does not judge conduct. Marks for conduct
(操行评分) and rankings of pupils are refused, and a bare ``student_score`` is, until its name says
that it is an examination's.
"""

HEALTH: Final = Matter(
    name="health",
    reason="",
    english=_phrases(
        """diagnos*, disease, illness, disabilit*, disabled, medical condition, medical history,
        medical record, medication, prescription, health status, health condition, health record,
        health problem, symptom, vaccin*, blood type, blood group, pregnan*, hiv, mental health,
        icd, icd 10, allergy, patient, impairment, hospital admission, infection status,
        long term care level, care need, cause of death"""
    ),
    chinese=_phrases(
        """诊断, 疾病, 病史, 病种, 病名, 病历, 患病, 残疾, 残障, 健康状况, 健康状态, 健康档案,
        过敏, 血型, 用药, 处方, 疫苗, 接种, 怀孕, 孕产, 孕妇, 症状, 精神障碍, 就诊, 住院, 失能,
        死因, 体检"""
    ),
    but=_phrases(
        """plant disease, tree disease, disabled access, disabled parking, disabled button,
        diagnostic code of device, 故障诊断, 设备诊断, 诊断端口, 树木疾病"""
    ),
)
FINANCE: Final = Matter(
    name="finance",
    reason="",
    english=_phrases(
        """income, salary, wage, bank account, account balance, iban, bank card, credit card, debt,
        loan, mortgage, net worth, wealth, pension amount, credit history, credit record,
        credit report, savings, saving account, tax debt, benefit amount, earnings, earning"""
    ),
    chinese=_phrases(
        """收入, 工资, 薪, 银行账号, 银行账户, 银行帐号, 银行卡, 开户行, 账户余额, 征信, 贷款,
        负债, 欠款, 存款, 信用卡, 欠税, 社保缴费基数, 公积金, 低保"""
    ),
    but=_phrases("library loan, book loan, 回收入库, 签收入, 接收入, 吸收入, 回收入, 验收入"),
)
MINORS: Final = Matter(
    name="minors",
    reason="",
    english=_phrases(
        """child, children, minor name, minor id, is minor, minor child, unaccompanied minor,
        guardian, juvenile, infant, under 18, underage, toddler"""
    ),
    chinese=_phrases("未成年, 监护, 儿童, 幼儿, 婴儿, 留守儿童, 独生子女"),
    but=_phrases(
        """child node, child element, child record, parent child, child dataset, child zone,
        data guardian, 儿童公园, 儿童医院, 儿童乐园, 幼儿园"""
    ),
)
TRACES: Final = Matter(
    name="location traces",
    reason="",
    english=_phrases(
        """trajector*, gps track, gps trace, gps log, track point, trackpoint*, location history,
        location trace, location log, location track, movement history, movement trace, geotrace,
        whereabout, travel history, cell tower log, phone location, mobile location"""
    ),
    chinese=_phrases("轨迹, 行踪, 定位记录, 位置记录, 出行记录, 定位历史, 行程记录, 手机定位"),
    but=_phrases("轨迹板, 轨迹球"),
)

SPECIAL: Final = (HEALTH, FINANCE, MINORS, TRACES)
"""What a column about persons may hold only for a purpose of its own."""

NEUTRAL_VALUES: Final = _values(
    """other, others, unknown, none, n/a, na, not stated, not known, prefer not to say, refused,
    declined, missing, mixed, any other, not specified, undisclosed, yes, no, -, 其他, 其它, 未知,
    不详, 无, 未说明, 不愿透露, 保密, 空, 否, 是"""
)
"""Values that fit any column and so say nothing of it."""

_TRADITIONAL: Final = """
    黨党 種种 傾倾 會会 員员 聲声 紋纹 臉脸 徵征 評评 積积 態态 資资 觀观
    點点 場场 屬属 係系 證证 費费 視视 網网 靜静 脈脉 識识 別别 誠诚 級级
    價价 個个 險险 預预 測测 畫画 畢毕 業业 雙双 戀恋 異异 漢汉 滿满 維维
    爾尔 壯壮 鮮鲜 瑤瑶 薩萨 畬畲 東东 鄉乡 納纳 頗颇 達达 錫锡 烏乌 羅罗
    溫温 獨独 龍龙 倫伦 門门 諾诺 蘇苏 醫医 斷断 殘残 歷历 癥症 癒愈 過过
    藥药 處处 帳帐 戶户 銀银 貸贷 債债 監监 護护 兒儿 嬰婴 軌轨 跡迹 蹤踪
    記记 錄录 軍军 職职 務务 稱称 統统 貫贯 膚肤 傳传 聖圣 無无 團团 結结
    體体 產产 農农 國国 際际 圖图 書书 裡里 審审 導导 親亲 營营 養养 義义
    樂乐 歸归 稅税 實实 況况 狀状 補补 貼贴 額额 餘余 檔档 號号 碼码 電电
    話话 機机 動动 車车 輛辆 駕驾 駛驶 單单 與与 顏颜 紅红 廣广 闊阔 執执
    進进 對对 當当 應应 數数 據据 區区 劃划 選选 舉举 權权 慶庆 儀仪 觸触
    遺遗 繼继 環环 響响 發发 類类 項项 編编 備备 註注 孫孙 葉叶 長长 開开
    關关 閉闭 時时 間间 學学 線线 術术 認认 議议 鄰邻 樓楼 築筑 橋桥 設设
    質质 氣气 衛卫 飲饮 廳厅 災灾 澇涝 颱台 風风 園园 訪访 問问 輪轮 崗岗
    請请 館馆 診诊 檢检 隱隐 們们
"""

SIMPLIFIED: Final = str.maketrans({pair[0]: pair[1] for pair in _TRADITIONAL.split()})
"""Traditional characters that occur in the words above and in headers near them."""
