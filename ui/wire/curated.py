"""Curated answers."""

from __future__ import annotations

from dataclasses import dataclass

from ui.wire.base import Epoch, Wire
from ui.wire.talk import Citation


class Curated(Wire):
    """What is answered to a question that is often asked."""

    id: str
    questions: tuple[str, ...]
    answer: str
    citations: tuple[Citation, ...] = ()
    sources_gone: tuple[int, ...] = ()
    readers: tuple[str, ...] = ()
    enabled: bool = True
    given: int = 0
    updated_at: Epoch = 0.0


@dataclass(frozen=True, slots=True)
class Draft:
    """What an administrator has written."""

    questions: tuple[str, ...]
    answer: str
    sources: tuple[str, ...]  # ids of passages
    readers: tuple[str, ...]
    enabled: bool
