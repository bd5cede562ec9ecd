"""How often the grounding check is right: precision and recall of "supported" on labelled claims it was not fitted on.

    python -m benchmarks.grounding_check [--data DIR] [--limit N] [--fit]

The claims are those of grounding_cases.py; two thirds of the documents fit the rules, one third measures them. `--fit`
writes assistant/guardrails/rules.yaml anew. The reference keeps a claim when the passage has 0.6 of its words.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from assistant.guardrails.grounding import RuleJudge
from assistant.guardrails.rules import FILE, Rules, Weights, load
from assistant.guardrails.sources import Sources, Text
from assistant.guardrails.support import Question, span_features, statement_features
from assistant.guardrails.words import content
from benchmarks.grounding_cases import Case, Embed, spans, statements
from benchmarks.logistic import logistic
from benchmarks.report import Figure, show
from knowledge.embed import OnnxEmbedder
from knowledge.types import Passage

DATA = Path(__file__).parents[2] / "shared" / "data"
FALSE_REMOVALS = {"span": 0.04, "statement": 0.05}  # share of right claims that a threshold may cost, on fitted ones
ABSTENTION = "The documents do not say."
BY_WORDS = 0.6  # share of a claim's words from which on the reference believes it


def main() -> int:
    """Print one table and one JSON document; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--limit", type=int, default=600, help="Questions of each data set")
    parser.add_argument("--fit", action="store_true", help="Fit the rules on the other two thirds and store them")
    given = parser.parse_args()
    if not (given.data / "A_grounded_qa").is_dir():
        print(f"No question sets under {given.data}; give their folder with --data.", file=sys.stderr)
        return 2
    embed = _remembering(OnnxEmbedder().embed)
    cases = [*spans(given.data, given.limit, embed), *statements(given.data, given.limit, embed)]
    if given.fit:
        store(fit(cases, embed))
    measured = measure([case for case in cases if case.held_out], embed)
    figures = [
        Figure(f"{row['set']}, {row['kind']}: kept", row["kept"], "share", "by words", row["kept_by_words"])
        for row in measured
    ]
    show("grounding_check", figures, cases=len(cases), rows=measured)
    return 0


def fit(cases: Sequence[Case], embed: Embed) -> Rules:
    """Return rules fitted on the cases that are not held out."""
    fitted = {}
    for name, wants_statement in (("span", False), ("statement", True)):
        chosen = [
            c for c in cases if not c.held_out and c.statement is wants_statement and c.kind not in ("number", "name")
        ]
        features = [_features(case, embed) for case in chosen]
        keys = sorted(features[0])
        x = np.array([[f[key] for key in keys] for f in features])
        y = np.array([case.kind == "right" for case in chosen], float)
        kinds = [(case.source, case.kind) for case in chosen]
        weight = np.array([1 / kinds.count(kind) for kind in kinds])
        for label in (0.0, 1.0):  # right and wrong count the same, and so does every kind of each
            weight[y == label] *= len(y) / 2 / weight[y == label].sum()
        coefficients = logistic(x, y, weight)
        rule = Weights(
            threshold=0.5, bias=coefficients[0], weights=dict(zip(keys, coefficients[1:].tolist(), strict=True))
        )
        right = [rule.probability(f) for f, case in zip(features, chosen, strict=True) if case.kind == "right"]
        fitted[name] = rule.model_copy(update={"threshold": float(np.quantile(right, FALSE_REMOVALS[name]))})
    return load().model_copy(update=fitted) if FILE.exists() else Rules(better_by=0.2, **fitted)


def _features(case: Case, embed: Embed) -> Mapping[str, float]:
    sources = Sources([_passage(case)], embed)
    if case.statement:
        return statement_features(Text(case.claim), sources.all[0], sources)
    return span_features(Question(case.question), Text(case.claim), sources.all[0], sources)


def store(rules: Rules) -> None:
    """Write the rules with the digits that matter."""
    head = (
        "# Fitted by benchmarks/grounding_check.py --fit; a threshold is the probability from which on a claim holds.\n"
    )
    plain = json.loads(json.dumps(rules.model_dump()), parse_float=lambda number: round(float(number), 4))
    FILE.write_text(head + yaml.safe_dump(plain, sort_keys=False), "utf-8")
    load.cache_clear()


def measure(cases: Sequence[Case], embed: Embed) -> list[dict[str, Any]]:
    """Return for each data set and kind of claim how many the product's check keeps, and how many shared words would.

    `precision` is None for right claims: it needs wrong ones.
    """
    judge = RuleJudge(embed)
    kept: dict[tuple[str, str], list[bool]] = {}
    by_words: dict[tuple[str, str], list[bool]] = {}
    for case in cases:
        judged = judge.open(case.question, [_passage(case)], ABSTENTION).sentence(f"{case.claim.rstrip('.')} [1].")
        kept.setdefault((case.source, case.kind), []).append(judged.kind == "supported")
        by_words.setdefault((case.source, case.kind), []).append(_shares_words(case))
    rows: list[dict[str, Any]] = []
    for (source, kind), decisions in sorted(kept.items()):
        right = kept.get((source, "right"), [])
        good, bad = sum(right), sum(decisions)
        naive = by_words[source, kind]
        rows.append(
            {
                "set": source,
                "kind": kind,
                "n": len(decisions),
                "kept": bad / len(decisions),
                "kept_by_words": sum(naive) / len(naive),
                "precision": good / (good + bad) if kind != "right" and good + bad else None,
            }
        )
    return rows


def _shares_words(case: Case) -> bool:
    said, known = set(content(case.claim)), set(content(f"{case.title} {case.text}"))
    return len(said & known) >= BY_WORDS * len(said)


def _passage(case: Case) -> Passage:
    return Passage("1", "1", "", case.title, "", case.text, "", None, "", 1.0)


def _remembering(embed: Embed) -> Embed:
    """Return `embed` with a memory: the same passages come up for many claims."""
    known: dict[str, NDArray[np.float32]] = {}

    def remembered(texts: list[str]) -> NDArray[np.float32]:
        missing = list(dict.fromkeys(text for text in texts if text not in known))
        if missing:
            known.update(zip(missing, embed(missing), strict=True))
        return np.stack([known[text] for text in texts])

    return remembered


if __name__ == "__main__":
    sys.exit(main())
