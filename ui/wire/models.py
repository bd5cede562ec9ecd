"""Models, adapters, ensembles and how one of them is chosen."""

from __future__ import annotations

from ui.wire.base import Epoch, Wire


class Guesses(Wire):
    """What guessing tokens ahead has brought for one kind of request."""

    task: str = ""  # name of the prompt; "" over all
    on: bool | None = None  # None while it is being tried
    answers: int = 0
    guessed: int = 0
    accepted: int = 0
    tokens_per_step: float | None = None
    speed_with: float | None = None  # tokens/s
    speed_without: float | None = None


class ModelInfo(Wire):
    """One model with what it did since the server started."""

    name: str
    tier: str = ""
    model: str = ""
    adapter: str | None = None
    healthy: bool = False
    detail: str = ""
    inside: bool = True
    enabled: bool = True
    sees: bool = False  # takes pictures
    context_tokens: int = 0  # of prompt and answer together; 0: not told
    busy: int = 0
    answers: int = 0
    failures: int = 0
    first_token_s: float | None = None
    tokens_per_s: float | None = None
    cost_per_1000: float | None = None
    guesses: tuple[Guesses, ...] = ()
    guessing_advice: str = ""  # what to do about it, as measured
    breaker: str = "closed"  # "open": left alone after failures; "half-open": being tried
    tried_again_in_s: float | None = None  # when it is open


class AdapterInfo(Wire):
    """An adapter that the vLLM server may load."""

    name: str
    loaded: bool = False
    rank: int | None = None
    problem: str = ""
    description: str = ""
    examples: tuple[str, ...] = ()


class WorthInfo(Wire):
    """An ensemble beside its best member, as measured."""

    verdict: str = ""  # "better", "worse" or "not shown"
    sentence: str = ""
    current: bool = True  # False: its members have changed since
    at: Epoch = 0.0


class EnsembleInfo(Wire):
    """Several models behind one name."""

    name: str
    kind: str = ""
    about: str = ""
    members: tuple[str, ...] = ()
    rule: str = ""
    enabled: bool = True
    worth: WorthInfo | None = None  # None: not measured yet


class UnderwayInfo(Wire):
    """A measurement that runs, or that ran last."""

    name: str
    done: int = 0
    total: int = 0
    running: bool = False
    problem: str = ""


class Rule(Wire):
    """One row of the decision table."""

    name: str
    when: dict[str, str] = {}
    ask: tuple[str, ...] = ()
    because: str = ""
    judged: bool = False  # both nearest adapters are asked, and the better answer is given


class Preset(Wire):
    """Sampling by name."""

    name: str
    about: str = ""


class Chats(Wire):
    """The chats of this moment."""

    answered: int = 0
    waiting: int = 0


class ModelsOverview(Wire):
    """Everything about models."""

    models: tuple[ModelInfo, ...] = ()
    adapters: tuple[AdapterInfo, ...] = ()
    adapters_problem: str = ""
    ensembles: tuple[EnsembleInfo, ...] = ()
    chats: Chats = Chats()
    measuring: UnderwayInfo | None = None
    balance: float | None = None
    rules: tuple[Rule, ...] = ()
    problems: tuple[str, ...] = ()  # with the files of the rules and the ensembles
    preset: str = "precise"
    presets: tuple[Preset, ...] = ()


class Decision(Wire):
    """Who would be asked a question."""

    ask: tuple[str, ...] = ()
    reason: str = ""


class Side(Wire):
    """What one of several models said to the same question."""

    asked: str
    answered: str = ""
    answer: str = ""
    notice: str | None = None
    degraded: bool = False
    tokens: int = 0
    first_token_s: float | None = None
    tokens_per_s: float | None = None
    total_s: float = 0.0


class PolicyEstimate(Wire):
    """How a learned policy was judged against the rules."""

    experiences: int = 0
    low: float = 0.0
    high: float = 0.0
    good: bool = False
    sentence: str = ""


class LearnedPolicy(Wire):
    """A learned policy."""

    id: str
    at: float = 0.0
    estimate: PolicyEstimate = PolicyEstimate()


class LearnedPolicies(Wire):
    """All of them, and which one acts."""

    allowed: bool = False
    explore: float = 0.0
    active: str | None = None
    policies: tuple[LearnedPolicy, ...] = ()
