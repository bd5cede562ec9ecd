"""Grounding: every sentence of an answer is held against the passages it cites.

Numbers, dates and names must stand in the passage exactly; the rest is weighed by the rules of rules.yaml. A citation
moves to another passage where that one bears the sentence out clearly better, and a missing citation is added.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from assistant.guardrails import facts as exact
from assistant.guardrails.abstentions import is_abstention
from assistant.guardrails.rules import Rules, Weights, load
from assistant.guardrails.sentences import Sentence, parse
from assistant.guardrails.sources import Embed, Source, Sources, Text
from assistant.guardrails.support import (
    Features,
    Question,
    claim_position,
    closest,
    novel,
    share,
    span_features,
    statement_features,
)
from knowledge.types import Passage

Kind = Literal["supported", "unsupported", "abstention", "neutral"]

_YES_NO = re.compile(r"^(?:yes|no|ja|nein|oui|non|sí|si)\b[,.!:]?\s*", re.I)
_YES_NO_ABOUT = 0.6  # share of the question's words that a passage must have before a bare yes or no may rest on it
_SPAN_WORDS = 6  # a claim that adds more content words to the question is a statement
STATEMENT_WORDS = 5  # a claim of fewer content words is never weighed as a statement
_ADDED_STATED = 0.6  # share of what a short claim adds that must stand around one place of the passage
_SAME_SENTENCE = 0.7  # share of common words from which on two sentences say the same or the opposite
_ABOUT_THE_SAME = 0.5  # the same for a claim that denies something
_NOT_SAID = "the passage does not say so"
_MOST_CITED = 3  # passages that one sentence may come to cite by our own doing


@dataclass(frozen=True, slots=True)
class Judged:
    """A sentence with what became of it."""

    sentence: Sentence
    kind: Kind  # neutral: it claims nothing, such as "Here is the answer:"
    cited: tuple[int, ...]  # passage numbers that bear it out, 1-based; empty unless supported
    score: float  # 0..1, how probable it is that the best of them does
    reason: str  # why not, one clause; empty when supported


@dataclass(frozen=True, slots=True)
class Verdict:
    """All sentences of an answer, judged."""

    judged: tuple[Judged, ...]

    @property
    def supported(self) -> tuple[Judged, ...]:
        """Return the sentences that stand in the passages they cite."""
        return tuple(j for j in self.judged if j.kind == "supported")

    @property
    def abstained(self) -> bool:
        """Return whether nothing was said, or nothing but that the documents do not say."""
        return not self.supported

    @property
    def grounded(self) -> bool:
        """Return whether every sentence that claims something is supported, and at least one is."""
        return bool(self.supported) and not any(j.kind == "unsupported" for j in self.judged)


class Check(Protocol):
    """The judging of one answer, sentence by sentence."""

    def sentence(self, raw: str) -> Judged:
        """Return the judgement of the next sentence, citation marks included; takes milliseconds of CPU."""
        ...


class Judge(Protocol):
    """Decides whether answers stand in passages; a stronger model can take the place of our rules."""

    def open(self, question: str, passages: Sequence[Passage], abstention: str) -> Check:
        """Return the check of one answer to `question` from `passages`, which it cites as 1, 2, ...

        `abstention` is what the prompt tells the model to say when no passage answers.
        """
        ...


class RuleJudge:
    """The judge that needs nothing but an embedder."""

    def __init__(self, embed: Embed) -> None:
        """Judge by the rules that ship."""
        self._embed = embed
        self._rules = load()

    def open(self, question: str, passages: Sequence[Passage], abstention: str) -> RuleCheck:
        """Return the check of one answer."""
        return RuleCheck(Question(question), Sources(passages, self._embed), abstention, self._rules)


class RuleCheck:
    """One answer under way."""

    def __init__(self, question: Question, sources: Sources, abstention: str, rules: Rules) -> None:
        """Hold the answer to `question` against `sources`."""
        self._question = question
        self._sources = sources
        self._abstention = abstention
        self._rules = rules

    def sentence(self, raw: str) -> Judged:
        """Return the judgement of one sentence."""
        sentence = parse(raw)
        if is_abstention(sentence.claim, self._abstention):
            return Judged(sentence, "abstention", (), 1.0, "")
        claim = Text(_YES_NO.sub("", sentence.claim) or sentence.claim)
        if _claims_nothing(claim, sentence):
            return Judged(sentence, "neutral", (), 1.0, "")
        if not self._sources.all:
            return Judged(sentence, "unsupported", (), 0.0, "there is no passage")
        scored = {source.n: self._score(claim, source) for source in self._sources.all}
        cited = [n for n in sentence.cited if n in scored]
        best = max(scored, key=lambda n: (scored[n].probability, n in cited))
        kept = tuple(n for n in cited if scored[n].holds)
        if kept and scored[best].probability - max(scored[n].probability for n in kept) <= self._rules.better_by:
            return self._supported(sentence, kept, max(scored[n].probability for n in kept))
        if scored[best].holds:
            return self._supported(sentence, (best,), scored[best].probability)
        if len(cited) > 1:
            together = self._score(claim, _joined([source for source in self._sources.all if source.n in cited]))
            if together.holds:
                return self._supported(sentence, tuple(cited[:_MOST_CITED]), together.probability)
        shown = scored[cited[0]] if cited else scored[best]
        return Judged(sentence, "unsupported", (), shown.probability, shown.reason)

    def _supported(self, sentence: Sentence, cited: tuple[int, ...], score: float) -> Judged:
        return Judged(sentence, "supported", cited, score, "")

    def _score(self, claim: Text, source: Source) -> _Score:
        if _YES_NO.fullmatch(claim.text):
            about = share(self._question.stems, source.known)
            return _Score(about, about >= _YES_NO_ABOUT, "the passage is about something else")
        if claim_position(claim, source) is None:
            return self._reworded(claim, source)
        return self._weighed(self._rules.span, span_features(self._question, claim, source, self._sources))

    def _reworded(self, claim: Text, source: Source) -> _Score:
        """Return the score of a claim that does not stand in the passage word for word."""
        wrong = self._contradiction(claim, source)
        if wrong:
            return _Score(0.0, False, wrong)
        scores = [_Score(0.0, False, _NOT_SAID)]
        added = novel(claim, self._question)
        if len(added) <= _SPAN_WORDS and share(added, _place(added, source)) >= _ADDED_STATED:
            scores.append(self._weighed(self._rules.span, span_features(self._question, claim, source, self._sources)))
        if len(claim.stems) >= STATEMENT_WORDS:
            scores.append(self._weighed(self._rules.statement, statement_features(claim, source, self._sources)))
        return max(scores, key=lambda score: (score.holds, score.probability))

    def _weighed(self, rule: Weights, features: Features) -> _Score:
        probability = rule.probability(features)
        threshold = rule.threshold * (1.0 if self._question.english else self._rules.foreign_share)
        return _Score(probability, probability >= threshold, _NOT_SAID)

    def _contradiction(self, claim: Text, source: Source) -> str:
        """Return what speaks against a claim that does not stand in the passage word for word, "" if nothing does."""
        missing = self._missing(claim, source)
        if missing:
            return f"{missing[0]} is not in the passage"
        sentence = source.sentences[closest(claim.stems, source)]
        common = share(claim.stems, sentence.stems)
        if claim.facts.denies == sentence.facts.denies or common < _ABOUT_THE_SAME:
            return ""
        # A long sentence may deny something else than what the claim affirms.
        affirms = not claim.facts.denies
        if affirms and (common < _SAME_SENTENCE or share(sentence.stems, claim.stems) < _SAME_SENTENCE):
            return ""
        return "the passage says the opposite"

    def _missing(self, claim: Text, source: Source) -> tuple[str, ...]:
        """Return the exact facts of the claim that the passage lacks; names that the question gave do not count."""
        stated = replace(claim.facts, names=claim.facts.names - self._question.stems)
        return exact.unsupported(stated, source.known_facts, source.known)


class Verbatim:
    """The check of an answer that is cut out of the one passage that it cites; marks are left where they are."""

    def sentence(self, raw: str) -> Judged:
        """Return that the sentence is supported."""
        sentence = parse(raw)
        return Judged(sentence, "supported", (1,) if 1 in sentence.cited else (), 1.0, "")


@dataclass(frozen=True, slots=True)
class _Score:
    probability: float
    holds: bool
    reason: str


def judge(question: str, answer: Iterable[str], passages: Sequence[Passage], embed: Embed, abstention: str) -> Verdict:
    """Return the verdict on an answer's sentences (with their [n] marks), in order, by the rules that ship."""
    check = RuleJudge(embed).open(question, passages, abstention)
    return Verdict(tuple(check.sentence(raw) for raw in answer))


def _claims_nothing(claim: Text, sentence: Sentence) -> bool:
    if not claim.stems and not _YES_NO.fullmatch(sentence.claim) and not re.search(r"\w", sentence.claim):
        return True
    return not sentence.cited and (sentence.claim.endswith((":", "?")) or sentence.raw.lstrip().startswith("#"))


def _place(words: frozenset[str], source: Source) -> frozenset[str]:
    """Return the stems around the place of a passage that has most of `words`, its title and headings included."""
    return source.around(closest(words, source)) | source.label.stems


def _joined(sources: Sequence[Source]) -> Source:
    """Return one passage made of those that a sentence cites together."""
    first = sources[0]
    text = "\n".join(f"{source.passage.title}\n{source.text}" for source in sources)
    return Source(first.n, replace(first.passage, text=text))
