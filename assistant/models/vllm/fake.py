"""vLLM without vLLM: an ASGI application that answers its routes and notes what reached it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

WORDS = ("It", " is", " so", " [1].")


class FakeVllm:
    """The stand-in; `bodies` are those that reached it, in order, with the path they came to."""

    def __init__(self, base: str = "base") -> None:
        """Serve one base model and no adapter."""
        self.base = base
        self.adapters: dict[str, str] = {}  # name -> path it was told to open
        self.bodies: list[tuple[str, dict[str, Any]]] = []
        self.refuses: str = ""  # the reason for which the next adapter is refused
        self.reads: int | None = None  # tokens of one request, where it tells
        self.mute: frozenset[str] = frozenset()  # models that answer with an error
        self.silent: frozenset[str] = frozenset()  # models that make tokens without text, up to the last one
        self.poisons: frozenset[str] = frozenset()  # adapters after whose first answer every model computes NaN
        self.poisoned = False
        self.full = False  # its queue is
        self.answers = asyncio.Event()  # chats wait for it
        self.answers.set()
        self.generated = 0  # tokens

    def application(self) -> Starlette:
        """Return the ASGI application."""
        return Starlette(
            routes=[
                Route("/v1/models", self._models),
                Route("/metrics", self._metrics),
                Route("/v1/chat/completions", self._chat, methods=["POST"]),
                Route("/tokenize", self._tokenize, methods=["POST"]),
                Route("/v1/load_lora_adapter", self._load, methods=["POST"]),
                Route("/v1/unload_lora_adapter", self._unload, methods=["POST"]),
            ]
        )

    async def _noted(self, request: Request) -> dict[str, Any]:
        body: dict[str, Any] = await request.json()
        self.bodies.append((request.url.path, body))
        return body

    async def _models(self, _request: Request) -> Response:
        return JSONResponse(
            {"data": [{"id": name, "max_model_len": self.reads} for name in (self.base, *self.adapters)]}
        )

    async def _metrics(self, _request: Request) -> Response:
        counted = {"draft_tokens": 40, "accepted_tokens": 30, "drafts": 10}
        lines = [f'{name}_total{{engine="0",model_name="base"}} {count}.0' for name, count in counted.items()]
        told = "".join(f"vllm:spec_decode_num_{line}\n" for line in lines)
        return Response(f'{told}vllm:generation_tokens_total{{model_name="base"}} {self.generated}.0\n')

    async def _tokenize(self, request: Request) -> Response:
        body = await self._noted(request)
        return JSONResponse({"count": sum(len(message["content"].split()) for message in body["messages"])})

    async def _chat(self, request: Request) -> Response:
        body = await self._noted(request)
        await self.answers.wait()
        if self.full:
            return JSONResponse({"error": {"message": "The queue is full."}}, 503)
        if body["model"] in self.mute:
            return JSONResponse({"error": {"message": "no token"}}, 500)
        self.poisoned = self.poisoned or body["model"] in self.poisons
        if self.poisoned and body.get("logprobs"):
            return JSONResponse({"error": {"message": "Out of range float values are not JSON compliant"}}, 400)
        words, why = (("",), "length") if self.poisoned or body["model"] in self.silent else (WORDS, "stop")
        if body.get("stream"):
            return StreamingResponse(self._events(body["model"], words, why), media_type="text/event-stream")
        message = {"role": "assistant", "content": "".join(words)}
        return JSONResponse({"model": body["model"], "choices": [{"message": message, "finish_reason": why}]})

    async def _events(self, model: str, words: tuple[str, ...], why: str) -> AsyncIterator[bytes]:
        for word in words:
            yield _event({"model": model, "choices": [{"index": 0, "delta": {"content": word}}]})
        yield _event({"model": model, "choices": [{"index": 0, "delta": {}, "finish_reason": why}]})
        yield b"data: [DONE]\n\n"

    async def _load(self, request: Request) -> Response:
        body = await self._noted(request)
        if self.refuses:
            reason, self.refuses = self.refuses, ""
            return JSONResponse({"error": {"message": reason}}, 400)
        if body["lora_name"] in self.adapters:
            return JSONResponse({"error": {"message": f"{body['lora_name']} has already been loaded."}}, 400)
        self.adapters[body["lora_name"]] = body["lora_path"]
        return Response("loaded")

    async def _unload(self, request: Request) -> Response:
        self.adapters.pop((await self._noted(request))["lora_name"], None)
        return Response("unloaded")


def _event(payload: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(payload).encode() + b"\n\n"
