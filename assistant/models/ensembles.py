"""Several models, or one model several times, behind one name: declared in YAML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from assistant.models.errors import RoutingInvalid
from assistant.models.routing_file import parsed
from assistant.models.stacking import Stack
from assistant.models.stacking import read as read_stack

SHIPPED = Path(__file__).with_name("ensembles.yaml")
MOST = 9  # calls of one ensemble
TEXT = "{text}"
_FROZEN = ConfigDict(extra="forbid", frozen=True)

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$")]


class Member(BaseModel):
    """One voter."""

    model_config = _FROZEN

    model: Name
    weight: float = Field(default=1.0, gt=0, le=100)
    skill: Mapping[Name, Annotated[float, Field(ge=0, le=1)]] = {}  # task -> share of right answers, as measured


class Vote(BaseModel):
    """Each member answers, and the answers are counted (models/votes.py)."""

    model_config = _FROZEN

    kind: Literal["vote"]
    name: Name
    about: str = Field(min_length=1, max_length=300)
    members: tuple[Member, ...] = Field(min_length=2, max_length=MOST)
    method: Literal["majority", "ranked", "weighted", "stacked"] = "majority"
    tasks: Mapping[Name, tuple[str, ...]] = Field(default={}, max_length=50)  # of `skill`, with example questions
    stack: Path | None = None  # what benchmarks/ensembles.py has learned; for "stacked"

    @model_validator(mode="after")
    def _complete(self) -> Vote:
        if (self.method == "stacked") != (self.stack is not None):
            raise ValueError("`stack` is the file of the method `stacked`, and of no other")
        if self.method == "weighted" and not self.tasks:
            raise ValueError("the method `weighted` needs `tasks`, and the members' `skill` in them")
        unknown = sorted({task for member in self.members for task in member.skill} - set(self.tasks))
        if unknown:
            raise ValueError(f"`skill` names the task {unknown[0]}, which is not in `tasks`")
        if self.stack is not None and self.learned.members != tuple(member.model for member in self.members):
            raise ValueError("what is in `stack` was learned of other members, or of these in another order")
        return self

    @property
    def learned(self) -> Stack:
        """Return what is in `stack`. Raises RoutingInvalid."""
        if self.stack is None:
            raise RoutingInvalid(f"{self.name!r} has no `stack`.")
        return read_stack(self.stack)


class SelfConsistency(BaseModel):
    """One model answers several times with some variety, and the answers are counted."""

    model_config = _FROZEN

    kind: Literal["self_consistency"]
    name: Name
    about: str = Field(min_length=1, max_length=300)
    model: Name = "assistant"
    samples: int = Field(default=5, ge=2, le=MOST)
    temperature: float = Field(default=0.7, gt=0, le=2)
    method: Literal["majority", "ranked"] = "majority"


class Average(BaseModel):
    """The members' probabilities of the next token are averaged, token after token.

    They have to share a tokenizer, and to be served by vLLM: a model and its adapters.
    """

    model_config = _FROZEN

    kind: Literal["average"]
    name: Name
    about: str = Field(min_length=1, max_length=300)
    members: tuple[Member, ...] = Field(min_length=2, max_length=MOST)


class Stage(BaseModel):
    """One step of a pipeline: `prompt` with {text} in the place of what came before."""

    model_config = _FROZEN

    model: Name = "assistant"
    prompt: str = Field(max_length=8_000)
    max_tokens: int = Field(default=512, ge=1, le=8_192)

    @model_validator(mode="after")
    def _takes_text(self) -> Stage:
        if self.prompt.count(TEXT) != 1:
            raise ValueError("`prompt` must hold {text} once")
        return self


class Pipeline(BaseModel):
    """Each stage works on what the stage before it wrote; the first one on the user's message."""

    model_config = _FROZEN

    kind: Literal["pipeline"]
    name: Name
    about: str = Field(min_length=1, max_length=300)
    stages: tuple[Stage, ...] = Field(min_length=1, max_length=MOST)


Ensemble = Vote | SelfConsistency | Average | Pipeline


class _File(BaseModel):
    model_config = _FROZEN

    ensembles: tuple[Annotated[Ensemble, Field(discriminator="kind")], ...] = Field(max_length=50)


def models_of(ensemble: Ensemble) -> tuple[str, ...]:
    """Return the models that an ensemble asks, in order, repeated as often as they are asked."""
    if isinstance(ensemble, Vote | Average):
        return tuple(member.model for member in ensemble.members)
    if isinstance(ensemble, SelfConsistency):
        return (ensemble.model,) * ensemble.samples
    return tuple(stage.model for stage in ensemble.stages)


def rule_of(ensemble: Ensemble) -> str:
    """Return how an ensemble comes to its answer, in a few words."""
    if isinstance(ensemble, Vote):
        return {
            "majority": "the answer that most members give",
            "ranked": "the members' ranked answers, added up",
            "weighted": "a vote weighted by measured skill",
            "stacked": "a vote weighted by what was learned of past answers",
        }[ensemble.method]
    if isinstance(ensemble, SelfConsistency):
        return f"{ensemble.samples} answers of one model, of which most agree on one"
    return "the average of token probabilities" if isinstance(ensemble, Average) else "one stage after the other"


def without_probabilities(name: str) -> str:
    """Return the sentence that refuses a member of an average."""
    return (
        f"The model {name!r} does not tell how probable its tokens are, so it cannot take part in an average. "
        "Name models of the vLLM server, or declare a vote."
    )


def fitting(ensembles: Sequence[Ensemble], models: Mapping[str, bool], path: Path = SHIPPED) -> tuple[Ensemble, ...]:
    """Return the ensembles of `path` if they can be asked beside `models`: names, and whether each tells probabilities.

    Raises RoutingInvalid for a name that is a model's, and for an average of models that tell no probabilities.
    Members that are not there may come later: adapters are loaded while the server runs.
    """
    for ensemble in ensembles:
        if ensemble.name in models:
            raise RoutingInvalid(
                f"{path}: the name {ensemble.name!r} is that of a model, which could not be asked any more. "
                "Choose another."
            )
        mute = [name for name in models_of(ensemble) if not models.get(name, True)]
        if isinstance(ensemble, Average) and mute:
            raise RoutingInvalid(f"{path}: {ensemble.name!r} cannot be had. {without_probabilities(mute[0])}")
    return tuple(ensembles)


def read(path: Path = SHIPPED) -> tuple[Ensemble, ...]:
    """Return the ensembles in a YAML file. Raises RoutingInvalid with the field that is wrong.

    An ensemble cannot ask another one, so that the number of calls stays what the file says.
    """
    found = parsed(path, _File, "the ensembles", "models.ensembles").ensembles
    names = [ensemble.name for ensemble in found]
    for ensemble in found:
        if names.count(ensemble.name) > 1 or ensemble.name == "assistant":
            raise RoutingInvalid(f"{path}: the name {ensemble.name!r} is taken. Choose another.")
        if nested := sorted(set(models_of(ensemble)) & set(names)):
            raise RoutingInvalid(f"{path}: {ensemble.name!r} asks the ensemble {nested[0]!r}. Name models instead.")
    return found
