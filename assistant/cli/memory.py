"""`assistant memory`: what is remembered about a person, for that person: --as NAME, or the local administrator."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from assistant.cli import group_memory
from assistant.cli.options import AsUser, JsonFlag, settings_of
from assistant.cli.output import Failed, note, out, show_json, show_table
from assistant.cli.session import call, connect

app = typer.Typer(no_args_is_help=True, help="Notes that the assistant keeps for a person; nobody else sees them.")
app.add_typer(group_memory.app, name="group")


@app.command("list")
def list_notes(context: typer.Context, as_user: AsUser = None, as_json: JsonFlag = False) -> None:
    """List everything that is remembered, suggestions included; with --json it is the export."""
    with connect(settings_of(context), as_user=as_user) as client:
        found = call(client, "GET", "/api/memory")
    if as_json:
        show_json(found)
        return
    rows = [[one["id"], one["text"], one["kind"], one["status"]] for one in [*found["notes"], *found["suggestions"]]]
    show_table("Memory" if found["on"] else "Memory (switched off)", ["id", "note", "kind", "status"], rows)


@app.command("add")
def add_note(
    context: typer.Context,
    text: Annotated[str, typer.Argument(help="What to remember, such as 'My office is in Graz'.")],
    as_user: AsUser = None,
    as_json: JsonFlag = False,
) -> None:
    """Remember something; an older note of the same topic makes way for it."""
    with connect(settings_of(context), as_user=as_user) as client:
        made = call(client, "POST", "/api/memory", json={"text": text})
    if as_json:
        show_json(made)
    else:
        instead = " and ".join(f'"{text}"' for text in made["replaces"])
        out.print(f"Remembered, in place of {instead}." if instead else "Remembered.", markup=False)


@app.command("keep")
def keep(context: typer.Context, note_id: str, as_user: AsUser = None) -> None:
    """Make a note of a suggestion."""
    with connect(settings_of(context), as_user=as_user) as client:
        call(client, "PATCH", f"/api/memory/{note_id}", json={"keep": True})


@app.command("edit")
def edit(context: typer.Context, note_id: str, text: str, as_user: AsUser = None) -> None:
    """Change the text of a note."""
    with connect(settings_of(context), as_user=as_user) as client:
        call(client, "PATCH", f"/api/memory/{note_id}", json={"text": text})


@app.command("delete")
def delete(context: typer.Context, note_id: str, as_user: AsUser = None) -> None:
    """Delete a note, or dismiss a suggestion, at once."""
    with connect(settings_of(context), as_user=as_user) as client:
        call(client, "DELETE", f"/api/memory/{note_id}")


@app.command("forget")
def forget(
    context: typer.Context,
    as_user: AsUser = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Delete everything that is remembered about a person, at once."""
    with connect(settings_of(context), as_user=as_user) as client:
        if not yes:
            typer.confirm(f"Delete everything that is remembered about {as_user or 'the local person'}?", abort=True)
        gone = call(client, "DELETE", "/api/memory")
    if as_json:
        show_json(gone)
    else:
        out.print(f"Deleted {gone['deleted']} notes.")


@app.command("import")
def take_in(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="An export: the output of `memory list --json`.")],
    as_user: AsUser = None,
    as_json: JsonFlag = False,
) -> None:
    """Take in the notes of an export."""
    body = {"notes": _exported(file)}
    with connect(settings_of(context), as_user=as_user) as client:
        taken = call(client, "POST", "/api/memory/import", json=body)
    for refused in taken["refused"]:
        note(f"Note {refused['n']}: {refused['reason']}")
    if as_json:
        show_json(taken)
    else:
        out.print(f"Took {taken['taken']} notes in.")


@app.command("on")
def switch_on(context: typer.Context, as_user: AsUser = None) -> None:
    """Recall and take notes again."""
    _switch(context, as_user, True)


@app.command("off")
def switch_off(context: typer.Context, as_user: AsUser = None) -> None:
    """Recall and take no notes; those that are there stay until they are deleted."""
    _switch(context, as_user, False)


def _switch(context: typer.Context, as_user: str | None, on: bool) -> None:
    with connect(settings_of(context), as_user=as_user) as client:
        call(client, "PUT", "/api/memory/switch", json={"on": on})


def _exported(file: Path) -> list[dict[str, Any]]:
    try:
        notes = json.loads(file.read_text("utf-8"))["notes"]
        return [{"text": str(one["text"]), "kind": one.get("kind")} for one in notes]
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise Failed(f"{file} is not an export of `assistant memory list --json` ({error}).") from error
