"""Columns that no city may hold are refused by name and by content; their near misses are not."""

import base64
import random
import struct
from collections.abc import Sequence
from contextlib import suppress

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityloom.contract.forbidden_words import ETHNIC_GROUPS, LINES
from cityloom.contract.model import Classification, Column, Contract, Kind
from cityloom.contract.odcs import parse_contract
from cityloom.contract.refusals import (
    Content,
    forbidden_column,
    forbidden_content,
    forbidden_values,
    refuse_forbidden,
    special_matter,
)
from cityloom.errors import ContractError

FORBIDDEN = {
    "political opinion": (
        "political_opinion", "politicalAffiliation", "party_member", "PARTY_AFFILIATION",
        "partymember", "registered_party", "voting_preference", "政治面貌", "政治面貌代码",
        "党派", "是否党员", "入党时间", "黨派", "政治 面貌", "zzmm",
    ),
    "religion": (
        "religion", "religions", "ReligionCode", "religious_belief", "faith", "creed", "宗教信仰",
        "宗教", "信仰", "教派", "是否信教",
    ),
    "ethnicity": (
        "ethnicity", "ethnic_group", "race", "RACE", "applicantRace", "race_code",
        "racial_origin", "hispanic", "民族", "民族代码", "種族", "族别", "是否少数民族",
        "少数民族人口数", "national_origin", "caste",
    ),
    "union membership": (
        "union_member", "unionMembership", "trade_union", "labour_union", "union_dues",
        "unionized", "is_union", "工会会员", "工会", "所属工会", "是否加入工会", "工會會員",
    ),
    "sexual orientation": (
        "sexual_orientation", "sexualOrientation", "sexuality", "lgbtq", "sexOrientation",
        "性取向", "性倾向",
        "同性恋",
    ),
    "biometrics": (
        "fingerprint", "fingerprints", "left_thumb_finger_print", "iris", "iris_code",
        "faceEmbedding", "face_template", "facial_features", "faceprint", "voice_print",
        "voiceprint_v2", "gait", "dna_profile", "DNA", "palm_vein", "biometric_id", "人脸特征",
        "人脸照片", "指纹", "指紋", "虹膜", "声纹", "聲紋特徵", "步态", "掌纹", "基因型",
        "DNA分型",
    ),
    "a score of a person": (
        "social_credit_score", "credit_score", "creditScore", "loyalty", "loyalty_index",
        "behaviour_score", "behavior_rating", "risk_score", "riskscore", "person_risk_level",
        "citizen_rank", "resident_score", "student_score", "pupil_ranking", "trust_score",
        "predicted_crime", "recidivism", "信用评分", "个人信用", "信用等级", "信用分", "诚信积分",
        "文明积分", "居民评分", "积分", "忠诚度", "操行评分", "人员风险等级", "个人画像",
        "行为评分", "學生排名",
    ),
}  # fmt: skip

NEAR_MISSES = (
    "embrace", "trace", "traceability", "surface", "interface", "typeface", "face_value",
    "party_wall", "third_party", "counterparty", "contract_party", "company_race_track",
    "race_track", "boat_race_day", "union_street", "european_union", "union_square",
    "credit_union", "reunion", "credit_code", "social_credit_code", "unified_social_credit_code",
    "统一社会信用代码", "社会信用代码", "restaurant_score", "inspection_score",
    "air_quality_score", "空气质量评分", "餐饮卫生等级", "企业信用等级", "company_credit_rating",
    "纳税信用等级", "exam_score", "test_score", "考试成绩", "学生考试成绩", "flood_risk_level",
    "地质灾害风险等级", "resident_satisfaction_score", "居民满意度评分", "clerical_match_score",
    "geocode_score", "民族路", "民族大道段", "宗教活动场所", "宗教用地面积", "党群服务中心",
    "党员活动室数量", "工会经费", "指纹锁", "文件指纹", "key_fingerprint", "iris_zone", "转基因",
    "同步态势", "路面部位", "居民族谱", "good_faith", "orientation", "building_orientation",
    "性别", "性质", "政治", "籍贯", "国籍", "nationality", "denomination", "place_of_worship",
    "class_rank", "predicted_residents_count", "rank", "score", "cell_phone", "irish_sea_level",
    "loyalty_card_number", "信用分类",
)  # fmt: skip

