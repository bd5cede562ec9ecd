"""Settings of the models and of the local engine; `assistant/settings.py` composes them as `models`."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator


class ModelSettings(BaseModel):
    """Which models answer. With nothing set, the embedded model does."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str = Field(
        default="", description="GGUF file or OpenAI-compatible URL that takes the embedded model's place"
    )
    model_name: str = Field(default="", description="What the server at `model` calls the model; unset: its only one")
    model_api_key: SecretStr | None = Field(default=None, description="Bearer token for the URL in `model`")
    vllm_url: str = Field(
        default="", description="URL of a vLLM server, such as http://gpu:8000/v1, asked before the local one"
    )
    vllm_model: str = Field(default="", description="Name of the base model on the vLLM server; unset: its first one")
    vllm_api_key: SecretStr | None = Field(default=None, description="Bearer token for vllm_url")
    vllm_context_tokens: int = Field(
        default=8192,
        ge=1024,
        le=2_000_000,
        description="Tokens that the vLLM server reads, at most; fewer where it tells so itself",
    )
    context_tokens: int = Field(
        default=8192, ge=1024, le=131_072, description="Tokens of prompt and answer, local engine or URL"
    )
    quantisation: Literal["Q8_0", "F16"] = Field(
        default="Q8_0", description="Form of the local weights: smaller, or as trained"
    )
    engine_running: int = Field(default=16, ge=1, le=256, description="Requests that the local engine works on at once")
    engine_waiting: int = Field(default=32, ge=0, le=1024, description="Requests that may wait for the local engine")
    engine_speculate: int = Field(
        default=0,
        ge=0,
        le=16,
        description="Tokens guessed from the prompt per step where that is faster; loads the model twice; 0: none",
    )
    vllm_places: int = Field(
        default=64, ge=1, le=65_536, description="Requests to one vLLM model from which another is asked first"
    )
    vllm_vision: bool = Field(default=False, description="The vLLM server's models take pictures")
    vision: bool = Field(default=False, description="The model behind the URL in `model` takes pictures")
    speech_url: str = Field(
        default="",
        description="URL of a server with /audio/transcriptions, such as http://gpu:8001/v1; unset: speech is off",
    )
    speech_model: str = Field(default="", description="What that server calls its model; unset: the server chooses")
    speech_api_key: SecretStr | None = Field(default=None, description="Bearer token for speech_url")
    speech_timeout_s: float = Field(default=60.0, gt=0, le=600, description="Wait for the words of one recording")
    speech_max_bytes: int = Field(
        default=25_000_000, ge=1_000, le=200_000_000, description="Largest recording; it is held in memory"
    )
    speech_max_s: float = Field(
        default=600.0, gt=0, le=14_400, description="Longest recording in WAV; others are held to speech_max_bytes"
    )
    vllm_price: float = Field(default=0.0, ge=0, description="Cost of a million tokens there; 0: none is shown")
    local_price: float = Field(
        default=0.0, ge=0, description="Cost of a million tokens of the local engine, or of the URL in `model`"
    )
    learned_policy: bool = Field(
        default=False, description="A learned policy may act, once an administrator has activated one (docs/serving.md)"
    )
    explore: float = Field(
        default=0.0, ge=0, le=0.5, description="Share of low-stakes questions that try another choice, for learning"
    )
    routing: Path | None = Field(
        default=None, description="Decision table that takes the shipped one's place (docs/serving.md)"
    )
    ensembles: Path | None = Field(
        default=None, description="YAML file of votes and pipelines, which can be asked like models (docs/serving.md)"
    )
    first_token_s: float = Field(default=60.0, gt=0, le=600, description="Wait for the first token of the last tier")
    domain_first_token_s: float = Field(
        default=10.0, gt=0, le=600, description="Wait for the first token of the vLLM server"
    )
    inter_token_s: float = Field(
        default=8.0, gt=0, le=120, description="Silence of the last tier in mid-answer after which documents speak"
    )
    # A GPU server makes many tokens a second for each reader, and takes long prompts in pieces between them; with what
    # the next model needs for its first words, readers wait for less than 5 s.
    domain_inter_token_s: float = Field(
        default=4.0,
        gt=0,
        le=120,
        description="Silence of the vLLM server in mid-answer after which another model takes over",
    )

    @field_validator("model", "vllm_url", "speech_url")
    @classmethod
    def _plain(cls, value: str) -> str:
        return value.strip().rstrip("/")

    @field_validator("vllm_url", "speech_url")
    @classmethod
    def _url(cls, value: str) -> str:
        if value and not is_url(value):
            raise ValueError(f"{value!r} is not a URL that begins with http:// or https://")
        return value

    @property
    def gguf(self) -> Path | None:
        """Return the GGUF file that takes the embedded model's place, if one is named."""
        return Path(self.model).expanduser() if self.model and not is_url(self.model) else None

    @property
    def url(self) -> str:
        """Return the URL that takes the embedded model's place, "" if none is named."""
        return self.model if is_url(self.model) else ""


def is_inside(url: str) -> bool:
    """Return whether a server is on this site's own network: a private address, or a name without a public ending."""
    host = urlsplit(url).hostname or ""
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return "." not in host or host.endswith((".local", ".internal", ".lan", ".svc", ".cluster.local", ".home.arpa"))


def is_url(value: str) -> bool:
    """Return whether `value` names a server rather than a file."""
    return value.startswith(("http://", "https://"))
