"""Generated requests to every operation of the description: no error of ours, and answers as described."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    response_schema_conformance,
    status_code_conformance,
)

from assistant.models.recordings import FakeTranscriber
from assistant.speech import Speech

from .conftest import World

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    ignored_auth,
]
# What each operation gets; --fault-runs multiplies it, and 170 of them are the 500 examples of a release.
EXAMPLES_PER_RUN = 3


@pytest.mark.fuzz
@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_no_generated_request_is_an_error_of_ours(world: World, fault_runs: int, mode: GenerationMode) -> None:
    host = {"Host": "localhost"}
    world.app.speech = Speech(FakeTranscriber(["words"]), 100_000, 60.0, inside=True)
    description = schemathesis.openapi.from_asgi("/api/openapi.json", world.api, headers=host)
    failures: list[str] = []
    reached: set[str] = set()
    operations = [found.ok() for found in description.get_all_operations()]
    for operation in operations:

        @settings(
            max_examples=EXAMPLES_PER_RUN * fault_runs,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: schemathesis.Case) -> None:
            # A session of its own for each request: signing out is one of the operations.
            reply = case.call_and_validate(headers=host | world.as_(world.admin), checks=CHECKS)
            if reply.status_code < 300:
                reached.add(case.operation.label)

        try:
            ask()
        except Unsatisfiable:
            assert mode == GenerationMode.NEGATIVE  # an operation without parameters cannot be asked wrongly
        except FailureGroup as group:
            failures += [f"{operation.label}: {failure}" for failure in group.exceptions]
    assert not failures, "\n\n".join(failures)
    assert len(operations) > 50