SPECIAL_COLUMNS = {
    "health": (
        "diagnosis",
        "disease_code",
        "disability_grade",
        "诊断",
        "疾病名称",
        "残疾等级",
        "病史",
    ),
    "finance": (
        "income",
        "monthlyIncome",
        "bank_account_no",
        "salary",
        "收入",
        "银行账号",
        "征信报告",
    ),
    "minors": ("child_name", "guardian", "is_minor", "未成年人姓名", "监护人", "監護人電話"),
    "location traces": (
        "gps_track",
        "trajectory",
        "location_history",
        "轨迹",
        "活动轨迹",
        "軌跡點",
    ),
}


def contract(*columns: Column, dataset: str = "trial", purposes: tuple[str, ...] = ()) -> Contract:
    return Contract(dataset, columns, purposes=purposes, origin="trial.odcs.yaml")


def column(name: str, **facts: object) -> Column:
    return Column(name, str(facts.pop("source_name", name)), Kind.STRING, **facts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("line", "word"), [(line, word) for line, words in FORBIDDEN.items() for word in words]
)
def test_a_forbidden_column_is_refused_by_its_name(line: str, word: str) -> None:
    with pytest.raises(ContractError) as refusal:
        refuse_forbidden(contract(column("id"), column(word)))
    assert str(refusal.value).startswith(f"trial.odcs.yaml: column '{word}': ")
    assert line in str(refusal.value)
    assert "remove the column" in str(refusal.value)


@pytest.mark.parametrize("place", ["source_name", "title", "description"])
@pytest.mark.parametrize("word", ["宗教信仰", "Religion of the applicant", "union membership"])
def test_a_forbidden_column_is_refused_wherever_the_word_stands(place: str, word: str) -> None:
    with pytest.raises(ContractError, match="column 'col7'"):
        refuse_forbidden(contract(column("col7", **{place: word})))


@pytest.mark.parametrize("level", Classification)
def test_no_classification_or_purpose_lifts_a_line(level: Classification) -> None:
    with pytest.raises(ContractError, match="ethnicity"):
        refuse_forbidden(
            contract(
                column("ethnicity", classification=level, special_purpose="health"),
                purposes=("health",),
            )
        )


@pytest.mark.parametrize("name", NEAR_MISSES)
@pytest.mark.parametrize("level", [Classification.INTERNAL, Classification.SENSITIVE])
def test_a_near_miss_is_not_refused(name: str, level: Classification) -> None:
    refuse_forbidden(contract(column(name, classification=level)))


def test_a_bare_risk_level_is_a_persons_until_the_dataset_names_the_thing() -> None:
    with pytest.raises(ContractError, match="a score of a person"):
        refuse_forbidden(contract(column("risk_level")))
    refuse_forbidden(contract(column("risk_level"), dataset="restaurant_inspection"))
    refuse_forbidden(contract(column("risk_level", description="Risk that the slope gives way")))
    refuse_forbidden(contract(column("risk_level", description="Risks of companies")))


def test_a_match_score_described_with_persons_is_not_a_score_of_a_person() -> None:
    described = column("match_score", description="Whether two records are of one person")
    refuse_forbidden(contract(described))


