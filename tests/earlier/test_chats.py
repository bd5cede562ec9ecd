"""Long chats through the turn that ships: what is found again, what is never read, and what fits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from assistant import conversations
from assistant.earlier import store
from assistant.earlier.chats import Chats
from assistant.guardrails.grounding import RuleJudge
from assistant.models.fake import ScriptedModel
from assistant.orchestration.fake import ListSearch, OpenGate
from assistant.orchestration.ports import OneModel
from assistant.orchestration.settings import TurnSettings
from assistant.record import MemoryRecords
from assistant.tables import chat_summaries, turn_vectors
from assistant.turn import Turns
from assistant.types import Answer, Caller, Route, Turn, TurnOptions
from assistant.wire import answer_json
from knowledge.embed import OnnxEmbedder
from knowledge.types import Scope

UNKNOWN = "The documents do not say."
SMALL, LARGE = Route("small", None, "fallback", ""), Route("large", None, "domain", "")
ANNA = Caller("anna", "Anna", Scope(frozenset({"everyone", "user:anna"})))
BERT = Caller("bert", "Bert", Scope(frozenset({"everyone", "user:bert"})))
CONTEXT = 2048
SAID = "By the way, the project code is AX-77."
STATED = "The project code is AX-77."
ASKED = "What was the project code?"


@pytest.fixture(scope="module")
def embedder() -> OnnxEmbedder:
    return OnnxEmbedder(threads=1)


class Talk:
    """A product in small with a database; `ask` takes a turn from its question to its stored answer."""

    def __init__(self, engine: Engine, embedder: OnnxEmbedder, route: Route, replies: Sequence[str]) -> None:
        self.engine = engine
        self.model = ScriptedModel(list(replies), context_tokens=CONTEXT)
        settings = TurnSettings(second_draft=False)
        self.turns = Turns(
            ListSearch([]), OneModel(self.model, route), RuleJudge(embedder.embed), OpenGate(), MemoryRecords(),
            settings, talk=Chats(engine, embedder, settings.max_history_messages),
        )  # fmt: skip

    async def ask(self, chat: str, question: str, caller: Caller = ANNA, **options: Any) -> Answer:
        asked = conversations.ask(self.engine, caller.user_id, chat, question)
        assert asked is not None
        chosen = TurnOptions(conversation_id=chat, **options)
        events = [e async for e in self.turns.run(Turn(asked.turn_id, question, asked.history, caller, chosen))]
        answer = events[-1].answer
        assert answer is not None and "".join(e.text for e in events if e.kind == "text") == answer.text
        conversations.finish(self.engine, asked.turn_id, "done", answer_json(answer))
        return answer

    def told(self, chat: str, questions: Sequence[str], caller: Caller = ANNA, answer: Answer | None = None) -> None:
        """Store turns as they were asked and answered."""
        said = answer or Answer("All right.", (), False, False, False, SMALL)
        for question in questions:
            asked = conversations.ask(self.engine, caller.user_id, chat, question)
            assert asked is not None
            conversations.finish(self.engine, asked.turn_id, "done", answer_json(said))


def shown(model: ScriptedModel) -> str:
    return "\n".join(message.content for message in model.requests[-1].messages)


async def test_a_chat_of_500_turns_fits_and_remembers_its_third(engine: Engine, embedder: OnnxEmbedder) -> None:
    talk = Talk(engine, embedder, LARGE, ["Noted."] * 2 + ["It is AX-77."])
    mine, other = (conversations.create(engine, "anna") for _ in range(2))
    strange = conversations.create(engine, "bert")
    talk.told(other, ["The project code is OTHER-1.", "And so on"])
    talk.told(strange, ["The project code is STRANGE-2.", "And so on"], BERT)
    await talk.ask(mine, "Good morning to everybody in this chat.", grounded=False)
    await talk.ask(mine, "We talk about many things here.", grounded=False)
    talk.told(mine, [SAID, *(f"What about matter {n} of the {n % 7}th floor and its lamps?" for n in range(496))])
    answer = await talk.ask(mine, ASKED, grounded=False)
    prompt = shown(talk.model)
    assert "(Earlier in this chat) " + SAID in prompt and STATED in prompt.split("(Earlier")[0]  # and in the summary
    assert "OTHER-1" not in prompt and "STRANGE-2" not in prompt
    request = talk.model.requests[-1]
    assert await talk.model.count_tokens(request.messages) + request.sampling.max_tokens <= CONTEXT
    assert [step.detail for step in answer.steps if step.name == "recall"][0].startswith("Recalled ")
    assert answer.text == "It is AX-77."
    assert store.summary(engine, "anna", mine).sentences == (STATED,)


async def test_the_small_model_tells_what_was_said_where_the_documents_do_not_say(
    engine: Engine, embedder: OnnxEmbedder
) -> None:
    talk = Talk(engine, embedder, SMALL, [UNKNOWN] * 4)
    chat, other = conversations.create(engine, "anna"), conversations.create(engine, "anna")
    talk.told(chat, [SAID, *(f"Question {n}?" for n in range(200))])
    told = await talk.ask(chat, ASKED)
    assert told.text == f"Earlier in this chat you said:\n\n- {STATED}" and told.abstained and not told.citations
    talk.told(other, ["Where is the canteen?"])
    assert (await talk.ask(other, ASKED)).text == UNKNOWN
    assert "AX-77" not in (await talk.ask(chat, "When does the canteen open?")).text


async def test_what_was_corrected_is_told_as_it_is_now(engine: Engine, embedder: OnnxEmbedder) -> None:
    talk = Talk(engine, embedder, SMALL, [UNKNOWN])
    chat = conversations.create(engine, "anna")
    talk.told(chat, [SAID, "The project code is now BX-12."])
    talk.told(chat, [f"Question {n}?" for n in range(3)])
    told = (await talk.ask(chat, ASKED)).text
    assert "BX-12" in told


async def test_nobody_else_and_no_temporary_chat_gets_any(engine: Engine, embedder: OnnxEmbedder) -> None:
    chat = conversations.create(engine, "anna")
    talk = Talk(engine, embedder, SMALL, [UNKNOWN] * 3)
    talk.told(chat, [SAID, *(f"Question {n}?" for n in range(20))])
    asked = conversations.ask(engine, "anna", chat, ASKED)
    assert asked is not None
    chats = Chats(engine, embedder, 20)
    mine = Turn(asked.turn_id, ASKED, asked.history, ANNA, TurnOptions(conversation_id=chat))
    found = await chats.earlier(mine)
    assert found.said == (STATED,) and found.exchanges and found.summary == (STATED,)
    for caller, options in (
        (BERT, TurnOptions(conversation_id=chat)),
        (ANNA, TurnOptions(conversation_id=chat, temporary=True)),
        (ANNA, TurnOptions()),
    ):
        nothing = await chats.earlier(Turn(asked.turn_id, ASKED, asked.history, caller, options))
        assert not nothing.shown and not nothing.said
    assert store.summary(engine, "bert", chat).sentences == () and store.summaries(engine, "bert") == []


async def test_all_of_it_goes_with_the_chat(engine: Engine, embedder: OnnxEmbedder) -> None:
    chat = conversations.create(engine, "anna")
    talk = Talk(engine, embedder, LARGE, ["Fine."])
    talk.told(chat, [SAID, *(f"Question {n}?" for n in range(30))])
    await talk.ask(chat, ASKED, grounded=False)
    counts = [select(func.count()).select_from(table) for table in (turn_vectors, chat_summaries)]
    with engine.connect() as connection:
        assert all(connection.execute(count).scalar_one() for count in counts)
    conversations.remove(engine, "anna", chat)
    with engine.connect() as connection:
        assert [connection.execute(count).scalar_one() for count in counts] == [0, 0]


async def test_a_chat_without_documents_tells_what_its_model_forgot(engine: Engine, embedder: OnnxEmbedder) -> None:
    talk = Talk(engine, embedder, SMALL, ["I do not know."])
    chat = conversations.create(engine, "anna")
    talk.told(chat, [SAID, *(f"Question {n}?" for n in range(30))])
    told = await talk.ask(chat, ASKED, grounded=False)
    assert told.text == f"I do not know.\n\nEarlier in this chat you said:\n\n- {STATED}"
