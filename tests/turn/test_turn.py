"""A turn: cited answers, abstentions, second drafts, follow-ups, and chats without documents."""

from __future__ import annotations

from typing import Any

import pytest

from assistant.models.errors import ModelOverloaded
from assistant.models.fake import ScriptedModel
from assistant.models.types import Sampling
from assistant.orchestration.prompts import Message
from assistant.types import Route
from knowledge.types import Scope
from tests.turn.conftest import ABSTENTION, LEAVE, PASSAGES, Ran, passage

DOMAIN = Route("big", "hr", "domain", "")


async def test_it_answers_with_checked_citations(bench: Any) -> None:
    ran: Ran = await bench("25 days [1].").ask(LEAVE)
    answer = ran.answer
    assert answer.text == ran.text == "25 days [1]."
    assert answer.grounded
    assert not answer.abstained
    assert not answer.degraded
    citation = answer.citations[0]
    assert (citation.n, citation.document, citation.chunk, citation.page) == (1, "d2", "c2", 2)
    assert citation.quote == PASSAGES[1].text
    assert citation.anchor == "a2"
    assert answer.searched == ("handbook",)
    assert ran.steps == ["search", "draft", "check"]
    assert "3 passages found" in answer.steps[0].detail
    assert {"search", "draft", "check", "first_token", "total"} <= answer.timings_ms.keys()
    assert answer.route == Route("small", None, "fallback", "grounded_answer")
    assert answer.usage.output_tokens == 3
    assert answer.suggestions


async def test_it_sends_citations_with_the_text_that_uses_them(bench: Any) -> None:
    ran: Ran = await bench("Employees get 25 days [1]. Unused leave expires on 31 March [1].").ask(LEAVE)
    texts = [event for event in ran.events if event.kind == "text"]
    assert [len(event.citations) for event in texts] == [1, 0]
    assert ran.answer.text == "Employees get 25 days [1]. Unused leave expires on 31 March [1]."


async def test_it_asks_the_trained_prompt_over_the_best_passages(bench: Any) -> None:
    model = ScriptedModel(["25 days [1]."])
    await bench(model).ask(LEAVE, max_passages=2)
    system, user = model.requests[0].messages
    assert system.content.startswith("Answer the question from the numbered passages only.")
    assert user.content.startswith("[1] Leave\nEmployees get 25 days of paid leave per year.")
    assert user.content.endswith(f"\n\nQuestion: {LEAVE}")
    assert user.content.count("\n\n") == 2
    assert model.requests[0].cache_salt == Scope(frozenset({"everyone", "user:anna"})).fingerprint
    assert model.requests[0].task == "grounded_answer"


async def test_it_leaves_out_what_no_passage_says(bench: Any) -> None:
    said = "Employees get 25 days of paid leave [1]. The founder was born on the moon in 1723 [2]."
    answer = (await bench(said).ask(LEAVE)).answer
    assert answer.text == "Employees get 25 days of paid leave [1]."
    assert answer.grounded
    assert "Left out 1 of 2 sentences" in answer.steps[-1].detail


async def test_it_abstains_when_the_model_does_and_offers_the_nearest(bench: Any) -> None:
    ran: Ran = await bench("The documents do not say.").ask("What is the wifi password?")
    answer = ran.answer
    assert answer.text == ran.text == ABSTENTION
    assert answer.abstained
    assert not answer.grounded
    assert answer.citations == ()
    assert len(answer.nearest) == 3
    assert "retry" not in ran.steps


async def test_it_asks_once_more_when_nothing_stands_and_then_abstains(bench: Any) -> None:
    model = ScriptedModel(["30 days [1].", "40 days [1]."])
    ran: Ran = await bench(model).ask(LEAVE)
    assert ran.steps == ["search", "draft", "check", "retry", "draft", "check"]
    assert ran.text == ABSTENTION
    assert len(model.requests) == 2
    model = ScriptedModel(["30 days [1].", "25 days [1]."])
    assert (await bench(model).ask(LEAVE)).answer.text == "25 days [1]."
    model = ScriptedModel(["30 days [1]."])
    assert (await bench(model, second_draft=False).ask(LEAVE)).answer.abstained
    assert len(model.requests) == 1


