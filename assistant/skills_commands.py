"""`assistant skills`: what the assistant can do, added, tried out and switched on and off on the command line.

Works on the data folder itself; a running server notices changes within a second.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from assistant.cli.options import JsonFlag, settings_of
from assistant.cli.output import Failed, note, out, show_json, show_table
from assistant.settings import Settings
from assistant.skills_calls import approvals, calls
from assistant.skills_report import blocked, report, shown
from skills.adding import add_entry, add_path, remove
from skills.audit import AuditFile
from skills.builtin import Host, sources
from skills.errors import SkillError
from skills.fake import embed_words
from skills.guard import Rule
from skills.mcp import McpSource
from skills.skillset import Skillset
from skills.state import Decisions
from skills.types import Person, SkillCall, SkillResult

app = typer.Typer(no_args_is_help=True, help="Skills: what the assistant can do beyond answering from documents.")
app.command()(calls)
app.command()(approvals)
T = TypeVar("T")
SkillName = Annotated[str, typer.Argument(help="Name of a skill, as `skills list` shows it.")]


@app.command("list")
def list_skills(context: typer.Context, as_json: JsonFlag = False) -> None:
    """List the skills, who owns them, whether they are on, and what could not be loaded."""

    async def work(skillset: Skillset) -> dict[str, Any]:
        rows = [
            {**shown(listed.skill), "enabled": listed.enabled, "rule": listed.rule}
            for listed in skillset.registry.listed()
        ]
        return {"skills": rows, "problems": skillset.problems, "blocked": blocked(skillset.registry)}

    found = _run(context, work)
    if as_json:
        show_json(found)
        return
    columns = ["name", "effect", "source", "enabled", "rule", "description"]
    show_table("Skills", columns, [[_short(row[column]) for column in columns] for row in found["skills"]])
    for source, problem in {**found["problems"], **found["blocked"]}.items():
        note(f"{source}: {problem}")


@app.command()
def add(
    context: typer.Context,
    place: Annotated[
        str, typer.Argument(help="A file, a folder, or the address of an OpenAPI document or MCP server.")
    ],
    name: Annotated[str, typer.Option(help="Name of the source, for an address.")] = "",
    kind: Annotated[str, typer.Option(help="What an address is: openapi or mcp.")] = "openapi",
    option: Annotated[list[str] | None, typer.Option(help="key=value of the entry, value in JSON.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Add a Python module, an OpenAPI document, a SKILL.md folder, an entry, or an address."""

    async def work(skillset: Skillset) -> list[dict[str, Any]]:
        if place.startswith(("http://", "https://")):
            added = await add_entry(skillset, name, kind, place, _options(option or []))
        else:
            added = await add_path(skillset, Path(place))
        return [shown(skill) for skill in added]

    added = _run(context, work)
    if as_json:
        show_json({"added": added})
    else:
        show_table(
            "Added",
            ["name", "effect", "description"],
            [[s["name"], s["effect"], _short(s["description"])] for s in added],
        )


@app.command("remove")
def remove_source(
    context: typer.Context,
    file: Annotated[str, typer.Argument(help="Name of an added file or folder, such as orders.py.")],
    as_json: JsonFlag = False,
) -> None:
    """Remove an added source and its skills."""
    if not _run(context, lambda skillset: remove(skillset, file)):
        raise Failed(f"Nothing named {file!r} was added.")
    _say({"removed": file}, as_json, f"Removed {file}.")


