"""How many pages of features does a city serve a second, beside pygeoapi on the same rows?

    python -m benchmarks.features [--buildings 65000] [--clients 50] [--seconds 10] [--rounds 5]

Each of the clients asks for pages of 100 features in a box somewhere in the city, the next as soon
as the last is there, over one connection each. Boxes hold some hundred buildings and are the same
for both servers, which take turns. Both are one process under uvicorn: ``cityloom serve``, which
has each page in its ledger on disk before it answers, and pygeoapi with its GeoParquet backend, the
fastest it has that needs neither a database server nor a library of the system; it compares boxes
alone. Nothing is compressed. Clients share the machine with the server.
"""

import argparse
import asyncio
import itertools
import json
import random
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
import yaml

from benchmarks.measure import python
from cityloom.city import City
from cityloom.export import write_file
from cityloom.policy import Principal
from cityloom.sample.geography import lay_out, squares
from cityloom.sample.survey import building_columns
from tests.web.pygeoapi import VERSION, free_port, pygeoapi, served

_CONTRACT = Path(__file__).parents[1] / "src/cityloom/sample/contracts/building.odcs.yaml"
_PAGE = 100
_BOXES = 2000
_HEAD = (
    "| server | pages a second | p50 ms | p95 ms | KB a page |\n"
    "| --- | --- | --- | --- | --- |"
)  # fmt: skip


@dataclass(frozen=True)
class Line:
    """What one server did, medians over the rounds."""

    server: str
    pages_a_second: float
    p50_ms: float
    p95_ms: float
    kb_a_page: float


@dataclass(frozen=True)
class Round:
    """What clients saw in some seconds."""

    seconds: float
    waits: list[float]
    size: int


