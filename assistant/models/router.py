"""Asks models in order until one has answered to the end; in mid-answer the next one takes over."""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from assistant.models.breaker import Breaker
from assistant.models.errors import ModelError, ModelOverloaded, ModelRefused, ModelUnavailable, NoModelLeft
from assistant.models.openai_wire import estimate
from assistant.models.retries import RetryBudget
from assistant.models.types import ChatModel, ModelRequest, Piece, Sampling, Usage
from assistant.orchestration.prompts import Message
from assistant.types import Route

# Reasons for which another model may well take a request that one has refused.
PASSED_ON = frozenset({"context_length_exceeded", "no_tools", "model_not_found"})
CANARY = ModelRequest((Message("user", "Hi"),), Sampling(max_tokens=1), request_id="canary")
TEND_EVERY_S = 0.5

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long a model may be silent, in seconds, before another one is asked."""

    first_token_s: float
    inter_token_s: float = 8.0
    patient_s: float = 0.0  # for a first token of which nobody else can take the place, where that is longer


@dataclass(slots=True)
class Lane:
    """One model with what the router knows of it."""

    name: str
    model: ChatModel
    route: Callable[[], Route]  # the adapter of the local engine changes while it runs
    breaker: Breaker
    deadlines: Deadlines
    tools: bool = True
    inside: bool = True  # on this site's own network
    sees: bool = False  # takes pictures
    probabilities: bool = True  # tells how probable its tokens are, which an average needs
    places: int = 64  # requests under way from which another model is asked first
    price: float = 0.0  # of a million tokens, read or written; 0: none is known
    seen: Seen = field(default_factory=lambda: Seen())


@dataclass(slots=True)
class Seen:
    """What a lane has done since the start; seconds are moving averages over about ten answers."""

    answers: int = 0
    failures: int = 0
    first_token_s: float | None = None
    tokens_per_s: float | None = None
    tokens: int = 0  # read and written, in all answers
    busy: int = 0  # requests under way
    problem: str = ""  # why it last failed, "" since it last answered


class Router:
    """The effect behind `routes.choose`: deadlines, breakers, one quick retry, and takeover."""

    # A failure quicker than this was a broken connection, not a broken model: worth one more try.
    QUICK_S = 1.0

    def __init__(self, lanes: Sequence[Lane], seed: int | None = None) -> None:
        """`seed` makes the pauses before retries repeatable."""
        self.lanes: dict[str, Lane] = {lane.name: lane for lane in lanes}  # adapters come and go while it runs
        self._budget = RetryBudget()
        self._calls = itertools.count()
        self._random = random.Random(seed)

    async def stream(self, request: ModelRequest, names: Sequence[str]) -> AsyncGenerator[Piece, None]:
        """Yield the reply of the first lane of `names` that has one.

        The first piece of each lane carries its route, whose reason says why lanes before it did not answer. A second
        route means that the lane before failed: what follows is a whole reply from its beginning, so what was not shown
        yet has to be dropped. No lane is asked twice after its first piece.
        Raises NoModelLeft when every lane failed, ModelRefused when the request itself is at fault.
        """
        reasons, told = list[str](), list[str]()
        waiting = deque(self._order(request, names))
        while waiting:
            lane, asked = waiting.popleft()
            if not lane.breaker.allows():
                reasons.append(f"{lane.name} is being left alone until it answers again")
                told.append(reasons[-1])
                continue
            try:
                async with aclosing(self._attempts(lane, asked)) as pieces:
                    async for piece in pieces:
                        # Who takes over says why; what servers say of themselves is for the log.
                        why = replace(piece.route, reason=", ".join(told)) if piece.route and told else piece.route
                        yield piece if why is piece.route else replace(piece, route=why)
                return
            except ModelRefused as exc:
                if exc.code not in PASSED_ON:
                    raise
                if exc.code == "no_tools" and asked.tools:
                    lane.tools = False  # from now on it is prompted like any model without
                    waiting.appendleft((lane, replace(asked, tools=())))
                    continue
                reasons.append(str(exc))
                told.append(f"{lane.name} cannot take this question")
            except (ModelUnavailable, ModelOverloaded) as exc:
                reasons.append(str(exc))
                told.append(f"{lane.name} {'is full' if isinstance(exc, ModelOverloaded) else 'did not answer'}")
                log.warning("a model failed, asking the next: %s", exc)
        raise NoModelLeft("No model could answer: " + " ".join(reasons), tuple(reasons), tuple(told))

    def _order(self, request: ModelRequest, names: Sequence[str]) -> list[tuple[Lane, ModelRequest]]:
        """Return lanes with what to ask them; those that cannot call tools are asked last, and without them."""
        lanes = [self.lanes[name] for name in names if name in self.lanes]  # one may have gone since it was chosen
        if any(message.images for message in request.messages):
            lanes = [lane for lane in lanes if lane.sees]
        if not request.tools:
            return [(lane, request) for lane in lanes]
        without = replace(request, tools=())
        able = [(lane, request) for lane in lanes if lane.tools]
        return able + [(lane, without) for lane in lanes if not lane.tools]

    async def _attempts(self, lane: Lane, request: ModelRequest) -> AsyncGenerator[Piece, None]:
        """Yield the lane's reply, tried once more when it broke at once and nothing had come."""
        begun, started = False, time.monotonic()
        try:
            async with aclosing(self._watched(lane, request)) as pieces:
                async for piece in pieces:
                    begun = True
                    yield piece
            return
        except ModelUnavailable:
            quick = not begun and time.monotonic() - started < min(self.QUICK_S, lane.deadlines.first_token_s / 2)
            if not quick or not lane.breaker.allows() or not self._budget.take():
                raise
        await asyncio.sleep(self._random.uniform(0.05, 0.15))
        async with aclosing(self._watched(lane, request)) as pieces:
            async for piece in pieces:
                yield piece

    async def _watched(self, lane: Lane, request: ModelRequest) -> AsyncGenerator[Piece, None]:
        """Yield the lane's reply under its deadlines, the first piece with its route; tells breaker and counts."""
        call, failed, first, begun = next(self._calls), False, True, 0.0
        started, route = time.monotonic(), lane.route()
        lane.seen.busy += 1
        try:
            async with aclosing(_timed(lane, request, call)) as pieces:
                async for piece in pieces:
                    if first:
                        begun = time.monotonic()
                        if not request.begun:  # a reply that is asked for token by token is one answer
                            self._answers(lane, begun - started)
                    if piece.usage is not None:
                        _count(lane.seen, piece.usage, time.monotonic() - begun)
                    yield replace(piece, route=route) if first else piece
                    first = False
        except ModelUnavailable as exc:
            failed = True
            lane.seen.failures += 1
            lane.seen.problem = str(exc)
            raise
        finally:
            lane.seen.busy -= 1
            lane.breaker.end(call, failed)

    def _answers(self, lane: Lane, first_token_s: float) -> None:
        seen = lane.seen
        seen.answers += 1
        seen.problem = ""
        seen.first_token_s = _averaged(seen.first_token_s, first_token_s)
        self._budget.earn()

    async def tend(self, stop: asyncio.Event) -> None:
        """Send canaries to models that are left alone, until `stop` is set."""
        under_way: set[asyncio.Task[None]] = set()
        while not stop.is_set():
            for lane in list(self.lanes.values()):
                if lane.breaker.canary_due():
                    lane.breaker.canary_begins()
                    task = asyncio.create_task(self._canary(lane))
                    under_way.add(task)
                    task.add_done_callback(under_way.discard)
            try:
                async with asyncio.timeout(TEND_EVERY_S):
                    await stop.wait()
            except TimeoutError:
                continue
        for task in under_way:
            task.cancel()

    async def _canary(self, lane: Lane) -> None:
        alive = False
        try:
            async with aclosing(_timed(lane, CANARY, next(self._calls))) as pieces:
                await anext(pieces)
                alive = True
                lane.seen.problem = ""
        except (ModelError, StopAsyncIteration) as exc:
            lane.seen.problem = str(exc)
        finally:
            lane.breaker.canary_ends(alive)


