"""Values are read by their written form alone: what a form accepts, refuses, and stores."""

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cityloom.city import City
from cityloom.policy import Principal

TESTER = Principal("tester", roles=("data_steward",))


class Refused:
    """What an oracle says of a text that is not in the form."""


REFUSED = Refused()

Oracle = Callable[[str], Any]


class Written(NamedTuple):
    """A column's form: how a contract states it, what plain Python makes of a text in it."""

    stated: dict[str, Any]
    oracle: Oracle
    shape: str
    """A pattern near the form, to draw texts from."""


# Plain Python's opinion


def integer(text: str) -> Any:
    if not re.fullmatch("-?[0-9]+", text) or not -(2**63) <= int(text) < 2**63:
        return REFUSED
    return int(text)


def number(text: str) -> Any:
    whole = re.fullmatch(r"-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?", text)
    return float(text) if whole else REFUSED


def decimal(text: str) -> Any:
    if not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text):
        return REFUSED
    value = Decimal(text)
    fits = abs(value) < 10**5 and value == value.quantize(Decimal("0.01"))
    return value if fits else REFUSED


def boolean(text: str) -> Any:
    words = {"true": True, "yes": True, "1": True, "是": True}
    words |= {"false": False, "no": False, "0": False, "否": False}
    return words.get(text.lower(), REFUSED)


def made(kind: Any, *parts: str, microseconds: str = "") -> Any:
    try:
        whole = [int(part) for part in parts]
        micros = [int(microseconds.ljust(6, "0"))] if microseconds else []
        return kind(*whole, *micros)
    except ValueError:
        return REFUSED


def iso_date(text: str) -> Any:
    found = re.fullmatch("([0-9]{4})-([0-9]{2})-([0-9]{2})", text)
    return made(date, *found.groups()) if found else REFUSED


_TIME = r"([0-9]{4})-([0-9]{2})-([0-9]{2})[T ]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,6}))?"


def local_time(text: str) -> Any:
    found = re.fullmatch(_TIME, text)
    if not found:
        return REFUSED
    *parts, fraction = found.groups()
    return made(datetime, *parts, microseconds=fraction or "")


def instant(text: str) -> Any:
    found = re.fullmatch(r"(.*?)(Z|([-+])([0-9]{2}):?([0-9]{2}))", text, re.DOTALL)
    if not found:
        return REFUSED
    local = local_time(found[1])
    hours, minutes = int(found[4] or 0), int(found[5] or 0)
    if local is REFUSED or minutes > 59 or hours * 60 + minutes > 14 * 60:
        return REFUSED
    offset = timedelta(hours=hours, minutes=minutes) * (-1 if found[3] == "-" else 1)
    return (local - offset).replace(tzinfo=UTC)


def time_of_day(text: str) -> Any:
    found = re.fullmatch("([0-9]{2}):([0-9]{2}):([0-9]{2})", text)
    if not found:
        return REFUSED
    return text if made(datetime, "2000", "1", "1", *found.groups()) is not REFUSED else REFUSED


def compact_date(text: str) -> Any:
    found = re.fullmatch("([0-9]{4})([0-9]{2})([0-9]{2})", text)
    return made(date, *found.groups()) if found else REFUSED


def short_date(text: str) -> Any:
    found = re.fullmatch("([0-9]{4})/([0-9]{1,2})/([0-9]{1,2})", text)
    return made(date, *found.groups()) if found else REFUSED


def chinese_date(text: str) -> Any:
    found = re.fullmatch("([0-9]{4})年([0-9]{1,2})月([0-9]{1,2})日", text)
    return made(date, *found.groups()) if found else REFUSED


def day_first_time(text: str) -> Any:
    found = re.fullmatch("([0-9]{2})/([0-9]{2})/([0-9]{4}) ([0-9]{2}):([0-9]{2}):([0-9]{2})", text)
    if not found:
        return REFUSED
    day, month, year, *rest = found.groups()
    return made(datetime, year, month, day, *rest)


def text(text: str) -> Any:
    return text


def of(logical: str, **options: Any) -> dict[str, Any]:
    return {"logicalType": logical, "logicalTypeOptions": options}


