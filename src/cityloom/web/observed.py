"""What is told of a served city to those who keep it running: metrics, and a line a request.

Neither has a name, an address, a query or a value: a request is known by its route and a number of
its own, which its answer carries (``X-Request-ID``).
"""

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from time import perf_counter
from uuid import uuid4

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cityloom.web.desk import Desk
from cityloom.web.figures import ended

LOG = logging.getLogger("cityloom.requests")
"""Where each request leaves a line of JSON."""

_HEADER = b"x-request-id"
_UNKNOWN = "(none)"


class Observations:
    """The numbers that one served city gathers of its requests and tells of its datasets."""

    def __init__(self, desk: Desk) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(_City(desk))
        self._requests = Counter(
            "cityloom_http_requests_total", "Requests that were answered.",
            ["method", "route", "status"], registry=self.registry,
        )  # fmt: skip
        self._seconds = Histogram(
            "cityloom_http_request_seconds", "Seconds until the whole answer was sent.",
            ["route"], registry=self.registry,
        )  # fmt: skip

    def note(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)


class _City(Collector):
    """What the datasets of a city are like when it is asked."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def collect(self) -> Iterator[Metric]:
        look = self._desk.look()
        rows = GaugeMetricFamily("cityloom_dataset_rows", "Rows kept.", labels=["dataset"])
        refused = GaugeMetricFamily(
            "cityloom_dataset_quarantined_rows", "Rows in quarantine.", labels=["dataset"]
        )
        changed = GaugeMetricFamily(
            "cityloom_dataset_changed_seconds", "When the newest run ended.", labels=["dataset"]
        )
        for name, facts in look.facts.items():
            rows.add_metric([name], facts.rows)
            refused.add_metric([name], facts.rows_quarantined)
            if runs := look.runs_of[name]:
                changed.add_metric([name], ended(runs[-1]).timestamp())
        yield from (rows, refused, changed)
        yield GaugeMetricFamily(
            "cityloom_failures", "Runs that failed and were not made good.", len(look.failures())
        )


def metrics(request: Request) -> Response:
    """The numbers in Prometheus' text format."""
    observations: Observations = request.app.state.observations
    return Response(generate_latest(observations.registry), media_type=CONTENT_TYPE_LATEST)


class Observed:
    """Counts each request, logs it as a line of JSON, and gives its answer a number."""

    def __init__(self, app: ASGIApp, observations: Observations) -> None:
        self._app = app
        self._observations = observations

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        number, begun, status = uuid4().hex, perf_counter(), 500

        async def numbered(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [*message["headers"], (_HEADER, number.encode())]
                message = {**message, "headers": headers}
            await send(message)

        try:
            await self._app(scope, receive, numbered)
        finally:
            self._note(scope, number, status, perf_counter() - begun)

    def _note(self, scope: Scope, number: str, status: int, seconds: float) -> None:
        route = getattr(scope.get("route"), "path", _UNKNOWN)
        self._observations.note(scope["method"], route, status, seconds)
        line = {
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "request": number,
            "method": scope["method"],
            "route": route,
            "status": status,
            "ms": round(seconds * 1000, 1),
        }
        LOG.info(json.dumps(line))
