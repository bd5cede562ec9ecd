"""Decision table and ensembles that change while the server runs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from assistant.models.decisions import SHIPPED
from assistant.models.declared import Declared
from assistant.models.errors import RoutingInvalid
from assistant.models.registry import Registry

ENSEMBLES = """ensembles:
  - name: often
    about: Asks one model several times.
    kind: self_consistency
    samples: 3
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "decisions.yaml"
    path.write_text(SHIPPED.read_text())
    return path


@pytest.fixture
def councils(tmp_path: Path) -> Path:
    path = tmp_path / "ensembles.yaml"
    path.write_text(ENSEMBLES)
    return path


def write(path: Path, text: str) -> None:
    """Write as an editor does: a new file in the place of the old one."""
    partial = path.with_suffix(".partial")
    partial.write_text(text)
    os.replace(partial, path)


async def test_a_changed_table_holds_without_a_restart(table: Path, councils: Path) -> None:
    registry = Registry([], declared=Declared(table, councils, {}))
    write(table, table.read_text().replace("name: otherwise", "name: whatever is left"))
    await registry.reread()
    assert registry.table.rules[-1].name == "whatever is left" and not registry.problems
    write(councils, ENSEMBLES.replace("often", "seldom"))
    await registry.reread()
    assert list(registry.ensembles) == ["seldom"]


async def test_a_broken_table_changes_nothing_and_is_told_with_its_line(table: Path, councils: Path) -> None:
    registry = Registry([], declared=Declared(table, councils, {}))
    good, before = table.read_text(), registry.table
    line = 1 + good.splitlines().index("    ask: [small, base]")
    write(table, good.replace("    ask: [small, base]", "    ask: [smal, base]", 1))
    await registry.reread()
    (problem,) = registry.problems
    assert f"{table}, line {line}: rules." in problem and "what it said before holds" in problem
    assert registry.table is before
    write(table, "rules: [")
    await registry.reread()
    assert "line 1" in registry.problems[0] and registry.table is before
    table.unlink()
    await registry.reread()
    assert "cannot be read" in registry.problems[0]
    write(table, good)
    await registry.reread()
    assert not registry.problems and registry.table == before


async def test_broken_ensembles_change_nothing_either(table: Path, councils: Path) -> None:
    registry = Registry([], declared=Declared(table, councils, {"small": True}))
    write(councils, ENSEMBLES.replace("samples: 3", "samples: 99"))
    await registry.reread()
    assert f"{councils}, line 5: ensembles.0" in registry.problems[0] and list(registry.ensembles) == ["often"]


def test_the_name_of_a_model_that_came_meanwhile_is_no_name_for_an_ensemble(table: Path, councils: Path) -> None:
    declared = Declared(table, councils, {})
    write(councils, ENSEMBLES.replace("often", "finance"))
    assert not declared.look({"finance": True}) and "'finance' is that of a model" in declared.problems[0]


def test_a_server_does_not_start_with_a_broken_file(table: Path, councils: Path) -> None:
    table.write_text("signals: {}")
    with pytest.raises(RoutingInvalid, match="line 1"):
        Declared(table, councils, {})
