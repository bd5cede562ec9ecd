"""`assistant chats`: a person's conversations in and out of files; --as NAME, or the local administrator's own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from assistant.cli.options import AsUser, JsonFlag, settings_of
from assistant.cli.output import Failed, note, out, show_json
from assistant.cli.session import call, connect, sentence

app = typer.Typer(no_args_is_help=True, help="Conversations of a person, in and out of files.")


@app.command("export")
def export(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The file to write; it must not exist.")],
    conversation: Annotated[str | None, typer.Option(help="The id of one chat; left out: all of them.")] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Markdown in place of JSON, for one chat.")] = False,
    as_user: AsUser = None,
) -> None:
    """Write chats to a file that `chats import` takes in again."""
    wanted = {"format": "markdown" if markdown else "json"} | ({"conversation": conversation} if conversation else {})
    with connect(settings_of(context), as_user=as_user) as client:
        reply = client.get("/api/chats/export", params=wanted)
    if not reply.is_success:
        raise Failed(sentence(reply))
    try:
        with file.open("xb") as target:
            target.write(reply.content)
    except OSError as error:
        raise Failed(f"{file} cannot be written ({error.strerror}); name a file that does not exist yet.") from error
    note(f"Wrote {len(reply.content):,} bytes to {file}.")


@app.command("import")
def take_in(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="An export of `chats export`, or a chat export of Open WebUI.")],
    as_user: AsUser = None,
    as_json: JsonFlag = False,
) -> None:
    """Take the chats of a file in, all or none."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise Failed(f"{file} cannot be read ({error.strerror}).") from error
    with connect(settings_of(context), as_user=as_user) as client:
        taken = call(client, "POST", "/api/chats/import", content=content, headers={"Content-Type": "application/json"})
    if as_json:
        show_json(taken)
    else:
        out.print(f"Took {taken['taken']} chats in.")
