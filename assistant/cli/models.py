"""`assistant models`: which models answer, the adapters of the vLLM server, and that server itself."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from assistant.cli import policy
from assistant.cli.options import JsonFlag, settings_of
from assistant.cli.output import Failed, out, show_json, show_table
from assistant.cli.session import call, connect

app = typer.Typer(no_args_is_help=True, help="Models, adapters and who answers.")
app.add_typer(policy.app, name="policy")


@app.command("list")
def list_models(context: typer.Context, as_json: JsonFlag = False) -> None:
    """List models, adapters and ensembles with how each does."""
    found = _overview(context)
    if as_json:
        show_json(found)
        return
    columns = ["name", "tier", "adapter", "enabled", "healthy", "answers", "first_token_s", "tokens_per_s", "detail"]
    show_table("Models", columns, [[_short(row[column]) for column in columns] for row in found["models"]])
    _show_guesses(found["models"])
    columns = ["name", "loaded", "rank", "problem", "description"]
    if found["adapters"]:
        show_table("Adapters", columns, [[row[column] for column in columns] for row in found["adapters"]])
    elif found["adapters_problem"]:
        out.print(found["adapters_problem"], markup=False, highlight=False)
    show_table("Ensembles", ["name", "kind", "about"], [list(row.values()) for row in found["ensembles"]])


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
    as_json: JsonFlag = False,
) -> None:
    """Show the decision table, or what it decides for one question; nobody is asked."""
    if question is not None:
        with connect(settings_of(context)) as client:
            found = call(client, "POST", "/api/models/decide", json={"question": question})
        if as_json:
            show_json(found)
        else:
            out.print(f"{found['reason']}.", markup=False, highlight=False)
        return
    rules = _overview(context)["rules"]
    if as_json:
        show_json({"rules": rules})
        return
    rows = [[rule["name"], _when(rule["when"]), ", ".join(rule["ask"]), rule["because"]] for rule in rules]
    show_table("Rules, the first that fits decides", ["name", "when", "ask", "because"], rows)


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


def _show_guesses(models: Any) -> None:
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


def _change(context: typer.Context, name: str, body: dict[str, Any], as_json: bool) -> None:
    with connect(settings_of(context)) as client:
        found = call(client, "PUT", f"/api/models/adapters/{name}", json=body)
    if as_json:
        show_json(found["adapters"])
    else:
        show_table("Adapters", ["name", "loaded"], [[row["name"], row["loaded"]] for row in found["adapters"]])


def _short(value: Any) -> Any:
    return round(value, 2) if isinstance(value, float) else value


def _when(conditions: dict[str, str]) -> str:
    return ", ".join(f"{name} is {value}" for name, value in conditions.items()) or "always"
