"""What administrators are shown of skills and their sources, as JSON values."""

from __future__ import annotations

from typing import Any

from skills.mcp import McpSource
from skills.registry import Registry
from skills.types import Skill


def shown(skill: Skill) -> dict[str, Any]:
    """Return a skill without what runs it."""
    return {
        "name": skill.name,
        "description": skill.description,
        "effect": skill.effect,
        "source": skill.source,
        "version": skill.version,
        "readers": sorted(skill.readers),
        "parameters": skill.parameters,
    }


def report(registry: Registry, source: str, connecting: bool = False) -> dict[str, Any]:
    """Return whether a source works: how many skills it offers, what it leaves out, and what is wrong with it.

    `connecting`: it is being connected to, so nothing can be said of it yet. `origin` says where a document or a server
    came from, "" for others and for those that do not work.
    """
    offered = sum(listed.skill.source == source for listed in registry.listed())
    left_out = list(getattr(registry.source(source), "left_out", ()))
    trouble = str(getattr(registry.source(source), "trouble", ""))
    problem = registry.problems.get(source) or trouble or blocked(registry).get(source, "")
    return {
        "source": source,
        "ok": not problem,
        "skills": offered,
        "left_out": left_out,
        "problem": problem,
        "connecting": connecting,
        "origin": getattr(registry.source(source), "origin", ""),
    }


def blocked(registry: Registry) -> dict[str, str]:
    """Return one sentence per MCP server with tools that wait for approval."""
    return {
        source.name: f"not approved: {', '.join(f'{each.tool} ({each.reason})' for each in source.blocked)}"
        for source in registry.sources()
        if isinstance(source, McpSource) and source.blocked
    }