FORMS = {
    "text": Written(of("string"), text, "(?s:.){1,9}"),
    "integer": Written(of("integer"), integer, r"[-+]?0{0,3}[0-9]{1,20}"),
    "number": Written(of("number"), number, r"-?[0-9]{0,18}\.?[0-9]{0,18}([eE][-+]?[0-9]{0,2})?"),
    "decimal": Written(
        {"logicalType": "number", "physicalType": "DECIMAL(7,2)"},
        decimal,
        r"-?0{0,3}[0-9]{1,6}(\.[0-9]{0,4}0{0,4})?",
    ),
    "boolean": Written(of("boolean"), boolean, "((?i:true|yes|no|false)|[01是否])t?"),
    "date": Written(of("date"), iso_date, "[0-9]{4}-[01]?[0-9]-[0-3]?[0-9]"),
    "timestamp": Written(
        of("timestamp"),
        local_time,
        r"[12][0-9]{3}-[01][0-9]-[0-3][0-9][T ][0-2][0-9]:[0-6][0-9]:[0-6][0-9](\.[0-9]{0,7})?Z?",
    ),
    "instant": Written(
        of("timestamp", timezone=True),
        instant,
        r"20[0-9]{2}-[01][0-9]-[0-3][0-9][T ][0-2][0-9]:[0-5][0-9]:[0-5][0-9](\.[0-9]{0,7})?"
        r"(Z|[-+][01][0-9]:?[0-5][0-9])?",
    ),
    "time": Written(of("time"), time_of_day, "[0-2][0-9]:[0-6][0-9]:?[0-6][0-9]"),
    "compact_date": Written(of("date", format="yyyyMMdd"), compact_date, "[0-9]{4}[01]?[0-9]{3}"),
    "short_date": Written(
        of("date", format="yyyy/M/d"), short_date, "[0-9]{4}/[01]?[0-9]{1,2}/[0-3]?[0-9]"
    ),
    "chinese_date": Written(
        of("date", format="yyyy年M月d日"), chinese_date, "[0-9]{4}年[01]?[0-9]月[0-3]?[0-9]日?"
    ),
    "day_first_time": Written(
        of("timestamp", format="dd/MM/yyyy HH:mm:ss"),
        day_first_time,
        "[0-3][0-9]/[01][0-9]/[12][0-9]{3} [0-2][0-9]:[0-6][0-9]:[0-6][0-9]",
    ),
}


# A city with a dataset for every form


class Judged(NamedTuple):
    """What became of texts, by their number: the stored value, or the rules that were broken."""

    kept: dict[int, Any]
    refused: dict[int, list[tuple[str, str]]]


class FormCity:
    """A city whose datasets each have one column of one form, replaced by every delivery."""

    def __init__(self, folder: Path) -> None:
        self.city = City.create(folder, "Forms")
        for name, form in FORMS.items():
            self._write_contract(name, form)

    def _write_contract(self, name: str, form: Written) -> None:
        stated = {
            "apiVersion": "v3.1.0",
            "kind": "DataContract",
            "id": name,
            "version": "1.0.0",
            "status": "active",
            "customProperties": [
                {"property": "delivery", "value": "snapshot"},
                {"property": "classification", "value": "public"},
            ],
            "schema": [
                {
                    "name": f"{name}_form",
                    "properties": [
                        {"name": "at", "logicalType": "integer"},
                        {"name": "value", **form.stated},
                    ],
                }
            ],
        }
        path = self.city.path / "contracts" / f"{name}_form.odcs.yaml"
        path.write_text(yaml.safe_dump(stated, allow_unicode=True), encoding="utf-8")

    def judge(self, form: str, texts: list[str | None]) -> Judged:
        path = self.city.path / "delivery.ndjson"
        records = [{"at": at, "value": text} for at, text in enumerate(texts)]
        path.write_text("\n".join(json.dumps(record) for record in records), encoding="utf-8")
        dataset = f"{form}_form"
        (run,) = self.city.receive(dataset, path, again=True)
        assert run.rows_read == run.rows_kept + run.rows_quarantined == len(texts)
        kept = self.city.read(dataset, TESTER).read_all().to_pylist()
        refused = self.city.read_quarantine(dataset, TESTER).read_all().to_pylist()
        return Judged(
            {row["at"]: row["value"] for row in kept},
            {
                row["_ordinal"] - 1: [(r["column"], r["rule"]) for r in row["reasons"]]
                for row in refused
            },
        )


