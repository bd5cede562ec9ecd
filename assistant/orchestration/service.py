"""Our language models as a chat service of semantic-kernel: the one place where its messages meet ours.

Imports semantic-kernel, which takes seconds: reach this module through gate.py.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import aclosing
from typing import Any, ClassVar

from pydantic import ConfigDict, PrivateAttr
from semantic_kernel.connectors.ai.chat_completion_client_base import ChatCompletionClientBase
from semantic_kernel.connectors.ai.prompt_execution_settings import PromptExecutionSettings
from semantic_kernel.contents import (
    AuthorRole,
    ChatHistory,
    ChatMessageContent,
    FunctionCallContent,
    FunctionResultContent,
    StreamingChatMessageContent,
    TextContent,
)
from semantic_kernel.contents.chat_message_content import CMC_ITEM_TYPES

from assistant.models.types import ChatModel, ModelRequest, Piece, Sampling
from assistant.orchestration.prompts import Message

_IMAGES = "images"  # of a message's metadata


class ModelSettings(PromptExecutionSettings):
    """What our models take; semantic-kernel carries it through unread.

    `function_choice_behavior` stays None: tools go out as definitions that were permitted one by one, and no function
    is ever called by semantic-kernel itself.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    sampling: Sampling = Sampling()
    tools: tuple[dict[str, Any], ...] = ()
    request_id: str = ""
    cache_salt: str = ""
    task: str = ""


class ModelService(ChatCompletionClientBase):
    """A ChatModel behind semantic-kernel's chat completion."""

    SUPPORTS_FUNCTION_CALLING: ClassVar[bool] = False  # of semantic-kernel's own loop, which we do not use

    model: Any  # a ChatModel; pydantic cannot check a protocol with data members
    _under_way: AsyncGenerator[list[StreamingChatMessageContent], Any] | None = PrivateAttr(default=None)

    @classmethod
    def of(cls, model: ChatModel) -> ModelService:
        """Return a service of `model` for one reply."""
        return cls(ai_model_id=model.name, service_id=model.name, model=model)

    def get_prompt_execution_settings_class(self) -> type[PromptExecutionSettings]:
        """Return the class of our settings."""
        return ModelSettings

    async def abort(self) -> None:
        """End the reply that is being streamed, at the engine too.

        semantic-kernel does not close what it iterates over, so closing its stream alone would leave ours running.
        """
        if self._under_way is not None:
            await self._under_way.aclose()

    def _inner_get_streaming_chat_message_contents(
        self, chat_history: ChatHistory, settings: PromptExecutionSettings, function_invoke_attempt: int = 0
    ) -> AsyncGenerator[list[StreamingChatMessageContent], Any]:
        self._under_way = self._chunks(chat_history, settings)
        return self._under_way

    async def _chunks(
        self, chat_history: ChatHistory, settings: PromptExecutionSettings
    ) -> AsyncGenerator[list[StreamingChatMessageContent], Any]:
        async with aclosing(self.model.stream(_request(chat_history, settings))) as pieces:
            async for piece in pieces:
                yield [_chunk(piece, self.ai_model_id)]

    async def _inner_get_chat_message_contents(
        self, chat_history: ChatHistory, settings: PromptExecutionSettings
    ) -> list[ChatMessageContent]:
        text, calls = "", list[Mapping[str, Any]]()
        async with aclosing(self.model.stream(_request(chat_history, settings))) as pieces:
            async for piece in pieces:
                text += piece.text
                calls += piece.tool_calls
        items: list[CMC_ITEM_TYPES] = [TextContent(text=text), *(_call(call) for call in calls)]
        return [ChatMessageContent(role=AuthorRole.ASSISTANT, items=items, ai_model_id=self.ai_model_id)]


def chat_history(messages: Iterable[Message]) -> ChatHistory:
    """Return `messages` as semantic-kernel's history, built as objects: no text is ever parsed as a template."""
    return ChatHistory(messages=[_content(message) for message in messages])


def piece_of(chunk: StreamingChatMessageContent) -> Piece:
    """Return our piece that a chunk of a ModelService carries."""
    if not isinstance(chunk.inner_content, Piece):
        raise TypeError(f"A chunk of {type(chunk.inner_content).__name__} did not come from a ModelService.")
    return chunk.inner_content


def _request(history: ChatHistory, settings: PromptExecutionSettings) -> ModelRequest:
    given = settings if isinstance(settings, ModelSettings) else ModelSettings()
    messages = tuple(_message(content) for content in history.messages)
    return ModelRequest(
        messages,
        sampling=given.sampling,
        tools=given.tools,
        request_id=given.request_id,
        cache_salt=given.cache_salt,
        task=given.task,
    )


def _chunk(piece: Piece, model: str) -> StreamingChatMessageContent:
    return StreamingChatMessageContent(
        role=AuthorRole.ASSISTANT, choice_index=0, content=piece.text, inner_content=piece, ai_model_id=model
    )


def _content(message: Message) -> ChatMessageContent:
    role = AuthorRole(message.role)
    if role is AuthorRole.TOOL:
        result = FunctionResultContent(id=message.tool_call_id, name="", result=message.content)
        return ChatMessageContent(role=role, items=[result])
    items: list[CMC_ITEM_TYPES] = [TextContent(text=message.content), *(_call(call) for call in message.tool_calls)]
    # semantic-kernel's own content for pictures would decode and encode each: as metadata they stay as they are.
    return ChatMessageContent(role=role, items=items, metadata={_IMAGES: message.images} if message.images else {})


def _message(content: ChatMessageContent) -> Message:
    # Text beside a tool call is kept: semantic-kernel's own rendering would drop it.
    calls = tuple(_call_json(item) for item in content.items if isinstance(item, FunctionCallContent))
    results = [item for item in content.items if isinstance(item, FunctionResultContent)]
    if results:
        return Message("tool", str(results[0].result), tool_call_id=results[0].id or "")
    return Message(content.role.value, content.content, calls, images=content.metadata.get(_IMAGES, ()))


def _call(call: Mapping[str, Any]) -> FunctionCallContent:
    function = call["function"]
    return FunctionCallContent(id=call.get("id"), name=function["name"], arguments=function.get("arguments") or "{}")


def _call_json(call: FunctionCallContent) -> dict[str, Any]:
    arguments = call.arguments if isinstance(call.arguments, str) else json.dumps(call.arguments or {})
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}
