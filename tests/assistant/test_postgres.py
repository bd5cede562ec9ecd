"""The same on PostgreSQL, on a cluster that lives as long as this file's tests."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from assistant import conversations, feedback, history, secret_file
from assistant.database import migrate, revision
from assistant.errors import LinkUsed, TooManyAttempts, WrongPassword
from assistant.people import credentials, groups, setup_link, users
from assistant.people.sign_in import Throttle, sign_in
from assistant.secret_file import Secrets
from ingest import jobs
from ingest.order import NOBODY
from knowledge import collections, documents, refused
from knowledge.database import connect
from knowledge.indexes import Indexes
from knowledge.search import Search
from knowledge.tables import metadata
from knowledge.types import Scope
from tests.knowledge.building import HASH, hold, replaced, scope

pytestmark = [pytest.mark.fault]
PASSWORD = "correct horse battery"
# Debian keeps the server's programs of each version out of the PATH.
PROGRAMS = os.pathsep.join([*map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin"))), os.environ["PATH"]])


class Cluster:
    """A PostgreSQL server of our own on loopback."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        # PostgreSQL refuses to run as root; the package brings a user for it.
        self._user = "postgres" if os.geteuid() == 0 else None
        self._data = folder / "data"
        if self._user:
            shutil.chown(folder, self._user)
        self._run("initdb", "-D", self._data, "-A", "trust", "-U", "postgres", "--no-sync")
        self.start()

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        options = f"-p {self.port} -k {self._data} -c listen_addresses=127.0.0.1 -c fsync=off"
        self._run("pg_ctl", "-D", self._data, "-o", options, "-l", self._data / "log", "-w", "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", self._data, "-m", "immediate", "-w", "stop")

    def _run(self, program: str, *arguments: object) -> None:
        command = [shutil.which(program, path=PROGRAMS) or program, *map(str, arguments)]
        subprocess.run(command, check=True, user=self._user, cwd="/", stdout=subprocess.DEVNULL, timeout=60)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    if shutil.which("initdb", path=PROGRAMS) is None or shutil.which("pg_ctl", path=PROGRAMS) is None:
        pytest.skip("PostgreSQL's programs initdb and pg_ctl are not on this machine: install the package 'postgresql'")
    folder = Path("/tmp") / f"inhouse-pg-{os.getpid()}"  # a folder that PostgreSQL's own user may enter
    folder.mkdir(mode=0o755)
    made = Cluster(folder)
    yield made
    made.stop()
    shutil.rmtree(folder)


@pytest.fixture
def engine(cluster: Cluster, tmp_path: Path) -> Iterator[Engine]:
    made = connect(cluster.url)
    with made.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    migrate(made, tmp_path)
    yield made
    made.dispose()


@pytest.fixture
def secrets(tmp_path: Path) -> Secrets:
    return secret_file.load(tmp_path)


def test_the_migrations_make_exactly_the_declared_tables(engine: Engine, tmp_path: Path) -> None:
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    assert migrate(engine, tmp_path) == revision(engine) and not (tmp_path / "backups").exists()


def test_servers_that_start_together_upgrade_once(engine: Engine, cluster: Cluster, tmp_path: Path) -> None:
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))

    def upgrade(_: int) -> str:
        return migrate(connect(cluster.url), tmp_path)

    with ThreadPoolExecutor(4) as together:
        assert len(set(together.map(upgrade, range(4)))) == 1


def test_people_sign_in_and_out(engine: Engine, secrets: Secrets) -> None:
    token = setup_link.issue(engine, secrets, 1)
    assert token is not None

    def redeem(number: int) -> bool:
        try:
            setup_link.redeem(engine, secrets, token, f"user {number}", PASSWORD, 10)
        except LinkUsed:
            return False
        return True

    with ThreadPoolExecutor(6) as together:
        assert sum(together.map(redeem, range(6))) == 1
    (admin,) = users.everybody(engine)
    groups.add(engine, "hr")
    ben = users.add(engine, "Ben", PASSWORD, False, ["hr"], 10)
    session = credentials.open_session(engine, secrets, ben.id, 1)
    _, key = credentials.add_key(engine, secrets, ben.id, "script")
    for given in (session, key):
        found = credentials.authenticate(engine, secrets, given)
        assert found is not None and "group:hr" in found.caller.scope.principals
        assert credentials.still_good(engine, {found.id, "x"}) == {found.id}
    limit = Throttle(3, 900.0)
    for wrong in (WrongPassword, WrongPassword, WrongPassword, TooManyAttempts):
        with pytest.raises(wrong):
            sign_in(engine, secrets, "Ben", "a wrong password", "203.0.113.9", limit)
    assert sign_in(engine, secrets, admin.name, PASSWORD, "203.0.113.9", limit).id == admin.id
    users.change(engine, ben.id, active=False, min_password_chars=10)
    assert credentials.authenticate(engine, secrets, key) is None
    assert users.remove(engine, ben.id) == []


