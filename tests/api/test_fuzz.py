"""Generated requests to every operation of the description: no error of ours, and answers as described."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    response_schema_conformance,
    status_code_conformance,
)

from .conftest import World

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    ignored_auth,
]
pytestmark = pytest.mark.fuzz


@pytest.fixture
def description(world: World) -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_asgi("/api/openapi.json", world.api, headers={"Host": "localhost"})


schema = schemathesis.pytest.from_fixture("description")


@schema.parametrize()
@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_no_generated_request_is_an_error_of_ours(case: schemathesis.Case, world: World) -> None:
    # A session of its own for each request: signing out is one of the operations.
    case.call_and_validate(headers={"Host": "localhost", **world.as_(world.admin)}, checks=CHECKS)
