"""Files over HTTP: what is new or changed at listed hosts, whole or not at all."""

from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest

from cityloom.city import City
from cityloom.sources.files import PATIENCE
from cityloom.sources.network import Network
from tests.cities import column, contract_text, rows
from tests.sources.sites import Site, free_port, pulled, pulling_city, sound

CONTRACTS = {"tree": contract_text("tree", [column("id", key=1), column("kind")])}


def city_of(path: Path, site: Site, more: str, hosts: str = "internal") -> City:
    stated = f'[network]\n{hosts} = ["127.0.0.1:{site.port}"]\n'
    more = more.replace("SITE", site.url)
    return pulling_city(
        path, CONTRACTS, f'{stated}[sources.park]\nkind = "http"\ndataset = "tree"\n{more}'
    )


def inbox(city: City) -> dict[str, bytes]:
    folder = city.path / "inbox" / "tree" / "park"
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def woven(city: City) -> set[str]:
    opened = City.open(city.path)
    opened.weave()
    return {row["id"] for row in rows(opened, "tree")}


ONE = 'urls = ["SITE/trees.csv"]'


def test_a_file_at_a_url_is_pulled_and_woven(site: Site, tmp_path: Path) -> None:
    city = city_of(tmp_path / "city", site, ONE)
    site.says("/trees.csv", "id,kind\n1,oak\n")
    found = sound(city)
    assert (found.files, found.size) == (1, 14)
    assert woven(city) == {"1"}


@pytest.mark.parametrize(
    "headers", [{"ETag": '"a"'}, {"Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT"}]
)
def test_a_file_is_pulled_again_only_if_its_marker_is_another(
    headers: dict[str, str], site: Site, tmp_path: Path
) -> None:
    city = city_of(tmp_path / "city", site, ONE)
    site.says("/trees.csv", "id,kind\n1,oak\n", headers=headers)
    assert sound(city).files == 1
    assert sound(city).files == 0
    other = {
        name: value.replace("a", "b").replace("01 J", "02 J") for name, value in headers.items()
    }
    site.says("/trees.csv", "id,kind\n2,elm\n", headers=other)
    assert sound(city).files == 1
    assert woven(city) == {"2"}


def test_a_file_without_a_marker_is_pulled_each_time_and_kept_once(
    site: Site, tmp_path: Path
) -> None:
    city = city_of(tmp_path / "city", site, ONE)
    site.says("/trees.csv", "id,kind\n1,oak\n")
    sound(city)
    assert woven(city) == {"1"}
    sound(city)
    assert City.open(city.path).weave() == []


INDICES = {
    "text/html": '<a href="../">up</a><a href="a.csv">a</a> <a href="b.csv#x">b</a>'
    '<a href="http://[x">x</a><a href="mailto:x@y.csv">y</a>'
    '<a href="a.csv">a</a><a href="c.txt">c</a>',
    "text/plain": "a.csv\nhttp://[x\nb.csv\n\nc.txt\n",
    "application/json": '["a.csv", "http://[x/y.csv", "/files/b.csv", "c.txt"]',
}


@pytest.mark.parametrize("kind", INDICES)
def test_files_that_an_index_names_are_pulled(kind: str, site: Site, tmp_path: Path) -> None:
    city = city_of(tmp_path / "city", site, 'index = "SITE/files/"\npattern = "*.csv"')
    site.says("/files/", INDICES[kind], headers={"Content-Type": f"{kind}; charset=utf-8"})
    site.says("/files/a.csv", "id,kind\n1,oak\n")
    site.says("/files/b.csv", "id,kind\n2,elm\n")
    assert sound(city).files == 2
    assert sorted(inbox(city)) == ["a.csv", "b.csv"]
    assert woven(city) == {"1", "2"}


def test_a_file_that_is_missing_does_not_stop_the_others(site: Site, tmp_path: Path) -> None:
    city = city_of(tmp_path / "city", site, 'urls = ["SITE/a.csv", "SITE/b.csv", "SITE/c.csv"]')
    site.says("/b.csv", "id,kind\n2,elm\n")
    found = pulled(city)
    assert found.error == (f"a.csv: {site.url}/a.csv answers 404 Not Found (and 1 more file)")
    assert list(inbox(city)) == ["b.csv"]


