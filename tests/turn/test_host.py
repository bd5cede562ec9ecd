"""What built-in skills get from the product: documents by the names that people give them."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine, update

from assistant.calling.host import ProductHost
from assistant.models.fake import ScriptedModel
from assistant.orchestration.fake import ListSearch
from assistant.orchestration.ports import OneModel
from ingest.files import FileStore
from knowledge import collections
from knowledge.tables import documents
from skills.types import Person
from tests.knowledge.conftest import Store, store
from tests.turn.conftest import ROUTE

ANNA = Person("anna", frozenset({"everyone"}))
__all__ = ["store"]


@pytest.mark.parametrize(
    ("named", "found"),
    [
        ("employee handbook", "Employee_handbook-2024.pdf"),
        ("Employee_Handbook 2024", "Employee_handbook-2024.pdf"),
        ("employee_handbook-2024.pdf", "Employee_handbook-2024.pdf"),
        ("Travel policy", "Travel policy"),
        ("travel", "Travel policy"),
        ("handbook of travel", None),
        ("hand book", None),
        ("board minutes", None),  # which she may not read
        ("!?", None),
    ],
)
async def test_a_document_is_found_however_its_name_is_spelled(
    engine: Engine, tmp_path: Path, store: Store, named: str, found: str | None
) -> None:
    open_to_all = collections.create(engine, "Office", "", ["everyone"])
    closed = collections.create(engine, "Board", "", ["group:board"])
    for place, title in (
        (open_to_all, "Employee_handbook-2024.pdf"),
        (open_to_all, "Travel policy"),
        (closed, "Board_minutes.pdf"),
    ):
        store(place, title, ["Some text."])
    with engine.begin() as connection:
        connection.execute(update(documents).values(status="ready"))
    model = OneModel(ScriptedModel(["x"]), ROUTE)
    host = ProductHost(engine, ListSearch([]), FileStore(tmp_path / "files"), model)  # type: ignore[arg-type]
    read = await host.read(named, ANNA)
    assert (read and read.title) == found
