"""The console says where a dataset is pulled from and when it last was, in both languages."""

import json
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from cityloom.check import findings
from cityloom.city import City
from cityloom.cli import _app
from cityloom.web.app import create_app
from cityloom.web.kernel_words import finding_words
from cityloom.web.languages import language
from tests.cities import column, contract_text, set_contract
from tests.sources.sites import Sqlite, pulled, pulling_city, sound

CONTRACTS = {"permit": contract_text("permit", [column("id", "integer", key=1)])}


@pytest.fixture
def city(tmp_path: Path) -> City:
    office = Sqlite(tmp_path / "office.db")
    office.execute("CREATE TABLE permit (id INTEGER PRIMARY KEY)", "INSERT INTO permit VALUES (1)")
    stated = (
        '[sources.office]\nkind = "database"\ndataset = "permit"\nevery = "1d"\n'
        f'url = "sqlite:///{office.path}"\ntable = "permit"'
    )
    return pulling_city(tmp_path / "city", CONTRACTS, stated)


def page(city: City, query: str = "", form: str = "") -> str:
    client = TestClient(create_app(City.open(city.path)), base_url="http://127.0.0.1")
    answer = client.get(f"/datasets/permit{form}{query}")
    assert answer.status_code == 200
    return answer.text


def test_a_dataset_says_where_it_is_pulled_from(city: City) -> None:
    assert "never pulled" in page(city)
    sound(city)
    (facts,) = json.loads(page(city, form=".json"))["sources"]
    assert (facts["source"], facts["kind"], facts["failing"]) == ("office", "database", False)
    assert facts["pulled"].startswith("20")
    assert "Pulled from" in page(city)
    assert "last pulled" in page(city)
    assert "拉取自" in page(city, "?lang=zh")
    assert "上次拉取" in page(city, "?lang=zh")


def test_what_fails_is_said_without_where_it_lies(city: City) -> None:
    (city.path.parent / "office.db").unlink()
    assert pulled(city).error
    for shown in (page(city), page(city, "?lang=zh"), page(city, form=".json")):
        assert str(city.path.parent) not in shown
    assert "failed" in page(city)
    said = [item for item in findings(City.open(city.path), discreet=True) if "office" in item.what]
    assert len(said) == 1
    assert str(city.path.parent) not in said[0].what + said[0].mend
    for words in (said[0].what, said[0].mend):
        assert "数据源" in finding_words(words, language("zh")) or "修正" in finding_words(
            words, language("zh")
        )
        assert finding_words(words, language("en")) == words


@pytest.mark.parametrize("at", ["/", "/?lang=zh", "/overview.json", "/datasets/permit"])
def test_what_a_source_fails_with_is_for_the_command_line_alone(city: City, at: str) -> None:
    columns = [column("id", "integer", key=1)]
    held_closely = contract_text("permit", columns, classification="sensitive")
    set_contract(city.path, "permit", held_closely)
    Sqlite(city.path.parent / "office.db").execute(
        "DROP TABLE permit", "CREATE TABLE permit (id_card TEXT, home_address TEXT)"
    )
    assert "it has id_card, home_address" in pulled(city).error
    client = TestClient(create_app(City.open(city.path)), base_url="http://127.0.0.1")
    shown = client.get(at)
    assert shown.status_code == 200
    assert "office" in shown.text
    assert "id_card" not in shown.text
    told = CliRunner().invoke(_app(), ["check", str(city.path)])
    assert "source office of permit fails: none of its columns is in the contract" in told.output
    assert "id_card" in told.output
