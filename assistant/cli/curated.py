"""`assistant curated`: answers that administrators write for questions that are often asked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from assistant.cli.options import JsonFlag, settings_of
from assistant.cli.output import Failed, out, show_json, show_table
from assistant.cli.session import call, connect

app = typer.Typer(no_args_is_help=True, help="Answers written for questions that are often asked.")

COLUMNS = ["id", "question", "readers", "enabled", "given", "sources gone"]


@app.command("list")
def list_curated(context: typer.Context, as_json: JsonFlag = False) -> None:
    """List curated answers, the latest first."""
    with connect(settings_of(context)) as client:
        found = call(client, "GET", "/api/curated")["curated"]
    if as_json:
        show_json(found)
        return
    show_table("Curated answers", COLUMNS, [_row(one) for one in found])


@app.command("add")
def add_curated(
    context: typer.Context,
    question: Annotated[list[str], typer.Option(help="The question; give it again for other wordings.")],
    answer: Annotated[str, typer.Option(help="The answer, with marks such as [1] for its sources.")] = "",
    file: Annotated[Path | None, typer.Option(help="A text file with the answer.")] = None,
    source: Annotated[
        list[str] | None, typer.Option(help="Id of a passage, as `search --json` prints it in `chunk`; in order.")
    ] = None,
    reader: Annotated[
        list[str] | None, typer.Option(help="Who gets it: everyone, public, group:NAME, user:ID; everyone by default.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Write an answer; it is given from the next question on."""
    if file is not None and not file.is_file():
        raise Failed(f"There is no file {file}. Give a text file, or the text itself with --answer.")
    text = file.read_text("utf-8") if file else answer
    if not text.strip():
        raise Failed("The answer is empty. Give it with --answer, or in a text file with --file.")
    body = {"questions": question, "answer": text, "sources": source or [], "readers": reader or ["everyone"]}
    with connect(settings_of(context)) as client:
        made = call(client, "POST", "/api/curated", json=body)
    if as_json:
        show_json(made)
        return
    show_table("Written", COLUMNS, [_row(made)])


@app.command("remove")
def remove_curated(context: typer.Context, identifier: str, as_json: JsonFlag = False) -> None:
    """Delete a curated answer by its id."""
    with connect(settings_of(context)) as client:
        call(client, "DELETE", f"/api/curated/{identifier}")
    if as_json:
        show_json({"removed": identifier})
        return
    out.print("Deleted.")


def _row(one: dict[str, Any]) -> list[Any]:
    gone = ", ".join(f"[{n}]" for n in one["sources_gone"])
    return [one["id"], one["questions"][0], ", ".join(one["readers"]), one["enabled"], one["given"], gone]
