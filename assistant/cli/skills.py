"""`assistant skills`: what the assistant can do, added, tried out and switched on and off on the command line.

Works on the data folder itself; a running server notices changes within a second. Where one runs, it is asked for what
only it has: skills over its documents, its models and its environment.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Annotated, Any

import typer

from assistant.calling.report import blocked, shown
from assistant.cli.options import JsonFlag, settings_of
from assistant.cli.output import Failed, note, out, show_json, show_table
from assistant.cli.skill_calls import approvals, calls, running
from assistant.cli.skill_sources import add, approve, remove_source, secret, test
from assistant.cli.skills_opened import run, say, short
from assistant.cli.skills_served import called_by_server, listed_by_server
from skills.guard import Rule
from skills.skillset import Skillset
from skills.state import Decisions
from skills.types import Person, SkillCall, SkillResult

app = typer.Typer(no_args_is_help=True, help="Skills: what the assistant can do beyond answering from documents.")
app.command()(calls)
app.command()(approvals)
app.command()(running)
app.command()(add)
app.command("remove")(remove_source)
app.command()(test)
app.command()(approve)
app.command()(secret)
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

    found = listed_by_server(settings_of(context)) or run(context, work)  # which tells its problems itself
    if as_json:
        show_json(found)
        return
    columns = ["name", "effect", "source", "enabled", "rule", "description"]
    show_table("Skills", columns, [[short(row[column]) for column in columns] for row in found["skills"]])
    for source, problem in found["blocked"].items():
        note(f"{source}: {problem}")


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

    result = called_by_server(settings_of(context), name, given, approve) or run(context, work)
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
    say({"skill": name, "enabled": True}, as_json, f"{name} is on.")


@app.command()
def disable(context: typer.Context, name: SkillName, as_json: JsonFlag = False) -> None:
    """Switch a skill off, at once and for everybody."""
    _decide(context, name, lambda now: now.model_copy(update={"disabled": now.disabled | {name}}))
    say({"skill": name, "enabled": False}, as_json, f"{name} is off.")


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
    say({"skill": name, "rule": decision}, as_json, f"{name}: {decision}.")


def _operator(skillset: Skillset) -> Person:
    """Return who works on the data folder itself: somebody who may use everything."""
    readers = (listed.skill.readers for listed in skillset.registry.listed())
    return Person("operator", frozenset({"everyone"}).union(*readers))


def _decide(context: typer.Context, name: str, edit: Callable[[Decisions], Decisions]) -> None:
    async def work(skillset: Skillset) -> None:
        if name not in {listed.skill.name for listed in skillset.registry.listed()}:
            raise Failed(f"There is no skill named {name!r}. `assistant skills list` shows those there are.")
        skillset.state.change(edit)

    run(context, work)
