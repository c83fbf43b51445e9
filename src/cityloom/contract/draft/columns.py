"""The columns of a file, drafted: types, keys, who may see them, and which are left out."""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from cityloom.contract.draft.codes import is_identifier, is_renumbered
from cityloom.contract.draft.guess import LINK, guess_column
from cityloom.contract.draft.guesses import Guess
from cityloom.contract.draft.headers import Header, read_header
from cityloom.contract.draft.keys import is_key, joint_keys, single_keys
from cityloom.contract.draft.persons import OF_PERSONS, Trait, is_place_name, trait_of
from cityloom.contract.draft.rows import Sample, read_columns
from cityloom.contract.draft.terms import COUNTED, PLACED
from cityloom.contract.draft.values import Values, values_of
from cityloom.contract.draft.write import DraftedColumn
from cityloom.contract.model import Classification, Column, Files, Kind
from cityloom.contract.refusals import forbidden_column, forbidden_values, special_matter
from cityloom.counts import counted

_MOST_LISTED = 50
_FEWEST_ROWS_FOR_A_KEY = 10
_PLACES_SHARE = 0.8


def draft_columns(path: Path, files: Files, sample: Sample) -> tuple[DraftedColumn, ...]:
    """Every column of the file, drafted."""
    values = {name: values_of(sample.rows[name]) for name in sample.rows.column_names}
    headers = _with_degrees(_headers(sample.rows.column_names), values)
    traits = {header: trait_of(header, values[header.source_name]) for header in headers}
    about = _About(
        persons=bool(OF_PERSONS & set(traits.values())),
        addresses=Trait.ADDRESS in traits.values(),
    )
    columns = [
        _column(header, values[header.source_name], traits[header], about, sample.rows)
        for header in headers
    ]
    columns = [_with_stated_crs(column, sample) for column in columns]
    return tuple(_with_key(path, files, sample, columns, values))


class _About(NamedTuple):
    """Whether the rows of a file are about persons, or at least about addresses."""

    persons: bool
    addresses: bool


def _headers(names: list[str]) -> list[Header]:
    headers: list[Header] = []
    for position, name in enumerate(names, start=1):
        headers.append(read_header(name, position, [header.name for header in headers]))
    return headers


def _with_degrees(headers: list[Header], values: dict[str, Values]) -> list[Header]:
    """The headers, with a pair of columns ``x`` and ``y`` in degrees called by what they are."""
    names = {"x": "longitude", "y": "latitude"}
    pair = {header.name: header for header in headers if header.name in names}
    free = not set(names.values()) & {header.name for header in headers}
    if len(pair) < 2 or not free:
        return headers
    for header in pair.values():
        column = guess_column(header, values[header.source_name])
        if column.unit != "degree":
            return headers
    return [header._replace(name=names.get(header.name, header.name)) for header in headers]


def _column(
    header: Header, values: Values, trait: Trait | None, about: _About, rows: pa.Table
) -> DraftedColumn:
    guess = guess_column(header, values, free=trait not in (None, Trait.SEX))
    classification = _classification(header, guess, values, trait, about)
    return DraftedColumn(
        header=header,
        guess=guess,
        classification=classification,
        required=values.is_complete,
        trim=values.padded,
        doubts=_column_doubts(header, values, trait, classification, about),
        left_out=_left_out(header, classification, rows),
    )


def _classification(
    header: Header, guess: Guess, values: Values, trait: Trait | None, about: _About
) -> Classification:
    """How well a column is to be guarded, the stricter where it is not plain."""
    if trait is Trait.NUMBER:
        return Classification.SENSITIVE
    if trait or about.persons or _may_name_people(guess, values):
        return Classification.PERSONAL
    if about.addresses and PLACED & set(header.words):
        return Classification.PERSONAL
    return Classification.INTERNAL


def _may_name_people(guess: Guess, values: Values) -> bool:
    """Whether a column is text with so many different values that some could be names."""
    plain = guess.logical_type == "string" and guess.options.get("pattern") in (None, LINK)
    many = values.distinct > max(_MOST_LISTED, 0.05 * values.seen)
    return plain and many and values.matching(is_place_name) < _PLACES_SHARE


