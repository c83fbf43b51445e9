"""Addresses and links of the interface."""

from collections.abc import Mapping
from urllib.parse import quote, urlencode

from starlette.requests import Request

ROOT = "/ogc"

Link = dict[str, str]

JSON = "application/json"
GEOJSON = "application/geo+json"
OPENAPI = "application/vnd.oai.openapi+json;version=3.0"
HTML = "text/html"


def root(request: Request) -> str:
    """The address of the landing page."""
    return console(request, ROOT)


def collection(request: Request, dataset: str) -> str:
    """The address of a collection."""
    return f"{root(request)}/collections/{quote(dataset, safe='')}"


def console(request: Request, path: str) -> str:
    """The address of a page of the console."""
    return f"{request.url.scheme}://{request.url.netloc}{path}"


def page(request: Request, dataset: str) -> str:
    """The address of a dataset's page in the console."""
    return console(request, f"/datasets/{quote(dataset, safe='')}")


def link(rel: str, kind: str, href: str, title: str) -> Link:
    """One link."""
    return {"rel": rel, "type": kind, "href": href, "title": title}


def with_query(address: str, given: Mapping[str, str]) -> str:
    """An address with some parameters."""
    return f"{address}?{urlencode(given)}" if given else address
