"""An index following SQL: killed at every step, torn, swapped, deleted; it notices, repairs and says so."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete

from knowledge import changes, documents, facts
from knowledge.database import reading
from knowledge.errors import FolderInUse, IndexDamaged
from knowledge.follow import Follower
from knowledge.index import Entry, all_rows
from knowledge.indexes import Indexes
from knowledge.keyword import KeywordIndex
from knowledge.seal import Claim
from knowledge.search import Search
from knowledge.store import DenseIndex
from knowledge.tables import changes as changes_table
from knowledge.types import Collection
from tests.knowledge.building import ADMIN, HASH, Store, hold, replaced, scope


class Killed(BaseException):
    """The process ended here."""


class Plan:
    """Ends the process before its n-th step."""

    def __init__(self, at: int) -> None:
        """Let `at` steps pass."""
        self.left = at

    def step(self) -> None:
        """Pass, or end."""
        self.left -= 1
        if self.left < 0:
            raise Killed


class PlainIndex:
    """An index in a JSON file, durable after each operation; a plan may end the process before or after each."""

    def __init__(self, folder: Path, plan: Plan | None = None) -> None:
        """Open the index in `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        self._path, self._plan = folder / "entries.json", plan
        try:
            self.held: dict[str, str] = json.loads(self._path.read_text()) if self._path.exists() else {}
        except ValueError as exc:
            raise IndexDamaged("The plain index is torn.") from exc

    def put(self, entries: Sequence[Entry]) -> None:
        """Add or replace."""
        self._write({**self.held, **{str(entry.row): entry.text for entry in entries}})

    def drop(self, rows: Sequence[int]) -> None:
        """Remove."""
        self._write({row: text for row, text in self.held.items() if int(row) not in rows})

    def rows(self) -> set[int]:
        """Return all rows."""
        return {int(row) for row in self.held}

    def count(self) -> int:
        """Return how many there are."""
        return len(self.held)

    def wrong(self, entries: Sequence[Entry]) -> list[int]:
        """Return the rows not held as given."""
        return [entry.row for entry in entries if self.held.get(str(entry.row)) != entry.text]

    def unfound(self, entries: Sequence[Entry]) -> list[int]:
        """Return the rows not held as given."""
        return self.wrong(entries)

    def close(self) -> None:
        """Let go."""

    def _write(self, held: dict[str, str]) -> None:
        if self._plan:
            self._plan.step()
        self.held = held
        self._path.write_text(json.dumps(held))
        if self._plan:
            self._plan.step()


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
    facts.renew_database_id(engine)
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


@pytest.mark.parametrize("size", [300, 999, 1001])
@pytest.mark.parametrize("ending", ["closed", "killed"])
def test_answers_the_same_after_a_restart(
    engine: Engine, everyone: Collection, store: Store, tmp_path: Path, size: int, ending: str
) -> None:
    store(everyone, "a.md", [f"chunk number {n} about topic {n % 7}" for n in range(size)])
    vectors = HASH.embed(["topic 3", "chunk number 77"])
    folder = tmp_path / "chroma"
    folder.mkdir()

    def follower() -> Follower[DenseIndex]:
        return Follower(engine, folder, "dense", HASH.name, DenseIndex, check_every_s=1e9)

    def answers(one: Follower[DenseIndex]) -> list[list[int]]:
        one.step()
        with one.borrow() as index:
            assert index is not None and index.count() == size
            return [[hit.row for hit in index.nearest(vector, 10)] for vector in vectors]

    first = follower()
    before = answers(first)
    if ending == "closed":
        first.close()
    second = follower()
    assert answers(second) == before and second.status().rebuilds == 0
    second.close()


@pytest.mark.parametrize("how", ["truncate", "flip", "delete"])
def test_notices_each_harmed_file_of_both_indexes(
    engine: Engine, everyone: Collection, store: Store, tmp_path: Path, how: str
) -> None:
    store(everyone, "a.md", [f"chunk number {n}" for n in range(40)])
    for kind, open_index in (("dense", DenseIndex), ("keyword", KeywordIndex)):
        folder = tmp_path / kind
        folder.mkdir()

        def follower(folder: Path = folder, open_index: type = open_index, kind: str = kind) -> Follower[DenseIndex]:
            return Follower(engine, folder, kind, HASH.name, open_index, check_every_s=1e9)

        first = follower()
        first.step()
        first.close()
        harmed = 0
        for position in range(0, 99, 1 if kind == "dense" else 3):
            generation = next(one for one in folder.iterdir() if one.is_dir())
            files = [one for one in generation.rglob("*") if one.is_file() and one.suffix != ".lock"]
            files = sorted(
                (one for one in files if one.stat().st_size), key=lambda one: (one.suffix, one.stat().st_size)
            )
            if position >= len(files):
                break
            harm(files[position], how)
            harmed += 1
            again = follower()
            again.step()
            assert (again.status().rebuilds, again.status().state) == (1, "ready"), files[position].name
            with again.borrow() as index:
                assert index is not None and index.count() == 40
            again.close()
        assert harmed >= 3


def harm(path: Path, how: str) -> None:
    """Truncate the file, flip a byte in its middle, or delete it."""
    content = path.read_bytes()
    if how == "truncate":
        path.write_bytes(content[: len(content) // 2])
    elif how == "flip":
        middle = len(content) // 2
        path.write_bytes(content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :])
    else:
        path.unlink()
