"""Freed memory is kept for the next use; what is loaded is not searched for garbage."""

import ctypes
import gc
from functools import cache

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_KEPT = 256 << 20
_LARGEST = 32 << 20


@cache
def keep_freed_memory() -> None:
    """Have the GNU C library keep up to 256 MB of what is freed; elsewhere nothing happens.

    Reading and splitting free and take buffers of a megabyte without end. Left alone the library
    hands each back to the system and has it cleared again, at a tenth of all processor time
    (``mallopt(3)``).
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return
    mallopt(_MMAP_THRESHOLD, _LARGEST)
    mallopt(_TRIM_THRESHOLD, _KEPT)


@cache
def leave_loaded_alone() -> None:
    """Have Python's collector look no more, once, at the many objects of loaded libraries."""
    gc.freeze()
