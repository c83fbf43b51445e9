"""Pseudonyms: names for values that tell nothing, the same for one purpose, another for any other.

A pseudonym is HMAC-SHA256 of the value under the purpose's key (FIPS 198-1), its first 128 bits in
hexadecimal. Keys come of the city's secret, which lies outside the lake: whoever has the lake alone
can neither compute a pseudonym nor compare those of two purposes.
"""

import fcntl
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa

from cityloom.errors import UsageError
from cityloom.secret import city_secret, keyed

FILE = "pseudonyms.json"
"""In a city: for each purpose, when its key was changed."""

_DIGITS = 32
_SAID = "pseudonym"


class PseudonymKeys:
    """The keys of a city's purposes; a purpose that is rotated has a new one from then on."""

    def __init__(self, city: Path) -> None:
        self._city = city
        self._path = city / FILE

    def key(self, purpose: str) -> bytes:
        """The key that a purpose uses now.

        Raises:
            UsageError: the file of rotations or the city's secret is damaged.
        """
        return self._key(purpose, len(self.rotations(purpose)))

    def keys(self, purpose: str) -> list[bytes]:
        """Every key that a purpose has had, oldest first."""
        return [self._key(purpose, n) for n in range(len(self.rotations(purpose)) + 1)]

    def rotations(self, purpose: str) -> list[str]:
        """The moments, in ISO 8601, at which a purpose got a new key."""
        return list(self._read().get(purpose, []))

    def rotate(self, purpose: str) -> None:
        """Give a purpose a new key: the same value has another pseudonym from now on."""
        with open(self._path, "a+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            known = self._read()
            now = datetime.now(UTC).isoformat(timespec="seconds")
            known.setdefault(purpose, []).append(now)
            file.truncate(0)
            file.write(json.dumps(known, ensure_ascii=False, indent=1))

    def _key(self, purpose: str, generation: int) -> bytes:
        return bytes.fromhex(keyed(city_secret(self._city), _SAID, purpose, str(generation)))

    def _read(self) -> dict[str, list[str]]:
        try:
            text = self._path.read_text(encoding="utf-8")
            found: dict[str, list[str]] = json.loads(text or "{}")
        except FileNotFoundError:
            return {}
        except ValueError:
            raise UsageError(f"{self._path} is damaged; put it back from a backup") from None
        return found


def pseudonym(key: bytes, value: str) -> str:
    """A value's pseudonym under a key: 32 hexadecimal digits."""
    return hmac.digest(key, value.encode(), "sha256").hex()[:_DIGITS]


@lru_cache(maxsize=64)
def pseudonyms(key: bytes) -> Callable[[Any], Any]:
    """A function from a column of texts to that of their pseudonyms, on every engine."""

    def named(values: pa.Array | pa.ChunkedArray) -> pa.Array:
        return _named(key, values)

    name = f"pseudonym_{hmac.digest(key, b'', 'sha256').hex()[:16]}"
    signature = (("string",), "string")
    made: Callable[[Any], Any] = ibis.udf.scalar.pyarrow(named, name=name, signature=signature)
    return made


def _named(key: bytes, values: pa.Array | pa.ChunkedArray) -> pa.Array:
    whole = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    encoded = whole.dictionary_encode()
    names = [pseudonym(key, text) for text in encoded.dictionary.to_pylist()]
    return pa.array(names, pa.string()).take(encoded.indices)
