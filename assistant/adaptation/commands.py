"""`assistant adapt`: data sets, training, measuring, export, and which adapter the local engine serves."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from assistant.adaptation import base, measured
from assistant.adaptation import publish as registry
from assistant.adaptation.adapter import open_adapter, sha256
from assistant.adaptation.errors import AdapterWorse, TrainExtraMissing, unwritten
from assistant.children import ends_with_us
from assistant.cli.options import JsonFlag, settings_of
from assistant.cli.output import note, show_json
from assistant.cli.session import call, connect
from assistant.ratings.reasons import LEFT_OUT, MADE

NOT_MEASURED = (
    "It was not measured beside the live adapter: assistant adapt evaluate ROWS --adapter ADAPTER --recipe RECIPE.yaml"
)

app = typer.Typer(no_args_is_help=True, help="Make, measure and publish adapters.")

Recipe = Annotated[Path, typer.Argument(metavar="RECIPE.yaml", help="What to do; recipes/ holds those of what ships.")]
Data = Annotated[Path, typer.Option(help="Folder with the files of rows that the recipe names.")]
Base = Annotated[Path | None, typer.Option(help="GGUF file of the base model; default: the one that ships.")]
Quantisation = Annotated[str | None, typer.Option(help="F16, Q8_0, Q4_0 or Q4_1; default: what the adapter names.")]


@app.command("rows")
def make_rows(
    context: typer.Context,
    out: Annotated[Path, typer.Option(metavar="ROWS.jsonl", help="File for the rows; one that is there is replaced.")],
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Rated on that day (UTC) or later.")
    ] = None,
    reader: Annotated[
        list[str] | None,
        typer.Option(help="Whom the adapter is to answer: everyone (the default), public, group:NAME, user:ID."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Make rows of rated answers and of the curated answers that put them right."""
    moment = since.replace(tzinfo=UTC).timestamp() if since else 0.0
    with connect(settings_of(context)) as client:
        asked = {"since": moment, "reader": reader or []}
        found = call(client, "GET", "/api/feedback/rows", params=asked)
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in found["rows"]]
    partial = out.with_suffix(".partial")
    try:
        partial.write_text("".join(lines), "utf-8")
        partial.replace(out)
    except OSError as exc:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise unwritten(exc) from exc
    counts = {"rows": len(lines), "made": found["made"], "left_out": found["left_out"], "file": str(out)}
    _say(as_json, counts, _told(counts))


@app.command()
def dataset(
    recipe: Recipe,
    data: Data,
    out: Annotated[Path, typer.Option(help="Folder for the data set.")],
    as_json: JsonFlag = False,
) -> None:
    """Turn rows into training chats: passages, questions, near misses, abstentions."""
    _job("assistant.adaptation", ["dataset", str(recipe), "--data", str(data), "--out", str(out)], as_json)


