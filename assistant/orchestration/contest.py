"""Two models answer the same from the same passages, and the answer that the passages bear out better is given."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from assistant.guardrails.grounding import Check, Verdict
from assistant.guardrails.sentences import split
from assistant.models.errors import ModelError
from assistant.models.minutes import beginning
from assistant.models.types import ModelRequest, Piece, StopReason, Usage
from assistant.orchestration.draft import NOTHING, Orchestrator, draft
from assistant.orchestration.ports import Rival
from assistant.threads import in_thread
from assistant.together import together


@dataclass(frozen=True, slots=True)
class Entry:
    """What a rival answered, and how it was judged."""

    rival: Rival
    text: str = ""
    usage: Usage = Usage()
    stopped_by: StopReason = "stop"
    verdict: Verdict = Verdict(())
    failed: str = ""  # why it has no answer


@dataclass(frozen=True, slots=True)
class Outcome:
    """Who won, what all of it cost, and the sentences that tell it."""

    winner: Entry
    usage: Usage
    told: tuple[str, ...]

    async def pieces(self) -> AsyncGenerator[Piece, None]:
        """Yield the winner's answer in one piece, then what all answers took."""
        yield Piece(self.winner.text)
        yield Piece(stopped_by=self.winner.stopped_by, usage=self.usage)


async def contest(
    orchestrator: Orchestrator, rivals: Sequence[Rival], request: ModelRequest, opened: Callable[[], Check]
) -> Outcome | None:
    """Ask all `rivals` at once and judge each answer by a check of its own; None where none of them answers."""
    entries = await together(_entry(orchestrator, rival, request, opened) for rival in rivals)
    if all(entry.failed for entry in entries):
        return None
    winner = best(entries)
    used = Usage(
        sum(entry.usage.input_tokens for entry in entries),
        sum(entry.usage.output_tokens for entry in entries),
        sum(entry.usage.cached_tokens for entry in entries),
    )
    given = f"The answer of {winner.rival.name} is given: {_why(entries)}"
    return Outcome(winner, used, (*(_told(entry) for entry in entries), given))


def best(entries: Sequence[Entry]) -> Entry:
    """Return the entry with the largest share of supported sentences; an abstention loses, a tie goes to the first."""
    return max(entries, key=lambda entry: (not entry.failed, not entry.verdict.abstained, supported(entry.verdict)))


def supported(verdict: Verdict) -> float:
    """Return the share of sentences that stand in the passages among those that claim something, 0..1."""
    claims = _claims(verdict)
    return len(verdict.supported) / claims if claims else 0.0


def _claims(verdict: Verdict) -> int:
    return sum(judged.kind in ("supported", "unsupported") for judged in verdict.judged)


async def _entry(orchestrator: Orchestrator, rival: Rival, request: ModelRequest, opened: Callable[[], Check]) -> Entry:
    text, usage = "", Usage()
    stopped_by: StopReason = "stop"
    try:
        async with aclosing(draft(orchestrator, rival.model, request, NOTHING, 1)) as pieces:
            async for piece in pieces:
                text += piece.text
                usage, stopped_by = piece.usage or usage, piece.stopped_by or stopped_by
    except ModelError:  # what servers say of themselves is in the log of the router
        return Entry(rival, failed="did not answer")
    return Entry(rival, text, usage, stopped_by, await in_thread(_judged, text, opened))


def _judged(text: str, opened: Callable[[], Check]) -> Verdict:
    check = opened()
    return Verdict(tuple(check.sentence(raw) for raw in split(text)))


def _told(entry: Entry) -> str:
    name, verdict = entry.rival.name, entry.verdict
    if entry.failed:
        return f"{name} {entry.failed}"
    claims = _claims(verdict)
    tokens = f"{entry.usage.input_tokens + entry.usage.output_tokens} tokens"
    if not claims:
        return f"{name} found no answer in the passages ({tokens})"
    stand = f"{len(verdict.supported)} of {claims} sentences stand in the passages"
    return f"{name}: {stand} ({tokens}): {beginning(entry.text)}"


def _why(entries: Sequence[Entry]) -> str:
    shares = {(bool(entry.failed), entry.verdict.abstained, supported(entry.verdict)) for entry in entries}
    return "both are alike, and it is the nearer one" if len(shares) == 1 else "the passages bear it out better"
