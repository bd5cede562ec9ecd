"""The pages, run in process against the stand-in API."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from markdown_it import MarkdownIt
from streamlit.testing.v1 import AppTest

from ui.fake_api import FakeApi, World
from ui.fake_api.world import Script
from ui.live import LIVE

from .conftest import HANDBOOK, user

OpenPage = Callable[..., AppTest]
QUESTION = "How long does parental leave last?"


def drawn(app: AppTest, prefix: str) -> list[dict[str, Any]]:
    """Return what was handed to our own elements whose key starts with `prefix`."""
    return [json.loads(one.proto.json)[0] for one in app.get("bidi_component") if (one.key or "").startswith(prefix)]


def labels(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


def shown(app: AppTest) -> str:
    """Return all text of a page, our own elements' data included."""
    kinds = (app.title, app.markdown, app.text, app.caption, app.error, app.info, app.header)
    plain = [str(one.value) for kind in kinds for one in kind]
    return "\n".join([*plain, *labels(app), *(one.proto.json for one in app.get("bidi_component"))])


def field(app: AppTest, label: str) -> Any:
    """Return the text field whose label begins so."""
    return next(one for one in app.text_input if one.label.startswith(label))


def press(app: AppTest, label: str) -> None:
    """Press the button with that label."""
    next(one for one in app.button if one.label == label).click().run()


def ask(app: AppTest, text: str) -> AppTest:
    """Ask, and run the page until the stored answer is shown."""
    app.chat_input[0].set_value(text).run()
    for _ in range(200):
        if not app.chat_input[0].disabled and not drawn(app, "answer-live"):
            return app
        for turn in list(LIVE._turns.values()):
            turn.wait(0.2)
        app.run()
    raise AssertionError("the answer did not end")


def test_greets_with_questions_about_what_one_may_read(open_page: OpenPage) -> None:
    app = open_page("ben")
    assert not app.exception
    assert "ben" in app.title[0].value and "1 document" in shown(app)
    assert any("handbook" in label for label in labels(app)) and "merger" not in shown(app)


def test_tells_a_newcomer_what_to_do(open_page: OpenPage, world: World) -> None:
    world.documents.clear()
    world.collections.clear()
    assert "Attach a file" in shown(open_page("ben"))
    assert any("Add your first" in link.label for link in open_page("ada").page_link)


def test_answers_with_citations_and_keeps_them_over_a_reload(open_page: OpenPage) -> None:
    app = ask(open_page(), QUESTION)
    assert not app.exception
    (answer,) = drawn(app, "answer-")
    assert "26 weeks" in json.dumps(answer["blocks"]) and answer["citations"][0]["title"] == "handbook.md"
    assert "1 passage" in answer["headline"] or "2 passages" in answer["headline"]
    again = open_page(query={"c": app.query_params["c"]})
    assert drawn(again, "answer-") == [answer]
    assert any(QUESTION in label.replace("\\", "") for label in labels(again))


def test_shows_a_picture_that_a_skill_had_made_and_lets_it_be_saved(open_page: OpenPage, world: World) -> None:
    world.scripts.append(Script("draw me", "Here is the picture: a red fox", draws="a red *fox*"))
    app = ask(open_page(), "Draw me a picture of a red fox")
    assert not app.exception and not app.error
    assert len(app.get("image")) == 1
    assert [button.label for button in app.get("download_button")] == ["Save the picture"]
    again = open_page(query={"c": app.query_params["c"]})
    assert len(again.get("image")) == 1  # stored with the answer


def told(parts: list[dict[str, Any]]) -> str:
    return "".join(part["text"] for part in parts)


def test_opens_a_source_beside_the_answer(open_page: OpenPage) -> None:
    app = ask(open_page(), QUESTION)
    (answer,) = drawn(app, "answer-")
    turn_id = next(one.key for one in app.get("bidi_component") if (one.key or "").startswith("answer-"))[7:]
    app.session_state["source"] = (answer["citations"][0]["chunk"], 1, turn_id)
    app.run()
    (passage,) = drawn(app, "source-passage")
    assert "26 weeks" in told(passage["text"]) and "eight weeks" in told(passage["after"])
    app.button(key="source-close").click().run()
    assert not drawn(app, "source-passage")


def test_a_source_is_on_the_page_that_the_answer_rests_on(open_page: OpenPage, world: World) -> None:
    app = ask(open_page(), QUESTION)
    ((turn_id, turn),) = next(iter(world.conversations.values())).turns.items()
    cited = turn.answer["citations"][0]  # type: ignore[index]
    cited["page"] = 8  # type: ignore[index]  # its passage begins elsewhere
    again = open_page(query={"c": app.query_params["c"]})
    again.session_state["source"] = (cited["chunk"], 1, turn_id)  # type: ignore[index]
    assert "Page 8" in shown(again.run())


