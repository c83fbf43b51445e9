"""GeoPackages and Shapefiles: one layer, its geometries among its columns."""

import shutil
import zipfile
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory, gettempdir

from cityloom.contract.model import Files
from cityloom.errors import DeliveryError
from cityloom.readers.apart import ApartReader
from cityloom.readers.stream import is_folder, must_be_a_file, refusing

SIDE_FILES = (".shx", ".dbf", ".prj", ".cpg", ".qpj", ".qix", ".sbn", ".sbx", ".qmd", ".shp.xml")
"""How the names of the files end that come with a ``.shp`` and are no deliveries themselves."""

_NEEDED = (".shp", ".shx", ".dbf", ".prj", ".cpg")
_MOST_BYTES = 4 << 30
_MOST_MEMBERS = 10_000


class GeoPackageReader(ApartReader):
    """One layer of a GeoPackage."""

    def __init__(self, path: Path, files: Files) -> None:
        must_be_a_file(path)
        asked = {"path": str(path.absolute()), "layer": files.layer, "encoding": None}
        super().__init__(path, "layers", "GeoPackage", asked)


class ShapefileReader(ApartReader):
    """A Shapefile, in a zip archive or with its parts beside it."""

    def __init__(self, path: Path, files: Files) -> None:
        must_be_a_file(path)
        shp = path.absolute()
        if zipfile.is_zipfile(path):
            self._unpacked = TemporaryDirectory(prefix="cityloom-")
            shp = _unpacked(path, Path(self._unpacked.name), files.layer)
        stated = None if files.encoding == "utf-8" else files.encoding
        asked = {"path": str(shp), "layer": None, "encoding": stated}
        super().__init__(path, "layers", "Shapefile", asked)


def shapefiles_in(path: Path) -> list[str]:
    """The names of the Shapefiles in a zip archive; none where it is no such archive."""
    if not zipfile.is_zipfile(path):
        return []
    with refusing(path), zipfile.ZipFile(path) as archive:
        return sorted(i.filename for i in _members(archive) if i.filename.lower().endswith(".shp"))


def side_files(shp: Path) -> list[Path]:
    """The files that come with a ``.shp``, in the order of their names."""
    stem = shp.with_suffix("").name
    beside = (path for path in shp.parent.iterdir() if path.name != shp.name)
    return sorted(p for p in beside if _is_side_file(p.name, stem) and p.is_file())


def is_side_file(path: Path) -> bool:
    """Whether a file only comes with a ``.shp`` that lies beside it."""
    name = path.name.lower()
    suffix = next((end for end in SIDE_FILES if name.endswith(end)), None)
    if suffix is None:
        return False
    stem = path.name[: -len(suffix)]
    return any(path.with_name(stem + end).is_file() for end in (".shp", ".SHP"))


def _is_side_file(name: str, stem: str) -> bool:
    return any(name.lower() == (stem + end).lower() for end in SIDE_FILES)


def _unpacked(path: Path, folder: Path, layer: str | None) -> Path:
    """The ``.shp`` of an archive, unpacked with its parts under names of our own."""
    with refusing(path), zipfile.ZipFile(path) as archive:
        members = {info.filename: info for info in _members(archive)}
        chosen = PurePosixPath(_chosen(path, list(members), layer)).with_suffix("")
        parts = {
            PurePosixPath(name).suffix.lower(): info
            for name, info in members.items()
            if PurePosixPath(name).with_suffix("") == chosen
        }
        size = sum(parts[suffix].file_size for suffix in _NEEDED if suffix in parts)
        if size > _MOST_BYTES or size > shutil.disk_usage(gettempdir()).free:
            raise DeliveryError(
                f"{path.name}: unpacked it is {size >> 20:,} MB, more than "
                f"{_MOST_BYTES >> 20:,} MB or than {gettempdir()} has "
                "room for; deliver it in parts, or as a GeoPackage"
            )
        for suffix in _NEEDED:
            if suffix in parts:
                with archive.open(parts[suffix]) as packed, open(
                    folder / f"layer{suffix}", "xb"
                ) as file:  # fmt: skip
                    shutil.copyfileobj(packed, file, 1 << 20)
    return folder / "layer.shp"


def _members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The files of an archive, without what a Mac adds to it."""
    found = archive.infolist()
    if len(found) > _MOST_MEMBERS:
        raise ValueError(f"more than {_MOST_MEMBERS:,} files in it")
    names = ((info, PurePosixPath(info.filename)) for info in found if not is_folder(info))
    return [i for i, p in names if "__MACOSX" not in p.parts and not p.name.startswith(".")]


def _chosen(path: Path, names: list[str], layer: str | None) -> str:
    found = {name: PurePosixPath(name).stem for name in names if name.lower().endswith(".shp")}
    if layer is not None:
        found = {name: stem for name, stem in found.items() if stem == layer}
    if len(found) == 1:
        return next(iter(found))
    if layer is not None:
        raise DeliveryError(f"{path.name}: no Shapefile '{layer}', which the contract names")
    if not found:
        raise DeliveryError(f"{path.name}: no .shp in it; ask for it to be sent again")
    raise DeliveryError(
        f"{path.name}: several Shapefiles, {', '.join(sorted(found.values())[:12])}; say which in "
        "the contract's servers: customProperties: [{property: layer, value: …}]"
    )
