"""Cards: what a data set or an adapter is made of, under which licences, what it scores and where it fails."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from assistant.adaptation.dataset import Group
from assistant.adaptation.recipe import Recipe
from assistant.adaptation.rows import Row

METRICS = ("token_f1", "exact_match", "citation_precision", "abstention_recall", "false_abstentions")


def sources(recipe: Recipe) -> str:
    """Return a Markdown table of the sources with licence and attribution."""
    lines = ["| file | licence | attribution |", "|---|---|---|"]
    lines += [f"| {s.file} | {s.licence} | {s.attribution} |" for s in recipe.sources]
    return "\n".join(lines)


def dataset_facts(
    recipe: Recipe, rows: Mapping[str, Mapping[str, Sequence[Row]]], groups: Sequence[Group], digest: str
) -> dict[str, object]:
    """Return the data card: counts of rows and documents by part, of branches by kind, and the hash."""
    parts = {
        part: {
            pool: {"rows": len(found), "documents": len({r.document for r in found})} for pool, found in pools.items()
        }
        for part, pools in rows.items()
    }
    return {
        "recipe": recipe.name,
        "recipe_version": recipe.version,
        "sha256": digest,
        "rows": parts,
        "groups": len(groups),
        "branches": dict(Counter(branch.kind for group in groups for branch in group.branches)),
        "sources": [{"file": s.file, "licence": s.licence, "attribution": s.attribution} for s in recipe.sources],
    }


def adapter_card(
    recipe: Recipe, scores: Mapping[str, Mapping[str, float]], trained_on: str, limits: Sequence[str]
) -> str:
    """Return the model card of an adapter in Markdown; `trained_on` says in a sentence how much it saw."""
    used = [m for m in METRICS if any(m in values for values in scores.values())]
    table = ["| test set | " + " | ".join(used) + " |", "|---|" + "---|" * len(used)]
    for name, values in scores.items():
        table.append(f"| {name} | " + " | ".join(f"{values[m]:.2f}" if m in values else "-" for m in used) + " |")
    return f"""# {recipe.name}

A LoRA adapter (rank {recipe.training.rank}) for {recipe.base_model}: answers questions from numbered passages in
a few words, cites the passage, and says "The documents do not say." when they do not.

Prompt: `{recipe.prompt}`. Recipe: `recipe.yaml` beside this file, version {recipe.version}. {trained_on}

## Scores

Through the local engine, greedy, three to five passages with near misses from the product's search. Higher is
better, except for false_abstentions. Intervals and rows are printed by `benchmarks/grounded_answers.py`.

{chr(10).join(table)}

## Sources

{sources(recipe)}

Weights are published under Apache-2.0, as the base model. Texts of the sources are not part of them; copies of the
texts themselves keep the licences above.

## Limits

{chr(10).join(f"- {limit}" for limit in limits)}
"""
