"""`assistant prompts`: the prompt library from the command line."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import click
import httpx
import typer

from assistant.cli.options import CollectionNames, JsonFlag, settings_of
from assistant.cli.output import Failed, note, out, show_json, show_table
from assistant.cli.session import call, connect
from assistant.evaluation import questions
from assistant.evaluation.errors import RowsUnusable

app = typer.Typer(no_args_is_help=True, help="Prompts: their versions, which is live, and how they do on questions.")

_POLL_S = 0.5
NameAt = Annotated[str, typer.Argument(metavar="NAME[@VERSION]", help="A prompt; @0 is the version that ships.")]


@app.command("list")
def list_prompts(context: typer.Context, as_json: JsonFlag = False) -> None:
    """List prompts with their live version (0: the one that ships) and where they are used."""
    with connect(settings_of(context)) as client:
        found = call(client, "GET", "/api/prompts")
    if as_json:
        show_json(found)
        return
    rows = [
        [p["name"], p["job"], "not in use" if p["live"] is None else p["live"], p["latest"], ", ".join(_places(p))]
        for p in found["prompts"]
    ]
    show_table("Prompts", ["name", "job", "live", "latest", "used for"], rows)


@app.command("show")
def show(
    context: typer.Context,
    prompt: NameAt,
    history: Annotated[bool, typer.Option("--history", help="Versions and publications instead.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Print the YAML of a version, by default the live one."""
    name, n = _split(prompt)
    with connect(settings_of(context)) as client:
        found = call(client, "GET", f"/api/prompts/{name}" + ("" if n is None else f"/versions/{n}"))
        if history:
            found = call(client, "GET", f"/api/prompts/{name}")
    if as_json:
        show_json(found)
    elif history:
        rows = [[v["n"], _when(v["created_at"]), v["note"]] for v in found["versions"]]
        show_table(f"Versions of {name}, {_live(found)}", ["version", "written", "why"], rows)
    else:
        typer.echo(found["text"], nl=False)


