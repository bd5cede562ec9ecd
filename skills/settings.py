"""Settings of skills. Only assistant/settings.py reads the environment; this is its part for skills."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class SkillsSettings(BaseModel):
    """Where skills come from, and how much one call may take."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    skills_path: tuple[Path, ...] = Field(
        default=(), description="Folders with skills: Python modules, OpenAPI documents, *.skill.yaml, SKILL.md folders"
    )
    builtin: bool = Field(default=True, description="Offer the skills that come with the product")
    timeout_s: float = Field(default=20.0, gt=0, le=600, description="Longest duration of one call")
    long_timeout_s: float = Field(
        default=3_600.0, gt=0, le=86_400, description="Longest duration of one call of a skill that is declared as long"
    )
    connect_timeout_s: float = Field(default=20.0, gt=0, le=120, description="Longest time until an MCP server speaks")
    max_output_bytes: int = Field(default=1_000_000, ge=1_000, description="Largest result of one call")
    max_text_chars: int = Field(default=8_000, ge=200, description="Longest result that a model reads; the rest is cut")
    child_memory_bytes: int = Field(
        default=1_000_000_000, ge=100_000_000, description="Address space of a process with a team's Python skills"
    )
    max_document_bytes: int = Field(default=10_000_000, ge=1_000, description="Largest OpenAPI document")
    allow_hosts: frozenset[str] = Field(
        default=frozenset(),
        description="Hosts inside the company's network that skills may call (name, address or name:port)",
    )
    stdio_commands: frozenset[Path] = Field(
        default=frozenset(), description="Absolute paths of programs that may be started as MCP servers; empty: none"
    )
    calls_per_minute: int = Field(default=60, ge=1, description="Calls of one skill by one person in a minute")
    choose_limit: int = Field(default=5, ge=1, le=50, description="How many skills a small model gets to choose from")
    irrelevant_below: float = Field(
        default=0.41, ge=-1, le=1, description="Cosine similarity under which no skill is offered to a small model"
    )
    quotes_url: str = Field(default="", description="Address of the quotes API with {symbol} in it; empty: no quotes")
    tickets_url: str = Field(default="", description="Address of the tickets API; empty: no tickets")
    images_url: str = Field(
        default="", description="Address of an API with OpenAI's /images/generations; empty: no pictures are made"
    )
    images_model: str = Field(default="", description="What that API calls its model; unset: it chooses")
    images_max_bytes: int = Field(default=8_000_000, ge=10_000, le=50_000_000, description="Largest picture")
    images_timeout_s: float = Field(default=120.0, gt=0, le=600, description="Wait for one picture")
    images_per_hour: int = Field(default=20, ge=1, description="Pictures of one person within an hour")
    catalogue: Path | None = Field(default=None, description="CSV file with the product catalogue; none: no search")
