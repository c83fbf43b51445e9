"""What the interface answers is what its OpenAPI document says, whatever it is asked."""

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from cityloom.web.desk import Desk
from cityloom.web.features.app import features_app
from cityloom.web.signin.served import Served
from tests.web.sites import new_sites

CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance,
    response_schema_conformance, unsupported_method,
]  # fmt: skip


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> schemathesis.BaseSchema:
    """The document of a city's interface."""
    app = features_app(Desk(new_sites(tmp_path_factory.mktemp("sites"))), Served())
    return schemathesis.openapi.from_asgi("/ogc/api", app)


schema = schemathesis.pytest.from_fixture("api")


@schema.parametrize()
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_as_documented(case: schemathesis.Case) -> None:
    case.call_and_validate(checks=CHECKS)
