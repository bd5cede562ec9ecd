"""Answers in the making."""

from __future__ import annotations

import io
import time

from ui.client import Api, Question
from ui.errors import ApiRefused
from ui.fake_api import FakeApi
from ui.fake_api.world import Script
from ui.live import LiveTurn, LiveTurns

from .conftest import user

QUESTION = "How long does parental leave last?"


def ask(api: Api, turns: LiveTurns, text: str = QUESTION) -> tuple[str, LiveTurn]:
    conversation = api.add_conversation()
    return conversation, turns.start(api, Question(text, conversation))


def until(met: object, turn: LiveTurn, patience_s: float = 60.0) -> None:
    deadline = time.monotonic() + patience_s
    while not met() and time.monotonic() < deadline:  # type: ignore[operator]
        time.sleep(0.01)
    assert met(), turn.view  # type: ignore[operator]


def _takes_long(fake: FakeApi) -> None:
    """Have an answer last for half a minute, until `word_s` is 0."""
    fake.world.word_s = 0.1
    fake.world.scripts.append(Script("parental leave", "word " * 300 + "26 weeks"))


def test_grows_and_ends_with_the_outcome(api: Api) -> None:
    _, turn = ask(api, LiveTurns())
    assert turn.wait(20)
    view = turn.view
    assert view.finished and view.error is None and "26 weeks" in view.text
    assert view.outcome is not None and view.outcome.citations and view.steps


def test_takes_a_broken_stream_up_where_it_broke(api: Api, fake: FakeApi) -> None:
    fake.world.faults.cut_chat = 1
    _, turn = ask(api, LiveTurns())
    assert turn.wait(30)
    assert turn.view.error is None and turn.view.outcome is not None
    assert turn.view.text.count("26 weeks") == 1


def test_keeps_why_there_is_no_answer(api: Api, fake: FakeApi) -> None:
    fake.world.faults.refuse_chat = 1
    _, turn = ask(api, LiveTurns())
    assert turn.wait(20)
    assert isinstance(turn.view.error, ApiRefused) and turn.view.error.temporary


def test_stops_and_keeps_what_was_said(api: Api, fake: FakeApi) -> None:
    _takes_long(fake)
    conversation, turn = ask(api, LiveTurns())
    until(lambda: turn.view.text, turn)
    turn.stop()
    assert turn.wait(20)
    stored = api.conversation(conversation).turns[0]
    assert stored.status == "stopped" and stored.answer is not None
    assert stored.answer.answer == turn.view.text and "26 weeks" not in turn.view.text


def test_stops_an_answer_that_has_not_begun(api: Api, fake: FakeApi) -> None:
    fake.world.word_s = 0.1
    _, turn = ask(api, LiveTurns())
    turn.stop()
    assert turn.wait(20)
    assert turn.view.finished


def test_reads_attached_files_first_and_says_so(api: Api, fake: FakeApi) -> None:
    fake.world.reading_s = 600.0
    conversation = api.add_conversation()
    files = [("bees.md", io.BytesIO(b"A hive holds forty thousand bees."), "text/markdown")]
    attached = [one.document for one in api.attach(conversation, files).documents]
    turn = LiveTurns().start(api, Question("How many bees does a hive hold?", conversation), attached)
    until(lambda: "bees.md" in turn.view.waiting, turn)
    for document in fake.world.documents.values():
        document.reading_s = 0.0
    assert turn.wait(60)
    assert "forty thousand" in turn.view.text


def test_follows_an_answer_that_another_process_began(api: Api, fake: FakeApi) -> None:
    _takes_long(fake)
    conversation = api.add_conversation()
    events = api.ask(Question(QUESTION, conversation))
    next(events)
    (running,) = api.conversation(conversation).turns
    assert running.status == "running" and running.answer is None
    turn = LiveTurns().start(api, Question(QUESTION, conversation), running_id=running.id)
    fake.world.word_s = 0.0
    assert turn.wait(60)
    assert "26 weeks" in turn.view.text and turn.turn_id == running.id


def test_ends_quietly_when_the_server_has_let_go_of_the_stream(api: Api) -> None:
    conversation = api.add_conversation()
    turn = LiveTurns().start(api, Question(QUESTION, conversation), running_id="0" * 32)
    assert turn.wait(20)
    assert turn.view.finished and turn.view.error is None


def test_runs_one_answer_per_conversation(api: Api, fake: FakeApi) -> None:
    _takes_long(fake)
    turns = LiveTurns()
    conversation, first = ask(api, turns)
    assert turns.start(api, Question("Another?", conversation)) is first
    first.stop()
    first.wait(20)


def test_is_found_again_by_the_same_session_only(api: Api, fake: FakeApi) -> None:
    turns = LiveTurns()
    conversation, turn = ask(api, turns)
    other = Api(api.http, fake.world.sign_in(user(fake.world, "ben")))
    assert turns.find(api, conversation) is turn
    assert turns.find(other, conversation) is None
    assert turns.find(api, None) is None
    turns.forget(api, conversation)
    assert turns.find(api, conversation) is None
    turn.wait(20)
