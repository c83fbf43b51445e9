"""One layer of a GeoPackage or a Shapefile as Arrow batches, through GDAL."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

os.environ |= {
    "CPL_LOG": os.devnull,
    "GDAL_DISABLE_READDIR_ON_OPEN": "FALSE",
    "OGR_ARROW_MEM_LIMIT": str(256 << 20),
    "SHAPE_RESTORE_SHX": "NO",
}
import pyogrio
import pyogrio.errors
from pyogrio.raw import open_arrow

from cityloom.apart import WRONG, Refused
from cityloom.apart.shapefile import check_whole, text_encoding

_ROWS_AT_A_TIME = 8_192
_BYTES_AS_TEXT = "ISO-8859-1"
_GEOMETRY = "geometry"
_DRIVERS = {b"SQLite format 3\0": "GPKG", b"\x00\x00\x27\x0a": "ESRI Shapefile"}
_DAMAGE = (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, pyogrio.errors.CRSError,
           pyogrio.errors.FeatureError, pyogrio.errors.FieldError, pyogrio.errors.GeometryError,
           pa.ArrowException, OSError, ValueError, RuntimeError)  # fmt: skip


class Layer:
    """A layer that is open.

    Args:
        path: the GeoPackage, or the ``.shp`` of a Shapefile.
        layer: the layer's name; the only one, if none is named.
        encoding: in what the texts of a Shapefile are, if the contract says.

    Raises:
        Refused: it is neither, it is not whole, or it is not plain which layer is meant.
    """

    def __init__(self, path: str, layer: str | None, encoding: str | None) -> None:
        self._path = path
        self._driver = _driver(path)
        self._encoding = "utf-8"
        if self._driver != "GPKG":
            check_whole(Path(path))
            self._encoding = text_encoding(Path(path), encoding)
        try:
            self._layer = self._chosen(layer)
            info = pyogrio.read_info(path, layer=self._layer, encoding=self._as_bytes)
        except _DAMAGE as error:
            raise self._damaged(error) from None
        if info["driver"] != self._driver:
            raise Refused(f"it is a file of {info['driver']}, not of {self._driver}")
        self._name_columns(info)
        has_geometry = self._geometry in self._fields
        self.facts = {
            "columns": list(self._fields),
            "geometry": self._geometry if has_geometry else None,
            "crs": _stated(info["crs"]) if has_geometry else None,
        }

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """All features, with what is wrong with each."""
        fields = [self._fields[name] for name in columns]
        plain = [f for name, f in zip(columns, fields, strict=True) if not self._is_special(name)]
        schema = None
        try:
            with open_arrow(
                self._path,
                layer=self._layer,
                encoding=self._as_bytes,
                columns=plain,
                read_geometry=self._geometry in columns,
                return_fids=self._fid in columns,
                batch_size=_ROWS_AT_A_TIME,
                use_pyarrow=True,
                datetime_as_string=True,
            ) as (facts, stream):
                special = {self._geometry: facts["geometry_name"] or "wkb_geometry"}
                special |= {self._fid: facts["fid_column"] or "OGC_FID"}
                names = [special.get(n, f) for n, f in zip(columns, fields, strict=True)]
                schema = pa.schema([stream.schema.field(name) for name in names])
                for batch in stream:
                    yield self._batch([batch.column(name) for name in names], columns)
        except _DAMAGE as error:
            raise self._damaged(error) from None
        yield self._batch([pa.array([], field.type) for field in schema], columns)

    @property
    def _as_bytes(self) -> str | None:
        """The encoding in which GDAL passes every byte of a Shapefile's texts through."""
        return None if self._driver == "GPKG" else _BYTES_AS_TEXT

    def _is_special(self, name: str) -> bool:
        return name in (self._geometry, self._fid)

    def _chosen(self, wanted: str | None) -> str:
        layers = pyogrio.list_layers(self._path)
        names = [str(name) for name, _ in layers]
        shaped = [str(name) for name, kind in layers if kind]
        if wanted is not None and wanted not in names:
            raise Refused(f"no layer '{wanted}', which the contract names; it has {_listed(names)}")
        if wanted is not None:
            return wanted
        found = shaped or names
        if len(found) != 1:
            raise Refused(
                f"several layers, {_listed(found)}; say which in the contract's servers: "
                "customProperties: [{property: layer, value: …}]"
                if found
                else "it has no layer"
            )
        return found[0]

    def _name_columns(self, info: dict[str, Any]) -> None:
        """Give each column of the layer its name, and how GDAL calls it."""
        geometry = info["geometry_name"] or _GEOMETRY
        self._geometry = geometry if info["geometry_type"] else ""
        self._fid = info["fid_column"] or ""
        names = [self._name(field) for field in info["fields"]]
        special = [name for name in (self._fid, self._geometry) if name]
        every = [*special, *names]
        if twice := next((name for name in every if every.count(name) > 1), None):
            raise Refused(f"two columns are named '{twice}'", "two columns share a name")
        self._fields = dict(zip(names, info["fields"], strict=True))
        self._fields = {n: n for n in special[:-1]} | self._fields | {n: n for n in special[-1:]}

    def _name(self, field: str) -> str:
        if self._driver == "GPKG":
            return field
        try:
            return field.encode(_BYTES_AS_TEXT).decode(self._encoding)
        except UnicodeDecodeError:
            raise Refused(
                f"the name of a column is not {self._encoding}; say in the contract's servers in "
                "what 'encoding' its texts are, such as gb18030"
            ) from None

    def _batch(self, arrays: list[pa.Array], columns: Sequence[str]) -> pa.RecordBatch:
        wrong: list[str | None] = [None] * (len(arrays[0]) if arrays else 0)
        for place, name in enumerate(columns):
            if pa.types.is_string(arrays[place].type) or pa.types.is_large_string(
                arrays[place].type
            ):
                arrays[place] = self._texts(arrays[place], name, wrong)
        return pa.record_batch([*arrays, pa.array(wrong, pa.string())], names=[*columns, WRONG])

    def _texts(self, texts: pa.Array, name: str, wrong: list[str | None]) -> pa.Array:
        """Texts in their own encoding; of those that are not in it, what is wrong."""
        raw = texts.cast(pa.large_binary()) if pa.types.is_large_string(texts.type) else texts
        raw = raw.view(pa.binary()) if pa.types.is_string(raw.type) else raw
        if self._encoding == "utf-8" and self._driver == "GPKG" and _is_valid(texts):
            return texts
        if self._driver != "GPKG" and pc.all(pc.string_is_ascii(texts)).as_py() is not False:
            return texts
        decoded: list[str | None] = []
        for row, value in enumerate(raw.to_pylist()):
            text, sound = self._decoded(value)
            decoded.append(text)
            if not sound:
                wrong[row] = wrong[row] or f"{name}: holds bytes that are not {self._encoding}"
        return pa.array(decoded, pa.string())

    def _decoded(self, value: bytes | None) -> tuple[str | None, bool]:
        if value is None:
            return None, True
        if self._driver != "GPKG":
            value = value.decode().encode(_BYTES_AS_TEXT)
        try:
            return value.decode(self._encoding), True
        except UnicodeDecodeError:
            return value.decode(self._encoding, errors="replace"), False

    def _damaged(self, error: Exception) -> Refused:
        said = " ".join(str(error).split()).replace(self._path, "it") or type(error).__name__
        form = "GeoPackage" if self._driver == "GPKG" else "Shapefile"
        return Refused(
            f"not a whole {form} ({said}); ask for it to be sent again",
            f"not a whole {form}; ask for it to be sent again",
        )


def _driver(path: str) -> str:
    """The format of a file by its first bytes: none but these two is opened."""
    try:
        with open(path, "rb") as file:
            start = file.read(16)
    except OSError as error:
        raise Refused(f"cannot be opened: {error.strerror}") from None
    for mark, driver in _DRIVERS.items():
        if start.startswith(mark):
            return driver
    raise Refused(
        "neither a GeoPackage nor a Shapefile by its first bytes; ask for it to be sent again"
    )


def _stated(crs: str | None) -> str | None:
    """A CRS that says something: GeoPackages have entries for one that nobody knows."""
    return None if crs is None or "undefined" in crs.lower() else crs


def _is_valid(texts: pa.Array) -> bool:
    try:
        texts.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names[:12]) + (" and more" if len(names) > 12 else "")