def test_says_when_there_is_no_answer_and_offers_the_closest_passages(open_page: OpenPage) -> None:
    app = ask(open_page(), "Which hotel has the best breakfast in Paris?")
    (answer,) = drawn(app, "answer-")
    assert "could not find" in json.dumps(answer["blocks"]) and not answer["citations"]
    assert answer["nearest"][0]["title"] == "handbook.md"


def test_shows_nothing_of_what_one_may_not_read(open_page: OpenPage) -> None:
    app = ask(open_page("ben"), "When does the merger with Globex close?")
    text = shown(app)
    assert "May" not in text and "merger.md" not in text and "Board" not in text
    admin = ask(open_page("ada"), "When does the merger with Globex close?")
    assert "merger.md" in shown(admin)
    other = open_page("ben", query={"c": admin.query_params["c"]})
    assert "merger.md" not in shown(other) and "c" not in other.query_params


def test_marks_an_answer_that_is_not_as_usual(open_page: OpenPage, world: World) -> None:
    world.scripts.append(Script("fallback", "From the handbook.", cite=1, degraded=True))
    world.scripts.append(Script("takeover", "So.", notice="Another model finished this answer."))
    (answer,) = drawn(ask(open_page(), "fallback: parental leave?"), "answer-")
    assert "word for word" in answer["notice"] and answer["tone"] == "warn"
    (answer,) = drawn(ask(open_page(), "takeover?"), "answer-")
    assert answer["notice"] == "Another model finished this answer."


def test_shows_a_temporary_error_in_the_turn_with_a_way_to_try_again(open_page: OpenPage, fake: FakeApi) -> None:
    fake.world.faults.refuse_chat = 1
    app = ask(open_page(), QUESTION)
    assert "Too many questions" in shown(app) and "2 seconds" in shown(app)
    app.button(key="again-live").click().run()
    for _ in range(50):
        if drawn(app, "answer-") and not drawn(app, "answer-live"):
            break
        for turn in list(LIVE._turns.values()):
            turn.wait(0.2)
        app.run()
    assert "26 weeks" in json.dumps(drawn(app, "answer-"))


def test_gives_a_question_back_that_could_not_be_sent(open_page: OpenPage, fake: FakeApi) -> None:
    app = open_page()
    fake.world.faults.down = True
    app.chat_input[0].set_value(QUESTION).run()
    assert not app.exception and "server is starting" in shown(app).lower()
    fake.world.faults.down = False
    app.run()
    assert app.chat_input[0].value == QUESTION
    assert not drawn(app, "answer-")  # it waits to be sent, it is not sent again by itself


def test_regenerates_edits_and_switches_between_versions(open_page: OpenPage) -> None:
    app = ask(open_page(), QUESTION)

    def wait() -> None:
        for _ in range(100):
            for turn in list(LIVE._turns.values()):
                turn.wait(0.2)
            app.run()
            if drawn(app, "answer-") and not drawn(app, "answer-live"):
                return

    press(app, "Regenerate")
    wait()
    assert any("2 / 2" in caption.value for caption in app.caption)
    press(app, "Edit question")
    app.text_area[0].set_value("What is paid for a hotel per night?")
    press(app, "Ask again")
    wait()
    assert "140 euros" in json.dumps(drawn(app, "answer-")) and any("3 / 3" in one.value for one in app.caption)
    press(app, "Earlier version")
    assert "26 weeks" in json.dumps(drawn(app, "answer-")) and any("2 / 3" in one.value for one in app.caption)


def test_takes_a_rating_with_its_reason(open_page: OpenPage, world: World) -> None:
    app = ask(open_page(), QUESTION)
    app.feedback[0].set_value(0).run()
    field(app, "Tell more").set_value("Which pay?")
    press(app, "Send")
    (turn,) = next(iter(world.conversations.values())).turns.values()
    assert (turn.rating, turn.comment) == ("down", "Which pay?")
    app.feedback[0].set_value(1).run()
    assert turn.rating == "up" and not app.exception


def test_draws_only_the_last_turns_of_a_long_conversation(open_page: OpenPage, fake: FakeApi) -> None:
    app = ask(open_page(), QUESTION)
    conversation = next(iter(fake.world.conversations.values()))
    for number in range(30):
        turn = type(conversation.turns[conversation.head or ""])(
            question=f"Question {number}", parent=conversation.head, answer={"answer": str(number)}, status="done"
        )
        conversation.turns[turn.id] = turn
        conversation.head = turn.id
    app = open_page(query={"c": conversation.id})
    assert len(drawn(app, "answer-")) == 8
    app.button(key="earlier").click().run()
    assert len(drawn(app, "answer-")) == 16


