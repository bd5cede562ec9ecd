"""The Models page, run in process against the stand-in API."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from ui.fake_api import World
from ui.models import ensembles, page
from ui.wire import ModelInfo

OpenPage = Callable[..., AppTest]


def shown(app: AppTest) -> str:
    kinds = (app.title, app.markdown, app.caption, app.info, app.success, app.error, app.header)
    return "\n".join(str(one.value) for kind in kinds for one in kind).replace("\\", "")


def press(app: AppTest, key: str) -> None:
    next(one for one in app.button if one.key == key).click().run()


def models_page(open_page: OpenPage) -> AppTest:
    app = open_page("ada")
    app.switch_page("app_pages/models.py").run()
    assert not app.exception
    return app


def test_it_shows_models_with_their_figures(open_page: OpenPage) -> None:
    text = shown(models_page(open_page))
    assert "qwen3-8b" in text and "96 tokens/s" in text and "first word after 0.3 s" in text
    assert "5 being answered, 2 waiting in line" in text
    assert "0.42 for 1,000 answers" in text and "Load balance" in text and "self-consistency" in text


def test_it_shows_for_each_kind_of_request_what_guessing_brings(open_page: OpenPage) -> None:
    text = shown(models_page(open_page))
    assert "**All requests together**: on. 61% of guesses right, 3.4 tokens a step" in text
    cited = "431 answers, at least 48% of guesses right, 2.9 tokens a step, 118 tokens/s with, 71 without"
    assert f"**grounded answer**: on. {cited}" in text
    assert "**plain chat**: off. 62 answers" in text and "**condense**: being tried. 2 answers" in text


def test_guessing_is_measured_and_what_to_do_about_it_is_said(open_page: OpenPage, world: World) -> None:
    app = models_page(open_page)
    assert "loses at plain chat" not in shown(app)
    press(app, "measure-guessing")
    text = shown(app)
    assert world.guessing_measured and "Guessing loses at plain chat." in text
    assert "431 answers, 48% of guesses right" in text  # exact, as vLLM counts them


def test_an_adapter_is_unloaded_and_one_that_cannot_be_loaded_says_why(open_page: OpenPage, world: World) -> None:
    app = models_page(open_page)
    press(app, "load-finance-1f3a")
    assert not world.adapters["finance-1f3a"].loaded and not app.exception
    assert "rank is 512" in shown(app)
    assert next(one for one in app.button if one.key == "load-legal-0b42").disabled


def test_a_model_is_switched_off(open_page: OpenPage, world: World) -> None:
    app = models_page(open_page)
    next(one for one in app.toggle if one.key == "model-on-smollm2-135m").set_value(False).run()
    assert world.models_off == {"smollm2-135m"} and "Switched off" in shown(app)


def test_an_ensemble_is_switched_off_and_shows_whether_it_is_worth_its_cost(open_page: OpenPage, world: World) -> None:
    app = models_page(open_page)
    assert "5 answers of one model, of which most agree on one: assistant (5 times)" in shown(
        app
    ) and "has not been measured here" in shown(app)
    next(one for one in app.toggle if one.key == "ensemble-on-self-consistency").set_value(False).run()
    assert world.models_off == {"self-consistency"} and not app.exception
    world.worth = {"verdict": "better", "sentence": "Better than all alone", "current": False}
    text = shown(app.run())
    assert "green[Better than all alone]" in text and "members have changed" in text


def test_it_reads_the_questions_of_a_measurement() -> None:
    line = '{"question": "Why?", "answer": "Because"}'
    assert ensembles.read(f"{line}\n\n{line}") == [{"question": "Why?", "answer": "Because"}] * 2
    for wrong in ("", "\n", f"{line}\nWhy?", "[1]", '{"question": "Why?"}'):
        with pytest.raises(ValueError, match="form"):
            ensembles.read(wrong)


def test_it_tells_who_would_be_asked(open_page: OpenPage) -> None:
    app = models_page(open_page)
    next(one for one in app.text_input if one.label == "A question").set_value("When does the gym open?")
    next(one for one in app.button if one.label == "Try").click().run()
    assert "Rule “easy”" in shown(app)


def test_a_learned_policy_is_trained_acts_only_when_better_and_goes_back(open_page: OpenPage, world: World) -> None:
    app = models_page(open_page)
    assert "The rules above decide." in shown(app)
    press(app, "train-policy")
    press(app, "train-policy")
    assert [one["id"] for one in world.policies] == ["p2", "p1"] and "not shown to be better" in shown(app)
    assert {one.key for one in app.button if one.key and one.key.startswith("policy-act")} == {"policy-act-p1"}
    press(app, "policy-act-p1")
    assert world.policy == "p1" and "chooses for low-stakes questions" in shown(app)
    press(app, "policy-rollback")
    assert world.policy is None and not app.exception


def test_two_models_answer_the_same_question_beside_each_other(open_page: OpenPage) -> None:
    app = models_page(open_page)
    next(one for one in app.text_input if one.label == "A question for all of them").set_value("Why?")
    next(one for one in app.button if one.label == "Ask them").click().run()
    said = [str(one.value) for one in app.text]
    assert not app.exception and said == ["qwen3-8b says: Why?", "smollm2-135m says: Why?"]
    assert "first word after 0.30 s · 96 tokens/s · 12 tokens in 0.50 s" in shown(app)


def test_it_says_what_the_breaker_does() -> None:
    assert page._breaker(ModelInfo(name="a")) == ""
    assert "tried again in 7 s" in page._breaker(ModelInfo(name="a", breaker="open", tried_again_in_s=6.6))
    assert "being tried now" in page._breaker(ModelInfo(name="a", breaker="half-open"))


def test_tells_what_is_wrong_with_the_rules(open_page: OpenPage, world: World) -> None:
    world.models_problems.append("rules.yaml, line 7: ask cannot be used. Correct it.")
    app = open_page("ada", "models")
    assert not app.exception and any("line 7" in warning.value for warning in app.warning)