def _column_doubts(
    header: Header,
    values: Values,
    trait: Trait | None,
    classification: Classification,
    about: _About,
) -> tuple[str, ...]:
    doubts = [header.doubt] if header.doubt else []
    if trait:
        doubts.append(f"looks like {trait}: {classification.label}")
    elif classification is Classification.PERSONAL and not about.persons:
        placed = about.addresses and PLACED & set(header.words)
        reason = "tells the place of an address" if placed else "many texts, which may name people"
        doubts.append(f"{reason}: {classification.label}")
    if is_renumbered(header):
        doubts.append("numbered anew by each export: a column of the owner's own is a better key")
    if values.distinct == 1 and values.seen > 1:
        doubts.append("has one value in every row")
    return tuple(doubts)


def _left_out(header: Header, classification: Classification, rows: pa.Table) -> str | None:
    """Why a contract may not hold a column as it stands; ``None`` where it may."""
    as_column = Column(header.name, header.source_name, Kind.STRING)
    if reason := forbidden_column(as_column) or forbidden_values(rows[header.source_name]):
        return reason
    if classification >= Classification.PERSONAL and (matter := special_matter(as_column)):
        return (
            f"holds {matter}; to receive it, give it 'special_purpose', one of the contract's "
            "purposes, or classify it 'internal' if it tells of no person"
        )
    return None


def _with_stated_crs(column: DraftedColumn, sample: Sample) -> DraftedColumn:
    """A geometry of a file that can state its CRS, with what follows from that."""
    if sample.geometry is None or column.header.source_name != sample.geometry:
        return column
    if sample.crs is None:
        doubt = (
            "the file says nothing of its CRS; say it under 'servers', "
            'customProperties: [{property: crs, value: "EPSG:…"}]'
        )
        return replace(column, guess=replace(column.guess, doubts=(doubt,)))
    name = sample.crs if len(sample.crs) < 20 else "a CRS of its own"
    seen = f"in {name}, to be kept in EPSG:4326 (say otherwise with 'crs')"
    return replace(column, guess=replace(column.guess, doubts=(), seen=seen))


def _with_key(
    path: Path,
    files: Files,
    sample: Sample,
    columns: list[DraftedColumn],
    values: dict[str, Values],
) -> list[DraftedColumn]:
    """The columns, with the primary key marked where the file shows one."""
    able = [column for column in columns if _can_name_rows(column)]
    names = [column.header.source_name for column in sorted(able, key=_likely_key)]
    singles = single_keys(values, names)
    joints = () if singles else joint_keys(sample.rows, values, names)
    for key in [*((name,) for name in singles), *joints]:
        if sample.is_whole or is_key(read_columns(path, files, key), key):
            return [_keyed(column, key, len(sample.rows)) for column in columns]
    return columns


def _can_name_rows(column: DraftedColumn) -> bool:
    """Whether a column could be part of a key: no measure, no text and no person's trait."""
    words = set(column.header.words)
    discrete = column.guess.logical_type in ("string", "integer", "date")
    plain = not column.guess.physical_type and not words & COUNTED
    named = is_identifier(column.header) or not any("looks like" in d for d in column.doubts)
    return discrete and plain and named and column.left_out is None


def _likely_key(column: DraftedColumn) -> tuple[bool, bool]:
    return is_renumbered(column.header), not is_identifier(column.header)


def _keyed(column: DraftedColumn, key: tuple[str, ...], rows: int) -> DraftedColumn:
    if column.header.source_name not in key:
        return column
    position = key.index(column.header.source_name) + 1
    doubts = column.doubts
    if len(key) > 1:
        doubts += (f"unique only together with {', '.join(key)}: is that the key?",)
    elif rows < _FEWEST_ROWS_FOR_A_KEY or not is_identifier(column.header):
        doubts += (f"unique in {counted(rows, 'row')}: is it the key?",)
    return replace(column, key_position=position, doubts=doubts)
