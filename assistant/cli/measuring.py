"""`assistant models measure` and `speculation`: whether ensembles and guessing tokens are worth their cost."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from assistant.cli.options import JsonFlag, settings_of
from assistant.cli.output import Failed, note, out, show_json, show_table
from assistant.cli.session import call, connect

LOOK_EVERY_S = 0.5


def measure(
    context: typer.Context,
    ensemble: Annotated[str, typer.Argument(help="Name of the ensemble.")],
    questions: Annotated[
        Path, typer.Argument(help="A JSON line for each: question, and answer that a right one holds.")
    ],
    grounded: Annotated[bool, typer.Option(help="Answer from the documents.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Ask an ensemble and each of its members the same, and keep how often they are right and what that costs."""
    body = {"questions": _read(questions), "grounded": grounded}
    with connect(settings_of(context), with_model=True) as client:
        call(client, "POST", f"/api/models/ensembles/{ensemble}/measure", json=body)
        found = wait(client)
    (one,) = [each for each in found["ensembles"] if each["name"] == ensemble]
    if as_json:
        show_json(one)
        return
    columns = ["name", "right", "tokens", "seconds"]
    rows = [[_short(each[column]) for column in columns] for each in one["worth"]["members"]]
    show_table("Members alone", columns, rows)
    out.print(f"{one['worth']['sentence']}.", markup=False, highlight=False)


def speculation(context: typer.Context, as_json: JsonFlag = False) -> None:
    """Measure what guessing tokens brings each model of the vLLM server, for each kind of request; keep it idle."""
    with connect(settings_of(context)) as client:
        call(client, "POST", "/api/models/speculation")
        models = wait(client)["models"]
    if as_json:
        shown = ("name", "guesses", "guessing_advice")
        show_json([{name: model[name] for name in shown} for model in models if model["tier"] == "domain"])
    else:
        show_guesses(models)


def wait(client: httpx.Client) -> Any:
    """Return the overview of the models once the measurement is done. Raises Failed when it came to nothing."""
    told = 0
    while True:
        found = call(client, "GET", "/api/models")
        now = found["measuring"]
        if not now["running"]:
            break
        if now["done"] >= told + 10:
            told = now["done"]
            note(f"{told} of {now['total']} answers")
        time.sleep(LOOK_EVERY_S)
    if now["problem"]:
        raise Failed(f"The measurement of {now['name']} came to nothing: {now['problem']}")
    return found


def show_guesses(models: Sequence[Any]) -> None:
    """Show what guessing tokens ahead has brought, where anything is guessed."""
    columns = ["model", "adapter", "task", "on", "right", "tokens_per_step", "speed_with", "speed_without"]
    rows = []
    for model in models:
        for each in model["guesses"]:
            # Tokens that were accepted; the local engine knows an upper bound of those guessed, see docs/serving.md.
            right = each["accepted"] / each["guessed"] if each["guessed"] else None
            known = {**each, "model": model["name"], "adapter": model["adapter"], "right": right}
            known["task"] = each["task"] or "(all)"
            known["on"] = "trying" if each["on"] is None else each["on"]
            rows.append([_short(known[column]) for column in columns])
    if rows:
        show_table("Guessing ahead, speeds in tokens/s", columns, rows)
    for model in models:
        if model["guessing_advice"]:
            out.print(f"{model['name']}: {model['guessing_advice']}", markup=False, highlight=False)


def show(ensembles: Sequence[Any]) -> None:
    """Show all ensembles, and what was measured of them."""
    columns = ["name", "enabled", "members", "rule", "measured", "about"]
    rows = [
        [one["name"], one["enabled"], _members(one["members"]), one["rule"], _told(one["worth"]), one["about"]]
        for one in ensembles
    ]
    show_table("Ensembles", columns, rows)


def _members(names: Sequence[str]) -> str:
    return ", ".join(name if (n := names.count(name)) == 1 else f"{name} ({n} times)" for name in dict.fromkeys(names))


def _told(worth: Any) -> str:
    if worth is None:
        return "not yet"
    return f"{worth['sentence']}{'' if worth['current'] else '; its members have changed since'}"


def _read(path: Path) -> list[dict[str, str]]:
    try:
        rows = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]
        return [{"question": str(row["question"]), "answer": str(row["answer"])} for row in rows]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise Failed(f"{path} is no file of JSON lines with question and answer ({error}).") from error


def _short(value: Any) -> Any:
    return round(value, 2) if isinstance(value, float) else value
