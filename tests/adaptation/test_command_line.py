"""`assistant adapt` as a person runs it: a process for each command, the real base model, real libraries."""

from __future__ import annotations

import importlib.util
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from assistant.adaptation import adapter as folders
from assistant.adaptation import base
from assistant.adaptation import publish as registry
from assistant.adaptation.errors import BaseModelMissing
from assistant.orchestration import prompts
from tests.adaptation.conftest import raw_row
from tests.e2e.installation import Product, printed, start, stop

pytestmark = [
    pytest.mark.train,
    pytest.mark.model,
    pytest.mark.timeout(900),
    pytest.mark.skipif(importlib.util.find_spec("peft") is None, reason="the extra 'train' is not installed"),
]
# The last layers alone and short groups: a step takes seconds.
SMALL = {"rank": 2, "alpha": 4, "first_layer": 27, "max_tokens": 500, "warmup_steps": 1, "groups_per_step": 1}
SMALL |= {"max_steps": 6, "validate_every_steps": 3, "checkpoint_minutes": 0, "dtype": "float32"}


@dataclass(frozen=True)
class Place:
    """A folder with rows and the packaged base model."""

    folder: Path
    gguf: Path

    def adapt(
        self, *arguments: str | Path, before: Callable[[], None] | None = None
    ) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "assistant", "--data-dir", str(self.folder / "var"), "adapt"]
        full = [*command, *map(str, arguments), "--json"]
        return subprocess.run(full, capture_output=True, text=True, timeout=600, preexec_fn=before)

    def recipe(self, name: str = "recipe", **changes: object) -> Path:
        training = json.dumps(SMALL | changes)
        source = "{file: rows.jsonl, pool: towns, licence: CC0, attribution: made here, development: [Town 0]}"
        digest = folders.sha256(self.gguf)
        path = self.folder / f"{name}.yaml"
        path.write_text(
            f'name: small\nbase_model: SmolLM2-135M-Instruct\nbase_sha256: "{digest}"\nsources: [{source}]\n'
            f"mixture: {{epochs: 1, passages: [2], max_answerable: 4, development_groups: 1}}\ntraining: {training}\n",
            "utf-8",
        )
        return path

    def train(self, recipe: Path, run: str, **more: object) -> subprocess.CompletedProcess[str]:
        given = ["--dataset", self.folder / "set", "--run", self.folder / run, "--base", self.gguf]
        return self.adapt("train", recipe, *given, **more)  # type: ignore[arg-type]


