"""The page Curated answers and what Status tells of answers without a model, against the stand-in API."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from ui.client import Api
from ui.errors import ApiRefused
from ui.fake_api import World
from ui.wire.curated import Draft

OpenPage = Callable[..., AppTest]
ONE: dict[str, object] = {
    "id": "c1", "questions": ["When is the canteen open?"], "answer": "From 11 to 14 [1].", "sources": ["x"],
    "citations": [], "sources_gone": [1], "readers": ["group:hr"], "enabled": False, "given": 7, "updated_at": 1.0,
}  # fmt: skip


def shown(app: AppTest) -> str:
    kinds = (app.title, app.markdown, app.text, app.caption, app.warning, app.info, app.subheader)
    return "\n".join(str(one.value) for kind in kinds for one in kind).replace("\\", "")


def test_it_shows_what_is_written_who_gets_it_and_what_is_wrong(open_page: OpenPage, world: World) -> None:
    app = open_page("ada", script="curated")
    assert not app.exception and "No answer is written yet." in shown(app)
    world.curated["c1"] = ONE
    app = open_page("ada", script="curated")
    text = shown(app)
    assert "When is the canteen open?" in text and "From 11 to 14 [1]." in text and "given 7 times" in text
    assert "source [1] is gone" in text and "Switched off" in text and "hr" in text


def test_the_form_and_the_question_before_deleting_open(open_page: OpenPage, world: World) -> None:
    world.curated["c1"] = ONE
    app = open_page("ada", script="curated")
    app.button(key="edit-curated-c1").click().run()
    assert not app.exception and app.text_area(key="answer-c1").value == "From 11 to 14 [1]."
    app = open_page("ada", script="curated")
    app.button(key="delete-curated-c1").click().run()
    assert not app.exception and "from the documents again" in shown(app)  # a dialog: the rest is the browser test's


def test_an_answer_is_written_changed_and_deleted(api: Api, world: World) -> None:
    source = next(iter(world.documents.values())).chunks[0].id
    api.write_curated(None, Draft(("When?", "At what time?"), "At nine [1].", (source,), ("everyone",), True))
    (one,) = api.curated()
    assert one.questions == ("When?", "At what time?") and one.citations[0].chunk == source
    api.write_curated(one.id, Draft(("When?",), "At ten.", (), ("group:hr",), False))
    (one,) = api.curated()
    assert (one.answer, one.readers, one.enabled, one.citations) == ("At ten.", ("group:hr",), False, ())
    with pytest.raises(ApiRefused, match="mark"):
        api.write_curated(None, Draft(("When?",), "At nine [1].", (), (), True))
    api.delete_curated(one.id)
    assert api.curated() == []


def test_status_tells_of_answers_without_a_model(open_page: OpenPage) -> None:
    app = open_page("ada", script="status")
    figures = {metric.label: metric.value for metric in app.metric}
    assert not app.exception and figures["From memory"] == "340" and figures["Hit rate"] == "23%"
    assert figures["Tokens saved"] == "268,400" and figures["Written by administrators"] == "58"
