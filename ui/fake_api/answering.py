"""How the stand-in comes to its answers: by script where a test gave one, else by the words in common."""

from __future__ import annotations

import re

from ui.fake_api.drawn import PICTURE
from ui.fake_api.library import hit_json
from ui.fake_api.records import FakeChunk, FakeCollection, FakeDocument
from ui.fake_api.world import Script, World, words

ENOUGH = 0.45  # of a question's words must be in a passage; less is no answer
_SENTENCE = re.compile(r"[^.!?\n]+[.!?]?")
Hit = tuple[float, FakeDocument, FakeChunk]


def made_up(world: World, collections: list[FakeCollection], question: str) -> dict[str, object]:
    """Return the answer to a question in the shape of the API."""
    hits = world.search(collections, question, 4)
    script = next((one for one in world.scripts if one.asked.lower() in question.lower()), None)
    if script is not None:
        return _scripted(world, script, hits, collections)
    good = [hit for hit in hits if hit[0] >= ENOUGH]
    if not good:
        text = "I could not find this in the documents that you may read."
        return _answer(world, text, [], hits, collections, abstained=True)
    sentences = [f"{_best_sentence(chunk, question)} [{n}]" for n, (_, _, chunk) in enumerate(good[:2], start=1)]
    return _answer(world, " ".join(sentences), good[:2], [], collections)


def question_of(message: object) -> tuple[str, int]:
    """Return the words of a message and how many pictures it has."""
    content = message.get("content") if isinstance(message, dict) else ""
    if not isinstance(content, list):
        return str(content or ""), 0
    parts = [part for part in content if isinstance(part, dict)]
    texts = [str(part.get("text")) for part in parts if part.get("type") == "text"]
    return "\n".join(texts), sum(part.get("type") == "image_url" for part in parts)


def _scripted(world: World, script: Script, hits: list[Hit], collections: list[FakeCollection]) -> dict[str, object]:
    answer = _answer(
        world,
        script.text,
        hits[: script.cite],
        hits if script.abstained else [],
        collections,
        abstained=script.abstained,
    )
    pictures = [{"id": PICTURE, "shows": script.draws}] if script.draws else []
    return {**answer, "degraded": script.degraded, "notice": script.notice, "pictures": pictures}


def _best_sentence(chunk: FakeChunk, question: str) -> str:
    sentences = [part.strip() for part in _SENTENCE.findall(chunk.text) if part.strip()]
    wanted = words(question)
    return max(sentences, key=lambda sentence: len(wanted & words(sentence)), default=chunk.text)


def _answer(
    world: World,
    text: str,
    cited: list[Hit],
    nearest: list[Hit],
    collections: list[FakeCollection],
    abstained: bool = False,
) -> dict[str, object]:
    names = [collection.name for collection in collections]
    many = "1 collection" if len(names) == 1 else f"{len(names)} collections"
    found = len(cited) + len(nearest)
    came = "1 passage came back" if found == 1 else f"{found} passages came back"
    return {
        "answer": text,
        "citations": [_citation(world, n, hit) for n, hit in enumerate(cited, start=1)],
        "abstained": abstained,
        "grounded": True,
        "degraded": False,
        "route": {"model": "smollm2-135m", "adapter": "grounded-answer", "tier": "fallback", "strategy": "grounded"},
        "steps": [
            {"name": "search", "detail": f"Searched {many}, {came}.", "ms": 38},
            {"name": "draft", "detail": "Wrote the answer from the best passages.", "ms": 910},
            {"name": "check", "detail": "Held each sentence against the passage it cites.", "ms": 64},
        ],
        "timings_ms": {"search": 38, "first_text": 460, "total": 1012},
        "usage": {"input_tokens": 612, "output_tokens": 48, "cached_tokens": 0},
        "notice": None,
        "suggestions": _suggestions(cited),
        "searched": names,
        "nearest": [{**hit_json(world, hit), "quote": hit[2].text[:600]} for hit in nearest],
        "stopped_by": "stop",
        "approvals": [],
        "pictures": [],
    }


def _citation(world: World, n: int, hit: Hit) -> dict[str, object]:
    found = hit_json(world, hit)
    kept = ("document", "title", "page", "chunk", "heading", "path", "collection", "anchor")
    return {"n": n, "quote": hit[2].text[:600], **{name: found[name] for name in kept}}


def _suggestions(cited: list[Hit]) -> list[str]:
    headings = dict.fromkeys(chunk.heading for _, _, chunk in cited if chunk.heading)
    return [f"What else should I know about {heading.lower()}?" for heading in headings][:2]
