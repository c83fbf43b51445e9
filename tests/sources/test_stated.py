"""What ``city.toml`` says of sources: clear when it is wrong, and never a secret."""

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import mssql, mysql, oracle, postgresql

from cityloom.city import City
from cityloom.errors import UsageError
from cityloom.settings import read_settings, write_settings
from cityloom.sources import marks
from cityloom.sources.database import reached, statement_of
from cityloom.sources.stated import DatabaseSource, OdkSource
from tests.sources.sites import stating

START = '[sources.office]\nkind = "database"\ndataset = "permit"\n'
PG = 'url = "postgresql://reader@db.test/permits"\ntable = "permit"'
SFTP = '[sources.park]\nkind = "sftp"\ndataset = "tree"\nhost = "h"\nuser = "u"\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    City.create(tmp_path / "city", "Test")
    return tmp_path / "city"


@pytest.mark.parametrize(
    ("stated", "words"),
    [
        ('[sources.office]\ndataset = "permit"', "field sources.office"),
        ('[sources.office]\nkind = "fax"\ndataset = "permit"', "sources.office"),
        (f"[sources.Office]\n{PG}", "sources.Office"),
        (START, "field sources.office.url: is missing"),
        (START.replace("permit", "../x") + PG, "sources.office.dataset"),
        (f'{START}url = "postgresql://reader@db.test/permits"', "expected either table or query"),
        (f'{START}{PG}\nquery = "SELECT 1"', "expected either table or query"),
        (f'{START}{PG}\nwatermark = "a"\nmarker = "b"', "at most one of watermark and marker"),
        (f"{START}{PG}\noverlap = 5", "overlap is for a source with a watermark"),
        (f'{START}{PG}\nwatermark = "a"\noverlap = "5"', "expected a number with min, h, d or w"),
        (f'{START}{PG}\nevery = "daily"', "sources.office.every: expected a number with min, h"),
        (f'{START}{PG}\ncolour = "red"', "sources.office.colour: is not known; take it out"),
        (f"{START}{PG}\nlargest_mb = 0", "sources.office.largest_mb"),
        (f'{START}table = "t"\nurl = "db2://h/d"', "database 'db2' is not known; expected"),
        (f'{START}table = "t"\nurl = "nonsense"', "expected a URL, as in 'postgresql://"),
        (f'{START}table = "t"\nurl = "postgresql://h/d?host=evil"', "option 'host' is not known"),
        (f'{START}table = "t"\nurl = "postgresql://h/d?service=x"', "option 'service' is not"),
        (f'{START}table = "t"\nurl = "sqlite://"', "expected the path of a file"),
        (SFTP, "a server is never trusted on first use"),
        (SFTP + 'host_key = "x"\nknown_hosts = "y"', "expected either host_key"),
        ('[network]\nhosts = ["https://x.test/"]', "'https://x.test/' is not a host"),
        ('[network]\nhosts = ["*.x.test"]', "'*.x.test' is not a host"),
        ('[network]\nany = true', "field network.any: is not known"),
        ('[sources.a]\nkind = "http"\ndataset = "t"', "expected either urls or index"),
        ('[sources.a]\nkind = "http"\ndataset = "t"\nurls = ["file:///etc/x"]', "as in 'https"),
        ('[sources.a]\nkind = "s3"\ndataset = "t"\nendpoint = "https://s"\nbucket = "../x"',
         "sources.a.bucket"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_field(stated: str, words: str, folder: Path) -> None:
    with pytest.raises(UsageError) as caught:
        stating(folder, stated)
    assert str(caught.value).startswith(f"{folder / 'city.toml'}: field ")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "stated",
    [
        START + 'table = "t"\nurl = "postgresql://reader:s3cret@db.test/permits"',
        f'{START}{PG}\npassword = "s3cret"',
        f'{START}{PG}\npassword = {{env = "s3cret!"}}',
        f'{START}{PG}\npassword = {{env = ["s3cret"]}}',
        f'{START}{PG}\npassword = {{text = "s3cret"}}',
        f'{START}{PG}\npassword = ["s3cret"]',
        '[sources.a]\nkind = "http"\ndataset = "t"\nurls = ["https://u:s3cret@x.test/a"]',
        '[sources.a]\nkind = "http"\ndataset = "t"\nurls = ["https://x.test/a"]\ntoken = "s3cret"',
    ],
)
def test_a_secret_in_the_file_is_refused_and_not_repeated(stated: str, folder: Path) -> None:
    with pytest.raises(UsageError) as caught:
        stating(folder, stated)
    assert "s3cret" not in str(caught.value)


EVERYTHING = """
[network]
hosts = ["Data.Example.org", "db.test:5432"]
internal = ["10.0.0.5"]
[sources.office]
kind = "database"
dataset = "permit"
url = "oracle://reader@db.test/?service_name=permits"
password = {env = "OFFICE_PASSWORD"}
query = '''SELECT "a" FROM b'''
watermark = "changed"
overlap = "2h"
every = "15min"
[sources.park]
kind = "s3"
dataset = "tree"
endpoint = "https://s3.example.org"
bucket = "parks"
recursive = true
[sources.central]
kind = "odk"
dataset = "visit"
url = "https://odk.example.org"
project = 7
form = "v"
"""


def test_what_is_stated_is_read_as_it_was_written(folder: Path) -> None:
    settings = stating(folder, EVERYTHING).settings
    assert settings.network.hosts == ("data.example.org", "db.test:5432")
    office, central = settings.sources["office"], settings.sources["central"]
    assert isinstance(office, DatabaseSource)
    assert (office.every, office.overlap) == (timedelta(minutes=15), timedelta(hours=2))
    assert isinstance(central, OdkSource)
    assert central.every is None
    write_settings(folder, settings)
    assert read_settings(folder) == settings


def test_another_engine_leaves_the_sources_as_they_are(folder: Path) -> None:
    stated = stating(folder, EVERYTHING).settings
    assert City.open(folder, engine="sail://").settings.sources == stated.sources


# SQL Server and Oracle without a server: the URL and the statement that would be sent

URLS = {
    "postgresql://r@h/d": "postgresql+psycopg://r@h/d",
    "postgresql+psycopg2://r@h/d": "postgresql+psycopg://r@h/d",
    "mysql://r@h/d?charset=utf8mb4": "mysql+pymysql://r@h/d?charset=utf8mb4",
    "mariadb://r@h:3307/d": "mariadb+pymysql://r@h:3307/d",
    "mssql://r@h/d?tds_version=7.4": "mssql+pymssql://r@h/d?tds_version=7.4",
    "oracle://r@h/?service_name=s": "oracle+oracledb://r@h/?service_name=s",
}


@pytest.mark.parametrize("url", URLS)
def test_each_database_is_reached_by_one_driver_that_is_installed(url: str) -> None:
    found = reached(sa.make_url(url), Path())
    assert str(found) == URLS[url]
    engine = sa.create_engine(found)
    assert engine.dialect.driver == URLS[url].partition("+")[2].partition(":")[0]


STATEMENTS = {
    "mssql": "SELECT id, [Kind], changed AS cityloom_mark FROM dbo.permit "
    "WHERE changed >= '2024-01-01 11:50:00' OR changed IS NULL",
    "oracle": 'SELECT id, "Kind", changed AS cityloom_mark FROM dbo.permit '
    "WHERE changed >= TO_DATE('2024-01-01 11:50:00', 'YYYY-MM-DD HH24:MI:SS') "
    "OR changed IS NULL",
    "mysql": "SELECT id, `Kind`, changed AS cityloom_mark FROM dbo.permit "
    "WHERE changed >= '2024-01-01 11:50:00' OR changed IS NULL",
    "postgresql": 'SELECT id, "Kind", changed AS cityloom_mark FROM dbo.permit '
    "WHERE changed >= '2024-01-01 11:50:00' OR changed IS NULL",
}
DIALECTS = {
    "mssql": mssql.dialect(), "oracle": oracle.dialect(), "mysql": mysql.dialect(),
    "postgresql": postgresql.dialect(),
}  # fmt: skip


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_statement_is_written_as_each_database_reads_it(name: str) -> None:
    from datetime import datetime

    source = DatabaseSource(
        kind="database", dataset="permit", url=f"{name}://r@h/d", table="dbo.permit",
        watermark="CHANGED",
    )  # fmt: skip
    found = {"id": "id", "kind": "Kind", "changed": "changed"}
    mark = marks.written(datetime(2024, 1, 1, 12))
    statement = statement_of(source, ["id", "Kind"], found, mark)
    compiled = statement.compile(dialect=DIALECTS[name], compile_kwargs={"literal_binds": True})
    assert " ".join(str(compiled).split()) == STATEMENTS[name]


def test_a_query_is_a_table_without_as_where_oracle_wants_none() -> None:
    source = DatabaseSource(
        kind="database", dataset="permit", url="oracle://r@h/d", query="SELECT 1 AS id FROM dual; "
    )
    text = str(statement_of(source, ["id"], {"id": "id"}, "").compile(dialect=oracle.dialect()))
    assert " ".join(text.split()) == "SELECT id FROM (SELECT 1 AS id FROM dual ) pulled"
