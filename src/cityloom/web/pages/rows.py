"""A dataset's rows, where policy grants them: a sample to look at, all of them to take away."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import shapely
from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from cityloom.contract import Column, Contract, Kind
from cityloom.errors import AccessRefused
from cityloom.policy import Decision
from cityloom.reading import only_whole
from cityloom.web.answers import Table
from cityloom.web.asked import Form, form_of, whole_number
from cityloom.web.features.links import ROOT
from cityloom.web.kernel_words import decision_words
from cityloom.web.languages import Language
from cityloom.web.pages.frame import Section, section
from cityloom.web.shapes import Map, Shape, draw
from cityloom.web.signin.who import principal_of, purpose_of
from cityloom.web.words import heading, unit_sign

router = APIRouter()

_A_PAGE = 50
_MOST_PAGES = 20
_MOST_SHAPES = 1500

Row = dict[str, Any]


@dataclass(frozen=True)
class Refusal:
    """Why rows are not shown, and whom to ask; ``purposes`` are those that can be chosen."""

    rule: str
    owner: str
    purposes: tuple[str, ...] = ()

    def as_facts(self) -> dict[str, str]:
        """The refusal as JSON gives it."""
        return {"refused": self.rule, "owner": self.owner}


@router.get("/datasets/{dataset}/rows")
def rows(request: Request, dataset: str, page: str = "", shade: str = "") -> Response:
    """A sample of the rows, a page at a time; as CSV, all rows."""
    shown = section(request, dataset, "rows")
    number = whole_number(page, most=_MOST_PAGES)
    form = form_of(request)
    city, contract = shown.look.city, shown.contract
    who, purpose = principal_of(request), purpose_of(request)
    try:
        if form is Form.CSV:
            everything = city.read(dataset, who, purpose)
            table = Table(contract.schema.names, _texts(everything, contract))
            return shown.answer({}, None, table)
        decision = city.may_read(dataset, who, purpose)
        drawn = form is Form.HTML and _geometry(contract) is not None
        limit = max(number * _A_PAGE + 1, _MOST_SHAPES if drawn else 0)
        found = city.read(dataset, who, purpose, limit=limit).read_all().to_pylist()
    except AccessRefused:
        return _refused(shown)
    sample = found[(number - 1) * _A_PAGE : number * _A_PAGE]
    total = shown.entry.facts.rows
    pages = min(_pages(number, len(found), total, decision), _MOST_PAGES)
    facts = {
        "dataset": dataset,
        "total": total,
        "page": number,
        "pages": pages,
        "masked": sorted(decision.hidden),
        "narrowed": not decision.is_of_all_rows,
        "rows": [_as_json(row, contract) for row in sample],
    }
    on_offer = decision.is_whole and _geometry(contract) is not None
    values: dict[str, Any] = {
        "refusal": None,
        "page": number,
        "pages": pages,
        "total": total,
        "purpose": purpose if purpose in contract.purposes else None,
        "masked": [column for column in contract.stored if column.name in decision.hidden],
        "features": f"{ROOT}/collections/{dataset}" if on_offer else None,
        "narrowed": not decision.is_of_all_rows,
    }
    if form is Form.HTML:
        values["rows"] = [as_cells(row, contract, shown.language) for row in sample]
        values |= _map(shown, found[:_MOST_SHAPES], shade)
    return shown.answer(values, facts)


def refusal(shown: Section, whole: bool = False) -> Refusal:
    """Why a dataset's rows, or what is shown to those alone who see all of it, are not shown."""
    who, purpose = principal_of(shown.request), purpose_of(shown.request)
    decision = shown.look.city.may_read(shown.contract.dataset, who, purpose)
    if whole:
        decision = only_whole(decision)
    can_choose = who.signed_in and purpose not in shown.contract.purposes
    return Refusal(
        decision_words(decision.reason, shown.language),
        shown.contract.owner,
        shown.contract.purposes if can_choose else (),
    )


def _refused(shown: Section) -> Response:
    form, why = form_of(shown.request), refusal(shown)
    if form is Form.CSV:
        raise HTTPException(403, why.rule)
    status = 403 if form is Form.JSON else 200
    return shown.answer({"refusal": why, "drawing": None}, why.as_facts(), status=status)