@app.command()
def test(
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="Name of a source, such as openapi:petstore; empty: all.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """Load every source anew, and say for each whether it works and what it leaves out. Calls no skill."""

    async def work(skillset: Skillset) -> list[dict[str, Any]]:
        names = {each.name for each in skillset.registry.sources()} | set(skillset.problems)
        return [report(skillset.registry, each) for each in sorted(names) if not source or each == source]

    reports = _run(context, work)
    if source and not reports:
        raise Failed(f"There is no source {source!r}. `assistant skills list` shows those there are.")
    if as_json:
        show_json({"sources": reports})
    else:
        show_table(
            "Sources", ["source", "ok", "skills", "left out", "problem"], [list(each.values()) for each in reports]
        )
    if any(not each["ok"] for each in reports):
        raise typer.Exit(1)


@app.command()
def call(
    context: typer.Context,
    name: SkillName,
    arguments: Annotated[str, typer.Argument(help="Arguments as a JSON object.")] = "{}",
    approve: Annotated[bool, typer.Option("--approve", help="Approve the call, where it changes something.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Call a skill, through the same guards as in a chat."""
    try:
        given = json.loads(arguments)
    except (ValueError, RecursionError) as exc:
        raise typer.BadParameter("the arguments have to be a JSON object") from exc
    if not isinstance(given, dict):
        raise typer.BadParameter("the arguments have to be a JSON object")

    async def work(skillset: Skillset) -> SkillResult:
        asked = SkillCall(name, given, _operator(skillset), call_id="command-line")
        result = await skillset.call(asked)
        if result.status != "ask" or not approve:
            return result
        approved = replace(asked, arguments=result.data["arguments"], approval=result.data["digest"])
        return await skillset.call(approved)

    result = _run(context, work)
    if as_json:
        show_json(asdict(result))
    else:
        out.print(result.text, markup=False, highlight=False)
    if result.status == "ask":
        note("This call changes something. Give --approve to run exactly it.")
    if result.status != "ok":
        raise typer.Exit(1)


@app.command()
def enable(context: typer.Context, name: SkillName, as_json: JsonFlag = False) -> None:
    """Switch a skill on."""
    _decide(context, name, lambda now: now.model_copy(update={"disabled": now.disabled - {name}}))
    _say({"skill": name, "enabled": True}, as_json, f"{name} is on.")


@app.command()
def disable(context: typer.Context, name: SkillName, as_json: JsonFlag = False) -> None:
    """Switch a skill off, at once and for everybody."""
    _decide(context, name, lambda now: now.model_copy(update={"disabled": now.disabled | {name}}))
    _say({"skill": name, "enabled": False}, as_json, f"{name} is off.")


@app.command()
def rule(
    context: typer.Context,
    name: SkillName,
    decision: Annotated[str, typer.Argument(help="allow, ask, deny, or default.")],
    as_json: JsonFlag = False,
) -> None:
    """Decide whether a skill runs, asks first, or never runs."""
    if decision not in ("allow", "ask", "deny", "default"):
        raise typer.BadParameter("the decision is allow, ask, deny or default")
    rules: dict[str, Rule] = {"allow": "allow", "ask": "ask", "deny": "deny"}

    def edit(now: Decisions) -> Decisions:
        kept: dict[str, Rule] = {key: value for key, value in now.rules.items() if key != name}
        return now.model_copy(update={"rules": kept | ({name: rules[decision]} if decision in rules else {})})

    _decide(context, name, edit)
    _say({"skill": name, "rule": decision}, as_json, f"{name}: {decision}.")


@app.command()
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

    _run(context, work)
    _say({"approved": source}, as_json, f"Approved the tools of {source}.")


@app.command()
def secret(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name by which entries refer to it.")],
    value: Annotated[str, typer.Option(prompt=True, hide_input=True, help="Empty: remove it.")],
    as_json: JsonFlag = False,
) -> None:
    """Store a secret of skills, such as an API key; nothing ever shows it again."""

    async def work(skillset: Skillset) -> None:
        skillset.secrets.put(name, value or None)

    _run(context, work)
    _say({"secret": name, "stored": bool(value)}, as_json, f"{'Stored' if value else 'Removed'} the secret {name}.")


def _run(context: typer.Context, work: Callable[[Skillset], Awaitable[T]]) -> T:
    """Open the skills of the data folder, do something with them, and close them; errors are one sentence."""
    settings = settings_of(context)
    try:
        return asyncio.run(_opened(settings, work))
    except SkillError as exc:
        raise Failed(str(exc)) from exc


async def _opened(settings: Settings, work: Callable[[Skillset], Awaitable[T]]) -> T:
    audit = AuditFile(settings.data_dir / "logs" / "skills.jsonl")
    skillset = await Skillset.open(
        settings.skills,
        settings.data_dir,
        embed=embed_words,  # nothing is chosen here, so no model is loaded
        audit=audit,
        builtin=lambda parts: sources(Host(), parts),
    )
    try:
        return await work(skillset)
    finally:
        await skillset.close()


def _operator(skillset: Skillset) -> Person:
    """Return who works on the data folder itself: somebody who may use everything."""
    readers = (listed.skill.readers for listed in skillset.registry.listed())
    return Person("operator", frozenset({"everyone"}).union(*readers))


def _decide(context: typer.Context, name: str, edit: Callable[[Decisions], Decisions]) -> None:
    async def work(skillset: Skillset) -> None:
        if name not in {listed.skill.name for listed in skillset.registry.listed()}:
            raise Failed(f"There is no skill named {name!r}. `assistant skills list` shows those there are.")
        skillset.state.change(edit)

    _run(context, work)


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


def _say(value: dict[str, Any], as_json: bool, sentence: str) -> None:
    if as_json:
        show_json(value)
    else:
        out.print(sentence, markup=False, highlight=False)


def _short(value: object) -> object:
    return value[:80] if isinstance(value, str) else value
