"""Which library should run the local model: OpenVINO GenAI or llama.cpp, on which weights, with or without guessing?

    python benchmarks/engine_choice.py [--weights Q8_0 F16] [--repeats 3] [--data xquad_en.jsonl]

Every engine runs in a process of its own, one after the other, on the same prompts of about 700 tokens with 48 tokens
out; the prompts differ from the first word on, so that no prefix cache helps. llama.cpp spins while it waits for a
core, therefore CPU seconds are shown beside wall seconds: on a busy machine they differ much. With --data, cited
answers of the shipped adapter are timed with and without prompt lookup.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from assistant.models import weights
from assistant.models.local.backend import Job
from assistant.models.local.chatml import ControlTokens, render
from assistant.models.local.openvino import OpenVinoBackend, OpenVinoOptions
from assistant.models.plan import plan
from assistant.models.settings import ModelSettings
from assistant.models.types import Sampling
from assistant.orchestration import prompts
from assistant.orchestration.prompts import Message
from benchmarks.report import Figure, median, show

OUT_TOKENS = 48
PROMPT_TOKENS = 700
WORDS = (
    "invoice", "contract", "payment", "delivery", "customer", "supplier", "office", "meeting", "report", "quarter",
    "budget", "holiday", "training", "safety", "machine", "order", "warehouse", "price", "discount", "warranty",
    "manager", "team", "project", "deadline", "server", "password", "account", "email", "policy", "travel",
)  # fmt: skip
Generate = Callable[[str], tuple[float, int, float]]  # prompt -> first token (s), tokens, whole (s)


def chat(seed: int) -> str:
    """Return a prompt of about 700 tokens that begins differently for every seed."""
    draw = random.Random(seed)
    sentences = [" ".join(draw.choices(WORDS, k=9)).capitalize() + "." for _ in range(PROMPT_TOKENS // 12)]
    text = f"{draw.choice(WORDS)} {seed}: {' '.join(sentences)}\n\nTell a long story in which all of this happens."
    return render([Message("system", f"Story {seed}."), Message("user", text)], ControlTokens(()))


def by_openvino(path: Path, speculate: int = 0) -> Generate:
    """Return a generator on our backend."""
    backend = OpenVinoBackend(path, "bench", OpenVinoOptions(speculate_tokens=speculate))

    def generate(prompt: str) -> tuple[float, int, float]:
        started, first, n = time.perf_counter(), 0.0, 0
        backend.add(Job(1, backend.encode(prompt), Sampling(max_tokens=OUT_TOKENS)))
        while backend.busy():
            for emission in backend.step():
                n += len(emission.ids)
                first = first or time.perf_counter() - started
        return first, n, time.perf_counter() - started

    return generate


def by_llama(path: Path) -> Generate:
    """Return a generator on llama.cpp's own server, called in process."""
    import xllamacpp

    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(path)
    parameters.n_ctx, parameters.n_parallel, parameters.warmup, parameters.verbosity = 16_384, 4, True, 0
    parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = len(os.sched_getaffinity(0))
    server = xllamacpp.Server(parameters)

    def generate(prompt: str) -> tuple[float, int, float]:
        started = time.perf_counter()
        arrived: list[float] = []

        def note(_: object) -> bool:
            arrived.append(time.perf_counter() - started)
            return False

        body = {"prompt": prompt, "max_tokens": OUT_TOKENS, "temperature": 0, "stream": True}
        server.handle_completions(body, note)
        return arrived[0], len(arrived) - 1, arrived[-1]  # the last chunk carries usage alone

    return generate


def measured(make: Callable[[], Generate], asked: Sequence[str]) -> dict[str, float]:
    """Return the medians over `asked`, after one prompt that is not counted."""
    begun = time.perf_counter()
    generate = make()
    load_s = time.perf_counter() - begun
    generate(chat(10_000))
    before, runs = time.process_time(), [generate(prompt) for prompt in asked]
    cpu_s = (time.process_time() - before) / len(runs)
    return {
        "load_s": load_s,
        "first_token_s": median([first for first, _, _ in runs]),
        "decode_tokens_s": median([(n - 1) / (whole - first) for first, n, whole in runs if whole > first]),
        "answer_s": median([whole for _, _, whole in runs]),
        "tokens": median([n for _, n, _ in runs]),
        "cpu_s_per_answer": cpu_s,
        "rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def cited(path: Path, limit: int) -> list[str]:
    """Return prompts with three passages each from a file of grounded questions."""
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    grounded, draw = prompts.load("grounded_answer"), random.Random(1)
    asked = []
    for row in draw.sample(rows, limit):
        others = [draw.choice(rows)["contexts"][0] for _ in range(2)]
        passages = [(str(c["title"]), str(c["text"])) for c in (row["contexts"][0], *others)]
        asked.append(render(prompts.render(grounded, passages, row["question"]), ControlTokens(())))
    return asked


def in_child(engine: str, path: Path, options: argparse.Namespace, speculate: int = 0) -> dict[str, float]:
    """Return what a fresh process measures."""
    command = [sys.executable, "-m", "benchmarks.engine_choice", "--child", engine, str(path)]
    command += ["--repeats", str(options.repeats), "--speculate", str(speculate)]
    command += ["--data", str(options.data)] if options.data and engine == "cited" else []
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found: dict[str, float] = json.loads(printed.splitlines()[-1])
    return found


def child(options: argparse.Namespace) -> None:
    """Measure one engine in this process and print what came out."""
    engine, path = options.child[0], Path(options.child[1])
    asked = cited(options.data, options.repeats * 4) if engine == "cited" else [chat(n) for n in range(options.repeats)]
    make = (lambda: by_llama(path)) if engine == "llama" else (lambda: by_openvino(path, options.speculate))
    print(json.dumps(measured(make, asked)), flush=True)
    os._exit(0)  # both libraries take seconds to put themselves away


def main() -> None:
    """Measure every engine and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", nargs="*", default=["Q8_0", "F16"], choices=["Q8_0", "F16"])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--data", type=Path, help="xquad_en.jsonl, for the cited answers")
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "inhouse-benchmarks")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--speculate", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options)
        return
    rows: dict[str, dict[str, float]] = {}
    for kind in options.weights:
        path = weights.requantised(weights.packaged(options.cache), options.cache / "models", kind)
        rows[f"openvino {kind}"] = in_child("openvino", path, options)
        rows[f"llama.cpp {kind}"] = in_child("llama", path, options)
    if options.data:
        served = plan(options.cache, ModelSettings()).weights
        rows |= {f"cited, guessing {n}": in_child("cited", served, options, n) for n in (0, 3, 5)}
    show("engine_choice", _figures(rows), rows=rows)


def _figures(rows: dict[str, dict[str, float]]) -> list[Figure]:
    found = []
    for name, row in rows.items():
        other = name.replace("openvino", "llama.cpp") if name.startswith("openvino") else "cited, guessing 0"
        reference: Any = rows.get(other) if other != name and not name.startswith("llama.cpp") else None
        for column, unit in (
            ("first_token_s", "s"),
            ("decode_tokens_s", "tokens/s"),
            ("answer_s", "s"),
            ("cpu_s_per_answer", "s"),
        ):
            found.append(Figure(f"{name}: {column}", row[column], unit, other, reference and reference[column]))
        found += [
            Figure(f"{name}: {column}", row[column], unit) for column, unit in (("load_s", "s"), ("rss_mb", "MB"))
        ]
    return found


if __name__ == "__main__":
    main()
