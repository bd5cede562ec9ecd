"""What a vLLM server is to serve, read from a YAML file such as those in deploy/vllm/."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from assistant.models import weights
from assistant.models.errors import DeploymentInvalid

EMBEDDED = "embedded"  # the model that comes with a plain install
_FROZEN = ConfigDict(extra="forbid", frozen=True)
MAX_FILE_BYTES = 65_536


class Speculation(BaseModel):
    """Tokens that are guessed and then checked together."""

    model_config = _FROZEN

    method: Literal["ngram", "draft_model"]
    tokens: int = Field(default=4, ge=1, le=16, description="Guessed per step")
    draft: str = Field(default="", description="For draft_model: folder, hub name, or `embedded`")
    lookup_longest: int = Field(default=4, ge=1, le=16, description="ngram: longest run of tokens looked up")
    lookup_shortest: int = Field(default=2, ge=1, le=16, description="ngram: shortest run of tokens looked up")

    @model_validator(mode="after")
    def _complete(self) -> Speculation:
        if (self.method == "draft_model") != bool(self.draft):
            raise ValueError("draft_model needs `draft`, and ngram takes none")
        if self.lookup_shortest > self.lookup_longest:
            raise ValueError("lookup_shortest is above lookup_longest")
        return self


class Lora(BaseModel):
    """Adapters that may be loaded while the server runs."""

    model_config = _FROZEN

    max_rank: Literal[8, 16, 32, 64, 128, 256] = 32
    at_once: int = Field(default=4, ge=1, le=64, description="Adapters in one batch; costs memory")
    loaded: int = Field(default=8, ge=1, le=256, description="Adapters kept in main memory")
    base_sha256: str = Field(
        default="", pattern="^([0-9a-f]{64})?$", description="Adapters must name this base; unset: the embedded model"
    )
    targets: tuple[str, ...] = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")

    @model_validator(mode="after")
    def _room(self) -> Lora:
        if self.loaded < self.at_once:
            raise ValueError("`loaded` is below `at_once`")
        return self


class Deployment(BaseModel):
    """One vLLM server."""

    model_config = _FROZEN

    model: str = Field(default=EMBEDDED, min_length=1, description="Folder, hub name, or `embedded`")
    served_name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$", description="What requests call it")
    device: Literal["gpu", "cpu"] = "gpu"
    context_tokens: int = Field(default=8192, ge=512, le=2_000_000)
    dtype: Literal["auto", "bfloat16", "float16", "float32"] = "auto"
    quantisation: Literal["", "fp8", "awq", "awq_marlin", "gptq", "gptq_marlin", "compressed-tensors"] = ""
    tensor_parallel: int = Field(default=1, ge=1, le=64, description="GPUs that share each layer")
    pipeline_parallel: int = Field(default=1, ge=1, le=64, description="Groups of GPUs that follow one another")
    expert_parallel: bool = Field(default=False, description="Spread the experts of a mixture over the GPUs")
    ray: bool = Field(default=False, description="Several nodes, joined by a Ray cluster that runs already")
    memory_share: float = Field(default=0.9, gt=0, le=0.99, description="Of each GPU's memory")
    cpu_cache_gib: int = Field(default=2, ge=1, le=1024, description="Memory of the key-value cache, on a CPU")
    running: int = Field(default=64, ge=1, le=4096, description="Requests worked on at once")
    queued: int = Field(default=256, ge=1, le=65_536, description="Requests running and waiting; more get 503")
    eager: bool = Field(default=False, description="No compilation: ready sooner, slower later")
    prefix_caching: bool = True
    tool_parser: str = Field(default="", pattern=r"^[a-z0-9_]{0,40}$", description="vLLM's name; unset: no tools")
    speculation: Speculation | None = None
    lora: Lora | None = Lora()

    @model_validator(mode="after")
    def _possible(self) -> Deployment:
        spread = self.tensor_parallel * self.pipeline_parallel
        if self.device == "cpu" and (spread > 1 or self.ray or self.quantisation):
            raise ValueError("on a CPU there is one worker and no quantisation")
        if self.ray and spread == 1:
            raise ValueError("`ray` needs tensor_parallel or pipeline_parallel above 1")
        if self.speculation and self.speculation.method == "draft_model" and self.pipeline_parallel > 1:
            raise ValueError("a draft model does not work with pipeline_parallel")
        return self

    @property
    def base_sha256(self) -> str:
        """Return the hash that adapters must name as their base; "" when none is known, so that none fits."""
        named = self.lora.base_sha256 if self.lora else ""
        return named or (weights.SHA256 if self.model == EMBEDDED else "")


def read(path: Path) -> Deployment:
    """Return the deployment in a YAML file. Raises DeploymentInvalid with the field that is wrong."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise DeploymentInvalid(f"{path} is larger than {MAX_FILE_BYTES} bytes; it cannot be a deployment.")
        return Deployment.model_validate(yaml.safe_load(path.read_text("utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as exc:
        raise DeploymentInvalid(f"{path} cannot be read: {exc}. Give one of deploy/vllm/*.yaml.") from exc
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise DeploymentInvalid(f"{path}: {where} cannot be used: {first['msg']}. Correct it.") from exc
