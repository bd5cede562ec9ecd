"""Conversations: each its owner's alone, versions kept, no question lost."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, text

from assistant import conversations, feedback, history, record
from assistant.errors import ConversationTooLong
from assistant.orchestration.prompts import Message
from assistant.record import TurnRecord
from assistant.types import Answer, Caller, Citation, Route, Turn, TurnOptions
from assistant.wire import AnswerJson, answer_json
from knowledge.types import Scope


def _answer(said: str) -> AnswerJson:
    citation = Citation(1, "d", "Handbook", 3, "c", "q" * 900, "Leave", "handbook.pdf", "HR", "leave")
    route = Route("smol", "grounded", "fallback", "grounded_answer")
    return answer_json(Answer(said, (citation,), abstained=False, grounded=True, degraded=False, route=route))


def _said(
    engine: Engine, owner: str, conversation: str, question: str, answer: str, replaces: str | None = None
) -> str:
    asked = conversations.ask(engine, owner, conversation, question, replaces)
    assert asked is not None
    assert conversations.finish(engine, asked.turn_id, "done", _answer(answer))
    return asked.turn_id


def _shown(engine: Engine, owner: str, conversation: str) -> list[str]:
    found = conversations.read(engine, owner, conversation)
    assert found is not None
    return [turn.question for turn in found.turns]


def test_it_keeps_turns_with_their_citations(engine: Engine) -> None:
    mine = conversations.create(engine, "ann")
    turn = _said(engine, "ann", mine, "How many days of leave?", "30 days [1].")
    found = conversations.read(engine, "ann", mine)
    assert found is not None and found.title == "How many days of leave?"
    stored = found.turns[0]
    assert stored.id == turn and stored.status == "done" and stored.versions == (turn,)
    assert stored.answer is not None and stored.answer["citations"][0]["title"] == "Handbook"
    assert len(stored.answer["citations"][0]["quote"]) == 600


def test_it_is_not_there_for_anybody_else(engine: Engine) -> None:
    mine = conversations.create(engine, "ann", "Secret plans")
    turn = _said(engine, "ann", mine, "a secret?", "yes")
    assert conversations.read(engine, "ben", mine) is None and not conversations.owned(engine, "ben", mine)
    assert history.page(engine, "ben") == [] and history.page(engine, "ben", "secret") == []
    assert conversations.ask(engine, "ben", mine, "and?") is None
    assert not conversations.change(engine, "ben", mine, title="x") and not conversations.remove(engine, "ben", mine)
    assert not feedback.rate(engine, "ben", turn, "down", None, None)
    assert _shown(engine, "ann", mine) == ["a secret?"]


def test_a_turn_of_one_conversation_cannot_be_replaced_through_another(engine: Engine) -> None:
    mine, other = conversations.create(engine, "ann"), conversations.create(engine, "ben")
    turn = _said(engine, "ann", mine, "q", "a")
    assert conversations.ask(engine, "ben", other, "q2", replaces=turn) is None
    assert not conversations.change(engine, "ben", other, show_turn=turn)


def test_the_history_is_what_was_answered_before(engine: Engine) -> None:
    mine = conversations.create(engine, "ann")
    _said(engine, "ann", mine, "one", "first")
    failed = conversations.ask(engine, "ann", mine, "two")
    assert failed is not None
    conversations.finish(engine, failed.turn_id, "failed", None)
    asked = conversations.ask(engine, "ann", mine, "three")
    assert asked is not None and asked.history == (Message("user", "one"), Message("assistant", "first"))


def test_an_edited_turn_shows_its_newest_version_and_keeps_the_old(engine: Engine) -> None:
    mine = conversations.create(engine, "ann")
    first = _said(engine, "ann", mine, "one", "1")
    _said(engine, "ann", mine, "two", "2")
    _said(engine, "ann", mine, "three", "3")
    edited = _said(engine, "ann", mine, "one, really", "1!", replaces=first)
    assert _shown(engine, "ann", mine) == ["one, really"]
    found = conversations.read(engine, "ann", mine)
    assert found is not None and found.turns[0].versions == (first, edited)
    assert conversations.change(engine, "ann", mine, show_turn=first)
    assert _shown(engine, "ann", mine) == ["one", "two", "three"]
    asked = conversations.ask(engine, "ann", mine, "four", replaces=edited)
    assert asked is not None and asked.history == ()


def test_questions_asked_at_the_same_moment_follow_each_other(engine: Engine) -> None:
    mine = conversations.create(engine, "ann")
    with ThreadPoolExecutor(8) as together:
        list(together.map(lambda n: conversations.ask(engine, "ann", mine, f"q{n}"), range(16)))
    assert sorted(_shown(engine, "ann", mine)) == sorted(f"q{n}" for n in range(16))


def test_a_turn_is_finished_once(engine: Engine) -> None:
    mine = conversations.create(engine, "ann")
    asked = conversations.ask(engine, "ann", mine, "q")
    assert asked is not None and conversations.finish(engine, asked.turn_id, "stopped", _answer("par"))
    assert not conversations.finish(engine, asked.turn_id, "done", _answer("other"))
    assert not conversations.finish(engine, "nothing", "done", None)


def test_a_turn_that_a_crash_cut_off_counts_as_failed_later(engine: Engine) -> None:
    mine = conversations.create(engine, "ann")
    conversations.ask(engine, "ann", mine, "q")
    with engine.begin() as connection:
        connection.execute(text("UPDATE turns SET created_at = created_at - 7200"))
    found = conversations.read(engine, "ann", mine)
    assert found is not None and found.turns[0].status == "failed"


def test_a_server_that_starts_gives_up_what_a_crash_left_running(engine: Engine) -> None:
    mine = conversations.create(engine, "ann")
    _said(engine, "ann", mine, "one", "1")
    conversations.ask(engine, "ann", mine, "two")
    assert conversations.give_up_running(engine) == 1 and conversations.give_up_running(engine) == 0
    found = conversations.read(engine, "ann", mine)
    assert found is not None and [turn.status for turn in found.turns] == ["done", "failed"]


def test_what_was_kept_of_a_turn_is_shown_after_a_crash_and_not_before(engine: Engine) -> None:
    mine = conversations.create(engine, "ann")
    done = conversations.ask(engine, "ann", mine, "one")
    cut = conversations.ask(engine, "ann", mine, "two")
    assert done is not None and cut is not None
    conversations.keep(engine, {done.turn_id: _answer("1"), cut.turn_id: _answer("The beg")})
    conversations.keep(engine, {cut.turn_id: _answer("The beginning")})
    found = conversations.read(engine, "ann", mine)
    assert found is not None and [(turn.status, turn.answer) for turn in found.turns] == [("running", None)] * 2
    assert conversations.finish(engine, done.turn_id, "done", _answer("1 and all"))
    conversations.keep(engine, {done.turn_id: _answer("1")})  # too late: it is complete
    conversations.give_up_running(engine)
    found = conversations.read(engine, "ann", mine)
    assert found is not None
    told = [(turn.status, turn.answer and turn.answer["answer"]) for turn in found.turns]
    assert told == [("done", "1 and all"), ("stopped", "The beginning")]


@pytest.mark.fault
def test_fifty_writers_never_see_a_locked_database(engine: Engine) -> None:
    times: list[float] = []

    def write(number: int) -> None:
        mine = conversations.create(engine, f"user {number}")
        for turn in range(6):
            started = time.monotonic()
            _said(engine, f"user {number}", mine, f"question {turn}", "answer " * 50)
            times.append(time.monotonic() - started)

    with ThreadPoolExecutor(50) as together:
        list(together.map(write, range(50)))
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM turns WHERE status = 'done'")).scalar() == 300
    assert sorted(times)[int(len(times) * 0.5)] < 10.0, sorted(times)[-5:]


def test_it_lists_pinned_ones_first_and_pages_by_time(engine: Engine) -> None:
    made = [conversations.create(engine, "ann", f"c{number}") for number in range(7)]
    with engine.begin() as connection:
        for number, identifier in enumerate(made):
            values = {"at": float(number), "id": identifier}
            connection.execute(text("UPDATE conversations SET updated_at = :at WHERE id = :id"), values)
    conversations.change(engine, "ann", made[0], pinned=True)
    first = history.page(engine, "ann", limit=3)
    assert [entry.title for entry in first] == ["c0", "c6", "c5", "c4"]
    rest = history.page(engine, "ann", limit=10, before=first[-1].updated_at)
    assert [entry.title for entry in rest] == ["c3", "c2", "c1"]


def test_it_is_found_by_title_and_by_question_and_never_by_pattern(engine: Engine) -> None:
    leave, rest = conversations.create(engine, "ann"), conversations.create(engine, "ann", "100% remote_work")
    _said(engine, "ann", leave, "What about Parental LEAVE?", "…")
    assert [entry.id for entry in history.page(engine, "ann", "parental leave")] == [leave]
    assert [entry.id for entry in history.page(engine, "ann", "100% remote_")] == [rest]
    assert history.page(engine, "ann", "1_0%") == [] and history.page(engine, "ann", "' OR 1=1 --") == []


def test_deleting_it_takes_turns_and_ratings_along(engine: Engine) -> None:
    mine = conversations.create(engine, "ann")
    turn = _said(engine, "ann", mine, "q", "a")
    assert feedback.rate(engine, "ann", turn, "up", "complete", "thanks")
    asked = Turn(turn, "q", (), Caller("ann", "Ann", Scope(frozenset())), TurnOptions(conversation_id=mine))
    answer = Answer("a", (), False, True, False, Route("m", None, "fallback", "grounded_answer"))
    kept = TurnRecord(asked, "q", (), "p@1", 1, False, answer, 1.0)
    assert record.append(engine, kept)
    assert not conversations.remove(engine, "ben", mine) and record.read(engine)
    assert conversations.remove(engine, "ann", mine) and conversations.read(engine, "ann", mine) is None
    with engine.connect() as connection:
        for table in ("turns", "feedback", "conversations", "turn_records"):
            assert connection.execute(text(f"SELECT count(*) FROM {table}")).scalar() == 0
    # An answer that was on its way when its conversation was deleted.
    assert not record.append(engine, kept) and record.read(engine) == []


def test_a_rating_is_shown_changed_and_taken_back(engine: Engine) -> None:
    mine = conversations.create(engine, "ann")
    turn = _said(engine, "ann", mine, "q", "a")
    for rating, reason, comment in (("up", None, None), ("down", "wrong", "it is 30"), (None, None, None)):
        assert feedback.rate(engine, "ann", turn, rating, reason, comment)  # type: ignore[arg-type]
        found = conversations.read(engine, "ann", mine)
        assert found is not None
        assert (found.turns[0].rating, found.turns[0].reason, found.turns[0].comment) == (rating, reason, comment)


def test_it_has_room_for_many_turns_but_not_for_any_number(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = conversations.create(engine, "ann")
    monkeypatch.setattr(conversations, "MAX_TURNS", 5)
    for number in range(5):
        conversations.ask(engine, "ann", mine, f"q{number}")
    with pytest.raises(ConversationTooLong):
        conversations.ask(engine, "ann", mine, "one more")


def test_a_conversation_of_five_hundred_turns_reads_well(engine: Engine) -> None:
    mine = conversations.create(engine, "ann")
    with engine.begin() as connection:
        row = "INSERT INTO turns VALUES (:id, :c, :parent, :n, 'q', 'done', NULL, 0, 0)"
        values = [{"id": f"t{n}", "c": mine, "parent": f"t{n - 1}" if n > 1 else None, "n": n} for n in range(1, 1_201)]
        connection.execute(text(row), values)
        connection.execute(text("UPDATE conversations SET head = 't1200'"))
    found = conversations.read(engine, "ann", mine)
    assert found is not None and [turn.id for turn in found.turns] == [f"t{n}" for n in range(1, 1_201)]


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("  What\n is  this? ", "What is this?"),
        ("x" * 100, "x" * 60 + "…"),
        ("word " * 30, ("word " * 12).strip() + "…"),
        ("", ""),
    ],
)
def test_a_title_is_the_beginning_of_the_question(question: str, title: str) -> None:
    assert conversations.auto_title(question) == title


def test_folders_hold_conversations_until_they_are_deleted_and_nobody_elses(engine: Engine) -> None:
    tax, trip, other = (conversations.create(engine, owner, name) for owner, name in FOLDERED)
    for owner, identifier in (("ann", tax), ("ann", trip), ("bob", other)):
        assert conversations.change(engine, owner, identifier, folder="Home")
    assert not conversations.change(engine, "ann", other, folder="Mine")
    loose = conversations.create(engine, "ann", "loose")
    conversations.change(engine, "ann", trip, pinned=True)
    found = [(entry.title, entry.folder) for entry in history.page(engine, "ann", limit=1)]
    assert found == [("trip", "Home"), ("tax", "Home"), ("loose", "")]
    assert [entry.id for entry in history.page(engine, "ann", "tax")] == [tax]
    assert history.folders(engine, "ann") == [history.Folder("Home", 2)]
    assert history.rename_folder(engine, "ann", "Home", "House") == 2
    assert history.rename_folder(engine, "ann", "Home", "x") == 0 == history.rename_folder(engine, "ann", "", "x")
    assert history.folders(engine, "bob") == [history.Folder("Home", 1)]
    conversations.change(engine, "ann", tax, folder="")
    assert history.rename_folder(engine, "ann", "House", "") == 1 and history.folders(engine, "ann") == []
    assert {entry.id for entry in history.page(engine, "ann")} == {tax, trip, loose}


FOLDERED = (("ann", "tax"), ("ann", "trip"), ("bob", "other"))
