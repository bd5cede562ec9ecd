"""What an installation may choose about memory."""

from __future__ import annotations

from pydantic import BaseModel, Field


class MemorySettings(BaseModel):
    """Limits and switches of memory; each person may switch it off for themselves besides."""

    model_config = {"extra": "forbid", "frozen": True}

    enabled: bool = Field(default=True, description="Remember what people ask to be remembered")
    max_notes: int = Field(default=500, ge=1, le=5_000, description="Notes of one person, and of one group")
    recalled: int = Field(default=4, ge=1, le=20, description="Notes that one turn recalls at most")
    min_similarity: float = Field(
        default=0.3,
        ge=0,
        le=1.25,
        description="Closeness from which a note fits: cosine plus 0.25 for shared words",
    )
    suggest: bool = Field(
        default=True, description="Suggest notes from what people say about themselves, for them to confirm"
    )
