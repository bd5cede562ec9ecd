"""What an administrator may choose about knowledge. Read from the environment by the program, never here."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class KnowledgeSettings(BaseModel):
    """Settings of search and of the embedding model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    embedder: Literal["onnx", "remote"] = Field(
        "onnx", description="onnx: all-MiniLM-L6-v2 inside this process; remote: a server's /v1/embeddings"
    )
    embedder_path: Path | None = Field(
        None, description="ONNX file with tokenizer.json and SHA256SUMS beside it; none: the one that comes along"
    )
    embedder_threads: int | None = Field(None, ge=1, le=256, description="cores for embedding; none: all")
    embedder_url: str = Field("", description="base address of the embedding server, ending in /v1")
    embedder_model: str = Field("", description="name of the embedding model at the server")
    embedder_dimension: int = Field(384, ge=8, le=8192, description="numbers per vector of the server's model")
    embedder_key: SecretStr = Field(SecretStr(""), description="API key of the embedding server")
    embedder_timeout_s: float = Field(30.0, gt=0, le=600)
    reranker_path: Path | None = Field(
        None, description="ONNX cross-encoder with tokenizer.json and SHA256SUMS beside it; none: no reranking"
    )
    rerank_share: float = Field(0.35, ge=0, le=1, description="how much its score counts beside the search's own")
    max_per_document: int = Field(
        3, ge=1, le=100, description="passages of one document among the results while others are about as close"
    )
    check_every_s: float = Field(60.0, ge=1, le=86_400, description="seconds between comparisons of indexes with SQL")
