"""Replies of the local engine's own backend, many conversations at once, without HTTP in between."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from assistant.adaptation.packing import chat
from assistant.models.local.backend import Backend, Job
from assistant.models.local.openvino import OpenVinoBackend, OpenVinoOptions
from assistant.models.types import Sampling
from assistant.orchestration.prompts import Message


def open_backend(weights: Path) -> Backend:
    """Return the backend that the local engine uses, over a GGUF file; takes some 4 s."""
    return OpenVinoBackend(weights, weights.stem, OpenVinoOptions(context_tokens=4096))


def replies(backend: Backend, conversations: Sequence[Sequence[Message]], max_tokens: int = 64) -> list[str]:
    """Return the greedy reply to each conversation, in order; a reply ends after `max_tokens` at the latest."""
    ids: dict[int, list[int]] = {}
    for number, messages in enumerate(conversations):
        ids[number] = []
        backend.add(Job(number, backend.encode(chat(messages)), Sampling(max_tokens=max_tokens)))
    while backend.busy():
        for emission in backend.step():
            ids[emission.job] += emission.ids
    return [backend.decode(ids[number]).strip() for number in range(len(conversations))]