@pytest.mark.parametrize(
    ("matter", "word"),
    [(matter, word) for matter, words in SPECIAL_COLUMNS.items() for word in words],
)
def test_a_special_matter_of_persons_needs_its_own_purpose(matter: str, word: str) -> None:
    with pytest.raises(ContractError) as refusal:
        refuse_forbidden(contract(column(word, classification=Classification.PERSONAL)))
    assert f"holds {matter}" in str(refusal.value)
    assert "special_purpose" in str(refusal.value)
    purposed = column(word, classification=Classification.PERSONAL, special_purpose="care")
    refuse_forbidden(contract(purposed, purposes=("care",)))


@pytest.mark.parametrize("level", [Classification.PUBLIC, Classification.INTERNAL])
def test_a_special_matter_that_is_no_persons_passes(level: Classification) -> None:
    refuse_forbidden(contract(column("income_mean", classification=level)))


@pytest.mark.parametrize("name", ["故障诊断码", "儿童公园", "disabled_parking_bays", "child_node"])
def test_an_innocent_neighbour_of_a_special_matter_needs_no_purpose(name: str) -> None:
    assert special_matter(column(name)) is None


def test_a_contract_is_refused_when_it_is_read() -> None:
    text = """
apiVersion: v3.1.0
kind: DataContract
id: trial
version: 1.0.0
status: active
schema:
  - name: resident
    properties:
      - name: id
        logicalType: string
      - name: col7
        physicalName: 民族
        logicalType: string
"""
    with pytest.raises(ContractError, match=r"here\.yaml: column 'col7': '民族'"):
        parse_contract(text, origin="here.yaml")


@settings(deadline=None)
@given(
    st.sampled_from([w for line in LINES for w in line.english if "*" not in w]),
    st.sampled_from(["_", " ", "-", "."]),
    st.sampled_from([str.lower, str.upper, str.title]),
)
def test_every_listed_phrase_is_refused_however_it_is_written(phrase, between, case) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ContractError):
        refuse_forbidden(contract(column("x", title=case(phrase).replace(" ", between))))


@settings(deadline=None)
@given(
    st.sampled_from([w for line in LINES for w in line.chinese]),
    st.sampled_from(["", " ", "\u3000"]),
)
def test_every_listed_chinese_word_is_refused_with_or_without_blanks(word: str, blank: str) -> None:
    with pytest.raises(ContractError):
        refuse_forbidden(contract(column("x", source_name=blank.join(word))))


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_judged_without_failing(text: str) -> None:
    with suppress(ContractError):
        refuse_forbidden(contract(column("x", title=text, description=text)))


def refused(values: Sequence[str | None]) -> str | None:
    return forbidden_content(
        contract(column("col7")), pa.table({"col7": pa.array(list(values), pa.string())})
    )


def template(magic: bytes) -> bytes:
    return magic + b" 20\0" + random.Random(7).randbytes(300)


def vector(seed: int, length: int = 128) -> list[float]:
    noise = random.Random(seed)
    return [noise.gauss(0, 0.09) for _ in range(length)]


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("ethnicity", ["汉族", "汉族", "回族", "满族", None, "其他"]),
        ("ethnicity", ["汉族"] * 40),
        ("ethnicity", ["漢族", "滿族", "維吾爾族"]),
        ("ethnicity", ["汉", "回", "满", "壮", "藏"]),
        (
            "ethnicity",
            ["White", "Black or African American", "Asian", "Two or More Races", "Other"],
        ),
        ("ethnicity", ["White: Irish", "Asian or Asian British: Indian", "Mixed", "Not stated"]),
        ("political opinion", ["群众", "中共党员", "共青团员", "不详"]),
        ("political opinion", ["Democrat", "Republican", "Independent", "No party preference"]),
        ("political opinion", ["DEM", "REP", "LIB", "GRN"]),
        ("religion", ["Christian", "Muslim", "No religion", "Hindu", "Prefer not to say"]),
        ("religion", ["佛教", "道教", "无宗教信仰"]),
        ("sexual orientation", ["Straight or Heterosexual", "Gay or lesbian", "Bisexual", "Other"]),
        ("union membership", ["工会会员", "非工会会员"]),
    ],
)
def test_a_column_of_forbidden_words_is_refused_whatever_its_name(
    line: str, values: Sequence[str | None]
) -> None:
    reason = refused(values)
    assert reason is not None
    assert reason.startswith("column 'col7': ")
    assert line in reason