def _pages(number: int, found: int, total: int, decision: Decision) -> int:
    """How many pages there are; where policy leaves only some rows, one more if there are more."""
    if decision.is_of_all_rows:
        return max(-(-total // _A_PAGE), 1)
    return number + (found > number * _A_PAGE)


def _geometry(contract: Contract) -> Column | None:
    return next((column for column in contract.columns if column.kind is Kind.GEOMETRY), None)


def _map(shown: Section, found: list[Row], shade: str) -> dict[str, Any]:
    """The sample's shapes as a map, shaded by one of the columns with numbers."""
    contract, language = shown.contract, shown.language
    geometry = _geometry(contract)
    if geometry is None:
        return {"drawing": None}
    measures = [
        column
        for column in contract.columns
        if column.kind in (Kind.INTEGER, Kind.NUMBER) and column.key_position is None
    ]
    chosen = next((column for column in measures if column.name == shade), None)
    if chosen is None and shade != "none":
        chosen = next((column for column in measures if column.unit), None)
    name = naming(contract)
    shapes = [
        Shape(
            shapely.from_wkb(row[geometry.name]),
            _hover(row, name, chosen, language),
            None if chosen is None or row[chosen.name] is None else float(row[chosen.name]),
        )
        for row in found
        if row[geometry.name] is not None
    ]
    label = language.gettext("Map of %(n)s shapes", n=len(shapes))
    drawing: Map | None = draw(shapes, geometry.crs, label, language)
    return {
        "drawing": drawing,
        "map_title": _finding(found, name, chosen, language),
        "shade": chosen,
        "measures": measures,
        "shapes": len(shapes),
    }


def _finding(found: list[Row], name: Column, chosen: Column | None, language: Language) -> str:
    """What the map shows, in a sentence."""
    _ = language.gettext
    valued = [] if chosen is None else [row for row in found if row[chosen.name] is not None]
    if chosen is None or not valued:
        return _("Where they are")
    most = max(valued, key=lambda row: row[chosen.name])
    return _(
        "%(column)s: the most is %(value)s, in %(name)s",
        column=heading(chosen, language), name=most[name.name],
        value=f"{_number(most[chosen.name], language)} {unit_sign(chosen.unit, language)}".strip(),
    )  # fmt: skip


def naming(contract: Contract) -> Column:
    """The column that names a row for a person: a name where there is one, else the key."""
    named = [column for column in contract.columns if column.name.endswith("name")]
    return next(iter(named or contract.key or contract.columns))


def _hover(row: Row, name: Column, chosen: Column | None, language: Language) -> str:
    said = str(row[name.name])
    if chosen is not None and row[chosen.name] is not None:
        said += f" · {heading(chosen, language)} {_number(row[chosen.name], language)}"
    return said


def as_cells(row: Row, contract: Contract, language: Language) -> list[tuple[str, bool]]:
    """A row's values as a reader sees them, and whether each is a number."""
    return [_cell(row[column.name], column, language) for column in contract.stored]


def _cell(value: object, column: Column, language: Language) -> tuple[str, bool]:
    if value is None:
        return "", False
    if column.kind is Kind.GEOMETRY:
        shape = shapely.from_wkb(value)
        points = language.gettext("%(n)s points", n=int(shapely.get_num_coordinates(shape)))
        return f"{shape.geom_type}, {points}", False
    if column.kind in (Kind.INTEGER, Kind.NUMBER):
        return _number(value, language), True
    if column.kind is Kind.BOOLEAN:
        return language.gettext("yes") if value else language.gettext("no"), False
    return str(value), False


def _number(value: Any, language: Language) -> str:
    """A number; small whole ones without separators, since they may be years or storeys."""
    if isinstance(value, int) and abs(value) < 10_000:
        return str(value)
    return language.number(value, 6)


def _as_json(row: Row, contract: Contract) -> Row:
    return {
        column.name: _geojson(row[column.name])
        if column.kind is Kind.GEOMETRY
        else row[column.name]
        for column in contract.stored
    }


def _geojson(value: bytes | None) -> Any:
    return None if value is None else shapely.geometry.mapping(shapely.from_wkb(value))


def _texts(reader: pa.RecordBatchReader, contract: Contract) -> Iterator[list[object]]:
    """Rows as a CSV file has them: geometries as WKT."""
    for batch in reader:
        for row in batch.to_pylist():
            yield [
                shapely.to_wkt(shapely.from_wkb(value)) if isinstance(value, bytes) else value
                for value in (row[column.name] for column in contract.stored)
            ]
