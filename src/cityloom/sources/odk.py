"""The submissions of a form of ODK Central, by its OData feed.

Source: ODK Central API, "OData Form Service" (https://docs.getodk.org/central-api-odata-endpoints/):
``Submissions`` with ``$filter`` on ``__system/submissionDate`` and ``__system/updatedAt``, pages by
``@odata.nextLink``.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
from pydantic import BaseModel, Field, ValidationError

from cityloom.contract import Contract
from cityloom.errors import PullError
from cityloom.sources import marks
from cityloom.sources.drop import Clock
from cityloom.sources.job import Job
from cityloom.sources.network import shown
from cityloom.sources.rows import Page, check_contract, pull_rows
from cityloom.sources.stated import OdkSource
from cityloom.sources.web import connected, read

SUBMISSIONS_AT_A_TIME = 1_000

_TIMES = ("__system-submissionDate", "__system-updatedAt")


class _Answer(BaseModel):
    value: list[dict[str, Any]]
    next: str = Field(default="", alias="@odata.nextLink")


def pull(job: Job[OdkSource], contract: Contract) -> None:
    """Pull the submissions that were sent or edited since the last pull.

    Raises:
        PullError: the server cannot be reached, or has no such form.
    """
    check_contract(contract, numbered=True)
    columns = [column.source_name for column in contract.columns]
    with connected(job, job.source.url) as client:
        pages = _pages(job, client, columns)
        pull_rows(job, columns, pages, job.source.overlap, numbered=True)


def _pages(job: Job[OdkSource], client: httpx.Client, columns: list[str]) -> Iterator[Page]:
    source = job.source
    form = quote(source.form, safe="")
    url = f"{source.url.rstrip('/')}/v1/projects/{source.project}/forms/{form}.svc/Submissions"
    clock = Clock(source.longest)
    answer = read(client, url, clock, **_question(job))
    while True:
        found = _read(answer, url)
        rows = [flat(submission) for submission in found.value]
        yield Page([[row.get(name) for name in columns] for row in rows], list(map(_mark, rows)))
        if not found.next:
            return
        answer = read(client, _same_server(found.next, url), clock)


def _question(job: Job[OdkSource]) -> dict[str, str]:
    asked = {"$top": str(SUBMISSIONS_AT_A_TIME)}
    if job.state.mark:
        since = marks.reads_from(marks.read(job.state.mark), job.source.overlap)
        moment = since.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        fields = (name.replace("-", "/") for name in _TIMES)
        asked["$filter"] = " or ".join(f"{field} ge {moment}" for field in fields)
    return asked


def _read(answer: httpx.Response, url: str) -> _Answer:
    try:
        return _Answer.model_validate_json(answer.content)
    except ValidationError:
        raise PullError(f"{shown(url)} does not answer as ODK Central does") from None


def _same_server(link: str, url: str) -> str:
    """The link to the next page, which must be of the server that was asked."""
    if urlsplit(link)[:2] != urlsplit(url)[:2]:
        raise PullError(f"{shown(url)} names a next page of another server: {shown(link)}")
    return link


def flat(submission: dict[str, Any], within: str = "") -> dict[str, Any]:
    """A submission with its groups laid out; a geometry stays whole, as GeoJSON.

    The field ``size`` of the group ``tree`` is called ``tree-size``.
    """
    found: dict[str, Any] = {}
    for name, value in submission.items():
        if isinstance(value, dict) and "coordinates" not in value:
            found |= flat(value, f"{within}{name}-")
        else:
            found[f"{within}{name}"] = value
    return found


def _mark(row: dict[str, Any]) -> datetime:
    """When a submission was sent or, if later, edited."""
    times = [row[name] for name in _TIMES if row.get(name)]
    try:
        return max(datetime.fromisoformat(text) for text in times)
    except (TypeError, ValueError):
        raise PullError("a submission does not say when it was sent") from None
