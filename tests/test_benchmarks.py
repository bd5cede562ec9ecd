"""Every benchmark runs at a small size and prints its figures; how large they are is for no test to judge."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.bench
ROOT = Path(__file__).parents[1]
SMALL = {
    "chat_api": ["--streams", "4", "--tokens", "10", "--offered", "8"],
    "gateway": ["--engine", "fake", "--streams", "2", "--chats", "1"],
    "ingestion": ["FOLDER"],
    "memory_recall": [],
    "prompt_strategies": ["--data", "FOLDER", "--questions", "2", "--route", "adapter", "--way", "nearest_thoughts"],
    "retrieval": ["FOLDER"],
    "search": ["--chunks", "300", "--queries", "5"],
    "skills_overhead": ["--calls", "5"],
    "turn_overhead": ["--turns", "5"],
}
ALL = sorted(path.stem for path in (ROOT / "benchmarks").glob("*.py") if path.stem != "__init__")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Documents to take in that are a set to search in as well."""
    towns = ["Ulm", "Bern", "Graz", "Lille", "Porto", "Turin"]
    said = {town: f"{town} has a tower of {n + 40} metres. It was built in {1500 + n}." for n, town in enumerate(towns)}
    for town, text in said.items():
        (tmp_path / f"{town}.md").write_text(f"# {town}\n\n{text}\n", "utf-8")
    corpus = [{"id": town, "title": town, "text": text} for town, text in said.items()]
    queries = [{"id": town, "text": f"How high is the tower of {town}?"} for town in towns]
    for name, rows in (("corpus", corpus), ("queries", queries)):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    sums = [{"question": f"{n} and 3?", "solution": f"{n} + 3 = {n + 3}", "answer": str(n + 3)} for n in range(6)]
    (tmp_path / "G_reasoning").mkdir()
    (tmp_path / "G_reasoning" / "gsm8k_train.jsonl").write_text("\n".join(map(json.dumps, sums)), "utf-8")
    lines = ["query-id\tcorpus-id\tscore", *(f"{town}\t{town}\t1" for town in towns)]
    (tmp_path / "qrels.tsv").write_text("\n".join(lines) + "\n", "utf-8")
    return tmp_path


@pytest.mark.parametrize("name", SMALL)
def test_it_prints_each_figure_beside_what_it_was_measured_on(name: str, folder: Path) -> None:
    arguments = [str(folder) if argument == "FOLDER" else argument for argument in SMALL[name]]
    done = ran(name, *arguments)
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout)
    assert told["benchmark"] == name and told["machine"]["cores"] > 0
    assert told["figures"]
    for figure in told["figures"]:
        assert figure["name"] and isinstance(figure["value"], int | float)
        assert (figure["ratio"] is None) or figure["reference"]


def test_those_that_take_long_still_fit_the_product() -> None:
    missing = "no module of the product has what a benchmark imports from it"
    program = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(f'benchmarks.{name}')"
    done = subprocess.run([sys.executable, "-c", program, *ALL], cwd=ROOT, capture_output=True, text=True, timeout=800)
    assert done.returncode == 0, f"{missing}: {done.stderr[-3000:]}"


def ran(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", f"benchmarks.{name}", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=800)
