"""The decision table: which kind of model is asked for which kind of question. Read from YAML, applied purely."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from assistant.models.routing_file import parsed
from assistant.models.types import Policy

SHIPPED = Path(__file__).with_name("decisions.yaml")
_FROZEN = ConfigDict(extra="forbid", frozen=True)

Kind = Literal["adapter", "base", "small", "other"]
"""A model's place: the nearest domain's adapter, the domain tier's base model, the fallback tier, another endpoint."""


class Signals(BaseModel):
    """How a question is read."""

    model_config = _FROZEN

    easy_words_at_most: int = Field(ge=0, le=1_000)
    hard_words: tuple[str, ...]
    long_characters: int = Field(ge=1, le=1_000_000)
    stakes_words: tuple[str, ...]
    domain_closeness: float = Field(ge=0, le=1)
    domain_margin: float = Field(ge=0, le=1)
    busy_share: float = Field(gt=0, le=1)


class When(BaseModel):
    """Conditions; one that is left out always holds."""

    model_config = _FROZEN

    difficulty: Literal["easy", "normal", "hard"] | None = None
    stakes: Literal["low", "high"] | None = None
    domain: Literal["none", "one", "several"] | None = None
    privacy: Literal["any", "inside"] | None = None
    budget: Literal["any", "low"] | None = None
    latency: Literal["any", "fast"] | None = None


class Rule(BaseModel):
    """One row of the table."""

    model_config = _FROZEN

    name: str = Field(min_length=1, max_length=60)
    when: When
    ask: tuple[Kind, ...] = Field(min_length=1)
    because: str = Field(min_length=1, max_length=200)
    judged: bool = False  # the two nearest adapters are both asked, and the better answer is given


class Table(BaseModel):
    """The whole table. Its last rule has no condition, so that every question has an answer."""

    model_config = _FROZEN

    signals: Signals
    rules: tuple[Rule, ...] = Field(min_length=1, max_length=100)

    @field_validator("rules")
    @classmethod
    def _whole(cls, rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
        if rules[-1].when != When():
            raise ValueError("the last rule must have no condition")
        if astray := [rule.name for rule in rules if rule.judged and rule.when.domain != "several"]:
            raise ValueError(f"the rule {astray[0]!r} is judged, so it needs the condition domain: several")
        if len({rule.name for rule in rules}) < len(rules):
            raise ValueError("two rules have the same name")
        return rules


@dataclass(frozen=True, slots=True)
class Domain:
    """How close a question is to an adapter's domain."""

    adapter: str
    closeness: float  # cosine, -1..1, to its description or the nearest of its examples


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a question before anybody is asked."""

    question: str
    policy: Policy = Policy()
    domains: tuple[Domain, ...] = ()  # nearest first
    pictures: bool = False  # it comes with some


@dataclass(frozen=True, slots=True)
class Reading:
    """A question in the words of the table."""

    difficulty: Literal["easy", "normal", "hard"]
    stakes: Literal["low", "high"]
    domain: Literal["none", "one", "several"]
    adapter: str | None  # of the nearest domain, when it is near enough
    rivals: tuple[str, ...] = ()  # the adapters of the two nearest domains, where it is a question of several


def read(path: Path = SHIPPED) -> Table:
    """Return the table in a YAML file. Raises RoutingInvalid with the field that is wrong."""
    return parsed(path, Table, "the decision table", "models.routing")


def understand(facts: Facts, signals: Signals) -> Reading:
    """Return how the table reads a question."""
    text = facts.question.casefold()
    hard = _mentions(text, signals.hard_words) or len(text) >= signals.long_characters
    short = len(text.split()) <= signals.easy_words_at_most and text.count("?") <= 1
    near = [domain for domain in facts.domains if domain.closeness >= signals.domain_closeness]
    close = [domain for domain in near if near[0].closeness - domain.closeness <= signals.domain_margin]
    return Reading(
        difficulty="hard" if hard else "easy" if short else "normal",
        stakes="high" if _mentions(text, signals.stakes_words) else "low",
        domain="several" if len(close) > 1 else "one" if close else "none",
        adapter=near[0].adapter if near else None,
        rivals=tuple(domain.adapter for domain in close[:2]) if len(close) > 1 else (),
    )


def decide(facts: Facts, reading: Reading, table: Table) -> Rule:
    """Return the first rule whose conditions all hold; the last one always does."""
    known = {
        "difficulty": reading.difficulty,
        "stakes": reading.stakes,
        "domain": reading.domain,
        "privacy": facts.policy.privacy,
        "budget": facts.policy.budget,
        "latency": facts.policy.latency,
    }
    for rule in table.rules:
        if all(known[name] == value for name, value in rule.when.model_dump(exclude_none=True).items()):
            return rule
    return table.rules[-1]


def _mentions(text: str, words: tuple[str, ...]) -> bool:
    return any(re.search(rf"\b{re.escape(word.casefold())}\b", text) for word in words)