@pytest.mark.parametrize(
    "values",
    [
        ["White", "Black", "Green", "Brown", "Smith", "Christian", "Church"],
        ["White", "Black"],
        ["white", "black", "red", "blue", "silver"],
        ["民族路", "和平路", "解放路"],
        ["群众", "立案", "结案", "退回"],
        ["群众"] * 20,
        ["Other"] * 5,
        ["其他", "未知"],
        ["白", "满", "王", "李", "张", "刘", "陈", "苗"],
        ["Independent", "Chain"],
        ["Conservative", "Moderate", "Aggressive"],
        ["Straight", "Curved"],
        ["Chinese", "Korean", "Japanese", "Indian"],
        ["Asian", "Italian", "French", "Mexican", "Burger"],
        ["汉族", "中学", "小学"],
        [],
        [None, None],
    ],
)
def test_a_column_of_other_words_is_not_refused(values: Sequence[str | None]) -> None:
    assert refused(values) is None


@pytest.mark.parametrize("magic", [b"FMR\0", b"FAC\0", b"IIR\0"])
@pytest.mark.parametrize("spell", [bytes.hex, lambda blob: base64.b64encode(blob).decode()])
def test_a_column_of_biometric_records_is_refused(magic, spell) -> None:  # type: ignore[no-untyped-def]
    assert "biometric" in (refused([spell(template(magic) + bytes([n])) for n in range(5)]) or "")


@pytest.mark.parametrize("length", [128, 512])
def test_a_column_of_face_vectors_is_refused(length: int) -> None:
    written = [str(vector(seed, length)) for seed in range(4)]
    packed = [
        base64.b64encode(struct.pack(f"<{length}f", *vector(seed, length))).decode()
        for seed in range(4)
    ]
    assert "vectors" in (refused(written) or "")
    assert "vectors" in (refused(packed) or "")


def test_long_values_that_are_no_templates_are_not_refused() -> None:
    noise = random.Random(1)
    assert refused([noise.randbytes(512).hex() for _ in range(5)]) is None
    assert (
        refused([",".join(str(noise.randrange(90)) for _ in range(128)) for _ in range(5)]) is None
    )
    assert refused([",".join(f"{noise.random():.3f}" for _ in range(96)) for _ in range(5)]) is None
    assert (
        refused(["The drain on the corner is blocked again and smells" + "!" * n for n in range(5)])
        is None
    )


def test_a_sample_without_a_declared_column_is_judged_by_the_others() -> None:
    judged = contract(column("gone"), column("col7"))
    sample = pa.table({"col7": ["汉族", "回族"]})
    assert "col7" in (forbidden_content(judged, sample) or "")


@settings(deadline=None)
@given(st.lists(st.sampled_from(ETHNIC_GROUPS), min_size=3), st.lists(st.just("其他"), max_size=50))
def test_neutral_values_never_hide_a_vocabulary(groups: list[str], others: list[str]) -> None:
    assert refused([*groups, *others]) is not None


@settings(deadline=None)
@given(st.lists(st.text(max_size=80), max_size=30))
def test_any_values_are_judged_without_failing(values: list[str]) -> None:
    forbidden_values(pa.chunked_array([pa.array(values, pa.string())]))


