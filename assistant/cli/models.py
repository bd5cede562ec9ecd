"""`assistant models`: which models answer, the adapters of the vLLM server, and that server itself."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from assistant.cli import measuring, policy
from assistant.cli.options import JsonFlag, settings_of
from assistant.cli.output import Failed, err, out, show_answer, show_json, show_table
from assistant.cli.session import call, connect

app = typer.Typer(no_args_is_help=True, help="Models, adapters and who answers.")
app.add_typer(policy.app, name="policy")
app.command("measure")(measuring.measure)
app.command("speculation")(measuring.speculation)


@app.command("list")
def list_models(context: typer.Context, as_json: JsonFlag = False) -> None:
    """List models, adapters and ensembles with how each does."""
    found = _overview(context)
    if as_json:
        show_json(found)
        return
    columns = ["name", "tier", "adapter", "enabled", "healthy", "breaker", "busy", "answers", "first_token_s",
               "tokens_per_s", "context_tokens", "cost_per_1000", "detail"]  # fmt: skip
    rows = [{**row, "breaker": _breaker(row)} for row in found["models"]]
    show_table("Models", columns, [[_short(row[column]) for column in columns] for row in rows])
    chats = found["chats"]
    out.print(f"Chats now: {chats['answered']} being answered, {chats['waiting']} waiting.", highlight=False)
    measuring.show_guesses(found["models"])
    columns = ["name", "loaded", "rank", "problem", "description"]
    if found["adapters"]:
        show_table("Adapters", columns, [[row[column] for column in columns] for row in found["adapters"]])
    elif found["adapters_problem"]:
        out.print(found["adapters_problem"], markup=False, highlight=False)
    measuring.show(found["ensembles"])


@app.command("status")
def model_status(context: typer.Context, as_json: JsonFlag = False) -> None:
    """Show which tiers exist and whether they answer."""
    with connect(settings_of(context)) as client:
        tiers = call(client, "GET", "/api/status")["tiers"]
    if as_json:
        show_json(tiers)
        return
    columns = ["name", "tier", "model", "adapter", "healthy", "detail"]
    show_table("Tiers", columns, [[row.get(column) for column in columns] for row in tiers])


@app.command("load")
def load_adapter(
    context: typer.Context,
    name: str,
    description: Annotated[str | None, typer.Option(help="What its questions are about, for the choice.")] = None,
    example: Annotated[list[str] | None, typer.Option(help="A question of its domain; may be given often.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Load an adapter of the registry into the running vLLM server, now and after every restart."""
    body: dict[str, Any] = {"loaded": True, "description": description, "examples": example or None}
    _change(context, name, {key: value for key, value in body.items() if value is not None}, as_json)


@app.command("unload")
def unload_adapter(context: typer.Context, name: str, as_json: JsonFlag = False) -> None:
    """Unload an adapter from the running vLLM server, and keep it unloaded."""
    _change(context, name, {"loaded": False}, as_json)


@app.command("routes")
def show_routes(
    context: typer.Context,
    question: Annotated[str | None, typer.Option(help="Tell who would be asked this, and why.")] = None,
    privacy: Annotated[str, typer.Option(help="What a caller demands: any or inside.")] = "any",
    budget: Annotated[str, typer.Option(help="What a caller demands: any or low.")] = "any",
    latency: Annotated[str, typer.Option(help="What a caller demands: any or fast.")] = "any",
    as_json: JsonFlag = False,
) -> None:
    """Show the decision table, or what it decides for one question; nobody is asked."""
    demands = {"privacy": privacy, "budget": budget, "latency": latency}
    if question is None and set(demands.values()) != {"any"}:
        raise Failed("Demands count for a question: give one with --question.")
    if question is not None:
        with connect(settings_of(context)) as client:
            found = call(client, "POST", "/api/models/decide", json={"question": question, **demands})
        if as_json:
            show_json(found)
        else:
            out.print(f"{found['reason']}.", markup=False, highlight=False)
        return
    found = _overview(context)
    rules, problems = found["rules"], found["problems"]
    if as_json:
        show_json({"rules": rules, "problems": problems})
        return
    for problem in problems:
        err.print(problem, style="yellow", markup=False, highlight=False)
    rows = [[rule["name"], _when(rule["when"]), _asked(rule), rule["because"]] for rule in rules]
    show_table("Rules, the first that fits decides", ["name", "when", "ask", "because"], rows)


