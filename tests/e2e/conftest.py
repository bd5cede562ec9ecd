"""The product, started once for the tests that change nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.installation import DOCUMENTS, Product, printed, start, stop


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """One installation with the sample documents taken in, shared by the tests that change nothing."""
    running = start(tmp_path_factory.mktemp("product") / "data")
    taken = printed(running.command("ingest", str(DOCUMENTS), "--collection", "handbook", "--wait", "--json"))
    assert {row["status"] for row in taken["documents"]} == {"ready"}, taken
    yield running
    stop(running)
