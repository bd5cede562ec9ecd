"""Few-shot retrieval: of a prompt's examples, those are shown whose questions are closest to the one that is asked.

After Liu et al. 2021, "What Makes Good In-Context Examples for GPT-3?": the nearest by embedding, the nearest last.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from assistant.logs import log
from assistant.orchestration.prompts import ChatPrompt, GroundedPrompt
from assistant.threads import in_thread
from knowledge.errors import KnowledgeError
from knowledge.types import Vectors

Embed = Callable[[list[str]], Vectors]
P = TypeVar("P", GroundedPrompt, ChatPrompt)

_BANKS_KEPT = 32  # prompts whose examples stay embedded; a vector takes 1.5 KB
_log = log("prompts")


class ExampleBank:
    """Chooses among the examples of any prompt. Safe to share between turns."""

    def __init__(self, embed: Embed | None = None) -> None:
        """Embed questions by `embed`; without one the first examples are shown."""
        self._embed = embed
        self._vectors: OrderedDict[str, Vectors] = OrderedDict()  # by the version of the prompt
        self._lock = threading.Lock()

    async def closest(self, prompt: P, question: str) -> P:
        """Return `prompt` with only those examples that are shown before `question`, the closest one last.

        A prompt that says nothing about it, or holds no more than it shows, comes back as it is. Where nothing can be
        embedded the first examples are shown: the answer is worth more than its examples.
        """
        wanted = prompt.examples_shown
        if wanted is None or len(prompt.examples) <= wanted:
            return prompt
        chosen = list(range(wanted))
        if self._embed is not None:
            try:
                chosen = await in_thread(self._nearest, self._embed, prompt, question, wanted)
            except KnowledgeError as error:
                _log.warning("examples could not be compared", prompt=prompt.name, error=type(error).__name__)
        return prompt.model_copy(update={"examples": tuple(prompt.examples[n] for n in chosen)})

    def _nearest(self, embed: Embed, prompt: GroundedPrompt | ChatPrompt, question: str, wanted: int) -> list[int]:
        likeness = self._bank(embed, prompt) @ embed([question])[0]
        return [int(n) for n in np.argsort(likeness, kind="stable")[-wanted:]]

    def _bank(self, embed: Embed, prompt: GroundedPrompt | ChatPrompt) -> Vectors:
        version = prompt.version
        with self._lock:
            if version in self._vectors:
                self._vectors.move_to_end(version)
                return self._vectors[version]
        made = embed([example.question for example in prompt.examples])
        with self._lock:
            self._vectors[version] = made
            while len(self._vectors) > _BANKS_KEPT:
                self._vectors.popitem(last=False)
        return made
