"""What guessing tokens brings on a vLLM server, for each of its models and each kind of request.

vLLM guesses for all requests or for none (no field of a request of vLLM 0.32 says otherwise), and counts over all of
them. So a few prompts of each kind go to each model one after the other, and what its counters move by in between is
theirs. The same on a server that was started without `speculation` tells the speed to hold it against; both are kept.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

from assistant.models.types import ChatModel, Guesses, ModelRequest, Sampling
from assistant.orchestration.prompts import Message

TOKENS = 48  # of an answer
MARGIN = 1.05  # as for the local engine, see local/guessing.py: what is closer than this may be chance
_SYSTEM = Message("system", "You answer from numbered passages and cite them.")
_FACTS = (
    "[1] The gym is open from 6 to 22 on weekdays and from 8 to 20 at weekends. Guests pay 5 EUR a day.\n"
    "[2] Unused leave of up to 10 days may be carried over and expires on 31 March of the next year.\n"
    "[3] A lost laptop is reported to the security desk on extension 4040 within 24 hours."
)
# Named as the prompts whose requests they are like.
PROMPTS: Mapping[str, Sequence[str]] = {
    "grounded_answer": tuple(
        f"{_FACTS}\n\nRepeat word for word what is said about {about}, with its number."
        for about in ("the gym", "unused leave", "a lost laptop")
    ),
    "plain_chat": tuple(f"Tell a story about {about}." for about in ("a fox and a crow", "a lighthouse", "a train")),
    "condense": tuple(
        f"Earlier: What does it cost to visit {about}? Five euros a day.\nNow: And at weekends?\n"
        "Write the last question so that it stands alone."
        for about in ("the gym", "the pool", "the sauna")
    ),
}
ANSWERS = sum(map(len, PROMPTS.values()))  # of one model


class Counters(BaseModel):
    """What a vLLM server has counted since its start, over all its models."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    guessed: int = 0  # tokens
    accepted: int = 0
    guessing_steps: int = 0


class Run(BaseModel):
    """The answers to the prompts of one kind."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    answers: int
    guessed: int
    accepted: int
    steps: int  # in which something was guessed
    tokens: int  # behind the first one of each answer
    seconds: float  # that those took

    @property
    def speed(self) -> float | None:
        """Return tokens in a second; None where too few were written."""
        return self.tokens / self.seconds if self.tokens and self.seconds > 0 else None


Runs = Mapping[str, Run]  # by kind


class Kept(BaseModel):
    """What was measured of one model, on a server that guesses and on one that does not."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    guessing: dict[str, Run] = {}
    plain: dict[str, Run] = {}

    def renewed(self, found: Runs) -> Kept:
        """Return this with `found` in the place of what was measured before in the same way."""
        mode: Literal["guessing", "plain"] = "guessing" if any(run.guessed for run in found.values()) else "plain"
        return self.model_copy(update={mode: dict(found)})

    def guesses(self) -> tuple[Guesses, ...]:
        """Return what is shown: one line for each kind, with both speeds where both are known."""
        kinds = [kind for kind in PROMPTS if kind in self.guessing or kind in self.plain]
        return tuple(_shown(kind, self.guessing.get(kind), self.plain.get(kind)) for kind in kinds)


async def measured(
    model: ChatModel, counters: Callable[[], Awaitable[Counters]], step: Callable[[], None], tokens: int = TOKENS
) -> dict[str, Run]:
    """Return the runs of all kinds with one model, answers of at most `tokens`; raises what the model raises."""
    return {
        kind: await _run(model, [_request(prompt, kind, tokens) for prompt in prompts], counters, step)
        for kind, prompts in PROMPTS.items()
    }


def advice(found: Sequence[Guesses]) -> str:
    """Return what to do about guessing on this server, one sentence; "" where nothing was measured."""
    pairs = [(each.task, each.speed_with, each.speed_without) for each in found]
    known = {name: fast / slow for name, fast, slow in pairs if fast and slow}
    if not known:
        told = "Measure again on a server with the other setting of `speculation` to see what guessing brings."
        return told if found else ""
    losing = [f"{name.replace('_', ' ')} ({ratio:.2f} times as fast)" for name, ratio in known.items() if ratio < 1]
    if losing:
        return (
            f"Guessing loses at {' and '.join(losing)}. vLLM guesses for all requests or for none: "
            "start it without `speculation` where these are what it is asked."
        )
    if all(ratio < MARGIN for ratio in known.values()):
        return "Guessing brings next to nothing here; start the server without `speculation`."
    return "Guessing is worth it for all that was measured."


def _request(prompt: str, kind: str, tokens: int) -> ModelRequest:
    return ModelRequest((_SYSTEM, Message("user", prompt)), Sampling(max_tokens=tokens), patient=True, task=kind)


async def _run(
    model: ChatModel,
    requests: Sequence[ModelRequest],
    counters: Callable[[], Awaitable[Counters]],
    step: Callable[[], None],
) -> Run:
    before, tokens, seconds = await counters(), 0, 0.0
    for request in requests:
        begun = 0.0
        async for piece in model.stream(request):
            now = time.monotonic()
            begun = begun or now
            if piece.usage is not None and piece.usage.output_tokens > 1:
                tokens += piece.usage.output_tokens - 1
                seconds += now - begun
        step()
    after = await counters()
    return Run(
        answers=len(requests),
        guessed=after.guessed - before.guessed,
        accepted=after.accepted - before.accepted,
        steps=after.guessing_steps - before.guessing_steps,
        tokens=tokens,
        seconds=seconds,
    )


def _shown(kind: str, guessing: Run | None, plain: Run | None) -> Guesses:
    run = guessing or plain
    assert run is not None  # one of them has the kind
    per_step = 1 + run.accepted / run.steps if run.steps else None
    with_guessing = guessing.speed if guessing else None
    return Guesses(
        kind, guessing is not None, run.answers, run.guessed, run.accepted, per_step,
        with_guessing, plain.speed if plain else None,
    )  # fmt: skip
