"""Counts in words."""


def counted(number: int, one: str, many: str = "") -> str:
    """A number with what it counts, as in ``1 row`` and ``2,000 rows``.

    ``many`` is the plural where that is not ``one`` with an s.
    """
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"
