"""From what the API says about an answer to what is shown of it. Only the clock is read besides."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from ui import markup
from ui.chat import near
from ui.components import AnswerData, SourceData, StepData
from ui.live import LiveView
from ui.skills.approval import shown_state
from ui.wire import Answer, Citation, Outcome, Step

TIERS = {"domain": "large model", "fallback": "small model"}  # as the page Models says it
# As the API begins the step of a call that waits, and the paragraph that shows it, which the card shows, too.
_WAITS = "Waits for your approval: "
_ASKS = "This needs your approval, and nothing has been done yet"
NO_NAMES: Mapping[str, str] = {}
STEP_NAMES = {
    "hear": "Hear",
    "condense": "Understand",
    "recall": "Remember",
    "search": "Search",
    "route": "Choose",
    "draft": "Write",
    "check": "Check",
    "takeover": "Take over",
    "choose": "Choose",
    "skill": "Skill",
    "plan": "Plan",
    "prompt": "Prompt",
    "progress": "Working",
}


def stored(answer: Answer, question: str, names: Mapping[str, str] = NO_NAMES) -> AnswerData:
    """Return what is shown of an answer from history; `names` are those of the collections, by id."""
    return _answer(answer.answer, question, answer, answer.steps, names, live=False)


def running(view: LiveView, names: Mapping[str, str] = NO_NAMES) -> AnswerData:
    """Return what is shown of an answer that is being made; the same function draws its text as `stored`."""
    if view.outcome is not None:
        steps = view.outcome.steps or view.steps
        return _answer(view.text, view.question, view.outcome, steps, names, live=not view.finished)
    return AnswerData(
        live=not view.finished,
        headline=_doing(view) if not view.finished else "",
        steps=[_step(step) for step in view.steps],
        notice=view.notice or "",
        tone="warn",
        blocks=markup.parse(view.text, None),
        citations=[],
        nearest=[],
    )


def headline(outcome: Outcome, steps: Sequence[Step]) -> str:
    """Return one line on how the answer was found, such as "Searched 2 collections, 8 passages · 1.4 s".

    Skills that were called are named; where they alone made the answer, nothing is said of the search before them.
    While calls wait for approval, that is all it says.
    """
    waits = ", ".join(
        dict.fromkeys(one.skill for one in outcome.approvals if shown_state(one, time.time()) == "waiting")
    )
    if waits:
        return f"{_WAITS}{waits}"
    made = (step.detail for step in steps if step.name == "skill" and not step.detail.startswith(_WAITS))
    called = ", ".join(dict.fromkeys(detail.partition("(")[0] for detail in made))
    if called and not outcome.citations:
        return _timed(f"Called {called}", outcome, steps)
    found = next((step.detail for step in steps if step.name == "search" and step.detail), "")
    if not found and outcome.searched:
        found = f"Searched {', '.join(outcome.searched)}"
    return _timed(f"{found.rstrip('.')}; called {called}" if called else found.rstrip("."), outcome, steps)


def _timed(said: str, outcome: Outcome, steps: Sequence[Step]) -> str:
    total_ms = outcome.timings_ms.get("total") or sum(step.ms for step in steps)
    parts = [said, duration(total_ms) if total_ms else ""]
    return " · ".join(part for part in parts if part)


def notice(outcome: Outcome) -> tuple[str, str]:
    """Return what a reader should know before trusting the answer, and how loudly ("info" or "warn") to say it."""
    if outcome.notice:
        return outcome.notice, "warn"
    if outcome.degraded:
        return "No language model could answer just now. This is what the documents say, word for word.", "warn"
    if outcome.stopped_by in ("cancelled", "stopped"):
        return "You stopped this answer.", "info"
    if outcome.stopped_by == "length":
        return "The answer reached its longest allowed length. Ask for the rest.", "info"
    if not outcome.grounded and not outcome.abstained and outcome.route.strategy != "small_talk":
        return "Parts of this answer could not be checked against your documents.", "warn"
    return "", "info"


def duration(ms: float) -> str:
    """Return milliseconds in the unit that people read: 840 ms, 1.4 s, 2 min 5 s."""
    if ms < 1000:
        return f"{ms:.0f} ms"
    seconds = ms / 1000
    return f"{seconds:.1f} s" if seconds < 60 else f"{seconds // 60:.0f} min {seconds % 60:.0f} s"


def by(outcome: Outcome) -> str:
    """Return who answered, in small print: the adapter or the model, and where it runs."""
    if outcome.route.strategy == "reader":
        return f"{'looked up' if outcome.abstained else 'found'} in the documents, no language model"
    who = outcome.route.adapter or outcome.route.model
    return ", ".join(part for part in (who, TIERS.get(outcome.route.tier, "")) if part)


def _answer(
    text: str, question: str, outcome: Outcome, steps: Sequence[Step], names: Mapping[str, str], live: bool
) -> AnswerData:
    said, tone = notice(outcome)
    text = beside_cards(text, outcome)
    return AnswerData(
        live=live,
        headline=headline(outcome, steps),
        steps=[_step(step) for step in steps],
        notice=said,
        tone=tone,
        blocks=markup.parse(text, frozenset(citation.n for citation in outcome.citations)),
        citations=[_cited(citation, text, names) for citation in outcome.citations],
        nearest=near.nearest(outcome.nearest, question) if outcome.abstained else [],
    )


def beside_cards(text: str, outcome: Outcome) -> str:
    """Return an answer without the calls that wait at its end: each is shown on a card below, to the letter."""
    before, asks, _ = text.rpartition(f"{_ASKS}:\n") if outcome.approvals else ("", "", "")
    return f"{before}{_ASKS}." if asks else text


def _doing(view: LiveView) -> str:
    if view.waiting:
        return view.waiting
    if view.text:
        return "Writing"
    return view.steps[-1].detail if view.steps and view.steps[-1].detail else "Searching your documents"


def _step(step: Step) -> StepData:
    return StepData(name=STEP_NAMES.get(step.name, step.name), detail=step.detail, time=duration(step.ms))


def _cited(citation: Citation, text: str, names: Mapping[str, str]) -> SourceData:
    return SourceData(
        n=citation.n,
        chunk=citation.chunk,
        title=citation.title or citation.path if citation.readable else "A source you may not open",
        page=citation.page,
        heading=citation.heading,
        collection=names.get(citation.collection, ""),
        quote=near.excerpt(citation.quote, near.claims(text, citation.n)),
    )