def write_rows(folder: Path, rows: list[dict[str, object]]) -> None:
    (folder / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    folder = tmp_path_factory.mktemp("adapt")
    (folder / "var").mkdir()
    try:
        gguf = base.packaged(folder / "var" / "models")
    except BaseModelMissing as exc:
        pytest.skip(str(exc))
    write_rows(folder, [raw_row(n, f"Town {n % 4}", f"tower {n}" if n % 4 or n < 20 else "") for n in range(24)])
    made = Place(folder, gguf)
    card = printed(made.adapt("dataset", made.recipe(), "--data", folder, "--out", folder / "set"))
    assert card["branches"]["answerable"] and card["sources"][0]["licence"] == "CC0"
    return made


@pytest.fixture(scope="module")
def trained(place: Place) -> Path:
    return Path(printed(place.train(place.recipe(), "whole"))["adapter"])


@pytest.fixture(scope="module")
def killed(place: Place, trained: Path) -> Path:
    """A run folder as kill -9 left it, somewhere behind the first checkpoint."""
    run = place.folder / "killed"
    arguments = ["adapt", "train", place.recipe(), "--dataset", place.folder / "set", "--run", run]
    command = [sys.executable, "-m", "assistant", *arguments, "--base", place.gguf]
    process = subprocess.Popen(list(map(str, command)), start_new_session=True, stderr=subprocess.DEVNULL)
    while not (run / "checkpoint.pt").exists():
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    steps = len((run / "log.jsonl").read_text("utf-8").splitlines())
    assert steps < SMALL["max_steps"] and not (run / "adapter").exists()  # type: ignore[operator]
    return run


def test_a_killed_run_goes_on_to_the_same_bytes(place: Place, trained: Path, killed: Path) -> None:
    shutil.copytree(killed, place.folder / "resumed")
    again = Path(printed(place.train(place.recipe(), "resumed"))["adapter"])
    assert (again / folders.WEIGHTS).read_bytes() == (trained / folders.WEIGHTS).read_bytes()


def test_what_was_trained_is_measured_and_exported_and_loads(place: Place, trained: Path) -> None:
    from assistant.adaptation.served import open_backend, replies

    rows = place.folder / "rows.jsonl"
    found = printed(place.adapt("evaluate", rows, "--adapter", trained, "--base", place.gguf, "--limit", "2"))
    assert set(found["sets"]["rows"]) >= {"token_f1", "abstention_recall", "false_abstentions"}
    out = place.folder / "out"
    made = printed(place.adapt("export", trained, "--out", out, "--base", place.gguf))
    asked = prompts.render(prompts.load("grounded_answer"), [("Ulm", "The tower is red.")], "Which colour is it?")
    assert replies(open_backend(Path(made["weights"])), [asked], max_tokens=4)[0]


def test_publishing_and_going_back_fail_no_request_of_a_running_server(
    place: Place, trained: Path, tmp_path: Path
) -> None:
    product = start(tmp_path / "data")
    try:
        before = serving(product)
        statuses, done = list[int](), threading.Event()
        asking = threading.Thread(target=_ask_until, args=(product, done, statuses))
        asking.start()
        try:
            entry = printed(product.command("adapt", "publish", str(trained), "--base", str(place.gguf), "--json"))
            _wait_for(product, entry["folder"], statuses)
            assert printed(product.command("adapt", "rollback", "--json")) == {"active": None}
            _wait_for(product, before, statuses)
        finally:
            done.set()
            asking.join()
        assert len(statuses) > 2 and set(statuses) == {200}
    finally:
        stop(product)


def serving(product: Product) -> str | None:
    with product.client() as client:
        tiers = client.get("/api/status").raise_for_status().json()["tiers"]
    return next(tier["adapter"] for tier in tiers if tier["tier"] == "fallback")


def _ask_until(product: Product, done: threading.Event, statuses: list[int]) -> None:
    asked = {"model": "assistant", "messages": [{"role": "user", "content": "Count to three."}], "max_tokens": 8}
    with product.client() as client:
        while not done.is_set():
            reply = client.post("/v1/chat/completions", json=asked | {"assistant": {"grounded": False}})
            said = reply.json()["assistant"]["route"] if reply.status_code == 200 else {"tier": ""}
            statuses.append(reply.status_code if said["tier"] == "fallback" else 500)


def _wait_for(product: Product, adapter: str | None, statuses: list[int]) -> None:
    """Wait until the server serves `adapter` and has answered twice with it."""
    while serving(product) != adapter:
        time.sleep(0.2)
    wanted = len(statuses) + 2
    while len(statuses) < wanted:
        time.sleep(0.05)


def refused(place: Place, result: subprocess.CompletedProcess[str], code: str) -> str:
    """Return the one sentence that a refused command said; nothing was published."""
    assert result.returncode == 1, result.stdout + result.stderr
    lines = [line for line in result.stderr.splitlines() if line.strip()]
    assert len(lines) == 1, result.stderr
    assert lines[0].endswith(f"[{code}]"), lines
    assert result.stdout == ""
    assert registry.read(place.folder / "var").history == ()
    return lines[0]


def town(number: int, **more: object) -> dict[str, object]:
    return raw_row(number, f"Town {number % 4}", f"tower {number}", **more)


def german(number: int) -> dict[str, object]:
    text = f"In der Stadt Ulm steht neben dem Fluss und der alten Mühle der Turm Nummer {number}, der nicht hoch ist."
    contexts = [{"id": "p1", "title": f"Stadt {number}", "text": text}]
    return town(number, contexts=contexts, question=f"Was steht in der Stadt neben dem Fluss als Nummer {number}?")


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([], "rows_empty"),
        ([town(n, gold=[]) for n in range(9)], "rows_without_gold"),
        ([raw_row(n, "Ulm", f"tower {n}") for n in range(9)], "rows_one_document"),
        ([town(1)] * 9, "rows_duplicates"),
        ([*(town(n) for n in range(12)), *(german(n) for n in range(6))], "rows_mixed_languages"),
        ([{"id": "1"}], "rows_damaged"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_rows_that_cannot_be_used_leave_no_data_set(
    place: Place, tmp_path: Path, rows: list[dict[str, object]], code: str
) -> None:
    write_rows(tmp_path, rows)
    out = tmp_path / "set"
    refused(place, place.adapt("dataset", place.recipe(), "--data", tmp_path, "--out", out), code)
    assert not out.exists()


def test_another_base_model_is_refused(place: Place, tmp_path: Path) -> None:
    foreign = tmp_path / "other.gguf"
    foreign.write_bytes(b"GGUF")
    given = ["--dataset", place.folder / "set", "--run", tmp_path / "run", "--base", foreign]
    refused(place, place.adapt("train", place.recipe(), *given), "base_model_differs")


def test_a_truncated_checkpoint_is_refused(place: Place, trained: Path) -> None:
    run = place.folder / "torn"
    run.mkdir()
    content = (trained.parent / "checkpoint.pt").read_bytes()
    (run / "checkpoint.pt").write_bytes(content[: len(content) // 2])
    assert "Delete it to start" in refused(place, place.train(place.recipe(), "torn"), "checkpoint_torn")
    assert not (run / "adapter").exists()


def test_a_full_disk_in_mid_checkpoint_keeps_the_one_before(place: Place, killed: Path) -> None:
    run = place.folder / "full"
    shutil.copytree(killed, run)
    for file in run.glob("*.partial"):  # of the kill
        file.unlink()
    refused(place, place.train(place.recipe(), "full", before=_little_room), "checkpoint_unwritable")
    assert (run / "checkpoint.pt").read_bytes() == (killed / "checkpoint.pt").read_bytes()
    assert not (run / "adapter").exists() and not list(run.glob("*.partial"))


def test_a_loss_that_is_not_a_number_ends_the_run(place: Place) -> None:
    wild = place.recipe("wild", learning_rate=1e30)
    assert "Lower learning_rate" in refused(place, place.train(wild, "wild"), "loss_not_finite")
    assert not (place.folder / "wild" / "adapter").exists()


def _little_room() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, resource.RLIM_INFINITY))
