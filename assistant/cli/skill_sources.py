"""`assistant skills add|remove|test|approve|secret`: where skills come from."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from assistant.calling.report import report, shown
from assistant.cli.options import JsonFlag
from assistant.cli.output import Failed, out, show_json, show_table
from assistant.cli.skills_opened import run, say, short
from skills.adding import add_entry, add_path, remove
from skills.mcp import McpSource
from skills.skillset import Skillset
from skills.testing import tested
from skills.uploaded import PASTED, add_document


def add(
    context: typer.Context,
    place: Annotated[
        str,
        typer.Argument(
            help="A file, a folder or its ZIP, the address of an OpenAPI document or MCP server, or - for a document on"
            " standard input."
        ),
    ],
    name: Annotated[str, typer.Option(help="Name of the source, for an address, a document or a ZIP.")] = "",
    kind: Annotated[str, typer.Option(help="What an address is: openapi or mcp.")] = "openapi",
    option: Annotated[list[str] | None, typer.Option(help="key=value of the entry, value in JSON.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Add a Python module, an OpenAPI document, a SKILL.md folder, an entry, or an address.

    A second document of a name takes the place of the first, whose options stay unless new ones are given; a document
    that names no server needs `--option server=https://...`.
    """
    options = _options(option) if option else None

    async def work(skillset: Skillset) -> list[dict[str, Any]]:
        if place.startswith(("http://", "https://")):
            added = await add_entry(skillset, name, kind, place, options or {})
        elif place == "-":
            added = await add_document(skillset, name, sys.stdin.buffer.read(), PASTED, options)
        else:
            added = await add_path(skillset, Path(place), name, options)
        return [shown(skill) for skill in added]

    added = run(context, work)
    if as_json:
        show_json({"added": added})
    else:
        show_table(
            "Added",
            ["name", "effect", "description"],
            [[s["name"], s["effect"], short(s["description"])] for s in added],
        )


def remove_source(
    context: typer.Context,
    file: Annotated[str, typer.Argument(help="Name of an added file or folder, such as orders.py.")],
    as_json: JsonFlag = False,
) -> None:
    """Remove an added source and its skills."""
    if not run(context, lambda skillset: remove(skillset, file)):
        raise Failed(f"Nothing named {file!r} was added.")
    say({"removed": file}, as_json, f"Removed {file}.")


def test(
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="Name of a source, such as openapi:petstore; empty: all.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """Load every source anew, and say for each whether it works and what it leaves out. Calls no skill.

    Of a single source, the server of an OpenAPI document is asked whether it is there, too.
    """

    async def work(skillset: Skillset) -> list[dict[str, Any]]:
        names = {each.name for each in skillset.registry.sources()} | set(skillset.problems)
        told = await tested(skillset, source) if source else None
        found = [report(skillset.registry, each) for each in sorted(names) if not source or each == source]
        return found if told is None else [{**each, "tested": told} for each in found]

    reports = run(context, work)
    if source and not reports:
        raise Failed(f"There is no source {source!r}. `assistant skills list` shows those there are.")
    if as_json:
        show_json({"sources": reports})
    else:
        columns = ["source", "ok", "skills", "left out", "problem", "origin"]
        show_table("Sources", columns, [[each[name.replace(" ", "_")] for name in columns] for each in reports])
        for each in (each for each in reports if each.get("tested")):
            out.print(each["tested"], markup=False, highlight=False)
    if any(not each["ok"] for each in reports):
        raise typer.Exit(1)


def approve(
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="Name of an MCP server's source, such as mcp:wiki.")],
    as_json: JsonFlag = False,
) -> None:
    """Approve the tools of an MCP server as it describes them now."""

    async def work(skillset: Skillset) -> None:
        held = skillset.registry.source(source)
        if not isinstance(held, McpSource):
            raise Failed(f"There is no MCP server {source!r} that answers.")
        await held.approve()

    run(context, work)
    say({"approved": source}, as_json, f"Approved the tools of {source}.")


def secret(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name by which entries refer to it.")],
    value: Annotated[str, typer.Option(prompt=True, hide_input=True, help="Empty: remove it.")],
    as_json: JsonFlag = False,
) -> None:
    """Store a secret of skills, such as an API key; nothing ever shows it again."""

    async def work(skillset: Skillset) -> None:
        skillset.secrets.put(name, value or None)

    run(context, work)
    say({"secret": name, "stored": bool(value)}, as_json, f"{'Stored' if value else 'Removed'} the secret {name}.")


def _options(given: list[str]) -> dict[str, object]:
    options: dict[str, object] = {}
    for pair in given:
        key, equals, value = pair.partition("=")
        if not equals:
            raise typer.BadParameter(f"{pair!r} is not key=value")
        try:
            options[key] = json.loads(value)
        except ValueError:
            options[key] = value
    return options