DNA = "ACGTNacgtn" * 4
NUMBERS = [(-1) ** n * (n % 7 + 1) / 8 for n in range(128)]


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ([DNA], "DNA"),
        ([DNA[1:]], None),
        ([f"{DNA}X"], None),
        ([DNA, f"{DNA}A", "plain", "other"], None),
        ([DNA, f"{DNA}A", "plain"], "2 of 3"),
        ([DNA, "plain", "other"], None),
        ([f"0x{(b'FMR' + bytes(40)).hex()}"], "biometric"),
        ([base64.urlsafe_b64encode(b"FAC\0" + b"\xff" * 40).decode().rstrip("=")], "biometric"),
        ([base64.b64encode(b"FAX\0" + b"\xff" * 40).decode()], None),
        ([str(NUMBERS)], "vectors"),
        ([" ".join(map(str, NUMBERS))], "vectors"),
        ([str(NUMBERS[1:])], None),
        ([str([abs(number) for number in NUMBERS])], None),
        ([str([-abs(number) for number in NUMBERS])], None),
        ([str([number / 1000 for number in NUMBERS])], None),
        ([str([number / 800 for number in NUMBERS])], "vectors"),
        ([str([*NUMBERS[1:], 100.0])], None),
        ([str([*NUMBERS[1:], 99.5])], "vectors"),
        ([str([*NUMBERS[1:], 150.0])], None),
        ([str([number / 10_000 for number in NUMBERS])], None),
        ([str([0.001, -0.0005] * 64)], None),
        ([str([0.0011, -0.0005] * 64)], "vectors"),
        ([str([0.0, 0.5, 0.25, 0.75] * 32)], None),
        ([str([0.0, -0.5, -0.25, -0.75] * 32)], None),
        ([str([0.0, -0.5, -0.25, 0.75] * 32)], "vectors"),
        ([str([*[1.0, -2.0] * 50, *[0.5, -0.5] * 14])], None),
        ([str([*NUMBERS[1:], -100.0])], None),
        ([str([*NUMBERS[64:], *[1] * 47])], None),
        ([str([*[1.0, -2.0] * 32, *[0.5, -0.5] * 32])], None),
        ([str([*[1.0, -2.0] * 31, *[0.5, -0.5] * 33])], "vectors"),
        ([str([*NUMBERS[1:], float("inf")])], None),
        ([str(["a", *NUMBERS[1:]])], None),
    ],
)
def test_templates_are_told_by_their_form(values: list[str], what: str | None) -> None:
    reason = refused(values)
    assert reason is None if what is None else what in (reason or "")


@pytest.mark.parametrize(
    ("values", "is_refused"),
    [
        (["汉族"] * 3, True),
        (["汉族"] * 4, True),
        (["汉族"], False),
        (["汉族", "回族", "一", "二", "三"], False),
        (["汉族"] * 5 + ["一"], False),
        (["DEM", "REP", "LIB", "GRN", "XYZ"], False),
        (["汉族"] * 2, False),
        (["汉族", "回族"], True),
        (["汉族", "回族", "一", "二"], False),
        (["汉族", "回族", "一"], True),
        ([" 汉族 ", "回　族"], True),
        (["DEM", "REP"], False),
        (["DEM", "REP", "LIB"], True),
        (["DEM", "REP", "LIB", "XYZ"], False),
    ],
)
def test_words_of_a_matter_must_be_most_of_some_values(values: list[str], is_refused: bool) -> None:
    assert (refused(values) is not None) == is_refused


def test_a_refused_vocabulary_is_shown_in_part() -> None:
    reason = refused(["汉族", "回族", "满族", "壮族", "藏族", "苗族", "外国"]) or ""
    assert "6 of its 7 different values are words of ethnicity" in reason
    assert reason.count("'") == 8 + 2


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("riskscore", True),
        ("RiskScore", True),
        ("riskscores", True),
        ("union_members", True),
        ("unionmembership", True),
        ("political_opinions", True),
        ("racecourse", False),
        ("score_of_match", False),
    ],
)
def test_a_word_is_found_however_it_is_joined(name: str, found: bool) -> None:
    assert (forbidden_column(column(name)) is not None) == found


