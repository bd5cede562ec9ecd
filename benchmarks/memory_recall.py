"""How well notes are found, and what was said earlier in a long chat: planted, and asked for later in other words.

    python -m benchmarks.memory_recall

The facts are in benchmarks/memory_facts.py. Thresholds are chosen on one set, the figures are those of the other one.
The reference recalls as many notes, those that share most words with the question. `notes_by_threshold` and
`chat_by_threshold` of the JSON have the figures of other thresholds than the product's own, on both sets.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from assistant import conversations
from assistant.database import migrate
from assistant.earlier.chats import CLOSE, SURE, Chats
from assistant.guardrails.words import content
from assistant.memory.memories import Memories
from assistant.memory.settings import MemorySettings
from assistant.types import Answer, Caller, Route, Turn, TurnOptions
from assistant.wire import answer_json
from benchmarks import memory_facts as facts
from benchmarks.memory_facts import Fact
from benchmarks.report import Figure, show
from knowledge.database import connect
from knowledge.embed import OnnxEmbedder
from knowledge.types import Scope

ANNA, EVE = (Scope(frozenset({"everyone", f"user:{name}"})) for name in ("anna", "eve"))
NOTES = (0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5)
CHAT = (0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65)
TURNS = 200


@dataclass(frozen=True, slots=True)
class Planted:
    """One set: what is told, what is asked about the same again, and what has nothing to do with any of it."""

    facts: Sequence[Fact]
    again: Sequence[tuple[str, str]]
    other: Sequence[str]


SETS = {
    "chosen_on": Planted(facts.CHOSEN_ON, facts.AGAIN_CHOSEN, facts.OTHER_CHOSEN),
    "reported_on": Planted(facts.REPORTED_ON, facts.AGAIN_REPORTED, facts.OTHER_REPORTED),
}


async def notes(engine: Engine, planted: Planted) -> dict[str, dict[str, float]]:
    """Return the figures of notes by threshold; all are taken from one run that recalls without a threshold."""
    memories = Memories(engine, OnnxEmbedder(), MemorySettings(min_similarity=0.0))
    order, talk = random.Random(7), [f"Remember: {note}." for note, _, _ in planted.facts]
    talk += [order.choice(facts.TALK) for _ in range(TURNS - len(talk))]
    order.shuffle(talk)
    anna = Caller("anna", "Anna", ANNA)
    for number, said in enumerate(talk):
        await memories.told(Turn(str(number), said, (), anna, TurnOptions(memory=True)))
    found, crossed = list[float](), 0
    for _, question, wanted in planted.facts:
        recalled = await memories.recall(question, ANNA)
        found.append(max((one.closeness for one in recalled if wanted in one.text), default=0.0))
        crossed += len(await memories.recall(question, EVE))
    idle = [one.closeness for question in planted.other for one in await memories.recall(question, ANNA)]
    return {
        str(least): {
            "notes": len(memories.notes(ANNA)),
            "recall": round(sum(closeness >= least for closeness in found) / len(found), 3),
            "notes_for_other_questions": round(sum(one >= least for one in idle) / len(planted.other), 2),
            "crossed_people": crossed,
        }
        for least in NOTES
    }


async def chat(engine: Engine, planted: Planted) -> dict[str, dict[str, float]]:
    """Return the figures of what is recalled within one chat, by threshold, of exchanges and of told sentences."""
    embedder, identifier = OnnxEmbedder(), conversations.create(engine, "anna")
    order, talk = random.Random(7), [f"By the way, {note[:1].lower()}{note[1:]}." for note, _, _ in planted.facts]
    talk = [said.replace("By the way, i ", "By the way, I ") for said in talk] + [asked for asked, _ in planted.again]
    talk += [order.choice(facts.TALK) for _ in range(TURNS - len(talk))]
    order.shuffle(talk)
    reply = answer_json(Answer("All right.", (), False, False, False, Route("small", None, "fallback", "")))
    for said in [*talk, *[facts.TALK[0]] * 10]:  # the last ten are what a turn looks at anyway
        asked = conversations.ask(engine, "anna", identifier, said)
        assert asked is not None
        conversations.finish(engine, asked.turn_id, "done", reply)
    now = conversations.ask(engine, "anna", identifier, "What was it?")
    assert now is not None
    caller, options = Caller("anna", "Anna", ANNA), TurnOptions(conversation_id=identifier)
    found = {}
    for least in CHAT:
        chats, kept, exchanges, told, shown = Chats(engine, embedder, 20, least, least), 0, 0, 0, 0
        for told_fact, question, wanted in planted.facts:
            earlier = await chats.earlier(Turn(now.turn_id, question, now.history, caller, options))
            kept += any(wanted in one for one in earlier.said)
            exchanges += any(told_fact[1:] in one for one, _ in earlier.exchanges)
        for before, question in planted.again:
            earlier = await chats.earlier(Turn(now.turn_id, question, now.history, caller, options))
            exchanges += any(one == before for one, _ in earlier.exchanges)
        for question in planted.other:
            earlier = await chats.earlier(Turn(now.turn_id, question, now.history, caller, options))
            told, shown = told + len(earlier.said), shown + len(earlier.exchanges)
        found[str(least)] = {
            "exchanges": round(exchanges / (len(planted.facts) + len(planted.again)), 3),
            "exchanges_for_other_questions": round(shown / len(planted.other), 2),
            "sentences": round(kept / len(planted.facts), 3),
            "sentences_for_other_questions": round(told / len(planted.other), 2),
        }
    return found


def by_words(planted: Planted) -> float:
    """Return the recall of as many notes as the product recalls, those that share most words with the question."""
    found = 0
    for _, question, wanted in planted.facts:
        asked = set(content(question))
        nearest = sorted(planted.facts, key=lambda fact: -len(asked & set(content(fact[0]))))
        found += any(wanted in note for note, _, _ in nearest[: MemorySettings().recalled])
    return found / len(planted.facts)


async def measured(folder: Path) -> tuple[dict[str, dict[str, dict[str, float]]], ...]:
    """Return the figures of notes and of chats, by set and threshold."""
    of_notes, of_chats = {}, {}
    for name, planted in SETS.items():
        engine = connect(f"sqlite:///{folder}/{name}.db")
        migrate(engine, folder)
        of_notes[name], of_chats[name] = await notes(engine, planted), await chat(engine, planted)
        engine.dispose()
    return of_notes, of_chats


def main() -> None:
    """Measure both sets at several thresholds and print the second one's figures at the product's own thresholds."""
    with tempfile.TemporaryDirectory() as folder:
        of_notes, of_chats = asyncio.run(measured(Path(folder)))
    planted = SETS["reported_on"]
    ours = of_notes["reported_on"][str(MemorySettings().min_similarity)]
    close, sure = of_chats["reported_on"][str(CLOSE)], of_chats["reported_on"][str(SURE)]
    figures = [
        Figure(
            "planted facts that are recalled", ours["recall"], "share", "by common words", by_words(planted), ">= 0.9"
        ),
        Figure("notes recalled for other questions", ours["notes_for_other_questions"], "notes"),
        Figure("notes that crossed people", ours["crossed_people"], "notes", goal="0"),
        Figure("earlier exchanges that are recalled", close["exchanges"], "share"),
        Figure("exchanges recalled for other questions", close["exchanges_for_other_questions"], "exchanges"),
        Figure("facts of a chat that are told again", sure["sentences"], "share"),
        Figure("sentences told for other questions", sure["sentences_for_other_questions"], "sentences"),
    ]
    show(
        "memory_recall",
        figures,
        facts=len(planted.facts),
        turns=TURNS,
        notes_by_threshold=of_notes,
        chat_by_threshold=of_chats,
    )


if __name__ == "__main__":
    main()
