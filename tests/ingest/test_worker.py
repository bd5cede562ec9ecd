"""The worker, from queued rows to searchable chunks, through everything that happens on the way."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from sqlalchemy import Engine, func, select

from ingest import jobs, worker
from ingest.files import FileStore
from ingest.sandbox import Sandbox
from ingest.settings import IngestSettings, Limits
from knowledge import documents
from knowledge.embed import HashEmbedder, passage_text
from knowledge.errors import EmbedderUnavailable
from knowledge.tables import chunks as chunks_table
from knowledge.tables import vectors as vectors_table
from knowledge.types import Vectors
from tests.ingest import builders
from tests.ingest.conftest import ADMIN, HASH, QUICK, Put, Shared, Work, chunks_of, everything, wait_until
from tests.outage import LOCKED, STUCK, outage

SLOW = b"[" * 700_000


class Gate:
    """An embedder that waits until it is opened."""

    name = HASH.name
    dimension = HASH.dimension

    def __init__(self) -> None:
        self.open = threading.Event()
        self.asked = threading.Event()
        self.troubles = 0

    def embed(self, texts: list[str]) -> Vectors:
        self.asked.set()
        assert self.open.wait(30)
        if self.troubles:
            self.troubles -= 1
            raise EmbedderUnavailable("The embedding server is down.")
        return HASH.embed(texts)


@pytest.fixture
def gate() -> Gate:
    return Gate()


class Running:
    """A worker in threads of this process."""

    def __init__(self, engine: Engine, store: FileStore, embedder: Gate | HashEmbedder, shared: Shared) -> None:
        self.stop = threading.Event()
        self.thread = threading.Thread(target=worker.run, args=(engine, store, embedder, QUICK, self.stop, shared))
        self.thread.start()

    def end(self) -> None:
        self.stop.set()
        self.thread.join(30)
        assert not self.thread.is_alive()


def test_it_makes_documents_searchable(engine: Engine, put: Put, work: Work) -> None:
    put(
        "leave.md",
        b"# Leave\n\nEveryone gets 25 days.\n\n## Parents\n\n" + b"Parents get sixteen weeks of leave. " * 30,
    )
    put("days.csv", b"Name,Days\nAnn,25\nBo,20")
    put("page.html", b"<title>Wiki</title><h1>Wiki</h1><p>A page about things.</p>")
    put("doc.docx", builders.word(("Heading 1", "Scope"), "All employees."))
    put("scan.pdf", builders.pdf([("A page of a PDF file", 12, 700)]))
    work()
    found = everything(engine)
    assert {path: document.status for path, document in found.items()} == dict.fromkeys(found, "ready")
    leave = found["leave.md"]
    assert (leave.title, leave.stage, leave.progress, leave.seconds_left, leave.reason) == (
        "Leave",
        "done",
        1.0,
        0.0,
        None,
    )
    chunks = chunks_of(engine, leave)
    assert leave.n_chunks == len(chunks) >= 2
    assert [chunk.n for chunk in chunks] == list(range(len(chunks)))
    assert {chunk.anchor for chunk in chunks} == {"leave", "parents"}
    assert chunks_of(engine, found["scan.pdf"])[0].page == 1


def test_it_stores_where_pages_turn(engine: Engine, put: Put, work: Work) -> None:
    put("two.pdf", builders.pdf([("Everyone gets 25 days.", 12, 700)], [("Interns get 12.", 12, 700)]))
    work()
    (chunk,) = chunks_of(engine, everything(engine)["two.pdf"])
    assert (chunk.page, chunk.text[: chunk.page_breaks[0].at].strip()) == (1, "Everyone gets 25 days.")
    assert [page for _, page in chunk.page_breaks] == [2]


def test_it_stores_the_vector_of_title_headings_and_text(engine: Engine, put: Put, work: Work) -> None:
    put("leave.md", b"# Leave\n\n## Parents\n\nSixteen weeks.")
    work()
    with engine.connect() as connection:
        blob = connection.execute(select(vectors_table.c.vector)).scalar_one()
    expected = HASH.embed([passage_text("Leave", "Parents", "Sixteen weeks.")])[0]
    assert np.allclose(np.frombuffer(blob, "<f2"), expected, atol=1e-3)


def test_it_ends_each_bad_file_with_its_reason_and_goes_on(engine: Engine, put: Put, work: Work) -> None:
    put("locked.pdf", b"%PDF-1.4 broken" * 20)
    put("bomb.docx", builders.archive({"[Content_Types].xml": "<x/>", "word/document.xml": bytes(90_000_000)}))
    put("nothing.txt", b"   \n")
    put("xxe.xml", b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>')
    put("good.md", b"# Good\n\ntext")
    work()
    found = everything(engine)
    assert {path: document.status for path, document in found.items()} == {
        "locked.pdf": "failed", "bomb.docx": "failed", "nothing.txt": "failed", "xxe.xml": "failed", "good.md": "ready",
    }  # fmt: skip
    for document in found.values():
        assert document.status == "ready" or str(document.reason).endswith(".")
    assert "bomb" in str(found["bomb.docx"].reason)


def test_it_ends_a_document_that_never_ends(engine: Engine, put: Put, work: Work) -> None:
    put("slow.md", SLOW)
    put("good.md", b"# Good\n\ntext")
    work(settings=QUICK.model_copy(update={"limits": Limits(cpu_s=1)}))
    found = everything(engine)
    assert found["good.md"].status == "ready"
    assert "processor time" in str(found["slow.md"].reason)


def test_it_replaces_a_document_and_keeps_the_old_until_the_new_is_ready(
    engine: Engine, put: Put, work: Work, store: FileStore, gate: Gate, shared: Shared
) -> None:
    put("a.md", b"# A\n\nold text")
    work()
    put("a.md", b"# A\n\nnew text")
    running = Running(engine, store, gate, shared)
    assert gate.asked.wait(30)
    assert [chunk.text for chunk in chunks_of(engine, everything(engine)["a.md"])] == ["old text"]
    gate.open.set()
    wait_until(lambda: everything(engine)["a.md"].status == "ready", 30)
    running.end()
    assert [chunk.text for chunk in chunks_of(engine, everything(engine)["a.md"])] == ["new text"]


def test_it_drops_what_was_cancelled(engine: Engine, put: Put, store: FileStore, gate: Gate, shared: Shared) -> None:
    document = put("a.md", b"# A\n\ntext").documents[0]
    running = Running(engine, store, gate, shared)
    assert gate.asked.wait(30)
    jobs.cancel(engine, [document.id])
    gate.open.set()
    wait_until(lambda: everything(engine)["a.md"].status == "cancelled", 30)
    running.end()
    assert chunks_of(engine, document) == []


def test_it_stops_reading_what_was_cancelled(engine: Engine, put: Put, store: FileStore, shared: Shared) -> None:
    document = put("slow.md", SLOW).documents[0]
    running = Running(engine, store, HASH, shared)
    wait_until(lambda: everything(engine)["slow.md"].status == "running", 30)
    jobs.cancel(engine, [document.id])
    wait_until(lambda: everything(engine)["slow.md"].status == "cancelled", 30)
    running.end()


@pytest.mark.parametrize("when", ["reading", "embedding"])
def test_it_survives_that_a_document_is_deleted_under_its_hands(
    engine: Engine, put: Put, store: FileStore, gate: Gate, shared: Shared, when: str
) -> None:
    document = put("a.md", SLOW if when == "reading" else b"# A\n\ntext").documents[0]
    running = Running(engine, store, gate, shared)
    if when == "embedding":
        assert gate.asked.wait(30)
    else:
        wait_until(lambda: everything(engine)["a.md"].status == "running", 30)
    assert documents.delete(engine, ADMIN, document.id)
    gate.open.set()
    put("b.md", b"# B\n\ntext")
    wait_until(lambda: everything(engine)["b.md"].status == "ready", 30)
    running.end()
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(chunks_table)).scalar_one() == 1


def test_it_puts_everything_back_when_it_stops(
    engine: Engine, put: Put, store: FileStore, gate: Gate, shared: Shared
) -> None:
    for n in range(5):
        put(f"{n}.md", b"# A %d\n\ntext" % n)
    running = Running(engine, store, gate, shared)
    assert gate.asked.wait(30)
    threading.Timer(0.3, gate.open.set).start()
    running.end()
    left = [document for document in everything(engine).values() if document.status != "ready"]
    assert all((document.status, document.stage) == ("queued", "waiting") for document in left)
    assert not jobs.counts(engine).get("running")


def test_it_waits_for_an_embedder_that_is_down(
    engine: Engine, put: Put, store: FileStore, gate: Gate, shared: Shared
) -> None:
    put("a.md", b"# A\n\ntext")
    gate.troubles = 1
    gate.open.set()
    running = Running(engine, store, gate, shared)
    wait_until(lambda: everything(engine)["a.md"].status == "ready", 30)
    running.end()


@pytest.mark.parametrize("error", [LOCKED, STUCK])
def test_it_goes_on_after_the_database_was_away(
    engine: Engine, put: Put, store: FileStore, shared: Shared, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "_TROUBLE_S", 0.02)
    monkeypatch.setattr(worker, "_SWEEP_S", 0.0)  # so that each loop of the worker meets it
    put("a.md", b"# A\n\ntext")
    running = Running(engine, store, HASH, shared)
    wait_until(lambda: everything(engine)["a.md"].status == "ready", 30)
    with outage(engine, error, fails=40):
        pass
    put("b.md", b"# B\n\ntext")
    wait_until(lambda: everything(engine)["b.md"].status == "ready", 30)
    running.end()


def test_it_shares_the_queue_with_another_worker(engine: Engine, put: Put, store: FileStore, shared: Shared) -> None:
    for n in range(30):
        put(f"{n}.md", f"# Title {n}\n\nText number {n}.".encode())
    both = [Running(engine, store, HASH, make) for make in (shared, Sandbox)]
    wait_until(lambda: jobs.counts(engine) == {"ready": 30}, 60)
    for running in both:
        running.end()
    with engine.connect() as connection:
        per_document = connection.execute(
            select(func.count()).select_from(chunks_table).group_by(chunks_table.c.document_id)
        ).scalars()
        assert list(per_document) == [1] * 30


def test_it_makes_documents_of_attachments(engine: Engine, put: Put, work: Work) -> None:
    mail = (
        b"From: a@b\nSubject: Days\nContent-Type: multipart/mixed; boundary=X\n\n--X\n\nSee the table.\n"
        b'--X\nContent-Disposition: attachment; filename="days.csv"\n\nName,Days\nAnn,25\n'
        b'--X\nContent-Disposition: attachment; filename="../../evil.exe"\n\nMZ\x90\x00\n--X--\n'
    )
    put("mail.eml", mail, readers=("group:hr",))
    work()
    found = everything(engine)
    assert {path: document.status for path, document in found.items()} == {
        "mail.eml": "ready",
        "mail.eml/days.csv": "ready",
        "mail.eml/evil.exe": "failed",
    }
    assert found["mail.eml/evil.exe"].stage == "refused"
    assert found["mail.eml/days.csv"].readers == found["mail.eml/evil.exe"].readers == {"group:hr"}


def test_it_takes_a_picture_of_text(engine: Engine, put: Put, work: Work) -> None:
    put("scan.png", builders.picture("Invoice number 4711\nTotal amount 250 euros"))
    work(seconds=120)
    document = everything(engine)["scan.png"]
    assert document.status == "ready", document.reason
    text = chunks_of(engine, document)[0].text
    assert "4711" in text and "Total amount" in text


def test_it_keeps_its_lease_while_it_is_slow(
    engine: Engine, put: Put, store: FileStore, gate: Gate, shared: Shared
) -> None:
    put("a.md", b"# A\n\ntext")
    settings = QUICK.model_copy(update={"lease_s": 8.0})
    stop = threading.Event()
    thread = threading.Thread(target=worker.run, args=(engine, store, gate, settings, stop, shared))
    thread.start()
    assert gate.asked.wait(30)
    until = time.monotonic() + 9.0
    while time.monotonic() < until:
        assert jobs.claim(engine, "thief", 60) is None
        time.sleep(0.1)
    gate.open.set()
    wait_until(lambda: everything(engine)["a.md"].status == "ready", 30)
    stop.set()
    thread.join()


def test_it_finds_out_when_the_stored_file_is_gone(engine: Engine, put: Put, work: Work, store: FileStore) -> None:
    document = put("a.md", b"# A\n\ntext").documents[0]
    store.path(document.sha256).unlink()
    work()
    assert "missing" in str(everything(engine)["a.md"].reason)


def test_it_raises_what_is_a_bug_after_it_has_put_everything_back(
    engine: Engine, put: Put, store: FileStore, shared: Shared
) -> None:
    class Broken:
        name = "broken"
        dimension = 4

        def embed(self, texts: list[str]) -> Vectors:
            raise ZeroDivisionError

    put("a.md", b"# A\n\ntext")
    with pytest.raises(ZeroDivisionError):
        worker.run(engine, store, Broken(), QUICK, threading.Event(), shared)
    assert everything(engine)["a.md"].status == "queued"


def test_its_settings_can_be_sent_to_the_reading_process() -> None:
    assert IngestSettings.model_validate_json(QUICK.model_dump_json()) == QUICK
