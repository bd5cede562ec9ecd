"""`assistant transcribe`: the words of a recording."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from assistant.cli.options import AsUser, JsonFlag, settings_of
from assistant.cli.output import Failed, out, show_json
from assistant.cli.session import call, connect
from assistant.speech import MODEL


def transcribe(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A recording: wav, mp3, mp4 or m4a, ogg, webm, flac.")],
    language: Annotated[
        str, typer.Option(help="The language that is spoken, such as 'de'; left out, it is found.")
    ] = "",
    as_user: AsUser = None,
    as_json: JsonFlag = False,
) -> None:
    """Print what is said in a recording."""
    if not file.is_file():
        raise Failed(f"There is no file {file}. Give a recording.")
    fields = {"model": MODEL, **({"language": language} if language else {})}
    with connect(settings_of(context), as_user=as_user) as client, file.open("rb") as recording:
        files = {"file": (file.name, recording)}
        found = call(client, "POST", "/v1/audio/transcriptions", data=fields, files=files)
    if as_json:
        show_json(found)
    else:
        out.print(found["text"], markup=False, highlight=False, soft_wrap=True)