@app.command()
def train(
    recipe: Recipe,
    dataset: Annotated[Path, typer.Option(help="Folder that `adapt dataset` made.")],
    run: Annotated[Path, typer.Option(help="Run folder; a run that was killed goes on from it.")],
    base_model: Annotated[Path | None, typer.Option("--base", help="GGUF file of the base model.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Train a LoRA adapter; it lies in RUN/adapter when done."""
    missing = [name for name in ("torch", "transformers", "peft", "matplotlib") if not importlib.util.find_spec(name)]
    if missing:
        raise TrainExtraMissing(
            f"Training needs {', '.join(missing)}, not installed here. "
            "Run `make train` in the project's folder, then .venv-train/bin/assistant adapt train."
        )
    arguments = [str(recipe), "--dataset", str(dataset), "--run", str(run)]
    _job("assistant.adaptation.train", arguments + _given("--base", base_model), as_json)


@app.command()
def evaluate(
    context: typer.Context,
    files: Annotated[list[Path], typer.Argument(help="Files of test rows.")],
    adapter: Annotated[
        Path | None, typer.Option(help="Adapter folder; without one the base model is measured.")
    ] = None,
    recipe: Annotated[Path | None, typer.Option(help="Leave out the documents that this recipe trains on.")] = None,
    data: Annotated[Path | None, typer.Option(help="Look for test texts in the recipe's training rows here.")] = None,
    base_model: Annotated[Path | None, typer.Option("--base", help="GGUF file of the base model.")] = None,
    quantisation: Quantisation = None,
    few_shot: Annotated[
        bool, typer.Option(help="Put two example turns first, for a model that was not trained.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="Questions of each kind.")] = 200,
    rows: Annotated[Path | None, typer.Option(help="Write one JSON line per question, a file per test set.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Measure answers from given passages through the local engine: F1, citations, abstentions, with intervals.

    An adapter is measured beside what answers now, on the same questions; `adapt publish` reads how they compare.
    """
    live = registry.active(settings_of(context).data_dir) if adapter else None
    arguments = ["evaluate", *map(str, files), "--limit", str(limit), "--cache", str(_cache(context))]
    arguments += (
        _given("--adapter", adapter) + _given("--live", live) + _given("--recipe", recipe) + _given("--data", data)
    )
    arguments += _given("--base", base_model) + _given("--quantisation", quantisation) + _given("--rows", rows)
    _job("assistant.adaptation", arguments + (["--few-shot"] if few_shot else []), as_json)


@app.command()
def export(
    context: typer.Context,
    adapter: Annotated[Path, typer.Argument(metavar="ADAPTER", help="Adapter folder.")],
    out: Annotated[Path | None, typer.Option(help="Folder for the weights; default: the data folder's cache.")] = None,
    base_model: Annotated[Path | None, typer.Option("--base", help="GGUF file of the base model.")] = None,
    quantisation: Quantisation = None,
    as_json: JsonFlag = False,
) -> None:
    """Write base model and adapter together as one GGUF file, which any engine can serve."""
    arguments = ["export", str(adapter), "--out", str(out or _cache(context))]
    arguments += _given("--base", base_model) + _given("--quantisation", quantisation)
    _job("assistant.adaptation", arguments, as_json)


@app.command()
def publish(
    context: typer.Context,
    adapter: Annotated[Path, typer.Argument(metavar="ADAPTER", help="Adapter folder.")],
    base_model: Annotated[Path | None, typer.Option("--base", help="GGUF file of the base model.")] = None,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Also where its answers are worth less than those that are given now.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Make an adapter the one that the local engine serves; a running server takes it over by itself."""
    data_dir = settings_of(context).data_dir
    if not anyway:
        _ask_when_worse_or_unmeasured(data_dir, adapter)
    entry = registry.publish(data_dir, adapter, sha256(base_model or base.packaged(_cache(context))))
    _say(as_json, entry.model_dump(), f"{entry.name} ({entry.folder}) is active.")


def _ask_when_worse_or_unmeasured(data_dir: Path, adapter: Path) -> None:
    """Say how the adapter compares with the live one. Where it is worse, or nobody knows, a person is asked.

    A script that cannot be asked is refused an adapter that is worse, and told of one that was not measured.
    """
    found = measured.beside(data_dir, open_adapter(adapter).folder)
    note(found.told if found else NOT_MEASURED)
    if found and not found.worse:
        return
    if sys.stdin.isatty():
        typer.confirm("Publish it anyway?", abort=True, err=True)
    elif found:
        raise AdapterWorse("The adapter's answers are worth less than those given now. Give --anyway to publish it.")


@app.command()
def rollback(context: typer.Context, as_json: JsonFlag = False) -> None:
    """Go back to the adapter that was active before."""
    entry = registry.rollback(settings_of(context).data_dir)
    name = entry.folder if entry else "the adapter that ships"
    _say(as_json, {"active": entry.model_dump() if entry else None}, f"{name} is active again.")


def _told(counts: dict[str, Any]) -> str:
    """Return what became of the ratings, one line for each kind of row and each reason."""
    lines = [f"{counts['rows']} rows in {counts['file']}"]
    lines += [f"  {n:6}  {MADE[name]}" for name, n in counts["made"].items()]
    lines += [f"{sum(counts['left_out'].values())} ratings left out"]
    lines += [f"  {n:6}  {LEFT_OUT[name]}" for name, n in counts["left_out"].items()]
    return "\n".join(lines)


def _cache(context: typer.Context) -> Path:
    return settings_of(context).data_dir / "models"


def _given(option: str, value: object) -> list[str]:
    return [] if value is None else [option, str(value)]


def _job(module: str, arguments: Sequence[str], as_json: bool) -> None:
    """Run a job in a process of its own: it loads models, which no other command should wait for."""
    # A training that outlives its command would write into the run folder of the one that goes on from it.
    command = ends_with_us([sys.executable, "-m", module, *arguments])
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise typer.Exit(1)
    _say(as_json, json.loads(done.stdout), done.stdout)


def _say(as_json: bool, document: object, text: str) -> None:
    if as_json:
        show_json(document)
    else:
        typer.echo(text.rstrip())
