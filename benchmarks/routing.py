"""Does the router find the adapter of a question's domain? Eight domains with labels, and questions of none of them.

    python -m benchmarks.routing [--data ../shared/data] [--questions 100] [--examples 20]

Questions of bank customers (banking77), on illnesses (MedQuAD), on annual reports (TAT-QA), of shoppers (Bitext) and of
four domains of CLINC150 go through the registry with the table that ships; each domain's adapter has a description and
examples, as an administrator gives them. Small talk of CLINC150, and its questions without an intent, belong to none.
The reference is an adapter chosen by the words that a question shares with the same descriptions and examples.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from assistant.guardrails.words import content
from assistant.models.breaker import Breaker, BreakerRules
from assistant.models.choices import AdapterChoice, Choices
from assistant.models.decisions import Facts, understand
from assistant.models.domains import Domains
from assistant.models.fake import ScriptedModel
from assistant.models.registry import Registry
from assistant.models.router import Deadlines, Lane
from assistant.models.routes import kind_of
from assistant.models.types import Policy
from assistant.types import Route
from benchmarks.report import Figure, show
from knowledge.embed import OnnxEmbedder

NONE = "none"
Rows = Mapping[str, list[str]]


@dataclass(frozen=True, slots=True)
class Source:
    """Where the questions of a domain are: the field that holds them, and which rows belong to it."""

    about: str
    file: str
    field: str
    labels: frozenset[str] = frozenset()  # of `intent`; empty takes every row


def _clinc(about: str, labels: str) -> Source:
    return Source(about, "H_domain/clinc150_trainval.jsonl", "text", frozenset(labels.split()))


SOURCES: Mapping[str, Source] = {
    "bank": Source("Cards, accounts and payments of a bank's customers", "H_domain/banking77_train.jsonl", "text"),
    "medicine": Source("Illnesses, symptoms and treatments", "H_domain/medquad.jsonl", "question"),
    "reports": Source("Figures and notes of annual reports", "A_grounded_qa/tatqa_dev.jsonl", "question"),
    "shop": Source("Orders, refunds and deliveries of a shop", "H_domain/bitext_support_train.jsonl", "text"),
    "travel": _clinc(
        "Flights, hotels and trips",
        "book_flight book_hotel car_rental carry_on flight_status international_visa lost_luggage plug_type "
        "travel_alert travel_notification travel_suggestion vaccines",
    ),
    "kitchen": _clinc(
        "Recipes, ingredients and restaurants",
        "accept_reservations calories confirm_reservation cook_time food_last how_busy ingredient_substitution "
        "ingredients_list meal_suggestion nutrition_info recipe restaurant_reservation restaurant_reviews "
        "restaurant_suggestion",
    ),
    "car": _clinc(
        "Keeping and driving a car",
        "gas gas_type jump_start last_maintenance mpg oil_change_how oil_change_when schedule_maintenance tire_change "
        "tire_pressure traffic",
    ),
    "work": _clinc(
        "Pay, leave and benefits at work",
        "direct_deposit income insurance insurance_change next_holiday payday pto_balance pto_request "
        "pto_request_status pto_used rollover_401k taxes w2",
    ),
    NONE: _clinc(
        "",
        "oos are_you_a_bot do_you_have_pets flip_coin fun_fact goodbye greeting how_old_are_you meaning_of_life "
        "roll_dice tell_joke thank_you what_are_your_hobbies what_is_your_name where_are_you_from who_made_you",
    ),
}


@dataclass(frozen=True, slots=True)
class Routed:
    """What became of a question."""

    domain: str
    nearest: str  # the adapter with the highest closeness, whatever the table makes of it
    asked: str  # the adapter that was asked first, NONE for a model without one
    several: bool  # the table found more than one domain in it


async def main() -> int:
    """Print the table; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--questions", type=int, default=100, help="Of each domain; of none, four times as many")
    parser.add_argument("--examples", type=int, default=20, help="That each adapter has")
    given = parser.parse_args()
    if missing := [source.file for source in SOURCES.values() if not (given.data / source.file).is_file()]:
        print(f"There is no {given.data / missing[0]}; --data names the folder of labelled questions.", file=sys.stderr)
        return 1
    known, asked = sets(given.data, given.questions, given.examples)
    adapters = {
        name: AdapterChoice(description=SOURCES[name].about, examples=tuple(examples))
        for name, examples in known.items()
    }
    figures = _figures(await route(adapters, asked), by_words(adapters))
    show("routing", figures, questions={name: len(texts) for name, texts in asked.items()}, examples=given.examples)
    return 0


