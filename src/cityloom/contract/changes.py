"""How a contract may change once its dataset has rows."""

from collections.abc import Mapping, Sequence

import pyarrow as pa

from cityloom.contract.model import Contract
from cityloom.errors import ContractError
from cityloom.geo.crs import LONLAT


def additions(
    contract: Contract,
    stored: pa.Schema,
    key: Sequence[str],
    rows: int,
    crs: Mapping[str, str],
) -> pa.Schema:
    """The columns that a table needs in addition to hold rows by a changed contract.

    New columns that may be empty are compatible, and so is leaving columns out (what is stored of
    them stays) and any change of rules, which judge what comes from now on.

    Args:
        contract: the contract as it is now.
        stored: the columns that the table has.
        key: the primary key by which the table's rows were taken in.
        rows: how many rows the table has.
        crs: what the table's geometries are in, by column, as far as that is known.

    Raises:
        ContractError: the change is breaking; the message says what to do.
    """
    for column in contract.stored:
        if column.name not in stored.names:
            if column.required and rows:
                raise _breaking(
                    contract,
                    f"required column '{column.name}' is new",
                    "make it optional, or deliver everything again as a new dataset",
                )
        elif stored.field(column.name).type != column.arrow_type:
            was, now = stored.field(column.name).type, column.arrow_type
            raise _breaking(contract, f"column '{column.name}' was {was} and is now {now}",
                            "give the column a new name, or the dataset")  # fmt: skip
    _check_crs(contract, crs if rows else {})
    names = [column.name for column in contract.key]
    if rows and list(key) != names:
        raise _breaking(
            contract,
            f"the primary key was ({', '.join(key)}) and is now ({', '.join(names)})",
            "give the dataset a new name and deliver everything again",
        )
    return pa.schema([field for field in contract.schema if field.name not in stored.names])


def _check_crs(contract: Contract, stored: Mapping[str, str]) -> None:
    """Refuse coordinates of two kinds in one column."""
    for name, now in contract.crs.items():
        was = stored.get(name, now)
        if was != now and not {was, now} <= set(LONLAT):
            raise _breaking(
                contract,
                f"the geometries of column '{name}' were in {was} and are now in {now}",
                f"write {was} there again, and {now} as the crs of 'servers' where files come in "
                "it, or give the dataset a new name and deliver everything again",
            )


def _breaking(contract: Contract, what: str, mend: str) -> ContractError:
    return ContractError(
        f"{contract.origin}: {what}, but '{contract.dataset}' has rows by the earlier contract; "
        f"{mend}"
    )
