"""vLLM behind its private socket: the few of its routes that we use."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from assistant.models.errors import AdapterRefused, ModelUnavailable

BASE = "http://vllm"  # no host: the socket is the address
CONNECT_S = 3.0
LOAD_S = 120.0
READY_S = 5.0
MAX_REASON = 300
_MADE = "vllm:generation_tokens_total"
_GUESSED = "vllm:spec_decode_num_draft_tokens_total"
_ACCEPTED = "vllm:spec_decode_num_accepted_tokens_total"
_DRAFTS = "vllm:spec_decode_num_drafts_total"


class Upstream:
    """One vLLM server."""

    def __init__(self, socket: Path, key: str, transport: httpx.AsyncBaseTransport | None = None) -> None:
        """`transport` takes the place of the socket, as the stand-in of tests does."""
        self._client = httpx.AsyncClient(
            base_url=BASE,
            transport=transport or httpx.AsyncHTTPTransport(uds=str(socket)),
            headers={"Authorization": f"Bearer {key}"},
            timeout=httpx.Timeout(None, connect=CONNECT_S),
            trust_env=False,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def models(self) -> frozenset[str] | None:
        """Return the names that vLLM serves now, base model and adapters; None while it does not answer."""
        try:
            answer = await self._client.get("/v1/models", timeout=READY_S)
            listed = answer.raise_for_status().json()["data"]
            return frozenset(str(entry["id"]) for entry in listed)
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            return None

    async def context_tokens(self) -> int | None:
        """Return how many tokens vLLM reads and writes for one request; None while it does not tell."""
        try:
            answer = await self._client.get("/v1/models", timeout=READY_S)
            told = [entry.get("max_model_len") for entry in answer.raise_for_status().json()["data"]]
            return min((int(length) for length in told if length), default=None)
        except (httpx.HTTPError, ValueError, KeyError, TypeError, AttributeError):
            return None

    async def guesses(self) -> dict[str, int]:
        """Return how many tokens vLLM has guessed, how many of them were right, and in how many steps; 0 without any.

        Over all models: its counters carry the name of the base model and none of an adapter or a prompt.
        """
        try:
            text = (await self._client.get("/metrics", timeout=READY_S)).text
        except httpx.HTTPError:
            text = ""
        names = {"guessed": _GUESSED, "accepted": _ACCEPTED, "guessing_steps": _DRAFTS}
        return {name: _counted(text, counter) for name, counter in names.items()}

    async def generated(self) -> int | None:
        """Return how many tokens vLLM has made, over all models; None while it does not tell."""
        try:
            text = (await self._client.get("/metrics", timeout=READY_S)).text
        except httpx.HTTPError:
            return None
        return _counted(text, _MADE)

    @asynccontextmanager
    async def post(self, path: str, body: Mapping[str, Any]) -> AsyncGenerator[httpx.Response, None]:
        """Yield vLLM's answer before its body was read; leaving the block ends the request there.

        Raises ModelUnavailable when vLLM does not answer.
        """
        try:
            async with self._client.stream("POST", path, json=body) as answer:
                yield answer
        except httpx.HTTPError as exc:
            raise ModelUnavailable(f"vLLM broke off or does not answer ({type(exc).__name__}).") from exc

    async def load(self, name: str, folder: Path) -> None:
        """Load an adapter under `name`. Raises AdapterRefused with vLLM's reason, ModelUnavailable without any."""
        await self._manage("/v1/load_lora_adapter", {"lora_name": name, "lora_path": str(folder.resolve())})

    async def unload(self, name: str) -> None:
        """Unload an adapter. Raises what `load` raises."""
        await self._manage("/v1/unload_lora_adapter", {"lora_name": name})

    async def _manage(self, path: str, body: Mapping[str, str]) -> None:
        try:
            answer = await self._client.post(path, json=body, timeout=LOAD_S)
        except httpx.HTTPError as exc:
            raise ModelUnavailable(f"vLLM does not answer ({type(exc).__name__}); nothing was changed.") from exc
        if answer.status_code != httpx.codes.OK:
            raise AdapterRefused(f"vLLM refused the adapter {body['lora_name']!r}: {reason(answer.content)}")


def reason(content: bytes) -> str:
    """Return the first sentence of the message in an error of vLLM's, whatever form it has."""
    said = content.decode("utf-8", "replace")
    try:
        told = json.loads(content)
        error = told.get("error", told)
        said = str(error["message"] if isinstance(error, dict) else error)
    except (ValueError, KeyError, AttributeError):
        pass
    first = re.split(r"(?<=[.!?])\s|\n", said.strip(), maxsplit=1)[0]
    return first[:MAX_REASON] or "no reason given"


def _counted(text: str, name: str) -> int:
    """Return the sum of a counter over its labels, from Prometheus' text format."""
    lines = (line for line in text.splitlines() if line.startswith((f"{name}{{", f"{name} ")))
    return int(sum(float(line.rpartition(" ")[2]) for line in lines))
