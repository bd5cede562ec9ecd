"""Asks the members of an ensemble and answers with what they agree on: a ChatModel like any other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from assistant.models import votes
from assistant.models.ensembles import TEXT, Ensemble, Pipeline, SelfConsistency, Vote, models_of
from assistant.models.errors import ModelError, ModelUnavailable
from assistant.models.router import Routed
from assistant.models.stacking import accuracy_weight, stacked
from assistant.models.types import ModelRequest, Piece, Sampling, StopReason, Usage
from assistant.orchestration.prompts import Message
from assistant.types import Route

Ask = Callable[[str], tuple[Routed, Route]]
"""Returns the model of a name, and the route that is tried first. Raises ModelRefused when there is none."""


@dataclass(frozen=True, slots=True)
class _Reply:
    text: str
    usage: Usage
    stopped_by: StopReason


class Council:
    """One ensemble. Its members are chosen anew for each of its objects, so make one for each turn."""

    def __init__(self, ensemble: Ensemble, ask: Ask, task: str | None = None) -> None:
        """`task` is what the question is about, for votes weighted by skill; ModelRefused: there is no such member."""
        self._ensemble = ensemble
        self._task = task
        found = [ask(name) for name in models_of(ensemble)]
        self._members = [model for model, _ in found]
        self.name = ensemble.name
        self.context_tokens = min(model.context_tokens for model in self._members)
        # The tier of the first member says how it is to be prompted.
        self.route = Route(ensemble.name, None, found[0][1].tier, "", f"{ensemble.name} was asked for by name")

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Piece, None]:
        """Yield the answer in one piece once the last member is done; members that fail do not vote.

        Raises ModelUnavailable when no member answered.
        """
        request = replace(request, tools=())  # a vote over calls of skills would call them several times
        if isinstance(self._ensemble, Pipeline):
            reply, told = await self._in_turn(request, self._ensemble)
        else:
            reply, told = await self._together(request, self._ensemble)
        yield Piece(reply.text, route=replace(self.route, reason=told))
        yield Piece(stopped_by=reply.stopped_by, usage=reply.usage)

    async def count_tokens(self, messages: tuple[Message, ...]) -> int:
        """Return the count of the first member."""
        return await self._members[0].count_tokens(messages)

    async def _together(self, request: ModelRequest, ensemble: Vote | SelfConsistency) -> tuple[_Reply, str]:
        requests = _requests(request, ensemble)
        asked = (_read(model, one) for model, one in zip(self._members, requests, strict=True))
        replies = [_or_error(result) for result in await asyncio.gather(*asked, return_exceptions=True)]
        weights = self._weights(ensemble)
        ballots = [
            votes.Ballot(reply.text if isinstance(reply, _Reply) else "", weight)
            for reply, weight in zip(replies, weights, strict=True)
        ]
        outcome = _decided(ensemble, ballots)
        won = replies[outcome.winner] if outcome else None
        if outcome is None or not isinstance(won, _Reply):
            reasons = " ".join(str(reply) for reply in replies if isinstance(reply, ModelError))
            raise ModelUnavailable(f"No member of {self.name!r} answered. {reasons}".strip())
        told = f"{outcome.agreeing} of {outcome.voting} answers of {self.name} agree"
        return replace(won, usage=_sum([reply.usage for reply in replies if isinstance(reply, _Reply)])), told

    def _weights(self, ensemble: Vote | SelfConsistency) -> list[float]:
        if isinstance(ensemble, SelfConsistency):
            return [1.0] * ensemble.samples
        if ensemble.method != "weighted" or self._task is None:
            return [member.weight for member in ensemble.members]
        task = self._task
        return [accuracy_weight(member.skill.get(task, 0.5)) for member in ensemble.members]

    async def _in_turn(self, request: ModelRequest, pipeline: Pipeline) -> tuple[_Reply, str]:
        text, used = request.messages[-1].content, []
        reply = _Reply(text, Usage(), "stop")
        for model, stage in zip(self._members, pipeline.stages, strict=True):
            message = Message("user", stage.prompt.replace(TEXT, text))
            most = (
                min(stage.max_tokens, request.sampling.max_tokens) if stage is pipeline.stages[-1] else stage.max_tokens
            )
            sampling = replace(request.sampling, max_tokens=most, stop=())
            reply = await _read(model, replace(request, messages=(message,), sampling=sampling))
            used.append(reply.usage)
            text = reply.text.strip()
        return replace(reply, usage=_sum(used)), f"{len(used)} stages of {self.name}, one after the other"


def _decided(ensemble: Vote | SelfConsistency, ballots: Sequence[votes.Ballot]) -> votes.Outcome | None:
    if isinstance(ensemble, Vote) and ensemble.method == "stacked":
        return stacked(ballots, ensemble.learned)
    return (votes.ranked if ensemble.method == "ranked" else votes.majority)(ballots)


def _requests(request: ModelRequest, ensemble: Vote | SelfConsistency) -> Sequence[ModelRequest]:
    if isinstance(ensemble, Vote):
        return [request] * len(ensemble.members)
    first = request.sampling.seed or 0
    return [
        replace(request, sampling=_varied(request.sampling, ensemble.temperature, first + n))
        for n in range(ensemble.samples)
    ]


def _varied(sampling: Sampling, temperature: float, seed: int) -> Sampling:
    return replace(sampling, temperature=sampling.temperature or temperature, seed=seed % 2**31)


async def _read(model: Routed, request: ModelRequest) -> _Reply:
    text, usage = "", Usage()
    stopped_by: StopReason = "stop"
    async with aclosing(model.stream(request)) as pieces:
        async for piece in pieces:
            if piece.route is not None:
                text = ""  # another model took over: it begins anew
            text += piece.text
            usage, stopped_by = piece.usage or usage, piece.stopped_by or stopped_by
    return _Reply(text, usage, stopped_by)


def _or_error(result: _Reply | BaseException) -> _Reply | ModelError:
    if isinstance(result, _Reply | ModelError):
        return result
    raise result


def _sum(used: Sequence[Usage]) -> Usage:
    return Usage(
        sum(one.input_tokens for one in used),
        sum(one.output_tokens for one in used),
        sum(one.cached_tokens for one in used),
    )
