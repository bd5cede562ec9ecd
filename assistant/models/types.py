"""What the rest of the assistant knows of language models: a request, a stream of pieces, and how it stopped."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from assistant.orchestration.prompts import Message

if TYPE_CHECKING:
    from assistant.types import Route

StopReason = Literal["stop", "length", "tool_calls", "cancelled"]


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to choose the next token; ranges are enforced at the door (api/schemas.py)."""

    max_tokens: int = 256  # 1..8192
    temperature: float = 0.0  # 0..2; 0 is greedy
    top_p: float = 1.0  # 0..1
    top_k: int = 0  # 0 is off
    min_p: float = 0.0
    seed: int | None = None
    stop: tuple[str, ...] = ()
    json_schema: dict[str, Any] | None = None  # the reply must validate against it
    by_hand: frozenset[str] = frozenset()  # names of what somebody set themselves, rather than a preset


@dataclass(frozen=True, slots=True)
class Policy:
    """What a caller demands of the choice between models."""

    privacy: Literal["any", "inside"] = "any"  # inside: no endpoint outside of the site's own network
    budget: Literal["any", "low"] = "any"  # low: the cheapest that will do
    latency: Literal["any", "fast"] = "any"  # fast: the first word soon


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One call of one model."""

    messages: tuple[Message, ...]
    sampling: Sampling = field(default_factory=Sampling)
    _: KW_ONLY
    tools: tuple[dict[str, Any], ...] = ()  # OpenAI tool definitions
    request_id: str = ""
    cache_salt: str = ""  # access scope's fingerprint: prefix caches are not shared across scopes
    begun: str = ""  # what the reply begins with already; the model goes on from there
    alternatives: int = 0  # most probable tokens to be told in each place, 0..20
    patient: bool = False  # nobody can take the model's place, so that its first token may take long
    task: str = ""  # name of the prompt; only our own engine is told, which guesses tokens for some tasks


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one call."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0  # input tokens that came from a prefix cache
    accepted_tokens: int = 0  # output tokens that were guessed first
    rejected_tokens: int = 0  # guesses that were wrong; an upper bound from engines that do not tell


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a streamed reply. The last piece carries `stopped_by` and `usage`.

    From a router, the first piece of each model that answers carries its `route`; a second route in one reply means
    that another model took over because the first one failed: what comes from then on is its whole reply, from the
    beginning.
    """

    text: str = ""
    tool_calls: tuple[dict[str, Any], ...] = ()
    stopped_by: StopReason | None = None
    usage: Usage | None = None
    route: Route | None = None
    likely: tuple[tuple[str, float], ...] = ()  # in the place of its last token: tokens and log probabilities
    unmet: str = ""  # what the model cannot do of what somebody set themselves, one sentence
    told: tuple[str, ...] = ()  # what was done on the way to it, one sentence each, to be shown beside the answer


class ChatModel(Protocol):
    """A language model behind one endpoint."""

    name: str
    context_tokens: int

    def stream(self, request: ModelRequest) -> AsyncIterator[Piece]:
        """Yield the reply's pieces; closing the iterator aborts the generation at the engine.

        Raises ModelUnavailable (no answer, or none in time), ModelOverloaded (429/503) or ModelRefused (4xx).
        """
        ...

    async def count_tokens(self, messages: tuple[Message, ...]) -> int:
        """Return how many tokens the rendered chat takes, an upper bound where the tokenizer is not known."""
        ...


@dataclass(frozen=True, slots=True)
class Guesses:
    """What guessing tokens ahead (speculative decoding) has brought at one engine since it started."""

    task: str  # name of the prompt; "" over all, where the engine does not tell them apart
    on: bool | None  # None while it is still being tried
    answers: int = 0  # with guessing and without
    guessed: int = 0  # tokens; the local engine knows an upper bound
    accepted: int = 0  # tokens
    tokens_per_step: float | None = None  # with guessing; 1 is nothing gained
    speed_with: float | None = None  # tokens/s of recent answers, without the time for the prompt
    speed_without: float | None = None


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """One language model as operators see it."""

    name: str  # what `model` of a request may be
    tier: str
    model: str
    adapter: str | None
    healthy: bool
    detail: str  # one sentence
    inside: bool = True  # on this site's own network
    enabled: bool = True  # an administrator may switch a model off
    sees: bool = False  # takes pictures
    context_tokens: int = 0  # of prompt and answer together; 0 for an ensemble
    busy: int = 0  # requests under way
    answers: int = 0  # since the start
    failures: int = 0
    first_token_s: float | None = None  # moving average; None before the first answer
    tokens_per_s: float | None = None  # of one stream, moving average
    cost_per_1000: float | None = None  # answers, in the currency of the price settings; None without a price
    guesses: tuple[Guesses, ...] = ()  # one for each task; none where nothing is guessed
    breaker: Literal["closed", "open", "half-open"] = "closed"  # open: left alone; half-open: one tiny request is tried
    tried_again_in_s: float | None = None  # when it is open
