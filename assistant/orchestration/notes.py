"""Notes: what is known of a running turn, and the answer that can be made of it at any moment, finished or stopped."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from time import time

from assistant.calling.approvals import Approval
from assistant.guardrails.json_release import JsonRelease
from assistant.guardrails.output import Output
from assistant.guardrails.plain_release import PlainRelease
from assistant.guardrails.quoting import cite
from assistant.guardrails.release import GroundedRelease
from assistant.guardrails.repeats import Repeats
from assistant.models.errors import WishRefused
from assistant.models.policy.situation import Decision
from assistant.orchestration.attempt import Progress, Release
from assistant.orchestration.compose import Prompts
from assistant.orchestration.condense import Standalone
from assistant.orchestration.context import Context
from assistant.orchestration.earlier import NOTHING_EARLIER, Earlier, recollected, tells
from assistant.orchestration.ports import Recalled
from assistant.orchestration.quote import QUOTED, excerpt, quoted
from assistant.orchestration.session import Called
from assistant.orchestration.suggest import suggest
from assistant.orchestration.trace import Trace
from assistant.record import TurnRecord
from assistant.types import Answer, Citation, Event, Route, Turn
from knowledge.types import Passage

NEAREST = 3  # passages offered with an abstention
NOBODY = Route("", None, "none", "")
UNINSTRUCTED = "The small model answers from documents in its own way; the assistant's instructions were left out"
UNANSWERABLE = "No language model can answer at the moment. Please try again soon."
LEFT_OUT = "(left out: it may hold a person's own notes)"
_ASKS = re.compile(
    r"\s*(?:what|where|when|which|who|whom|whose|why|how|is|are|was|were|do|does|did|has|have|am|can|could|should|may|will|would"
    r"|tell|remind|show|list|give|name|repeat|recall)\b",
    re.IGNORECASE,
)
_ASKS_BACK = re.compile(r"\b(?:did|have|had) (?:i|we) (?:\w+ )?(?:say|said|tell|told|mention|call|state|decide)|"
                        r"\bi (?:said|told|mentioned|stated)\b", re.I)  # fmt: skip
_SURE = 0.5  # closeness from which a note is told in place of an answer that the documents do not give


@dataclass(slots=True)
class Notes:
    """What is known of one running turn; written by turn.py alone."""

    turn: Turn
    trace: Trace = field(default_factory=Trace)
    progress: Progress = field(default_factory=lambda: Progress(NOBODY))
    standalone: Standalone | None = None
    context: Context | None = None  # None until something was searched
    prompt: str = ""
    prompts: Prompts | None = None  # None until the route is known
    recalled: tuple[Recalled, ...] = ()  # what the person asked to be remembered and fits the question
    earlier: Earlier = NOTHING_EARLIER  # what was said in this chat before the history
    told: bool = False  # whether the question was for the memory, not for an answer
    private: bool = False  # whether the person's own notes may stand in the answer
    knowledge: int = 0
    cached: bool = False
    release: Release | None = None
    calls: list[Called] = field(default_factory=list)  # of skills
    decision: Decision | None = None  # how the model was chosen
    origin: Approval | None = None  # the call that waited, where this turn goes on from one

    @property
    def question(self) -> str:
        """Return the question as a model is asked it."""
        return self.standalone.question if self.standalone else self.turn.question

    @property
    def meant(self) -> tuple[str, ...]:
        """Return the question as it may be meant, the likelier form first."""
        either = self.standalone.either if self.standalone else ""
        return (self.question, either) if either else (self.question,)

    @property
    def points_back(self) -> bool:
        """Return whether the question had to be made whole by what was said before it."""
        return self.standalone is not None and self.standalone.question != self.turn.question

    @property
    def passages(self) -> tuple[Passage, ...]:
        """Return the passages that were found."""
        return self.context.passages if self.context else ()

    def record(self, answer: Answer) -> TurnRecord:
        """Return the record of the turn with its answer; what may hold the person's own notes is left out of it."""
        return TurnRecord(
            turn=replace(self.turn, question=LEFT_OUT) if self.told else self.turn,
            standalone=LEFT_OUT if self.told else self.question,
            passages=self.passages,
            prompt=self.prompt,
            knowledge=self.knowledge,
            cached=self.cached,
            answer=replace(answer, text=LEFT_OUT) if self.private else answer,
            created_at=time(),
            calls=tuple(self.calls),
            decision=self.decision,
        )


def answer_of(notes: Notes, abstention: str, suggestions: int) -> Answer:
    """Return the answer as far as it was released; an abstention when a draft from documents released nothing."""
    release, progress, context = notes.release, notes.progress, notes.context
    text = release.text.rstrip() if release else ""
    whole = progress.stopped_by in ("stop", "length", "tool_calls")
    abstained = context is not None and not text and whole
    citations: tuple[Citation, ...] = release.citations if release and text else ()
    cited = [citation.chunk for citation in citations]
    return Answer(
        text=abstention if abstained else text,
        citations=citations,
        abstained=abstained,
        grounded=bool(citations),
        degraded=False,
        route=progress.route,
        steps=tuple(notes.trace.steps),
        timings_ms=notes.trace.total(),
        usage=progress.usage,
        nearest=notes.passages[:NEAREST] if abstained else (),
        suggestions=suggest(notes.turn.question, notes.passages, cited, suggestions),
        notice=progress.notice or (_notice(context, abstained) if context else None),
        searched=context.searched if context else (),
        stopped_by=progress.stopped_by,
    )


def plain_release(notes: Notes, secrets: Sequence[str], instructions: Sequence[str]) -> PlainRelease:
    """Return what releases an answer without passages: links only where the person, or what was said, gave them.

    What repeats the `instructions` is left out.
    """
    given = [notes.turn.question, *(message.content for message in notes.turn.history)]
    for_people = notes.turn.options.sampling.json_schema is None
    repeats = Repeats(instructions if for_people else (), notes.turn.question)
    return PlainRelease(Output(given, secrets, markdown=for_people), repeats)


