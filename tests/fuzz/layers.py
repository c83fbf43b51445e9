"""GeoPackages and Shapefiles: changed within their tables and parts, and mixed up."""

import sqlite3
import zipfile
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyogrio
import shapely

from tests.fuzz import texts
from tests.fuzz.archives import NAMES

SHAPES = (
    shapely.Point(114, 22), shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)]),
    shapely.box(0, 0, 1, 1), shapely.MultiPolygon([shapely.box(0, 0, k, k) for k in (1, 2)]),
    shapely.LineString([(0, 0), (1e300, 1e300)]), shapely.Polygon(),
)  # fmt: skip
CRS = ("EPSG:4326", "EPSG:4547", "EPSG:3857", None)
STATEMENTS = (
    "UPDATE a SET geom = x'00'", "UPDATE a SET geom = randomblob(200)", "UPDATE a SET geom = 'x'",
    "UPDATE a SET id = CAST(x'ff00ff' AS TEXT)", "UPDATE a SET n = 'not a number'",
    "UPDATE gpkg_contents SET table_name = 'b'", "DELETE FROM gpkg_geometry_columns",
    "UPDATE gpkg_geometry_columns SET srs_id = 12345", "DELETE FROM gpkg_spatial_ref_sys",
    "UPDATE gpkg_spatial_ref_sys SET definition = 'GEOGCS['",
    "CREATE VIEW b AS SELECT * FROM a, a AS c, a AS d, a AS e",
    "INSERT INTO gpkg_contents (table_name, data_type) VALUES ('b', 'features')",
    "UPDATE gpkg_contents SET data_type = 'attributes'", "PRAGMA application_id = 0",
    "ALTER TABLE a ADD COLUMN far DATETIME DEFAULT 'never'", "DROP TABLE gpkg_contents",
    "UPDATE gpkg_contents SET table_name = '../../etc/passwd'",
    "INSERT INTO a (id) SELECT a.id FROM a, a AS b, a AS c LIMIT 20000",
)  # fmt: skip


def layer(chance: Random, path: Path) -> Path:
    shapes = [chance.choice(SHAPES) for _ in range(chance.randrange(1, 30))]
    rows = [{name: texts.value(chance, name) for name in texts.COLUMNS} for _ in shapes]
    columns: dict[str, Any] = {
        name: [row[name].encode(errors="replace").decode().replace("\0", "") for row in rows]
        for name in texts.COLUMNS[:-1]
    }
    columns["n"] = list(range(len(rows)))
    columns["geometry"] = pa.array([shape.wkb for shape in shapes], pa.binary())
    options = {"SPATIAL_INDEX": "NO"} if path.suffix == ".gpkg" else {"encoding": "UTF-8"}
    if path.suffix == ".shp":
        columns["geometry"] = pa.array([shapely.box(n, 0, n + 1, 1).wkb for n in range(len(rows))])
    pyogrio.write_arrow(
        pa.table(columns), path, driver="GPKG" if path.suffix == ".gpkg" else "ESRI Shapefile",
        crs=chance.choice(CRS), geometry_name="geometry",
        geometry_type="Unknown" if path.suffix == ".gpkg" else "Polygon", **options,
    )  # fmt: skip
    return path


def geopackage(chance: Random, folder: Path) -> Path:
    return layer(chance, folder / "a.gpkg")


def changed(chance: Random, folder: Path) -> Path:
    path = layer(chance, folder / "a.gpkg")
    with sqlite3.connect(path) as engine:
        for _ in range(chance.randrange(1, 4)):
            with suppress(sqlite3.Error):
                engine.execute(chance.choice(STATEMENTS))
    engine.close()
    return path


def shapefile(chance: Random, folder: Path) -> Path:
    shp = layer(chance, folder / "a.shp")
    for _ in range(chance.choice([0, 1, 3])):
        _spoil(shp.with_suffix(chance.choice([".shp", ".shx", ".dbf", ".prj", ".cpg"])), chance)
    if chance.random() < 0.3:
        return shp
    path = folder / "a.zip"
    prefix = chance.choice(["", "", "in/", "../", *NAMES[:5]])
    with zipfile.ZipFile(path, "w", chance.choice([0, 8])) as archive:
        for part in sorted(folder.glob("a.*")):
            if part != path and chance.random() > 0.03:
                archive.write(part, prefix + part.name)
    return path


def _spoil(part: Path, chance: Random) -> None:
    """Change some bytes of a part, often in its header."""
    if not part.exists():
        return
    content = bytearray(part.read_bytes())
    for _ in range(chance.randrange(1, 8)):
        if content:
            reach = min(len(content), 200) if chance.random() < 0.6 else len(content)
            content[chance.randrange(reach)] = chance.choice(
                [0, 1, 0x7F, 0xFF, chance.randrange(256)]
            )
    part.write_bytes(
        content[: chance.randrange(len(content) + 1)] if chance.random() < 0.2 else content
    )


MAKERS = {"geopackage": geopackage, "geopackage changed": changed, "shapefile": shapefile}
