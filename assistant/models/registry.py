"""The models of this installation: lanes made from settings, chosen for a turn, and shown to operators."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Literal

from assistant.models.breaker import Breaker, BreakerRules
from assistant.models.engines import LocalEngines
from assistant.models.openai_http import Endpoint, OpenAIModel, Timeouts, fixed
from assistant.models.openai_wire import LOCAL, PLAIN, VLLM
from assistant.models.router import Deadlines, Lane, Routed, Router
from assistant.models.routes import Card, choose
from assistant.models.settings import ModelSettings
from assistant.models.types import ModelStatus
from assistant.models.weights import NAME
from assistant.orchestration.ports import Choice
from assistant.types import Route, Turn

DOMAIN = "domain"
# The supervisor starts a dead engine again within seconds, so it is worth asking soon.
_LOCAL_CANARY_S = 2.0


class Registry:
    """Chooses models for turns and keeps their breakers; a service of the server."""

    name = "models"

    def __init__(self, lanes: Sequence[Lane], engines: LocalEngines | None = None) -> None:
        """`engines` is the local engine when one of the lanes is served by it."""
        self._router = Router(lanes)
        self._engines = engines
        self._stop = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to watch over the models."""
        self._task = asyncio.create_task(self._router.tend(self._stop))

    async def stop(self) -> None:
        """End, and close the connections."""
        self._stop.set()
        if self._task is not None:
            await self._task
        for lane in self._router.lanes.values():
            if isinstance(lane.model, OpenAIModel):
                await lane.model.close()

    def state(self) -> tuple[Literal["ready", "starting", "failed"], str]:
        """Return whether any model answers, with a sentence; without one, answers quote passages."""
        healthy = [status.name for status in self.status() if status.healthy]
        if healthy:
            return "ready", f"Answers come from {', '.join(healthy)}."
        return self._engines.state() if self._engines else ("failed", "No model answers; passages are quoted instead.")

    def choose(self, turn: Turn) -> Choice:
        """Return the model for a turn: several in an order, behind one. Raises ModelRefused for an unknown name."""
        return self.named(turn.options.model)

    def named(self, wanted: str) -> Choice:
        """Return the model of that name, or for "assistant" the best one. Raises ModelRefused for an unknown name."""
        cards = choose(wanted, [self._card(lane) for lane in self._router.lanes.values()])
        return Choice(Routed(self._router, [card.name for card in cards]), cards[0].route, cards[0].tools)

    def status(self) -> Sequence[ModelStatus]:
        """Return every model with its health as last seen; asks nobody."""
        return [self._status(lane) for lane in self._router.lanes.values()]

    def _card(self, lane: Lane) -> Card:
        return Card(lane.name, lane.route(), lane.model.context_tokens, self._status(lane).healthy, lane.tools)

    def _status(self, lane: Lane) -> ModelStatus:
        route, state = lane.route(), lane.breaker.state()
        detail, healthy = lane.seen.problem or "It answers.", state == "closed"
        if self._engines is not None and route.tier == "fallback":
            running, sentence = self._engines.state()
            healthy, detail = healthy and running == "ready", lane.seen.problem or sentence
        return ModelStatus(lane.name, route.tier, route.model, route.adapter, healthy, detail)


def lanes(settings: ModelSettings, engines: LocalEngines | None) -> list[Lane]:
    """Return the lanes that the settings name: vLLM if there is one, then the local engine or what took its place."""
    found = [_vllm(settings)] if settings.vllm_url else []
    if settings.url:
        return [*found, _url(settings)]
    return [*found, _local(settings, engines)] if engines else found


def _vllm(settings: ModelSettings) -> Lane:
    name = settings.vllm_model or DOMAIN
    key = settings.vllm_api_key.get_secret_value() if settings.vllm_api_key else ""
    endpoint = Endpoint(settings.vllm_url, key, settings.vllm_model)
    timeouts = Timeouts(first_token_s=settings.domain_first_token_s, inter_token_s=settings.inter_token_s)
    model = OpenAIModel(name, fixed(endpoint), settings.vllm_context_tokens, timeouts, VLLM)
    return _lane(model, Route(name, None, "domain", ""), timeouts, BreakerRules())


def _url(settings: ModelSettings) -> Lane:
    name = settings.model_name or "model"
    key = settings.model_api_key.get_secret_value() if settings.model_api_key else ""
    timeouts = Timeouts(first_token_s=settings.first_token_s, inter_token_s=settings.inter_token_s)
    model = OpenAIModel(
        name, fixed(Endpoint(settings.url, key, settings.model_name)), settings.context_tokens, timeouts, PLAIN
    )
    return _lane(model, Route(name, None, "fallback", ""), timeouts, BreakerRules())


def _local(settings: ModelSettings, engines: LocalEngines) -> Lane:
    name = settings.gguf.stem if settings.gguf else NAME
    timeouts = Timeouts(first_token_s=settings.first_token_s, inter_token_s=settings.inter_token_s)
    model = OpenAIModel(name, engines.locate, settings.context_tokens, timeouts, LOCAL)
    lane = _lane(model, Route(name, None, "fallback", ""), timeouts, BreakerRules(canary_every_s=_LOCAL_CANARY_S))

    def route() -> Route:
        spec = engines.spec()
        return Route(name, spec.adapter if spec else None, "fallback", "")

    lane.route, lane.tools = route, False
    return lane


def _lane(model: OpenAIModel, route: Route, timeouts: Timeouts, rules: BreakerRules) -> Lane:
    patient = max(rules.silence_s, timeouts.first_token_s)
    breaker = Breaker(
        BreakerRules(rules.failures, patient, rules.canary_every_s, rules.steady_s), time.monotonic
    )  # fmt: skip
    deadlines = Deadlines(timeouts.first_token_s, timeouts.inter_token_s)
    return Lane(model.name, model, lambda: route, breaker, deadlines)
