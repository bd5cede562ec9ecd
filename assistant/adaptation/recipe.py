"""A recipe: one YAML file that names everything that changes the result; unknown keys are errors."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assistant.adaptation.errors import RecipeError

FOLDER = Path(__file__).parent / "recipes"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(_Strict):
    """A file of question rows and how it is used."""

    file: str
    pool: str  # sources of one pool are searched together for near misses
    licence: str
    attribution: str
    development: tuple[str, ...] = ()  # documents (titles) kept for validation while training
    test: tuple[str, ...] = ()  # documents (titles) kept for the final scores
    train_share: float = Field(default=1.0, gt=0, le=1)  # share of the other documents trained on, chosen by hash
    rest: Literal["development", "test", "both"] = "development"  # what the documents beyond `train_share` are for


class Mixture(_Strict):
    """How passages and questions become groups: passages once, then every question that they concern."""

    epochs: int = Field(default=2, ge=1)  # groupings of the same rows, each with other near misses
    passages: tuple[int, ...] = (3, 4, 4, 5)  # drawn uniformly; 4 twice
    max_answerable: int = 14  # branches of one group
    abstain_per_answerable: float = Field(default=0.75, ge=0)
    near_miss_rank: int = 6  # distractors come from this many best results
    max_answer_words: int = 40
    min_branches: int = Field(default=1, ge=1)  # smaller groups cost more for each question, and are left out
    cited_groups: int = 60  # groups whose first question has a long answer from several sources
    development_groups: int = 12  # what validation reads each time


class Training(_Strict):
    """Hyper-parameters of supervised fine-tuning with LoRA."""

    rank: int = Field(default=16, ge=1)
    alpha: int = Field(default=32, ge=1)
    first_layer: int = Field(default=0, ge=0)  # layers below stay as they are and need no backward pass
    modules: tuple[str, ...] = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
    learning_rate: float = Field(default=1e-3, gt=0)
    warmup_steps: int = Field(default=20, ge=0)
    final_rate: float = Field(default=0.05, ge=0, le=1)  # share of learning_rate left at the end of the cosine
    groups_per_step: int = Field(default=2, ge=1)
    max_steps: int = Field(default=400, ge=1)
    max_minutes: float = Field(
        default=0, ge=0
    )  # 0: no limit; otherwise the rate falls with the clock when that is ahead of the steps
    max_tokens: int = Field(default=1900, ge=64)  # of one packed group
    # Greedy decoding favours the abstention, one text, over an answer, whose probability is shared by its variants.
    abstention_weight: float = Field(default=1.0, gt=0)  # of an abstention's tokens in the loss
    clip_norm: float = Field(default=1.0, gt=0)
    weight_decay: float = Field(default=0.01, ge=0)
    checkpoint_minutes: float = Field(default=5, ge=0)
    validate_every_steps: int = Field(default=80, ge=1)
    patience: int = Field(default=4, ge=1)  # validations without a better score before the run stops
    dtype: str = Field(default="auto", pattern="^(auto|float32|bfloat16)$")


class Recipe(_Strict):
    """Everything that affects an adapter."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    base_model: str
    base_sha256: str = Field(pattern="^[0-9a-f]{64}$")
    # An adapter to go on from: one that ships, by its name, or a folder, seen from the recipe's; "": from none. Rank,
    # alpha, layers and modules of `training` have to be its own.
    start: str = ""
    prompt: str = "grounded_answer"
    seed: int = 7
    sources: tuple[Source, ...] = Field(min_length=1)
    mixture: Mixture = Mixture()
    training: Training = Training()

    @property
    def version(self) -> str:
        """Return the first 12 hex digits of the SHA-256 of the recipe's content."""
        new = set() if self.start else {"start"}  # recipes from before this key keep their version
        return hashlib.sha256(self.model_dump_json(exclude=new).encode()).hexdigest()[:12]


def load(path: Path) -> Recipe:
    """Return the recipe in a YAML file; raises RecipeError naming each key that is missing, unknown or out of range."""
    try:
        return Recipe.model_validate(yaml.safe_load(path.read_text("utf-8")))
    except OSError as exc:
        raise RecipeError(
            f"Cannot read the recipe {str(path)!r}: {exc.strerror}. Give the path of a YAML file."
        ) from exc
    except yaml.YAMLError as exc:
        raise RecipeError(f"The recipe {str(path)!r} is not YAML: {exc}. Correct it.") from exc
    except ValidationError as exc:
        found = "; ".join(f"{'.'.join(str(p) for p in e['loc']) or 'file'}: {e['msg']}" for e in exc.errors())
        raise RecipeError(f"The recipe {str(path)!r} cannot be used: {found}. Correct these keys.") from exc