@app.command("try")
def try_models(
    context: typer.Context,
    question: Annotated[str, typer.Argument(help="What all of them are asked.")],
    model: Annotated[list[str], typer.Option(help="A model, an adapter or an ensemble; give two or more.")],
    grounded: Annotated[bool, typer.Option(help="Answer from the documents.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Ask several models the same at once, and show their answers with how fast they came; nothing is kept."""
    body = {"question": question, "models": model, "grounded": grounded}
    with connect(settings_of(context), with_model=True) as client:
        found = call(client, "POST", "/api/models/try", json=body)
    if as_json:
        show_json(found)
        return
    for side in found["answers"]:
        out.print(f"{side['asked']} {_told(side)}", style="bold", markup=False, highlight=False)
        show_answer(side["answer"])
        if side["notice"]:
            out.print(side["notice"], style="yellow", markup=False, highlight=False)


@app.command("on")
def switch_on(context: typer.Context, name: str, as_json: JsonFlag = False) -> None:
    """Let a model or an ensemble answer again, for everybody."""
    _switch(context, name, True, as_json)


@app.command("off")
def switch_off(context: typer.Context, name: str, as_json: JsonFlag = False) -> None:
    """Ask a model or an ensemble nothing any more, whoever names it; what it is saying goes on."""
    _switch(context, name, False, as_json)


@app.command("preset")
def set_preset(context: typer.Context, name: str, as_json: JsonFlag = False) -> None:
    """Set how answers are worded where a request does not say: precise, balanced or creative."""
    with connect(settings_of(context)) as client:
        found = call(client, "PUT", "/api/models/preset", json={"preset": name})
    if as_json:
        show_json({"preset": found["preset"]})
    else:
        out.print(f"Answers are {found['preset']} from now on.")


@app.command("serve-vllm")
def serve_vllm(
    context: typer.Context,
    config: Annotated[Path, typer.Option(help="What to serve; deploy/vllm/ has examples.")],
    python: Annotated[Path, typer.Option(help="The Python that has vLLM.")] = Path(".venv-vllm/bin/python"),
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8100,
) -> None:
    """Run vLLM behind our proxy; Ctrl-C ends it. Point ASSISTANT_MODELS__VLLM_URL at it."""
    if not config.is_file():
        raise Failed(f"There is no file {config}. Give one like those in deploy/vllm/.")
    options = ["--data-dir", str(settings_of(context).data_dir), "--config", str(config), "--python", str(python)]
    module = [sys.executable, "-m", "assistant.models.vllm"]
    os.execv(sys.executable, [*module, *options, "--host", host, "--port", str(port)])


def _overview(context: typer.Context) -> Any:
    with connect(settings_of(context)) as client:
        return call(client, "GET", "/api/models")


def _change(context: typer.Context, name: str, body: dict[str, Any], as_json: bool) -> None:
    with connect(settings_of(context)) as client:
        found = call(client, "PUT", f"/api/models/adapters/{name}", json=body)
    if as_json:
        show_json(found["adapters"])
    else:
        show_table("Adapters", ["name", "loaded"], [[row["name"], row["loaded"]] for row in found["adapters"]])


def _switch(context: typer.Context, name: str, enabled: bool, as_json: bool) -> None:
    with connect(settings_of(context)) as client:
        found = call(client, "PATCH", f"/api/models/{name}", json={"enabled": enabled})
    rows = [*found["models"], *found["ensembles"]]
    if as_json:
        show_json(rows)
    else:
        show_table("Models", ["name", "enabled"], [[row["name"], row["enabled"]] for row in rows])


def _breaker(row: Any) -> str:
    wait_s = row["tried_again_in_s"]
    return row["breaker"] if wait_s is None else f"open, tried again in {wait_s:.0f} s"


def _told(side: Any) -> str:
    """Return the figures of an answer; those that are not known are left out."""
    known = [
        f"answered by {side['answered']}" if side["answered"] not in ("", side["asked"]) else "",
        f"first word after {side['first_token_s']:.2f} s" if side["first_token_s"] is not None else "",
        f"{side['tokens_per_s']:.0f} tokens/s" if side["tokens_per_s"] is not None else "",
        f"{side['tokens']} tokens in {side['total_s']:.2f} s",
    ]
    return f"({', '.join(part for part in known if part)})"


def _short(value: Any) -> Any:
    return round(value, 2) if isinstance(value, float) else value


def _asked(rule: Any) -> str:
    both = ["both nearest adapters, judged"] if rule.get("judged") else []
    return ", ".join([*both, *rule["ask"]])


def _when(conditions: dict[str, str]) -> str:
    return ", ".join(f"{name} is {value}" for name, value in conditions.items()) or "always"