@pytest.fixture(scope="module")
def forms(tmp_path_factory: pytest.TempPathFactory) -> FormCity:
    return FormCity(tmp_path_factory.mktemp("forms") / "city")


def disagreements(form: str, texts: list[str], judged: Judged) -> list[str]:
    """Where the city and plain Python do not agree."""
    found = []
    for at, written in enumerate(texts):
        expected = FORMS[form].oracle(written)
        if expected is REFUSED:
            if judged.refused.get(at) != [("value", "type")]:
                outcome = judged.kept.get(at, judged.refused.get(at))
                found.append(f"{written!r} is not in the form, yet: {outcome!r}")
        elif at not in judged.kept:
            found.append(f"{written!r} was refused, not kept as {expected!r}")
        elif judged.kept[at] != expected or type(judged.kept[at]) is not type(expected):
            found.append(f"{written!r} is stored as {judged.kept[at]!r}, not {expected!r}")
    return found


# Tables


ACCEPTED = {
    "text": ["a", " 12", "'", '"', "<b>", "=1+1", "张", "🏙️", "é", "a\nb", "NULL", "\\N", "\x07"],
    "integer": [
        "0", "-0", "7", "-7", "007", "9223372036854775807", "-9223372036854775808",
        "000000000000000000000000000001",
    ],
    "number": ["0", "-0.5", "1e5", "1E+5", "1e-5", "00012", "1.5", "3.141592653589793", "1e308",
               "5e-324", "0.1", "123456789012345678901234567890"],
    "decimal": ["0", "-0", "1.5", "1.50", "1.500", "-99999.99", "99999.99", "00012.30", "0.01"],
    "boolean": ["true", "TRUE", "True", "tRuE", "yes", "YES", "1", "是", "false", "FALSE", "no",
                "No", "0", "否"],
    "date": ["2024-02-29", "2000-02-29", "0001-01-01", "9999-12-31", "1582-10-10", "1969-12-31"],
    "timestamp": ["2024-01-31T23:59:59", "2024-01-31 23:59:59", "2024-01-31T00:00:00.5",
                  "2024-01-31T00:00:00.123456", "1969-12-31T23:59:59.999999"],
    "instant": ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z",
                "2024-01-31T23:59:59Z", "2024-01-31 23:59:59+08:00", "2024-01-31T23:59:59-0930",
                "2024-01-31T00:00:00.000001+14:00", "2024-12-31T23:59:59-11:00"],
    "time": ["00:00:00", "23:59:59", "08:05:09"],
    "compact_date": ["20240229", "19491001"],
    "short_date": ["2024/2/3", "2024/02/03", "2024/12/31", "2024/2/29"],
    "chinese_date": ["2024年2月3日", "2024年02月03日"],
    "day_first_time": ["03/02/2024 10:11:12", "31/12/1999 23:59:59"],
}  # fmt: skip

ALWAYS_REFUSED = ["x", "", "NaN", "nan", "inf", "-inf", "null", "None", "１２", "٣", " ", "-", "+"]