@app.command("edit")
def edit(
    context: typer.Context,
    name: str,
    file: Annotated[Path | None, typer.Option(help="Take the text from this file instead of an editor.")] = None,
    why: Annotated[str, typer.Option("--note", help="Why it was written.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """Write a new version, in $EDITOR or from a file; it is checked, stored, and not live before `prompts publish`."""
    with connect(settings_of(context)) as client:
        text = _read(file) if file else _edited(client, name)
        made = call(client, "POST", f"/api/prompts/{name}/versions", json={"text": text, "note": why})
    if as_json:
        show_json(made)
    else:
        out.print(f"Stored as {name}@{made['n']}. Make it live: assistant prompts publish {name}@{made['n']}")


@app.command("diff")
def diff(
    context: typer.Context,
    name: str,
    old: Annotated[int, typer.Argument(min=0, help="A version; 0 is the one that ships.")],
    new: Annotated[int, typer.Argument(min=0)],
    as_json: JsonFlag = False,
) -> None:
    """Print what changed between two versions."""
    with connect(settings_of(context)) as client:
        found = call(client, "GET", f"/api/prompts/{name}/diff", params={"old": old, "new": new})
    if as_json:
        show_json(found)
    else:
        typer.echo(found["diff"], nl=False)


@app.command("publish")
def publish(context: typer.Context, prompt: NameAt, as_json: JsonFlag = False) -> None:
    """Make a version live: it answers from the next question on."""
    name, n = _split(prompt)
    if n is None:
        raise Failed(f"Name the version to publish, such as {name}@1; `assistant prompts show {name} --history`.")
    with connect(settings_of(context)) as client:
        _tell(call(client, "POST", f"/api/prompts/{name}/publish", json={"n": n}), as_json)


@app.command("rollback")
def rollback(context: typer.Context, name: str, as_json: JsonFlag = False) -> None:
    """Make the version live again that was so before."""
    with connect(settings_of(context)) as client:
        _tell(call(client, "POST", f"/api/prompts/{name}/rollback"), as_json)


@app.command("try")
def try_out(
    context: typer.Context,
    prompt: NameAt,
    question: str,
    collection: CollectionNames = None,
    as_json: JsonFlag = False,
) -> None:
    """Answer one question with a version and with what is live."""
    name, n = _split(prompt)
    with connect(settings_of(context), with_model=True) as client:
        number = _latest(client, name) if n is None else n
        body = {"question": question, "collections": collection or None}
        both = call(client, "POST", f"/api/prompts/{name}/versions/{number}/try", json=body)
    if as_json:
        show_json(both)
        return
    for side, answer in (("Live", both["live"]), (f"{name}@{number}", both["candidate"])):
        out.print(side, style="bold", markup=False, highlight=False)
        out.print(answer["answer"], markup=False, highlight=False)


@app.command("evaluate")
def evaluate(
    context: typer.Context,
    prompt: NameAt,
    file: Annotated[Path, typer.Argument(help="Labelled questions, as `assistant eval run` takes them.")],
    limit: Annotated[int, typer.Option(min=1, max=300, help="Only the first N questions.")] = 50,
    as_json: JsonFlag = False,
) -> None:
    """Measure a version on a test set as `eval run` does, and print its scores beside those of what is live."""
    name, n = _split(prompt)
    try:
        questions.read(file, limit)
        rows = [row for _, row in questions.lines(file)][:limit]
    except RowsUnusable as error:
        raise Failed(str(error)) from error
    with connect(settings_of(context), with_model=True) as client:
        number = _latest(client, name) if n is None else n
        path = f"/api/prompts/{name}/versions/{number}/evaluate"
        found = _awaited(client, call(client, "POST", path, json={"questions": rows}))
    if as_json:
        show_json(found)
    else:
        show_table(f"{file}, {found['of'] // 2} questions", ["", "live", f"{name}@{number}"], _scores(found))


def _awaited(client: httpx.Client, trial: dict[str, Any]) -> dict[str, Any]:
    told = -1
    while trial["state"] == "running":
        if trial["done"] // 10 > told:
            told = trial["done"] // 10
            note(f"{trial['done']} of {trial['of']}")
        time.sleep(_POLL_S)
        trial = call(client, "GET", f"/api/prompt-evaluations/{trial['id']}")
    if trial["state"] == "failed":
        raise Failed(str(trial["reason"]))
    return trial


def _split(prompt: str) -> tuple[str, int | None]:
    name, _, number = prompt.partition("@")
    if number and not number.isdigit():
        raise Failed(f"{prompt!r} is no version; write NAME@NUMBER, such as {name}@1.")
    return name, int(number) if number else None


def _latest(client: httpx.Client, name: str) -> int:
    return int(call(client, "GET", f"/api/prompts/{name}")["latest"])


def _edited(client: httpx.Client, name: str) -> str:
    before = call(client, "GET", f"/api/prompts/{name}")["text"]
    after = click.edit(before, extension=".yaml")
    if after is None or after == before:
        raise Failed("Nothing was changed, so nothing was stored.")
    return str(after)


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, ValueError) as error:
        raise Failed(f"{file} cannot be read ({error}); give a YAML file in UTF-8.") from error


def _tell(entry: dict[str, Any], as_json: bool) -> None:
    if as_json:
        show_json(entry)
    else:
        out.print(f"{entry['name']}: {_live(entry)}.", markup=False, highlight=False)


def _live(entry: dict[str, Any]) -> str:
    if entry["live"] is None:
        return "not in use"
    return f"version {entry['live']} is live" if entry["live"] else "the version that ships is live"


def _when(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


def _scores(trial: dict[str, Any]) -> list[list[str]]:
    """Return a row for each metric: its name, and its mean and interval on both sides."""
    sides = [trial["scores"][side]["metrics"] for side in ("live", "candidate")]
    return [[name.replace("_", " "), *(_interval(metrics.get(name)) for metrics in sides)] for name in sides[0]]


def _interval(found: dict[str, float] | None) -> str:
    return f"{found['mean']:.3f} ({found['low']:.3f} to {found['high']:.3f})" if found else "-"


def _places(entry: dict[str, Any]) -> list[str]:
    places = [*entry["tiers"], *entry["routes"]]
    return places or (["everywhere else"] if entry["live"] is not None else [])