async def test_it_asks_the_small_model_about_the_nearest_passage_alone_when_it_abstains(bench: Any) -> None:
    model = ScriptedModel([ABSTENTION, "25 days [1]."])
    ran: Ran = await bench(model).ask(LEAVE)
    assert ran.steps == ["search", "draft", "check", "retry", "draft", "check"]
    assert ran.text == ran.answer.text == "25 days [1]." and not ran.answer.abstained
    assert [citation.chunk for citation in ran.answer.citations] == ["c2"]  # of its own passage, not of the first found
    shown = model.requests[1].messages[-1].content
    assert PASSAGES[1].text in shown and PASSAGES[0].text not in shown


async def test_an_abstention_stands_when_the_second_look_finds_nothing_either(bench: Any) -> None:
    for second in (ABSTENTION, "40 days [1]."):
        model = ScriptedModel([ABSTENTION, second])
        answer = (await bench(model).ask(LEAVE)).answer
        assert answer.abstained and answer.text == ABSTENTION and len(model.requests) == 2
        assert len(answer.nearest) == 3
    for settings in ({"route": DOMAIN}, {"second_draft": False}):
        model = ScriptedModel([ABSTENTION, "25 days [1]."])
        assert (await bench(model, **settings).ask(LEAVE)).answer.abstained
        assert len(model.requests) == 1


async def test_it_asks_larger_models_more_strictly_the_second_time(bench: Any) -> None:
    model = ScriptedModel(["30 days [1].", "25 days [1]."])
    answer = (await bench(model, route=DOMAIN).ask(LEAVE)).answer
    assert "words copied from one numbered passage" in model.requests[1].messages[0].content
    assert answer.route.strategy == "strict_answer"


async def test_it_asks_nobody_when_nothing_was_found(bench: Any) -> None:
    model = ScriptedModel(["x"])
    answer = (await bench(model, passages=[]).ask("Anything?")).answer
    assert answer.abstained
    assert model.requests == []
    assert answer.notice == "There is no collection that you may read yet."


async def test_it_ends_the_draft_once_the_model_has_abstained(bench: Any) -> None:
    model = ScriptedModel(["The documents do not say. " + "And more. " * 50])
    answer = (await bench(model).ask("Who?")).answer
    assert answer.abstained
    assert model.open_streams == 0


async def test_it_greets_without_search_or_model(bench: Any) -> None:
    model = ScriptedModel(["x"])
    made = bench(model)
    answer = (await made.ask("Hello!")).answer
    assert "documents" in answer.text
    assert not answer.abstained
    assert model.requests == made.search.queries == []
    assert answer.route.strategy == "small_talk"


@pytest.mark.parametrize(("question", "said"), [("", "empty"), ("x" * 9000, "9,000"), ("\ud800", "empty")])
async def test_it_refuses_what_cannot_be_read(bench: Any, question: str, said: str) -> None:
    answer = (await bench("x").ask(question)).answer
    assert said in answer.text
    assert answer.stopped_by == "refused"
    assert not answer.abstained


async def test_it_makes_follow_ups_stand_alone(bench: Any) -> None:
    model = ScriptedModel(["Rouen [1]."])
    made = bench(model)
    history = [Message("user", "Where is Normandy?"), Message("assistant", "In France [1].")]
    ran: Ran = await made.ask("What is its capital?", history=history)
    assert ran.steps[0] == "condense"
    assert "Normandy" in made.search.queries[0]
    assert "Normandy" in model.requests[0].messages[-1].content
    assert len(model.requests[0].messages) == 2  # the small model sees single questions
    assert ran.answer.text == "Rouen [1]."


async def test_it_lets_a_larger_model_rewrite_and_remember(bench: Any) -> None:
    model = ScriptedModel(["What is the capital of Normandy?", "Rouen [1]."])
    made = bench(model, route=DOMAIN)
    history = [
        Message("system", "Be kind."),
        Message("user", "Where is Normandy?"),
        Message("assistant", "France [1]."),
    ]
    assert (await made.ask("What is its capital?", history=history)).answer.text == "Rouen [1]."
    assert made.search.queries == ["What is the capital of Normandy?"]
    assert [request.task for request in model.requests[:2]] == ["condense", "grounded_answer"]
    roles = [message.role for message in model.requests[1].messages]
    assert roles == ["system", "user", "assistant", "user"]
    assert "Be kind." in model.requests[1].messages[0].content
    assert model.requests[1].messages[2].content == "France ."