def test_a_host_that_does_not_answer_stops_no_other_and_is_not_asked_for_ever(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    looked_up = Network.addresses
    monkeypatch.setattr(
        Network, "addresses", lambda of, *at: asked.append(at[1]) or looked_up(of, *at)
    )
    away = free_port()
    lost = ", ".join(f'"http://127.0.0.1:{away}/{number}.csv"' for number in range(5))
    city = city_of(tmp_path / "city", site, f'urls = [{lost}, "SITE/a.csv", "SITE/b.csv"]')
    toml = city.path / "city.toml"
    toml.write_text(toml.read_text().replace("internal = [", f'internal = ["127.0.0.1:{away}", '))
    site.says("/a.csv", "id,kind\n1,oak\n2,elm\n", stop_after=14)
    site.says("/b.csv", "id,kind\n2,elm\n")
    found = pulled(city)
    assert found.error.startswith(f"0.csv: http://127.0.0.1:{away}/0.csv: ")
    assert " (and 5 more files); see that the server runs" in found.error
    assert asked.count(away) == PATIENCE
    assert list(inbox(city)) == ["b.csv"]


def test_a_file_that_takes_too_long_ends_the_pull(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SimpleNamespace(monotonic=count(step=40).__next__)
    monkeypatch.setattr("cityloom.sources.drop.time", clock)
    city = city_of(tmp_path / "city", site, 'urls = ["SITE/a.csv", "SITE/b.csv"]\nlongest = "1min"')
    site.says("/a.csv", b"x" * 3_000_000)
    site.says("/b.csv", "id,kind\n2,elm\n")
    assert "it took longer than 0:01:00; raise longest" in pulled(city).error
    assert [path for path, _ in site.asked] == ["/a.csv"]


@pytest.mark.parametrize("sized", [True, False])
def test_a_file_that_is_cut_short_is_not_taken_for_a_whole_one(
    sized: bool, site: Site, tmp_path: Path
) -> None:
    city = city_of(tmp_path / "city", site, ONE)
    site.says("/trees.csv", "id,kind\n1,oak\n2,elm\n", stop_after=14, sized=sized)
    assert pulled(city).error
    assert inbox(city) == {}
    site.says("/trees.csv", "id,kind\n1,oak\n2,elm\n")
    sound(city)
    assert woven(city) == {"1", "2"}


def test_a_file_that_is_too_large_is_refused(site: Site, tmp_path: Path) -> None:
    city = city_of(tmp_path / "city", site, f"{ONE}\nlargest_mb = 1")
    site.says("/trees.csv", b"x" * 1_000_001)
    assert "larger than 1 MB; raise largest_mb if that is meant" in pulled(city).error
    assert inbox(city) == {}


@pytest.mark.parametrize("name", ["..%2F..%2Fcity.toml", "%2e%2e", ".hidden", "a%00b", "~x"])
def test_a_name_that_is_none_in_the_inbox_is_refused(name: str, site: Site, tmp_path: Path) -> None:
    city = city_of(tmp_path / "city", site, f'urls = ["SITE/{name}"]')
    before = (city.path / "city.toml").read_bytes()
    for path in (f"/{name}", "/"):
        site.says(path, "x")
    assert pulled(city).error
    assert (city.path / "city.toml").read_bytes() == before
    assert inbox(city) == {}


def test_a_host_that_is_not_listed_is_not_asked(site: Site, tmp_path: Path) -> None:
    city = city_of(tmp_path / "city", site, 'urls = ["http://localhost:1/trees.csv"]')
    assert "localhost:1 is not among the hosts of [network] in city.toml" in pulled(city).error


def test_a_private_address_is_not_asked_unless_it_is_internal(site: Site, tmp_path: Path) -> None:
    city = city_of(tmp_path / "city", site, ONE, hosts="hosts")
    assert "has the private address 127.0.0.1; list it under internal" in pulled(city).error
    assert site.asked == []


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("http://localhost:PORT/x.csv", "localhost:PORT is not among the hosts"),
        ("http://169.254.169.254/latest/meta-data", "169.254.169.254:80 is not among the hosts"),
        ("http://[fe80::1]/x.csv", "fe80::1:80 is not among the hosts"),
        ("http://listed.test/x.csv", "listed.test:80 has the private address 10.0.0.7"),
        ("ftp://127.0.0.1:PORT/x.csv", "ftp"),
    ],
)
def test_a_redirect_leads_nowhere_that_is_not_listed(
    target: str, words: str, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve_as(monkeypatch, {"listed.test": "10.0.0.7"})
    city = city_of(tmp_path / "city", site, ONE)
    toml = city.path / "city.toml"
    toml.write_text(toml.read_text().replace("[network]", '[network]\nhosts = ["listed.test"]'))
    where = target.replace("PORT", str(site.port))
    site.says("/trees.csv", "", status=302, headers={"Location": where})
    said = pulled(city).error
    assert words.replace("PORT", str(site.port)) in said
    if where.startswith("http"):
        assert f"{site.url}/trees.csv redirects to {where}: " in said
    assert [path for path, _ in site.asked] == ["/trees.csv"]
    assert inbox(city) == {}


def test_a_redirect_on_a_listed_host_is_followed_but_not_for_ever(
    site: Site, tmp_path: Path
) -> None:
    city = city_of(tmp_path / "city", site, ONE)
    site.says("/trees.csv", "", status=302, headers={"Location": "/real.csv"})
    site.says("/real.csv", "id,kind\n1,oak\n")
    assert sound(city).files == 1
    assert list(inbox(city)) == ["trees.csv"]
    site.says("/real.csv", "", status=302, headers={"Location": "/trees.csv"})
    assert "redirect" in pulled(city).error


def test_credentials_do_not_follow_a_redirect_to_another_host(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARK_TOKEN", "very-secret")
    with Site().open() as other:
        more = f'{ONE}\ntoken = {{env = "PARK_TOKEN"}}'
        city = city_of(tmp_path / "city", site, more)
        toml = city.path / "city.toml"
        toml.write_text(
            toml.read_text().replace("internal = [", f'internal = ["127.0.0.1:{other.port}", ')
        )
        site.says("/trees.csv", "", status=302, headers={"Location": f"{other.url}/x.csv"})
        other.says("/x.csv", "id,kind\n1,oak\n")
        assert sound(city).files == 1
        assert site.asked[0][1]["authorization"] == "Bearer very-secret"
        assert "authorization" not in other.asked[0][1]


def test_credentials_are_for_the_server_of_the_source_alone(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARK_TOKEN", "very-secret")
    with Site().open() as other:
        more = 'index = "SITE/index"\ntoken = {env = "PARK_TOKEN"}'
        city = city_of(tmp_path / "city", site, more)
        toml = city.path / "city.toml"
        toml.write_text(
            toml.read_text().replace("internal = [", f'internal = ["127.0.0.1:{other.port}", ')
        )
        site.says("/index", [f"{other.url}/a.csv", f"{site.url}/b.csv"])
        other.says("/a.csv", "id,kind\n1,oak\n")
        site.says("/b.csv", "id,kind\n2,oak\n")
        assert sound(city).files == 2
        assert [asked.get("authorization") for _, asked in site.asked] == ["Bearer very-secret"] * 2
        assert [asked.get("authorization") for _, asked in other.asked] == [None]


def test_the_address_that_was_looked_at_is_the_one_that_is_asked(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name server that gives a public address first and a private one then gains nothing."""
    import socket

    answers = iter(["93.184.215.14", *["127.0.0.1"] * 9])
    met: list[object] = []

    def resolve(host: str, port: int, *_: object, **__: object) -> list[object]:
        address = next(answers) if host == "park.test" else host
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    def connect(address: tuple[str, int], *_: object, **__: object) -> socket.socket:
        met.append(address[0])
        raise OSError("not in this test")

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket, "create_connection", connect)
    city = city_of(tmp_path / "city", site, f'urls = ["http://park.test:{site.port}/trees.csv"]')
    toml = city.path / "city.toml"
    toml.write_text(toml.read_text().replace("[network]", '[network]\nhosts = ["park.test"]'))
    assert "not in this test" in pulled(city).error
    assert met == ["93.184.215.14"]
    assert site.asked == []


def test_credentials_are_not_sent_unencrypted_to_a_public_host(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARK_TOKEN", "very-secret")
    more = 'urls = ["http://data.example.org/x.csv"]\ntoken = {env = "PARK_TOKEN"}'
    city = city_of(tmp_path / "city", site, more)
    assert "is not encrypted; state https" in pulled(city).error


def test_what_is_secret_is_in_no_error_no_file_and_no_store(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARK_TOKEN", "very-secret")
    more = 'urls = ["SITE/very-secret.csv?key=query-secret"]\ntoken = {env = "PARK_TOKEN"}'
    city = city_of(tmp_path / "city", site, more)
    said = pulled(city).error
    assert "404" in said
    assert "secret" not in said
    toml = city.path / "city.toml"
    kept = (path.read_bytes() for path in city.path.rglob("*") if path.is_file() and path != toml)
    assert not any(b"very-secret" in text.replace(b"very-secret.csv", b"") for text in kept)


def resolve_as(monkeypatch: pytest.MonkeyPatch, names: dict[str, str]) -> None:
    """Let a name server answer so for some names."""
    import socket

    real = socket.getaddrinfo

    def resolve(host: str, port: int, *args: object, **more: object) -> object:
        return real(names.get(host, host), port, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