def test_a_sparse_column_is_judged_by_the_values_it_has() -> None:
    values: list[str | None] = [None] * 12_000
    for place in range(300, 12_000, 600):
        values[place] = ("汉族", "回族")[place // 600 % 2]
    assert "ethnicity" in (refused(values) or "")


def test_a_key_of_json_is_judged_as_a_column_is() -> None:
    assert "JSON with a key of which" in (refused(['{"religion": "x"}']) or "")
    assert refused(['{"colour": "x"}', '{"colour": {"shade": "y"}}']) is None


# How words are joined and which are told


JOINED = [w for line in LINES for w in line.english if " " in w]


@pytest.mark.parametrize("phrase", JOINED)
def test_a_phrase_of_eight_letters_is_found_when_written_as_one_word(phrase: str) -> None:
    glued = phrase.replace(" ", "")
    found = forbidden_column(column("x", title=f"{glued}x"))
    assert (found is not None) == (len(glued) >= 8)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("credit_trust_score", "credit score"),
        ("trust_credit_rank", "trust rank"),
        ("person_trust_risk_rating_score", "person trust rating"),
        ("resident_student_score", "resident score"),
        ("student_rank_score", "student rank"),
        ("person_trust_level_score", "person trust level"),
        ("risk_tier_index", "risk tier"),
        ("riskrank", "risk rank"),
        ("riskrate", None),
        ("trustband", "trust band"),
        ("staffrank", "staff rank"),
        ("xriskscore", None),
        ("person_level", None),
        ("person_index_score", "person score"),
        ("creeds", "creed"),
        ("face_ids", "face id"),
        ("is_gay", "is gay"),
        ("religion_of_party_member", "party member"),
        ("party_member_of_religion", "party member"),
    ],
)
def test_a_refusal_says_by_which_words(name: str, words: str | None) -> None:
    found = forbidden_column(column(name))
    assert found is None if words is None else (found or "").startswith(f"'{words}' says that")


def test_the_innocent_use_of_a_word_hides_no_other_use() -> None:
    assert forbidden_column(column("race_track")) is None
    assert forbidden_column(column("race_track_race")) is not None
    assert forbidden_column(column("民族路")) is None
    assert forbidden_column(column("民族路民族")) is not None


def test_a_description_is_judged_for_lines_and_not_for_scores() -> None:
    assert forbidden_column(column("x", description="their religion")) is not None
    assert forbidden_column(column("x", description="risk level of the driver")) is None
    assert special_matter(column("x", description="a diagnosis")) == "health"


# How much is looked at


def bounded(values: Sequence[str | None], kind: Kind = Kind.STRING) -> str | None:
    content = Content(Contract("trial", (Column("col7", "col7", kind),)))
    content.look(pa.table({"col7": pa.array(list(values), pa.string())}))
    return content.refusal()


def test_up_to_5000_rows_are_all_looked_at() -> None:
    groups = ["汉族", "回族", "满族"]
    values = [groups[n % 3] for n in range(5_000)]
    for stretch in range(20):
        values[250 * stretch + 249] = f"word {stretch}"
    assert bounded(values) is None
    assert bounded([*["其他"] * 4_998, "汉族", "汉族", "汉族"]) is None
    assert bounded([*["其他"] * 4_997, "汉族", "汉族", "汉族"]) is not None


def test_of_more_rows_twenty_stretches_are_looked_at() -> None:
    groups, others = ["汉族", "回族", "满族"], [f"word {n}" for n in range(40)]
    mixed = [(groups if n % 500 < 250 else others)[n % 3 if n % 500 < 250 else n % 40]
             for n in range(10_000)]  # fmt: skip
    assert bounded(mixed) is not None
    assert bounded(mixed[250:] + mixed[:250]) is None


def test_up_to_500_texts_of_json_are_all_looked_into() -> None:
    texts = ['{"a": 1}'] * 501
    texts[24] = '{"religion": 1}'
    assert bounded(texts[:500], Kind.JSON) is not None
    assert bounded([*['{"a": 1}'] * 500, '{"religion": 1}'], Kind.JSON) is None


