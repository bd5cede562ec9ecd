"""The answer of a turn as JSON: printed by `ask --json`, stored with its turn, sent as the last streamed chunk."""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict

from assistant.types import Answer, CallToApprove, Citation, Step
from knowledge.types import Passage

QUOTE_CHARACTERS = 600
NEAREST_SHOWN = 5


class CitationJson(TypedDict):
    """A numbered reference to a passage."""

    n: int
    document: str
    title: str
    page: int | None
    chunk: str
    quote: str
    heading: str
    path: str
    collection: str
    anchor: str
    readable: NotRequired[bool]  # False: the person may not read the passage any more, and only `n` is told


class NearestJson(TypedDict):
    """A passage offered in place of an answer."""

    document: str
    title: str
    page: int | None
    chunk: str
    quote: str
    heading: str
    path: str
    score: float


class RouteJson(TypedDict):
    """Which model answered, and how it was asked."""

    model: str
    adapter: str | None
    tier: str
    strategy: str


class StepJson(TypedDict):
    """Something that was done on the way to the answer."""

    name: str
    detail: str
    ms: float


class UsageJson(TypedDict):
    """Tokens of one answer."""

    input_tokens: int
    output_tokens: int
    cached_tokens: int


class DrawnJson(TypedDict):
    """A picture that a skill had made; GET /api/pictures/{id} has it."""

    id: str
    shows: str


class ApprovalJson(TypedDict):
    """A call of a skill that a person has to approve, to the letter."""

    id: str
    skill: str
    arguments: dict[str, Any]
    state: str
    expires_at: float


class AnswerJson(TypedDict):
    """The whole answer; the first nine keys are a contract of the command line."""

    answer: str
    citations: list[CitationJson]
    abstained: bool
    grounded: bool
    degraded: bool
    route: RouteJson
    steps: list[StepJson]
    timings_ms: dict[str, float]
    usage: UsageJson
    notice: str | None
    suggestions: list[str]
    searched: list[str]
    nearest: list[NearestJson]
    stopped_by: str
    approvals: list[ApprovalJson]
    pictures: NotRequired[list[DrawnJson]]  # missing in answers that were stored before there were any


def answer_json(answer: Answer) -> AnswerJson:
    """Return `answer` with bounded texts: a quote has at most 600 characters, at most five nearest passages."""
    return AnswerJson(
        answer=answer.text,
        citations=[citation_json(citation) for citation in answer.citations],
        abstained=answer.abstained,
        grounded=answer.grounded,
        degraded=answer.degraded,
        route=RouteJson(
            model=answer.route.model,
            adapter=answer.route.adapter,
            tier=answer.route.tier,
            strategy=answer.route.strategy,
        ),
        steps=[step_json(step) for step in answer.steps],
        timings_ms={name: round(value, 1) for name, value in answer.timings_ms.items()},
        usage=UsageJson(
            input_tokens=answer.usage.input_tokens,
            output_tokens=answer.usage.output_tokens,
            cached_tokens=answer.usage.cached_tokens,
        ),
        notice=answer.notice,
        suggestions=list(answer.suggestions),
        searched=list(answer.searched),
        nearest=[nearest_json(passage) for passage in answer.nearest[:NEAREST_SHOWN]],
        stopped_by=answer.stopped_by,
        approvals=[approval_json(call) for call in answer.approvals],
        pictures=[DrawnJson(id=each.id, shows=each.shows) for each in answer.pictures],
    )


def citation_json(citation: Citation) -> CitationJson:
    """Return a citation with its quote cut to 600 characters."""
    return CitationJson(
        n=citation.n,
        document=citation.document,
        title=citation.title,
        page=citation.page,
        chunk=citation.chunk,
        quote=citation.quote[:QUOTE_CHARACTERS],
        heading=citation.heading,
        path=citation.path,
        collection=citation.collection,
        anchor=citation.anchor,
    )


def step_json(step: Step) -> StepJson:
    """Return a step, its duration in milliseconds."""
    return StepJson(name=step.name, detail=step.detail, ms=round(step.ms, 1))


def approval_json(call: CallToApprove) -> ApprovalJson:
    """Return a call that a person has to approve, with its whole arguments."""
    return ApprovalJson(
        id=call.id, skill=call.skill, arguments=call.arguments, state=call.state, expires_at=call.expires_at
    )


def nearest_json(passage: Passage) -> NearestJson:
    """Return a passage with its text cut to 600 characters."""
    return NearestJson(
        document=passage.document_id,
        title=passage.title,
        page=passage.page,
        chunk=passage.chunk_id,
        quote=passage.text[:QUOTE_CHARACTERS],
        heading=passage.heading,
        path=passage.path,
        score=round(passage.score, 4),
    )
