"""Requests to models, composed from prompts, passages and history within the model's context."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from assistant.guardrails.input import as_data
from assistant.guardrails.sentences import MARK
from assistant.models.policy.situation import Strategy
from assistant.models.types import ChatModel, ModelRequest
from assistant.orchestration.budget import Fitted, fit
from assistant.orchestration.condense import rewriting
from assistant.orchestration.earlier import NOTHING_EARLIER, Earlier, messages, summary_text
from assistant.orchestration.prompts import ChatPrompt, GroundedPrompt, Message, Prompt, load, load_chat, render, shown
from assistant.types import Turn
from knowledge.types import Passage

_SPARE_TOKENS = 8  # for what a chat template adds in front of the reply
_REWRITE_TOKENS = 80


@dataclass(frozen=True, slots=True)
class Prompts:
    """Every prompt of a turn."""

    grounded: GroundedPrompt
    strict: GroundedPrompt
    plain: ChatPrompt
    condense: ChatPrompt

    @property
    def version(self) -> str:
        """Return what differs between any two sets of prompts: it is part of the answer cache's key."""
        return "-".join(one.version for one in (self.grounded, self.strict, self.plain, self.condense))

    def asked(self, strategy: Strategy) -> Prompts:
        """Return the same prompts, of which the strict one answers where the strategy says so."""
        return replace(self, grounded=self.strict) if strategy == "strict" else self


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
    prompt: GroundedPrompt,
    turn: Turn,
    question: str,
    passages: Sequence[Passage],
    with_history: bool,
    model: ChatModel,
    notes: Sequence[str] = (),
    earlier: Earlier = NOTHING_EARLIER,
) -> Composed:
    """Return the request that asks `question` of `passages`. Raises ContextTooSmall when it cannot fit.

    `notes` of the person stand behind the passages, unless something would have to be cut for them. What was said
    `earlier` in the chat comes before the history, and makes room for passages but not for the history.
    """
    texts = [(label(passage), as_data(passage.text)) for passage in passages]
    history = [_unmarked(m) for m in turn.history if m.role != "system"] if with_history else []
    wishes = [*persona_of(turn), *(m.content for m in turn.history if m.role == "system")] if with_history else []
    own = [as_data(note) for note in notes]
    summary, recalled = _shown_earlier(earlier if with_history else NOTHING_EARLIER, _room(turn, model))

    def rendered(given: Sequence[tuple[str, str]], asked: str) -> list[Message]:
        system, *rest = render(prompt, given, asked, own)
        return [replace(system, content="\n\n".join([system.content, *wishes, *summary])), *rest]

    # Examples come before what was said and are the first to make room.
    before, room = [*shown(prompt), *history], _room(turn, model)
    fitted = await fit(rendered, before, texts, question, room, model.count_tokens, recalled, len(history))
    if (summary or recalled) and fitted.trimmed and fitted.passages < len(texts):
        return await from_documents(prompt, turn, question, passages, with_history, model, notes)
    if own and fitted.trimmed:
        return await from_documents(prompt, turn, question, passages, with_history, model, earlier=earlier)
    return Composed(_request(prompt, turn, model, fitted, own), tuple(passages[: fitted.passages]), fitted.trimmed)


async def plain_chat(
    prompt: ChatPrompt, turn: Turn, model: ChatModel, notes: Sequence[str] = (), earlier: Earlier = NOTHING_EARLIER
) -> Composed:
    """Return the request of a chat without documents. Raises ContextTooSmall when it cannot fit."""
    known, room = [as_data(note) for note in notes], _room(turn, model)
    summary, recalled = _shown_earlier(earlier, room)

    def rendered(_: Sequence[tuple[str, str]], question: str) -> list[Message]:
        own = any(message.role == "system" for message in turn.history)
        before = f"{prompt.noted(known)}\n\n" if known else ""
        urls = tuple(picture.url for picture in turn.options.pictures)
        asked = Message("user", before + prompt.filled(question=question), images=urls)
        told = "\n\n".join([prompt.system, *persona_of(turn), *summary])
        return [asked] if own else [Message("system", told), asked]

    wished = _wished(turn)
    before = [*shown(prompt), *wished]
    fitted = await fit(rendered, before, (), turn.question, room, model.count_tokens, recalled, len(wished))
    return Composed(_request(prompt, turn, model, fitted, known), (), fitted.trimmed)


def persona_of(turn: Turn) -> list[str]:
    """Return the instructions of the assistant that is asked, none without one."""
    persona = turn.options.persona
    return [persona.instructions] if persona is not None and persona.instructions else []


def rewrite(prompt: ChatPrompt, turn: Turn) -> ModelRequest:
    """Return the request that asks a model to make a follow-up question stand alone."""
    sampling = replace(turn.options.sampling, max_tokens=_REWRITE_TOKENS, temperature=0.0, stop=(), json_schema=None)
    asked = rewriting(prompt, turn.question, turn.history)
    salt = turn.caller.scope.fingerprint
    return ModelRequest(asked, sampling, request_id=turn.id, cache_salt=salt, task=prompt.name)


def label(passage: Passage) -> str:
    """Return what stands above a passage in a prompt: its title, and its own heading where that says more."""
    heading = passage.heading.rsplit(" > ", 1)[-1].strip()
    title = as_data(passage.title).replace("\n", " ")
    return title if not heading or heading.lower() in title.lower() else f"{title}: {as_data(heading)}".lstrip(": ")


def _wished(turn: Turn) -> list[Message]:
    """Return what was said before, the first wish of a client behind the instructions of the assistant."""
    said = list(turn.history)
    first = next((n for n, message in enumerate(said) if message.role == "system"), None)
    if first is not None:
        said[first] = replace(said[first], content="\n\n".join([*persona_of(turn), said[first].content]))
    return said


def _shown_earlier(earlier: Earlier, room: int) -> tuple[list[str], list[Message]]:
    """Return the summary and the exchanges, about a quarter of `room` in all (a token has some 4 characters)."""
    summary = summary_text(earlier, room // 2)
    return [summary] if summary else [], messages(earlier, room - len(summary))


def _unmarked(message: Message) -> Message:
    # The marks of earlier answers number the passages of earlier prompts.
    return replace(message, content=MARK.sub("", message.content)) if message.role == "assistant" else message


def _room(turn: Turn, model: ChatModel) -> int:
    return model.context_tokens - _answer_tokens(turn, model) - _SPARE_TOKENS


def _answer_tokens(turn: Turn, model: ChatModel) -> int:
    # However long an answer the caller asks for, half of the context stays for the question.
    return min(turn.options.sampling.max_tokens, max(1, model.context_tokens // 2))


def _request(prompt: Prompt, turn: Turn, model: ChatModel, fitted: Fitted, notes: Sequence[str]) -> ModelRequest:
    sampling = replace(turn.options.sampling, max_tokens=_answer_tokens(turn, model))
    salt = turn.caller.scope.fingerprint
    # A prompt with somebody's notes shares no prefix cache with anybody, not even with equal rights.
    salt = hashlib.sha256(f"{salt}:{turn.caller.user_id}".encode()).hexdigest()[:16] if notes else salt
    return ModelRequest(fitted.messages, sampling, request_id=turn.id, cache_salt=salt, task=prompt.name)
