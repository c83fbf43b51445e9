"""What a reader gives, fitted to the contract: geometries in its CRS, midnight as a time of day."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from cityloom.contract.model import Column, Contract, Kind
from cityloom.errors import DeliveryError
from cityloom.readers.apart import ApartReader
from cityloom.readers.arrow import ParquetReader
from cityloom.readers.batch import Batch, Malformed, Reader
from cityloom.readers.sheets import SheetReader

Points = npt.NDArray[np.float64]
Geometries = npt.NDArray[np.object_]

_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"


def fitted(reader: Reader, contract: Contract, name: str) -> Reader:
    """The reader of a delivery, fitted to its contract.

    Args:
        reader: what was opened.
        contract: the dataset's.
        name: the file's, for messages.

    Raises:
        DeliveryError: it is not known in which CRS the geometries of the file are.
    """
    shapes = [
        column
        for column in contract.columns
        if column.kind is Kind.GEOMETRY and column.source_name in reader.columns
    ]
    moves = [
        _Reprojection(column, source, name)
        for column in shapes
        if (source := _source_crs(reader, column, contract, name))
    ]
    fits: list[Fit] = [move for move in moves if not move.stays]
    if isinstance(reader, SheetReader):
        fits += [
            _Midnight(column.source_name)
            for column in contract.columns
            if column.kind is Kind.TIMESTAMP and not column.format and not column.timezone
        ]
    return Fitted(reader, fits) if fits else reader


Fit = Callable[[Batch], Batch]


class Fitted:
    """A reader whose batches go through some changes."""

    def __init__(self, reader: Reader, fits: Sequence[Fit]) -> None:
        self._reader = reader
        self._fits = fits
        self.columns = reader.columns

    def batches(self, columns: Sequence[str]) -> Iterator[Batch]:
        """See :class:`cityloom.readers.Reader`."""
        for batch in self._reader.batches(columns):
            changed = batch
            for fit in self._fits:
                changed = fit(changed)
            yield changed


def _source_crs(reader: Reader, column: Column, contract: Contract, name: str) -> str | None:
    """The CRS of delivered geometries: as the contract says, or else the file; none if neither."""
    if contract.files.crs:
        return contract.files.crs
    stated = _stated(reader)
    if column.source_name not in stated:
        return None
    crs = stated[column.source_name]
    if crs is None:
        raise DeliveryError(
            f"{name}: says nothing of the CRS of its geometries (a Shapefile says it in its .prj, "
            "which is missing, empty or not readable, a GeoParquet file in its metadata); ask who "
            "delivers it, and say it in the "
            'contract\'s servers: customProperties: [{property: crs, value: "EPSG:…"}]'
        )
    return crs


def _stated(reader: Reader) -> Mapping[str, str | None]:
    """What a file says of the CRS of its columns; none where it does not know."""
    if isinstance(reader, ParquetReader):
        return reader.crs
    if isinstance(reader, ApartReader) and reader.geometry is not None:
        return dict.fromkeys(reader.columns, reader.crs)
    return {}


class _Reprojection:
    """Brings the geometries of a column from the delivery's CRS to the column's own.

    Coordinates are in the order x, y (longitude, latitude), whatever order an authority names. A
    geometry that lies outside of what the CRS can express is refused with its row.
    """

    def __init__(self, column: Column, source: str, name: str) -> None:
        from pyproj import CRS, Transformer
        from pyproj.exceptions import CRSError, ProjError

        self._name = column.source_name
        try:
            found, wanted = CRS.from_user_input(source), CRS.from_user_input(column.crs)
            self.stays = found.equals(wanted, ignore_axis_order=True)
            self._transformer = Transformer.from_crs(found, wanted, always_xy=True)
        except (CRSError, ProjError) as error:
            said = " ".join(str(error).split())[:200]
            raise DeliveryError(
                f"{name}: its geometries cannot be brought to {column.crs} ({said}); say in the "
                "contract's servers in which 'crs' they are"
            ) from None
        self._words = f"{column.source_name}: cannot be brought from {found.name} to {column.crs}"

    def __call__(self, batch: Batch) -> Batch:
        if self._name not in batch.rows.column_names or not len(batch.rows):
            return batch
        from cityloom.contract.geometries import parsed

        place = batch.rows.column_names.index(self._name)
        texts = batch.rows.column(self._name)
        geometries = parsed(texts.to_numpy(zero_copy_only=False))
        moved, lost = self._moved(geometries)
        rows = batch.rows.set_column(place, self._name, _written(texts, moved))
        if not lost.any():
            return Batch(rows, batch.ordinals, batch.malformed)
        return _without(Batch(rows, batch.ordinals, batch.malformed), batch.rows, lost, self._words)

    def _moved(self, geometries: Geometries) -> tuple[Geometries, npt.NDArray[np.bool_]]:
        """The geometries in the other CRS, and which of them have no place there."""
        import shapely

        flat = shapely.force_2d(geometries)
        points, owners = shapely.get_coordinates(flat, return_index=True)
        x, y = self._transformer.transform(points[:, 0], points[:, 1])
        there = np.column_stack([x, y])
        gone = np.isfinite(points).all(axis=1) & ~np.isfinite(there).all(axis=1)
        lost = np.zeros(len(flat), bool)
        lost[owners[gone]] = True
        return shapely.set_coordinates(flat, np.where(gone[:, None], 0.0, there)), lost


class _Midnight:
    """A date where the contract wants a moment, as spreadsheets store midnight."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, batch: Batch) -> Batch:
        if self._name not in batch.rows.column_names:
            return batch
        place = batch.rows.column_names.index(self._name)
        texts = batch.rows.column(self._name)
        moments = pc.replace_substring_regex(texts, f"({_DATE[1:-1]})$", r"\1T00:00:00")
        whole = pc.if_else(pc.match_substring_regex(texts, _DATE), moments, texts)
        return Batch(
            batch.rows.set_column(place, self._name, whole), batch.ordinals, batch.malformed
        )


def _written(texts: pa.ChunkedArray, geometries: Geometries) -> pa.ChunkedArray:
    """Geometries as text; a text that is no geometry stays as it is, for the contract to refuse."""
    import shapely

    written = shapely.to_wkb(geometries, hex=True)
    is_none = shapely.is_missing(geometries)
    kept = texts.to_numpy(zero_copy_only=False)
    return pa.chunked_array([pa.array(np.where(is_none, kept, written), pa.string())])


def _without(batch: Batch, before: pa.Table, lost: npt.NDArray[np.bool_], words: str) -> Batch:
    raw = before.filter(pa.array(lost)).to_pylist()
    refused = [
        Malformed(ordinal, json.dumps(row, ensure_ascii=False), words)
        for ordinal, row in zip(batch.ordinals[lost].tolist(), raw, strict=True)
    ]
    malformed = sorted([*batch.malformed, *refused], key=lambda bad: bad.ordinal)
    return Batch(batch.rows.filter(pa.array(~lost)), batch.ordinals[~lost], malformed)
