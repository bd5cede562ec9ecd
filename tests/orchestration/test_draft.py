"""The draft loop: text goes through, calls are carried out within permit and budget, and it ends in words."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Any

from assistant.models.fake import ScriptedModel
from assistant.models.types import ChatModel, ModelRequest, Piece, Usage
from assistant.orchestration.draft import NOTHING, Permit, draft
from assistant.orchestration.fake import DirectOrchestrator
from assistant.orchestration.prompts import Message

REQUEST = ModelRequest((Message("user", "What is 1 + 2?"),))
CALL = {"id": "c1", "type": "function", "function": {"name": "calc-add", "arguments": '{"a": 1, "b": 2}'}}


class Caller:
    """A model that calls a function as long as it is offered one."""

    name, context_tokens = "caller", 4096

    def __init__(self) -> None:
        self.requests: list[ModelRequest] = []

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Piece, None]:
        self.requests.append(request)
        yield Piece("Let me see. " if request.tools else "It is 3.")
        calls = (CALL,) if request.tools else ()
        yield Piece(tool_calls=calls, stopped_by="tool_calls" if calls else "stop", usage=Usage(10, 2))

    async def count_tokens(self, messages: tuple[Message, ...]) -> int:
        return 0


class Tools(DirectOrchestrator):
    """An orchestrator with one function."""

    def __init__(self) -> None:
        self.used: list[int] = []

    def tools(self, permit: Permit) -> tuple[dict[str, Any], ...]:
        return ({"type": "function", "function": {"name": "calc-add"}},) if "calc-add" in permit.functions else ()

    async def call(self, call: Mapping[str, Any], permit: Permit, used: int) -> Message:
        self.used.append(used)
        return Message("tool", "3", tool_call_id=call["id"])


async def run(model: ChatModel, permit: Permit, most: int) -> tuple[list[Piece], Tools]:
    tools = Tools()
    return [piece async for piece in draft(tools, model, REQUEST, permit, most)], tools


async def test_it_passes_text_on_and_says_why_it_ended() -> None:
    pieces, _ = await run(ScriptedModel(["Hello you"]), NOTHING, 3)
    assert "".join(piece.text for piece in pieces) == "Hello you"
    assert pieces[-1].stopped_by == "stop"


async def test_it_carries_calls_out_and_hands_results_back() -> None:
    model = Caller()
    pieces, tools = await run(model, Permit(frozenset({"calc-add"}), 1), 5)
    assert "".join(piece.text for piece in pieces) == "Let me see. It is 3."
    assert [piece.stopped_by for piece in pieces if piece.stopped_by] == ["stop"]
    assert all(not piece.tool_calls for piece in pieces)
    asked = model.requests[-1].messages
    assert [m.role for m in asked] == ["user", "assistant", "tool"]
    assert asked[1].content == "Let me see. "  # text beside a call is kept
    assert asked[1].tool_calls == (CALL,)
    assert asked[2].tool_call_id == "c1"
    assert tools.used == [1]


async def test_it_ends_in_words_when_the_budget_is_used_up() -> None:
    model = Caller()
    pieces, tools = await run(model, Permit(frozenset({"calc-add"}), 99), 3)
    assert pieces[-1].stopped_by == "stop"
    assert len(model.requests) == 3
    assert tools.used == [1, 2]


async def test_it_ignores_calls_that_nobody_permitted() -> None:
    class Unasked(Caller):
        async def stream(self, request: ModelRequest) -> AsyncGenerator[Piece, None]:
            yield Piece("Hi", tool_calls=(CALL,), stopped_by="stop")

    pieces, tools = await run(Unasked(), NOTHING, 3)
    assert [piece.text for piece in pieces] == ["Hi"]
    assert tools.used == []


async def test_it_closes_the_model_when_it_is_closed() -> None:
    model = ScriptedModel(["a b c d e f"])
    pieces = draft(DirectOrchestrator(), model, REQUEST, NOTHING, 3)
    await anext(pieces)
    assert model.open_streams == 1
    await pieces.aclose()
    assert model.open_streams == 0
