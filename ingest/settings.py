"""What an administrator may change about ingestion; limits err on the side of protecting the machine."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

MIB = 1024 * 1024


class Limits(BaseModel):
    """How much one document may ask for before it is refused with a reason."""

    model_config = ConfigDict(frozen=True)

    upload_bytes: int = Field(default=1024 * MIB, gt=0, description="Largest file that is taken")
    inflated_bytes: int = Field(
        default=200 * MIB, gt=0, description="Most bytes that an archive or office file unpacks to"
    )
    inflation_ratio: int = Field(default=100, gt=1, description="Most unpacked bytes per packed byte, above 1 MiB")
    archive_entries: int = Field(default=5_000, gt=0, description="Most entries of an archive or office file")
    archive_depth: int = Field(default=2, ge=1, description="How deep archives and mails may be nested")
    text_bytes: int = Field(default=16 * MIB, gt=0, description="Most text that one document may hold")
    pages: int = Field(default=5_000, gt=0, description="Most pages of one document")
    pixels: int = Field(default=50_000_000, gt=0, description="Largest picture, width times height")
    memory_bytes: int = Field(default=512 * MIB, gt=0, description="Memory of the process that reads one document")
    ocr_memory_bytes: int = Field(default=1024 * MIB, gt=0, description="The same while it reads text from pictures")
    cpu_s: int = Field(
        default=60, gt=0, description="Processor seconds for one document; for one page when it is a picture"
    )
    wall_s: float = Field(
        default=120.0, gt=0, description="Seconds for one document; for one page when it is a picture"
    )
    ocr_wall_s: float = Field(default=3600.0, gt=0, description="Seconds for all pictures of one document")


class IngestSettings(BaseModel):
    """How documents are taken in."""

    model_config = ConfigDict(frozen=True)

    limits: Limits = Limits()
    url_allow: tuple[str, ...] = Field(default=(), description="Private hosts and networks that URLs may name")
    url_bytes: int = Field(default=100 * MIB, gt=0, description="Largest document that is fetched from a URL")
    url_timeout_s: float = Field(default=30.0, gt=0, description="Seconds for one fetch")
    reserve_bytes: int = Field(default=512 * MIB, ge=0, description="Free disk space below which nothing more is taken")
    chunk_tokens: int = Field(default=200, ge=50, le=250, description="Tokens that a chunk aims at")
    chunk_tokens_max: int = Field(default=256, ge=64, le=512, description="Most tokens of a chunk with its headings")
    overlap_tokens: int = Field(default=24, ge=0, le=100, description="Tokens repeated where a long passage is cut")
    lease_s: float = Field(
        default=20.0, gt=0, description="Seconds after which a silent worker's documents go to another"
    )
    beat_s: float = Field(default=3.0, gt=0, description="Seconds between signs of life")
    poll_s: float = Field(default=0.5, gt=0, description="Seconds between looks at an empty queue")
    readers: int = Field(default=2, ge=1, le=16, description="Documents that are read at the same time")
    pending_chunks: int = Field(
        default=512, ge=1, description="Chunks that wait for their vectors before reading pauses"
    )
