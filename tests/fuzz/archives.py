"""Compressed deliveries: bombs, archives in archives, names that lead elsewhere, lies."""

import gzip
import io
import zipfile
from pathlib import Path
from random import Random

from tests.fuzz import texts

NAMES = ("a.csv", "../../evil.csv", "/etc/evil.csv", "C:\\evil.csv", "a/../../b.csv", "\udce5.csv",
         "a.csv/", "", "con", "a" * 300 + ".csv", "区.csv", "a.shp", "x/\x00.csv")  # fmt: skip


def gz(chance: Random, folder: Path) -> Path:
    inner = texts.csv_rows(chance, folder)
    path = folder / "a.csv.gz"
    packed = gzip.compress(inner.read_bytes())
    tail = chance.choice([b"", b"trailing", packed, b"\0" * 64])
    path.write_bytes(packed + tail)
    return path


def gz_bomb(chance: Random, folder: Path) -> Path:
    path = folder / chance.choice(["a.csv.gz", "a.ndjson.gz", "a.json.gz"])
    unit = chance.choice([b"\0", b"a", b"\n", b'"', b"k1,1\n", b"[", b"{"])
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(b"id,n\n" if ".csv" in path.name else b"")
        for _ in range(chance.choice([1, 8, 32])):
            file.write(unit * ((1 << 20) // len(unit)))
    return path


def packed(chance: Random, folder: Path) -> Path:
    inner = texts.csv_rows(chance, folder).read_bytes()
    path = folder / chance.choice([*["a.csv.zip"] * 4, "a.zip"])
    with zipfile.ZipFile(path, "w", chance.choice([0, 8, 8, 12, 14])) as archive:
        for _ in range(chance.choice([*[1] * 8, 0, 2])):
            name = chance.choice(NAMES) if chance.random() < 0.5 else "a.csv"
            archive.writestr(zipfile.ZipInfo(name.encode(errors="replace").decode()), inner)
    if chance.random() < 0.3:
        _lie(path, chance)
    return path


def _lie(path: Path, chance: Random) -> None:
    """Change a size, a flag or a checksum in the archive's directory."""
    content = bytearray(path.read_bytes())
    at = content.rfind(b"PK\x01\x02")
    if at >= 0:
        place = chance.choice([8, 10, 16, 20, 24, 28, 42])
        content[at + place : at + place + 2] = chance.randbytes(2)
    path.write_bytes(content)


def zip_bomb(chance: Random, folder: Path) -> Path:
    path = folder / "a.csv.zip"
    unit = chance.choice([b"\0", b"\n", b"a"]) * (1 << 20)
    content = b"id,n\n" + unit * chance.choice([1, 8, 32])
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("a.csv", content)
    return path


def nested(chance: Random, folder: Path) -> Path:
    content = texts.csv_rows(chance, folder).read_bytes()
    for depth in range(chance.randrange(1, 8)):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a.csv" if depth == 0 else "a.csv.zip", content)
        content = out.getvalue()
    path = folder / "a.csv.zip"
    path.write_bytes(content)
    return path


MAKERS = {
    "gz": gz, "gz bomb": gz_bomb, "zip": packed, "zip bomb": zip_bomb, "zip in zip": nested,
}  # fmt: skip
