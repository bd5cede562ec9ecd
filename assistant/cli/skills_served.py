"""The skills of the server that runs on the data folder, asked over HTTP; None of them where none runs."""

from __future__ import annotations

from typing import Any

from assistant.cli.session import call, connect
from assistant.cli.skills_opened import tell_problems
from assistant.server_file import running_server
from assistant.settings import Settings
from skills.types import SkillResult


def listed_by_server(settings: Settings) -> dict[str, Any] | None:
    """Return what `skills list` shows: skills, problems and what waits for approval; None where no server runs."""
    if running_server(settings.data_dir) is None:
        return None
    with connect(settings) as client:
        skills = call(client, "GET", "/api/skills")["skills"]
        sources = call(client, "GET", "/api/skill-sources")["sources"]
    waiting = {each["source"]: each["problem"] for each in sources if each["to_approve"]}
    problems = {each["source"]: each["problem"] for each in sources if each["problem"] and not each["to_approve"]}
    tell_problems(problems)
    return {"skills": skills, "problems": problems, "blocked": waiting}


def called_by_server(settings: Settings, name: str, arguments: dict[str, Any], approve: bool) -> SkillResult | None:
    """Return what a call came to, approved where it has to be and `approve` says so; None where no server runs."""
    if running_server(settings.data_dir) is None:
        return None
    with connect(settings) as client:
        made = call(client, "POST", f"/api/skills/{name}/call", json={"arguments": arguments})
        waits = made["approval"]
        if waits and approve:
            done = call(client, "POST", f"/api/approvals/{waits['id']}/approve")
            return SkillResult("ok" if done["state"] == "done" else "failed", str(done["result"]))
        if waits:  # nobody is left to decide about it: a command asks again, with --approve
            call(client, "POST", f"/api/approvals/{waits['id']}/refuse")
    return SkillResult(made["status"], made["text"], made["text"], made["truncated"], made["ms"])
