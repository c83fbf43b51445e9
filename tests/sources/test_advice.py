"""What lets nobody in, or does not answer, is said with the next step."""

from pathlib import Path

import pytest

from cityloom.sources.advice import advised
from tests.sources.sites import Answer, MariaDb, Site, free_port, pulled, pulling_city
from tests.sources.test_web import CONTRACTS, ONE, city_of

PASSWORD = "; check the user and the password, key or token that city.toml names"
NETWORK = "; see that the server runs and that the network lets this machine reach it"


@pytest.mark.parametrize("status", [401, 403])
def test_a_server_that_lets_nobody_in_is_said_with_what_to_check(
    status: int, site: Site, tmp_path: Path
) -> None:
    site.answers["/trees.csv"] = Answer(b"", status)
    assert f"answers {status}" in (said := pulled(city_of(tmp_path / "city", site, ONE)).error)
    assert PASSWORD in said


def test_a_server_that_is_away_is_said_with_what_to_check(site: Site, tmp_path: Path) -> None:
    city = city_of(tmp_path / "city", site, ONE)
    site.port = free_port()
    site.url = f"http://127.0.0.1:{site.port}"
    moved = city_of(tmp_path / "away", site, ONE)
    assert NETWORK in pulled(moved).error
    assert NETWORK not in pulled(city).error


def test_a_wrong_password_of_a_database_is_said_with_what_to_check(
    mariadb: MariaDb, tmp_path: Path
) -> None:
    more = (
        '[network]\ninternal = ["127.0.0.1"]\n[sources.park]\nkind = "database"\n'
        'dataset = "tree"\ntable = "tree"\nurl = "mariadb://reader@127.0.0.1:PORT/permits"'
    )
    city = pulling_city(tmp_path / "city", CONTRACTS, more.replace("PORT", str(mariadb.port)))
    assert PASSWORD in pulled(city).error
    away = pulling_city(tmp_path / "away", CONTRACTS, more.replace("PORT", str(free_port())))
    assert NETWORK in pulled(away).error


@pytest.mark.parametrize(
    ("said", "step"),
    [
        ("127.0.0.1 does not let city in", PASSWORD),
        ('postgresql: FATAL: password authentication failed for user "r"', PASSWORD),
        ("oracle: ORA-01017: invalid credential", PASSWORD),
        ("mssql: Login failed for user 'r'", PASSWORD),
        ("When reading: AWS Error ACCESS_DENIED during GetObject", PASSWORD),
        ("h.test:22 does not answer: timed out", NETWORK),
        ("https://h.test/a: The read operation timed out", NETWORK),
        ("https://h.test/a: ReadTimeout", NETWORK),
        ("mysql: (2013, 'Lost connection to MySQL server during query')", NETWORK),
        ("AWS Error NETWORK_CONNECTION during HeadBucket", NETWORK),
    ],
)
def test_what_drivers_say_is_followed_by_the_next_step(said: str, step: str) -> None:
    assert advised(said).startswith(said + step)


@pytest.mark.parametrize("said", ["https://h.test/403.csv answers 404 Not Found", "a.csv: too big"])
def test_of_other_faults_no_step_is_said(said: str) -> None:
    assert advised(said) == said
