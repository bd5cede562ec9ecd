"""`assistant models policy`: the routing policy that learns from past answers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import typer

from assistant.cli.options import JsonFlag, settings_of
from assistant.cli.output import out, show_json, show_table
from assistant.cli.session import call, connect

app = typer.Typer(no_args_is_help=True, help="The policy that learns whom to ask; the decision table acts without one.")


@app.command("show")
def show_policy(context: typer.Context, as_json: JsonFlag = False) -> None:
    """Show which policy acts, and how each was judged against the decision table."""
    _print(_send(context, "GET", "/api/policy"), as_json)


@app.command("train")
def train_policy(context: typer.Context, as_json: JsonFlag = False) -> None:
    """Learn a policy from the turn records and ratings, and judge it; it does not act."""
    _print(_send(context, "POST", "/api/policy/train"), as_json)


@app.command("activate")
def activate_policy(context: typer.Context, policy: str, as_json: JsonFlag = False) -> None:
    """Let a policy act; refused unless it was shown to be better than the decision table."""
    _print(_send(context, "POST", "/api/policy/activate", {"id": policy}), as_json)


@app.command("rollback")
def roll_policy_back(context: typer.Context, as_json: JsonFlag = False) -> None:
    """Let the policy before the present one act, or the decision table."""
    _print(_send(context, "POST", "/api/policy/rollback"), as_json)


def _send(context: typer.Context, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    with connect(settings_of(context)) as client:
        return call(client, method, path, json=body)


def _print(found: Any, as_json: bool) -> None:
    if as_json:
        show_json(found)
        return
    acts = f"The policy {found['active']} acts." if found["active"] else "The decision table acts."
    allowed = "" if found["allowed"] else " The setting models.learned_policy is off."
    out.print(acts + allowed, markup=False, highlight=False)
    rows = [_row(one) for one in found["policies"]]
    show_table("Learned policies", ["id", "learned", "may act", "verdict"], rows)


def _row(one: dict[str, Any]) -> list[Any]:
    return [one["id"], _day(one["at"]), one["estimate"]["good"], one["estimate"]["sentence"]]


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M")
