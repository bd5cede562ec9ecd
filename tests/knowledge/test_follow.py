"""An index following SQL: killed at every step, torn, swapped, deleted; it notices, repairs and says so."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete

from knowledge import changes, documents
from knowledge.database import reading
from knowledge.errors import FolderInUse, IndexDamaged
from knowledge.follow import Follower
from knowledge.index import Entry, all_rows
from knowledge.indexes import Indexes
from knowledge.seal import Claim
from knowledge.search import Search
from knowledge.tables import changes as changes_table
from knowledge.tables import facts as facts_table
from knowledge.types import Collection
from tests.knowledge.building import ADMIN, HASH, Store, hold, replaced, scope
from tests.knowledge.plain_index import Killed, PlainIndex, Plan

Make = Callable[..., Follower[PlainIndex]]


@pytest.fixture
def make(engine: Engine, tmp_path: Path) -> Make:
    """A function that starts a follower in the same folder, as a new process would."""

    def started(plan: Plan | None = None, check_every_s: float = 1e9) -> Follower[PlainIndex]:
        folder = tmp_path / "plain"
        folder.mkdir(exist_ok=True)
        return Follower(
            engine, folder, "plain", HASH.name, lambda path: PlainIndex(path, plan), check_every_s=check_every_s
        )

    return started


def held(follower: Follower[PlainIndex]) -> set[int]:
    """Return the rows in the index; it must be ready."""
    with follower.borrow() as index:
        assert index is not None, follower.status()
        return index.rows()


def truth(engine: Engine) -> set[int]:
    """Return the rows that belong into an index."""
    with reading(engine) as connection:
        return all_rows(connection, HASH.name)


def test_follows_additions_replacements_and_deletions(
    engine: Engine, everyone: Collection, store: Store, make: Make
) -> None:
    follower = make()
    follower.step()
    assert held(follower) == set()
    document = store(everyone, "a.md", ["one", "two"])
    store(everyone, "b.md", ["three"])
    follower.step()
    assert held(follower) == truth(engine) == {1, 2, 3}
    hold(engine, document.id, "w")
    replaced(engine, document, ["one", "new"])
    follower.step()
    assert held(follower) == truth(engine) == {1, 3, 4}
    documents.delete(engine, ADMIN, document.id)
    assert follower.status().behind > 0
    follower.step()
    assert held(follower) == truth(engine) == {3} and follower.status().behind == 0


def test_agrees_with_sql_after_being_killed_at_any_step(
    engine: Engine, everyone: Collection, store: Store, make: Make
) -> None:
    document = store(everyone, "a.md", ["one", "two", "three"])
    first = make()
    first.step()
    first.close()
    kills = 0
    for at in range(100):
        hold(engine, document.id, "w")
        replaced(engine, document, [f"version {at}", "two", f"more {at}"])
        doomed = make(Plan(at))
        try:
            doomed.step()
        except Killed:
            kills += 1
        else:
            break
        survivor = make()
        survivor.step()
        survivor.check(deep=True)
        assert held(survivor) == truth(engine), at
        assert survivor.status().state == "ready"
        survivor.close()
    assert kills >= 4  # before and after dropping, before and after putting


def test_trusts_files_that_were_closed_in_good_order(everyone: Collection, store: Store, make: Make) -> None:
    store(everyone, "a.md", ["one", "two"])
    first = make()
    first.step()
    assert first.status().rebuilds == 1
    first.close()
    second = make()
    second.step()
    assert (second.status().state, second.status().rebuilds, second.status().entries) == ("ready", 0, 2)


@pytest.mark.parametrize("how", ["truncate", "flip", "delete", "folder", "state", "strange"])
def test_makes_the_index_anew_when_its_files_changed_while_it_was_closed(
    engine: Engine, everyone: Collection, store: Store, make: Make, tmp_path: Path, how: str
) -> None:
    store(everyone, "a.md", ["one", "two"])
    first = make()
    first.step()
    first.close()
    generation = next(path for path in (tmp_path / "plain").iterdir() if path.is_dir())
    damage(generation, how)
    second = make()
    second.step()
    assert held(second) == truth(engine)
    assert second.status().rebuilds == 1 and second.status().reason


def damage(generation: Path, how: str) -> None:
    """Harm the index in the folder `generation`."""
    file = generation / "entries.json"
    if how == "truncate":
        file.write_text(file.read_text()[:-3])
    elif how == "flip":
        file.write_text(file.read_text().replace("one", "onf"))
    elif how == "delete":
        file.unlink()
    elif how == "folder":
        shutil.rmtree(generation)
    elif how == "state":
        (generation.parent / "state.json").write_text("{")
    else:
        (generation / "strange.bin").write_text("?")


def test_notices_files_that_change_while_it_is_running(
    engine: Engine, everyone: Collection, store: Store, make: Make, tmp_path: Path
) -> None:
    store(everyone, "a.md", ["one", "two"])
    follower = make(check_every_s=0)
    follower.step()
    damage(tmp_path / "plain" / "1", "truncate")
    follower.step()
    assert follower.status().state == "waiting" and "another program" in follower.status().reason
    with follower.borrow() as index:
        assert index is None  # nobody is given an index that may be wrong
    follower.step()
    assert held(follower) == truth(engine) and follower.status().rebuilds == 2


def test_repairs_a_few_differences_and_counts_them(
    engine: Engine, everyone: Collection, store: Store, make: Make
) -> None:
    store(everyone, "a.md", [f"text {n}" for n in range(20)])
    follower = make()
    follower.step()
    with follower.borrow() as index:
        assert index is not None
        index.held.pop("3")
        index.held["999"] = "a ghost"
        index.held["4"] = "another text"
    follower.check(deep=True)
    assert held(follower) == truth(engine)
    assert (follower.status().repaired, follower.status().rebuilds) == (3, 1)


def test_makes_the_index_anew_when_much_differs(engine: Engine, everyone: Collection, store: Store, make: Make) -> None:
    store(everyone, "a.md", [f"text {n}" for n in range(100)])
    follower = make()
    follower.step()
    with follower.borrow() as index:
        assert index is not None
        for row in range(1, 60):
            index.held.pop(str(row))
    with pytest.raises(IndexDamaged, match="entries are wrong"):
        follower.check(deep=True)


def test_does_not_take_what_came_during_a_check_for_a_fault(
    engine: Engine, everyone: Collection, store: Store, make: Make
) -> None:
    store(everyone, "a.md", ["one"])
    follower = make()
    follower.step()
    with follower.borrow() as index:
        assert index is not None
        seen = index.unfound

        def slow(entries: Sequence[Entry]) -> list[int]:
            store(everyone, "late.md", ["two", "three"])
            return seen(entries)

        index.unfound = slow  # type: ignore[method-assign]
    follower.check(deep=True)
    assert follower.status().repaired == 0


def test_compares_itself_with_sql_when_changes_were_pruned(
    engine: Engine, everyone: Collection, store: Store, make: Make
) -> None:
    follower = make()
    follower.step()
    store(everyone, "a.md", ["one", "two"])
    with engine.begin() as connection:
        changes.prune(connection, keep=1)
    follower.step()
    follower.step()
    assert held(follower) == truth(engine) and "too far behind" in follower.status().reason


def test_does_not_use_an_index_of_another_database(
    engine: Engine, everyone: Collection, store: Store, make: Make
) -> None:
    store(everyone, "a.md", ["one"])
    first = make()
    first.step()
    first.close()
    with engine.begin() as connection:
        connection.execute(delete(facts_table))  # its identity among them
    second = make()
    second.step()
    assert second.status().rebuilds == 1 and "another database" in second.status().reason


def test_does_not_use_an_index_that_is_ahead_of_sql(
    engine: Engine, everyone: Collection, store: Store, make: Make
) -> None:
    store(everyone, "a.md", ["one"])
    first = make()
    first.step()
    first.close()
    with engine.begin() as connection:
        connection.execute(delete(changes_table))
    second = make()
    second.step()
    assert second.status().rebuilds == 1


def test_waits_for_searches_before_it_lets_go_of_an_index(
    everyone: Collection, store: Store, make: Make, tmp_path: Path
) -> None:
    store(everyone, "a.md", ["one"])
    follower = make()
    follower.step()
    with follower.borrow() as index:
        follower.report(IndexDamaged("A search failed."))
        assert index is not None and (tmp_path / "plain" / "1").is_dir()
    follower.step()
    assert not (tmp_path / "plain" / "1").is_dir() and (tmp_path / "plain" / "2").is_dir()


def test_gives_a_second_process_a_folder_of_its_own(tmp_path: Path) -> None:
    claims = [Claim(tmp_path / "hash") for _ in range(3)]
    assert [claim.folder.name for claim in claims] == ["hash", "hash.2", "hash.3"]
    claims[0].release()
    assert Claim(tmp_path / "hash").folder.name == "hash"
    more = [Claim(tmp_path / "hash") for _ in range(13)]
    with pytest.raises(FolderInUse, match="16 processes"):
        Claim(tmp_path / "hash")
    assert len(more) == 13


async def test_lets_two_processes_search_one_data_folder(
    engine: Engine, everyone: Collection, store: Store, indexes: Indexes, search: Search, tmp_path: Path
) -> None:
    other = Indexes(engine, tmp_path / "indexes", HASH.name, HASH.dimension)
    store(everyone, "a.md", ["parking is free"])
    indexes.step()
    other.step()
    second = Search(engine, other, HASH)
    for one in (search, second):
        assert [p.path for p in await one.search("parking", scope())] == ["a.md"]
    other.stop()