def test_pins_and_searches_conversations(open_page: OpenPage, world: World) -> None:
    app = ask(open_page(), QUESTION)
    conversation = next(iter(world.conversations.values()))
    app.menu_button(key=f"menu-{conversation.id}").click("Pin").run()
    assert conversation.pinned and any(caption.value == "Pinned" for caption in app.caption)
    app.text_input(key="history-search").set_value("zebra").run()
    assert "No conversation matches" in shown(app)


def test_hostile_names_stay_text(open_page: OpenPage, world: World) -> None:
    evil = "![x](https://evil.example/a.png) :red[hi] <img src=x onerror=alert(1)>"
    world.add_document(world.add_collection(evil, ("everyone",), evil), f"{evil}.md", HANDBOOK)
    world.groups.append("![g](https://evil.example/g.png)")
    for app in (open_page(), open_page(script="documents"), open_page(script="people")):
        assert not app.exception
        for text in [one.label for one in app.button] + [str(one.value) for one in (*app.markdown, *app.caption)]:
            html = MarkdownIt("commonmark").render(text)
            assert "<img" not in html and "href=" not in html and ":red[" not in text


@pytest.mark.parametrize("script", ["documents", "people", "status", "account"])
def test_opens_every_page(open_page: OpenPage, script: str) -> None:
    app = open_page(script=script)
    assert not app.exception and not app.error


def test_keeps_ordinary_people_from_the_administrators_pages(open_page: OpenPage) -> None:
    app = open_page("ben")
    assert not [link for link in app.page_link if link.label in ("People", "Status")]
    with pytest.raises(ValueError, match="people"):
        open_page("ben", script="people")


def test_lists_collections_with_their_readers(open_page: OpenPage) -> None:
    text = shown(open_page(script="documents"))
    assert "Handbook" in text and "Everyone" in text and "managers" in text
    assert "Board" not in shown(open_page("ben", script="documents"))


def collection_page(open_page: OpenPage, world: World, view: str = "Documents", name: str = "ada") -> AppTest:
    handbook = next(iter(world.collections))
    return open_page(name, script="documents", query={"collection": handbook, "view": view})


def test_says_why_a_web_address_was_not_taken(open_page: OpenPage, world: World) -> None:
    app = collection_page(open_page, world)
    app.segmented_control(key="add-how").set_value("Web address").run()
    field(app, "Address of a page").set_value("https://nowhere.invalid/a")
    press(app, "Add")
    assert not app.exception and not app.toast
    assert "nowhere" in shown(app) and "could not be found" in shown(app)
    field(app, "Address of a page").set_value("https://there.example/a")
    press(app, "Add")
    assert "was fetched and is being read" in app.toast[0].value
    assert "refused-seen" not in [button.key for button in app.button]


def test_takes_uploads_and_tells_what_was_refused(open_page: OpenPage, world: World) -> None:
    app = collection_page(open_page, world)
    app.file_uploader[0].upload("trial.md", b"# Trial\n\nSix months.").upload("virus.exe", b"MZ").run()
    assert not app.exception
    assert any(document.title == "trial.md" for document in world.documents.values())
    assert "virus" in shown(app) and "cannot be read" in shown(app)
    rows = drawn(app, "documents-table")[0]["rows"]
    assert {row["title"]: row["label"] for row in rows[:2]} == {"virus.exe": "Refused", "trial.md": "Ready"}


def test_says_how_large_a_document_and_a_file_of_a_chat_may_be(open_page: OpenPage, world: World) -> None:
    assert collection_page(open_page, world).file_uploader[0].proto.max_upload_size_mb == 1024
    assert open_page().chat_input[0].proto.max_upload_size_mb == 95  # 100,000,000 bytes


def test_hands_many_documents_over_in_requests_that_the_server_takes(open_page: OpenPage, world: World) -> None:
    app = collection_page(open_page, world)
    for n in range(7):  # the stand-in takes three at a time
        app.file_uploader[0].upload(f"n{n}.md", b"# N")
    app.run()
    assert not app.exception and "7 documents are safe" in app.toast[0].value
    assert {f"n{n}.md" for n in range(7)} <= {document.title for document in world.documents.values()}


def test_keeps_a_refused_file_in_the_list_with_nothing_but_its_reason(open_page: OpenPage, world: World) -> None:
    row = world.documents[next(iter(world.documents))]
    row.reason, row.media_type = "It is protected by a password.", ""
    app = collection_page(open_page, world)
    assert drawn(app, "documents-table")[0]["rows"][0]["reason"] == "It is protected by a password."
    app.session_state["documents-table"] = {"selected": [row.id]}
    app.run()
    assert app.button(key="bulk-delete") and "bulk-retry" not in [button.key for button in app.button]
    page = open_page(script="documents", query={"document": row.id})
    assert "protected by a password" in shown(page) and "Nothing of a refused file is kept" in shown(page)
    assert {button.key for button in page.button} & {"reread", "delete-document"} == {"delete-document"}


