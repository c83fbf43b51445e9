"""The map: the city's own tiles, and the files that they come in."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from cityloom.contract import Column, Contract, Kind
from cityloom.errors import AccessRefused
from cityloom.policy import Principal
from cityloom.tiles.archive import Archive
from cityloom.tiles.sharing import is_drawn, shown_columns
from cityloom.tiles.steps import shown_archive
from cityloom.web.answers import Page, Table, answer
from cityloom.web.desk import Desk, Look
from cityloom.web.kernel_words import decision_words
from cityloom.web.languages import Language, language_of
from cityloom.web.map_words import map_words
from cityloom.web.pages.rows import as_cells, naming
from cityloom.web.signin.who import principal_of
from cityloom.web.words import heading, name_of, unit_sign

router = APIRouter()

MEDIA_TYPE = "application/vnd.pmtiles"

BASE = ("district", "subdistrict", "block", "street", "building")
"""Datasets that are drawn, muted, below all others, in a city that has them."""

_ROWS = 50
"""How many rows the table has before the map fills it with what is in view."""


@dataclass(frozen=True)
class Layer:
    """A dataset that the map can show."""

    contract: Contract
    archive: Archive

    @property
    def name(self) -> str:
        """The dataset."""
        return self.contract.dataset

    def bounds(self) -> list[float]:
        """West, south, east and north, in degrees."""
        edges = ("min_lon_e7", "min_lat_e7", "max_lon_e7", "max_lat_e7")
        return [self.archive.header[edge] / 1e7 for edge in edges]


@router.get("/map")
def city_map(request: Request) -> Response:
    """The datasets with a geometry on one map; the first of them also as a table."""
    desk: Desk = request.app.state.desk
    look, language = desk.look(), language_of(request)
    principal = principal_of(request)
    layers = _layers(look, principal)
    asked = request.query_params.getlist("layer")
    chosen = [layer for name in asked for layer in layers if layer.name == name]
    chosen = chosen or _first_choice(layers)
    facts = [_layer_facts(layer, language, layer in chosen) for layer in layers]
    values = {
        "layers": layers,
        "chosen": chosen,
        "facts": {
            "layers": facts,
            "listed": chosen[0].name if chosen else "",
            "shade": request.query_params.get("shade", ""),
            "words": map_words(language),
            "language": language.code,
        },
        "table": _table(look, chosen[0], principal, language) if chosen else None,
    }
    return answer(request, Page("map.html", values, facts, _listed(layers), "map"))


@router.api_route("/tiles/{dataset}.pmtiles", methods=["GET", "HEAD"])
def tiles(request: Request, dataset: str) -> Response:
    """The archive of a dataset's tiles, or the ranges of it that were asked for.

    A request for one tile goes on with a read that is in the ledger already, since where tiles lie
    is told by what comes before them; all others are reads of their own.
    """
    desk: Desk = request.app.state.desk
    city, language = desk.city, language_of(request)
    if dataset not in city.contracts:
        raise HTTPException(404)
    try:
        path = city.tiles(dataset, principal_of(request), part=_part_asked_for(request))
    except AccessRefused:
        decision = city.may_read(dataset, principal_of(request))
        raise HTTPException(403, decision_words(decision.reason, language)) from None
    if path is None:
        words = language.gettext("This dataset has no map tiles. A weave makes them.")
        return Response(words, 404, media_type="text/plain")
    return FileResponse(path, media_type=MEDIA_TYPE)


def _part_asked_for(request: Request) -> range | None:
    """The bytes that a request is for, where it can be answered by one run of them alone.

    One with ``If-Range`` may be answered by the whole file.
    """
    asked = re.fullmatch(r"bytes=(\d+)-(\d+)", request.headers.get("range", ""), re.ASCII)
    if asked is None or "if-range" in request.headers:
        return None
    return range(int(asked[1]), int(asked[2]) + 1)


def _layers(look: Look, principal: Principal) -> list[Layer]:
    """The datasets that have tiles and that a principal may see: those of the base map first."""
    found = []
    for name, contract in look.contracts.items():
        if is_drawn(contract) and look.city.may_read(name, principal).granted:
            archive = shown_archive(look.city, name, look.runs_of[name])
            if archive:
                found.append(Layer(contract, archive))
    return sorted(found, key=lambda layer: (_base_place(layer), layer.name))


def _base_place(layer: Layer) -> int:
    return BASE.index(layer.name) if layer.name in BASE else len(BASE)


def _first_choice(layers: Sequence[Layer]) -> list[Layer]:
    """What is shown where nothing was chosen: what is not in the base map, or else the first."""
    return [layer for layer in layers if layer.name not in BASE] or list(layers[:1])


def _layer_facts(layer: Layer, language: Language, on: bool) -> dict[str, Any]:
    contract, header = layer.contract, layer.archive.header
    key = contract.key[0].name if len(contract.key) == 1 else None
    return {
        "dataset": layer.name,
        "title": name_of(contract, language),
        "source": contract.owner or layer.name,
        "tiles": f"/tiles/{layer.name}.pmtiles",
        "page": f"/datasets/{layer.name}",
        "bounds": layer.bounds(),
        "zooms": [header["min_zoom"], header["max_zoom"]],
        "key": key,
        "name": naming(contract).name,
        "columns": [_column_facts(column, language) for column in shown_columns(contract)],
        "steps": layer.archive.metadata["steps"],
        "base": layer.name in BASE,
        "on": on,
    }


def _column_facts(column: Column, language: Language) -> dict[str, Any]:
    return {
        "name": column.name,
        "title": heading(column, language),
        "unit": unit_sign(column.unit, language),
        "number": column.kind in (Kind.INTEGER, Kind.NUMBER),
    }


def _table(look: Look, layer: Layer, principal: Principal, language: Language) -> dict[str, Any]:
    """The first rows of a layer."""
    found = look.city.read(layer.name, principal, limit=_ROWS).read_all().to_pylist()
    columns = shown_columns(layer.contract)
    shown = [column in columns for column in layer.contract.stored]
    rows = [as_cells(row, layer.contract, language) for row in found]
    return {
        "layer": layer,
        "columns": columns,
        "rows": [[c for c, on in zip(row, shown, strict=True) if on] for row in rows],
    }


def _listed(layers: Sequence[Layer]) -> Table:
    names = ("dataset", "title", "owner", "west", "south", "east", "north")
    rows = [[x.name, x.contract.title, x.contract.owner, *x.bounds()] for x in layers]
    return Table(names, rows)