REFUSED_TEXTS = {
    "integer": ["1.5", "1.0", "0x1F", "1_000", "1,000", " 12", "12 ", "12\n", "+5", "1e5", "--1",
                "9223372036854775808", "-9223372036854775809", "０", "²", "1 000", "true"],
    "number": ["0x1F", "1_000", "1,5", " 1.5", "1.5 ", "1.5\n", "+5", ".5", "5.", "1e", "e5",
               "1e5.0", "1.2.3", "Infinity", "１.５", "1d"],
    "decimal": ["1.505", "100000", "100000.00", "-123456.7", "1e2", "+1", ".5", "5.", "1,50",
                "1.5 ", "1.001"],
    "boolean": ["y", "n", "t", "f", "on", "off", "2", "01", "truee", " true", "真", "ｙｅｓ", "-1"],
    "date": ["2024-02-30", "2023-02-29", "1900-02-29", "2024-2-3", "24-02-03", "2024-13-01",
             "2024-00-10", "2024-01-00", "2024/02/03", "20240203", "2024-02-03T00:00:00",
             "2024-02-03 ", "12024-01-01", "２０２４-01-01", "2024‐02‐03", "epoch", "infinity",
             "2024-02-03 (BC)"],
    "timestamp": ["2024-01-31", "2024-01-31T00:00", "2024-02-30T00:00:00", "2024-01-31T25:00:00",
                  "2024-01-31T00:60:00", "2024-01-31T23:59:60", "2024-01-31T00:00:00.1234567",
                  "2024-01-31T00:00:00Z", "2024-01-31T00:00:00+08:00", "2024-01-31t00:00:00",
                  "2024-01-31  00:00:00", "2024-01-31T0:00:00", "2024-01-31T00:00:00,5",
                  "2024-01-31T00:00:00.", "now", "epoch"],
    "instant": ["2024-01-31T23:59:59", "2024-01-31T23:59:59z", "2024-01-31T23:59:59+8",
                "2024-01-31T23:59:59+08", "2024-01-31T23:59:59 +08:00", "2024-01-31T23:59:59UTC",
                "2024-02-30T00:00:00Z", "2024-01-31T23:59:59 Asia/Shanghai"],
    "time": ["24:00:00", "23:60:00", "23:59:60", "1:00:00", "12:00", "12:00:00.5", "12:00:00Z",
             " 12:00:00", "１２:00:00"],
    "compact_date": ["20240230", "20230229", "2024022", "202402030", "2024-02-03", "20241301",
                     "20240203 "],
    "short_date": ["2024/2/30", "2024/002/3", "24/2/3", "2024-2-3", "2024/2/", "2024/13/1",
                   "2024/2/3 ", "2024/0/1"],
    "chinese_date": ["2024年2月30日", "2024年2月3", "2024-2-3", "二〇二四年二月三日"],
    "day_first_time": ["31/02/2024 10:11:12", "3/2/2024 10:11:12", "2024-02-03 10:11:12",
                       "12/31/2024 10:11:12", "03/02/2024 25:00:00", "03/02/2024 10:11:60",
                       "03/02/2024T10:11:12", "03/02/2024"],
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_texts_in_the_form_are_kept_as_the_value_that_plain_python_reads(
    forms: FormCity, form: str
) -> None:
    texts = ACCEPTED[form]
    judged = forms.judge(form, list(texts))
    assert sorted(judged.kept) == list(range(len(texts))), judged.refused
    assert disagreements(form, texts, judged) == []


@pytest.mark.parametrize("form", REFUSED_TEXTS)
def test_texts_outside_the_form_are_refused_for_their_type_and_nothing_else(
    forms: FormCity, form: str
) -> None:
    texts = [*REFUSED_TEXTS[form], *(text for text in ALWAYS_REFUSED if text)]
    judged = forms.judge(form, list(texts))
    assert [texts[at] for at in judged.kept] == []
    assert {rule for rules in judged.refused.values() for rule in rules} == {("value", "type")}
    assert all(len(rules) == 1 for rules in judged.refused.values())


@pytest.mark.parametrize("form", FORMS)
def test_an_empty_field_is_null_in_every_form(forms: FormCity, form: str) -> None:
    assert forms.judge(form, ["", None]).kept == {0: None, 1: None}


ENGINES_KEEP = {
    "number": ["1e999", "-1e999"],
    "date": ["0000-01-01"],
    "timestamp": ["2024-01-31T24:00:00", "0000-01-01T00:00:00"],
    "instant": ["2024-01-31T00:00:00+24:00", "2024-01-31T00:00:00+99:99",
                "2024-01-31T00:00:00+08:60", "2024-01-31T24:00:00Z", "2024-01-31T00:00:00+14:01",
                "2024-01-31T00:00:00-15:00", "0001-01-01T00:00:00+00:01",
                "9999-12-31T23:59:59-00:01"],
    "compact_date": ["00000101"],
    "day_first_time": ["31/01/2024 24:00:00"],
    "boolean": ["yeſ"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("form", "written"),
    [(form, written) for form, texts in ENGINES_KEEP.items() for written in texts],
)
def test_no_text_is_kept_as_another_value_than_it_says(
    forms: FormCity, form: str, written: str
) -> None:
    assert forms.judge(form, [written]).refused == {0: [("value", "type")]}


@pytest.mark.parametrize(
    "written",
    ["{bad", "[1,", "yes", "{'a': 1}", "[1,]", "NaN", "-Infinity", '{"a": nan}'],
)
def test_an_object_must_be_written_as_json(tmp_path: Path, written: str) -> None:
    city = City.create(tmp_path / "city", "Objects")
    stated = {
        "apiVersion": "v3.1.0", "kind": "DataContract", "id": "o", "version": "1",
        "status": "active",
        "schema": [{"name": "thing", "properties": [{"name": "value", "logicalType": "object"}]}],
    }  # fmt: skip
    (city.path / "contracts" / "thing.odcs.yaml").write_text(yaml.safe_dump(stated))
    path = city.path / "delivery.ndjson"
    path.write_text(json.dumps({"value": written}))
    assert city.receive("thing", path)[0].rows_kept == 0


def test_blanks_around_a_value_are_stripped_only_where_the_contract_says_trim(
    tmp_path: Path,
) -> None:
    city = City.create(tmp_path / "city", "Blanks")
    trim = {"customProperties": [{"property": "trim", "value": True}]}
    properties = [
        {"name": "trimmed", **trim},
        {"name": "whole"},
        {"name": "number", "logicalType": "integer", **trim},
    ]
    stated = {
        "apiVersion": "v3.1.0", "kind": "DataContract", "id": "b", "version": "1",
        "status": "active",
        "customProperties": [{"property": "classification", "value": "public"}],
        "schema": [{"name": "blank", "properties": properties}],
    }  # fmt: skip
    (city.path / "contracts" / "blank.odcs.yaml").write_text(yaml.safe_dump(stated))
    path = city.path / "delivery.ndjson"
    records = [
        {"trimmed": " a b \t", "whole": " a b ", "number": " 12 "},
        {"trimmed": "   ", "whole": "   ", "number": "  "},
    ]
    path.write_text("\n".join(json.dumps(record) for record in records))
    city.receive("blank", path)
    assert city.read("blank", TESTER).read_all().to_pylist() == [
        {"trimmed": "a b", "whole": " a b ", "number": 12},
        {"trimmed": None, "whole": "   ", "number": None},
    ]


# Whatever is written


def doubtful(form: str, written: str) -> bool:
    """Whether the city is known to differ from plain Python here; there are tests of their own."""
    if form == "number":
        return "inf" in str(number(written))
    if form in ("date", "compact_date", "short_date", "chinese_date", "timestamp"):
        return written.startswith("0000") or "24:" in written
    if form in ("instant", "day_first_time"):
        return "24:" in written
    return form == "boolean" and "ſ" in written


def near(form: str) -> st.SearchStrategy[str]:
    """Texts in the form, texts that nearly are, and texts of its characters."""
    shaped = st.from_regex(FORMS[form].shape, fullmatch=True)
    odd = st.sampled_from([" ", "\n", "+", "_", "１", "x", "e", ".", "-", "0", "\t", "Z", "\u00a0"])

    def bent(drawn: tuple[str, str, int]) -> str:
        text, letter, place = drawn
        place %= len(text) + 1
        return text[:place] + letter + text[place:]

    return st.one_of(
        shaped,
        shaped,
        st.tuples(shaped, odd, st.integers(0, 30)).map(bent),
        st.text("0123456789+-.eETZ:/ _年月日", min_size=1, max_size=12),
        st.text(min_size=1, max_size=6),
    ).filter(lambda text: text != "" and not doubtful(form, text))


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_text_is_kept_or_refused_as_plain_python_would(
    forms: FormCity, form: str, data: st.DataObject
) -> None:
    texts = data.draw(st.lists(near(form), min_size=20, max_size=80))
    assert disagreements(form, texts, forms.judge(form, list(texts))) == []
