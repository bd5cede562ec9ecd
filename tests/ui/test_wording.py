"""How documents are put into words."""

from __future__ import annotations

import pytest

from ui.documents import detail, readers, search_test, wording
from ui.wire import Chunk, Document, DocumentPage, Group, Hit, Scores, User


@pytest.mark.parametrize(
    ("n_bytes", "said"),
    [(0, "0 B"), (999, "999 B"), (1_500, "1.5 kB"), (48_230, "48 kB"), (2_000_000, "2.0 MB"), (7 * 10**12, "7000 GB")],
)
def test_reads_sizes_as_people_do(n_bytes: int, said: str) -> None:
    assert wording.size(n_bytes) == said


@pytest.mark.parametrize(
    ("seconds_ago", "said"),
    [(5, "just now"), (130, "2 min ago"), (7300, "2 h ago"), (90_000, "yesterday"), (20 * 86_400, "20 days ago")],
)
def test_reads_times_as_people_do(seconds_ago: float, said: str) -> None:
    assert wording.ago(1e9 - seconds_ago, now=1e9) == said


def test_tells_stage_percent_and_time_left_of_a_document_being_read() -> None:
    running = Document(id="a", title="a", status="running", stage="embedding", progress=0.42, seconds_left=95)
    assert wording.row(running)["note"] == "making it findable · 42 %, 2 min left"
    assert wording.row(running)["label"] == "Reading"


def test_tells_why_a_document_failed() -> None:
    failed = Document(id="a", title="a", status="failed", reason="It is protected by a password.")
    assert wording.row(failed)["reason"] == "It is protected by a password."
    ready = Document(id="a", title="a", status="ready", reason="An old reason.")
    assert wording.row(ready)["reason"] == ""


@pytest.mark.parametrize(
    ("allowed", "words"),
    [
        ((), "Administrators only"),
        (("everyone",), "Everyone"),
        (("public", "everyone"), "Public"),
        (("group:hr",), "hr"),
        (("group:hr", "group:it", "user:1"), "hr, it + 1 person"),
        (("user:1", "user:2"), "2 people"),
    ],
)
def test_tells_who_may_read_a_collection(allowed: tuple[str, ...], words: str) -> None:
    assert wording.access(allowed)[0] == words


def test_offers_every_possible_reader_and_those_that_have_gone() -> None:
    found = readers.options(["group:gone"], [User(id="u1", name="Ben")], [Group(name="hr")])
    assert found == ["everyone", "public", "group:hr", "user:u1", "group:gone"]
    assert wording.reader("user:u1", {"u1": "Ben"}) == "Ben"
    assert wording.reader("user:u9", {}) == "A person"


def test_shows_the_scores_of_the_stages_that_ran() -> None:
    hits = [
        Hit(chunk="a", scores=Scores(dense=0.8, keyword=10.0, fused=0.03)),
        Hit(chunk="b", scores=Scores(dense=0.4, fused=0.015)),
    ]
    first, second = search_test.scores(hits[0], hits), search_test.scores(hits[1], hits)
    assert [score["name"] for score in first] == ["Meaning", "Words", "Fused"]
    assert [score["shown"] for score in second] == ["0.40", "not found", "0.0150"]
    assert second[1]["share"] == 0.0 and second[2]["share"] == 0.5


def test_tells_at_once_how_many_documents_failed_or_wait() -> None:
    page = DocumentPage(total=40, counts={"ready": 35, "failed": 2, "queued": 3})
    assert wording.summary(page, "") == "40 documents: 3 waiting, 2 failed"
    assert wording.summary(DocumentPage(total=2, counts=page.counts), "failed") == "2 documents"
    assert wording.summary(DocumentPage(total=1, counts={"ready": 1}), "") == "1 document"
    assert wording.summary(DocumentPage(counts=page.counts), "cancelled") == "No document matches."


def test_numbers_passages_from_one() -> None:
    assert detail.item(Chunk(id="c", n=0, text="Text."), is_admin=True)["number"] == 1
