"""Asks the members of an ensemble and answers with what they agree on: a ChatModel like any other."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from assistant.models import minutes, votes
from assistant.models.averaging import ALTERNATIVES, UNFINISHED, Growing, distribution, drawn, ends, pooled
from assistant.models.ensembles import TEXT, Average, Ensemble, Pipeline, SelfConsistency, Vote, models_of
from assistant.models.errors import ModelError, ModelUnavailable, WishRefused
from assistant.models.router import Routed
from assistant.models.stacking import accuracy_weight, stacked
from assistant.models.types import ModelRequest, Piece, Sampling, StopReason, Usage
from assistant.orchestration.prompts import Message
from assistant.types import Route

Ask = Callable[[str], tuple[Routed, Route]]
"""Returns the model of a name, and the route that is tried first. Raises WishRefused when there is none."""


@dataclass(frozen=True, slots=True)
class _Reply:
    text: str
    usage: Usage
    stopped_by: StopReason


@dataclass(frozen=True, slots=True)
class _Next:
    likely: tuple[tuple[str, float], ...]
    usage: Usage


class Council:
    """One ensemble. Its members are chosen anew for each of its objects, so make one for each turn."""

    def __init__(self, ensemble: Ensemble, ask: Ask, task: str | None = None) -> None:
        """`task` is what the question is about, for votes weighted by skill; WishRefused: there is no such member."""
        self._ensemble = ensemble
        self._task = task
        found = [ask(name) for name in models_of(ensemble)]
        self._members = [model for model, _ in found]
        self.name = ensemble.name
        self.context_tokens = min(model.context_tokens for model in self._members)
        # The tier of the first member says how it is to be prompted.
        self.route = Route(ensemble.name, None, found[0][1].tier, "", f"{ensemble.name} was asked for by name")

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Piece, None]:
        """Yield the answer in one piece once the last member is done, that of an average token by token.

        Members that fail do not take part. Raises ModelUnavailable when none is left.
        """
        request = replace(request, tools=())  # a vote over calls of skills would call them several times
        if isinstance(self._ensemble, Average):
            async with aclosing(self._token_by_token(request, self._ensemble)) as pieces:
                async for piece in pieces:
                    yield piece
            return
        if isinstance(self._ensemble, Pipeline):
            reply, told = await self._in_turn(request, self._ensemble)
        else:
            reply, told = await self._together(request, self._ensemble)
        yield Piece(reply.text, route=replace(self.route, reason=told[0]), told=told)
        yield Piece(stopped_by=reply.stopped_by, usage=reply.usage)

    async def count_tokens(self, messages: tuple[Message, ...]) -> int:
        """Return the count of the first member."""
        return await self._members[0].count_tokens(messages)

    async def _token_by_token(self, request: ModelRequest, ensemble: Average) -> AsyncGenerator[Piece, None]:
        """Yield the tokens that the members together find likeliest, each at the cost of one request to each member."""
        sampling = request.sampling
        if sampling.json_schema is not None:
            raise WishRefused("An average of models cannot be held to a JSON schema. Ask one model.", "no_schema")
        members = list(zip(self._members, (member.weight for member in ensemble.members), strict=True))
        reply, used, dice = Growing(sampling.stop), list[Usage](), random.Random(sampling.seed)
        stopped_by: StopReason = "length"
        yield Piece(route=replace(self.route, reason=f"{len(members)} models of {self.name}, token by token"))
        present = members
        for _ in range(sampling.max_tokens):
            asked = replace(request, begun=reply.said, alternatives=ALTERNATIVES, sampling=Sampling(max_tokens=1))
            asked = replace(asked, patient=not reply.said)  # the first token of an average may be a model's first
            members, told = await self._told(members, asked, first=not reply.said)
            if gone := [model.name for model, weight in present if (model, weight) not in members]:
                yield Piece(told=tuple(f"{name} did not answer, so it took no further part" for name in gone))
                present = members
            used += [each.usage for each in told]
            pool = pooled([distribution(each.likely) for each in told], [weight for _, weight in members])
            token = drawn(pool, sampling, dice)
            if UNFINISHED in token:  # part of a character: the first member writes the whole of it
                whole = replace(asked, alternatives=0, sampling=Sampling(max_tokens=4))
                token = (await _read(members[0][0], whole)).text
            if ends(token) or not token:
                stopped_by = "stop"
                break
            if ready := reply.add(token):
                yield Piece(ready)
            if reply.stopped:
                stopped_by = "stop"
                break
        yield Piece(reply.rest(), stopped_by=stopped_by, usage=_sum(used))

    async def _told(
        self, members: list[tuple[Routed, float]], asked: ModelRequest, first: bool
    ) -> tuple[list[tuple[Routed, float]], list[_Next]]:
        """Return the members that told their next token, and what they told; the others take no part from then on."""
        found = await asyncio.gather(*(_next(model, asked) for model, _ in members), return_exceptions=True)
        told = [(member, each) for member, each in zip(members, found, strict=True) if isinstance(each, _Next)]
        if broken := [each for each in found if not isinstance(each, _Next | ModelError)]:
            raise broken[0]
        if not told:
            reasons = " ".join(str(each) for each in found)
            raise ModelUnavailable(f"No member of {self.name!r} answered. {reasons}")
        if first and len(told) > 1 and not set.intersection(*({token for token, _ in each.likely} for _, each in told)):
            raise WishRefused(
                f"The members of {self.name!r} have no token in common. Name models that share a tokenizer.",
                "tokenizers_differ",
            )
        return [member for member, _ in told], [each for _, each in told]

    async def _together(
        self, request: ModelRequest, ensemble: Vote | SelfConsistency
    ) -> tuple[_Reply, tuple[str, ...]]:
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
        names = [model.name for model in self._members]
        if isinstance(ensemble, SelfConsistency):
            names = [f"{name}, sample {n}" for n, name in enumerate(names, start=1)]
        said = [reply.text if isinstance(reply, _Reply) else reply for reply in replies]
        used = _sum([reply.usage for reply in replies if isinstance(reply, _Reply)])
        return replace(won, usage=used), (told, *minutes.of_vote(names, weights, said, outcome))

    def _weights(self, ensemble: Vote | SelfConsistency) -> list[float]:
        if isinstance(ensemble, SelfConsistency):
            return [1.0] * ensemble.samples
        if ensemble.method != "weighted" or self._task is None:
            return [member.weight for member in ensemble.members]
        task = self._task
        return [accuracy_weight(member.skill.get(task, 0.5)) for member in ensemble.members]

    async def _in_turn(self, request: ModelRequest, pipeline: Pipeline) -> tuple[_Reply, tuple[str, ...]]:
        text, used, told = request.messages[-1].content, list[Usage](), list[str]()
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
            told.append(f"Stage {len(used)}, {model.name}: {minutes.beginning(text)}")
        return replace(reply, usage=_sum(used)), (f"{len(used)} stages of {self.name}, one after the other", *told)


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


async def _next(model: Routed, request: ModelRequest) -> _Next:
    """Return the likeliest next tokens of one member. Raises ModelUnavailable when it tells none."""
    likely, usage = tuple[tuple[str, float], ...](), Usage()
    async with aclosing(model.stream(request)) as pieces:
        async for piece in pieces:
            likely, usage = piece.likely or likely, piece.usage or usage
    if not likely:
        raise ModelUnavailable(f"The model {model.name!r} did not tell how probable its tokens are.")
    return _Next(likely, usage)


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