def _averaged(before: float | None, now: float) -> float:
    return now if before is None else 0.9 * before + 0.1 * now


def _count(seen: Seen, usage: Usage, seconds: float) -> None:
    """Note the tokens of a whole answer, the first of which came `seconds` ago."""
    seen.tokens += usage.input_tokens + usage.output_tokens
    if usage.output_tokens > 1 and seconds > 0:
        seen.tokens_per_s = _averaged(seen.tokens_per_s, (usage.output_tokens - 1) / seconds)


async def _timed(lane: Lane, request: ModelRequest, call: int) -> AsyncGenerator[Piece, None]:
    """Yield the model's pieces. Raises ModelUnavailable when one is too long in coming."""
    wait_s, patient = lane.deadlines.first_token_s, request.patient
    if patient:
        wait_s = max(wait_s, lane.deadlines.patient_s)
    async with aclosing(_generator(lane.model.stream(request))) as pieces:
        while True:
            if not patient:  # or the breaker would call it silence
                lane.breaker.waits(call)
            try:
                async with asyncio.timeout(wait_s):
                    piece = await anext(pieces)
            except StopAsyncIteration:
                return
            except TimeoutError as exc:
                raise ModelUnavailable(f"The model {lane.name!r} was silent for {wait_s:g} s.") from exc
            lane.breaker.progress(call)
            wait_s, patient = lane.deadlines.inter_token_s, False
            yield piece


async def _generator(pieces: AsyncIterator[Piece]) -> AsyncGenerator[Piece, None]:
    """Yield from any iterator as something that can be closed, which closes the iterator too."""
    try:
        async for piece in pieces:
            yield piece
    finally:
        if isinstance(pieces, AsyncGenerator):
            await pieces.aclose()


class Routed:
    """A ChatModel that stands for several lanes in an order."""

    def __init__(self, router: Router, names: Sequence[str]) -> None:
        """`names` is what `routes.choose` returned, first choice first; not empty."""
        self._router = router
        self._names = tuple(names)
        lanes = [router.lanes[name] for name in names]
        self.name = lanes[0].name
        # What is prompted must fit every model that may have to take over.
        self.context_tokens = min(lane.model.context_tokens for lane in lanes)

    def stream(self, request: ModelRequest) -> AsyncGenerator[Piece, None]:
        """Yield the reply; see Router.stream."""
        return self._router.stream(request, self._names)

    async def count_tokens(self, messages: tuple[Message, ...]) -> int:
        """Return the count of the first lane that can tell, an estimate when none can."""
        for name in self._names:
            lane = self._router.lanes.get(name)
            if lane is None or not lane.breaker.allows():
                continue
            try:
                async with asyncio.timeout(lane.deadlines.inter_token_s):
                    return await lane.model.count_tokens(messages)
            except (ModelError, TimeoutError) as exc:
                log.info("%s cannot count tokens: %s", name, exc)
        return estimate(messages)
