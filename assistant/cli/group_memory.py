"""`assistant memory group`: what the person's groups remember."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

import typer

from assistant.cli.options import AsUser, JsonFlag, settings_of
from assistant.cli.output import out, show_json, show_table
from assistant.cli.session import call, connect

app = typer.Typer(no_args_is_help=True, help="Notes that the members of a group share; nobody else sees them.")
Group = Annotated[str, typer.Argument(help="A group that the person is in.")]


@app.command("list")
def list_notes(context: typer.Context, as_user: AsUser = None, as_json: JsonFlag = False) -> None:
    """List what the person's groups remember."""
    with connect(settings_of(context), as_user=as_user) as client:
        found = call(client, "GET", "/api/group-memory")
    if as_json:
        show_json(found)
        return
    rows = [[note["id"], group["name"], note["text"]] for group in found["groups"] for note in group["notes"]]
    show_table("Notes of groups", ["id", "group", "note"], rows)


@app.command("add")
def add_note(
    context: typer.Context,
    group: Group,
    text: Annotated[str, typer.Argument(help="What to remember, such as 'Our stand-up is at 9:30'.")],
    as_user: AsUser = None,
    as_json: JsonFlag = False,
) -> None:
    """Remember something for a group; an older note of the same topic makes way for it."""
    with connect(settings_of(context), as_user=as_user) as client:
        made = call(client, "POST", f"/api/group-memory/{quote(group, safe='')}", json={"text": text})
    if as_json:
        show_json(made)
    else:
        out.print("Remembered, in place of an older note." if made["replaced"] else "Remembered.")


@app.command("edit")
def edit(context: typer.Context, group: Group, note_id: str, text: str, as_user: AsUser = None) -> None:
    """Change the text of a note."""
    with connect(settings_of(context), as_user=as_user) as client:
        call(client, "PATCH", f"/api/group-memory/{quote(group, safe='')}/{note_id}", json={"text": text})


@app.command("delete")
def delete(context: typer.Context, group: Group, note_id: str, as_user: AsUser = None) -> None:
    """Delete a note, at once and for all members."""
    with connect(settings_of(context), as_user=as_user) as client:
        call(client, "DELETE", f"/api/group-memory/{quote(group, safe='')}/{note_id}")
