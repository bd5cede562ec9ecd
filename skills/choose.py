"""The few skills that a question may need, by closeness of meaning: for models too small to be shown all of them."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from skills.types import Skill

Vectors = npt.NDArray[np.float32]  # (n, dimension), rows of unit length
Embed = Callable[[list[str]], Vectors]

# Fitted with all-MiniLM-L6-v2 on half of the Berkeley Function-Calling Leaderboard's rows (docs/experiments/2026-11-
# skills-choice.md): the mean of two texts per skill beats either; words in common help to rank among many skills (95
# instead of 92 % first of 100; so does 0.4) and would hurt the decision that none fits.
_WORDS_WEIGHT = 0.5
_NAME_WEIGHT = 2.0  # of a word of the skill's name beside one of its description or parameters
# Endings are cut off by length, so that "converting" and "conversion" meet in any language that has endings.
_STEM = 5
_WORD = re.compile(r"[^\W\d_]+|\d+")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")  # "unitPrice" is two words
# A question that is close to one of a skill's own examples needs it. The discount keeps a description that fits ahead
# of an example of another skill: questions are close to each other by their form alone.
_EXAMPLE = re.compile(r'[“"]([^“”"]{8,120})[”"]')
_EXAMPLE_DISCOUNT = 0.1
_MAX_EXAMPLES = 8


@dataclass(frozen=True, slots=True)
class Choice:
    """A skill with its closeness to the question."""

    skill: Skill
    score: float  # cosine similarity, -1..1


@dataclass(frozen=True, slots=True)
class _Known:
    vector: npt.NDArray[np.float32]  # mean of the skill's two texts
    examples: Vectors  # of the questions that its description quotes
    words: Mapping[str, float]  # stems of all that is said of it, with their weights


class Chooser:
    """Ranks skills for a question. `embed` is called once per new description, and once per question."""

    def __init__(self, embed: Embed, irrelevant_below: float) -> None:
        self._embed = embed
        self._threshold = irrelevant_below
        self._known: dict[tuple[str, str], _Known] = {}

    def choose(self, question: str, skills: Sequence[Skill], limit: int) -> list[Choice]:
        """Return at most `limit` skills, the likeliest first; none when even the closest is below the threshold.

        Blocking: some 5 ms for a question, and 6 ms per skill that was not seen before.
        """
        if not skills or limit < 1:
            return []
        known = self.learn(skills)
        asked = self._embed([question])[0]
        scores = np.stack([each.vector for each in known]) @ asked
        likest = [float((each.examples @ asked).max(initial=-1.0)) - _EXAMPLE_DISCOUNT for each in known]
        scores = np.maximum(scores, np.array(likest, dtype=np.float32))
        if scores.max() < self._threshold:
            return []
        ranks = scores + _WORDS_WEIGHT * _in_common(_stems(question), [each.words for each in known])
        best = np.argsort(-ranks, kind="stable")[:limit]
        return [Choice(skills[index], float(scores[index])) for index in best]

    def learn(self, skills: Sequence[Skill]) -> list[_Known]:
        """Embed those of `skills` that are new, forget those that are gone, and return what is known of each."""
        texts = [describe(skill) for skill in skills]
        new = {pair: skill for pair, skill in zip(texts, skills, strict=True) if pair not in self._known}
        if new:
            vectors = self._embed([text for pair in new for text in pair])
            for number, (pair, skill) in enumerate(new.items()):
                quoted = examples(pair[1])
                known = self._embed(quoted) if quoted else vectors[:0]
                mean = (vectors[2 * number] + vectors[2 * number + 1]) / 2
                self._known[pair] = _Known(mean, known, _words_of(skill))
        return [self._known[pair] for pair in texts]


def describe(skill: Skill) -> tuple[str, str]:
    """Return what is embedded of a skill: name, description and parameters' names; and the description alone."""
    name = skill.name.replace("_", " ")
    parameters = ", ".join(name.replace("_", " ") for name in skill.parameters.get("properties", {}))
    description = skill.description[:800]
    about = description.partition(" For example: ")[0][:400]
    return f"{name}: {about}" + (f" ({parameters[:200]})" if parameters else ""), description


def examples(description: str) -> list[str]:
    """Return the questions that a description quotes as examples: texts of three words or more in double quotes."""
    return [text for text in _EXAMPLE.findall(description) if len(text.split()) >= 3][:_MAX_EXAMPLES]


def _stems(text: str) -> set[str]:
    return {word[:_STEM] for word in _WORD.findall(_HUMP.sub(" ", text).lower())}


def _words_of(skill: Skill) -> Mapping[str, float]:
    parameters = skill.parameters.get("properties", {})
    described = " ".join(str(inner.get("description", "")) for inner in parameters.values() if isinstance(inner, dict))
    words = dict.fromkeys(_stems(f"{skill.description[:800]} {' '.join(parameters)} {described[:800]}"), 1.0)
    return {**words, **dict.fromkeys(_stems(skill.name), _NAME_WEIGHT)}


def _in_common(question: set[str], skills: Sequence[Mapping[str, float]]) -> npt.NDArray[np.float32]:
    """Return for each skill the cosine, 0..1, of its words and the question's, rare words counting more."""
    holding = Counter(word for words in skills for word in words)
    rarity = {word: math.log(1 + len(skills) / count) for word, count in holding.items()}
    asked = math.sqrt(sum(rarity.get(word, 0.0) ** 2 for word in question)) or 1.0
    common = [sum(rarity[word] ** 2 * words[word] for word in question & words.keys()) for words in skills]
    lengths = [math.sqrt(sum((rarity[word] * weight) ** 2 for word, weight in words.items())) for words in skills]
    return np.array([each / asked / (length or 1.0) for each, length in zip(common, lengths, strict=True)], np.float32)
