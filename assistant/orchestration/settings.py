"""What an installation may choose about chat turns."""

from __future__ import annotations

from pydantic import BaseModel, Field


class TurnSettings(BaseModel):
    """Limits and switches of a chat turn."""

    model_config = {"extra": "forbid", "frozen": True}

    max_question_chars: int = Field(default=8_000, ge=100, le=200_000, description="Longest question")
    max_history_messages: int = Field(default=20, ge=0, le=200, description="Earlier messages that a turn looks at")
    max_model_calls: int = Field(
        default=6, ge=1, le=50, description="Times the model is asked within one turn, skills included"
    )
    max_skill_calls: int = Field(default=8, ge=1, le=100, description="Calls of skills within one turn")
    approval_hours: float = Field(
        default=24.0, gt=0, le=720, description="How long a call of a skill waits for a person's approval"
    )
    search_timeout_s: float = Field(default=10.0, gt=0, le=120, description="Longest search within a turn")
    second_draft: bool = Field(
        default=True,
        description="Ask once more when nothing of an answer stands in the passages, and the small model also when it"
        " abstains although a passage has many of the question's words",
    )
    whole_sentences: bool = Field(
        default=True, description="Show what the small model answers in a few words in the sentence that says so"
    )
    cache_answers: bool = Field(
        default=False, description="Answer a question that was asked before from memory, per reader's rights"
    )
    cache_entries: int = Field(default=500, ge=1, le=100_000, description="Answers kept by cache_answers")
    cache_ttl_s: float = Field(default=900.0, gt=0, le=86_400, description="How long cache_answers keeps an answer")
    cache_closeness: float = Field(
        default=0.0, ge=0, le=1, description="Cosine from which cache_answers takes questions for the same; 0: never"
    )
    curated_closeness: float = Field(
        default=0.0, ge=0, le=1, description="Cosine from which a curated question counts as asked; 0: same words only"
    )
    suggestions: int = Field(default=3, ge=0, le=5, description="Follow-up questions offered under an answer")
    warm_up: bool = Field(default=True, description="Import semantic-kernel while the server starts, not at first use")


class PromptSettings(BaseModel):
    """Who works on prompts, and how long they may be."""

    model_config = {"extra": "forbid", "frozen": True}

    authors: tuple[str, ...] = Field(
        default=(), description="Groups whose members may write and try prompts; publishing takes an administrator"
    )
    max_chars: int = Field(
        default=6_000, ge=500, le=100_000, description="Longest prompt, examples included, without passages"
    )
