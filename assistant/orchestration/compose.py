"""Requests to models, composed from prompts, passages and history within the model's context."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from assistant.guardrails.input import as_data
from assistant.guardrails.sentences import MARK
from assistant.models.types import ChatModel, ModelRequest
from assistant.orchestration.budget import Fitted, fit
from assistant.orchestration.condense import rewriting
from assistant.orchestration.prompts import ChatPrompt, GroundedPrompt, Message, load, load_chat, render
from assistant.types import Turn
from knowledge.types import Passage

_SPARE_TOKENS = 8  # for what a chat template adds in front of the reply
_REWRITE_TOKENS = 80


@dataclass(frozen=True, slots=True)
class Prompts:
    """Every prompt of a turn, read once."""

    grounded: GroundedPrompt
    strict: GroundedPrompt
    plain: ChatPrompt
    condense: ChatPrompt


def load_prompts() -> Prompts:
    """Return the prompts that ship."""
    return Prompts(load("grounded_answer"), load("strict_answer"), load_chat("plain_chat"), load_chat("condense"))


@dataclass(frozen=True, slots=True)
class Composed:
    """A request, and which passages it holds."""

    request: ModelRequest
    passages: tuple[Passage, ...]
    trimmed: bool  # whether something had to be cut to fit


async def from_documents(
    prompt: GroundedPrompt, turn: Turn, question: str, passages: Sequence[Passage], with_history: bool, model: ChatModel
) -> Composed:
    """Return the request that asks `question` of `passages`. Raises ContextTooSmall when it cannot fit."""
    texts = [(label(passage), as_data(passage.text)) for passage in passages]
    history = [_unmarked(m) for m in turn.history if m.role != "system"] if with_history else []
    wishes = [m.content for m in turn.history if m.role == "system"] if with_history else []

    def rendered(given: Sequence[tuple[str, str]], asked: str) -> list[Message]:
        system, *rest = render(prompt, given, asked)
        return [replace(system, content="\n\n".join([system.content, *wishes])), *rest]

    fitted = await fit(rendered, history, texts, question, _room(turn, model), model.count_tokens)
    return Composed(_request(turn, model, fitted), tuple(passages[: fitted.passages]), fitted.trimmed)


async def plain_chat(prompt: ChatPrompt, turn: Turn, model: ChatModel) -> Composed:
    """Return the request of a chat without documents. Raises ContextTooSmall when it cannot fit."""

    def rendered(_: Sequence[tuple[str, str]], question: str) -> list[Message]:
        own = any(message.role == "system" for message in turn.history)
        asked = Message("user", prompt.filled(question=question))
        return [asked] if own else [Message("system", prompt.system), asked]

    fitted = await fit(rendered, turn.history, (), turn.question, _room(turn, model), model.count_tokens)
    return Composed(_request(turn, model, fitted), (), fitted.trimmed)


def rewrite(prompt: ChatPrompt, turn: Turn) -> ModelRequest:
    """Return the request that asks a model to make a follow-up question stand alone."""
    sampling = replace(turn.options.sampling, max_tokens=_REWRITE_TOKENS, temperature=0.0, stop=(), json_schema=None)
    messages = rewriting(prompt, turn.question, turn.history)
    return ModelRequest(messages, sampling, request_id=turn.id, cache_salt=turn.caller.scope.fingerprint)


def label(passage: Passage) -> str:
    """Return what stands above a passage in a prompt: its title, and its own heading where that says more."""
    heading = passage.heading.rsplit(" > ", 1)[-1].strip()
    title = as_data(passage.title).replace("\n", " ")
    return title if not heading or heading.lower() in title.lower() else f"{title}: {as_data(heading)}".lstrip(": ")


def _unmarked(message: Message) -> Message:
    # The marks of earlier answers number the passages of earlier prompts.
    return replace(message, content=MARK.sub("", message.content)) if message.role == "assistant" else message


def _room(turn: Turn, model: ChatModel) -> int:
    return model.context_tokens - _answer_tokens(turn, model) - _SPARE_TOKENS


def _answer_tokens(turn: Turn, model: ChatModel) -> int:
    # However long an answer the caller asks for, half of the context stays for the question.
    return min(turn.options.sampling.max_tokens, max(1, model.context_tokens // 2))


def _request(turn: Turn, model: ChatModel, fitted: Fitted) -> ModelRequest:
    sampling = replace(turn.options.sampling, max_tokens=_answer_tokens(turn, model))
    return ModelRequest(fitted.messages, sampling, request_id=turn.id, cache_salt=turn.caller.scope.fingerprint)
