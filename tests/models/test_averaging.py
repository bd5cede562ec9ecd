"""Replies made token by token from what several models find probable."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import AsyncGenerator
from time import monotonic

import pytest

from assistant.models.averaging import Growing, distribution, drawn, ends, pooled
from assistant.models.breaker import Breaker, BreakerRules
from assistant.models.ensembles import Average, Member
from assistant.models.errors import ModelRefused, ModelUnavailable, WishRefused
from assistant.models.fake import ScriptedModel
from assistant.models.openai_wire import LOCAL, VLLM, Reply, chat_body
from assistant.models.router import Deadlines
from assistant.models.types import ModelRequest, Piece, Sampling, Usage
from assistant.orchestration.prompts import Message
from tests.models.test_council import ASKED, answer, lane


def average(*members: tuple[str, float]) -> Average:
    chosen = tuple(Member(model=name, weight=weight) for name, weight in members)
    return Average(kind="average", name="blend", about="Averages.", members=chosen)


def text(pieces: list[Piece]) -> str:
    return "".join(piece.text for piece in pieces)


def test_the_pool_is_the_weighted_mean() -> None:
    one, other = {"a": 0.6, "b": 0.4}, {"b": 0.9, "c": 0.1}
    assert pooled([one, other], [1, 1]) == pytest.approx({"a": 0.3, "b": 0.65, "c": 0.05})
    assert pooled([one, other], [3, 1]) == pytest.approx({"a": 0.45, "b": 0.525, "c": 0.025})
    assert distribution([("a", math.log(0.5)), ("a", math.log(0.25))]) == pytest.approx({"a": 0.75})


def test_the_likeliest_token_is_taken_at_temperature_0_and_others_above() -> None:
    pool, dice = {"a": 0.5, "b": 0.3, "c": 0.2}, random.Random(1)
    assert {drawn(pool, Sampling(), dice) for _ in range(20)} == {"a"}
    counted = Counter(drawn(pool, Sampling(temperature=1.0), dice) for _ in range(3000))
    assert counted["a"] == pytest.approx(1500, rel=0.1) and counted["c"] == pytest.approx(600, rel=0.15)
    for narrow, kept in (
        (Sampling(temperature=1.0, top_k=1), {"a"}),
        (Sampling(temperature=1.0, top_p=0.6), {"a", "b"}),
        (Sampling(temperature=1.0, min_p=0.5), {"a", "b"}),
        (Sampling(temperature=0.01), {"a"}),
    ):
        assert {drawn(pool, narrow, dice) for _ in range(200)} == kept


def test_control_tokens_end_a_reply() -> None:
    assert all(ends(token) for token in ("<|im_end|>", "<|endoftext|>", "</s>", "<end_of_turn>"))
    assert not any(ends(token) for token in ("end", "<b>", "|", " <|"))


def test_what_may_be_the_beginning_of_a_stop_string_is_held_back() -> None:
    reply = Growing(["END", "\n\n"])
    assert [reply.add(token) for token in ("One E", "N", "ough.", "\n")] == ["One ", "", "ENough.", ""]
    assert reply.rest() == "\n" and not reply.stopped
    assert reply.add("Two EN") == "Two " and reply.add("D three") == "" and reply.stopped
    assert reply.said == "One ENough.\nTwo "


async def test_the_members_write_together_and_the_heavier_one_prevails() -> None:
    lanes = [lane("a", ["Paris is the city."]), lane("b", ["Rome was the town."])]
    first, *rest = await answer(lanes, average(("a", 2), ("b", 1)))
    assert first.route is not None and "token by token" in first.route.reason
    assert text(rest) == "Paris is the city." and rest[-1].stopped_by == "stop"
    assert [piece.text for piece in rest][:2] == ["Paris", " is"], "it streams"
    assert text(await answer(lanes, average(("a", 1), ("b", 2)))) == "Rome was the town."


async def test_every_member_is_asked_for_the_token_after_what_was_said() -> None:
    lanes = [lane("a", ["Paris it is"]), lane("b", ["Paris it is"])]
    pieces = await answer(lanes, average(("a", 1), ("b", 1)))
    for each in lanes:
        assert isinstance(each.model, ScriptedModel)
        assert [request.begun for request in each.model.requests] == ["", "Paris", "Paris it", "Paris it is"]
        assert all(r.sampling.max_tokens == 1 and r.alternatives == 20 for r in each.model.requests)
        assert each.seen.answers == 1, "a reply is one answer, however many tokens were asked for"
    assert pieces[-1].usage is not None and pieces[-1].usage.input_tokens == 8 * (2 + 2)


async def test_it_ends_at_the_limit_and_at_a_stop_string() -> None:
    lanes = [lane("a", ["one two three four"]), lane("b", ["one two three four"])]
    both = average(("a", 1), ("b", 1))
    pieces = await answer(lanes, both, ModelRequest(ASKED.messages, Sampling(max_tokens=2)))
    assert text(pieces) == "one two" and pieces[-1].stopped_by == "length"
    pieces = await answer(lanes, both, ModelRequest(ASKED.messages, Sampling(stop=("three",))))
    assert text(pieces) == "one two " and pieces[-1].stopped_by == "stop"


async def test_a_member_that_fails_takes_no_part_from_then_on() -> None:
    lanes = [lane("a", [ModelUnavailable("down")]), lane("b", ["Rome it is"])]
    assert text(await answer(lanes, average(("a", 9), ("b", 1)))) == "Rome it is"
    down = [lane("a", [ModelUnavailable("x")]), lane("b", [ModelUnavailable("y")])]
    with pytest.raises(ModelUnavailable, match="No member of 'blend' answered"):
        await answer(down, average(("a", 1), ("b", 1)))


class Told:
    """A model that tells the same next tokens every time."""

    context_tokens = 100

    def __init__(self, name: str, *likely: tuple[str, float], whole: str = "") -> None:
        self.name, self._likely, self._whole = name, likely, whole

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Piece, None]:
        yield Piece(self._whole, likely=self._likely if request.alternatives else ())
        yield Piece(stopped_by="stop", usage=Usage(1, 1))

    async def count_tokens(self, messages: tuple[Message, ...]) -> int:
        return 1


async def test_models_with_other_tokenizers_are_refused() -> None:
    lanes = [lane("a", ["x"]), lane("b", ["x"])]
    lanes[0].model, lanes[1].model = Told("a", ("Par", -0.1)), Told("b", ("▁Paris", -0.1))
    with pytest.raises(ModelRefused, match="share a tokenizer"):
        await answer(lanes, average(("a", 1), ("b", 1)))


async def test_models_that_tell_no_probabilities_are_refused() -> None:
    lanes = [lane("a", ["x"]), lane("b", ["x"])]
    lanes[0].model, lanes[1].model = Told("a"), Told("b")
    with pytest.raises(ModelUnavailable, match="how probable"):
        await answer(lanes, average(("a", 1), ("b", 1)))
    with pytest.raises(ModelRefused, match="vLLM"):
        chat_body(ModelRequest(ASKED.messages, alternatives=5), "", LOCAL)


async def test_a_character_of_several_tokens_is_written_by_the_first_member() -> None:
    lanes = [lane("a", ["x"]), lane("b", ["x"])]
    lanes[0].model = Told("a", ("\ufffd", -0.1), whole="😀 ok")
    lanes[1].model = Told("b", ("\ufffd", -0.1), whole="never asked")
    pieces = await answer(lanes, average(("a", 1), ("b", 1)), ModelRequest(ASKED.messages, Sampling(max_tokens=1)))
    assert text(pieces) == "😀 ok"


async def test_json_is_refused() -> None:
    asked = ModelRequest(ASKED.messages, Sampling(json_schema={"type": "object"}))
    with pytest.raises(ModelRefused, match="JSON schema"):
        await answer([lane("a", ["x"]), lane("b", ["x"])], average(("a", 1), ("b", 1)), asked)


def test_vllm_is_asked_to_go_on_and_to_tell_probabilities() -> None:
    body = chat_body(ModelRequest(ASKED.messages, begun="Par", alternatives=99), "base", VLLM)
    assert body["messages"][-1] == {"role": "assistant", "content": "Par"}
    assert body["continue_final_message"] is True and body["add_generation_prompt"] is False
    assert body["logprobs"] is True and body["top_logprobs"] == 20
    plain = chat_body(ASKED, "base", VLLM)
    assert not {"logprobs", "top_logprobs", "continue_final_message", "add_generation_prompt"} & set(plain)


def test_the_probabilities_of_a_chunk_are_read() -> None:
    top = [{"token": "is", "logprob": -0.1, "bytes": [105]}, {"token": "was", "logprob": -2.5}]
    place = {"token": "is", "logprob": -0.1, "top_logprobs": top}
    chunk = {"choices": [{"delta": {"content": "is"}, "logprobs": {"content": [place]}}]}
    assert Reply().add([chunk]) == Piece("is", likely=(("is", -0.1), ("was", -2.5)))
    ended = {"choices": [{"delta": {}, "finish_reason": "stop", "logprobs": {"content": [place]}}]}
    assert Reply().add([ended]) == Piece("", likely=(("is", -0.1), ("was", -2.5)))


async def test_who_asks_an_average_is_told_which_member_cannot_take_part() -> None:
    lanes = [lane("a", ["x"]), lane("small", ["x"], "fallback")]
    lanes[1].probabilities = False
    with pytest.raises(WishRefused, match="'small' does not tell how probable its tokens are"):
        await answer(lanes, average(("a", 1), ("small", 1)))


async def test_the_first_token_of_an_average_may_take_as_long_as_that_of_the_last_tier() -> None:
    slow = lane("a", ["Rome"])
    slow.model = ScriptedModel(["Rome"], "a", pause_s=0.3)
    slow.deadlines = Deadlines(0.1, 1.0)
    other = lane("b", ["Paris"])
    assert text(await answer([slow, other], average(("a", 9), ("b", 1)))) == "Paris"  # without patience it is left out
    slow.deadlines, slow.breaker = Deadlines(0.1, 1.0, patient_s=5.0), Breaker(BreakerRules(silence_s=0.1), monotonic)
    assert text(await answer([slow], average(("a", 9), ("a", 1)), ModelRequest(ASKED.messages))).startswith("Rome")
    assert slow.breaker.state() == "closed"
