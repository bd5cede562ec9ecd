"""One attempt at an answer: the pieces of a draft go through a release and come out as events."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace

from assistant.guardrails.json_release import JsonRelease
from assistant.guardrails.plain_release import PlainRelease
from assistant.guardrails.release import GroundedRelease, Released
from assistant.models.types import Piece, Usage
from assistant.orchestration.trace import Trace
from assistant.types import Event, Route

Release = GroundedRelease | JsonRelease | PlainRelease


@dataclass(slots=True)
class Progress:
    """How the drafts of a turn have gone so far."""

    route: Route  # of the model that speaks, or spoke last
    usage: Usage = Usage()  # of all drafts together
    stopped_by: str = "stop"
    notice: str | None = None


async def attempt(
    pieces: AsyncGenerator[Piece, None],
    release: Release,
    progress: Progress,
    trace: Trace,
    line: Callable[[str], str],
) -> AsyncGenerator[Event, None]:
    """Yield text as `release` lets it go, and a notice when another model takes over; `progress` is kept up to date.

    What the members of an ensemble said becomes steps, each of them as `line` lets it be shown.

    Ends early, closing `pieces`, when the answer is an abstention. Raises what `pieces` raises.
    """
    started, spoke, progress.stopped_by = trace.clock(), False, "stop"
    async with aclosing(pieces):
        async for piece in pieces:
            if piece.route is not None:
                reason = piece.route.reason or progress.route.reason
                route = replace(piece.route, strategy=progress.route.strategy, reason=reason)
                told = _takeover(progress.route, route, piece.route.reason, spoke)
                if spoke and route != progress.route:
                    for released in release.begin_again():
                        yield text_event(released)
                # A second draft that falls to the same model need not say so again.
                if told and (spoke or progress.notice is None):
                    progress.notice = told
                    yield trace.step("takeover", told.removesuffix("."), 0.0)
                    yield Event("notice", told)
                progress.route = route
            if piece.unmet:
                progress.notice = " ".join(filter(None, (progress.notice, piece.unmet)))
                yield Event("notice", progress.notice)
            for sentence in piece.told:
                yield trace.step("vote", line(sentence), 0.0)
            if piece.text and not spoke:
                trace.timings_ms["first_token"] = trace.elapsed_ms(started)
            spoke = spoke or bool(piece.text)
            progress.stopped_by = piece.stopped_by or progress.stopped_by
            progress.usage = _sum(progress.usage, piece.usage)
            for released in await release.feed(piece.text) if piece.text else ():
                yield text_event(released)
            if release.settled:
                return
    for released in await release.finish(cut_off=progress.stopped_by == "length"):
        yield text_event(released)


def _takeover(before: Route, now: Route, why: str, spoke: bool) -> str:
    """Return the sentence for a reader whom another model answers than was to; "" where it is the same one."""
    first, then = _name(before), _name(now)
    if first == then or not before.model:
        return ""
    if spoke:
        return f"{first} stopped answering, so {then} took over."
    return f"{why or f'{first} did not answer'}, so {then} answered instead."


def _name(route: Route) -> str:
    """Return the name by which a model is asked for: an adapter of the vLLM server has its own."""
    return route.adapter if route.adapter and route.tier == "domain" else route.model


def text_event(released: Released) -> Event:
    """Return the event that shows a slice."""
    return Event("text", released.text, citations=released.citations)


def _sum(one: Usage, other: Usage | None) -> Usage:
    if other is None:
        return one
    return Usage(
        one.input_tokens + other.input_tokens,
        one.output_tokens + other.output_tokens,
        one.cached_tokens + other.cached_tokens,
    )
