"""The interface as an application of its own: routes, answers and what is said of mistakes."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import quote, unquote

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cityloom.asking import Gone, Version, answered, is_offered, version_of, versions_of
from cityloom.city import City
from cityloom.contract import Classification, Contract
from cityloom.errors import AccessRefused, UsageError, in_words, storage_faults, visible
from cityloom.web.desk import Desk
from cityloom.web.features import links
from cityloom.web.features.collections import collection
from cityloom.web.features.openapi import CONFORMANCE, document
from cityloom.web.features.page import Found, page_of
from cityloom.web.features.query import Cursor, Mistake, no_parameters, query_of
from cityloom.web.features.sheet import Sheet, Sheets
from cityloom.web.features.writing import geometry_of, id_text
from cityloom.web.signin.served import Served
from cityloom.web.signin.who import SignInFirst, admitted, principal_of, to_sign_in

_CODES = {
    400: "InvalidParameterValue", 403: "Forbidden", 404: "NotFound", 405: "MethodNotAllowed",
    410: "Gone",
}  # fmt: skip
_NO_COLLECTION = "there is no such collection; /ogc/collections lists those there are"

Facts = dict[str, Any]
Answers = Callable[[Request], Response]


def features_app(desk: Desk, how: Served) -> Starlette:
    """The interface to the features of a city that is served in some way."""
    routes = Features(desk)
    paths = {
        "": _bare(routes.landing),
        "/": _bare(routes.landing),
        "/conformance": _bare(routes.conformance),
        "/api": _bare(routes.api),
        "/collections": _bare(routes.collections),
        "/collections/{dataset}": _bare(routes.collection),
        "/collections/{dataset}/items": routes.items,
        "/collections/{dataset}/items/{feature:path}": _bare(routes.item),
    }
    faults = dict.fromkeys(storage_faults(), _faulty)
    app = Starlette(
        routes=[Route(links.ROOT + path, _guarded(answer)) for path, answer in paths.items()],
        exception_handlers={
            SignInFirst: to_sign_in, HTTPException: _refused,
            Mistake: partial(_said, 400), Gone: partial(_said, 410),
            AccessRefused: partial(_said, 403), UsageError: partial(_said, 500), **faults,
        },
    )  # fmt: skip
    app.state.desk, app.state.served = desk, how
    return app


def _guarded(answer: Answers) -> Answers:
    """The same answers, to those alone who may see anything here at all."""

    def admitting(request: Request) -> Response:
        admitted(request)
        return answer(request)

    return admitting


def _bare(answer: Answers) -> Answers:
    """The same answers, to requests without parameters alone."""

    def checked(request: Request) -> Response:
        no_parameters(request.query_params.multi_items())
        return answer(request)

    return checked


class Features:
    """The answers to each path."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._sheets = Sheets()

    def landing(self, request: Request) -> Response:
        """What there is and where."""
        root, name = links.root(request), self._desk.city.settings.name
        listed = [
            links.link("self", links.JSON, root, "This document"),
            links.link("alternate", links.HTML, links.console(request, "/"), "The console"),
            links.link("service-desc", links.OPENAPI, f"{root}/api", "The API"),
            links.link("conformance", links.JSON, f"{root}/conformance", "What is conformed to"),
            links.link("data", links.JSON, f"{root}/collections", "The collections"),
        ]
        said = "Datasets with a geometry, by OGC API - Features."
        return _json(request, {"title": name, "description": said, "links": listed})

    def conformance(self, request: Request) -> Response:
        """Which parts of the standard are kept to."""
        return _json(request, {"conformsTo": CONFORMANCE})

    def api(self, request: Request) -> Response:
        """The interface in OpenAPI 3.0."""
        city = self._desk.city
        name = city.settings.name
        told = document(name, links.root(request), list(_shown(city, request)))
        return _json(request, told, links.OPENAPI)

    def collections(self, request: Request) -> Response:
        """The datasets that the asker may read and that have a geometry."""
        city = self._desk.city
        listed = [version_of(city, contract.dataset) for contract in _shown(city, request)]
        own = f"{links.root(request)}/collections"
        facts = {
            "links": [
                links.link("self", links.JSON, own, "This document"),
                links.link(
                    "alternate", links.HTML, links.console(request, "/datasets"), "The catalogue"
                ),
            ],
            "collections": [collection(request, version) for version in listed],
        }
        return _json(request, facts)

    def collection(self, request: Request) -> Response:
        """One dataset."""
        city, contract = self._asked_for(request)
        if not is_offered(city, contract.dataset, principal_of(request)):
            raise HTTPException(404, _NO_COLLECTION)
        return _json(request, collection(request, version_of(city, contract.dataset)))

    def items(self, request: Request) -> Response:
        """A page of features."""
        city, contract = self._asked_for(request)
        who = principal_of(request)
        query = query_of(request.query_params.multi_items(), contract)
        mark = query.cursor.mark if query.cursor else None

        def page() -> Found:
            version = version_of(city, contract.dataset, mark)
            return page_of(self._sheet(city, version), query)

        found = answered(city, contract.dataset, who, page, lambda it: it.returned)
        return _answer(request, _feature_collection(request, contract, found), links.GEOJSON)

    def item(self, request: Request) -> Response:
        """One feature."""
        city, contract = self._asked_for(request)
        asked, who = _feature_named(request), principal_of(request)

        def feature() -> bytes:
            version = version_of(city, contract.dataset)
            sheet = self._sheet(city, version)
            places = sheet.places(f"{id_text(version)} = ?", (asked,))
            return sheet.features(places[:1])

        found = answered(city, contract.dataset, who, feature, lambda it: int(bool(it)))
        if not found:
            raise HTTPException(404, f"{contract.dataset} has no feature '{asked}'")
        own = links.collection(request, contract.dataset)
        listed = [
            links.link(
                "self", links.GEOJSON, f"{own}/items/{quote(asked, safe='')}", "This feature"
            ),
            links.link("collection", links.JSON, own, contract.title or contract.dataset),
        ]
        whole = b"%b,%b}" % (found[:-1], _members(links=listed))
        return _answer(request, whole, links.GEOJSON)

    def _asked_for(self, request: Request) -> tuple[City, Contract]:
        """The dataset that a path names.

        Raises:
            ContractError: its contract cannot be used.
            HTTPException: there is none, or it has no geometry, or is not for other sites' pages.
        """
        city, dataset = self._desk.city, request.path_params["dataset"]
        if dataset not in city.contracts and city.what_broke(dataset) is None:
            raise HTTPException(404, _NO_COLLECTION)
        contract = city.contract(dataset)
        if geometry_of(contract) is None:
            raise HTTPException(404, _NO_COLLECTION)
        if not _is_for(contract, request):
            raise HTTPException(403, "only public data is shown to pages of other sites")
        return city, contract

    def _sheet(self, city: City, version: Version) -> Sheet:
        return self._sheets.of(version, partial(versions_of, city, version.contract.dataset))