async def test_it_condenses_by_rules_when_the_larger_model_fails_to(bench: Any) -> None:
    model = ScriptedModel([ModelOverloaded("full"), "Rouen [1]."])
    made = bench(model, route=DOMAIN)
    history = [Message("user", "Where is Normandy?")]
    assert (await made.ask("What is its capital?", history=history)).answer.text == "Rouen [1]."
    assert "Normandy" in made.search.queries[0]


async def test_it_chats_without_documents(bench: Any) -> None:
    model = ScriptedModel(["Hello ![x](http://evil/y) you"])
    made = bench(model)
    history = [Message("user", "a"), Message("assistant", "b")]
    ran: Ran = await made.ask("Tell me a joke", history=history, grounded=False)
    assert made.search.queries == []
    assert ran.answer.text == "Hello (x: image left out) you"
    assert not ran.answer.grounded
    assert not ran.answer.abstained
    assert [m.role for m in model.requests[0].messages] == ["system", "user", "assistant", "user"]


async def test_it_keeps_a_clients_own_system_message_in_plain_chat(bench: Any) -> None:
    model = ScriptedModel(["Arr"])
    await bench(model).ask("Hi", history=[Message("system", "You are a pirate.")], grounded=False)
    assert [m.content for m in model.requests[0].messages] == ["You are a pirate.", "Hi"]


async def test_it_leaves_out_the_end_of_an_answer_at_its_limit(bench: Any) -> None:
    said = "Employees get 25 days [1]. Unused leave expires on 31 March [1]."
    answer = (await bench(said).ask(LEAVE, sampling=Sampling(max_tokens=7))).answer
    assert answer.text == "Employees get 25 days [1]."
    assert answer.stopped_by == "length"


async def test_it_never_overflows_a_small_context(bench: Any) -> None:
    model = ScriptedModel(["25 days [1]."], context_tokens=120)
    long = [passage(n, "word " * 400 + "Employees get 25 days.") for n in range(1, 5)]
    answer = (await bench(model, passages=long).ask(LEAVE, sampling=Sampling(max_tokens=20))).answer
    assert model.requests
    assert await model.count_tokens(model.requests[0].messages) <= 100
    assert "not everything fitted" in answer.steps[1].detail


async def test_it_says_that_an_answer_ended_where_its_model_has_no_more_room(bench: Any) -> None:
    model = ScriptedModel(["word " * 300], context_tokens=300)
    for asked, notice in [
        (200, "scripted has room for answers of 150 tokens, not of 200; this one ends there."),
        (100, None),
    ]:
        ran = await bench(model, route=Route("scripted", None, "fallback", "")).ask(
            "Hi", grounded=False, sampling=Sampling(max_tokens=asked)
        )
        assert ran.answer.stopped_by == "length" and ran.answer.notice == notice
        assert ("notice" in [event.kind for event in ran.events]) is bool(notice)


async def test_it_searches_attachments_of_the_conversation_first(bench: Any) -> None:
    made = bench("Blue [1].", passages=[*PASSAGES, passage(7, "The sky in the attachment is blue.", collection="att")])

    async def attached(scope: Scope, conversation: str) -> str | None:
        return "att" if conversation == "conv" else None

    made.turns._attachments = attached
    answer = (await made.ask("What colour is the sky in the attachment?", conversation_id="conv")).answer
    assert answer.citations[0].chunk == "c7"
    assert answer.searched == ("the attached files", "handbook")  # not the name that the store gave them


async def test_it_keeps_no_answer_of_a_temporary_turn(bench: Any) -> None:
    made = bench("25 days [1].", cache_answers=True)
    for _ in range(2):
        ran: Ran = await made.ask(LEAVE, temporary=True)
        assert ran.answer.text == "25 days [1]." and "cache" not in ran.steps
    assert made.turns.kept.figures().entries == 0
