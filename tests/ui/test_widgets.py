"""The Widgets page, run in process against the stand-in API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from ui.client import Api
from ui.fake_api import FakeApi
from ui.fake_api.records import FakeSkill
from ui.widgets.edit import lines
from ui.widgets.preview import address

OpenPage = Callable[..., AppTest]


def by_label(found: Any, label: str) -> Any:
    return next(one for one in found if one.label == label)


def words(app: AppTest) -> str:
    kinds = (app.title, app.markdown, app.text, app.caption, app.error, app.info, app.warning, app.subheader)
    return "\n".join(str(one.value) for kind in kinds for one in kind)


def made(fake: FakeApi, api: Api) -> str:
    return api.add_widget("Help", {"origins": ["https://www.example.com"]}).id


def test_it_says_what_a_widget_is_while_there_is_none(open_page: OpenPage) -> None:
    assert "No widgets yet" in words(open_page(script="widgets"))


def test_it_lists_widgets_with_their_sites_and_state(open_page: OpenPage, fake: FakeApi, api: Api) -> None:
    made(fake, api)
    app = open_page(script="widgets")
    assert "www.example.com" in words(app).replace("\\", "") and "7 questions today" in words(app)


def test_somebody_without_the_right_sees_no_such_page(open_page: OpenPage) -> None:
    with pytest.raises(ValueError, match="Could not find"):
        open_page("ben", "widgets")


def test_it_keeps_what_was_typed_on_save(open_page: OpenPage, fake: FakeApi, api: Api) -> None:
    widget = made(fake, api)
    app = open_page(script="widgets", query={"widget": widget})
    by_label(app.text_area, "Greeting").set_value("Hello!").run()
    by_label(app.text_area, "Suggested questions, one a line").set_value("When?\n\n Where? ").run()
    by_label(app.toggle, "Visitors without a sign-in may chat").set_value(False).run()
    by_label(app.button, "Save").click().run()
    profile = api.widgets()[0].profile
    assert profile.words.greeting == "Hello!" and profile.words.questions == ("When?", "Where?")
    assert not profile.anonymous and profile.origins == ("https://www.example.com",)


def test_it_says_which_collections_visitors_read_nothing_of(open_page: OpenPage, fake: FakeApi, api: Api) -> None:
    fake.world.collections.clear()
    fake.world.add_collection("Inside", ("everyone",))
    app = open_page(script="widgets", query={"widget": made(fake, api)})
    assert "No collection is open to visitors yet" in words(app) and "“Visitors without an account”" in words(app)
    fake.world.add_collection("Shop", ("public",))
    app.run()
    assert "open to visitors yet" not in words(app)
    by_label(app.multiselect, "Collections it answers from").set_value(["Inside", "Shop"]).run()
    assert "Not open to visitors yet: Inside. " in words(app)


def test_it_keeps_what_visitors_may_do_and_what_is_kept_of_them(open_page: OpenPage, fake: FakeApi, api: Api) -> None:
    skill = "create_ticket"
    fake.world.skills[skill] = FakeSkill(skill, "Open a ticket.", "builtin:tickets", "write")
    app = open_page(script="widgets", query={"widget": made(fake, api)})
    by_label(app.multiselect, "Skills that visitors may use").set_value([skill]).run()
    assert f"Not open to visitors yet: {skill}" in words(app).replace("\\", "")
    by_label(app.toggle, "Visitors may attach files").set_value(True).run()
    by_label(app.multiselect, "Kinds of files").set_value(["pdf"]).run()
    by_label(app.number_input, "Megabytes at once").set_value(2).run()
    by_label(app.number_input, "Days that transcripts are kept").set_value(30).run()
    before = api.widgets()[0].profile
    assert not before.learn and not before.attachments.allowed and before.keep_days == 0 and before.skills == ()
    by_label(app.button, "Save").click().run()
    profile = api.widgets()[0].profile
    assert profile.skills == (skill,) and profile.keep_days == 30 and not profile.learn
    assert profile.attachments.model_dump() == {
        "allowed": True, "max_files": 3, "max_megabytes": 2, "endings": ("pdf",)
    }  # fmt: skip


def test_it_deletes_a_conversation(open_page: OpenPage, fake: FakeApi, api: Api) -> None:
    app = opened(open_page(script="widgets", query={"widget": made(fake, api)}), "Transcripts")
    by_label(app.toggle, "Show the conversation").set_value(True).run()
    by_label(app.button, "Delete for good").click().run()
    assert "Nobody has asked anything yet." in words(app)


def test_it_says_why_something_was_not_kept(open_page: OpenPage, fake: FakeApi, api: Api) -> None:
    app = open_page(script="widgets", query={"widget": made(fake, api)})
    by_label(app.text_area, "Sites that may show it, one a line").set_value("https://a.example/path").run()
    by_label(app.button, "Save").click().run()
    assert any("is no origin" in one.value for one in app.error)


def test_it_switches_a_widget_on_and_off(open_page: OpenPage, fake: FakeApi, api: Api) -> None:
    app = open_page(script="widgets", query={"widget": made(fake, api)})
    by_label(app.button, "Switch on").click().run()
    assert api.widgets()[0].enabled
    by_label(app.button, "Switch off").click().run()
    assert not api.widgets()[0].enabled


def opened(app: AppTest, view: str) -> AppTest:
    app.session_state["widget-view"] = view
    return app.run()


def test_it_shows_a_secret_once(open_page: OpenPage, fake: FakeApi, api: Api) -> None:
    app = opened(open_page(script="widgets", query={"widget": made(fake, api)}), "Install")
    assert any("data-widget=" in one.value for one in app.code)
    by_label(app.button, "New key").click().run()
    assert any(one.value.startswith("wsk_") for one in app.code)
    by_label(app.button, "I have copied it").click().run()
    assert not any(one.value.startswith("wsk_") for one in app.code)
    by_label(app.button, "Retire").click().run()
    assert api.widgets()[0].keys == ()


def test_it_shows_what_visitors_said_and_who_asked_for_a_person(open_page: OpenPage, fake: FakeApi, api: Api) -> None:
    app = opened(open_page(script="widgets", query={"widget": made(fake, api)}), "Transcripts")
    assert "rated not helpful" in words(app)
    by_label(app.toggle, "Show the conversation").set_value(True).run()
    assert "At nine [1]." in words(app)
    app = opened(app, "Requests for a person")
    assert "status 500" in words(app)
    by_label(app.button, "Send again").click().run()
    assert "Passed on." in words(app)


def test_lines_leaves_out_empty_ones() -> None:
    assert lines(" a \n\n b\n") == ["a", "b"] and lines(None) == []


def test_the_preview_takes_any_text_in_its_address() -> None:
    found = address({"words": {"greeting": "</script>&\"'# ü"}})
    assert found.startswith("/door/widget-preview?profile=") and not set("<>&\"'# ") & set(found.partition("=")[2])
