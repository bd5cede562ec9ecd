"""Function choice and calls of the small model on the Berkeley Function-Calling Leaderboard's files.

    python benchmarks/skills_bfcl.py --data FOLDER --model FILE.gguf [--limit 20] [--no-model | --no-plain]

FOLDER holds bfcl_*.jsonl. Rows are halved by a hash of their ids: on one half thresholds and weights were fitted, the
other is reported here. The choice is measured on all rows of it, with 5 and with 100 functions to choose from, drawn
anew eight times; calls on `limit` rows of each file, drawn by chance, beside the same model with a plain tool prompt.
Greedy, through the local engine; the times of the choice are processor time, embedding included.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import random
import re
import secrets
import tempfile
import time
from pathlib import Path

from assistant.evaluation.bfcl import Row, read_row
from assistant.evaluation.calling import CallOutcome, Pool, measure, ours, plain, report, summary
from assistant.models.openai_http import OpenAIModel, Timeouts
from assistant.models.openai_wire import LOCAL
from assistant.models.supervise import EngineProcess, EngineSpec
from assistant.orchestration.arguments import Filler
from assistant.orchestration.small_calls import SmallCaller
from benchmarks.report import Figure, median, percentile, show
from knowledge.embed import OnnxEmbedder
from skills.choose import Chooser, Embed
from skills.settings import SkillsSettings

CATEGORIES = ("simple_python", "multiple", "parallel", "parallel_multiple", "irrelevance")
START_S = 180.0
DRAWS = 8
HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
GENERIC = frozenset(["calculate", "calc", "compute", "get", "find", "solve", "convert"])  # what names begin or end with


def read(folder: Path, category: str) -> list[Row]:
    """Return the reported rows of one file."""
    rows = [read_row(json.loads(line)) for line in (folder / f"bfcl_{category}.jsonl").open("rb")]
    return [row for row in rows if hashlib.sha256(row.id.encode()).digest()[0] % 2]


def choosing(rows: dict[str, list[Row]], settings: SkillsSettings) -> list[Figure]:
    """Return how often the right function is chosen first, and how often none is where none fits."""
    embed = OnnxEmbedder(threads=1).embed
    open_chooser, multiple = Chooser(embed, -1.0), rows["multiple"]
    figures, pool, first = [], Pool(multiple), dict[int, float]()
    for total in (5, 100):
        right, alike, times = 0, 0, []
        for row, draw in ((row, draw) for row in multiple for draw in range(DRAWS)):
            skills, wanted = pool.around(row, total, draw), row.accepted[0][0]
            open_chooser.learn(skills)
            started = time.process_time()
            name = open_chooser.choose(row.question, skills, settings.choose_limit)[0].skill.name
            times.append((time.process_time() - started) * 1e3)
            right += name == wanted
            alike += name == wanted or same(name, wanted)
        chosen = len(multiple) * DRAWS
        first[total] = alike / chosen
        goal = f"at least {first[5] - 0.03:.3f}" if total > 5 else ""
        figures += [
            Figure(f"right function first of {total}", right / chosen, "share"),
            Figure(f"right, or the same by another name, first of {total}", first[total], "share", goal=goal),
            Figure(f"choice among {total}, p50", median(times), "ms", goal="under 30 ms"),
            Figure(f"choice among {total}, p95", percentile(times, 0.95), "ms", goal="under 30 ms"),
        ]
    caller = small_caller(embed, settings)
    for category, name in (("irrelevance", "nothing chosen where nothing fits"), ("simple_python", "something chosen")):
        empty = [not caller.choose(row.question, pool.around(row, 0))[1] for row in rows[category]]
        share = sum(empty) / len(empty)
        goal = "at least 0.8" if category == "irrelevance" else ""
        figures.append(Figure(name, share if category == "irrelevance" else 1 - share, "share", goal=goal))
    return figures


def same(one: str, other: str) -> bool:
    """Return whether two names call the same, whatever their module, order and verb: "math.gcd" and "calculate_gcd"."""
    words = [set(re.findall(r"[a-z]+", HUMP.sub("_", name.rsplit(".", 1)[-1]).lower())) for name in (one, other)]
    told = [some - GENERIC or some for some in words]
    return told[0] == told[1]


def small_caller(embed: Embed, settings: SkillsSettings) -> SmallCaller:
    """Return what the product plans calls with."""
    chooser = Chooser(embed, settings.irrelevant_below)
    return SmallCaller(chooser, Filler(), settings.irrelevant_below, settings.choose_limit)


async def calling(
    rows: dict[str, list[Row]], model: OpenAIModel, settings: SkillsSettings, limit: int, beside: bool
) -> tuple[list[Figure], dict[str, object]]:
    """Return the accuracy of whole calls, ours `beside` the plain prompt's or alone."""
    caller, draw = small_caller(OnnxEmbedder(threads=1).embed, settings), random.Random(7)
    taken = [row for found in rows.values() for row in draw.sample(found, min(limit, len(found)))]
    found: dict[str, list[CallOutcome]] = {"ours": await measure(taken, ours(model, caller), at_once=4)}
    if beside:
        found["plain"] = await measure(taken, plain(model), at_once=4)
    tables = {name: summary(outcomes) for name, outcomes in found.items()}
    reference = "same model, plain tool prompt" if beside else ""
    figures = []
    for category in tables["ours"]:
        for name, of in (
            ("right function", lambda each: each["function"]),
            ("right calls", lambda each: each["accuracy"]["mean"]),
        ):
            ours_here, plain_here = (of(tables[way][category]) if way in tables else None for way in ("ours", "plain"))
            figures.append(Figure(f"{name}, {category}", ours_here, "share", reference, plain_here))
    whole = {name: report(outcomes)["metrics"] for name, outcomes in found.items()}
    goal = "twice the reference" if beside else ""
    for name in ("right_functions", "right_calls"):
        means = [whole[way][name]["mean"] if way in whole else None for way in ("ours", "plain")]
        figures.append(Figure(f"{name.replace('_', ' ')}, all files", means[0], "share", reference, means[1], goal))
    # The plain prompt hardly ever calls anything, so all of its right rows may be those without a fitting function.
    fitting = {way: [o.wrong is None for o in outcomes if o.row.accepted] for way, outcomes in found.items()}
    shares = [sum(fitting[way]) / len(fitting[way]) if way in fitting else None for way in ("ours", "plain")]
    figures.append(Figure("right calls, where a function fits", shares[0], "share", reference, shares[1], goal))
    return figures, dict(tables)