def _shown(city: City, request: Request) -> Iterator[Contract]:
    """The contracts of the collections that the asker may see."""
    for name, contract in city.contracts.items():
        has_features = geometry_of(contract) is not None and _is_for(contract, request)
        if has_features and is_offered(city, name, principal_of(request)):
            yield contract


def _is_for(contract: Contract, request: Request) -> bool:
    """Whether who asks may see a dataset at all: the script of another site, only a public one.

    A browser says in ``Origin`` from where a script asks that is not the console's own.
    """
    return "origin" not in request.headers or contract.classification is Classification.PUBLIC


def _feature_named(request: Request) -> str:
    """The id in an address, decoded once: it may have ``%`` and ``/`` of its own."""
    return unquote(request.scope["raw_path"].decode("latin-1").split("/", 5)[5])


def _feature_collection(request: Request, contract: Contract, found: Found) -> bytes:
    own, given = links.collection(request, contract.dataset), dict(request.query_params)
    address, title = f"{own}/items", contract.title or contract.dataset
    rows = f"{links.page(request, contract.dataset)}/rows"

    def beside(rel: str, cursor: Cursor | None, said: str) -> list[links.Link]:
        if cursor is None:
            return []
        there = links.with_query(address, {**given, "cursor": str(cursor)})
        return [links.link(rel, links.GEOJSON, there, said)]

    members = _members(
        numberMatched=found.matched,
        numberReturned=found.returned,
        timeStamp=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        links=[
            links.link("self", links.GEOJSON, links.with_query(address, given), "This page"),
            links.link("alternate", links.HTML, rows, title),
            links.link("collection", links.JSON, own, title),
            *beside("next", found.next, "The next page"),
            *beside("prev", found.previous, "The page before"),
        ],
    )
    return b'{"type":"FeatureCollection",%b,"features":[%b]}' % (members, found.features)


def _members(**members: Any) -> bytes:
    """Members of a JSON object, without its braces."""
    return msgspec.json.encode(members)[1:-1]


def _json(request: Request, facts: Facts, kind: str = links.JSON) -> Response:
    return _answer(request, msgspec.json.encode(facts), kind)


def _answer(
    request: Request, content: bytes, kind: str, status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:  # fmt: skip
    """An answer; scripts of other sites may read it where it was made for one."""
    shared = {"access-control-allow-origin": "*"} if "origin" in request.headers else {}
    written = {"content-type": kind, "vary": "Origin", **shared, **(headers or {})}
    return Response(content, status, written)


def _exception(
    request: Request, status: int, words: str, headers: Mapping[str, str] | None = None
) -> Response:
    """A mistake or a failure as the standard has it."""
    facts = {"code": _CODES.get(status, "ServerError"), "description": visible(words)}
    return _answer(request, msgspec.json.encode(facts), links.JSON, status, headers)


def _said(status: int, request: Request, error: Exception) -> Response:
    return _exception(request, status, str(error))


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _exception(request, error.status_code, error.detail, error.headers)


def _faulty(request: Request, error: Exception) -> Response:
    if (told := in_words(error)) is None:
        raise error
    return _exception(request, 500, str(told))
