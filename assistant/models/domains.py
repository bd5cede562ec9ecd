"""How close a question is to each adapter's domain, by the embedding of its description and example questions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from assistant.models.choices import AdapterChoice
from assistant.models.decisions import Domain
from knowledge.types import Vectors

Embed = Callable[[list[str]], Vectors]


class Domains:
    """The vectors of all domains; embedding happens in `learn` and `nearest`, which take milliseconds."""

    def __init__(self, embed: Embed) -> None:
        """No domains yet; `embed` gives unit vectors."""
        self._embed = embed
        self._known: Mapping[str, tuple[str, ...]] = {}
        self._vectors: dict[str, Vectors] = {}

    def empty(self) -> Domains:
        """Return other domains that are embedded likewise."""
        return Domains(self._embed)

    def learn(self, adapters: Mapping[str, AdapterChoice]) -> None:
        """Take over descriptions and examples; an adapter with neither has no domain."""
        texts = {name: _texts(choice) for name, choice in adapters.items() if _texts(choice)}
        if texts == self._known:
            return
        vectors = {
            name: self._vectors[name] if self._known.get(name) == wanted else self._embed(list(wanted))
            for name, wanted in texts.items()
        }
        self._known, self._vectors = texts, vectors

    def nearest(self, question: str, among: Sequence[str]) -> tuple[Domain, ...]:
        """Return the domains of the adapters `among`, nearest first; empty when none has a domain."""
        vectors = {name: self._vectors[name] for name in among if name in self._vectors}
        if not vectors:
            return ()
        asked = self._embed([question])[0]
        found = [Domain(name, float(np.max(known @ asked))) for name, known in vectors.items()]
        return tuple(sorted(found, key=lambda domain: (-domain.closeness, domain.adapter)))


def _texts(choice: AdapterChoice) -> tuple[str, ...]:
    return tuple(text for text in (choice.description, *choice.examples) if text.strip())
