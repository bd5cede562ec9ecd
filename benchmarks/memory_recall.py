"""How well notes are found: facts planted among 200 turns of talk, asked for later, and asked for by somebody else.

    python -m benchmarks.memory_recall

The reference recalls as many notes, those that share most words with the question. `by_min_similarity` of the JSON
has the figures of other thresholds than the product's own.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
from pathlib import Path
from time import perf_counter

from assistant.database import migrate
from assistant.guardrails.words import content
from assistant.memory.memories import Memories
from assistant.memory.settings import MemorySettings
from assistant.types import Caller, Turn, TurnOptions
from benchmarks.report import Figure, show
from knowledge.database import connect
from knowledge.embed import OnnxEmbedder
from knowledge.types import Scope

# (note, a question in other words, what a right recall holds)
FACTS = [
    ("My locker number is 17", "Which locker is mine?", "17"),
    ("My team is Harbour Logistics", "What team am I on?", "Harbour"),
    ("My manager is Carla Brandt", "Who do I report to?", "Carla"),
    ("I work in the Graz office", "Where is my office?", "Graz"),
    ("My cost centre is 88213", "Which cost centre do I book on?", "88213"),
    ("My laptop has the asset tag LT-5521", "What is the asset tag of my laptop?", "5521"),
    ("My parking space is number 42 on level B", "Where may I park my car?", "42"),
    ("My desk phone extension is 6612", "What is my phone extension?", "6612"),
    ("My project is called Bluefin", "What is the name of my project?", "Bluefin"),
    ("The deadline of Bluefin is 3 March", "When is the deadline of Bluefin?", "3 March"),
    ("My deputy is Omar Haddad", "Who stands in for me when I am away?", "Omar"),
    ("I am allergic to nuts", "What food must the canteen keep away from me?", "nuts"),
    ("My shirt size for work clothes is XL", "Which size do I need for work clothes?", "XL"),
    ("My safety training expires in June 2027", "When does my safety training run out?", "June"),
    ("My customer in Oslo is Fjord Marine", "Who is my customer in Oslo?", "Fjord"),
    ("Our printer on floor 3 is called Gutenberg", "What is our printer called?", "Gutenberg"),
    ("My working hours are 7 to 15", "What hours do I work?", "7 to 15"),
    ("My mentor is Professor Lindqvist", "Who is my mentor?", "Lindqvist"),
    ("I am learning Portuguese", "Which language am I learning?", "Portuguese"),
    ("My badge photo was taken in 2021", "How old is the photo on my badge?", "2021"),
    ("The code name of our migration is Redwood", "What is our migration called?", "Redwood"),
    ("My bike stands in rack C", "Where does my bike stand?", "rack C"),
    ("I lead the works council's canteen group", "Which group do I lead?", "canteen"),
    ("My flat is in Lend", "In which district do I live?", "Lend"),
    ("Our team meeting is on Tuesday at 9", "When is our team meeting?", "Tuesday"),
    ("My tax adviser is Huber & Sons", "Who is my tax adviser?", "Huber"),
    ("My travel agent's contact is Mina", "Who books my travel?", "Mina"),
    ("My database is the cluster atlas-2", "Which database cluster is mine?", "atlas"),
    ("I maintain the invoice service", "Which service do I maintain?", "invoice"),
    ("My probation ends on 30 April", "When does my probation end?", "30 April"),
]
FILLER = [
    "How many days of annual leave are there?", "What is the daily allowance in Switzerland?",
    "How do I report a lost laptop?", "Who approves travel?", "What does the warranty cover?",
    "How long is the notice period?", "Which systems may hold customer data?", "What is the hotel limit in London?",
    "How are overtime hours paid?", "When is the office closed?",
]  # fmt: skip
ANNA, EVE = (Scope(frozenset({"everyone", f"user:{name}"})) for name in ("anna", "eve"))


async def measure(folder: Path, least: float) -> dict[str, float]:
    """Return the figures at one similarity threshold."""
    engine = connect(f"sqlite:///{folder}/{least}.db")
    migrate(engine, folder)
    memories = Memories(engine, OnnxEmbedder(), MemorySettings(min_similarity=least))
    order, talk = random.Random(7), [f"Remember: {note}." for note, _, _ in FACTS]
    talk += [order.choice(FILLER) for _ in range(200 - len(talk))]
    order.shuffle(talk)
    anna = Caller("anna", "Anna", ANNA)
    for number, said in enumerate(talk):
        await memories.told(Turn(str(number), said, (), anna, TurnOptions(memory=True)))
    kept, times, crossed = 0, [], 0
    for _, question, wanted in FACTS:
        started = perf_counter()
        found = await memories.recall(question, ANNA)
        times.append((perf_counter() - started) * 1000)
        kept += any(wanted in one.text for one in found)
        crossed += len(await memories.recall(question, EVE))
    idle = [len(await memories.recall(question, ANNA)) for question in FILLER]
    return {
        "notes": len(memories.notes(ANNA)),
        "recall": round(kept / len(FACTS), 3),
        "notes_for_other_questions": round(sum(idle) / len(idle), 2),
        "crossed_people": crossed,
        "ms": round(sorted(times)[len(times) // 2], 1),
    }


def by_words() -> float:
    """Return the recall of as many notes as the product recalls, those that share most words with the question."""
    found = 0
    for _, question, wanted in FACTS:
        asked = set(content(question))
        nearest = sorted(FACTS, key=lambda fact: -len(asked & set(content(fact[0]))))
        found += any(wanted in note for note, _, _ in nearest[: MemorySettings().recalled])
    return found / len(FACTS)


def main() -> None:
    """Measure at several thresholds and print those of the product's own as figures."""
    own = MemorySettings().min_similarity
    with tempfile.TemporaryDirectory() as folder:
        found = {least: asyncio.run(measure(Path(folder), least)) for least in sorted({own, 0.25, 0.35, 0.4})}
    ours = found[own]
    figures = [
        Figure("planted facts that are recalled", ours["recall"], "share", "by common words", by_words(), ">= 0.9"),
        Figure("notes recalled for other questions", ours["notes_for_other_questions"], "notes"),
        Figure("notes that crossed people", ours["crossed_people"], "notes", goal="0"),
        Figure("one recall p50", ours["ms"], "ms"),
    ]
    show("memory_recall", figures, facts=len(FACTS), turns=200, by_min_similarity=found)


if __name__ == "__main__":
    main()
