"""``city.toml`` says what a city is; a wrong or newer one is told in words."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloom.city import City
from cityloom.errors import UsageError
from cityloom.settings import FILE, FORMAT, LANGUAGES, Settings, read_settings, write_settings
from cityloom.web.languages import LANGUAGES as PAGES


def written(folder: Path, text: str | bytes) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / FILE).write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def refusal(folder: Path) -> str:
    with pytest.raises(UsageError) as caught:
        City.open(folder)
    return str(caught.value)


def test_everything_but_the_name_has_a_default(tmp_path: Path) -> None:
    found = read_settings(written(tmp_path / "city", 'name = "深圳"'))
    assert found == Settings(
        name="深圳",
        format=FORMAT,
        crs="EPSG:4326",
        languages=("en", "zh"),
        engine="duckdb://",
        database="sqlite:///store.sqlite",
    )


def test_what_a_city_says_is_read(tmp_path: Path) -> None:
    text = 'name = "X"\ncrs = "EPSG:4547"\nlanguages = ["zh"]\ndatabase = "sqlite:///other.db"\n'
    found = City.open(written(tmp_path / "city", text)).settings
    assert (found.crs, found.languages) == ("EPSG:4547", ("zh",))
    assert found.database == "sqlite:///other.db"


def test_a_new_city_says_only_its_name_and_format(tmp_path: Path) -> None:
    City.create(tmp_path / "city", 'A "quoted" \\ city')
    stated = tomllib.loads((tmp_path / "city" / FILE).read_text())
    assert stated == {"name": 'A "quoted" \\ city', "format": FORMAT}


TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1)


@given(
    st.builds(
        Settings,
        name=TEXTS,
        crs=st.one_of(
            st.integers(1024, 32767).map("EPSG:{}".format),
            st.from_regex(r"ESRI:[0-9]{1,6}", fullmatch=True),
        ),
        languages=st.sampled_from([("en",), ("zh",), ("zh", "en")]),
        engine=st.sampled_from(["duckdb://", "sail://?workers=2", "spark://host:7077", "sc://h"]),
        database=TEXTS,
    )
)
def test_settings_are_read_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, settings: Settings
) -> None:
    folder = tmp_path_factory.mktemp("city")
    write_settings(folder, settings)
    assert read_settings(folder) == settings


@pytest.mark.parametrize("name", ["two\nlines", "bell\x07"])
def test_a_name_with_a_control_character_is_read_as_it_was_written(
    tmp_path: Path, name: str
) -> None:
    assert City.create(tmp_path / "city", name).settings.name == name


def test_a_city_needs_a_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="name"):
        City.create(tmp_path / "city", "")


def test_where_there_is_no_city_the_way_to_one_is_told(tmp_path: Path) -> None:
    message = refusal(tmp_path)
    assert "no city here (city.toml is missing)" in message
    assert f"cityloom new {tmp_path}" in message


def test_a_city_of_a_newer_format_says_upgrade(tmp_path: Path) -> None:
    message = refusal(written(tmp_path / "city", f'name = "X"\nformat = {FORMAT + 1}\nnew = 1\n'))
    assert f"format {FORMAT + 1}" in message
    assert f"reads up to {FORMAT}" in message
    assert "upgrade cityloom" in message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name = ", "not TOML"),
        (b"name = \"\xff\"", "not TOML"),
        ("", "field name: is missing"),
        ('name = ""', "field name: expected at least 1 character"),
        ('name = 5', "field name: expected text, not '5'"),
        ('name = "X"\ncolour = "red"', "field colour: is not known; take it out"),
        ('name = "X"\ncrs = "somewhere"', "field crs: expected what matches ^[A-Z]"),
        ('name = "X"\ncrs = "EPSG:99999999"', "crs 'EPSG:99999999' is not known"),
        ('name = "X"\ncrs = "EPSG:0"', "crs 'EPSG:0' is not known"),
        ('name = "X"\nlanguages = ["en", "xx"]', "language 'xx' is not known; expected some of en"),
        ('name = "X"\nlanguages = []', "languages are empty; expected some of en, zh"),
        ('name = "X"\nlanguages = "zh"', "field languages: expected a list"),
        ('name = "X"\nengine = "mysql://host"', "engine: "),
        ('name = "X"\nformat = "one"', "field format: expected a whole number"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_told_with_its_path_and_the_field(
    tmp_path: Path, text: str | bytes, words: str
) -> None:
    message = refusal(written(tmp_path / "city", text))
    assert message.startswith(str(tmp_path / "city" / FILE))
    assert words in message


def test_the_languages_that_a_city_may_state_are_those_of_the_pages() -> None:
    assert tuple(PAGES) == LANGUAGES


def test_an_unknown_engine_says_which_are_known(tmp_path: Path) -> None:
    message = refusal(written(tmp_path / "city", 'name = "X"\nengine = "mysql://host"'))
    assert "'mysql://host' is not known; expected duckdb://" in message


def test_an_unknown_engine_asked_for_on_opening_is_told_in_the_same_words(tmp_path: Path) -> None:
    City.create(tmp_path / "city", "X")
    with pytest.raises(UsageError, match="expected duckdb://"):
        City.open(tmp_path / "city", engine="mysql://host")


def test_an_engine_may_be_asked_for_on_opening(tmp_path: Path) -> None:
    City.create(tmp_path / "city", "X")
    assert City.open(tmp_path / "city", engine="sail://").settings.engine == "sail://"
    assert City.open(tmp_path / "city").settings.engine == "duckdb://"


@pytest.mark.parametrize("field", ["name", "crs", "engine"])
def test_settings_cannot_be_changed_in_place(field: str) -> None:
    settings: Any = Settings(name="X")
    with pytest.raises(ValueError, match="frozen"):
        setattr(settings, field, "Y")


def test_a_folder_that_holds_something_is_not_made_a_city(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(UsageError, match="not empty; a new city needs a folder of its own"):
        City.create(tmp_path, "X")
    assert [path.name for path in tmp_path.iterdir()] == ["note.txt"]


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("[netwrok]\nhosts = []", "field netwrok: is not known; is 'network' meant?"),
        (
            '[sources.a]\nkind = "database"\ndataset = "a"\nurl = "sqlite:///a"\ntabel = "a"',
            "field sources.a.tabel: is not known; is 'table' meant?",
        ),
        (
            '[sources.a]\nkind = "htp"\ndataset = "a"',
            "field sources.a: 'htp' is not known; expected 'database', 'sftp', 'http'",
        ),
        ("entirely_else = 1", "field entirely_else: is not known; take it out"),
    ],
)
def test_a_misspelt_setting_is_told_with_what_was_meant(
    tmp_path: Path, written: str, words: str
) -> None:
    City.create(tmp_path / "city", "City")
    path = tmp_path / "city" / "city.toml"
    path.write_text(f"{path.read_text(encoding='utf-8')}\n{written}\n", encoding="utf-8")
    with pytest.raises(UsageError) as told:
        read_settings(tmp_path / "city")
    assert words in str(told.value)