def test_conversations_take_questions_at_the_same_moment(engine: Engine) -> None:
    mine = conversations.create(engine, "ann")
    with ThreadPoolExecutor(8) as together:
        asked = list(together.map(lambda n: conversations.ask(engine, "ann", mine, f"question {n}"), range(24)))
    found = conversations.read(engine, "ann", mine)
    assert found is not None and len(found.turns) == 24 and all(asked)
    turn = found.turns[-1].id
    with ThreadPoolExecutor(8) as together:
        rated = list(together.map(lambda n: feedback.rate(engine, "ann", turn, "up", None, str(n)), range(24)))
    assert all(rated)
    assert history.page(engine, "ann", "QUESTION 2") and conversations.remove(engine, "ann", mine)


async def test_a_search_finds_what_its_caller_may_read(engine: Engine, tmp_path: Path) -> None:
    first, second = "group:" + 40 * "a", "group:" + 40 * "a" + "b"  # equal in more letters than an id has
    place = collections.create(engine, "Pay", "", [first])
    for path, readers in (("all.md", []), ("one.md", [second])):
        document = documents.add(engine, place.id, path, path, "text/plain", 1, "0" * 64, readers, "user:ann")
        hold(engine, document.id, "w")
        replaced(engine, document, [f"The bonus of {path} is paid in March."])
    indexes = Indexes(engine, tmp_path / "indexes", HASH.name, HASH.dimension)
    indexes.step()
    search = Search(engine, indexes, HASH)
    cases: tuple[tuple[str, tuple[str, ...] | None, set[str]], ...] = (
        (first, None, {"all.md"}),
        (first, ("Pay",), {"all.md"}),
        (second, None, {"one.md"}),
        ("group:a", None, set()),
    )
    for caller, named, wanted in cases:
        found = await search.search("When is the bonus paid?", scope(caller), named)
        assert {passage.path for passage in found} == wanted
    assert await search.search("When is the bonus paid?", scope(first, second), ("Other",)) == []
    indexes.stop()


def test_people_take_turns_in_the_queue_and_refused_files_have_rows(engine: Engine) -> None:
    hr = collections.create(engine, "HR", "", ["everyone"])
    for person, name in (("Ann", "a0"), ("Ann", "a1"), ("Ben", "b0")):
        documents.add(engine, hr.id, name, name, "text/plain", 1, "0" * 64, [], person)
    expected = [one.document_id for one in jobs.waiting(engine)]
    served, taken = NOBODY, []
    while job := jobs.claim(engine, "w", 60, served):
        served = served.then(job.uploaded_by, job.is_attached)
        taken.append(job)
    assert [job.path for job in taken] == ["a0", "b0", "a1"]
    assert [job.document_id for job in taken] == expected
    refused.note(engine, hr.id, [(f"{n}.exe", "A program.") for n in range(refused.KEPT + 1)], ["group:hr"], "Ann")
    assert documents.counts(engine, Scope(frozenset(), sees_all=True)) == {"running": 3, "failed": refused.KEPT}


def test_restarts_lose_nothing_that_was_acknowledged(engine: Engine, cluster: Cluster, fault_runs: int) -> None:
    acknowledged: list[str] = []
    failed: list[float] = []
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            try:
                acknowledged.append(conversations.create(engine, "ann"))
            except OperationalError:
                failed.append(time.monotonic())
                time.sleep(0.05)

    writers = [threading.Thread(target=write) for _ in range(4)]
    for writer in writers:
        writer.start()
    for _ in range(min(fault_runs, 20)):
        time.sleep(0.3)
        cluster.stop()
        cluster.start()
    back, before = time.monotonic(), len(acknowledged)
    while len(acknowledged) < before + 10 and time.monotonic() - back < 60:
        time.sleep(0.05)
    stop.set()
    for writer in writers:
        writer.join()
    assert len(acknowledged) >= before + 10
    with engine.connect() as connection:
        stored = set(connection.execute(text("SELECT id FROM conversations")).scalars())
    assert set(acknowledged) <= stored
