"""kill -9 of a process that stores and indexes: afterwards indexes and SQL agree, whatever was torn."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from knowledge.database import reading
from knowledge.index import all_rows
from knowledge.indexes import Indexes
from knowledge.types import Collection
from tests.knowledge.building import HASH


@pytest.mark.fault
def test_indexes_agree_with_sql_after_kill_9_at_any_time(
    engine: Engine, everyone: Collection, tmp_path: Path, fault_runs: int, seed: int
) -> None:
    chance = random.Random(seed)
    for run in range(fault_runs):
        arguments = [str(engine.url), str(tmp_path / "indexes"), str(seed + run)]
        command = [sys.executable, "-m", "tests.knowledge.endless_writer", *arguments]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None and writer.stdout.readline() == b"ready\n"
            time.sleep(chance.uniform(0.5, 4.0))
            writer.kill()
        with reading(engine) as connection:
            assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"
            truth = all_rows(connection, HASH.name)
        survivor = Indexes(engine, tmp_path / "indexes", HASH.name, HASH.dimension)
        for follower in (survivor.dense, survivor.keyword):
            for _ in range(3):  # open and find damage; make anew
                follower.step()
            follower.check(deep=True)
            with follower.borrow() as index:
                assert index is not None, follower.status()
                assert index.rows() == truth, (run, follower.status())
        survivor.stop()
