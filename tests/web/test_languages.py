"""Words, numbers and dates in each language."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from shutil import rmtree

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from starlette.testclient import TestClient

import cityloom.web
from cityloom.check import findings
from cityloom.city import LAKE_MEND, City
from cityloom.errors import mended
from cityloom.web.app import create_app
from cityloom.web.kernel_words import decision_words, error_words, finding_words, note_words
from cityloom.web.languages import has_han, language, spaced
from cityloom.web.words import unit_sign
from tests.cities import column, contract_text, deliver, new_city

WEB = Path(cityloom.web.__file__).parent
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "N_": None}


def test_every_message_has_its_chinese_words_and_none_is_left_over() -> None:
    methods = [("**.py", "python"), ("templates/**.html", "jinja2")]
    said = {found[2] for found in extract_from_dir(WEB, methods, keywords=KEYWORDS)}
    with open(WEB / "locales/zh/LC_MESSAGES/cityloom.po", "rb") as file:
        catalogue = read_po(file, locale="zh")
    translated = {message.id for message in catalogue if message.id and all(message.string)}
    assert said - translated == set()
    assert translated - said == set()


def test_chinese_words_keep_every_value_of_the_message() -> None:
    with open(WEB / "locales/zh/LC_MESSAGES/cityloom.po", "rb") as file:
        for message in read_po(file, locale="zh"):
            ids = message.id if isinstance(message.id, tuple) else (message.id,)
            strings = message.string if isinstance(message.string, tuple) else (message.string,)
            if "%(" in ids[-1]:
                assert set(_names(ids[-1])) == set(_names(strings[0])), message.id


def _names(text: str) -> list[str]:
    return [part.partition(")s")[0] for part in text.split("%(")[1:]]


def test_han_and_latin_are_set_apart_by_a_thin_space() -> None:
    assert spaced("共12行CSV文件") == "共\u200912\u2009行\u2009CSV\u2009文件"
    assert spaced("plain text, 12") == "plain text, 12"
    assert spaced("（见CSV）") == "（见\u2009CSV）"


@pytest.mark.parametrize(
    ("share", "written"),
    [(0, "0%"), (0.00042, "0.04%"), (0.0134, "1.3%"), (0.5, "50%"), (1, "100%")],
)
def test_a_small_share_is_told_from_nothing(share: float, written: str) -> None:
    assert language("en").percent(share) == written


@pytest.mark.parametrize(
    ("span", "english", "chinese"),
    [
        (timedelta(days=365.25 * 10), "10 years", "10\u2009年"),
        (timedelta(days=30.4375 * 3), "3 months", "3\u2009个月"),
        (timedelta(days=14), "2 weeks", "2\u2009周"),
        (timedelta(days=1), "1 day", "1\u2009天"),
        (timedelta(hours=6), "6 hours", "6\u2009小时"),
    ],
)
def test_a_span_is_said_in_its_own_unit(span: timedelta, english: str, chinese: str) -> None:
    assert language("en").period(span) == english
    assert language("zh").period(span) == chinese


def test_numbers_are_separated_and_rounded() -> None:
    english = language("en")
    assert english.number(1234567) == "1,234,567"
    assert english.number(0.5, 2) == "0.5"
    assert english.rounded(1_124_396.2) == "1,120,000"
    assert english.rounded(0.012345) == "0.0123"
    assert english.rounded(0) == "0"
    assert english.seconds(0.25) == "0.2 s"
    assert english.seconds(180) == "3 min"


def test_an_unknown_language_is_english() -> None:
    assert language("tlh").code == "en"


def test_what_the_kernel_says_is_said_in_chinese_where_it_is_known() -> None:
    chinese = language("zh")
    refused = "personal data is not shown where nobody has signed in"
    assert decision_words(refused, chinese) == "未登录时不显示个人数据"
    assert decision_words("a rule of tomorrow", chinese) == "a rule of tomorrow"
    noted = note_words("column 'a' is missing; 'b' may be its new name", chinese)
    assert noted == "缺少列“a”；“b”可能是它的新名称"
    uncounted = note_words("2 undeclared columns were not stored", chinese)
    assert uncounted == "契约之外的列有\u20092\u2009个，未保存"
    further = note_words("288 more columns are not in the contract and were not stored", chinese)
    assert further == "契约之外的列另有\u2009288\u2009个，未保存"
    one = note_words("1 more column is not in the contract and was not stored", chinese)
    assert one == "契约之外的列另有\u20091\u2009个，未保存"
    late = "visit: nothing has come for 40 days; expected every 30 days"
    assert (
        finding_words(late, chinese)
        == "visit：已有\u200940\u2009天没有报送；约定每\u200930\u2009天一次"
    )


KNOWN = [
    "case: nothing has come for 12 hours; expected every 6 hours",
    "case: nothing has come for 12 hours; expected every 1 hour",
    "case: nothing has come yet; expected every 2 days",
    "put its files into inbox/case/ and weave",
    "case: a.csv could not be received: required column 'x' is missing; the file has y. "
    "Nothing was kept: mend the file",
    "case could not be replayed: no luck",
    "case could not be made: no luck",
    "case keeps rows past retention: no luck",
    "case lacks columns that are filled: no luck",
    "mend the file or the contract and weave again",
    "mend the contract and weave again",
    "mend the function or what it reads and weave again",
    "contracts/case.odcs.yaml still has 1 open doubt",
    "contracts/case.odcs.yaml is still a draft",
    "contracts/a b.odcs.yaml still has 2 open doubts",
    "contracts/a b.odcs.yaml is still a draft",
    "contracts/a b.odcs.yaml: a sentence of tomorrow",
    "put a contract named a b.odcs.yaml into contracts/ ('cityloom contract draft' writes a first "
    "one), or rename it",
    "contracts/case.odcs.yaml: a sentence of tomorrow",
    "case refers to street, whose contract cannot be used",
    "both, more is made of case, street, whose contract cannot be used",
    "mend that contract; until then both, more is not made again",
    "case.street and street.code are not of one type",
    "DuckDB is 2.0.0; its extension packages are built for 1.5.5",
    "/a b/ledger.ndjson line 3: not a ledger entry",
    "/a b/ledger.ndjson line 3: the chain is broken; line 2 was changed, or a line before this one",
    "ledger.ndjson line 3: this entry was changed or put in",
    "ledger.ndjson line 3: entries 3 to 4 were taken out before it",
    "ledger.ndjson line 3: entry 2 stands here, where 3 should: it was put in, moved or written "
    "twice",
    "ledger.ndjson line 3: not the entry that ledger.head is of: it was changed, or written anew",
    "ledger.ndjson line 3: not the entry that the head published 2024-02-30T00:00 is of: it was "
    "changed, or written anew with others after entry 1",
    "ledger.ndjson line 3: entry 3 was cut off here; ledger.head is of entry 3",
    "ledger.ndjson line 3: entries 3 to 9 were cut off here; the head published 2024-02-30T00:00 "
    "is of entry 9",
    "ledger.ndjson line 3: entries 3 to 9 were put in; ledger.head is of entry 1",
    "ledger.head is missing or damaged; nothing tells where ledger.ndjson ended",
    "/mnt/heads.ndjson line 3: not a published head",
    "/mnt/heads.ndjson: no published head of the city 'Harbour'",
    "ledger.ndjson line 3: newer than ledger.head; what wrote it came to no end, or it was put in "
    "by hand",
    "see whether that read was asked for; the next read settles it",
    "the ledger's head was never published",
    "the ledger's head was last published at 2024-01-01T00:00",
    "publish it: cityloom ledger publish",
    "contracts/tree.yml is not read: contracts are named <dataset>.odcs.yaml",
    "rename it to tree.odcs.yaml, or take it out of contracts/",
    "tree: its log in /a b/lake/tree/_delta_log lacks the entry of version 1, 2, 3…",
    "tree: the log of runs knows version 3, but /a b/lake/tree has version 2",
    "tree: the log of runs knows version 3, but /a b/lake/tree has nothing",
    "tree: the data file /a b/lake/tree/part-1.parquet is missing",
    "tree: the data file /a b/lake/tree/part-1.parquet is damaged: 100 bytes instead of 1,234",
    "tree at version 3 cannot be opened: no luck",
    "tree cannot be opened: no luck",
    mended("tree"),
    "no backup was ever made",
    "the last backup is 3.5 days old, of 2024-01-01T00:00",
    "make one: cityloom backup",
    "the lake is empty, but the log of runs knows datasets in it: 3",
    LAKE_MEND,
]


@pytest.mark.parametrize("said", KNOWN)
def test_a_finding_is_said_in_chinese_and_left_alone_in_english(said: str) -> None:
    assert has_han(finding_words(said, language("zh")))
    assert finding_words(said, language("en")) == said


@pytest.mark.parametrize(
    ("said", "chinese"),
    [
        ("field version: expected text, not '1.0'; put it in quotes", "字段version应为文本，"),
        (
            "field a: expected text or a number or a whole number or true or false, not 'x'",
            "字段a应为文本或数字或整数或true或false，而不是",
        ),
        (
            "field team: expected keys and values, as in 'name: height', not '3'",
            "字段team应为键和值（例如“name: height”），而不是",
        ),
        ("field x: expected a list, each item after a dash, not 'y'", "字段x应为列表（每项前"),
        (
            "not YAML at line 3: odd; look at the indentation, colons and quotes there",
            "第3行不是有效的YAML：odd；请检查",
        ),
        (
            "dataset 'tree' already has a contract, contracts/a b.odcs.yaml; remove one of them or "
            "rename the dataset",
            "已有契约",
        ),
        (
            "column 'a b': no value could meet both minimum '2' and exclusiveMaximum '1'; mend one "
            "of them",
            "列“a b”：没有值能同时满足minimum“2”和exclusiveMaximum“1”",
        ),
        (
            "column 'a': minLength 3 is more than maxLength 2; no text could meet both",
            "列“a”：minLength 3大于maxLength 2",
        ),
        ("a sentence of tomorrow", "无法使用：a sentence of tomorrow"),
    ],
)
def test_what_is_wrong_with_a_contract_is_said_in_chinese(said: str, chinese: str) -> None:
    found = finding_words(f"contracts/a.odcs.yaml: {said}", language("zh"))
    assert spaced(chinese) in found
    assert found.startswith(spaced("contracts/a.odcs.yaml无法使用"))


def test_every_finding_of_a_city_is_said_in_chinese_on_its_overview(tmp_path: Path) -> None:
    street = contract_text("street", [column("code")])
    late = "slaProperties: [{property: frequency, value: 1, unit: d}]\n"
    contracts = {
        "broken": "schema: [",
        "waits": contract_text("waits", [column("x", refers="broken.x")]),
        "drafted": "# doubt: why?\n" + contract_text("drafted", [column("x")]),
        "draft": contract_text("draft", [column("x")]).replace("active", "draft"),
        "lost": contract_text("lost", [column("x", refers="gone.x")]),
        "no_column": contract_text("no_column", [column("x", refers="street.gone")]),
        "no_type": contract_text("no_type", [column("x", "integer", refers="street.code")]),
        "street": street + late,
        "elsewhere": contract_text("elsewhere", [column("x")], server={"path": "inbox/b/*.csv"}),
        "failing": contract_text("failing", [column("x", required=True)]),
    }
    city = new_city(tmp_path / "city", contracts)
    (city.path / "inbox" / "failing.csv").write_text("y\n1\n")
    (city.path / "inbox" / "unknown.csv").write_text("y\n1\n")
    city.weave()
    (city.scratch / "left").mkdir()
    (city.path / "ledger.ndjson").write_text("{}\n")
    (city.path / "lake" / "given_up").mkdir()
    (city.path / "contracts" / "misnamed.yml").write_text("")
    (city.path / "inbox" / "elsewhere.csv").write_text("x\n")
    client = TestClient(create_app(City.open(city.path)), base_url="http://127.0.0.1")
    told = client.get("/overview.json", headers={"cookie": "language=zh"}).json()["findings"]
    assert len(told) == 15
    assert in_english(told) == []


def in_english(told: list[dict[str, str]]) -> list[str]:
    return [text for item in told for text in (item["what"], item["mend"]) if not has_han(text)]


def data_file(folder: Path) -> Path:
    return next(folder.glob("*.parquet"))


def entry(folder: Path, version: int) -> Path:
    return folder / "_delta_log" / f"{version:020}.json"


HARM: dict[str, Callable[[Path], object]] = {
    "tree：缺少数据文件": lambda folder: data_file(folder).unlink(),
    "已损坏：现有": lambda folder: data_file(folder).write_bytes(b"x"),
    "什么也没有": rmtree,
    "中只到版本": lambda folder: entry(folder, 2).unlink(),
    "无法打开": lambda folder: entry(folder, 2).write_bytes(b"{"),
}


@pytest.mark.parametrize("words", HARM)
def test_damage_and_its_mend_are_said_in_chinese(tmp_path: Path, words: str) -> None:
    city = new_city(tmp_path / "city", {"tree": contract_text("tree", [column("x")])})
    for number in range(2):
        deliver(city, "tree", f"{number}.csv", b"x\n1\n")
    HARM[words](city.path / "lake" / "tree")
    (finding,) = findings(City.open(city.path))
    assert spaced(words) in finding_words(finding.what, language("zh"))
    assert "请用城市的副本恢复" in finding_words(finding.mend, language("zh"))


@pytest.mark.parametrize(
    ("code", "words"), [("zh", "缺少数据文件"), ("en", " is missing. Put what is")]
)
def test_the_error_page_says_in_the_readers_language_what_is_missing(
    tmp_path: Path, code: str, words: str
) -> None:
    city = new_city(tmp_path / "city", {"tree": contract_text("tree", [column("x")])})
    deliver(city, "tree", "a.csv", b"x\n1\n")
    data_file(city.path / "lake" / "tree").unlink()
    client = TestClient(create_app(City.open(city.path)), base_url="http://127.0.0.1")
    answer = client.get("/datasets/tree/rows", headers={"cookie": f"language={code}"})
    assert answer.status_code == 500
    assert words in answer.text


@pytest.mark.parametrize(
    ("header", "word"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "总览"),
        ("en;q=0.4, zh-TW;q=0.7", "总览"),
        ("fr, de;q=0.5", "Overview"),
        ("zh;q=no", "Overview"),
        ("", "Overview"),
    ],
)
def test_the_browser_is_asked_for_its_language(client, header: str, word: str) -> None:
    assert word in client.get("/", headers={"accept-language": header}).text


@pytest.mark.parametrize(
    ("unit", "english", "chinese"),
    [
        (None, "", ""),
        ("1", "", ""),
        ("km2", "km²", "km²"),
        ("person/km2", "people/km²", "人/km²"),
        ("CNY/m2/month", "CNY/m²/month", "CNY/m²/月"),
        ("furlong", "furlong", "furlong"),
    ],
)
def test_a_unit_is_written_as_people_write_it(unit: str | None, english: str, chinese: str) -> None:
    assert unit_sign(unit, language("en")) == english
    assert unit_sign(unit, language("zh")) == chinese


def test_a_failed_delivery_is_said_in_chinese() -> None:
    said = (
        "required column 'a' is missing; the file has b, c. Nothing was kept: mend the file, "
        "or the column's physicalName in the contract, and deliver it again"
    )
    assert error_words(said, language("zh")).startswith("缺少必填列“a”；文件中有\u2009b、c；")
    found = finding_words(f"visit: x.csv could not be received: {said}", language("zh"))
    assert "缺少必填列" in found
    other = (
        "none of the contract's columns is in the file; it has b, c and 288 more. Nothing was "
        "kept: is it a delivery of another dataset?"
    )
    assert error_words(other, language("zh")) == spaced(
        "文件中没有契约所列的任何一列；文件中有b、c等（另有288项）；未保留任何内容"
    )
