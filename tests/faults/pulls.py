"""Pulls that are killed in their midst and called again: nothing is lost, nothing doubled.

Run it with ``python -m tests.faults.pulls --kills 50``; the suite takes a few of them. A city pulls
a table of PostgreSQL into a dataset that only grows, another into one whose rows change, and files
over HTTP. Before each kill all three change: new rows, rows of an equal watermark, rows that are
committed late, changed rows, new and changed files. The kills are spread over all that a pull does
on disk; after some of them the city is woven before the pull is called again.
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cityloom.city import City
from tests.cities import column, contract_text, rows
from tests.faults.puller import pull
from tests.sources.sites import Postgres, Site, pulling_city

CONTRACTS = {
    "visit": contract_text("visit", [column("id", "integer", key=1), column("place")], "append"),
    "permit": contract_text("permit", [column("id", "integer", key=1), column("kind")], "upsert"),
    "tree": contract_text("tree", [column("id", key=1), column("kind")], "append"),
}
STATED = """
[network]
internal = ["127.0.0.1"]
[sources.visits]
kind = "database"
dataset = "visit"
url = "postgresql://postgres@127.0.0.1:{database}/postgres"
table = "visit"
watermark = "seen"
[sources.permits]
kind = "database"
dataset = "permit"
url = "postgresql://postgres@127.0.0.1:{database}/postgres"
table = "permit"
watermark = "changed"
[sources.trees]
kind = "http"
dataset = "tree"
index = "http://127.0.0.1:{site}/index"
"""
TABLES = (
    "DROP TABLE IF EXISTS visit, permit",
    "CREATE TABLE visit (id BIGINT PRIMARY KEY, place TEXT, seen TIMESTAMPTZ)",
    "CREATE TABLE permit (id BIGINT PRIMARY KEY, kind TEXT, changed TIMESTAMPTZ)",
)
FIRST = "2024-01-01 00:00:00+00"
"""When the table's rows begin; a round is an hour, which is longer than rows are read again."""


@dataclass
class Outcome:
    """How many kills there were, how many came in mid-pull, and what went wrong."""

    kills: int = 0
    landed: int = 0
    wrong: list[str] = field(default_factory=list)


class Scene:
    """What is pulled from, and the city that pulls."""

    def __init__(self, folder: Path, database: Postgres, site: Site, size: int) -> None:
        self.path = folder / "city"
        self._database, self._site, self._size = database, site, size
        self._round = 0
        database.execute(*TABLES)
        ports = {"database": database.port, "site": site.port}
        pulling_city(self.path, CONTRACTS, STATED.format(**ports))

    def change(self) -> None:
        """Let an hour pass at the sources."""
        n, size = self._round, self._size
        hour = f"timestamptz '{FIRST}' + interval '{n} hours'"
        late = f"{hour} - interval '65 minutes'"
        self._database.execute(
            f"INSERT INTO visit SELECT {n} * 1000000 + i, 'place ' || i % 7, "
            f"{hour} - (i % 3) * interval '1 second' FROM generate_series(1, {size}) i",
            f"INSERT INTO visit SELECT {n} * 1000000 + 900000 + i, 'late', {late} "
            "FROM generate_series(1, 5) i",
            f"INSERT INTO permit SELECT {n} * 1000 + i, 'new', {hour} FROM generate_series(1, 9) i",
            f"UPDATE permit SET kind = 'changed {n}', changed = {hour} WHERE id % 4 = {n} % 4",
        )
        self._put_file(n)
        self._put_file(n // 2)
        self._round += 1

    def _put_file(self, number: int) -> None:
        text = "id,kind\n" + "".join(f"{number}-{i},round {self._round}\n" for i in range(50))
        marker = f'"{number}-{self._round}"'
        self._site.says(f"/{number}.csv", text, headers={"ETag": marker})
        names = "\n".join(f"{n}.csv" for n in range(self._round + 1))
        self._site.says("/index", names, headers={"Content-Type": "text/plain"})

    def weave(self) -> list[str]:
        """Weave; what failed."""
        return [run.error for run in City.open(self.path).weave() if run.failed]

    def difference(self) -> str:
        """Where the city does not hold what is at the sources, each row once."""
        city = City.open(self.path)
        wrong = [f"quarantined: {r.reasons}" for r in city.runs() if r.rows_quarantined]
        for dataset, wanted in self._wanted().items():
            found = sorted(tuple(row.values()) for row in rows(city, dataset))
            if found != wanted:
                extra, lost = len(set(found) - set(wanted)), len(set(wanted) - set(found))
                wrong.append(f"{dataset}: {len(found)} for {len(wanted)}, -{lost} +{extra}")
        return "; ".join(wrong[:5])

    def _wanted(self) -> dict[str, list[tuple[Any, ...]]]:
        import psycopg

        where = f"host=127.0.0.1 port={self._database.port} user=postgres dbname=postgres"
        with psycopg.connect(where) as connection:
            tables: dict[str, list[tuple[Any, ...]]] = {
                "visit": connection.execute("SELECT id, place FROM visit").fetchall(),
                "permit": connection.execute("SELECT id, kind FROM permit").fetchall(),
            }
        texts = [self._site.answers[f"/{n}.csv"] for n in range(self._round)]
        lines = [line for answer in texts for line in answer.content.decode().splitlines()[1:]]  # type: ignore[union-attr]
        tables["tree"] = [tuple(line.split(",")) for line in lines]
        return {name: sorted(found) for name, found in tables.items()}


def kill_spread(
    kills: int,
    folder: Path,
    database: Postgres,
    size: int,
    tell: Callable[[Outcome], None] = lambda outcome: None,
) -> Outcome:
    """Kill so many pulls, at events evenly spread over what a pull does."""
    outcome = Outcome()
    with Site().open() as site:
        scene = Scene(folder, database, site, size)
        for _ in range(2):
            scene.change()
            events = len(pull(scene.path).events)
        for number in range(kills):
            scene.change()
            outcome.kills += 1
            outcome.landed += pull(scene.path, 1 + number * events // kills).killed
            if number % 2:
                outcome.wrong += scene.weave()
            _end(scene, outcome, number)
            tell(outcome)
    return outcome


def _end(scene: Scene, outcome: Outcome, number: int) -> None:
    """Call the killed pull again, and see what the city holds."""
    failed = [found["error"] for found in pull(scene.path).pulls if found["error"]]
    outcome.wrong += failed + scene.weave()
    if found := scene.difference():
        outcome.wrong.append(f"kill {number}: {found}")


def main() -> int:
    """Kill, and say how it went."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--size", type=int, default=30_000, help="new rows before each kill")
    asked = parser.parse_args()
    with TemporaryDirectory() as place:
        database = Postgres(Path(place))
        try:
            outcome = kill_spread(asked.kills, Path(place), database, asked.size, _tell)
        finally:
            database.stop()
    for wrong in outcome.wrong:
        print(wrong[:1000])
    print(_words(outcome))
    return len(outcome.wrong)


def _words(outcome: Outcome) -> str:
    return (
        f"{outcome.kills} pulls killed, {outcome.landed} of them in mid-pull; "
        f"{len(outcome.wrong)} with rows lost, doubled or refused"
    )


def _tell(outcome: Outcome) -> None:
    if outcome.kills % 10 == 0:
        print(_words(outcome), file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(bool(main()))
