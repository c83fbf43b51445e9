"""The interface in OpenAPI 3.0: its paths, and of each collection what it can be asked for."""

from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from cityloom.contract import Column, Contract, Kind
from cityloom.web.features.links import GEOJSON, JSON, OPENAPI
from cityloom.web.features.query import FEWEST, MOST, USUAL, queryable

_CLASSES = "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf"
CONFORMANCE = [f"{_CLASSES}/{name}" for name in ("core", "geojson", "oas30")]

Schema = dict[str, Any]

_TYPES: dict[Kind, Schema] = {
    Kind.INTEGER: {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1},
    Kind.NUMBER: {"type": "number"},
    Kind.BOOLEAN: {"type": "boolean"},
    Kind.DATE: {"type": "string", "format": "date"},
}
_TEXT: Schema = {"type": "string"}
_LINK: Schema = {
    "type": "object",
    "required": ["href", "rel"],
    "properties": dict.fromkeys(("href", "rel", "type", "title"), _TEXT),
}
_LINKS: Schema = {"type": "array", "items": {"$ref": "#/components/schemas/link"}}
_NUMBERS: Schema = {"type": "array", "items": {"type": "number"}}
_COUNT: Schema = {"type": "integer", "minimum": 0}


def document(name: str, root: str, contracts: Sequence[Contract]) -> Schema:
    """The whole document, for the collections of some contracts."""
    return {
        "openapi": "3.0.3",
        "info": {
            "title": name,
            "version": version("cityloom"),
            "description": "Datasets with a geometry, by OGC API - Features.",
        },
        "servers": [{"url": root}],
        "paths": {
            "/": _get("landing", "What there is and where", "landing"),
            "/conformance": _get("conformance", "Which parts are kept to", "conformance"),
            "/api": _get("api", "This document", "anything", OPENAPI),
            "/collections": _get("collections", "The collections", "collections"),
            **{path: said for contract in contracts for path, said in _paths(contract).items()},
        },
        "components": {
            "schemas": _schemas(),
            "parameters": _parameters(),
            "responses": {
                status: {"description": words, "content": _content("exception", JSON)}
                for status, words in _MISTAKES.items()
            },
        },
    }


_MISTAKES = {
    "400": "A parameter is not known or cannot be used.",
    "403": "Policy does not permit the read.",
    "404": "There is no such thing.",
    "410": "The version that a link names is no longer there.",
    "500": "The city cannot be read.",
}


def _paths(contract: Contract) -> dict[str, Schema]:
    dataset, title = contract.dataset, contract.title or contract.dataset
    own = f"/collections/{dataset}"
    shared = [{"$ref": f"#/components/parameters/{name}"} for name in _parameters()]
    asked = [*shared, *map(_parameter, queryable(contract))]
    one = [{"name": "featureId", "in": "path", "required": True, "schema": _TEXT}]
    return {
        own: _get(dataset, title, "collection"),
        f"{own}/items": _get(f"{dataset}.items", title, "features", GEOJSON, asked),
        f"{own}/items/{{featureId}}": _get(f"{dataset}.item", title, "feature", GEOJSON, one),
    }


def _get(
    name: str, summary: str, schema: str, kind: str = JSON, parameters: Sequence[Schema] = ()
) -> Schema:
    responses = {status: {"$ref": f"#/components/responses/{status}"} for status in _MISTAKES}
    found = {"description": summary, "content": _content(schema, kind)}
    return {
        "get": {
            "operationId": name,
            "summary": summary,
            "parameters": list(parameters),
            "responses": {"200": found, **responses},
        }
    }


def _content(schema: str, kind: str) -> Schema:
    return {kind: {"schema": {"$ref": f"#/components/schemas/{schema}"}}}


def _parameter(column: Column) -> Schema:
    """The parameter by which features of one value are asked for."""
    return {
        "name": column.name,
        "in": "query",
        "required": False,
        "description": column.title or column.description,
        "schema": _TYPES.get(column.kind, _TEXT),
        "style": "form",
        "explode": False,
    }


def _parameters() -> dict[str, Schema]:
    box = {**_NUMBERS, "oneOf": [{"minItems": n, "maxItems": n} for n in (4, 6)]}
    said = {
        "bbox": ("West, south, east and north in degrees; six numbers with heights.", box),
        "datetime": ("A date, a time, or two of them with '/' between; '..' is open.", _TEXT),
        "limit": ("How many features a page has at most.",
                  {"type": "integer", "minimum": FEWEST, "maximum": MOST, "default": USUAL}),
        "cursor": ("Where a page begins, as a link of an answer says.", _TEXT),
    }  # fmt: skip
    return {
        name: {
            "name": name, "in": "query", "required": False, "description": words,
            "schema": schema, "style": "form", "explode": False,
        }
        for name, (words, schema) in said.items()
    }  # fmt: skip


def _schemas() -> dict[str, Schema]:
    geometry = {"type": "object", "nullable": True, "required": ["type"]}
    feature = {
        "type": {"type": "string", "enum": ["Feature"]},
        "id": {"oneOf": [_TEXT, {"type": "integer"}]},
        "geometry": geometry,
        "properties": {"type": "object"},
        "links": _LINKS,
    }
    features = {
        "type": {"type": "string", "enum": ["FeatureCollection"]},
        "features": {"type": "array", "items": {"$ref": "#/components/schemas/feature"}},
        "links": _LINKS,
        "timeStamp": {"type": "string", "format": "date-time"},
        "numberMatched": _COUNT,
        "numberReturned": _COUNT,
    }
    spatial = {"bbox": {"type": "array", "items": _NUMBERS}, "crs": _TEXT}
    interval = {"type": "array", "items": {"type": "string", "nullable": True}}
    temporal = {"interval": {"type": "array", "items": interval}, "trs": _TEXT}
    extent = {"spatial": _object(spatial), "temporal": _object(temporal)}
    texts = {"type": "array", "items": _TEXT}
    told = dict.fromkeys(("id", "title", "description", "itemType", "storageCrs"), _TEXT)
    collection = {**told, "crs": texts, "extent": _object(extent, ()), "links": _LINKS}
    listed = {"type": "array", "items": {"$ref": "#/components/schemas/collection"}}
    return {
        "anything": {"type": "object"},
        "link": _LINK,
        "landing": _object({"title": _TEXT, "description": _TEXT, "links": _LINKS}, ["links"]),
        "conformance": _object({"conformsTo": texts}),
        "collection": _object(collection, ["id", "links"]),
        "collections": _object({"links": _LINKS, "collections": listed}),
        "feature": _object(feature, ["type", "id", "geometry", "properties"]),
        "features": _object(features),
        "exception": _object({"code": _TEXT, "description": _TEXT}, ["code"]),
    }


def _object(properties: Schema, required: Sequence[str] | None = None) -> Schema:
    """An object; all of its members are there, or those that are ``required``."""
    needed = list(properties if required is None else required)
    return {"type": "object", "properties": properties, **({"required": needed} if needed else {})}
