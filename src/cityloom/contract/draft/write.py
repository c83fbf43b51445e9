"""A drafted contract as text, each doubt a comment beside what it is about."""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cityloom.contract.draft.guesses import Guess
from cityloom.contract.draft.headers import Header
from cityloom.contract.model import Classification, Files

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*")
_YAML_WORDS = {"true", "false", "yes", "no", "on", "off", "null", "y", "n"}


@dataclass(frozen=True)
class DraftedColumn:
    """One column of a draft. ``left_out`` says why it may not be in the contract."""

    header: Header
    guess: Guess
    classification: Classification
    required: bool = False
    key_position: int | None = None
    unique: bool = False
    trim: bool = False
    doubts: tuple[str, ...] = ()
    left_out: str | None = None


@dataclass(frozen=True)
class DraftedContract:
    """A whole draft, ready to be written; ``files`` where its form has to be said."""

    dataset: str
    file: str
    read: str
    files: Files | None
    classification: Classification
    columns: tuple[DraftedColumn, ...]
    doubts: tuple[str, ...]


def write_contract(draft: DraftedContract) -> str:
    """The draft as an ODCS file."""
    return "\n".join(_lines(draft)) + "\n"


def _lines(draft: DraftedContract) -> Iterator[str]:
    yield _comment(f"Drafted from {draft.file}: {draft.read}.")
    yield "# Settle and remove each line that begins with 'doubt:', then set the status to active."
    yield from (_comment(f"doubt: {doubt}") for doubt in draft.doubts)
    yield "apiVersion: v3.1.0"
    yield "kind: DataContract"
    yield f"id: {scalar(draft.dataset)}"
    yield "version: 0.1.0"
    yield "status: draft"
    yield from _server(draft)
    yield "schema:"
    yield f"  - name: {scalar(draft.dataset)}"
    yield "    customProperties:"
    yield f"      - {{property: classification, value: {draft.classification.label}}}"
    yield "      - {property: delivery, value: append}"
    yield "    properties:"
    for column in draft.columns:
        yield from _column(column, draft.classification)


def _server(draft: DraftedContract) -> Iterator[str]:
    files = draft.files
    if files is None:
        return
    yield "servers:"
    yield "  - server: inbox"
    yield "    type: local"
    yield f"    path: inbox/{draft.dataset}"
    yield f"    format: {files.format}"
    if files.delimiter != ",":
        yield f"    delimiter: {'tab' if files.delimiter == chr(9) else scalar(files.delimiter)}"
    if files.encoding != "utf-8":
        yield f"    encoding: {files.encoding}"
    stated = {"sheet": files.sheet, "header": files.header, "layer": files.layer}
    if any(value is not None for value in stated.values()):
        yield "    customProperties:"
        for name, value in stated.items():
            if value is not None:
                yield f"      - {{property: {name}, value: {scalar(value)}}}"


def _column(column: DraftedColumn, default: Classification) -> Iterator[str]:
    doubts = (*column.doubts, *column.guess.doubts)
    if column.left_out:
        yield _comment(f"doubt: left out, '{column.header.source_name}': {column.left_out}", 6)
    yield from (_comment(f"doubt: {doubt}", 6) for doubt in doubts if not column.left_out)
    if column.guess.seen and not column.left_out:
        yield _comment(f"seen: {column.guess.seen}", 6)
    margin = "      # " if column.left_out else "      "
    yield from (margin + line for line in _properties(column, default))


def _properties(column: DraftedColumn, default: Classification) -> Iterator[str]:
    header, guess = column.header, column.guess
    yield f"- name: {scalar(header.name)}"
    if header.source_name != header.name:
        yield f"  physicalName: {scalar(header.source_name)}"
    if header.is_chinese:
        yield f"  businessName: {scalar(header.source_name)}"
    yield f"  logicalType: {guess.logical_type}"
    if guess.physical_type:
        yield f"  physicalType: {guess.physical_type}"
    if guess.options:
        options = ", ".join(f"{name}: {scalar(value)}" for name, value in guess.options.items())
        yield f"  logicalTypeOptions: {{{options}}}"
    if column.required:
        yield "  required: true"
    if column.unique:
        yield "  unique: true"
    if column.key_position:
        yield "  primaryKey: true"
        yield f"  primaryKeyPosition: {column.key_position}"
    if column.classification is not default:
        yield f"  classification: {column.classification.label}"
    if guess.enum:
        yield "  enum:"
        yield from (f"    - value: {scalar(value)}" for value in guess.enum)
    yield from _custom(column)


def _custom(column: DraftedColumn) -> Iterator[str]:
    facts: list[tuple[str, object]] = [("trim", True)] if column.trim else []
    if column.guess.unit:
        facts.append(("unit", column.guess.unit))
    if facts:
        yield "  customProperties:"
        yield from (f"    - {{property: {name}, value: {scalar(fact)}}}" for name, fact in facts)


def scalar(value: object) -> str:
    """A value as YAML reads it back, in quotes where it could be taken for another type."""
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    text = str(value)
    if _PLAIN.fullmatch(text) and text.lower() not in _YAML_WORDS:
        return text
    return "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in _in_quotes(text))


def _in_quotes(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _comment(text: str, indent: int = 0) -> str:
    return f"{' ' * indent}# {_one_line(text)}"


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def all_doubts(columns: Iterable[DraftedColumn]) -> Iterator[tuple[str, str]]:
    """Every doubt about a column, with the column's name."""
    for column in columns:
        if column.left_out:
            yield column.header.name, f"left out: {column.left_out}"
        else:
            yield from (
                (column.header.name, doubt) for doubt in (*column.doubts, *column.guess.doubts)
            )
