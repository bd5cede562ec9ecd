"""Rows of files that were refused: beside what stands, replaced by what is taken, and never many."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine

from knowledge import collections, documents, refused
from knowledge.types import Collection, Document, Scope

ALL = Scope(frozenset({"everyone"}), sees_all=True)
ANYBODY = Scope(frozenset({"everyone"}))


@pytest.fixture
def place(engine: Engine) -> Collection:
    return collections.create(engine, "HR", "", ["everyone"])


def rows(engine: Engine, place: Collection, scope: Scope = ALL) -> list[tuple[str, str, str | None]]:
    found, total = documents.page(engine, scope, place.id, limit=5_000)
    assert total == len(found)
    return [(one.path, one.stage, one.reason) for one in found]


def take(engine: Engine, place: Collection, path: str, readers: tuple[str, ...] = ()) -> Document:
    return documents.add(engine, place.id, path, path, "text/plain", 1, "a" * 64, readers, "Ann")


def test_it_keeps_one_row_of_a_path_with_the_latest_reason(engine: Engine, place: Collection) -> None:
    refused.note(engine, place.id, [("hr/a.pdf", "It is empty."), ("b.exe", "A program.")], (), "Ann")
    refused.note(engine, place.id, [("hr/a.pdf", "It has a password.")], (), "Ann")
    assert rows(engine, place) == [("hr/a.pdf", "refused", "It has a password."), ("b.exe", "refused", "A program.")]
    (one,) = documents.page(engine, ALL, place.id, "failed", "a.pdf")[0]
    assert (one.title, one.status, one.size, one.sha256, one.uploaded_by) == ("a.pdf", "failed", 0, "", "Ann")


def test_it_is_replaced_by_a_file_that_is_taken_under_its_path(engine: Engine, place: Collection) -> None:
    refused.note(engine, place.id, [("a.pdf", "It is empty.")], (), "Ann")
    take(engine, place, "a.pdf")
    assert rows(engine, place) == [("a.pdf", "waiting", None)]


def test_it_leaves_the_document_of_its_path_as_it_is(engine: Engine, place: Collection) -> None:
    standing = take(engine, place, "a.pdf", ("group:hr",))
    refused.note(engine, place.id, [("a.pdf", "It is empty.")], (), "Ann")
    assert documents.get(engine, ALL, standing.id) == standing
    assert rows(engine, place)[0] == ("a.pdf", "refused", "It is empty.")
    assert rows(engine, place, ANYBODY) == [], "its name is for those alone who may read the document"
    again = take(engine, place, "a.pdf")
    assert again.id == standing.id and rows(engine, place) == [("a.pdf", "waiting", None)]


def test_it_is_read_by_whom_the_upload_named(engine: Engine, place: Collection) -> None:
    refused.note(engine, place.id, [("pay.xls", "It is empty.")], ["group:hr"], "Ann")
    assert rows(engine, place, ANYBODY) == []
    assert len(rows(engine, place, Scope(frozenset({"everyone", "group:hr"})))) == 1


def test_it_keeps_the_newest_and_forgets_the_rest(engine: Engine, place: Collection) -> None:
    refused.note(engine, place.id, [("old.exe", "A program.")], (), "Ann")
    refused.note(engine, place.id, [(f"{n}.exe", "A program.") for n in range(refused.KEPT + 5)], (), "Ann")
    kept = {path for path, _, _ in rows(engine, place)}
    assert len(kept) == refused.KEPT and "old.exe" not in kept and f"{refused.KEPT + 4}.exe" in kept
    refused.note(engine, place.id, [("x" * 5_000, "y" * 5_000)], (), "Ann")
    path, _, reason = rows(engine, place)[0]
    assert len(path) == 2_000 and reason is not None and len(reason) == 500
    assert len(rows(engine, place)) == refused.KEPT


def test_it_is_no_document_of_the_collection_and_cannot_be_read_again(engine: Engine, place: Collection) -> None:
    refused.note(engine, place.id, [("a.exe", "A program.")], (), "Ann")
    (one,) = documents.page(engine, ALL, place.id)[0]
    found = collections.get(engine, ALL, place.id)
    assert found is not None and found.n_documents == 0
    again = documents.requeue(engine, ALL, one.id)
    assert again is not None and (again.status, again.stage) == ("failed", "refused")
    assert documents.delete(engine, ALL, one.id) and rows(engine, place) == []


def test_it_keeps_nothing_of_a_conversation_or_of_a_collection_that_is_gone(engine: Engine) -> None:
    private = collections.create(engine, "Attachments", "", ["user:1"], private_to="c" * 32)
    refused.note(engine, private.id, [("a.exe", "A program.")], (), "Ann")
    refused.note(engine, "0" * 32, [("a.exe", "A program.")], (), "Ann")
    assert rows(engine, private) == []