def quoting(notes: Notes, answer: Answer, secrets: Sequence[str]) -> Answer:
    """Return `answer` with the best passages quoted in place of what no model could say."""
    passages, question = notes.passages, notes.question
    text = Output([passage.text for passage in passages], secrets).slice(quoted(question, passages))
    return replace(
        answer,
        text=text,
        citations=tuple(cite(n, p, excerpt(question, p.text)) for n, p in enumerate(passages[:QUOTED], start=1)),
        route=replace(NOBODY, strategy="quote"),
        abstained=False,
        nearest=(),
        grounded=True,
        degraded=True,
    )


def unanswerable(turn: Turn, error: Exception) -> str:
    """Return the sentence for whoever asked when no model answers; visitors of a site are not told how it is set up."""
    told = isinstance(error, WishRefused) and turn.caller.credential != "widget"
    return str(error) if told else UNANSWERABLE


def from_notes(notes: Notes, answer: Answer) -> Answer:
    """Return what the person's own notes say, and what they said earlier in the chat, in place of an abstention.

    What they said stands under an answer, too, that lacks it: in a chat without documents, and where they ask for it.
    """
    if not _ASKS.match(notes.turn.question) and not notes.turn.question.rstrip().endswith("?"):
        return answer  # a statement is not answered with what was said before
    own = [one.text for one in notes.recalled if one.kind == "fact" and one.closeness >= _SURE][:NEAREST]
    said = [one for one in notes.earlier.said if one not in own]
    if not answer.abstained:
        wanted = notes.context is None or _ASKS_BACK.search(notes.turn.question)
        lacking = [one for one in said if not tells(answer.text, one, notes.turn.question)]
        if not (wanted and lacking) or notes.turn.options.sampling.json_schema is not None:
            return answer
        return replace(answer, text=f"{answer.text}\n\n{recollected(lacking)}".strip())
    if not own and not said:
        return answer
    notes.private = notes.private or bool(own)
    listed = "Your own notes say:\n\n" + "\n".join(f"- {text}" for text in own) if own else ""
    told = "\n\n".join(filter(None, (listed, recollected(said) if said else "")))
    return replace(answer, text=told, notice=None)


def spoken(said: Answer, answer: Answer) -> Iterator[Event]:
    """Yield what `answer` says beyond what was said while it was made, and the answer."""
    if answer.abstained or answer.text != said.text:
        yield Event("text", answer.text if answer.abstained else answer.text.removeprefix(said.text))
    yield Event("answer", answer=answer)


def noticed(turn: Turn, event: Event) -> Event:
    """Return the answer's event with what it has to tell in any case in front of its notice."""
    if event.answer is None or not turn.options.notice:
        return event
    told = " ".join(filter(None, (turn.options.notice, event.answer.notice)))
    return replace(event, answer=replace(event.answer, notice=told))


def remembered(recalled: Sequence[Recalled], used: bool) -> str:
    """Return the sentence that tells what was recalled, and whether the model is told of it."""
    many = "1 note" if len(recalled) == 1 else f"{len(recalled)} notes"
    return f"Used {many} of yours" if used else f"Found {many} of yours; this model answers from documents alone"


def recalled_talk(earlier: Earlier) -> str:
    """Return the sentence that tells what of this chat was recalled."""
    many = len(earlier.exchanges)
    exchanges = f"{many} earlier exchange{'' if many == 1 else 's'}" if many else ""
    return f"Recalled {' and '.join(filter(None, (exchanges, 'the summary' if earlier.summary else '')))} of this chat"


def searched(context: Context) -> str:
    """Return the sentence that tells what was searched."""
    found, names = len(context.passages), ", ".join(context.searched) or "no collection"
    return f"Searched {names}: {found or 'no'} passage{'' if found == 1 else 's'} found"


def drafted(progress: Progress, trimmed: bool) -> str:
    """Return the sentence that tells who wrote."""
    cut = "; not everything fitted into its context" if trimmed else ""
    return f"{progress.route.model} wrote {progress.usage.output_tokens} tokens{cut}"


def cut_short(progress: Progress, asked: int, given: int) -> str:
    """Return the sentence about an answer that ended where `given` tokens had room of the `asked`, "" for none."""
    if progress.stopped_by != "length" or given >= asked:
        return ""
    return f"{progress.route.model} has room for answers of {given} tokens, not of {asked}; this one ends there."


def checked(release: GroundedRelease | JsonRelease) -> str:
    """Return the sentence that tells what the grounding check found."""
    if isinstance(release, JsonRelease):
        return _checked_json(release)
    claims = [judged for judged in release.judged if judged.kind in ("supported", "unsupported")]
    removed = [judged for judged in claims if judged.kind == "unsupported"]
    if not claims:
        return "The model found no answer in the passages"
    if removed:
        return f"Left out {len(removed)} of {len(claims)} sentences: {removed[0].reason}"
    return (
        f"All {len(claims)} sentences stand in the passages" if len(claims) > 1 else "The answer stands in the passages"
    )


def _checked_json(release: JsonRelease) -> str:
    found = release.checked
    if found is None:
        return "The model wrote no JSON that could be checked"
    if found.left_out:
        return f"Left out {len(found.left_out)} of {found.values} values: no passage holds {found.left_out[0]!r}"
    return f"All values stand in the passages: {found.values}" if found.cited else "No value comes from the passages"


def _notice(context: Context, abstained: bool) -> str | None:
    if abstained and not context.searched:
        return "There is no collection that you may read yet."
    return context.notice