def started_engine(weights: Path, folder: Path) -> EngineProcess:
    """Return a running engine that answers."""
    key = folder / "key"
    key.write_text(secrets.token_hex(32))
    engine = EngineProcess(EngineSpec(weights, "small"), key, folder / "engine.log")
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if engine.pulse() is not None:
            return engine
        time.sleep(0.2)
    engine.stop()
    raise SystemExit(f"The engine did not start: {(folder / 'engine.log').read_text()[-500:]}")


def main() -> None:
    """Measure and print a table and one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, help="GGUF file of the small model")
    parser.add_argument("--limit", type=int, default=20, help="rows of each file that the model is asked")
    parser.add_argument("--skip-choice", action="store_true", help="measure the calls alone")
    parser.add_argument("--no-plain", action="store_true", help="leave out the plain tool prompt")
    parser.add_argument("--no-model", action="store_true", help="measure the choice alone")
    chosen = parser.parse_args()
    settings = SkillsSettings()
    rows = {category: read(chosen.data, category) for category in CATEGORIES}
    figures = [] if chosen.skip_choice else choosing(rows, settings)
    tables: dict[str, object] = {}
    if not chosen.no_model:
        if chosen.model is None:
            parser.error("--model is needed, or --no-model")
        with tempfile.TemporaryDirectory() as folder:
            engine = started_engine(chosen.model, Path(folder))
            try:
                model = OpenAIModel("small", lambda: engine.endpoint, 8192, Timeouts(3, 300, 120), LOCAL)
                more, tables = asyncio.run(calling(rows, model, settings, chosen.limit, not chosen.no_plain))
                figures += more
            finally:
                engine.stop()
    show("skills_bfcl", figures, calls=tables, limit=chosen.limit)


if __name__ == "__main__":
    main()
