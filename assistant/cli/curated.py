"""`assistant curated`: answers that administrators write for questions that are often asked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from assistant.cli.options import JsonFlag, settings_of
from assistant.cli.output import Failed, out, show_json, show_table
from assistant.cli.session import call, connect

app = typer.Typer(no_args_is_help=True, help="Answers written for questions that are often asked.")

COLUMNS = ["id", "question", "readers", "state", "given", "sources gone"]


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
    text = _text(answer, file)
    if not text.strip():
        raise Failed("The answer is empty. Give it with --answer, or in a text file with --file.")
    body = {"questions": question, "answer": text, "sources": source or [], "readers": reader or ["everyone"]}
    with connect(settings_of(context)) as client:
        _printed(call(client, "POST", "/api/curated", json=body), as_json)


@app.command("edit")
def edit_curated(
    context: typer.Context,
    identifier: str,
    question: Annotated[list[str] | None, typer.Option(help="The questions, in place of those there are.")] = None,
    answer: Annotated[str, typer.Option(help="The new answer.")] = "",
    file: Annotated[Path | None, typer.Option(help="A text file with the new answer.")] = None,
    source: Annotated[list[str] | None, typer.Option(help="Ids of passages, in place of those there are.")] = None,
    reader: Annotated[list[str] | None, typer.Option(help="Who gets it, in place of those who do.")] = None,
    enabled: Annotated[bool | None, typer.Option("--on/--off", help="Whether it is given.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Change an answer; what is not named stays."""
    wanted = {
        "questions": question,
        "answer": _text(answer, file) or None,
        "sources": source,
        "readers": reader,
        "enabled": enabled,
    }
    changed = {name: value for name, value in wanted.items() if value is not None}
    if not changed:
        raise Failed("Nothing is to change. Name what is, for example --answer TEXT or --off.")
    with connect(settings_of(context)) as client:
        found = {one["id"]: one for one in call(client, "GET", "/api/curated")["curated"]}
        if identifier not in found:
            raise Failed(f"There is no curated answer {identifier!r}. `assistant curated list` shows their ids.")
        body = {name: found[identifier][name] for name in wanted} | changed
        _printed(call(client, "PUT", f"/api/curated/{identifier}", json=body), as_json)


@app.command("remove")
def remove_curated(context: typer.Context, identifier: str, as_json: JsonFlag = False) -> None:
    """Delete a curated answer by its id."""
    with connect(settings_of(context)) as client:
        call(client, "DELETE", f"/api/curated/{identifier}")
    if as_json:
        show_json({"removed": identifier})
        return
    out.print("Deleted.")


def _text(answer: str, file: Path | None) -> str:
    if file is None:
        return answer
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Failed(
            f"{file} cannot be read as text ({error}). Give another file, or the text with --answer."
        ) from error


def _printed(one: dict[str, Any], as_json: bool) -> None:
    if as_json:
        show_json(one)
        return
    show_table("Written", COLUMNS, [_row(one)])


def _row(one: dict[str, Any]) -> list[Any]:
    gone = ", ".join(f"[{n}]" for n in one["sources_gone"])
    given = "on" if one["enabled"] else "off"
    return [one["id"], one["questions"][0], ", ".join(one["readers"]), given, one["given"], gone]