def main() -> None:
    """Print the table, or a JSON object a line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--buildings", type=int, default=65_000)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with TemporaryDirectory() as folder:
        lines = _compared(Path(folder), asked)
    print("\n".join([json.dumps(asdict(line)) for line in lines] if asked.json else _table(lines)))


def _compared(folder: Path, asked: argparse.Namespace) -> list[Line]:
    city = _city(folder / "city", asked.buildings)
    boxes = _boxes(asked.buildings)
    found: dict[str, list[Round]] = {}
    with _cityloom(city) as ours, _pygeoapi(city, folder) as theirs:
        turns = {"cityloom": ours, f"pygeoapi {VERSION}": theirs}
        for address in turns.values():
            asyncio.run(_round(address, boxes, asked.clients, 1))
        for _ in range(asked.rounds):
            for name, address in turns.items():
                seen = asyncio.run(_round(address, boxes, asked.clients, asked.seconds))
                found.setdefault(name, []).append(seen)
    return [_line(name, rounds) for name, rounds in found.items()]


def _city(folder: Path, number: int) -> City:
    """A city of one dataset: buildings, with their boxes in columns."""
    City.create(folder, "Benchmark")
    stated = yaml.safe_load(_CONTRACT.read_text(encoding="utf-8"))
    for prop in stated["schema"][0]["properties"]:
        prop.pop("relationships", None)
        if prop["name"] == "geometry":
            prop.setdefault("customProperties", []).append({"property": "bbox", "value": True})
    stated.pop("servers", None)
    text = yaml.safe_dump(stated, allow_unicode=True)
    (folder / "contracts" / "building.odcs.yaml").write_text(text, encoding="utf-8")
    pq.write_table(_rows(number), folder / "inbox" / "building.parquet")
    city = City.open(folder)
    city.receive("building", folder / "inbox" / "building.parquet")
    return city


def _rows(number: int) -> pa.Table:
    ground = lay_out(1, number, number * 20)
    built = ground.buildings
    columns = building_columns(ground, np.arange(len(built)))
    shapes = shapely.polygons(squares(built.longitude, built.latitude, built.side))
    return pa.table({**columns, "geometry": pa.array(shapely.to_wkb(shapes), pa.binary())})


def _boxes(number: int) -> list[str]:
    """Boxes around buildings, each with some hundred of them."""
    built = lay_out(1, number, number * 20).buildings
    chance = random.Random(1)
    side = 0.5 * float(np.ptp(built.longitude)) * (200 / number) ** 0.5
    places = [chance.randrange(len(built)) for _ in range(_BOXES)]
    return [_box(built.longitude[place], built.latitude[place], side) for place in places]


def _box(x: float, y: float, side: float) -> str:
    edges = (x - side / 2, y - side / 2, x + side / 2, y + side / 2)
    return ",".join(f"{edge:.6f}" for edge in edges)


@contextmanager
def _cityloom(city: City) -> Iterator[str]:
    port = free_port()
    command = python("cityloom", "serve", city.path, "--port", str(port))
    with served(command, f"http://127.0.0.1:{port}", "/ogc") as root:
        yield f"{root}/ogc/collections/building/items?"


@contextmanager
def _pygeoapi(city: City, folder: Path) -> Iterator[str]:
    source = folder / "building.parquet"
    _as_geoparquet(city, source)
    provider = {
        "name": "Parquet", "data": {"source": str(source)}, "id_field": "building_code",
        "x_field": ["geometry_xmin", "geometry_xmax"],
        "y_field": ["geometry_ymin", "geometry_ymax"],
    }  # fmt: skip
    with pygeoapi(folder, {"building": provider}) as root:
        yield f"{root}/collections/building/items?f=json&"


def _as_geoparquet(city: City, path: Path) -> None:
    """The same rows, in types that pygeoapi reads."""
    contract = city.contract("building")
    write_file(city.read("building", Principal("benchmark")), path, "parquet", contract)
    table = pq.read_table(path)
    for place, field in enumerate(table.schema):
        plain = pa.float64() if pa.types.is_decimal(field.type) else pa.string()
        if pa.types.is_decimal(field.type) or pa.types.is_date(field.type):
            table = table.set_column(place, field.name, table.column(place).cast(plain))
    about = {"geo": pq.read_metadata(path).metadata[b"geo"]}
    pq.write_table(table.replace_schema_metadata(about), path, compression="zstd")


async def _round(address: str, boxes: Iterable[str], clients: int, seconds: float) -> Round:
    """Clients at work on a server for some seconds."""
    host, _, path = address.removeprefix("http://").partition("/")
    name, _, port = host.partition(":")
    asked = itertools.cycle(boxes)
    waits: list[float] = []
    sizes: list[int] = []
    until = time.perf_counter() + seconds

    async def client() -> None:
        reader, writer = await asyncio.open_connection(name, int(port))
        while time.perf_counter() < until:
            began = time.perf_counter()
            target = f"/{path}limit={_PAGE}&bbox={next(asked)}"
            writer.write(f"GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            sizes.append(await _answered(reader))
            waits.append(time.perf_counter() - began)
        writer.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    return Round(seconds, waits, sum(sizes))


async def _answered(reader: asyncio.StreamReader) -> int:
    """The size of a page, once all of it is there."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    body = await reader.readexactly(int(head.partition(b"content-length:")[2].split(b"\r\n")[0]))
    if b" 200 " not in head[:20] or b'"Feature"' not in body:
        raise RuntimeError(f"no page of features: {head!r} {body[:300]!r}")
    return len(body)


def _line(name: str, rounds: list[Round]) -> Line:
    def of(share: float) -> float:
        return median(float(np.quantile(seen.waits, share)) for seen in rounds) * 1000

    rate = median(len(seen.waits) / seen.seconds for seen in rounds)
    size = median(seen.size / len(seen.waits) for seen in rounds) / 1000
    return Line(name, round(rate, 1), round(of(0.5), 1), round(of(0.95), 1), round(size, 1))


def _table(lines: list[Line]) -> list[str]:
    rows = [
        "| " + " | ".join(str(value) for value in asdict(line).values()) + " |" for line in lines
    ]
    ours, theirs = lines
    times = ours.pages_a_second / theirs.pages_a_second
    return [_HEAD, *rows, "", f"{times:.1f} times as many pages a second"]


if __name__ == "__main__":
    main()
