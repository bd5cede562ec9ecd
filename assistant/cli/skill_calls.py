"""`assistant skills calls|approvals|running`: what was called, what waits for approval, and what takes minutes."""

from __future__ import annotations

import json
import time
from typing import Annotated, Any

import typer

from assistant.cli.options import JsonFlag, settings_of
from assistant.cli.output import out, show_json, show_table
from assistant.cli.session import call, connect
from skills.audit import AuditFile


def calls(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many, the newest first.")] = 20,
    as_json: JsonFlag = False,
) -> None:
    """List the latest calls of everybody, from the audit log."""
    found = AuditFile(settings_of(context).data_dir / "logs" / "skills.jsonl").latest(limit)
    if as_json:
        show_json({"calls": found})
        return
    rows = [
        [_when(each["at"]), each["user_id"], each["skill"], _short(each["arguments"]), each["status"]] for each in found
    ]
    show_table("Calls", ["when", "who", "skill", "arguments", "came to"], rows)


def approvals(
    context: typer.Context,
    approve: Annotated[str, typer.Option(metavar="ID", help="Run this call, once.")] = "",
    refuse: Annotated[str, typer.Option(metavar="ID", help="Refuse this call.")] = "",
    as_user: Annotated[str | None, typer.Option("--as", help="Whose calls; by default the command line's own.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """List the calls that wait for approval and those decided last, or decide about one."""
    if approve and refuse:
        raise typer.BadParameter("give --approve or --refuse, not both")
    with connect(settings_of(context), as_user=as_user) as client:
        if not (approve or refuse):
            _listed(call(client, "GET", "/api/approvals")["approvals"], as_json)
            return
        verb = "approve" if approve else "refuse"
        decided = call(client, "POST", f"/api/approvals/{approve or refuse}/{verb}")
    if as_json:
        show_json(decided)
    else:
        out.print(f"{decided['skill']}: {decided['state']}. {decided['result']}", markup=False, highlight=False)


def running(
    context: typer.Context,
    cancel: Annotated[str, typer.Option(metavar="ID", help="End this call; its turn goes on without it.")] = "",
    as_user: Annotated[str | None, typer.Option("--as", help="Whose calls; by default the command line's own.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """List the calls that take minutes, with how far they are and what became of them, or end one of them."""
    with connect(settings_of(context), as_user=as_user) as client:
        if cancel:
            ended = call(client, "POST", f"/api/long-calls/{cancel}/cancel")
            if as_json:
                show_json(ended)
            else:
                out.print(f"{ended['skill']}: {ended['state']}.", markup=False, highlight=False)
            return
        found = call(client, "GET", "/api/long-calls")["calls"]
    if as_json:
        show_json({"calls": found})
        return
    rows = [
        [each["id"], each["state"], _far(each["done"]), each["skill"], each["note"] or each["result"]] for each in found
    ]
    show_table(
        "Long calls", ["id", "state", "done", "skill", "note"], [[str(cell)[:80] for cell in row] for row in rows]
    )


def _far(done: float | None) -> str:
    return "" if done is None else f"{done:.0%}"


def _listed(found: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        show_json({"approvals": found})
        return
    rows = [[each["id"], each["state"], each["skill"], _short(each["arguments"])] for each in found]
    show_table("Approvals", ["id", "state", "skill", "arguments"], rows)


def _when(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


def _short(arguments: object) -> str:
    return json.dumps(arguments, ensure_ascii=False)[:80]
