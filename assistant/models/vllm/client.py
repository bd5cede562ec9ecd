"""Our proxy before a vLLM server, as the assistant asks it about adapters."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assistant.models.errors import AdapterRefused, ModelUnavailable
from assistant.models.openai_http import Endpoint
from assistant.models.speculation import Counters
from assistant.models.types import Guesses

KEY_FILE = Path("run") / "vllm.key"  # in the data folder; `serve-vllm` leaves it there
LOOK_S = 5.0
CHANGE_S = 180.0
MAX_REASON = 800


class Offered(BaseModel):
    """An adapter that the server's registry holds."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: str
    loaded: bool
    rank: int | None = None
    problem: str = ""


class _Listing(BaseModel):
    adapters: tuple[Offered, ...]


class _Model(BaseModel):
    max_model_len: int | None = Field(default=None, ge=1)  # of vLLM; other servers leave it out


class _Models(BaseModel):
    data: tuple[_Model, ...]


class VllmClient:
    """Lists, loads and unloads the adapters of one server."""

    def __init__(self, endpoint: Endpoint, transport: httpx.AsyncBaseTransport | None = None) -> None:
        """`endpoint` is where chats go, too; `transport` takes the network's place in tests."""
        self.url = endpoint.base_url.removesuffix("/").removesuffix("/v1")
        headers = {"Authorization": f"Bearer {endpoint.api_key}"} if endpoint.api_key else {}
        self._client = httpx.AsyncClient(base_url=self.url, headers=headers, transport=transport, trust_env=False)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def adapters(self) -> Sequence[Offered]:
        """Return the adapters on offer there. Raises ModelUnavailable when the server does not tell."""
        return await self._ask("GET", "/adapters", LOOK_S)

    async def guesses(self) -> tuple[Guesses, ...]:
        """Return what guessing tokens has brought there, over all adapters and prompts; () without any."""
        try:
            told = await self.counters()
        except ModelUnavailable:
            return ()
        if not told.guessed:
            return ()
        per_step = 1 + told.accepted / told.guessing_steps if told.guessing_steps else None
        return (Guesses("", True, 0, told.guessed, told.accepted, per_step),)

    async def counters(self) -> Counters:
        """Return what was guessed there since its start. Raises ModelUnavailable when it does not tell."""
        try:
            answer = await self._client.get("/health", timeout=LOOK_S)
            return Counters.model_validate(answer.raise_for_status().json())
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as exc:
            raise ModelUnavailable(f"The vLLM server at {self.url} does not tell what it guesses.") from exc

    async def context_tokens(self) -> int | None:
        """Return how many tokens the models there read, the least of them; None where the server does not tell."""
        try:
            answer = await self._client.get("/v1/models", timeout=LOOK_S)
            listed = _Models.model_validate(answer.raise_for_status().json())
        except (httpx.HTTPError, httpx.InvalidURL, ValueError):
            return None
        return min((model.max_model_len for model in listed.data if model.max_model_len), default=None)

    async def load(self, name: str) -> Sequence[Offered]:
        """Load an adapter. Raises AdapterRefused with the server's reason, ModelUnavailable when it does not answer."""
        return await self._ask("PUT", f"/adapters/{name}", CHANGE_S)

    async def unload(self, name: str) -> Sequence[Offered]:
        """Unload an adapter. Raises what `load` raises."""
        return await self._ask("DELETE", f"/adapters/{name}", CHANGE_S)

    async def _ask(self, method: str, path: str, wait_s: float) -> Sequence[Offered]:
        try:
            answer = await self._client.request(method, path, timeout=wait_s)
        except (httpx.HTTPError, httpx.InvalidURL) as exc:
            raise ModelUnavailable(f"The vLLM server at {self.url} does not answer ({type(exc).__name__}).") from exc
        if answer.status_code == httpx.codes.CONFLICT:
            raise AdapterRefused(_message(answer))
        if answer.status_code in (httpx.codes.BAD_GATEWAY, httpx.codes.SERVICE_UNAVAILABLE):
            raise ModelUnavailable(f"The vLLM server at {self.url} is not ready: {_message(answer)}")
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            raise ModelUnavailable(f"The vLLM server at {self.url} does not take our key. Check vllm_api_key.")
        try:
            return _Listing.model_validate(answer.raise_for_status().json()).adapters
        except (httpx.HTTPStatusError, ValueError, ValidationError) as exc:
            raise ModelUnavailable(
                f"The server at {self.url} does not manage adapters (HTTP {answer.status_code}). "
                "Start vLLM with `assistant models serve-vllm`."
            ) from exc


def _message(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error"]["message"])[:MAX_REASON]
    except (ValueError, KeyError, TypeError):
        return f"The vLLM server refused with HTTP {answer.status_code}."
