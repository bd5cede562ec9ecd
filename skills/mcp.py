"""An MCP server as a source of skills, over the official SDK.

A tool's description goes into prompts, so it is pinned: the first listing is approved with the server, and a tool whose
description, arguments or hints change later, or that appears later, is not offered until an administrator approves it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from skills.declare import NAME
from skills.entries import McpEntry
from skills.errors import BadSkill, SkillFailure, Unreachable
from skills.guard import plain
from skills.mcp_connection import Connection
from skills.schema import tidy
from skills.state import Decisions, StateFile
from skills.types import Skill, SkillCall, SkillResult, content_version

if TYPE_CHECKING:
    from mcp import ClientSession
    from mcp import types as wire

_MAX_TOOLS = 500
_MAX_PAGES = 50
_DESCRIPTION_CHARS = 1_000


@dataclass(frozen=True, slots=True)
class Blocked:
    """A tool that is not offered until an administrator approves it."""

    tool: str
    reason: str  # "changed" or "new"
    description: str  # as the server gives it now


class McpSource:
    """The tools of one server. `blocked` and `left_out` say, after loading, what is not offered and why."""

    def __init__(
        self,
        entry: McpEntry,
        connection: Connection,
        state: StateFile,
        timeout_s: float,
        long_timeout_s: float | None = None,
    ) -> None:
        self.name = f"mcp:{entry.name}"
        self.origin = entry.came_from
        self.blocked: tuple[Blocked, ...] = ()
        self.left_out: tuple[str, ...] = ()
        self.trouble = ""  # why the last call did not reach the server; "" once one has again
        self._entry = entry
        self._connection = connection
        self._state = state
        self._timeout_s = timeout_s
        self._long_timeout_s = long_timeout_s or timeout_s

    async def load(self) -> list[Skill]:
        """Return a skill per approved tool; raises Unreachable, or BadSkill when the server offers none."""
        tools = [tool for tool in await self._tools() if self._entry.only is None or tool.name in self._entry.only]
        hashes = {tool.name: _hash(tool) for tool in tools}
        pins = self._state.now().pins.get(self.name)
        if pins is None:
            pins = hashes
            self._pin(hashes)
        self.blocked = tuple(
            Blocked(tool.name, "changed" if tool.name in pins else "new", plain(tool.description or ""))
            for tool in tools
            if pins.get(tool.name) != hashes[tool.name]
        )
        skills, left_out = [], []
        for tool in tools:
            if pins.get(tool.name) != hashes[tool.name]:
                continue
            try:
                skills.append(self._skill(tool, hashes[tool.name]))
            except BadSkill as exc:
                left_out.append(f"{tool.name[:100]}: {exc}")
        self.left_out = tuple(left_out)
        return skills

    async def approve(self) -> None:
        """Pin all tools as the server describes them now; the next load offers them."""
        self._pin({tool.name: _hash(tool) for tool in await self._tools()})

    async def close(self) -> None:
        """End the connection."""
        await self._connection.close()

    def _pin(self, hashes: dict[str, str]) -> None:
        def edit(decisions: Decisions) -> Decisions:
            return decisions.model_copy(update={"pins": {**decisions.pins, self.name: hashes}})

        self._state.change(edit)

    async def _tools(self) -> list[wire.Tool]:
        from mcp import McpError, types  # noqa: PLC0415 - heavy, see mcp_connection.py

        async def read_all(session: ClientSession) -> list[wire.Tool]:
            found: list[wire.Tool] = []
            cursor: str | None = None
            for _ in range(_MAX_PAGES):
                page = await session.list_tools(params=types.PaginatedRequestParams(cursor=cursor))
                found += page.tools
                cursor = page.nextCursor
                if not cursor or len(found) > _MAX_TOOLS:
                    break
            return found[:_MAX_TOOLS]

        try:
            return await self._connection.use(read_all, self._timeout_s)
        except McpError as exc:
            raise Unreachable(f"{self.name} does not list its tools: {plain(str(exc))[:200]}") from exc

    def _skill(self, tool: wire.Tool, hashed: str) -> Skill:
        name = self._entry.prefix + re.sub(r"[^A-Za-z0-9_]+", "_", tool.name)
        if not NAME.fullmatch(name):
            raise BadSkill(f"{name[:100]!r} is no skill name: use letters, digits and underscores, at most 64.")
        hinted = self._entry.trust_hints and tool.annotations is not None and tool.annotations.readOnlyHint is True
        said = " ".join(plain(tool.description or tool.title or tool.name).split())
        return Skill(
            name=name,
            description=said[:_DESCRIPTION_CHARS],
            parameters=tidy({"additionalProperties": True, **tool.inputSchema}),
            effect="read" if hinted or tool.name in self._entry.reads else "write",
            run=partial(self._run, tool.name),
            source=self.name,
            version=hashed[:12],
            readers=self._entry.readers,
            tags=frozenset(
                {*(["outbound"] if self._entry.url else []), *(["long"] if tool.name in self._entry.long else [])}
            ),
        )

    async def _run(self, tool: str, call: SkillCall) -> SkillResult:
        from mcp import McpError, types  # noqa: PLC0415 - heavy, see mcp_connection.py

        async def work(session: ClientSession) -> wire.CallToolResult:
            # Not session.call_tool: it checks the result against the server's own schema, whose regular expressions
            # over the server's own text could keep this process busy for hours.
            parameters = types.CallToolRequestParams(name=tool, arguments=dict(call.arguments))
            request = types.ClientRequest(types.CallToolRequest(params=parameters))
            return await session.send_request(
                request, types.CallToolResult, progress_callback=partial(_tell, call) if call.report else None
            )

        timeout_s = self._long_timeout_s if tool in self._entry.long else self._timeout_s
        try:
            result = await self._connection.use(work, timeout_s)
            self.trouble = ""
            return to_result(result)
        except McpError as exc:
            self.trouble = ""
            return SkillResult("retry", f"{tool} answered: {plain(str(exc))[:300]}")
        except Unreachable as exc:
            self.trouble = f"The last call failed: {exc}"
            raise SkillFailure(str(exc)) from exc


async def _tell(call: SkillCall, done: float, total: float | None, note: str | None) -> None:
    """Pass on how far a server says that a call is."""
    if call.report is not None:
        call.report(min(1.0, max(0.0, done / total)) if total else None, plain(note or "")[:200])


def to_result(result: wire.CallToolResult) -> SkillResult:
    """Return a tool's result; one that the server marks as an error may be cured by other arguments."""
    parts = [_part(block) for block in result.content]
    text = "\n".join(parts) or (json.dumps(result.structuredContent) if result.structuredContent else "done")
    return SkillResult("retry" if result.isError else "ok", text, data=result.structuredContent or text)


def _part(block: wire.ContentBlock) -> str:
    if block.type == "text":
        return block.text
    if block.type == "image" or block.type == "audio":
        return f"[{block.mimeType}, {len(block.data) * 3 // 4} bytes, not shown]"
    if block.type == "resource_link":
        return f"[{block.name}: {block.uri}]"
    return str(getattr(block.resource, "text", "[a file, not shown]"))


def _hash(tool: wire.Tool) -> str:
    shown = tool.model_dump(mode="json", include={"name", "title", "description", "inputSchema", "annotations"})
    return content_version(json.dumps(shown, sort_keys=True))
