"""A dataset's rows as a file, in the forms that other tools read."""

from secrets import token_hex

from fastapi import APIRouter
from starlette.background import BackgroundTask
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from cityloom.contract import Contract, Kind
from cityloom.errors import AccessRefused
from cityloom.export import write_file
from cityloom.web.pages.frame import section
from cityloom.web.pages.rows import refusal
from cityloom.web.signin.who import principal_of, purpose_of

router = APIRouter()

_MEDIA_TYPES = {
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.file",
    "geojson": "application/geo+json",
}


def endings(contract: Contract) -> list[str]:
    """The files that a dataset's rows can be had as, besides CSV and JSON."""
    has_geometry = any(column.kind is Kind.GEOMETRY for column in contract.columns)
    return [ending for ending in _MEDIA_TYPES if ending != "geojson" or has_geometry]


@router.get("/datasets/{dataset}/rows.{ending}")
def rows_as_file(request: Request, dataset: str, ending: str) -> Response:
    """All rows that whoever asks may read, as a file."""
    shown = section(request, dataset, "rows")
    if ending not in endings(shown.contract):
        raise HTTPException(404)
    city = shown.look.city
    try:
        reader = city.read(dataset, principal_of(request), purpose_of(request))
    except AccessRefused:
        raise HTTPException(403, refusal(shown).rule) from None
    path = city.readers_scratch / f"{dataset}-{token_hex(8)}.{ending}"
    write_file(reader, path, ending, shown.contract)
    return FileResponse(
        path,
        media_type=_MEDIA_TYPES[ending],
        filename=f"{dataset}.{ending}",
        background=BackgroundTask(path.unlink, missing_ok=True),
    )
