"""A contract may change in some ways once its dataset has rows, and says which it may not."""

import pyarrow as pa
import pytest

from cityloom.contract import Column, Contract, Kind
from cityloom.contract.changes import additions
from cityloom.errors import ContractError

STORED = pa.schema([("no", pa.int64()), ("name", pa.string()), ("gone", pa.string())])


def contract(*more: Column, key: str = "no", name: Kind = Kind.STRING) -> Contract:
    columns = (
        Column("no", "no", Kind.INTEGER, key_position=1 if key == "no" else None),
        Column("name", "name", name, key_position=1 if key == "name" else None),
    )
    return Contract(dataset="thing", columns=(*columns, *more), origin="thing.odcs.yaml")


def test_a_column_that_may_be_empty_is_added() -> None:
    changed = contract(Column("size", "size", Kind.NUMBER), Column("at", "at", Kind.DATE))
    added = additions(changed, STORED, ["no"], 5)
    assert added == pa.schema([("size", pa.float64()), ("at", pa.date32())])
    assert additions(contract(), STORED, ["no"], 5).names == []


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (
            contract(Column("size", "size", Kind.NUMBER, required=True)),
            "required column 'size' is new, but 'thing' has rows by the earlier contract; "
            "make it optional",
        ),
        (contract(key="name"), r"the primary key was \(no\) and is now \(name\)"),
    ],
)
def test_what_rows_cannot_meet_is_refused_where_there_are_some(
    changed: Contract, words: str
) -> None:
    with pytest.raises(ContractError, match=f"^thing.odcs.yaml: {words}"):
        additions(changed, STORED, ["no"], 1)
    additions(changed, STORED, ["no"], 0)


def test_a_column_keeps_its_type_even_without_rows() -> None:
    with pytest.raises(ContractError, match="column 'name' was string and is now int64"):
        additions(contract(name=Kind.INTEGER), STORED, ["no"], 0)
