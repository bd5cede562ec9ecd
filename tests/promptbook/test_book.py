"""The prompt book: versions, what is live where, and what a broken one costs."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from sqlalchemy import Engine, text

from assistant.models.fake import ScriptedModel
from assistant.orchestration.settings import PromptSettings
from assistant.promptbook import store
from assistant.promptbook.book import PromptBook, select
from assistant.promptbook.errors import NothingToRollBack, PromptBroken, PromptClash
from assistant.promptbook.parse import packaged
from assistant.types import Route
from tests.turn.conftest import bench, embedder  # noqa: F401 - fixtures

from .test_parse import CHAT, GOOD

DOMAIN, FALLBACK = Route("big", "law", "domain", ""), Route("small", None, "fallback", "")
BASE = packaged("grounded_answer") or ""


@pytest.fixture
def book(engine: Engine) -> PromptBook:
    return PromptBook(engine, PromptSettings())


def publish(book: PromptBook, text: str) -> int:
    name = book.checked(text).name
    n = book.add(name, text, "", "ann").n
    assert book.publish(name, n, "ann") is not None
    return n


async def test_a_new_version_is_live_from_the_next_question_on(engine: Engine, book: PromptBook) -> None:
    server = PromptBook(engine, PromptSettings())  # another process
    before = await server.chosen(FALLBACK)
    n = book.add("grounded_answer", BASE.replace("Be short", "Be brief"), "shorter", "ann").n
    assert (await server.chosen(FALLBACK)).version == before.version  # written, not live
    book.publish("grounded_answer", n, "ann")
    after = await server.chosen(FALLBACK)
    assert "Be brief" in after.grounded.system and after.version != before.version
    book.rollback("grounded_answer", "ann")
    assert (await server.chosen(FALLBACK)).version == before.version


async def test_a_route_gets_the_prompt_that_names_it_then_its_tier_then_what_ships(book: PromptBook) -> None:
    publish(book, GOOD)
    publish(book, GOOD.replace("legal_answer", "law_answer").replace("tiers: [domain]", "routes: [law]"))
    publish(book, CHAT)
    assert (await book.chosen(DOMAIN)).grounded.name == "law_answer"
    assert (await book.chosen(Route("x", None, "domain", ""))).grounded.name == "legal_answer"
    chosen = await book.chosen(FALLBACK)
    assert (chosen.grounded.name, chosen.plain.name) == ("grounded_answer", "plain_chat")
    assert (await book.chosen(DOMAIN)).plain.name == "tone"


def test_two_prompts_cannot_be_live_for_one_route(book: PromptBook) -> None:
    publish(book, GOOD)
    other = GOOD.replace("legal_answer", "rival_answer")
    n = book.add("rival_answer", other, "", "ann").n
    with pytest.raises(PromptClash, match="legal_answer"):
        book.publish("rival_answer", n, "ann")
    book.rollback("legal_answer", "ann")
    assert book.publish("rival_answer", n, "ann") is not None


async def test_a_prompt_for_no_route_is_used_where_it_is_named(book: PromptBook) -> None:
    assert "formal_answer" not in book.nameable() and book.nameable()["reasoned_answer"] == "answer"
    publish(book, GOOD.replace("legal_answer", "formal_answer").replace("[domain]", "[]"))
    assert book.nameable()["formal_answer"] == "answer" and not {"condense", "plain_chat"} & set(book.nameable())
    assert (await book.chosen(DOMAIN)).grounded.name == "grounded_answer"
    named = await book.chosen(FALLBACK, "formal_answer")
    assert (named.grounded.name, named.strict.name) == ("formal_answer", "strict_answer")
    for unusable in ("condense", "nothing"):
        assert await book.chosen(FALLBACK, unusable) == await book.chosen(FALLBACK)
    book.rollback("formal_answer", "ann")
    assert (await book.chosen(FALLBACK, "formal_answer")).grounded.name == "grounded_answer"


async def test_a_broken_version_is_refused_and_the_live_one_stays(book: PromptBook) -> None:
    publish(book, BASE.replace("Be short", "Be brief"))
    live = await book.chosen(FALLBACK)
    for broken in (BASE.replace("{question}", ""), "name: [", BASE + "x: y\n", GOOD):
        with pytest.raises(PromptBroken):
            book.add("grounded_answer", broken, "", "ann")
    assert len(book.history("grounded_answer")[0]) == 1 and (await book.chosen(FALLBACK)).version == live.version


async def test_a_live_version_broken_from_outside_costs_only_itself(engine: Engine, book: PromptBook) -> None:
    publish(book, CHAT)
    publish(book, BASE.replace("Be short", "Be brief"))
    with engine.begin() as connection:
        connection.execute(text("UPDATE prompt_versions SET text = 'name: [' WHERE name = 'grounded_answer'"))
    chosen = await PromptBook(engine, PromptSettings()).chosen(DOMAIN)
    assert "Be short" in chosen.grounded.system and chosen.plain.name == "tone"
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE prompt_publications"))
    assert (await book.chosen(DOMAIN)).plain.name == "tone"  # what it knew last


def test_it_rolls_back_step_by_step(book: PromptBook) -> None:
    for word in ("brief", "terse", "curt"):
        publish(book, BASE.replace("Be short", f"Be {word}"))
    seen = []
    for _ in range(3):
        entry = book.rollback("grounded_answer", "ann")
        assert entry is not None
        seen.append(entry.live)
    assert seen == [2, 1, 0]
    with pytest.raises(NothingToRollBack):
        book.rollback("grounded_answer", "ann")
    assert book.rollback("unheard_of", "ann") is None and book.publish("grounded_answer", 9, "ann") is None
    assert [one.n for one in book.history("grounded_answer")[1]] == [1, 2, 3, 2, 1, 0]


def test_it_tells_what_changed(book: PromptBook) -> None:
    publish(book, BASE.replace("Be short", "Be brief"))
    diff = book.diff("grounded_answer", 0, 1) or ""
    assert "--- grounded_answer@0" in diff and "\n+" in diff and "Be brief" in diff
    assert book.diff("grounded_answer", 1, 1) == ""
    assert book.diff("grounded_answer", 0, 7) is None


def test_it_lists_what_is_in_use_and_what_is_there_to_begin_with(book: PromptBook) -> None:
    publish(book, GOOD)
    entries = {entry.name: entry for entry in book.entries()}
    assert entries["grounded_answer"].live == 0 and entries["reasoned_answer"].live is None
    assert (entries["legal_answer"].live, entries["legal_answer"].tiers) == (1, ("domain",))
    assert book.text("reasoned_answer", None) == packaged("reasoned_answer")


async def test_what_ships_as_a_template_can_be_made_live(book: PromptBook) -> None:
    assert book.publish("reasoned_answer", 0, "ann") is not None
    assert (await book.chosen(DOMAIN)).grounded.answer_after == "Answer:"
    entry = book.rollback("reasoned_answer", "ann")
    assert entry is not None and entry.live is None
    assert (await book.chosen(DOMAIN)).grounded.name == "grounded_answer"


async def test_reasoning_is_a_step_and_never_part_of_the_answer(book: PromptBook, bench: Any) -> None:  # noqa: F811
    book.publish("reasoned_answer", 0, "ann")
    reply = "Thoughts: Passage 2 is about leave.\nAnswer: Employees get 25 days of paid leave per year [2]."
    model = ScriptedModel([reply])
    made = bench(model, route=Route("large", None, "domain", ""))
    made.turns._source = book
    ran = await made.ask("How many days of paid leave do employees get?")
    assert ran.text.startswith("Employees get 25 days") and "Thoughts" not in ran.text
    (reason,) = [step.detail for step in ran.answer.steps if step.name == "reason"]
    assert "Passage 2" in reason and ran.answer.route.strategy == "reasoned_answer"


async def test_the_examples_closest_to_a_question_stand_before_it(book: PromptBook, bench: Any) -> None:  # noqa: F811
    bank = [("How long is the warranty?", "two years"), ("When does unused leave expire?", "in March")]
    examples = [{"passages": [{"text": "T"}], "question": asked, "answer": said} for asked, said in bank]
    publish(book, GOOD + yaml.safe_dump({"examples": examples, "examples_shown": 1}))
    model = ScriptedModel(["Employees get 25 days of paid leave per year [1]."] * 2)
    made = bench(model, route=Route("large", None, "domain", ""))
    made.turns._source = book
    await made.ask("How many days of paid leave do employees get?")
    said = [message.content for message in model.requests[-1].messages]
    assert "in March" in said and "two years" not in said
    live = (await book.chosen(DOMAIN)).grounded
    assert len(live.examples) == 2 and made.records.records[-1].prompt == f"legal_answer@{live.version}"


async def test_the_answer_cache_follows_the_live_prompt(book: PromptBook, bench: Any) -> None:  # noqa: F811
    made = bench(ScriptedModel(["Employees get 25 days of paid leave per year [1]."] * 3), cache_answers=True)
    made.turns._source = book
    question = "How many days of paid leave do employees get?"
    await made.ask(question)
    assert "cache" in (await made.ask(question)).steps
    publish(book, BASE.replace("Be short", "Be brief"))
    again = await made.ask(question)
    assert "cache" not in again.steps and made.records.records[-1].prompt.startswith("grounded_answer@")


def test_every_job_has_a_prompt_whatever_is_live(book: PromptBook) -> None:
    assert select(book._live.values(), Route("", None, "none", "")).grounded.name == "grounded_answer"
    assert store.sequence(book._engine) == 0
