"""Filters of semantic-kernel around skills: budget, loops, approval, and which call is which.

Permission and audit are the registry's own guards (skills/wrap.py), which hold wherever a skill is called from.
Imports semantic-kernel, which takes seconds: reach this module from the kernel's side of gate.py only.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from semantic_kernel import Kernel
from semantic_kernel.filters import AutoFunctionInvocationContext, FilterTypes
from semantic_kernel.functions import FunctionResult

from assistant.orchestration.plugins import CALL_ID, PLUGIN, RESULT, SESSION
from assistant.orchestration.session import SkillSession, call_key
from skills.types import SkillResult

MAX_SAME = 2  # times that one call with the same arguments may be made within a turn
_SPENT = "No more skills may be used for this question. Answer with what is known."
_LOOP = "This call was made already, with the same result. Answer with what is known, or do something else."

Next = Callable[[AutoFunctionInvocationContext], Awaitable[None]]


def install(kernel: Kernel) -> None:
    """Put the filter around every function call of `kernel`; calls of other plugins pass it untouched."""
    kernel.add_filter(FilterTypes.AUTO_FUNCTION_INVOCATION, _within_terms)


# semantic-kernel calls filters with the keyword `next`.
async def _within_terms(context: AutoFunctionInvocationContext, next: Next) -> None:
    session = SESSION.get()
    if context.function.plugin_name != PLUGIN or session is None:
        await next(context)
        return
    refusal = _refusal(session, context)
    if refusal:
        context.function_result = FunctionResult(function=context.function.metadata, value=refusal)
        context.terminate = refusal == _SPENT
        return
    content = context.function_call_content
    # Noted before the call runs: calls that run side by side count as well.
    session.begun.append(call_key(context.function.name, dict(context.arguments or {})))
    call_id = CALL_ID.set(session.call_id((content.id if content else None) or f"call-{len(session.begun)}"))
    try:
        await next(context)
    finally:
        CALL_ID.reset(call_id)
    result = context.function_result.metadata.get(RESULT) if context.function_result else None
    if isinstance(result, SkillResult) and result.status == "ask":
        context.terminate = True  # the turn ends here; it goes on when the person has decided


def _refusal(session: SkillSession, context: AutoFunctionInvocationContext) -> str | None:
    if len(session.begun) >= session.max_calls:
        return _SPENT
    asked = call_key(context.function.name, dict(context.arguments or {}))
    return _LOOP if session.begun.count(asked) >= MAX_SAME else None
