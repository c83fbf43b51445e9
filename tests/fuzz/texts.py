"""Delimited text, JSON, GeoJSON, Parquet and Arrow, each with what tries a reader of them."""

import datetime as dt
import json
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import shapely

COLUMNS = ("id", "n", "x", "day", "at", "flag", "note", "geometry")

SCRAPS = (
    "", " ", "=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://x","y")', "=cmd|' /C calc'!A0",
    '"', '""', '"a', "a\nb", "a\r\nb",
    "\x00", "\ufeff", "\u202e", "\ud800", "区", "𠀀",
    "'; DROP TABLE x;--", "../../etc/passwd", "{{7*7}}", "<script>alert(1)</script>", "1e999",
    "-0", "NaN", "inf",
    "9223372036854775808", "0000-00-00", "2024-02-30", "10000-01-01", "2024-01-01T24:00:00",
    "POINT (1 2", "POINT EMPTY", "POLYGON ((0 0, 1 1, 1 0, 0 1, 0 0))", "GEOMETRYCOLLECTION (" * 50,
    "0101000000", "01" * 20, "\\", "\t", ",", ";", "null", "true", "%s%n", "\x1b[31m", "a" * 300,
)  # fmt: skip
ENCODINGS = (*["utf-8"] * 15, "utf-8-sig", "utf-16", "utf-16-le", "gb18030", "latin-1")
EXTENSIONS = (".csv", ".tsv", ".txt", ".json", ".ndjson", ".jsonl", ".geojson", ".parquet",
              ".arrow", ".feather", ".xlsx", ".xls", ".xlsb", ".ods", ".gpkg", ".shp", ".zip",
              ".csv.gz", ".csv.zip", ".json.gz", ".bin", "")  # fmt: skip


def value(chance: Random, column: str) -> str:
    """A value of a column: right, most of the time."""
    if chance.random() < 0.15:
        return chance.choice(SCRAPS)
    number = chance.randrange(1000)
    return {
        "id": f"k{number}", "n": str(number), "x": f"{number / 7:.3f}", "day": "2024-02-29",
        "at": "2024-02-29T12:00:00", "flag": chance.choice(["true", "no"]), "note": f"区{number}",
        "geometry": f"POINT ({number / 10} 22)",
    }[column]  # fmt: skip


def rows(chance: Random) -> list[dict[str, str]]:
    """Some rows."""
    return [{name: value(chance, name) for name in COLUMNS} for _ in range(chance.randrange(40))]


def quoted(text: str, chance: Random) -> str:
    """A field, rightly quoted as a rule."""
    if chance.random() < 0.1:
        return text
    return '"' + text.replace('"', '""') + '"' if set(text) & set('",;\n\r\t') else text


def encoded(text: str, chance: Random) -> bytes:
    """A text in some encoding."""
    return text.encode(chance.choice(ENCODINGS), errors=chance.choice(["replace", "ignore"]))


def csv_rows(chance: Random, folder: Path) -> Path:
    delimiter = chance.choice([*[","] * 6, ";", "\t"])
    end = chance.choice([*["\n"] * 5, "\r\n", "\r", "\n\n"])
    lines = [list(COLUMNS), *([row[n] for n in COLUMNS] for row in rows(chance))]
    if chance.random() < 0.2:
        lines[chance.randrange(len(lines))].append("one too many")
    text = end.join(delimiter.join(quoted(field, chance) for field in line) for line in lines)
    path = folder / "a.csv"
    path.write_bytes(encoded(text, chance))
    return path


def csv_wide(chance: Random, folder: Path) -> Path:
    extra = [f"c{number}" for number in range(chance.choice([100, 10_000, 10_001]))]
    header = ",".join([*COLUMNS, *extra])
    line = ",".join([*(value(chance, name).strip('"\n\r,') for name in COLUMNS), *extra])
    path = folder / "a.csv"
    path.write_text(f"{header}\n{line}\n{line}", encoding="utf-8", errors="ignore")
    return path


def csv_giant(chance: Random, folder: Path) -> Path:
    size = chance.choice([1 << 16, 1 << 20, 5 << 20, 66 << 20 if chance.random() < 0.1 else 1])
    opening = chance.choice(["", '"'])
    path = folder / "a.csv"
    path.write_bytes(b"id,note\nk1," + opening.encode() + chance.choice([b"a", b"\xe5", b'"'])
                     * size + chance.choice([b"", b"\n", b'"\nk2,b\n']))  # fmt: skip
    return path


