"""A truncated or bit-flipped file is refused in words or its bad rows are, never half kept."""

import gzip
import io
import json
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cityloom.city import City
from cityloom.errors import DeliveryError
from tests.cities import assert_accounted, column, contract_text, new_city, quarantined, rows

pytestmark = pytest.mark.faults

ROWS = [{"id": n, "name": f"区{n}", "size": n * 0.5} for n in range(200)]
TEXT = ("id,name,size\n" + "".join(f"{r['id']},{r['name']},{r['size']}\n" for r in ROWS)).encode()


def _zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("things.csv", TEXT)
    return out.getvalue()


def _parquet(compression: str) -> Callable[[], bytes]:
    def make() -> bytes:
        out = io.BytesIO()
        pq.write_table(pa.Table.from_pylist(ROWS), out, compression=compression)
        return out.getvalue()

    return make


def _arrow() -> bytes:
    out = io.BytesIO()
    table = pa.Table.from_pylist(ROWS)
    with pa.ipc.new_file(out, table.schema) as writer:
        writer.write_table(table)
    return out.getvalue()


def _features() -> bytes:
    features = [{"type": "Feature", "properties": row, "geometry": None} for row in ROWS]
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


FORMS: dict[str, Callable[[], bytes]] = {
    "a.csv": lambda: TEXT,
    "a.csv.gz": lambda: gzip.compress(TEXT, mtime=0),
    "a.csv.zip": _zip,
    "a.json": lambda: json.dumps(ROWS, ensure_ascii=False).encode(),
    "a.ndjson": lambda: "\n".join(json.dumps(r, ensure_ascii=False) for r in ROWS).encode(),
    "a.geojson": _features,
    "plain.parquet": _parquet("none"),
    "packed.parquet": _parquet("zstd"),
    "a.arrow": _arrow,
}
WHOLE = ("a.csv", "a.ndjson")
"""Forms that have no end of their own: a file cut between two records is a whole file."""


@pytest.fixture
def city(tmp_path: Path) -> City:
    columns = [column("id", "integer", key=1), column("name"), column("size", "number")]
    return new_city(tmp_path / "city", {"thing": contract_text("thing", columns, "snapshot")})


def outcome(city: City, path: Path, content: bytes) -> str:
    """What receiving some bytes comes to: ``kept``, ``refused``, or what is wrong with that."""
    path.write_bytes(content)
    before = len(city.runs("thing"))
    try:
        (run,) = city.receive("thing", path, again=True)
    except DeliveryError as refused:
        nothing = rows(city, "thing") == [] and quarantined(city, "thing") == []
        return "refused" if str(refused) and nothing else f"half kept: {refused}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    assert_accounted(run)
    kept, refused_rows = len(rows(city, "thing")), len(quarantined(city, "thing"))
    if (run.rows_kept, run.rows_quarantined) != (kept, refused_rows):
        return f"{run.rows_kept} + {run.rows_quarantined} said, {kept} + {refused_rows} found"
    assert len(city.runs("thing")) == before + 1
    (path.parent / "empty.csv").write_bytes(b"id,name,size\n")
    city.receive("thing", path.parent / "empty.csv", again=True)
    return "kept"


@pytest.mark.parametrize("name", FORMS)
def test_a_truncated_file_is_refused_or_its_last_record_is(
    name: str, city: City, tmp_path: Path
) -> None:
    whole = FORMS[name]()
    cuts = sorted({1, 3, len(whole) // 3, len(whole) // 2, len(whole) - 9, len(whole) - 1})
    found = {cut: outcome(city, tmp_path / name, whole[:cut]) for cut in cuts}
    allowed = {"refused", "kept"} if name in WHOLE else {"refused"}
    assert {cut: what for cut, what in found.items() if what not in allowed} == {}


@pytest.mark.parametrize("name", FORMS)
def test_a_flipped_bit_never_ends_in_a_crash(name: str, city: City, tmp_path: Path) -> None:
    whole = FORMS[name]()
    chance = random.Random(name)
    edges = [*range(0, 30, 5), *range(len(whole) - 36, len(whole), 6)]
    found = {}
    for place in [*edges, *chance.sample(range(len(whole)), 8)]:
        damaged = bytearray(whole)
        damaged[place] ^= 1 << chance.randrange(8)
        found[place] = outcome(city, tmp_path / name, bytes(damaged))
    wrong = {place: what for place, what in found.items() if what not in ("refused", "kept")}
    assert wrong == {}


@pytest.mark.parametrize("name", ["a.csv.gz", "a.csv.zip"])
def test_damage_that_a_checksum_tells_of_is_always_refused(
    name: str, city: City, tmp_path: Path
) -> None:
    whole = FORMS[name]()
    for place in range(100, 400, 60):
        damaged = bytearray(whole)
        damaged[place] ^= 16
        assert outcome(city, tmp_path / name, bytes(damaged)) == "refused"
