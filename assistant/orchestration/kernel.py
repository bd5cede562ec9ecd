"""The semantic-kernel kernel: holds the functions that models may call, and the filter that every call passes.

Imports semantic-kernel, which takes seconds: reach this module through gate.py.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextvars import ContextVar
from typing import Any

from semantic_kernel import Kernel
from semantic_kernel.connectors.ai.function_calling_utils import kernel_function_metadata_to_function_call_format
from semantic_kernel.contents import ChatHistory, FunctionCallContent, FunctionResultContent
from semantic_kernel.filters import AutoFunctionInvocationContext, FilterTypes, FunctionInvocationContext
from semantic_kernel.functions import FunctionResult

from assistant.logs import log
from assistant.models.types import ChatModel, ModelRequest, Piece
from assistant.orchestration.draft import NOTHING, Permit
from assistant.orchestration.filters import install
from assistant.orchestration.plugins import SESSION, register
from assistant.orchestration.prompts import Message
from assistant.orchestration.service import ModelService, ModelSettings, chat_history, piece_of
from skills.types import Skill

RESULT_CHARACTERS = 8_000  # of one function's result that a model gets to read

_log = log("kernel")

# Who may call what comes from here and never from the arguments, which a model writes.
_permit: ContextVar[Permit] = ContextVar("permit", default=NOTHING)
_used: ContextVar[int] = ContextVar("used", default=0)


class KernelOrchestrator:
    """Our orchestrator over one kernel, shared by all turns."""

    def __init__(self) -> None:
        """Begin with no functions."""
        self.kernel = Kernel()
        self.kernel.add_filter(FilterTypes.AUTO_FUNCTION_INVOCATION, _guarded)
        self.kernel.add_filter(FilterTypes.FUNCTION_INVOCATION, _silenced)
        install(self.kernel)

    async def stream(self, model: ChatModel, request: ModelRequest) -> AsyncGenerator[Piece, None]:
        """Yield the reply of `model` through semantic-kernel's chat completion."""
        settings = ModelSettings(
            sampling=request.sampling,
            tools=request.tools,
            request_id=request.request_id,
            cache_salt=request.cache_salt,
            task=request.task,
        )
        service = ModelService.of(model)
        try:
            async for chunk in service.get_streaming_chat_message_contents(chat_history(request.messages), settings):
                yield piece_of(chunk[0])
        finally:
            await service.abort()

    def offer(self, skills: Sequence[Skill]) -> frozenset[str]:
        """Make `skills` functions of the kernel; the permit of each turn, not the kernel, says who may call which."""
        return register(self.kernel, skills)

    def tools(self, permit: Permit) -> tuple[dict[str, Any], ...]:
        """Return the definitions of the permitted functions.

        They are picked one by one: semantic-kernel's own filters with an empty list mean "all functions".
        """
        known = {f.fully_qualified_name: f for f in self.kernel.get_full_list_of_function_metadata()}
        names = sorted(permit.functions & known.keys())
        return tuple(kernel_function_metadata_to_function_call_format(known[name]) for name in names)

    async def call(self, call: Mapping[str, Any], permit: Permit, used: int) -> Message:
        """Carry out one call through the kernel and its filter."""
        identifier = str(call.get("id") or "")
        function = call["function"]
        if function["name"] not in permit.functions:
            return Message("tool", f"There is no function {function['name']!r}.", tool_call_id=identifier)
        content = FunctionCallContent(id=identifier, name=function["name"], arguments=function.get("arguments") or "{}")
        history = ChatHistory()
        permitted, counted, session = _permit.set(permit), _used.set(used), SESSION.set(permit.session)
        try:
            await self.kernel.invoke_function_call(content, history)
        finally:
            _permit.reset(permitted)
            _used.reset(counted)
            SESSION.reset(session)
        results = [i for m in history.messages for i in m.items if isinstance(i, FunctionResultContent)]
        said = str(results[-1].result) if results else "The function gave no result."
        return Message("tool", said[:RESULT_CHARACTERS], tool_call_id=identifier)


# semantic-kernel calls filters with the keyword `next`.
async def _guarded(
    context: AutoFunctionInvocationContext, next: Callable[[AutoFunctionInvocationContext], Awaitable[None]]
) -> None:
    """Check once more that the call is permitted and within the budget."""
    permit, name = _permit.get(), context.function.fully_qualified_name
    if name in permit.functions and _used.get() <= permit.calls:
        await next(context)
        return
    sentence = "No more functions may be called for this question. Answer with what is known."
    context.function_result = FunctionResult(function=context.function.metadata, value=sentence)
    context.terminate = True


async def _silenced(
    context: FunctionInvocationContext, next: Callable[[FunctionInvocationContext], Awaitable[None]]
) -> None:
    """Let no error text out: semantic-kernel would hand it to the model, and so to the user, word for word."""
    try:
        await next(context)
    except Exception as error:  # noqa: BLE001 - whatever a function raises must not get further
        _log.warning("a function failed", function=context.function.fully_qualified_name, error=type(error).__name__)
        sentence = f"The function failed ({type(error).__name__})."
        context.result = FunctionResult(function=context.function.metadata, value=sentence)
