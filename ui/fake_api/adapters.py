"""The adapters of the stand-in's vLLM server."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class FakeAdapter:
    """An adapter of the stand-in's vLLM server."""

    name: str
    loaded: bool = False
    rank: int | None = 16
    problem: str = ""
    description: str = ""
    examples: list[str] = field(default_factory=list)


def sample_adapters() -> dict[str, FakeAdapter]:
    """Return three adapters: one loaded, one not, one that cannot be."""
    made = [
        FakeAdapter("finance-1f3a", True, 32, "", "Budgets, invoices and the ledger", ["When is an invoice due?"]),
        FakeAdapter("medical-77c0", False, 16),
        FakeAdapter("legal-0b42", False, None, "Its rank is 512, the server takes 64. Raise lora.max_rank."),
    ]
    return {adapter.name: adapter for adapter in made}
