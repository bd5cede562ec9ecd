"""What guessing tokens brings a vLLM server, kind by kind: what its counters move by while only that is asked."""

from __future__ import annotations

from collections.abc import AsyncIterator

from assistant.models.speculation import ANSWERS, PROMPTS, Counters, Kept, Run, advice, measured
from assistant.models.types import ModelRequest, Piece, Usage
from assistant.orchestration.prompts import Message


class Guessing:
    """A model whose server guesses four tokens for each answer, all of them right where it is asked to repeat."""

    name, context_tokens = "guessing", 2048

    def __init__(self, guesses: bool = True) -> None:
        self.asked: list[ModelRequest] = []
        self._guesses = guesses
        self._counters = Counters(guessed=1_000, accepted=100, guessing_steps=300)  # what others had before

    async def stream(self, request: ModelRequest) -> AsyncIterator[Piece]:
        self.asked.append(request)
        yield Piece("one ")
        right = 4 if "Repeat" in request.messages[-1].content else 0
        if self._guesses:
            now = self._counters
            self._counters = Counters(
                guessed=now.guessed + 4, accepted=now.accepted + right, guessing_steps=now.guessing_steps + 1
            )
        yield Piece("two", stopped_by="stop", usage=Usage(10, 9))

    async def count_tokens(self, messages: tuple[Message, ...]) -> int:
        return len(messages)

    async def counters(self) -> Counters:
        return self._counters


async def test_the_counters_difference_is_told_for_each_kind() -> None:
    model, steps = Guessing(), list[int]()
    found = await measured(model, model.counters, lambda: steps.append(1), tokens=16)
    assert set(found) == set(PROMPTS) and len(model.asked) == len(steps) == ANSWERS
    assert {request.sampling.max_tokens for request in model.asked} == {16}
    cited, free = found["grounded_answer"], found["plain_chat"]
    assert (cited.answers, cited.guessed, cited.accepted, cited.steps, cited.tokens) == (3, 12, 12, 3, 24)
    assert (free.guessed, free.accepted) == (12, 0) and cited.seconds > 0


async def test_both_servers_are_kept_and_held_against_each_other() -> None:
    guessing, plain = Guessing(), Guessing(guesses=False)
    kept = Kept().renewed(await measured(guessing, guessing.counters, lambda: None))
    assert "other setting" in advice(kept.guesses())
    kept = kept.renewed(await measured(plain, plain.counters, lambda: None))
    assert set(kept.guessing) == set(kept.plain) == set(PROMPTS)
    cited = kept.guesses()[0]
    assert (cited.task, cited.on, cited.tokens_per_step) == ("grounded_answer", True, 5.0)
    assert cited.speed_with and cited.speed_without


def run(seconds: float, guessed: int = 4) -> Run:
    return Run(answers=3, guessed=guessed, accepted=guessed, steps=1, tokens=100, seconds=seconds)


def told(**with_and_without: tuple[float, float]) -> str:
    guessing = {kind: run(pair[0]) for kind, pair in with_and_without.items()}
    plain = {kind: run(pair[1], 0) for kind, pair in with_and_without.items()}
    return advice(Kept(guessing=guessing, plain=plain).guesses())


def test_it_says_where_guessing_loses_and_what_to_do() -> None:
    assert advice(()) == ""
    losing = told(grounded_answer=(1, 2), plain_chat=(2, 1))
    assert "loses at plain chat (0.50 times as fast)" in losing and "start it without `speculation`" in losing
    assert told(grounded_answer=(1, 2), plain_chat=(1, 1.2)) == "Guessing is worth it for all that was measured."
    assert "next to nothing" in told(grounded_answer=(1, 1.01))
