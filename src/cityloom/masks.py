"""Arrow booleans as NumPy masks and back, eight at a time."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Mask = npt.NDArray[np.bool_]


def present(values: pa.ChunkedArray) -> Mask:
    """Which values are not null."""
    return mask(values.is_valid()) if values.null_count else np.ones(len(values), bool)


def mask(flags: pa.ChunkedArray) -> Mask:
    """Arrow booleans without nulls as a NumPy mask."""
    parts = [np.empty(0, bool), *map(_unpacked, flags.chunks)]
    return np.concatenate(parts)


def packed(flags: Mask) -> pa.BooleanArray:
    """A NumPy mask as Arrow booleans."""
    bits = pa.py_buffer(np.packbits(flags, bitorder="little"))
    return pa.Array.from_buffers(pa.bool_(), len(flags), [None, bits])


def _unpacked(flags: pa.BooleanArray) -> Mask:
    octets = np.frombuffer(flags.buffers()[1], np.uint8)
    bits = np.unpackbits(octets, count=flags.offset + len(flags), bitorder="little")
    return bits[flags.offset :].view(bool)
