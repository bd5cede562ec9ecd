"""`assistant feedback`: the answers that people rated."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

import typer

from assistant.cli.options import JsonFlag, settings_of
from assistant.cli.output import note, out, show_json
from assistant.cli.session import call, connect

app = typer.Typer(no_args_is_help=True, help="Answers that people rated.")

SHOWN = 1_000  # characters of an answer


class Thumbs(StrEnum):
    """Which ratings are listed."""

    UP = "up"
    DOWN = "down"


@app.command("list")
def list_feedback(
    context: typer.Context,
    rating: Annotated[Thumbs | None, typer.Option(help="Only those rated so; both when left out.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many.")] = 50,
    before: Annotated[str, typer.Option(help="Go on behind this place, as the list before it named it.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """List rated answers, the newest rating first, for administrators."""
    wanted = {
        "limit": str(limit),
        **({"rating": rating.value} if rating else {}),
        **({"before": before} if before else {}),
    }
    with connect(settings_of(context)) as client:
        found = call(client, "GET", "/api/feedback", params=wanted)
    if as_json:
        show_json(found)
        return
    for one in found["ratings"]:
        _show(one)
    if not found["ratings"]:
        out.print("No answer was rated yet.")
    if found["next"]:
        note(f"More: assistant feedback list --before {found['next']}")


def _show(one: dict[str, Any]) -> None:
    moment = datetime.fromtimestamp(one["rated_at"], UTC)
    who, route = one["asked_by_name"] or "the command line", one["route"]
    model = " ".join(part for part in (route["model"], route["adapter"]) if part) or route["strategy"]
    right = "  put right" if one["put_right"] else ""
    lines = [f"{one['rating']}  {moment:%Y-%m-%d %H:%M} UTC  {who}  {model}{right}", f"  Q: {one['question']}"]
    lines.append(f"  A: {one['answer'][:SHOWN]}")
    lines += [f"  [{cited['n']}] {cited['title']}" for cited in one["citations"]]
    said = ": ".join(part for part in (one["reason"], one["comment"]) if part)
    lines += [f"  Said: {said}"] if said else []
    out.print("\n".join(lines), markup=False, highlight=False)