def test_up_to_50_long_values_are_all_looked_at_and_every_second_of_more() -> None:
    values = [DNA + "A" * n if n % 2 == 0 else f"plain {n}" for n in range(51)]
    assert bounded(values[:50]) is None
    assert "26 of 26 different values look like DNA" in (bounded(values) or "")
    assert "34 of 34 different values look like DNA" in (
        bounded([DNA + "A" * n if n % 3 == 0 else f"plain {n}" for n in range(102)]) or ""
    )


def test_a_vocabulary_has_fewer_than_400_words() -> None:
    words = [f"muslim: {n}" for n in range(400)]
    assert bounded(words[:399]) is not None
    assert bounded(words) is None


def test_words_are_told_apart_by_their_first_100_characters() -> None:
    start = "muslim, " + "x" * 91
    said = bounded([f"{start}a1", f"{start}a2", f"{start}b"])
    assert "2 of its 2 different values" in (said or "")


def test_columns_that_are_no_text_or_not_declared_are_not_looked_at() -> None:
    content = Content(contract(column("col7"), column("gone")))
    content.look(pa.table({"col7": [1, 2, 3], "more": ["汉族", "回族", "满族"]}))
    assert content.refusal() is None
    content.look(pa.table({"col7": pa.array(["汉族", "回族"], pa.large_string())}))
    assert "ethnicity" in (content.refusal() or "")


# Templates


LENGTHS = (128, 192, 256, 512, 1024, 2048)


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("by", [-1, 0, 1])
def test_vectors_are_told_by_their_length(length: int, by: int) -> None:
    numbers = [(-1) ** n * (n % 7 + 1) / 8 for n in range(length + by)]
    packed = struct.pack(f"<{len(numbers)}f", *numbers)
    for text in (str(numbers), packed.hex(), base64.b64encode(packed).decode()):
        assert (refused([text]) is not None) == (by == 0)


def test_a_text_of_more_than_65536_characters_is_no_vector() -> None:
    text = ",".join(f"{number:.6f}" for number in NUMBERS)
    assert refused([text.replace(",", "," * 1, 1)]) is not None
    gap = 65_536 - len(text)
    assert refused([text.replace(",", "," + " " * gap, 1)]) is not None
    assert refused([text.replace(",", "," + " " * (gap + 1), 1)]) is None


@pytest.mark.parametrize("size", [40, 41, 42, 43])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
@pytest.mark.parametrize("padding", ["=", ""])
def test_a_record_in_base64_is_read_with_or_without_padding(size, encode, padding) -> None:  # type: ignore[no-untyped-def]
    text = encode(b"FMR\0" + b"\xfb\xff" * 20 + b"x" * (size - 40)).decode()
    assert "biometric records" in (refused([text.rstrip("=") + padding * text.count("=")]) or "")


@pytest.mark.parametrize("start", ["", "0x", "\\x"])
def test_a_record_in_hexadecimal_is_read_with_its_mark(start: str) -> None:
    record = (b"IIR\0" + bytes(range(40))).hex()
    assert "biometric records" in (refused([start + record]) or "")
    assert "biometric records" in (refused([start + record.upper()]) or "")
    assert refused([f"1{record}"]) is None


@pytest.mark.parametrize("magic", [b"FMR", b"FAC", b"FIR", b"IIR", b"VIR", b"FSP", b"FSK", b"HND",
                                   b"DNA"])  # fmt: skip
def test_each_kind_of_biometric_record_is_known(magic: bytes) -> None:
    assert refused([(magic + b"\0" + bytes(40)).hex()]) is not None
    assert refused([(magic + b"1" + bytes(40)).hex()]) is None


def test_short_values_are_no_templates() -> None:
    record = b"FMR\0" + bytes(16)
    assert refused([record.hex()]) is not None
    assert refused([record[:-1].hex()]) is None
