"""The ledger's head is published in time, where the city says and nowhere else."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

import cityloom.ledger.publish
from cityloom.check import findings
from cityloom.city import City
from cityloom.cli import _app
from cityloom.errors import PullError, StorageError, UsageError
from cityloom.ledger import Entry, Head
from cityloom.ledger.head import as_text
from cityloom.ledger.publish import lateness, publish, publish_if_due, published_heads
from tests.cities import new_city
from tests.sources.sites import Site, free_port, stating

ENTRY = Entry("nurse", "care", "patient", True, "personal data", 1)


@pytest.fixture
def site() -> Iterator[Site]:
    with Site().open() as found:
        yield found


def city_with(folder: Path, stated: str, entries: int = 3) -> City:
    new_city(folder / "city", {})
    city = stating(folder / "city", stated)
    for _ in range(entries):
        city.ledger.record(ENTRY)
    return city


def publishing(folder: Path, entries: int = 3) -> City:
    """A city that publishes to a file beside it."""
    return city_with(folder, '[ledger]\npublish = "../heads.ndjson"', entries)


def sending(folder: Path, site: Site, more: str = "") -> City:
    """A city that publishes to a site."""
    hosts = f'[network]\ninternal = ["127.0.0.1:{site.port}"]\n'
    return city_with(folder, f'{hosts}[ledger]\npublish = "{site.url}/heads"\n{more}')


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def at(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> "Clock":
            return cls.fromtimestamp(moment.timestamp(), UTC)

    monkeypatch.setattr(cityloom.ledger.publish, "datetime", Clock)


# To a file


def test_a_head_goes_to_a_file_and_holds_for_all_before_it(tmp_path: Path) -> None:
    city = publishing(tmp_path)
    first = publish(city)
    city.ledger.record(ENTRY)
    publish(city)
    city.ledger.record(ENTRY)
    (one, two) = lines(tmp_path / "heads.ndjson")
    assert (one["city"], one["number"], one["hash"]) == ("Test", 3, first.hash)
    assert two["number"] == 4
    assert lines(city.path / "ledger.published.ndjson") == [one, two]
    heads = published_heads(city, "../heads.ndjson")
    assert [head.number for head in heads] == [3, 4]
    assert city.ledger.verify(heads) == 5


def test_cities_may_share_a_file_of_heads(tmp_path: Path) -> None:
    publish(publishing(tmp_path))
    other = publishing(tmp_path / "other", entries=1)
    toml = other.path / "city.toml"
    text = toml.read_text().replace("Test", "Other").replace("../heads", "../../heads")
    toml.write_text(text)
    other = City.open(other.path)
    publish(other)
    assert [line["city"] for line in lines(tmp_path / "heads.ndjson")] == ["Test", "Other"]
    assert other.ledger.verify(published_heads(other, "../../heads.ndjson")) == 1


def test_a_head_that_was_cut_off_in_the_file_does_not_swallow_the_next(tmp_path: Path) -> None:
    city = publishing(tmp_path)
    (tmp_path / "heads.ndjson").write_text('{"city": "Te')
    publish(city)
    assert len(lines(tmp_path / "heads.ndjson")) == 1


def test_what_is_no_place_for_heads_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"does not say where .* \[ledger\]"):
        publish(city_with(tmp_path / "a", ""))
    with pytest.raises(UsageError, match="lies in the city; publish the ledger's head outside"):
        publish(city_with(tmp_path / "b", '[ledger]\npublish = "heads.ndjson"'))
    with pytest.raises(StorageError, match="see that its folder exists"):
        publish(city_with(tmp_path / "c", '[ledger]\npublish = "/no/where/heads.ndjson"'))
    with pytest.raises(UsageError, match=r"field ledger\.publish: expected a URL"):
        city_with(tmp_path / "d", '[ledger]\npublish = "ftp://a.test/heads"')
    with pytest.raises(UsageError, match="do not stand in a URL"):
        city_with(tmp_path / "e", '[ledger]\npublish = "https://me:secret@a.test/heads"')
    with pytest.raises(UsageError, match="no entries yet"):
        publish(publishing(tmp_path / "f", entries=0))


def test_heads_that_cannot_be_used_are_told(tmp_path: Path) -> None:
    city = publishing(tmp_path)
    with pytest.raises(UsageError, match="no published head of the city 'Test'"):
        published_heads(city, "../heads.ndjson")
    publish(city)
    path = tmp_path / "heads.ndjson"
    path.write_bytes(path.read_bytes() + b'{"number": 1}\n')
    with pytest.raises(UsageError, match="line 2: not a published head"):
        published_heads(city, "../heads.ndjson")
    path.write_text(path.read_text().splitlines()[0].replace("Test", "Elsewhere") + "\n")
    with pytest.raises(UsageError, match="no published head of the city 'Test'"):
        published_heads(city, "../heads.ndjson")


# To a URL


def test_a_head_is_sent_to_a_listed_host_with_the_token(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUDIT", "open sesame")
    city = sending(tmp_path, site, 'token = {env = "AUDIT"}')
    site.says("/heads", "", status=201)
    published = publish(city)
    (said,) = map(json.loads, site.sent)
    assert said == {"number": 3, "hash": published.hash, "city": "Test", "at": published.at}
    ((_, headers),) = site.asked
    assert headers["authorization"] == "Bearer open sesame"
    assert headers["content-type"] == "application/json"


def test_heads_are_read_from_a_url(site: Site, tmp_path: Path) -> None:
    city = sending(tmp_path, site)
    site.says("/heads", "")
    publish(city)
    site.says("/heads", site.sent[0] + b"\n")
    assert city.ledger.verify(published_heads(city, f"{site.url}/heads")) == 3


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"status": 500}, "answers 500"),
        ({"status": 302, "headers": {"Location": "/taken"}}, "answers 302"),
    ],
)
def test_a_head_that_is_not_accepted_is_not_published(
    answer: dict[str, object], words: str, site: Site, tmp_path: Path
) -> None:
    city = sending(tmp_path, site)
    site.says("/heads", "", **answer)
    site.says("/taken", "")
    with pytest.raises(PullError, match=words):
        publish(city)
    assert [path for path, _ in site.asked] == ["/heads"]
    assert lateness(city) == "the ledger's head was never published"


def test_a_head_is_sent_to_no_host_that_is_not_listed(tmp_path: Path) -> None:
    stated = '[network]\nhosts = ["b.test"]\n[ledger]\npublish = "https://a.test/heads"'
    with pytest.raises(PullError, match=r"a\.test:443 is not among the hosts of"):
        publish(city_with(tmp_path, stated))


def test_a_host_that_does_not_answer_is_told_and_stops_no_weave(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}/heads"
    stated = f'[network]\ninternal = ["127.0.0.1"]\n[ledger]\npublish = "{url}"'
    city = city_with(tmp_path, stated)
    assert publish_if_due(city).startswith(f"the ledger's head was not published: {url}: ")
    with pytest.raises(PullError):
        publish(city)


def test_authorities_that_are_named_and_missing_stop_no_weave(tmp_path: Path) -> None:
    stated = '[network]\nca = "ca.pem"\n[ledger]\npublish = "https://a.test/heads"'
    assert "No such file" in publish_if_due(city_with(tmp_path, stated))


def test_a_head_is_sent_unencrypted_to_internal_hosts_alone(tmp_path: Path) -> None:
    stated = '[network]\nhosts = ["a.test"]\n[ledger]\npublish = "http://a.test/heads"'
    with pytest.raises(PullError, match=r"http://a\.test/heads is not encrypted; nothing is sent"):
        publish(city_with(tmp_path, stated))


# In time


def test_a_head_is_published_once_a_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    city, now = publishing(tmp_path), datetime.now(UTC)
    assert lateness(city) == "the ledger's head was never published"
    for hours in (0, 1, 23, 25, 26):
        at(monkeypatch, now + timedelta(hours=hours))
        assert publish_if_due(city) == ""
        assert lateness(city) == ""
    assert len(lines(tmp_path / "heads.ndjson")) == 2
    at(monkeypatch, now + timedelta(hours=25 + 49))
    assert lateness(city).startswith("the ledger's head was last published at ")


def test_nothing_is_published_unless_the_city_says_so_and_has_entries(tmp_path: Path) -> None:
    for city in (city_with(tmp_path / "a", ""), publishing(tmp_path / "b", entries=0)):
        assert publish_if_due(city) == lateness(city) == ""
        assert not (city.path / "ledger.published.ndjson").exists()


def test_the_check_tells_what_published_heads_show_and_that_none_were(tmp_path: Path) -> None:
    city = publishing(tmp_path)
    (late,) = findings(City.open(city.path))
    assert (late.what, late.serious) == ("the ledger's head was never published", False)
    publish(city)
    assert findings(City.open(city.path)) == []
    for name in ("ledger.ndjson", "ledger.head"):
        (city.path / name).unlink()
    city.ledger.record(ENTRY)
    (wrong,) = findings(City.open(city.path))
    assert "ledger.ndjson line 2: entries 2 to 3 were cut off here; the head pub" in wrong.what
    (tmp_path / "heads.ndjson").unlink()
    (gone,) = findings(City.open(city.path))
    assert "no published head of the city 'Test'" in gone.what


def test_the_check_tells_of_an_entry_that_is_newer_than_its_head(tmp_path: Path) -> None:
    city = city_with(tmp_path, "")
    before = city.ledger.head()
    city.ledger.record(ENTRY)
    (city.path / "ledger.head").write_bytes(as_text(Head(before.number, before.hash)))
    (finding,) = findings(City.open(city.path))
    assert finding.what.startswith("ledger.ndjson line 4: newer than ledger.head")
    assert not finding.serious
    city.ledger.record(ENTRY)
    assert findings(City.open(city.path)) == []


# The commands


def command(city: City, *words: str) -> tuple[int, str, str, str]:
    """What a command answers: its exit status, output, warnings and refusal."""
    done = CliRunner().invoke(_app(), [*words, "--city", str(city.path)])
    return done.exit_code, done.stdout, done.stderr, str(done.exception or "")


def test_a_weave_publishes_at_its_end_and_is_not_stopped_where_that_fails(tmp_path: Path) -> None:
    city = publishing(tmp_path)
    assert command(city, "weave")[::2] == (0, "")
    assert len(lines(tmp_path / "heads.ndjson")) == 1
    city = city_with(tmp_path / "b", '[ledger]\npublish = "/no/where/heads.ndjson"')
    status, out, err, _ = command(city, "weave")
    assert (status, "everything is woven" in out) == (0, True)
    assert "! the ledger's head was not published: /no/where/heads.ndjson" in err


def test_a_weave_that_is_only_planned_publishes_nothing(tmp_path: Path) -> None:
    city = publishing(tmp_path)
    command(city, "weave", "--plan")
    assert not (tmp_path / "heads.ndjson").exists()


def test_the_ledger_is_verified_published_and_searched_by_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    city = publishing(tmp_path)
    city.ledger.record(Entry("clerk", "sales", "patient", False, "no such purpose"))
    assert "✓ 4 entries in an unbroken chain." in command(city, "ledger", "verify")[1]
    assert "entry 4 is published" in command(city, "ledger", "publish")[1]
    (facts,) = json.loads(command(city, "ledger", "publish", "--json")[1])
    assert (facts["number"], facts["city"]) == (4, "Test")
    assert "; 2 published heads agree." in command(city, "ledger", "verify")[1]
    monkeypatch.chdir(tmp_path)
    status, out, _, _ = command(city, "ledger", "verify", "--against", "heads.ndjson", "--json")
    assert status == 0
    assert json.loads(out) == [{"entries": 4, "published_heads": 2, "unsettled": None}]
    (found,) = json.loads(command(city, "ledger", "search", "--refused", "--json")[1])
    assert (found["principal"], found["number"]) == ("clerk", 4)
    assert len(command(city, "ledger", "search", "--limit", "2")[1].splitlines()) == 3
    today = datetime.now(UTC).date().isoformat()
    for words, count in ((("--since", today), 4), (("--until", "2020-01-01"), 0)):
        assert len(json.loads(command(city, "ledger", "search", "--json", *words)[1])) == count
    assert "Nothing is found" in command(city, "ledger", "search", "--kind", "policy")[1]
    assert "is no date" in command(city, "ledger", "search", "--since", "monday")[3]


def test_a_broken_ledger_ends_its_verification_with_an_error(tmp_path: Path) -> None:
    city = publishing(tmp_path)
    path = city.path / "ledger.ndjson"
    path.write_text(path.read_text().replace("nurse", "nurze", 1))
    status, _, _, said = command(city, "ledger", "verify")
    assert (status, said) == (1, "ledger.ndjson line 1: this entry was changed or put in")
