"""The two real indexes: the same answers after a restart, and every harmed file is noticed."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine

from knowledge.follow import Follower
from knowledge.keyword import KeywordIndex
from knowledge.store import DenseIndex
from knowledge.types import Collection
from tests.knowledge.building import HASH, Store


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