def test_acts_on_several_documents_at_once(open_page: OpenPage, world: World) -> None:
    document = next(iter(world.documents.values()))
    document.reason = "It is broken."
    app = collection_page(open_page, world)
    assert drawn(app, "documents-table")[0]["rows"][0]["reason"] == "It is broken."
    app.session_state["documents-table"] = {"selected": [document.id]}
    app.run()
    app.button(key="bulk-retry").click().run()
    assert document.reason is None


def test_shows_how_far_a_document_has_been_read(open_page: OpenPage, world: World) -> None:
    document = next(iter(world.documents.values()))
    document.reading_s, document.started_at = 100.0, document.started_at - 50.0
    row = drawn(collection_page(open_page, world), "documents-table")[0]["rows"][0]
    assert row["status"] == "running" and "%" in row["note"] and "left" in row["note"]


def test_tries_the_search_of_a_collection_with_the_scores_of_each_stage(open_page: OpenPage, world: World) -> None:
    app = collection_page(open_page, world, "Search test")
    field(app, "What would").set_value("parental leave weeks")
    press(app, "Search")
    hits = drawn(app, "search-hits")[0]["items"]
    assert hits[0]["title"] == "handbook.md" and {score["name"] for score in hits[0]["scores"]} >= {"Meaning", "Words"}


def test_says_of_a_search_that_a_stage_could_not_look(open_page: OpenPage, world: World) -> None:
    world.faults.half_searched = "The keyword index is being made anew; only similar passages were looked for."
    app = collection_page(open_page, world, "Search test")
    field(app, "What would").set_value("parental leave weeks")
    press(app, "Search")
    assert "only similar passages" in app.warning[0].value and drawn(app, "search-hits")[0]["items"]


def test_changes_who_may_read_a_collection(open_page: OpenPage, world: World) -> None:
    app = collection_page(open_page, world, "Access and settings")
    app.multiselect[0].set_value(["group:managers"] if "managers" in world.groups else [])
    press(app, "Save")
    assert next(iter(world.collections.values())).readers == []
    assert "Handbook" not in shown(open_page("ben", script="documents"))


def test_shows_a_document_beside_its_passages(open_page: OpenPage, world: World) -> None:
    document = next(iter(world.documents.values()))
    app = open_page(script="documents", query={"document": document.id})
    assert "26 weeks" in app.text[0].value
    items = drawn(app, "chunks-")[0]["items"]
    assert len(items) == 3 and items[0]["switchable"] and items[0]["enabled"]
    reader = open_page("ben", script="documents", query={"document": document.id})
    assert not drawn(reader, "chunks-")[0]["items"][0]["switchable"]
    secret = list(world.documents.values())[1]
    assert "does not exist" in shown(open_page("ben", script="documents", query={"document": secret.id}))


def test_suspends_and_promotes_accounts(open_page: OpenPage, world: World) -> None:
    ben = user(world, "ben")
    app = open_page(script="people")
    app.menu_button(key=f"menu-{ben.id}").click("Suspend").run()
    assert not ben.active and "Suspended" in shown(app)
    app.menu_button(key=f"menu-{ben.id}").click("Let in again").run()
    app.menu_button(key=f"menu-{ben.id}").click("Make administrator").run()
    assert ben.active and ben.is_admin
    own = app.menu_button(key=f"menu-{user(world, 'ada').id}")
    assert "Suspend" not in own.options and "Delete" not in own.options


def test_makes_groups(open_page: OpenPage, world: World) -> None:
    app = open_page(script="people", query={"people": "Groups"})
    field(app, "Name of a new group").set_value("support")
    press(app, "Add group")
    assert world.groups == ["support"] and "Nobody yet" in shown(app)


def test_makes_shows_once_and_revokes_a_key(open_page: OpenPage, world: World) -> None:
    app = open_page("ben", script="account")
    field(app, "Name of a new key").set_value("Nightly report")
    press(app, "Create key")
    secret = next(str(key["secret"]) for key in world.keys.values())
    assert secret in [code.value for code in app.code]
    app.button(key="made-key-seen").click().run()
    assert secret not in [code.value for code in app.code] and "Nightly report" in shown(app)
    press(app, "Revoke")
    assert not world.keys


def test_goes_to_the_sign_in_page_when_the_session_has_ended(open_page: OpenPage, fake: FakeApi) -> None:
    app = open_page("ben")
    fake.world.tokens.clear()
    app.run()
    assert drawn(app, "go-")[0] == {"to": "/sign-in", "post": ""}


def test_says_that_the_server_does_not_answer(open_page: OpenPage, fake: FakeApi) -> None:
    app = open_page("ben")
    fake.world.faults.down = True
    app.run()
    assert not app.exception and "cannot be shown" in shown(app) and app.button(key="trouble-again")
