"""GeoPackages and Shapefiles: layers, types, encodings, archives, and files that are not whole."""

import shutil
import sqlite3
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyogrio
import pytest
import shapely

from cityloom.contract.model import Files
from cityloom.errors import DeliveryError
from cityloom.readers import file_format, open_reader
from tests.readers.reading import read

POINTS = [shapely.Point(114 + n, 22.5) for n in range(3)]
TABLE = {"名称": ["福田区", "南山区", None], "码": [1, 2, 3], "x": [0.5, 5.0, None]}
NAMES = {".gpkg": "GPKG", ".shp": "ESRI Shapefile"}


def write(
    path: Path,
    columns: dict[str, Any] = TABLE,
    shapes: list[Any] = POINTS,
    crs: str | None = "EPSG:4326",
    **options: Any,
) -> Path:
    """A layer of points, or of whatever the shapes are."""
    geometry = pa.array([shape and shape.wkb for shape in shapes], pa.binary())
    kind = next(shape for shape in shapes if shape).geom_type
    pyogrio.write_arrow(
        pa.table({**columns, "geometry": geometry}), path, driver=NAMES[path.suffix], crs=crs,
        geometry_type=kind, geometry_name="geometry", **options,
    )  # fmt: skip
    return path


def zipped(shp: Path, path: Path, folder: str = "") -> Path:
    """A Shapefile with its parts in an archive."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in sorted(shp.parent.glob(f"{shp.stem}.*")):
            if part != path:
                archive.write(part, folder + part.name)
    return path


def test_a_geopackage_gives_its_columns_in_order_with_its_geometry_last(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gpkg")
    reader = open_reader(path, Files())
    assert list(reader.columns) == ["fid", "名称", "码", "x", "geom"]
    rows, _ = read(path)
    assert [row[:4] for _, row in rows] == [
        ("1", "福田区", "1", "0.5"), ("2", "南山区", "2", "5"), ("3", None, "3", None),
    ]  # fmt: skip
    assert [shapely.from_wkb(row[4]) for _, row in rows] == POINTS


def test_a_shapefile_is_read_bare_and_from_an_archive(tmp_path: Path) -> None:
    shp = write(tmp_path / "a.shp", encoding="UTF-8")
    archive = zipped(shp, tmp_path / "b.zip", folder="data/")
    bare = read(shp)
    assert [row[:3] for _, row in bare[0]] == [
        ("福田区", "1", "0.5"), ("南山区", "2", "5"), (None, "3", None),
    ]  # fmt: skip
    assert file_format(archive, Files()) == "shapefile"
    assert read(archive) == bare
    assert open_reader(archive, Files()).crs == "EPSG:4326"


def test_only_the_columns_that_are_asked_for_come(tmp_path: Path) -> None:
    for path in (write(tmp_path / "a.gpkg"), write(tmp_path / "a.shp", encoding="UTF-8")):
        assert read(path, columns=["码"])[0] == [(1, ("1",)), (2, ("2",)), (3, ("3",))]
    assert read(tmp_path / "a.gpkg", columns=["fid"])[0][2] == (3, ("3",))


@pytest.mark.parametrize("said", ["cpg", "mark", "contract"])
def test_the_texts_of_a_shapefile_are_decoded_as_it_or_the_contract_says(
    said: str, tmp_path: Path
) -> None:
    shp = write(tmp_path / "a.shp", encoding="GB18030")
    stated = {"encoding": "gb18030"} if said == "contract" else {}
    if said != "cpg":
        (tmp_path / "a.cpg").unlink()
    if said == "mark":
        dbf = bytearray((tmp_path / "a.dbf").read_bytes())
        dbf[29] = 0x4D
        (tmp_path / "a.dbf").write_bytes(dbf)
    reader = open_reader(shp, Files(**stated))
    assert list(reader.columns) == ["名称", "码", "x", "geometry"]
    assert read(shp, columns=["名称"], **stated)[0][0] == (1, ("福田区",))


def test_a_text_that_is_not_in_the_encoding_costs_its_row_alone(tmp_path: Path) -> None:
    shp = write(tmp_path / "a.shp", {"name": ["福田", "南山", "c"]}, encoding="GB18030")
    dbf = (tmp_path / "a.dbf").read_bytes()
    (tmp_path / "a.dbf").write_bytes(dbf.replace("南山".encode("gb18030"), b"\xff\xff\xff\xff"))
    rows, malformed = read(shp)
    assert [row[0] for _, row in rows] == ["福田", "c"]
    assert [(bad.ordinal, bad.reason) for bad in malformed] == [
        (2, "name: holds bytes that are not gb18030")
    ]


def test_a_geopackage_with_a_text_that_is_not_utf8_costs_its_row_alone(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gpkg", SPATIAL_INDEX="NO")
    with sqlite3.connect(path) as engine:
        engine.execute("UPDATE a SET 名称 = CAST(x'ff41' AS TEXT) WHERE fid = 2")
    engine.close()
    rows, malformed = read(path)
    assert [number for number, _ in rows] == [1, 3]
    assert [bad.reason for bad in malformed] == ["名称: holds bytes that are not utf-8"]


def test_columns_named_in_another_encoding_are_asked_about(tmp_path: Path) -> None:
    shp = write(tmp_path / "a.shp", encoding="GB18030")
    (tmp_path / "a.cpg").unlink()
    with pytest.raises(DeliveryError, match=r"name of a column is not utf-8.*'encoding'"):
        open_reader(shp, Files())
    (tmp_path / "a.cpg").write_text("klingon")
    with pytest.raises(DeliveryError, match="names an encoding that is not known") as refused:
        open_reader(shp, Files())
    assert "klingon" not in str(refused.value)


def test_of_several_layers_the_contract_says_which(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gpkg", layer="one")
    write(path, {"k": [7]}, POINTS[:1], layer="two", append=True)
    with pytest.raises(DeliveryError, match=r"several layers, 'one', 'two'; say which.*layer"):
        open_reader(path, Files())
    assert read(path, columns=["k"], layer="two")[0] == [(1, ("7",))]
    with pytest.raises(DeliveryError, match="no layer 'three'"):
        open_reader(path, Files(layer="three"))


def test_of_several_shapefiles_in_an_archive_the_contract_says_which(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write(tmp_path / f"{name}.shp", {"k": [name]}, POINTS[:1])
    path = tmp_path / "both.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for part in [*tmp_path.glob("one.*"), *tmp_path.glob("two.*")]:
            archive.write(part, part.name)
    with pytest.raises(DeliveryError, match="several Shapefiles, one, two"):
        open_reader(path, Files())
    assert read(path, columns=["k"], layer="two")[0] == [(1, ("two",))]


def test_a_missing_geometry_is_null_and_times_keep_their_offset(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gpkg", {"at": ["x", "y"]}, [POINTS[0], None], SPATIAL_INDEX="NO")
    with sqlite3.connect(path) as engine:
        engine.execute("ALTER TABLE a ADD COLUMN seen DATETIME")
        engine.execute("ALTER TABLE a ADD COLUMN ok BOOLEAN")
        engine.execute("UPDATE a SET seen = '2024-01-02T03:04:05.678Z', ok = 1")
    engine.close()
    (_, first), (_, second) = read(path, columns=["geom", "seen", "ok"])[0]
    assert first[1:] == ("2024-01-02T03:04:05.678Z", "true")
    assert second[0] is None


# Not whole, or not what its name says


@pytest.mark.parametrize("part", [".shp", ".shx", ".dbf"])
def test_a_shapefile_of_which_a_part_is_missing_or_cut_short_is_refused(
    part: str, tmp_path: Path
) -> None:
    shp = write(tmp_path / "a.shp", {"k": [1, 2, 3]})
    whole = shp.with_suffix(part).read_bytes()
    for content in (whole[:-40], whole[:50], b""):
        shp.with_suffix(part).write_bytes(content)
        with pytest.raises(DeliveryError, match="sent again"):
            read(shp)
    shp.with_suffix(part).unlink()
    with pytest.raises(DeliveryError, match=r"missing|no such file"):
        read(shp)


def test_a_geopackage_that_is_not_whole_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gpkg")
    whole = path.read_bytes()
    for content in (b"", whole[:10], whole[:5000], b"<OGRVRTDataSource/>" + whole):
        path.write_bytes(content)
        with pytest.raises(DeliveryError, match=r"sent again|neither a GeoPackage"):
            read(path)


def test_a_file_that_leads_gdal_elsewhere_is_not_opened(tmp_path: Path) -> None:
    secret = write(tmp_path / "secret.gpkg")
    path = tmp_path / "a.gpkg"
    path.write_text(
        f"<OGRVRTDataSource><OGRVRTLayer name='secret'><SrcDataSource>{secret}</SrcDataSource>"
        "</OGRVRTLayer></OGRVRTDataSource>"
    )
    with pytest.raises(DeliveryError, match="neither a GeoPackage nor a Shapefile"):
        open_reader(path, Files())


def test_names_in_an_archive_lead_nowhere(tmp_path: Path) -> None:
    shp = write(tmp_path / "a.shp", {"k": [1, 2, 3]})
    path = zipped(shp, tmp_path / "b.zip", folder="../../../../tmp/evil/../")
    outside = sorted(tmp_path.parent.iterdir())
    assert len(read(path)[0]) == 3
    assert sorted(tmp_path.parent.iterdir()) == outside


def test_what_a_mac_adds_to_an_archive_is_passed_over(tmp_path: Path) -> None:
    path = zipped(write(tmp_path / "a.shp", {"k": [1, 2, 3]}), tmp_path / "b.zip")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("__MACOSX/._a.shp", b"\0")
    assert len(read(path)[0]) == 3


def test_an_unpacked_archive_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    path = zipped(write(tmp_path / "a.shp", {"k": [1, 2, 3]}), tmp_path / "b.zip")
    assert len(read(path)[0]) == 3
    assert list(folder.iterdir()) == []
    shutil.copy(tmp_path / "a.prj", tmp_path / "c.zip")
    with pytest.raises(DeliveryError):
        open_reader(tmp_path / "c.zip", Files(format="shapefile"))