def sets(data: Path, questions: int, examples: int) -> tuple[Rows, Rows]:
    """Return each domain's examples, and the questions to ask, none of which is an example."""
    known, asked, draw = {}, {}, random.Random(0)
    for name, source in SOURCES.items():
        with (data / source.file).open(encoding="utf-8") as lines:
            rows = [row for row in map(json.loads, lines) if not source.labels or row["intent"] in source.labels]
        texts = sorted({str(row[source.field]).strip() for row in rows})
        draw.shuffle(texts)
        of_none = name == NONE
        known[name] = texts[:examples]
        asked[name] = texts[examples : examples + questions * (4 if of_none else 1)]
    del known[NONE]
    return known, asked


async def route(adapters: Mapping[str, AdapterChoice], asked: Rows) -> list[tuple[str, Routed]]:
    """Return what the registry does with each question."""
    names = [*adapters, "full", "small"]
    registry = Registry([_lane(name, name in adapters) for name in names], domains=Domains(OnnxEmbedder().embed))
    await registry.follow(Choices(adapters=adapters))
    found = []
    for domain, texts in asked.items():
        for text in texts:
            chosen, domains = await registry.explain(text, Policy())
            first = chosen.cards[0]
            adapter = first.name if kind_of(first) == "adapter" else NONE
            reading = understand(Facts(text, Policy(), domains), registry.table.signals)
            found.append((text, Routed(domain, domains[0].adapter, adapter, reading.domain == "several")))
    return found


def by_words(adapters: Mapping[str, AdapterChoice]) -> Callable[[str], str]:
    """Return what names the adapter whose texts share most words with a question, NONE when none shares any."""
    said = {name: [set(content(text)) for text in (one.description, *one.examples)] for name, one in adapters.items()}

    def nearest(text: str) -> str:
        words = set(content(text))
        shared = {name: max(len(words & other) / (len(words | other) or 1) for other in texts)
                  for name, texts in said.items()}  # fmt: skip
        best = max(sorted(shared), key=shared.__getitem__)
        return best if shared[best] else NONE

    return nearest


def _lane(name: str, adapter: bool) -> Lane:
    served = Route(name, name if adapter else None, "fallback" if name == "small" else "domain", "")
    return Lane(name, ScriptedModel([""], name), lambda: served, Breaker(BreakerRules(), monotonic), Deadlines(1.0))


def _figures(found: Sequence[tuple[str, Routed]], words: Callable[[str], str]) -> list[Figure]:
    inside = [(text, one) for text, one in found if one.domain != NONE]
    outside = [(text, one) for text, one in found if one.domain == NONE]
    reference = "by common words"
    figures = [
        Figure(
            "nearest adapter is the right one",
            _share([one.nearest == one.domain for _, one in inside]),
            "",
            reference,
            _share([words(text) == one.domain for text, one in inside]),
            ">= 0.9",
        ),
        Figure("right adapter asked first", _share([one.asked == one.domain for _, one in inside]), ""),
        Figure("wrong adapter asked first", _share([one.asked not in (one.domain, NONE) for _, one in inside]), "",
               goal="<= 0.05"),
        Figure("full or small model instead", _share([one.asked == NONE for _, one in inside]), ""),
        Figure("of these, read as several domains",
               _share([one.several for _, one in inside if one.asked == NONE]), ""),
        Figure("of no domain: no adapter asked first", _share([one.asked == NONE for _, one in outside]), "",
               reference, _share([words(text) == NONE for text, _ in outside]), ">= 0.9"),
    ]  # fmt: skip
    for name in sorted({one.domain for _, one in inside}):
        mine = [(text, one) for text, one in inside if one.domain == name]
        right = _share([words(text) == name for text, _ in mine])
        figures.append(
            Figure(f"{name}: nearest is right", _share([one.nearest == name for _, one in mine]), "", reference, right)
        )
    return figures


def _share(right: Sequence[bool]) -> float:
    return sum(right) / len(right) if right else float("nan")


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