def json_value(chance: Random, depth: int = 0) -> Any:
    """Something that JSON can hold."""
    kind = chance.randrange(9 if depth < 3 else 6)
    if kind < 5:
        return chance.choice([*SCRAPS, *SCRAPS, None, True, 1, -1.5, 1e308, 10**30])
    if kind == 5:
        return chance.randrange(1000)
    if kind == 6:
        return [json_value(chance, depth + 1) for _ in range(chance.randrange(4))]
    return {chance.choice([*COLUMNS, *SCRAPS]): json_value(chance, depth + 1) for _ in range(3)}


def record(chance: Random) -> str:
    if chance.random() < 0.05:
        return chance.choice(
            ["[" * 600 + "]" * 600, '{"id": ' * 3000, "{", "nul", '"a" "b"', "{}{}"]
        )
    row: dict[str, Any] = {name: value(chance, name) for name in COLUMNS}
    for name in chance.sample(COLUMNS, 2):
        row[name] = json_value(chance)
    return json.dumps(row, ensure_ascii=chance.random() < 0.5)


def ndjson(chance: Random, folder: Path) -> Path:
    path = folder / "a.ndjson"
    records = [record(chance) for _ in range(chance.randrange(30))]
    path.write_bytes(encoded("\n".join(records), chance))
    return path


def json_array(chance: Random, folder: Path) -> Path:
    path = folder / "a.json"
    records = [record(chance) for _ in range(chance.randrange(30))]
    start, end = chance.choice([("[", "]")] * 6 + [('{"a": [', "]}"), ("[[", "]]"), ("[", "")])
    path.write_bytes(encoded(start + ",".join(records) + end, chance))
    return path


def geojson(chance: Random, folder: Path) -> Path:
    path = folder / "a.geojson"
    features = []
    for row in rows(chance):
        shape: Any = {"type": "Point", "coordinates": [chance.random(), 22]}
        if chance.random() < 0.3:
            shape = json_value(chance)
        properties: Any = row if chance.random() < 0.9 else json_value(chance)
        feature = {"type": "Feature", "id": row["id"], "properties": properties, "geometry": shape}
        features.append(feature if chance.random() < 0.95 else json_value(chance))
    whole = {"type": "FeatureCollection", "features": features}
    path.write_bytes(encoded(json.dumps(whole, ensure_ascii=False), chance))
    return path


def table(chance: Random) -> pa.Table:
    """A typed table with the columns of the contract, some of other types."""
    size = chance.randrange(60)
    columns: dict[str, Any] = {
        "id": pa.array([f"k{n}" for n in range(size)]),
        "n": pa.array(range(size), chance.choice([pa.int8(), pa.int64(), pa.uint64()])),
        "x": pa.array([n / 7 for n in range(size)], pa.float64()),
        "day": pa.array([dt.date(2024, 2, 29)] * size, pa.date32()),
        "at": pa.array([dt.datetime(2024, 2, 29)] * size, pa.timestamp(chance.choice(["s", "ns"]))),
        "flag": pa.array([True, None] * (size // 2) + [False] * (size % 2)),
        "note": pa.array([chance.choice(["区", "=1+1", None])] * size, pa.string()),
        "geometry": pa.array([shapely.Point(n, 22).wkb for n in range(size)], pa.binary()),
    }
    if chance.random() < 0.3:
        columns["note"] = pa.array([[{"a": 1}]] * size)
    elif chance.random() < 0.5:
        columns["note"] = columns["note"].dictionary_encode()
    return pa.table(columns)


def parquet(chance: Random, folder: Path) -> Path:
    path = folder / "a.parquet"
    pq.write_table(
        table(chance), path, compression=chance.choice(["none", "snappy", "zstd"]),
        row_group_size=16, use_dictionary=chance.random() < 0.5,
        data_page_version=chance.choice(["1.0", "2.0"]),
    )  # fmt: skip
    return path


def arrow(chance: Random, folder: Path) -> Path:
    path = folder / chance.choice(["a.arrow", "a.feather"])
    found = table(chance)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, found.schema) as writer:
        writer.write_table(found, max_chunksize=16)
    return path


def noise(chance: Random, folder: Path) -> Path:
    path = folder / f"a{chance.choice(EXTENSIONS)}"
    path.write_bytes(chance.randbytes(chance.choice([0, 1, 16, 1000, 100_000])))
    return path


MAKERS = {
    "csv": csv_rows, "csv of many columns": csv_wide, "csv of giant fields": csv_giant,
    "ndjson": ndjson, "json": json_array, "geojson": geojson, "parquet": parquet, "arrow": arrow,
    "noise": noise,
}  # fmt: skip
