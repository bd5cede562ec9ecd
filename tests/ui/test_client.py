"""The typed client against the stand-in: what comes back, and what errors become."""

from __future__ import annotations

import io

import httpx
import pytest

from ui.client import Api, Question
from ui.errors import ApiRefused, ApiUnreachable, SignedOut
from ui.fake_api import FakeApi
from ui.transport import connect
from ui.trouble import sentence


def test_signs_in_and_out(api: Api) -> None:
    session = Api(api.http).login("ben", "difference-engine")
    mine = Api(api.http, session.token)
    assert mine.me().name == "ben"
    mine.logout()
    with pytest.raises(SignedOut):
        mine.me()


def test_tells_a_wrong_password_from_an_ended_session(api: Api) -> None:
    with pytest.raises(ApiRefused, match="wrong") as caught:
        Api(api.http).login("ben", "nope")
    assert caught.value.status == 401
    with pytest.raises(ApiRefused, match="old password"):
        api.change_password("nope", "another-long-one")


def test_names_the_server_as_unreachable_when_nobody_listens() -> None:
    with connect("http://127.0.0.1:1") as pool, pytest.raises(ApiUnreachable, match="does not answer"):
        Api(pool).me()


def test_passes_on_what_the_server_says_and_when_to_come_back(api: Api, fake: FakeApi) -> None:
    fake.world.faults.refuse_chat = 1
    conversation = api.add_conversation()
    with pytest.raises(ApiRefused, match="Too many") as caught:
        list(api.ask(Question("Why?", conversation)))
    assert caught.value.temporary and caught.value.retry_after_s == 2


def test_says_so_when_an_answer_has_an_unknown_shape() -> None:
    transport = httpx.MockTransport(lambda _request: httpx.Response(200, json={"id": 7}))
    pool = httpx.Client(transport=transport, base_url="http://127.0.0.1")
    with pytest.raises(ApiRefused, match="same version"):
        Api(pool).me()


def test_survives_an_error_page_that_is_no_json() -> None:
    transport = httpx.MockTransport(lambda _request: httpx.Response(502, text="<html>Bad gateway</html>"))
    with pytest.raises(ApiRefused, match="502"):
        Api(httpx.Client(transport=transport, base_url="http://127.0.0.1")).collections()


def test_never_shows_the_token(api: Api) -> None:
    assert api.token and api.token not in repr(api)


def test_says_once_when_to_try_again() -> None:
    told = ApiRefused(429, "Too many", "Too many wrong passwords; try again in 14 minutes.", "slow", 833)
    assert sentence(told) == "Too many wrong passwords; try again in 14 minutes."
    untold = ApiRefused(429, "Busy", "All places are taken.", "overloaded", 2)
    assert sentence(untold) == "All places are taken. Try again in 2 seconds."


def test_hands_files_in_and_reports_the_refused_ones(api: Api) -> None:
    made = api.add_collection("New", "Fresh", ["everyone"])
    files = [
        ("a/leave.md", io.BytesIO(b"# Leave\n\nTwo weeks."), "text/markdown"),
        ("run.exe", io.BytesIO(b"MZ"), "application/octet-stream"),
    ]
    upload = api.upload(made.id, files)
    assert [one.path for one in upload.documents] == ["a/leave.md"]
    assert [one.path for one in upload.refused] == ["run.exe"]
    (document,) = api.documents(made.id, "ready", "", 10, 0).documents
    assert document.title == "leave.md" and api.document_text(document.id).startswith("# Leave")
    (chunk,) = api.chunks(document.id, 0, 10).chunks
    api.enable_chunk(chunk.id, False)
    assert not api.search("two weeks", ["New"], 5).results
    api.act_on_documents("delete", [document.id])
    (refused,) = api.documents(made.id, "", "", 10, 0).documents
    assert refused.is_refused and refused.reason == upload.refused[0].reason
    api.act_on_documents("delete", [refused.id])
    assert api.documents(made.id, "", "", 10, 0).total == 0


def test_asks_and_gets_an_answer_with_its_citations(api: Api) -> None:
    conversation = api.add_conversation()
    events = list(api.ask(Question("How long does parental leave last?", conversation)))
    assert "26 weeks" in "".join(event.text for event in events)
    outcome = events[-1].outcome
    assert outcome is not None and outcome.citations[0].title == "handbook.md"
    (turn,) = api.conversation(conversation).turns
    assert turn.answer is not None and turn.answer.citations == outcome.citations
    place = api.passage(outcome.citations[0].chunk, 1)
    assert "26 weeks" in place.text and "eight weeks before" in place.after


def test_keeps_versions_of_a_turn(api: Api) -> None:
    conversation = api.add_conversation()
    list(api.ask(Question("How long does parental leave last?", conversation)))
    first = api.conversation(conversation).turns[0]
    list(api.ask(Question("What is paid for a hotel night?", conversation, replace_turn=first.id)))
    (shown,) = api.conversation(conversation).turns
    assert (shown.version, shown.versions) == (2, 2) and "hotel" in shown.question
    api.change_conversation(conversation, {"show_turn": first.id})
    assert api.conversation(conversation).turns[0].question == first.question


def test_keeps_a_rating(api: Api) -> None:
    conversation = api.add_conversation()
    list(api.ask(Question("How long does parental leave last?", conversation)))
    turn = api.conversation(conversation).turns[0]
    api.rate(turn.id, "down", "Incomplete", "Which pay?")
    answer = api.conversation(conversation).turns[0].answer
    assert answer is not None and answer.feedback is not None and answer.feedback.comment == "Which pay?"


def test_lists_more_conversations_than_the_api_does_at_once(api: Api) -> None:
    made = [api.add_conversation() for _ in range(230)]
    for one, change in zip(made, ({"folder": "Bees"}, {"pinned": True}, {"pinned": True}), strict=False):
        api.change_conversation(one, change)
    assert {head.id for head in api.conversations("", 300)} == set(made)
    assert len(api.conversations("", 210)) == 213  # those that come first count in addition
