"""`assistant gallery`: the assistants that people set up and share, and files of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from assistant.cli.options import AsUser, JsonFlag, settings_of
from assistant.cli.output import Failed, note, out, show_json, show_table
from assistant.cli.session import call, connect

app = typer.Typer(no_args_is_help=True, help="Assistants that people set up and share, in and out of files.")

MAX_BYTES = 1_000_000
Which = Annotated[str, typer.Argument(metavar="NAME", help="The name of an assistant, or its id.")]


@app.command("list")
def list_assistants(context: typer.Context, as_user: AsUser = None, as_json: JsonFlag = False) -> None:
    """List the assistants that a person may use (--as NAME, or the local administrator)."""
    with connect(settings_of(context), as_user=as_user) as client:
        found = call(client, "GET", "/api/assistants")["assistants"]
    if as_json:
        show_json(found)
        return
    rows = [
        [one["id"], one["name"], one["owner"], ", ".join(one["readers"] or []), one["model_name"], one["withdrawn"]]
        for one in found
    ]
    show_table("Assistants", ["id", "name", "owner", "readers", "model name", "withdrawn"], rows)


@app.command("show")
def show(context: typer.Context, name: Which, as_user: AsUser = None) -> None:
    """Print an assistant as JSON."""
    with connect(settings_of(context), as_user=as_user) as client:
        show_json(_found(call(client, "GET", "/api/assistants")["assistants"], name))


@app.command("export")
def export(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The YAML file to write; it must not exist.")],
    name: Annotated[
        list[str] | None, typer.Option(help="Name or id; give it again for several. Left out: all of one's own.")
    ] = None,
    as_user: AsUser = None,
) -> None:
    """Write assistants to a file that `gallery import` takes in, here or elsewhere."""
    with connect(settings_of(context), as_user=as_user) as client:
        known = call(client, "GET", "/api/assistants")["assistants"] if name else []
        ids = [_found(known, one)["id"] for one in name or ()]
        made = call(client, "GET", "/api/assistants/export", params={"id": ids})
    try:
        with file.open("x", encoding="utf-8") as target:
            yaml.safe_dump(made, target, allow_unicode=True, sort_keys=False)
    except OSError as error:
        raise Failed(f"{file} cannot be written ({error.strerror}); name a file that does not exist yet.") from error
    note(f"Wrote {len(made['assistants'])} assistants to {file}.")


@app.command("import")
def take_in(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A file of `gallery export` or of the page Assistants, YAML or JSON.")],
    as_user: AsUser = None,
    as_json: JsonFlag = False,
) -> None:
    """Make the assistants of a file a person's own; what they name and is not there is left out and told."""
    given = _read(file)
    with connect(settings_of(context), as_user=as_user) as client:
        taken = call(client, "POST", "/api/assistants/import", json=given)
    if as_json:
        show_json(taken)
        return
    for one in taken["assistants"]:
        out.print(f"Took in: {one['name']}", markup=False, highlight=False)
    for sentence in taken["left_out"]:
        note(sentence)


@app.command("delete")
def delete(
    context: typer.Context,
    name: Which,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_user: AsUser = None,
) -> None:
    """Delete an assistant; chats that were begun with it go on with the usual settings."""
    with connect(settings_of(context), as_user=as_user) as client:
        one = _found(call(client, "GET", "/api/assistants")["assistants"], name)
        if not yes:
            typer.confirm(f"Delete the assistant {one['name']!r} of {one['owner'] or 'nobody'}?", abort=True)
        call(client, "DELETE", f"/api/assistants/{one['id']}")
    out.print("Deleted.")


def _found(known: list[dict[str, Any]], name: str) -> dict[str, Any]:
    named = [one for one in known if name in (one["id"], one["name"])]
    if len(named) == 1:
        return named[0]
    if named:
        raise Failed(f"There are {len(named)} assistants named {name!r}; give the id, see `assistant gallery list`.")
    raise Failed(f"There is no assistant {name!r}; see `assistant gallery list`.")


def _read(file: Path) -> dict[str, Any]:
    try:
        size = file.stat().st_size
        text = file.read_text("utf-8") if size <= MAX_BYTES else ""
        # Aliases could make a small file huge; no export has any.
        aliased = any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader))
        given = None if aliased or size > MAX_BYTES else yaml.safe_load(text)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        raise Failed(f"{file} cannot be read: it is no file of assistants in YAML or JSON.") from error
    if not isinstance(given, dict):
        raise Failed(f"{file} is no file of assistants; make one with `assistant gallery export`.")
    return given
