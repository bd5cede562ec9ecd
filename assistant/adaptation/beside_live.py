"""How questions are answered now: by the live adapter, or by the reader in front of the one that ships."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from assistant.adaptation.evaluate import measure
from assistant.adaptation.metrics import score
from assistant.adaptation.tasks import Reply, Task
from assistant.orchestration.prompts import GroundedPrompt
from assistant.orchestration.read import GUIDED, read, readable
from knowledge.reader import OnnxReader, Reader
from knowledge.types import Passage


def live_replies(weights: Path, name: str, given: Sequence[Task], prompt: GroundedPrompt) -> list[Reply]:
    """Return how the tasks are answered now: by the adapter `name` in `weights`, or by the reader in front of it."""
    if name != GUIDED:
        return measure(weights, {"": given}, prompt, few_shot=False)
    reader, shown = OnnxReader(), [_passages(one) for one in given]
    english = [readable(one.question, passages) for one, passages in zip(given, shown, strict=True)]
    others = [one for one, known in zip(given, english, strict=True) if not known]
    by_model = iter(measure(weights, {"": others}, prompt, few_shot=False) if others else [])
    return [
        _read(reader, one, passages, prompt) if known else next(by_model)
        for one, passages, known in zip(given, shown, english, strict=True)
    ]


def _read(reader: Reader, task: Task, passages: Sequence[Passage], prompt: GroundedPrompt) -> Reply:
    best = read(reader, [task.question], passages)
    text = f"{best.words} [{best.passage.chunk_id}]." if best.sure else prompt.abstention
    return Reply(task, text, score(text, task.answers, task.gold, bool(task.gold), prompt.abstention))


def _passages(task: Task) -> list[Passage]:
    """Return the passages of a task as a turn has them; their ids are their numbers."""
    return [
        Passage(str(n), str(n), "", one.title, "", one.text, "", None, "", 1 / n)
        for n, one in enumerate(task.passages, start=1)
    ]
