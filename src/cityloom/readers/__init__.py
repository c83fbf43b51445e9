"""Readers: a delivered file becomes batches of text, every value as it was written.

A format is one class found by the entry point group ``cityloom.readers``; a city's own package
adds formats through the same door.
"""

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from cityloom.contract.model import Files
from cityloom.errors import DeliveryError
from cityloom.readers.batch import Batch, Malformed, Reader, TypedReader
from cityloom.readers.layers import shapefiles_in

__all__ = ["Batch", "Malformed", "Reader", "TypedReader", "file_format", "open_reader"]

_COMPRESSIONS = (".gz", ".zip")
_FORMATS = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv",
    ".json": "json", ".ndjson": "ndjson", ".jsonl": "ndjson",
    ".geojson": "geojson",
    ".parquet": "parquet", ".arrow": "arrow", ".feather": "arrow",
    ".xlsx": "xlsx", ".xlsm": "xlsx", ".xls": "xls", ".xlsb": "xlsb", ".ods": "ods",
    ".gpkg": "geopackage", ".shp": "shapefile", ".shz": "shapefile",
}  # fmt: skip


def file_format(path: Path, files: Files) -> str:
    """The format of a file: as its contract says, or else by its name.

    Raises:
        DeliveryError: neither the contract nor the file's name says.
    """
    if files.format:
        return files.format.lower()
    name = path.with_suffix("") if path.suffix.lower() in _COMPRESSIONS else path
    suffix = name.suffix.lower()
    if suffix not in _FORMATS and path.suffix.lower() == ".zip" and shapefiles_in(path):
        return "shapefile"
    if suffix not in _FORMATS:
        raise DeliveryError(
            f"{path.name}: format not known by its name; "
            f"say 'format' in the contract's servers, one of {', '.join(sorted(_formats()))}"
        )
    return _FORMATS[suffix]


def open_reader(path: Path, files: Files) -> Reader:
    """A reader on one file, ready to give its columns and, as often as asked, its batches.

    Raises:
        DeliveryError: the file cannot be read at all; the message says why and what to do.
    """
    name = file_format(path, files)
    formats = _formats()
    if name not in formats:
        raise DeliveryError(
            f"{path.name}: no reader for format '{name}'; known are {', '.join(sorted(formats))}"
        )
    reader: Reader = formats[name].load()(path, files)
    return reader


@cache
def _formats() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group="cityloom.readers")}
